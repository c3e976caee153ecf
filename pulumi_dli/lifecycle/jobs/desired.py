"""From a state and a program to the desired state of a job: alike for the preview and for the update. Pure.

Beside the inputs, the outputs keep notes from one update to the next: `declared_state` (what the program last had the
job be), `deferred` (changes that wait for the next restart), `unfinished` (why the last update stopped half-way),
`resume_from` (the savepoint from which it then goes on), `has_run` (whether the job was ever seen to run), `savepoints`
(the last ten, with their times), `last_downtime_seconds`, and whose the job is (`owner_tag`, `hold`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_dli.api.job_status import HAVE_RUN, JobStatus
from pulumi_dli.lifecycle.jobs import savepoints
from pulumi_dli.lifecycle.jobs.kinds import AnyFlinkJobSpec
from pulumi_dli.lifecycle.jobs.mapping import (
    AT_CREATION,
    CLEARED,
    LIVE_FIELDS,
    PACKAGE_LISTS,
    PACKAGES,
    SENT,
    differing,
    is_computed,
    is_same,
    is_unreported,
    live_value,
    path_of,
)
from pulumi_dli.lifecycle.jobs.plan import DesiredState, ObservedState, Phase, phase_of
from pulumi_dli.lifecycle.ownership import HOLD
from pulumi_dli.specs.fields import Change, Effect, Mark
from pulumi_dli.specs.sql_texts import means_the_same

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob

DOWNTIME = "last_downtime_seconds"
NOTES = (
    "declared_state",
    "deferred",
    "pending_reason",
    "pending_restore_path",
    "has_run",
    "savepoints",
    "owner_tag",
    HOLD,
    DOWNTIME,
)
RUNS_AGAIN = AnyFlinkJobSpec.marked(Mark.RUNS_AGAIN)
"""Fields for which a bounded job that has finished runs once more."""

_NOT_PLANNED = AnyFlinkJobSpec.marked(Mark.OWN_STEPS) | AT_CREATION
_MAKES_THE_PLAN = AnyFlinkJobSpec.marked(Mark.MAKES_THE_PLAN)
_NOT_FROM_CHECKPOINT = AnyFlinkJobSpec.marked(Mark.NOT_FROM_CHECKPOINT) | _MAKES_THE_PLAN


@dataclass(frozen=True)
class DesiredUpdate:
    """A wish, and the changed fields behind it with what each does: the ones to name in the preview."""

    desired: DesiredState
    effects: Mapping[str, Effect]


def wanted(
    changes: Collection[Change], olds: Mapping[str, Any], inputs: Mapping[str, Any], job: FlinkJob | None
) -> DesiredUpdate:
    """What the program wants of the job.

    Args:
        olds: the outputs in the state; {} for a job that is being taken over.
        inputs: the checked inputs.
        job: its details, when they could be read; a change that the service has already made is none.
    """
    planned = [c for c in changes if c.field not in _NOT_PLANNED and c.effect > Effect.IGNORED]
    there = {change.field for change in planned if _is_there(change, inputs, job)}
    effects = {change.field: change.effect for change in planned if change.field not in there}
    if job is not None and olds.get("pending_reason"):
        # Half-way through, the outputs no longer tell what the service has: compare all that the program manages.
        managed = [field for field in SENT if field in inputs]
        effects |= {field: AnyFlinkJobSpec.effect(field) for field in differing(inputs, job, managed)}
    state = str(inputs.get("state") or "running")
    # The service has what the state does not know of: an update sent it, and died before the start that follows.
    half_way = any(change.effect == Effect.RESTART for change in planned if change.field in there)
    again = any(field in RUNS_AGAIN for field in (*effects, *there))
    desired = DesiredState(
        effect=max(effects.values(), default=Effect.IGNORED),
        state=state,
        mode=str(inputs.get("upgrade_mode") or "savepoint"),
        runs_again=again and not (there and not effects and _started_since_change(job)),
        start_due=state == "running" and (half_way or _start_due(olds)),
        repair=str(inputs.get("repair") or "failed"),
        initial_savepoint=bool(inputs.get("initial_savepoint_path")),
        allow_old=bool(inputs.get("allow_old_savepoint")),
        fixed=tuple(c.field for c in changes if c.field in AT_CREATION and not c.unknown and c.new is not None),
        new_plan=tuple(change.field for change in planned if _makes_another_plan(change, job)),
        allow_new_plan=bool(inputs.get("allow_sql_change")),
        rescaled="run_mode" in inputs and any(_rescales(change) for change in planned),
        not_from_checkpoint=tuple(field for field in effects if field in _NOT_FROM_CHECKPOINT),
    )
    return DesiredUpdate(desired, effects)


def as_taken_over(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs from which a job that is taken over is brought to these inputs, whatever it is now.

    What the service never hears of cannot differ on it: it is no reason to restart a job that runs.
    """
    unreported = {field: inputs[field] for field in inputs if field not in SENT and field != "tags"}
    return {**unreported, "declared_state": "draft"}


def _makes_another_plan(change: Change, job: FlinkJob | None) -> bool:
    """Whether it changes the operators of a job of SQL, as far as its texts tell."""
    if change.field not in _MAKES_THE_PLAN or change.unknown:
        return False
    if change.field != "sql_body":
        return True
    # A text that came out of a template is known to the service alone.
    old = change.old or (live_value(job, "sql_body") if job is not None else None)
    return bool(old) and not means_the_same(str(old), str(change.new or ""))


def _rescales(change: Change) -> bool:
    if change.field == "resource_config":
        old, new = (value or {} for value in (change.old, change.new))
        return bool(old.get("parallel_number") != new.get("parallel_number"))
    return change.field == "parallel_number" and not change.unknown


