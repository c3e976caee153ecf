"""A job that goes before its successor comes, with whole engines: each command is a process of its own."""

from __future__ import annotations

from pulumi_dli.emulator.testing import Emulator
from tests.engines import Engine

PROGRAM = """
dli.FlinkJarJob(
    "j", queue_name="shared", entrypoint="obs://jars/{jar}", main_class="Main", obs_bucket="state",
    opts=pulumi.ResourceOptions(delete_before_replace=True, replace_on_changes=["entrypoint"]),
)
"""


def test_a_second_up_after_a_failed_create_goes_on_from_the_state(engine: Engine, dli: Emulator) -> None:
    dli.put_object("jars", "new.jar", b"new")
    engine.write(PROGRAM.format(jar="app.jar"))
    engine.connect(dli)
    first = engine.up()
    assert first.ok, first.text
    dli.advance(100)
    engine.write(PROGRAM.format(jar="new.jar"))
    dli.fault("jobs.create", 400, code="DLI.0001", message="No.")
    failed = engine.up()
    assert not failed.ok
    assert dli.jobs() == []
    assert any("its state is in obs://state/" in text for text in failed.errors()), failed.text
    assert any("from obs://state/" in text for text in engine.preview().says("j", "info"))
    second = engine.up()
    assert second.ok, second.text
    (job,) = dli.jobs()
    assert len(job["restored_from"]) == 1
