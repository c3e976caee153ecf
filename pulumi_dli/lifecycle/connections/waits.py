"""What is waited for with a datasource connection: that it shows, that its peerings rest, that it goes.

A connection is ACTIVE at once; each peering takes its time, and while one is CREATING the connection cannot be deleted
(dli_02_0188). A queue that is bound in its first minutes stays in CREATING (dli_03_0257): it is waited for before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from pulumi_dli.api.datasource_connections import ACTIVE, CREATING, FAILED, DatasourceConnection
from pulumi_dli.lifecycle.coalescing.waiting import (
    UNHEARD,
    Deadline,
    Silence,
    StatusReport,
    WaitCondition,
    duration,
    wait_for,
)
from pulumi_dli.lifecycle.connections import surroundings
from pulumi_dli.lifecycle.connections.mapping import bound, shows
from pulumi_dli.lifecycle.networks import QUEUE, End
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session

CHANGE_SECONDS = 30 * 60.0  # nobody publishes how long a peering takes; ten minutes of a young queue come before it
UNHEARD_SECONDS = 120.0  # service time for which the list may be behind a write
QUEUE_AGE_SECONDS = 10 * 60.0  # "5 to 10 minutes" (dli_03_0257)
KIND_SAID = "datasource connection"


def observe(session: Session, id: str, *, not_older_than: float | None = None) -> DatasourceConnection | None:
    """The connection by its id. Absence from the list of all counts only when its own details say so too."""
    rows = session.connections.get(not_older_than=not_older_than)
    return next((row for row in rows if row.id == id), None) or session.client.datasource_connections.find(id)


class ConnectionWait:
    """Waits for one connection within the time of one call. `seen` is it at the last look that showed it."""

    def __init__(self, call: OperationContext, session: Session, name: str, *, seconds: float) -> None:
        self._call = call
        self._session = session
        self._name = name
        self.seen: DatasourceConnection | None = None
        self.deadline = Deadline(call.timeout_seconds or seconds, session.clock)

    def old_enough(self, coming: Collection[End]) -> None:
        """Wait until the queues among these can be bound.

        Raises:
            DliError: there is no such queue, or the time is over.
        """
        names = sorted(end.name for end in coming if end.kind == QUEUE)

        def look() -> tuple[str, float]:
            rows = [surroundings.queue(self._session, name, not_older_than=self._oldest()) for name in names]
            now = self._session.service_now()
            left = [
                (QUEUE_AGE_SECONDS - now + row.create_time / 1000, row.queue_name) for row in rows if row.create_time
            ]
            seconds, name = max(left, default=(0.0, ""))
            return name, seconds

        def describe(youngest: tuple[str, float]) -> StatusReport:
            name, left = youngest
            if left <= 0:
                return StatusReport("ready")
            return StatusReport(
                "young", words=f"queue {name} can be bound in {duration(left)}, when it is ten minutes old"
            )

        if names:
            self._until(WaitCondition("queue", target={"ready"}, failed=(), moving={"young"}), look, describe, names[0])

    def visible(self, id: str) -> DatasourceConnection:
        """Wait until a new one shows. It is not asked for again: names may repeat, so there could be two."""
        silence = Silence(self._session.service_now, seconds=UNHEARD_SECONDS)

        def describe(seen: tuple[DatasourceConnection, ...]) -> StatusReport:
            if seen:
                return StatusReport("readable")
            if silence.lasts():
                return StatusReport(UNHEARD, "its create was accepted, and there is no such connection")
            return StatusReport("missing", words="created, not readable yet")

        goal = WaitCondition(KIND_SAID, target={"readable"}, failed={UNHEARD}, moving={"missing"})
        found: tuple[DatasourceConnection] = self._until(goal, lambda: self._look(id), describe)
        return found[0]

    def at_rest(self, id: str, wanted: Collection[End], repeat: Callable[[Collection[End]], None]) -> None:
        """Wait until the peerings of these ends are ACTIVE.

        Args:
            repeat: binds again what shows nothing of it for too long.

        Raises:
            WaitFailedError: some have failed, and none is under way any more; says the service's reasons.
            DliError: the time is over, or it is gone.
        """
        silence, again = Silence(self._session.service_now, seconds=UNHEARD_SECONDS), False

        def describe(seen: tuple[DatasourceConnection, ...]) -> StatusReport:
            nonlocal again
            if not seen:
                return StatusReport("gone", "it is not there any more")
            there = bound(seen[0])
            lacking = [end for end in sorted(wanted) if end not in there and shows(seen[0], end)]
            if not lacking:
                silence.broken()
                return _peerings(seen[0], wanted)
            if silence.lasts():
                if again:
                    text = f"binding {', '.join(map(str, lacking))} was accepted twice, and nothing of it shows"
                    return StatusReport(UNHEARD, text)
                again = True
                silence.broken()
                repeat(lacking)
            return StatusReport("missing", words=f"{lacking[0]} is bound, not shown yet")

        goal = WaitCondition(KIND_SAID, target={ACTIVE}, failed={FAILED, UNHEARD, "gone"}, moving={CREATING, "missing"})
        self._until(goal, lambda: self._look(id), describe)

    def deletable(self, id: str) -> DatasourceConnection | None:
        """Wait until no peering is under way; None when the connection is gone."""

        def describe(seen: tuple[DatasourceConnection, ...]) -> StatusReport:
            busy = [str(end) for end, row in sorted(bound(seen[0]).items()) if row.status == CREATING] if seen else []
            if not busy:
                return StatusReport("ready")
            text = f"the peering of {', '.join(busy)} is being made, and DLI deletes no connection meanwhile"
            return StatusReport(CREATING, text, words=f"waits for the peering of {', '.join(busy)}")

        goal = WaitCondition(KIND_SAID, target={"ready"}, failed=(), moving={CREATING})
        return next(iter(self._until(goal, lambda: self._look(id), describe)), None)

    def gone(self, id: str) -> bool:
        """Wait until it is gone or DELETED; False when it stays as if nothing had been asked."""
        silence = Silence(self._session.service_now, seconds=UNHEARD_SECONDS)

        def describe(seen: tuple[DatasourceConnection, ...]) -> StatusReport:
            if seen and not silence.lasts():
                return StatusReport("listed", words="deleted, still listed")
            return StatusReport(UNHEARD if seen else "gone")

        goal = WaitCondition(KIND_SAID, target={"gone", UNHEARD}, failed=(), moving={"listed"})
        return not self._until(goal, lambda: self._look(id), describe)

    def _look(self, id: str) -> tuple[DatasourceConnection, ...]:
        """It now, if it is there; a look is shared with those who wait at the same time."""
        found = observe(self._session, id, not_older_than=self._oldest())
        self.seen = found or self.seen
        return (found,) if found else ()

    def _oldest(self) -> float:
        return self._session.clock.now() - self._session.client.connection.poll_seconds / 2

    def _until(
        self, goal: WaitCondition, look: Callable[[], Any], describe: Callable[[Any], StatusReport], id: str = ""
    ) -> Any:
        return wait_for(
            look,
            id=id or self._name,
            goal=goal,
            describe=describe,
            deadline=self.deadline,
            backoff=self._session.backoff(),
            call=self._call,
            clock=self._session.clock,
        )


def _peerings(connection: DatasourceConnection, wanted: Collection[End]) -> StatusReport:
    """All of them in one status: what is under way is waited for before a failure is told, so that all are told."""
    rows = {end: row for end, row in sorted(bound(connection).items()) if end in wanted}
    moving = {end: row for end, row in rows.items() if row.status not in (ACTIVE, FAILED)}
    if moving:
        words = ", ".join(f"{end} {row.status or 'without a status'}" for end, row in moving.items())
        return StatusReport(next(iter(moving.values())).status or "missing", words=f"peering of {words}")
    if failed := [
        f"{end}: {row.err_msg or 'DLI gives no reason'}" for end, row in rows.items() if row.status == FAILED
    ]:
        return StatusReport(FAILED, f"the peering of {'; of '.join(failed)}")
    return StatusReport(ACTIVE)
