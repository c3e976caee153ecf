"""A fake of the two reads of jobs that watching needs: rows by age, pages, details, faults, latency, and every call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from simulated_time import Simulation

from pulumi_dli import errors


@dataclass(frozen=True)
class Job:
    job_id: int
    status: str = "job_submitting"
    status_desc: str = ""
    seen_at: float = 0.0


@dataclass(frozen=True)
class Page:
    total_count: int
    jobs: Sequence[Job]


class Project:
    """The jobs of a project in the order of their creation."""

    def __init__(self, clock: Simulation, job_ids: Iterable[int], *, latency: float = 0.1) -> None:
        self.clock, self.latency = clock, latency
        self.statuses = dict.fromkeys(job_ids, "job_submitting")
        self.hidden: set[int] = set()  # in no list, but there
        self.calls: list[tuple[str, int, float]] = []
        self.fault: Callable[[str, int], Exception | None] = lambda kind, number: None

    def get(self, job_id: int) -> Job:
        self._called("get", job_id)
        if job_id not in self.statuses:
            raise errors.NotFoundError("The job does not exist", status=400, code="DLI.16001")
        return self._job(job_id)

    def list_page(self, *, offset: int, limit: int, order: str, show_detail: bool) -> Page:
        assert (limit, order) == (100, "desc")
        self._called("detailed list" if show_detail else "list", offset)
        rows = [job_id for job_id in reversed(self.statuses) if job_id not in self.hidden]
        return Page(len(rows), [self._job(job_id) for job_id in rows[offset : offset + limit]])

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.calls]

    def looks(self) -> list[float]:
        """The times at which calls were made, calls within a second taken as one look."""
        times: list[float] = []
        for _, _, at in self.calls:
            if not times or at - times[-1] > 1:
                times.append(at)
        return times

    def _job(self, job_id: int) -> Job:
        return Job(job_id, self.statuses[job_id], seen_at=self.clock.now())

    def _called(self, kind: str, number: int) -> None:
        self.calls.append((kind, number, self.clock.now()))
        fault = self.fault(kind, number)
        self.clock.sleep(self.latency)
        if fault is not None:
            raise fault
