"""The quick start as a person plays it: a preview with nothing set, up, nothing to do, destroy without leftovers."""

from __future__ import annotations

from pathlib import Path

from pulumi_dli.emulator.testing import Emulator
from tests.engines import Engine, calls, leftovers

PROGRAM = Path(__file__).parent.parent / "examples" / "01-quickstart"
OBJECTS = ["javaQueueStream.jar", "test.jar", "test1.jar", "test.csv", "test1.csv"]
CREATED = {"testQueue": "create", "myGroup": "create", "test": "create"}


def test_the_quick_start_runs_rests_and_goes_without_leftovers(engine: Engine, dli: Emulator) -> None:
    for name in OBJECTS:
        dli.put_object("bucketname", name, name.encode())
    engine.copy(PROGRAM, refresh=False)

    nothing_set = engine.preview()
    assert nothing_set.ok, nothing_set.text
    assert nothing_set.ops() == CREATED
    assert nothing_set.says("test", "info") == ["starts"]
    assert calls(dli) == {}

    engine.connect(dli)
    first = engine.up()
    assert first.ok, first.text
    assert first.ops() == CREATED
    (job,) = dli.jobs()
    assert (job["name"], job["status"]) == ("test", "job_running")
    assert engine.outputs() == {"job_id": str(job["job_id"]), "status": "job_running"}
    assert (engine.resources()["testQueue"]["id"], engine.resources()["test"]["id"]) == (
        "testqueue",
        str(job["job_id"]),
    )

    before = calls(dli)
    second = engine.up()
    assert second.ok, second.text
    assert second.ops() == {}
    assert calls(dli) == before

    gone = engine.destroy()
    assert gone.ok, gone.text
    assert gone.ops() == dict.fromkeys(CREATED, "delete")
    assert leftovers(dli) == []
