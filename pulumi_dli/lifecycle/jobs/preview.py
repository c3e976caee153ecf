"""What a preview says of a job: one line on what happens to the stream and because of which fields, and warnings.

Called by `flink_job.py` for check and diff. It decides with the same functions as the update (`wanted`,
`plan_upgrade`), shares its looks with all jobs, and changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Set
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pulumi_dli.errors import ConfigError, DliError, UpgradeBlockedError
from pulumi_dli.lifecycle.contract import DiffRequest, DiffResult
from pulumi_dli.lifecycle.differences import named
from pulumi_dli.lifecycle.jobs import queue_facts
from pulumi_dli.lifecycle.jobs.checks import must_find_what_it_needs
from pulumi_dli.lifecycle.jobs.desired import DesiredUpdate, observed_from_job, remembered, wanted
from pulumi_dli.lifecycle.jobs.plan import NO_EFFECT, ObservedState, Phase, Plan, Restore, Stop, phase_of, plan_upgrade
from pulumi_dli.lifecycle.jobs.reach import as_it_runs
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.specs import rules
from pulumi_dli.specs.declared import Declared
from pulumi_dli.specs.fields import Effect

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob

_READ_BY_DELETE = ("savepoint_on_delete", "upgrade_mode", "allow_old_savepoint")
_WITHOUT_IMPORT = ("otc.t-systems.com",)  # endpoints whose reference lacks import-savepoint (dli-api 6.10)


def preview_create(
    call: OperationContext, job: Declared, unknown: Collection[str], *, left: str = "", ending: str = ""
) -> None:
    """The line for a job that does not exist yet.

    Args:
        job: with what is known of its queue.
        left: the savepoint that the job of its name before it left.
    """
    news = job.inputs
    state = "running" if "state" in unknown else news.get("state") or "running"
    lines = {"draft": "is created as a draft", "suspended": "is created, not started"}
    line = lines.get(state, "creates and starts")
    if state not in lines and (news.get("initial_savepoint_path") or "initial_savepoint_path" in unknown):
        line = "creates and starts from initial_savepoint_path"
    elif left:
        line += f"{', with the state in' if state in lines else ' from'} {left}, left by the job of this name before it"
    queue_facts.must_go_with_its_queue(job, unknown, what=f"Flink job {news.get('name', '')}")
    call.info(line + ending)
    warn_of_combinations(call, job, unknown)


def preview_update(call: OperationContext, request: DiffRequest) -> DiffResult:
    """The line for a job that exists.

    Raises:
        UpgradeBlockedError: what is asked for would lose state; nothing has been touched.
    """
    if not request.changes and not request.olds.get("pending_reason"):
        return DiffResult(False)
    what = f"Flink job {request.olds.get('name', '')} ({request.id})"
    # What an interrupted update left to do shows in no input.
    changed = DiffResult(None if request.changes else True)
    job, source = _look(request) if _stirs(request) else (None, "")
    want, observed, plan = _planned(request, job)
    if plan.blocked and not _stirs(request):  # the state's status may be an old one
        job, source = _look(request)
        want, observed, plan = _planned(request, job)
    if plan.blocked and not any(change.unknown for change in request.changes):
        reason = f"{what}: {plan.blocked}"
        recorded = [change.field for change in request.changes if change.field in _READ_BY_DELETE]
        if not recorded:
            raise UpgradeBlockedError(reason)
        # An error here would keep `up` from recording what the next delete needs; the update then fails with it.
        call.info(f"blocked, only {', '.join(recorded)} is recorded{source}")
        call.warn(f"this update will fail: {reason}")
        return changed
    if why := state_out_of_reach(plan, request, job):
        raise UpgradeBlockedError(f"{what}: {plan.line} cannot work. {why}")
    declared = _with_its_queue(call, request, plan)
    queue_facts.must_go_with_its_queue(declared, request.unknown, what=what)
    if job is not None:
        must_find_what_it_needs(call, request.connect(), plan, request.news, what=what, in_preview=True)
    call.info(line(plan, want, request, live=phase_of(observed.status) is Phase.LIVE) + source)
    warn(call, plan, observed, request)
    warn_of_combinations(call, declared, request.unknown, {change.field for change in request.changes})
    return changed


def _planned(request: DiffRequest, job: FlinkJob | None) -> tuple[DesiredUpdate, ObservedState, Plan]:
    want = wanted(request.changes, request.olds, request.news, job)
    observed = observed_from_job(job, request.olds) if job else remembered(request.olds)
    return want, observed, plan_upgrade(observed, want.desired)


def _with_its_queue(call: OperationContext, request: DiffRequest, plan: Plan) -> Declared:
    """The job with what is known of its queue: from the service, too, when the job starts or restarts."""
    endpoint, session = str(request.olds.get("endpoint")), None
    if plan.start is not None and "queue_name" not in request.unknown:
        with contextlib.suppress(DliError):
            session = request.connect()
    return queue_facts.as_found(call, session, request.news, request.unknown, endpoint)


def line(plan: Plan, want: DesiredUpdate, request: DiffRequest, *, live: bool) -> str:
    """What happens, and in brackets why: the fields, and the parts of nested ones."""
    parts_of = {c.field: [c.field] if c.unknown else named(c.field, c.old, c.new) for c in request.changes}
    changed = [change.field for change in request.changes]
    taken = [field for field, effect in want.effects.items() if effect is Effect.IN_PLACE]
    taken += [field for field in changed if field == "tags"]
    waiting = [field for field, effect in want.effects.items() if effect is Effect.NEXT_RESTART]
    if plan.line in (NO_EFFECT.line, "live change", "with the next restart") and live:
        parts = [_because("live change", _parts(taken, parts_of))] if taken else []
        parts += [_because("makes a savepoint", ["savepoint_nonce"])] if "savepoint_nonce" in changed else []
        parts += [_because("with the next restart", waiting)] if waiting else []
        return "; ".join(parts) or _because(plan.line, _parts(changed, parts_of))
    causes = [field for field, effect in want.effects.items() if effect == want.desired.effect]
    causes += [field for field in changed if field == "state"]
    others = [field for field in changed if field in (*want.effects, "tags") and field not in causes]
    if not causes and not others:
        return _because(plan.line, _parts(changed, parts_of))
    return _because(plan.line, _parts(causes, parts_of), _parts(others, parts_of))


def _parts(fields: Collection[str], parts_of: Mapping[str, list[str]]) -> list[str]:
    return [part for field in fields for part in parts_of.get(field, [field])]


def _because(words: str, causes: Collection[str], others: Collection[str] = ()) -> str:
    parts = [", ".join(causes), f"also {', '.join(others)}" if others else ""]
    reason = "; ".join(part for part in parts if part)
    return f"{words} ({reason})" if reason else words


def _stirs(request: DiffRequest) -> bool:
    """Whether a change would restart or start the job."""
    return bool(request.olds.get("pending_reason")) or any(
        change.effect is Effect.RESTART or change.field == "state" for change in request.changes
    )


def _look(request: DiffRequest) -> tuple[FlinkJob | None, str]:
    """The job's details, and how the line says where its status is from."""
    if not request.id:
        return None, ""
    try:
        session = request.connect()
        session.must_be_where(request.olds, f"Flink job {request.id}")
        snapshot = session.jobs.read(int(request.id))
        # Of a job that runs, an upgrade makes a new savepoint: a list page that many share tells enough.
        enough = (
            snapshot.job.detailed
            and phase_of(snapshot.job.status) is Phase.LIVE
            and not request.olds.get("pending_reason")
        )
        if not snapshot.detailed and not enough:
            snapshot = session.jobs.read(int(request.id), need_detail=True)
    except ConfigError as error:
        if "provider of its own" in str(error):
            raise
    except (DliError, ValueError):
        pass
    else:
        return snapshot.job, ""
    seen = request.olds.get("observed_at")
    if not seen:
        return None, ", status unknown"
    moment = datetime.fromtimestamp(int(seen) / 1000, tz=UTC)
    return None, f", status as of {moment:%Y-%m-%d %H:%M} UTC"


