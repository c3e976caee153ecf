"""SQL jobs: what they have of their own, and that their life is that of every job."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks import SQL, Failed, SqlStream, Stack

OTHER = SQL.replace("select name", "select upper(name)")
REMARKED = "-- the same plan\n" + SQL.replace("insert", "insert /* here */\n")
GRAPH = {"operator_list": [{"id": "0a448493b4782967b150582570326227", "parallelism": 2}]}


@pytest.fixture
def sql(stack: Stack) -> SqlStream:
    """An SQL job that is declared, not yet made."""
    return SqlStream(stack)


@pytest.fixture
def running(sql: SqlStream) -> SqlStream:
    sql.up()
    sql.forget()
    return sql


def body(sql: SqlStream, operation: str) -> dict[str, Any]:
    found: dict[str, Any] = sql.stack.requests(operation)[-1]["body"]
    return found


# creation


def test_a_create_always_says_type_and_mode_and_the_job_runs(sql: SqlStream) -> None:
    entry = sql.up(udf_jar_url="obs://jars/a.jar", idle_state_retention=60, dirty_data_strategy="1")
    expected = {
        "job_type": "flink_opensource_sql_job",
        "run_mode": "exclusive_cluster",
        "udf_jar_url": "obs://jars/a.jar",
        "idle_state_retention": 60,
        "dirty_data_strategy": "1",
        "queue_name": "q1",
    }
    sent = body(sql, "sql_jobs.create")
    assert {name: sent[name] for name in expected} == expected
    assert sql.real["definition"]["sql_body"] == SQL
    assert sql.status == entry.outs["status"] == "job_running"
    assert sql.real["definition"]["idle_state_retention"] == 60
    assert not sql.refresh()
    assert sql.preview().action == "same"


@pytest.mark.parametrize("state", ["running", "draft"])
def test_what_a_create_does_not_take_follows_before_the_start(sql: SqlStream, state: str) -> None:
    sql.up(operator_config=GRAPH, static_estimator_config='{"operator_list": []}', flink_version="1.12", state=state)
    assert {"operator_config", "static_estimator_config"}.isdisjoint(body(sql, "sql_jobs.create"))
    assert set(body(sql, "sql_jobs.update")) == {"operator_config", "static_estimator_config"}
    assert sql.writes() == ["create", "update", "run"] if state == "running" else ["create", "update"]
    assert "0a448493b4782967b150582570326227" in sql.real["definition"]["operator_config"]
    assert not sql.refresh()
    assert sql.preview().action == "same"


@pytest.mark.parametrize("state", ["running", "draft"])
def test_a_job_that_was_created_and_not_completed_is_completed_by_the_next_up(sql: SqlStream, state: str) -> None:
    fault = sql.emulator.fault("sql_jobs.update", 400, times=0, code="DLI.0999")
    with pytest.raises(Failed) as failed:
        sql.up(operator_config=GRAPH, state=state)
    assert failed.value.half_done
    sql.emulator.clear_faults(fault)
    sql.up()
    assert sql.real["definition"]["operator_config"]
    assert sql.status == ("job_running" if state == "running" else "job_init")
    assert len(sql.stack.requests("sql_jobs.create")) == 1


def test_a_template_fills_the_text_once_and_is_not_read_again(sql: SqlStream) -> None:
    answer = sql.stack.call("POST", "/v1.0/{p}/streaming/job-templates", {"name": "t", "sql_body": SQL})
    template = answer["template"]["template_id"]
    sql.up(sql_body=None, template_id=template)
    assert sql.real["definition"]["sql_body"] == SQL
    assert not sql.refresh()
    assert sql.preview().action == "same"
    with pytest.raises(Failed, match=r"template_id cannot change: .*at the creation"):
        sql.preview(template_id=template + 1)
    shown = sql.preview(template_id=None, sql_body=SQL)
    assert shown.notes == ["no effect (sql_body, template_id)"]
    sql.forget()
    sql.up(template_id=None, sql_body=SQL)
    assert sql.writes() == []


@pytest.mark.parametrize("flink_version", [None, "1.12"])
def test_a_syntax_error_is_shown_with_line_and_column_and_mended_by_the_next_up(
    sql: SqlStream, flink_version: str | None
) -> None:
    with pytest.raises(Failed, match=r"DLI\.13005|at line 2, column 7") as failed:
        sql.up(sql_body="create table a (x int);\ninsert [ into;", flink_version=flink_version)
    assert "line 2, column 7" in str(failed.value)
    assert failed.value.half_done
    sql.up(sql_body=SQL)
    assert sql.status == "job_running"
    assert len(sql.stack.jobs()) == 1


def test_from_flink_1_15_on_a_syntax_error_fails_the_submission(sql: SqlStream) -> None:
    sql.stack.enter_pool()
    with pytest.raises(Failed, match=r"job_submit_fail.*line 1, column 0"):
        sql.up(sql_body="inserd into;", flink_version="1.15", execution_agency_urn="mine")
    sql.up(sql_body=SQL)
    assert sql.status == "job_running"


# changes


def test_a_change_that_a_running_job_takes_stops_nothing(running: SqlStream) -> None:
    assert running.preview(smn_topic="alarm").notes == ["live change (smn_topic)"]
    running.up(smn_topic="alarm")
    assert running.writes() == ["update"]
    assert body(running, "sql_jobs.update") == {"smn_topic": "alarm"}
    assert running.preview().action == "same"


def test_a_restart_makes_a_savepoint_and_goes_on_from_it(running: SqlStream) -> None:
    assert running.preview(tm_cus=1, idle_state_retention=60).notes[0].startswith("restart with savepoint (idle_state")
    running.up(idle_state_retention=60)
    assert running.writes() == ["stop", "update", "run"]
    assert body(running, "jobs.stop")["trigger_savepoint"] is True
    assert body(running, "jobs.run")["resume_savepoint"] is True
    assert running.real["restored_from"]


@pytest.mark.parametrize("changed", [{"sql_body": OTHER}, {"operator_config": GRAPH}], ids=list)
def test_another_plan_is_refused_before_anything_is_stopped(running: SqlStream, changed: dict[str, Any]) -> None:
    words = r"\((sql_body|operator_config)\) changed: .*may not be able to restore.*stateless.*allow_sql_change=True"
    with pytest.raises(Failed, match=words):
        running.preview(**changed)
    with pytest.raises(Failed, match=words) as failed:
        running.up(**changed)
    assert not failed.value.half_done
    assert running.writes() == []
    assert running.status == "job_running"


def test_another_plan_is_refused_at_the_update_too_when_the_preview_knew_no_text(running: SqlStream) -> None:
    """The text comes out of another resource: the engine calls update without a refusal of the preview."""
    with running.stack.phase() as phase:
        urn, entry = running.stack.urn("FlinkSqlJob", "j"), running.entry
        news = phase.check("FlinkSqlJob", urn, {**running.inputs, "sql_body": OTHER}, entry.inputs)
        with pytest.raises(Failed, match="was left as it is: SQL text"):
            phase.update(entry, news, None)
    assert running.writes() == []


def test_allowed_it_restarts_from_its_savepoint_and_says_so(running: SqlStream) -> None:
    shown = running.preview(sql_body=OTHER, allow_sql_change=True)
    assert shown.notes == ["restart with savepoint (sql_body)"]
    assert any("may not be able to restore" in warning for warning in shown.warnings)
    running.up(sql_body=OTHER, allow_sql_change=True)
    assert running.real["definition"]["sql_body"] == OTHER
    assert body(running, "jobs.run")["resume_savepoint"] is True
    assert running.preview().action == "same"


def test_stateless_it_restarts_without_state(running: SqlStream) -> None:
    assert running.preview(sql_body=OTHER, upgrade_mode="stateless").notes[0].startswith("restart, state is dropped")
    running.up(sql_body=OTHER, upgrade_mode="stateless")
    assert body(running, "jobs.stop")["trigger_savepoint"] is False
    assert running.real["definition"]["sql_body"] == OTHER


def test_last_state_is_warned_of_with_the_words_of_the_faq(running: SqlStream) -> None:
    running.up(checkpoint_enabled=True, checkpoint_interval=30)
    running.emulator.advance(120)
    shown = running.preview(sql_body=OTHER, upgrade_mode="last-state")
    assert any("dli_03_0136" in warning for warning in shown.warnings)
    running.up(sql_body=OTHER, upgrade_mode="last-state")
    assert "/chk-" in running.real["restored_from"][-1]


def test_comments_and_blanks_change_no_plan(running: SqlStream) -> None:
    assert running.preview(sql_body=REMARKED).notes == ["restart with savepoint (sql_body)"]
    running.up(sql_body=REMARKED)
    assert running.writes() == ["stop", "update", "run"]


def test_parallelism_is_warned_of(running: SqlStream) -> None:
    shown = running.preview(parallel_number=2)
    assert shown.notes == ["restart with savepoint (parallel_number)"]
    assert any("parallelism changed" in warning for warning in shown.warnings)


def test_a_job_cannot_be_suspended_into_another_plan(running: SqlStream) -> None:
    """Its savepoint would fit nothing that comes later."""
    with pytest.raises(Failed, match="may not be able to restore"):
        running.up(state="suspended", sql_body=OTHER)
    running.up(state="suspended", sql_body=SQL)
    with pytest.raises(Failed, match="may not be able to restore"):
        running.up(sql_body=OTHER)
    with pytest.raises(Failed, match="may not be able to restore"):
        running.up(state="running")
    running.up(allow_sql_change=True)
    assert running.status == "job_running"


def test_a_job_that_never_ran_takes_any_text(sql: SqlStream) -> None:
    sql.up(state="draft")
    sql.up(sql_body=OTHER)
    assert sql.real["definition"]["sql_body"] == OTHER
    sql.up(state="running", sql_body=SQL)
    assert sql.status == "job_running"


def test_a_version_that_does_not_come_up_is_rolled_back_with_its_state(running: SqlStream) -> None:
    running.up(allow_sql_change=True)
    running.emulator.behave("submit_fail", match={"sql_body": "upper"}, description="no such state")
    with pytest.raises(Failed, match=r"no such state.*previous version runs again from savepoint") as failed:
        running.up(sql_body=OTHER, dirty_data_strategy="1")
    assert not failed.value.half_done
    assert running.status == "job_running"
    definition = running.real["definition"]
    assert (definition["sql_body"], definition["dirty_data_strategy"]) == (SQL, "0")


def test_a_syntax_error_in_a_new_text_goes_back_to_the_old_one(running: SqlStream) -> None:
    with pytest.raises(Failed, match=r"line 3, column 28.*previous version runs again"):
        running.up(sql_body=SQL.replace("name from", "name) from"), allow_sql_change=True)
    assert running.status == "job_running"
    assert running.real["definition"]["sql_body"] == SQL


def test_new_bytes_of_the_functions_restart_the_job(sql: SqlStream) -> None:
    sql.up(udf_jar_url={"path": "obs://jars/a.jar", "digest": "1"})
    sql.forget()
    changed = {"path": "obs://jars/a.jar", "digest": "2"}
    assert sql.preview(udf_jar_url=changed).notes == ["restart with savepoint (udf_jar_url)"]
    sql.up(udf_jar_url=changed)
    assert sql.writes() == ["stop", "run"]


def test_the_type_of_a_job_cannot_change(running: SqlStream) -> None:
    with pytest.raises(Failed, match=r"job_type cannot change.*another name"):
        running.preview(job_type="flink_sql_job")
    assert running.preview().action == "same"
    assert running.writes() == []


def test_what_is_given_no_more_is_cleared(sql: SqlStream) -> None:
    sql.up(udf_jar_url="obs://jars/a.jar", operator_config=GRAPH, idle_state_retention=60, dirty_data_strategy="1")
    sql.up(
        udf_jar_url=None,
        operator_config=None,
        idle_state_retention=None,
        dirty_data_strategy=None,
        upgrade_mode="stateless",
    )
    cleared = {"udf_jar_url": "", "operator_config": "", "idle_state_retention": 3600, "dirty_data_strategy": "0"}
    assert sql.real["definition"].items() >= cleared.items()
    assert not sql.refresh()
    assert sql.preview().action == "same"


# drift, ownership, end


def test_a_refresh_shows_what_somebody_changed_and_up_puts_it_back(running: SqlStream) -> None:
    path = f"/v1.0/{{p}}/streaming/jobs/{running.id}"
    running.stack.call("POST", path.rpartition("/")[0] + "/stop", {"job_ids": [running.id]})
    running.emulator.advance(60)
    running.stack.call("PUT", path.replace("/jobs/", "/sql-jobs/"), {"sql_body": OTHER, "idle_state_retention": 60})
    assert running.refresh()
    assert running.entry.inputs["sql_body"] == OTHER
    assert running.entry.inputs["state"] == "suspended"
    running.up(upgrade_mode="stateless")
    assert running.real["definition"]["sql_body"] == SQL
    assert running.status == "job_running"


def test_ends_of_lines_are_no_drift(running: SqlStream) -> None:
    running.up(sql_body=SQL.replace("\n", "\r\n") + "\n", upgrade_mode="stateless")
    running.stack.jobs()[0]["definition"]["sql_body"] = SQL
    assert not running.refresh()
    assert running.preview().action == "same"


def test_a_job_that_exists_is_adopted_with_what_it_lacks(sql: SqlStream) -> None:
    created = sql.stack.call(
        "POST",
        "/v1.0/{p}/streaming/sql-jobs",
        {"name": "j", "run_mode": "exclusive_cluster", "sql_body": SQL, "queue_name": "q1"},
    )
    with pytest.raises(Failed, match="adopt=True"):
        sql.up()
    sql.up(adopt=True, idle_state_retention=60)
    assert sql.id == created["job"]["job_id"]
    assert sql.real["definition"]["idle_state_retention"] == 60
    assert sql.status == "job_running"


def test_a_running_job_is_adopted_without_a_restart(sql: SqlStream) -> None:
    sql.up()
    del sql.stack.entries["j"]
    sql.forget()
    sql.up(adopt=True)
    assert sql.writes() == ["create"]  # refused for its name
    assert sql.preview().action == "same"


@pytest.mark.parametrize("there", ["FlinkJarJob", "flink_sql_job"])
def test_a_job_of_another_kind_is_never_adopted(sql: SqlStream, there: str) -> None:
    if there == "FlinkJarJob":
        sql.stack.up("FlinkJarJob", "jar", name="j", queue_name="q1", entrypoint="obs://jars/a.jar", obs_bucket="state")
    else:
        sql.stack.up("FlinkSqlJob", "old", **{**sql.inputs, "job_type": "flink_sql_job"})
    sql.stack.entries.clear()
    with pytest.raises(Failed, match="no job can change its job_type: choose another name"):
        sql.up(adopt=True)
    assert len(sql.stack.jobs()) == 1


def test_a_delete_makes_a_last_savepoint(running: SqlStream) -> None:
    running.destroy()
    assert body(running, "jobs.stop")["trigger_savepoint"] is True
    assert any(note.startswith("savepoint obs://state/jobs/savepoint/") for note in running.stack.notes)
    assert running.stack.jobs() == []


def test_a_killed_create_is_found_again(sql: SqlStream) -> None:
    sql.emulator.fault("sql_jobs.create", "drop_after", times=1)
    sql.up(operator_config=GRAPH)
    assert len(sql.stack.jobs()) == 1
    assert sql.status == "job_running"
    assert sql.real["definition"]["operator_config"]
