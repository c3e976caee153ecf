"""One poll for all: every thread that waits for a job of a connection is served by the same looks at the service.

`JobPoller.watch` is what the job lifecycle waits with (it is a source of looks for `waiting.wait_on`). One of the
waiting threads leads: it sleeps until the next look is due, asks for all the jobs that are waited for (list pages when
many are, details when few are), and wakes the others; when it leaves, another takes over. So there is no thread of our
own to start, to end or to lose. Nothing here writes, and nothing judges a status.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic

from pulumi_dli.clock import SYSTEM_CLOCK, Clock
from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.coalescing.poll_source import NEWEST_FIRST, PAGE, J, JobSnapshot, PollSource
from pulumi_dli.lifecycle.coalescing.waiting import (
    TOLERATED_FAILURES,
    Backoff,
    Deadline,
    cancelled_error,
    copy_for_waiter,
    is_transient,
    retry_after_of,
)
from pulumi_dli.patience import leave_if_cancelled, on_behalf_of

_CANCEL_CHECK_SECONDS = 0.25  # the leader looks after everybody's cancel events
_FOLLOWER_CHECK_SECONDS = 0.8  # and each follower after its own, for a leader that is busy with a slow answer
MOST_PAGES = 500  # of one look through the list
_CALLS_AN_INTERVAL = 4  # a look that takes many calls is made less often: politeness, and pages for 500 jobs are five


class Subscription(Generic[J]):
    """One caller's view of one job. Use as a context manager; from one thread at a time."""

    def __init__(
        self, poller: JobPoller[J], job_id: int, cancelled: threading.Event | None, fresh_after: float
    ) -> None:
        self.job_id = job_id
        self.cancelled = cancelled
        self.fresh_after = fresh_after
        self.wake = threading.Event()
        self.snapshot: JobSnapshot[J] | None = None
        self.error: DliError | None = None
        self.failures = 0
        self.waiting = False
        self.served = False
        self._watcher = poller

    def __enter__(self) -> Subscription[J]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._watcher.forget(self)

    def next(self, deadline: Deadline, *, fresh_after: float | None = None) -> JobSnapshot[J] | None:
        """The next look at the job; None when the deadline passed first.

        It was asked for after this watch began, and not before `fresh_after` (the clock's time), when that is given.

        Raises:
            NotFoundError: the detail call says that there is no such job.
            CancelledError: `cancelled` was set.
            DliError: it cannot be looked at, for good or several times in a row.
        """
        if fresh_after is not None and fresh_after > self.fresh_after:
            self.fresh_after = fresh_after
            self.served = False
        return self._watcher.wait(self, deadline)

    def is_cancelled(self) -> bool:
        return self.cancelled is not None and self.cancelled.is_set()


@dataclass
class PollResult(Generic[J]):
    """What one look at many jobs brought: for each id a sighting or an error."""

    seen: dict[int, JobSnapshot[J]] = field(default_factory=dict)
    errors: dict[int, DliError] = field(default_factory=dict)
    calls: int = 0