def _started_since_change(job: FlinkJob | None) -> bool:
    return job is not None and (job.start_time or 0) > (job.update_time or 0)


def _is_there(change: Change, inputs: Mapping[str, Any], job: FlinkJob | None) -> bool:
    if job is None or change.unknown or change.field not in SENT:
        return False
    if change.field in PACKAGES | PACKAGE_LISTS and _same_paths(change):
        return False  # other bytes under the same path: the service cannot tell
    live = live_value(job, change.field)
    if is_unreported(job, change.field) or (live is None and change.new is not None):
        return False
    return is_same(change.field, change.new, live, inputs)


def _same_paths(change: Change) -> bool:
    if change.old is None or change.new is None:
        return False
    old, new = ([value] if not isinstance(value, list) else value for value in (change.old, change.new))
    return [path_of(item) for item in old] == [path_of(item) for item in new]


def _declared(olds: Mapping[str, Any]) -> str:
    return str(olds.get("declared_state") or "running")


def _start_due(olds: Mapping[str, Any]) -> bool:
    return not olds or bool(olds.get("pending_reason")) or _declared(olds) in ("suspended", "draft")


def observed_from_job(job: FlinkJob, olds: Mapping[str, Any]) -> ObservedState:
    """What a job's details say about starting it again."""
    return ObservedState(
        status=job.status,
        ever_started=bool(job.start_time or job.duration or olds.get("has_run")) or has_run(job.status),
        has_savepoint=bool(job.has_savepoint),
        savepoint_is_newest=savepoints.is_newest(
            job, olds.get("savepoints") or (), started=_whole(olds.get("start_time"))
        ),
        remembered=is_remembered(job, olds),
        savepoint_path=job.savepoint_path or "",
    )


def has_run(status: str) -> bool:
    """Whether a job in this status has run, and so has state to lose. A failed submission or a stop proves nothing."""
    return phase_of(status) in (Phase.LIVE, Phase.FINISHED, Phase.UNSURE) or status in HAVE_RUN


def is_remembered(job: FlinkJob, olds: Mapping[str, Any]) -> bool:
    """Whether the job still has to go on from the savepoint of an interrupted upgrade: it was not started since."""
    return bool(olds.get("pending_restore_path")) and (job.start_time or 0) <= (_whole(olds.get("start_time")) or 0)


def _whole(value: Any) -> int | None:
    return int(value) if value else None


def remembered(olds: Mapping[str, Any]) -> ObservedState:
    """The same from the outputs, where the job cannot be looked at."""
    history = olds.get("savepoints") or ()
    path, started = olds.get("savepoint_path"), olds.get("start_time")
    newest = [entry for entry in history if entry.get("path") == path]
    return ObservedState(
        status=str(olds.get("status") or JobStatus.RUNNING),
        ever_started=bool(started or olds.get("has_run")),
        has_savepoint=bool(olds.get("has_savepoint")),
        savepoint_is_newest=bool(newest and newest[-1].get("time", 0) >= (started or 0)),
        remembered=bool(olds.get("pending_restore_path")),
        savepoint_path=str(path or ""),
    )


def fields_to_send(inputs: Mapping[str, Any], olds: Mapping[str, Any], job: FlinkJob, *, running: bool) -> list[str]:
    """The fields of a PUT: all in which the service differs from the program, or, while it runs, those that it takes
    then.

    A field that was given once and is given no more is among them (it is cleared); an unchanged one never is: an
    unchanged `obs_bucket` sent to a running job is an error (dli-api 6.3). What the service does not tell is sent when
    it differs from the last time.
    """
    known = {*inputs, *olds, *(olds.get("deferred") or {})}
    fields = [field for field in SENT if field in known and (not running or field in LIVE_FIELDS)]
    found = differing(inputs, job, fields)
    unreported = [
        field
        for field in fields
        if inputs.get(field) != olds.get(field) and (is_unreported(job, field) or live_value(job, field) is None)
    ]
    # What is empty on both sides needs no clearing.
    unreported = [f for f in unreported if inputs.get(f) is not None or is_unreported(job, f)]
    return [field for field in fields if field in found or field in unreported]


def kept_by_service(inputs: Mapping[str, Any], olds: Mapping[str, Any], job: FlinkJob, *, sent: bool) -> list[str]:
    """Inputs that the program omits now, and that the service still has although it was told to clear them
    (dli-api 6.3, 11), or that it cannot be told to clear.

    `checkpoint_path` is the service's own while checkpoints are enabled.

    Args:
        sent: whether all changes were sent; a running job is told of six fields only.
    """
    gone = [field for field in SENT if olds.get(field) is not None and inputs.get(field) is None]
    if job.config.checkpoint_enabled:
        gone = [field for field in gone if field != "checkpoint_path"]
    told = [field for field in gone if field in CLEARED and (sent or field in LIVE_FIELDS)]
    kept = [field for field in differing(inputs, job, told) if not is_computed(job, field)]
    return [*kept, *(field for field in gone if field not in CLEARED)]


def deferred_fields(
    changes: Collection[Change], olds: Mapping[str, Any], inputs: Mapping[str, Any], job: FlinkJob
) -> dict[str, Any]:
    """Changes that wait for the next restart, each with the value that the service has meanwhile."""
    earlier = dict(olds.get("deferred") or {})
    late = {change.field for change in changes if change.effect is Effect.NEXT_RESTART} | set(earlier)
    return {field: live_value(job, field) for field in differing(inputs, job, late)}
