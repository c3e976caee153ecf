"""How we wait for something of the service: deadline, backoff, and the one loop that judges statuses.

Owns `Deadline`, `Backoff`, `WaitCondition` and the loop `wait_on` (over any source of looks) with `wait_for` (over a
plain callable, for queues and packages). The lifecycles call it; `job_poller.JobPoller` is its source for jobs. It
makes no call of its own, knows no resource, and never sleeps but through `Clock.wait` on the event that a cancel sets.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pulumi_dli.clock import Clock
from pulumi_dli.errors import (
    ApiError,
    CancelledError,
    DliError,
    ThrottledError,
    UnknownOutcomeError,
    UnsentRequestError,
    WaitFailedError,
    WaitTimeoutError,
    caused_by,
    reworded,
)
from pulumi_dli.lifecycle.operation_context import OperationContext

T = TypeVar("T")
E = TypeVar("E", bound=DliError)
T_co = TypeVar("T_co", covariant=True)

UNHEARD = "as if nothing had been asked"
"""The status of a wait for something that was accepted, and that shows no sign of it."""

TOLERATED_FAILURES = 5
"""Looks in a row that may fail for passing reasons before a wait gives up; the client has retried each already."""


class Deadline:
    """A point in time that the clock moves towards, and the time spent since it was set."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.now()
        self.seconds = seconds

    @property
    def waited_seconds(self) -> float:
        return self._clock.now() - self._started

    @property
    def remaining_seconds(self) -> float:
        """Seconds left, never less than 0."""
        return max(self.seconds - self.waited_seconds, 0.0)

    @property
    def passed(self) -> bool:
        return self.remaining_seconds <= 0


class Backoff:
    """The pauses between looks: `first_seconds`, growing to ten times that, each shortened at random by up to a fifth.

    Not for several threads at once: whoever shares one holds a lock.
    """

    def __init__(
        self, first_seconds: float = 1.0, *, growth: float = 1.6, jitter: Callable[[], float] = random.random
    ) -> None:
        self._first = first_seconds
        self._growth = growth
        self._jitter = jitter
        self._interval = first_seconds

    def pause(self) -> float:
        """The seconds to wait now; the next pause is longer."""
        pause = self._interval * (0.8 + 0.2 * self._jitter())
        self._interval = min(self._interval * self._growth, 10 * self._first)
        return pause

    def reset(self) -> None:
        """Something moved: look often again."""
        self._interval = self._first


class Silence:
    """How long a thing shows no sign of what was asked of it: an answer of success is no proof that it was heard.

    Args:
        now: seconds of the service's clock.
        seconds: for so long it may well be on its way.
        looks: and for so many looks, since lists are late.
    """

    def __init__(self, now: Callable[[], float], *, seconds: float, looks: int = 5) -> None:
        self._now = now
        self._seconds = seconds
        self._most_looks = looks
        self._looks = 0
        self._began = now()

    def broken(self) -> None:
        """It showed a sign: count from here."""
        self._looks, self._began = 0, self._now()

    def lasts(self) -> bool:
        """Count a look without a sign; whether nothing can be expected any more."""
        self._looks += 1
        return self._looks > self._most_looks and self._now() - self._began > self._seconds


@dataclass(frozen=True)
class WaitCondition:
    """What a wait is for. A status outside the three sets counts as moving and is named when the time is over.

    Attributes:
        kind: how a user calls the thing ("Flink job").
        target: statuses that end the wait well.
        failed: statuses that end it with `WaitFailedError`.
        moving: statuses that we know to be on the way.
        hint: what to expect, shown with the progress ("first job on a new queue takes 6 to 10", dli-api 3.8).
    """

    kind: str
    target: Collection[str]
    failed: Collection[str]
    moving: Collection[str]
    hint: str = ""


@dataclass(frozen=True)
class StatusReport:
    """What a look says about the wait.

    Attributes:
        status: DLI's own word.
        description: the service's reason; it goes into errors, which are redacted where they leave.
        words: the status in words for the progress line; the status itself when empty.
    """

    status: str
    description: str = ""
    words: str = ""


class Looks(Protocol[T_co]):
    """A source of looks at one thing."""

    def next(self, deadline: Deadline) -> T_co | None:
        """The next look, after a pause of the source's choice; None when the deadline passed first.

        Raises:
            CancelledError: the person asked to stop.
            DliError: the thing cannot be looked at.
        """


