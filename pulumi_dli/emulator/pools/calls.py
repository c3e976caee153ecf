"""Handlers of the pool calls (dli-api 12): bodies in, answers out. The rules are in `rules.py`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.clock import ms
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.pools import rules
from pulumi_dli.emulator.pools.policies import HOURS, Policy, need_at, problem_of
from pulumi_dli.emulator.pools.records import HISTORY, Pool, Pools, PoolStatus, policies_of
from pulumi_dli.emulator.queues.records import Queue, Queues
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tag, Tags

DONE = {"is_success": True, "message": ""}
MOST_RECORDS = 100
_DAY = 24 * 3600.0
Row = TypeVar("Row")


class PoolCreate(Body):
    """Body of A.1; the page sends its charging mode as text (dli_02_0326)."""

    elastic_resource_pool_name: str
    description: str = Field("", max_length=256)
    cidr_in_vpc: str = "172.16.0.0/12"
    min_cu: int = Field(ge=1)
    max_cu: int = Field(ge=1)
    charging_mode: Literal[1, "1"] = 1
    enterprise_project_id: str = "0"
    tags: list[Tag] | None = None
    label: dict[str, str] | None = None
    ipv6_enable: bool = False


class PoolChange(Body):
    """Body of A.3: what is absent stays."""

    description: str | None = Field(None, max_length=256)
    min_cu: int | None = Field(None, ge=1)
    max_cu: int | None = Field(None, ge=1)


class Associate(Body):
    queue_name: str


class Policies(Body):
    queue_scaling_policies: list[Policy] = Field(min_length=1)


def create(call: Call) -> Reply:
    asked, core = call.read(PoolCreate), call.core
    name, label = asked.elastic_resource_pool_name.lower(), dict(asked.label or {})
    rules.check_name(core, name)
    rules.check_cidr(asked.cidr_in_vpc)
    rules.check_sizes(core, asked.min_cu, asked.max_cu, basic=label.get("spec") == "basic")
    if core.part(Pools).find(call.project_id, name):
        raise Refusal(400, "DLI.0006", f"The elastic resource pool {name} already exists.")
    if len(core.part(Pools).of(call.project_id)) >= core.quirks.quotas.get("ELASTIC_RESOURCE_POOL", 2**31):
        raise Refusal(400, "DLI.1028", "The quota of elastic resource pools is insufficient.")
    quirks = core.quirks
    tags = tagging.checked(asked.tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    pool = Pool(
        project_id=call.project_id,
        name=name,
        pool_id=core.next_id("pool", 1026),
        resource_id=str(uuid.uuid4()),
        owner=call.user,
        description=asked.description,
        cidr_in_vpc=asked.cidr_in_vpc,
        min_cu=asked.min_cu,
        max_cu=asked.max_cu,
        enterprise_project_id=asked.enterprise_project_id,
        label=label,
        created=core.clock.now(),
        ipv6_enable=asked.ipv6_enable,
    )
    core.part(Pools).add(pool)
    core.part(Tags).put(call.project_id, tagging.POOL, pool.resource_id, tags)
    return Reply(200, {**DONE, "elastic_resource_pool_name": name})


def list_pools(call: Call) -> Reply:
    core, query = call.core, call.query
    part, status = (query.get("name") or "").lower(), query.get("status")
    if status and status not in list(PoolStatus):
        raise bad_parameter("Invalid parameter status.")
    tags = tagging.wanted(query.get("tags"))
    found = [
        pool
        for pool in core.part(Pools).of(call.project_id)
        if part in pool.name
        and status in (None, "", pool.status)
        and tags.items() <= core.part(Tags).of(call.project_id, tagging.POOL, pool.resource_id).items()
    ]
    shown = [_row(call, pool) for pool in _page(call, found)]
    return Reply(200, {**DONE, "count": len(found), "elastic_resource_pools": shown})


def update(call: Call) -> Reply:
    pool, asked = _existing(call), call.read(PoolChange)
    min_cu = pool.min_cu if asked.min_cu is None else asked.min_cu
    max_cu = pool.max_cu if asked.max_cu is None else asked.max_cu
    rules.check_change(call.core, pool, min_cu, max_cu)
    pool.min_cu, pool.max_cu, pool.updated = min_cu, max_cu, call.core.clock.now()
    if asked.description is not None:
        pool.description = asked.description
    call.core.part(Pools).save(pool)
    return Reply(200, DONE)


def delete(call: Call) -> Reply:
    pool = _existing(call)
    rules.check_deletion(call.core, pool)
    call.core.part(Pools).drop(pool)
    return Reply(200, DONE)


def associate(call: Call) -> Reply:
    pool, name = _existing(call), call.read(Associate).queue_name
    queue = call.core.part(Queues).find(call.project_id, name)
    if queue is None:
        raise Refusal(400, "DLI.0002", f"There is no queue named {name}")
    rules.check_association(call.core, pool, queue)
    queue.pool = pool.name
    call.core.part(Queues).save(queue)
    call.core.part(Pools).queues_changed(call.project_id, pool.name)
    return Reply(200, DONE)


def list_queues(call: Call) -> Reply:
    """`limit` must come along with `offset`, else the paging does not work, as the service's client says."""
    part = (call.query.get("queue_name") or "").lower()
    queues = call.core.part(Pools).queues_of(_existing(call))
    found = [queue for queue in queues if part in queue.name]
    shown = [_queue_row(queue) for queue in (_page(call, found) if call.query.get("limit") else found)]
    return Reply(200, {**DONE, "count": len(found), "queues": shown})


