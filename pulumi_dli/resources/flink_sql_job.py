"""`FlinkSqlJob`: written by `python -m pulumi_dli.specs.generate` from `specs/flink_sql_job.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

import pulumi

from pulumi_dli.provider import FlinkSqlJobProvider
from pulumi_dli.resources.base import PackageInput
from pulumi_dli.resources.with_sql import WithSql
from pulumi_dli.specs.forms import Folder, PackagePath, SqlFile
from pulumi_dli.specs.shapes import Flag, JsonText, Number, Record, Settings, Shape, TagMap, Text, Whole


class ResourceAmountArgs(TypedDict, total=False):
    """As a program gives it."""

    cpu: pulumi.Input[float]
    memory: pulumi.Input[str]


class ResourceAmount(TypedDict, total=False):
    """As an output holds it."""

    cpu: float
    memory: str


class ResourceConfigArgs(TypedDict, total=False):
    """As a program gives it."""

    max_slot: pulumi.Input[int]
    parallel_number: pulumi.Input[int]
    jobmanager_resource_spec: pulumi.Input[ResourceAmountArgs]
    taskmanager_resource_spec: pulumi.Input[ResourceAmountArgs]


class ResourceConfig(TypedDict, total=False):
    """As an output holds it."""

    max_slot: int
    parallel_number: int
    jobmanager_resource_spec: ResourceAmount
    taskmanager_resource_spec: ResourceAmount


class FlinkSqlJobArgs(TypedDict, total=False):
    """The inputs of a Flink SQL job by name, for tables of them: `FlinkSqlJob(name, **row)`."""

    name: pulumi.Input[str] | None
    desc: pulumi.Input[str] | None
    queue_name: pulumi.Input[str] | None
    flink_version: pulumi.Input[str] | None
    execution_agency_urn: pulumi.Input[str] | None
    runtime_config: pulumi.Input[str | Mapping[str, pulumi.Input[str | int | float | bool]]] | None
    flink_log_config: pulumi.Input[str | Mapping[str, Any]] | None
    cu_number: pulumi.Input[int] | None
    manager_cu_number: pulumi.Input[int] | None
    parallel_number: pulumi.Input[int] | None
    tm_cus: pulumi.Input[int] | None
    tm_slot_num: pulumi.Input[int] | None
    resource_config_version: pulumi.Input[Literal["v1", "v2"]] | None
    resource_config: pulumi.Input[ResourceConfigArgs] | None
    checkpoint_enabled: pulumi.Input[bool] | None
    checkpoint_mode: pulumi.Input[Literal[1, "exactly_once", 2, "at_least_once"]] | None
    checkpoint_interval: pulumi.Input[int] | None
    obs_bucket: pulumi.Input[str] | None
    log_enabled: pulumi.Input[bool] | None
    smn_topic: pulumi.Input[str] | None
    restart_when_exception: pulumi.Input[bool] | None
    resume_checkpoint: pulumi.Input[bool] | None
    resume_max_num: pulumi.Input[int] | None
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None
    state: pulumi.Input[Literal["running", "suspended", "draft"]] | None
    upgrade_mode: pulumi.Input[Literal["savepoint", "stateless", "last-state"]] | None
    initial_savepoint_path: pulumi.Input[str] | None
    allow_old_savepoint: pulumi.Input[bool] | None
    savepoint_on_delete: pulumi.Input[bool] | None
    rollback: pulumi.Input[bool] | None
    stabilization_seconds: pulumi.Input[int] | None
    repair: pulumi.Input[Literal["failed", "all", "none"]] | None
    restart_nonce: pulumi.Input[str] | None
    savepoint_nonce: pulumi.Input[str] | None
    adopt: pulumi.Input[bool] | None
    sql_body: pulumi.Input[str] | None
    sql_file: pulumi.Input[str] | None
    template_id: pulumi.Input[int] | None
    job_type: pulumi.Input[Literal["flink_opensource_sql_job", "flink_sql_job"]] | None
    run_mode: pulumi.Input[Literal["exclusive_cluster", "shared_cluster"]] | None
    udf_jar_url: pulumi.Input[PackageInput] | None
    idle_state_retention: pulumi.Input[int] | None
    dirty_data_strategy: pulumi.Input[str] | None
    operator_config: pulumi.Input[str | Mapping[str, Any]] | None
    static_estimator_config: pulumi.Input[str | Mapping[str, Any]] | None
    allow_sql_change: pulumi.Input[bool] | None


class FlinkSqlJob(WithSql, module="dli", name="FlinkSqlJob"):
    """A Flink SQL job: a stream that is written as SQL (page dli_02_0228).

    It lives as a `FlinkJarJob` does: a change that it cannot take while it runs restarts it with a savepoint, and the
    old version runs again when the new one does not come up. No savepoint is known to fit another SQL text, so a
    change of it is refused before anything is stopped, until the program says what becomes of the state.
    docs/upgrades.md has the tables of all cases. The id is the job's number.

    Outputs beside the inputs:

    * `job_id`: The job's number, the id of the resource.
    * `status`: DLI's word, such as `job_running`.
    * `status_desc`: The service's words on the status.
    * `savepoint_path`: Where the newest savepoint is.
    * `has_savepoint`: Whether there is one.
    * `savepoints`: The last ten: path, time, reason.
    * `restart_times`: How often the service restarted the job.
    * `last_downtime_seconds`: How long the stream was down at its last restart.
    * `create_time`: In milliseconds since the epoch.
    * `start_time`: In milliseconds since the epoch.
    * `update_time`: In milliseconds since the epoch.
    * `user_name`: Who created the job.
    * `pending_reason`: Why the last update stopped half-way.
    * `pending_restore_path`: The savepoint from which the next update brings the job back.
    * `endpoint`: Where the service answered.
    * `project_id`: The project that holds it.
    """

    native_type = "dli:index:FlinkSqlJob"
    spec = "pulumi_dli.specs.flink_sql_job:FlinkSqlJobSpec"
    named = "name"
    required = ()
    computed_outputs = (
        "job_id",
        "status",
        "status_desc",
        "savepoint_path",
        "has_savepoint",
        "savepoints",
        "restart_times",
        "last_downtime_seconds",
        "create_time",
        "start_time",
        "update_time",
        "user_name",
        "pending_reason",
        "pending_restore_path",
        "endpoint",
        "project_id",
    )
    shapes: ClassVar[Mapping[str, Shape]] = {
        "name": Text(pattern="[\\w\\-]{1,57}", rule="has 1 to 57 letters, digits, - or _"),
        "desc": Text(most=512),
        "queue_name": Text(
            pattern="(?!_)(?![0-9]+$)(?!(?i:default)$)[A-Za-z0-9_]{1,128}",
            rule="1 to 128 letters, digits or _, does not begin with _, not all digits; default is shared and for SQL",
        ),
        "flink_version": Text(
            pattern="\\d{1,2}\\.\\d{1,2}(\\.\\d{1,3})?", rule="must be a version such as 1.12 or 1.15, as a text"
        ),
        "execution_agency_urn": Text(
            pattern="[A-Za-z0-9_][A-Za-z0-9_.\\- ]{0,62}[A-Za-z0-9_.\\-]|[A-Za-z0-9_]",
            rule="must be the name (not the URN) of an agency: 1 to 64 letters, digits or _ . -",
        ),
        "runtime_config": Settings(),
        "flink_log_config": JsonText(),
        "cu_number": Whole(least=2, most=10000),
        "manager_cu_number": Whole(least=1, most=10000),
        "parallel_number": Whole(least=1, most=2000),
        "tm_cus": Whole(least=1, most=10000),
        "tm_slot_num": Whole(least=1, most=10000),
        "resource_config_version": Text(choices=("v1", "v2")),
        "resource_config": Record(
            name="ResourceConfig",
            keys=(
                ("max_slot", Whole(least=1, most=10000)),
                ("parallel_number", Whole(least=1, most=10000)),
                (
                    "jobmanager_resource_spec",
                    Record(
                        name="ResourceAmount",
                        keys=(
                            ("cpu", Number(least=0.5, most=10000)),
                            (
                                "memory",
                                Text(
                                    pattern="[0-9]{1,9}(\\.[0-9]{1,3})? *(GB?|MB?|gb?|mb?)?",
                                    rule="reads 4G or 4096MB (GB when no unit is given)",
                                ),
                            ),
                        ),
                    ),
                ),
                (
                    "taskmanager_resource_spec",
                    Record(
                        name="ResourceAmount",
                        keys=(
                            ("cpu", Number(least=0.5, most=10000)),
                            (
                                "memory",
                                Text(
                                    pattern="[0-9]{1,9}(\\.[0-9]{1,3})? *(GB?|MB?|gb?|mb?)?",
                                    rule="reads 4G or 4096MB (GB when no unit is given)",
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        ),
        "checkpoint_enabled": Flag(),
        "checkpoint_mode": Whole(words=(("exactly_once", 1), ("at_least_once", 2)), least=1, most=2),
        "checkpoint_interval": Whole(least=1, most=999999),
        "obs_bucket": Text(
            pattern="(?![0-9]+(\\.[0-9]+){3}$)(?!.*(\\.\\.|\\.-|-\\.))[a-z0-9][a-z0-9.\\-]{1,61}[a-z0-9]",
            rule="must be the name of a bucket: 3 to 63 lower-case letters, digits, - or ., without obs:// and folders",
        ),
        "log_enabled": Flag(),
        "smn_topic": Text(
            pattern="[A-Za-z0-9][A-Za-z0-9_\\-]{0,254}", rule="must be the name of an SMN topic (not its URN)"
        ),
        "restart_when_exception": Flag(),
        "resume_checkpoint": Flag(),
        "resume_max_num": Whole(
            least=-1,
            without=(0,),
            most=2147483647,
            rule="must be -1 (no limit) or 1 to at most 2147483647, counted per hour",
        ),
        "tags": TagMap(own="pulumi_dli_owner", signs="="),
        "state": Text(choices=("running", "suspended", "draft")),
        "upgrade_mode": Text(choices=("savepoint", "stateless", "last-state")),
        "initial_savepoint_path": Folder(),
        "allow_old_savepoint": Flag(),
        "savepoint_on_delete": Flag(),
        "rollback": Flag(),
        "stabilization_seconds": Whole(least=0, most=3600),
        "repair": Text(choices=("failed", "all", "none")),
        "restart_nonce": Text(most=256),
        "savepoint_nonce": Text(most=256),
        "adopt": Flag(),
        "sql_body": Text(most=1048576),
        "sql_file": SqlFile(),
        "template_id": Whole(least=1, most=9223372036854775807),
        "job_type": Text(choices=("flink_opensource_sql_job", "flink_sql_job")),
        "run_mode": Text(choices=("exclusive_cluster", "shared_cluster")),
        "udf_jar_url": Record(
            name="PackageReference",
            keys=(
                ("path", PackagePath()),
                (
                    "digest",
                    Text(
                        pattern="[\\w+/=:.\\-]{1,128}", rule="must be a digest: a text of 1 to 128 letters and digits"
                    ),
                ),
            ),
            required=("path",),
            short="path",
            rule="must be a package: group.package(…), group/package.jar, package.jar or obs://bucket/key",
        ),
        "idle_state_retention": Whole(least=1, most=2147483647),
        "dirty_data_strategy": Text(
            pattern="[01]|2:(obs://)?[a-z0-9][a-z0-9.\\-]{1,61}[a-z0-9](/[^\\s/]+)*/?",
            rule="must be 0 (ignore), 1 (fail) or 2:bucket/folder (save there), as a text",
        ),
        "operator_config": JsonText(),
        "static_estimator_config": JsonText(),
        "allow_sql_change": Flag(),
    }

    if TYPE_CHECKING:
        job_id: pulumi.Output[str]
        status: pulumi.Output[str]
        status_desc: pulumi.Output[str]
        savepoint_path: pulumi.Output[str | None]
        has_savepoint: pulumi.Output[bool | None]
        savepoints: pulumi.Output[Sequence[Mapping[str, Any]]]
        restart_times: pulumi.Output[int | None]
        last_downtime_seconds: pulumi.Output[int | None]
        create_time: pulumi.Output[int]
        start_time: pulumi.Output[int | None]
        update_time: pulumi.Output[int | None]
        user_name: pulumi.Output[str | None]
        pending_reason: pulumi.Output[str | None]
        pending_restore_path: pulumi.Output[str | None]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]
        name: pulumi.Output[str]
        desc: pulumi.Output[str | None]
        queue_name: pulumi.Output[str | None]
        flink_version: pulumi.Output[str | None]
        execution_agency_urn: pulumi.Output[str | None]
        runtime_config: pulumi.Output[Mapping[str, str] | None]
        flink_log_config: pulumi.Output[str | None]
        cu_number: pulumi.Output[int | None]
        manager_cu_number: pulumi.Output[int | None]
        parallel_number: pulumi.Output[int | None]
        tm_cus: pulumi.Output[int | None]
        tm_slot_num: pulumi.Output[int | None]
        resource_config_version: pulumi.Output[Literal["v1", "v2"] | None]
        resource_config: pulumi.Output[ResourceConfig | None]
        checkpoint_enabled: pulumi.Output[bool | None]
        checkpoint_mode: pulumi.Output[Literal[1, 2] | None]
        checkpoint_interval: pulumi.Output[int | None]
        obs_bucket: pulumi.Output[str | None]
        log_enabled: pulumi.Output[bool | None]
        smn_topic: pulumi.Output[str | None]
        restart_when_exception: pulumi.Output[bool | None]
        resume_checkpoint: pulumi.Output[bool | None]
        resume_max_num: pulumi.Output[int | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        state: pulumi.Output[Literal["running", "suspended", "draft", "finished", "failed", "arrears"] | None]
        upgrade_mode: pulumi.Output[Literal["savepoint", "stateless", "last-state"] | None]
        initial_savepoint_path: pulumi.Output[str | None]
        allow_old_savepoint: pulumi.Output[bool | None]
        savepoint_on_delete: pulumi.Output[bool | None]
        rollback: pulumi.Output[bool | None]
        stabilization_seconds: pulumi.Output[int | None]
        repair: pulumi.Output[Literal["failed", "all", "none"] | None]
        restart_nonce: pulumi.Output[str | None]
        savepoint_nonce: pulumi.Output[str | None]
        adopt: pulumi.Output[bool | None]
        sql_body: pulumi.Output[str | None]
        sql_file: pulumi.Output[str | None]
        template_id: pulumi.Output[int | None]
        job_type: pulumi.Output[Literal["flink_opensource_sql_job", "flink_sql_job"] | None]
        run_mode: pulumi.Output[Literal["exclusive_cluster", "shared_cluster"] | None]
        udf_jar_url: pulumi.Output[PackageInput | None]
        idle_state_retention: pulumi.Output[int | None]
        dirty_data_strategy: pulumi.Output[str | None]
        operator_config: pulumi.Output[str | None]
        static_estimator_config: pulumi.Output[str | None]
        allow_sql_change: pulumi.Output[bool | None]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str] | None = None,
        desc: pulumi.Input[str] | None = None,
        queue_name: pulumi.Input[str] | None = None,
        flink_version: pulumi.Input[str] | None = None,
        execution_agency_urn: pulumi.Input[str] | None = None,
        runtime_config: pulumi.Input[str | Mapping[str, pulumi.Input[str | int | float | bool]]] | None = None,
        flink_log_config: pulumi.Input[str | Mapping[str, Any]] | None = None,
        cu_number: pulumi.Input[int] | None = None,
        manager_cu_number: pulumi.Input[int] | None = None,
        parallel_number: pulumi.Input[int] | None = None,
        tm_cus: pulumi.Input[int] | None = None,
        tm_slot_num: pulumi.Input[int] | None = None,
        resource_config_version: pulumi.Input[Literal["v1", "v2"]] | None = None,
        resource_config: pulumi.Input[ResourceConfigArgs] | None = None,
        checkpoint_enabled: pulumi.Input[bool] | None = None,
        checkpoint_mode: pulumi.Input[Literal[1, "exactly_once", 2, "at_least_once"]] | None = None,
        checkpoint_interval: pulumi.Input[int] | None = None,
        obs_bucket: pulumi.Input[str] | None = None,
        log_enabled: pulumi.Input[bool] | None = None,
        smn_topic: pulumi.Input[str] | None = None,
        restart_when_exception: pulumi.Input[bool] | None = None,
        resume_checkpoint: pulumi.Input[bool] | None = None,
        resume_max_num: pulumi.Input[int] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        state: pulumi.Input[Literal["running", "suspended", "draft"]] | None = None,
        upgrade_mode: pulumi.Input[Literal["savepoint", "stateless", "last-state"]] | None = None,
        initial_savepoint_path: pulumi.Input[str] | None = None,
        allow_old_savepoint: pulumi.Input[bool] | None = None,
        savepoint_on_delete: pulumi.Input[bool] | None = None,
        rollback: pulumi.Input[bool] | None = None,
        stabilization_seconds: pulumi.Input[int] | None = None,
        repair: pulumi.Input[Literal["failed", "all", "none"]] | None = None,
        restart_nonce: pulumi.Input[str] | None = None,
        savepoint_nonce: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        sql_body: pulumi.Input[str] | None = None,
        sql_file: pulumi.Input[str] | None = None,
        template_id: pulumi.Input[int] | None = None,
        job_type: pulumi.Input[Literal["flink_opensource_sql_job", "flink_sql_job"]] | None = None,
        run_mode: pulumi.Input[Literal["exclusive_cluster", "shared_cluster"]] | None = None,
        udf_jar_url: pulumi.Input[PackageInput] | None = None,
        idle_state_retention: pulumi.Input[int] | None = None,
        dirty_data_strategy: pulumi.Input[str] | None = None,
        operator_config: pulumi.Input[str | Mapping[str, Any]] | None = None,
        static_estimator_config: pulumi.Input[str | Mapping[str, Any]] | None = None,
        allow_sql_change: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a Flink SQL job.

        Args:
            resource_name: Name of the resource in the program; the default of `name`.
            name: Name, unique in the project.
            desc: Free text, at most 512 characters.
            queue_name: The queue to run on: general and dedicated.
            flink_version: Such as `1.12`, `1.15`, `1.17`; the queue's default when not given.
            execution_agency_urn: Name (not the URN) of the agency it acts as; without one, Flink 1.15 and later
                keep no state.
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
            checkpoint_interval: Seconds between checkpoints (10; on Huawei Cloud at most 3600).
            obs_bucket: Bucket for checkpoints, savepoints and logs; DLI must be authorised for it.
            log_enabled: Write logs to `obs_bucket` (false).
            smn_topic: SMN topic that hears of failures.
            restart_when_exception: The service restarts the job after an exception (false).
            resume_checkpoint: Such a restart goes on from the last checkpoint (false).
            resume_max_num: Restarts per hour at most; -1 for no limit.
            tags: Tags: a map of key to value. A change never restarts.
            state: `running` (default), `suspended` (stopped with a savepoint) or `draft` (created, never run).
            upgrade_mode: What a restart does with the state: `savepoint` (default) makes one and resumes from it,
                `last-state` resumes from the newest checkpoint, `stateless` drops it.
            initial_savepoint_path: Savepoint (OBS folder) that a start takes when the job has no state of its own
                to go on from.
            allow_old_savepoint: Allow a start from a savepoint that is older than the job's last start (default
                false).
            savepoint_on_delete: Make a savepoint before the job is deleted (default true unless `stateless`).
            rollback: When the new version does not come up, run the old one from the savepoint (default true).
            stabilization_seconds: A changed job must run this long without a restart to count as up (default 60).
            repair: Which drift of the run state `up` mends: `failed` (default) restarts what failed, `all` also
                what a person stopped, `none` only reports.
            restart_nonce: Any text; a change restarts the job by its upgrade mode.
            savepoint_nonce: Any text; a change makes a savepoint while the job runs.
            adopt: Take over an existing job of this name instead of failing (default false).
            sql_body: The SQL text: source, query and sink, at most 1,048,576 characters.
            sql_file: A local file with the SQL text (UTF-8), which the program reads instead of `sql_body`.
            template_id: Number of the template that a create takes the text from; it is read no more later.
            job_type: `flink_opensource_sql_job` (default), or `flink_sql_job` for DLI's own older SQL.
            run_mode: `exclusive_cluster` (default) runs on the job's queue; `shared_cluster` binds none.
            udf_jar_url: Jar of the SQL's own functions: `uploaded.package`, `obs://bucket/udf.jar`, `g/udf.jar`.
            idle_state_retention: Seconds for which the state of an idle key is kept (3600).
            dirty_data_strategy: Records that cannot be read: `0` ignore (default), `1` fail, `2:bucket/folder`
                save.
            operator_config: Parallelism by operator of the static stream graph, as a map or JSON (Flink 1.10,
                1.12).
            static_estimator_config: Rates by operator, from which DLI estimates resources, as a map or JSON (Flink
                1.10, 1.12).
            allow_sql_change: Allow a start from a savepoint although `sql_body` or `operator_config` changed
                (default false).
            opts: Pulumi's resource options; `custom_timeouts` bound the waits (default 30 minutes each).
        """
        inputs = {
            "name": name,
            "desc": desc,
            "queue_name": queue_name,
            "flink_version": flink_version,
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
            "sql_body": sql_body,
            "sql_file": sql_file,
            "template_id": template_id,
            "job_type": job_type,
            "run_mode": run_mode,
            "udf_jar_url": udf_jar_url,
            "idle_state_retention": idle_state_retention,
            "dirty_data_strategy": dirty_data_strategy,
            "operator_config": operator_config,
            "static_estimator_config": static_estimator_config,
            "allow_sql_change": allow_sql_change,
        }
        super().__init__(FlinkSqlJobProvider(), resource_name, inputs, opts)
