"""What can be proven about savepoints. Pure.

A start with resume takes the newest savepoint and consumes it (dli-api 6.5). So before a start the newest savepoint
must be known to be newer than the job's last start; otherwise the start would repeat, or lose, what the job has done
since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

HISTORY_LENGTH = 10
_CLOCK_TOLERANCE_MS = 60_000  # the gateway that dates answers and the cluster that names folders are two machines
_LONGEST_STOP_MS = 3600_000


class SavepointFacts(Protocol):
    """The facts of a job that this module looks at; `pulumi_dli.api.flink_jobs.FlinkJob` has them."""

    @property
    def savepoint_path(self) -> str | None: ...
    @property
    def has_savepoint(self) -> bool | None: ...
    @property
    def start_time(self) -> int | None: ...


def time_of(path: str) -> int | None:
    """Milliseconds of the time in a savepoint's folder name, `jobs/savepoint/{job}/{timestamp}/` (dli-api 6.6).

    The form of the timestamp is not published: milliseconds, seconds and a written date are understood. None when there
    is none, or when it names no plausible time.
    """
    for part in reversed(path.strip("/").split("/")):
        digits = re.sub(r"[-_:T.Z]", "", part)
        if not digits.isdigit():
            continue
        if len(digits) == 13:
            return int(digits)
        if len(digits) == 10:
            return int(digits) * 1000
        if len(digits) in (14, 17):
            try:
                moment = datetime.strptime(digits[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            except ValueError:
                continue
            return int(moment.timestamp() * 1000)
    return None


def is_newest(job: SavepointFacts, history: Iterable[Mapping[str, Any]] = (), *, started: int | None = None) -> bool:
    """Whether the job's savepoint is proven to be newer than its last start.

    Args:
        history: savepoints that we made or found, as kept in the outputs (`path`, `time` in milliseconds of the
            service).
        started: the last start that we know of, for details that do not tell it (dli-api 1.2: `start_time` may be
            null).
    """
    if not job.has_savepoint or not job.savepoint_path:
        return False
    last_start = max(job.start_time or 0, started or 0)
    if not last_start:
        return True
    made = time_of(job.savepoint_path)
    if made is None:
        noted = [entry.get("time") for entry in history if entry.get("path") == job.savepoint_path]
        made = int(noted[-1]) if noted and noted[-1] else None
    return made is not None and made >= last_start


def is_fresh(
    before: SavepointFacts, after: SavepointFacts, *, asked: int = 0, now: int = 0, known: Iterable[str] = ()
) -> bool:
    """Whether `after` holds a savepoint that was not there `before` the job was told to make one.

    Args:
        asked: when it was told so, in milliseconds of the service's clock; 0 when that is not known.
        now: what that clock says at last, 0 when that is not known. Earlier than the times before, it has gone back.
        known: savepoints of earlier times: after a start consumed the newest, an older one may be shown again.
    """
    path = after.savepoint_path
    if not after.has_savepoint or not path or path == before.savepoint_path or path in known:
        return False
    made = time_of(path)
    since = [asked - _CLOCK_TOLERANCE_MS, before.start_time or 0]
    if now and max(since) > now:
        since = [now - _LONGEST_STOP_MS, *(moment for moment in since if moment <= now)]
    return made is None or made >= max(since)


def noted(
    history: Iterable[Mapping[str, Any]], path: str | None, time: int | None, reason: str
) -> list[dict[str, Any]]:
    """The history with one more savepoint, the last ten of it; the same path is noted once."""
    entries = [dict(entry) for entry in history]
    if path and all(entry.get("path") != path for entry in entries):
        entries.append({"path": path, "time": time_of(path) or time or 0, "reason": reason})
    return entries[-HISTORY_LENGTH:]
