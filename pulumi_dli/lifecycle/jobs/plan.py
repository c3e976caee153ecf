"""What an update does to a job: decided here, from values alone; done in `upgrade.py`.

`plan_upgrade` takes what was observed (`ObservedState`) and what is desired (`DesiredState`) and returns a frozen
`Plan`. It sends nothing and raises nothing, so that the preview and the update decide alike, and so that its table
(status by effect by mode, in docs/upgrades.md) is its test. Modelled on how Flink's Kubernetes operator thinks:
decide how to suspend and how to restore first, and refuse before anything is touched when state would be lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from pulumi_dli.api.job_status import JobStatus
from pulumi_dli.specs.fields import Effect


class Phase(StrEnum):
    """What a job's status means for an upgrade (dli-api 6.2)."""

    DRAFT = "never started"
    LIVE = "running"
    MOVING = "on its way to another status"
    STOPPED = "stopped"
    FINISHED = "finished by itself"
    FAILED = "failed"
    ARREARS = "stopped by arrears"
    UNSURE = "perhaps still running"


PHASES: dict[str, Phase] = {
    JobStatus.INIT: Phase.DRAFT,
    JobStatus.SUBMITTING: Phase.MOVING,
    JobStatus.SUBMIT_FAIL: Phase.FAILED,
    JobStatus.RUNNING: Phase.LIVE,
    JobStatus.RUNNING_EXCEPTION: Phase.FAILED,
    JobStatus.DOWNLOADING: Phase.MOVING,
    JobStatus.IDLE: Phase.LIVE,
    JobStatus.CANCELING: Phase.MOVING,
    JobStatus.CANCEL_SUCCESS: Phase.STOPPED,
    JobStatus.CANCEL_FAIL: Phase.UNSURE,
    JobStatus.SAVEPOINTING: Phase.MOVING,
    JobStatus.ARREARAGE_STOPPED: Phase.ARREARS,
    JobStatus.ARREARAGE_RECOVERING: Phase.MOVING,
    JobStatus.FINISH: Phase.FINISHED,
}


def phase_of(status: str) -> Phase:
    """An undocumented status counts as moving: it is waited for, and named when the wait ends."""
    return PHASES.get(status, Phase.MOVING)


class Stop(StrEnum):
    """How a job is stopped."""

    WITH_SAVEPOINT = "with a savepoint"
    PLAIN = "without a savepoint"


class Restore(StrEnum):
    """From what a start takes its state."""

    NOTHING = "nothing"
    SAVEPOINT = "the newest savepoint"
    REMEMBERED = "the savepoint of the interrupted upgrade"
    IMPORTED = "initial_savepoint_path"
    CHECKPOINT = "the newest checkpoint"


@dataclass(frozen=True)
class ObservedState:
    """What was observed.

    Attributes:
        status: DLI's word.
        ever_started: whether the job ever ran; one that never did has no state to lose.
        has_savepoint: whether the service holds a savepoint of the job.
        savepoint_is_newest: whether that savepoint is proven to be newer than the job's last start.
        remembered: whether an interrupted upgrade left the path of its savepoint, and the job was not started since.
        savepoint_path: of the newest savepoint, "" when it is not known: named where it is all that would be left.
    """

    status: str
    ever_started: bool = True
    has_savepoint: bool = False
    savepoint_is_newest: bool = False
    remembered: bool = False
    savepoint_path: str = ""


