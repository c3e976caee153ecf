"""Scaling policies of a pool's queues, and the arithmetic of CUs (dli-api 12.5, 12.7). It owns no record."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pulumi_dli.emulator.core.messages import Body

STEP = 16  # a pool holds a multiple of it
HOURS = range(24)
_HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):00|24:00")


def _number(given: object) -> object:
    """The page sends CUs as texts (dli_02_0332)."""
    return int(given) if isinstance(given, str) and re.fullmatch(r"[0-9]{1,6}", given) else given


Cus = Annotated[int, BeforeValidator(_number), Field(ge=0)]


class Policy(Body):
    """One entry of `queue_scaling_policies`."""

    priority: int = Field(ge=1, le=100)
    impact_start_time: str
    impact_stop_time: str
    min_cu: Cus
    max_cu: Cus
    inherit_elastic_resource_pool_max_cu: bool | None = None

    @property
    def is_default(self) -> bool:
        return (self.impact_start_time, self.impact_stop_time) == ("00:00", "24:00")

    @property
    def hours(self) -> frozenset[int]:
        """The hours of the day it holds for; one over midnight is fine, as the page's own sample shows."""
        start, stop = int(self.impact_start_time[:2]), int(self.impact_stop_time[:2])
        return frozenset(range(start, stop) if start < stop else [*range(start, 24), *range(stop)])


@dataclass(frozen=True)
class Need:
    """What one queue wants at some hour."""

    queue: str
    priority: int
    min_cu: int
    max_cu: int


def default_policy(cus: int) -> dict[str, Any]:
    """What the service makes for a new queue."""
    times = {"impact_start_time": "00:00", "impact_stop_time": "24:00"}
    return {"priority": 1, **times, "min_cu": cus, "max_cu": cus}


def problem_of(policies: Sequence[Policy]) -> str:
    """Why this set of entries is none, or ""."""
    for entry in policies:
        if not _HOUR.fullmatch(entry.impact_start_time) or not _HOUR.fullmatch(entry.impact_stop_time):
            return "times are full hours, HH:00"
        if entry.impact_start_time in (entry.impact_stop_time, "24:00"):
            return "an entry must last at least an hour"
        if entry.min_cu > entry.max_cu or entry.min_cu % 4 or entry.max_cu % 4 or not entry.min_cu:
            return "min_cu and max_cu are multiples of 4, min_cu at most max_cu"
    if sum(entry.is_default for entry in policies) != 1:
        return "exactly one entry must be the default one, 00:00 to 24:00"
    taken: set[int] = set()
    for entry in policies:
        if not entry.is_default:
            if taken & entry.hours:
                return "entries other than the default one must not overlap"
            taken |= entry.hours
    return ""


def need_at(queue: str, policies: Iterable[Mapping[str, Any]], hour: int, pool_max: int) -> Need:
    """What the queue wants at this hour: a special entry goes before the default one."""
    entries = [Policy.model_validate(dict(entry)) for entry in policies]
    found = next(
        (entry for entry in entries if not entry.is_default and hour in entry.hours),
        next((entry for entry in entries if entry.is_default), entries[0]),
    )
    most = pool_max if found.inherit_elastic_resource_pool_max_cu else found.max_cu
    return Need(queue, found.priority, found.min_cu, max(most, found.min_cu))


def actual_cus(needs: Sequence[Need], pool_min: int, pool_max: int) -> int:
    """max(min(sum of maxima, pool's maximum), pool's minimum), rounded up to a multiple of 16 (dli_01_0622)."""
    if not needs:
        return pool_min
    wanted = max(min(sum(need.max_cu for need in needs), pool_max), pool_min)
    return math.ceil(wanted / STEP) * STEP


def shares(needs: Sequence[Need], cus: int) -> dict[str, int]:
    """How the pool's CUs go to its queues: to each its minimum, the rest by priority up to its maximum."""
    found = {need.queue: need.min_cu for need in needs}
    rest = cus - sum(found.values())
    for need in sorted(needs, key=lambda need: -need.priority):
        more = max(0, min(rest, need.max_cu - need.min_cu))
        found[need.queue] += more
        rest -= more
    return found
