"""What a person at the console, or an accident, does to a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import ControlBody, read
from pulumi_dli.emulator.core.service import Act
from pulumi_dli.emulator.jobs.fields import JAR, JarFields, SqlFields, sent
from pulumi_dli.emulator.jobs.records import Job, Jobs
from pulumi_dli.emulator.jobs.transitions import Status


class JobAct(ControlBody):
    """`job` is an id or a name."""

    job: int | str | None = None
    job_id: int | str | None = None
    project_id: str | None = None


class Fail(JobAct):
    description: str = "failed by hand"


class Stop(JobAct):
    savepoint: bool = False


class Restart(JobAct):
    resume: bool = False


class Edit(JobAct):
    fields: dict[str, Any]


class SetStatus(JobAct):
    status: str
    description: str = ""


def _fail(core: Core, job: Job, asked: Fail) -> None:
    _of_runtime(core, "fail")(job.job_id, asked.description or "failed by hand")


def _finish(core: Core, job: Job, _: JobAct) -> None:
    _of_runtime(core, "finish")(job.job_id)


def _stop(core: Core, job: Job, asked: Stop) -> None:
    core.part(Jobs).stop(job, with_savepoint=asked.savepoint)


def _restart(core: Core, job: Job, asked: Restart) -> None:
    core.part(Jobs).run(job, resume=asked.resume)


def _edit(core: Core, job: Job, asked: Edit) -> None:
    """The types and limits of an update hold; its rules about statuses and other fields do not."""
    model = JarFields if job.job_type == JAR else SqlFields
    unknown = sorted(asked.fields.keys() - model.model_fields.keys() | asked.fields.keys() & {"tags", "job_type"})
    if unknown:
        raise ValueError(f"Invalid parameter fields: a job has no {', '.join(unknown)} that can be edited.")
    core.part(Jobs).redefine(job, sent(read(model, asked.fields)))


def _set_status(core: Core, job: Job, asked: SetStatus) -> None:
    core.part(Jobs).force(job, Status(asked.status), asked.description)


def _drop_savepoint(core: Core, job: Job, _: JobAct) -> None:
    if job.savepoint_path:
        core.runtime.drop_savepoint(job.savepoint_path)
    job.savepoint_path = job.savepoint_at = None
    core.part(Jobs).save(job)


def _of_runtime(core: Core, name: str) -> Callable[..., None]:
    act: Callable[..., None] | None = getattr(core.runtime, name, None)
    if act is None:
        raise ValueError(f"the runtime {core.settings.runtime} cannot do this: make the program itself do it")
    return act


def _found(core: Core, asked: JobAct) -> Job:
    jobs, wanted = core.part(Jobs), str(asked.job_id if asked.job is None else asked.job)
    for project_id in jobs.projects() if asked.project_id is None else [asked.project_id]:
        job = jobs.find(project_id, wanted) or jobs.named(project_id, wanted)
        if job is not None:
            return job
    raise ValueError(f"there is no job {wanted}")


def _act(model: type[JobAct], do: Callable[[Core, Job, Any], None]) -> Act:
    def act(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
        asked = read(model, body)
        job = _found(core, asked)
        do(core, job, asked)
        core.part(Jobs).catch_up()
        return {"job_id": job.job_id, "status": job.status}

    return act


ACTS: Mapping[str, Act] = {
    "job.fail": _act(Fail, _fail),
    "job.finish": _act(JobAct, _finish),
    "job.stop": _act(Stop, _stop),
    "job.restart": _act(Restart, _restart),
    "job.arrears": _act(JobAct, lambda core, job, _: core.part(Jobs).arrears(job)),
    "job.paid": _act(JobAct, lambda core, job, _: core.part(Jobs).paid(job)),
    "job.edit": _act(Edit, _edit),
    "job.delete": _act(JobAct, lambda core, job, _: core.part(Jobs).delete(job)),
    "job.status": _act(SetStatus, _set_status),
    "job.drop_savepoint": _act(JobAct, _drop_savepoint),
}
