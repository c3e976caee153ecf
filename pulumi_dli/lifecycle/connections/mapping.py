"""A datasource connection between the program and the wire: create body, outputs, refreshed inputs. Pure.

What the program calls a queue the service may show as a pool: a queue in a pool is bound as its pool (dli-api 13.4). So
both sides are compared as ends (`lifecycle/networks.py`), and a refresh gives back what the program said as long as its
end is bound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from pulumi_dli.api.datasource_connections import FAILED, DatasourceConnection, Peering
from pulumi_dli.lifecycle.networks import POOL, QUEUE, End
from pulumi_dli.lifecycle.ownership import declared_tags_now, visible, wire_tags
from pulumi_dli.specs.datasource_connection import DatasourceConnectionSpec

BINDINGS = {"elastic_resource_pools": POOL, "queues": QUEUE}
PLACE = ("dest_vpc_id", "dest_network_id")
FIXED = (*PLACE, "routetable_id")
IN_PLACE = (*BINDINGS, "hosts", "routes", "tags")

PoolOf = Mapping[str, str]
"""The pools of queues by name of the queue; those outside of pools are not in it."""
Rows = list[dict[str, str]]


def managed(outs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs among outputs: the fields that the program gave."""
    return {name: outs[name] for name in DatasourceConnectionSpec.model_fields if outs.get(name) is not None}


def ends_of(inputs: Mapping[str, Any], pool_of: PoolOf) -> set[End]:
    """What these inputs bind, each as the service will show it."""
    pools = {*(inputs.get("elastic_resource_pools") or ())}
    queues = {*(inputs.get("queues") or ())}
    pools |= {pool_of[name] for name in queues if name in pool_of}
    return {End(POOL, name) for name in pools} | {End(QUEUE, name) for name in queues if name not in pool_of}


def wire_ends(ends: Iterable[End]) -> dict[str, list[str]]:
    """Ends as the bodies of create, bind and unbind hold them."""
    found = {field: sorted(end.name for end in ends if end.kind == kind) for field, kind in BINDINGS.items()}
    return {field: names for field, names in found.items() if names}


def bound(connection: DatasourceConnection) -> dict[End, Peering]:
    """What a connection shows as bound."""
    rows = {POOL: connection.elastic_resource_pools or (), QUEUE: connection.available_queue_info}
    return {End(kind, row.name.lower()): row for kind, peerings in rows.items() for row in peerings}


def shows(connection: DatasourceConnection, end: End) -> bool:
    """Whether the answer would show this end if it were bound: some have no pools (dli_02_0189)."""
    return end.kind == QUEUE or connection.elastic_resource_pools is not None


def create_body(spec: DatasourceConnectionSpec, ends: Iterable[End], owner: str) -> dict[str, Any]:
    """The body of 13.1: what the program gave, the ends, the tags with the owner's among them."""
    body = {wire: value for name, value in spec.inputs.items() if (wire := spec.wire_name(name))}
    tags = wire_tags(spec.tags, owner)
    return {**body, **wire_ends(ends), **({"tags": tags} if tags else {})}


def computed_outputs(
    connection: DatasourceConnection, olds: Mapping[str, Any], redact: Callable[[str], str]
) -> dict[str, Any]:
    """The outputs that are observed; what an answer leaves out is kept."""
    found = {"create_time": connection.create_time or olds.get("create_time"), "status": connection.status}
    peerings = [_peering(end, row, redact) for end, row in sorted(bound(connection).items())]
    if connection.elastic_resource_pools is None:
        peerings += [row for row in olds.get("peerings") or () if row.get("kind") == POOL]
    return {**{name: value for name, value in found.items() if value is not None}, "peerings": peerings}


def _peering(end: End, row: Peering, redact: Callable[[str], str]) -> dict[str, str]:
    told = {"kind": end.kind, "name": end.name, "status": row.status}
    reason = {"err_msg": redact(row.err_msg)} if row.status == FAILED and row.err_msg else {}
    return {**told, **({"peer_id": row.peer_id} if row.peer_id else {}), **reason}


def hosts_of(connection: DatasourceConnection) -> Rows | None:
    """As a program would give them; None where the answer has none of them."""
    if connection.hosts is None:
        return None
    pairs = sorted((row.name, row.ip) for row in connection.hosts if row.name and row.ip)
    return [{"name": name, "ip": ip} for name, ip in pairs]


