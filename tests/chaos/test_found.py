"""What chance has found, each as small as it could be made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.chaos.checker import World
from tests.chaos.deployment import Deployment, State, Told
from tests.chaos.programs import GROUP, Declared
from tests.chaos.running import PROJECT_ID, config_of, emulator, run
from tests.chaos.schedules import drawn
from tests.chaos.test_chaos import Deployed
from tests.chaos.wire import Strike, Wire


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
def test_a_job_whose_successor_would_start_without_state_stays(deployed: Deployed, act: str) -> None:
    deployed.dli.act(act, job=deployed.job)
    deployed.dli.advance(100)
    told = deployed.deployment().up(deployed.program, replaced={"f": True})
    assert not told.ok, told
    assert deployed.world.own_jobs() == [deployed.job]


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_job_whose_forced_replacement_was_killed_goes_with_its_stack(deployed: Deployed, nth: int) -> None:
    replacement, wire = deployed.deployment(), Wire()
    wire.strikes.append(Strike(nth, "after", wire.kill))
    with wire.open():
        replacement.up(deployed.program, replaced={"f": False})
    assert deployed.world.own_jobs() == [deployed.job]
    assert deployed.deployment().up(deployed.program).ok
    assert deployed.world.own_jobs() == [deployed.job]
    assert deployed.deployment().destroy().ok
    assert deployed.world.own_jobs() == []


def test_what_a_cancelled_update_has_not_sent_is_sent_by_the_next_up(dli: Emulator, tmp_path: Path) -> None:
    """The group counted as renewed when the client had refused to send the new bytes: the next `up` did nothing."""
    dli.reset()

    def up(digest: str, strike: bool = False) -> Told:
        packages = [{"path": "obs://jars/a.jar", "digest": digest}]
        program = {"g": Declared(GROUP, "g", {"group_name": "mine", "packages": packages})}
        deployment, wire = Deployment(state, config_of(dli), tmp_path), Wire()
        wire.strikes = [Strike(1, "after", deployment.interrupt)] if strike else []
        with wire.open():
            return deployment.up(program)

    World.prepared(dli, PROJECT_ID)
    state = State()
    assert up("1").ok
    since = dli.requests()[-1]["seq"]
    assert not up("2", strike=True).ok
    assert [call["operation"] for call in dli.requests(since=since)] == ["packages.list"]
    assert up("2").ok
    assert "packages.upload" in [call["operation"] for call in dli.requests(since=since)]


@pytest.mark.parametrize("nth", range(3, 9))
def test_a_cancelled_delete_that_has_stopped_its_job_says_so(deployed: Deployed, nth: int) -> None:
    deployment, wire = deployed.deployment(), Wire()
    wire.strikes.append(Strike(nth, "after", deployment.interrupt))
    with wire.open():
        told = deployment.destroy()
    stopped = [job["status"] for job in deployed.world.jobs() if job["job_id"] == deployed.job] != ["job_running"]
    if not told.ok:
        assert ("STREAM IS DOWN" in told.error) is stopped, told.error
    assert deployed.deployment().destroy().ok
    assert deployed.world.own_jobs() == []


def test_a_remembered_savepoint_whose_files_are_gone_names_ways_that_lead_on(deployed: Deployed) -> None:
    """A start that fails may have consumed the savepoint of the interrupted upgrade (dli-api 6.5)."""
    dli, one = deployed.dli, deployed.program["f"]
    dli.quirk(savepoint_files="deleted")
    stopped, wire = deployed.deployment(), Wire()
    wire.strikes.append(Strike(6, "after", wire.kill))
    newer = {"f": replace(one, inputs={**one.inputs, "entrypoint": "obs://jars/b.jar", "checkpoint_enabled": True})}
    with wire.open():
        assert stopped.up(newer).killed
    dli.behave("running_exception", times=1, after=1.0)
    assert not deployed.deployment().up(newer).ok
    refused = deployed.deployment().up(newer)
    assert not refused.ok
    assert "was left as it is" in refused.error
    assert all(way in refused.error for way in ("last-state", "initial_savepoint_path", "stateless")), refused.error
    way_out = {"f": replace(newer["f"], inputs={**newer["f"].inputs, "upgrade_mode": "stateless"})}
    assert deployed.deployment().up(way_out).ok


@pytest.mark.parametrize("quirks", [{}, {"null_details": True}], ids=["details", "no details"])
def test_a_destroy_after_an_up_leaves_no_note_for_a_successor(deployed: Deployed, quirks: dict[str, bool]) -> None:
    """The process of an earlier `up` counted as the one of the destroy, and its deletes as replacements."""
    deployed.dli.quirk(**quirks)
    told = deployed.deployment().destroy()
    assert told.ok, told
    assert deployed.world.left_states() == {}


def test_a_successor_of_a_job_whose_details_tell_no_bucket_goes_on_from_the_state(deployed: Deployed) -> None:
    deployed.dli.quirk(null_details=True)
    told = deployed.deployment().up(deployed.program, replaced={"f": True})
    assert told.ok, told
    (job,) = [job for job in deployed.world.jobs() if job["job_id"] != deployed.world.foreign_job]
    assert len(job["restored_from"]) == 1
    assert deployed.world.left_states() == {}


def test_the_note_of_a_delete_that_was_cut_off_goes_when_its_job_starts_again(deployed: Deployed) -> None:
    """A later job of the name would have started from that old state."""
    deployed.dli.fault("jobs.delete_many", 403)
    assert not deployed.deployment().up(deployed.program, replaced={"f": True}).ok
    assert [note["job_id"] for note in deployed.world.left_states().values() if note["path"]] == [str(deployed.job)]
    one = deployed.program["f"]
    again = {"f": replace(one, inputs={**one.inputs, "restart_nonce": "1"})}
    told = deployed.deployment().up(again, refresh=True)
    assert told.ok, told
    assert deployed.world.left_states() == {}


@pytest.mark.parametrize("seed", [9, 40, 63, 237, 274, 299, 388, 415, 595, 769, 807, 828, 852, 2120])
def test_a_seed_that_failed_once_runs_without_a_violation(dli: Emulator, seed: int) -> None:
    assert run(drawn(seed), dli).violations == []
