"""The upgrade of one job as a model: a service of explicit states in memory, and the provider's real plan and steps on
it. Any thing that can happen between two calls is put between any two of them (`test_upgrade_model.py`).

The service stands where the typed client does (`DliClient`): no HTTP, no threads; time passes in waits. What it
knows beyond the service is `Job.progress`: how much the stream has done since it began from nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pulumi_dli.api.flink_models import FlinkJob, ItemResult, JobPage
from pulumi_dli.api.queues import Queue
from pulumi_dli.connection import AccessKey, Connection
from pulumi_dli.errors import ApiError, ConflictError, DliError, NotFoundError
from pulumi_dli.lifecycle.contract import DiffRequest, ResourceInitFailed
from pulumi_dli.lifecycle.jobs.flink_job import FlinkJarJobLifecycle
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.fields import changes, check

URN = "urn:pulumi:dev::proj::pulumi-python:dynamic/dli:FlinkJarJob::j"
BEGAN = 1_700_000_000.0
MOST_CALLS = 400
MOST_SECONDS = 4 * 3600.0
REST = ("job_init", "job_cancel_success", "job_submit_fail", "job_running_exception", "job_finish")
LIVE = ("job_running", "job_savepointing")
STEPS = {"clock goes back": -6 * 3600.0, "clock goes on": 6 * 3600.0}
QUEUE = Queue.model_validate({"queue_name": "q", "queue_type": "general", "resource_mode": 1, "cu_count": 64})


class Killed(BaseException):
    """The provider's process is gone."""


class EndlessError(AssertionError):
    """A run that does not end."""


class SilentLossError(AssertionError):
    """The state of a job is gone, and nobody has agreed to it."""


@dataclass
class Job:
    """`trial`: what runs is a version that no `up` has called good yet; going back undoes what it did."""

    job_id: int
    definition: dict[str, Any]
    status: str = "job_init"
    description: str = ""
    next: tuple[float, str] | None = None
    savepoint: str | None = None
    started: int = 0
    created: int = 0
    progress: float = 0.0
    trial: bool = True
    ran: bool = False
    resumes: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


