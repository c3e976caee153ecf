"""The life of an elastic resource pool: create or take over, wait, change, delete (dli-api 12).

`provider.py` calls it through `contract.Lifecycle`. What is done to a pool that exists is in `operations.py`, what a
preview says of it in `preview.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pulumi_dli.api.elastic_resource_pools import FAILED, ElasticResourcePool
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConflictError,
    DliError,
    ThrottledError,
    UnknownOutcomeError,
    WaitFailedError,
)
from pulumi_dli.lifecycle.coalescing.waiting import Silence, cancelled_error, duration
from pulumi_dli.lifecycle.contract import CreateResult, DiffRequest, DiffResult, Observation, ResourceInitFailed
from pulumi_dli.lifecycle.create import Created, create_or_adopt
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import whose_in
from pulumi_dli.lifecycle.pools import operations, preview
from pulumi_dli.lifecycle.pools.create import KIND, PoolCreation
from pulumi_dli.lifecycle.pools.mapping import computed_outputs, imported, managed, refreshed
from pulumi_dli.lifecycle.pools.operations import CHANGE_SECONDS, PoolUpdate, PoolWait, observe, tagged_pool
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import has_heir, is_of_another, tags_of
from pulumi_dli.specs.elastic_resource_pool import ElasticResourcePoolSpec
from pulumi_dli.specs.fields import CheckFailure
from pulumi_dli.specs.values import OWNER_TAG, whole

DELETE_SECONDS = 45 * 60.0  # its age, the end of a scaling, and the 10 minutes that others allow
DELETABLE_AGE_SECONDS = 15 * 60.0  # from AVAILABLE on (dli-api 12.4)
CREATION_SECONDS = 5 * 60.0  # for which a creation is reckoned that nobody saw end
QUEUES_GO_SECONDS = 30.0  # service time for which the list may still show queues that were deleted just now


class ElasticResourcePoolLifecycle:
    """See `contract.Lifecycle`. The id is the name as the service stores it, in lower case."""

    spec = ElasticResourcePoolSpec

    def validate(
        self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _unknown: Collection[str]
    ) -> list[CheckFailure]:
        return []

    def names(self, news: Mapping[str, Any], unknown: Collection[str]) -> list[tuple[str, str, str]]:
        field = "elastic_resource_pool_name"
        return [(KIND, news[field], field)] if field not in unknown else []

    def preview_create(self, call: OperationContext, request: DiffRequest) -> None:
        preview.preview_create(call, request)

    def preview_update(self, call: OperationContext, request: DiffRequest) -> DiffResult:
        return preview.preview_update(call, request)

    def holdings(self, id: str, _outs: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(KIND, id)]

    def create(self, call: OperationContext, session: Session, spec: ElasticResourcePoolSpec) -> CreateResult:
        creation = PoolCreation(session, spec)
        made = create_or_adopt(call, session, creation, adopt=bool(spec.adopt), tags=spec.tags)
        wait = PoolWait(call, session, made.id, seconds=CHANGE_SECONDS)
        pool = _await_creation(session, spec, made, wait, creation)
        update = PoolUpdate(call, session, spec, pool, wait, whose=made.notes(), touched=True)
        declared = spec.tags or {}
        found = {key: value for key, value in (made.tags or {}).items() if key in declared}
        return CreateResult(made.id, update.bring_in_line(tags_before=declared if made.found is None else found))

    def read(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        name = id.lower()
        session.must_be_where(olds, f"elastic resource pool {name}")
        pool = observe(session, name)
        if pool is None:
            return None
        known = bool(managed(olds))
        tags = tags_of(call, session, tagged_pool(pool)) if "tags" in managed(olds) or not known else None
        inputs = refreshed(pool, olds, tags) if known else imported(pool, tags)
        whose = whose_in(olds) if known else {"owner_tag": (tags or {}).get(OWNER_TAG, "")}
        outs = {**inputs, **computed_outputs(pool, olds), **session.where(), **whose}
        return Observation(name, outs, inputs, _unhealthy(pool))

    def update(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], spec: ElasticResourcePoolSpec
    ) -> Mapping[str, Any]:
        session.must_be_where(olds, f"elastic resource pool {id}")
        pool = observe(session, id, not_older_than=session.clock.now())
        if pool is None:
            raise DliError(
                f"elastic resource pool {id} is gone: `pulumi up --refresh` notices that and creates it again"
            )
        wait = PoolWait(call, session, id, seconds=CHANGE_SECONDS)
        if pool.status in ("CREATING", FAILED):  # an interrupted create goes on here
            pool = _usable(wait, id)
        update = PoolUpdate(call, session, spec, pool, wait, whose=whose_in(olds), olds=olds)
        return update.bring_in_line(tags_before=managed(olds).get("tags") or {})

    def delete(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        what = f"elastic resource pool {id}"
        session.must_be_where(olds, what)
        if has_heir(call, session, KIND, id, olds, what=what):
            return
        pool = observe(session, id, not_older_than=session.clock.now())
        if pool is None or is_of_another(call, session, tagged_pool(pool), olds, what=what):
            return
        _Deletion(call, session, id, olds).run()


def _await_creation(
    session: Session,
    spec: ElasticResourcePoolSpec,
    made: Created[ElasticResourcePool],
    wait: PoolWait,
    creation: PoolCreation,
) -> ElasticResourcePool:
    """The pool once it takes queues. It exists from here on, whatever happens."""

    def post_again() -> None:
        try:
            creation.post(made.owner_tag)
        except (ConflictError, UnknownOutcomeError):  # names are unique: it is there after all, or not
            return

    try:
        return wait.available(repeat=post_again)
    except DliError as error:
        found = computed_outputs(wait.seen, {}) if wait.seen else {}
        outs = {**spec.inputs, **found, **session.where(), **made.notes()}
        reason = f"elastic resource pool {made.id} was created, but: {error}{_way_out(error)}"
        raise ResourceInitFailed(made.id, outs, (reason,)) from error


def _usable(wait: PoolWait, name: str) -> ElasticResourcePool:
    """The pool of an interrupted create once it is up.

    Raises:
        DliError: it never will be.
    """
    try:
        return wait.available()
    except WaitFailedError as error:
        raise DliError(f"elastic resource pool {name} cannot be used: {error}{_way_out(error)}") from error


def _way_out(error: DliError) -> str:
    if not isinstance(error, WaitFailedError) or error.status != FAILED:
        return ""
    return ". Delete it (`pulumi destroy --target` with its URN) and run `pulumi up` again, or give it another name"


def _unhealthy(pool: ElasticResourcePool) -> tuple[str, ...]:
    if pool.status != FAILED:
        return ()
    return (f"elastic resource pool {pool.name} is {FAILED}: {pool.fail_reason or 'the service gives no reason'}",)


class _Deletion:
    """The deletion of one pool: asked for at once, and again when the service refuses it for its age.

    The documents of Open Telekom Cloud are silent about the age (dli-api 12.4), so nothing waits before a refusal.
    """

    def __init__(self, call: OperationContext, session: Session, name: str, olds: Mapping[str, Any]) -> None:
        self._call = call
        self._session = session
        self._name = name
        self._what = f"elastic resource pool {name} was not deleted"
        self._olds = olds
        self._wait = PoolWait(call, session, name, seconds=DELETE_SECONDS)
        self._backoff = session.backoff()
        self._queues_stay = Silence(session.service_now, seconds=QUEUES_GO_SECONDS)
        self._refusal: ApiError | None = None

    def run(self) -> None:
        """Delete it and wait until the list lacks it.

        Raises:
            DliError: it holds queues, or the time is over.
        """
        unheard = 0
        while pool := self._wait.deletable(self._obstacle):
            try:
                operations.delete(self._session, self._name)
            except (AuthError, ThrottledError):
                raise
            except ApiError as error:
                self._refused(error)
                continue
            if self._wait.gone(pool):
                return
            unheard += 1
            if unheard > 1:
                raise DliError(f"{self._what}: it was asked for twice, DLI accepted both, and the pool is still listed")

    def _obstacle(self, pool: ElasticResourcePool) -> str:
        """What to wait for, in words; "" when it may go, as far as can be told."""
        if queues := self._queues(pool):
            if self._queues_stay.lasts():
                raise DliError(
                    f"{self._what}: it holds the queues {', '.join(queues)}. "
                    "Delete them first (within a stack, queues that take the pool's name from it go first)"
                )
            return f"waits for its queues to go ({', '.join(queues)})"
        left = self._seconds_too_young(pool)
        if self._refusal is None or left <= 0:
            return ""
        return f"can be deleted in {duration(left)}: DLI keeps a pool for {duration(DELETABLE_AGE_SECONDS)}"

    def _queues(self, pool: ElasticResourcePool) -> Sequence[str]:
        if pool.queues is None and self._refusal is not None:  # the list left them out (dli-api 12.2)
            return [row.queue_name for row in self._session.client.elastic_resource_pools.queues(self._name)]
        return pool.queues or ()

    def _seconds_too_young(self, pool: ElasticResourcePool) -> float:
        since = whole(self._olds.get("available_time"))
        if since is None and pool.create_time is not None:
            since = pool.create_time + CREATION_SECONDS * 1000
        told = self._session.client.service_time
        now = told if told is not None else self._session.clock.now()
        return 0.0 if since is None else since / 1000 + DELETABLE_AGE_SECONDS - now

    def _refused(self, error: ApiError) -> None:
        """Pause before the next attempt. No document has the codes of refusals, so each may pass (dli-api 12.4)."""
        deadline = self._wait.deadline
        if deadline.passed:
            raise DliError(
                f"{self._what}: {error}. It was asked for again and again for "
                f"{duration(deadline.waited_seconds)}; `custom_timeouts` allows more time"
            ) from error
        self._refusal = error
        self._call.status(f"DLI refuses the deletion ({error.message}), tries again")
        self._session.clock.wait(self._call.cancelled, min(self._backoff.pause(), deadline.remaining_seconds))
        if self._call.cancelled.is_set():
            raise cancelled_error(f"elastic resource pool {self._name}")
