"""The moves of one job: change, import a savepoint, start, see it through; stops are in `stops.py`. Each does one
thing and checks it.

`flink_job.py` and `upgrade.py` put moves together; what to do is decided in `plan.py`. A move never takes
success at its word: the result of a batch is read per job, a lost answer is followed by a look, a savepoint must be a
new one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.api.job_status import ENDED, MOVING, UP, JobStatus
from pulumi_dli.api.not_found import is_unsupported
from pulumi_dli.errors import (
    ApiError,
    DliError,
    NotFoundError,
    UnknownOutcomeError,
    UpgradeBlockedError,
    WaitFailedError,
)
from pulumi_dli.lifecycle.coalescing.poll_source import JobSnapshot
from pulumi_dli.lifecycle.coalescing.waiting import UNHEARD, Silence, StatusReport, WaitCondition
from pulumi_dli.lifecycle.jobs.kinds import JobKind
from pulumi_dli.lifecycle.jobs.plan import Phase, phase_of
from pulumi_dli.lifecycle.jobs.stops import FIRST_JOB, STOP_SECONDS, JobStops
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session

START_SECONDS = 1800.0  # a first job on a new queue takes up to 15 minutes (dli-api 3.8); never less than 20
_NOT_UP = ENDED | MOVING | {JobStatus.INIT}
_UNSTARTED_SECONDS = 60.0  # service time for which an accepted start may still show the rest that it ends


class JobOperations(JobStops):
    """The moves of one job within one call."""

    _start_again: Callable[[], None]

    def __init__(self, kind: JobKind, call: OperationContext, session: Session, job_id: int, *, name: str) -> None:
        super().__init__(call, session, job_id, name=name)
        self._kind = kind

    def change(self, body: Mapping[str, Any], again: Callable[[], Mapping[str, Any]] | None = None) -> None:
        """PUT these fields. Sent once more when the answer is lost, since it says what shall be and not what to add.

        Args:
            again: the fields that still differ then: a running job refuses an unchanged bucket (dli-api 6.3).
        """
        try:
            self._put(body)
        except UnknownOutcomeError:
            self._put(again() if again else body)

    def _put(self, body: Mapping[str, Any]) -> None:
        if not body:
            return
        try:
            self._kind.update(self.session.client.flink_jobs, self.job_id, body)
        finally:
            self.session.wrote()

    def import_savepoint(self, path: str) -> None:
        """Make `path` the job's newest savepoint. Repeated once when the answer is lost, as a change.

        Raises:
            UpgradeBlockedError: the region has no such call (dli-api 6.10: not in every region).
        """
        try:
            self._import(path)
        except ApiError as error:
            if is_unsupported(error):
                raise UpgradeBlockedError(
                    f"{self.what} cannot start from {path}: this region has no call to import a savepoint"
                ) from error
            raise

    def _import(self, path: str) -> None:
        try:
            self.session.client.flink_jobs.import_savepoint(self.job_id, path)
        except UnknownOutcomeError:
            self.session.client.flink_jobs.import_savepoint(self.job_id, path)
        finally:
            self.session.wrote()

    def must_import(self, path: str) -> None:
        """Make sure that savepoints can be imported here, while the job still runs: it then refuses, or does no harm.

        Raises:
            UpgradeBlockedError: the region has no such call.
        """
        try:
            self.import_savepoint(path)
        except (ApiError, UnknownOutcomeError):
            return  # a job that runs takes none: the call is there

    def see_deleted(self) -> None:
        """Delete it for as long as it is still there, although it was deleted before, as far as anybody knows.

        Raises:
            DliError: it stays.
        """
        for _ in range(2):
            try:
                self.look()
                self.session.client.flink_jobs.delete(self.job_id)
            except NotFoundError:
                return
            except UnknownOutcomeError:
                continue
            finally:
                self.session.wrote()
        with contextlib.suppress(NotFoundError):
            self.look()
            raise DliError(f"{self.what} was deleted three times, DLI said yes, and it is still there")

    def start(self, before: FlinkJob | None, *, resume: bool) -> None:
        """Have the job started; returns when the service has accepted it."""
        self._start_again = lambda: self._start(before, resume=resume)
        self._start(before, resume=resume)

    def _start(self, before: FlinkJob | None, *, resume: bool) -> None:
        for _ in range(3):
            try:
                result = self.session.runs.submit(self.job_id, resume)
            except UnknownOutcomeError:
                if self._has_begun(before):
                    return
                continue  # it never arrived: the job is at rest as before
            if not result.ok and not self._has_begun(before):
                raise self._refused("was not started", result, "run")
            return
        raise UnknownOutcomeError(f"{self.what}: three requests to start it went unanswered, and it is still at rest")

    def _has_begun(self, before: FlinkJob | None) -> bool:
        """Whether the job runs, or is on its way, although the answer to its start said otherwise or never came."""
        now = self.look()
        if phase_of(now.status) in (Phase.LIVE, Phase.MOVING):
            return now.status != JobStatus.CANCELING
        return before is not None and (now.start_time or 0) > (before.start_time or 0)

    def await_running(self, before: FlinkJob | None = None, *, on_queue: str = "") -> JobSnapshot[FlinkJob]:
        """The job once it runs (or has finished, if it is a bounded one). Started once more if it never heard of it.

        Raises:
            WaitFailedError: it came to rest in another status, with the service's description, or never left its rest.
            WaitTimeoutError, CancelledError: it is still on its way.
        """
        return self._until_heard("start", self._start_again, lambda: self._see_it_run(before, on_queue))

    def _see_it_run(self, before: FlinkJob | None, on_queue: str) -> JobSnapshot[FlinkJob]:
        silence = Silence(self._service_now, seconds=_UNSTARTED_SECONDS)
        rest = before.status if before else JobStatus.INIT
        started_before = (before.start_time if before else None) or 0
        moved = False

        def seen(snapshot: JobSnapshot[FlinkJob]) -> StatusReport:
            nonlocal moved
            job = snapshot.job
            moved = moved or job.status != rest or (job.start_time or 0) > started_before
            if moved or (before and not _is_at_rest(before)):
                return self._seen(job, words=f"submitting on queue {on_queue}" if on_queue else "submitting")
            if not silence.lasts():
                return StatusReport(JobStatus.SUBMITTING, words="submitting")
            # Of a rest that a start may also end in, nobody can tell the one before from the one after.
            return self._seen(job) if phase_of(rest) is Phase.FAILED else StatusReport(UNHEARD)

        failed = ENDED | {JobStatus.INIT, UNHEARD}
        goal = WaitCondition("Flink job", target=UP, failed=failed, moving=MOVING, hint=self._hint(on_queue))
        return self._wait(goal, START_SECONDS, seen)

    def _hint(self, queue: str) -> str:
        """What a start may have to wait for: the compute of a queue that this deployment has made."""
        return FIRST_JOB if queue in self.session.new_queues else ""

    def stabilise(self, seconds: float, *, restarts_before: int) -> FlinkJob:
        """The job's details after it has run for `seconds` of the service's clock without a restart.

        Raises:
            WaitFailedError: it failed, or restarted by itself, before that.
        """
        began = self._service_now()

        def seen(snapshot: JobSnapshot[FlinkJob]) -> StatusReport:
            job = snapshot.job
            over = job.status == JobStatus.FINISH or self._service_now() - began >= seconds
            if job.status in (JobStatus.RUNNING, JobStatus.IDLE, JobStatus.FINISH):
                return StatusReport("stable" if over else JobStatus.RUNNING, words="running, watched for restarts")
            return StatusReport(job.status, self._description(job))

        goal = WaitCondition("Flink job", target=("stable",), failed=_NOT_UP, moving=(JobStatus.RUNNING,))
        if seconds > 0:
            try:
                self._wait(goal, max(seconds * 2, 60.0) + STOP_SECONDS, seen)
            except WaitFailedError as error:
                raise self._did_not_stay(self.look(), f"up: it was {error.status}", error.description) from error
        job = self.look()
        restarts = job.restart_times or 0
        # The counter may or may not begin anew with a start: what is left after the smaller reading happened since.
        since = restarts - restarts_before if restarts >= restarts_before else restarts
        if since > 0 or job.status in ENDED:
            raise self._did_not_stay(job, f"up: status {job.status}, {since} restarts in {seconds:.0f} s")
        return job


def _is_at_rest(job: FlinkJob) -> bool:
    return phase_of(job.status) not in (Phase.LIVE, Phase.MOVING)
