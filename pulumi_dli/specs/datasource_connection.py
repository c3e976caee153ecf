"""The fields of an enhanced datasource connection (dli-api 13.1, dli_02_0187)."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from pulumi_dli.specs.fields import PLACE, PROVIDER_ONLY, Computed, Declaration, Effect, Mark, Rule, Spec, ValueModel
from pulumi_dli.specs.forms import Address, Destination
from pulumi_dli.specs.values import Tags, matching

NAME = matching(r"[A-Za-z0-9_]{1,64}", "must have 1 to 64 letters, digits or _")
ID = matching(r"[A-Za-z0-9_\-]{1,64}", "must be an id of 1 to 64 letters, digits, - or _, as the VPC service tells it")
END = matching(
    r"(?!(?i:default)$)[A-Za-z0-9_]{1,128}", "must have 1 to 128 letters, digits or _; default cannot be bound"
)
HOST = matching(
    r"[A-Za-z][A-Za-z0-9_.\-]{0,127}", "must have 1 to 128 letters, digits or _ - . and begin with a letter"
)
ROUTE = matching(r"[A-Za-z0-9_\-]{1,64}", "must have 1 to 64 letters, digits, - or _")
MOST_HOSTS = 20_000


class Host(ValueModel):
    """A name that jobs may use instead of an address (dli_02_0187)."""

    type_name: ClassVar[str] = "Host"

    name: Annotated[str, HOST]
    ip: Annotated[str, Address()]


class Route(ValueModel):
    """A network that is reached through the connection, beside the subnet (dli_02_0371)."""

    type_name: ClassVar[str] = "Route"

    name: Annotated[str, ROUTE]
    cidr: Annotated[str, Destination()]


def _names(values: tuple[str, ...]) -> tuple[str, ...]:
    """The service has no order, and stores names in lower case."""
    return tuple(sorted({value.lower() for value in values}))


def _hosts(values: tuple[Host, ...]) -> tuple[Host, ...]:
    found = {(host.name, host.ip): host for host in values}
    return tuple(found[key] for key in sorted(found))


def _routes(values: tuple[Route, ...]) -> tuple[Route, ...]:
    """They may overlap, but neither names nor networks may be the same (dli_01_0014)."""
    for field in Route.model_fields:
        (text, count), *_ = [*Counter(getattr(route, field) for route in values).most_common(1), ("", 0)]
        if count > 1:
            raise ValueError(f"has two routes with the {field} {text}")
    return tuple(sorted(values, key=lambda route: route.name))


def _not_too_many(spec: Any) -> str | None:
    return f"has at most {MOST_HOSTS} hosts" if len(spec.hosts or ()) > MOST_HOSTS else None


class DatasourceConnectionSpec(Spec):
    """An enhanced datasource connection as the program wants it."""

    declaration: ClassVar[Declaration] = Declaration(
        name="DatasourceConnection",
        article="a datasource connection",
        summary="""An enhanced datasource connection: the way from pools and queues into a VPC (page dli_02_0187).

Jobs need one for Kafka, RDS, DWS, Redis and whatever else has addresses in a VPC; for OBS, DIS and SMN they
need none. One connection serves all that is in the subnet. Each pool or queue that is bound gets a VPC peering,
which is waited for. Bindings, hosts, routes and tags change in place; everything else needs a connection of another
name. An ACTIVE peering does not prove that the data source answers: its security group must admit the pool's
network. Jobs that need the way should depend on the connection. The id is the service's.""",
        named="name",
        derived={"peerings": ("elastic_resource_pools", "queues")},
        computed=(
            Computed("status", "str", "`ACTIVE` as soon as it exists; that of each binding is in `peerings`."),
            Computed(
                "peerings",
                "Sequence[Mapping[str, str]]",
                "What is bound, each with `kind` (`pool`, `queue`), `name`, `status`, `peer_id`, and `err_msg` when "
                "it has failed. A queue in a pool is bound as its pool.",
            ),
            Computed("create_time", "int | None", "In milliseconds since the epoch."),
            *PLACE,
        ),
    )
    required: ClassVar[tuple[str, ...]] = ("name", "dest_vpc_id", "dest_network_id")
    rules: ClassVar[tuple[Rule, ...]] = (Rule(("hosts",), _not_too_many),)

    name: Annotated[str | None, Effect.REPLACE, NAME] = Field(
        None, description="Name, 1 to 64 letters, digits or _; no other connection of the project may have it."
    )
    dest_vpc_id: Annotated[str | None, Effect.REPLACE, ID] = Field(None, description="VPC of the data source.")
    dest_network_id: Annotated[str | None, Effect.REPLACE, ID] = Field(
        None, description="Subnet of the data source: its network id, not that of its IPv4 subnet."
    )
    elastic_resource_pools: Annotated[
        tuple[Annotated[str, END], ...] | None, Effect.IN_PLACE, PROVIDER_ONLY, AfterValidator(_names)
    ] = Field(None, description="Names of the pools to bind; all queues in them share the way.")
    queues: Annotated[
        tuple[Annotated[str, END], ...] | None, Effect.IN_PLACE, PROVIDER_ONLY, AfterValidator(_names)
    ] = Field(
        None,
        description="Names of queues to bind: those outside of pools, ten minutes after their creation. For a queue in "
        "a pool its pool is bound.",
    )
    hosts: Annotated[tuple[Host, ...] | None, Effect.IN_PLACE, AfterValidator(_hosts)] = Field(
        None, description="Names for addresses, of `name` and `ip`: jobs may then use the names. At most 20000."
    )
    routes: Annotated[tuple[Route, ...] | None, Effect.IN_PLACE, PROVIDER_ONLY, AfterValidator(_routes)] = Field(
        None,
        description="Networks that are reached through the connection beside the subnet, of `name` and `cidr`; not "
        "100.125.0.0/16 and 100.64.0.0/16, which are the service's own.",
    )
    routetable_id: Annotated[str | None, Effect.REPLACE, ID, Mark.NEVER_READ] = Field(
        None, description="Route table of the subnet, when not its default one."
    )
    dest_cidr: Annotated[str | None, Effect.IGNORED, PROVIDER_ONLY, Destination()] = Field(
        None,
        description="Network of the subnet, such as `192.168.0.0/24`. The service is not told: with it, a preview says "
        "when a pool's network overlaps.",
    )
    tags: Annotated[Tags | None, Effect.IN_PLACE, PROVIDER_ONLY] = Field(
        None, description="Tags: a map of key to value."
    )
    adopt: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="Take over an existing connection of this name instead of failing (default false)."
    )
