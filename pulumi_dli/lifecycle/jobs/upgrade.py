"""Carrying out a plan: stop with the state, change, start, see it through, and go back when the new version does not
come up.

Between the accepted stop and the accepted start the stream is down. From there on nothing is simply raised: either the
new version runs, or the old one runs again from the savepoint that was just made, or the error says exactly what is
where.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_dli.api.job_status import JobStatus
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    CancelledError,
    ConflictError,
    DliError,
    ThrottledError,
    UpgradeBlockedError,
    WaitFailedError,
    WaitTimeoutError,
)
from pulumi_dli.lifecycle.coalescing.waiting import UNHEARD, duration
from pulumi_dli.lifecycle.jobs import mapping, savepoints
from pulumi_dli.lifecycle.jobs.checkpoints import newest_checkpoint
from pulumi_dli.lifecycle.jobs.desired import fields_to_send
from pulumi_dli.lifecycle.jobs.operations import JobOperations
from pulumi_dli.lifecycle.jobs.plan import Phase, Plan, Restore, Stop, phase_of
from pulumi_dli.lifecycle.jobs.stops import NoSavepointError

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob

_ROLLBACK_ATTEMPTS = 3  # a version that restarts by itself may get in between


class UpgradeInterrupted(Exception):  # noqa: N818  (a result that travels up to where the outputs are known)
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
        self,
        operations: JobOperations,
        job: FlinkJob,
        *,
        plan: Plan,
        inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
    ) -> None:
        self._operations = operations
        self._before = job
        self._plan = plan
        self._inputs = inputs
        self._olds = olds
        self._changed = False
        self._came_up = False
        self._sent: set[str] = set()
        self._import: str | None = None
        self.savepoint_path: str | None = None
        self._down_since: float | None = None
        self.down_seconds: int | None = None
        """How long the stream was down, once it runs again; from the accepted stop, so rather too much."""

    def run(self) -> FlinkJob:
        """The job's details after the plan was carried out.

        Raises:
            UpgradeBlockedError: before anything was touched.
            DliError: the job is as it was before, running or not.
            UpgradeInterrupted: it is not.
        """
        self._know_what_to_import()
        if self._plan.stop is None:
            return self._without_stop()
        return self._with_stop(self._plan.stop)

    def _know_what_to_import(self) -> None:
        """Find the state, and that it can be given to the job, before the job is stopped: else nothing is touched."""
        match self._plan.start:
            case Restore.CHECKPOINT:
                self._import = self._newest_checkpoint()
            case Restore.IMPORTED:
                self._import = str(self._inputs["initial_savepoint_path"])
            case Restore.REMEMBERED:
                self._import = str(self._olds["pending_restore_path"])
        if self._plan.keeps is Restore.CHECKPOINT:
            self._newest_checkpoint()
        if self._import and self._plan.stop is not None:
            self._operations.must_import(self._import)

    def _without_stop(self) -> FlinkJob:
        running = phase_of(self._before.status) is Phase.LIVE
        if self._plan.start is None:
            with self._operations.session.jobs.expect():  # others that are changed live wait a moment for this look
                if self._plan.change:
                    self._change(running=running)
                # A row of the list is enough for a job that was seen before: what it lacks is kept from that look.
                return self._operations.get_shared() if self._olds.get("status") else self._operations.look()
        resume = self._plan.start is not Restore.NOTHING
        if self._plan.start is Restore.REMEMBERED:
            self._bring_back_remembered()
        elif self._import:
            self._operations.import_savepoint(self._import)
        try:
            with self._operations.session.runs.expect():
                if self._plan.change:
                    self._change(running=False)
                self._operations.start(self._before, resume=resume)
            return self._see_through(self._before)
        except DliError as error:
            if not self._changed and not self._olds.get("pending_reason") and not self._is_new_start(error):
                raise
            raise UpgradeInterrupted(str(error), changed=self._changed, savepoint_path=self._path_now()) from error

    def _bring_back_remembered(self) -> None:
        """Give the job the savepoint of the interrupted upgrade, or what the program allows in its place.

        The start that failed may have used up its files (dli-api 6.5).

        Raises:
            UpgradeBlockedError: the service does not take it, and the program allows nothing else.
        """
        path = str(self._import)
        try:
            self._operations.import_savepoint(path)
        except (AuthError, ThrottledError, ConflictError):
            raise
        except ApiError as error:
            allowed = self._allowed_instead(error)
            if allowed and allowed != self._before.savepoint_path:
                self._operations.import_savepoint(allowed)
            self._operations.call.warn(
                f"{self._operations.what} goes on from {allowed}: {path} cannot be used ({said(error)})"
            )
            self._import = allowed

    def _allowed_instead(self, error: ApiError) -> str:
        initial, own = self._inputs.get("initial_savepoint_path"), self._before.savepoint_path
        if initial and initial != self._import:
            return str(initial)
        if self._inputs.get("upgrade_mode") == "last-state":
            return self._newest_checkpoint()
        if self._inputs.get("allow_old_savepoint") and self._before.has_savepoint and own:
            return own
        raise UpgradeBlockedError(
            f"{self._operations.what} was left as it is: the savepoint that its interrupted upgrade made cannot be "
            f"used ({said(error)}). Give upgrade_mode last-state (goes on from its newest checkpoint), "
            "initial_savepoint_path, allow_old_savepoint=True (goes on from an older savepoint, if there is one), or "
            "upgrade_mode stateless (drops the state)"
        ) from error

    @staticmethod
    def _is_new_start(error: DliError) -> bool:
        """Whether the start was accepted, and then something went wrong or was not waited for."""
        return isinstance(error, WaitFailedError | WaitTimeoutError | CancelledError)

    def _with_stop(self, how: Stop) -> FlinkJob:
        with contextlib.ExitStack() as company:
            company.enter_context(self._operations.session.stops.expect())
            if self._plan.start is not None:
                # Announced before the details at rest are read: the starts of those who rest together travel together.
                runs = self._operations.session.runs
                return self._from_rest(self._stop(how, at_rest=lambda: company.enter_context(runs.expect())))
            return self._from_rest(self._stop(how))

    def _from_rest(self, rested: FlinkJob) -> FlinkJob:
        if phase_of(rested.status) is Phase.FINISHED and self._plan.start is not None:
            return self._finished_meanwhile(rested)
        if self._plan.start is None:
            if self._plan.change:
                self._tell_unless_done(lambda: self._change(running=False))
            return self._operations.look()
        return self._change_and_start(rested)

    def _stop(self, how: Stop, at_rest: Callable[[], object] = lambda: None) -> FlinkJob:
        with_savepoint = how is Stop.WITH_SAVEPOINT
        asked = self._operations.ask_to_stop(savepoint=with_savepoint)
        self._down_since = self._operations.session.service_now()
        self._operations.hold_cancel()
        try:
            known = _paths(self._olds.get("savepoints") or ())
            rested = self._operations.come_to_rest(
                self._before, asked, savepoint=with_savepoint, known=known, at_rest=at_rest
            )
        except NoSavepointError as error:
            raise UpgradeInterrupted(
                f"STREAM IS DOWN: {error}. Nothing was changed. To go on, give initial_savepoint_path or "
                "allow_old_savepoint=True, or stateless as upgrade_mode, and run `pulumi up`",
                changed=False,
                savepoint_path=None,
            ) from error
        except WaitFailedError:
            raise  # it was not stopped and runs on: nothing is half-done
        except DliError as error:
            raise self._down(error, "is stopped, or about to be") from error
        if self._plan.start is Restore.SAVEPOINT and not with_savepoint:
            self.savepoint_path = self._before.savepoint_path  # what there is: a rollback must start from it, too
        if with_savepoint and phase_of(rested.status) is not Phase.FINISHED:
            self.savepoint_path = rested.savepoint_path
            # Said at once: whatever happens to this process from here on, the path is in the log.
            self._operations.call.info(f"savepoint {rested.savepoint_path}")
        return rested

    def _finished_meanwhile(self, rested: FlinkJob) -> FlinkJob:
        """A bounded job that came to its end while it was being stopped has nothing to go on from."""
        self._tell_unless_done(lambda: self._change(running=False))
        self._operations.call.warn(
            f"{self._operations.what} finished by itself before it could be stopped; it was not run again"
        )
        return rested

    def _change_and_start(self, rested: FlinkJob) -> FlinkJob:
        try:
            with self._operations.session.runs.expect():
                self._change(running=False)
                self._bring_state()
                self._operations.start(rested, resume=self._plan.start is not Restore.NOTHING)
            self._operations.release_cancel()
            return self._see_through(rested)
        except (CancelledError, WaitTimeoutError) as error:
            raise UpgradeInterrupted(
                f"{self._operations.what} was started and not seen to stay up: {error}",
                changed=True,
                savepoint_path=self.savepoint_path,
            ) from error
        except (AuthError, ThrottledError) as error:
            raise self._down(error) from error
        except (ApiError, WaitFailedError, UpgradeBlockedError) as error:
            if self._inputs.get("rollback") is False:
                raise self._down(error) from error
            raise self._roll_back(error) from error
        except DliError as error:
            raise self._down(error) from error

    def _change(self, *, running: bool) -> None:
        def differing(job: FlinkJob) -> dict[str, Any]:
            sent = mapping.body(self._inputs, fields_to_send(self._inputs, self._olds, job, running=running))
            self._sent |= sent.keys()
            return sent

        self._changed = True  # until the service says that it refused: an unknown outcome counts as taken
        try:
            self._operations.change(differing(self._before), lambda: differing(self._operations.look()))
        except ApiError:
            self._changed = False
            raise

    def _bring_state(self) -> None:
        """Make the state that was chosen the one that the start takes; of checkpoints, the last before the stop."""
        if self._plan.start is Restore.CHECKPOINT:
            self._import = self._newest_checkpoint()
        if self._import:
            self._operations.import_savepoint(self._import)

    def _newest_checkpoint(self) -> str:
        allow_old = bool(self._inputs.get("allow_old_savepoint"))
        return newest_checkpoint(self._operations.session, self._before, allow_old=allow_old)

    def _see_through(self, rested: FlinkJob) -> FlinkJob:
        snapshot = self._operations.await_running(rested, on_queue=str(self._inputs.get("queue_name") or ""))
        self._came_up = True
        self._tell_downtime()
        if snapshot.job.status == JobStatus.FINISH or self._plan.stop is None:
            return self._operations.look()
        seconds = self._inputs.get("stabilization_seconds")
        return self._operations.stabilise(
            60.0 if seconds is None else float(seconds), restarts_before=rested.restart_times or 0
        )

    def _tell_downtime(self) -> None:
        if self._down_since is not None:
            self.down_seconds = max(round(self._operations.session.service_now() - self._down_since), 0)
            self._operations.call.info(f"the stream was down for {duration(self.down_seconds)}")

    def _roll_back(self, failure: DliError) -> DliError | UpgradeInterrupted:
        """Have the old version run again from the state that was just saved; the error that tells of it."""
        operations = self._operations
        operations.hold_cancel()
        try:
            stopped = self._old_version_started()
            operations.await_running(stopped)
            self._tell_downtime()
        except DliError as second:
            return UpgradeInterrupted(
                f"STREAM IS DOWN: {operations.what}, savepoint {self._path_now() or 'none'}. "
                f"The new version did not come up: {said(failure)}. Going back failed too: {said(second)}. "
                "Mend the cause and run `pulumi up`",
                changed=self._changed,
                savepoint_path=self._path_now(),
            )
        source = f"from savepoint {self.savepoint_path}" if self.savepoint_path else "without state"
        if self._import:
            source = f"from {self._import}"
        twice = " (sinks may have seen some records twice)" if self._may_have_run(failure) else ""
        return RolledBackError(
            f"the new version of {operations.what} did not come up: {said(failure)}. The previous version runs again "
            f"{source}{twice}; the next `pulumi up` tries the new version again"
        )

    def _may_have_run(self, failure: DliError) -> bool:
        """Whether the new version may have written anything before it was given up."""
        if self._came_up:
            return True
        return isinstance(failure, WaitFailedError) and failure.status not in (
            JobStatus.SUBMIT_FAIL,
            JobStatus.INIT,
            UNHEARD,
        )

    def _old_version_started(self) -> FlinkJob:
        """The job's details at rest, before the accepted start of the old version."""
        for attempt in range(1, _ROLLBACK_ATTEMPTS + 1):
            try:
                stopped = self._operations.stop_for_good()
                if self._changed:
                    self._operations.change(mapping.undo_body(self._sent, self._before, self._olds))
                resume = self._give_back_state(stopped)
                with self._operations.session.runs.expect():
                    self._operations.start(stopped, resume=resume)
            except ConflictError:
                if attempt == _ROLLBACK_ATTEMPTS:
                    raise
            else:
                break
        return stopped

    def _give_back_state(self, job: FlinkJob) -> bool:
        """Make the savepoint of this upgrade the one that a start takes: a start that failed may have consumed it."""
        path = self._import or self.savepoint_path
        if path is None:
            return False
        if not (job.has_savepoint and job.savepoint_path == path):
            self._operations.import_savepoint(path)
        return True

    def _tell_unless_done(self, step: Callable[[], None]) -> None:
        try:
            step()
        except DliError as error:
            raise self._down(error) from error

    def _down(self, error: DliError, how: str = "") -> UpgradeInterrupted:
        return UpgradeInterrupted(
            f"STREAM IS DOWN: {self._operations.what}{' ' + how if how else ''}, savepoint "
            f"{self._path_now() or 'none'}, run `pulumi up` to go on: {error}",
            changed=self._changed,
            savepoint_path=self._path_now(),
        )

    def _path_now(self) -> str | None:
        """The savepoint from which to go on."""
        if self.savepoint_path or self._plan.start is Restore.REMEMBERED:
            return self.savepoint_path or self._import
        return self._before.savepoint_path if savepoints.is_newest(self._before) else None


def said(error: DliError) -> str:
    """An error inside a sentence: the service ends its own with a full stop."""
    return str(error).rstrip(".")


def _paths(history: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(entry.get("path")) for entry in history}
