"""Every folder `examples/NN-name` with a Pulumi.yaml: previewed, applied, changed and destroyed on the local DLI.

An example is discovered, not listed: a new one only needs an entry in CHANGES, which says what a reader would change.
Those that need Java are run by tests/flink.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.documented import SEED_JOB
from tests.engines import EMBEDDED_ONLY, Engine, call, leftovers

pytestmark = pytest.mark.slow  # part of `make test-full`

EXAMPLES = sorted(path.parent for path in (Path(__file__).parent.parent / "examples").glob("[0-9][0-9]-*/Pulumi.yaml"))
CHANGES: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "01-quickstart": ({"parallelism": "2"}, {"counter": "update"}),
    "02-suspend-and-resume": ({"state": "suspended"}, {"orders": "update"}),
    "04-flow-of-2023": ({"jobs": "3"}, {"test3": "delete"}),
    "06-sql-job": ({"retention": "7200"}, {"orders-per-customer": "update"}),
    "05-kafka-in-a-vpc": ({"reports": "true"}, {"reports": "create", "kafka": "update"}),
}
OBJECTS = re.compile(r"[\w.-]+\.(?:jar|csv)")


def examples() -> list[object]:
    java = [path for path in EXAMPLES if (path / "java").is_dir()]
    skip = [pytest.mark.java, pytest.mark.skip(reason="needs a jar built with Java: see tests/flink")]
    return [pytest.param(path, id=path.name, marks=skip if path in java else []) for path in EXAMPLES]


def prepare(engine: Engine, dli: Emulator, example: Path) -> None:
    """The example as a project, its files beside it and in its bucket, its stack pointed at the local DLI."""
    program = (example / "__main__.py").read_text(encoding="utf-8")
    bucket = re.findall(r'config.get\("bucket"\) or "(.*?)"', program)[0]
    engine.copy(example)
    for name in OBJECTS.findall(program):
        dli.put_object(bucket, name, name.encode())
        (engine.project / name).write_bytes(name.encode())
    engine.connect(dli)


@EMBEDDED_ONLY
@pytest.mark.parametrize("example", examples())
def test_an_example_does_what_its_page_says(engine: Engine, dli: Emulator, example: Path) -> None:
    prepare(engine, dli, example)
    settings, expected = CHANGES[example.name]

    planned = engine.preview()
    assert planned.ok, planned.text
    made = engine.up()
    assert made.ok, made.text
    assert made.ops() == planned.ops()
    assert set(made.ops().values()) == {"create"}

    engine.configure(settings)
    changed = engine.up()
    assert changed.ok, changed.text
    assert changed.ops() == expected
    rest = engine.preview()
    assert (rest.ops(), rest.drifted()) == ({}, {})

    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []


def test_every_example_has_a_page_and_a_change_to_try() -> None:
    assert len(EXAMPLES) >= 4
    for path in EXAMPLES:
        page = (path / "README.md").read_text(encoding="utf-8")
        assert page.startswith("# ")
        assert (path / "java").is_dir() or path.name in CHANGES


@EMBEDDED_ONLY
@pytest.mark.slow
def test_a_suspended_job_resumes_from_its_savepoint_and_saves_on_demand(engine: Engine, dli: Emulator) -> None:
    """The story of the page of `02-suspend-and-resume`, from the night on."""
    prepare(engine, dli, next(path for path in EXAMPLES if path.name == "02-suspend-and-resume"))
    assert engine.up().ok
    engine.configure({"state": "suspended"})
    stopped = engine.up()
    assert stopped.ok, stopped.text
    (job,) = dli.jobs()
    assert job["status"] == "job_cancel_success"
    saved = engine.outputs()["savepoint"]
    assert saved == job["savepoint_path"]

    engine.configure({"state": "running"})
    resumed = engine.up()
    assert resumed.ok, resumed.text
    (job,) = dli.jobs()
    assert (job["status"], job["restored_from"]) == ("job_running", [saved])

    engine.configure({"savepoint": "before-migration"})
    again = engine.up()
    assert again.ok, again.text
    assert len(dli.requests(operation="jobs.savepoint")) == 1
    outputs = engine.outputs()
    assert outputs["status"] == "job_running"
    assert outputs["savepoint"] not in (None, saved)
    assert [item["path"] for item in outputs["savepoints"]][-2:] == [saved, outputs["savepoint"]]


@pytest.mark.slow
def test_the_flow_of_2023_makes_the_calls_of_its_guide(engine: Engine, dli: Emulator) -> None:
    """Queue, packages in a group, a query of them, the guide's jobs, and one call that runs them all (dli_02_0310)."""
    prepare(engine, dli, next(path for path in EXAMPLES if path.name == "04-flow-of-2023"))
    engine.configure({"dli:pollSeconds": "2"})  # for so long a start waits for others, to go with them in one call
    made = engine.up(parallel=16)
    assert made.ok, made.text
    [queue] = [request["body"] for request in dli.requests(operation="queues.create")]
    asked = {name: queue[name] for name in ("queue_name", "queue_type", "resource_mode")}
    assert asked == {"queue_name": "testqueue", "queue_type": "general", "resource_mode": 1}
    assert "elastic_resource_pool_name" not in queue
    ours = {"queue_name": "testqueue", "obs_bucket": "bucketname", "entrypoint": "myGroup/javaQueueStream.jar"}
    ours["entrypoint_args"] = "(hidden)"  # by the journal
    bodies = [request["body"] for request in dli.requests(operation="jobs.create")]
    created = {body["name"]: body for body in bodies}
    assert set(created) == {"test", "test1", "test2", "test3"}
    for name, body in created.items():
        sent = {key: value for key, value in body.items() if key != "tags"}
        assert sent == {**SEED_JOB, **ours, "name": name, "flink_version": "1.12"}
    outputs = engine.outputs()
    assert outputs["statuses"] == ["job_running"] * 4
    assert sorted(package["name"] for package in outputs["packages"]) == sorted(
        ["javaQueueStream.jar", "test.jar", "test1.jar", "test.csv", "test1.csv"]
    )
    assert {package["status"] for package in outputs["packages"]} == {"READY"}
    for job_id in outputs["job_ids"]:
        detail = call(dli, "GET", f"/v1.0/{{p}}/streaming/jobs/{job_id}")["job_detail"]
        assert detail["entrypoint_args"] == SEED_JOB["entrypoint_args"]
    runs = [request["body"]["job_ids"] for request in dli.requests(operation="jobs.run")]
    assert sorted(number for run in runs for number in run) == sorted(map(int, outputs["job_ids"]))
    assert max(map(len, runs)) > 1, "jobs run in batches"
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []
