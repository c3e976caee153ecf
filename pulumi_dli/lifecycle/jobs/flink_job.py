"""The life of a Flink job of any kind: create, preview, read, update, delete.

This is the story; the decisions are in `plan.py` and `desired.py`, the moves in `operations.py`, the way through an
upgrade and back in `upgrade.py`, the preview in `preview.py`. It keeps the promises of `contract.Lifecycle`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.errors import (
    ConfigError,
    DliError,
    NotFoundError,
    UnknownOutcomeError,
    UpgradeBlockedError,
)
from pulumi_dli.lifecycle.contract import CreateResult, DiffRequest, DiffResult, Observation, ResourceInitFailed
from pulumi_dli.lifecycle.create import Created
from pulumi_dli.lifecycle.jobs import last_savepoint, mapping, outputs, preview, queue_facts, savepoints
from pulumi_dli.lifecycle.jobs.checks import must_find_what_it_needs
from pulumi_dli.lifecycle.jobs.create import KIND, create_job, tagged_job
from pulumi_dli.lifecycle.jobs.desired import (
    DOWNTIME,
    NOTES,
    as_taken_over,
    deferred_fields,
    has_run,
    kept_by_service,
    observed_from_job,
    wanted,
)
from pulumi_dli.lifecycle.jobs.kinds import JAR, SQL, JobKind
from pulumi_dli.lifecycle.jobs.operations import JobOperations
from pulumi_dli.lifecycle.jobs.plan import (
    Phase,
    Stop,
    phase_of,
    plan_upgrade,
)
from pulumi_dli.lifecycle.jobs.preview_create import preview_create
from pulumi_dli.lifecycle.jobs.upgrade import Upgrade, UpgradeInterrupted
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import declared_tags_now, is_foreign, name_of, whose_in
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import set_declared_tags, tags_of
from pulumi_dli.specs import rules
from pulumi_dli.specs.declared import Declared, cloud_of
from pulumi_dli.specs.fields import Change, CheckFailure, Effect, changes
from pulumi_dli.specs.flink_job import OBSERVED_STATES, FlinkJobSpec
from pulumi_dli.specs.values import OWNER_TAG

FOUND = "found"
"""Why a savepoint is in the history that no move of ours has made."""


class FlinkJobLifecycle:
    """Keeps one Flink job as its program wants it, and its state with it. Subclasses name the kind."""

    kind: JobKind

    @property
    def spec(self) -> type[FlinkJobSpec]:
        return self.kind.spec

    def validate(
        self, olds: Mapping[str, Any], news: Mapping[str, Any], unknown: Collection[str]
    ) -> list[CheckFailure]:
        """An observed state (`failed`) is no wish; it may only come back through `ignore_changes`."""
        state = news.get("state")
        if "state" not in unknown and state in OBSERVED_STATES and olds.get("state") != state:
            return [CheckFailure("state", "must be one of running, suspended, draft")]
        declared = Declared(news, cloud=cloud_of(str(olds.get("endpoint"))))
        return [CheckFailure(f.field, f.message) for f in rules.findings(rules.Verdict.REFUSED, declared, unknown)]

    def holdings(self, id: str, _outs: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(KIND, id)]

    def names(self, news: Mapping[str, Any], unknown: Collection[str]) -> list[tuple[str, str, str]]:
        return [(KIND, news["name"], "name")] if "name" not in unknown else []

    def preview_create(self, call: OperationContext, request: DiffRequest) -> None:
        """The preview's line for a job that is not in the state."""
        preview_create(call, self.kind, request)

    def preview_update(self, call: OperationContext, request: DiffRequest) -> DiffResult:
        """One line: what happens to the stream, and because of which fields."""
        return preview.preview_update(call, request)

    def create(self, call: OperationContext, session: Session, spec: FlinkJobSpec) -> CreateResult:
        """Create the draft, start it, wait until it runs. The id is kept whatever happens after the create call."""
        inputs = spec.inputs
        runs = spec.wanted_state == "running"
        left = last_savepoint.left_for(call, session, spec)
        if runs and not left and (held := last_savepoint.left_behind(call, session, spec, KIND)):
            raise UpgradeBlockedError(f"nothing was created: {held}")
        with session.runs.expect() if runs else contextlib.nullcontext():
            try:
                made = create_job(call, session, self.kind, spec, inputs)
            except DliError as error:
                if not left:
                    raise
                raise DliError(
                    f"{error}. The job before this one is deleted, its state is in {left}: the next `pulumi up` looks "
                    "for it in the bucket; where that cannot be, give it as initial_savepoint_path"
                ) from error
            operations = self._operations(call, session, _number(made.id), inputs)
            outs = {**inputs, **session.where(), **_notes(inputs, whose=made.notes()), "job_id": made.id}
            if left:  # also for what is found, and was never started: the answer to our own create was lost
                outs["pending_restore_path"] = left
                call.info(f"goes on from {left}, the last savepoint of the job before it")
            if made.found is None:
                incomplete = {key: value for key, value in outs.items() if key not in mapping.AFTER_CREATION}
                with _kept(made.id, {**incomplete, "pending_reason": "created, not complete"}):
                    operations.change(mapping.completing_body(inputs))
            if runs and made.found is None:
                with _kept(made.id, {**outs, "pending_reason": "created, not started"}):
                    path = spec.initial_savepoint_path or left
                    if path:
                        operations.import_savepoint(path)
                    operations.start(None, resume=bool(path))
                    call.status(f"submitting on queue {spec.queue_name}")
        if made.found is not None:
            return self._bring_up(call, session, made, spec, outs)
        if not runs:
            with _kept(made.id, outs):
                if left:  # into the draft, for whoever starts it
                    operations.import_savepoint(left)
                last_savepoint.is_passed_on(call, session, inputs)
                return CreateResult(
                    made.id, {**outs, **self._computed_outputs(operations, operations.look(), outs, detailed=True)}
                )
        with _kept(made.id, {**outs, "pending_reason": "started, not seen running"}):
            snapshot = operations.await_running(on_queue=spec.queue_name or "")
        seen = self._computed_outputs(operations, snapshot.job, outs, detailed=snapshot.detailed)
        outs.pop("pending_restore_path", None)
        last_savepoint.is_passed_on(call, session, inputs)
        return CreateResult(made.id, {**outs, **seen, "has_run": True})

    def _bring_up(
        self,
        call: OperationContext,
        session: Session,
        made: Created[FlinkJob],
        spec: FlinkJobSpec,
        outs: Mapping[str, Any],
    ) -> CreateResult:
        """Have a job that was taken over be as declared, from whatever it is now."""
        inputs, id_ = spec.inputs, made.id
        notes = {key: outs[key] for key in (*NOTES, *session.where(), "job_id") if key in outs}
        with _kept(id_, {**outs, "pending_reason": "taken over, not brought up"}):
            found = self.update(call, session, id_, {**notes, **as_taken_over(inputs)}, spec)
        last_savepoint.is_passed_on(call, session, inputs)
        return CreateResult(id_, found)

    def read(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        """What the service says, and the inputs as a program would have to say them."""
        with session.job_tags.expect():
            return self._read(call, session, id, olds)

    def _read(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        session.must_be_where(olds, f"Flink job {id}")
        job_id = _number(id)
        try:
            snapshot = session.jobs.read(job_id)
        except NotFoundError:
            if not olds.get("job_id"):
                raise NotFoundError(f"there is no Flink job {id}", status=400, code="DLI.16001") from None
            return None
        job = snapshot.job
        operations = self._operations(call, session, job_id, {**olds, "name": job.name})
        if not olds.get("job_id"):
            outs = {**outputs.everything(job, self.spec.sent()), **session.where()}
            return Observation(
                id, {**outs, **self._computed_outputs(operations, job, outs, detailed=snapshot.detailed)}, {}
            )
        inputs = {field: olds[field] for field in self.spec.model_fields if olds.get(field) is not None}
        found = mapping.refreshed(inputs, job, olds.get("deferred") or {})
        found = {**found, **self._state_input(job, olds), **self._tags_input(call, session, id, inputs)}
        found = {field: value for field, value in found.items() if value is not None}
        outs = {key: olds[key] for key in (*NOTES, *session.where()) if key in olds}
        outs = {
            **found,
            **session.where(),
            **outs,
            **self._computed_outputs(operations, job, olds, detailed=snapshot.detailed),
        }
        outs["pending_reason"] = self._unfinished(olds, inputs, found, job)
        outs["pending_restore_path"] = olds.get("pending_restore_path") if outs["pending_reason"] else None
        outs["has_run"] = olds.get("has_run") or has_run(job.status) or None
        if all(outs.get(key) == olds.get(key) for key in {*outs, *olds} - {"observed_at"}):
            outs["observed_at"] = olds.get("observed_at")  # a refresh that found nothing new shows nothing
        return Observation(id, outs, found, unhealthy=self._ailments(operations, job, olds))

    def _state_input(self, job: FlinkJob, olds: Mapping[str, Any]) -> dict[str, Any]:
        """The `state` that a program would have to give; as declared while the job is as declared."""
        declared = str(olds.get("declared_state") or "")
        observed = outputs.observed_state(job)
        if outputs.agrees(declared or "running", observed):
            return {"state": declared or None}
        return {"state": observed}

    def _tags_input(
        self, call: OperationContext, session: Session, id: str, inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        if "tags" not in inputs:
            return {}
        tags = declared_tags_now(inputs["tags"], tags_of(call, session, tagged_job(id)))
        return {} if tags is None else {"tags": tags or None}

    def _unfinished(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], found: Mapping[str, Any], job: FlinkJob
    ) -> str | None:
        """Why the job is not as the last update promised; None when it is, or when a person had a hand in it."""
        phase = phase_of(job.status)
        restarted = [f for f in self.spec.sent() if self.spec.effect(f) is Effect.RESTART]
        differs = any(inputs.get(field) != found.get(field) for field in restarted)
        if olds.get("pending_reason"):
            settled = phase in (Phase.LIVE, Phase.FINISHED) and not differs
            return None if settled else str(olds["pending_reason"])
        declared_running = olds.get("declared_state") in (None, "", "running")
        if phase in (Phase.STOPPED, Phase.MOVING) and differs and declared_running:
            return "changed and stopped, but not seen to run again"
        return None

    def _ailments(self, operations: JobOperations, job: FlinkJob, olds: Mapping[str, Any]) -> tuple[str, ...]:
        declared = str(olds.get("declared_state") or "running")
        if declared != "running" or phase_of(job.status) not in (Phase.FAILED, Phase.ARREARS, Phase.UNSURE):
            return ()
        reason = job.status_desc
        return (f"{operations.what} is {job.status}" + (f": {reason}" if reason else ""),)

    def update(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], spec: FlinkJobSpec
    ) -> Mapping[str, Any]:
        """Decide on what the job is now, do it, and see it through."""
        session.must_be_where(olds, f"Flink job {id}")
        inputs = spec.inputs
        operations = self._operations(call, session, _number(id), inputs, olds)
        changed = changes(self.spec, olds, inputs)
        # Announce the stop that a restart begins with, before anything is read: the stops of many travel together.
        restarts = any(change.effect is Effect.RESTART for change in changed)
        try:
            with session.stops.expect() if restarts else contextlib.nullcontext():
                return self._update(operations, olds, inputs, changed)
        except DliError as error:
            steering = {change.field: change.new for change in changed if change.effect is Effect.IGNORED}
            if not steering:
                raise
            # What only steers the provider needs nobody's consent: the next delete reads it out of the state.
            outs = {key: value for key, value in {**olds, **steering}.items() if value is not None}
            raise ResourceInitFailed(id, outs, (str(error),)) from error

    def _update(
        self, operations: JobOperations, olds: Mapping[str, Any], inputs: Mapping[str, Any], changed: Collection[Change]
    ) -> Mapping[str, Any]:
        call, session, job_id = operations.call, operations.session, str(operations.job_id)
        job = self._existing(operations)
        plan = plan_upgrade(observed_from_job(job, olds), wanted(changed, olds, inputs, job).desired)
        if plan.blocked:
            raise UpgradeBlockedError(f"{operations.what} was left as it is: {plan.blocked}")
        if plan.stop is not None and plan.start is not None:
            found = queue_facts.as_found(call, session, inputs, (), str(olds.get("endpoint")))
            queue_facts.must_go_with_its_queue(found, what=f"{operations.what} was left as it is: it")
        must_find_what_it_needs(call, session, plan, inputs, what=operations.what, in_preview=False)
        if plan.warning:
            call.warn(plan.warning)  # in the words of the check, so that it is said once
        self._update_tags(call, session, job_id, olds, inputs)
        if plan.start is None and phase_of(job.status) is Phase.DRAFT and olds.get("pending_restore_path"):
            operations.import_savepoint(str(olds["pending_restore_path"]))  # the create could not
        upgrade = Upgrade(operations, job, plan=plan, inputs=inputs, olds=olds)
        try:
            done = upgrade.run()
        except UpgradeInterrupted as half:
            raise ResourceInitFailed(
                job_id, self._half_outs(operations, job, olds, inputs, half), (str(half),)
            ) from half
        # A delete that was cut off between its note and the deletion leaves a job at rest, and the note of its state.
        if olds.get("pending_restore_path") or (plan.start is not None and plan.stop is None):
            last_savepoint.is_passed_on(call, session, inputs)
        touched = bool(plan.stop or plan.start) or phase_of(done.status) is not Phase.LIVE
        if kept := kept_by_service(inputs, olds, done, sent=touched):
            call.warn(
                f"{operations.what} keeps {', '.join(kept)}: the service did not clear what the program gives no more"
            )
        made = plan.stop is Stop.WITH_SAVEPOINT
        reason = _reason(inputs) if made else FOUND
        outs = self._outs(operations, done, olds, inputs, upgrade.savepoint_path, reason=reason)
        if upgrade.down_seconds is not None:
            outs[DOWNTIME] = upgrade.down_seconds
        if not touched and (deferred := deferred_fields(changed, olds, inputs, done)):
            outs["deferred"] = deferred
        try:
            saved = self._savepoint_now(operations, done, olds, inputs, made=made)
        except DliError as error:
            # All else is done; only the savepoint is still to be made.
            raise ResourceInitFailed(
                job_id, {**outs, "savepoint_nonce": olds.get("savepoint_nonce")}, (str(error),)
            ) from error
        return (
            outs
            if saved is done
            else {**self._outs(operations, saved, olds, inputs, None, reason="savepoint_nonce"), **_downtime(outs)}
        )

    def _outs(
        self,
        operations: JobOperations,
        job: FlinkJob,
        olds: Mapping[str, Any],
        inputs: Mapping[str, Any],
        made: str | None,
        *,
        reason: str,
    ) -> dict[str, Any]:
        """The outputs after an update."""
        notes = _notes(inputs, olds=olds, noted=self._noted(operations, olds, made or job.savepoint_path, reason))
        ran = olds.get("has_run") or has_run(job.status) or None
        seen = self._computed_outputs(operations, job, olds, detailed=True)
        return {**inputs, **operations.session.where(), **notes, **seen, "has_run": ran}

    def _half_outs(
        self,
        operations: JobOperations,
        job: FlinkJob,
        olds: Mapping[str, Any],
        inputs: Mapping[str, Any],
        half: UpgradeInterrupted,
    ) -> dict[str, Any]:
        """The outputs after an update that stopped half-way: the definition that the service has, and how to go on."""
        kept = inputs if half.changed else {f: olds[f] for f in self.spec.model_fields if f in olds}
        notes = _notes(inputs, olds=olds, noted=self._noted(operations, olds, half.savepoint_path, _reason(inputs)))
        if not half.changed and olds.get("deferred"):
            notes["deferred"] = olds["deferred"]
        notes |= {
            "pending_reason": str(half),
            "pending_restore_path": half.savepoint_path,
            "has_run": olds.get("has_run"),
        }
        return {**kept, **operations.session.where(), **notes, **self._last_facts(operations, job, olds)}

    def _existing(self, operations: JobOperations) -> FlinkJob:
        try:
            return operations.settle(operations.get_shared())
        except NotFoundError as error:
            raise NotFoundError(
                f"{operations.what} was deleted outside of Pulumi: run `pulumi refresh` (or `pulumi up --refresh`) to "
                "have it created again",
                status=error.status,
                code=error.code,
            ) from error

    def _update_tags(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> None:
        """Tags never restart, and where the region has no tag calls, they do not keep an upgrade from going on."""
        old, new = olds.get("tags") or {}, inputs.get("tags") or {}
        set_declared_tags(call, session, tagged_job(id), old=old, new=new)

    def _savepoint_now(
        self,
        operations: JobOperations,
        job: FlinkJob,
        olds: Mapping[str, Any],
        inputs: Mapping[str, Any],
        *,
        made: bool,
    ) -> FlinkJob:
        """A changed `savepoint_nonce` asks for a savepoint, unless this update has made one anyhow."""
        nonce = inputs.get("savepoint_nonce")
        if made or not nonce or nonce == olds.get("savepoint_nonce") or phase_of(job.status) is not Phase.LIVE:
            return job
        bucket = inputs.get("obs_bucket") or job.config.obs_bucket
        if not bucket:
            raise DliError(f"{operations.what} has no obs_bucket: a savepoint has nowhere to go")
        return operations.make_savepoint(job, f"{bucket}/jobs/savepoint/{job.job_id}/")

    def _noted(
        self, operations: JobOperations, olds: Mapping[str, Any], path: str | None, reason: str
    ) -> list[dict[str, Any]]:
        return savepoints.noted(olds.get("savepoints") or (), path, operations.service_millis(), reason)

    def _last_facts(self, operations: JobOperations, before: FlinkJob, olds: Mapping[str, Any]) -> dict[str, Any]:
        """The facts after a failure, as well as they can be had."""
        try:
            return self._computed_outputs(operations, operations.look(), olds, detailed=True)
        except DliError:
            return self._computed_outputs(operations, before, olds, detailed=True)

    def delete(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        """Make a last savepoint, then delete. A failed savepoint fails the delete and leaves the job alone."""
        session.must_be_where(olds, f"Flink job {id}")
        if heir := session.claims.heir(KIND, id, urn=call.urn, outs=olds):
            call.warn(f"Flink job {id} is kept, only this entry is forgotten: {name_of(heir)} of this stack holds it")
            return
        with session.job_tags.expect():
            tags = tags_of(call, session, tagged_job(id))
        if is_foreign(tags, str(olds.get("owner_tag") or "")):
            call.warn(f"Flink job {id} is only forgotten, not deleted: its tag {OWNER_TAG} names another owner")
            return
        self._delete(self._operations(call, session, _number(id), olds), olds)
        session.claims.gone(KIND, id)

    def _delete(self, operations: JobOperations, olds: Mapping[str, Any]) -> None:
        call, session = operations.call, operations.session
        with session.deletes.expect():
            try:
                replaced = session.claims.in_program(call.urn)
                stopped = last_savepoint.save_before_delete(operations, olds, replaced=replaced)
            except NotFoundError:
                return
            try:
                self._order_delete(operations)
            except DliError as error:
                if stopped is None:
                    raise
                raise last_savepoint.only_stopped(operations, stopped.savepoint_path, error) from error

    def _order_delete(self, operations: JobOperations) -> None:
        try:
            result = operations.session.deletes.submit(operations.job_id, cancelled=operations.call.cancelled)
        except NotFoundError:
            return
        except UnknownOutcomeError:  # of the delete, and of nothing before it: the state is saved
            operations.see_deleted()
            return
        if not result.ok and not result.gone and not (result.said_missing and operations.is_gone()):
            raise DliError(f"{operations.what} was not deleted: {result.code} {result.message}")

    def _operations(
        self, call: OperationContext, session: Session, job_id: int, *bags: Mapping[str, Any]
    ) -> JobOperations:
        name = next((str(properties["name"]) for properties in bags if properties.get("name")), "")
        return JobOperations(self.kind, call, session, job_id, name=name)

    def _computed_outputs(
        self, operations: JobOperations, job: FlinkJob, olds: Mapping[str, Any], *, detailed: bool
    ) -> dict[str, Any]:
        found = outputs.computed_outputs(job, detailed=detailed, olds=olds, redact=operations.call.redact)
        return {**found, "observed_at": operations.service_millis()}


class FlinkJarJobLifecycle(FlinkJobLifecycle):
    """Of jar jobs."""

    kind = JAR


class FlinkSqlJobLifecycle(FlinkJobLifecycle):
    """Of SQL jobs."""

    kind = SQL


def _reason(inputs: Mapping[str, Any]) -> str:
    """Why an update stopped a job with a savepoint."""
    return "state=suspended" if inputs.get("state") == "suspended" else "update"


def _notes(
    inputs: Mapping[str, Any],
    *,
    olds: Mapping[str, Any] | None = None,
    whose: Mapping[str, str] | None = None,
    noted: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """What the outputs remember for the next update."""
    olds = olds or {}
    return {
        "declared_state": inputs.get("state") or "",
        **(whose or whose_in(olds)),
        "savepoints": noted if noted is not None else list(olds.get("savepoints") or ()),
        **_downtime(olds),
    }


def _downtime(outs: Mapping[str, Any]) -> dict[str, Any]:
    return {DOWNTIME: outs[DOWNTIME]} if outs.get(DOWNTIME) is not None else {}


@contextlib.contextmanager
def _kept(id: str, outs: Mapping[str, Any]) -> Iterator[None]:
    """Whatever goes wrong in here, the job exists: its id and outputs go into the state."""
    try:
        yield
    except DliError as error:
        raise ResourceInitFailed(id, outs, (str(error),)) from error


def _number(id: str) -> int:
    if not id.isdecimal():
        raise ConfigError(f"{id!r} is no id of a Flink job: ids are numbers")
    return int(id)
