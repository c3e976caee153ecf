"""What is done to a queue that exists: its network range, its CUs, its pool, its tags, step by step.

`queue.py` calls `bring_in_line`. Each step looks at what is there, and acts only on what is missing, so it may be run
again after any interruption. What was reached is always known: when a step fails after something was touched, the
outputs of `ResourceInitFailed` hold the reached values instead of the wished ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pulumi_dli.api.not_found import is_unsupported
from pulumi_dli.api.queues import Queue
from pulumi_dli.api.responses import is_queue_assigning
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnknownOutcomeError,
    WaitFailedError,
    WaitTimeoutError,
)
from pulumi_dli.lifecycle.coalescing.waiting import (
    UNHEARD,
    Deadline,
    Silence,
    StatusReport,
    WaitCondition,
    cancelled_error,
    duration,
    wait_for,
)
from pulumi_dli.lifecycle.contract import ResourceInitFailed
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.queues import policies
from pulumi_dli.lifecycle.queues.mapping import computed_outputs, impossible_scaling, managed, plan_scaling
from pulumi_dli.lifecycle.queues.room import when_there_is_room
from pulumi_dli.lifecycle.session import QUEUE_TAGS, Session
from pulumi_dli.lifecycle.tagging import TaggedObject, set_declared_tags
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.scaling import default_policy

CHANGE_SECONDS = 45 * 60.0  # as long as others allow a scaling (dli-api 3.8)
UNORDERED_SECONDS = 15 * 60.0  # service time for which an accepted order may not show: a scaling takes about 10 minutes
UNSHOWN_SECONDS = 60.0  # service time for which the list of a pool may be behind a change of policies
OTHER_ORDER_SECONDS = 60.0  # and for which another number may be one from before a late list
_IN_PLACE = ("cu_count", "scaling_policies", "cidr_in_vpc", "elastic_resource_pool_name", "tags")


class QueueUpdate:
    """One attempt to bring one queue to its spec; made for each call.

    Args:
        whose: the outputs that say whose it is.
        olds: the outputs so far; {} for a queue that this call has created or taken over.
        touched: whether something was written already, so that no failure may lose it.
        fresh: whether this call has just created it: then its CUs are on their way, and nobody waits for them.
    """

    def __init__(
        self,
        call: OperationContext,
        session: Session,
        id: str,
        spec: QueueSpec,
        queue: Queue,
        *,
        whose: Mapping[str, str],
        olds: Mapping[str, Any] | None = None,
        touched: bool = False,
        fresh: bool = False,
    ) -> None:
        self._call = call
        self._session = session
        self._id = id
        self._spec = spec
        self._queue = queue
        self._whose = whose
        self._olds = olds or {}
        self._touched = touched
        self._fresh = fresh
        self._deadline = Deadline(call.timeout_seconds or CHANGE_SECONDS, session.clock)
        wished, before = spec.inputs, managed(self._olds)
        held = {name: value for name, value in {**before, **self._found()}.items() if name in {**wished, **before}}
        self._reached = {
            **{name: value for name, value in wished.items() if name not in _IN_PLACE},
            **{name: held[name] for name in _IN_PLACE if name in held},
        }

    def bring_in_line(self, *, tags_before: Mapping[str, str]) -> dict[str, Any]:
        """Do what is missing; the outputs afterwards.

        Args:
            tags_before: those tags of the queue that are the program's to change.

        Raises:
            ResourceInitFailed: something was written, and not all of it was reached.
            DliError: nothing was written.
        """
        self._reached["tags"] = dict(tags_before)
        steps: dict[str, Callable[[], None]] = {
            "tags": lambda: self._tag(tags_before),
            "cidr_in_vpc": self._change_network,
            "elastic_resource_pool_name": self._enter_pool,
            "cu_count": self._resize,
            "scaling_policies": lambda: None,  # with cu_count, in one call
        }
        wished = self._spec.inputs
        for field, step in steps.items():
            try:
                step()
            except DliError as error:
                if not self._touched:
                    raise
                raise ResourceInitFailed(self._id, self._outs(), (str(error),)) from error
            self._reached.pop(field, None)
            if field in wished:
                self._reached[field] = wished[field]
        return self._outs()

    def _found(self) -> dict[str, Any]:
        found = {
            "cu_count": None if self._queue.elastic_resource_pool_name else self._queue.cu_count,  # of its policies
            "cidr_in_vpc": self._queue.cidr_in_vpc,
            "elastic_resource_pool_name": (self._queue.elastic_resource_pool_name or "").lower(),
        }
        return {name: value for name, value in found.items() if value}

    def _outs(self) -> dict[str, Any]:
        reached = {name: value for name, value in self._reached.items() if value or name in self._spec.inputs}
        return {
            **reached,
            **computed_outputs(self._queue, self._olds),
            **self._session.where(),
            **self._whose,
        }

    def _tag(self, before: Mapping[str, str]) -> None:
        wished = self._spec.tags or {}
        if dict(before) == dict(wished):
            return
        self._touched = True
        set_declared_tags(self._call, self._session, tagged_queue(self._queue), old=before, new=wished)

    def _change_network(self) -> None:
        wished = self._spec.cidr_in_vpc
        held = self._queue.cidr_in_vpc or managed(self._olds).get("cidr_in_vpc")
        if wished is None or wished == held:
            return
        try:
            self._once_assigned(lambda: self._session.client.queues.change_cidr(self._id, wished))
        except ApiError as error:
            if is_unsupported(error):
                raise DliError(
                    f"queue {self._id}: this region cannot change the network range of a queue: leave cidr_in_vpc out"
                ) from error
            if isinstance(error, AuthError | ThrottledError | NotFoundError):
                raise
            raise DliError(
                f"queue {self._id} did not take the network range of cidr_in_vpc: {error}. The service refuses it "
                "while jobs are submitting or running, for queues bound to an enhanced connection, and in pools"
            ) from error

    def _enter_pool(self) -> None:
        wished = self._spec.elastic_resource_pool_name
        held = (self._queue.elastic_resource_pool_name or "").lower()
        if (wished or "") == held or not (wished or managed(self._olds).get("elastic_resource_pool_name")):
            return
        if held:
            raise DliError(
                f"queue {self._id} is in the elastic resource pool {held} and can neither leave nor change it"
            )
        if not wished:
            return
        self._once_assigned(lambda: self._session.client.queues.enter_pool(self._id, wished))
        self._queue = self._look()

    def _resize(self) -> None:
        pool = (self._queue.elastic_resource_pool_name or "").lower()
        if not pool and self._fresh:  # an answer may leave it out; what was just created is in it
            pool = self._spec.elastic_resource_pool_name or ""
        if pool:
            self._set_policies(pool)
        else:
            self._scale()

    def _set_policies(self, pool: str) -> None:
        """A pool's queue has its CUs from its policies (dli-api 12.7); they take effect at the next full hour."""
        declared_before = managed(self._olds).get("scaling_policies") is not None

        def there() -> policies.Policies:
            queues = self._session.queues_of(pool).get(not_older_than=self._session.clock.now())
            found = policies.found(queues, self._id)
            if found is None:
                raise DliError(f"queue {self._id} is not in the elastic resource pool {pool} any more")
            return found

        made = [default_policy(int(self._spec.cu_count or 0))] if self._fresh else there()
        wanted = policies.wanted(self._spec, made, declared_before=declared_before)
        if policies.same(wanted, made):
            return
        put = partial(self._session.client.elastic_resource_pools.set_policies, pool, self._id, wanted)
        try:
            when_there_is_room(self._call, self._session, pool, lambda: self._once_assigned(put))
        except ApiError as error:
            if isinstance(error, AuthError | ThrottledError | UnknownOutcomeError):
                raise
            raise DliError(
                f"the scaling policies of queue {self._id} were not changed: {error}. At every hour the minima of the "
                f"queues in pool {pool} must fit into its min_cu, and each maximum into its max_cu; a queue that "
                "leaves the program goes last"
            ) from error
        self._await_policies(there, wanted, again=lambda: self._once_assigned(put))

    def _await_policies(
        self, there: Callable[[], policies.Policies], wanted: policies.Policies, *, again: Callable[[], None]
    ) -> None:
        """Until the pool shows them; asked for once more when it does not."""
        silence, asked_again = Silence(self._session.service_now, seconds=UNSHOWN_SECONDS), False

        def describe(found: policies.Policies) -> StatusReport:
            nonlocal asked_again
            if policies.same(found, wanted):
                return StatusReport("shown")
            if silence.lasts():
                if asked_again:
                    return StatusReport(UNHEARD, "DLI accepted its scaling policies twice, and does not show them")
                asked_again = True
                silence.broken()
                again()
            return StatusReport("accepted", words="its scaling policies were accepted, and are not shown yet")

        wait_for(
            there,
            id=self._id,
            goal=WaitCondition("queue", target={"shown"}, failed={UNHEARD}, moving={"accepted"}),
            describe=describe,
            deadline=self._deadline,
            backoff=self._session.backoff(),
            call=self._call,
            clock=self._session.clock,
        )

    def _scale(self) -> None:
        target = int(self._spec.cu_count or 0)
        plan = plan_scaling(self._queue, target)
        if plan is None or self._fresh:
            return
        cus_ordered = self._queue.cu_spec
        if plan.action:
            cus = cus_ordered or self._queue.cu_count or target
            if reason := impossible_scaling(self._id, cus, target):
                raise DliError(reason)
            self._order(plan.action, plan.amount, target)
        self._await_cus(target, ordered_before=cus_ordered)

    def _order(self, action: str, amount: int, target: int) -> None:
        """Send the order once. After a lost answer only what the queue shows counts: a second order would add again."""
        try:
            self._once_assigned(lambda: self._session.client.queues.scale(self._id, action, amount))
        except UnknownOutcomeError as error:
            self._look()
            if target not in (self._queue.cu_spec, self._queue.cu_count):
                raise UnknownOutcomeError(
                    f"queue {self._id}: the answer to its scaling was lost, and it does not show {target} CUs ordered; "
                    "it was not ordered again, since each order counts: run `pulumi up` again in a few minutes"
                ) from error
        except ApiError as error:
            if isinstance(error, AuthError | ThrottledError | NotFoundError):
                raise
            raise DliError(
                f"queue {self._id} was not scaled from {self._queue.cu_count} to {target} CUs: {error}. A queue can be "
                "scaled only after a job has run on it once: start a job, then run `pulumi up` again"
            ) from error

    def _await_cus(self, target: int, *, ordered_before: int | None) -> None:
        silence = Silence(self._session.service_now, seconds=UNORDERED_SECONDS)
        other = Silence(self._session.service_now, seconds=OTHER_ORDER_SECONDS)

        def describe(queue: Queue) -> StatusReport:
            words = f"scaling, has {queue.cu_count} of {target} CUs"
            if queue.cu_count == target:
                return StatusReport("scaled")
            if queue.cu_spec not in (None, target):  # what is ordered (dli-api 4.5); None: not told
                reason = ""
                if queue.cu_spec != ordered_before and other.lasts():
                    reason = f"somebody else ordered {queue.cu_spec} CUs meanwhile"
                elif queue.cu_spec == ordered_before and silence.lasts():
                    reason = f"DLI accepted the order, and still shows {queue.cu_spec} CUs as ordered"
                if reason:
                    return StatusReport(UNHEARD, reason)
            return StatusReport("scaling", words=words)

        self._touched = True  # an order is under way, whoever sent it: its outcome belongs into the state
        goal = WaitCondition(
            "queue", target={"scaled"}, failed={UNHEARD}, moving={"scaling"}, hint="takes about 10 minutes"
        )
        try:
            wait_for(
                self._look,
                id=self._id,
                goal=goal,
                describe=describe,
                deadline=self._deadline,
                backoff=self._session.backoff(),
                call=self._call,
                clock=self._session.clock,
            )
        except WaitFailedError as error:
            # Not ordered again: each order counts, and one that comes late would add to the next.
            raise DliError(
                f"queue {self._id} has {self._queue.cu_count} CUs, not {target}: {error.description}. "
                f"`pulumi up` orders what is missing then; cu_count={self._queue.cu_count} accepts what it has"
            ) from error
        except WaitTimeoutError as error:
            raise DliError(
                f"queue {self._id} has {self._queue.cu_count} CUs, not {target}, after "
                f"{duration(error.waited_seconds)}: the service does not promise to finish a scaling, least of all "
                f"inwards under load. `pulumi up` goes on waiting; cu_count={self._queue.cu_count} accepts that"
            ) from error

    def _look(self) -> Queue:
        oldest = self._session.clock.now() - self._session.client.connection.poll_seconds / 2
        found = observe(self._session, self._id, not_older_than=oldest)
        if found is None:
            raise DliError(f"queue {self._id} is gone: it was deleted while it was being changed")
        self._queue = found
        if found.cu_count and "cu_count" in self._reached and not found.elastic_resource_pool_name:
            self._reached["cu_count"] = found.cu_count
        return found

    def _once_assigned(self, act: Callable[[], None]) -> None:
        """Do it as soon as the queue has its compute. "Is assigning" means no effect, so asking again is safe (4.8)."""
        backoff = self._session.backoff()
        while True:
            touched_before, self._touched = self._touched, True
            try:
                return act()
            except ApiError as error:
                self._touched = touched_before  # refused: nothing happened
                if not is_queue_assigning(error) or self._deadline.passed:
                    raise
            finally:
                self._session.wrote()
            self._call.status(f"waits for the queue's compute, {duration(self._deadline.waited_seconds)}")
            self._session.clock.wait(self._call.cancelled, min(backoff.pause(), self._deadline.remaining_seconds))
            if self._call.cancelled.is_set():
                raise cancelled_error(f"the compute of queue {self._id}")


def observe(session: Session, name: str, *, not_older_than: float | None = None) -> Queue | None:
    """The queue by its stored name; absence from the list counts only when the details say so too (dli-api 3.5)."""
    rows = session.queues.get(not_older_than=not_older_than)
    for row in rows:
        if row.queue_name.lower() == name:
            return row
    try:
        return session.client.queues.get(name)
    except NotFoundError:
        return None


def tagged_queue(queue: Queue) -> TaggedObject:
    """The queue as the tag calls know it (dli-api 4.7): by the `queue_id` of the list, where the list has one."""
    ids = tuple(str(one) for one in (queue.queue_id, queue.resource_id, queue.queue_name) if one)
    return TaggedObject(QUEUE_TAGS, ids, f"queue {queue.queue_name.lower()}")
