"""The timeline as a story: which kind of thing each event was, so that an upgrade and a rollback can be seen as such.

Pure. The service itself knows only calls; what they amount to follows from their order: a run after a change of the
definition is an upgrade, and one that takes the very snapshot from which a changed job has just failed is a rollback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_dli.emulator.journal import Event

_SNAPSHOT = re.compile(r"obs://([^/\s]+)/\S+/([^/\s]+)/(?=$|\s)")
_FAILED = ("job_running_exception", "job_submit_fail")
_FIRST_WORDS = {
    "created": "create",
    "uploaded": "create",
    "deleted": "delete",
    "savepoint": "savepoint",
    "stop": "stop",
    "scaled": "scale",
    "scaling": "scale",
    "has": "scale",
    "updated": "change",
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
class Told:
    """One line of the story."""

    time: str
    sort: str
    tone: str
    subject: str
    text: str


@dataclass
class _Past:
    """What is known of a job up to an event."""

    has_run: bool = False
    changed: bool = False  # since its last run
    failed: bool = False  # the last run
    snapshot: str = ""  # of the last run


def tell(events: Iterable[Event], names: Mapping[str, str], *, most: int) -> Sequence[Told]:
    """The last events, newest first. `names`: of jobs, by their id."""
    pasts: dict[str, _Past] = {}
    told = []
    for event in events:
        sort = _sort(event, pasts.setdefault(f"{event.kind}/{event.subject}", _Past()))
        subject = names.get(event.subject, event.subject) if event.kind == "job" else event.subject
        told.append(Told(_clock(event.at), sort, _TONES.get(sort, "quiet"), subject, _short(event.text)))
    return told[: -most - 1 : -1]


def _short(text: str) -> str:
    """Statuses without their common beginning, snapshots by bucket and last folder."""
    text = text.replace("job_", "") if " → job_" in text else text
    return _SNAPSHOT.sub(r"obs://\1/…/\2/", text)


def _sort(event: Event, past: _Past) -> str:
    text = event.text
    if event.kind in ("fault", "service"):
        return "kill" if text.startswith("killed") else event.kind
    if event.kind == "job" and text.startswith("run,"):
        return _run(text.partition(", from ")[2], past)
    if " → " in text:
        status = text.partition(" → ")[2].partition(":")[0]
        past.failed = past.failed or status in _FAILED
        return "failure" if status in _FAILED else "up" if status == "job_running" else "status"
    past.changed = past.changed or text.startswith("updated")
    return _FIRST_WORDS.get(text.replace(":", " ").split(" ")[0], event.kind)


def _run(snapshot: str, past: _Past) -> str:
    back = past.failed and past.changed and bool(snapshot) and snapshot == past.snapshot
    sort = "rollback" if back else "upgrade" if past.has_run and past.changed else "run"
    past.has_run, past.changed, past.failed, past.snapshot = True, False, False, snapshot
    return sort


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")