class JobPoller(Generic[J]):
    """Looks at all watched jobs together.

    At once for a newcomer (newcomers of one moment share a look), then backing off from `poll_seconds` to ten times
    that, and faster again when any job moved. More than `list_threshold` jobs are looked for in the list, newest first,
    as long as that is fewer calls than their details.
    """

    def __init__(
        self,
        jobs: PollSource[J],
        *,
        clock: Clock = SYSTEM_CLOCK,
        poll_seconds: float = 1.0,
        list_threshold: int = 1,
        tolerated_failures: int = TOLERATED_FAILURES,
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._list_threshold = list_threshold
        self._tolerated = tolerated_failures
        self._backoff = Backoff(poll_seconds)
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._waiting: list[Subscription[J]] = []
        self._led = False
        self._due_at = clock.now()
        self._not_before = -math.inf  # not two looks in half an interval, nor while the service wants us to stay away
        self._list_pays: bool | None = None
        self._marks: dict[int, tuple[str, str | None]] = {}

    def watch(
        self, job_id: int, *, cancelled: threading.Event | None = None, fresh_after: float | None = None
    ) -> Subscription[J]:
        """A view of one job that shows nothing from before this moment (or `fresh_after`)."""
        now = self._clock.now()
        return Subscription(self, job_id, cancelled, now if fresh_after is None else max(now, fresh_after))

    def forget(self, watch: Subscription[J]) -> None:
        """Called by a watch at its end."""
        with self._lock:
            if all(other.job_id != watch.job_id for other in self._waiting):
                self._marks.pop(watch.job_id, None)

    def wait(self, watch: Subscription[J], deadline: Deadline) -> JobSnapshot[J] | None:
        """Called by `Subscription.next`."""
        self._join(watch)
        try:
            while True:
                with self._lock:
                    watch.wake.clear()
                    if watch.error is not None:
                        raise watch.error
                    if watch.snapshot is not None:
                        return watch.snapshot
                    if watch.is_cancelled():
                        raise cancelled_error(f"Flink job {watch.job_id}")
                    if deadline.passed:
                        return None
                    lead = not self._led
                    self._led = True
                if lead:
                    self._lead(watch, deadline)
                else:
                    self._clock.wait(watch.wake, min(deadline.remaining_seconds, _FOLLOWER_CHECK_SECONDS))
        finally:
            self._leave(watch)

    def _join(self, watch: Subscription[J]) -> None:
        with self._lock:
            watch.snapshot = watch.error = None
            watch.waiting = True
            if not watch.served:
                self._hurry(alone=not self._waiting)
                self._list_pays = None  # newcomers are mostly new jobs: on the first page
                self._backoff.reset()
                self._wake.set()  # the leader sleeps until the next look was due; who was served can wait for that
            self._waiting.append(watch)

    def _hurry(self, *, alone: bool) -> None:
        """Look soon, after a moment in which other newcomers arrive."""
        soon = max(self._clock.now() + self._poll_seconds / 20, self._not_before)
        self._due_at = soon if alone else min(self._due_at, soon)

    def _leave(self, watch: Subscription[J]) -> None:
        with self._lock:
            watch.waiting = False
            self._waiting.remove(watch)
            self._call_leader()

    def _call_leader(self) -> None:
        """Wake somebody to lead. Whoever is woken and leaves instead comes by here as well, so the call is not lost."""
        if not self._led and self._waiting:
            self._waiting[0].wake.set()

    def _lead(self, watch: Subscription[J], deadline: Deadline) -> None:
        checked_at = -math.inf
        try:
            while True:
                with self._lock:
                    self._wake.clear()
                    if watch.snapshot or watch.error or watch.is_cancelled() or deadline.passed:
                        return
                    if self._clock.now() - checked_at >= _CANCEL_CHECK_SECONDS:  # hundreds may be waiting
                        checked_at = self._clock.now()
                        for other in self._waiting:
                            if other.is_cancelled():
                                other.wake.set()
                    pause = self._due_at - self._clock.now()
                if pause <= 0:
                    self._look()
                else:
                    self._clock.wait(self._wake, min(pause, deadline.remaining_seconds, _CANCEL_CHECK_SECONDS))
        finally:
            with self._lock:
                self._led = False
                self._call_leader()

    def _look(self) -> None:
        with self._lock:
            watches = list(self._waiting)
            wanted = {watch.job_id for watch in watches}
            by_list = len(wanted) > self._list_threshold and self._list_pays is not False
            self._not_before = self._clock.now() + self._poll_seconds / 2
        with on_behalf_of([watch.cancelled for watch in watches]):
            sweep = look_at(self._jobs, wanted, by_list=by_list, clock=self._clock)
        with self._lock:
            if by_list:
                self._list_pays = sweep.calls <= len(wanted)
            if self._notice_moves(sweep):
                self._backoff.reset()
            pause = max(self._backoff.pause(), sweep.calls * self._poll_seconds / _CALLS_AN_INTERVAL)
            pause = min(pause, 10 * self._poll_seconds)
            desired = max(map(retry_after_of, sweep.errors.values()), default=0.0)
            self._due_at = self._clock.now() + max(pause, desired)
            if desired:
                self._not_before = self._clock.now() + desired
            if any(not watch.served for watch in set(self._waiting).difference(watches)):
                self._hurry(alone=False)
            for watch in watches:
                if watch.waiting:
                    self._deliver(watch, sweep)

    def _notice_moves(self, sweep: PollResult[J]) -> bool:
        marks = {id_: (str(snapshot.job.status), snapshot.job.status_desc) for id_, snapshot in sweep.seen.items()}
        moved = any(self._marks.get(id_, mark) != mark for id_, mark in marks.items())
        self._marks.update(marks)
        return moved

    def _deliver(self, watch: Subscription[J], sweep: PollResult[J]) -> None:
        snapshot, error = sweep.seen.get(watch.job_id), sweep.errors.get(watch.job_id)
        if snapshot is not None and snapshot.at >= watch.fresh_after:
            watch.snapshot = snapshot
            watch.served = True
            watch.failures = 0
        elif snapshot is not None:
            self._hurry(alone=False)
            return
        elif error is not None:
            watch.failures += 1
            if is_transient(error) and watch.failures <= self._tolerated:
                return
            watch.error = copy_for_waiter(error)
        watch.wake.set()


def look_at(jobs: PollSource[J], wanted: set[int], *, by_list: bool, clock: Clock) -> PollResult[J]:
    """Look at all `wanted` jobs once: in the list as long as its pages are worth it, then by the details of the rest.

    So absence from the list is always confirmed by the details. Where the list cannot be had, no job is seen.
    """
    sweep: PollResult[J] = PollResult()
    left = set(wanted)
    if by_list:
        try:
            _look_through_list(jobs, left, sweep, clock)
        except DliError as error:
            sweep.errors = dict.fromkeys(left, error)
            return sweep
    for job_id in sorted(left):
        at = clock.now()
        sweep.calls += 1
        try:
            sweep.seen[job_id] = JobSnapshot(jobs.get(job_id), detailed=True, at=at)
        except DliError as error:
            sweep.errors[job_id] = error
    return sweep


def _look_through_list(jobs: PollSource[J], left: set[int], sweep: PollResult[J], clock: Clock) -> None:
    """Take jobs of `left` from list pages until all are seen, or their details are fewer calls than more pages."""
    offset, last = 0, None
    while left:
        leave_if_cancelled("the list of jobs")
        at = clock.now()
        sweep.calls += 1
        page = jobs.list_page(offset=offset, limit=PAGE, order=NEWEST_FIRST, show_detail=False)
        found = {int(job.job_id): job for job in page.jobs if int(job.job_id) in left}
        sweep.seen.update({id_: JobSnapshot(job, detailed=False, at=at) for id_, job in found.items()})
        left.difference_update(found)
        offset += len(page.jobs)
        pages_left = math.ceil((page.total_count - offset) / PAGE)
        rows = [int(job.job_id) for job in page.jobs]
        if rows == last or sweep.calls >= MOST_PAGES:
            return  # nothing new, or no end: the details tell
        last = rows
        if not page.jobs or pages_left <= 0 or (len(found) < 2 and pages_left >= len(left)):
            return
