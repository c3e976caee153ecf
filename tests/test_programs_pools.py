"""Whole programs with a pool: from nothing to a queue in it and back, with the arithmetic in the preview."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pulumi_dli.__main__ import main
from pulumi_dli.emulator.testing import Emulator
from tests.engines import CLI_WHEN_SLOW, EMBEDDED_ONLY, PROJECT_ID, Engine, Result, call, calls, leftovers

PROGRAM = """
pool = dli.ElasticResourcePool("shared", min_cu=64, max_cu=128)
for name, cus in config.require_object("queues").items():
    dli.Queue(name, cu_count=cus, elastic_resource_pool_name=pool.elastic_resource_pool_name)
pulumi.export("pool", dli.get_elastic_resource_pool_output(pool.id).status)
"""


@CLI_WHEN_SLOW
def test_a_pool_with_its_queues_comes_changes_and_goes(engine: Engine, dli: Emulator) -> None:
    engine.write(PROGRAM)
    engine.connect(dli)
    engine.configure({"queues": json.dumps({"one": 48, "two": 32})})
    planned = engine.preview()
    assert not planned.ok
    assert "80 CUs from 00:00 on (one 48, two 32)" in planned.text
    assert {*calls(dli)} <= {"pools.list", "queues.list"}
    engine.configure({"queues": json.dumps({"one": 32, "two": 32})})
    made = engine.up()
    assert made.ok, made.text
    assert engine.resources()["shared"]["outputs"]["available_time"]
    before = calls(dli)
    assert engine.preview().ops() == {}
    assert {name for name, count in calls(dli).items() if count != before.get(name)} <= {"pools.list"}
    engine.configure({"queues": json.dumps({"one": 16, "two": 48})})
    changed = engine.up()
    assert changed.ok, changed.text
    assert changed.ops() == {"one": "update", "two": "update"}
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []


def test_a_pool_and_its_queues_are_imported_with_their_policies(
    dli: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith(("OS_", "HW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_ACCESS_KEY", "local")
    monkeypatch.setenv("OS_SECRET_KEY", "local-secret")
    by_hand(dli)
    file = tmp_path / "import.json"
    words = ["import", "--endpoint", dli.url, "--project-id", PROJECT_ID, "--out", str(file)]
    assert main([*words, "--pool", "Shared", "--queue", "fast"]) == 0
    told = capsys.readouterr().out
    compile(told, "__main__.py", "exec")
    assert told.index("pool_shared = dli.ElasticResourcePool(") < told.index("queue_fast = dli.Queue(")
    assert "min_cu=64" in told
    assert "elastic_resource_pool_name=pool_shared.elastic_resource_pool_name" in told
    assert "cu_count=16" in told
    assert "'impact_start_time': '08:00'" in told
    entries = {entry["name"]: entry for entry in json.loads(file.read_text())["resources"]}
    assert {name: entry["id"] for name, entry in entries.items()} == {"shared": "shared", "fast": "fast"}
    assert main([*words, "--pool", "missing"]) == 1


def by_hand(dli: Emulator) -> None:
    """A pool with a queue that no program made."""
    pool = {"elastic_resource_pool_name": "Shared", "min_cu": 64, "max_cu": 128}
    call(dli, "POST", "/v3/{p}/elastic-resource-pools", pool)
    dli.advance(200)
    queue = {"queue_name": "Fast", "queue_type": "general", "cu_count": 16, "resource_mode": 1}
    call(dli, "POST", "/v1.0/{p}/queues", {**queue, "elastic_resource_pool_name": "shared"})
    dli.advance(1200)
    whole = {"priority": 1, "impact_start_time": "00:00", "impact_stop_time": "24:00", "min_cu": 16, "max_cu": 16}
    day = {**whole, "impact_start_time": "08:00", "impact_stop_time": "20:00", "max_cu": 64}
    path = "/v3/{p}/elastic-resource-pools/shared/queues/fast"
    call(dli, "PUT", path, {"queue_scaling_policies": [day, whole]})


JOB_PROGRAM = """
pool = dli.ElasticResourcePool("shared", min_cu=64, max_cu=128)
inside = dli.Queue("inside", cu_count=16, elastic_resource_pool_name=pool.elastic_resource_pool_name)
outside = dli.Queue("outside", cu_count=16)
dli.FlinkJarJob(
    "job",
    queue_name=config.require("queue"),
    cu_number=config.require_int("cus"),
    flink_version="1.15",
    execution_agency_urn=config.get("agency"),
    entrypoint="obs://jars/app.jar",
    upgrade_mode="stateless",
    opts=pulumi.ResourceOptions(depends_on=[inside, outside]),
)
"""


@EMBEDDED_ONLY
def test_the_preview_holds_a_job_against_the_queue_that_the_program_declares(engine: Engine, dli: Emulator) -> None:
    """What the program says of its queue is enough, and of another queue nothing is known."""
    engine.write(JOB_PROGRAM)
    engine.connect(dli)

    def preview(**settings: str) -> Result:
        engine.configure({"queue": "inside", "cus": "2", "agency": "my-agency", **settings})
        return engine.preview()

    good = preview()
    assert good.ok, good.text
    assert "not checked" not in good.text

    outside = preview(queue="outside")
    assert not outside.ok
    assert "execution_agency_urn: only jobs on queues in an elastic resource pool may name an agency" in outside.text
    large = preview(cus="17")
    assert not large.ok
    assert "cu_number: the queue has 16 CUs, and a job cannot have more" in large.text
    strange = preview(queue="of_somebody_else")
    assert strange.ok, strange.text
    assert "not checked: whether its queue goes with execution_agency_urn" in strange.text
    assert {*calls(dli)} <= {"pools.list", "queues.list", "jobs.list"}


@EMBEDDED_ONLY
def test_a_queue_that_is_taken_over_may_be_in_a_pool_that_the_program_does_not_name(
    engine: Engine, dli: Emulator
) -> None:
    by_hand(dli)
    engine.write(
        """
        queue = dli.Queue("fast", cu_count=16, adopt=True)
        dli.FlinkJarJob(
            "job", queue_name=queue.queue_name, flink_version="1.15", execution_agency_urn="my-agency",
            entrypoint="obs://jars/app.jar", upgrade_mode="stateless",
        )
        """
    )
    engine.connect(dli)
    planned = engine.preview()
    assert planned.ok, planned.text
    made = engine.up()
    assert made.ok, made.text
    assert [job["status"] for job in dli.jobs()] == ["job_running"]
    assert "not checked" not in engine.preview().text
