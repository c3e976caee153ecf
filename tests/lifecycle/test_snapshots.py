"""Reads that are shared: one call for many callers, nothing older than asked for, and the budget of a refresh."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project_of_jobs import Job, Project
from simulated_time import Simulation

from pulumi_dli import errors
from pulumi_dli.lifecycle.coalescing.single_flight import SingleFlight
from pulumi_dli.lifecycle.coalescing.snapshots import JobSnapshots


class Counter:
    """A fetch that takes `latency` seconds and returns how often it was called."""

    def __init__(self, clock: Simulation, latency: float = 1.0) -> None:
        self.clock, self.latency, self.calls = clock, latency, 0
        self.fault: BaseException | None = None

    def __call__(self) -> int:
        self.calls += 1
        mine = self.calls
        self.clock.sleep(self.latency)
        if self.fault is not None:
            raise self.fault
        return mine


def test_all_who_ask_at_the_same_time_share_one_call() -> None:
    clock = Simulation()
    fetch = Counter(clock)
    shared = SingleFlight(fetch, clock=clock)
    assert clock.run([shared.get] * 20) == [1] * 20
    assert fetch.calls == 1


def test_a_value_is_served_for_five_seconds_from_its_request() -> None:
    clock = Simulation()
    fetch = Counter(clock)
    shared = SingleFlight(fetch, clock=clock)
    assert shared.get() == 1
    clock.sleep(3.9)
    assert shared.get() == 1
    clock.sleep(0.2)
    assert shared.get() == 2


def test_who_must_not_see_the_past_gets_a_call_of_his_own() -> None:
    clock = Simulation()
    fetch = Counter(clock)
    shared = SingleFlight(fetch, clock=clock)
    shared.get()
    assert shared.get(not_older_than=clock.now()) == 2
    assert shared.get(not_older_than=1000.0) == 2

    def late() -> int:
        clock.sleep(0.5)
        return shared.get(not_older_than=clock.now())

    clock.sleep(10)
    assert clock.run([shared.get, late]) == [3, 4]


def test_a_write_ends_a_value_and_the_one_that_is_under_way() -> None:
    clock = Simulation()
    fetch = Counter(clock)
    shared = SingleFlight(fetch, clock=clock)
    shared.get()
    shared.invalidate()
    assert shared.get() == 2
    shared.invalidate()

    def writes_and_reads() -> int:
        clock.sleep(0.5)
        shared.invalidate()
        return shared.get()

    assert clock.run([shared.get, writes_and_reads]) == [3, 4]
    assert shared.get() == 4


def test_a_failure_reaches_everybody_as_an_error_of_his_own_and_is_not_kept() -> None:
    clock = Simulation()
    fetch = Counter(clock)
    fetch.fault = errors.ApiError("down", status=503)
    shared = SingleFlight(fetch, clock=clock)
    results = clock.run([shared.get] * 5)
    assert [type(result) for result in results] == [errors.ApiError] * 5
    assert len({id(result) for result in results}) == 5
    assert fetch.calls == 1
    fetch.fault = None
    assert shared.get() == 2


def test_a_fetch_that_dies_leaves_nobody_waiting() -> None:
    clock = Simulation()
    fetch = Counter(clock)
    fetch.fault = KeyboardInterrupt()
    shared = SingleFlight(fetch, clock=clock)
    results = clock.run([shared.get] * 4)
    assert [type(result) for result in results] == [KeyboardInterrupt] * 4


@pytest.mark.parametrize("written", [True, False])
def test_a_slow_fetch_does_not_displace_a_newer_value(written: bool) -> None:
    clock = Simulation()
    fetch = Counter(clock)
    shared = SingleFlight(fetch, clock=clock)

    def overtakes() -> int:
        clock.sleep(0.5)
        if written:
            shared.invalidate()
        fetch.latency = 0.1
        return shared.get(not_older_than=clock.now())

    fetch.latency = 3.0
    assert clock.run([shared.get, overtakes]) == [1, 2]
    assert shared.get() == 2


def refresh(project: Project, ids: Sequence[int], width: int, **options: Any) -> list[Any]:
    """Read `ids` in this order, `width` at a time, as an engine does; returns what each read gave."""
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=project.clock, **options)
    todo = list(enumerate(ids))
    results: list[Any] = [None] * len(todo)

    def worker() -> None:
        while todo:
            index, job_id = todo.pop(0)
            project.clock.sleep(0.005 * project.clock.random.random())  # the engine and the host
            try:
                results[index] = snapshots.read(job_id)
            except errors.DliError as error:
                results[index] = error

    project.clock.run([worker] * width)
    return results


def ids_of_a_project(total: int, draw: random.Random) -> list[int]:
    """Ids grow with time, with the gaps that other projects leave."""
    return list(map(sum, zip(range(1000, 1000 + total * 7, 7), (draw.randrange(7) for _ in range(total)), strict=True)))


@pytest.mark.parametrize("order", ["as created", "backwards", "shuffled"])
@pytest.mark.parametrize("width", [1, 8, 100])
@pytest.mark.parametrize(
    ("ours", "foreign"), [(1, 0), (5, 0), (10, 0), (100, 0), (500, 0), (1, 3000), (2, 3000), (5, 3000), (100, 3000)]
)
def test_a_refresh_of_n_jobs_costs_no_more_than_their_number_or_the_pages_plus_four(
    ours: int, foreign: int, width: int, order: str
) -> None:
    for where in ("oldest", "newest", "middle"):
        draw = random.Random(ours + width)
        clock = Simulation(width)
        ids = ids_of_a_project(ours + foreign, draw)
        project = Project(clock, ids, latency=0.03)
        start = {"oldest": 0, "newest": foreign, "middle": foreign // 2}[where]
        mine = ids[start : start + ours]
        wanted = {"as created": mine, "backwards": mine[::-1], "shuffled": draw.sample(mine, ours)}[order]
        results = refresh(project, wanted, width)
        assert [snapshot.job.job_id for snapshot in results] == wanted
        assert len(project.calls) <= min(ours, math.ceil((ours + foreign) / 100)) + 4
        details = [job_id for kind, job_id, _ in project.calls if kind == "get"]
        assert len(details) == len(set(details))


@pytest.mark.parametrize("width", [1, 8, 100])
@pytest.mark.parametrize(("ours", "total"), [(30, 3000), (60, 3000), (200, 3000), (300, 600)])
def test_where_guessing_fails_a_refresh_costs_at_most_twice_the_better_way(ours: int, total: int, width: int) -> None:
    """Ids that say nothing about age, and our jobs strewn all over the project."""
    for seed in range(3 if width < 100 else 1):
        draw = random.Random(seed)
        clock = Simulation(seed)
        ids = draw.sample(range(100_000), total)
        project = Project(clock, ids, latency=0.01)
        results = refresh(project, draw.sample(ids, ours), width)
        assert all(isinstance(snapshot.job, Job) for snapshot in results)
        assert len(project.calls) <= 2 * min(ours, math.ceil(total / 100)) + 5


@pytest.mark.parametrize("ids_are", ["random", "in clumps"])
@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("ours", [2, 5, 20])
def test_few_jobs_strewn_over_a_large_project_cost_their_details_and_little_more(
    ours: int, width: int, ids_are: str
) -> None:
    for seed in range(5):
        draw = random.Random(seed)
        ids = draw.sample(range(100_000), 3000)
        if ids_are == "in clumps":
            ids = sorted({10**12 - int(draw.paretovariate(0.5) * 1000) for _ in range(3000)})
        project = Project(Simulation(seed), ids, latency=0.01)
        refresh(project, draw.sample(ids, ours), width)
        assert len(project.calls) <= ours + 4


@pytest.mark.parametrize("where", [0, 1500, 3000])
def test_a_hundred_jobs_made_together_are_found_on_their_pages_without_listing_thousands(where: int) -> None:
    ids = ids_of_a_project(3100, random.Random(where))
    project = Project(Simulation(), ids, latency=0.03)
    refresh(project, ids[where : where + 100], 8)
    assert len(project.calls) <= 8


def test_after_a_pause_a_read_that_is_alone_asks_for_its_details_again() -> None:
    clock = Simulation()
    project = Project(clock, range(500))
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=clock)
    clock.run([lambda i=i: snapshots.read(i) for i in range(20)])
    clock.sleep(60)
    project.calls.clear()
    snapshots.read(3)
    assert project.kinds() == ["get"]


def test_reads_come_to_an_end_though_every_call_is_overtaken_by_a_write() -> None:
    clock = Simulation()
    project = Project(clock, range(50))
    project.hidden = {7}
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=clock)

    def writes() -> None:
        for _ in range(500):
            clock.sleep(0.03)
            snapshots.wrote()

    results = clock.run([lambda i=i: snapshots.read(i) for i in (5, 6, 7, 7)] + [writes])
    assert [snapshot.job.job_id for snapshot in results[:4]] == [5, 6, 7, 7]
    assert project.kinds().count("get") <= 3  # a read that is alone, and twice the job in no list
    assert len(project.calls) <= 10


def test_a_job_in_no_list_is_gone_only_when_the_details_say_so() -> None:
    clock = Simulation()
    project = Project(clock, range(50))
    project.hidden = {7}
    del project.statuses[8]
    results = refresh(project, range(50), 8)
    assert isinstance(results[8], errors.NotFoundError)
    assert results[7].job.job_id == 7
    assert results[7].detailed
    assert not results[30].detailed


def test_a_list_that_fails_fails_the_reads_that_needed_it() -> None:
    clock = Simulation()
    project = Project(clock, range(50))
    project.fault = lambda kind, number: errors.AuthError("no", status=403) if kind != "get" else None
    results = refresh(project, range(50), 8)
    assert sum(isinstance(result, errors.AuthError) for result in results) >= 40


def test_who_needs_details_gets_them_once_and_others_share_them() -> None:
    clock = Simulation()
    project = Project(clock, range(50))
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=clock)
    results = clock.run([lambda: snapshots.read(3, need_detail=True)] * 3 + [lambda: snapshots.read(3)])
    assert all(snapshot.detailed for snapshot in results[:3])
    assert project.kinds().count("get") == 1
    before = len(project.calls)
    assert snapshots.read(3).detailed
    assert len(project.calls) == before


def test_nothing_from_before_a_write_is_served() -> None:
    clock = Simulation()
    project = Project(clock, range(50))
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=clock)
    clock.run([lambda i=i: snapshots.read(i) for i in range(50)])
    project.statuses = dict.fromkeys(project.statuses, "job_running")
    assert snapshots.read(20).job.status == "job_submitting"
    snapshots.wrote()
    assert {snapshot.job.status for snapshot in clock.run([lambda i=i: snapshots.read(i) for i in range(50)])} == {
        "job_running"
    }


def test_a_snapshot_is_never_older_than_five_seconds_or_than_the_reader_allows() -> None:
    clock = Simulation()
    project = Project(clock, range(50), latency=0)
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=clock)

    def reader() -> None:
        for _ in range(200):
            clock.sleep(0.3 * clock.random.random())
            began = clock.now()
            assert snapshots.read(clock.random.randrange(50)).at >= began - 5
            assert snapshots.read(clock.random.randrange(50), not_older_than=began).at >= began

    assert clock.run([reader] * 8) == [None] * 8


def test_a_refresh_that_takes_long_asks_for_the_pages_anew_and_not_for_details() -> None:
    clock = Simulation()
    project = Project(clock, range(300), latency=0.01)
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=clock)
    todo = list(range(300))

    def worker() -> None:
        while todo:
            job_id = todo.pop(0)
            clock.sleep(0.5)
            snapshots.read(job_id)

    clock.run([worker] * 8)  # about 19 seconds: four lives of a page
    assert project.kinds().count("get") <= 3
    assert len(project.calls) <= 4 * 3 + 4


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    total=st.integers(1, 450),
    reads=st.lists(st.tuples(st.integers(0, 459), st.floats(0, 8), st.booleans(), st.booleans()), max_size=25),
    writes=st.lists(st.floats(0, 10), max_size=8),
    faults=st.sets(st.integers(1, 30), max_size=4),
)
def test_whatever_happens_every_read_is_true_and_young_enough(
    seed: int, total: int, reads: list[tuple[int, float, bool, bool]], writes: list[float], faults: set[int]
) -> None:
    clock = Simulation(seed)
    project = Project(clock, range(total), latency=0.4)
    project.fault = lambda kind, number: errors.UnknownOutcomeError("reset") if len(project.calls) in faults else None
    snapshots: JobSnapshots[Job] = JobSnapshots(project, clock=clock)
    wrote_at = [0.0]

    def reads_one(job_id: int, delay: float, need_detail: bool, strict: bool) -> None:
        clock.sleep(delay)
        began, last_write = clock.now(), wrote_at[-1]
        try:
            seen = snapshots.read(job_id, not_older_than=began if strict else None, need_detail=need_detail)
        except errors.NotFoundError:
            assert job_id >= total
            return
        except errors.UnknownOutcomeError:
            assert faults
            return
        assert seen.job.job_id == job_id
        assert seen.detailed or not need_detail
        assert seen.job.seen_at >= seen.at >= (began if strict else max(began - 5, last_write))

    def writes_at(delay: float) -> None:
        clock.sleep(delay)
        snapshots.wrote()
        wrote_at.append(clock.now())

    results = clock.run(
        [lambda read=read: reads_one(*read) for read in reads] + [lambda at=at: writes_at(at) for at in writes]
    )
    assert results == [None] * len(results)


def test_real_threads_refresh_five_hundred_jobs_within_the_budget() -> None:
    calls: list[str] = []

    class Api:
        def get(self, job_id: int, /) -> Job:
            calls.append("get")
            return Job(job_id)

        def list_page(self, *, offset: int, limit: int, order: str, show_detail: bool) -> Any:
            calls.append("list")
            rows = list(range(499, -1, -1))[offset : offset + limit]
            return type("Page", (), {"total_count": 500, "jobs": [Job(row) for row in rows]})

    snapshots: JobSnapshots[Job] = JobSnapshots(Api())
    before = threading.active_count()
    with ThreadPoolExecutor(8) as pool:
        assert [snapshot.job.job_id for snapshot in pool.map(snapshots.read, range(500))] == list(range(500))
    assert len(calls) <= 5 + 4
    assert threading.active_count() == before


def test_all_who_wait_for_the_end_of_a_call_that_is_too_old_share_the_next_one() -> None:
    clock = Simulation()
    fetch = Counter(clock)
    shared = SingleFlight(fetch, clock=clock)

    def come(at: float) -> int:
        clock.sleep(at)
        return shared.get(not_older_than=clock.now())

    assert clock.run([lambda at=at: come(at) for at in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)]) == [1, 2, 2, 2, 2, 2]
    assert fetch.calls == 2


def test_who_needs_a_young_value_gathers_others_before_asking_for_all() -> None:
    clock = Simulation()
    fetch = Counter(clock, latency=0.1)
    shared = SingleFlight(fetch, gather_seconds=lambda: 0.5, clock=clock)

    def come(at: float) -> int:
        clock.sleep(at)
        return shared.get(not_older_than=clock.now())

    began = clock.now()
    assert clock.run([lambda at=at: come(at) for at in (0.0, 0.2, 0.4)]) == [1, 1, 1]
    assert clock.now() - began == pytest.approx(0.6)
    clock.sleep(10)
    began = clock.now()
    assert shared.get() == 2
    assert clock.now() - began == pytest.approx(0.1), "who takes any young value does not gather"


def test_updates_that_come_together_gather_for_as_long_as_a_page_takes_and_who_is_alone_for_nobody() -> None:
    clock = Simulation()
    project = Project(clock, range(40), latency=0.03)
    snapshots: JobSnapshots[Job] = JobSnapshots(project, gather_seconds=0.25, clock=clock)

    def look(job_id: int, at: float) -> float:
        clock.sleep(at)
        with snapshots.expect(), snapshots.expect():  # announced twice, by a caller and by what it calls
            asked = clock.now()
            snapshots.read(job_id, not_older_than=asked)
            snapshots.read(job_id, not_older_than=clock.now())
            return clock.now() - asked

    (alone,) = clock.run([lambda: look(0, 0.0)])
    assert (project.kinds(), alone) == (["get"] * 2, pytest.approx(0.06))
    clock.sleep(60)
    project.calls.clear()
    waits = clock.run([lambda i=i: look(i, 0.002 * i) for i in range(40)])
    assert len(project.calls) <= 8, "two looks of forty jobs, shared"
    assert max(waits) <= 0.25, "each look waits for the one under way, gathers and asks: 0.03 s each"
