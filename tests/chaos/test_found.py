"""What chance has found, each as small as it could be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.chaos.running import emulator, run
from tests.chaos.schedules import drawn
from tests.chaos.test_chaos import Deployed
from tests.chaos.wire import Strike, WireName


@pytest.fixture(scope="module")
def dli() -> Iterator[Emulator]:
    with emulator() as running:
        yield running


@pytest.fixture
def deployed(dli: Emulator, tmp_path: Path) -> Deployed:
    return Deployed(dli, tmp_path)


@pytest.mark.parametrize("effect", [408, "drop_before", "drop_after"])
def test_a_destroy_whose_looks_go_unanswered_deletes_nothing_without_a_savepoint(
    deployed: Deployed, effect: int | str
) -> None:
    deployed.dli.fault("jobs.[gl]*", effect, times=5)  # as often as a read is tried
    told = deployed.deployment().destroy()
    assert not told.ok
    assert deployed.world.own_jobs() == [deployed.job]
    assert deployed.deployment().destroy().ok
    assert [event["facts"]["with_savepoint"] for event in deployed.events("stop")] == [True]


@pytest.mark.parametrize("effect", [408, 503, "drop_after"])
def test_a_successor_whose_create_goes_unanswered_goes_on_from_the_state(deployed: Deployed, effect: int | str) -> None:
    deployed.dli.fault("jobs.create", effect)
    told = deployed.deployment().up(deployed.program, replaced={"f": True})
    assert told.ok, told
    (job,) = [job for job in deployed.world.jobs() if job["job_id"] != deployed.world.foreign_job]
    assert job["job_id"] != deployed.job
    assert len(job["restored_from"]) == 1
    assert f"/savepoint/{deployed.job}/" in job["restored_from"][0]


def test_a_successor_of_another_name_goes_on_from_the_state(deployed: Deployed) -> None:
    one = deployed.program["f"]
    program = {"f": replace(one, inputs={**one.inputs, "name": "renamed"})}
    told = deployed.deployment().up(program, replaced={"f": True})
    assert told.ok, told
    (job,) = [job for job in deployed.world.jobs() if job["name"] == "renamed"]
    assert len(job["restored_from"]) == 1


@pytest.mark.parametrize("act", ["job.fail", "job.stop"])
def test_a_successor_that_starts_without_state_is_said(deployed: Deployed, act: str) -> None:
    deployed.dli.act(act, job=deployed.job)
    deployed.dli.advance(100)
    told = deployed.deployment().up(deployed.program, replaced={"f": True})
    assert told.ok, told
    assert any(severity == "warning" and "starts without its state" in text for severity, text in told.lines)


@pytest.mark.xfail(
    reason="killed between its tag and its state, a forced replacement leaves a job that destroy only forgets: a "
    "renewed tag may be a later entry's, and a wrong delete ends a stream"
)
@pytest.mark.parametrize("nth", range(1, 8))
def test_a_job_whose_forced_replacement_was_killed_goes_with_its_stack(deployed: Deployed, nth: int) -> None:
    replacement, wire = deployed.deployment(), WireName()
    wire.strikes.append(Strike(nth, "after", wire.kill))
    with wire.open():
        replacement.up(deployed.program, replaced={"f": False})
    assert deployed.world.own_jobs() == [deployed.job]
    assert deployed.deployment().up(deployed.program).ok
    assert deployed.world.own_jobs() == [deployed.job]
    assert deployed.deployment().destroy().ok
    assert deployed.world.own_jobs() == []


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True,
    reason="a stopped upgrade remembers a savepoint whose files a start has consumed: each further `up` fails with "
    "DLI.13017, and its message names no way out (stateless or initial_savepoint_path lead on)",
)
def test_a_remembered_savepoint_whose_files_are_gone_is_no_dead_end(dli: Emulator) -> None:
    assert not [text for text in run(drawn(415), dli).violations if text.startswith("stuck: DLI.13017")]
