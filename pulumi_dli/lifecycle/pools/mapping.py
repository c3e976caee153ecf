"""An elastic resource pool between the program and the wire: create body, outputs, refreshed inputs. Pure.

As for queues: an omitted input stays absent whatever the service made of it, so that a default is no drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.api.elastic_resource_pools import ElasticResourcePool
from pulumi_dli.lifecycle.ownership import declared_tags_now, visible, wire_tags
from pulumi_dli.specs.elastic_resource_pool import DEFAULT_CIDR, ElasticResourcePoolSpec
from pulumi_dli.specs.values import whole

SIZES = ("min_cu", "max_cu")
IN_PLACE = (*SIZES, "description")
_OUTPUTS = ("resource_id", "owner", "create_time")
FIXED: Mapping[str, Any] = {
    "cidr_in_vpc": DEFAULT_CIDR,
    "charging_mode": 1,
    "enterprise_project_id": "0",
    "label": {},
    "ipv6_enable": False,
}
"""What only a new pool can have, and what it is when the program does not say (dli-api 12.1)."""


def create_body(spec: ElasticResourcePoolSpec, owner: str) -> dict[str, Any]:
    """The body of 12.1: what the program gave, the tags with the owner's among them."""
    body = {wire: value for name, value in spec.inputs.items() if (wire := spec.wire_name(name))}
    tags = wire_tags(spec.tags, owner)
    return {**body, **({"tags": tags} if tags else {})}


def managed(outs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs among outputs: the fields that the program gave, numbers whole again."""
    return {name: whole(outs[name]) for name in ElasticResourcePoolSpec.model_fields if outs.get(name) is not None}


def computed_outputs(pool: ElasticResourcePool, olds: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that are observed; what an answer leaves out is kept."""
    found = {name: olds[name] for name in (*_OUTPUTS, "available_time") if olds.get(name) is not None}
    found |= {name: getattr(pool, name) for name in _OUTPUTS if getattr(pool, name) is not None}
    return {**found, "settings": {**(olds.get("settings") or {}), **reported(pool)}}


def reported(pool: ElasticResourcePool) -> dict[str, Any]:
    """What the service tells of the settings that never change."""
    found = {name: getattr(pool, name) for name in FIXED}
    return {name: value for name, value in found.items() if value not in (None, {})}


def refreshed(pool: ElasticResourcePool, olds: Mapping[str, Any], tags: Mapping[str, str] | None) -> dict[str, Any]:
    """The program's own inputs as they are now; a field it left out is not managed, and stays out."""
    inputs = managed(olds)
    now = {**{name: getattr(pool, name) for name in SIZES}, **reported(pool)}
    inputs |= {name: value for name, value in now.items() if name in inputs and value is not None}
    if "description" in inputs:
        inputs["description"] = pool.description or ""
    if "tags" in inputs and (there := declared_tags_now(inputs["tags"], tags)) is not None:
        inputs["tags"] = there
    return inputs


def imported(pool: ElasticResourcePool, tags: Mapping[str, str] | None) -> dict[str, Any]:
    """What a program would have to say to get this pool."""
    inputs = {
        "elastic_resource_pool_name": pool.name,
        **{name: getattr(pool, name) for name in IN_PLACE if getattr(pool, name) is not None},
        **{name: value for name, value in reported(pool).items() if value != FIXED[name]},
    }
    return {**inputs, **({"tags": visible(tags)} if tags and visible(tags) else {})}


def asks_for_another(name: str, old: Any, new: Any, settings: Mapping[str, Any]) -> bool:
    """Whether a changed input of a fixed field asks for another pool, and not for what this one is already."""
    if new is None:
        return False  # no longer managed: the pool may stay what it is
    return bool(new != (settings.get(name, FIXED.get(name)) if old is None else old))


def incompatibilities(spec: ElasticResourcePoolSpec, pool: ElasticResourcePool) -> list[str]:
    """In what an existing pool is not the declared one, and can never become it."""
    there, wanted = {**FIXED, **reported(pool)}, spec.inputs
    return [
        f"{name} is {there[name]}, not {wanted[name]}"
        for name in FIXED
        if name in wanted
        if there[name] != wanted[name]
    ]


def unlike(spec: ElasticResourcePoolSpec, pool: ElasticResourcePool) -> list[str]:
    """In what an existing pool is not what a create of this spec makes, as far as the service tells."""
    found = [name for name in SIZES if getattr(pool, name) not in (None, spec.inputs.get(name))]
    if (pool.description or "") != (spec.description or ""):
        found.append("description")
    return found + [problem.partition(" ")[0] for problem in incompatibilities(spec, pool)]


def missing(spec: ElasticResourcePoolSpec, before: Mapping[str, Any], pool: ElasticResourcePool) -> dict[str, Any]:
    """The body of the update that brings a pool to its spec (dli-api 12.3); {} when there is nothing to change."""
    wanted = {name: spec.inputs[name] for name in IN_PLACE if name in spec.inputs}
    if "description" in before and "description" not in wanted:
        wanted["description"] = ""
    return {name: value for name, value in wanted.items() if value != (getattr(pool, name) or type(value)())}
