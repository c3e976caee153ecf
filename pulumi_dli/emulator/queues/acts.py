"""What a person at the console does to a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import ControlBody, read
from pulumi_dli.emulator.core.service import Act
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.queues.records import Queue, Queues


class QueueAct(ControlBody):
    queue: str
    project_id: str | None = None


class Scale(QueueAct):
    cu_count: int = Field(ge=0, le=1_000_000)


def _scale(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = read(Scale, body)
    queue = _found(core, asked)
    queue.cu_count = queue.cu_spec = asked.cu_count
    queue.scaled_at = None
    core.part(Queues).save(queue)
    text = f"scaled to {queue.cu_count} CUs at the console"
    core.record("queue", queue.name, EventType.SCALED, text, cu_count=queue.cu_count)
    return {}


def _delete(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    queue = _found(core, read(QueueAct, body))
    core.part(Queues).drop(queue)
    core.part(Pools).queues_changed(queue.project_id, queue.pool)
    return {}


def _found(core: Core, asked: QueueAct) -> Queue:
    queues = core.part(Queues)
    queue = queues.find(queues.project_meant(asked.project_id), asked.queue)
    if queue is None:
        raise ValueError(f"there is no queue {asked.queue}")
    return queue


ACTS: Mapping[str, Act] = {"queue.scale": _scale, "queue.delete": _delete}
