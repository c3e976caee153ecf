"""The life of a queue: create or take over, scale, tag, delete (contract 4).

`provider.py` calls it through `contract.Lifecycle`. There is no status to wait for: a queue is up when it can be read
by its name, and its compute comes with the first job (contract 4.8), so nothing here sleeps. What the service can never
do (replace under the same name, scale 16 CUs) is refused in `foresee`, before anything is touched. The moves that
change a queue that exists are in `moves.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi_dli.api.gone import is_unpublished
from pulumi_dli.api.queues import Queue
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConflictError,
    DliError,
    LostAnswerError,
    NotFoundError,
    OwnershipError,
    ThrottledError,
)
from pulumi_dli.lifecycle.call import Call
from pulumi_dli.lifecycle.contract import Ahead, Foreseen, HalfDone, Observation, Outcome
from pulumi_dli.lifecycle.ownership import is_foreign, is_own, owner_of, renewed
from pulumi_dli.lifecycle.queues.forecast import foresee
from pulumi_dli.lifecycle.queues.moves import QueueMoves, observe, tag_id
from pulumi_dli.lifecycle.queues.wire import (
    create_body,
    facts,
    imported,
    impossible_scaling,
    managed,
    misfits,
    plan_scaling,
    refreshed,
)
from pulumi_dli.lifecycle.session import QUEUE_TAGS, Session
from pulumi_dli.lifecycle.sharing.waiting import UNHEARD, Deadline, Goal, Seen, Silence, wait_for
from pulumi_dli.specs.fields import Failure
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.values import OWNER_TAG

VISIBLE_SECONDS = 120.0
DELETE_SECONDS = 600.0
UNHEARD_SECONDS = 60.0  # service time for which the list may be behind a create or a delete
_CLAIM = "queue"


class QueueLifecycle:
    """See `contract.Lifecycle`. The id is the name as the service stores it, in lower case."""

    spec = QueueSpec

    def judge(self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _unknown: Collection[str]) -> list[Failure]:
        return []

    def announce(self, call: Call, news: Mapping[str, Any], unknown: Collection[str]) -> None:
        size = f"a queue of {news['cu_count']} CUs" if "cu_count" not in unknown else "a queue"
        call.note(f"creates {size}; its compute comes with the first job (6 to 10 minutes)")

    def foresee(self, call: Call, ahead: Ahead) -> Foreseen:
        return foresee(call, ahead)

    def create(self, call: Call, session: Session, spec: QueueSpec) -> Outcome:
        name = str(spec.queue_name).lower()
        owner = owner_of(session.project_id, call.urn)
        before: dict[str, str] | None = None
        tag = _post(session, spec, name, owner)
        if tag is None:
            queue, tag, before = _take_over(session, spec, name, owner)
            session.claims.take(_CLAIM, name)
        else:
            session.claims.take(_CLAIM, name)
            queue = _read_back(call, session, spec, name, tag)
        moves = QueueMoves(call, session, name, spec, queue, owner_tag=tag, touched=True, fresh=before is None)
        return Outcome(name, moves.bring_in_line(tags_before=spec.tags or {} if before is None else before))

    def read(self, _call: Call, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        name = id.lower()
        session.must_be_where(olds, f"queue {name}")
        queue = observe(session, name)
        if queue is None:
            return None
        known = bool(managed(olds))
        tags = _listed_tags(session, queue) if "tags" in managed(olds) or not known else None
        inputs = refreshed(queue, olds, tags) if known else imported(queue, tags)
        owner_tag = olds.get("owner_tag", "") if known else (tags or {}).get(OWNER_TAG, "")
        outs = {**inputs, **facts(queue, olds), **session.where(), "owner_tag": owner_tag or ""}
        return Observation(name, outs, inputs)

    def update(
        self, call: Call, session: Session, id: str, olds: Mapping[str, Any], spec: QueueSpec
    ) -> Mapping[str, Any]:
        session.must_be_where(olds, f"queue {id}")
        queue = observe(session, id, not_older_than=session.clock.now())
        if queue is None:
            raise DliError(f"queue {id} is gone: `pulumi up --refresh` notices that and creates it again")
        moves = QueueMoves(call, session, id, spec, queue, owner_tag=olds.get("owner_tag") or "", olds=olds)
        return moves.bring_in_line(tags_before=managed(olds).get("tags") or {})

    def delete(self, call: Call, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        session.must_be_where(olds, f"queue {id}")
        if session.claims.holds(_CLAIM, id):
            call.warn(f"queue {id} is left alone: this deployment has just created it, or taken it over, anew")
            return
        queue = observe(session, id, not_older_than=session.clock.now())
        if queue is None:
            return
        if is_foreign(_listed_tags(session, queue), olds.get("owner_tag") or ""):
            call.warn(f"queue {id} is left alone: its tag {OWNER_TAG} says that another resource holds it now")
            return
        _delete(session, id)
        _wait_until_gone(call, session, queue)


def _post(session: Session, spec: QueueSpec, name: str, owner: str) -> str | None:
    """Create it. Gives the owner tag that it was created with, None when there is a queue of that name already."""
    tag, lost = owner, False
    while True:
        try:
            session.client.queues.create(create_body(spec, tag))
        except ConflictError:
            return None
        except LostAnswerError:
            if session.client.queues.find(name) is not None:
                return None
            if lost:
                raise
            lost = True  # it is not there; names are unique, so asking again cannot make two (contract 1.4)
        except ApiError as error:
            if not tag or spec.tags or "tag" not in error.message.lower():
                raise
            tag = ""  # this region refuses tags, and nobody asked for any: without ours, nothing is adopted silently
        else:
            return tag
        finally:
            session.wrote()


def _read_back(call: Call, session: Session, spec: QueueSpec, name: str, tag: str) -> Queue:
    """The new queue as the service shows it. From here on it exists, whatever happens."""

    def look() -> tuple[Queue, ...]:  # never None, which is the end of the looks
        found = observe(session, name, not_older_than=session.clock.now() - _tick(session))
        return (found,) if found else ()

    silence, again = Silence(session.service_now, seconds=UNHEARD_SECONDS), False

    def describe(queues: tuple[Queue, ...]) -> Seen:
        nonlocal again
        if queues:
            return Seen("readable")
        if silence.lasts():
            if again:
                return Seen(UNHEARD, "its create was accepted twice, and there is no such queue")
            again = True
            silence.broken()
            _post(session, spec, name, tag)  # names are unique: where it is there after all, this is a conflict
        return Seen("missing", words="created, not readable yet")

    goal = Goal("queue", target={"readable"}, failed={UNHEARD}, moving={"missing"})
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
        outs = {**spec.inputs, **session.where(), "owner_tag": tag}
        outs.pop("cidr_in_vpc", None)  # not done yet: the next update sees that it is missing
        raise HalfDone(name, outs, (f"queue {name} was created, but: {error}",)) from error
    return found


def _take_over(session: Session, spec: QueueSpec, name: str, owner: str) -> tuple[Queue, str, dict[str, str]]:
    """An existing queue that is ours, or that we were told to adopt; with its new owner tag and those of its tags that
    the program names.

    Raises:
        OwnershipError: it is somebody else's, or can never become what is declared.
    """
    queue = observe(session, name, not_older_than=session.clock.now())
    if queue is None:
        raise DliError(f"queue {name}: the service says that it exists already, but does not show it; try again")
    tags = _tags_now(session, queue, owner)
    tag = tags.get(OWNER_TAG, "")
    if not is_own(tag, owner) and not spec.adopt:
        held = f"; its tag {OWNER_TAG} is {tag}" if tag else ""
        raise OwnershipError(
            f"a queue named {name} exists already (resource id {queue.resource_id}, owner {queue.owner}{held}) and was "
            "not created by this resource: set adopt=True to take it over, or import it, or choose another queue_name"
        )
    if wrong := misfits(spec, queue):
        raise OwnershipError(
            f"the existing queue {name} (resource id {queue.resource_id}) cannot be taken over: {'; '.join(wrong)}: "
            "declare it as it is, or choose another queue_name"
        )
    if plan_scaling(queue, int(spec.cu_count or 0)):
        cus = queue.cu_spec or queue.cu_count or 0
        if reason := impossible_scaling(name, cus, int(spec.cu_count or 0), queue.elastic_resource_pool_name):
            raise OwnershipError(f"the existing queue {name} cannot be taken over: {reason}")
    before = {key: value for key, value in tags.items() if key in (spec.tags or {})}
    return queue, _mark(session, queue, tag, renewed(owner)), before


def _mark(session: Session, queue: Queue, old: str, new: str) -> str:
    """Put the owner tag on a queue that was taken over; gives the tag that it carries then."""
    if not new:
        return old
    try:
        session.set_tags(QUEUE_TAGS, tag_id(queue), old={OWNER_TAG: old} if old else {}, new={OWNER_TAG: new})
    except ApiError as error:
        if not is_unpublished(error):
            raise
        return old
    return new


def _tags_now(session: Session, queue: Queue, owner: str) -> dict[str, str]:
    """The queue's tags, read at this moment; where the region has no tag calls, the documented list filter tells at
    least whether our own tag is on it (contract 4.2).
    """
    for key in (queue.resource_id, queue.queue_name):  # which of them it takes is not documented (contract 4.7)
        if not key:
            continue
        try:
            return session.client.tags.list(QUEUE_TAGS, key)
        except NotFoundError:
            continue
        except ApiError as error:
            if not is_unpublished(error):
                raise
            break
    if owner:
        own = session.client.queues.list(tags={OWNER_TAG: owner})
        if any(one.queue_name.lower() == queue.queue_name.lower() for one in own):
            return {OWNER_TAG: owner}
    return {}


def _listed_tags(session: Session, queue: Queue) -> Mapping[str, str] | None:
    """The queue's tags out of one call for all queues; None where tags cannot be read."""
    found = session.queue_tags()
    if found is None:
        return None
    return found.get(queue.resource_id or "") or found.get(queue.queue_name) or {}


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


