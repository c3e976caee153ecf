"""Batches: few calls for many callers, everybody's own outcome, and nobody left waiting whatever happens."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_time import Simulation

from pulumi_dli import errors
from pulumi_dli.lifecycle.coalescing.batching import Batcher


@dataclass(frozen=True)
class Item:
    ok: bool
    code: str
    message: str


class Service:
    """A fake of one batch call: records the calls, takes `latency` seconds, answers for every id by its number."""

    def __init__(self, clock: Simulation, *, latency: float = 0.2) -> None:
        self.clock, self.latency = clock, latency
        self.calls: list[tuple[list[int], bool]] = []
        self.fault: Callable[[list[int]], Sequence[Item] | None] = lambda ids: None

    def send(self, ids: Sequence[int], flag: bool) -> Sequence[Item]:
        self.calls.append((list(ids), flag))
        self.clock.sleep(self.latency)
        answer = self.fault(list(ids))
        return [Item(True, "", f"delivered {id_}") for id_ in ids] if answer is None else answer


def batcher(service: Service, **options: Any) -> Batcher[Item]:
    return Batcher(service.send, what="run", clock=service.clock, **options)


def sent(service: Service) -> list[int]:
    return [id_ for ids, _ in service.calls for id_ in ids]


def create_and_run(clock: Simulation, runs: Batcher[Item], job_id: int, *, create: float, flag: bool = False) -> Item:
    with runs.expect():
        clock.sleep(create)
        return runs.submit(job_id, flag)


def test_a_job_that_is_alone_waits_for_nobody() -> None:
    clock = Simulation()
    service = Service(clock)
    runs = batcher(service)
    assert runs.submit(7).message == "delivered 7"
    assert clock.now() == pytest.approx(1000.2)
    create_and_run(clock, runs, 8, create=0.1)
    assert clock.now() == pytest.approx(1000.5)
    assert service.calls == [([7], False), ([8], False)]


def test_jobs_created_together_travel_together_and_each_gets_its_own_outcome() -> None:
    clock = Simulation()
    service = Service(clock)
    service.fault = lambda ids: [Item(id_ % 2 == 0, "" if id_ % 2 == 0 else "DLI.13024", str(id_)) for id_ in ids]
    runs = batcher(service)
    results = clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1 + i / 100) for i in range(8)])
    assert len(service.calls) == 1
    assert [(item.message, item.ok) for item in results] == [(str(i), i % 2 == 0) for i in range(8)]


def test_flags_travel_in_calls_of_their_own() -> None:
    clock = Simulation()
    service = Service(clock)
    runs = batcher(service)
    clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1, flag=i % 2 == 0) for i in range(8)])
    assert {flag: sorted(ids) for ids, flag in service.calls} == {True: [0, 2, 4, 6], False: [1, 3, 5, 7]}
    assert len(service.calls) == 2


def test_no_call_has_more_than_fifty_ids() -> None:
    clock = Simulation()
    service = Service(clock)
    runs = batcher(service)
    clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1 + i / 1000) for i in range(120)])
    assert sorted(len(ids) for ids, _ in service.calls) == [20, 50, 50]
    assert sorted(sent(service)) == list(range(120))


def test_a_joiner_that_fails_releases_those_who_waited_for_it() -> None:
    clock = Simulation()
    service = Service(clock, latency=0)
    runs = batcher(service, max_window_seconds=60)
    at: list[float] = []

    def fails() -> None:
        with runs.expect(), runs.expect():
            clock.sleep(3)
            raise errors.ConflictError("name exists", status=400)

    def goes() -> None:
        create_and_run(clock, runs, 1, create=0.1)
        at.append(clock.now())

    clock.run([fails, goes])
    assert sent(service) == [1]
    assert at[0] < 1000 + 3 + 60 * 0.25 + 0.01


def test_a_joiner_that_takes_long_holds_others_up_for_one_window_only() -> None:
    clock = Simulation()
    service = Service(clock, latency=0)
    runs = batcher(service, max_window_seconds=1.0)
    clock.run([lambda: create_and_run(clock, runs, 1, create=0.1), lambda: create_and_run(clock, runs, 2, create=500)])
    assert [ids for ids, _ in service.calls] == [[1], [2]]


def test_those_who_keep_coming_cannot_hold_a_batch_open_for_more_than_five_windows() -> None:
    clock = Simulation()
    service = Service(clock, latency=0)
    first_at: list[float] = []
    runs = batcher(service, max_window_seconds=1.0)

    def first() -> None:
        create_and_run(clock, runs, 0, create=0)
        first_at.append(clock.now())

    clock.run([first] + [lambda i=i: create_and_run(clock, runs, i, create=0.9 * i) for i in range(1, 30)])
    assert first_at[0] <= 1000 + 5.01


def test_nested_announcements_count_once_and_end_with_the_submit() -> None:
    clock = Simulation()
    service = Service(clock, latency=0)
    runs = batcher(service, max_window_seconds=60)

    def nested() -> None:
        with runs.expect():
            with runs.expect():
                clock.sleep(0.1)
            clock.sleep(0.1)
            runs.submit(1)
            clock.sleep(30)  # still inside, but no longer on its way

    def other() -> float:
        create_and_run(clock, runs, 2, create=0.1)
        return clock.now()

    _, at = clock.run([nested, other])
    assert [sorted(ids) for ids, _ in service.calls] == [[1, 2]]
    assert at < 1001


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("arrival", [0.0, 0.05])
@pytest.mark.parametrize("create", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("width", [1, 4, 8, 50, 100])
def test_waves_of_workers_keep_the_budget_of_calls(width: int, create: float, arrival: float, seed: int) -> None:
    """N jobs at width P: workers create (at most 16 requests at a time), run, and wait for the job."""
    total = 200 if width >= 50 else 100
    clock = Simulation(seed)
    service = Service(clock)
    runs = batcher(service)
    todo = list(range(total))
    slots = [0.0] * 16

    def latency(seconds: float) -> None:
        """A request through one of the client's connections."""
        slot = min(range(16), key=slots.__getitem__)
        slots[slot] = max(slots[slot], clock.now()) + seconds * clock.random.uniform(0.7, 1.3)
        clock.sleep(slots[slot] - clock.now())

    def worker() -> None:
        while todo:
            job_id = todo.pop(0)
            clock.sleep(arrival * clock.random.random())  # the engine and the host are not infinitely fast
            with runs.expect():
                latency(create)
                assert runs.submit(job_id).ok
            clock.sleep(math.ceil((clock.now() + 30) / 5) * 5 - clock.now())  # seen as running by a shared poll

    assert [result for result in clock.run([worker] * width) if result is not None] == []
    assert sorted(sent(service)) == list(range(total))
    ideal = math.ceil(total / min(width, 50))
    assert len(service.calls) <= (ideal if width == 1 else 2 * ideal)
    if create and width > 1:
        assert len(service.calls) <= 1.3 * ideal + 1


@pytest.mark.parametrize("seed", range(5))
def test_deletes_without_any_announcement_still_gather(seed: int) -> None:
    clock = Simulation(seed)
    service = Service(clock)
    deletes = batcher(service)
    todo = list(range(96))

    def worker() -> None:
        while todo:
            job_id = todo.pop(0)
            deletes.submit(job_id)
            clock.sleep(0.02 * clock.random.random())

    clock.run([worker] * 8)
    assert len(service.calls) <= 96 / 8 + 2  # waves of 8, not of 1 and 7
    assert sorted(sent(service)) == list(range(96))


def test_jobs_that_come_while_a_call_is_under_way_share_the_next_one() -> None:
    clock = Simulation()
    service = Service(clock, latency=2.0)
    runs = batcher(service)

    def comes(i: int) -> None:
        clock.sleep(0.4 * i)
        runs.submit(i)

    clock.run([lambda i=i: comes(i) for i in range(5)])
    assert [ids for ids, _ in service.calls] == [[0], [1, 2, 3, 4]]


def test_company_that_does_not_come_back_is_not_waited_for_twice() -> None:
    clock = Simulation()
    service = Service(clock, latency=0)
    runs = batcher(service)
    clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1) for i in range(8)])
    durations = []
    for job_id in (100, 101, 102):
        before = clock.now()
        runs.submit(job_id)
        durations.append(clock.now() - before)
    assert durations[0] <= 0.26
    assert durations[1:] == [0, 0]


@pytest.mark.parametrize("wrong", [[], [Item(True, "", "one for two")], [Item(True, "", "x")] * 3])
def test_an_answer_of_the_wrong_length_tells_everybody_to_read_again(wrong: list[Item]) -> None:
    clock = Simulation()
    service = Service(clock)
    service.fault = lambda ids: wrong
    runs = batcher(service)
    results = clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1) for i in (11, 12)])
    for job_id, result in zip((11, 12), results, strict=True):
        assert isinstance(result, errors.UnknownOutcomeError)
        assert f"read job {job_id} before repeating" in str(result)
    assert len(service.calls) == 1


def test_a_lost_answer_reaches_everybody_as_an_error_of_his_own_and_nothing_is_repeated() -> None:
    clock = Simulation()
    service = Service(clock)
    cause = errors.UnknownOutcomeError("connection reset")
    service.fault = _raise(cause)
    runs = batcher(service)
    results = clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1) for i in range(8)])
    assert all(isinstance(result, errors.UnknownOutcomeError) and result.__cause__ is cause for result in results)
    assert len({id(result) for result in results}) == 8
    assert all(f"job {i}" in str(result) for i, result in enumerate(results))
    assert len(service.calls) == 1


def test_a_refusal_of_the_whole_call_reaches_everybody_as_a_copy_of_his_own() -> None:
    clock = Simulation()
    service = Service(clock)
    cause = errors.AuthError("no permission", status=403, code="APIG.0301")
    service.fault = _raise(cause)
    runs = batcher(service)
    results = clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1) for i in range(8)])
    assert all(type(result) is errors.AuthError and result.code == "APIG.0301" for result in results)
    assert len({id(result) for result in results} - {id(cause)}) == 8


