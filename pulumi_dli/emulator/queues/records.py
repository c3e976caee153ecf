"""Queues: records and their compute (dli-api 4.8); `calls.py` holds the handlers.

No answer carries a status; what shows is refusals while the compute is being assigned, and CUs that change late.
Times are worked out when somebody looks (`settle`), from the service clock.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import Body
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tag, Tags

DEFAULT = "default"
NAME = re.compile(r"(?!_)(?![0-9]+$)[A-Za-z0-9_]{1,128}")
NEVER = 4e12  # a moment that does not come


class QueueCreate(Body):
    """Body of 4.1."""

    queue_name: str
    queue_type: Literal["sql", "general"] = "sql"
    description: str = Field("", max_length=256)
    cu_count: int
    charging_mode: int = 1
    enterprise_project_id: str = "0"
    platform: str = "x86_64"
    resource_mode: Literal[0, 1] = 0
    labels: list[str] = Field(default_factory=list)
    tags: list[Tag] | None = None
    engine: str = "spark"
    feature: str = ""
    elastic_resource_pool_name: str = ""
    properties: dict[str, Any] = Field(default_factory=dict)


class QueueAction(Body):
    """Body of 4.5."""

    action: Literal["restart", "scale_out", "scale_in"]
    force: bool | Literal["true", "false"] = False
    cu_count: int | None = None


class QueueCidr(Body):
    cidr_in_vpc: str = Field(pattern=r"^\d+(\.\d+){3}/\d+$")


@dataclass
class Queue:
    """One queue; times in service seconds."""

    project_id: str
    name: str
    queue_id: int
    resource_id: str
    owner: str
    description: str
    queue_type: str
    cu_count: int  # what it has
    cu_spec: int  # what was ordered
    resource_mode: int
    platform: str
    engine: str
    feature: str
    charging_mode: int
    enterprise_project_id: str
    labels: list[str]
    pool: str
    properties: dict[str, Any]
    created: float
    available_at: float
    has_run: bool = False  # a job ran once: only then it can be scaled
    ready_at: float | None = None  # its first job's compute comes at this moment
    idle_since: float | None = None
    scaled_at: float | None = None
    restarted_at: float = 0.0
    cidr_in_vpc: str = "172.16.0.0/12"
    extras: dict[str, Any] = field(default_factory=dict)
    policies: list[dict[str, Any]] = field(default_factory=list)  # in a pool; none: the service's default entry

    def is_assigning(self, now: float) -> bool:
        return now < self.available_at


class Queues:
    """The queues of all projects."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._table: Table[Queue] = Table(core.store, "queues", Queue)

    def _key(self, project_id: str, name: str) -> str:
        return f"{project_id}/{name.lower()}"

    def projects(self) -> list[str]:
        return sorted({queue.project_id for queue in self._table.rows.values()})

    def project_meant(self, project_id: str | None) -> str:
        """The project of a control call: the one given, or the only one that there is."""
        known = self.projects()
        if project_id is not None:
            return project_id
        if len(known) != 1:
            raise ValueError("project_id is needed: there are several projects, or none yet")
        return known[0]

    def of(self, project_id: str) -> list[Queue]:
        """All queues of a project, the built-in one among them, as they are now."""
        self._settle_default(project_id)
        found = [queue for queue in self._table.rows.values() if queue.project_id == project_id]
        for queue in found:
            self.settle(queue)
        return found

    def find(self, project_id: str, name: str) -> Queue | None:
        """The queue of that name in any case."""
        self._settle_default(project_id)
        queue = self._table.rows.get(self._key(project_id, name))
        if queue is not None:
            self.settle(queue)
        return queue

    def save(self, queue: Queue) -> None:
        self._table.save(self._key(queue.project_id, queue.name), queue)

    def drop(self, queue: Queue) -> None:
        self._table.drop(self._key(queue.project_id, queue.name))
        self._core.part(Tags).put(queue.project_id, tagging.QUEUE, queue.resource_id, {})
        self._core.runtime.queue_gone(queue.project_id, queue.name)
        self._core.record("queue", queue.name, EventType.DELETED, "deleted")

    def settle(self, queue: Queue) -> None:
        """Bring the record up to the clock."""
        now = self._core.clock.now()
        if queue.scaled_at is not None and now >= queue.scaled_at:
            queue.scaled_at = None
            queue.cu_count = int(queue.extras.pop("reached", queue.cu_spec))
            self.save(queue)
            text = f"has {queue.cu_count} CUs now"
            self._core.record("queue", queue.name, EventType.SCALED, text, at=now, cu_count=queue.cu_count)

    def add(self, project_id: str, asked: QueueCreate, owner: str) -> Queue:
        core = self._core
        now, timings = core.clock.now(), core.quirks.timings
        stuck = core.faults.of("stuck_assigning", name=asked.queue_name.lower())
        queue = Queue(
            project_id=project_id,
            name=asked.queue_name.lower(),
            queue_id=core.next_id("queue", 1),
            resource_id=str(uuid.uuid4()),
            owner=owner,
            description=asked.description,
            queue_type=asked.queue_type,
            cu_count=asked.cu_count,
            cu_spec=asked.cu_count,
            resource_mode=asked.resource_mode,
            platform=asked.platform,
            engine=asked.engine,
            feature=asked.feature,
            charging_mode=asked.charging_mode,
            enterprise_project_id=asked.enterprise_project_id,
            labels=list(asked.labels),
            pool=asked.elastic_resource_pool_name.lower(),
            properties=dict(asked.properties),
            created=now,
            available_at=NEVER if stuck else now + timings.assigning,
            idle_since=now,
        )
        self.save(queue)
        return queue

    def compute_for_job(self, queue: Queue, now: float) -> float:
        """The moment at which a job that is submitted now finds its compute; the first one brings it up (3.8)."""
        timings = self._core.quirks.timings
        idle = queue.idle_since is not None and now - queue.idle_since > timings.idle_release
        released = idle and queue.resource_mode == 0 and queue.ready_at is not None
        if queue.available_at >= NEVER:
            return NEVER
        if queue.ready_at is None or released:
            queue.ready_at = now + timings.first_submit
            if released:
                queue.available_at = queue.ready_at
        queue.idle_since = None
        self.save(queue)
        return queue.ready_at

    def job_runs(self, queue: Queue, at: float) -> None:
        """A job came up: the compute is there, scaling is possible from now on."""
        if not queue.has_run or queue.available_at > at:
            queue.has_run = True
            queue.available_at = min(queue.available_at, at)
            self.save(queue)

    def is_idle(self, queue: Queue, since: float) -> None:
        queue.idle_since = since
        self.save(queue)

    def _settle_default(self, project_id: str) -> None:
        if self._key(project_id, DEFAULT) in self._table.rows:
            return
        asked = QueueCreate(queue_name=DEFAULT, cu_count=16, description="The default queue")
        queue = self.add(project_id, asked, "admin")
        queue.available_at = queue.created
        self.save(queue)
