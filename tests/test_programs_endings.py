"""Engines that take turns on one stack, errors as people see them, and one ^C while a job starts."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import eventually
from tests.engines import CLI_WHEN_SLOW, Cli, Embedded, Engine, calls, leftovers

pytestmark = pytest.mark.slow  # part of `make test-full`

STACK = """
queue = dli.Queue("q", cu_count=16, tags={"a": "b"})
group = dli.PackageGroup("g", packages=["obs://jars/app.jar"])
job = dli.FlinkJarJob(
    "j",
    queue_name=queue.queue_name,
    entrypoint=group.package("app.jar"),
    main_class="Main",
    obs_bucket="state",
    entrypoint_args=config.require_secret("arguments"),
)
pulumi.export("job", job.job_id)
"""


@pytest.mark.slow
@pytest.mark.cli
def test_each_engine_takes_over_what_the_other_made_with_nothing_to_do(engine: Engine, dli: Emulator) -> None:
    other = engine.taken_over_by(Cli if engine.kind == "embedded" else Embedded)
    Cli.needed()
    engine.write(STACK)
    engine.connect(dli)
    engine.configure({"arguments": "--key canary-Qm44"}, secret=True)
    made = engine.up()
    assert made.ok, made.text
    outputs, before = engine.outputs(), calls(dli)

    assert other.outputs() == outputs
    same = other.up()
    assert same.ok, same.text
    assert same.ops() == {}
    assert calls(dli) == before
    clean = other.refresh(preview_only=True, expect_no_changes=True)
    assert clean.ok, clean.text
    back = engine.up()
    assert back.ok, back.text
    assert back.ops() == {}
    gone = other.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []


@CLI_WHEN_SLOW
def test_an_error_of_the_service_is_one_message_without_a_traceback(engine: Engine, dli: Emulator) -> None:
    engine.write('dli.PackageGroup("g", packages=["obs://jars/nowhere.jar"])')
    engine.connect(dli)
    told = engine.up()
    assert not told.ok
    (error,) = told.errors()
    assert "nowhere.jar" in error
    assert "Traceback" not in error
    assert "pulumi_dli" not in error


@CLI_WHEN_SLOW
def test_a_wrong_credential_is_one_message_that_says_where_to_put_the_right_one(engine: Engine, dli: Emulator) -> None:
    engine.write('dli.Queue("q", cu_count=16)')
    engine.configure({"dli:endpoint": dli.url, "dli:projectId": "p", "dli:accessKey": "half"})
    told = engine.up()
    assert not told.ok
    (error,) = told.errors()
    assert "secretKey" in error
    assert "pulumi config set --secret dli:secretKey" in error
    assert calls(dli) == {}


@CLI_WHEN_SLOW
def test_one_interrupt_while_a_job_starts_keeps_its_id_and_the_next_up_goes_on(engine: Engine, dli: Emulator) -> None:
    dli.set_pace(1)  # the first submission takes eight minutes now
    dli.quirk(timings={"upload": 0.0})
    engine.write(STACK)
    engine.connect(dli)
    engine.configure({"arguments": "--key k"}, secret=True)
    process = engine.start("up")
    try:
        until(lambda: bool(calls(dli).get("jobs.run")))
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode != 0
    assert "panic" not in text
    (job,) = dli.jobs()
    kept = engine.export()
    assert not kept.get("pending_operations")
    record = engine.resources()["j"]
    assert record["id"] == str(job["job_id"])
    assert record["initErrors"]

    dli.set_pace(2000)
    again = engine.up()
    assert again.ok, again.text
    assert again.ops() == {"j": "update"}
    (same,) = dli.jobs()
    assert (same["job_id"], same["status"]) == (job["job_id"], "job_running")
    assert calls(dli)["jobs.create"] == 1
    assert engine.preview(refresh=True).ops() == {}


def until(seen: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Wait for something to be seen at the local DLI."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "not seen in time"
        time.sleep(0.05)


@CLI_WHEN_SLOW
def test_a_cancel_ends_a_deployment_that_the_service_throttles(engine: Engine, dli: Emulator) -> None:
    engine.write('dli.Queue("q", cu_count=16)\ndli.Queue("r", cu_count=16)')
    engine.connect(dli)
    dli.fault("*", 429, times=0, retry_after=50)
    process = engine.start("up")
    try:
        eventually(lambda: calls(dli) or process.poll() is not None, seconds=60.0, what="a throttled call")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0]
        took = time.monotonic() - began
    finally:
        process.kill()
        process.wait()
    assert process.returncode != 0
    assert took < 20, "the service asked for 50 seconds"
    assert "cancelled" in said
    assert "/pulumi_dli/" not in said, "a traceback through our code; the CLI's language host prints one of its own"
    dli.clear_faults()
    again = engine.up()
    assert again.ok, again.text
    assert sorted(leftovers(dli)) == ["q", "r"]
