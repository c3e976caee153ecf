"""Handlers of the Flink calls (dli-api 6): bodies in, answers out. The rules are in `records.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.iam.records import project_id_of
from pulumi_dli.emulator.jobs.fields import (
    GRAPH_FIELDS,
    JAR,
    LIVE_FIELDS,
    OPEN_SQL,
    SQL,
    SQL_LIVE_FIELDS,
    CommonFields,
    JarFields,
    SqlFields,
    sent,
    unbound,
    with_defaults,
)
from pulumi_dli.emulator.jobs.records import Job, Jobs
from pulumi_dli.emulator.jobs.rules import Asked, check, check_kind
from pulumi_dli.emulator.jobs.transitions import Status, Trigger, after
from pulumi_dli.emulator.jobs.views import brief_row, detailed_row, details
from pulumi_dli.emulator.objects.records import locate_folder
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.project.records import AuthorisedBuckets
from pulumi_dli.emulator.queues.records import Queues
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tags
from pulumi_dli.emulator.templates.records import Templates

RUN_ACCEPTED = "The request for submitting DLI jobs is successfully delivered."
STOP_ACCEPTED = "The request for stopping DLI jobs is successfully delivered."
DELETED = "The job is successfully deleted."
MOST_IN_A_LIST = 100
JOB_SUCCESS = "true"  # single Flink calls quote the flag (dli-api 1.5)


class Ids(Body):
    job_ids: list[int] = Field(min_length=1)


class RunJobs(Ids):
    resume_savepoint: bool = False


class StopJobs(Ids):
    trigger_savepoint: bool = False


class Savepoint(Body):
    action: str = "TRIGGER"
    savepoint_path: str = ""


class ImportSavepoint(Body):
    savepoint_path: str = Field(min_length=1)


# create and update


def create_jar(call: Call) -> Reply:
    asked = call.read(JarFields)
    return _create(call, asked, sent(asked), JAR)


def create_sql(call: Call) -> Reply:
    """A template fills an absent `sql_body`; the graph's settings are for updates only (dli-api 14.2)."""
    asked = call.read(SqlFields)
    job_type = asked.job_type or OPEN_SQL
    if job_type not in (SQL, OPEN_SQL):
        raise bad_parameter("Invalid parameter job_type.")
    fields = {name: value for name, value in sent(asked).items() if name not in GRAPH_FIELDS}
    if asked.template_id is not None and not fields.get("sql_body"):
        template = call.core.part(Templates).find(call.project_id, asked.template_id)
        if template is None:
            raise Refusal(400, "DLI.18005", f"The template {asked.template_id} does not exist.")
        fields["sql_body"] = template.sql_body
    return _create(call, asked, fields, job_type)


