"""Flink SQL jobs: own fields and rules, syntax at the run, graphs, templates; the life of every job (dli-api 14)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.emulator.conftest import Caller

ROOT = "/v1.0/{p}/streaming"
SQL = """create table orders (name string, num int) with ('connector' = 'datagen'); -- it's made up
create table sink (name string) with ('connector' = 'print');
insert into sink select name from orders;"""


@pytest.fixture
def sql(call: Caller) -> Caller:
    """A project with a queue that has run a job, so that starts take 30 s."""
    call.queue()
    return call


def test_the_defaults_contradict_each_other_and_are_refused(sql: Caller) -> None:
    both = _try(sql, job_type=None, run_mode=None)
    assert (both.status_code, both.json()["error_code"]) == (400, "DLI.0001")
    assert "run_mode" in both.json()["error_msg"]
    assert _try(sql, "old", job_type="flink_sql_job", run_mode="shared_cluster").ok
    sql.emulator.quirk(lax_run_mode=True)
    assert _try(sql, "lax", job_type=None, run_mode=None).ok


def test_what_is_left_out_has_the_documented_default(sql: Caller) -> None:
    created = sql("POST", f"{ROOT}/sql-jobs", {"name": "bare", "job_type": "flink_sql_job"})
    details = sql.details(created.json()["job"]["job_id"])
    assert (details["run_mode"], details["sql_body"], details["main_class"]) == ("shared_cluster", "", None)
    expected = {
        "idle_state_retention": 3600,
        "dirty_data_strategy": "0",
        "udf_jar_url": "",
        "operator_config": "",
        "static_estimator_config": "",
        "checkpoint_mode": "exactly_once",
        "checkpoint_interval": 10,
        "cu_number": 2,
        "feature": None,
    }
    assert {name: details["job_config"][name] for name in expected} == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "a b"},
        {"name": "name\n"},
        {"job_type": "flink_jar_job"},
        {"run_mode": "anywhere"},
        {"sql_body": "x" * (1024 * 1024 + 1)},
        {"cu_number": 18},
        {"parallel_number": 5},
        {"checkpoint_enabled": True, "obs_bucket": None},
        {"checkpoint_enabled": True, "obs_bucket": "b", "checkpoint_interval": 0},
        {"edge_group_ids": [1]},
        {"flink_log_config": "{"},
        {"flink_version": "1.15", "udf_jar_url": "group/test.jar"},
        {"flink_version": "1.12", "resource_config_version": "v2"},
    ],
    ids=",".join,
)
def test_what_an_sql_job_must_not_be(sql: Caller, fields: dict[str, Any]) -> None:
    answer = _try(sql, **fields)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")


def test_a_shared_cluster_binds_no_queue_and_so_does_not_run(sql: Caller) -> None:
    job_id = _job(sql, job_type="flink_sql_job", run_mode="shared_cluster", queue_name="q")
    assert sql.details(job_id)["queue_name"] == ""
    assert sql.run(job_id).json()[0]["error_code"] == "DLI.13024"
    assert _update(sql, job_id, run_mode="exclusive_cluster", queue_name="q").ok
    assert sql.run(job_id).ok
    fresh = _job(sql, "fresh")
    assert "run_mode" in _update(sql, fresh, run_mode="shared_cluster").json()["error_msg"]


def test_it_lives_as_every_job_does(sql: Caller) -> None:
    job_id = _job(sql, checkpoint_enabled=True, checkpoint_interval=30, obs_bucket="bucket")
    assert sql.run(job_id).ok
    sql.emulator.advance(480)
    assert sql.status(job_id) == "job_running"
    assert sql("GET", f"{ROOT}/jobs/{job_id}/execute-graph").ok
    assert sql.stop(job_id, savepoint=True).ok
    sql.emulator.advance(40)
    details = sql.details(job_id)
    assert details["savepoint_path"].startswith(f"obs://bucket/jobs/savepoint/{job_id}/")
    assert details["job_config"]["checkpoint_path"] == f"bucket/jobs/checkpoint/{job_id}_sql"
    assert _update(sql, job_id, sql_body=SQL + " ").ok
    assert sql.run(job_id, resume=True).ok
    sql.emulator.advance(30)
    assert sql.status(job_id) == "job_running"
    assert sql.emulator.jobs()[0]["state_seconds"] > 0


def test_the_list_tells_kinds_apart_and_shows_sql_only_in_detail(sql: Caller) -> None:
    _job(sql)
    _job(sql, "old", job_type="flink_sql_job")
    sql.job("jar")

    def listed(**query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = sql("GET", f"{ROOT}/jobs", params=query).json()["job_list"]["jobs"]
        return rows

    assert [row["name"] for row in listed(job_type="flink_sql_job")] == ["old"]
    assert [row["name"] for row in listed(job_type="flink_opensource_sql_job")] == ["sql"]
    assert {"sql_body" in row for row in listed()} == {False}
    assert [row["sql_body"] for row in listed(show_detail="true", order="asc")] == [SQL, SQL, ""]


# syntax


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", [1, 0]),
        ("create table t (a int);", [1, 23]),
        ("select * from s", [1, 15]),
        ("insrt into t select 1", [1, 0]),
        ("create table t (a int;\ninsert into t select 1", [1, 15]),
        ("insert into t\nselect (1))", [2, 10]),
        ("insert into t\nselect 'a", [2, 7]),
        ("insert into t select `a", [1, 21]),
        ("insert into t select 1 /* never", [1, 23]),
        ("insert into t values (1]", [1, 23]),
        ("-- only a comment\n  'text' into t", [2, 2]),
    ],
)
def test_sql_that_does_not_parse_is_refused_at_the_run_with_its_place(sql: Caller, text: str, start: list[int]) -> None:
    job_id = _job(sql, sql_body=text)
    answer = sql.run(job_id)
    assert answer.status_code == 400
    (element,) = answer.json()
    assert element["error_code"] == "DLI.13005"
    assert element["error_json_opt"]["message"]["start"] == start
    assert sql.status(job_id) == "job_init"
    sql.emulator.quirk(lax_sql_syntax=True)
    assert sql.run(job_id).ok


@pytest.mark.parametrize(
    "text",
    [
        SQL,
        "INSERT INTO t SELECT 'it''s', \"x;(\", `y` FROM s",
        "/* (( ; */ set 'a' = 'b';\n\nbegin statement set; insert into t select 1; end;",
        "with x as (select 1) select * from x; insert into t select * from x",
        "insert into t select a['k'] from s; -- the end (",
    ],
)
def test_sql_that_parses_runs(sql: Caller, text: str) -> None:
    assert sql.run(_job(sql, sql_body=text)).ok


def test_flink_1_15_has_no_check_and_fails_when_it_comes_up(sql: Caller) -> None:
    job_id = _job(sql, sql_body="insert into t select (1", flink_version="1.15")
    assert sql.run(job_id).ok
    assert sql.status(job_id) == "job_submit_fail"
    assert "line 1, column 21" in sql.details(job_id)["status_desc"]


# updates


def test_updates_of_a_running_job_take_the_graphs_texts_and_no_sql(sql: Caller) -> None:
    job_id = _job(sql)
    sql.run(job_id)
    sql.emulator.advance(480)
    assert _update(sql, job_id, sql_body=SQL).json()["error_code"] == "DLI.15002"
    assert _update(sql, job_id, checkpoint_interval=20).json()["error_code"] == "DLI.15002"
    assert _update(sql, job_id, operator_config="", static_estimator_config="", resume_max_num=3).ok
    assert sql.details(job_id)["job_config"]["resume_max_num"] == 3


def test_the_graphs_texts_come_by_update_only_and_an_empty_one_clears(sql: Caller) -> None:
    config = '{"operator_list":[{"id":"a","parallelism":2}]}'
    job_id = _job(sql, operator_config=config)
    shown = []
    for value in (None, config, ""):
        if value is not None:
            assert _update(sql, job_id, operator_config=value).ok
        shown.append(sql.details(job_id)["job_config"]["operator_config"])
    assert shown == ["", config, ""]
    assert _update(sql, job_id, operator_config="{").json()["error_code"] == "DLI.0001"


def test_a_jar_body_is_not_for_an_sql_job_nor_the_other_way_round(sql: Caller) -> None:
    job_id, jar_id = _job(sql), sql.job("jar")
    wrong = [
        sql("PUT", f"{ROOT}/flink-jobs/{job_id}", {"main_class": "x"}),
        sql("PUT", f"{ROOT}/sql-jobs/{jar_id}", {"sql_body": SQL}),
    ]
    assert [(answer.status_code, answer.json()["error_code"]) for answer in wrong] == [(400, "DLI.0001")] * 2
    sql.emulator.quirk(lax_job_kind=True)
    assert sql("PUT", f"{ROOT}/sql-jobs/{jar_id}", {"desc": "x"}).ok


@pytest.mark.parametrize(
    ("change", "mode", "status"),
    [
        ({"sql_body": SQL + " "}, "restored", "job_submitting"),
        ({"sql_body": SQL + " "}, "refused", "job_submit_fail"),
        ({"parallel_number": 2}, "refused", "job_submit_fail"),
        ({"tm_cus": 1}, "refused", "job_submitting"),
    ],
)
def test_a_checkpoint_after_a_change_of_the_program(
    sql: Caller, change: dict[str, Any], mode: str, status: str
) -> None:
    job_id = _job(sql, checkpoint_enabled=True, checkpoint_interval=30, obs_bucket="bucket")
    sql.run(job_id)
    sql.emulator.advance(480 + 95)
    sql.stop(job_id)
    sql.emulator.advance(20)
    keys = sql("GET", "/obs/bucket").text
    folder = keys.split("<Key>")[1].split("_metadata")[0]
    assert "/chk-" in folder
    assert sql("POST", f"{ROOT}/jobs/{job_id}/import-savepoint", {"savepoint_path": f"obs://bucket/{folder}"}).ok
    assert _update(sql, job_id, **change).ok
    sql.emulator.quirk(checkpoint_after_change=mode)
    assert sql.run(job_id, resume=True).ok
    assert sql.status(job_id) == status


# graphs


def test_a_graph_is_made_of_the_sql_and_its_ids_are_stable(sql: Caller) -> None:
    job_id = _job(sql)
    answer = _graph(sql, job_id, parallel_number=2).json()
    assert (answer["is_success"], answer["message"], answer["error_code"]) == (True, "", "")
    graph = json.loads(answer["stream_graph"])
    assert [node["parallelism"] for node in graph["nodes"]] == [2, 2]
    source, sink = graph["operator_list"]
    assert (source["type"], sink["type"], sink["tags"]) == ("Source", "Sink", "[SINK]")
    assert sink["input_operators_id"] == [source["id"]]
    assert len(source["id"]) == 32
    again = json.loads(_graph(sql, job_id, parallel_number=2).json()["stream_graph"])
    assert again == graph
    own = json.dumps({"operator_list": [{"id": source["id"], "parallelism": 4}]})
    nodes = json.loads(_graph(sql, job_id, operator_config=own).json()["stream_graph"])["nodes"]
    assert [node["parallelism"] for node in nodes] == [4, 1]


def test_graphs_are_for_versions_before_1_15_and_sql_that_parses(sql: Caller) -> None:
    job_id = _job(sql)
    assert _graph(sql, job_id, flink_version="1.15").json()["error_code"] == "DLI.0007"
    assert _graph(sql, job_id, flink_version="1.12").json()["is_success"] is True
    for text in ("insert into", "insert into t select (1"):
        answer = _graph(sql, job_id, sql_body=text)
        assert answer.status_code == 200
    assert (answer.json()["is_success"], answer.json()["error_code"]) == (False, "JK.1001")
    with_function = "create function f as 'x.Y'; insert into t select f(a) from s"
    assert _graph(sql, job_id, sql_body=with_function).json()["error_code"] == "JK.1001"
    assert _graph(sql, job_id, static_estimator=True).status_code == 400
    assert _graph(sql, job_id, job_type="flink_sql_job").status_code == 400
    assert _graph(sql, job_id, operator_config="[]").status_code == 400
    assert _graph(sql, 1).json()["error_code"] == "DLI.16001"
    sql.emulator.quirk(lax_sql_graph=True)
    assert _graph(sql, job_id, flink_version="1.15", sql_body=with_function).json()["is_success"] is True


# templates


def test_a_template_fills_an_absent_text_and_never_a_given_one(sql: Caller) -> None:
    templates = f"{ROOT}/job-templates"
    made = sql("POST", templates, {"name": "t", "sql_body": SQL, "desc": "d"}).json()["template"]
    assert made["template_id"] == 100_000
    job_id = _job(sql, sql_body=None, template_id=100_000)
    assert sql.details(job_id)["sql_body"] == SQL
    other = _job(sql, "other", sql_body="insert into a select 1", template_id=100_000)
    assert sql.details(other)["sql_body"] == "insert into a select 1"
    assert _job(sql, "third", template_id=1)  # with a text of its own nobody looks
    assert _try(sql, "fourth", sql_body=None, template_id=1).json()["error_code"] == "DLI.18005"
    one = f"{templates}/100000"
    assert sql("PUT", one, {"desc": "new"}).ok
    listed = sql("GET", templates).json()["template_list"]
    assert (listed["total_count"], listed["templates"][0]["desc"]) == (1, "new")
    assert listed["templates"][0]["sql_body"] == SQL
    assert sql("DELETE", one).ok
    assert sql("DELETE", one).json()["error_code"] == "DLI.18005"
    assert sql("POST", templates, {}).json()["error_code"] == "DLI.18006"
    assert sql("GET", templates, params={"limit": 0}).json()["error_code"] == "DLI.1206"


def _try(call: Caller, name: str = "sql", **fields: Any) -> requests.Response:
    body = {
        "name": name,
        "job_type": "flink_opensource_sql_job",
        "run_mode": "exclusive_cluster",
        "queue_name": "q",
        "sql_body": SQL,
        **fields,
    }
    return call("POST", f"{ROOT}/sql-jobs", {key: value for key, value in body.items() if value is not None})


def _job(call: Caller, name: str = "sql", **fields: Any) -> int:
    answer = _try(call, name, **fields)
    assert answer.ok, answer.text
    return int(answer.json()["job"]["job_id"])


def _update(call: Caller, job_id: int, **fields: Any) -> requests.Response:
    return call("PUT", f"{ROOT}/sql-jobs/{job_id}", fields)


def _graph(call: Caller, job_id: int, **fields: Any) -> requests.Response:
    body = {"sql_body": SQL, "job_type": "flink_opensource_sql_job", "graph_type": "job_graph", **fields}
    return call("POST", f"/v3/{{p}}/streaming/jobs/{job_id}/gen-graph", body)
