"""Enhanced datasource connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from pulumi_dli.resources.functions.asking import Function, nothing
from pulumi_dli.resources.settings import Provider

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient
    from pulumi_dli.api.datasource_connections import DatasourceConnection, Peering


@dataclass(frozen=True)
class PeeringInfo:
    """The binding of a pool or queue. `status` is `CREATING`, `ACTIVE` or `FAILED`; then `err_msg` says why."""

    name: str
    status: str
    peer_id: str | None
    err_msg: str | None


@dataclass(frozen=True)
class DatasourceConnectionInfo:
    """A datasource connection that exists (dli-api 13.2).

    Attributes:
        elastic_resource_pools: what is bound; a queue in a pool is bound as its pool.
        queues: queues outside of pools.
        hosts: addresses by name.
        routes: networks by name of the route; empty where the region does not tell them.
    """

    id: str
    name: str
    status: str
    dest_vpc_id: str | None
    dest_network_id: str | None
    elastic_resource_pools: tuple[PeeringInfo, ...]
    queues: tuple[PeeringInfo, ...]
    hosts: Mapping[str, str]
    routes: Mapping[str, str]
    create_time: int | None


def get_datasource_connection(name: str, *, provider: Provider | None = None) -> DatasourceConnectionInfo:
    """The datasource connection of exactly this name, or of this id.

    Raises:
        RunError: there is none, there are several of this name, or the service cannot be asked.
    """
    return _CONNECTION.now(provider, name=name)


def get_datasource_connection_output(
    name: pulumi.Input[str], *, provider: Provider | None = None
) -> pulumi.Output[DatasourceConnectionInfo]:
    """As `get_datasource_connection`, for a name that is an output."""
    return _CONNECTION.later(provider, name=name)


def get_datasource_connections(
    *, dest_vpc_id: str | None = None, tags: Mapping[str, str] | None = None, provider: Provider | None = None
) -> Sequence[DatasourceConnectionInfo]:
    """The datasource connections of the project, oldest first.

    Args:
        dest_vpc_id: that lead to this VPC.
        tags: that carry all of these.
        provider: other settings than the stack's.

    Raises:
        RunError: the service cannot be asked.
    """
    return _CONNECTIONS.now(provider, dest_vpc_id=dest_vpc_id, tags=tags)


def get_datasource_connections_output(
    *,
    dest_vpc_id: pulumi.Input[str] | None = None,
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
    provider: Provider | None = None,
) -> pulumi.Output[Sequence[DatasourceConnectionInfo]]:
    """As `get_datasource_connections`, for filters that are outputs."""
    return _CONNECTIONS.later(provider, dest_vpc_id=dest_vpc_id, tags=tags)


def _connection(client: DliClient, name: str) -> DatasourceConnectionInfo:
    rows = client.datasource_connections.list()
    found = [row for row in rows if row.id == name] or [row for row in rows if row.name == name]
    if not found:
        raise nothing(f"datasource connection named {name}")
    if len(found) > 1:
        ids = ", ".join(row.id for row in found)
        raise pulumi.RunError(
            f"there are {len(found)} datasource connections named {name}: ask by one of their ids ({ids})"
        )
    return _info(found[0])


def _connections(
    client: DliClient, dest_vpc_id: str | None, tags: Mapping[str, str] | None
) -> Sequence[DatasourceConnectionInfo]:
    rows = sorted(client.datasource_connections.list(tags=tags), key=lambda row: row.create_time or 0)
    return tuple(_info(row) for row in rows if dest_vpc_id in (None, row.dest_vpc_id))


def _info(row: DatasourceConnection) -> DatasourceConnectionInfo:
    return DatasourceConnectionInfo(
        id=row.id,
        name=row.name or "",
        status=row.status,
        dest_vpc_id=row.dest_vpc_id,
        dest_network_id=row.dest_network_id,
        elastic_resource_pools=_peerings(row.elastic_resource_pools or ()),
        queues=_peerings(row.available_queue_info),
        hosts={host.name: host.ip or "" for host in row.hosts or () if host.name},
        routes={route.name: route.cidr or "" for route in row.routes or ()},
        create_time=row.create_time,
    )


def _peerings(rows: Sequence[Peering]) -> tuple[PeeringInfo, ...]:
    return tuple(PeeringInfo(row.name, row.status, row.peer_id, row.err_msg) for row in rows)


_CONNECTION = Function("dli:index:getDatasourceConnection", _connection, DatasourceConnectionInfo)
_CONNECTIONS = Function("dli:index:getDatasourceConnections", _connections, DatasourceConnectionInfo, key="connections")
