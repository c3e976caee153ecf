"""What the room for sharing knows of jobs: the two reads of the service, and what a look at one job brings.

`snapshots.py` and `job_poller.py` read through it; it names no model of the API, so tests can stand in for the service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

PAGE = 100
"""Jobs of a list page: the most that the service gives (dli-api 3.7)."""

NEWEST_FIRST = "desc"
"""Jobs that we just made are on the first pages. A job created meanwhile shifts rows to later pages, where they are
seen twice but never missed; whoever misses one asks for its details (dli-api 6.8)."""


class JobLike(Protocol):
    """What watching needs to know of a job, from a list row or from details."""

    @property
    def job_id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def status_desc(self) -> str | None: ...


J = TypeVar("J", bound=JobLike)
J_co = TypeVar("J_co", bound=JobLike, covariant=True)


class JobPage(Protocol[J_co]):
    """A page of the project's jobs."""

    @property
    def total_count(self) -> int: ...
    @property
    def jobs(self) -> Sequence[J_co]: ...


class PollSource(Protocol[J_co]):
    """The two reads of jobs (dli-api 6.8, 6.9)."""

    def get(self, job_id: int, /) -> J_co:
        """The details. Raises `NotFoundError` when there is no such job."""

    def list_page(self, *, offset: int, limit: int, order: str, show_detail: bool) -> JobPage[J_co]:
        """A page of all jobs of the project by time of creation."""


@dataclass(frozen=True)
class JobSnapshot(Generic[J]):
    """A job as it was at `at` (the clock's time when the request was sent).

    `detailed` tells whether the answer was a detail one: only that holds savepoint path, restart times and duration for
    sure (dli-api 6.8, 6.9).
    """

    job: J
    detailed: bool
    at: float
