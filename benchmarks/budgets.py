"""What a phase may cost: the budget of calls, and the floor in time. Pure.

The floor is the critical path of the service's own times (dli-api 9.3) with the given width: what nobody can go below.
The watch of an upgrade (`stabilization_seconds`, 60 s by default) is in it, since it is promised, not overhead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BATCH = 50  # ids of a batch call (dli-api 6.5)
PAGE = 100  # jobs of a list page (dli-api 3.7)

UPLOAD_SECONDS = 10.0
FIRST_SUBMIT_SECONDS = 480.0
SUBMIT_SECONDS = 30.0
STOP_SECONDS = 20.0
SAVEPOINT_SECONDS = 20.0
WATCH_SECONDS = 60.0

OVER_FLOOR = 1.3
HOST_MEGABYTES = 120.0

_POLLS = frozenset({"jobs.list", "jobs.get", "packages.list", "queues.list"})


@dataclass(frozen=True)
class Size:
    """Of a run: jobs, operations at a time, service seconds in a second, seconds of the first interval of a wait."""

    jobs: int
    width: int
    pace: float
    poll_seconds: float

    @property
    def waves(self) -> int:
        return math.ceil(self.jobs / self.width)

    @property
    def batches(self) -> int:
        return math.ceil(self.jobs / min(self.width, BATCH))

    @property
    def pages(self) -> int:
        return math.ceil(self.jobs / PAGE)


def floor_seconds(phase: str, size: Size) -> float:
    """The service's own time on the critical path, at the pace of the run."""
    upgrade = SAVEPOINT_SECONDS + STOP_SECONDS + SUBMIT_SECONDS + WATCH_SECONDS
    service = {
        "create": UPLOAD_SECONDS + FIRST_SUBMIT_SECONDS + SUBMIT_SECONDS * (size.waves - 1),
        "change all, with savepoint": upgrade * size.waves,
        "destroy": (SAVEPOINT_SECONDS + STOP_SECONDS) * size.waves,
    }
    return service.get(phase, 0.0) / size.pace


def polls_within(seconds: float, size: Size) -> int:
    """The shared polls that fit: one a tick and page (a tick is at least half the first interval long)."""
    return math.ceil(seconds / (size.poll_seconds / 2)) * size.pages


def budget(phase: str, size: Size) -> tuple[int, bool]:
    """The calls that a phase may make, and whether the shared polls of its waits come on top."""
    n, batches = size.jobs, size.batches
    return {
        "create": (n + 2 * batches + 10, True),
        "preview, no change": (0, False),
        "up, no change": (0, False),
        "refresh, no change": (min(n, size.pages) + 4, False),
        "change all, with savepoint": (n + 2 * n + 4 * batches + 10, True),
        "live change": (n + 2 * n + 10, True),
        "destroy": (n + 2 + batches + 4, True),
    }[phase]


def seconds_within(floor: float, engine: float) -> float:
    """1.3 floors beside the engine's own time; where the service answers at once, 1.3 of that time."""
    return OVER_FLOOR * floor + engine if floor else OVER_FLOOR * engine


def not_kept(row: Mapping[str, Any], size: Size) -> list[str]:
    """Which of the three budgets a measured phase has not kept: calls, seconds, memory of the host."""
    polls = polls_of(row["phase"], row["calls"], size) if row["polls_on_top"] else 0
    calls = sum(row["calls"].values()) - polls
    kept = {
        "calls": calls <= row["budget"] and polls <= polls_within(row["seconds"], size),
        "seconds": row["seconds"] <= seconds_within(row["floor_seconds"], row["engine_seconds"]),
        "memory": row["megabytes"].get("host", 0.0) < HOST_MEGABYTES,
    }
    return [name for name, well in kept.items() if not well]


def polls_of(phase: str, calls: Mapping[str, int], size: Size) -> int:
    """How many of the calls are shared polls: looks beyond the details that the phase is granted."""
    granted = {"change all, with savepoint": 2 * size.jobs, "live change": 2 * size.jobs}.get(phase, 0)
    looks = sum(count for name, count in calls.items() if name in _POLLS)
    return max(looks - granted, 0)
