"""`JobSnapshots`: reads of single jobs, served to many callers by few calls.

A refresh reads every resource on its own, as many at a time as the engine is wide. Here reads of jobs are served by
list pages or by details, whichever is fewer calls. The lifecycles call it. It writes nothing and starts no threads:
callers make the calls themselves.
"""

from __future__ import annotations

import bisect
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic

from pulumi_dli.clock import SYSTEM_CLOCK, Clock
from pulumi_dli.lifecycle.coalescing.poll_source import NEWEST_FIRST, PAGE, J, JobSnapshot, PollSource
from pulumi_dli.lifecycle.coalescing.single_flight import SingleFlight

_BAD_GUESSES = 2


@dataclass(frozen=True)
class _Page(Generic[J]):
    jobs: dict[int, J]
    total_count: int


class JobSnapshots(Generic[J]):
    """Reads of single jobs, served by pages of the project's list or by details, whichever is fewer calls.

    How many jobs of ours there are is not known beforehand, and neither is their share of the project. So: a read that
    is alone asks for details; in company the first page tells how many pages there are; ids grow with time, so pages
    already seen tell on which page a job should be (at most two wrong guesses); where guessing fails, details are asked
    for until listing the remaining pages would have been fewer calls. Absence from the list is never believed without
    the details.
    """

    def __init__(
        self,
        jobs: PollSource[J],
        *,
        max_age_seconds: float = 5.0,
        gather_seconds: float = 0.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """`gather_seconds`: how long, at most, a young list page waits for more who need one."""
        self._jobs = jobs
        self._max_age = max_age_seconds
        self._longest_gather = gather_seconds
        self._page_seconds = 0.0  # how long the service took for the newest page
        self._clock = clock
        self._lock = threading.Lock()
        self._pages: dict[int, SingleFlight[_Page[J]]] = {}
        self._details: dict[int, SingleFlight[J]] = {}
        self._rows: dict[int, int] = {}  # where a job was seen in the list: a hint for the next look, never an answer
        self._ids: list[int] = []  # the keys of `_rows`, sorted
        self._learnt: dict[int, float] = {}
        self._total: int | None = None
        self._peers: set[int] = set()  # the threads that have announced young looks
        self._reading = 0
        self._last_read = clock.now()
        self._detailed: set[int] = set()  # whose details this burst of reads has cost
        self._bad_guesses = 0
        self._guesses: dict[int, int] = {}  # pages that are being asked for on a guess, and for which job

    @contextmanager
    def expect(self) -> Iterator[None]:
        """Announce that this thread may ask for young looks, so that those who do so together know of each other."""
        thread = threading.get_ident()
        with self._lock:
            newcomer = thread not in self._peers
            self._peers.add(thread)
        try:
            yield
        finally:
            if newcomer:
                with self._lock:
                    self._peers.discard(thread)

    def read(self, job_id: int, *, not_older_than: float | None = None, need_detail: bool = False) -> JobSnapshot[J]:
        """The job as it was at `not_older_than` or later (default: five seconds ago).

        Raises:
            NotFoundError: the detail call says that there is no such job.
            DliError: it cannot be read.
        """
        self._enter()
        try:
            return self._read(job_id, not_older_than, need_detail)
        finally:
            with self._lock:
                self._reading -= 1
                self._last_read = self._clock.now()

    def wrote(self) -> None:
        """Something was written: nothing read before is served again. Call it after the answer, also a lost one."""
        with self._lock:
            for page in self._pages.values():
                page.invalidate()
            for detail in self._details.values():
                detail.invalidate()

    def _enter(self) -> None:
        with self._lock:
            if self._reading == 0 and self._clock.now() - self._last_read > self._max_age:
                self._bad_guesses = 0  # another burst of reads, another count
                self._detailed.clear()
                self._details.clear()
            self._reading += 1

    def _read(self, job_id: int, not_older_than: float | None, need_detail: bool) -> JobSnapshot[J]:
        if not need_detail:
            found = self._find(job_id, not_older_than)
            if found is not None:
                return found
        with self._lock:
            detail = self._details.get(job_id)
            if detail is None:
                detail = self._details[job_id] = SingleFlight(
                    lambda: self._jobs.get(job_id), max_age_seconds=self._max_age, clock=self._clock
                )
        job, at = detail.take(not_older_than=not_older_than)
        return JobSnapshot(job, detailed=True, at=at)

    def _find(self, job_id: int, not_older_than: float | None) -> JobSnapshot[J] | None:
        """The job from what is kept, or from list pages as long as they are worth it; None when its details are."""
        tried: set[int] = set()
        while True:
            with self._lock:
                known = self._known(job_id, not_older_than)
                if known is not None:
                    return known
                number = self._page_to_ask(job_id, not_older_than, tried)
                if number is None:
                    self._detailed.add(job_id)
                    return None
                snapshot = self._page(number)
            tried.add(number)
            try:
                page, at = snapshot.take(not_older_than=not_older_than)
                self._learn(number, page, at)
            finally:
                with self._lock:
                    self._guesses.pop(number, None)
            if job_id in page.jobs:
                return JobSnapshot(page.jobs[job_id], detailed=False, at=at)

    def _known(self, job_id: int, not_older_than: float | None) -> JobSnapshot[J] | None:
        detail = self._details.get(job_id)
        kept = detail.peek(not_older_than=not_older_than) if detail else None
        if kept:
            return JobSnapshot(kept[0], detailed=True, at=kept[1])
        for page in self._pages.values():
            listed = page.peek(not_older_than=not_older_than)
            if listed and job_id in listed[0].jobs:
                return JobSnapshot(listed[0].jobs[job_id], detailed=False, at=listed[1])
        return None

    def _page_to_ask(self, job_id: int, not_older_than: float | None, tried: set[int]) -> int | None:
        """The list page that is worth a call for this job; None when its details are."""
        spent = len(self._detailed - {job_id}) + max(self._reading, len(self._peers))
        if self._total is None:
            return 0 if spent > 1 and not tried else None
        consulted = tried | {k for k, page in self._pages.items() if page.peek(not_older_than=not_older_than)}
        left = [k for k in range(math.ceil(self._total / PAGE)) if k not in consulted]
        if not left or spent <= 1:
            return None
        guess = self._guess(job_id) // PAGE
        if guess in left and self._bad_guesses < _BAD_GUESSES:
            if guess in self._guesses:
                return guess
            if self._bad_guesses + len(self._guesses) < _BAD_GUESSES:
                self._guesses[guess] = job_id
                return guess
            for asked in self._guesses:  # first see what these bring: it costs no call
                if asked in left:
                    return asked
        return min(left, key=lambda k: abs(k - guess)) if spent > len(left) else None

    def _guess(self, job_id: int) -> int:
        """The row at which the job should be, by the rows of its neighbours in age."""
        if job_id in self._rows:
            return self._rows[job_id]
        ids, total = self._ids, self._total or 0
        after = bisect.bisect(ids, job_id)
        newer = (ids[after], self._rows[ids[after]]) if after < len(ids) else None
        older = (ids[after - 1], self._rows[ids[after - 1]]) if after else None
        if newer is None:
            return 0
        if older is None:  # older than all that we saw: go on as densely as those lie
            span, rows = ids[-1] - ids[0], self._rows[ids[0]] - self._rows[ids[-1]]
            older = (ids[0] - span, newer[1] + rows) if span > 0 and rows > 0 else (0, total)
        share = (newer[0] - job_id) / max(newer[0] - older[0], 1)
        return min(round(newer[1] + share * (older[1] - newer[1])), total - 1)

    def _page(self, number: int) -> SingleFlight[_Page[J]]:
        if number not in self._pages:
            self._pages[number] = SingleFlight(
                lambda: self._fetch_page(number),
                max_age_seconds=self._max_age,
                gather_seconds=self._gather_seconds,
                clock=self._clock,
            )
        return self._pages[number]

    def _gather_seconds(self) -> float:
        """As long as a page takes: half as many calls, and nobody waits much longer. A lone request does not wait."""
        with self._lock:
            return min(self._longest_gather, self._page_seconds) if len(self._peers) > 1 else 0.0

    def _fetch_page(self, number: int) -> _Page[J]:
        began = self._clock.now()
        page = self._jobs.list_page(offset=number * PAGE, limit=PAGE, order=NEWEST_FIRST, show_detail=True)
        self._page_seconds = self._clock.now() - began
        return _Page({int(job.job_id): job for job in page.jobs}, page.total_count)

    def _learn(self, number: int, page: _Page[J], at: float) -> None:
        with self._lock:
            if self._learnt.get(number) == at:
                return  # from another reader of the same page
            self._learnt[number] = at
            guessed_for = self._guesses.pop(number, None)
            if guessed_for is not None and guessed_for not in page.jobs:
                self._bad_guesses += 1
            self._total = page.total_count
            self._rows = {id_: row for id_, row in self._rows.items() if row // PAGE != number}
            self._rows.update({id_: number * PAGE + index for index, id_ in enumerate(page.jobs)})
            self._ids = sorted(self._rows)
