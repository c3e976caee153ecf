"""Handlers of the calls about enhanced datasource connections (dli-api 13). The records are in `records.py`."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pulumi_dli.emulator.connections.records import (
    ACTIVE,
    DELETED,
    POOL,
    QUEUE,
    Connection,
    Connections,
    Peering,
    PeeringStatus,
)
from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.clock import ms
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.queues.records import DEFAULT, Queues
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tag, Tags

DONE = {"is_success": True, "message": ""}
BIND = "BIND_QUEUE"
MOST_HOSTS = 20_000
_SERVICE_NETWORKS = [ipaddress.IPv4Network(text) for text in ("100.125.0.0/16", "100.64.0.0/16")]


def _listed(given: object) -> object:
    """The getting-started page sends one name as a bare text (dli_02_0310)."""
    return [given] if isinstance(given, str) else given


Names = Annotated[list[str], BeforeValidator(_listed)]


class Host(Body):
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,127}$")
    ip: str


class Bindings(Body):
    elastic_resource_pools: Names = Field(default_factory=list)
    queues: Names = Field(default_factory=list)


class ConnectionCreate(Bindings):
    name: str = Field(pattern=r"^[A-Za-z0-9_]{1,64}$")
    dest_vpc_id: str = Field(min_length=1)
    dest_network_id: str = Field(min_length=1)
    hosts: list[Host] = Field(default_factory=list, max_length=MOST_HOSTS)
    routetable_id: str = ""
    tags: list[Tag] | None = None


class Hosts(Body):
    hosts: list[Host] = Field(max_length=MOST_HOSTS)


class Route(Body):
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    cidr: str


class Privilege(Body):
    object: str
    privileges: list[str]


class Authorization(Body):
    """The project is in camelCase here."""

    projectId: str = Field(min_length=1)  # noqa: N815
    action: Literal["grant", "update", "revoke"]
    privileges: list[Privilege] = Field(min_length=1)


def create(call: Call) -> Reply:
    asked, core, quirks = call.read(ConnectionCreate), call.core, call.core.quirks
    _check_hosts(asked.hosts)
    tags = tagging.checked(asked.tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    ends = _ends(call, asked)
    connections = core.part(Connections)
    names = {row.name for row in connections.of(call.project_id) if row.status == ACTIVE}
    if quirks.unique_connections and asked.name in names:
        raise Refusal(400, "DLI.0001", f"The connection {asked.name} already exists.")
    connection = Connection(
        project_id=call.project_id,
        connection_id=str(uuid.uuid4()),
        name=asked.name,
        dest_vpc_id=asked.dest_vpc_id,
        dest_network_id=asked.dest_network_id,
        routetable_id=asked.routetable_id,
        number=core.next_id("connection", 1),
        created=core.clock.now(),
        hosts=[host.model_dump() for host in asked.hosts],
    )
    connections.add(connection)
    for kind, name in ends:
        connections.bind(connection, kind, name)
    core.part(Tags).put(call.project_id, tagging.CONNECTION, connection.connection_id, tags)
    text = f"Create peer connection for queues:{_named(ends)}"
    return Reply(201, {"is_success": True, "message": text, "connection_id": connection.connection_id})


def get(call: Call) -> Reply:
    connection = _known(call)
    if connection.status == DELETED and call.core.quirks.deleted_connections == "gone":
        raise _missing(connection.connection_id)
    shown = _shown(call, connection)
    if call.core.quirks.connection_pools == "listed":  # the getting-started page shows them, the table has none
        del shown["elastic_resource_pools"]
    return Reply(200, {**DONE, **shown})


def list_connections(call: Call) -> Reply:
    """0 as `limit` means all; without a status the deleted ones are there too."""
    query, core = call.query, call.core
    status = (query.get("status") or "").upper()
    if status not in ("", ACTIVE, DELETED):
        raise bad_parameter("Invalid parameter status.")
    tags = tagging.wanted(query.get("tags"))
    found = [
        row
        for row in core.part(Connections).of(call.project_id)
        if status in ("", row.status)
        and (query.get("name") or "") in row.name
        and tags.items() <= core.part(Tags).of(call.project_id, tagging.CONNECTION, row.connection_id).items()
    ]
    start, most = call.number("offset", default=0), call.number("limit", default=100)
    if start < 0 or most < 0:
        raise bad_parameter("Invalid parameter limit or offset: not negative.")
    if query.get("limit") == "0":
        most = len(found)
    page = found[start : start + most]
    return Reply(200, {**DONE, "count": len(page), "connections": [_shown(call, row) for row in page]})


def delete(call: Call) -> Reply:
    connection = _existing(call)
    busy = [peering.name for peering in connection.bound() if peering.status == PeeringStatus.CREATING]
    if busy and call.core.quirks.forbids("peering"):
        text = f"The connection {connection.name} cannot be deleted: peerings are being created for {', '.join(busy)}"
        raise Refusal(400, "DLI.0007", text)
    call.core.part(Connections).delete(connection)
    return Reply(200, {"is_success": True, "message": "Deleted"})


def bind(call: Call) -> Reply:
    connection, ends = _existing(call), _ends(call, call.read(Bindings))
    if not ends:
        raise bad_parameter("Invalid parameter queues: a queue or an elastic resource pool is needed.")
    for kind, name in ends:
        call.core.part(Connections).bind(connection, kind, name)
    return Reply(200, {"is_success": True, "message": f"associated peer connection for queues: {_named(ends)}."})


def unbind(call: Call) -> Reply:
    connection, ends = _existing(call), _ends(call, call.read(Bindings))
    failed = [peering.name for peering in connection.bound() if _is_failed(peering, ends)]
    if failed and call.core.quirks.forbids("peering"):
        text = f"The peering of {', '.join(failed)} is FAILED and cannot be unbound: delete the connection."
        raise Refusal(400, "DLI.0007", text)
    for kind, name in ends:
        call.core.part(Connections).unbind(connection, kind, name)
    return Reply(200, {"is_success": True, "message": f"Disassociated peer connection for queues:{_named(ends)}."})


def change_hosts(call: Call) -> Reply:
    """All of them at once; an empty list clears."""
    connection, hosts = _existing(call), call.read(Hosts).hosts
    _check_hosts(hosts)
    connection.hosts = [host.model_dump() for host in hosts]
    call.core.part(Connections).save(connection)
    return Reply(200, DONE)


def add_route(call: Call) -> Reply:
    connection, route = _existing(call), call.read(Route)
    network = _network(route.cidr)
    if network is None or any(network.overlaps(own) for own in _SERVICE_NETWORKS):
        raise bad_parameter("Invalid parameter cidr: an IPv4 CIDR outside of the service's own networks is needed.")
    if any(row["name"] == route.name or row["cidr"] == route.cidr for row in connection.routes):
        raise bad_parameter(f"Invalid parameter name or cidr: the route {route.name} exists.")
    connection.routes = [*connection.routes, route.model_dump()]
    call.core.part(Connections).save(connection)
    return Reply(200, DONE)


def delete_route(call: Call) -> Reply:
    connection, name = _existing(call), call.params["route"]
    kept = [row for row in connection.routes if row["name"] != name]
    if len(kept) == len(connection.routes):
        raise Refusal(400, "DLI.0001", f"The route {name} does not exist.")
    connection.routes = kept
    call.core.part(Connections).save(connection)
    return Reply(200, {"is_success": True, "message": "Deleted"})


def authorize(call: Call) -> Reply:
    """PUT /v1.0/{project_id}/authorization, of which only connections are known here (dli-api 13)."""
    asked = call.read(Authorization)
    for privilege in asked.privileges:
        prefix, _, connection_id = privilege.object.partition(".")
        if prefix != "edsconnections" or any(name != BIND for name in privilege.privileges):
            raise bad_parameter(f"Invalid parameter privileges: edsconnections.<id> with {BIND} is needed.")
        connection = _existing(call, connection_id)
        others = [project for project in connection.shared_with if project != asked.projectId]
        granted = asked.action != "revoke" and bool(privilege.privileges)
        connection.shared_with = [*others, asked.projectId] if granted else others
        call.core.part(Connections).save(connection)
    return Reply(200, DONE)


def privileges(call: Call) -> Reply:
    """The page and the live service name the project differently: both are here."""
    connection = _existing(call)
    shown = [
        {
            "object": f"edsconnections.{connection.connection_id}",
            "applicant_project_id": project,
            "project_id": project,
            "privileges": [BIND],
        }
        for project in connection.shared_with
    ]
    return Reply(200, {**DONE, "connection_id": connection.connection_id, "privileges": shown})


# helpers


def _ends(call: Call, asked: Bindings) -> list[tuple[str, str]]:
    """What is to be bound, each once: a queue that lives in a pool stands for its pool (dli-api 13.4)."""
    found: dict[tuple[str, str], None] = {}
    for name in asked.elastic_resource_pools:
        if call.core.part(Pools).find(call.project_id, name) is None:
            raise Refusal(400, "DLI.0002", f"There is no elastic resource pool named {name}")
        found[POOL, name.lower()] = None
    for name in asked.queues:
        queue = call.core.part(Queues).find(call.project_id, name)
        if queue is None:
            raise Refusal(400, "DLI.0002", f"There is no queue named {name}")
        if queue.name == DEFAULT and call.core.quirks.forbids("binding"):
            raise Refusal(400, "DLI.0007", "The default queue cannot be bound.")
        if queue.resource_mode != 1 and not queue.pool and call.core.quirks.forbids("binding"):
            raise Refusal(400, "DLI.0007", f"The queue {queue.name} is not dedicated and cannot be bound.")
        found[(POOL, queue.pool) if queue.pool else (QUEUE, queue.name)] = None
    return list(found)


def _named(ends: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(name for _, name in ends) + "}"


def _is_failed(peering: Peering, ends: Sequence[tuple[str, str]]) -> bool:
    return (peering.kind, peering.name) in ends and peering.status == PeeringStatus.FAILED


def _check_hosts(hosts: Iterable[Host]) -> None:
    for host in hosts:
        try:
            ipaddress.IPv4Address(host.ip)
        except ValueError as error:
            raise bad_parameter(f"Invalid parameter hosts: {host.name} needs an IPv4 address.") from error


def _network(cidr: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(cidr, strict=False)  # the page's sample has no length
    except ValueError:
        return None


def _missing(connection_id: str) -> Refusal:
    return Refusal(400, "DLI.0001", f"Connection {connection_id} does not exist.")


def _known(call: Call, connection_id: str | None = None) -> Connection:
    given = call.params["connection_id"] if connection_id is None else connection_id
    connection = call.core.part(Connections).find(call.project_id, given)
    if connection is None:
        raise _missing(given)
    return connection


def _existing(call: Call, connection_id: str | None = None) -> Connection:
    """One that is not deleted."""
    connection = _known(call, connection_id)
    if connection.status == DELETED:
        raise _missing(connection.connection_id)
    return connection


def _shown(call: Call, connection: Connection) -> dict[str, Any]:
    """A row of the list, and the flat details."""
    peerings = connection.bound()
    shown = {
        "id": connection.connection_id,
        "name": connection.name,
        "status": connection.status,
        "dest_vpc_id": connection.dest_vpc_id,
        "dest_network_id": connection.dest_network_id,
        "available_queue_info": [_peering(row) for row in peerings if row.kind == QUEUE],
        "elastic_resource_pools": [_peering(row) for row in peerings if row.kind == POOL],
        "hosts": connection.hosts,
        "isPrivis": not connection.shared_with,  # true: not shared
        "ipv6_enable": False,
        "create_time": ms(connection.created),
    }
    if call.core.quirks.connection_pools == "hidden":
        del shown["elastic_resource_pools"]
    return {**shown, "routes": connection.routes} if call.core.quirks.connection_routes else shown


def _peering(peering: Peering) -> dict[str, Any]:
    return {
        "peer_id": peering.peer_id,
        "name": peering.name,
        "status": peering.status,
        "err_msg": peering.err_msg if peering.status == PeeringStatus.FAILED else "",
        "update_time": ms(peering.updated),
    }
