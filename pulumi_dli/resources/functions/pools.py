"""Elastic resource pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_dli.resources.functions.asking import Function, fits, nothing
from pulumi_dli.resources.settings import Provider

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient
    from pulumi_dli.api.elastic_resource_pools import ElasticResourcePool


@dataclass(frozen=True)
class ElasticResourcePoolInfo:
    """An elastic resource pool that exists (dli-api 12.2). `current_cu` is what it holds now, `queues` are names."""

    elastic_resource_pool_name: str
    status: str
    fail_reason: str | None
    min_cu: int | None
    max_cu: int | None
    current_cu: int | None
    queues: tuple[str, ...]
    cidr_in_vpc: str | None
    description: str | None
    resource_id: str | None
    owner: str | None
    create_time: int | None
    enterprise_project_id: str | None


def get_elastic_resource_pool(
    elastic_resource_pool_name: str, *, provider: Provider | None = None
) -> ElasticResourcePoolInfo:
    """The elastic resource pool of this name, in letters of any case.

    Raises:
        RunError: there is none, or the service cannot be asked.
    """
    return _POOL.now(provider, elastic_resource_pool_name=elastic_resource_pool_name)


def get_elastic_resource_pool_output(
    elastic_resource_pool_name: pulumi.Input[str], *, provider: Provider | None = None
) -> pulumi.Output[ElasticResourcePoolInfo]:
    """As `get_elastic_resource_pool`, for a name that is an output."""
    return _POOL.later(provider, elastic_resource_pool_name=elastic_resource_pool_name)


def get_elastic_resource_pools(
    *, status: str | None = None, tags: Mapping[str, str] | None = None, provider: Provider | None = None
) -> Sequence[ElasticResourcePoolInfo]:
    """The elastic resource pools of the project by name.

    Args:
        status: such as `AVAILABLE`.
        tags: that carry all of these.
        provider: other settings than the stack's.

    Raises:
        RunError: the service cannot be asked, or the region has no pools.
    """
    return _POOLS.now(provider, status=status, tags=tags)


def get_elastic_resource_pools_output(
    *,
    status: pulumi.Input[str] | None = None,
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
    provider: Provider | None = None,
) -> pulumi.Output[Sequence[ElasticResourcePoolInfo]]:
    """As `get_elastic_resource_pools`, for filters that are outputs."""
    return _POOLS.later(provider, status=status, tags=tags)


def _info(pool: ElasticResourcePool) -> ElasticResourcePoolInfo:
    found = {field.name: getattr(pool, field.name) for field in fields(ElasticResourcePoolInfo)}
    return ElasticResourcePoolInfo(**{**found, "queues": pool.queues or ()})


def _pool(client: DliClient, elastic_resource_pool_name: str) -> ElasticResourcePoolInfo:
    found = client.elastic_resource_pools.find(elastic_resource_pool_name)
    if found is None:
        raise nothing(f"elastic resource pool named {elastic_resource_pool_name}")
    return _info(found)


def _pools(client: DliClient, status: str | None, tags: Mapping[str, str] | None) -> Sequence[ElasticResourcePoolInfo]:
    rows = sorted(client.elastic_resource_pools.list(tags=tags), key=lambda row: row.name)
    return tuple(_info(row) for row in rows if fits(row.status, status))


def _available(_args: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"status": given.get("status", "AVAILABLE")}


_POOL = Function("dli:index:getElasticResourcePool", _pool, ElasticResourcePoolInfo, completed=_available)
_POOLS = Function(
    "dli:index:getElasticResourcePools", _pools, ElasticResourcePoolInfo, key="pools", completed=_available
)
