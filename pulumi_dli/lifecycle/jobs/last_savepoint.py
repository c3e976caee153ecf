"""The last savepoint of a job that is deleted, and the way of its state to the job that comes after it.

Called by `flink_job.py` and, for the preview, by `preview_create.py`. A delete of a resource that the program still has
makes room for a successor: the path is noted for it (`coalescing/left_states.py`), and the delete is refused where the
state could not go over. Other deletes say where the savepoint is: a look at the details of each job of a large stack,
and a note for each, would cost more calls than the delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.errors import (
    AuthError,
    CancelledError,
    ConfigError,
    DliError,
    NotFoundError,
    UpgradeBlockedError,
    WaitFailedError,
)
from pulumi_dli.lifecycle.coalescing.left_states import LeftState
from pulumi_dli.lifecycle.jobs.checkpoints import newest_checkpoint
from pulumi_dli.lifecycle.jobs.desired import observed_from_job, wanted
from pulumi_dli.lifecycle.jobs.operations import JobOperations
from pulumi_dli.lifecycle.jobs.plan import Phase, Restore, no_savepoint_now, phase_of, state_without_savepoint
from pulumi_dli.lifecycle.jobs.reach import must_be_savable
from pulumi_dli.lifecycle.jobs.stops import NoSavepointError
from pulumi_dli.lifecycle.jobs.upgrade import said
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.flink_job import FlinkJobSpec

_TAKES_OVER = "Leave out delete_before_replace: the successor then takes the job over with its state"


def save_before_delete(operations: JobOperations, olds: Mapping[str, Any], *, replaced: bool) -> FlinkJob | None:
    """Bring the job to rest with a savepoint, unless the program wants none.

    Args:
        replaced: the program still has the resource: a successor will be created.

    Returns:
        The job's details at rest when it was stopped for this, None when it was left as it is.

    Raises:
        DliError: there would be no savepoint, or its successor could not have it; the job is left as it is.
    """
    desired, session = olds.get("savepoint_on_delete"), operations.session
    if desired is False or (desired is None and olds.get("upgrade_mode") == "stateless"):
        return None
    with session.stops.expect():
        job = _with_its_bucket(operations.settle(operations.get_shared()), olds)
        if phase_of(job.status) is Phase.UNSURE:
            _keep_what_there_is(operations, job, olds, replaced=replaced)
        elif phase_of(job.status) in (Phase.LIVE, Phase.MOVING):
            must_be_savable(operations.what, job, olds)
            return _stop_with_savepoint(operations, job, replaced=replaced)
        else:
            _keep_what_it_has(operations, job, olds, replaced=replaced)
    return None


def _with_its_bucket(job: FlinkJob, olds: Mapping[str, Any]) -> FlinkJob:
    """By the state where the details do not tell it (dli-api 6.9)."""
    bucket = job.config.obs_bucket or olds.get("obs_bucket")
    return job.model_copy(update={"config": job.config.model_copy(update={"obs_bucket": bucket})})


def _stop_with_savepoint(operations: JobOperations, job: FlinkJob, *, replaced: bool) -> FlinkJob:
    if replaced:
        _must_pass_on(operations, job, f"obs://{job.config.obs_bucket}/jobs/savepoint/{job.job_id}/")
    stopped = _last_stop(operations, job, path_needed=replaced)
    if stopped.savepoint_path:
        operations.call.info(f"savepoint {stopped.savepoint_path}")
        if replaced:
            _leave(operations, job, stopped.savepoint_path)
    elif stopped.has_savepoint and job.config.obs_bucket:
        folder = f"obs://{job.config.obs_bucket}/jobs/savepoint/{job.job_id}/"  # dli-api 6.6
        operations.call.info(f"its last savepoint is the newest folder in {folder}")
    return stopped


def _last_stop(operations: JobOperations, job: FlinkJob, *, path_needed: bool) -> FlinkJob:
    """The job's details at rest, with its last savepoint."""
    failed = (
        f"{operations.what} was not deleted, because its last savepoint failed: {{}}. "
        "To delete it without one, set savepoint_on_delete=False, run `pulumi up`, and delete again"
    )
    try:
        asked = operations.ask_to_stop(savepoint=True)
    except CancelledError:
        raise
    except DliError as error:
        raise DliError(failed.format(error)) from error
    try:
        return operations.come_to_rest(job, asked, savepoint=True, path_needed=path_needed)
    except WaitFailedError as error:  # it runs on
        raise DliError(failed.format(error)) from error
    except NoSavepointError as error:
        raise only_stopped(operations, None, DliError(failed.format(error))) from error
    except DliError as error:
        raise only_stopped(operations, None, error) from error


def only_stopped(operations: JobOperations, path: str | None, error: DliError) -> DliError:
    """Of a delete that ended after its stop: the entry stays, and nothing in it tells that the job is down."""
    saved = f" with savepoint {path}" if path else ""
    return DliError(
        f"STREAM IS DOWN: {operations.what} is stopped{saved}, or about to be, and was not deleted: {said(error)}. "
        "Delete it again, or run `pulumi up --refresh` with a new restart_nonce, which starts it"
    )


def _keep_what_it_has(operations: JobOperations, job: FlinkJob, olds: Mapping[str, Any], *, replaced: bool) -> None:
    """A job at rest makes no savepoint: what it leaves is the newest it has."""
    observed = observed_from_job(job, olds)
    if not replaced:
        return
    if job.savepoint_path and observed.savepoint_is_newest:
        _must_pass_on(operations, job, job.savepoint_path)
        _leave(operations, job, job.savepoint_path)
    elif observed.ever_started and phase_of(job.status) is not Phase.FINISHED:
        older = f" (an older one is {job.savepoint_path})" if job.savepoint_path else ""
        raise UpgradeBlockedError(
            f"{operations.what} was not deleted: it is {job.status} and has no savepoint newer than its last "
            f"start{older}, so its successor would start without its state. Without delete_before_replace `pulumi up` "
            "says how its state can be kept; savepoint_on_delete=False, recorded by `pulumi up`, drops it"
        )


