"""Room for a queue in its pool, when other queues of the program give up theirs in the same deployment.

The engine knows no order between the queues of a pool, and the service refuses whatever does not fit at that moment
(dli-api 12.5). So a refusal is no end as long as a queue still holds CUs that the program takes away from it.
"""

from __future__ import annotations

from collections.abc import Callable

from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConflictError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnknownOutcomeError,
)
from pulumi_dli.lifecycle.coalescing.waiting import Deadline, cancelled_error
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.pool_sizes import HOURS, live_sizes
from pulumi_dli.lifecycle.session import Session

ROOM_SECONDS = 120.0  # with one resource at a time, the other queue may come only after this one
_OTHERS = (AuthError, ConflictError, UnknownOutcomeError, NotFoundError, ThrottledError)


def when_there_is_room(call: OperationContext, session: Session, pool: str, act: Callable[[], object]) -> None:
    """Do what takes CUs of a pool, again after a refusal as long as queues of the program are about to give up some.

    Raises:
        DliError: it was refused, and no queue of the program gives way.
    """
    deadline, backoff = Deadline(call.timeout_seconds or ROOM_SECONDS, session.clock), session.backoff()
    nobody_in_the_way = False
    while True:
        try:
            act()
        except ApiError as error:
            if isinstance(error, _OTHERS) or error.status >= 500:
                raise
            larger = _about_to_shrink(call, session, pool)
            if deadline.passed or (nobody_in_the_way and not larger):
                raise
            nobody_in_the_way = not larger
            if nobody_in_the_way:
                continue  # perhaps only since the refusal: then it would be taken now
            call.status(f"waits until {', '.join(larger)} gave up CUs of elastic resource pool {pool}")
            session.clock.wait(call.cancelled, min(backoff.pause(), deadline.remaining_seconds))
            if call.cancelled.is_set():
                raise cancelled_error(f"room in elastic resource pool {pool}") from error
        else:
            return


def _about_to_shrink(call: OperationContext, session: Session, pool: str) -> list[str]:
    """The other queues of the program that hold more of the pool than they are declared with."""
    declared = {sizes.queue: sizes for sizes in call.pools.queues_in(pool, besides=call.urn)}
    if not declared:
        return []
    try:
        there = live_sizes(pool, session.queues_of(pool).get(not_older_than=session.clock.now()))
    except DliError:
        return []  # the refusal says more
    return [
        now.queue
        for now in there
        if (then := declared.get(now.queue)) and any(now.at(h)["min_cu"] > then.at(h)["min_cu"] for h in HOURS)
    ]
