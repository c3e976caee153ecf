"""The fields of a Flink job: bodies of create and update, their limits and defaults (dli-api 6.1, 6.3, 6.4)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body
from pulumi_dli.emulator.core.quirks import Quirks
from pulumi_dli.emulator.tags.records import Tag

JAR, SQL, OPEN_SQL = "flink_jar_job", "flink_sql_job", "flink_opensource_sql_job"
LIVE_FIELDS = frozenset(
    {"smn_topic", "restart_when_exception", "resume_checkpoint", "resume_max_num", "checkpoint_path", "obs_bucket"}
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,57}")
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
    tm_slot_num: int | None = Field(None, ge=1)
    checkpoint_enabled: bool | None = None
    checkpoint_interval: int | None = Field(None, ge=1, le=3600)
    log_enabled: bool | None = None
    obs_bucket: str | None = None
    smn_topic: str | None = None
    restart_when_exception: bool | None = None
    resume_checkpoint: bool | None = None
    resume_max_num: int | None = Field(None, ge=-1)
    checkpoint_path: str | None = None
    execution_agency_urn: str | None = None
    runtime_config: str | None = None
    tags: list[Tag] | None = None
    resource_config_version: Literal["v1", "v2"] | None = None
    resource_config: ResourceConfig | None = None
    feature: Literal["basic", "custom"] | None = None
    flink_version: str | None = None
    image: str | None = None
    flink_log_config: str | None = None
    job_type: str | None = None


class JarFields(CommonFields):
    """Body of 6.1 and 6.3."""

    checkpoint_mode: Literal[1, 2] | None = None
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
    edge_group_ids: list[int] | None = None
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
    "feature": "basic",
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
    whole = {**DEFAULTS, **fields}
    if job_type != JAR:
        whole = {"run_mode": "shared_cluster", "idle_state_retention": 3600, "dirty_data_strategy": "0", **whole}
    return whole


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


def check(definition: Mapping[str, Any], *, quirks: Quirks, authorised: bool) -> None:
    """The rules that join fields; DLI.0001, DLI.11016 or DLI.11032."""
    if not _NAME.fullmatch(definition.get("name") or ""):
        raise bad_parameter("Invalid parameter name: 1 to 57 letters, digits, - and _ are allowed.")
    if definition["resource_config_version"] == "v1":
        workers = definition["cu_number"] - definition["manager_cu_number"]
        if workers <= 0:
            raise bad_parameter("Invalid parameter manager_cu_number: it must be less than cu_number.")
        if definition["parallel_number"] > 4 * workers:
            raise bad_parameter("Invalid parameter parallel_number: at most 4 times (cu_number - manager_cu_number).")
    if (definition["log_enabled"] or definition["checkpoint_enabled"]) and not definition.get("obs_bucket"):
        raise bad_parameter("Invalid parameter obs_bucket: it is needed with log_enabled or checkpoint_enabled.")
    if definition["resume_max_num"] == 0:
        raise bad_parameter("Invalid parameter resume_max_num: -1 or more than 0 is needed.")
    if definition.get("image") and definition["feature"] != "custom":
        raise bad_parameter("Invalid parameter image: it is only for the feature custom.")
    _check_json(definition.get("flink_log_config"))
    if definition.get("obs_bucket") and quirks.check_buckets and not authorised:
        raise Refusal(400, "DLI.11016", "The OBS bucket is not authorized.")
    topic = definition.get("smn_topic")
    if topic and quirks.check_topics and topic not in quirks.topics:
        raise Refusal(400, "DLI.11032", f"The SMN topic {topic} does not exist.")


def _check_json(text: str | None) -> None:
    if not text:
        return
    try:
        json.loads(text)
    except ValueError as error:
        raise bad_parameter("Invalid parameter flink_log_config: not JSON.") from error
