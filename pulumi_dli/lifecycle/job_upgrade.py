"""Carrying out a plan: stop with the state, change, start, see it through, and go back when the new version does not
come up.

Between the accepted stop and the accepted start the stream is down. From there on nothing is simply raised: either the
new version runs, or the old one runs again from the savepoint that was just made, or the error says exactly what is
where.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pulumi_dli.errors import (
    ApiError,
    AuthError,
    CancelledError,
    DliError,
    ThrottledError,
    UpgradeBlockedError,
    WaitFailedError,
)
from pulumi_dli.lifecycle import job_wire, savepoints
from pulumi_dli.lifecycle.checkpoints import newest_checkpoint
from pulumi_dli.lifecycle.job_moves import JobMoves, NoSavepointError
from pulumi_dli.lifecycle.job_wish import fields_to_send
from pulumi_dli.lifecycle.upgrade import Phase, Plan, Restore, Stop, phase_of

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob


class Unfinished(Exception):  # noqa: N818  (a result that travels up to where the outputs are known)
    """The stream is neither as before nor as wished.

    Attributes:
        changed: whether the service has taken the new definition.
        savepoint_path: from which to go on, None when there is none.
    """

    def __init__(self, reason: str, *, changed: bool, savepoint_path: str | None) -> None:
        self.changed = changed
        self.savepoint_path = savepoint_path
        super().__init__(reason)


class RolledBackError(DliError):
    """The new version did not come up; the old one runs again."""


class Upgrade:
    """One plan for one job, carried out with its moves.

    Args:
        job: the details before anything was touched; a rollback puts them back.
        inputs: what the program wants.
        olds: the outputs in the state.
    """

    def __init__(
        self, moves: JobMoves, job: FlinkJob, *, plan: Plan, inputs: Mapping[str, Any], olds: Mapping[str, Any]
    ) -> None:
        self._moves = moves
        self._before = job
        self._plan = plan
        self._inputs = inputs
        self._olds = olds
        self._checkpoint: str | None = None
        self.savepoint_path: str | None = None

    def run(self) -> FlinkJob:
        """The job's details after the plan was carried out.

        Raises:
            UpgradeBlockedError: before anything was touched.
            DliError: the job is as it was before, running or not.
            Unfinished: it is not.
        """
        self._find_checkpoint()
        if self._plan.stop is None:
            return self._without_stop()
        return self._with_stop(self._plan.stop)

    def _find_checkpoint(self) -> None:
        """Know the checkpoint before the job is stopped: without it, nothing is touched."""
        if self._plan.start is Restore.CHECKPOINT:
            self._checkpoint = newest_checkpoint(self._moves.session, self._before)

    def _without_stop(self) -> FlinkJob:
        running = phase_of(self._before.status) is Phase.LIVE
        if self._plan.start is None:
            if self._plan.change:
                self._change(running=running)
            return self._moves.look()
        with self._moves.session.runs.joining():
            try:
                if self._plan.change:
                    self._change(running=False)
                self._start(self._before)
            except DliError as error:
                if self._olds.get("unfinished"):
                    raise Unfinished(f"{error}", changed=False, savepoint_path=self._path_now()) from error
                raise
        return self._see_through(self._before)

    def _with_stop(self, how: Stop) -> FlinkJob:
        with self._moves.session.stops.joining():
            rested = self._stop(how)
        if phase_of(rested.status) is Phase.FINISHED and self._plan.start is not None:
            return self._finished_meanwhile(rested)
        if self._plan.start is None:
            if self._plan.change:
                self._tell_unless_done(lambda: self._change(running=False), changed=False)
            return self._moves.look()
        return self._change_and_start(rested)

    def _stop(self, how: Stop) -> FlinkJob:
        self._moves.hold_cancel()
        try:
            rested = self._moves.stop(self._before, savepoint=how is Stop.WITH_SAVEPOINT)
        except NoSavepointError as error:
            raise Unfinished(
                f"STREAM IS DOWN: {error}. Nothing was changed. To go on, give initial_savepoint_path or "
                "allow_old_savepoint=True, or stateless as upgrade_mode, and run `pulumi up`",
                changed=False,
                savepoint_path=None,
            ) from error
        except WaitFailedError:
            raise  # it was not stopped and runs on: nothing is half-done
        except DliError as error:
            raise self._down(error, changed=False) from error
        if how is Stop.WITH_SAVEPOINT and phase_of(rested.status) is not Phase.FINISHED:
            self.savepoint_path = rested.savepoint_path
        return rested

    def _finished_meanwhile(self, rested: FlinkJob) -> FlinkJob:
        """A bounded job that came to its end while it was being stopped has nothing to go on from."""
        self._tell_unless_done(lambda: self._change(running=False), changed=False)
        self._moves.call.warn(f"{self._moves.what} finished by itself before it could be stopped; it was not run again")
        return rested

    def _change_and_start(self, rested: FlinkJob) -> FlinkJob:
        changed = False
        try:
            with self._moves.session.runs.joining():
                self._change(running=False)
                changed = True
                self._start(rested)
            self._moves.release_cancel()
            return self._see_through(rested)
        except CancelledError as error:
            raise Unfinished(
                f"{self._moves.what} was started and not waited for: {error}",
                changed=True,
                savepoint_path=self.savepoint_path,
            ) from error
        except (AuthError, ThrottledError) as error:
            raise self._down(error, changed=changed) from error
        except (ApiError, WaitFailedError, UpgradeBlockedError) as error:
            if self._inputs.get("rollback") is False:
                raise self._down(error, changed=changed) from error
            raise self._roll_back(error, changed=changed) from error
        except DliError as error:
            raise self._down(error, changed=changed) from error

    def _change(self, *, running: bool) -> None:
        fields = fields_to_send(self._inputs, self._olds, self._before, running=running)
        self._moves.change(job_wire.body(self._inputs, fields))

    def _start(self, rested: FlinkJob) -> None:
        if self._plan.start is Restore.CHECKPOINT and self._checkpoint:
            self._moves.import_savepoint(self._checkpoint)
        if self._plan.start is Restore.IMPORTED:
            self._moves.import_savepoint(str(self._inputs["initial_savepoint_path"]))
        self._moves.start(rested, resume=self._plan.start is not Restore.NOTHING)

    def _see_through(self, rested: FlinkJob) -> FlinkJob:
        sighting = self._moves.await_running(rested, on_queue=str(self._inputs.get("queue_name") or ""))
        if sighting.job.status == "job_finish" or self._plan.stop is None:
            return self._moves.look()
        seconds = self._inputs.get("stabilization_seconds")
        return self._moves.stabilise(
            60.0 if seconds is None else float(seconds), restarts_before=rested.restart_times or 0
        )

    def _roll_back(self, failure: DliError, *, changed: bool) -> DliError | Unfinished:
        """Have the old version run again from the state that was just saved; the error that tells of it."""
        moves = self._moves
        moves.hold_cancel()
        try:
            stopped = self._at_rest_again()
            if changed:
                moves.change(job_wire.snapshot_body(self._before))
            resume = self._give_back_state(stopped)
            with moves.session.runs.joining():
                moves.start(stopped, resume=resume)
            moves.await_running(stopped)
        except DliError as second:
            return Unfinished(
                f"STREAM IS DOWN: {moves.what}, savepoint {self._path_now() or 'none'}. "
                f"The new version did not come up: {failure}. Going back failed too: {second}. "
                "Mend the cause and run `pulumi up`",
                changed=changed,
                savepoint_path=self.savepoint_path,
            )
        source = f"from savepoint {self.savepoint_path}" if self.savepoint_path else "without state"
        if self._checkpoint:
            source = f"from checkpoint {self._checkpoint}"
        return RolledBackError(
            f"the new version of {moves.what} did not come up: {failure}. The previous version runs again {source} "
            "(sinks may have seen some records twice); the next `pulumi up` tries the new version again"
        )

    def _at_rest_again(self) -> FlinkJob:
        job = self._moves.settle()
        if phase_of(job.status) is Phase.LIVE:
            return self._moves.stop(job, savepoint=False)
        return job

    def _give_back_state(self, job: FlinkJob) -> bool:
        """Make the savepoint of this upgrade the one that a start takes: a start that failed may have consumed it."""
        path = self._checkpoint or self.savepoint_path
        if path is None:
            return False
        if not (job.has_savepoint and job.savepoint_path == path):
            self._moves.import_savepoint(path)
        return True

    def _tell_unless_done(self, step: Any, *, changed: bool) -> None:
        try:
            step()
        except DliError as error:
            raise self._down(error, changed=changed) from error

    def _down(self, error: DliError, *, changed: bool) -> Unfinished:
        return Unfinished(
            f"STREAM IS DOWN: {self._moves.what}, savepoint {self._path_now() or 'none'}, "
            f"run `pulumi up` to go on: {error}",
            changed=changed,
            savepoint_path=self._path_now(),
        )

    def _path_now(self) -> str | None:
        return self.savepoint_path or (self._before.savepoint_path if savepoints.is_newest(self._before) else None)
