"""What Flink jobs offer: their calls, what a person at the console does to one, their tags (dli-api 6)."""

from __future__ import annotations

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.service import Operation, Service, TaggedType
from pulumi_dli.emulator.jobs import acts, calls, graph_calls
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.tags.records import JOB

_ROOT = "/v1.0/{project_id}/streaming"
_JOB = _ROOT + "/jobs/{job_id}"
_GRAPH = "/v3/{project_id}/streaming/jobs/{job_id}/gen-graph"
_V3 = "v3_unpublished"
_UNPUBLISHED = "savepoint_api_unpublished"


def _find(core: Core, project_id: str, given: str) -> str | None:
    return given if core.part(Jobs).find(project_id, given) else None


def _name_of(core: Core, project_id: str, kept: str) -> str:
    job = core.part(Jobs).find(project_id, kept)
    return job.name if job else ""


SERVICE = Service(
    name="jobs",
    records=(Jobs,),
    operations=(
        Operation("jobs.create", "POST", _ROOT + "/flink-jobs", calls.create_jar),
        Operation("jobs.update", "PUT", _ROOT + "/flink-jobs/{job_id}", calls.update_jar),
        Operation("sql_jobs.create", "POST", _ROOT + "/sql-jobs", calls.create_sql),
        Operation("sql_jobs.update", "PUT", _ROOT + "/sql-jobs/{job_id}", calls.update_sql),
        Operation("sql_jobs.graph", "POST", _GRAPH, graph_calls.generate, _V3, reads=True),
        Operation("jobs.run", "POST", _ROOT + "/jobs/run", calls.run),
        Operation("jobs.stop", "POST", _ROOT + "/jobs/stop", calls.stop),
        Operation("jobs.delete_many", "POST", _ROOT + "/jobs/delete", calls.delete_many),
        Operation("jobs.list", "GET", _ROOT + "/jobs", calls.list_jobs),
        Operation("jobs.get", "GET", _JOB, calls.get),
        Operation("jobs.delete", "DELETE", _JOB, calls.delete),
        Operation("jobs.graph", "GET", _JOB + "/execute-graph", calls.graph),
        Operation("jobs.savepoint", "POST", _JOB + "/savepoint", calls.savepoint, _UNPUBLISHED),
        Operation("jobs.import_savepoint", "POST", _JOB + "/import-savepoint", calls.import_savepoint, _UNPUBLISHED),
    ),
    acts=acts.ACTS,
    tagged=TaggedType(JOB, _find, _name_of),
)
