"""What is done to an elastic resource pool that exists: wait for it, change it, delete it (dli-api 12.3, 12.4, 12.6).

A pool begins to scale by itself, and takes no write while it does. So each write waits for the end of a scaling first,
and a refused one looks again: only a refusal by a pool at rest is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_dli.api.elastic_resource_pools import AVAILABLE, FAILED, MOVING, ElasticResourcePool
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnknownOutcomeError,
)
from pulumi_dli.lifecycle.coalescing.waiting import UNHEARD, Deadline, Silence, StatusReport, WaitCondition, wait_for
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.pools.mapping import IN_PLACE, computed_outputs, managed, missing
from pulumi_dli.lifecycle.session import POOL_TAGS, Session
from pulumi_dli.lifecycle.tagging import TaggedObject
from pulumi_dli.lifecycle.update import Update
from pulumi_dli.specs.elastic_resource_pool import ElasticResourcePoolSpec

CHANGE_SECONDS = 45 * 60.0  # others allow 30 minutes; one live run took 10 (dli-api 12.6)
UNHEARD_SECONDS = 120.0  # service time for which the list may be behind a write
_KIND = "elastic resource pool"


def observe(session: Session, name: str, *, not_older_than: float | None = None) -> ElasticResourcePool | None:
    """The pool by its stored name. Absence from the list of all counts only when the list by name says so too."""
    rows = session.pools.get(not_older_than=not_older_than)
    return next((row for row in rows if row.name == name), None) or session.client.elastic_resource_pools.find(name)


def tagged_pool(pool: ElasticResourcePool) -> TaggedObject:
    """The pool as the tag calls know it (dli-api 12.2)."""
    return TaggedObject(POOL_TAGS, tuple(filter(None, (pool.resource_id, pool.name))), f"{_KIND} {pool.name}")


class PoolWait:
    """Waits for one pool within the time of one call.

    Attributes:
        available_time: when its creation was done, in milliseconds of the service; None where it was not seen.
        seen: the pool at the last look that showed it.
    """

    def __init__(self, call: OperationContext, session: Session, name: str, *, seconds: float) -> None:
        self._call = call
        self._session = session
        self._name = name
        self._creating = False
        self.available_time: int | None = None
        self.seen: ElasticResourcePool | None = None
        self.deadline = Deadline(call.timeout_seconds or seconds, session.clock)

    def look(self) -> ElasticResourcePool | None:
        """The pool now; a look is shared with those who wait at the same time."""
        oldest = self._session.clock.now() - self._session.client.connection.poll_seconds / 2
        found = observe(self._session, self._name, not_older_than=oldest)
        self.seen = found or self.seen
        return found

    def available(
        self,
        *,
        is_heard: Callable[[ElasticResourcePool], bool] = lambda _pool: True,
        repeat: Callable[[], None] | None = None,
    ) -> ElasticResourcePool:
        """Wait until it takes writes.

        Args:
            is_heard: whether it shows what was asked of it.
            repeat: asks once more, when it shows nothing of it for too long.

        Raises:
            DliError: it failed, is gone, or the time is over.
        """
        silence, again = Silence(self._session.service_now, seconds=UNHEARD_SECONDS), False

        def describe(seen: tuple[ElasticResourcePool, ...]) -> StatusReport:
            nonlocal again
            if seen and seen[0].status == FAILED:
                return StatusReport(FAILED, seen[0].fail_reason or "")
            if seen and is_heard(seen[0]):
                self._notice(seen[0])
                silence.broken()
                return _status(seen[0])
            if repeat is None:
                return StatusReport("gone", "it is not in the list any more")
            if silence.lasts():
                if again:
                    return StatusReport(
                        UNHEARD, "it was asked for twice, DLI accepted both, and the list shows nothing of it"
                    )
                again = True
                silence.broken()
                repeat()
            return StatusReport("missing", words="accepted, not shown yet")

        hint = "a new pool takes minutes" if repeat else ""
        goal = WaitCondition(
            _KIND, target={AVAILABLE}, failed={FAILED, UNHEARD, "gone"}, moving={*MOVING, "missing"}, hint=hint
        )
        found: tuple[ElasticResourcePool] = self._until(goal, lambda: tuple(filter(None, [self.look()])), describe)
        return found[0]

    def deletable(self, can_go: Callable[[ElasticResourcePool], str]) -> ElasticResourcePool | None:
        """Wait until it may be deleted; None when it is gone.

        Args:
            can_go: what it still waits for, in words; "" when it may go.
        """

        def describe(seen: tuple[ElasticResourcePool, ...]) -> StatusReport:
            if not seen or seen[0].status == FAILED:
                return StatusReport("ready")
            if seen[0].status in MOVING:
                return StatusReport(seen[0].status, words=f"waits for the end of {seen[0].status}")
            words = can_go(seen[0])
            return StatusReport("waiting", words=words) if words else StatusReport("ready")

        goal = WaitCondition(_KIND, target={"ready"}, failed=(), moving={*MOVING, "waiting"})
        return next(iter(self._until(goal, lambda: tuple(filter(None, [self.look()])), describe)), None)

    def gone(self, pool: ElasticResourcePool) -> bool:
        """Wait until the list lacks it (dli-api 12.4); False when it stays as if nothing had been asked."""
        silence = Silence(self._session.service_now, seconds=UNHEARD_SECONDS)

        def describe(listed: bool) -> StatusReport:
            if listed and not silence.lasts():
                return StatusReport("listed", words="deleted, still listed")
            return StatusReport(UNHEARD if listed else "gone")

        def listed() -> bool:
            found = self.look()  # one of another id is another pool: somebody took the name as soon as it was free
            return found is not None and found.resource_id == pool.resource_id

        return not self._until(
            WaitCondition(_KIND, target={"gone", UNHEARD}, failed=(), moving={"listed"}), listed, describe
        )

    def _notice(self, pool: ElasticResourcePool) -> None:
        self._creating = self._creating or pool.status == "CREATING"
        now = self._session.client.service_time
        if pool.status == AVAILABLE and self._creating and self.available_time is None and now is not None:
            self.available_time = int(now * 1000)

    def _until(self, goal: WaitCondition, look: Callable[[], Any], describe: Callable[[Any], StatusReport]) -> Any:
        return wait_for(
            look,
            id=self._name,
            goal=goal,
            describe=describe,
            deadline=self.deadline,
            backoff=self._session.backoff(),
            call=self._call,
            clock=self._session.clock,
        )


def _status(pool: ElasticResourcePool) -> StatusReport:
    return StatusReport(pool.status, pool.fail_reason or "", words=pool.status.lower())


class PoolUpdate(Update[ElasticResourcePoolSpec]):
    """See `Update`."""

    def __init__(
        self,
        call: OperationContext,
        session: Session,
        spec: ElasticResourcePoolSpec,
        pool: ElasticResourcePool,
        wait: PoolWait,
        *,
        whose: Mapping[str, str],
        olds: Mapping[str, Any] | None = None,
        touched: bool = False,
    ) -> None:
        super().__init__(call, session, spec, whose=whose, olds=olds, touched=touched)
        self._pool = pool
        self._wait = wait

    @property
    def _id(self) -> str:
        return self._pool.name

    @property
    def _tagged(self) -> TaggedObject:
        return tagged_pool(self._pool)

    def _reached(self) -> dict[str, Any]:
        inputs = {name: value for name, value in self._spec.inputs.items() if name not in (*IN_PLACE, "tags")}
        there = {name: getattr(self._pool, name) for name in IN_PLACE}
        return inputs | {name: value for name, value in there.items() if value is not None}

    def _outs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        seen = {} if self._wait.available_time is None else {"available_time": self._wait.available_time}
        found = computed_outputs(self._pool, {**self._olds, **seen})
        return {**inputs, **found, **self._session.where(), **self._whose}

    def _change(self) -> None:
        before = managed(self._olds)
        while missing(self._spec, before, self._pool):
            self._pool = self._wait.available()
            if not (body := missing(self._spec, before, self._pool)):
                return
            if not self._send(body):
                continue
            self._pool = self._wait.available(
                is_heard=lambda pool: not missing(self._spec, before, pool), repeat=lambda: self._put(body)
            )

    def _put(self, body: Mapping[str, Any]) -> None:
        try:
            self._session.client.elastic_resource_pools.update(self._pool.name, body)
        finally:
            self._session.wrote()

    def _send(self, body: Mapping[str, Any]) -> bool:
        """Whether it was taken; False when the pool had begun to scale since the last look."""
        touched, self._touched = self._touched, True
        try:
            self._put(body)
        except ApiError as error:
            if not isinstance(error, UnknownOutcomeError):
                self._touched = touched  # refused: nothing happened
            if isinstance(error, AuthError | ThrottledError | NotFoundError | UnknownOutcomeError):
                raise
            now = self._wait.look()
            if now is not None and now.status in MOVING and not self._wait.deadline.passed:
                return False
            raise DliError(f"{_KIND} {self._pool.name} was not changed: {error}. {self._why(body)}") from error
        return True

    def _why(self, body: Mapping[str, Any]) -> str:
        held = f" ({self._pool.current_cu} now)" if self._pool.current_cu is not None else ""
        asked = ", ".join(f"{name} from {getattr(self._pool, name)} to {body[name]}" for name in body)
        return (
            f"Asked for: {asked}. min_cu can be at most the CUs that the pool holds{held} and at least the sum of its "
            "queues' minima, max_cu at least the maximum of each queue"
        )


def delete(session: Session, name: str) -> None:
    """Ask for its deletion; nothing to do when it is gone."""
    try:
        session.client.elastic_resource_pools.delete(name)
    except NotFoundError:
        return
    finally:
        session.wrote()
