"""Handlers of the pool calls: create, list, delete, associate (dli-api 4.12). The records are in `records.py`."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.clock import ms
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.pools.records import Pool, Pools
from pulumi_dli.emulator.queues.records import NAME, Queue, Queues
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tag, Tags


class PoolCreate(Body):
    elastic_resource_pool_name: str
    description: str = Field("", max_length=256)
    cidr_in_vpc: str = "172.16.0.0/12"
    min_cu: int = Field(ge=16, multiple_of=16)
    max_cu: int = Field(ge=16, multiple_of=16, le=32000)
    charging_mode: int | Literal["1"] = 1
    enterprise_project_id: str = "0"
    tags: list[Tag] | None = None
    label: dict[str, str] = Field(default_factory=dict)


class Associate(Body):
    queue_name: str


def create(call: Call) -> Reply:
    asked, core = call.read(PoolCreate), call.core
    name = asked.elastic_resource_pool_name.lower()
    if not NAME.fullmatch(name) or asked.min_cu > asked.max_cu:
        raise bad_parameter("Invalid parameter elastic_resource_pool_name, min_cu or max_cu.")
    if core.part(Pools).find(call.project_id, name):
        raise Refusal(400, "DLI.0006", f"The elastic resource pool {name} already exists.")
    quirks = core.quirks
    tags = tagging.checked(asked.tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    pool = Pool(
        project_id=call.project_id,
        name=name,
        pool_id=core.next_id("pool", 1),
        resource_id=str(uuid.uuid4()),
        owner=call.user,
        description=asked.description,
        cidr_in_vpc=asked.cidr_in_vpc,
        min_cu=asked.min_cu,
        max_cu=asked.max_cu,
        enterprise_project_id=asked.enterprise_project_id,
        label=dict(asked.label),
        created=core.clock.now(),
    )
    core.part(Pools).table.save(f"{call.project_id}/{name}", pool)
    core.part(Tags).put(call.project_id, tagging.POOL, name, tags)
    return Reply(200, {"is_success": True, "message": "", "elastic_resource_pool_name": name})


def list_pools(call: Call) -> Reply:
    part = (call.query.get("name") or "").lower()
    rows = call.core.part(Pools).table.rows.values()
    found = [pool for pool in rows if pool.project_id == call.project_id and part in pool.name]
    start = call.number("offset", default=0)
    page = found[start : start + call.number("limit", default=100)]
    shown = [_row(call, pool) for pool in page]
    return Reply(200, {"is_success": True, "message": "", "count": len(found), "elastic_resource_pools": shown})


def delete(call: Call) -> Reply:
    pool = _existing(call)
    if _queues_of(call, pool):
        raise Refusal(400, "DLI.0007", f"The elastic resource pool {pool.name} has queues.")
    call.core.part(Pools).table.drop(f"{call.project_id}/{pool.name}")
    call.core.part(Tags).put(call.project_id, tagging.POOL, pool.name, {})
    return Reply(200, {"is_success": True, "message": ""})


def associate(call: Call) -> Reply:
    pool, name = _existing(call), call.read(Associate).queue_name
    queue = call.core.part(Queues).find(call.project_id, name)
    if queue is None:
        raise Refusal(400, "DLI.0002", f"There is no queue named {name}")
    if queue.pool or queue.resource_mode != 1:
        raise Refusal(400, "DLI.0007", "Only a dedicated queue outside of pools can be associated.")
    if queue.is_assigning(call.core.clock.now()):
        raise Refusal(400, "DLI.0012", f"Status of queue {queue.name} is assigning, which is not available")
    queue.pool = pool.name
    call.core.part(Queues).save(queue)
    return Reply(200, {"is_success": True, "message": ""})


def list_queues(call: Call) -> Reply:
    found = _queues_of(call, _existing(call))
    shown = [
        {
            "queue_name": queue.name,
            "queue_type": queue.queue_type,
            "owner": queue.owner,
            "create_time": ms(queue.created),
            "enterprise_project_id": queue.enterprise_project_id,
            "queue_scaling_policies": [_policy(queue.cu_spec)],
        }
        for queue in found
    ]
    return Reply(200, {"is_success": True, "message": "", "count": len(found), "queues": shown})


def _policy(cus: int) -> dict[str, Any]:
    times = {"impact_start_time": "00:00", "impact_stop_time": "24:00"}
    return {"priority": 1, **times, "min_cu": cus, "max_cu": cus}


def _existing(call: Call) -> Pool:
    name = call.params["pool"]
    pool = call.core.part(Pools).find(call.project_id, name)
    if pool is None:
        raise Refusal(400, "DLI.0002", f"There is no elastic resource pool named {name}")
    return pool


def _queues_of(call: Call, pool: Pool) -> list[Queue]:
    return [queue for queue in call.core.part(Queues).of(call.project_id) if queue.pool == pool.name]


def _row(call: Call, pool: Pool) -> dict[str, Any]:
    queues = _queues_of(call, pool)
    return {
        "id": pool.pool_id,
        "elastic_resource_pool_name": pool.name,
        "description": pool.description,
        "status": "AVAILABLE",
        "min_cu": pool.min_cu,
        "max_cu": pool.max_cu,
        "current_cu": max(pool.min_cu, sum(queue.cu_spec for queue in queues)),
        "actual_cu": max(pool.min_cu, sum(queue.cu_spec for queue in queues)),
        "cidr_in_vpc": pool.cidr_in_vpc,
        "owner": pool.owner,
        "resource_id": pool.resource_id,
        "fail_reason": "",
        "queues": [queue.name for queue in queues],
        "manager": "",
        "label": pool.label,
        "enterprise_project_id": pool.enterprise_project_id,
        "create_time": ms(pool.created),
    }
