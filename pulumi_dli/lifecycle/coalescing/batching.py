"""Many callers, few calls: operations on single jobs are coalesced into DLI's batch calls (dli-api 6.5 to 6.7).

One `Batcher` each for run, stop and delete is shared by all resources of a connection; the job lifecycle submits to it
from as many threads as the engine uses. The first caller of a batch leads it: waits while others are about to join,
sends, and hands every caller the result of its own job. There are no background threads. A batch is never repeated
here: after a lost answer every caller must read its own job (dli-api 6.5).

When a batch closes: at `limit` jobs; or, once no caller is on its way (`expect`) and no earlier batch is in the air,
at once for a job that is alone, and a moment after as many jobs are in it as came together lately; or when none came
for `max_window_seconds` (five times in all).
So a lone job does not wait, and the workers of a wave stay together.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pulumi_dli.clock import SYSTEM_CLOCK, Clock
from pulumi_dli.errors import DliError, UnknownOutcomeError, caused_by
from pulumi_dli.lifecycle.coalescing.waiting import cancelled_error, copy_for_waiter
from pulumi_dli.patience import Patience, current, on_behalf_of

R = TypeVar("R")

_WINDOWS_IN_ALL = 5  # creates go through a bounded number of connections: a wave of 50 arrives over several round trips
_LINGER = 0.25  # of a window: how long a batch waits for company of which nothing is heard yet
_SETTLE_SECONDS = 0.25  # and at most so long when all who are known are there
_CANCEL_CHECK_SECONDS = 0.2
_FOLLOWER_CHECK_SECONDS = 30.0  # followers are woken by their leader; this only bounds what a clock can be asked


@dataclass(eq=False)
class _Request(Generic[R]):
    """One caller's place in a batch."""

    job_id: int
    cancelled: threading.Event | None
    done: threading.Event = field(default_factory=threading.Event)
    results: list[R] = field(default_factory=list)  # empty or one: R may be any type, None included
    error: DliError | None = None
    patience: Patience | None = field(default_factory=current)

    def is_cancelled(self) -> bool:
        return self.cancelled is not None and self.cancelled.is_set()


@dataclass(eq=False)
class _Batch(Generic[R]):
    """Jobs that will travel in one call. `wake` tells the leader to judge the window anew."""

    flag: bool
    opened: float
    last_arrival: float
    requests: list[_Request[R]] = field(default_factory=list)
    wake: threading.Event = field(default_factory=threading.Event)
    closed: bool = False