class Service:
    """One project with the jobs in it. `strike` is called before and after each call of the provider.

    Attributes:
        bad: entrypoints whose program fails right after its start.
        consumed: when a start takes the savepoint away: `accepted` or `kept`.
        agreed: whether the program has agreed to lose state (stateless).
        upgrading: whether an `up` is under way: who starts the job in the middle of it has started what is on trial.
        skew: by how much the clock that it tells and writes goes wrong; what lasts, lasts as long as ever.
        floor: how much a start by the provider must bring back, by name of the job.
    """

    def __init__(self, *, consumed: str = "accepted", bad: Collection[str] = ()) -> None:
        self.now = BEGAN
        self.skew = 0.0
        self.jobs: dict[int, Job] = {}
        self.saved: dict[str, float] = {}
        self.consumed = consumed
        self.bad = bad
        self.agreed = False
        self.upgrading = False
        self.floor: dict[str, float] = {}
        self.calls: list[str] = []
        self.strike: Callable[[int, str], None] = lambda _number, _when: None
        self.connection = Connection(
            endpoint="http://127.0.0.1:9", credentials=AccessKey("AK", "SK"), project_id="p", poll_seconds=5.0
        )
        self.project_id = "p"
        self.flink_jobs = self
        self.tags = SimpleNamespace(list=self._tags_of, create=self._set_tags, delete=lambda *_: None)
        self.queues = SimpleNamespace(list=lambda: [QUEUE])
        self.package_groups = self.elastic_resource_pools = self.datasource_connections = SimpleNamespace(list=list)
        self.objects: dict[str, bytes] = {}
        self.small_objects = SimpleNamespace(
            is_there=lambda _path: True,
            keys=self._keys,
            read=lambda path: self._called("read note", lambda: self._object(path)),
            write=lambda path, content: self._called("note", lambda: self.objects.update({path: content})),
            delete=lambda path: self._called("delete note", lambda: self.objects.pop(path, None)),
        )

    @property
    def service_time(self) -> float:
        return self.now + self.skew

    @property
    def _millis(self) -> int:
        return int(self.service_time * 1000)

    # time

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and happen what is due in it."""
        until = self.now + seconds
        while due := min((job.next[0] for job in self.jobs.values() if job.next), default=None):
            if due > until:
                break
            self._advance(due)
            for job in [job for job in self.jobs.values() if job.next and job.next[0] <= due]:
                assert job.next is not None
                self._arrive(job, job.next[1])
        self._advance(until)

    def _advance(self, until: float) -> None:
        for job in self.jobs.values():
            if job.status in LIVE:
                job.progress += until - self.now
                self._keep(job)
        self.now = until

    def _keep(self, job: Job) -> None:
        if not job.trial:
            self.floor[job.definition["name"]] = job.progress

    def _arrive(self, job: Job, status: str) -> None:
        was, job.next, job.status = job.status, None, status
        if was == "job_savepointing":
            path = f"obs://state/jobs/savepoint/{job.job_id}/{self._millis}/"
            job.savepoint, self.saved[path] = path, job.progress
            if status == "job_canceling":
                job.next = (self.now + 5, "job_cancel_success")
        if status == "job_running" and was == "job_submitting":
            job.started, job.ran = self._millis, True
            if job.definition["entrypoint"] in self.bad:
                job.next, job.description = (self.now + 1, "job_running_exception"), "its program fails"

    # what people and accidents do

    def happen(self, event: str) -> bool:
        """Whether it can happen now; no job that the provider has not made is touched."""
        if event in STEPS:
            self.skew += STEPS[event]
            return True
        job = next(iter(self.jobs.values()), None)
        if job is None:
            return False
        if event in ("fails", "finishes", "stopped by hand", "stopped with savepoint by hand"):
            if job.status != "job_running":
                return False
            if event == "stopped with savepoint by hand":
                job.status, job.next = "job_savepointing", (self.now + 10, "job_canceling")
            else:
                ends = {"fails": "job_running_exception", "finishes": "job_finish"}
                job.status, job.next = ends.get(event, "job_cancel_success"), None
            if event == "finishes":
                self.floor.pop(job.definition["name"], None)  # it has done all that there was to do
        elif event == "started by hand":
            if job.status not in REST or not job.savepoint:
                return False
            self._start(job, resume=True, by_hand=True)
        elif event == "stop fails":
            if job.status not in ("job_canceling", "job_savepointing"):
                return False
            job.status, job.next = "job_cancel_fail", None
        else:
            raise ValueError(event)
        return True

    # the client's protocol

    def _called(self, name: str, effect: Callable[[], Any]) -> Any:
        self.calls.append(name)
        number = len(self.calls)
        if number > MOST_CALLS or self.now - BEGAN > 40 * MOST_SECONDS:
            raise EndlessError(self.calls[-10:])
        self.strike(number, "before")
        self.pass_by(0.2)
        answer = effect()
        self.strike(number, "after")
        return answer

    def _job(self, job_id: int) -> Job:
        if job_id not in self.jobs:
            raise NotFoundError("it does not exist", status=400, code="DLI.16001")
        return self.jobs[job_id]

    def _shown(self, job: Job, *, detailed: bool) -> FlinkJob:
        row: dict[str, Any] = {
            "job_id": job.job_id,
            "name": job.definition["name"],
            "queue_name": job.definition["queue_name"],
            "main_class": job.definition["main_class"],
            "status": job.status,
            "status_desc": job.description,
            "create_time": job.created,
            "start_time": job.started or None,
            "has_savepoint": job.savepoint is not None,
        }
        if detailed:
            row |= {"savepoint_path": job.savepoint, "restart_times": 0, "job_config": dict(job.definition)}
        return FlinkJob.model_validate(row)

    def get(self, job_id: int) -> FlinkJob:
        return self._called("get", lambda: self._shown(self._job(job_id), detailed=True))

    def list_page(self, *_asked: int, show_detail: bool = False, **_: Any) -> JobPage:
        rows = lambda: tuple(self._shown(job, detailed=show_detail) for job in self.jobs.values())  # noqa: E731
        return self._called("list", lambda: JobPage(len(self.jobs), rows()))

    def list_all(
        self, *, name: str = "", tags: Mapping[str, str] | None = None, show_detail: bool = False, **_: Any
    ) -> list[FlinkJob]:
        def rows() -> list[FlinkJob]:
            found = [job for job in self.jobs.values() if name in job.definition["name"]]
            return [self._shown(job, detailed=show_detail) for job in found if (tags or {}).items() <= job.tags.items()]

        return self._called("list", rows)

    def create_jar(self, body: Mapping[str, Any]) -> int:
        def create() -> int:
            if any(job.definition["name"] == body["name"] for job in self.jobs.values()):
                raise ConflictError("the name exists", status=400, code="DLI.11004")
            job_id = 100 + len([call for call in self.calls if call == "create"])
            definition = {key: value for key, value in body.items() if key != "tags"}
            tags = {pair["key"]: pair["value"] for pair in body.get("tags") or ()}
            self.jobs[job_id] = Job(job_id, definition, created=self._millis, tags=tags)
            return job_id

        return self._called("create", create)

    def update_jar(self, job_id: int, body: Mapping[str, Any]) -> None:
        def update() -> None:
            job = self._job(job_id)
            if job.status not in REST:
                raise ConflictError("a job that is not at rest", status=400, code="DLI.15002")
            job.definition |= body

        self._called("update", update)

    def run(self, job_ids: Collection[int], resume_savepoint: bool) -> list[ItemResult]:
        def start(job_id: int) -> ItemResult:
            job = self._job(job_id)
            if job.status not in REST:
                return ItemResult(False, "a job that is not at rest", "DLI.15002")
            if resume_savepoint and not job.savepoint:
                return ItemResult(False, "no savepoint", "DLI.13017")
            self._start(job, resume=resume_savepoint)
            return ItemResult(True, "", "")

        return self._called("run", lambda: [start(job_id) for job_id in job_ids])

    def _start(self, job: Job, *, resume: bool, by_hand: bool = False) -> None:
        name, path = job.definition["name"], job.savepoint if resume else None
        restored = self.saved[path] if path else 0.0
        if not by_hand and not self.agreed and restored < self.floor.get(name, 0.0) - 0.5:
            raise SilentLossError(f"{name} starts at {restored:.0f} and had done {self.floor[name]:.0f}: {self.calls}")
        job.progress, job.resumes, job.trial = restored, path, not by_hand or self.upgrading
        if by_hand and not job.trial:
            self._keep(job)  # a person may decide to go back
        if path and self.consumed == "accepted":
            job.savepoint = None
        job.status, job.description, job.next = "job_submitting", "", (self.now + 20, "job_running")

    def stop(self, job_ids: Collection[int], trigger_savepoint: bool) -> list[ItemResult]:
        def stop(job_id: int) -> ItemResult:
            job = self._job(job_id)
            allowed = ("job_running",) if trigger_savepoint else ("job_running", "job_submitting", "job_cancel_fail")
            if job.status not in allowed:
                return ItemResult(False, f"the job is {job.status}", "DLI.15002")
            if trigger_savepoint:
                job.status, job.next = "job_savepointing", (self.now + 10, "job_canceling")
            else:
                job.status, job.next = "job_canceling", (self.now + 5, "job_cancel_success")
            return ItemResult(True, "", "")

        return self._called("stop", lambda: [stop(job_id) for job_id in job_ids])

    def delete(self, job_id: int) -> None:
        self._called("delete", lambda: self.jobs.pop(self._job(job_id).job_id))

    def delete_many(self, job_ids: Collection[int]) -> list[ItemResult]:
        def delete(job_id: int) -> ItemResult:
            self.jobs.pop(self._job(job_id).job_id)
            return ItemResult(True, "", "")

        return self._called("delete", lambda: [delete(job_id) for job_id in job_ids])

    def import_savepoint(self, job_id: int, path: str) -> None:
        def take() -> None:
            job = self._job(job_id)
            if job.status not in REST:
                raise ConflictError("a job that is not at rest", status=400, code="DLI.15002")
            if path not in self.saved:
                raise ApiError("no savepoint there", status=400, code="DLI.13017")
            job.savepoint = path

        self._called("import", take)

    def _tags_of(self, _kind: str, id: str) -> dict[str, str]:
        return self._called("tags", lambda: dict(self._job(int(id)).tags))

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        place = f"obs://{bucket}/"
        found = lambda: [path.removeprefix(place) for path in self.objects if path.startswith(place + prefix)]  # noqa: E731
        return self._called("list notes", found)

    def _object(self, path: str) -> bytes:
        if path not in self.objects:
            raise NotFoundError("there is no such object", status=404, code="NoSuchKey")
        return self.objects[path]

    def _set_tags(self, _kind: str, id: str, tags: Mapping[str, str]) -> None:
        self._called("tag", lambda: self._job(int(id)).tags.update(tags))


class ModelClock:
    """Waiting is all that takes time."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def now(self) -> float:
        return self._service.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self._service.pass_by(max(seconds, 0.01))
        return event.is_set()