def routes_of(connection: DatasourceConnection) -> Rows | None:
    """As `hosts_of`; no document has them (dli-api 13.2)."""
    if connection.routes is None:
        return None
    return sorted(
        ({"name": row.name, "cidr": row.cidr or ""} for row in connection.routes), key=lambda row: row["name"]
    )


def refreshed(
    connection: DatasourceConnection, olds: Mapping[str, Any], pool_of: PoolOf, tags: Mapping[str, str] | None
) -> dict[str, Any]:
    """The program's own inputs as they are now; a field it left out is not managed, and stays out."""
    inputs = managed(olds)
    now = {"name": connection.name, **{name: getattr(connection, name) for name in PLACE}}
    now |= {"hosts": hosts_of(connection), "routes": routes_of(connection), **_bindings(connection, inputs, pool_of)}
    inputs |= {name: value for name, value in now.items() if name in inputs and value is not None}
    if "tags" in inputs and (there := declared_tags_now(inputs["tags"], tags)) is not None:
        inputs["tags"] = there
    return inputs


def _bindings(connection: DatasourceConnection, inputs: Mapping[str, Any], pool_of: PoolOf) -> dict[str, list[str]]:
    """What is bound, in the program's words: the pool of a queue that it names is that queue."""
    there = bound(connection)
    named = {name: _end(name, pool_of) for name in inputs.get("queues") or ()}
    queues = {name for name, end in named.items() if end in there or not shows(connection, end)}
    pools = {end.name for end in there if end.kind == POOL}
    if connection.elastic_resource_pools is None:
        pools = {*(inputs.get("elastic_resource_pools") or ())}
    stand_ins = {end.name for end in named.values() if end.kind == POOL}
    own = {*(inputs.get("elastic_resource_pools") or ())}
    queues |= {end.name for end in there if end.kind == QUEUE}
    return {"queues": sorted(queues), "elastic_resource_pools": sorted(pools - (stand_ins - own))}


def _end(queue: str, pool_of: PoolOf) -> End:
    return End(POOL, pool_of[queue]) if queue in pool_of else End(QUEUE, queue)


def imported(connection: DatasourceConnection, tags: Mapping[str, str] | None) -> dict[str, Any]:
    """What a program would have to say to get this connection."""
    lists = {**_bindings(connection, {}, {}), "hosts": hosts_of(connection), "routes": routes_of(connection)}
    return {
        "name": connection.name,
        **{name: getattr(connection, name) for name in PLACE if getattr(connection, name) is not None},
        **{name: value for name, value in lists.items() if value},
        **({"tags": visible(tags)} if tags and visible(tags) else {}),
    }


def incompatibilities(spec: DatasourceConnectionSpec, connection: DatasourceConnection) -> list[str]:
    """In what an existing connection is not the declared one, and can never become it."""
    wanted = {name: spec.inputs[name] for name in PLACE}
    there = {name: getattr(connection, name) for name in PLACE}
    return [f"{name} is {there[name]}, not {wanted[name]}" for name in PLACE if there[name] not in (None, wanted[name])]


def unlike(spec: DatasourceConnectionSpec, connection: DatasourceConnection, ends: Collection[End]) -> list[str]:
    """In what an existing connection is not what a create of this spec makes, as far as the service tells."""
    found = [problem.partition(" ")[0] for problem in incompatibilities(spec, connection)]
    if hosts_of(connection) not in (None, list(spec.inputs.get("hosts") or ())):
        found.append("hosts")
    if {end for end in ends if shows(connection, end)} != {*bound(connection)}:
        found.append("bindings")
    return found


def routes_to_change(
    wanted: Sequence[Mapping[str, str]] | None, before: Iterable[Mapping[str, str]], there: Rows | None
) -> tuple[list[str], Rows]:
    """The names of routes to delete, and the routes to add: there is no call to change one (dli-api 13.6).

    Args:
        wanted: None for a program that does not say.
        before: what the state has; of the others, only what stands in the way is touched.
        there: what the service shows, None where it shows no routes.
    """
    now = {row["name"]: row["cidr"] for row in (before if there is None else there)}
    target = {row["name"]: row["cidr"] for row in wanted or ()}
    old = {row["name"] for row in before}
    gone = [
        name for name, cidr in now.items() if target.get(name, cidr) != cidr or (name in old and name not in target)
    ]
    taken = {name: cidr for name, cidr in now.items() if name not in gone}
    return gone, [{"name": name, "cidr": cidr} for name, cidr in target.items() if taken.get(name) != cidr]
