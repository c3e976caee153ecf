"""What enhanced datasource connections offer: their calls, their accidents, their tags (dli-api 13)."""

from __future__ import annotations

from pulumi_dli.emulator.connections import acts, calls
from pulumi_dli.emulator.connections.records import ACTIVE, Connections
from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.service import Operation, Service, TaggedType
from pulumi_dli.emulator.tags.records import CONNECTION

_PATH = "{project_id}/datasource/enhanced-connections"
_ROOT = f"/v2.0/{_PATH}"
_ONE = _ROOT + "/{connection_id}"
_ROUTES, _FORMER_ROUTES = f"/v3/{_PATH}/{{connection_id}}/routes", _ONE + "/routes"


def _find(core: Core, project_id: str, given: str) -> str | None:
    connection = core.part(Connections).find(project_id, given)
    return given if connection is not None and connection.status == ACTIVE else None


def _name_of(core: Core, project_id: str, kept: str) -> str:
    connection = core.part(Connections).find(project_id, kept)
    return connection.name if connection else ""


SERVICE = Service(
    name="connections",
    records=(Connections,),
    operations=(
        Operation("connections.create", "POST", _ROOT, calls.create),
        Operation("connections.list", "GET", _ROOT, calls.list_connections),
        Operation("connections.get", "GET", _ONE, calls.get),
        Operation("connections.hosts", "PUT", _ONE, calls.change_hosts),
        Operation("connections.delete", "DELETE", _ONE, calls.delete),
        Operation("connections.bind", "POST", _ONE + "/associate-queue", calls.bind),
        Operation("connections.unbind", "POST", _ONE + "/disassociate-queue", calls.unbind),
        Operation("connections.privileges", "GET", _ONE + "/privileges", calls.privileges),
        Operation("connections.authorize", "PUT", "/v1.0/{project_id}/authorization", calls.authorize),
        Operation("connections.add_route", "POST", _ROUTES, calls.add_route, "v3_unpublished"),
        Operation("connections.delete_route", "DELETE", _ROUTES + "/{route}", calls.delete_route, "v3_unpublished"),
        Operation("connections.add_route_v2", "POST", _FORMER_ROUTES, calls.add_route),
        Operation("connections.delete_route_v2", "DELETE", _FORMER_ROUTES + "/{route}", calls.delete_route),
    ),
    acts=acts.ACTS,
    tagged=TaggedType(CONNECTION, _find, _name_of),
)
