"""Elastic resource pools: records, their CUs and status over time (dli-api 12); `calls.py` holds the handlers.

Nothing runs in the background: `settle` plays what happened to a pool since the last look: the end of its creation and
of a scaling, and the full hours, at which settings, policies and the time of the day change its CUs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.pools.policies import Need, actual_cus, default_policy, need_at, shares
from pulumi_dli.emulator.queues.records import Queue, Queues
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tags

HOUR = 3600.0
HISTORY = 30 * 24 * HOUR  # scale records are kept so long
BASIC = "basic"


class PoolStatus(StrEnum):
    """The whole published set."""

    CREATING = "CREATING"
    AVAILABLE = "AVAILABLE"
    SCALING = "SCALING"
    FAILED = "FAILED"


@dataclass
class Pool:
    """One pool; times in service seconds."""

    project_id: str
    name: str
    pool_id: int
    resource_id: str
    owner: str
    description: str
    cidr_in_vpc: str
    min_cu: int
    max_cu: int
    enterprise_project_id: str
    label: dict[str, str]
    created: float
    ipv6_enable: bool = False
    updated: float | None = None
    status: str = PoolStatus.AVAILABLE
    changes_at: float | None = None  # when CREATING or SCALING ends
    available_since: float | None = None  # the first time
    seen_at: float | None = None  # played up to here
    current_cu: int = 0  # what it holds
    target_cu: int = 0  # of the scaling that goes on
    fail_reason: str = ""
    scale_records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def basic(self) -> bool:
        return self.label.get("spec") == BASIC


class Pools:
    """The pools of all projects."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._table: Table[Pool] = Table(core.store, "pools", Pool)

    # looking

    def of(self, project_id: str) -> list[Pool]:
        """All pools of a project, oldest first, as they are now."""
        found = [pool for pool in self._table.rows.values() if pool.project_id == project_id]
        for pool in found:
            self.settle(pool)
        return sorted(found, key=lambda pool: pool.pool_id)

    def find(self, project_id: str, name: str) -> Pool | None:
        """The pool of that name in any case."""
        pool = self._table.rows.get(f"{project_id}/{name.lower()}")
        if pool is not None:
            self.settle(pool)
        return pool

    def by_resource_id(self, project_id: str, resource_id: str) -> Pool | None:
        return next((pool for pool in self.of(project_id) if pool.resource_id == resource_id), None)

    def projects(self) -> list[str]:
        return sorted({pool.project_id for pool in self._table.rows.values()})

    def queues_of(self, pool: Pool) -> list[Queue]:
        return [queue for queue in self._core.part(Queues).of(pool.project_id) if queue.pool == pool.name]

    def needs(self, pool: Pool, hour: int) -> list[Need]:
        """What the pool's queues want at this hour of the day."""
        return [need_at(queue.name, policies_of(queue), hour, pool.max_cu) for queue in self.queues_of(pool)]

    def cus_of(self, queue: Queue) -> int:
        """The CUs that jobs of this queue can have now: its own, or its share of the pool's."""
        pool = self.find(queue.project_id, queue.pool) if queue.pool else None
        if pool is None:
            return queue.cu_count
        return shares(self.needs(pool, _hour(self._core.clock.now())), pool.current_cu).get(queue.name, 0)

    def most_cus_of(self, queue: Queue) -> int:
        """The CUs that jobs of this queue can ever have."""
        if not queue.pool:
            return queue.cu_count
        pool = self.find(queue.project_id, queue.pool)
        most = pool.max_cu if pool else queue.cu_count
        return max(need_at(queue.name, policies_of(queue), hour, most).max_cu for hour in range(24))

    # keeping

    def save(self, pool: Pool) -> None:
        self._table.save(f"{pool.project_id}/{pool.name}", pool)

    def add(self, pool: Pool) -> None:
        """A new one: CREATING, and AVAILABLE or FAILED later."""
        pool.status, pool.seen_at = PoolStatus.CREATING, pool.created
        pool.changes_at = pool.created + self._core.quirks.timings.pool_creating
        fault = self._core.faults.of("pool_failed", name=pool.name)
        if fault is not None:
            pool.fail_reason = fault.description or "The resources are insufficient."
        self.save(pool)
        self._record(pool, EventType.CREATED, f"created with {pool.min_cu} to {pool.max_cu} CUs")

    def drop(self, pool: Pool) -> None:
        """It goes; queues that it still holds (by a switch, or at the console) stay on their own."""
        for queue in self.queues_of(pool):
            queue.pool = ""
            self._core.part(Queues).save(queue)
        self._table.drop(f"{pool.project_id}/{pool.name}")
        self._core.part(Tags).put(pool.project_id, tagging.POOL, pool.resource_id, {})
        self._record(pool, EventType.DELETED, "deleted")

    def queues_changed(self, project_id: str, name: str) -> None:
        """A queue came or went: the CUs follow at once."""
        pool = self.find(project_id, name)
        if pool is not None and pool.status in (PoolStatus.AVAILABLE, PoolStatus.SCALING):
            self.resize(pool, self._core.clock.now())

    # time

    def settle(self, pool: Pool) -> None:
        """Play what happened since the last look, step by step."""
        now = self._core.clock.now()
        last = max(pool.created if pool.seen_at is None else pool.seen_at, now - HISTORY)
        changed = False
        while True:
            moment = (last // HOUR + 1) * HOUR
            if pool.changes_at is not None and pool.changes_at <= moment:
                moment = max(pool.changes_at, last)
            if moment > now:
                break
            self._pass(pool, moment)
            last, changed = moment, True
        pool.seen_at = last
        if changed:
            self.save(pool)

    def _pass(self, pool: Pool, moment: float) -> None:
        if pool.changes_at is not None and pool.changes_at <= moment:
            self._arrive(pool, moment)
        if moment % HOUR == 0 and pool.status == PoolStatus.AVAILABLE:
            self.resize(pool, moment)

    def _arrive(self, pool: Pool, moment: float) -> None:
        """CREATING or SCALING ends."""
        pool.changes_at = None
        if pool.status == PoolStatus.CREATING and pool.fail_reason:
            self._to(pool, PoolStatus.FAILED, moment)
            return
        if pool.status == PoolStatus.CREATING:
            pool.available_since, pool.current_cu = moment, pool.min_cu
        else:
            self._scaled(pool, moment)
        self._to(pool, PoolStatus.AVAILABLE, moment)

    def _scaled(self, pool: Pool, moment: float) -> None:
        fault = self._core.faults.of("pool_scale_failed", name=pool.name)
        before = pool.current_cu
        if fault is None:
            pool.current_cu = pool.target_cu
        pool.scale_records = [
            *(row for row in pool.scale_records if row["record_time"] >= (moment - HISTORY) * 1000),
            {
                "max_cu": pool.max_cu,
                "min_cu": pool.min_cu,
                "current_cu": pool.current_cu,
                "target_cu": pool.target_cu,
                "origin_cu": before,
                "record_time": int(moment * 1000),
                "status": "success" if fault is None else "fail",
                "fail_reason": "" if fault is None else (fault.description or "The resources are insufficient."),
            },
        ]

    def resize(self, pool: Pool, moment: float, *, to: int | None = None) -> None:
        """Begin a scaling when the pool should hold another number of CUs."""
        target = actual_cus(self.needs(pool, _hour(moment)), pool.min_cu, pool.max_cu) if to is None else to
        if target == (pool.target_cu if pool.status == PoolStatus.SCALING else pool.current_cu):
            return
        pool.target_cu = target
        pool.changes_at = moment + self._core.quirks.timings.pool_scaling
        self._to(pool, PoolStatus.SCALING, moment)
        self.save(pool)

    def fail(self, pool: Pool, reason: str) -> None:
        """At rest for good; only its deletion is left."""
        pool.fail_reason, pool.changes_at = reason, None
        self._to(pool, PoolStatus.FAILED, self._core.clock.now())
        self.save(pool)

    def _to(self, pool: Pool, status: PoolStatus, moment: float) -> None:
        if pool.status != status:
            facts = {"before": pool.status, "after": status, "description": pool.fail_reason}
            self._record(pool, EventType.STATUS, f"{pool.status} → {status}", at=moment, **facts)
        pool.status = status

    def _record(self, pool: Pool, event: EventType, text: str, **more: Any) -> None:
        self._core.record("pool", pool.name, event, text, **more)


def policies_of(queue: Queue) -> list[dict[str, Any]]:
    """The entries of a queue, or the one that the service makes by itself."""
    return queue.policies or [default_policy(queue.cu_spec)]


def _hour(moment: float) -> int:
    """The hour of the day (UTC, as the service has no other zone on the wire)."""
    return int(moment // HOUR) % 24
