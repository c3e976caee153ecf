"""The life of an enhanced datasource connection: create or take over, bind, wait, change, delete (dli-api 13).

`provider.py` calls it through `contract.Lifecycle`. What is done to one that exists is in `operations.py`, what is
waited for in `waits.py`, what a preview says in `preview.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi_dli.api.datasource_connections import FAILED, DatasourceConnection
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    DliError,
    ThrottledError,
    WaitTimeoutError,
)
from pulumi_dli.lifecycle.coalescing.waiting import cancelled_error
from pulumi_dli.lifecycle.connections import operations, preview, surroundings
from pulumi_dli.lifecycle.connections.create import KIND, ConnectionCreation, tagged_connection
from pulumi_dli.lifecycle.connections.mapping import bound, computed_outputs, imported, managed, refreshed
from pulumi_dli.lifecycle.connections.operations import WAY_OUT, ConnectionUpdate
from pulumi_dli.lifecycle.connections.waits import CHANGE_SECONDS, KIND_SAID, ConnectionWait, observe
from pulumi_dli.lifecycle.contract import CreateResult, DiffRequest, DiffResult, Observation, ResourceInitFailed
from pulumi_dli.lifecycle.create import Created, create_or_adopt
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import whose_in
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import has_heir, is_of_another, tags_of
from pulumi_dli.specs.datasource_connection import DatasourceConnectionSpec
from pulumi_dli.specs.fields import CheckFailure
from pulumi_dli.specs.values import OWNER_TAG


class DatasourceConnectionLifecycle:
    """See `contract.Lifecycle`. The id is the service's."""

    spec = DatasourceConnectionSpec

    def validate(
        self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _unknown: Collection[str]
    ) -> list[CheckFailure]:
        return []

    def names(self, news: Mapping[str, Any], unknown: Collection[str]) -> list[tuple[str, str, str]]:
        return [(KIND, news["name"], "name")] if "name" not in unknown else []

    def preview_create(self, call: OperationContext, request: DiffRequest) -> None:
        preview.preview_create(call, request)

    def preview_update(self, call: OperationContext, request: DiffRequest) -> DiffResult:
        return preview.preview_update(call, request)

    def holdings(self, id: str, _outs: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(KIND, id)]

    def create(self, call: OperationContext, session: Session, spec: DatasourceConnectionSpec) -> CreateResult:
        wait = ConnectionWait(call, session, str(spec.name), seconds=CHANGE_SECONDS)
        creation = ConnectionCreation(call, session, spec, wait)
        made = create_or_adopt(call, session, creation, adopt=bool(spec.adopt), tags=spec.tags)
        fresh = made.found is None
        connection = made.found or _read_back(session, spec, made, wait)
        sent = {name: value for name, value in spec.inputs.items() if name != "routes"} if fresh else {}
        update = ConnectionUpdate(
            call, session, spec, connection, wait, whose=made.notes(), olds={}, before=sent, touched=True
        )
        if not fresh:
            _warn_of_more(call, session, spec, connection)
        declared = spec.tags or {}
        found = {key: value for key, value in (made.tags or {}).items() if key in declared}
        return CreateResult(made.id, update.bring_in_line(tags_before=declared if fresh else found))

    def read(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        session.must_be_where(olds, f"{KIND_SAID} {id}")
        connection = observe(session, id)
        if connection is None:
            return None
        known = bool(managed(olds))
        tags = (
            tags_of(call, session, tagged_connection(id, str(olds.get("name") or id)))
            if "tags" in managed(olds) or not known
            else None
        )
        if known:
            inputs = refreshed(connection, olds, surroundings.pool_of(session, managed(olds)), tags)
        else:
            inputs = imported(connection, tags)
        whose = whose_in(olds) if known else {"owner_tag": (tags or {}).get(OWNER_TAG, "")}
        outs = {**inputs, **computed_outputs(connection, olds, call.redact), **session.where(), **whose}
        return Observation(id, outs, inputs, _unhealthy(connection))

    def update(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], spec: DatasourceConnectionSpec
    ) -> Mapping[str, Any]:
        session.must_be_where(olds, f"{KIND_SAID} {id}")
        connection = observe(session, id, not_older_than=session.clock.now())
        if connection is None:
            raise DliError(f"{KIND_SAID} {id} is gone: `pulumi up --refresh` notices that and creates it again")
        wait = ConnectionWait(call, session, str(spec.name), seconds=CHANGE_SECONDS)
        before = managed(olds)
        update = ConnectionUpdate(call, session, spec, connection, wait, whose=whose_in(olds), olds=olds, before=before)
        return update.bring_in_line(tags_before=before.get("tags") or {})

    def delete(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        what = f"{KIND_SAID} {olds.get('name') or id}"
        session.must_be_where(olds, what)
        if has_heir(call, session, KIND, id, olds, what=what):
            return
        if observe(session, id, not_older_than=session.clock.now()) is None:
            return
        if is_of_another(call, session, tagged_connection(id, str(olds.get("name") or id)), olds, what=what):
            return
        _delete(call, session, id, what)


def _read_back(
    session: Session,
    spec: DatasourceConnectionSpec,
    made: Created[DatasourceConnection],
    wait: ConnectionWait,
) -> DatasourceConnection:
    """The new connection as the service shows it. It exists from here on, whatever happens."""
    try:
        return wait.visible(made.id)
    except DliError as error:
        outs = {**spec.inputs, **session.where(), **made.notes()}
        raise ResourceInitFailed(made.id, outs, (f"{KIND_SAID} {spec.name} was created, but: {error}",)) from error


def _warn_of_more(
    call: OperationContext, session: Session, spec: DatasourceConnectionSpec, connection: DatasourceConnection
) -> None:
    """A take-over removes no binding: what is bound beside stays until the program and the state have heard of it."""
    if more := [*map(str, sorted({*bound(connection)} - surroundings.ends(session, spec.inputs)))]:
        call.warn(
            f"{KIND_SAID} {spec.name} also binds {', '.join(more)}, which this program does not: it stays bound. Once "
            "`pulumi refresh` has shown it, the next `pulumi up` unbinds it, unless the program names it"
        )


def _unhealthy(connection: DatasourceConnection) -> tuple[str, ...]:
    failed = [(end, row) for end, row in sorted(bound(connection).items()) if row.status == FAILED]
    return tuple(
        f"the peering of {end} is {FAILED}: {row.err_msg or 'DLI gives no reason'}. {WAY_OUT}" for end, row in failed
    )


def _delete(call: OperationContext, session: Session, id: str, what: str) -> None:
    """Delete it and wait until it is gone; while a peering is being made, DLI refuses (dli_02_0188).

    Raises:
        DliError: the time is over; it is as it was.
    """
    wait, backoff = ConnectionWait(call, session, what, seconds=CHANGE_SECONDS), session.backoff()
    unheard = 0
    while True:
        try:
            if wait.deletable(id) is None:
                return
        except WaitTimeoutError as error:
            raise DliError(
                f"{what} was not deleted: {error}. A queue that was bound in its first minutes stays so (dli_03_0257): "
                "unbind it (take it out of the program, `pulumi up`), or delete that queue first"
            ) from error
        try:
            operations.delete(session, id)
        except (AuthError, ThrottledError):
            raise
        except ApiError as error:
            if wait.deadline.passed:
                raise DliError(f"{what} was not deleted: {error}; `custom_timeouts` allows more time") from error
            call.status(f"DLI refuses the deletion ({error.message}), tries again")
            session.clock.wait(call.cancelled, min(backoff.pause(), wait.deadline.remaining_seconds))
            if call.cancelled.is_set():
                raise cancelled_error(what) from error
            continue
        if wait.gone(id):
            return
        unheard += 1
        if unheard > 1:
            raise DliError(f"{what} was not deleted: it was asked for twice, DLI accepted both, and it is still there")