def change_policies(call: Call) -> Reply:
    """A full replacement of a queue's entries; the CUs follow at the next full hour (dli-api 12.7)."""
    pool, core, name = _existing(call), call.core, call.params["queue"].lower()
    asked = call.read(Policies).queue_scaling_policies
    queue = next((row for row in core.part(Pools).queues_of(pool) if row.name == name), None)
    if queue is None:
        raise Refusal(400, "DLI.0002", f"There is no queue named {name} in the elastic resource pool {pool.name}")
    if queue.is_assigning(core.clock.now()):
        raise Refusal(400, "DLI.0012", f"Status of queue {name} is assigning, which is not available")
    problem = problem_of(asked) if core.quirks.forbids("policies") else ""
    if problem:
        raise bad_parameter(f"Invalid parameter queue_scaling_policies: {problem}.")
    kept = [entry.model_dump(exclude_none=True) for entry in asked]
    rules.check_needs(core, pool, changed={hour: need_at(name, kept, hour, pool.max_cu) for hour in HOURS})
    queue.policies = kept
    core.part(Queues).save(queue)
    return Reply(200, DONE)


def scale_records(call: Call) -> Reply:
    """The scalings of a pool, newest first; this answer has no `is_success` (dli-api 12.8)."""
    pool, now = _existing(call), call.core.clock.now_ms()
    start, end = call.number("start_time", default=0), call.number("end_time", default=0)
    end = end or now
    start = start or int(end - (7 if call.query.get("end_time") else 15) * _DAY * 1000)
    if start >= end or end > now or start < now - HISTORY * 1000:
        raise bad_parameter("Invalid parameter start_time or end_time: within the last 30 days, start before end.")
    if call.query.get("status") not in (None, "success", "fail"):
        raise bad_parameter("Invalid parameter status.")
    if call.number("limit", default=MOST_RECORDS) > MOST_RECORDS:
        raise bad_parameter("Invalid parameter limit: 0 to 100 are allowed.")
    found = [
        row
        for row in reversed(pool.scale_records)
        if start <= row["record_time"] <= end and call.query.get("status") in (None, row["status"])
    ]
    page = _page(call, found)
    return Reply(200, {"count": len(page), "items": page})


def _page(call: Call, rows: Sequence[Row]) -> Sequence[Row]:
    start, most = call.number("offset", default=0), call.number("limit", default=100)
    if start < 0 or most < 0:
        raise bad_parameter("Invalid parameter limit or offset: not negative.")
    return rows[start : start + most]


def _existing(call: Call) -> Pool:
    name = call.params["pool"]
    pool = call.core.part(Pools).find(call.project_id, name)
    if pool is None:
        raise Refusal(400, "DLI.0002", f"There is no elastic resource pool named {name}")
    return pool


def _queue_row(queue: Queue) -> dict[str, Any]:
    return {
        "queue_name": queue.name,
        "queue_type": queue.queue_type,
        "owner": queue.owner,
        "engine": queue.engine,
        "create_time": ms(queue.created),
        "enterprise_project_id": queue.enterprise_project_id,
        "queue_scaling_policies": policies_of(queue),
    }


def _row(call: Call, pool: Pool) -> dict[str, Any]:
    queues = [queue.name for queue in call.core.part(Pools).queues_of(pool)]
    row = {
        "id": pool.pool_id,
        "resource_id": pool.resource_id,
        "elastic_resource_pool_name": pool.name,
        "description": pool.description,
        "owner": pool.owner,
        "status": pool.status,
        "fail_reason": pool.fail_reason if pool.status == PoolStatus.FAILED else "",
        "min_cu": pool.min_cu,
        "max_cu": pool.max_cu,
        "current_cu": pool.current_cu,
        "actual_cu": pool.current_cu if queues else 0,
        "prepay_cu": 0,
        "cidr_in_vpc": pool.cidr_in_vpc,
        "charging_mode": 1,
        "enterprise_project_id": pool.enterprise_project_id,
        "queues": queues,
        "manager": "",
        "label": pool.label or None,
        "ipv6_enable": pool.ipv6_enable,
        "ipv6_cidr_in_subnet": "",
        "create_time": ms(pool.created),
        "update_time": ms(pool.created if pool.updated is None else pool.updated),
    }
    if call.core.quirks.sparse_pools:
        row = {name: value for name, value in row.items() if name not in ("current_cu", "queues", "update_time")}
    return row
