"""What happens to a connection from outside: somebody in the VPC service breaks or mends a peering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.emulator.connections.records import Connection, Connections, PeeringStatus
from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import ControlBody, read
from pulumi_dli.emulator.core.service import Act


class SetPeering(ControlBody):
    """`connection` is an id or a name; `name` a pool or queue, or all of them."""

    connection: str
    status: str
    name: str | None = None
    description: str = ""
    project_id: str | None = None


def _set_peering(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = read(SetPeering, body)
    connection = _found(core, asked)
    core.part(Connections).set_peering(connection, asked.name, PeeringStatus(asked.status), asked.description)
    return {"connection_id": connection.connection_id}


def _found(core: Core, asked: SetPeering) -> Connection:
    connections = core.part(Connections)
    for project_id in connections.projects() if asked.project_id is None else [asked.project_id]:
        for connection in connections.of(project_id):
            if asked.connection in (connection.connection_id, connection.name):
                return connection
    raise ValueError(f"there is no connection {asked.connection}")


ACTS: Mapping[str, Act] = {"connection.peering": _set_peering}
