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
from tests.engines import EMBEDDED_ONLY, Engine, leftovers

pytestmark = pytest.mark.slow  # part of `make test-full`

EXAMPLES = sorted(path.parent for path in (Path(__file__).parent.parent / "examples").glob("[0-9][0-9]-*/Pulumi.yaml"))
CHANGES: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "01-quickstart": ({"parallelism": "2"}, {"test": "update"}),
    "02-suspend-and-resume": ({"state": "suspended"}, {"orders": "update"}),
}
OBJECTS = re.compile(r"[\w.-]+\.(?:jar|csv)")


def examples() -> list[object]:
    java = [path for path in EXAMPLES if (path / "java").is_dir()]
    skip = [pytest.mark.java, pytest.mark.skip(reason="needs a jar built with Java: see tests/flink")]
    return [pytest.param(path, id=path.name, marks=skip if path in java else []) for path in EXAMPLES]


@EMBEDDED_ONLY
@pytest.mark.parametrize("example", examples())
def test_an_example_does_what_its_page_says(engine: Engine, dli: Emulator, example: Path) -> None:
    program = (example / "__main__.py").read_text(encoding="utf-8")
    for name in OBJECTS.findall(program):
        dli.put_object("bucketname", name, name.encode())
    engine.copy(example)
    engine.connect(dli)
    settings, expected = CHANGES[example.name]

    request = engine.preview()
    assert request.ok, request.text
    made = engine.up()
    assert made.ok, made.text
    assert made.ops() == request.ops()
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
    assert len(EXAMPLES) >= 2
    for path in EXAMPLES:
        page = (path / "README.md").read_text(encoding="utf-8")
        assert page.startswith("# ")
        assert (path / "java").is_dir() or path.name in CHANGES


@EMBEDDED_ONLY
@pytest.mark.slow
def test_a_suspended_job_resumes_from_its_savepoint_and_saves_on_demand(engine: Engine, dli: Emulator) -> None:
    """The story of the page of `02-suspend-and-resume`, from the night on."""
    dli.put_object("bucketname", "orders.jar")
    engine.copy(next(path for path in EXAMPLES if path.name == "02-suspend-and-resume"))
    engine.connect(dli)
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
