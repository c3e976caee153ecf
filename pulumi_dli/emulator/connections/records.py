"""Enhanced datasource connections: records, and their peerings over time (dli-api 13); `calls.py` has the handlers.

A connection is ACTIVE at once; each binding of a pool or of a queue on its own is a peering, and that takes time.
"""

from __future__ import annotations

import ipaddress
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.pools.records import Pools, PoolStatus
from pulumi_dli.emulator.queues.records import Queues
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tags

POOL, QUEUE = "pool", "queue"
ACTIVE, DELETED = "ACTIVE", "DELETED"  # of connections


class PeeringStatus(StrEnum):
    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"


@dataclass
class Peering:
    """The binding of one pool or queue."""

    kind: str
    name: str
    bound_to: str  # resource_id: another one of the same name is not bound
    cidr: str
    peer_id: str
    updated: float
    status: str = PeeringStatus.CREATING
    err_msg: str = ""
    done_at: float | None = None  # None: at rest, or CREATING for ever


@dataclass
class Connection:
    """One connection; times in service seconds. `peerings` holds the fields of `Peering`, as rows are JSON."""

    project_id: str
    connection_id: str
    name: str
    dest_vpc_id: str
    dest_network_id: str
    routetable_id: str
    number: int
    created: float
    status: str = ACTIVE
    hosts: list[dict[str, str]] = field(default_factory=list)
    routes: list[dict[str, str]] = field(default_factory=list)
    peerings: list[dict[str, Any]] = field(default_factory=list)
    shared_with: list[str] = field(default_factory=list)

    def bound(self) -> list[Peering]:
        return [Peering(**row) for row in self.peerings]


