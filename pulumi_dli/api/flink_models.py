"""What the service reports about Flink jobs, as frozen records (dli-api 6.2, 6.5, 6.9).

`flink_jobs.py` reads them; lifecycles and functions get them. No calls here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from pulumi_dli.api.decoding import (
    Flag,
    Int,
    Number,
    OptionalTexts,
    Record,
    Text,
    Texts,
    Time,
    Whole,
    read_checkpoint_mode,
    read_runtime_config,
    read_text,
)
from pulumi_dli.api.not_found import Subject, is_gone, is_said_missing


@dataclass(frozen=True)
class ItemResult:
    """One job's own result in a batch.

    Attributes:
        code: "" when it succeeded or the service named none.
    """

    ok: bool
    code: str
    message: str

    @property
    def gone(self) -> bool:
        """Whether it failed because the job does not exist."""
        return not self.ok and is_gone(Subject.JOB, status=400, code=self.code, message=self.message)

    @property
    def said_missing(self) -> bool:
        """Whether it failed with a general code for a missing object: the job's details tell whether it is gone."""
        return not self.ok and (is_said_missing(400, self.code) or is_said_missing(404, self.code))


def _lenient_object(value: object) -> object:
    return value if isinstance(value, Mapping | Record) else None


class ResourceSpec(Record):
    """CPU and memory of a JobManager or TaskManager."""

    cpu: Number = None
    memory: Text = None


_Spec = Annotated[ResourceSpec | None, BeforeValidator(_lenient_object)]


class ResourceConfig(Record):
    """Resources of a `v2` job. The service reports a default one for `v1` jobs as well."""

    max_slot: Int = None
    parallel_number: Int = None
    jobmanager_resource_spec: _Spec = None
    taskmanager_resource_spec: _Spec = None


class JobConfig(Record):
    """The settings of a job; None where the service reports none.

    `checkpoint_mode` is a number as when it is sent; `runtime_config` is a map. Where its text cannot be read as one,
    `runtime_config` is None and `runtime_config_text` still holds what came.
    """

    checkpoint_enabled: Flag = None
    checkpoint_mode: Annotated[int | None, BeforeValidator(read_checkpoint_mode)] = None
    checkpoint_interval: Int = None
    checkpoint_path: Text = None
    log_enabled: Flag = None
    obs_bucket: Text = None
    smn_topic: Text = None
    restart_when_exception: Flag = None
    resume_checkpoint: Flag = None
    resume_max_num: Int = None
    cu_number: Int = None
    manager_cu_number: Int = None
    parallel_number: Int = None
    tm_cus: Int = None
    tm_slot_num: Int = None
    real_cu_number: Int = None
    executor_number: Int = None
    executor_cu_number: Int = None
    entrypoint: Text = None
    dependency_jars: OptionalTexts = None
    dependency_files: OptionalTexts = None
    execution_agency_urn: Text = None
    runtime_config: Annotated[dict[str, str] | None, BeforeValidator(read_runtime_config)] = None
    runtime_config_text: Text = None
    resource_config_version: Text = None
    resource_config: Annotated[ResourceConfig | None, BeforeValidator(_lenient_object)] = None
    feature: Text = None
    flink_version: Text = None
    image: Text = None
    flink_log_config: Text = None
    idle_state_retention: Int = None
    root_id: Int = None
    edge_group_ids: Texts = ()
    graph_editor_enabled: Flag = None
    graph_editor_data: Text = None
    config_url: Text = None
    udf_jar_url: Text = None
    dirty_data_strategy: Text = None
    operator_config: Text = None
    static_estimator_config: Text = None

    @model_validator(mode="before")
    @classmethod
    def _keep_runtime_text(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "runtime_config_text" in value:
            return value
        return {**value, "runtime_config_text": read_text(value.get("runtime_config"))}


_NO_CONFIG = JobConfig()  # one for all jobs of lists, where hundreds have none


class FlinkJob(Record):
    """A Flink job. In a list without details most of it is None, and `detailed` is False."""

    job_id: Whole
    name: Text = None
    desc: Text = None
    queue_name: Text = None
    main_class: Text = None
    entrypoint_args: Text = None
    job_type: Text = None
    status: Annotated[str, BeforeValidator(lambda value: read_text(value) or "")] = ""
    status_desc: Text = None
    create_time: Time = None
    start_time: Time = None
    update_time: Time = None
    duration: Int = None
    savepoint_path: Text = None
    has_savepoint: Flag = None
    restart_times: Int = None
    user_name: Text = Field(None, validation_alias=AliasChoices("user_name", "username"))
    user_id: Text = None
    project_id: Text = None
    run_mode: Text = None
    sql_body: Text = None
    config: JobConfig = Field(default_factory=lambda: _NO_CONFIG)
    detailed: bool = False

    @model_validator(mode="before")
    @classmethod
    def _nest(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        config = value.get("job_config")
        record: dict[str, Any] = {key: item for key, item in value.items() if key not in ("config", "detailed")}
        if isinstance(config, Mapping):
            return {**record, "config": config, "detailed": True}
        return record


@dataclass(frozen=True)
class JobPage:
    """One page of the list; `total_count` is a lower bound when the service did not tell."""

    total_count: int
    jobs: tuple[FlinkJob, ...]


class ExecutionGraph(Record):
    """Flink's view of a job. The keys are hyphenated and camelCase on the wire (dli-api 6.10)."""

    jid: Text = None
    name: Text = None
    is_stoppable: Flag = Field(None, validation_alias=AliasChoices("isStoppable", "is_stoppable"))
    state: Text = None
    start_time: Time = Field(None, validation_alias=AliasChoices("start-time", "start_time"))
    end_time: Time = Field(None, validation_alias=AliasChoices("end-time", "end_time"))
    duration: Int = None