class PolledLooks(Generic[T]):
    """Looks made by calling `look`: at once, then backing off, faster again when the status moves."""

    def __init__(
        self,
        look: Callable[[], T],
        *,
        describe: Callable[[T], StatusReport],
        what: str,
        backoff: Backoff,
        cancelled: threading.Event,
        clock: Clock,
    ) -> None:
        self._look = look
        self._describe = describe
        self._what = what
        self._backoff = backoff
        self._cancelled = cancelled
        self._clock = clock
        self._status: str | None = None
        self._pause: float | None = None
        self._failures = 0

    def next(self, deadline: Deadline) -> T | None:
        """See `Looks.next`. The last look falls on the deadline, so a thing that just made it is not given up."""
        while self._pause is None or not deadline.passed:
            self._clock.wait(self._cancelled, min(self._pause or 0.0, deadline.remaining_seconds))
            if self._cancelled.is_set():
                raise cancelled_error(self._what)
            self._pause = self._backoff.pause()
            try:
                found = self._look()
            except DliError as error:
                self._tolerate(error)
                continue
            self._failures = 0
            self._notice(self._describe(found).status)
            return found
        return None

    def _tolerate(self, error: DliError) -> None:
        self._failures += 1
        if not is_transient(error) or self._failures > TOLERATED_FAILURES:
            raise error
        self._pause = max(self._pause or 0.0, retry_after_of(error))

    def _notice(self, status: str) -> None:
        if self._status is not None and status != self._status:
            self._backoff.reset()
            self._pause = self._backoff.pause()
        self._status = status


def wait_for(
    look: Callable[[], T],
    *,
    id: str,
    goal: WaitCondition,
    describe: Callable[[T], StatusReport],
    deadline: Deadline,
    backoff: Backoff,
    call: OperationContext,
    clock: Clock,
) -> T:
    """Call `look` until it shows a target status, and return that look. Raises as `wait_on`."""
    looks = PolledLooks(
        look, describe=describe, what=f"{goal.kind} {id}", backoff=backoff, cancelled=call.cancelled, clock=clock
    )
    return wait_on(looks, id=id, goal=goal, describe=describe, deadline=deadline, call=call)


def wait_on(
    looks: Looks[T],
    *,
    id: str,
    goal: WaitCondition,
    describe: Callable[[T], StatusReport],
    deadline: Deadline,
    call: OperationContext,
) -> T:
    """Take looks until one shows a target status, and return it.

    Raises:
        WaitFailedError: a failed status.
        WaitTimeoutError: the deadline passed on any other status, known or not.
        CancelledError: the person asked to stop; the thing itself is left as it is.
        DliError: the thing could not be looked at.
    """
    seen = StatusReport(status="")
    while True:
        found = looks.next(deadline)
        if found is None:
            raise _timeout(id, goal, seen, deadline)
        seen = describe(found)
        if seen.status in goal.target:
            return found
        if seen.status in goal.failed:
            raise _failure(id, goal, seen)
        if deadline.passed:
            raise _timeout(id, goal, seen, deadline)
        call.status(_progress(goal, seen, deadline.waited_seconds))


def duration(seconds: float) -> str:
    """Seconds as a person says them: "40 s", "3 min", "1 h 5 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def cancelled_error(what: str) -> CancelledError:
    """The error of a wait for `what` that the person ended."""
    return CancelledError(f"stopped waiting for {what}: the deployment was cancelled; `pulumi up` goes on from there")


def is_transient(error: BaseException) -> bool:
    """Whether a *read* that failed like this may well succeed a little later (dli-api 3.6)."""
    if isinstance(error, ApiError):
        return isinstance(error, ThrottledError) or error.status >= 500 or error.status == 408
    return isinstance(error, UnknownOutcomeError | UnsentRequestError)


def retry_after_of(error: BaseException) -> float:
    """The seconds that the service wants us to stay away, 0.0 when it named none."""
    return (error.retry_after_seconds or 0.0) if isinstance(error, ThrottledError) else 0.0


def copy_for_waiter(error: E) -> E:
    """An equal error with `error` as its cause: one instance raised in several threads would mix their tracebacks."""
    return caused_by(reworded(error), error)


def _progress(goal: WaitCondition, seen: StatusReport, waited_seconds: float) -> str:
    line = f"{seen.words or seen.status}, {duration(waited_seconds)}"
    return f"{line}; {goal.hint}" if goal.hint else line


def _failure(id: str, goal: WaitCondition, seen: StatusReport) -> WaitFailedError:
    reason = f": {seen.description}" if seen.description else ""
    return WaitFailedError(
        f"{goal.kind} {id} came to rest in {seen.status}{reason}",
        id=id,
        status=seen.status,
        description=seen.description,
    )


def _timeout(id: str, goal: WaitCondition, seen: StatusReport, deadline: Deadline) -> WaitTimeoutError:
    waited = deadline.waited_seconds
    state = f"was still in {seen.status}" if seen.status else "could not be seen"
    known = {*goal.target, *goal.failed, *goal.moving}
    unknown = " (a status that this version does not know)" if seen.status and seen.status not in known else ""
    reason = f", described as: {seen.description}" if seen.description else ""
    return WaitTimeoutError(
        f"{goal.kind} {id} {state}{unknown} after {duration(waited)}{reason}; "
        "`pulumi up` goes on waiting from there, `custom_timeouts` allows more time",
        id=id,
        status=seen.status,
        waited_seconds=waited,
    )
