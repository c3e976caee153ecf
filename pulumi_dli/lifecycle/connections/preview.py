"""What a create or an update would do to a datasource connection, said before it happens.

It refuses what can only fail: networks that overlap, as far as the program and the service tell them; another VPC under
the same name; unbinding a peering that has failed. `datasource_connection.py` calls it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.api.datasource_connections import FAILED
from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.connections import surroundings
from pulumi_dli.lifecycle.connections.create import ConnectionCreation
from pulumi_dli.lifecycle.connections.mapping import BINDINGS, FIXED, bound, ends_of, managed, routes_to_change
from pulumi_dli.lifecycle.connections.operations import WAY_OUT
from pulumi_dli.lifecycle.connections.waits import CHANGE_SECONDS, ConnectionWait, observe
from pulumi_dli.lifecycle.contract import DiffRequest, DiffResult
from pulumi_dli.lifecycle.networks import End
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.preview_create import look, must_be_adoptable
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.datasource_connection import DatasourceConnectionSpec
from pulumi_dli.specs.fields import Change

_DECIDE = {"name", "dest_vpc_id", "dest_cidr", *BINDINGS}
_WORDS = {"hosts": "changes its hosts", "tags": "changes tags"}
_MOST_NAMES = 5


def preview_create(call: OperationContext, request: DiffRequest) -> None:
    """See `contract.Lifecycle.preview_create`."""
    known = request.news
    _declare(call, known)

    def creation(session: Session) -> ConnectionCreation:
        spec = DatasourceConnectionSpec.of(known)
        wait = ConnectionWait(call, session, str(spec.name), seconds=CHANGE_SECONDS)
        return ConnectionCreation(call, session, spec, wait)

    sight = look(
        request, lambda session: creation(session).find(), needs=("name", "adopt", "dest_vpc_id", "dest_network_id")
    )
    if sight.session is not None and sight.found is not None:
        must_be_adoptable(call, sight.session, creation(sight.session), sight.found, adopt=bool(known.get("adopt")))
        call.info(f"takes over connection {known['name']} ({sight.found.id})")
        return
    ends = sorted(ends_of(known, {}))
    binds = f"; binds {', '.join(map(str, ends))}, which takes some minutes" if ends else "; binds nothing yet"
    late = ", and queues ten minutes after their creation" if known.get("queues") else ""
    where = f" to subnet {known['dest_network_id']}" if "dest_network_id" in known else ""
    call.info(f"creates a connection{where}{binds}{late}{sight.ending}")


def preview_update(call: OperationContext, request: DiffRequest) -> DiffResult:
    """See `contract.Lifecycle.preview_update`."""
    known = {change.field: change for change in request.changes if not change.unknown}
    session = _session(request) if request.id and {*known} & _DECIDE else None
    _declare(call, request.news, session)
    if not request.changes:
        return DiffResult(False)
    if not request.id:
        return DiffResult(None)
    other = [name for name in FIXED if name in known and known[name].new is not None]
    if "name" in known:
        call.info(f"becomes a new connection {known['name'].new}; the old one goes when that is there")
        return DiffResult(None, ("name", *other))
    if other and "name" not in request.unknown:
        raise DliError(
            f"datasource connection {request.olds.get('name')} cannot be changed in {', '.join(other)}: give it a new "
            "name as well (the new connection comes first, then the old one goes)"
        )
    coming, leaving = _bindings(request, known, session)
    if leaving and session:
        _look_at(call, session, request, leaving)
    lines = [f"binds {end} (some minutes)" for end in coming] + [f"unbinds {end}" for end in leaving]
    lines += [*_routes(known), *(words for field, words in _WORDS.items() if field in known)]
    if lines:
        call.info("; ".join(lines))
    return DiffResult(None)


def _session(request: DiffRequest) -> Session | None:
    """For looks that a refusal or a warning would rest on; None where the service cannot be asked."""
    try:
        session = request.connect()
        session.must_be_where(request.olds, f"datasource connection {request.id}")
    except DliError:
        return None
    return session


def _declare(call: OperationContext, known: Mapping[str, Any], session: Session | None = None) -> None:
    """Declare its networks, for the look over all that the program declares.

    Raises:
        DliError: two of them overlap.
    """
    if not isinstance(known.get("name"), str) or not isinstance(known.get("dest_vpc_id"), str):
        return  # known after the update only
    way, networks, others = surroundings.way(known, ends_of(known, {})), {}, []
    if session is not None:
        try:
            way = surroundings.way(known, surroundings.ends(session, known))
            others = surroundings.ways(session, besides=way.name)
            networks = surroundings.networks(session, {end for one in (way, *others) for end in one.ends})
        except DliError:
            others = []  # not looked up
    if problem := call.networks.declare_way(call.urn, way, networks=networks, others=others):
        raise DliError(problem)


def _bindings(
    request: DiffRequest, known: Mapping[str, Change], session: Session | None
) -> tuple[list[End], list[End]]:
    """What is bound and what is unbound, as far as the state tells."""
    if not {*known} & {*BINDINGS} or {*request.unknown} & {*BINDINGS}:
        return [], []
    olds = managed(request.olds)
    try:
        pools = surroundings.pool_of(session, olds, request.news) if session else {}
    except DliError:
        pools = {}
    before, after = ends_of(olds, pools), ends_of(request.news, pools)
    return sorted(after - before), sorted(before - after)


def _look_at(call: OperationContext, session: Session, request: DiffRequest, leaving: list[End]) -> None:
    """Refuse to unbind what has failed, and warn of the jobs that lose the way."""
    try:
        connection = observe(session, request.id)
        jobs = surroundings.running_jobs(session, leaving)
    except DliError:
        return  # not looked up
    there = bound(connection) if connection else {}
    if failed := [end for end in leaving if end in there and there[end].status == FAILED]:
        reasons = "; ".join(f"{end} ({there[end].err_msg or 'DLI gives no reason'})" for end in failed)
        raise DliError(f"datasource connection {request.olds.get('name')} cannot be unbound from {reasons}. {WAY_OUT}")
    if jobs:
        named = ", ".join(jobs[:_MOST_NAMES]) + (", …" if len(jobs) > _MOST_NAMES else "")
        call.warn(
            f"{len(jobs)} running jobs ({named}) are on {', '.join(map(str, leaving))}: the way to their data ends "
            "while they run. Stop or move them first, in an `up` of its own"
        )


def _routes(known: Mapping[str, Change]) -> list[str]:
    if "routes" not in known:
        return []
    before = [dict(row) for row in known["routes"].old or ()]
    gone, come = routes_to_change(known["routes"].new, before, None)
    lines = [f"adds route {row['name']} ({row['cidr']})" for row in come if row["name"] not in gone]
    changed = {row["name"] for row in come} & {*gone}
    return lines + [f"changes route {name}" if name in changed else f"takes route {name} away" for name in gone]
