"""Whole programs with jobs of both kinds: pool, queue, connection, jar job and SQL job, all their life."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.__main__ import main
from pulumi_dli.emulator.testing import Emulator
from tests.engines import CLI_WHEN_SLOW, PROJECT_ID, SLOW_CLI_ONLY, Engine, call, leftovers
from tests.stacks import SQL

PROGRAM = """
pool = dli.ElasticResourcePool("one", min_cu=64, max_cu=64, cidr_in_vpc="10.0.0.0/16")
queue = dli.Queue("streams", cu_count=16, elastic_resource_pool_name=pool.elastic_resource_pool_name)
kafka = dli.DatasourceConnection(
    "kafka", dest_vpc_id="vpc-1", dest_network_id="net-1",
    elastic_resource_pools=[pool.elastic_resource_pool_name],
)
after = pulumi.ResourceOptions(depends_on=[kafka])
row = {"queue_name": queue.queue_name, "obs_bucket": "state", "opts": after}
jar = dli.FlinkJarJob(
    "counter", entrypoint="obs://jars/app.jar", main_class="Main", entrypoint_args=config.get("args"), **row
)
sql = dli.FlinkSqlJob(
    "orders",
    sql_file="orders.sql",
    udf_jar_url=dli.UploadedPackage("functions", source="udf.jar", bucket="jars").package,
    operator_config={"operator_list": [{"id": "0a448493b4782967b150582570326227", "parallelism": 1}]},
    flink_version="1.12",
    idle_state_retention=config.get_int("retention"),
    allow_sql_change=config.get_bool("allow"),
    **row,
)
pulumi.export("status", [jar.status, sql.status])
pulumi.export("text", sql.sql_body)
"""
OTHER = SQL.replace("select name", "select upper(name)")


def _write(engine: Engine, dli: Emulator) -> None:
    engine.write(PROGRAM)
    (engine.project / "orders.sql").write_text(SQL, encoding="utf-8")
    (engine.project / "udf.jar").write_bytes(b"functions")
    dli.put_object("jars", "app.jar")
    engine.connect(dli)


def _kinds(dli: Emulator) -> dict[str, Any]:
    return {job["name"]: job for job in dli.jobs()}


@CLI_WHEN_SLOW
def test_jobs_of_both_kinds_come_up_upgrade_and_go(engine: Engine, dli: Emulator) -> None:
    _write(engine, dli)
    made = engine.up()
    assert made.ok, made.text
    assert set(made.ops()) == {"one", "streams", "kafka", "counter", "orders", "functions"}
    assert engine.outputs() == {"status": ["job_running", "job_running"], "text": SQL}
    calls = len(dli.requests())
    assert engine.preview().ops() == {}
    assert len(dli.requests()) == calls, "a preview without changes asks nothing"
    assert engine.refresh(preview_only=True, expect_no_changes=True).ok

    engine.configure({"args": "--release 2", "retention": "60"})
    planned = engine.preview()
    assert planned.ops() == {"counter": "update", "orders": "update"}
    assert planned.says("orders", "info") == ["restart with savepoint (idle_state_retention)"]
    changed = engine.up()
    assert changed.ok, changed.text
    assert all(job["restored_from"] for job in dli.jobs()), "an upgrade dropped state"

    (engine.project / "orders.sql").write_text(OTHER, encoding="utf-8")
    refused = engine.preview()
    assert not refused.ok
    assert "SQL text (sql_body) changed: a savepoint holds the state" in refused.text
    assert "allow_sql_change=True" in refused.text
    assert _kinds(dli)["orders"]["status"] == "job_running"
    engine.configure({"allow": "true"})
    allowed = engine.up()
    assert allowed.ok, allowed.text
    assert allowed.ops() == {"orders": "update"}
    assert _kinds(dli)["orders"]["definition"]["sql_body"] == OTHER

    (engine.project / "udf.jar").write_bytes(b"other functions")
    assert engine.up().ops() == {"functions": "update", "orders": "update"}
    assert engine.preview(refresh=True).ops() == {}
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []


@CLI_WHEN_SLOW
def test_a_syntax_error_is_told_with_its_place_and_the_job_is_kept(engine: Engine, dli: Emulator) -> None:
    _write(engine, dli)
    (engine.project / "orders.sql").write_text("create table a (x int);\ninsert [ into;", encoding="utf-8")
    failed = engine.up()
    assert not failed.ok
    assert any("DLI.13005" in text and "line 2, column 7" in text for text in failed.errors())
    (engine.project / "orders.sql").write_text(SQL, encoding="utf-8")
    mended = engine.up()
    assert mended.ok, mended.text
    assert engine.outputs()["status"] == ["job_running", "job_running"]


@CLI_WHEN_SLOW
@pytest.mark.parametrize(("bytes_", "words"), [(None, "No such file or directory"), (b"\xff", "it is no UTF-8 text")])
def test_a_file_that_cannot_be_read_is_told_by_the_program(
    engine: Engine, dli: Emulator, bytes_: bytes | None, words: str
) -> None:
    _write(engine, dli)
    file = engine.project / "orders.sql"
    file.unlink() if bytes_ is None else file.write_bytes(bytes_)
    failed = engine.preview()
    assert not failed.ok
    assert f"The SQL file orders.sql cannot be read: {words}" in failed.text
    assert "Traceback" not in failed.text


def _by_hand(dli: Emulator) -> dict[str, str]:
    """A queue and running jobs of each kind that no program made; the ids of the jobs by name."""
    queue = {"queue_name": "streams", "queue_type": "general", "cu_count": 16, "resource_mode": 1}
    call(dli, "POST", "/v1.0/{p}/queues", queue)
    dli.put_object("jars", "app.jar")
    common = {"queue_name": "streams", "obs_bucket": "state"}
    own = {"run_mode": "exclusive_cluster", "sql_body": SQL, "idle_state_retention": 60}
    bodies = {
        "jar": ("flink-jobs", {"entrypoint": "obs://jars/app.jar", "main_class": "Main"}),
        "open": ("sql-jobs", {**own, "udf_jar_url": "obs://jars/app.jar", "tags": [{"key": "team", "value": "a"}]}),
        "old": ("sql-jobs", {**own, "job_type": "flink_sql_job"}),
    }
    ids = {}
    for name, (family, body) in bodies.items():
        made = call(dli, "POST", f"/v1.0/{{p}}/streaming/{family}", {"name": name, **common, **body})
        ids[name] = str(made["job"]["job_id"])
    graph = {"operator_config": '{"operator_list": [{"id": "a", "parallelism": 2}]}'}
    call(dli, "PUT", f"/v1.0/{{p}}/streaming/sql-jobs/{ids['open']}", graph)
    call(dli, "POST", "/v1.0/{p}/streaming/jobs/run", {"job_ids": [int(job_id) for job_id in ids.values()]})
    dli.advance(1800)
    assert {job["status"] for job in dli.jobs()} == {"job_running"}
    return ids


@SLOW_CLI_ONLY
@pytest.mark.parametrize("redact", [False, True])
def test_what_is_imported_into_an_empty_stack_has_no_changes_and_goes_with_it(
    engine: Engine,
    dli: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    redact: bool,
) -> None:
    ids = _by_hand(dli)
    file = tmp_path / "import.json"
    for name in [name for name in os.environ if name.startswith(("OS_", "HW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_ACCESS_KEY", "local")
    monkeypatch.setenv("OS_SECRET_KEY", "local-secret")
    words = ["--endpoint", dli.url, "--project-id", PROJECT_ID, "--out", str(file), *(["--redact"] if redact else [])]
    assert main(["import", *words]) == 0
    told = capsys.readouterr().out
    assert ("datagen" in told) is not redact, "a text of SQL may hold a password"
    engine.write("")
    (engine.project / "__main__.py").write_text(told, encoding="utf-8")
    engine.connect(dli)
    if redact:
        engine.configure({f"job_{name}_sql_body": SQL for name in ("open", "old")}, secret=True)
    engine.import_file(file)
    there = engine.resources()
    assert {name: there[name]["id"] for name in ids} == ids
    assert there["old"]["inputs"]["job_type"] == "flink_sql_job"
    planned = engine.preview(refresh=True)
    assert planned.ok, planned.text
    assert planned.ops() == {} or redact
    assert {job["status"] for job in dli.jobs()} == {"job_running"}
    assert engine.up().ok
    assert engine.preview().ops() == {}
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []
