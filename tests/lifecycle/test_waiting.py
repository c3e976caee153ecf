"""Waiting ends well, badly, too late or at a cancel, and says which; it never sleeps but through the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_time import Simulation

from pulumi_dli import errors
from pulumi_dli.lifecycle.coalescing.waiting import (
    Backoff,
    Deadline,
    StatusReport,
    WaitCondition,
    copy_for_waiter,
    duration,
    is_transient,
    wait_for,
)
from pulumi_dli.lifecycle.operation_context import OperationContext

GOAL = WaitCondition(kind="queue", target={"AVAILABLE"}, failed={"FAILED"}, moving={"ASSIGNING"}, hint="takes 5 to 15")


class Script:
    """A look that shows the given statuses in turn, the last for ever; an exception is raised."""

    def __init__(self, clock: Simulation, steps: Sequence[str | Exception], on_look: Callable[[], None] = lambda: None):
        self.clock, self.steps, self.on_look = clock, list(steps), on_look
        self.times: list[float] = []

    def __call__(self) -> str:
        self.times.append(self.clock.now())
        self.on_look()
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step


def wait(
    script: Script, *, seconds: float = 600, call: OperationContext | None = None, backoff: Backoff | None = None
) -> str:
    return wait_for(
        script,
        id="q1",
        goal=GOAL,
        describe=lambda status: StatusReport(status, "the reason" if status == "FAILED" else "", status.lower()),
        deadline=Deadline(seconds, script.clock),
        backoff=backoff or Backoff(1.0, jitter=lambda: 1.0),
        call=call or OperationContext(),
        clock=script.clock,
    )


def test_a_thing_that_is_there_costs_one_look_and_no_time() -> None:
    clock = Simulation()
    script = Script(clock, ["AVAILABLE"])
    assert wait(script) == "AVAILABLE"
    assert script.times == [1000.0]


def test_looks_are_at_once_then_after_one_second_growing_to_ten() -> None:
    script = Script(Simulation(), ["ASSIGNING"] * 12 + ["AVAILABLE"])
    wait(script)
    pauses = [round(after - before, 2) for before, after in zip(script.times, script.times[1:], strict=False)]
    assert script.times[0] == 1000.0
    assert pauses[0] == 1.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10.0


def test_a_status_that_moves_makes_looks_frequent_again() -> None:
    script = Script(Simulation(), ["ASSIGNING"] * 12 + ["NEARLY", "NEARLY", "AVAILABLE"])
    wait(script)
    assert round(script.times[13] - script.times[12], 2) == 1.0


def test_the_poll_seconds_of_the_connection_scale_all_pauses() -> None:
    script = Script(Simulation(), ["ASSIGNING"] * 12 + ["AVAILABLE"])
    wait(script, backoff=Backoff(0.01, jitter=lambda: 1.0))
    assert script.times[-1] - 1000.0 < 1.3


@given(st.floats(0.001, 60), st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_a_pause_is_never_longer_than_ten_times_the_first_nor_shorter_than_four_fifths_of_it(
    first: float, draws: list[float]
) -> None:
    source = iter(draws)
    backoff = Backoff(first, jitter=lambda: next(source))
    for _ in draws:
        assert 0.8 * first <= backoff.pause() <= 10 * first * 1.000001


def test_a_failed_status_raises_with_id_status_and_the_reason_of_the_service() -> None:
    with pytest.raises(errors.WaitFailedError, match="queue q1 came to rest in FAILED: the reason") as caught:
        wait(Script(Simulation(), ["ASSIGNING", "FAILED"]))
    assert (caught.value.id, caught.value.status, caught.value.description) == ("q1", "FAILED", "the reason")


def test_a_timeout_names_the_last_status_and_the_time_waited() -> None:
    with pytest.raises(errors.WaitTimeoutError, match=r"queue q1 was still in ASSIGNING after 2 min") as caught:
        wait(Script(Simulation(), ["ASSIGNING"]), seconds=120)
    assert caught.value.status == "ASSIGNING"
    assert caught.value.waited_seconds == pytest.approx(120)
    assert "does not know" not in str(caught.value)


def test_an_unknown_status_counts_as_moving_and_is_named_at_the_deadline() -> None:
    assert wait(Script(Simulation(), ["SHINY_NEW", "AVAILABLE"])) == "AVAILABLE"
    with pytest.raises(errors.WaitTimeoutError, match=r"SHINY_NEW \(a status that this version does not know\)"):
        wait(Script(Simulation(), ["SHINY_NEW"]), seconds=30)


def test_the_last_look_falls_on_the_deadline() -> None:
    clock = Simulation()
    script = Script(clock, ["ASSIGNING"])
    script.on_look = lambda: script.steps.__setitem__(0, "AVAILABLE" if clock.now() >= 1029.9 else "ASSIGNING")
    assert wait(script, seconds=30) == "AVAILABLE"


def test_even_without_any_time_there_is_one_look() -> None:
    assert wait(Script(Simulation(), ["AVAILABLE"]), seconds=0) == "AVAILABLE"
    script = Script(Simulation(), ["ASSIGNING"])
    with pytest.raises(errors.WaitTimeoutError):
        wait(script, seconds=0)
    assert len(script.times) == 1


def test_a_cancel_ends_the_wait_at_once_and_without_another_look() -> None:
    clock = Simulation()
    call = OperationContext()
    script = Script(clock, ["ASSIGNING"])

    def cancel_later() -> float:
        clock.sleep(5.0)
        call.cancelled.set()
        return clock.now()

    waited, cancelled_at = clock.run([lambda: wait(script, call=call), cancel_later])
    assert isinstance(waited, errors.CancelledError)
    assert "queue q1" in str(waited)
    assert clock.now() == cancelled_at


def test_a_cancel_from_before_the_wait_makes_no_look() -> None:
    call = OperationContext()
    call.cancelled.set()
    script = Script(Simulation(), ["AVAILABLE"])
    with pytest.raises(errors.CancelledError):
        wait(script, call=call)
    assert script.times == []


def test_progress_says_status_time_and_what_to_expect() -> None:
    lines: list[str] = []
    wait(Script(Simulation(), ["ASSIGNING"] * 30 + ["AVAILABLE"]), call=OperationContext(status=lines.append))
    assert lines[0] == "assigning, 0 s; takes 5 to 15"
    assert "assigning, 3 min; takes 5 to 15" in lines


def test_passing_failures_of_a_look_are_borne_a_few_times_and_others_not() -> None:
    lost = errors.UnknownOutcomeError("lost")
    down = errors.ApiError("down", status=503)
    assert wait(Script(Simulation(), [lost, down, lost, "AVAILABLE"])) == "AVAILABLE"
    with pytest.raises(errors.UnknownOutcomeError):
        wait(Script(Simulation(), [lost]))
    refused = Script(Simulation(), [errors.AuthError("no", status=403)])
    with pytest.raises(errors.AuthError):
        wait(refused)
    assert len(refused.times) == 1


def test_a_look_never_seen_by_the_deadline_is_a_timeout_that_says_so() -> None:
    with pytest.raises(errors.WaitTimeoutError, match="could not be seen"):
        wait(Script(Simulation(), [errors.UnknownOutcomeError("lost")]), seconds=3)


def test_the_wish_of_a_throttling_service_is_obeyed() -> None:
    throttled = errors.ThrottledError("slow down", status=429)
    throttled.retry_after_seconds = 42.0
    script = Script(Simulation(), [throttled, "AVAILABLE"])
    wait(script)
    assert script.times == [1000.0, 1042.0]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.UnknownOutcomeError("x"), True),
        (errors.UnsentRequestError("x"), True),
        (errors.ThrottledError("x", status=429), True),
        (errors.ApiError("x", status=500), True),
        (errors.ApiError("x", status=503), True),
        (errors.ApiError("x", status=408), True),
        (errors.ApiError("x", status=400), False),
        (errors.NotFoundError("x", status=400), False),
        (errors.AuthError("x", status=401), False),
        (errors.ConfigError("x"), False),
        (RuntimeError("x"), False),
    ],
)
def test_which_failures_of_a_read_pass(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected


def test_a_fresh_copy_is_equal_in_all_but_identity() -> None:
    error = errors.ConflictError("busy", status=400, code="DLI.15002", request_id="r", method="POST", path="/jobs/run")
    copy = copy_for_waiter(error)
    assert copy is not error
    assert type(copy) is errors.ConflictError
    assert (str(copy), copy.code, copy.status, copy.__cause__) == (str(error), "DLI.15002", 400, error)
    failed = copy_for_waiter(errors.WaitFailedError("m", id="1", status="job_submit_fail"))
    assert (failed.id, failed.status, str(failed)) == ("1", "job_submit_fail", "m")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (40.4, "40 s"), (180, "3 min"), (3600, "1 h 0 min"), (3900, "1 h 5 min")]
)
def test_durations_read_as_a_person_says_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_deadline_counts_down_and_stays_at_zero() -> None:
    clock = Simulation()
    deadline = Deadline(10, clock)
    clock.wait(threading.Event(), 4)
    assert (deadline.waited_seconds, deadline.remaining_seconds, deadline.passed) == (4, 6, False)
    clock.wait(threading.Event(), 60)
    assert (deadline.remaining_seconds, deadline.passed) == (0, True)
