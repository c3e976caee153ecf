"""One job as one call sees it: looks at it, and waits for it.

`operations.py` builds its moves on this. Nothing here changes the job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from pulumi_dli import patience
from pulumi_dli.api.flink_models import FlinkJob, ItemResult
from pulumi_dli.api.job_status import MOVING
from pulumi_dli.clock import Clock
from pulumi_dli.errors import ApiError, ConflictError, DliError, NotFoundError, WaitFailedError
from pulumi_dli.lifecycle.coalescing.poll_source import JobSnapshot
from pulumi_dli.lifecycle.coalescing.waiting import (
    UNHEARD,
    Deadline,
    StatusReport,
    WaitCondition,
    cancelled_error,
    wait_on,
)
from pulumi_dli.lifecycle.jobs.outputs import tells_all
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session

T = TypeVar("T")

CANCEL_GRACE_SECONDS = 60.0  # how long a ^C waits while the stream is down and can be up again soon


class LateCancel(threading.Event):
    """A cancel that takes effect a while after it was asked for, for steps that are better finished."""

    def __init__(self, asked: threading.Event, clock: Clock, grace_seconds: float) -> None:
        super().__init__()
        self._asked = asked
        self._clock = clock
        self._grace = grace_seconds
        self._since: float | None = None

    def is_set(self) -> bool:
        if not self._asked.is_set():
            return False
        if self._since is None:
            self._since = self._clock.now()
        return self._clock.now() - self._since >= self._grace

    def wait(self, timeout: float | None = None) -> bool:
        seconds = 0.0 if timeout is None else timeout
        if not self._asked.is_set():
            self._asked.wait(seconds)
        elif not self.is_set():
            super().wait(seconds)
        return self.is_set()


class JobView:
    """Looks at one job within one call."""

    def __init__(self, call: OperationContext, session: Session, job_id: int, *, name: str) -> None:
        self.call = call
        self.session = session
        self.job_id = job_id
        self.what = f"Flink job {name} ({job_id})"
        self._cancelled = call.cancelled
        self._call_deadline = Deadline(call.timeout_seconds, session.clock) if call.timeout_seconds else None

    def hold_cancel(self) -> None:
        """From here the stream is down: a ^C waits a little for it to be up again."""
        self._cancel_by(LateCancel(self.call.cancelled, self.session.clock, CANCEL_GRACE_SECONDS))

    def release_cancel(self) -> None:
        """The stream is on its way up again: a ^C ends waits at once."""
        self._cancel_by(self.call.cancelled)

    def _cancel_by(self, event: threading.Event) -> None:
        self._cancelled = event
        if (mine := patience.current()) is not None:
            mine.cancelled = event  # for the client's own waits

    def look(self) -> FlinkJob:
        """The job's details, read now."""
        return self.session.client.flink_jobs.get(self.job_id)

    def is_gone(self) -> bool:
        """Whether there is no such job any more."""
        try:
            self.look()
        except NotFoundError:
            return True
        return False

    def get_shared(self) -> FlinkJob:
        """The job as of now: out of a list page that all who look now share, where that tells enough."""
        with self.session.jobs.expect():
            snapshot = self.session.jobs.read(self.job_id, not_older_than=self.session.clock.now())
        return snapshot.job if snapshot.detailed or tells_all(snapshot.job) else self.look()

    def pause(self) -> None:
        """A moment between two looks.

        Raises:
            CancelledError: the person asked to stop.
        """
        if self.session.clock.wait(self._cancelled, self.session.client.connection.poll_seconds):
            raise cancelled_error(self.what)

    def _wait(self, goal: WaitCondition, seconds: float, describe: Any) -> JobSnapshot[FlinkJob]:
        if self._call_deadline is not None:
            seconds = self._call_deadline.remaining_seconds
        with self.session.poller.watch(self.job_id, cancelled=self._cancelled) as looks:
            return wait_on(
                looks,
                id=self.what.removeprefix("Flink job "),
                goal=goal,
                describe=describe,
                deadline=Deadline(seconds, self.session.clock),
                call=self.call,
            )

    def _until_heard(self, verb: str, ask: Callable[[], object], wait: Callable[[], T]) -> T:
        """Wait for what was asked; asked once more when the job shows that it never heard of it.

        Raises:
            WaitFailedError: it was accepted each time, and without effect; and as the wait itself.
        """
        try:
            return wait()
        except WaitFailedError as error:
            if error.status != UNHEARD:
                raise
        self.call.status(f"shows no sign of the {verb}, asked again")
        ask()
        try:
            return wait()
        except WaitFailedError as error:
            if error.status != UNHEARD:
                raise
            told = f"; the service says: {error.description}" if error.description else ""
            raise WaitFailedError(
                f"{self.what} {'is' if verb == 'start' else 'runs on'} as before: DLI accepted a {verb} twice, and the "
                f"job shows no sign of it{told}. Look at it at the console; `pulumi up` asks again",
                id=str(self.job_id),
                status=UNHEARD,
                description=error.description,
            ) from error

    def _seen(self, job: FlinkJob, words: str = "") -> StatusReport:
        return StatusReport(job.status, self._description(job), words=words if job.status in MOVING else "")

    def _description(self, job: FlinkJob) -> str:
        return job.status_desc or ""

    def _service_now(self) -> float:
        return self.session.service_now()

    def service_millis(self) -> int:
        """The service's time in milliseconds, as savepoints are noted; 0 where it does not tell the time."""
        told = self.session.client.service_time
        return int(told * 1000) if told is not None else 0

    def _refused(self, what: str, result: ItemResult, verb: str) -> DliError:
        if result.gone or (result.said_missing and self.is_gone()):
            return NotFoundError(f"{self.what} {what}: it does not exist", status=400, code=result.code)
        kind = ConflictError if result.code == "DLI.15002" else ApiError
        return kind(
            f"{self.what} {what}: {result.message}",
            status=400,
            code=result.code,
            method="POST",
            path=f"/streaming/jobs/{verb}",
        )
