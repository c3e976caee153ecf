"""The hours of scaling policies (dli-api 12.7). Pure, and light: the arithmetic of pools asks it as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ALL_DAY = ("00:00", "24:00")


def hours_of(start: str, stop: str) -> frozenset[int]:
    """The hours of the day from `start` on, up to `stop` excluded; over midnight when that is earlier."""
    first, last = int(start[:2]), int(stop[:2])
    return frozenset(range(first, last) if first < last else (*range(first, 24), *range(last)))


def is_default(policy: Mapping[str, Any]) -> bool:
    """Whether it is the entry for all day, which holds when no other does."""
    return (policy["impact_start_time"], policy["impact_stop_time"]) == ALL_DAY


def default_policy(cus: int) -> dict[str, Any]:
    """The entry that the service makes for a new queue."""
    start, stop = ALL_DAY
    return {"priority": 1, "impact_start_time": start, "impact_stop_time": stop, "min_cu": cus, "max_cu": cus}
