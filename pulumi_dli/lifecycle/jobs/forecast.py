"""What a preview says of a job: one line on what happens to the stream and because of which fields, and warnings.

Called by `flink_job.py` for check and diff. It decides with the same functions as the update (`wanted`,
`plan_upgrade`), makes at most one call, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pulumi_dli.errors import ConfigError, DliError, UpgradeBlockedError
from pulumi_dli.lifecycle.call import Call
from pulumi_dli.lifecycle.contract import Ahead, Foreseen
from pulumi_dli.lifecycle.differences import named
from pulumi_dli.lifecycle.jobs.plan import NO_EFFECT, Phase, Plan, Restore, Situation, Stop, phase_of, plan_upgrade
from pulumi_dli.lifecycle.jobs.wish import Wanted, remembered, situation_of, wanted
from pulumi_dli.specs import rules
from pulumi_dli.specs.declared import Declared, cloud_of
from pulumi_dli.specs.fields import Effect

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob

_READ_BY_DELETE = ("savepoint_on_delete", "upgrade_mode", "allow_old_savepoint")
_WITHOUT_IMPORT = ("otc.t-systems.com",)  # endpoints whose reference lacks import-savepoint (dli-api 6.10)


def announce(call: Call, news: Mapping[str, Any], unknown: Collection[str]) -> None:
    """The line for a job that does not exist yet."""
    state = "running" if "state" in unknown else news.get("state") or "running"
    lines = {"draft": "is created as a draft", "suspended": "is created, not started"}
    line = lines.get(state, "starts")
    if line == "starts" and (news.get("initial_savepoint_path") or "initial_savepoint_path" in unknown):
        line = "starts from initial_savepoint_path"
    call.note(line)
    _warn_of_combinations(call, Declared(news), unknown)


def foresee(call: Call, ahead: Ahead) -> Foreseen:
    """The line for a job that exists.

    Raises:
        UpgradeBlockedError: what is asked for would lose state; nothing has been touched.
    """
    if not ahead.changes and not ahead.olds.get("unfinished"):
        return Foreseen(False)
    # What an interrupted update left to do shows in no input.
    changed = Foreseen(None if ahead.changes else True)
    job, source = _look(ahead) if _stirs(ahead) else (None, "")
    want, situation, plan = _planned(ahead, job)
    if plan.blocked and not _stirs(ahead):  # the state's status may be an old one
        job, source = _look(ahead)
        want, situation, plan = _planned(ahead, job)
    if plan.blocked and not any(change.unknown for change in ahead.changes):
        reason = f"Flink job {ahead.olds.get('name', '')} ({ahead.id}): {plan.blocked}"
        recorded = [change.field for change in ahead.changes if change.field in _READ_BY_DELETE]
        if not recorded:
            raise UpgradeBlockedError(reason)
        # An error here would keep `up` from recording what the next delete needs; the update then fails with it.
        call.note(f"blocked, only {', '.join(recorded)} is recorded{source}")
        call.warn(f"this update will fail: {reason}")
        return changed
    if why := _state_out_of_reach(plan, ahead, job):
        raise UpgradeBlockedError(
            f"Flink job {ahead.olds.get('name', '')} ({ahead.id}): {plan.line} cannot work. {why}"
        )
    call.note(line(plan, want, ahead, live=phase_of(situation.status) is Phase.LIVE) + source)
    _warn(call, plan, situation, ahead)
    declared = Declared(ahead.news, cloud=cloud_of(str(ahead.olds.get("endpoint"))))
    _warn_of_combinations(call, declared, ahead.unknown, {change.field for change in ahead.changes})
    return changed


def _planned(ahead: Ahead, job: FlinkJob | None) -> tuple[Wanted, Situation, Plan]:
    want = wanted(ahead.changes, ahead.olds, ahead.news, job)
    situation = situation_of(job, ahead.olds) if job else remembered(ahead.olds)
    return want, situation, plan_upgrade(situation, want.wish)


def line(plan: Plan, want: Wanted, ahead: Ahead, *, live: bool) -> str:
    """What happens, and in brackets why: the fields, and the parts of nested ones."""
    parts_of = {c.field: [c.field] if c.unknown else named(c.field, c.old, c.new) for c in ahead.changes}
    changed = [change.field for change in ahead.changes]
    taken = [field for field, effect in want.effects.items() if effect is Effect.IN_PLACE]
    taken += [field for field in changed if field == "tags"]
    waiting = [field for field, effect in want.effects.items() if effect is Effect.NEXT_RESTART]
    if plan.line in (NO_EFFECT.line, "live change", "with the next restart") and live:
        parts = [_because("live change", _parts(taken, parts_of))] if taken else []
        parts += [_because("makes a savepoint", ["savepoint_nonce"])] if "savepoint_nonce" in changed else []
        parts += [_because("with the next restart", waiting)] if waiting else []
        return "; ".join(parts) or _because(plan.line, _parts(changed, parts_of))
    causes = [field for field, effect in want.effects.items() if effect == want.wish.effect]
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


def _stirs(ahead: Ahead) -> bool:
    """Whether a change would restart or start the job."""
    return bool(ahead.olds.get("unfinished")) or any(
        change.effect is Effect.RESTART or change.field == "state" for change in ahead.changes
    )


def _look(ahead: Ahead) -> tuple[FlinkJob | None, str]:
    """The job's details, and how the line says where its status is from."""
    if not ahead.id:
        return None, ""
    try:
        session = ahead.connect()
        session.must_be_where(ahead.olds, f"Flink job {ahead.id}")
        sighting = session.jobs.read(int(ahead.id))
        # Of a job that runs, an upgrade makes a new savepoint: a list page that many share tells enough.
        enough = (
            sighting.job.detailed and phase_of(sighting.job.status) is Phase.LIVE and not ahead.olds.get("unfinished")
        )
        if not sighting.detailed and not enough:
            sighting = session.jobs.read(int(ahead.id), need_detail=True)
    except ConfigError as error:
        if "provider of its own" in str(error):
            raise
    except (DliError, ValueError):
        pass
    else:
        return sighting.job, ""
    seen = ahead.olds.get("observed_at")
    if not seen:
        return None, ", status unknown"
    moment = datetime.fromtimestamp(int(seen) / 1000, tz=UTC)
    return None, f", status as of {moment:%Y-%m-%d %H:%M} UTC"


