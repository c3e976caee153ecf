"""`DatasourceConnection`: written by `python -m pulumi_dli.specs.generate` from `specs/datasource_connection.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Required, TypedDict

import pulumi

from pulumi_dli.provider import DatasourceConnectionProvider
from pulumi_dli.resources.base import DliResource
from pulumi_dli.specs.forms import Address, Destination
from pulumi_dli.specs.shapes import Flag, ListOf, Record, Shape, TagMap, Text


class HostArgs(TypedDict, total=False):
    """As a program gives it."""

    name: Required[pulumi.Input[str]]
    ip: Required[pulumi.Input[str]]


class Host(TypedDict, total=False):
    """As an output holds it."""

    name: Required[str]
    ip: Required[str]


class RouteArgs(TypedDict, total=False):
    """As a program gives it."""

    name: Required[pulumi.Input[str]]
    cidr: Required[pulumi.Input[str]]


class Route(TypedDict, total=False):
    """As an output holds it."""

    name: Required[str]
    cidr: Required[str]


class DatasourceConnectionArgs(TypedDict, total=False):
    """The inputs of a datasource connection by name, for tables of them: `DatasourceConnection(name, **row)`."""

    dest_vpc_id: Required[pulumi.Input[str]]
    dest_network_id: Required[pulumi.Input[str]]
    name: pulumi.Input[str] | None
    elastic_resource_pools: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    queues: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    hosts: pulumi.Input[Sequence[pulumi.Input[HostArgs]]] | None
    routes: pulumi.Input[Sequence[pulumi.Input[RouteArgs]]] | None
    routetable_id: pulumi.Input[str] | None
    dest_cidr: pulumi.Input[str] | None
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None
    adopt: pulumi.Input[bool] | None


class DatasourceConnection(DliResource, module="dli", name="DatasourceConnection"):
    """An enhanced datasource connection: the way from pools and queues into a VPC (page dli_02_0187).

    Jobs need one for Kafka, RDS, DWS, Redis and whatever else has addresses in a VPC; for OBS, DIS and SMN they
    need none. One connection serves all that is in the subnet. Each pool or queue that is bound gets a VPC peering,
    which is waited for. Bindings, hosts, routes and tags change in place; everything else needs a connection of another
    name. An ACTIVE peering does not prove that the data source answers: its security group must admit the pool's
    network. Jobs that need the way should depend on the connection. The id is the service's.

    Outputs beside the inputs:

    * `status`: `ACTIVE` as soon as it exists; that of each binding is in `peerings`.
    * `peerings`: What is bound, each with `kind` (`pool`, `queue`), `name`, `status`, `peer_id`, and
      `err_msg` when it has failed. A queue in a pool is bound as its pool.
    * `create_time`: In milliseconds since the epoch.
    * `endpoint`: Where the service answered.
    * `project_id`: The project that holds it.
    """

    native_type = "dli:index:DatasourceConnection"
    spec = "pulumi_dli.specs.datasource_connection:DatasourceConnectionSpec"
    named = "name"
    required = ("dest_vpc_id", "dest_network_id")
    computed_outputs = ("status", "peerings", "create_time", "endpoint", "project_id")
    shapes: ClassVar[Mapping[str, Shape]] = {
        "dest_vpc_id": Text(
            pattern="[A-Za-z0-9_\\-]{1,64}",
            rule="must be an id of 1 to 64 letters, digits, - or _, as the VPC service tells it",
        ),
        "dest_network_id": Text(
            pattern="[A-Za-z0-9_\\-]{1,64}",
            rule="must be an id of 1 to 64 letters, digits, - or _, as the VPC service tells it",
        ),
        "name": Text(pattern="[A-Za-z0-9_]{1,64}", rule="must have 1 to 64 letters, digits or _"),
        "elastic_resource_pools": ListOf(
            item=Text(
                pattern="(?!(?i:default)$)[A-Za-z0-9_]{1,128}",
                rule="must have 1 to 128 letters, digits or _; default cannot be bound",
            )
        ),
        "queues": ListOf(
            item=Text(
                pattern="(?!(?i:default)$)[A-Za-z0-9_]{1,128}",
                rule="must have 1 to 128 letters, digits or _; default cannot be bound",
            )
        ),
        "hosts": ListOf(
            item=Record(
                name="Host",
                keys=(
                    (
                        "name",
                        Text(
                            pattern="[A-Za-z][A-Za-z0-9_.\\-]{0,127}",
                            rule="must have 1 to 128 letters, digits or _ - . and begin with a letter",
                        ),
                    ),
                    ("ip", Address()),
                ),
                required=("name", "ip"),
            )
        ),
        "routes": ListOf(
            item=Record(
                name="Route",
                keys=(
                    ("name", Text(pattern="[A-Za-z0-9_\\-]{1,64}", rule="must have 1 to 64 letters, digits, - or _")),
                    ("cidr", Destination()),
                ),
                required=("name", "cidr"),
            )
        ),
        "routetable_id": Text(
            pattern="[A-Za-z0-9_\\-]{1,64}",
            rule="must be an id of 1 to 64 letters, digits, - or _, as the VPC service tells it",
        ),
        "dest_cidr": Destination(),
        "tags": TagMap(own="pulumi_dli_owner"),
        "adopt": Flag(),
    }

    if TYPE_CHECKING:
        status: pulumi.Output[str]
        peerings: pulumi.Output[Sequence[Mapping[str, str]]]
        create_time: pulumi.Output[int | None]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]
        dest_vpc_id: pulumi.Output[str]
        dest_network_id: pulumi.Output[str]
        name: pulumi.Output[str]
        elastic_resource_pools: pulumi.Output[Sequence[str] | None]
        queues: pulumi.Output[Sequence[str] | None]
        hosts: pulumi.Output[Sequence[Host] | None]
        routes: pulumi.Output[Sequence[Route] | None]
        routetable_id: pulumi.Output[str | None]
        dest_cidr: pulumi.Output[str | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        adopt: pulumi.Output[bool | None]

    def __init__(
        self,
        resource_name: str,
        *,
        dest_vpc_id: pulumi.Input[str],
        dest_network_id: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        elastic_resource_pools: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        queues: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        hosts: pulumi.Input[Sequence[pulumi.Input[HostArgs]]] | None = None,
        routes: pulumi.Input[Sequence[pulumi.Input[RouteArgs]]] | None = None,
        routetable_id: pulumi.Input[str] | None = None,
        dest_cidr: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a datasource connection.

        Args:
            resource_name: Name of the resource in the program; the default of `name`.
            dest_vpc_id: VPC of the data source.
            dest_network_id: Subnet of the data source: its network id, not that of its IPv4 subnet.
            name: Name, 1 to 64 letters, digits or _; no other connection of the project may have it.
            elastic_resource_pools: Names of the pools to bind; all queues in them share the way.
            queues: Names of queues to bind: those outside of pools, ten minutes after their creation. For a queue
                in a pool its pool is bound.
            hosts: Names for addresses, of `name` and `ip`: jobs may then use the names. At most 20000.
            routes: Networks that are reached through the connection beside the subnet, of `name` and `cidr`; not
                100.125.0.0/16 and 100.64.0.0/16, which are the service's own.
            routetable_id: Route table of the subnet, when not its default one.
            dest_cidr: Network of the subnet, such as `192.168.0.0/24`. The service is not told: with it, a preview
                says when a pool's network overlaps.
            tags: Tags: a map of key to value.
            adopt: Take over an existing connection of this name instead of failing (default false).
            opts: Pulumi's resource options.
        """
        inputs = {
            "dest_vpc_id": dest_vpc_id,
            "dest_network_id": dest_network_id,
            "name": name,
            "elastic_resource_pools": elastic_resource_pools,
            "queues": queues,
            "hosts": hosts,
            "routes": routes,
            "routetable_id": routetable_id,
            "dest_cidr": dest_cidr,
            "tags": tags,
            "adopt": adopt,
        }
        super().__init__(DatasourceConnectionProvider(), resource_name, inputs, opts)
