"""What the project holds already, as previews and checks see it: looked at once for all resources of a deployment.

`preview_create.py` asks before a create. A look serves as long as the deployment lasts, for nothing is done because of
it alone: an error that rests on it looks again first, and a create finds out by itself what came since.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TypeVar

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.flink_models import FlinkJob, JobPage
from pulumi_dli.api.job_status import JobStatus
from pulumi_dli.api.package_groups import PackageListing
from pulumi_dli.api.queues import Queue
from pulumi_dli.clock import Clock
from pulumi_dli.lifecycle.coalescing.poll_source import NEWEST_FIRST, PAGE
from pulumi_dli.lifecycle.coalescing.single_flight import SingleFlight

T = TypeVar("T")

DEPLOYMENT_SECONDS = 6 * 3600.0
YOUNG_SECONDS = 5.0
_RUNNING = (JobStatus.SUBMITTING, JobStatus.RUNNING, JobStatus.IDLE)


class NamedJobs:
    """Jobs by name: out of the pages of the list, or asked for by name, whichever is fewer calls."""

    def __init__(self, client: DliClient, clock: Clock) -> None:
        self._jobs = client.flink_jobs
        self._clock = clock
        self._lock = threading.Lock()
        self._pages: dict[int, SingleFlight[JobPage]] = {}
        self._named: dict[str, SingleFlight[list[FlinkJob]]] = {}

    def find(self, name: str) -> FlinkJob | None:
        """The job of exactly this name, as of a moment ago when there is one."""
        first, at = self._page(0).take()
        rows, others = list(first.jobs), math.ceil(first.total_count / PAGE) - 1
        if others > 0 and not _of_name(rows, name):
            with self._lock:
                alone = name in self._named or len(self._named) < others
                asked = self._named.setdefault(name, self._shared(lambda: self._ask(name))) if alone else None
            if asked is not None:
                rows, at = asked.take()
            else:
                for number in range(1, others + 1):
                    page, at = self._page(number).take()
                    rows += page.jobs
        found = _of_name(rows, name)
        if found is not None and self._clock.now() - at > YOUNG_SECONDS:
            found = _of_name(self._ask(name), name)
        return found

    def all(self) -> list[FlinkJob]:
        """All jobs of the project."""
        first = self._page(0).get()
        rest = range(1, math.ceil(first.total_count / PAGE))
        return [*first.jobs, *(job for number in rest for job in self._page(number).get().jobs)]

    def _page(self, number: int) -> SingleFlight[JobPage]:
        with self._lock:
            if number not in self._pages:
                self._pages[number] = self._shared(
                    lambda: self._jobs.list_page(number * PAGE, PAGE, order=NEWEST_FIRST, show_detail=True)
                )
            return self._pages[number]

    def _ask(self, name: str) -> list[FlinkJob]:
        """The service's own filter may be a fuzzy one (docs/dli-api.md 6.8)."""
        return self._jobs.list_all(name=name, show_detail=True)

    def _shared(self, fetch: Callable[[], T]) -> SingleFlight[T]:
        return SingleFlight(fetch, max_age_seconds=DEPLOYMENT_SECONDS, clock=self._clock)


class Surroundings:
    """The jobs, queues and packages of the project. Making one sends nothing."""

    def __init__(self, client: DliClient, clock: Clock) -> None:
        self._clock = clock
        self._client = client
        self._lock = threading.Lock()
        self._changed = -math.inf
        self._objects: dict[str, SingleFlight[bool | None]] = {}
        self.silent: set[str] = set()
        """Of which kinds a look has failed: they are not asked for again, since nothing is done because of them."""
        self.jobs = NamedJobs(client, clock)
        self._running: SingleFlight[list[FlinkJob]] = SingleFlight(self._look_for_running, clock=clock)
        self._queues: SingleFlight[list[Queue]] = SingleFlight(
            client.queues.list, max_age_seconds=DEPLOYMENT_SECONDS, clock=clock
        )
        self._packages: SingleFlight[PackageListing] = SingleFlight(
            client.package_groups.list, max_age_seconds=DEPLOYMENT_SECONDS, clock=clock
        )

    def queue(self, name: str, *, young: bool = False) -> Queue | None:
        """The queue of this name; `young` for a look of a moment ago."""
        rows = self._queues.get(not_older_than=self._young() if young else None)
        return next((row for row in rows if row.queue_name.lower() == name.lower()), None)

    def running_jobs(self) -> list[FlinkJob]:
        """The jobs that run, or are on their way to, with details; never older than the question."""
        return self._running.get(not_older_than=self._clock.now())

    def packages(self, *, young: bool = False) -> PackageListing:
        """All packages; `young` for a look of a moment ago."""
        return self._packages.get(not_older_than=self._young() if young else None)

    def is_object(self, path: str) -> bool | None:
        """Whether there is such an object or bucket (`obs://bucket`) in OBS; None where this user may not ask."""
        with self._lock:
            look = self._objects.get(path)
            if look is None:
                look = self._objects[path] = SingleFlight(
                    lambda: self._client.small_objects.is_there(path),
                    max_age_seconds=DEPLOYMENT_SECONDS,
                    clock=self._clock,
                )
        there = look.get()
        return look.get(not_older_than=self._young()) if there is False else there

    def _look_for_running(self) -> list[FlinkJob]:
        # By status, since most jobs of a large project may be at rest.
        jobs = self._client.flink_jobs
        return [job for status in _RUNNING for job in jobs.list_all(status=status, show_detail=True)]

    def falls_silent(self, kind: str) -> bool:
        """Note that what is of this kind cannot be asked; whether that is news."""
        with self._lock:
            known = len(self.silent)
            self.silent.add(kind)
            return len(self.silent) > known

    def changed(self) -> None:
        """A write of ours went out: a look from before it is not young."""
        self._changed = self._clock.now()

    def _young(self) -> float:
        return max(self._clock.now() - YOUNG_SECONDS, self._changed)


def _of_name(rows: list[FlinkJob], name: str) -> FlinkJob | None:
    return next((job for job in rows if job.name == name), None)
