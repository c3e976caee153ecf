"""Renders the page at `/` from the service's records. It changes nothing and shows no credential or argument.

Every value goes through `_text`, as names come from callers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_dli.emulator.service import Service

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
    "Refresh": "2",
}
LAST = 40
_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; }
table { border-collapse: collapse; margin-bottom: 1.5rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; }
h2 { margin: 1rem 0 .3rem; font-size: 1.1rem; }
"""


def render(service: Service) -> str:
    """The whole page."""
    now = service.clock.now()
    parts = [
        f"<p>{_time(now)} service time, pace {service.clock.pace:g}, runtime {_text(service.settings.runtime)}</p>",
        _section("Queues", ("project", "queue", "type", "CUs", "ordered", "pool"), _queues(service)),
        _section("Packages", ("project", "group", "package", "kind", "status"), _packages(service)),
        _section("Jobs", ("id", "name", "queue", "status", "description", "savepoint", "restarts"), _jobs(service)),
        _section("Timeline", ("time", "what", "which", "happened"), _events(service)),
        _section("Last requests", ("time", "call", "ids", "status", "fault"), _requests(service)),
    ]
    title = "Local DLI"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1>{"".join(parts)}</body></html>'


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{_text(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{_text(value)}</td>" for value in row) + "</tr>" for row in rows)
    return f"<h2>{_text(title)}</h2><table><tr>{head}</tr>{body}</table>"


def _queues(service: Service) -> Iterable[Sequence[object]]:
    for project_id in service.queues.projects():
        for queue in service.queues.of(project_id):
            yield project_id, queue.name, queue.queue_type, queue.cu_count, queue.cu_spec, queue.pool


def _packages(service: Service) -> Iterable[Sequence[object]]:
    for project_id in service.queues.projects():
        for package in service.packages.of(project_id):
            yield project_id, package.group, package.name, package.kind, package.status


def _jobs(service: Service) -> Iterable[Sequence[object]]:
    for project_id in service.jobs.projects():
        for job in list(service.jobs.of(project_id).values())[:-201:-1]:
            queue, savepoint = job.definition["queue_name"], job.savepoint_path or ""
            yield job.job_id, job.name, queue, job.status, job.status_desc, savepoint, job.restart_times


def _events(service: Service) -> Iterable[Sequence[object]]:
    events = list(service.timeline.events())[-LAST:]
    return ((_time(event.at), event.kind, event.subject, event.text) for event in reversed(events))


def _requests(service: Service) -> Iterable[Sequence[object]]:
    for entry in islice(reversed(service.journal.entries), LAST):
        yield _time(entry.time), entry.operation, ", ".join(entry.ids), entry.status or "cut", entry.fault or ""


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _text(value: object) -> str:
    return escape(str(value))