def _create(call: Call, asked: CommonFields, fields: dict[str, Any], job_type: str) -> Reply:
    core, quirks = call.core, call.core.quirks
    definition = with_defaults(fields, job_type)
    _check(call, definition, job_type, definition.keys())
    tags = tagging.checked(asked.tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    if core.part(Jobs).named(call.project_id, definition["name"]):
        raise Refusal(400, "DLI.11004", f"The job name {definition['name']} already exists.")
    now = core.clock.now()
    job = Job(
        job_id=core.next_id("job", 138),
        project_id=call.project_id,
        job_type=job_type,
        definition=definition,
        user_name=call.user,
        user_id=project_id_of(call.user),
        created=now,
        updated=now,
    )
    core.part(Jobs).add(job, tags)
    success: Any = True if quirks.sample_types else JOB_SUCCESS
    shown = {"job_id": job.job_id, "status_name": job.status, "status_desc": job.status_desc}
    return Reply(200, {"is_success": success, "message": "A Flink job is created successfully.", "job": shown})


def update_jar(call: Call) -> Reply:
    return _update(call, call.read(JarFields), jar=True)


def update_sql(call: Call) -> Reply:
    return _update(call, call.read(SqlFields), jar=False)


def _update(call: Call, asked: CommonFields, *, jar: bool) -> Reply:
    """A partial update: what is absent stays; a running job takes six fields only (6.3)."""
    core, job = call.core, _existing(call, "DLI.16001")
    check_kind(job.job_type, jar=jar, quirks=core.quirks)
    changes = sent(asked)
    if after(job.state, Trigger.UPDATE) is None:
        _check_live(job, changes)
    definition = unbound({**job.definition, **changes})
    _check(call, definition, job.job_type, changes.keys())
    other = core.part(Jobs).named(call.project_id, definition["name"])
    if other is not None and other is not job:
        raise Refusal(400, "DLI.11004", f"The job name {definition['name']} already exists.")
    core.part(Jobs).redefine(job, {**changes, "queue_name": definition["queue_name"]})
    shown = {"update_time": int(job.updated * 1000)}
    return Reply(200, _done("The Flink job is updated successfully.", job=shown))


def _check(call: Call, definition: Mapping[str, Any], job_type: str, changed: Set[str]) -> None:
    core, name = call.core, definition["queue_name"]
    queue = core.part(Queues).find(call.project_id, name) if name else None
    cus = core.part(Pools).most_cus_of(queue) if queue else 0
    authorised = core.part(AuthorisedBuckets).has(call.project_id, definition.get("obs_bucket"))
    check(Asked(definition, job_type, changed, queue, cus), core.quirks, authorised=authorised)


def _check_live(job: Job, changes: dict[str, Any]) -> None:
    forbidden = sorted(changes.keys() - (LIVE_FIELDS if job.job_type == JAR else SQL_LIVE_FIELDS))
    if job.state is not Status.RUNNING or forbidden:
        names = ", ".join(forbidden or changes)
        text = f"The job {job.job_id} is in the status {job.status}, which does not allow a change of {names}."
        raise Refusal(400, "DLI.15002", text)
    if "obs_bucket" in changes and changes["obs_bucket"] == job.definition.get("obs_bucket"):
        raise Refusal(400, "DLI.15002", f"The obs_bucket of the running job {job.job_id} is unchanged.")


# batches


def run(call: Call) -> Reply:
    asked = call.read(RunJobs)

    def one(job: Job) -> None:
        call.core.part(Jobs).run(job, resume=asked.resume_savepoint)

    return _batch(call, asked.job_ids, one, missing="DLI.13007", message=RUN_ACCEPTED)


def stop(call: Call) -> Reply:
    asked = call.read(StopJobs)

    def one(job: Job) -> None:
        call.core.part(Jobs).stop(job, with_savepoint=asked.trigger_savepoint)

    reply = _batch(call, asked.job_ids, one, missing="DLI.16001", message=STOP_ACCEPTED)
    quirk = call.core.quirks.stop_answer
    if reply.status == 200 and quirk != "array":
        reply.body = reply.body[0] if quirk == "object" else reply.body[:1]
    return reply


def delete_many(call: Call) -> Reply:
    asked = call.read(Ids)
    return _batch(call, asked.job_ids, call.core.part(Jobs).delete, missing="DLI.17001", message=DELETED)


def _batch(call: Call, ids: Sequence[int], act: Callable[[Job], None], *, missing: str, message: str) -> Reply:
    """Element by element; any failure makes it a 400, and what succeeded did happen (6.5)."""
    answers = []
    for position, job_id in enumerate(ids):
        try:
            job = _meant(call, position, job_id, missing)
            act(job)
            answers.append(_done(message))
        except Refusal as refusal:
            answers.append(refusal.body)
    return Reply(400 if any("error_code" in answer for answer in answers) else 200, answers)


def _meant(call: Call, position: int, job_id: int, missing: str) -> Job:
    fault = call.fault
    if fault is not None and (position in fault.positions or job_id in fault.ids):
        raise Refusal(400, fault.code or "DLI.10001", fault.message or "Internal error.")
    job = call.core.part(Jobs).find(call.project_id, job_id)
    if job is None:
        raise _missing(call, missing, job_id)
    return job


def _missing(call: Call, code: str, job_id: object) -> Refusal:
    quirk = call.core.quirks.job_not_found
    code = code if quirk == "vendor" else quirk
    return Refusal(404 if code == "DLI.0023" else 400, code, f"The job id {job_id} does not exist.")


# one job


def get(call: Call) -> Reply:
    job = _existing(call, "DLI.16001")
    shown = details(job, call.core.clock.now(), call.core.quirks)
    return Reply(200, _done("Job detail query succeeds.", job_detail=shown))


def delete(call: Call) -> Reply:
    call.core.part(Jobs).delete(_existing(call, "DLI.17001"))
    return Reply(200, _done(DELETED))


def graph(call: Call) -> Reply:
    job = _existing(call, "DLI.14001")
    seen = call.core.runtime.observe(job.job_id)
    if seen is None or seen.graph is None:
        raise Refusal(400, "DLI.14001", f"There is no execution graph for the job {job.job_id}.")
    return Reply(200, _done("", execute_graph=dict(seen.graph)))


def savepoint(call: Call) -> Reply:
    job, asked = _existing(call, "DLI.16001"), call.read(Savepoint)
    if asked.action != "TRIGGER":
        raise bad_parameter("Invalid parameter action: only TRIGGER is known.")
    folder = f"{_folder(call, asked.savepoint_path)}{call.core.clock.now_ms()}/" if asked.savepoint_path else None
    call.core.part(Jobs).make_savepoint(job, folder)
    inner = {"is_success": "true", "message": "api.msg.deal_savepoint_success"}  # JSON text within JSON (dli-api 6.10)
    success: Any = True if call.core.quirks.savepoint_answer == "bare" else JOB_SUCCESS
    return Reply(200, {"is_success": success, "message": json.dumps(inner, separators=(",", ":"))})


def import_savepoint(call: Call) -> Reply:
    job = _existing(call, "DLI.16001")
    call.core.part(Jobs).import_savepoint(job, _folder(call, call.read(ImportSavepoint).savepoint_path))
    return Reply(200, _done("The job is updated successfully."))


def _folder(call: Call, path: str) -> str:
    form = call.core.quirks.savepoint_path_form
    if form != "any" and path.startswith("obs://") != (form == "obs"):
        raise bad_parameter("Invalid parameter savepoint_path.")
    where = locate_folder(path.removesuffix("_metadata"))
    if where is None:
        raise bad_parameter("Invalid parameter savepoint_path: bucket/folder/ or obs://bucket/folder/ is needed.")
    return f"obs://{where.bucket}/{where.key}"


# the list


def list_jobs(call: Call) -> Reply:
    limit, offset = call.number("limit", default=10), call.number("offset", default=0)
    if offset < 0:
        raise Refusal(400, "DLI.23001", "The offset must not be negative.")
    if not 0 <= limit <= MOST_IN_A_LIST:
        raise bad_parameter("Invalid parameter limit: 0 to 100 are allowed.")
    if call.query.get("order", "desc") not in ("asc", "desc"):
        raise bad_parameter("Invalid parameter order.")
    found = _found(call)
    if call.query.get("order", "desc") == "desc":
        found.reverse()
    core, now = call.core, call.core.clock.now()
    page = found[offset : offset + limit]
    if call.flag("show_detail"):
        rows = [detailed_row(job, core.quirks) for job in page]
    else:
        rows = [brief_row(job, now, core.quirks) for job in page]
    return Reply(200, _done("Jobs are successfully listed.", job_list={"total_count": len(found), "jobs": rows}))


def _found(call: Call) -> list[Job]:
    """The jobs that all given filters let through, oldest first."""
    query, core = call.query, call.core
    found = list(core.part(Jobs).of(call.project_id).values())
    status = query.get("status")
    if status and status not in list(Status):
        raise bad_parameter("Invalid parameter status.")
    name, exact = query.get("name"), core.quirks.name_filter == "exact"
    if name:
        found = [job for job in found if (job.name == name if exact else name in job.name)]
    if status:
        found = [job for job in found if job.status == status]
    if query.get("job_type"):
        found = [job for job in found if job.job_type == query["job_type"]]
    if query.get("queue_name"):
        queue = query["queue_name"].lower()
        found = [job for job in found if str(job.definition["queue_name"]).lower() == queue]
    if query.get("user_name"):
        found = [job for job in found if job.user_name == query["user_name"]]
    tags = tagging.wanted(query.get("tags"))
    if tags:
        of = core.part(Tags).of
        found = [job for job in found if tags.items() <= of(job.project_id, tagging.JOB, str(job.job_id)).items()]
    return found


def _existing(call: Call, code: str) -> Job:
    job = call.core.part(Jobs).find(call.project_id, call.params["job_id"])
    if job is None:
        raise _missing(call, code, call.params["job_id"])
    return job


def _done(message: str, **more: Any) -> dict[str, Any]:
    return {"is_success": JOB_SUCCESS, "message": message, **more}