class Batcher(Generic[R]):
    """Coalesces `submit` calls of many threads into calls of `send(job_ids, flag)`, at most `limit` ids each.

    Args:
        send: makes one batch call; returns one result per id, in order. May raise `UnknownOutcomeError`, or any other
            `DliError` when the whole request was refused.
        what: the word for the operation in error texts ("run").
        limit: ids a call.
        max_window_seconds: how long a batch waits for the next of those who are about to join.
        clock: time.
    """

    def __init__(
        self,
        send: Callable[[Sequence[int], bool], Sequence[R]],
        *,
        what: str = "batch",
        limit: int = 50,
        max_window_seconds: float = 1.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._send = send
        self._what = what
        self._limit = limit
        self._window = max_window_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[bool, _Batch[R]] = {}
        self._me = threading.local()
        self._on_their_way = 0
        self._in_flight = 0
        self._peers = 1  # how many came together lately
        self._quiet_since = clock.now()

    @contextmanager
    def expect(self) -> Iterator[None]:
        """Announce that this thread will submit soon: open batches wait for it, within their window.

        The announcement ends with `submit`, or with the block, however it ends. Blocks may be nested.
        """
        self._announce()
        self._me.depth = getattr(self._me, "depth", 0) + 1
        try:
            yield
        finally:
            self._me.depth -= 1
            if self._me.depth == 0:
                with self._lock:
                    self._arrive()
                    self._changed()

    def submit(self, job_id: int, flag: bool = False, *, cancelled: threading.Event | None = None) -> R:
        """Have `job_id` sent in the next batch of `flag`, and return its own result.

        Raises:
            UnknownOutcomeError: it may have taken effect; read this job before anything else.
            CancelledError: `cancelled` was set before the batch was sent; this job was not in it.
            DliError: the whole call was refused (an own instance for each caller).
        """
        request: _Request[R] = _Request(job_id, cancelled)
        led = self._enqueue(request, flag)
        if led is not None:
            self._lead(led, request)
        while not self._clock.wait(request.done, _FOLLOWER_CHECK_SECONDS):
            pass
        if request.error is not None:
            raise request.error
        return request.results[0]

    def _announce(self) -> None:
        with self._lock:
            if not getattr(self._me, "announced", False):
                self._me.announced = True
                self._on_their_way += 1
                self._meet()
                self._changed()

    def _arrive(self) -> None:
        if getattr(self._me, "announced", False):
            self._me.announced = False
            self._on_their_way -= 1

    def _enqueue(self, request: _Request[R], flag: bool) -> _Batch[R] | None:
        """Put the seat into the open batch. Returns the batch when it is new: then the caller leads it."""
        with self._lock:
            self._arrive()
            now = self._clock.now()
            batch = self._open.get(flag)
            new = batch is None
            if batch is None:
                batch = self._open[flag] = _Batch(flag, opened=now, last_arrival=now)
            batch.requests.append(request)
            batch.last_arrival = now
            self._meet()
            if len(batch.requests) >= self._limit:
                self._close(batch)
            self._changed()
            return batch if new else None

    def _meet(self) -> None:
        crowd = self._on_their_way + self._in_flight + sum(len(batch.requests) for batch in self._open.values())
        self._peers = max(self._peers, min(crowd, self._limit))

    def _changed(self) -> None:
        self._quiet_since = self._clock.now()
        for batch in self._open.values():
            batch.wake.set()

    def _close(self, batch: _Batch[R]) -> None:
        batch.closed = True
        del self._open[batch.flag]
        self._in_flight += len(batch.requests)
        batch.wake.set()

    def _lead(self, batch: _Batch[R], leader: _Request[R]) -> None:
        try:
            self._gather(batch, leader)
            staying = self._drop_cancelled(batch.requests)
            if staying:
                self._send_batch(staying, batch.flag)
        finally:  # whatever happened, no waiter is left
            with self._lock:
                if not batch.closed:
                    self._close(batch)
                self._in_flight -= len(batch.requests)
                self._changed()
            for request in batch.requests:
                if not request.done.is_set():
                    request.error = self._lost(request.job_id)
                    request.done.set()

    def _gather(self, batch: _Batch[R], leader: _Request[R]) -> None:
        while True:
            with self._lock:
                batch.wake.clear()
                if not batch.closed:
                    batch.requests = self._drop_cancelled(batch.requests)
                    pause = 0.0 if leader.done.is_set() else self._pause(batch)
                    if pause <= 0:
                        self._close(batch)
                if batch.closed:
                    return
            self._clock.wait(batch.wake, min(pause, _CANCEL_CHECK_SECONDS))

    def _pause(self, batch: _Batch[R]) -> float:
        """Seconds that this batch may still wait for others; 0 or less when it has to go."""
        now = self._clock.now()
        last_call = min(batch.last_arrival + self._window, batch.opened + _WINDOWS_IN_ALL * self._window)
        if self._on_their_way or self._in_flight:
            return last_call - now
        if self._peers == 1:
            return 0.0
        complete = (
            len(batch.requests) >= self._peers
        )  # as far as is known: of those who begin one by one, more may come
        linger = min(_LINGER * self._window, _SETTLE_SECONDS) if complete else _LINGER * self._window
        pause = min(last_call, self._quiet_since + linger) - now
        if pause <= 0:
            self._peers = len(batch.requests)  # the others did not come back: no more waiting for them
        return pause

    def _drop_cancelled(self, requests: list[_Request[R]]) -> list[_Request[R]]:
        """End the wait of those who were cancelled before anything was sent; returns the others."""
        staying = []
        for request in requests:
            if request.is_cancelled():
                request.error = cancelled_error(f"the {self._what} of Flink job {request.job_id}, which was not sent")
                request.done.set()
            else:
                staying.append(request)
        return staying

    def _send_batch(self, requests: list[_Request[R]], flag: bool) -> None:
        job_ids = list(dict.fromkeys(request.job_id for request in requests))
        try:
            with on_behalf_of([request.patience.cancelled for request in requests if request.patience]):
                results = list(self._send(job_ids, flag))
        except UnknownOutcomeError as error:
            for request in requests:
                request.error = caused_by(self._lost(request.job_id), error)
                request.done.set()
            return
        except DliError as error:
            for request in requests:
                request.error = copy_for_waiter(error)
                request.done.set()
            return
        if len(results) != len(job_ids):
            return  # the caller's `finally` tells everybody that the answer is of no use
        by_id = dict(zip(job_ids, results, strict=True))
        for request in requests:
            request.results.append(by_id[request.job_id])
            request.done.set()

    def _lost(self, job_id: int) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            f"Flink job {job_id}: the answer of the batch call ({self._what}) was lost or does not match its jobs; "
            f"it may have taken effect: read job {job_id} before repeating"
        )