@pytest.mark.parametrize("kind", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_a_leader_that_dies_sending_leaves_nobody_waiting_and_the_batcher_usable(kind: type[BaseException]) -> None:
    clock = Simulation()
    service = Service(clock)
    service.fault = _raise(kind())
    runs = batcher(service)
    results = clock.run([lambda i=i: create_and_run(clock, runs, i, create=0.1) for i in range(8)])
    assert sorted(type(result).__name__ for result in results) == sorted(["UnknownOutcomeError"] * 7 + [kind.__name__])
    service.fault = lambda ids: None
    assert runs.submit(5).ok


def test_a_leader_that_dies_gathering_leaves_nobody_waiting() -> None:
    clock = Simulation()
    service = Service(clock)
    runs = batcher(service, max_window_seconds=10)
    really_wait, waits = clock.wait, []

    def interrupted(event: threading.Event, seconds: float) -> bool:
        waits.append(seconds)
        if len(waits) == 8:
            raise KeyboardInterrupt
        return really_wait(event, seconds)

    clock.wait = interrupted  # type: ignore[method-assign]
    works = [lambda i=i: create_and_run(clock, runs, i, create=0.1 + i) for i in range(3)]
    results = clock.run(works)
    assert any(isinstance(result, KeyboardInterrupt) for result in results)
    clock.wait = really_wait  # type: ignore[method-assign]
    assert runs.submit(9).ok


@pytest.mark.parametrize("cancelling", [0, 1, 2])  # the first is the leader
def test_who_cancels_before_the_call_is_not_in_it_and_the_others_are(cancelling: int) -> None:
    clock = Simulation(cancelling)
    service = Service(clock)
    runs = batcher(service, max_window_seconds=10)
    cancels = [threading.Event() for _ in range(3)]

    def submits(i: int) -> tuple[Any, float]:
        clock.sleep(i / 10)
        try:
            return runs.submit(i, cancelled=cancels[i]), clock.now()
        except errors.CancelledError as error:
            return error, clock.now()

    def holds_the_batch_open() -> None:
        with runs.expect():
            clock.sleep(5)

    def cancels_one() -> None:
        clock.sleep(1)
        cancels[cancelling].set()

    results = clock.run([lambda: submits(0), lambda: submits(1), lambda: submits(2), holds_the_batch_open, cancels_one])
    error, at = results[cancelling]
    assert isinstance(error, errors.CancelledError)
    assert at <= 1001.5
    assert sorted(sent(service)) == [i for i in range(3) if i != cancelling]
    assert all(results[i][0].ok for i in range(3) if i != cancelling)


def test_when_all_cancel_nothing_is_sent() -> None:
    clock = Simulation()
    service = Service(clock)
    runs = batcher(service)
    cancelled = threading.Event()
    cancelled.set()
    results = clock.run([lambda i=i: runs.submit(i, cancelled=cancelled) for i in range(4)])
    assert all(isinstance(result, errors.CancelledError) for result in results)
    assert service.calls == []


def test_one_id_submitted_twice_is_sent_once_and_answers_both() -> None:
    clock = Simulation()
    service = Service(clock)
    runs = batcher(service)
    results = clock.run([lambda: create_and_run(clock, runs, 4, create=0.1)] * 2)
    assert sent(service) == [4]
    assert [item.message for item in results] == ["delivered 4"] * 2


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    jobs=st.lists(
        st.tuples(st.floats(0, 3), st.booleans(), st.sampled_from(["goes", "goes", "fails", "cancels"])),
        min_size=1,
        max_size=20,
    ),
    lost=st.sets(st.integers(1, 6)),
)
def test_whatever_happens_every_caller_gets_exactly_his_own_outcome(
    seed: int, jobs: list[tuple[float, bool, str]], lost: set[int]
) -> None:
    clock = Simulation(seed)
    service = Service(clock)
    service.fault = lambda ids: _raise(errors.UnknownOutcomeError("gone"))(ids) if len(service.calls) in lost else None
    runs = batcher(service, limit=5)

    def work(job_id: int) -> Any:
        create, flag, fate = jobs[job_id]
        cancelled = threading.Event()
        with runs.expect():
            clock.sleep(create)
            if fate == "fails":
                raise errors.ConfigError("no")
            if fate == "cancels":
                cancelled.set()
            return runs.submit(job_id, flag, cancelled=cancelled)

    results = clock.run([lambda i=i: work(i) for i in range(len(jobs))])
    travelled = sent(service)
    assert len(travelled) == len(set(travelled))
    assert all(len(ids) <= 5 for ids, _ in service.calls)
    for job_id, (result, (_, flag, fate)) in enumerate(zip(results, jobs, strict=True)):
        if fate == "fails":
            assert isinstance(result, errors.ConfigError)
        elif fate == "cancels":
            assert isinstance(result, errors.CancelledError)
            assert job_id not in travelled
        elif isinstance(result, Item):
            assert result.message == f"delivered {job_id}"
            assert any(job_id in ids and flag is sent_flag for ids, sent_flag in service.calls)
        else:
            assert isinstance(result, errors.UnknownOutcomeError)
            assert f"job {job_id}:" in str(result)


def test_two_hundred_real_threads_get_their_own_answers_and_leave_no_thread_behind() -> None:
    calls: list[list[int]] = []

    def send(ids: Sequence[int], flag: bool) -> list[int]:
        calls.append(list(ids))
        return [id_ * 10 for id_ in ids]

    runs: Batcher[int] = Batcher(send, max_window_seconds=2.0)
    before = threading.active_count()
    together = threading.Barrier(50)

    def work(job_id: int) -> int:
        with runs.expect():
            together.wait(10)
            return runs.submit(job_id)

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(work, range(200))) == [id_ * 10 for id_ in range(200)]
    assert sorted(id_ for ids in calls for id_ in ids) == list(range(200))
    assert len(calls) <= 8
    assert threading.active_count() == before


def _raise(error: BaseException) -> Callable[[list[int]], None]:
    def fault(_ids: list[int]) -> None:
        raise error

    return fault
