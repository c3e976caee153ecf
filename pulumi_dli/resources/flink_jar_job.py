"""`FlinkJarJob`: a running stream, and how its life is led."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_dli.provider import FlinkJarJobProvider
from pulumi_dli.resources.base import DliResource, PackageInput


class FlinkJarJob(DliResource, module="dli", name="FlinkJarJob"):
    """A Flink jar job: not a record, but a running stream with state (page dli_02_0230).

    By default it runs, and a change that it cannot take while it runs restarts it with a savepoint: stop with a
    savepoint, change, resume, and back to the old version when the new one does not come up. The preview says for each
    job what will happen to it. The README has the table of all cases.

    Outputs beside the inputs: `job_id`, `status`, `status_desc`, `savepoint_path`, `has_savepoint`, `savepoints` (the
    last ten: path, time, reason), `restart_times`, `create_time`, `start_time`, `update_time` (milliseconds),
    `user_name`, `unfinished` (why the last update stopped half-way), `endpoint`, `project_id`. The id is the job's
    number.
    """

    native_type = "dli:index:FlinkJarJob"
    facts = (
        "job_id",
        "status",
        "status_desc",
        "savepoint_path",
        "has_savepoint",
        "savepoints",
        "restart_times",
        "create_time",
        "start_time",
        "update_time",
        "user_name",
        "unfinished",
        "endpoint",
        "project_id",
    )

    if TYPE_CHECKING:
        name: pulumi.Output[str]
        queue_name: pulumi.Output[str | None]
        entrypoint: pulumi.Output[Any]
        job_id: pulumi.Output[str]
        status: pulumi.Output[str]
        status_desc: pulumi.Output[str]
        savepoint_path: pulumi.Output[str | None]
        has_savepoint: pulumi.Output[bool | None]
        savepoints: pulumi.Output[Sequence[Mapping[str, Any]]]
        restart_times: pulumi.Output[int | None]
        create_time: pulumi.Output[int]
        start_time: pulumi.Output[int | None]
        update_time: pulumi.Output[int | None]
        user_name: pulumi.Output[str | None]
        unfinished: pulumi.Output[str | None]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str] | None = None,
        desc: pulumi.Input[str] | None = None,
        queue_name: pulumi.Input[str] | None = None,
        entrypoint: pulumi.Input[PackageInput] | None = None,
        main_class: pulumi.Input[str] | None = None,
        entrypoint_args: pulumi.Input[str | Sequence[pulumi.Input[str]]] | None = None,
        dependency_jars: pulumi.Input[Sequence[pulumi.Input[PackageInput]]] | None = None,
        dependency_files: pulumi.Input[Sequence[pulumi.Input[PackageInput]]] | None = None,
        source_hash: pulumi.Input[str] | None = None,
        flink_version: pulumi.Input[str] | None = None,
        feature: pulumi.Input[str] | None = None,
        image: pulumi.Input[str] | None = None,
        execution_agency_urn: pulumi.Input[str] | None = None,
        runtime_config: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        flink_log_config: pulumi.Input[str] | None = None,
        cu_number: pulumi.Input[int] | None = None,
        manager_cu_number: pulumi.Input[int] | None = None,
        parallel_number: pulumi.Input[int] | None = None,
        tm_cus: pulumi.Input[int] | None = None,
        tm_slot_num: pulumi.Input[int] | None = None,
        resource_config_version: pulumi.Input[str] | None = None,
        resource_config: pulumi.Input[Mapping[str, Any]] | None = None,
        checkpoint_enabled: pulumi.Input[bool] | None = None,
        checkpoint_mode: pulumi.Input[int] | None = None,
        checkpoint_interval: pulumi.Input[int] | None = None,
        checkpoint_path: pulumi.Input[str] | None = None,
        obs_bucket: pulumi.Input[str] | None = None,
        log_enabled: pulumi.Input[bool] | None = None,
        smn_topic: pulumi.Input[str] | None = None,
        restart_when_exception: pulumi.Input[bool] | None = None,
        resume_checkpoint: pulumi.Input[bool] | None = None,
        resume_max_num: pulumi.Input[int] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        state: pulumi.Input[str] | None = None,
        upgrade_mode: pulumi.Input[str] | None = None,
        initial_savepoint_path: pulumi.Input[str] | None = None,
        allow_old_savepoint: pulumi.Input[bool] | None = None,
        savepoint_on_delete: pulumi.Input[bool] | None = None,
        rollback: pulumi.Input[bool] | None = None,
        stabilization_seconds: pulumi.Input[int] | None = None,
        repair: pulumi.Input[str] | None = None,
        restart_nonce: pulumi.Input[str] | None = None,
        savepoint_nonce: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a Flink jar job.

        Args:
            resource_name: Name of the resource in the program; the default of `name`.
            name: Name, unique in the project.
            desc: Free text.
            queue_name: The queue to run on: general and dedicated.
            entrypoint: The program: `group.package(…)`, `group/app.jar`, `app.jar` or `obs://bucket/app.jar`.
            main_class: Main class, fully qualified; the jar's manifest says it when not given.
            entrypoint_args: Arguments of the program, separated by blanks (a list is joined).
            dependency_jars: More jars of the program.
            dependency_files: Files that the program reads as `userData/<name>`.
            source_hash: Any text that changes with the bytes behind plain package names: a change restarts the
                job.
            flink_version: Such as `1.12`, `1.15`, `1.17`; the queue's default when not given.
            feature: `basic`, or `custom` for an own image.
            image: Own image `organisation/name:version`.
            execution_agency_urn: Name (not the URN) of the agency the job acts as; Flink 1.15 and later need
                one.
            runtime_config: Flink settings: a map of key to value.
            flink_log_config: Log levels as a JSON text (Huawei Cloud).
            cu_number: CUs in all, the JobManager's included (the service takes 2 when not given).
            manager_cu_number: CUs of the JobManager (1).
            parallel_number: Parallelism (1), at most 4 for each TaskManager CU.
            tm_cus: CUs of one TaskManager (1).
            tm_slot_num: Slots of one TaskManager (computed by the service).
            resource_config_version: `v1` sizes by CUs, `v2` (Flink 1.15 and later) by `resource_config`.
            resource_config: Cores, memory, slots and parallelism, with `v2`.
            checkpoint_enabled: Make checkpoints (false).
            checkpoint_mode: 1 `exactly_once` or 2 `at_least_once`.
            checkpoint_interval: Seconds between checkpoints (10).
            checkpoint_path: Where the program itself writes checkpoints, when `checkpoint_enabled` is off.
            obs_bucket: Bucket for checkpoints, savepoints and logs; DLI must be authorised for it.
            log_enabled: Write logs to `obs_bucket` (false).
            smn_topic: SMN topic that hears of failures.
            restart_when_exception: The service restarts the job after an exception (false).
            resume_checkpoint: Such a restart goes on from the last checkpoint (false).
            resume_max_num: Restarts per hour at most; -1 for no limit.
            tags: Tags: a map of key to value. A change never restarts.
            state: `running` (default), `suspended` (stopped with a savepoint) or `draft` (created, never run).
            upgrade_mode: What a restart does with the state: `savepoint` (default) makes one and resumes from
                it, `last-state` resumes from the newest checkpoint, `stateless` drops it.
            initial_savepoint_path: Savepoint (OBS folder) that a start takes when the job has no state of its
                own to go on from.
            allow_old_savepoint: Allow a start from a savepoint that is older than the job's last start (default
                false).
            savepoint_on_delete: Make a savepoint before the job is deleted (default true unless `stateless`).
            rollback: When the new version does not come up, run the old one from the savepoint (default true).
            stabilization_seconds: A changed job must run this long without a restart to count as up (default
                60).
            repair: Which drift of the run state `up` mends: `failed` (default) restarts what failed, `all` also
                what a person stopped, `none` only reports.
            restart_nonce: Any text; a change restarts the job by its upgrade mode.
            savepoint_nonce: Any text; a change makes a savepoint while the job runs.
            adopt: Take over an existing job of this name instead of failing (default false).
            opts: Pulumi's resource options; `custom_timeouts` bound the waits (default 30 minutes each).
        """
        inputs = {
            "name": resource_name if name is None else name,
            "desc": desc,
            "queue_name": queue_name,
            "entrypoint": entrypoint,
            "main_class": main_class,
            "entrypoint_args": entrypoint_args,
            "dependency_jars": dependency_jars,
            "dependency_files": dependency_files,
            "source_hash": source_hash,
            "flink_version": flink_version,
            "feature": feature,
            "image": image,
            "execution_agency_urn": execution_agency_urn,
            "runtime_config": runtime_config,
            "flink_log_config": flink_log_config,
            "cu_number": cu_number,
            "manager_cu_number": manager_cu_number,
            "parallel_number": parallel_number,
            "tm_cus": tm_cus,
            "tm_slot_num": tm_slot_num,
            "resource_config_version": resource_config_version,
            "resource_config": resource_config,
            "checkpoint_enabled": checkpoint_enabled,
            "checkpoint_mode": checkpoint_mode,
            "checkpoint_interval": checkpoint_interval,
            "checkpoint_path": checkpoint_path,
            "obs_bucket": obs_bucket,
            "log_enabled": log_enabled,
            "smn_topic": smn_topic,
            "restart_when_exception": restart_when_exception,
            "resume_checkpoint": resume_checkpoint,
            "resume_max_num": resume_max_num,
            "tags": tags,
            "state": state,
            "upgrade_mode": upgrade_mode,
            "initial_savepoint_path": initial_savepoint_path,
            "allow_old_savepoint": allow_old_savepoint,
            "savepoint_on_delete": savepoint_on_delete,
            "rollback": rollback,
            "stabilization_seconds": stabilization_seconds,
            "repair": repair,
            "restart_nonce": restart_nonce,
            "savepoint_nonce": savepoint_nonce,
            "adopt": adopt,
        }
        super().__init__(FlinkJarJobProvider(), resource_name, inputs, opts)
