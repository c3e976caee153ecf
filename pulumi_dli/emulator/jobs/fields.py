"""The fields of a Flink job: bodies of create and update, their limits and defaults (dli-api 6.1, 6.3, 6.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from pulumi_dli.emulator.core.messages import Body
from pulumi_dli.emulator.tags.records import Tag

JAR, SQL, OPEN_SQL = "flink_jar_job", "flink_sql_job", "flink_opensource_sql_job"
SHARED, EXCLUSIVE = "shared_cluster", "exclusive_cluster"
LIVE_FIELDS = frozenset(
    {"smn_topic", "restart_when_exception", "resume_checkpoint", "resume_max_num", "checkpoint_path", "obs_bucket"}
)
GRAPH_FIELDS = frozenset({"operator_config", "static_estimator_config"})
SQL_LIVE_FIELDS = LIVE_FIELDS - {"checkpoint_path"} | GRAPH_FIELDS  # the vendor's provider sends both in every update
_MODES = {1: "exactly_once", 2: "at_least_once", "1": "exactly_once", "2": "at_least_once"}


class ResourceSpec(Body):
    cpu: float | int = Field(1.0, ge=0.5)
    memory: str = Field("4G", pattern=r"^\d+(\.\d+)?\s*(G|GB|M|MB)?$")


class ResourceConfig(Body):
    max_slot: int | None = Field(None, ge=1)
    parallel_number: int | None = Field(None, ge=1)
    jobmanager_resource_spec: ResourceSpec | None = None
    taskmanager_resource_spec: ResourceSpec | None = None


class CommonFields(Body):
    """What jar and SQL jobs share; nothing is required here, as updates are partial."""

    name: str | None = None
    desc: str | None = Field(None, max_length=2048)
    queue_name: str | None = Field(None, max_length=128)
    cu_number: int | None = Field(None, ge=2, le=10_000)
    manager_cu_number: int | None = Field(None, ge=1)
    parallel_number: int | None = Field(None, ge=1, le=2000)
    tm_cus: int | None = Field(None, ge=1)
    tm_slot_num: int | None = Field(None, ge=0)  # 0 as if it were left out
    checkpoint_enabled: bool | None = None
    checkpoint_interval: int | None = Field(None, ge=0, le=999_999)  # 0 in the page's sample, with checkpoints off
    log_enabled: bool | None = None
    obs_bucket: str | None = None
    smn_topic: str | None = None
    restart_when_exception: bool | None = None
    resume_checkpoint: bool | None = None
    resume_max_num: int | None = Field(None, ge=-1)
    execution_agency_urn: str | None = None
    runtime_config: str | None = None
    tags: list[Tag] | None = None
    resource_config_version: Literal["v1", "v2"] | None = None
    resource_config: ResourceConfig | None = None
    flink_version: str | None = None
    flink_log_config: str | None = None
    job_type: str | None = None


class JarFields(CommonFields):
    """Body of 6.1 and 6.3."""

    checkpoint_mode: Literal[1, 2] | None = None
    checkpoint_path: str | None = None
    feature: Literal["basic", "custom"] | None = None
    image: str | None = None
    main_class: str | None = None
    entrypoint: str | None = None
    entrypoint_args: str | None = None
    dependency_jars: list[str] | None = None
    dependency_files: list[str] | None = None


class SqlFields(CommonFields):
    """Body of 6.4; one sample sends checkpoint_mode as text."""

    checkpoint_mode: Literal[1, 2, "1", "2", "exactly_once", "at_least_once"] | None = None
    sql_body: str | None = Field(None, max_length=1024 * 1024)
    template_id: int | None = None
    run_mode: Literal["shared_cluster", "exclusive_cluster", "edge_node"] | None = None
    idle_state_retention: int | None = None
    dirty_data_strategy: str | None = None
    udf_jar_url: str | None = None
    edge_group_ids: list[str] | None = None
    operator_config: str | None = None
    static_estimator_config: str | None = None


DEFAULTS: dict[str, Any] = {
    "desc": "",
    "queue_name": "",
    "cu_number": 2,
    "manager_cu_number": 1,
    "parallel_number": 1,
    "tm_cus": 1,
    "checkpoint_enabled": False,
    "checkpoint_mode": "exactly_once",
    "checkpoint_interval": 10,
    "log_enabled": False,
    "restart_when_exception": False,
    "resume_checkpoint": False,
    "resume_max_num": -1,
    "resource_config_version": "v1",
}
_KIND_DEFAULTS: dict[bool, dict[str, Any]] = {  # jar jobs, SQL jobs
    True: {"feature": "basic"},
    False: {
        "run_mode": SHARED,
        "sql_body": "",
        "idle_state_retention": 3600,
        "dirty_data_strategy": "0",
        "udf_jar_url": "",
        "operator_config": "",
        "static_estimator_config": "",
    },
}
_DEFAULT_SPEC = {"cpu": 1.0, "memory": "4G"}
_DEFAULT_RESOURCES = {
    "max_slot": 1,
    "parallel_number": 1,
    "jobmanager_resource_spec": _DEFAULT_SPEC,
    "taskmanager_resource_spec": _DEFAULT_SPEC,
}


def sent(fields: CommonFields) -> dict[str, Any]:
    """The fields of a body that say something: absent and null are alike (dli-api 1.2); never tags or job_type."""
    found = fields.model_dump(exclude_none=True, exclude={"tags", "job_type", "template_id"})
    if "checkpoint_mode" in found:
        found["checkpoint_mode"] = _MODES.get(found["checkpoint_mode"], found["checkpoint_mode"])
    return found


def with_defaults(fields: Mapping[str, Any], job_type: str) -> dict[str, Any]:
    """The whole definition of a new job."""
    return unbound({**DEFAULTS, **_KIND_DEFAULTS[job_type == JAR], **fields})


def unbound(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A queue that is sent with a shared cluster does not bind (dli-api 14.1)."""
    return {**definition, "queue_name": ""} if definition.get("run_mode") == SHARED else dict(definition)


def shown_resources(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The service returns a default `resource_config` even for v1 jobs (dli-api 6.9)."""
    own = definition.get("resource_config") or {}
    whole = {**_DEFAULT_RESOURCES, **own}
    for part in ("jobmanager_resource_spec", "taskmanager_resource_spec"):
        whole[part] = {**_DEFAULT_SPEC, **(own.get(part) or {})}
    return whole


def slots(definition: Mapping[str, Any]) -> int:
    """`tm_slot_num`, given or computed (dli-api 6.1)."""
    given = definition.get("tm_slot_num")
    if given:
        return int(given)
    workers = max(1, int(definition["cu_number"]) - int(definition["manager_cu_number"]))
    return max(1, math.ceil(int(definition["parallel_number"]) * int(definition["tm_cus"]) / workers))


def cus_of(definition: Mapping[str, Any]) -> int:
    """The CUs that a run takes from its queue: `cu_number`, or with v2 what the resources need (a CU is one core)."""
    if definition["resource_config_version"] == "v1":
        return int(definition["cu_number"])
    whole = shown_resources(definition)
    workers = math.ceil(whole["parallel_number"] / whole["max_slot"])
    cores: float = whole["jobmanager_resource_spec"]["cpu"] + workers * whole["taskmanager_resource_spec"]["cpu"]
    return math.ceil(cores)
