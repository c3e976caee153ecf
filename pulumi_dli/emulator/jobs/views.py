"""How a job is shown: the list row, the details, and which field stands where (dli-api 6.8, 6.9)."""

from __future__ import annotations

from typing import Any

from pulumi_dli.emulator.core.clock import ms
from pulumi_dli.emulator.core.quirks import Quirks
from pulumi_dli.emulator.jobs.fields import shown_resources, slots
from pulumi_dli.emulator.jobs.records import Job
from pulumi_dli.emulator.runtime.protocol import checkpoint_folder

_CONFIG_TEXTS = (
    "obs_bucket",
    "smn_topic",
    "entrypoint",
    "dependency_jars",
    "dependency_files",
    "execution_agency_urn",
    "runtime_config",
    "checkpoint_path",
    "flink_version",
    "image",
    "flink_log_config",
    "udf_jar_url",
    "dirty_data_strategy",
    "edge_group_ids",
    "operator_config",
    "static_estimator_config",
)
_CONFIG_VALUES = (
    "checkpoint_enabled",
    "checkpoint_mode",
    "checkpoint_interval",
    "log_enabled",
    "manager_cu_number",
    "cu_number",
    "parallel_number",
    "tm_cus",
    "restart_when_exception",
    "resume_checkpoint",
    "resume_max_num",
    "resource_config_version",
    "feature",
)


def brief_row(job: Job, now: float, quirks: Quirks) -> dict[str, Any]:
    """A row of the list with `show_detail=false`."""
    return {
        **_both(job, quirks),
        "user_name": job.user_name,
        "start_time": ms(job.started) or 0,
        "duration": _duration(job, now),
        "root_id": -1,
        "graph_editor_enabled": False,
    }


def detailed_row(job: Job, quirks: Quirks) -> dict[str, Any]:
    """A row of the list with `show_detail=true`, and the base of the details."""
    unstarted = 0 if quirks.start_time_zero else None
    return {
        **_both(job, quirks),
        "user_id": job.user_id,
        "project_id": job.project_id,
        "sql_body": job.definition.get("sql_body", ""),
        "run_mode": job.definition.get("run_mode", "exclusive_cluster"),
        "main_class": job.definition.get("main_class"),
        "entrypoint_args": job.definition.get("entrypoint_args"),
        "execution_graph": None,
        "update_time": ms(job.updated),
        "start_time": None if quirks.null_details else (ms(job.started) or unstarted),
        "job_config": config_of(job, quirks),
    }


def details(job: Job, now: float, quirks: Quirks) -> dict[str, Any]:
    return {
        **detailed_row(job, quirks),
        "user_name": job.user_name,
        "savepoint_path": job.savepoint_path,
        "restart_times": job.restart_times,
        "duration": _duration(job, now),
    }


def config_of(job: Job, quirks: Quirks) -> dict[str, Any]:
    """`job_config`: all that is not at the top level; never tags."""
    definition = job.definition
    config: dict[str, Any] = {name: definition.get(name) for name in (*_CONFIG_VALUES, *_CONFIG_TEXTS)}
    config |= {
        "tm_slot_num": 0 if definition.get("tm_slot_num") == 0 else slots(definition),
        "resource_config": shown_resources(definition),
        "real_cu_number": 0,
        "root_id": -1,
        "graph_editor_enabled": False,
        "graph_editor_data": "",
        "executor_number": None,
        "executor_cu_number": None,
        "idle_state_retention": definition.get("idle_state_retention", 3600),
        "config_url": None,
    }
    if definition.get("checkpoint_enabled"):
        config["checkpoint_path"] = checkpoint_folder(job.job_id, definition)
    return dict.fromkeys(config) if quirks.null_details else config


def _both(job: Job, quirks: Quirks) -> dict[str, Any]:
    queue = job.definition["queue_name"]
    return {
        "job_id": job.job_id,
        "name": job.name,
        "desc": job.definition["desc"],
        "job_type": job.job_type,
        "status": job.status,
        "status_desc": job.status_desc,
        "create_time": ms(job.created),
        "queue_name": queue.lower() if quirks.queue_casing == "lower" else queue,
        "has_savepoint": job.savepoint_path is not None,
    }


def _duration(job: Job, now: float) -> int:
    """Milliseconds since the last start, or of the last run."""
    if job.started is None:
        return 0
    return max(0, int(((now if job.ended is None else job.ended) - job.started) * 1000))
