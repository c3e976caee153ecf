"""What a program holds of a resource: with hundreds of jobs it is what the program waits for, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

import pulumi_dli as dli
from pulumi_dli.resources import base


class Mocks(mocks.Mocks):
    """The service, as far as a program sees it."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"id-of-{args.name}", {**args.inputs, "status": "job_running"}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.fixture
def program() -> Iterator[None]:
    mocks.set_mocks(Mocks(), preview=False)
    try:
        yield
    finally:
        settings.reset_options()


def _open() -> int:
    return len(settings.SETTINGS.outputs)


def _job(name: str) -> dli.FlinkJarJob:
    return dli.FlinkJarJob(name, queue_name="q", entrypoint="g/a.jar", cu_number=2, tags={"team": "streams"})


@pytest.mark.usefixtures("program")
def test_a_program_waits_for_a_job_and_not_for_each_of_its_properties() -> None:
    seen: dict[str, Any] = {}

    @pulumi.runtime.test
    def run() -> pulumi.Output[None]:
        before = _open()
        job = _job("j")
        properties = [value for value in vars(job).values() if isinstance(value, pulumi.Output)]
        seen["open"], seen["properties"] = _open() - before, len(properties)
        return pulumi.Output.all(job.urn, job.id, job.status, job.queue_name, job.unfinished).apply(
            lambda values: seen.update(values=values)
        )

    run()
    assert seen["values"][1:] == ["id-of-j", "job_running", "q", None], "what was let go arrives as ever"
    assert seen["properties"] > 20
    if base._let_go is None:
        pytest.skip("this SDK has no way to let an output go (`Output._untrack`): the next test says what it does")
    assert seen["open"] <= 10, "urn, id, and what the SDK itself makes for an alias"


@pytest.mark.usefixtures("program")
def test_where_the_sdk_lets_no_output_go_the_program_waits_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_let_go", None)
    seen: dict[str, Any] = {}

    @pulumi.runtime.test
    def run() -> pulumi.Output[None]:
        before = _open()
        job = _job("j")
        seen["open"] = _open() - before
        return job.status.apply(lambda status: seen.update(status=status))

    run()
    assert seen["status"] == "job_running"
    assert seen["open"] > 20
