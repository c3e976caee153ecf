"""One job's upgrade, rollback, suspension, and delete-and-create, with anything that can happen between any two calls:
its state is never lost silently, every run ends, and there is always a way on.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pulumi_dli.errors import DliError, UnknownOutcomeError
from tests.chaos.model import STEPS, Killed, Resource, Service, SilentLossError

JOB = {
    "name": "j",
    "queue_name": "q",
    "main_class": "Main",
    "entrypoint": "obs://jars/a.jar",
    "obs_bucket": "state",
    "stabilization_seconds": 30,
}
B = {**JOB, "entrypoint": "obs://jars/b.jar"}
MOST_SHOWN = 20
BAD = ("obs://jars/bad.jar",)

EVENTS = (
    "kill before",
    "kill after",
    "lost before",
    "lost after",
    "fails",
    "finishes",
    "stopped by hand",
    "stopped with savepoint by hand",
    "started by hand",
    "stop fails",
    *STEPS,
)
WAYS_OUT = re.compile(r"stateless|allow_old_savepoint|initial_savepoint_path|run `pulumi (up|refresh)")


@dataclass(frozen=True)
class Story:
    """What the program wants next of a job that runs, and what it says afterwards."""

    desired: Mapping[str, Any]
    then: Mapping[str, Any]
    replaced: bool = False


STORIES = {
    "upgrade": Story(B, B),
    "upgrade without state": Story({**B, "upgrade_mode": "stateless"}, {**B, "upgrade_mode": "stateless"}),
    "rollback": Story({**JOB, "entrypoint": BAD[0]}, JOB),
    "no rollback": Story({**JOB, "entrypoint": BAD[0], "rollback": False}, B),
    "suspension": Story({**JOB, "state": "suspended"}, JOB),
    "delete and create": Story(B, B, replaced=True),
}


def test_each_story_comes_to_its_end_when_nothing_happens() -> None:
    for name, story in STORIES.items():
        service = told(story, {})
        (job,) = service.jobs.values()
        assert job.status == "job_running", name
        assert job.definition["entrypoint"] == story.then["entrypoint"], name
        assert (job.progress > 1000) is (name != "upgrade without state"), name


def test_a_start_that_drops_the_state_is_seen() -> None:
    resource = running(Service())
    service = resource.service
    (job_id,) = service.jobs
    service.stop([job_id], True)
    service.pass_by(100)
    with pytest.raises(SilentLossError):
        service.run([job_id], False)


@pytest.mark.parametrize("consumed", ["accepted", pytest.param("kept", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", STORIES)
def test_whatever_happens_between_two_calls_no_state_is_lost_and_there_is_a_way_on(name: str, consumed: str) -> None:
    story = STORIES[name]
    calls = calls_of(story, consumed)
    assert calls > 5
    plans = [{number: event} for number, event in itertools.product(range(1, calls + 1), EVENTS)]
    assert wrong(story, plans, consumed) == []


ONE_IN = 8
"""Of the pairs of events: all of them take the better part of an hour."""


@pytest.mark.slow
@pytest.mark.parametrize("first", EVENTS)
@pytest.mark.parametrize("name", STORIES)
def test_whatever_happens_twice_no_state_is_lost_and_there_is_a_way_on(name: str, first: str) -> None:
    story = STORIES[name]
    calls = calls_of(story, "accepted")
    pairs = itertools.combinations(range(1, calls + 4), 2)
    plans = [{one: first, two: second} for (one, two), second in itertools.product(pairs, EVENTS)]
    assert wrong(story, plans[[*EVENTS].index(first) % ONE_IN :: ONE_IN]) == []


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_clock_fails_no_upgrade(step: str) -> None:
    failed = {}
    for number in range(1, calls_of(STORIES["upgrade"], "accepted") + 1):
        resource = running(Service(bad=BAD))
        service = resource.service
        service.strike = striking(service, len(service.calls), {number: step})
        if error := attempt(resource, B):
            failed[number] = error
    assert not failed


@pytest.mark.parametrize("steps", [*itertools.product(STEPS, repeat=2)], ids=" then ".join)
def test_steps_of_the_clock_between_two_ups_lose_no_state(steps: tuple[str, str]) -> None:
    resource = running(Service(bad=BAD))
    service = resource.service
    for step, entrypoint in zip(steps, ("b", "c"), strict=True):
        (job,) = service.jobs.values()
        before = job.progress
        service.happen(step)
        assert not attempt(resource, {**JOB, "entrypoint": f"obs://jars/{entrypoint}.jar"})
        assert job.definition["entrypoint"] == f"obs://jars/{entrypoint}.jar"
        assert job.progress >= before
        assert not attempt(resource, resource.inputs)
        service.pass_by(600)


def wrong(story: Story, plans: Iterable[Mapping[int, str]], consumed: str = "accepted") -> list[str]:
    """The first plans after which something is not as it must be."""
    found = []
    for plan in plans:
        try:
            told(story, plan, consumed)
        except AssertionError as error:
            found.append(str(error))
            if len(found) == MOST_SHOWN:
                break
    return found


def running(service: Service) -> Resource:
    resource = Resource(service)
    resource.up(JOB)
    service.pass_by(2000)
    return resource


def calls_of(story: Story, consumed: str) -> int:
    resource = running(Service(consumed=consumed, bad=BAD))
    before = len(resource.service.calls)
    attempt(resource, story.desired, replaced=story.replaced)
    return len(resource.service.calls) - before


def told(story: Story, plan: Mapping[int, str], consumed: str = "accepted") -> Service:
    """The story with these events at these calls of the first `up`; then at most two more, and a way out."""
    resource = running(Service(consumed=consumed, bad=BAD))
    service = resource.service
    began = len(service.calls)
    service.strike = striking(service, began, plan)
    try:
        attempt(resource, story.desired, replaced=story.replaced)
        service.strike = lambda _number, _when: None
        service.pass_by(600)
        must_come_to_rest(resource, story)
    except AssertionError as error:
        raise AssertionError(f"{plan}: {service.calls[began:]}: {error}") from error
    return service


def striking(service: Service, began: int, plan: Mapping[int, str]) -> Callable[[int, str], None]:
    def strike(number: int, when: str) -> None:
        event = plan.get(number - began, "")
        if event in (f"kill {when}", f"lost {when}"):
            raise Killed if event.startswith("kill") else UnknownOutcomeError("no answer came")
        if when == "before" and event and not event.startswith(("kill", "lost")):
            service.happen(event)

    return strike


def attempt(resource: Resource, desired: Mapping[str, Any], *, replaced: bool = False) -> str:
    """One `up`; what it failed with."""
    try:
        resource.up(desired, replaced=replaced)
    except Killed:
        return "killed"
    except DliError as error:
        return str(error)
    return ""


def must_come_to_rest(resource: Resource, story: Story) -> None:
    errors = list(ups(resource, story.then))
    unsure = any(job.status == "job_cancel_fail" for job in resource.service.jobs.values())
    if errors[-1] or unsure:
        assert unsure or WAYS_OUT.search(errors[-1]), f"no way out in: {errors}"
        way = {**story.then, "upgrade_mode": "stateless", "restart_nonce": "way-out"}
        assert not (error := attempt(resource, way)), f"the way out leads nowhere: {errors}, then {error}"
    (job,) = resource.service.jobs.values()
    assert str(job.job_id) == resource.id, "another job than the one in the state"
    assert job.status in ("job_running", "job_finish", "job_cancel_success", "job_running_exception"), job
    assert not attempt(resource, resource.inputs), "no rest"


def ups(resource: Resource, desired: Mapping[str, Any]) -> Iterator[str]:
    """Two more, the second with a refresh, until one is good."""
    for refreshes in (False, True):
        if refreshes:
            resource.refresh()
        error = attempt(resource, desired)
        yield error
        if not error:
            return