def _keep_what_there_is(operations: JobOperations, job: FlinkJob, olds: Mapping[str, Any], *, replaced: bool) -> None:
    """A job whose last stop failed makes no savepoint any more: name the state that it leaves, or refuse."""
    observed, desired = observed_from_job(job, olds), wanted((), {}, olds, None).desired
    kept = state_without_savepoint(observed, desired)
    if kept not in (Restore.SAVEPOINT, Restore.CHECKPOINT):
        raise DliError(
            f"{operations.what} was not deleted: {no_savepoint_now(observed)}; savepoint_on_delete=False deletes it, "
            "too, without its state. `pulumi up` records such an input, whatever else it refuses; then delete again"
        )
    path = str(job.savepoint_path) if kept is Restore.SAVEPOINT else newest_checkpoint(operations.session, job)
    operations.call.info(f"{'savepoint' if kept is Restore.SAVEPOINT else 'checkpoint'} {path}")
    operations.call.warn(
        f"{operations.what} made no last savepoint (its last stop failed): what it did since {path} is lost"
    )
    if replaced:
        _leave(operations, job, path)


def _must_pass_on(operations: JobOperations, job: FlinkJob, path: str) -> None:
    """Find out, while the job is as it was, whether its successor can be told of the savepoint and start from it.

    Raises:
        UpgradeBlockedError: it cannot.
    """
    try:
        operations.must_import(path)
        operations.session.left_states.note(*_place(job), _left(operations, job, ""))
    except CancelledError:
        raise
    except DliError as error:
        raise UpgradeBlockedError(
            f"{operations.what} was not deleted, since its state would not come to its successor: "
            f"{str(error).rstrip('.')}. {_TAKES_OVER}"
        ) from error


def _leave(operations: JobOperations, job: FlinkJob, path: str) -> None:
    left = _left(operations, job, path)
    operations.session.left_states.remember(operations.call.urn, left)
    try:
        operations.session.left_states.note(*_place(job), left)
    except CancelledError:
        raise
    except DliError as error:
        raise DliError(
            f"{operations.what} is at rest with savepoint {path}, and was not deleted, since its successor could "
            f"not be told of it: {str(error).rstrip('.')}. {_TAKES_OVER}"
        ) from error


def _place(job: FlinkJob) -> tuple[str, str]:
    return str(job.config.obs_bucket or ""), str(job.name)


def _left(operations: JobOperations, job: FlinkJob, path: str) -> LeftState:
    return LeftState(path, str(job.job_id), operations.session.owner_of(operations.call.urn))


def left_for(call: OperationContext, session: Session, spec: FlinkJobSpec) -> str:
    """The savepoint from which a new job goes on: of the job before it that this or another deployment deleted.

    Raises:
        UpgradeBlockedError: another resource left it, and nothing says whether to go on from it; or the bucket that
            would tell cannot be asked now.
    """
    if spec.mode == "stateless" or spec.initial_savepoint_path:
        return ""
    left = session.left_states.here(call.urn) or _noted(call, session, spec)
    if left is None:
        return ""
    if left.owner != session.owner_of(call.urn):
        raise UpgradeBlockedError(
            f"a Flink job named {spec.name} (id {left.job_id}) was deleted by another resource, and its state is in "
            f"{left.path}: give that as initial_savepoint_path to go on from it, or upgrade_mode stateless to start "
            "from nothing"
        )
    return left.path


def _noted(call: OperationContext, session: Session, spec: FlinkJobSpec) -> LeftState | None:
    bucket = str(spec.obs_bucket or "")
    if not bucket or "left states" in session.around.silent:
        return None
    try:
        return session.left_states.noted(bucket, str(spec.name))
    except (AuthError, ConfigError, NotFoundError) as error:  # of this user, for as long as this deployment lasts
        if session.around.falls_silent("left states"):
            call.info(f"not checked: whether a deleted job of this name left its state ({str(error).rstrip('.')})")
        return None
    except CancelledError:
        raise
    except DliError as error:
        raise UpgradeBlockedError(
            f"whether a deleted Flink job named {spec.name} left its state cannot be told now, so nothing was created: "
            f"{str(error).rstrip('.')}. Run it again, or give upgrade_mode stateless to start from nothing"
        ) from error


def left_behind(call: OperationContext, session: Session, spec: FlinkJobSpec, kind: str) -> str:
    """What a replacement under another name would lose: it starts while the old job still runs; "" when nothing."""
    held = session.claims.held(kind, urn=call.urn)
    if not held or spec.mode == "stateless" or spec.initial_savepoint_path:
        return ""
    if any(job.name == spec.name for job in session.client.flink_jobs.list_all(name=str(spec.name))):
        return ""  # that one is taken over, or refused
    return (
        f"a job named {spec.name} would start without the state of job {', '.join(held)}, which it replaces. A new "
        "name needs no replacement: without it (`--replace`, replace_on_changes) the job takes its name with the next "
        "restart. Or delete first (delete_before_replace), or give initial_savepoint_path or upgrade_mode stateless"
    )


def is_passed_on(call: OperationContext, session: Session, inputs: Mapping[str, Any]) -> None:
    """The new job is up, from that state or as the program said: nothing of it is due any more."""
    if "left states" not in session.around.silent:
        session.left_states.forget(call.urn, str(inputs.get("obs_bucket") or ""), str(inputs.get("name")))
