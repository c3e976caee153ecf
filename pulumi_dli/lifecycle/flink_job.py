"""The life of a Flink jar job: create, foresee, read, update, delete.

This is the story; the decisions are in `upgrade.py` and `job_wish.py`, the moves in `job_moves.py`, the way through an
upgrade and back in `job_upgrade.py`. It keeps the promises of `contract.Lifecycle`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.errors import (
    ConfigError,
    ConflictError,
    DliError,
    LostAnswerError,
    NotFoundError,
    OwnershipError,
    UpgradeBlockedError,
)
from pulumi_dli.lifecycle import job_facts, job_wire, savepoints
from pulumi_dli.lifecycle.contract import Ahead, Call, Foreseen, HalfDone, Observation, Outcome
from pulumi_dli.lifecycle.job_moves import JobMoves
from pulumi_dli.lifecycle.job_upgrade import Unfinished, Upgrade
from pulumi_dli.lifecycle.job_wish import (
    NOTES,
    Wanted,
    deferred_fields,
    remembered,
    situation_of,
    wanted,
)
from pulumi_dli.lifecycle.ownership import is_foreign, is_own, owner_of, renewed, visible, wire_tags
from pulumi_dli.lifecycle.session import JOB_TAGS, Session
from pulumi_dli.lifecycle.upgrade import Phase, Plan, Stop, phase_of, plan_upgrade
from pulumi_dli.specs.fields import Effect, Failure, changes
from pulumi_dli.specs.flink_jar_job import OBSERVED_STATES, FlinkJarJobSpec, is_new_flink
from pulumi_dli.specs.values import OWNER_TAG

KIND = "job"


class FlinkJarJobLifecycle:
    """Keeps one Flink jar job as its program wants it, and its state with it."""

    spec = FlinkJarJobSpec

    def judge(self, olds: Mapping[str, Any], news: Mapping[str, Any], unknown: Collection[str]) -> list[Failure]:
        """An observed state (`failed`) is no wish; it may only come back through `ignore_changes`."""
        state = news.get("state")
        if "state" not in unknown and state in OBSERVED_STATES and olds.get("state") != state:
            return [Failure("state", "must be one of running, suspended, draft")]
        return []

    def announce(self, call: Call, news: Mapping[str, Any], unknown: Collection[str]) -> None:
        """The preview's line for a job that does not exist yet."""
        state = news.get("state") or "running"
        if "state" in unknown:
            state = "running"
        lines = {"running": "starts", "draft": "is created as a draft", "suspended": "is created, not started"}
        start = lines.get(state, "starts")
        if state == "running" and news.get("initial_savepoint_path"):
            start = "starts from initial_savepoint_path"
        call.note(start)
        _warn_of_old_packages(call, news)

    def foresee(self, call: Call, ahead: Ahead) -> Foreseen:
        """One line: what happens to the stream, and because of which fields."""
        changed = Foreseen(None if ahead.changes else False)
        if not ahead.changes and not ahead.olds.get("unfinished"):
            return changed
        job, source = self._look_ahead(ahead)
        want = wanted(ahead.changes, ahead.olds, ahead.news, job)
        situation = situation_of(job, ahead.olds) if job else remembered(ahead.olds)
        plan = plan_upgrade(situation, want.wish)
        if plan.blocked and not any(change.unknown for change in ahead.changes):
            raise UpgradeBlockedError(f"Flink job {ahead.olds.get('name', '')} ({ahead.id}): {plan.blocked}")
        call.note(_line(plan, want, source))
        _warn(call, plan, ahead)
        if any(change.field in ("entrypoint", "flink_version", "dependency_jars") for change in ahead.changes):
            _warn_of_old_packages(call, ahead.news)
        return changed

    def _look_ahead(self, ahead: Ahead) -> tuple[FlinkJob | None, str]:
        """The job's details when a change would restart or start it; and how the line says where its status is from."""
        stirs = ahead.olds.get("unfinished") or any(
            change.effect is Effect.RESTART or change.field == "state" for change in ahead.changes
        )
        if not stirs or not ahead.id:
            return None, ""
        try:
            session = ahead.connect()
            session.must_be_where(ahead.olds, f"Flink job {ahead.id}")
            return session.jobs.read(int(ahead.id), need_detail=True).job, ""
        except ConfigError as error:
            if "provider of its own" in str(error):
                raise
        except (DliError, ValueError):
            pass
        seen = ahead.olds.get("observed_at")
        if not seen:
            return None, ", status unknown"
        moment = datetime.fromtimestamp(int(seen) / 1000, tz=UTC)
        return None, f", status as of {moment:%Y-%m-%d %H:%M} UTC"

    def create(self, call: Call, session: Session, spec: FlinkJarJobSpec) -> Outcome:
        """Create the draft, start it, wait until it runs. The id is kept whatever happens after the create call."""
        inputs = spec.inputs()
        runs = spec.wanted_state == "running"
        with session.runs.joining() if runs else contextlib.nullcontext():
            job_id, owner = self._make(call, session, spec, inputs)
            if job_id is None:
                return self._take_over(call, session, spec, inputs)
            session.claims.take(KIND, str(job_id))
            moves = self._moves(call, session, job_id, inputs)
            outs = {**inputs, **session.where(), **_notes(inputs, owner=owner), "job_id": str(job_id)}
            with _kept(str(job_id), {**outs, "unfinished": "created, not started"}):
                if runs:
                    if spec.initial_savepoint_path:
                        moves.import_savepoint(spec.initial_savepoint_path)
                    moves.start(None, resume=bool(spec.initial_savepoint_path))
                    call.progress(f"submitting on queue {spec.queue_name}")
        if not runs:
            return Outcome(str(job_id), {**outs, "status": "job_init", "observed_at": moves.service_millis()})
        with _kept(str(job_id), {**outs, "unfinished": "started, not seen running"}):
            sighting = moves.await_running(on_queue=spec.queue_name or "")
        return Outcome(str(job_id), {**outs, **self._facts(moves, sighting.job, outs, detailed=sighting.detailed)})

    def _make(
        self, call: Call, session: Session, spec: FlinkJarJobSpec, inputs: Mapping[str, Any]
    ) -> tuple[int | None, str]:
        """The id of a new job and its owner tag; no id when a job of that name exists or may exist: then look it up."""
        owner = owner_of(session.project_id, call.urn)
        body = job_wire.create_body(inputs)
        if tags := wire_tags(spec.tags, owner):
            body["tags"] = tags
        try:
            return session.client.flink_jobs.create_jar(body), owner
        except (ConflictError, LostAnswerError) as error:
            if isinstance(error, LostAnswerError) and self._find(session, str(spec.name)) is None:
                raise
            return None, owner
        finally:
            session.wrote()

    def _find(self, session: Session, name: str) -> FlinkJob | None:
        """The job of exactly this name; the service's own filter may be a fuzzy one (contract 6.8)."""
        return next((job for job in session.client.flink_jobs.list_all(name=name) if job.name == name), None)

    def _take_over(self, call: Call, session: Session, spec: FlinkJarJobSpec, inputs: Mapping[str, Any]) -> Outcome:
        """Go on with one's own earlier attempt, or with a job that the program says to adopt."""
        name = str(spec.name)
        job = self._find(session, name)
        if job is None:
            raise ConflictError(
                f"a Flink job named {name} exists, but this user cannot see it: choose another name", status=400
            )
        owner = owner_of(session.project_id, call.urn)
        tag = self._owner_tag(session, job.job_id, name, owner)
        if not is_own(tag, owner) and not spec.adopt:
            raise OwnershipError(
                f"a Flink job named {name} exists already (id {job.job_id}, status {job.status}) and was not made by "
                "this resource: give adopt=True to take it over, import it (`pulumi-dli import`), or choose another "
                "name"
            )
        session.claims.take(KIND, str(job.job_id))
        hold = self._mark(call, session, job.job_id, tag, renewed(owner))
        outs = {**session.where(), **_notes(inputs, owner=hold), "job_id": str(job.job_id)}
        # What the service never hears of cannot differ on it: it is no reason to restart a job that runs.
        untold = {field: inputs[field] for field in inputs if not FlinkJarJobSpec.wire_name(field) and field != "tags"}
        with _kept(str(job.job_id), {**inputs, **outs, "unfinished": "taken over, not brought up"}):
            found = self.update(call, session, str(job.job_id), {**untold, **outs, "declared_state": "draft"}, spec)
        return Outcome(str(job.job_id), found)

    def _owner_tag(self, session: Session, job_id: int, name: str, owner: str) -> str | None:
        """The owner tag of a job: read from its tags, or, where they cannot be read, found by the list's filter."""
        try:
            return session.client.tags.list(JOB_TAGS, str(job_id)).get(OWNER_TAG)
        except DliError:
            found = session.client.flink_jobs.list_all(name=name, tags={OWNER_TAG: owner}) if owner else []
            return owner if any(job.job_id == job_id for job in found) else None

    def _mark(self, call: Call, session: Session, job_id: int, old: str | None, new: str) -> str:
        """Put our tag on the job; returns the tag that it has now."""
        try:
            session.set_tags(
                JOB_TAGS, str(job_id), old={OWNER_TAG: old} if old else {}, new={OWNER_TAG: new} if new else {}
            )
        except DliError as error:
            call.warn(f"Flink job {job_id} was taken over, but could not be tagged as ours: {error}")
            return old or ""
        return new

    def read(self, call: Call, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        """What the service says, and the inputs as a program would have to say them."""
        session.must_be_where(olds, f"Flink job {id}")
        job_id = _number(id)
        try:
            sighting = session.jobs.read(job_id)
        except NotFoundError:
            if not olds.get("job_id"):
                raise NotFoundError(f"there is no Flink job {id}", status=400, code="DLI.16001") from None
            return None
        job = sighting.job
        moves = self._moves(call, session, job_id, {**olds, "name": job.name})
        if not olds.get("job_id"):
            outs = {**job_facts.everything(job), **session.where()}
            return Observation(id, {**outs, **self._facts(moves, job, outs, detailed=sighting.detailed)}, {})
        inputs = {field: olds[field] for field in FlinkJarJobSpec.model_fields if olds.get(field) is not None}
        found = job_wire.refreshed(inputs, job, olds.get("deferred") or {})
        found = {**found, **self._state_input(job, olds), **self._tags_input(session, id, inputs)}
        found = {field: value for field, value in found.items() if value is not None}
        outs = {key: olds[key] for key in (*NOTES, *session.where()) if key in olds}
        outs = {**found, **session.where(), **outs, **self._facts(moves, job, olds, detailed=sighting.detailed)}
        outs["unfinished"] = self._unfinished(olds, inputs, found, job)
        if all(outs.get(key) == olds.get(key) for key in {*outs, *olds} - {"observed_at"}):
            outs["observed_at"] = olds.get("observed_at")  # a refresh that found nothing new shows nothing
        return Observation(id, outs, found, unhealthy=self._ailments(moves, job, olds))

    def _state_input(self, job: FlinkJob, olds: Mapping[str, Any]) -> dict[str, Any]:
        """The `state` that a program would have to give; as declared while the job is as declared."""
        declared = str(olds.get("declared_state") or "")
        observed = job_facts.observed_state(job)
        if job_facts.agrees(declared or "running", observed):
            return {"state": declared or None}
        return {"state": observed}

    def _tags_input(self, session: Session, id: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        if "tags" not in inputs:
            return {}
        known = session.tags_of(JOB_TAGS)
        return {} if known is None else {"tags": visible(known.get(id, {})) or None}

    def _unfinished(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], found: Mapping[str, Any], job: FlinkJob
    ) -> str | None:
        """Why the job is not as the last update promised; None when it is, or when a person had a hand in it."""
        phase = phase_of(job.status)
        restarted = [f for f in job_wire.SENT if FlinkJarJobSpec.effect(f) is Effect.RESTART]
        differs = any(inputs.get(field) != found.get(field) for field in restarted)
        if olds.get("unfinished"):
            settled = phase in (Phase.LIVE, Phase.FINISHED) and not differs
            return None if settled else str(olds["unfinished"])
        if phase is Phase.STOPPED and differs and olds.get("declared_state") in (None, "", "running"):
            return "changed and stopped, but not started again"
        return None

    def _ailments(self, moves: JobMoves, job: FlinkJob, olds: Mapping[str, Any]) -> tuple[str, ...]:
        declared = str(olds.get("declared_state") or "running")
        if declared != "running" or phase_of(job.status) not in (Phase.FAILED, Phase.ARREARS, Phase.UNSURE):
            return ()
        reason = job_facts.described(job.status_desc, job_facts.secret_words(olds))
        return (f"{moves.what} is {job.status}" + (f": {reason}" if reason else ""),)

    def update(
        self, call: Call, session: Session, id: str, olds: Mapping[str, Any], spec: FlinkJarJobSpec
    ) -> Mapping[str, Any]:
        """Decide on what the job is now, do it, and see it through."""
        session.must_be_where(olds, f"Flink job {id}")
        inputs = spec.inputs()
        moves = self._moves(call, session, _number(id), {**olds, **inputs})
        changed = changes(FlinkJarJobSpec, olds, inputs)
        job = self._existing(moves)
        want = wanted(changed, olds, inputs, job)
        plan = plan_upgrade(situation_of(job, olds), want.wish)
        if plan.blocked:
            raise UpgradeBlockedError(f"{moves.what} was left as it is: {plan.blocked}")
        if plan.warning:
            call.warn(f"{moves.what}: {plan.warning}")
        self._update_tags(session, id, olds, inputs)
        upgrade = Upgrade(moves, job, plan=plan, inputs=inputs, olds=olds)
        outs = {**inputs, **session.where()}
        try:
            done = upgrade.run()
        except Unfinished as half:
            kept = inputs if half.changed else {f: olds[f] for f in FlinkJarJobSpec.model_fields if f in olds}
            notes = _notes(inputs, olds=olds, noted=self._noted(moves, olds, half.savepoint_path))
            facts = self._last_facts(moves, job, olds)
            raise HalfDone(
                id, {**kept, **session.where(), **notes, **facts, "unfinished": str(half)}, (str(half),)
            ) from half
        done = self._savepoint_now(moves, done, olds, inputs, made=upgrade.savepoint_path is not None)
        still_running = phase_of(done.status) is Phase.LIVE and not plan.stop and not plan.start
        notes = _notes(inputs, olds=olds, noted=self._noted(moves, olds, upgrade.savepoint_path or done.savepoint_path))
        if still_running and (deferred := deferred_fields(changed, olds, inputs, done)):
            notes["deferred"] = deferred
        return {**outs, **notes, **self._facts(moves, done, olds, detailed=True)}

    def _existing(self, moves: JobMoves) -> FlinkJob:
        try:
            return moves.settle()
        except NotFoundError as error:
            raise NotFoundError(
                f"{moves.what} was deleted outside of Pulumi: run `pulumi refresh` (or `pulumi up --refresh`) to have "
                "it created again",
                status=error.status,
                code=error.code,
            ) from error

    def _update_tags(self, session: Session, id: str, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        old, new = olds.get("tags") or {}, inputs.get("tags") or {}
        if old != new:
            session.set_tags(JOB_TAGS, id, old=old, new=new)

    def _savepoint_now(
        self, moves: JobMoves, job: FlinkJob, olds: Mapping[str, Any], inputs: Mapping[str, Any], *, made: bool
    ) -> FlinkJob:
        """A changed `savepoint_nonce` asks for a savepoint, unless this update has made one anyhow."""
        nonce = inputs.get("savepoint_nonce")
        if made or not nonce or nonce == olds.get("savepoint_nonce") or phase_of(job.status) is not Phase.LIVE:
            return job
        bucket = inputs.get("obs_bucket") or job.config.obs_bucket
        if not bucket:
            raise DliError(f"{moves.what} has no obs_bucket: a savepoint has nowhere to go")
        return moves.make_savepoint(job, f"{bucket}/jobs/savepoint/{job.job_id}/")

    def _noted(self, moves: JobMoves, olds: Mapping[str, Any], path: str | None) -> list[dict[str, Any]]:
        return savepoints.noted(
            olds.get("savepoints") or (), path, moves.service_millis(), "made or found by an update"
        )

    def _last_facts(self, moves: JobMoves, before: FlinkJob, olds: Mapping[str, Any]) -> dict[str, Any]:
        """The facts after a failure, as well as they can be had."""
        try:
            return self._facts(moves, moves.look(), olds, detailed=True)
        except DliError:
            return self._facts(moves, before, olds, detailed=True)

    def delete(self, call: Call, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        """Make a last savepoint, then delete. A failed savepoint fails the delete and leaves the job alone."""
        session.must_be_where(olds, f"Flink job {id}")
        if session.claims.holds(KIND, id):
            call.warn(f"Flink job {id} is kept: another resource of this stack has just taken it over")
            return
        if is_foreign((session.tags_of(JOB_TAGS) or {}).get(id), str(olds.get("owner_tag") or "")):
            call.warn(f"Flink job {id} is only forgotten, not deleted: its tag {OWNER_TAG} names another owner")
            return
        moves = self._moves(call, session, _number(id), olds)
        with session.deletes.joining():
            try:
                self._save_before_delete(call, session, moves, olds)
                result = session.deletes.submit(moves.job_id, cancelled=call.cancelled)
            except NotFoundError:
                return
            except LostAnswerError:
                with contextlib.suppress(NotFoundError):
                    moves.look()
                    session.client.flink_jobs.delete(moves.job_id)
                return
        if not result.ok and result.code not in ("DLI.17001", "DLI.16001"):
            raise DliError(f"{moves.what} was not deleted: {result.code} {result.message}")

    def _save_before_delete(self, call: Call, session: Session, moves: JobMoves, olds: Mapping[str, Any]) -> None:
        wish = olds.get("savepoint_on_delete")
        if wish is False or (wish is None and olds.get("upgrade_mode") == "stateless"):
            return
        if phase_of(session.jobs.read(moves.job_id).job.status) not in (Phase.LIVE, Phase.MOVING):
            return
        job = moves.settle()
        if phase_of(job.status) is not Phase.LIVE:
            return
        try:
            stopped = moves.stop(job, savepoint=True)
        except DliError as error:
            raise DliError(
                f"{moves.what} was not deleted, because its last savepoint failed: {error}. "
                "To delete it without one, set savepoint_on_delete=False, run `pulumi up`, and delete again"
            ) from error
        call.note(f"savepoint {stopped.savepoint_path}")

    def _moves(self, call: Call, session: Session, job_id: int, inputs: Mapping[str, Any]) -> JobMoves:
        return JobMoves(call, session, job_id, name=str(inputs.get("name") or ""), words=job_facts.secret_words(inputs))

    def _facts(self, moves: JobMoves, job: FlinkJob, olds: Mapping[str, Any], *, detailed: bool) -> dict[str, Any]:
        words = job_facts.secret_words(olds)
        found = job_facts.facts(job, detailed=detailed, olds=olds, words=words)
        return {**found, "observed_at": moves.service_millis()}


def _notes(
    inputs: Mapping[str, Any],
    *,
    olds: Mapping[str, Any] | None = None,
    owner: str = "",
    noted: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """What the outputs remember for the next update."""
    olds = olds or {}
    return {
        "declared_state": inputs.get("state") or "",
        "owner_tag": owner or olds.get("owner_tag") or "",
        "savepoints": noted if noted is not None else list(olds.get("savepoints") or ()),
    }


@contextlib.contextmanager
def _kept(id: str, outs: Mapping[str, Any]) -> Iterator[None]:
    """Whatever goes wrong in here, the job exists: its id and outputs go into the state."""
    try:
        yield
    except DliError as error:
        raise HalfDone(id, outs, (str(error),)) from error


def _number(id: str) -> int:
    if not id.isdecimal():
        raise ConfigError(f"{id!r} is no id of a Flink job: ids are numbers")
    return int(id)


def _line(plan: Plan, want: Wanted, source: str) -> str:
    because = f" ({', '.join(want.fields)})" if want.fields else ""
    return f"{plan.line}{because}{source}"


def _warn(call: Call, plan: Plan, ahead: Ahead) -> None:
    if plan.warning:
        call.warn(plan.warning)
    if plan.drops_state:
        call.warn("the state of the running stream is dropped (upgrade_mode stateless)")
    if plan.stop is Stop.WITH_SAVEPOINT and plan.start and "otc.t-systems.com" in str(ahead.olds.get("endpoint")):
        call.warn(
            "a rollback may not be possible: this region publishes no call to import a savepoint, and a start consumes "
            "the one that the upgrade makes"
        )


def _warn_of_old_packages(call: Call, news: Mapping[str, Any]) -> None:
    """Contract 5.1: package groups are deprecated for Flink 1.15 and later, which takes obs:// paths only."""
    references = [news.get("entrypoint"), *(news.get("dependency_jars") or ()), *(news.get("dependency_files") or ())]
    grouped = [ref for ref in references if ref and "://" not in job_wire.path_of(ref)]
    if is_new_flink(news.get("flink_version")) and grouped:
        call.warn(
            f"Flink {news['flink_version']} takes packages as obs:// paths only; package groups are for older ones"
        )
