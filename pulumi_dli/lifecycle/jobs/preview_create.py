"""What a preview says of a job that is not in the state: it is created, taken over, or somebody else's.

Called by `flink_job.py`. A take-over is an update of a job of which nothing is remembered (`as_taken_over`), so the
line comes from the same functions as that of an update.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_dli.errors import UpgradeBlockedError
from pulumi_dli.lifecycle.contract import DiffRequest
from pulumi_dli.lifecycle.jobs import preview, queue_facts
from pulumi_dli.lifecycle.jobs.checks import must_find_what_it_needs
from pulumi_dli.lifecycle.jobs.create import JobCreation
from pulumi_dli.lifecycle.jobs.desired import as_taken_over, observed_from_job, wanted
from pulumi_dli.lifecycle.jobs.kinds import JobKind
from pulumi_dli.lifecycle.jobs.last_savepoint import left_behind, left_for
from pulumi_dli.lifecycle.jobs.outputs import observed_state
from pulumi_dli.lifecycle.jobs.plan import NO_EFFECT, Phase, phase_of, plan_upgrade
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.preview_create import look, must_be_adoptable
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.declared import Declared
from pulumi_dli.specs.fields import changes

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob


def preview_create(call: OperationContext, kind: JobKind, request: DiffRequest) -> None:
    """See `contract.Lifecycle.preview_create`.

    Raises:
        UpgradeBlockedError: the take-over would lose state.
    """
    news = request.news
    sight = look(request, lambda session: _find(session, str(news.get("name"))), needs=("name", "adopt"))
    if sight.session is None or sight.found is None:
        spec = kind.spec.model_construct(**news)
        left = left_for(call, sight.session, spec) if sight.session else ""
        preview.preview_create(
            call, _declared(call, sight.session, request), request.unknown, left=left, ending=sight.ending
        )
        if sight.session and not left and (lost := left_behind(call, sight.session, spec, JobCreation.kind)):
            call.warn(lost)  # no error: nobody tells whether the old job is deleted first
        return
    job, adopt = sight.found, bool(news.get("adopt"))
    creation = JobCreation(sight.session, kind, kind.spec.model_construct(**news), news)
    must_be_adoptable(call, sight.session, creation, job, adopt=adopt)
    _say_take_over(call, sight.session, kind, request, job)
    declared = _declared(call, sight.session, request)
    queue_facts.must_go_with_its_queue(declared, request.unknown, what=f"Flink job {job.name} ({job.job_id})")
    preview.warn_of_combinations(call, declared, request.unknown)


def _declared(call: OperationContext, session: Session | None, request: DiffRequest) -> Declared:
    endpoint = session.client.connection.endpoint if session else ""
    return queue_facts.as_found(call, session, request.news, request.unknown, endpoint)


def _find(session: Session, name: str) -> FlinkJob | None:
    """The job; its details where a page of the list does not tell what it would start from."""
    row = session.around.jobs.find(name)
    if row is None or (row.detailed and phase_of(row.status) is Phase.LIVE):
        return row
    return session.jobs.read(row.job_id, need_detail=True).job


def _say_take_over(
    call: OperationContext, session: Session, kind: JobKind, request: DiffRequest, job: FlinkJob
) -> None:
    olds = {**as_taken_over(request.news), **session.where()}
    changed = changes(kind.spec, olds, request.news, request.unknown)
    want, observed = wanted(changed, olds, request.news, job), observed_from_job(job, olds)
    plan = plan_upgrade(observed, want.desired)
    what = f"Flink job {job.name} ({job.job_id})"
    if plan.blocked:
        raise UpgradeBlockedError(f"{what} cannot be taken over: {plan.blocked}")
    if why := preview.state_out_of_reach(plan, replace(request, olds=olds), job):
        raise UpgradeBlockedError(f"Flink job {job.name} ({job.job_id}): {plan.line} cannot work. {why}")
    must_find_what_it_needs(call, session, plan, request.news, what=what, in_preview=True)
    # Most of what the state does not know is there: only what is not is a reason.
    shown = tuple(change for change in changed if change.field in want.effects or change.field == "tags")
    whole = DiffRequest(str(job.job_id), olds, request.news, request.unknown, shown, request.connect)
    line = preview.line(plan, want, whole, live=phase_of(job.status) is Phase.LIVE)
    line = "as it is" if line == NO_EFFECT.line else line
    call.info(f"takes over job {job.job_id} ({observed_state(job)}): {line}")
    preview.warn(call, plan, observed, whole)
