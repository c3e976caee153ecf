"""The handler of the static stream graph of an SQL job (dli-api 14.4). The graph itself is in `stream_graph.py`."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.jobs import sql
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.jobs.stream_graph import stream_graph
from pulumi_dli.emulator.jobs.versions import AGENCY, version_of

GRAPH_ERROR = "JK.1001"


class GraphAsked(Body):
    sql_body: str = Field(max_length=1024 * 1024)
    job_type: Literal["flink_opensource_sql_job"] | None = None
    graph_type: Literal["simple_graph", "job_graph"] | None = None
    flink_version: str | None = None
    cu_number: int | None = None
    manager_cu_number: int | None = None
    parallel_number: int | None = Field(None, ge=1)
    tm_cus: int | None = None
    tm_slot_num: int | None = None
    operator_config: str = ""
    static_estimator: bool = False
    static_estimator_config: str = ""


def generate(call: Call) -> Reply:
    """Bare booleans here; what cannot be drawn is a 200 with `is_success` false."""
    job = call.core.part(Jobs).find(call.project_id, call.params["job_id"])
    if job is None:
        raise Refusal(400, "DLI.16001", f"The job id {call.params['job_id']} does not exist.")
    asked, strict = call.read(GraphAsked), call.core.quirks.forbids("sql_graph")
    version = version_of({"flink_version": asked.flink_version or job.definition.get("flink_version")})
    if strict and version is not None and version >= AGENCY:
        raise Refusal(400, "DLI.0007", "Static stream graphs are for Flink 1.10 and 1.12 only.")
    if asked.static_estimator and not asked.static_estimator_config:
        raise bad_parameter("Invalid parameter static_estimator_config: it is needed with static_estimator.")
    _operators("static_estimator_config", asked.static_estimator_config)
    own = _operators("operator_config", asked.operator_config)
    problem = sql.problem_of(asked.sql_body)
    if problem is not None:
        return _failed(problem.text)
    if strict and sql.has_functions(asked.sql_body):
        return _failed("SQL with functions of its own has no static stream graph.")
    parallelism = asked.parallel_number or job.definition["parallel_number"]
    graph = stream_graph(
        asked.sql_body,
        name=job.name,
        parallelism=parallelism,
        parallelism_of={row["id"]: row["parallelism"] for row in own if isinstance(row.get("parallelism"), int)},
    )
    return Reply(200, {"is_success": True, "message": "", "error_code": "", "stream_graph": graph})


def _failed(message: str) -> Reply:
    return Reply(200, {"is_success": False, "message": message, "error_code": GRAPH_ERROR, "stream_graph": ""})


def _operators(name: str, text: str) -> list[dict[str, Any]]:
    """The `operator_list` of such a JSON text; none of an empty one."""
    try:
        listed = json.loads(text)["operator_list"] if text else []
        if all(isinstance(row["id"], str) for row in listed):
            return list(listed)
    except (ValueError, KeyError, TypeError):
        pass
    raise bad_parameter(f"Invalid parameter {name}: JSON with operator_list, each with an id, is needed.")
