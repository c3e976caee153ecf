"""A queue between the program and the wire: create body, outputs, refreshed inputs, and how it is scaled. Pure.

`queue.py` calls it. Outputs that are facts never have the name of an input: an input that the program left out stays
absent, whatever the service made of it, so that a server default is no drift (dli-api 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_dli.api.queues import Queue
from pulumi_dli.lifecycle.ownership import declared_tags_now, visible, wire_tags
from pulumi_dli.lifecycle.queues import policies
from pulumi_dli.specs.fields import Assumed
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.values import whole

DEFAULTS: Mapping[str, Any] = QueueSpec.values_of(Assumed)
"""What a queue is when the program does not say: what Flink jar jobs need (dli-api 4.1). The service's own differ."""

_FACTS = (
    "resource_id",
    "owner",
    "create_time",
    "cu_spec",
    "support_flink_jar_versions",
    "default_flink_jar_version",
    "support_opensource_flink_versions",
    "support_flink_sql_versions",
)
_SETTINGS = (
    "queue_type",
    "resource_mode",
    "description",
    "elastic_resource_pool_name",
    "charging_mode",
    "enterprise_project_id",
    "platform",
    "labels",
    "engine",
    "feature",
    "cidr_in_vpc",
)
# What a program must say to get the same queue, unless it is what comes without saying (dli-api 4.1).
_UNSAID: Mapping[str, Any] = {
    **DEFAULTS,
    "charging_mode": 1,
    "enterprise_project_id": "0",
    "platform": "x86_64",
    "engine": "spark",
    "feature": "basic",
}
_LEGACY_TYPE = "spark"  # means general, or SQL of old times: never a reason to replace (dli-api 8)


def create_body(spec: QueueSpec, owner: str) -> dict[str, Any]:
    """The body of 4.1: what the program gave, our two defaults, the tags with the owner's among them."""
    given = {**DEFAULTS, **spec.inputs}
    body = {wire: value for name, value in given.items() if (wire := spec.wire_name(name))}
    tags = wire_tags(spec.tags, owner)
    return {**body, **({"tags": tags} if tags else {})}


def managed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs in a bag of outputs: the fields that the program gave, numbers whole again."""
    return {name: whole(properties[name]) for name in QueueSpec.model_fields if properties.get(name) is not None}


def computed_outputs(queue: Queue, olds: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that are observed; what the details leave out is kept from the last look at the list."""
    found: dict[str, Any] = {name: olds[name] for name in ("queue_id", *_FACTS) if olds.get(name) is not None}
    for name in _FACTS:
        value = getattr(queue, name)
        if value not in (None, ()):
            found[name] = list(value) if isinstance(value, tuple) else value
    if queue.queue_id is not None:
        found["queue_id"] = str(queue.queue_id)
    found["settings"] = {**(olds.get("settings") or {}), **_settings(queue)}
    return found


def _settings(queue: Queue) -> dict[str, Any]:
    reported = {name: getattr(queue, name) for name in _SETTINGS}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in reported.items()
        if value not in (None, ())
    }


def refreshed(
    queue: Queue, olds: Mapping[str, Any], tags: Mapping[str, str] | None, there: policies.Policies | None = None
) -> dict[str, Any]:
    """The program's own inputs as they are now; a field it left out is not managed, and stays out.

    In a pool, its sizes are those of its scaling policies (`there`). `description`, `properties` and `adopt` are kept:
    the service never changes the first and never shows the others.
    """
    inputs = managed(olds)
    pool = (queue.elastic_resource_pool_name or "").lower()
    for name in ("charging_mode", "enterprise_project_id", "platform", "engine", "feature", "resource_mode"):
        if name in inputs and getattr(queue, name) is not None:
            inputs[name] = getattr(queue, name)
    if "queue_type" in inputs and queue.queue_type not in (None, _LEGACY_TYPE):
        inputs["queue_type"] = queue.queue_type
    if "labels" in inputs and queue.labels and set(queue.labels) != set(inputs["labels"]):
        inputs["labels"] = list(queue.labels)
    if "cidr_in_vpc" in inputs and queue.cidr_in_vpc:
        inputs["cidr_in_vpc"] = queue.cidr_in_vpc
    if "cu_count" in inputs and queue.cu_count is not None and not pool:
        inputs["cu_count"] = queue.cu_count
    if there is not None:
        inputs |= policies.refreshed(inputs, there)
    if "elastic_resource_pool_name" in inputs:
        inputs["elastic_resource_pool_name"] = pool or None
    if "tags" in inputs and (now := declared_tags_now(inputs["tags"], tags)) is not None:
        inputs["tags"] = now
    return {name: value for name, value in inputs.items() if value is not None}


