"""How long the running call may wait for the service, when it must not go on waiting, and whom it tells that it waits.

The host opens one `Patience` for each call of the engine (`waiting_as`); the client reads the one of the thread that it
runs in (`current`). So a ^C reaches every wait of the client without an argument on each method. Who makes one request
for several calls goes on until all of them have been cancelled (`on_behalf_of`). It lies under all rooms and imports
of them only clock and errors.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from pulumi_dli.clock import Clock
from pulumi_dli.errors import CancelledError

CHECK_SECONDS = 0.25
"""How often a wait looks after its cancel where it cannot wait for it."""


def _silent(_text: str) -> None:
    pass


@dataclass(eq=False)
class Patience:
    """Of one call.

    Attributes:
        cancelled: ends its waits; a call that must not stop right now puts a later one here (`LateCancel`).
        ends_at: when its time is over, on `time.monotonic`; None: the limits of the client alone.
        tell: shows a passing line on its resource.
        place: the endpoint that it works with; it hears of what happens there.
    """

    cancelled: threading.Event = field(default_factory=threading.Event)
    ends_at: float | None = None
    tell: Callable[[str], None] = _silent
    place: str = ""

    @property
    def seconds_left(self) -> float | None:
        return None if self.ends_at is None else max(self.ends_at - time.monotonic(), 0.0)


class _AllOf(threading.Event):
    """Set when all of some events are."""

    def __init__(self, events: Collection[threading.Event]) -> None:
        super().__init__()
        self._events = events

    def is_set(self) -> bool:
        return all(event.is_set() for event in self._events)

    def wait(self, timeout: float | None = None) -> bool:
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = CHECK_SECONDS if ends_at is None else min(CHECK_SECONDS, ends_at - time.monotonic())
            if left <= 0:
                break
            next(event for event in self._events if not event.is_set()).wait(left)
        return self.is_set()


_of_this_call: ContextVar[Patience | None] = ContextVar("patience", default=None)
_open: set[Patience] = set()
_lock = threading.Lock()


def current() -> Patience | None:
    """The patience of the call that this thread works for; None outside of all calls (a program's own functions)."""
    return _of_this_call.get()


@contextlib.contextmanager
def waiting_as(patience: Patience) -> Iterator[Patience]:
    """While a call is answered in this thread."""
    token = _of_this_call.set(patience)
    with _lock:
        _open.add(patience)
    try:
        yield patience
    finally:
        with _lock:
            _open.discard(patience)
        _of_this_call.reset(token)


@contextlib.contextmanager
def on_behalf_of(events: Collection[threading.Event | None]) -> Iterator[None]:
    """While this thread asks for several calls: only when all of them were cancelled, the request is given up."""
    mine = current()
    if mine is None:
        yield
        return
    known = [event for event in events if event is not None] or [mine.cancelled]
    shared = Patience(known[0] if len(set(known)) == 1 else _AllOf(known), None, mine.tell, mine.place)
    token = _of_this_call.set(shared)
    try:
        yield
    finally:
        _of_this_call.reset(token)


def pause(
    clock: Clock, seconds: float, *, closed: threading.Event, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Wait; `meanwhile` is done every two seconds. Ends early when `closed` is set.

    Raises:
        CancelledError: the call was cancelled.
    """
    mine = current()
    if mine is None:
        clock.wait(closed, seconds)
        return
    ends_at = clock.now() + seconds
    while not closed.is_set() and (left := ends_at - clock.now()) > 0:
        meanwhile()
        if clock.wait(mine.cancelled, min(left, 8 * CHECK_SECONDS)):
            raise CancelledError("the deployment was cancelled while the client waited to ask the service again")


def leave_if_cancelled(what: str) -> None:
    """Go on, or not.

    Raises:
        CancelledError: the call was cancelled.
    """
    mine = current()
    if mine is not None and mine.cancelled.is_set():
        raise CancelledError(f"the deployment was cancelled while it waited for {what}")


@contextlib.contextmanager
def holding(lock: threading.Lock, what: str) -> Iterator[None]:
    """Hold a lock that another call may hold for as long as a request takes.

    Raises:
        CancelledError: the call was cancelled first.
    """
    mine = current()
    while not lock.acquire(timeout=-1 if mine is None else CHECK_SECONDS):
        leave_if_cancelled(what)
    try:
        yield
    finally:
        lock.release()


def tell_all(text: str, *, place: str) -> None:
    """A passing line on every resource that works with this endpoint, also those that wait for another's request."""
    with _lock:
        listening = [patience for patience in _open if patience.place == place]
    for patience in listening:
        patience.tell(text)
