"""Many threads wait for many jobs and the service sees one poll; nobody sees anything older than its own start."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project_of_jobs import Job, Project
from simulated_time import Simulation

from pulumi_dli import errors
from pulumi_dli.clock import SYSTEM_CLOCK
from pulumi_dli.lifecycle.coalescing.job_poller import JobPoller
from pulumi_dli.lifecycle.coalescing.poll_source import JobSnapshot
from pulumi_dli.lifecycle.coalescing.waiting import Deadline, StatusReport, WaitCondition, wait_on
from pulumi_dli.lifecycle.operation_context import OperationContext

GOAL = WaitCondition(
    kind="Flink job",
    target={"job_running"},
    failed={"job_submit_fail"},
    moving={"job_submitting"},
    hint="takes 6 to 10",
)


def poller(project: Project, **options: Any) -> JobPoller[Job]:
    return JobPoller(project, clock=project.clock, **options)


def until_running(
    watching: JobPoller[Job],
    clock: Simulation,
    job_id: int,
    *,
    seconds: float = 1200,
    call: OperationContext | None = None,
) -> Job:
    call = call or OperationContext()
    with watching.watch(job_id, cancelled=call.cancelled) as watch:
        snapshot: JobSnapshot[Job] = wait_on(
            watch,
            id=str(job_id),
            goal=GOAL,
            describe=lambda seen: StatusReport(seen.job.status),
            deadline=Deadline(seconds, clock),
            call=call,
        )
    return snapshot.job


def starts(project: Project, after: float) -> Callable[[], None]:
    def work() -> None:
        project.clock.sleep(after)
        project.statuses = dict.fromkeys(project.statuses, "job_running")

    return work


def test_one_job_is_looked_at_by_its_details_soon_and_then_less_and_less_often() -> None:
    clock = Simulation()
    project = Project(clock, [7], latency=0)
    watching = poller(project)
    clock.run([lambda: until_running(watching, clock, 7), starts(project, 300)])
    times = [at for _, _, at in project.calls]
    assert set(project.kinds()) == {"get"}
    assert times[0] - 1000 <= 0.1
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert 0.8 <= pauses[0] <= 1.0
    assert all(8.0 <= pause <= 10.0 for pause in pauses[8:])
    assert len(project.calls) < 50


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_waiting_threads_make_one_call_a_look(seed: int) -> None:
    clock = Simulation(seed)
    project = Project(clock, range(100))
    watching = poller(project)
    results = clock.run([lambda i=i: until_running(watching, clock, i) for i in range(100)] + [starts(project, 60)])
    assert [job.job_id for job in results[:-1]] == list(range(100))
    assert set(project.kinds()) == {"list"}
    assert len(project.calls) <= len(project.looks()) + 1
    assert len(project.calls) < 18


def test_five_hundred_jobs_cost_their_pages_a_look() -> None:
    clock = Simulation()
    project = Project(clock, range(500))
    watching = poller(project)
    clock.run([lambda i=i: until_running(watching, clock, i) for i in range(500)] + [starts(project, 30)])
    assert set(project.kinds()) == {"list"}
    assert len(project.calls) <= 5 * 10
    starts_of_looks = [at for _, offset, at in project.calls if offset == 0]
    assert all(after - before >= 1.7 for before, after in itertools.pairwise(starts_of_looks))  # 5 calls take 0.5 s


def test_new_jobs_in_a_project_of_thousands_cost_the_first_page_only() -> None:
    clock = Simulation()
    project = Project(clock, range(3020))
    watching = poller(project)
    clock.run([lambda i=i: until_running(watching, clock, i) for i in range(3000, 3020)] + [starts(project, 30)])
    assert {(kind, number) for kind, number, _ in project.calls} == {("list", 0)}


def test_few_old_jobs_in_a_project_of_thousands_cost_their_details_and_one_page() -> None:
    clock = Simulation()
    project = Project(clock, range(3005))
    watching = poller(project)
    clock.run([lambda i=i: until_running(watching, clock, i) for i in range(5)] + [starts(project, 60)])
    assert project.kinds().count("list") == 1
    assert project.kinds().count("get") % 5 == 0


def test_when_something_moves_looks_become_frequent_again() -> None:
    clock = Simulation()
    project = Project(clock, [1, 2], latency=0)
    watching = poller(project)

    def operations() -> None:
        clock.sleep(100)
        project.statuses[1] = "job_savepointing"
        clock.sleep(100)
        project.statuses = {1: "job_running", 2: "job_running"}

    clock.run([lambda: until_running(watching, clock, 1), lambda: until_running(watching, clock, 2), operations])
    times = [at for _, _, at in project.calls]
    seen_at = next(index for index, at in enumerate(times) if at >= 1100)
    assert times[seen_at] - times[seen_at - 1] > 7
    assert times[seen_at + 1] - times[seen_at] <= 1.0


def test_newcomers_are_seen_soon_and_together() -> None:
    clock = Simulation()
    project = Project(clock, range(10), latency=0)
    watching = poller(project)
    first_seen: list[float] = []

    def newcomer(job_id: int) -> None:
        clock.sleep(100 + job_id / 1000)
        with watching.watch(job_id) as watch:
            assert watch.next(Deadline(60, clock)) is not None
            first_seen.append(clock.now())
            assert watch.next(Deadline(60, clock)) is not None
            assert clock.now() - first_seen[-1] <= 1.2  # and then often, as at the beginning of every wait

    results = clock.run(
        [lambda: until_running(watching, clock, 0), starts(project, 150)]
        + [lambda i=i: newcomer(i) for i in range(1, 10)]
    )
    assert results[2:] == [None] * 9
    assert max(first_seen) <= 1100.6
    assert len([at for _, _, at in project.calls if 1100 <= at <= 1100.6]) == 1


def test_who_comes_while_a_look_is_under_way_gets_the_next_one_right_after_it() -> None:
    clock = Simulation()
    project = Project(clock, range(2), latency=2.0)
    watching = poller(project)
    under_way = threading.Event()
    project.fault = lambda kind, number: under_way.set() if len(project.calls) == 6 else None

    def newcomer() -> float:
        clock.wait(under_way, 1000)
        began = clock.now()
        with watching.watch(1) as watch:
            assert watch.next(Deadline(60, clock)) is not None
        return clock.now() - began

    results = clock.run([lambda: until_running(watching, clock, 0), newcomer, starts(project, 200)])
    assert results[1] <= 2.0 + 0.06 + 2.0  # the rest of that look, the moment for others, the next look


@pytest.mark.parametrize("seed", range(12))
def test_when_the_leader_leaves_another_goes_on_without_a_break(seed: int) -> None:
    clock = Simulation(seed)
    project = Project(clock, range(2), latency=0)
    watching = poller(project, list_threshold=5)
    clock.run(
        [
            lambda: until_running(watching, clock, 0, seconds=2.05),
            lambda: until_running(watching, clock, 1),
            starts(project, 30),
        ]
    )
    times = [at for kind, job_id, at in project.calls if job_id == 1]
    assert times[2] - times[1] <= 1.7


def test_newcomers_that_trickle_in_cannot_make_more_than_two_looks_an_interval() -> None:
    clock = Simulation()
    project = Project(clock, range(100), latency=0)
    watching = poller(project)

    def newcomer(job_id: int) -> None:
        clock.sleep(job_id / 10)
        with watching.watch(job_id) as watch:
            watch.next(Deadline(60, clock))

    clock.run([lambda i=i: newcomer(i) for i in range(100)])
    assert len(project.calls) <= 2 * 10 + 2


@pytest.mark.parametrize("seed", range(10))
def test_nobody_sees_a_look_that_was_asked_for_before_he_began_to_watch(seed: int) -> None:
    clock = Simulation(seed)
    project = Project(clock, range(20), latency=2.0)  # slow answers: many begin to watch while one is under way
    watching = poller(project)

    def watches(job_id: int) -> None:
        clock.sleep(clock.random.random() * 10)
        began = clock.now()
        with watching.watch(job_id) as watch:
            for _ in range(3):
                seen = watch.next(Deadline(600, clock))
                assert seen is not None
                assert began <= seen.at <= seen.job.seen_at
        asked = clock.now()
        with watching.watch(job_id) as watch:
            seen = watch.next(Deadline(600, clock), fresh_after=asked + 5)
            assert seen is not None
            assert seen.at >= asked + 5

    assert clock.run([lambda i=i: watches(i) for i in range(20)]) == [None] * 20


def test_absence_from_the_list_is_confirmed_by_the_details() -> None:
    clock = Simulation()
    project = Project(clock, range(10))
    project.hidden = {3}
    del project.statuses[4]
    watching = poller(project)
    results = clock.run([lambda i=i: until_running(watching, clock, i) for i in range(10)] + [starts(project, 20)])
    assert isinstance(results[4], errors.NotFoundError)
    assert [job.status for i, job in enumerate(results[:10]) if i != 4] == ["job_running"] * 9


def test_list_rows_and_details_are_told_apart() -> None:
    clock = Simulation()
    project = Project(clock, range(3))
    watching = poller(project)

    def one(job_id: int) -> bool:
        with watching.watch(job_id) as watch:
            seen = watch.next(Deadline(60, clock))
            assert seen is not None
            return seen.detailed

    assert clock.run([lambda i=i: one(i) for i in range(3)]) == [False] * 3
    assert clock.run([lambda: one(1)]) == [True]


def test_a_refusal_reaches_every_waiting_thread_as_an_error_of_its_own() -> None:
    clock = Simulation()
    project = Project(clock, range(8))
    refusal = errors.AuthError("token expired", status=401)
    project.fault = lambda kind, number: refusal
    watching = poller(project)
    results = clock.run([lambda i=i: until_running(watching, clock, i) for i in range(8)])
    assert all(type(result) is errors.AuthError for result in results)
    assert len({id(result) for result in results} - {id(refusal)}) == 8


def test_an_error_about_one_job_is_told_to_those_who_wait_for_it_only() -> None:
    clock = Simulation()
    project = Project(clock, range(2))
    project.fault = lambda kind, number: errors.AuthError("no", status=403) if (kind, number) == ("get", 1) else None
    watching = poller(project, list_threshold=5)
    works = [lambda i=i: until_running(watching, clock, i) for i in (0, 1, 1)]
    fine, *refused = clock.run([*works, starts(project, 20)])[:3]
    assert fine.status == "job_running"
    assert [type(error) for error in refused] == [errors.AuthError] * 2


def test_passing_failures_are_borne_for_some_looks_and_then_told() -> None:
    clock = Simulation()
    project = Project(clock, range(4))
    watching = poller(project)
    down = errors.ApiError("bad gateway", status=502)
    project.fault = lambda kind, number: down if len(project.calls) in (2, 3, 4) else None
    works = [lambda i=i: until_running(watching, clock, i) for i in range(4)]
    assert [job.status for job in clock.run([*works, starts(project, 60)])[:4]] == ["job_running"] * 4
    project.fault = lambda kind, number: down
    assert [type(error) for error in clock.run(works)] == [errors.ApiError] * 4


def test_the_wish_of_a_throttling_service_is_obeyed_also_by_newcomers() -> None:
    clock = Simulation()
    project = Project(clock, range(4), latency=0)
    throttled = errors.ThrottledError("slow down", status=429)
    throttled.retry_after_seconds = 30.0
    project.fault = lambda kind, number: throttled if len(project.calls) == 1 else None
    watching = poller(project)

    def late() -> None:
        clock.sleep(5)
        until_running(watching, clock, 3)

    clock.run([lambda i=i: until_running(watching, clock, i) for i in range(3)] + [late, starts(project, 60)])
    assert project.calls[1][2] - project.calls[0][2] >= 30


def test_a_bug_in_a_look_kills_each_thread_with_its_own_error_and_leaves_none_waiting() -> None:
    clock = Simulation()
    project = Project(clock, range(5))
    project.fault = lambda kind, number: ZeroDivisionError(str(len(project.calls)))
    watching = poller(project)
    results = clock.run([lambda i=i: until_running(watching, clock, i) for i in range(5)])
    assert [type(result) for result in results] == [ZeroDivisionError] * 5
    assert len({id(result) for result in results}) == 5


@pytest.mark.parametrize("seed", range(8))
def test_a_cancel_wakes_its_own_thread_soon_and_the_others_go_on(seed: int) -> None:
    clock = Simulation(seed)
    project = Project(clock, range(6), latency=0)
    watching = poller(project)
    calls = [OperationContext() for _ in range(6)]
    ended: dict[int, float] = {}

    def waits(job_id: int) -> Any:
        try:
            return until_running(watching, clock, job_id, call=calls[job_id])
        finally:
            ended[job_id] = clock.now()

    def cancels() -> None:
        for job_id in (3, 0, 5):
            clock.sleep(50)
            calls[job_id].cancelled.set()

    results = clock.run([lambda i=i: waits(i) for i in range(6)] + [cancels, starts(project, 200)])
    for position, job_id in enumerate((3, 0, 5), start=1):
        assert isinstance(results[job_id], errors.CancelledError)
        assert ended[job_id] - (1000 + 50 * position) <= 0.26
    assert [results[i].status for i in (1, 2, 4)] == ["job_running"] * 3


def test_a_deadline_ends_only_its_own_wait() -> None:
    clock = Simulation()
    project = Project(clock, range(3), latency=0)
    watching = poller(project)
    short, *rest = clock.run(
        [lambda: until_running(watching, clock, 0, seconds=42)]
        + [lambda i=i: until_running(watching, clock, i) for i in (1, 2)]
        + [starts(project, 100)]
    )
    assert isinstance(short, errors.WaitTimeoutError)
    assert short.waited_seconds == pytest.approx(42, abs=0.01)
    assert [job.status for job in rest[:2]] == ["job_running"] * 2


def test_two_threads_may_wait_for_the_same_job() -> None:
    clock = Simulation()
    project = Project(clock, [9], latency=0)
    watching = poller(project)
    results = clock.run([lambda: until_running(watching, clock, 9)] * 2 + [starts(project, 5)])
    assert [job.status for job in results[:2]] == ["job_running"] * 2
    assert len(project.calls) <= 6


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    fates=st.lists(
        st.tuples(st.floats(0, 40), st.sampled_from(["runs", "runs", "cancelled", "deleted", "short"])),
        min_size=1,
        max_size=15,
    ),
    faults=st.sets(st.integers(1, 40), max_size=12),
)
def test_whatever_happens_every_wait_ends_as_it_should(
    seed: int, fates: list[tuple[float, str]], faults: set[int]
) -> None:
    clock = Simulation(seed)
    project = Project(clock, range(len(fates)), latency=0.3)
    down = errors.UnknownOutcomeError("reset")
    watching = poller(project, tolerated_failures=100)
    project.fault = lambda kind, number: down if len(project.calls) in faults else None
    calls = [OperationContext() for _ in fates]

    def acts(job_id: int) -> None:
        delay, fate = fates[job_id]
        clock.sleep(delay)
        if fate == "cancelled":
            calls[job_id].cancelled.set()
        elif fate == "deleted":
            del project.statuses[job_id]
        elif fate == "runs":
            project.statuses[job_id] = "job_running"

    def waits(job_id: int) -> Any:
        clock.sleep(random.Random(seed + job_id).random() * 20)
        seconds = 15 if fates[job_id][1] == "short" else 2000
        return until_running(watching, clock, job_id, seconds=seconds, call=calls[job_id])

    indices = range(len(fates))
    results = clock.run([lambda i=i: waits(i) for i in indices] + [lambda i=i: acts(i) for i in indices])
    expected = {
        "runs": Job,
        "cancelled": errors.CancelledError,
        "deleted": errors.NotFoundError,
        "short": errors.WaitTimeoutError,
    }
    assert [type(results[i]) for i in indices] == [expected[fate] for _, fate in fates]


def test_real_threads_wait_together_and_leave_no_thread_behind() -> None:
    statuses = dict.fromkeys(range(60), "job_submitting")
    calls: list[int] = []

    class Api:
        def get(self, job_id: int, /) -> Job:
            return Job(job_id, statuses[job_id])

        def list_page(self, *, offset: int, limit: int, order: str, show_detail: bool) -> Any:
            calls.append(offset)
            if len(calls) == 4:
                statuses.update(dict.fromkeys(statuses, "job_running"))
            return type("Page", (), {"total_count": 60, "jobs": [Job(*row) for row in statuses.items()]})

    watching: JobPoller[Job] = JobPoller(Api(), poll_seconds=0.01)
    before = threading.active_count()
    results: list[str] = []

    def waits(job_id: int) -> None:
        with watching.watch(job_id) as watch:
            while True:
                seen = watch.next(Deadline(20, SYSTEM_CLOCK))
                assert seen is not None
                if seen.job.status == "job_running":
                    results.append(seen.job.status)
                    return

    threads = [threading.Thread(target=waits, args=(i,)) for i in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == ["job_running"] * 60
    assert len(calls) < 30
    assert threading.active_count() == before
