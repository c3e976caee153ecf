"""The timeline as rows of the console: an upgrade and a rollback are named as such.

Pure. The service itself knows only calls; what they amount to follows from their order: a run after a change of the
definition is an upgrade, and one that takes the very savepoint from which a changed job has just failed is a rollback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pulumi_dli.emulator.core.timeline import Event, EventType

_FAILED = ("job_running_exception", "job_submit_fail")
_KINDS = {
    EventType.CREATED: "create",
    EventType.UPLOADED: "create",
    EventType.DELETED: "delete",
    EventType.SAVEPOINT_REQUESTED: "savepoint",
    EventType.SAVEPOINT_MADE: "savepoint",
    EventType.SAVEPOINT_IMPORTED: "savepoint",
    EventType.STOP: "stop",
    EventType.SCALING: "scale",
    EventType.SCALED: "scale",
    EventType.UPDATED: "change",
    EventType.FAULT: "fault",
    EventType.STARTED: "service",
    EventType.KILLED: "kill",
}
_TONES = {
    "run": "good",
    "up": "good",
    "upgrade": "good",
    "savepoint": "info",
    "rollback": "warn",
    "kill": "bad",
    "fault": "bad",
    "failure": "bad",
}


@dataclass(frozen=True)
class TimelineRow:
    """One row."""

    time: str
    kind: str
    tone: str
    subject: str
    text: str


@dataclass
class _Past:
    """What is known of a job up to an event."""

    has_run: bool = False
    changed: bool = False  # since its last run
    failed: bool = False  # the last run
    savepoint_path: str = ""  # of the last run


def rows_of(events: Iterable[Event], names: Mapping[str, str], *, most: int) -> Sequence[TimelineRow]:
    """The last events, newest first. `names`: of jobs, by their id."""
    pasts: dict[str, _Past] = {}
    rows = []
    for event in events:
        kind = _kind(event, pasts.setdefault(f"{event.kind}/{event.subject}", _Past()))
        subject = names.get(event.subject, event.subject) if event.kind == "job" else event.subject
        rows.append(TimelineRow(_clock(event.at), kind, _TONES.get(kind, "quiet"), subject, _short(event)))
    return rows[: -most - 1 : -1]


def _short(event: Event) -> str:
    """Statuses without their common beginning, savepoints by bucket and last folder."""
    if event.type == EventType.STATUS:
        return event.text.replace("job_", "", 2)
    path = str(event.facts.get("savepoint_path") or "")
    parts = [part for part in path.removeprefix("obs://").split("/") if part]
    return event.text.replace(path, f"obs://{parts[0]}/…/{parts[-1]}/") if len(parts) > 2 else event.text


def _kind(event: Event, past: _Past) -> str:
    if event.type == EventType.RUN:
        return _run(event.facts.get("savepoint_path") or "", past)
    if event.type == EventType.STATUS:
        status = event.facts["after"]
        past.failed = past.failed or status in _FAILED
        return "failure" if status in _FAILED else "up" if status == "job_running" else "status"
    past.changed = past.changed or event.type == EventType.UPDATED
    return _KINDS.get(EventType(event.type), event.kind)


def _run(savepoint_path: str, past: _Past) -> str:
    back = past.failed and past.changed and bool(savepoint_path) and savepoint_path == past.savepoint_path
    kind = "rollback" if back else "upgrade" if past.has_run and past.changed else "run"
    past.has_run, past.changed, past.failed, past.savepoint_path = True, False, False, savepoint_path
    return kind


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")
