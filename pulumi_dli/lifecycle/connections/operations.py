"""What is done to a datasource connection that exists: bind, unbind, hosts, routes, tags (dli-api 13.4 to 13.6).

What comes is bound and waited for before what leaves is unbound, so that a failure takes no way away; only where their
networks overlap, the old one goes first. An answer that was lost is looked after before the call is made once more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from pulumi_dli.api.datasource_connections import FAILED, DatasourceConnection
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnknownOutcomeError,
    WaitFailedError,
)
from pulumi_dli.lifecycle.connections import surroundings
from pulumi_dli.lifecycle.connections.create import tagged_connection
from pulumi_dli.lifecycle.connections.mapping import (
    Rows,
    bound,
    computed_outputs,
    ends_of,
    hosts_of,
    refreshed,
    routes_of,
    routes_to_change,
    shows,
    wire_ends,
)
from pulumi_dli.lifecycle.connections.waits import KIND_SAID, ConnectionWait, observe
from pulumi_dli.lifecycle.networks import End, overlap
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import TaggedObject
from pulumi_dli.lifecycle.update import Update
from pulumi_dli.specs.datasource_connection import DatasourceConnectionSpec

WAY_OUT = (
    "A failed peering cannot be unbound (dli_01_0555): mend what it names, then delete the connection (`pulumi destroy "
    "--target` with its URN) and run `pulumi up` again"
)


class ConnectionUpdate(Update[DatasourceConnectionSpec]):
    """See `Update`.

    Args:
        before: the inputs that it was last brought to: of what is there beside them nothing is taken away.
    """

    def __init__(
        self,
        call: OperationContext,
        session: Session,
        spec: DatasourceConnectionSpec,
        connection: DatasourceConnection,
        wait: ConnectionWait,
        *,
        whose: Mapping[str, str],
        olds: Mapping[str, Any],
        before: Mapping[str, Any],
        touched: bool = False,
    ) -> None:
        super().__init__(call, session, spec, whose=whose, olds=olds, touched=touched)
        self._connection = connection
        self._wait = wait
        self._before = before
        self._api = session.client.datasource_connections
        self._pool_of = surroundings.pool_of(session, spec.inputs, before)

    @property
    def _id(self) -> str:
        return self._connection.id

    @property
    def _tagged(self) -> TaggedObject:
        return tagged_connection(self._connection.id, str(self._spec.name))

    def _change(self) -> None:
        self._change_hosts()
        self._change_routes()
        self._change_bindings()

    def _said(self, error: DliError) -> str:
        failed = isinstance(error, WaitFailedError) and error.status == FAILED
        return f"{error}. {WAY_OUT}" if failed else str(error)

    def _reached(self) -> dict[str, Any]:
        self._look()
        now = refreshed(self._connection, self._spec.inputs, self._pool_of, None)
        unseen = {"routes": routes_of(self._connection), "hosts": hosts_of(self._connection)}
        return {name: value for name, value in now.items() if name != "tags" and unseen.get(name, ()) is not None}

    def _look(self) -> None:
        try:
            found = observe(self._session, self._connection.id, not_older_than=self._session.clock.now())
        except DliError:
            found = self._wait.seen
        self._connection = found or self._connection

    def _outs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = computed_outputs(self._connection, self._olds, self._call.redact)
        return {**inputs, **found, **self._session.where(), **self._whose}

    def _change_hosts(self) -> None:
        wanted = self._spec.inputs.get("hosts", [] if "hosts" in self._before else None)
        if wanted is None or wanted == self._hosts():
            return
        self._write(lambda: self._api.set_hosts(self._connection.id, wanted), lambda: self._hosts() == wanted)
        self._connection = self._connection.model_copy(update={"hosts": None})  # seen anew at the end
        self._look()

    def _hosts(self) -> Any:
        there = hosts_of(self._connection)
        return self._before.get("hosts") if there is None else there

    def _change_routes(self) -> None:
        before: Rows = [dict(row) for row in self._before.get("routes") or ()]
        wanted = self._spec.inputs.get("routes")
        gone, come = routes_to_change(wanted, before, routes_of(self._connection))
        for name in gone:
            self._write(partial(self._drop_route, name), partial(self._lacks_route, name))
        for row in come:
            self._write(partial(self._api.add_route, self._connection.id, row), partial(self._has_route, row))
        if gone or come:
            self._look()

    def _routes(self) -> dict[str, str]:
        return {row["name"]: row["cidr"] for row in routes_of(self._connection) or ()}

    def _has_route(self, row: Mapping[str, str]) -> bool:
        return self._routes().get(row["name"]) == row["cidr"]

    def _lacks_route(self, name: str) -> bool:
        return routes_of(self._connection) is not None and name not in self._routes()

    def _drop_route(self, name: str) -> None:
        try:
            self._api.delete_route(self._connection.id, name)
        except NotFoundError:
            return

    def _change_bindings(self) -> None:
        wanted, old = ends_of(self._spec.inputs, self._pool_of), ends_of(self._before, self._pool_of)
        there = bound(self._connection)
        coming = {
            end
            for end in wanted
            if (end not in there and (shows(self._connection, end) or end not in old))
            or (end in there and there[end].status == FAILED)
        }
        leaving = {end for end in old - wanted if end in there or not shows(self._connection, end)}
        first = self._in_the_way(leaving, coming)
        self._unbind(first)
        self._bind(coming, wanted)
        self._unbind(leaving - first)

    def _in_the_way(self, leaving: Collection[End], coming: Collection[End]) -> set[End]:
        """What has to go before the others can come."""
        if not leaving or not coming:
            return set()
        networks = surroundings.networks(self._session, {*leaving, *coming})
        way = surroundings.way({**self._spec.inputs, "dest_cidr": ""}, ())
        pairs = [(old, type(way)(way.name, way.vpc, "", frozenset({old, new}))) for old in leaving for new in coming]
        return {old for old, both in pairs if overlap(both, networks, ())}

    def _bind(self, coming: Collection[End], wanted: Collection[End]) -> None:
        if coming:
            surroundings.must_not_overlap(self._session, self._spec.inputs, wanted)
            self._wait.old_enough(coming)
            ends = wire_ends(coming)
            self._write(
                lambda: self._api.bind(self._connection.id, ends), lambda: {*coming} <= {*bound(self._connection)}
            )
        if wanted and (coming or self._is_unsettled(wanted)):
            hidden = [end for end in sorted(wanted) if not shows(self._connection, end)]
            if hidden:
                self._call.warn(
                    f"this region does not show the peering of {', '.join(map(str, hidden))}: the console does"
                )
            self._wait.at_rest(self._connection.id, wanted, self._bind_again)
            self._connection = self._wait.seen or self._connection

    def _bind_again(self, lacking: Collection[End]) -> None:
        self._write(lambda: self._api.bind(self._connection.id, wire_ends(lacking)), lambda: True)

    def _is_unsettled(self, wanted: Collection[End]) -> bool:
        there = bound(self._connection)
        return any(there[end].status != "ACTIVE" for end in wanted if end in there)

    def _unbind(self, leaving: Collection[End]) -> None:
        if not leaving:
            return
        there = bound(self._connection)
        if failed := [end for end in sorted(leaving) if end in there and there[end].status == FAILED]:
            reasons = "; ".join(f"{end} ({there[end].err_msg or 'DLI gives no reason'})" for end in failed)
            raise DliError(f"{KIND_SAID} {self._spec.name} cannot be unbound from {reasons}. {WAY_OUT}")
        ends = wire_ends(leaving)
        self._write(
            lambda: self._api.unbind(self._connection.id, ends), lambda: not {*leaving} & {*bound(self._connection)}
        )
        self._look()

    def _write(self, send: Callable[[], None], is_done: Callable[[], bool]) -> None:
        """Send what may be refused because it is done already: nobody says what a repeated call answers (13.4)."""
        touched, self._touched = self._touched, True
        for lost in (False, True):
            try:
                return send()
            except (AuthError, ThrottledError, NotFoundError):
                self._touched = touched or lost
                raise
            except (ApiError, UnknownOutcomeError) as error:
                self._session.wrote()
                self._look()
                if is_done():
                    return None
                if not isinstance(error, UnknownOutcomeError):
                    self._touched = touched or lost  # refused: nothing happened
                    raise DliError(f"{KIND_SAID} {self._spec.name} was not changed: {error}") from error
                if lost:
                    raise
            finally:
                self._session.wrote()
        return None


def delete(session: Session, id: str) -> None:
    """Ask for its deletion; nothing to do when it is gone."""
    try:
        session.client.datasource_connections.delete(id)
    except NotFoundError:
        return
    finally:
        session.wrote()
