"""What a job's outputs say of it beside its inputs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from pulumi_dli.lifecycle.jobs.mapping import SENT, live_value
from pulumi_dli.lifecycle.jobs.plan import Phase, phase_of

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob

ONLY_IN_DETAILS = ("savepoint_path", "restart_times")
_FACTS = ("status", "has_savepoint", "create_time", "start_time", "update_time", "user_name")

_STATES = {
    Phase.LIVE: "running",
    Phase.MOVING: "running",
    Phase.DRAFT: "draft",
    Phase.STOPPED: "suspended",
    Phase.FINISHED: "finished",
    Phase.FAILED: "failed",
    Phase.UNSURE: "failed",
    Phase.ARREARS: "arrears",
}
_AGREE = {
    "running": {"running", "finished"},
    "suspended": {"suspended", "finished", "failed", "arrears", "draft"},
    "draft": {"draft", "suspended"},
}


def tells_all(row: FlinkJob) -> bool:
    """Whether a row of the list is as good as the details of the job before an upgrade.

    A row with details has the whole definition, but not the savepoint's path and the restarts for sure (dli-api 6.8).
    So it will do for a job that runs and has no savepoint, or when it names the path; the restarts are read again when
    such a job has come to rest.
    """
    knows_savepoint = row.savepoint_path is not None or row.has_savepoint is False
    return row.detailed and knows_savepoint and phase_of(row.status) is Phase.LIVE


def observed_state(job: FlinkJob) -> str:
    """The job's run state in the words of the `state` input and of drift."""
    return _STATES[phase_of(job.status)]


def agrees(declared: str, observed: str) -> bool:
    """Whether an observed run state is what was declared; a bounded job that finished is."""
    return observed == declared or observed in _AGREE.get(declared, set())


def computed_outputs(
    job: FlinkJob, *, detailed: bool, olds: Mapping[str, Any], redact: Callable[[str], str]
) -> dict[str, Any]:
    """The outputs that are observed. What a list row does not tell is kept from the last detailed look.

    Args:
        redact: for the service's own words, which may quote arguments and settings of the job.
    """
    found: dict[str, Any] = {"job_id": str(job.job_id), "status_desc": redact(job.status_desc or "")}
    for name in _FACTS:
        value = getattr(job, name, None)
        found[name] = olds.get(name) if value is None else value
    for name in ONLY_IN_DETAILS:
        found[name] = getattr(job, name, None) if detailed else olds.get(name)
    if found["restart_times"] is None:  # a row of the list does not tell, be it one with details
        found["restart_times"] = olds.get("restart_times") or 0
    return {name: value for name, value in found.items() if value is not None}


def everything(job: FlinkJob, fields: Collection[str] = SENT) -> dict[str, Any]:
    """All of these fields of a job that no program has declared (a `get` by id)."""
    return {field: value for field in fields if (value := live_value(job, field)) is not None}