def _warn(call: Call, plan: Plan, situation: Situation, ahead: Ahead) -> None:
    if plan.warning:
        call.warn(plan.warning)
    restarts = (
        plan.start is Restore.NOTHING and situation.ever_started and phase_of(situation.status) is not Phase.FINISHED
    )
    if (plan.stop is Stop.PLAIN and plan.start is not Restore.CHECKPOINT) or restarts:
        call.warn("the state of the stream is dropped (upgrade_mode stateless)")
    endpoint = str(ahead.olds.get("endpoint"))
    if plan.stop is Stop.WITH_SAVEPOINT and plan.start and any(name in endpoint for name in _WITHOUT_IMPORT):
        call.warn(
            "a rollback may not be possible: this region publishes no call to import a savepoint, and a start consumes "
            "the one that the upgrade makes"
        )


def _warn_of_combinations(call: Call, job: Declared, unknown: Collection[str], fields: Set[str] | None = None) -> None:
    """What the pages say of what the program combines (dli-api 15).

    Args:
        fields: those that change; None for all.
    """
    for warning in rules.warnings(job, unknown, fields):
        call.warn(warning)
    untold = [line for line in rules.not_checked(job, unknown) if fields is None or not fields.isdisjoint(line.fields)]
    if untold:
        pages = ", ".join(sorted({line.page for line in untold}))
        call.note(f"not checked: whether its queue goes with {untold[0].fields[0]} ({pages})")


def _state_out_of_reach(plan: Plan, ahead: Ahead, job: FlinkJob | None) -> str:
    """Why the service will not do the part of the plan that keeps the state; "" when it will, or may."""
    told = (
        {} if job is None else {name: getattr(job.config, name) for name in ("flink_version", "execution_agency_urn")}
    )
    running = Declared({**ahead.olds, **{name: value for name, value in told.items() if value}})
    if plan.stop is Stop.WITH_SAVEPOINT or plan.start is Restore.CHECKPOINT:
        why = rules.out_of_reach(running)
        if why:
            return why
    from_state = plan.start in (Restore.SAVEPOINT, Restore.REMEMBERED, Restore.IMPORTED, Restore.CHECKPOINT)
    judged = {"flink_version", "execution_agency_urn"}.isdisjoint(ahead.unknown)
    return rules.out_of_reach(Declared(ahead.news)) if from_state and judged else ""
