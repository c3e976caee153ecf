"""Flink jobs: their records and rules (dli-api 6). `calls.py` holds the handlers that use them.

A job here is a definition, a status and its savepoint; what a started job does is the runtime's business. Reports of
the runtime are applied by `catch_up`, which the server calls before every handler; the table in `transitions.py`
decides where they lead.

Savepoints go to `obs://{bucket}/jobs/savepoint/{job_id}/{timestamp}/` in the job's bucket (6.6); a job without
`obs_bucket` makes none, or with the quirk `savepoint_needs_bucket` off, in the project's own bucket `dli-{project_id}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.errors import Refusal
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.jobs.fields import JAR, LIVE_FIELDS, cus_of
from pulumi_dli.emulator.jobs.submission import Submission, check_syntax, effective, files_of, problem_of
from pulumi_dli.emulator.jobs.transitions import BUSY, Status, Trigger, after
from pulumi_dli.emulator.jobs.versions import needs_agency
from pulumi_dli.emulator.objects.records import ObjectStore, locate_folder
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.queues.records import Queue, Queues
from pulumi_dli.emulator.runtime.protocol import Observation, RunState, StartRequest
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tags

REPORTS: dict[RunState, Trigger | None] = {
    RunState.SUBMITTING: Trigger.RESTART,
    RunState.RUNNING: Trigger.UP,
    RunState.SAVEPOINTING: Trigger.SAVEPOINT,
    RunState.CANCELING: Trigger.CANCEL,
    RunState.CANCELED: Trigger.CANCELED,
    RunState.CANCEL_FAILED: Trigger.CANCEL_ERROR,
    RunState.FINISHED: Trigger.PROGRAM_END,
    RunState.FAILED: Trigger.EXCEPTION,
    RunState.SUBMIT_FAILED: Trigger.SUBMIT_ERROR,
}


@dataclass
class Job:
    """One job; times in service seconds. `definition` has the wire names of 6.1, checkpoint_mode as read back."""

    job_id: int
    project_id: str
    job_type: str
    definition: dict[str, Any]
    user_name: str
    user_id: str
    created: float
    updated: float
    status: str = Status.INIT
    status_desc: str = ""
    started: float | None = None  # when it last came up
    ended: float | None = None
    savepoint_path: str | None = None
    savepoint_at: float | None = None
    resumes: str | None = None  # the savepoint that the present run was started from
    restart_times: int = 0
    restored_from: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)  # fields since the last run

    @property
    def name(self) -> str:
        return str(self.definition["name"])

    @property
    def state(self) -> Status:
        return Status(self.status)


class Jobs:
    """The jobs of all projects."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queues = core.part(Queues)
        self._runtime = core.runtime
        self._table: Table[Job] = Table(core.store, "jobs", Job)
        self._projects: dict[str, dict[int, Job]] = {}
        self._names: dict[tuple[str, str], int] = {}
        for job in sorted(self._table.rows.values(), key=lambda row: row.job_id):
            self._index(job)

    def _index(self, job: Job) -> None:
        self._projects.setdefault(job.project_id, {})[job.job_id] = job
        self._names[job.project_id, job.name] = job.job_id

    # looking

    def projects(self) -> list[str]:
        return list(self._projects)

    def of(self, project_id: str) -> Mapping[int, Job]:
        """All jobs of a project, oldest first."""
        return self._projects.get(project_id, {})

    def find(self, project_id: str, job_id: str | int) -> Job | None:
        text = str(job_id)
        return self.of(project_id).get(int(text)) if text.isdecimal() else None

    def named(self, project_id: str, name: str) -> Job | None:
        job_id = self._names.get((project_id, name))
        return None if job_id is None else self.of(project_id).get(job_id)

    def busy_on(self, queue: Queue) -> list[Job]:
        return [job for job in self.of(queue.project_id).values() if job.status in BUSY and _is_on(job, queue)]

    def used_cus(self, queue: Queue, *, but: Job | None = None) -> int:
        return sum(cus_of(job.definition) for job in self.busy_on(queue) if job is not but)

    # keeping

    def save(self, job: Job) -> None:
        self._table.save(str(job.job_id), job)

    def add(self, job: Job, tags: Mapping[str, str]) -> None:
        self._index(job)
        self.save(job)
        self._core.part(Tags).put(job.project_id, tagging.JOB, str(job.job_id), tags)
        self._record(job, EventType.CREATED, f"created: {job.name}")

    def redefine(self, job: Job, changes: Mapping[str, Any]) -> None:
        self._names.pop((job.project_id, job.name), None)
        differing = sorted(
            name for name, value in changes.items() if (job.definition.get(name) or None) != (value or None)
        )
        job.changed = sorted({*job.changed, *differing})
        job.definition = {**job.definition, **changes}
        job.updated = self._core.clock.now()
        self._index(job)
        self.save(job)
        if job.state not in (Status.INIT,) and changes.keys() <= LIVE_FIELDS | {"queue_name"}:
            self._runtime.update(job.job_id, effective(self._core, job.definition))
        self._record(job, EventType.UPDATED, "updated: " + (", ".join(differing) or "nothing new"), fields=differing)

    def delete(self, job: Job) -> None:
        """Any status will do (6.7)."""
        self._runtime.kill(job.job_id)
        self._table.drop(str(job.job_id))
        self._projects[job.project_id].pop(job.job_id, None)
        self._names.pop((job.project_id, job.name), None)
        self._core.part(Tags).put(job.project_id, tagging.JOB, str(job.job_id), {})
        self._rest_queue(job, self._core.clock.now())
        self._record(job, EventType.DELETED, "deleted")

    # commands

    def run(self, job: Job, *, resume: bool) -> None:
        """Accept a start, or refuse it with the codes of 6.5."""
        now, quirks = self._core.clock.now(), self._core.quirks
        name = job.definition["queue_name"]
        queue = self._queues.find(job.project_id, name) if name else None
        if not name:
            raise Refusal(400, "DLI.13024", "The job has no queue.")
        self._allowed(job, Trigger.RUN)
        if queue is None:
            raise Refusal(400, "DLI.13024", f"The queue {name} of the job does not exist.")
        if job.job_type != JAR:
            check_syntax(self._core, job.definition)
        if resume and job.savepoint_path is None and not quirks.ignore_missing_savepoint:
            raise Refusal(400, "DLI.13017", "The job has no savepoint or checkpoint.")
        job.resumes = job.savepoint_path if resume else None
        if job.resumes and quirks.savepoint_consumed == "accepted":
            job.savepoint_path = job.savepoint_at = None
        job.restart_times, job.ended = 0, None
        self._to(job, Status.SUBMITTING, now, "")
        text = f"run, from {job.resumes}" if job.resumes else "run, without state"
        self._record(job, EventType.RUN, text, savepoint_path=job.resumes)
        self._start(job, queue, now)

    def _start(self, job: Job, queue: Queue, now: float) -> None:
        submission = Submission(
            core=self._core,
            project_id=job.project_id,
            job_type=job.job_type,
            definition=job.definition,
            queue=queue,
            used_cus=self.used_cus(queue, but=job),
            resumes=job.resumes,
            changed=frozenset(job.changed),
        )
        job.changed = []
        problem = problem_of(submission)
        if problem:
            self._to(job, Status.SUBMIT_FAIL, now, problem)
            return
        request = StartRequest(
            job_id=job.job_id,
            project_id=job.project_id,
            name=job.name,
            queue=queue.name,
            queue_cu=self._core.part(Pools).cus_of(queue),
            queue_ready_at=self._queues.compute_for_job(queue, now),
            definition=effective(self._core, job.definition),
            files=files_of(submission),
            savepoint_path=job.resumes,
        )
        self._runtime.start(request)

    def stop(self, job: Job, *, with_savepoint: bool) -> None:
        """Accept a stop, or DLI.15002; a job that is not up yet has no state to save."""
        trigger = Trigger.STOP_WITH_SAVEPOINT if with_savepoint else Trigger.STOP
        status = self._allowed(job, trigger)
        if with_savepoint:
            self._check_agency(job)
        folder = self._savepoint_folder(job) if with_savepoint else None
        self._to(job, status, self._core.clock.now(), "")
        text = "stop with savepoint" if with_savepoint else "stop"
        self._record(job, EventType.STOP, text, with_savepoint=with_savepoint)
        self._runtime.stop(job.job_id, savepoint_dir=folder)

    def make_savepoint(self, job: Job, folder: str | None = None) -> None:
        status = self._allowed(job, Trigger.SAVEPOINT)
        self._check_agency(job)
        folder = folder or self._savepoint_folder(job)
        self._to(job, status, self._core.clock.now(), "")
        self._record(job, EventType.SAVEPOINT_REQUESTED, "savepoint asked for")
        self._runtime.savepoint(job.job_id, directory=folder)

    def import_savepoint(self, job: Job, path: str) -> None:
        if job.status in BUSY:
            raise Refusal(400, "DLI.15002", "A savepoint can only be imported into a job that is not running.")
        self._check_agency(job)
        self._core.part(ObjectStore).lay_out(locate_folder(path))
        if not self._core.quirks.lenient_objects and not self._runtime.has_savepoint(path):
            raise Refusal(400, "DLI.13017", f"There is no savepoint or checkpoint at {path}.")
        job.savepoint_path, job.savepoint_at = path, self._core.clock.now()
        self.save(job)
        self._record(job, EventType.SAVEPOINT_IMPORTED, f"savepoint imported: {path}", savepoint_path=path)

    def arrears(self, job: Job) -> None:
        status = self._allowed(job, Trigger.ARREARS)
        self._runtime.kill(job.job_id)
        self._to(job, status, self._core.clock.now(), "The account is in arrears.")

    def paid(self, job: Job) -> None:
        now, queue = self._core.clock.now(), self._queues.find(job.project_id, job.definition["queue_name"])
        if queue is None:
            raise Refusal(400, "DLI.13024", "The queue of the job does not exist.")
        self._to(job, self._allowed(job, Trigger.PAID), now, "")
        self._start(job, queue, now)

    # what the runtime reports

    def catch_up(self) -> None:
        """Apply what happened since the last look."""
        for seen in self._runtime.changes():
            job = self._table.rows.get(str(seen.job_id))
            if job is not None:
                self._apply(job, seen)

    def _apply(self, job: Job, seen: Observation) -> None:
        trigger = REPORTS[seen.state]
        if seen.state is RunState.SUBMITTING and job.state in (Status.SUBMITTING, Status.ARREARAGE_RECOVERING):
            return
        if seen.state is RunState.CANCELING and job.state is Status.CANCELING:
            return
        if seen.state is RunState.SAVEPOINTING and job.state is Status.SAVEPOINTING:
            return
        status = after(job.state, trigger) if trigger else None
        if status is None:
            return
        if seen.savepoint_path and seen.savepoint_path != job.savepoint_path and self._is_newer(job, seen):
            job.savepoint_path, job.savepoint_at = seen.savepoint_path, seen.savepoint_at or seen.at
            text = f"savepoint made: {seen.savepoint_path}"
            self._record(job, EventType.SAVEPOINT_MADE, text, at=seen.at, savepoint_path=seen.savepoint_path)
        if seen.state is RunState.RUNNING and job.state is not Status.SAVEPOINTING:
            self._came_up(job, seen)
        job.restart_times = seen.restart_times
        self._to(job, status, seen.at, seen.description)

    def _is_newer(self, job: Job, seen: Observation) -> bool:
        """The runtime repeats the savepoint of this run; one that a start consumed must not come back."""
        return seen.savepoint_path != job.resumes and seen.savepoint_path not in job.restored_from

    def _came_up(self, job: Job, seen: Observation) -> None:
        queue = self._queues.find(job.project_id, job.definition["queue_name"])
        if queue is not None:
            self._queues.job_runs(queue, seen.at)
        job.ended = None
        if job.state not in (Status.CANCEL_FAIL, Status.RUNNING) or seen.restart_times != job.restart_times:
            job.started = seen.at
        quirks = self._core.quirks
        if job.resumes and job.resumes not in job.restored_from:
            job.restored_from = [*job.restored_from, job.resumes]
            if quirks.savepoint_consumed == "running" and job.savepoint_path == job.resumes:
                job.savepoint_path = job.savepoint_at = None
            if quirks.savepoint_consumed != "kept" and quirks.savepoint_files == "deleted":
                self._runtime.drop_savepoint(job.resumes)

    # helpers

    def force(self, job: Job, status: Status, description: str = "") -> None:
        """A person's or a test's hand: any status, without the table."""
        self._to(job, status, self._core.clock.now(), description)

    def _allowed(self, job: Job, trigger: Trigger) -> Status:
        status = after(job.state, trigger)
        if status is None:
            text = f"The job {job.job_id} is in the status {job.status}, which does not allow {trigger}."
            raise Refusal(400, "DLI.15002", text)
        return status

    def _to(self, job: Job, status: Status, at: float, description: str) -> None:
        was_busy = job.status in BUSY
        if job.status != status:
            text = f"{job.status} → {status}" + (f": {description}" if description else "")
            facts = {"before": job.status, "after": status, "description": description}
            self._record(job, EventType.STATUS, text, at=at, **facts)
        job.status, job.status_desc = status, description
        if was_busy and status not in BUSY:
            job.ended = at
            self._rest_queue(job, at)
        self.save(job)

    def _rest_queue(self, job: Job, at: float) -> None:
        name = job.definition["queue_name"]
        queue = self._queues.find(job.project_id, name) if name else None
        if queue is not None and queue.resource_mode == 0 and not self.busy_on(queue):
            self._queues.is_idle(queue, at)

    def _check_agency(self, job: Job) -> None:
        """From Flink 1.15 on there are no savepoints without an agency (dli-api 15)."""
        if needs_agency(job.definition) and self._core.quirks.forbids("agency"):
            text = "Savepoints of Flink 1.15 and later need an agency in execution_agency_urn."
            raise Refusal(400, "DLI.15002", text)

    def _savepoint_folder(self, job: Job) -> str:
        bucket, quirks = job.definition.get("obs_bucket"), self._core.quirks
        if not bucket and quirks.savepoint_needs_bucket and not quirks.lenient:
            raise Refusal(400, "DLI.15002", "A savepoint needs a job with obs_bucket.")
        stamp = self._core.clock.now_ms()
        return f"obs://{bucket or 'dli-' + job.project_id}/jobs/savepoint/{job.job_id}/{stamp}/"

    def _record(self, job: Job, event: EventType, text: str, *, at: float | None = None, **facts: Any) -> None:
        self._core.record("job", str(job.job_id), event, text, at=at, **facts)


def _is_on(job: Job, queue: Queue) -> bool:
    return str(job.definition["queue_name"]).lower() == queue.name
