"""The one gate that all requests of a client pass: how many at once, and how they slow down together.

`transport.py` holds a slot while a request is under way. When the service throttles (429), the gate closes for all
callers for the time it asks for (else for a time that doubles), and opens to half as many; each success widens it again
a little. So a hundred waiting resources react as one, instead of each retrying alone; their progress lines say so.
It decides nothing about repeating: `retry.py` does. A cancelled call leaves at once (`pulumi_dli.patience`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pulumi_dli import patience
from pulumi_dli.clock import Clock
from pulumi_dli.errors import CancelledError, UnsentRequestError

_WIDENING_PER_SUCCESS = 0.25
_FIRST_SHUT_SECONDS = 2.0  # "a few seconds" (dli-api 3.6)
_LONGEST_SHUT_SECONDS = 60.0
_TELL_SECONDS = 2.0  # between two passing lines; the host shows fewer


class RateLimiter:
    """A limit of concurrent requests that shrinks and recovers with the service's feedback."""

    def __init__(self, width: int, clock: Clock, *, place: str = "") -> None:
        """`place`: the endpoint, whose calls are told that it throttles."""
        self._place = place
        self._told_at = -_TELL_SECONDS
        self._width = float(max(width, 1))
        self._limit = self._width
        self._under_way = 0
        self._opens_at = clock.now()
        self._round = 0
        self._rounds_without_success = 0
        self._room = threading.Condition()
        self._closed = threading.Event()
        self._clock = clock

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Wait for room, then hold it. Gives the number of the throttling round that the request belongs to.

        Raises:
            UnsentRequestError: the client was closed meanwhile.
            CancelledError: the call was cancelled.
        """
        round_number = self._enter()
        try:
            yield round_number
        finally:
            with self._room:
                self._under_way -= 1
                # While shut, every waiting caller goes to wait for the time instead: none depends on another's turn.
                if self._opens_at > self._clock.now():
                    self._room.notify_all()
                else:
                    self._room.notify()

    def throttled(self, round_number: int, asked_seconds: float | None) -> None:
        """The service asked to slow down; requests that were under way together count as one such wish."""
        with self._room:
            if round_number == self._round:
                self._round += 1
                self._rounds_without_success += 1
                self._limit = max(self._limit / 2, 1.0)
            doubled = _FIRST_SHUT_SECONDS * 2.0 ** min(self._rounds_without_success - 1, 10)
            shut_seconds = min(doubled if asked_seconds is None else max(asked_seconds, 0.5), _LONGEST_SHUT_SECONDS)
            self._opens_at = max(self._opens_at, self._clock.now() + shut_seconds)

    def succeeded(self, round_number: int) -> None:
        """A request came through; answers to requests from before the last throttling prove nothing."""
        with self._room:
            if round_number != self._round:
                return
            self._rounds_without_success = 0
            if self._limit < self._width:
                self._limit = min(self._limit + _WIDENING_PER_SUCCESS, self._width)
                self._room.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait outside of the gate; ends early when the client is closed.

        Raises:
            CancelledError: the call was cancelled.
        """
        patience.pause(self._clock, seconds, closed=self._closed, meanwhile=self._tell)

    def _tell(self) -> None:
        """Say that the service throttles, when it does."""
        now = self._clock.now()
        shut_seconds = self._opens_at - now
        if shut_seconds <= 0 or now - self._told_at < _TELL_SECONDS:
            return
        self._told_at = now
        at = time.strftime("%H:%M:%S", time.localtime(time.time() + shut_seconds))
        patience.tell_all(f"the service throttles (429): next try at {at}", place=self._place)

    def close(self) -> None:
        """Send every waiting caller away."""
        self._closed.set()
        with self._room:
            self._room.notify_all()

    def _enter(self) -> int:
        mine = patience.current()
        while True:
            with self._room:
                if self._closed.is_set():
                    raise UnsentRequestError("the client was closed before the request was sent")
                shut_seconds = self._opens_at - self._clock.now()
                if shut_seconds <= 0 and self._under_way < int(self._limit):
                    self._under_way += 1
                    return self._round
                if shut_seconds <= 0:
                    if mine is not None and mine.cancelled.is_set():
                        raise CancelledError("the deployment was cancelled before the request was sent")
                    self._room.wait(None if mine is None else 2 * patience.CHECK_SECONDS)
                    continue
            self.pause(shut_seconds)
