"""What the console shows, as plain records for its template. It changes nothing.

Left out on purpose, since they may hold secrets: arguments and runtime settings of jobs, SQL, bodies, headers and
queries of requests, tags. Text from callers stays text here; the template escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlsplit

from pulumi_dli.emulator.console.timeline import TimelineRow, rows_of
from pulumi_dli.emulator.core.journal import Entry
from pulumi_dli.emulator.jobs.records import Job, Jobs
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.packages.records import Packages
from pulumi_dli.emulator.queues.records import Queue, Queues

MOST_JOBS, MOST_PACKAGES, MOST_EVENTS, MOST_REQUESTS = 200, 100, 40, 25
LONGEST_TEXT = 200
_TONES = {
    "job_running": "good",
    "job_finish": "good",
    "job_submit_fail": "bad",
    "job_running_exception": "bad",
    "job_cancel_fail": "bad",
    "job_arrearage_stopped": "bad",
    "job_init": "quiet",
    "job_cancel_success": "quiet",
    "READY": "good",
    "FAILED": "bad",
}


@dataclass(frozen=True)
class JobRow:
    """One job. `flink` is its page in Flink's own web UI."""

    job_id: int
    name: str
    queue: str
    program: str
    status: str
    tone: str
    description: str
    savepoint: str
    restarts: int
    since: str
    flink: str


@dataclass(frozen=True)
class QueueRow:
    """One queue. `share` is the part of its CUs that jobs use, in per cent."""

    name: str
    queue_type: str
    cus: int
    ordered: int
    used: int
    share: int
    pool: str
    state: str
    flink: str


@dataclass(frozen=True)
class PackageRow:
    group: str
    name: str
    kind: str
    status: str
    tone: str


@dataclass(frozen=True)
class RequestRow:
    time: str
    method: str
    operation: str
    ids: str
    status: str
    tone: str
    milliseconds: str
    fault: str


@dataclass(frozen=True)
class View:
    """The page."""

    now: str
    speed: str
    runtime: str
    facts: Sequence[tuple[str, str]]
    queues: Sequence[QueueRow]
    jobs: Sequence[JobRow]
    packages: Sequence[PackageRow]
    events: Sequence[TimelineRow]
    requests: Sequence[RequestRow]
    faults: int
    more_jobs: int


def view(dli: LocalDli) -> View:
    """All that the page shows, now."""
    queues = [(project, queue) for project in _projects(dli) for queue in dli.part(Queues).of(project)]
    jobs = [job for project in dli.part(Jobs).projects() for job in dli.part(Jobs).of(project).values()]
    names = {str(job.job_id): job.name for job in jobs}
    running = sum(job.status == "job_running" for job in jobs)
    total, used = sum(queue.cu_count for _, queue in queues), sum(dli.part(Jobs).used_cus(queue) for _, queue in queues)
    return View(
        now=_time(dli.clock.now()),
        speed=f"{dli.clock.speed:g}",
        runtime=dli.settings.runtime,
        facts=(
            ("jobs running", f"{running} of {len(jobs)}"),
            ("CUs in use", f"{used} of {total}"),
            ("queues", str(len(queues))),
            ("calls", str(dli.journal.counts.total())),
        ),
        queues=[_queue(dli, project, queue) for project, queue in queues],
        jobs=[_job(dli, job) for job in jobs[: -MOST_JOBS - 1 : -1]],
        packages=list(islice(_packages(dli), MOST_PACKAGES)),
        events=rows_of(dli.timeline.events(), names, most=MOST_EVENTS),
        requests=[_request(entry) for entry in islice(reversed(dli.journal.entries), MOST_REQUESTS)],
        faults=len(dli.faults.listed),
        more_jobs=max(0, len(jobs) - MOST_JOBS),
    )


def _projects(dli: LocalDli) -> list[str]:
    return dli.part(Queues).projects()


def _job(dli: LocalDli, job: Job) -> JobRow:
    seen = dli.runtime.observe(job.job_id)
    changed = seen.at if seen else job.started or job.updated
    return JobRow(
        job_id=job.job_id,
        name=job.name,
        queue=str(job.definition.get("queue_name") or ""),
        program=str(job.definition.get("entrypoint") or ""),
        status=str(job.status),
        tone=_TONES.get(job.status, "moving"),
        description=_clipped(job.status_desc),
        savepoint=job.savepoint_path or "",
        restarts=job.restart_times,
        since=_time(changed),
        flink=_local_url(seen.web_url if seen else None),
    )


def _queue(dli: LocalDli, project_id: str, queue: Queue) -> QueueRow:
    used = dli.part(Jobs).used_cus(queue)
    web_url = getattr(dli.runtime, "web_url", lambda *_: None)
    state = "scaling" if queue.cu_spec != queue.cu_count else "assigning" if not _is_up(dli, queue) else "ready"
    return QueueRow(
        name=queue.name,
        queue_type=queue.queue_type,
        cus=queue.cu_count,
        ordered=queue.cu_spec,
        used=used,
        share=min(100, round(100 * used / max(queue.cu_count, 1))),
        pool=queue.pool,
        state=state,
        flink=_local_url(web_url(project_id, queue.name)),
    )


def _is_up(dli: LocalDli, queue: Queue) -> bool:
    return not queue.is_assigning(dli.clock.now())


def _packages(dli: LocalDli) -> Iterable[PackageRow]:
    for project_id in _projects(dli):
        for package in dli.part(Packages).of(project_id):
            status = str(package.status)
            yield PackageRow(package.group, package.name, package.kind, status, _TONES.get(status, "moving"))


def _request(entry: Entry) -> RequestRow:
    status = str(entry.status or "cut")
    tone = "good" if status.startswith("2") else "quiet" if status.startswith("3") else "bad"
    return RequestRow(
        time=_time(entry.time)[11:],
        method=entry.method,
        operation=entry.operation,
        ids=_clipped(", ".join(entry.ids), 60),
        status=status,
        tone=tone,
        milliseconds=f"{entry.milliseconds:.0f}",
        fault=entry.fault or "",
    )


def _local_url(url: str | None) -> str:
    """A link, if it leads to this machine."""
    parts = urlsplit(url or "")
    return str(url) if parts.scheme == "http" and parts.hostname == "127.0.0.1" else ""


def _clipped(text: str, most: int = LONGEST_TEXT) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
