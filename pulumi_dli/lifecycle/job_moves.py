"""The moves of one job: look, settle, stop with proof, change, start, see it through. Each does one thing and checks
it.

`flink_job.py` and `job_upgrade.py` put moves together; what to do is decided in `upgrade.py`. A move never takes
success at its word: the result of a batch is read per job, a lost answer is followed by a look, a savepoint must be a
new one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.api.gone import is_unpublished
from pulumi_dli.errors import (
    ApiError,
    ConflictError,
    DliError,
    LostAnswerError,
    UpgradeBlockedError,
    WaitFailedError,
)
from pulumi_dli.lifecycle import savepoints
from pulumi_dli.lifecycle.job_view import MOVING_STATUSES, JobView
from pulumi_dli.lifecycle.upgrade import Phase, phase_of
from pulumi_dli.lifecycle.waiting import Goal, Seen
from pulumi_dli.lifecycle.watching import Sighting

START_SECONDS = 1800.0  # a first job on a new queue takes up to 15 minutes (contract 3.8); never less than 20
STOP_SECONDS = 1800.0
SETTLE_SECONDS = 1800.0
_STARTING_LOOKS = 5  # looks for which an accepted start may still show the rest that it ends
_STILL_RUNNING_SECONDS = 300.0  # service time after which a job that still shows itself running was not stopped

_COMES_BACK_SECONDS = 120.0  # service time within which a failed job restarts by itself, if it does
_MOST_STOPS = 20
_STOPPABLE = {"job_submitting", "job_running", "job_idle"}  # contract 6.6

_UP = {"job_running", "job_idle", "job_finish"}
_ENDED = {"job_submit_fail", "job_running_exception", "job_cancel_success", "job_cancel_fail", "job_arrearage_stopped"}
_FIRST_JOB = "first job on a new queue takes 6 to 10 min"


class NoSavepointError(DliError):
    """The job came to rest, but the savepoint that it was asked for does not exist."""


class JobMoves(JobView):
    """The moves of one job within one call."""

    def settle(self, job: FlinkJob | None = None) -> FlinkJob:
        """The job's details once it is no longer on its way to another status."""
        job = job or self.look()
        if phase_of(job.status) is not Phase.MOVING:
            return job
        at_rest = _UP | _ENDED | {"job_init"}
        goal = Goal("Flink job", target=at_rest, failed=(), moving=MOVING_STATUSES, hint=_FIRST_JOB)
        self._wait(goal, SETTLE_SECONDS, lambda sighting: self._seen(sighting.job))
        return self.look()

    def change(self, body: Mapping[str, Any], again: Callable[[], Mapping[str, Any]] | None = None) -> None:
        """PUT these fields. Sent once more when the answer is lost, since it says what shall be and not what to add.

        Args:
            again: the fields that still differ then: a running job refuses an unchanged bucket (contract 6.3).
        """
        try:
            self._put(body)
        except LostAnswerError:
            self._put(again() if again else body)

    def _put(self, body: Mapping[str, Any]) -> None:
        if not body:
            return
        try:
            with self._asking():
                self.session.client.flink_jobs.update_jar(self.job_id, body)
        finally:
            self.session.wrote()

    def import_savepoint(self, path: str) -> None:
        """Make `path` the job's newest savepoint. Repeated once when the answer is lost, as a change.

        Raises:
            UpgradeBlockedError: the region has no such call (contract 6.10: not in every region).
        """
        try:
            with self._asking():
                self._import(path)
        except ApiError as error:
            if is_unpublished(error):
                raise UpgradeBlockedError(
                    f"{self.what} cannot start from {path}: this region has no call to import a savepoint"
                ) from error
            raise

    def _import(self, path: str) -> None:
        try:
            self.session.client.flink_jobs.import_savepoint(self.job_id, path)
        except LostAnswerError:
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
        except (ApiError, LostAnswerError):
            return  # a job that runs takes none: the call is there

    def start(self, before: FlinkJob | None, *, resume: bool) -> None:
        """Have the job started; returns when the service has accepted it."""
        for _ in range(3):
            try:
                with self._asking():
                    result = self.session.runs.submit(self.job_id, resume)
            except LostAnswerError:
                if self._has_begun(before):
                    return
                continue  # it never arrived: the job is at rest as before
            if not result.ok and not self._has_begun(before):
                raise self._refused("was not started", result, "run")
            return
        raise LostAnswerError(f"{self.what}: three requests to start it went unanswered, and it is still at rest")

    def _has_begun(self, before: FlinkJob | None) -> bool:
        """Whether the job runs, or is on its way, although the answer to its start said otherwise or never came."""
        now = self.look()
        if phase_of(now.status) in (Phase.LIVE, Phase.MOVING):
            return now.status != "job_canceling"
        return before is not None and (now.start_time or 0) > (before.start_time or 0)

    def await_running(self, before: FlinkJob | None = None, *, on_queue: str = "") -> Sighting[FlinkJob]:
        """The job once it runs (or has finished, if it is a bounded one).

        Raises:
            WaitFailedError: it came to rest in another status; with the service's description.
            WaitTimeoutError, CancelledError: it is still on its way.
        """
        looks = 0

        def seen(sighting: Sighting[FlinkJob]) -> Seen:
            nonlocal looks
            looks += 1
            job = sighting.job
            if looks <= _STARTING_LOOKS and before and job.status == before.status and _is_at_rest(before):
                return Seen("job_submitting", words="submitting")
            return self._seen(job, words=f"submitting on queue {on_queue}" if on_queue else "submitting")

        goal = Goal("Flink job", target=_UP, failed=_ENDED, moving=MOVING_STATUSES | {"job_init"}, hint=_FIRST_JOB)
        return self._wait(goal, START_SECONDS, seen)

    def stabilise(self, seconds: float, *, restarts_before: int) -> FlinkJob:
        """The job's details after it has run for `seconds` of the service's clock without a restart.

        Raises:
            WaitFailedError: it failed, or restarted by itself, before that.
        """
        began = self._service_now()

        def seen(sighting: Sighting[FlinkJob]) -> Seen:
            job = sighting.job
            over = job.status == "job_finish" or self._service_now() - began >= seconds
            if job.status in ("job_running", "job_idle", "job_finish"):
                return Seen("stable" if over else "job_running", words="running, watched for restarts")
            return Seen(job.status, self._description(job))

        goal = Goal("Flink job", target={"stable"}, failed=_ENDED | MOVING_STATUSES, moving={"job_running"})
        if seconds > 0:
            try:
                self._wait(goal, max(seconds * 2, 60.0) + STOP_SECONDS, seen)
            except WaitFailedError as error:
                raise self._did_not_stay(self.look(), f"up: it was {error.status}", error.description) from error
        job = self.look()
        restarts = job.restart_times or 0
        # The counter may or may not begin anew with a start: what is left after the smaller reading happened since.
        since = restarts - restarts_before if restarts >= restarts_before else restarts
        if since > 0 or job.status in _ENDED:
            raise self._did_not_stay(job, f"up: status {job.status}, {since} restarts in {seconds:.0f} s")
        return job

    def _did_not_stay(self, job: FlinkJob, how: str, description: str = "") -> WaitFailedError:
        reason = description or self._description(job)
        return WaitFailedError(
            f"{self.what} did not stay {how}" + (f": {reason}" if reason else ""),
            id=str(self.job_id),
            status=job.status,
            description=reason,
        )

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
            again = job.status == "job_running_exception" and job.config.restart_when_exception
            if again and self._service_now() - began < _COMES_BACK_SECONDS:
                self.pause()
            elif job.status in _STOPPABLE or phase_of(job.status) is Phase.UNSURE:
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
                with self._asking():
                    result = self.session.stops.submit(self.job_id, savepoint, cancelled=self.call.cancelled)
            except LostAnswerError:
                now = self.look()
                if phase_of(now.status) is not Phase.LIVE:
                    return asked
                continue
            if not result.ok and phase_of(self.look().status) in (Phase.LIVE, Phase.UNSURE):
                raise self._refused("was not stopped and runs on", result, "stop")
            return asked
        raise LostAnswerError(f"{self.what}: three requests to stop it went unanswered; it still runs")

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
                shared look at the list tells as well (contract 6.8).
            at_rest: called once it rests, before its details are read.

        Raises:
            NoSavepointError: it came to rest without a new savepoint.
            WaitFailedError: it was not stopped and runs on.
        """
        rested = self._await_rest(before, savepoint=savepoint).job
        if not path_needed and before.has_savepoint is False and rested.has_savepoint:
            return rested
        at_rest()
        after = self.look()
        if phase_of(after.status) is Phase.FINISHED or not savepoint:
            return after
        if not savepoints.is_fresh(before, after, asked=asked, known=known):
            raise NoSavepointError(
                f"{self.what} is at rest ({after.status}) but has no new savepoint"
                + (f"; its newest is still {after.savepoint_path}" if after.savepoint_path else "")
                + (f"; the service says: {self._description(after)}" if after.status_desc else "")
            )
        return after

    def _await_rest(self, before: FlinkJob, *, savepoint: bool) -> Sighting[FlinkJob]:
        asked = self._service_now()
        moved = False

        def seen(sighting: Sighting[FlinkJob]) -> Seen:
            nonlocal moved
            job = sighting.job
            moved = moved or job.status in MOVING_STATUSES
            told = bool(job.status_desc) and job.status_desc != before.status_desc
            late = self._service_now() - asked > _STILL_RUNNING_SECONDS
            if phase_of(job.status) is Phase.LIVE and (moved or late or (told and savepoint)):
                return Seen("still running", self._description(job))
            return self._seen(job, words="making a savepoint" if job.status == "job_savepointing" else "stopping")

        goal = Goal(
            "Flink job",
            target=(_ENDED - {"job_cancel_fail"}) | {"job_finish", "job_init"},
            failed={"job_cancel_fail", "still running"},
            moving=MOVING_STATUSES | {"job_running", "job_idle"},
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
                status="job_running",
                description=error.description,
            ) from error

    def make_savepoint(self, before: FlinkJob, directory: str) -> FlinkJob:
        """The job's details with a new savepoint, made while it runs.

        Raises:
            UpgradeBlockedError: the region has no such call.
        """
        asked = self.service_millis()
        try:
            with self._asking():
                self.session.client.flink_jobs.savepoint(self.job_id, directory)
        except LostAnswerError:
            pass  # whether it was heard, the wait will tell
        except ApiError as error:
            if is_unpublished(error):
                raise UpgradeBlockedError(
                    f"{self.what}: this region has no call to save the state of a running job; a new restart_nonce "
                    "makes a savepoint, too, and restarts the job from it"
                ) from error
            raise
        finally:
            self.session.wrote()
        started = self._service_now()

        def seen(sighting: Sighting[FlinkJob]) -> Seen:
            job = self.look() if not sighting.detailed else sighting.job
            if savepoints.is_fresh(before, job, asked=asked):
                return Seen("made")
            waited = self._service_now() - started > _STILL_RUNNING_SECONDS
            return Seen("none" if waited and job.status != "job_savepointing" else job.status, self._description(job))

        goal = Goal("Flink job", target={"made"}, failed=_ENDED | {"none"}, moving=MOVING_STATUSES | {"job_running"})
        try:
            self._wait(goal, STOP_SECONDS, seen)
        except WaitFailedError as error:
            if error.status != "none":
                raise
            reason = f": {error.description}" if error.description else ""
            raise WaitFailedError(
                f"{self.what} runs on, but no savepoint was made of it{reason}",
                id=str(self.job_id),
                status="job_running",
                description=error.description,
            ) from error
        return self.look()


def _is_at_rest(job: FlinkJob) -> bool:
    return phase_of(job.status) not in (Phase.LIVE, Phase.MOVING)
