"""`SingleFlight`: one value that many threads read in one call.

Concurrent reads of one thing become one call. A snapshot lives five seconds at most and ends with any write of ours; a
caller that must see nothing older than its own start says so. It starts no threads: callers make the calls themselves.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pulumi_dli.clock import SYSTEM_CLOCK, Clock
from pulumi_dli.errors import CancelledError, DliError
from pulumi_dli.lifecycle.coalescing.waiting import copy_for_waiter
from pulumi_dli.patience import leave_if_cancelled

T = TypeVar("T")

_FOLLOWER_CHECK_SECONDS = 0.5  # followers are woken by who flies; this is how soon they notice a cancel


@dataclass(eq=False)
class _Fetch(Generic[T]):
    """One fetch under way, and what it brought."""

    at: float  # infinite until the request is sent: so it serves all who come before
    generation: float
    done: threading.Event = field(default_factory=threading.Event)
    value: list[T] = field(default_factory=list)  # empty or one: T may be None
    error: DliError | None = None


class SingleFlight(Generic[T]):
    """One value that many threads read: fetched once for all who ask at the same time, and kept for a few seconds."""

    def __init__(
        self,
        fetch: Callable[[], T],
        *,
        max_age_seconds: float = 5.0,
        gather_seconds: Callable[[], float] = lambda: 0.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`gather_seconds`: how long one who needs a young value waits for others who do, before asking for all."""
        self._fetch = fetch
        self._max_age = max_age_seconds
        self._gather_seconds = gather_seconds
        self._clock = clock
        self._never = threading.Event()
        self._lock = threading.Lock()
        self._generation = 0
        self._kept: _Fetch[T] | None = None
        self._flying: _Fetch[T] | None = None

    def get(self, *, not_older_than: float | None = None) -> T:
        """The value, from a request that was sent at `not_older_than` (the clock's time) or later.

        Raises:
            DliError: the fetch failed; every caller gets an instance of its own. Nothing is kept of a failure.
        """
        return self.take(not_older_than=not_older_than)[0]

    def take(self, *, not_older_than: float | None = None) -> tuple[T, float]:
        """As `get`, with the time at which the request was sent."""
        with self._lock:
            entered = self._generation
        while True:
            flight, mine, serves = self._board(entered, not_older_than)
            if mine:
                self._send_batch(flight, self._gather_seconds() if not_older_than is not None else 0.0)
            while not self._clock.wait(flight.done, _FOLLOWER_CHECK_SECONDS):
                leave_if_cancelled("another call's look at the service")
            if not serves:
                continue  # too old for us; all who waited for its end share the next one
            if flight.value:
                return flight.value[0], flight.at
            if not mine and isinstance(flight.error, CancelledError):
                continue  # who flew was cancelled; whoever was not, or not yet, looks for itself
            if flight.error is not None:
                raise flight.error if mine else copy_for_waiter(flight.error)
            # The thread that flew it died of something foreign and tells of it there: fetch for ourselves.

    def peek(self, *, not_older_than: float | None = None) -> tuple[T, float] | None:
        """The kept value and its time, when it is young enough; makes no call."""
        with self._lock:
            kept = self._kept
            return (kept.value[0], kept.at) if kept and self._serves(kept, not_older_than) else None

    def invalidate(self) -> None:
        """Forget the value, also the one that a fetch under way will bring: something was written."""
        with self._lock:
            self._generation += 1
            self._kept = None

    def _board(self, entered: int, not_older_than: float | None) -> tuple[_Fetch[T], bool, bool]:
        """The flight to wait for, whether we fly it, and whether it may serve us (else it is only in the way)."""
        with self._lock:
            for flight in (self._kept, self._flying):
                if flight is not None and self._serves(flight, not_older_than, entered):
                    return flight, False, True
            if self._flying is not None:
                return self._flying, False, False
            self._flying = _Fetch(math.inf, math.inf)
            return self._flying, True, True

    def _serves(self, flight: _Fetch[T], not_older_than: float | None, generation: int | None = None) -> bool:
        """A flight under way is as young as its request, however long it takes, so it serves all who come meanwhile.

        A write ends it for those who come later (`generation`: as of when the caller came, by default now).
        """
        oldest = self._generation if generation is None else generation
        if flight.generation < oldest or (not_older_than is not None and flight.at < not_older_than):
            return False
        return not flight.done.is_set() or self._clock.now() - flight.at <= self._max_age

    def _send_batch(self, flight: _Fetch[T], gather_seconds: float) -> None:
        try:
            if gather_seconds > 0:
                self._clock.wait(self._never, gather_seconds)
            with self._lock:
                flight.at, flight.generation = self._clock.now(), self._generation
            flight.value.append(self._fetch())
        except DliError as error:
            flight.error = error
        finally:
            with self._lock:
                if self._flying is flight:
                    self._flying = None
                newer = self._kept is None or self._kept.at <= flight.at
                if flight.value and newer:
                    self._kept = flight
            flight.done.set()