def _wait_until_gone(call: Call, session: Session, queue: Queue) -> None:
    """Until the list no longer shows it: only then the name is free (contract 4.4). Deleted once more if it stays."""
    name = queue.queue_name.lower()
    silence, again = Silence(session.service_now, seconds=UNHEARD_SECONDS), False

    def look() -> bool:
        rows = session.queues.get(not_older_than=session.clock.now() - _tick(session))
        # One of another id is another queue: somebody took the name as soon as it was free.
        return any(row.queue_name.lower() == name and row.resource_id == queue.resource_id for row in rows)

    def describe(listed: bool) -> Seen:
        nonlocal again
        if not listed:
            return Seen("gone")
        if silence.lasts():
            if again:
                return Seen(UNHEARD, "it was asked for twice, DLI accepted both, and the queue is still listed")
            again = True
            silence.broken()
            _delete(session, name)
        return Seen("listed", words="deleted, still listed")

    wait_for(
        look,
        id=name,
        goal=Goal("queue", target={"gone"}, failed={UNHEARD}, moving={"listed"}),
        describe=describe,
        deadline=Deadline(call.timeout_seconds or DELETE_SECONDS, session.clock),
        backoff=session.backoff(),
        call=call,
        clock=session.clock,
    )


def _tick(session: Session) -> float:
    """How old a shared look may be, so that those who wait at the same time share it (never older than the write)."""
    return session.client.connection.poll_seconds / 2
