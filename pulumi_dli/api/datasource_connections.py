"""Enhanced datasource connections of DLI: peerings of pools and queues with a VPC, hosts, routes (dli-api 13).

One that was deleted may still be read, with the status DELETED: that is gone. The paths of bindings speak of queues and
take pools as well; tags never come with a connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from pulumi_dli.api.decoding import (
    Flag,
    Name,
    Record,
    Status,
    Text,
    Time,
    read_record,
    read_records,
    read_text,
    tag_filter,
)
from pulumi_dli.api.not_found import Subject, is_unsupported
from pulumi_dli.api.paging import all_rows
from pulumi_dli.api.responses import Request, Response
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport
from pulumi_dli.errors import ApiError, NotFoundError

_VERSION = "v2.0"
_NEWER = "v3"  # routes alone (dli_02_0371)
_ROOT = ("datasource", "enhanced-connections")

ACTIVE = "ACTIVE"
CREATING = "CREATING"
FAILED = "FAILED"
DELETED = "DELETED"


class Peering(Record):
    """The binding of one pool or queue."""

    name: Name
    status: Status = ""
    peer_id: Text = None
    err_msg: Text = None


class Host(Record):
    """A name for an address."""

    name: Text = None
    ip: Text = None


class Route(Record):
    """A network behind the connection."""

    name: Name
    cidr: Text = None


def _list_of(model: type[Record], what: str) -> BeforeValidator:
    return BeforeValidator(lambda value: None if value is None else read_records(model, value, what))


class DatasourceConnection(Record):
    """A connection; what the answer left out is None. No document has `routes`, the details' has no pools (13.2)."""

    id: Name = Field(validation_alias=AliasChoices("id", "connection_id"))
    name: Text = None
    status: Status = ""
    dest_vpc_id: Text = None
    dest_network_id: Text = None
    available_queue_info: Annotated[tuple[Peering, ...], _list_of(Peering, "a peering")] = ()
    elastic_resource_pools: Annotated[tuple[Peering, ...] | None, _list_of(Peering, "a peering")] = None
    hosts: Annotated[tuple[Host, ...] | None, _list_of(Host, "a host")] = None
    routes: Annotated[tuple[Route, ...] | None, _list_of(Route, "a route")] = None
    is_private: Flag = Field(None, validation_alias=AliasChoices("isPrivis", "is_privis"))
    ipv6_enable: Flag = None
    create_time: Time = None


class DatasourceConnections:
    """The calls of `/datasource/enhanced-connections`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, body: Mapping[str, Any]) -> str:
        """Create a connection; gives its id. Not repeated after an unknown outcome: names may be there twice.

        Raises:
            ConflictError: the region wants names to be unique, and this one is taken.
            UnknownOutcomeError: it may have been created: look it up by name.
        """
        what = f"create datasource connection {body.get('name', '')}"
        says = ("connection_id", "id")
        answer = self._transport.send(
            Request("POST", _VERSION, _ROOT, what, Idempotency.ONCE, body=body, creates=True, says=says)
        )
        made = answer.object()
        return read_text(made.get("connection_id")) or str(read_text(made.get("id")))

    def list(self, name: str | None = None, tags: Mapping[str, str] | None = None) -> list[DatasourceConnection]:
        """All connections that are not deleted. Whether `name` is taken as a part of names nobody says (13.2)."""
        query = {"status": ACTIVE, "name": name, "tags": tag_filter(tags)}
        pairs = tuple((key, value) for key, value in query.items() if value)
        request = Request(
            "GET", _VERSION, _ROOT, "list datasource connections", Idempotency.READ, query=pairs, says=("connections",)
        )
        # `count` is that of the page (dli-api 13.2).
        found = all_rows(
            self._transport,
            request,
            DatasourceConnection,
            "a connection",
            identity=lambda row: row.id,
            counts_all=False,
        )
        return [row for row in found if row.status != DELETED]

    def find(self, connection_id: str) -> DatasourceConnection | None:
        """The connection of this id by its details; None when it is gone or DELETED."""
        what = f"read datasource connection {connection_id}"
        path = (*_ROOT, connection_id)
        request = Request(
            "GET", _VERSION, path, what, Idempotency.READ, subject=Subject.CONNECTION, says=("id", "name")
        )

        def read(answer: Response) -> DatasourceConnection:
            row = read_record(DatasourceConnection, {"id": connection_id, **answer.object()}, "a connection")
            if row.id != connection_id:
                raise answer.unreadable("another connection")
            return row

        try:
            found = self._transport.read(request, read)
        except NotFoundError:
            return None
        return None if found.status == DELETED else found

    def delete(self, connection_id: str) -> None:
        """Delete a connection, with its peerings. Repeated when the answer is lost.

        Raises:
            NotFoundError: it is gone already.
            ApiError: a peering of it is being created (dli_02_0188).
        """
        self._write("DELETE", (connection_id,), f"delete datasource connection {connection_id}")

    def bind(self, connection_id: str, ends: Mapping[str, Sequence[str]]) -> None:
        """Bind pools and queues: `{"elastic_resource_pools": […], "queues": […]}`. Not repeated: nobody says what a
        second call answers.
        """
        what = f"bind {_named(ends)} to datasource connection {connection_id}"
        self._write("POST", (connection_id, "associate-queue"), what, ends, repeat=Idempotency.ONCE)

    def unbind(self, connection_id: str, ends: Mapping[str, Sequence[str]]) -> None:
        """As `bind`. Refused for a peering that has FAILED (dli_01_0555)."""
        what = f"unbind {_named(ends)} from datasource connection {connection_id}"
        self._write("POST", (connection_id, "disassociate-queue"), what, ends, repeat=Idempotency.ONCE)

    def set_hosts(self, connection_id: str, hosts: Sequence[Mapping[str, str]]) -> None:
        """Replace all hosts. May be repeated."""
        what = f"change the hosts of datasource connection {connection_id}"
        self._write("PUT", (connection_id,), what, {"hosts": [*hosts]})

    def add_route(self, connection_id: str, route: Mapping[str, str]) -> None:
        """Add a route. Not repeated: a second one of its name is refused."""
        what = f"add route {route['name']} to datasource connection {connection_id}"
        path = (*_ROOT, connection_id, "routes")
        self._of_routes(Request("POST", _NEWER, path, what, Idempotency.ONCE, body=route, subject=Subject.CONNECTION))

    def delete_route(self, connection_id: str, name: str) -> None:
        """Delete a route.

        Raises:
            NotFoundError: it is gone already.
        """
        what = f"delete route {name} of datasource connection {connection_id}"
        path = (*_ROOT, connection_id, "routes", name)
        self._of_routes(Request("DELETE", _NEWER, path, what, Idempotency.SAFE, subject=Subject.ROUTE))

    def _of_routes(self, request: Request) -> None:
        """By the call of today; by the former one, which does the same, where the gateway has no v3 (dli-api 13.6)."""
        try:
            self._transport.send(request)
        except ApiError as error:
            if not is_unsupported(error):
                raise
            self._transport.send(replace(request, version=_VERSION))

    def _write(
        self,
        method: str,
        segments: tuple[str, ...],
        what: str,
        body: Mapping[str, Any] | None = None,
        *,
        repeat: Idempotency = Idempotency.SAFE,
    ) -> None:
        path = (*_ROOT, *segments)
        self._transport.send(Request(method, _VERSION, path, what, repeat, body=body, subject=Subject.CONNECTION))


def _named(ends: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(name for names in ends.values() for name in names)
