"""The calls under `/__dli/`: look at the local DLI, script it, and act as a person at the console would.

| Call | What |
| --- | --- |
| `GET /__dli/health` | `{"status": "ok", "runtime", "speed", "pid"}` |
| `GET /__dli/requests?since=SEQ&operation=jobs.run` | the journal; bodies are masked, no headers |
| `GET /__dli/requests/counts` | calls by operation |
| `GET POST DELETE /__dli/faults[?id=]` | see `faults.py` |
| `GET PUT /__dli/quirks` | see `quirks.py`; `DELETE`: all defaults again |
| `GET POST /__dli/clock` | `{"now", "speed"}`; `{"advance": seconds}` and/or `{"speed": x}` (or `pace`) |
| `POST /__dli/reset` | everything is forgotten but the speed |
| `GET /__dli/timeline?since=SEQ&subject=` | what happened to which resource: `type`, `facts`, `text` |
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
| `pool.scale` | `pool`, `cu_count` | the service begins a scaling by itself |
| `pool.fail` | `pool`, `description` | it is FAILED |
| `pool.delete` | `pool` | it is gone; its queues stay |
| `connection.peering` | `connection`, `status`, `name`, `description` | its peerings, or that of `name`, are so now |
| `package.delete` | `group`, `name` | it is gone |
| `tokens.expire` | | all issued tokens are too old |

`job` is an id or a name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pulumi_dli.emulator.core.errors import Refusal
from pulumi_dli.emulator.core.messages import ControlBody, Reply, read
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.services import ACTS


class ClockChange(ControlBody):
    """`pace` is the former name of `speed`."""

    advance: float | None = None
    speed: float | None = None
    pace: float | None = None


@dataclass(frozen=True)
class Ask:
    """One call: the local DLI it is about, the query, the body."""

    dli: LocalDli
    query: Mapping[str, str]
    body: Mapping[str, Any]

    def number(self, name: str) -> int:
        text = self.query.get(name, "0")
        if not text.isascii() or not text.isdecimal() or len(text) > 15:
            raise ValueError(f"{name} must be a whole number, not negative")
        return int(text)


def handle(dli: LocalDli, method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
    """One call; what it asks for wrongly is a 400 with a sentence."""
    found = ROUTES.get((method, path))
    if found is None:
        known = ", ".join(f"{verb} {route}" for verb, route in ROUTES)
        return Reply(404, {"error": f"no such control call; known are {known} (under /__dli/)"})
    if not isinstance(body, dict):
        return Reply(400, {"error": "the body must be a JSON object"})
    try:
        return found(Ask(dli, query, body))
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body)
    except ValueError as error:
        return Reply(400, {"error": str(error)})


def _health(ask: Ask) -> Reply:
    facts = {"status": "ok", "runtime": ask.dli.settings.runtime, "speed": ask.dli.clock.speed, "pid": os.getpid()}
    return Reply(200, facts)


def _requests(ask: Ask) -> Reply:
    return Reply(200, {"requests": ask.dli.journal.since(ask.number("since"), ask.query.get("operation"))})


def _counts(ask: Ask) -> Reply:
    return Reply(200, {"counts": dict(ask.dli.journal.counts), "total": ask.dli.journal.counts.total()})


def _faults(ask: Ask) -> Reply:
    return Reply(200, {"faults": [fault.model_dump() for fault in ask.dli.faults.listed]})


def _add_fault(ask: Ask) -> Reply:
    fault = ask.dli.faults.add(ask.body)
    text = f"scripted for {fault.match or fault.operation}"
    ask.dli.record("fault", str(fault.effect), EventType.FAULT, text, effect=fault.effect)
    return Reply(201, fault.model_dump())


def _clear_faults(ask: Ask) -> Reply:
    ask.dli.faults.clear(ask.number("id") if "id" in ask.query else None)
    return Reply(200, {})


def _quirks(ask: Ask) -> Reply:
    return Reply(200, ask.dli.quirks.model_dump())


def _change_quirks(ask: Ask) -> Reply:
    changes = dict(ask.body)
    if isinstance(changes.get("timings"), dict):
        changes["timings"] = {**ask.dli.quirks.timings.model_dump(), **changes["timings"]}
    ask.dli.change_quirks(changes)
    return _quirks(ask)


def _default_quirks(ask: Ask) -> Reply:
    ask.dli.change_quirks(ask.dli.default_quirks.model_dump())
    return _quirks(ask)


def _clock(ask: Ask) -> Reply:
    return Reply(200, {"now": ask.dli.clock.now(), "speed": ask.dli.clock.speed})


def _set_clock(ask: Ask) -> Reply:
    asked, clock = read(ClockChange, ask.body), ask.dli.clock
    speed = asked.pace if asked.speed is None else asked.speed
    if speed is not None:
        clock.set_speed(speed)
    if asked.advance is not None:
        clock.advance(asked.advance)
    ask.dli.keep_clock()
    ask.dli.part(Jobs).catch_up()
    return _clock(ask)


def _reset(ask: Ask) -> Reply:
    ask.dli.reset()
    return Reply(200, {})


def _timeline(ask: Ask) -> Reply:
    events = ask.dli.timeline.events(since=ask.number("since"), subject=ask.query.get("subject"))
    return Reply(200, {"events": [asdict(event) for event in events]})


def _jobs(ask: Ask) -> Reply:
    jobs = ask.dli.part(Jobs)
    jobs.catch_up()
    seconds = getattr(ask.dli.runtime, "state_seconds", lambda _: None)
    rows = []
    for project_id in [ask.query["project_id"]] if "project_id" in ask.query else jobs.projects():
        for job in jobs.of(project_id).values():
            rows.append({**asdict(job), "name": job.name, "state_seconds": seconds(job.job_id)})
    return Reply(200, {"jobs": rows})


def _act(ask: Ask) -> Reply:
    action = ask.body.get("action")
    if not isinstance(action, str) or action not in ACTS:
        raise ValueError(f"no such action: {action}; known are {', '.join(ACTS)}")
    return Reply(200, ACTS[action](ask.dli, {name: value for name, value in ask.body.items() if name != "action"}))


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