@dataclass(frozen=True)
class DesiredState:
    """What the program wants.

    Attributes:
        effect: the strongest effect among the changed fields.
        state: `running`, `suspended`, `draft`, or an observed word ("leave it as it is").
        mode: `savepoint`, `stateless` or `last-state`.
        runs_again: whether a changed field is one for which a finished job runs once more.
        start_due: a start was promised and not seen through: the declared state changed to running, an update was
            interrupted between stop and run, or the service has a new definition that was never started.
        repair: `failed`, `all` or `none`.
        initial_savepoint, allow_old: whether those inputs allow a start that is refused otherwise.
        fixed: changed fields that no job can change.
        new_plan: changed fields after which no savepoint is known to fit; `allow_new_plan`: it is tried all the same.
        rescaled: whether the parallelism of a job of SQL changes.
        not_from_checkpoint: changed fields after which, the FAQ says, no checkpoint is restored.
    """

    effect: Effect = Effect.IGNORED
    state: str = "running"
    mode: str = "savepoint"
    runs_again: bool = False
    start_due: bool = False
    repair: str = "failed"
    initial_savepoint: bool = False
    allow_old: bool = False
    fixed: tuple[str, ...] = ()
    new_plan: tuple[str, ...] = ()
    allow_new_plan: bool = False
    rescaled: bool = False
    not_from_checkpoint: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What will be done, in this order: wait until the status settles (then plan again), stop, change, start.

    Attributes:
        line: what happens to the stream, in the words of the preview.
        settle: the status is on its way to another one: wait, then plan again.
        stop: how to stop, None to leave it running.
        change: whether changed fields are sent now.
        start: from what to start, None to leave it as it is.
        keeps: without a start: what must be there before the stop, so that a later start has something to go on from.
        blocked: why nothing may be touched; "" when the plan can go ahead.
        warning: what the author should know although the plan goes ahead.
    """

    line: str
    settle: bool = False
    stop: Stop | None = None
    change: bool = False
    start: Restore | None = None
    keeps: Restore | None = None
    blocked: str = ""
    warning: str = ""


NO_EFFECT = Plan("no effect")
_CHANGED_ONLY = Plan("changed, not started", change=True)
_ARREARS = "the account is in arrears: settle it, DLI then brings the job back"
_NO_STATE = (
    "no savepoint is newer than the job's last start, so a start would lose or repeat what it has done: give "
    "initial_savepoint_path, allow_old_savepoint=True, or upgrade_mode stateless (drops the state) or last-state"
)
_WAS_RUN = 'a job that ran cannot become a draft again: use state="suspended"'
_SINCE = {
    Restore.SAVEPOINT: "no savepoint can be made after a failed stop: what was done since the last one is undone",
    Restore.IMPORTED: "no savepoint can be made after a failed stop: it goes on from initial_savepoint_path",
    Restore.CHECKPOINT: "no savepoint can be made after a failed stop: it goes on from its newest checkpoint",
}
_NEW_JOB = "the service takes it at the creation of a job only: declare another job, with another name"
_NO_SAVEPOINT_FITS = (
    "a savepoint holds the state of the operators that the old one made, so DLI may not be able to restore it "
    "(dli_03_0136)"
)
_WAYS = (
    '. Give upgrade_mode="stateless" (drops the state), allow_sql_change=True (tries it: when the new version does not '
    "come up, the old one runs again), or declare another job beside this one"
)
_RESCALED = "the parallelism changed: Flink restores a savepoint then, of DLI no page says so for SQL (dli_03_0136)"
_NO_CHECKPOINT = "{} changed: the FAQ says that a job is then not restored from a checkpoint (dli_03_0136)"
_MAY_RUN = "its last stop failed, so it may still run: change restart_nonce to stop and start it"


def plan_upgrade(observed: ObservedState, desired: DesiredState) -> Plan:
    """What an update with this wish does to a job in this situation."""
    if desired.fixed:
        return Plan("blocked", blocked=f"{_named(desired.fixed)} cannot change: {_NEW_JOB}")
    return _with_state_that_fits(_without_a_look_at_it(observed, desired), observed, desired)


def _with_state_that_fits(plan: Plan, observed: ObservedState, desired: DesiredState) -> Plan:
    """The plan with a look at what state it keeps for what changes (dli-api 14.7)."""
    if plan.start is Restore.CHECKPOINT and desired.not_from_checkpoint:
        return _warning(plan, _NO_CHECKPOINT.format(_named(desired.not_from_checkpoint)))
    at_rest = observed.has_savepoint and phase_of(observed.status) is not Phase.LIVE
    left = plan.change and plan.start is None and (plan.stop is Stop.WITH_SAVEPOINT or at_rest)
    if plan.start not in (Restore.SAVEPOINT, Restore.REMEMBERED) and not (left and desired.mode != "stateless"):
        return plan
    if desired.new_plan and not desired.allow_new_plan:
        return Plan("blocked", blocked=f"{_named(desired.new_plan)} changed: {_NO_SAVEPOINT_FITS}{_WAYS}")
    if desired.new_plan:
        return _warning(plan, f"{_named(desired.new_plan)} changed: {_NO_SAVEPOINT_FITS}")
    return _warning(plan, _RESCALED) if desired.rescaled else plan


def _warning(plan: Plan, text: str) -> Plan:
    return replace(plan, warning="; ".join(part for part in (plan.warning, text) if part))


def _named(fields: tuple[str, ...]) -> str:
    words = {"sql_body": "SQL text (sql_body)", "operator_config": "stream graph (operator_config)"}
    return ", ".join(words.get(field, field) for field in fields)


def _without_a_look_at_it(observed: ObservedState, desired: DesiredState) -> Plan:
    phase = phase_of(observed.status)
    if phase is Phase.MOVING:
        return Plan("waits until the job settles", settle=True)
    if desired.state == "running":
        return _to_running(phase, observed, desired)
    if desired.state == "suspended":
        return _to_suspended(phase, observed, desired)
    if desired.state == "draft" and phase is not Phase.DRAFT:
        return Plan("blocked", blocked=_WAS_RUN)
    return _sent_at_rest(desired) if phase is not Phase.LIVE else _while_running(desired, restart=NO_EFFECT)


def _to_running(phase: Phase, observed: ObservedState, desired: DesiredState) -> Plan:
    match phase:
        case Phase.LIVE:
            return _while_running(desired, restart=_restart(desired))
        case Phase.DRAFT:
            return replace(_start(observed, desired), change=desired.effect > Effect.IGNORED)
        case Phase.STOPPED:
            return _from_rest(observed, desired, due=desired.repair == "all", left=_left_stopped(desired))
        case Phase.FAILED:
            return _from_rest(observed, desired, due=desired.repair != "none", left=_left_failed(desired))
        case Phase.FINISHED:
            if desired.runs_again:
                return Plan("runs again from the beginning", change=True, start=Restore.NOTHING)
            return _sent_at_rest(desired)
        case Phase.UNSURE:
            if desired.effect == Effect.RESTART:
                return _restart_unsure(observed, desired)
            if desired.effect > Effect.IGNORED:
                return Plan("blocked", blocked=_MAY_RUN)
            return Plan("left as it is", warning=_MAY_RUN)
        case _:
            if desired.effect > Effect.IGNORED:
                return Plan("blocked", blocked=_ARREARS)
            return Plan("left as it is", warning=_ARREARS)


def _to_suspended(phase: Phase, observed: ObservedState, desired: DesiredState) -> Plan:
    if phase is Phase.UNSURE and desired.mode != "stateless":
        kept = state_without_savepoint(observed, desired)
        if kept is None:
            return Plan("blocked", blocked=no_savepoint_now(observed))
        change = desired.effect > Effect.IGNORED
        return Plan("stops without savepoint", stop=Stop.PLAIN, change=change, keeps=kept, warning=_SINCE[kept])
    if phase in (Phase.LIVE, Phase.UNSURE):
        stop = Stop.PLAIN if desired.mode == "stateless" else Stop.WITH_SAVEPOINT
        line = "stops, state is dropped" if stop is Stop.PLAIN else "stops with savepoint"
        return Plan(line, stop=stop, change=desired.effect > Effect.IGNORED)
    if phase is Phase.ARREARS:
        return NO_EFFECT if desired.effect == Effect.IGNORED else Plan("blocked", blocked=_ARREARS)
    return _sent_at_rest(desired)


def _while_running(desired: DesiredState, *, restart: Plan) -> Plan:
    """A live job takes six fields; texts wait for the next restart; the rest restarts it.

    Next to a text, fields that it takes may have changed as well: what it takes is sent, and nothing else.
    """
    return {
        Effect.IGNORED: NO_EFFECT,
        Effect.IN_PLACE: Plan("live change", change=True),
        Effect.NEXT_RESTART: Plan("with the next restart", change=True),
    }.get(desired.effect, restart)


def _restart(desired: DesiredState) -> Plan:
    match desired.mode:
        case "stateless":
            return Plan("restart, state is dropped", stop=Stop.PLAIN, change=True, start=Restore.NOTHING)
        case "last-state":
            return Plan("restart from newest checkpoint", stop=Stop.PLAIN, change=True, start=Restore.CHECKPOINT)
        case _:
            return Plan("restart with savepoint", stop=Stop.WITH_SAVEPOINT, change=True, start=Restore.SAVEPOINT)


def _restart_unsure(observed: ObservedState, desired: DesiredState) -> Plan:
    """A restart out of `job_cancel_fail`, where the service makes no savepoint and takes a plain stop only."""
    if desired.mode == "stateless":
        return _restart(desired)
    kept = state_without_savepoint(observed, desired)
    if kept is None:
        return Plan("blocked", blocked=no_savepoint_now(observed))
    if kept is Restore.CHECKPOINT:
        return _restart(desired)
    words = {Restore.IMPORTED: "initial_savepoint_path", Restore.SAVEPOINT: "an old savepoint"}[kept]
    if kept is Restore.SAVEPOINT and observed.savepoint_is_newest:
        words = "its savepoint"
    return Plan(f"restart from {words}", stop=Stop.PLAIN, change=True, start=kept, warning=_SINCE[kept])


def state_without_savepoint(observed: ObservedState, desired: DesiredState) -> Restore | None:
    """From what a job goes on that is stopped without a savepoint; None when the program allows no such stop."""
    if desired.mode == "last-state":
        return Restore.CHECKPOINT
    if observed.has_savepoint and observed.savepoint_is_newest:
        return Restore.SAVEPOINT
    if desired.initial_savepoint:
        return Restore.IMPORTED
    return Restore.SAVEPOINT if desired.allow_old and observed.has_savepoint else None


def no_savepoint_now(observed: ObservedState) -> str:
    """Why a stop out of `job_cancel_fail` is refused, what it would lose, and the ways out."""
    path = f" ({observed.savepoint_path})" if observed.savepoint_path else ""
    lost = (
        f"since its last savepoint{path}"
        if observed.has_savepoint
        else "since it was first started: it has no savepoint"
    )
    old = "allow_old_savepoint=True (goes on from that savepoint), " if observed.has_savepoint else ""
    return (
        "its last stop failed (job_cancel_fail), so it may still run, and DLI now stops it without a savepoint only. "
        f"That would lose what it has done {lost}. To allow it, give upgrade_mode last-state (goes on from the newest "
        f"checkpoint), {old}initial_savepoint_path, or upgrade_mode stateless (drops the state)"
    )


def _from_rest(observed: ObservedState, desired: DesiredState, *, due: bool, left: Plan) -> Plan:
    """A job at rest that the program wants running: started for a change or a promise, else only if repair says so."""
    asked = desired.effect == Effect.RESTART or desired.start_due
    if not asked and not due:
        return replace(left, change=desired.effect > Effect.IGNORED)
    plan = _start(observed, desired)
    if plan.blocked and not asked:
        return replace(left, change=desired.effect > Effect.IGNORED, warning=plan.blocked)
    return plan if plan.blocked else replace(plan, change=desired.effect > Effect.IGNORED)


def _start(observed: ObservedState, desired: DesiredState) -> Plan:
    """A start of a job at rest, from the state that it left, or a refusal."""
    if desired.mode == "stateless":
        return Plan("starts without state" if observed.ever_started else "starts", start=Restore.NOTHING)
    if desired.mode == "last-state" and observed.status == JobStatus.RUNNING_EXCEPTION:
        # What it did after a savepoint that was made while it ran is in its checkpoints only.
        return Plan("starts from newest checkpoint", start=Restore.CHECKPOINT)
    if observed.has_savepoint and observed.savepoint_is_newest:
        return Plan("starts from its savepoint", start=Restore.SAVEPOINT)
    if observed.remembered:
        return Plan("starts from its savepoint", start=Restore.REMEMBERED)
    if desired.initial_savepoint:
        return Plan("starts from initial_savepoint_path", start=Restore.IMPORTED)
    if not observed.ever_started:
        return Plan("starts", start=Restore.NOTHING)
    if desired.mode == "last-state":
        return Plan("starts from newest checkpoint", start=Restore.CHECKPOINT)
    if desired.allow_old and observed.has_savepoint:
        return Plan("starts from an old savepoint", start=Restore.SAVEPOINT)
    return Plan("blocked", blocked=_NO_STATE)


def _left_stopped(_wish: DesiredState) -> Plan:
    return Plan(
        "stays stopped",
        warning="stopped outside of Pulumi, or by a delete that was cut off; `up` leaves it: "
        'repair="all" or a new restart_nonce starts it',
    )


def _left_failed(desired: DesiredState) -> Plan:
    return Plan("stays failed", warning=f'it failed; `up` leaves it (repair="{desired.repair}")')


def _sent_at_rest(desired: DesiredState) -> Plan:
    return _CHANGED_ONLY if desired.effect > Effect.IGNORED else NO_EFFECT
