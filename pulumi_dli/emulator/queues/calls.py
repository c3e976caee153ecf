"""Handlers of the queue calls (dli-api 4.1 to 4.9): bodies in, answers out. The records are in `records.py`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.clock import ms
from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.core.quirks import Quirks
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.pools.rules import check_new_queue
from pulumi_dli.emulator.queues.records import (
    DEFAULT,
    NAME,
    Queue,
    QueueAction,
    QueueCidr,
    QueueCreate,
    Queues,
)
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tags


def create(call: Call) -> Reply:
    asked = call.read(QueueCreate)
    core, quirks = call.core, call.core.quirks
    if not NAME.fullmatch(asked.queue_name):
        raise bad_parameter("Invalid parameter queue_name.")
    tags = tagging.checked(asked.tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    if core.part(Queues).find(call.project_id, asked.queue_name):
        raise Refusal(400, "DLI.0006", f"The queue {asked.queue_name.lower()} already exists.")
    _check_place(core, call.project_id, asked)
    _check_quota(core.part(Queues).of(call.project_id), asked.cu_count, quirks.quotas)
    queue = core.part(Queues).add(call.project_id, asked, call.user)
    core.part(Pools).queues_changed(call.project_id, queue.pool)
    core.part(Tags).put(call.project_id, tagging.QUEUE, queue.resource_id, tags)
    text = f"created with {queue.cu_count} CUs"
    core.record("queue", queue.name, EventType.CREATED, text, cu_count=queue.cu_count)
    body = {"is_success": True, "message": "", "queue_name": queue.name}
    return Reply(201 if quirks.create_201 else 200, body)


def _check_place(core: Core, project_id: str, asked: QueueCreate) -> None:
    """Its CUs, in the pool that it names, or on its own."""
    if not asked.elastic_resource_pool_name:
        if asked.cu_count < 16 or asked.cu_count % 16:
            raise bad_parameter("Invalid parameter cu_count: it must be 16, 64, 256 or another multiple of 16.")
        return
    pool = core.part(Pools).find(project_id, asked.elastic_resource_pool_name)
    if pool is None:
        raise Refusal(400, "DLI.0002", f"There is no elastic resource pool named {asked.elastic_resource_pool_name}")
    check_new_queue(core, pool, asked.queue_name.lower(), asked.queue_type, asked.cu_count)


def list_queues(call: Call) -> Reply:
    kind = call.query.get("queue_type") or "sql"
    if kind not in ("sql", "general", "all"):
        raise bad_parameter("Invalid parameter queue_type.")
    core = call.core
    tags = tagging.wanted(call.query.get("tags"))
    found = [queue for queue in core.part(Queues).of(call.project_id) if kind in ("all", queue.queue_type)]
    if tags:
        found = [
            q for q in found if tags.items() <= core.part(Tags).of(q.project_id, tagging.QUEUE, q.resource_id).items()
        ]
    order = call.query.get("order") or "queue_name_asc"
    found.sort(
        key=lambda queue: queue.cu_count if order.startswith("cu") else queue.name, reverse=order.endswith("desc")
    )
    size = call.number("page-size", default=2**31 - 1)
    page = call.number("current-page", default=1)
    if size < 1 or page < 1:
        raise bad_parameter("Invalid parameter page-size or current-page.")
    shown = [_row(queue, call) for queue in found[(page - 1) * size : page * size]]
    success: Any = "true" if core.quirks.sample_types else True
    return Reply(200, {"is_success": success, "message": "", "queues": shown})


def details(call: Call) -> Reply:
    queue = _existing(call)
    now_shown = _shared_fields(queue, call.core.quirks)
    pairs = {"queueName": queue.name, "queueType": queue.queue_type, "cuCount": queue.cu_count}
    body = {"is_success": True, "message": "", **now_shown, **pairs, "chargingMode": queue.charging_mode}
    if call.core.quirks.snake_details:
        snake = {
            "queueName": "queue_name",
            "queueType": "queue_type",
            "cuCount": "cu_count",
            "chargingMode": "charging_mode",
        }
        body = {snake.get(key, key): value for key, value in body.items()}
    return Reply(200, body)


def delete(call: Call) -> Reply:
    queue = _existing(call)
    if queue.name == DEFAULT:
        raise Refusal(400, "DLI.0007", "The default queue cannot be deleted.")
    busy = call.core.part(Jobs).busy_on(queue)
    if busy:
        names = ", ".join(f"{job.name} ({job.job_id})" for job in busy[:10])
        raise Refusal(400, "DLI.0007", f"The queue {queue.name} has submitting or running jobs: {names}")
    call.core.part(Queues).drop(queue)
    call.core.part(Pools).queues_changed(call.project_id, queue.pool)
    return Reply(200, {"is_success": True, "message": ""})


def act(call: Call) -> Reply:
    queue = _existing(call, code="DLI.0008")
    asked = call.read(QueueAction)
    now = call.core.clock.now()
    if queue.is_assigning(now):
        text = f"Status of queue {queue.name} is assigning, which is not available"
        raise Refusal(400, "DLI.0012", text)
    if asked.action == "restart":
        return _restart(call, queue, forced=asked.force in (True, "true"))
    if not asked.cu_count or asked.cu_count < 0 or asked.cu_count % 16:
        raise bad_parameter("Invalid parameter cu_count: a multiple of 16 is needed.")
    amount = asked.cu_count if asked.action == "scale_out" else -asked.cu_count
    check_scaling(queue, amount)
    scale(call.core, queue, amount)
    return Reply(200, {"queue_name": queue.name, "result": True})


def check_scaling(queue: Queue, amount: int) -> None:
    """The refusals of 4.5."""
    if queue.pool:
        raise Refusal(400, "DLI.0007", "A queue of an elastic resource pool is scaled by the pool's policies.")
    if queue.queue_type == "sql" and queue.name == DEFAULT:
        raise Refusal(400, "DLI.0007", "The default queue cannot be scaled.")
    if queue.cu_spec <= 16:
        raise Refusal(400, "DLI.0007", "A queue of 16 CUs cannot be scaled.")
    if queue.cu_spec == 64 and amount < 0:
        raise Refusal(400, "DLI.0007", "A queue of 64 CUs cannot be scaled in.")
    if not queue.has_run:
        raise Refusal(400, "DLI.0007", f"A job must have run on the queue {queue.name} before it can be scaled.")
    if queue.cu_spec + amount < 16:
        raise bad_parameter("Invalid parameter cu_count: less than 16 CUs would remain.")


def scale(core: Core, queue: Queue, amount: int) -> None:
    """Order CUs: the amount is a difference (4.5); asking again adds again."""
    before = queue.cu_count
    queue.cu_spec += amount
    queue.scaled_at = core.clock.now() + core.quirks.timings.scaling
    partial = core.faults.of("partial_scale_in", name=queue.name) if amount < 0 else None
    if partial:
        half_way = before + (queue.cu_spec - before) // 32 * 16
        queue.extras["reached"] = half_way if partial.reached is None else partial.reached
    core.part(Queues).save(queue)
    text = f"scaling from {before} to {queue.cu_spec} CUs"
    core.record("queue", queue.name, EventType.SCALING, text, before=before, ordered=queue.cu_spec)


def change_cidr(call: Call) -> Reply:
    queue = _existing(call)
    asked = call.read(QueueCidr)
    if queue.pool or call.core.part(Jobs).busy_on(queue):
        raise Refusal(400, "DLI.0007", "The CIDR of a pool's queue, or with jobs on the queue, cannot be changed.")
    queue.cidr_in_vpc = asked.cidr_in_vpc
    call.core.part(Queues).save(queue)
    return Reply(200, {"is_success": True, "message": ""})


def _restart(call: Call, queue: Queue, *, forced: bool) -> Reply:
    if queue.queue_type != "sql":
        raise Refusal(400, "DLI.0007", "Only SQL queues can be restarted.")
    queue.restarted_at = call.core.clock.now() + call.core.quirks.timings.queue_restart
    call.core.part(Queues).save(queue)
    body: dict[str, Any] = {"is_success": True, "message": "Restart success"}
    if forced:
        body |= {"message": "Jobs on the queue are being cancelled.", "job_id": str(uuid.uuid4())}
    return Reply(200, body)


def _existing(call: Call, *, code: str = "DLI.0002") -> Queue:
    name = call.params["queue_name"]
    queue = call.core.part(Queues).find(call.project_id, name)
    if queue is None:
        quirk = call.core.quirks.queue_not_found
        code = code if quirk == "documented" else quirk
        raise Refusal(404 if code == "DLI.0023" else 400, code, f"There is no queue named {name}")
    return queue


def _check_quota(queues: Iterable[Queue], more: int, quotas: dict[str, int]) -> None:
    owned = [queue for queue in queues if queue.name != DEFAULT]
    if len(owned) + 1 > quotas.get("QUEUE", 2**31) or sum(q.cu_spec for q in owned) + more > quotas.get("CU", 2**31):
        raise Refusal(400, "DLI.1028", "The quota of queues or CUs is insufficient.")


def _shared_fields(queue: Queue, quirks: Quirks) -> dict[str, Any]:
    """What list and details name alike."""
    return {
        "queue_id": queue.queue_id,
        "owner": queue.owner,
        "description": queue.description,
        "create_time": ms(queue.created),
        "resource_id": queue.resource_id,
        "resource_mode": queue.resource_mode,
        "resource_type": "container" if queue.pool else "vm",
        "enterprise_project_id": queue.enterprise_project_id,
        "cu_spec": queue.cu_spec,
        "cu_scale_out_limit": queue.cu_spec,
        "cu_scale_in_limit": queue.cu_spec,
        "elastic_resource_pool_name": queue.pool,
        "support_spark_versions": ["2.3.2", "2.4.5", "3.1.1", "3.3.1"],
        "default_spark_version": "3.3.1",
        "support_flink_sql_versions": quirks.flink_sql_versions,
        "default_flink_sql_version": "1.12",
        "support_flink_jar_versions": quirks.flink_jar_versions,
        "default_flink_jar_version": "1.12",
        "support_opensource_flink_versions": quirks.flink_sql_versions,
    }


def _row(queue: Queue, call: Call) -> dict[str, Any]:
    restarting: Any = queue.restarted_at > call.core.clock.now()
    if call.core.quirks.sample_types:
        restarting = "true" if restarting else "false"
    return {
        **_shared_fields(queue, call.core.quirks),
        "queue_name": queue.name,
        "queue_type": queue.queue_type,
        "cu_count": queue.cu_count,
        "charging_mode": queue.charging_mode,
        "engine": queue.engine,
        "used_cu": float(call.core.part(Jobs).used_cus(queue)),
        "cidr_in_vpc": queue.cidr_in_vpc,
        "cidr_in_subnet": "",
        "cidr_in_mgntsubnet": "",
        "platform": queue.platform,
        "is_restarting": restarting,
        "labels": ",".join(queue.labels),
        **({"feature": queue.feature} if queue.feature else {}),  # only when one was set
    }