def imported(queue: Queue, tags: Mapping[str, str] | None, there: policies.Policies | None = None) -> dict[str, Any]:
    """What a program would have to say to get this queue: for a queue that no program of ours has declared."""
    said = {"queue_name": queue.queue_name.lower(), "cu_count": queue.cu_count, **_settings(queue)}
    said.pop("cidr_in_vpc", None)
    if said.get("queue_type") != "sql":
        said.pop("queue_type", None)
        said.pop("engine", None)
    inputs = {name: value for name, value in said.items() if value is not None and value != _UNSAID.get(name)}
    sizes = {} if there is None else policies.imported(there)
    return {**inputs, **sizes, **({"tags": visible(tags)} if tags and visible(tags) else {})}


def differs(name: str, old: Any, new: Any, settings: Mapping[str, Any]) -> bool:
    """Whether a changed input of a create-only field asks for another queue, and not for what it is already."""
    if new is None:
        return name in DEFAULTS and old != DEFAULTS[name]  # no longer managed: the queue may stay what it is
    if old is None:
        return bool(new != settings.get(name, DEFAULTS.get(name, _UNSAID.get(name))))
    return bool(old != new)


def incompatibilities(spec: QueueSpec, queue: Queue) -> list[str]:
    """In what an existing queue is not the declared one, and can never become it."""
    wished = {**DEFAULTS, **spec.inputs}
    found = {"queue_type": queue.queue_type, "resource_mode": queue.resource_mode}
    pool, wanted = (queue.elastic_resource_pool_name or "").lower(), spec.elastic_resource_pool_name
    elsewhere = [f"elastic_resource_pool_name is {pool}, not {wanted}"] if pool and wanted not in (None, pool) else []
    return elsewhere + [
        f"{name} is {value}, not {wished[name]}"
        for name, value in found.items()
        if value not in (None, _LEGACY_TYPE, wished[name])
    ]


def unlike(spec: QueueSpec, queue: Queue) -> list[str]:
    """In what an existing queue is not what a create of this spec makes, as far as the service tells."""
    reported = _settings(queue)
    names = {"charging_mode", "enterprise_project_id", "platform", "description", "labels"} & set(spec.inputs)
    found = [name for name in sorted(names) if name in reported and reported[name] != spec.inputs[name]]
    target = int(spec.cu_count or 0)
    if queue.cu_count is not None and target not in (queue.cu_spec, queue.cu_count):
        found.append("cu_count")
    return found + [problem.partition(" ")[0] for problem in incompatibilities(spec, queue)]


@dataclass(frozen=True)
class Scaling:
    """What is left to do to reach a number of CUs: an order, or only waiting for one (`action` "")."""

    action: str
    amount: int


def plan_scaling(queue: Queue, target: int) -> Scaling | None:
    """The order that brings a queue to `target` CUs; None when it has them.

    The service takes a difference, and asking again adds again (dli-api 4.5). `cu_spec` is what was ordered, and
    `cu_count` what there is: where the target is ordered already, an earlier attempt is under way, and we only wait.
    """
    if queue.cu_count in (None, target):
        return None
    ordered = queue.cu_spec or queue.cu_count or target
    if ordered == target:
        return Scaling("", 0)
    return Scaling("scale_out" if target > ordered else "scale_in", abs(target - ordered))


def impossible_scaling(name: str, cus: int, target: int) -> str | None:
    """Why the service will never scale this queue like that, and the ways out (dli-api 4.5); None when it may.

    Of a queue outside of pools: in one, its scaling policies change (dli-api 12.7).
    """
    new_name = "or give the queue a new queue_name, and its jobs move to the new one with a savepoint"
    if target == cus:
        return None
    if cus <= 16:
        return f"queue {name}: a queue of 16 CUs cannot be scaled: set cu_count back to {cus}, {new_name}"
    if cus <= 64 and target < cus:
        return f"queue {name}: a queue of {cus} CUs cannot be scaled in: set cu_count back to {cus}, {new_name}"
    return None