class Resource:
    """The job's entry in the state, and what an engine does with it. A step that fails raises `DliError`."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.id = ""
        self.inputs: dict[str, Any] = {}
        self.outs: dict[str, Any] = {}
        self.ill = False
        self._lifecycle = FlinkJarJobLifecycle()

    def up(self, inputs: Mapping[str, Any], *, replaced: bool = False) -> None:
        """Create or update, or delete and create; the state is kept as an engine keeps it."""
        service, lifecycle = self.service, self._lifecycle
        service.agreed = inputs.get("upgrade_mode") == "stateless"
        session = Session(service, clock=ModelClock(service))  # type: ignore[arg-type]
        news, failures = check(lifecycle.spec, inputs)
        assert not failures
        spec = lifecycle.spec.of(news)
        call = OperationContext(urn=URN, name="j")
        began = len(service.calls), service.now
        service.upgrading = True
        try:
            if self.id:
                session.claims.declare(lifecycle.holdings(self.id, self.outs), urn=URN, outs=self.outs)
            if self.id and replaced:
                lifecycle.preview_update(call, DiffRequest(self.id, self.outs, news, (), (), lambda: session))
                lifecycle.delete(call, session, self.id, self.outs)
                self.id, self.inputs, self.outs, self.ill = "", {}, {}, False
            if not self.id:
                lifecycle.preview_create(call, DiffRequest("", {}, news, (), (), lambda: session))
                made = lifecycle.create(call, session, spec)
                self.id, self.outs = made.id, _kept(made.outs)
            elif self.ill or changes(lifecycle.spec, self.outs, news):
                self.outs = _kept(lifecycle.update(call, session, self.id, self.outs, spec))
            self.inputs, self.ill = news, False
        except ResourceInitFailed as half:
            self.id, self.outs, self.inputs, self.ill = half.id, _kept(half.outs), news, True
            raise DliError(str(half)) from half
        finally:
            service.upgrading = False
        if service.now - began[1] > MOST_SECONDS:
            raise EndlessError(f"{service.now - began[1]:.0f} s for {service.calls[began[0] :]}")
        for job in service.jobs.values():
            if job.status in LIVE:
                job.trial = False  # from here on, what it does counts
                service.floor[job.definition["name"]] = job.progress

    def refresh(self) -> None:
        session = Session(self.service, clock=ModelClock(self.service))  # type: ignore[arg-type]
        found = (
            self._lifecycle.read(OperationContext(urn=URN, name="j"), session, self.id, self.outs) if self.id else None
        )
        if found is None:
            self.id, self.inputs, self.outs, self.ill = "", {}, {}, False
        else:
            self.outs, self.inputs, self.ill = _kept(found.outs), dict(found.inputs), bool(found.unhealthy)


def _kept(outs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in outs.items() if value is not None}