def warn(call: OperationContext, plan: Plan, observed: ObservedState, request: DiffRequest) -> None:
    if plan.warning:
        call.warn(plan.warning)
    restarts = (
        plan.start is Restore.NOTHING and observed.ever_started and phase_of(observed.status) is not Phase.FINISHED
    )
    if (plan.stop is Stop.PLAIN and plan.start is not Restore.CHECKPOINT) or restarts:
        call.warn("the state of the stream is dropped (upgrade_mode stateless)")
    endpoint = str(request.olds.get("endpoint"))
    if plan.stop is Stop.WITH_SAVEPOINT and plan.start and any(name in endpoint for name in _WITHOUT_IMPORT):
        call.warn(
            "a rollback may not be possible: this region publishes no call to import a savepoint, and a start consumes "
            "the one that the upgrade makes"
        )


def warn_of_combinations(
    call: OperationContext, job: Declared, unknown: Collection[str], fields: Set[str] | None = None
) -> None:
    """What the pages say of what the program combines (dli-api 15).

    Args:
        fields: those that change; None for all.
    """
    for warning in rules.warnings(job, unknown, fields):
        call.warn(warning)
    unreported = [
        line for line in rules.not_checked(job, unknown) if fields is None or not fields.isdisjoint(line.fields)
    ]
    if unreported:
        pages = ", ".join(sorted({line.page for line in unreported}))
        call.info(f"not checked: whether its queue goes with {unreported[0].fields[0]} ({pages})")


def state_out_of_reach(plan: Plan, request: DiffRequest, job: FlinkJob | None) -> str:
    """Why the service will not do the part of the plan that keeps the state; "" when it will, or may."""
    if plan.stop is Stop.WITH_SAVEPOINT or plan.start is Restore.CHECKPOINT:
        why = rules.out_of_reach(as_it_runs(job, request.olds))
        if why:
            return why
    from_state = plan.start in (Restore.SAVEPOINT, Restore.REMEMBERED, Restore.IMPORTED, Restore.CHECKPOINT)
    judged = {"flink_version", "execution_agency_urn"}.isdisjoint(request.unknown)
    return rules.out_of_reach(Declared(request.news)) if from_state and judged else ""