class Connections:
    """The connections of all projects."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._table: Table[Connection] = Table(core.store, "connections", Connection)

    # looking

    def projects(self) -> list[str]:
        return sorted({connection.project_id for connection in self._table.rows.values()})

    def of(self, project_id: str) -> list[Connection]:
        """All connections of a project, the deleted ones too, oldest first, as they are now."""
        found = [connection for connection in self._table.rows.values() if connection.project_id == project_id]
        for connection in found:
            self._settle(connection)
        return sorted(found, key=lambda connection: connection.number)

    def find(self, project_id: str, connection_id: str) -> Connection | None:
        connection = self._table.rows.get(connection_id)
        if connection is None or connection.project_id != project_id:
            return None
        self._settle(connection)
        return connection

    # keeping

    def save(self, connection: Connection) -> None:
        self._table.save(connection.connection_id, connection)

    def add(self, connection: Connection) -> None:
        self.save(connection)
        self._record(connection, EventType.CREATED, f"created: {connection.name}")

    def delete(self, connection: Connection) -> None:
        """It stays readable, as DELETED."""
        connection.status, connection.peerings = DELETED, []
        self._core.part(Tags).put(connection.project_id, tagging.CONNECTION, connection.connection_id, {})
        self.save(connection)
        self._record(connection, EventType.DELETED, "deleted")

    # peerings

    def bind(self, connection: Connection, kind: str, name: str) -> None:
        """Begin a peering; one that is there already stays as it is."""
        peerings = connection.bound()
        if any((peering.kind, peering.name) == (kind, name) for peering in peerings):
            return
        peering = self._begin(connection, kind, name)
        connection.peerings = [vars(row) for row in (*peerings, peering)]
        self.save(connection)
        text = f"binds {kind} {name}" + (f": {peering.err_msg}" if peering.err_msg else "")
        self._record(connection, EventType.UPDATED, text, fields=[name])

    def unbind(self, connection: Connection, kind: str, name: str) -> None:
        peerings = [peering for peering in connection.bound() if (peering.kind, peering.name) != (kind, name)]
        connection.peerings = [vars(row) for row in peerings]
        self.save(connection)
        self._record(connection, EventType.UPDATED, f"unbinds {kind} {name}", fields=[name])

    def set_peering(self, connection: Connection, name: str | None, status: PeeringStatus, reason: str) -> None:
        """By hand: the named peering, or all of them."""
        peerings = connection.bound()
        for peering in peerings:
            if name in (None, peering.name):
                peering.status, peering.err_msg, peering.done_at = status, reason, None
                peering.updated = self._core.clock.now()
        connection.peerings = [vars(row) for row in peerings]
        self.save(connection)

    def _begin(self, connection: Connection, kind: str, name: str) -> Peering:
        now, timings = self._core.clock.now(), self._core.quirks.timings
        bound_to, cidr, ready_at = self._end(connection.project_id, kind, name)
        done_at = None if ready_at is None else max(now, ready_at) + timings.peering
        peering = Peering(kind, name, bound_to, cidr, str(uuid.uuid4()), now, done_at=done_at)
        fault = self._core.faults.of("peering_failed", connection=connection.name, name=name)
        clash = self._clash(connection, peering)
        if fault is not None:
            peering.err_msg = fault.description or "The peering connection could not be created."
        elif clash:
            peering.err_msg = clash
        return peering

    def _end(self, project_id: str, kind: str, name: str) -> tuple[str, str, float | None]:
        """DLI's side of a peering: its id, its CIDR, and from when on a peering with it gets done (None: never)."""
        now = self._core.clock.now()
        if kind == POOL:
            pool = self._core.part(Pools).find(project_id, name)
            assert pool is not None
            waits = pool.status == PoolStatus.CREATING and pool.changes_at is not None
            return pool.resource_id, pool.cidr_in_vpc, (pool.changes_at or now) if waits else now
        queue = self._core.part(Queues).find(project_id, name)
        assert queue is not None
        # one that is bound while its compute is being assigned stays in CREATING (dli_03_0257)
        stuck = queue.is_assigning(now) and self._core.quirks.forbids("binding")
        return queue.resource_id, queue.cidr_in_vpc, None if stuck else now

    def _clash(self, connection: Connection, new: Peering) -> str:
        """Against the data's subnet, and against all else that reaches the same VPC (dli_01_0003, dli_03_0179)."""
        quirks = self._core.quirks
        if not quirks.forbids("overlap"):
            return ""
        subnet = quirks.subnets.get(connection.dest_network_id)
        if subnet and _overlap(new.cidr, subnet):
            return f"The CIDR {new.cidr} of {new.name} overlaps with the subnet {subnet}."
        for other in self.of(connection.project_id):
            if other.dest_vpc_id != connection.dest_vpc_id:
                continue
            for peering in other.bound():
                other_end = peering.bound_to != new.bound_to and peering.status != PeeringStatus.FAILED
                if other_end and _overlap(peering.cidr, new.cidr):
                    return f"The CIDR {new.cidr} of {new.name} overlaps with {peering.cidr} of {peering.name}."
        return ""

    def _settle(self, connection: Connection) -> None:
        """Peerings whose time has come are done; those of pools and queues that are gone are gone."""
        if not connection.peerings:
            return
        now, peerings = self._core.clock.now(), connection.bound()
        kept = [peering for peering in peerings if self._is_there(connection.project_id, peering)]
        for peering in kept:
            if peering.done_at is not None and now >= peering.done_at:
                peering.updated, peering.done_at = peering.done_at, None
                peering.status = PeeringStatus.FAILED if peering.err_msg else PeeringStatus.ACTIVE
        rows = [vars(peering) for peering in kept]
        if rows != connection.peerings:
            connection.peerings = rows
            self.save(connection)

    def _is_there(self, project_id: str, peering: Peering) -> bool:
        kind: type[Pools] | type[Queues] = Pools if peering.kind == POOL else Queues
        found = self._core.part(kind).find(project_id, peering.name)
        return found is not None and found.resource_id == peering.bound_to

    def _record(self, connection: Connection, event: EventType, text: str, **facts: Any) -> None:
        self._core.record("connection", connection.connection_id, event, text, **facts)


def _overlap(one: str, other: str) -> bool:
    try:
        first, second = (ipaddress.ip_network(text, strict=False) for text in (one, other))
    except ValueError:
        return False
    return first.version == second.version and first.overlaps(second)
