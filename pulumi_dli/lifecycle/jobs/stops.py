"""Bringing one job to rest: settle, stop with the proof of a savepoint, stop for good; and a savepoint without a stop.

`operations.py` adds the other moves. A stop is believed when the job has come to rest, and a savepoint when it was not
there before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.api.job_status import AT_REST, ENDED, MOVING, STOPPABLE, UP, JobStatus
from pulumi_dli.api.not_found import is_unsupported
from pulumi_dli.errors import (
    ApiError,
    ConflictError,
    DliError,
    UnknownOutcomeError,
    UpgradeBlockedError,
    WaitFailedError,
)
from pulumi_dli.lifecycle.coalescing.poll_source import JobSnapshot
from pulumi_dli.lifecycle.coalescing.waiting import UNHEARD, Silence, StatusReport, WaitCondition
from pulumi_dli.lifecycle.jobs import savepoints
from pulumi_dli.lifecycle.jobs.plan import Phase, phase_of
from pulumi_dli.lifecycle.jobs.view import JobView

STOP_SECONDS = 1800.0
SETTLE_SECONDS = 1800.0
_STILL_RUNNING_SECONDS = (
    300.0  # service time after which a job that shows no savepoint being made was not asked for one
)
_UNSTOPPED_SECONDS = 60.0  # the same for a plain stop

_COMES_BACK_SECONDS = 120.0  # service time within which a failed job restarts by itself, if it does
_MOST_STOPS = 20

_MAY_STILL_MOVE = MOVING | {JobStatus.RUNNING, JobStatus.IDLE}
FIRST_JOB = "first job on a new queue takes 6 to 10 min"


class NoSavepointError(DliError):
    """The job came to rest, but the savepoint that it was asked for does not exist."""


class JobStops(JobView):
    """The moves that bring a job to rest."""

    def settle(self, job: FlinkJob | None = None) -> FlinkJob:
        """The job's details once it is no longer on its way to another status."""
        job = job or self.look()
        if phase_of(job.status) is not Phase.MOVING:
            return job
        at_rest = UP | ENDED | {JobStatus.INIT}
        goal = WaitCondition("Flink job", target=at_rest, failed=(), moving=MOVING)
        self._wait(goal, SETTLE_SECONDS, lambda snapshot: self._seen(snapshot.job))
        return self.look()

    def stop(self, before: FlinkJob, *, savepoint: bool, path_needed: bool = True) -> FlinkJob:
        """`ask_to_stop` and `come_to_rest` in one, for where it makes no difference which of them failed."""
        asked = self.ask_to_stop(savepoint=savepoint)
        return self.come_to_rest(before, asked, savepoint=savepoint, path_needed=path_needed)

    def stop_for_good(self) -> FlinkJob:
        """The job's details at a rest that it does not leave by itself, whatever it is doing now. No savepoint is made.

        A job that fails and restarts by itself is at rest for some seconds only, and what is sent to it then may be
        lost on the version that comes back: it is caught on its way up and stopped.
        """
        began, attempts = self._service_now(), 0
        while True:
            job = self.look()
            again = job.status == JobStatus.RUNNING_EXCEPTION and job.config.restart_when_exception
            if again and self._service_now() - began < _COMES_BACK_SECONDS:
                self.pause()
            elif job.status in STOPPABLE or phase_of(job.status) is Phase.UNSURE:
                attempts += 1
                if attempts > _MOST_STOPS:
                    raise self._did_not_stay(job, f"at rest: {_MOST_STOPS} stops, and it is {job.status} again")
                try:
                    self.stop(job, savepoint=False)
                except (ConflictError, WaitFailedError):
                    continue  # it went on its way meanwhile
            elif phase_of(job.status) is Phase.MOVING:
                self.settle(job)
            else:
                return job

    def ask_to_stop(self, *, savepoint: bool) -> int:
        """Have the stop accepted; the service's time then, in milliseconds (0 where it does not tell the time).

        Raises:
            DliError: it was not accepted, and the job is as before.
        """
        asked = self.service_millis()
        for _ in range(3):
            try:
                result = self.session.stops.submit(self.job_id, savepoint, cancelled=self.call.cancelled)
            except UnknownOutcomeError:
                now = self.look()
                if phase_of(now.status) is not Phase.LIVE:
                    return asked
                continue
            if not result.ok and phase_of(self.look().status) in (Phase.LIVE, Phase.UNSURE):
                raise self._refused("was not stopped and runs on", result, "stop")
            return asked
        raise UnknownOutcomeError(f"{self.what}: three requests to stop it went unanswered; it still runs")

    def come_to_rest(
        self,
        before: FlinkJob,
        asked: int,
        *,
        savepoint: bool,
        known: Collection[str] = (),
        path_needed: bool = True,
        at_rest: Callable[[], object] = lambda: None,
    ) -> FlinkJob:
        """The job's details at rest, with a savepoint that was not there before when one was asked for.

        Args:
            asked: what `ask_to_stop` answered.
            known: paths of savepoints of earlier times.
            path_needed: False where it is enough that there is a savepoint where there was none before: so much a
                shared look at the list tells as well (dli-api 6.8).
            at_rest: called once it rests, before its details are read.

        Raises:
            NoSavepointError: it came to rest without a new savepoint.
            WaitFailedError: it was not stopped and runs on.
        """
        rested = self._until_heard(
            "stop",
            lambda: self.ask_to_stop(savepoint=savepoint),
            lambda: self._await_rest(before, savepoint=savepoint),
        ).job
        if not path_needed and before.has_savepoint is False and rested.has_savepoint:
            return rested
        at_rest()
        after = self.look()
        if phase_of(after.status) is Phase.FINISHED or not savepoint:
            return after
        if not savepoints.is_fresh(before, after, asked=asked, now=self.service_millis(), known=known):
            raise NoSavepointError(
                f"{self.what} is at rest ({after.status}) but has no new savepoint"
                + (f"; its newest is still {after.savepoint_path}" if after.savepoint_path else "")
                + (f"; the service says: {self._description(after)}" if after.status_desc else "")
            )
        return after

    def _await_rest(self, before: FlinkJob, *, savepoint: bool) -> JobSnapshot[FlinkJob]:
        silence = Silence(self._service_now, seconds=_STILL_RUNNING_SECONDS if savepoint else _UNSTOPPED_SECONDS)
        moved = False

        def seen(snapshot: JobSnapshot[FlinkJob]) -> StatusReport:
            nonlocal moved
            job = snapshot.job
            moved = moved or (job.status in MOVING and job.status != before.status)
            told = bool(job.status_desc) and job.status_desc != before.status_desc
            if phase_of(job.status) is Phase.LIVE and (moved or (told and savepoint)):
                return StatusReport("still running", self._description(job))
            if not moved and (phase_of(job.status) is Phase.LIVE or job.status == before.status):
                status = UNHEARD if silence.lasts() else JobStatus.CANCELING
                return StatusReport(status, self._description(job), words="stopping")
            return self._seen(job, words="making a savepoint" if job.status == JobStatus.SAVEPOINTING else "stopping")

        goal = WaitCondition(
            "Flink job",
            target=AT_REST,
            failed=(JobStatus.CANCEL_FAIL, "still running", UNHEARD),
            moving=_MAY_STILL_MOVE,
        )
        try:
            return self._wait(goal, STOP_SECONDS, seen)
        except WaitFailedError as error:
            if error.status != "still running":
                raise
            cause = "its savepoint failed" if savepoint else "its stop failed"
            reason = f": {error.description}" if error.description else ""
            raise WaitFailedError(
                f"{self.what} runs on as before, because {cause}{reason}",
                id=str(self.job_id),
                status=JobStatus.RUNNING,
                description=error.description,
            ) from error

    def make_savepoint(self, before: FlinkJob, directory: str) -> FlinkJob:
        """The job's details with a new savepoint, made while it runs.

        Raises:
            UpgradeBlockedError: the region has no such call.
        """
        asked = self.service_millis()
        self._ask_for_savepoint(directory)
        self._until_heard(
            "savepoint", lambda: self._ask_for_savepoint(directory), lambda: self._await_savepoint(before, asked)
        )
        return self.look()

    def _ask_for_savepoint(self, directory: str) -> None:
        try:
            self.session.client.flink_jobs.savepoint(self.job_id, directory)
        except UnknownOutcomeError:
            pass  # whether it was heard, the wait will tell
        except ApiError as error:
            if is_unsupported(error):
                raise UpgradeBlockedError(
                    f"{self.what}: this region has no call to save the state of a running job: take the new "
                    "savepoint_nonce back, or, with upgrade_mode savepoint, give a new restart_nonce as well, which "
                    "makes a savepoint and restarts the job from it"
                ) from error
            raise
        finally:
            self.session.wrote()

    def _await_savepoint(self, before: FlinkJob, asked: int) -> None:
        silence = Silence(self._service_now, seconds=_STILL_RUNNING_SECONDS)
        moved = False

        def seen(snapshot: JobSnapshot[FlinkJob]) -> StatusReport:
            nonlocal moved
            job = self.look() if not snapshot.detailed else snapshot.job
            moved = moved or job.status == JobStatus.SAVEPOINTING
            if savepoints.is_fresh(before, job, asked=asked, now=self.service_millis()):
                return StatusReport("made")
            if phase_of(job.status) is Phase.LIVE and silence.lasts():
                return StatusReport("none" if moved else UNHEARD, self._description(job))
            return StatusReport(job.status, self._description(job))

        failed = ENDED | {JobStatus.FINISH, JobStatus.INIT, "none", UNHEARD}
        goal = WaitCondition(
            "Flink job", target={"made"}, failed=failed, moving=MOVING | {JobStatus.RUNNING, JobStatus.IDLE}
        )
        try:
            self._wait(goal, STOP_SECONDS, seen)
        except WaitFailedError as error:
            if error.status != "none":
                raise
            reason = f": {error.description}" if error.description else ""
            raise WaitFailedError(
                f"{self.what} runs on, but no savepoint was made of it{reason}",
                id=str(self.job_id),
                status=JobStatus.RUNNING,
                description=error.description,
            ) from error

    def _did_not_stay(self, job: FlinkJob, how: str, description: str = "") -> WaitFailedError:
        reason = description or self._description(job)
        return WaitFailedError(
            f"{self.what} did not stay {how}" + (f": {reason}" if reason else ""),
            id=str(self.job_id),
            status=job.status,
            description=reason,
        )
