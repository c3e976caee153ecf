"""The calls under `/__dli/`: look at the local DLI, script it, and act as a person at the console would.

| Call | What |
| --- | --- |
| `GET /__dli/health` | `{"status": "ok", "runtime", "pace", "pid"}` |
| `GET /__dli/requests?since=SEQ&operation=jobs.run` | the journal; bodies are masked, no headers |
| `GET /__dli/requests/counts` | calls by operation |
| `GET POST DELETE /__dli/faults[?id=]` | see `faults.py` |
| `GET PUT /__dli/quirks` | see `quirks.py`; `{}` in the body of a `DELETE`: all defaults again |
| `GET POST /__dli/clock` | `{"now", "pace"}`; `{"advance": seconds}` and/or `{"pace": x}` |
| `POST /__dli/reset` | everything as on the first day |
| `GET /__dli/timeline?since=SEQ&subject=` | what happened to which resource |
| `GET /__dli/jobs[?project_id=]` | jobs as the emulator knows them: status, restored_from, state_seconds |
| `POST /__dli/act` | `{"action": …}` as below; `project_id` is needed only when there are several |

| Action | With | Effect |
| --- | --- | --- |
| `job.fail` | `job`, `description` | an exception ends it (and restarts it, if the job says so) |
| `job.finish` | `job` | its program ends |
| `job.stop` | `job`, `savepoint` | a person stops it |
| `job.restart` | `job`, `resume` | a person runs it |
| `job.arrears`, `job.paid` | `job` | arrears stop it; it comes back |
| `job.edit` | `job`, `fields` | its definition changes, whatever its status |
| `job.delete` | `job` | it is gone |
| `job.status` | `job`, `status`, `description` | any of the 14 statuses, without a reason |
| `job.drop_savepoint` | `job` | its savepoint is gone |
| `queue.scale` | `queue`, `cu_count` | it has that many CUs at once |
| `queue.delete` | `queue` | it is gone, jobs or not |
| `package.delete` | `group`, `name` | it is gone |
| `tokens.expire` | | all issued tokens are too old |

`job` is an id or a name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pulumi_dli.emulator.errors import Refusal
from pulumi_dli.emulator.flink_jobs import Job
from pulumi_dli.emulator.messages import Reply
from pulumi_dli.emulator.service import Service
from pulumi_dli.emulator.transitions import Status

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Ask:
    """One call: the service it is about, the query, the body."""

    service: Service
    query: Mapping[str, str]
    body: Given


def handle(service: Service, method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
    """One call; what it asks for wrongly is a 400 with a sentence."""
    found = ROUTES.get((method, path))
    if found is None:
        known = ", ".join(f"{verb} {route}" for verb, route in ROUTES)
        return Reply(404, {"error": f"no such control call; known are {known} (under /__dli/)"})
    try:
        return found(Ask(service, query, body if isinstance(body, dict) else {}))
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body)
    except (ValueError, KeyError, TypeError) as error:
        return Reply(400, {"error": str(error)})


def _health(ask: Ask) -> Reply:
    service = ask.service
    facts = {"status": "ok", "runtime": service.settings.runtime, "pace": service.clock.pace, "pid": os.getpid()}
    return Reply(200, facts)


def _requests(ask: Ask) -> Reply:
    return Reply(
        200, {"requests": ask.service.journal.since(int(ask.query.get("since", 0)), ask.query.get("operation"))}
    )


def _counts(ask: Ask) -> Reply:
    return Reply(200, {"counts": dict(ask.service.journal.counts), "total": ask.service.journal.counts.total()})


def _faults(ask: Ask) -> Reply:
    return Reply(200, {"faults": [fault.model_dump() for fault in ask.service.faults.listed]})


def _add_fault(ask: Ask) -> Reply:
    fault = ask.service.faults.add(ask.body)
    ask.service.happened("fault", str(fault.effect), f"scripted for {fault.match or fault.operation}")
    return Reply(201, fault.model_dump())


def _clear_faults(ask: Ask) -> Reply:
    ask.service.faults.clear(int(ask.query["id"]) if "id" in ask.query else None)
    return Reply(200, {})


def _quirks(ask: Ask) -> Reply:
    return Reply(200, ask.service.quirks.model_dump())


def _change_quirks(ask: Ask) -> Reply:
    changes = dict(ask.body)
    if isinstance(changes.get("timings"), dict):
        changes["timings"] = {**ask.service.quirks.timings.model_dump(), **changes["timings"]}
    ask.service.change_quirks(changes)
    return _quirks(ask)


def _default_quirks(ask: Ask) -> Reply:
    ask.service.change_quirks(ask.service.default_quirks.model_dump())
    return _quirks(ask)


def _clock(ask: Ask) -> Reply:
    return Reply(200, {"now": ask.service.clock.now(), "pace": ask.service.clock.pace})


def _set_clock(ask: Ask) -> Reply:
    unknown = set(ask.body) - {"advance", "pace"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    if "pace" in ask.body:
        ask.service.clock.set_pace(float(ask.body["pace"]))
    if "advance" in ask.body:
        ask.service.clock.advance(float(ask.body["advance"]))
    ask.service.keep_clock()
    ask.service.jobs.catch_up()
    return _clock(ask)


def _reset(ask: Ask) -> Reply:
    ask.service.reset()
    return Reply(200, {})


def _timeline(ask: Ask) -> Reply:
    events = ask.service.timeline.events(since=int(ask.query.get("since", 0)), subject=ask.query.get("subject"))
    return Reply(200, {"events": [asdict(event) for event in events]})


def _jobs(ask: Ask) -> Reply:
    ask.service.jobs.catch_up()
    seconds = getattr(ask.service.runtime, "state_seconds", lambda _: None)
    rows = []
    for project_id in [ask.query["project_id"]] if "project_id" in ask.query else ask.service.jobs.projects():
        for job in ask.service.jobs.of(project_id).values():
            rows.append({**asdict(job), "name": job.name, "state_seconds": seconds(job.job_id)})
    return Reply(200, {"jobs": rows})


def _act(ask: Ask) -> Reply:
    action = str(ask.body.get("action"))
    if action == "tokens.expire":
        ask.service.iam.expire_tokens()
        return Reply(200, {})
    kind, _, verb = action.partition(".")
    if kind == "job" and verb in JOB_ACTS:
        job = _job(ask.service, ask.body)
        JOB_ACTS[verb](ask.service, job, ask.body)
        ask.service.jobs.catch_up()
        return Reply(200, {"job_id": job.job_id, "status": job.status})
    if action in OTHER_ACTS:
        OTHER_ACTS[action](ask.service, ask.body)
        return Reply(200, {})
    known = [*(f"job.{name}" for name in JOB_ACTS), *OTHER_ACTS, "tokens.expire"]
    raise ValueError(f"no such action: {action}; known are {', '.join(known)}")


def _job(service: Service, body: Given) -> Job:
    wanted = body.get("job", body.get("job_id"))
    for project_id in [body["project_id"]] if "project_id" in body else service.jobs.projects():
        job = service.jobs.find(project_id, str(wanted)) or service.jobs.named(project_id, str(wanted))
        if job is not None:
            return job
    raise KeyError(f"there is no job {wanted}")


def _of_runtime(service: Service, name: str) -> Callable[..., None]:
    act: Callable[..., None] | None = getattr(service.runtime, name, None)
    if act is None:
        raise ValueError(f"the runtime {service.settings.runtime} cannot do this: make the program itself do it")
    return act


def _edit(service: Service, job: Job, body: Given) -> None:
    service.jobs.redefine(job, dict(body["fields"]))


def _drop_savepoint(service: Service, job: Job) -> None:
    if job.savepoint_path:
        service.runtime.drop_savepoint(job.savepoint_path)
    job.savepoint_path = job.savepoint_at = None
    service.jobs.save(job)


JOB_ACTS: dict[str, Callable[[Service, Job, Given], None]] = {
    "fail": lambda s, job, body: _of_runtime(s, "fail")(job.job_id, body.get("description") or "failed by hand"),
    "finish": lambda s, job, _: _of_runtime(s, "finish")(job.job_id),
    "stop": lambda s, job, body: s.jobs.stop(job, with_savepoint=bool(body.get("savepoint"))),
    "restart": lambda s, job, body: s.jobs.run(job, resume=bool(body.get("resume"))),
    "arrears": lambda s, job, _: s.jobs.arrears(job),
    "paid": lambda s, job, _: s.jobs.paid(job),
    "edit": _edit,
    "delete": lambda s, job, _: s.jobs.delete(job),
    "status": lambda s, job, body: s.jobs.force(job, Status(body["status"]), str(body.get("description", ""))),
    "drop_savepoint": lambda s, job, _: _drop_savepoint(s, job),
}


def _project(service: Service, body: Given) -> str:
    known = service.queues.projects()
    if "project_id" in body:
        return str(body["project_id"])
    if len(known) != 1:
        raise ValueError("project_id is needed: there are several projects, or none yet")
    return known[0]


def _scale_queue(service: Service, body: Given) -> None:
    queue = service.queues.find(_project(service, body), str(body["queue"]))
    if queue is None:
        raise KeyError(f"there is no queue {body['queue']}")
    queue.cu_count = queue.cu_spec = int(body["cu_count"])
    queue.scaled_at = None
    service.queues.save(queue)
    service.happened("queue", queue.name, f"scaled to {queue.cu_count} CUs at the console")


def _delete_queue(service: Service, body: Given) -> None:
    queue = service.queues.find(_project(service, body), str(body["queue"]))
    if queue is None:
        raise KeyError(f"there is no queue {body['queue']}")
    service.queues.drop(queue)


def _delete_package(service: Service, body: Given) -> None:
    package = service.packages.find(_project(service, body), str(body.get("group", "")), str(body["name"]))
    if package is None:
        raise KeyError(f"there is no package {body['name']}")
    service.packages.drop(package)


OTHER_ACTS: dict[str, Callable[[Service, Given], None]] = {
    "queue.scale": _scale_queue,
    "queue.delete": _delete_queue,
    "package.delete": _delete_package,
}

ROUTES: dict[tuple[str, str], Callable[[Ask], Reply]] = {
    ("GET", "health"): _health,
    ("GET", "requests"): _requests,
    ("GET", "requests/counts"): _counts,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "quirks"): _quirks,
    ("PUT", "quirks"): _change_quirks,
    ("DELETE", "quirks"): _default_quirks,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _set_clock,
    ("POST", "reset"): _reset,
    ("GET", "timeline"): _timeline,
    ("GET", "jobs"): _jobs,
    ("POST", "act"): _act,
}
