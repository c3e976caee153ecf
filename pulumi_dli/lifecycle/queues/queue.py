"""The life of a queue: create or take over, scale, tag, delete (dli-api 4).

`provider.py` calls it through `contract.Lifecycle`. There is no status to wait for: a queue is up when it can be read
by its name, and its compute comes with the first job (dli-api 4.8), so nothing here sleeps. What the service can never
do (replace under the same name, scale 16 CUs) is refused in `preview_update`, before anything is
touched. What changes a queue that exists is in `update.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

from pulumi_dli.api.queues import Queue
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConflictError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnknownOutcomeError,
)
from pulumi_dli.lifecycle.coalescing.waiting import UNHEARD, Deadline, Silence, StatusReport, WaitCondition, wait_for
from pulumi_dli.lifecycle.contract import CreateResult, DiffRequest, DiffResult, Observation, ResourceInitFailed
from pulumi_dli.lifecycle.create import Created, create_or_adopt
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import whose_in
from pulumi_dli.lifecycle.queues import policies, preview
from pulumi_dli.lifecycle.queues.create import KIND, QueueCreation
from pulumi_dli.lifecycle.queues.mapping import computed_outputs, imported, managed, refreshed
from pulumi_dli.lifecycle.queues.update import QueueUpdate, observe, tagged_queue
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import has_heir, is_of_another, tags_of
from pulumi_dli.specs.fields import CheckFailure
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.values import OWNER_TAG

VISIBLE_SECONDS = 120.0
DELETE_SECONDS = 600.0
UNHEARD_SECONDS = 60.0  # service time for which the list may be behind a create or a delete


class QueueLifecycle:
    """See `contract.Lifecycle`. The id is the name as the service stores it, in lower case."""

    spec = QueueSpec

    def validate(
        self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _unknown: Collection[str]
    ) -> list[CheckFailure]:
        return []

    def names(self, news: Mapping[str, Any], unknown: Collection[str]) -> list[tuple[str, str, str]]:
        return [(KIND, news["queue_name"], "queue_name")] if "queue_name" not in unknown else []

    def preview_create(self, call: OperationContext, request: DiffRequest) -> None:
        preview.declare(call, request.news, request.unknown)
        preview.preview_create(call, request)

    def preview_update(self, call: OperationContext, request: DiffRequest) -> DiffResult:
        return preview.preview_update(call, request)

    def holdings(self, id: str, _outs: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(KIND, id)]

    def create(self, call: OperationContext, session: Session, spec: QueueSpec) -> CreateResult:
        made = create_or_adopt(
            call, session, QueueCreation(call, session, spec), adopt=bool(spec.adopt), tags=spec.tags
        )
        fresh = made.found is None
        if fresh:
            session.new_queues.add(made.id)
        queue = made.found or _read_back(call, session, spec, made)
        update = QueueUpdate(call, session, made.id, spec, queue, whose=made.notes(), touched=True, fresh=fresh)
        declared = spec.tags or {}
        before = declared if fresh else {key: value for key, value in (made.tags or {}).items() if key in declared}
        return CreateResult(made.id, update.bring_in_line(tags_before=before))

    def read(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        name = id.lower()
        session.must_be_where(olds, f"queue {name}")
        queue = observe(session, name)
        if queue is None:
            return None
        known = bool(managed(olds))
        tags = tags_of(call, session, tagged_queue(queue)) if "tags" in managed(olds) or not known else None
        there = _policies(session, queue)
        inputs = refreshed(queue, olds, tags, there) if known else imported(queue, tags, there)
        whose = whose_in(olds) if known else {"owner_tag": (tags or {}).get(OWNER_TAG, "")}
        outs = {**inputs, **computed_outputs(queue, olds), **session.where(), **whose}
        return Observation(name, outs, inputs)

    def update(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], spec: QueueSpec
    ) -> Mapping[str, Any]:
        session.must_be_where(olds, f"queue {id}")
        queue = observe(session, id, not_older_than=session.clock.now())
        if queue is None:
            raise DliError(f"queue {id} is gone: `pulumi up --refresh` notices that and creates it again")
        update = QueueUpdate(call, session, id, spec, queue, whose=whose_in(olds), olds=olds)
        return update.bring_in_line(tags_before=managed(olds).get("tags") or {})

    def delete(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        what = f"queue {id}"
        session.must_be_where(olds, what)
        if has_heir(call, session, KIND, id, olds, what=what):
            return
        queue = observe(session, id, not_older_than=session.clock.now())
        if queue is None or is_of_another(call, session, tagged_queue(queue), olds, what=what):
            return
        _delete(session, id)
        _wait_until_gone(call, session, queue)


def _read_back(call: OperationContext, session: Session, spec: QueueSpec, made: Created[Queue]) -> Queue:
    """The new queue as the service shows it. From here on it exists, whatever happens."""
    name = made.id

    def look() -> tuple[Queue, ...]:  # never None, which is the end of the looks
        found = observe(session, name, not_older_than=session.clock.now() - _tick(session))
        return (found,) if found else ()

    silence, again = Silence(session.service_now, seconds=UNHEARD_SECONDS), False

    def describe(queues: tuple[Queue, ...]) -> StatusReport:
        nonlocal again
        if queues:
            return StatusReport("readable")
        if silence.lasts():
            if again:
                return StatusReport(UNHEARD, "its create was accepted twice, and there is no such queue")
            again = True
            silence.broken()
            with contextlib.suppress(
                ConflictError, UnknownOutcomeError
            ):  # names are unique: it is there after all, or not
                QueueCreation(call, session, spec).post(made.owner_tag)
        return StatusReport("missing", words="created, not readable yet")

    goal = WaitCondition("queue", target={"readable"}, failed={UNHEARD}, moving={"missing"})
    deadline = Deadline(call.timeout_seconds or VISIBLE_SECONDS, session.clock)
    try:
        (found,) = wait_for(
            look,
            id=name,
            goal=goal,
            describe=describe,
            deadline=deadline,
            backoff=session.backoff(),
            call=call,
            clock=session.clock,
        )
    except DliError as error:
        outs = {**spec.inputs, **session.where(), **made.notes()}
        outs.pop("cidr_in_vpc", None)  # not done yet: the next update sees that it is missing
        raise ResourceInitFailed(name, outs, (f"queue {name} was created, but: {error}",)) from error
    return found


def _policies(session: Session, queue: Queue) -> policies.Policies | None:
    """The scaling policies of a queue in a pool, out of one call for all queues of the pool; None outside of pools."""
    pool = (queue.elastic_resource_pool_name or "").lower()
    return policies.found(session.queues_of(pool).get(), queue.queue_name.lower()) if pool else None


def _delete(session: Session, id: str) -> None:
    try:
        session.client.queues.delete(id)
    except NotFoundError:
        return
    except (AuthError, ThrottledError):
        raise
    except ApiError as error:
        raise DliError(
            f"queue {id} was not deleted: {error}. A queue goes only when no job is submitting or running on it: stop "
            "or delete those jobs first (within a stack, jobs that take the queue's name from it go first, unless they "
            "have the option deleted_with: leave it out)"
        ) from error
    finally:
        session.wrote()


def _wait_until_gone(call: OperationContext, session: Session, queue: Queue) -> None:
    """Until the list no longer shows it: only then the name is free (dli-api 4.4). Deleted once more if it stays."""
    name = queue.queue_name.lower()
    silence, again = Silence(session.service_now, seconds=UNHEARD_SECONDS), False

    def look() -> bool:
        rows = session.queues.get(not_older_than=session.clock.now() - _tick(session))
        # One of another id is another queue: somebody took the name as soon as it was free.
        return any(row.queue_name.lower() == name and row.resource_id == queue.resource_id for row in rows)

    def describe(listed: bool) -> StatusReport:
        nonlocal again
        if not listed:
            return StatusReport("gone")
        if silence.lasts():
            if again:
                return StatusReport(UNHEARD, "it was asked for twice, DLI accepted both, and the queue is still listed")
            again = True
            silence.broken()
            _delete(session, name)
        return StatusReport("listed", words="deleted, still listed")

    wait_for(
        look,
        id=name,
        goal=WaitCondition("queue", target={"gone"}, failed={UNHEARD}, moving={"listed"}),
        describe=describe,
        deadline=Deadline(call.timeout_seconds or DELETE_SECONDS, session.clock),
        backoff=session.backoff(),
        call=call,
        clock=session.clock,
    )


def _tick(session: Session) -> float:
    """How old a shared look may be, so that those who wait at the same time share it (never older than the write)."""
    return session.client.connection.poll_seconds / 2
