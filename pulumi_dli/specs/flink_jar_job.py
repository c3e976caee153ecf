"""The fields of a Flink jar job (contract 6.1, dli_02_0230) and of how its life is to be led.

The effect of each field stands beside it; what the service takes while the job runs is IN_PLACE (contract 6.3).
"""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from pulumi_dli.specs.fields import LOCAL, Effect, Part, Rule, Spec
from pulumi_dli.specs.values import Package, Tags, TextMap, lowered, matching, one_of

OBSERVED_STATES = ("finished", "failed", "arrears")
"""What a refresh may find a job to be; no program may wish for it."""


class ResourceAmount(Part):
    """CPU cores and memory of one JobManager or TaskManager."""

    cpu: Annotated[float | None, Field(ge=0.5)] = None
    memory: Annotated[
        str | None,
        matching(r"^[0-9]+(\.[0-9]+)?\s*(GB?|MB?|gb?|mb?)?$", "reads 4G or 4096MB (GB when no unit is given)"),
    ] = None


class ResourceConfig(Part):
    """Resources in the form of `resource_config_version` v2."""

    max_slot: Annotated[int | None, Field(ge=1)] = None
    parallel_number: Annotated[int | None, Field(ge=1)] = None
    jobmanager_resource_spec: ResourceAmount | None = None
    taskmanager_resource_spec: ResourceAmount | None = None


def _resume_max_num(value: int) -> int:
    if value == 0 or value < -1:
        raise ValueError("must be -1 (no limit) or more than 0, counted per hour")
    return value


def _checkpoint_mode(value: Any) -> Any:
    """Sent as a number, read back as a word (contract 10, row 17)."""
    return {"exactly_once": 1, "at_least_once": 2}.get(value, value) if isinstance(value, str) else value


def _arguments(value: Any) -> Any:
    """The service takes one text; people think of a list of words."""
    return " ".join(str(item) for item in value) if isinstance(value, list | tuple) else value


def _json_text(value: Any) -> Any:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _managers_leave_cus(spec: Any) -> str | None:
    total, manager = spec.cu_number or 2, spec.manager_cu_number or 1
    if (spec.cu_number or spec.manager_cu_number) and manager >= total:
        return f"the JobManager's {manager} of {total} CUs leave none for TaskManagers: raise cu_number"
    return None


def _parallelism_fits(spec: Any) -> str | None:
    if spec.parallel_number is None or spec.resource_config_version == "v2":
        return None
    workers = (spec.cu_number or 2) - (spec.manager_cu_number or 1)
    if workers > 0 and spec.parallel_number > 4 * workers:
        return f"{spec.parallel_number} is more than 4 for each of the {workers} CUs that TaskManagers have"
    return None


def _workers_fit(spec: Any) -> str | None:
    workers = (spec.cu_number or 2) - (spec.manager_cu_number or 1)
    if spec.tm_cus is not None and 0 < workers < spec.tm_cus:
        return f"a TaskManager of {spec.tm_cus} CUs does not fit into the {workers} that are left for TaskManagers"
    return None


def _logs_need_a_bucket(spec: Any) -> str | None:
    return "needs obs_bucket: logs are written there" if spec.log_enabled and not spec.obs_bucket else None


def _checkpoints_need_a_bucket(spec: Any) -> str | None:
    return (
        "needs obs_bucket: checkpoints are written there" if spec.checkpoint_enabled and not spec.obs_bucket else None
    )


def _jar_to_run(spec: Any) -> str | None:
    if spec.state == "draft" or spec.entrypoint:
        return None
    return 'is required to run the job: give the package of the program, or state="draft"'


def _queue_to_run(spec: Any) -> str | None:
    if spec.state == "draft" or spec.queue_name:
        return None
    return 'is required to run the job (DLI.13024): name a dedicated general queue, or state="draft"'


def _own_image(spec: Any) -> str | None:
    if spec.image and spec.feature != "custom":
        return 'needs feature="custom"'
    return None


def _image_given(spec: Any) -> str | None:
    return "custom needs an image (organisation/name:version)" if spec.feature == "custom" and not spec.image else None


def _checkpoint_path_is_chosen(spec: Any) -> str | None:
    if spec.checkpoint_path and spec.checkpoint_enabled:
        return "cannot be chosen with checkpoint_enabled: the service writes to jobs/checkpoint of obs_bucket"
    if spec.resume_checkpoint and not spec.checkpoint_enabled and not spec.checkpoint_path:
        return "is needed by resume_checkpoint when checkpoint_enabled is off"
    return None


def _sizes_by_version(spec: Any) -> str | None:
    old = [
        name for name in ("cu_number", "manager_cu_number", "tm_cus", "tm_slot_num") if getattr(spec, name) is not None
    ]
    if spec.resource_config_version == "v2" and old:
        return f"v2 takes resource_config instead of {', '.join(old)}"
    if spec.resource_config and spec.resource_config_version != "v2":
        return 'resource_config takes effect with resource_config_version="v2" only'
    return None


def is_new_flink(version: str | None) -> bool:
    """Flink 1.15 and later: packages straight from OBS, and an agency of one's own (contract 6.11)."""
    parts = (version or "").split(".")
    return len(parts) > 1 and all(part.isdigit() for part in parts[:2]) and (int(parts[0]), int(parts[1])) >= (1, 15)


class FlinkJarJobSpec(Spec):
    """A Flink jar job as the program wants it."""

    required: ClassVar[tuple[str, ...]] = ("name",)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(("manager_cu_number", "cu_number"), _managers_leave_cus),
        Rule(("parallel_number", "cu_number", "manager_cu_number", "resource_config_version"), _parallelism_fits),
        Rule(("tm_cus", "cu_number", "manager_cu_number"), _workers_fit),
        Rule(("log_enabled", "obs_bucket"), _logs_need_a_bucket),
        Rule(("checkpoint_enabled", "obs_bucket"), _checkpoints_need_a_bucket),
        Rule(("entrypoint", "state"), _jar_to_run),
        Rule(("queue_name", "state"), _queue_to_run),
        Rule(("image", "feature"), _own_image),
        Rule(("feature", "image"), _image_given),
        Rule(("checkpoint_path", "checkpoint_enabled", "resume_checkpoint"), _checkpoint_path_is_chosen),
        Rule(
            ("resource_config_version", "resource_config", "cu_number", "manager_cu_number", "tm_cus", "tm_slot_num"),
            _sizes_by_version,
        ),
    )

    # What runs.
    name: Annotated[
        str | None, Effect.NEXT_RESTART, matching(r"^[\w\-]{1,57}$", "has 1 to 57 letters, digits, - or _")
    ] = Field(None, description="Name, unique in the project.")
    desc: Annotated[str | None, Effect.NEXT_RESTART, Field(max_length=2048)] = Field(None, description="Free text.")
    queue_name: Annotated[str | None, Effect.RESTART, Field(max_length=128), AfterValidator(lowered)] = Field(
        None, description="The queue to run on: general and dedicated."
    )
    entrypoint: Annotated[Package | None, Effect.RESTART] = Field(
        None, description="The program: `group.package(…)`, `group/app.jar`, `app.jar` or `obs://bucket/app.jar`."
    )
    main_class: Annotated[str | None, Effect.RESTART] = Field(
        None, description="Main class, fully qualified; the jar's manifest says it when not given."
    )
    entrypoint_args: Annotated[str | None, Effect.RESTART, BeforeValidator(_arguments)] = Field(
        None, description="Arguments of the program, separated by blanks (a list is joined)."
    )
    dependency_jars: Annotated[tuple[Package, ...] | None, Effect.RESTART] = Field(
        None, description="More jars of the program."
    )
    dependency_files: Annotated[tuple[Package, ...] | None, Effect.RESTART] = Field(
        None, description="Files that the program reads as `userData/<name>`."
    )
    source_hash: Annotated[str | None, Effect.RESTART, LOCAL] = Field(
        None, description="Any text that changes with the bytes behind plain package names: a change restarts the job."
    )
    flink_version: Annotated[str | None, Effect.RESTART] = Field(
        None, description="Such as `1.12`, `1.15`, `1.17`; the queue's default when not given."
    )
    feature: Annotated[str | None, Effect.RESTART, one_of("basic", "custom")] = Field(
        None, description="`basic`, or `custom` for an own image."
    )
    image: Annotated[str | None, Effect.RESTART] = Field(None, description="Own image `organisation/name:version`.")
    execution_agency_urn: Annotated[str | None, Effect.RESTART] = Field(
        None, description="Name (not the URN) of the agency the job acts as; Flink 1.15 and later need one."
    )
    runtime_config: Annotated[TextMap | None, Effect.RESTART] = Field(
        None, description="Flink settings: a map of key to value."
    )
    flink_log_config: Annotated[str | None, Effect.RESTART, BeforeValidator(_json_text)] = Field(
        None, description="Log levels as a JSON text (Huawei Cloud)."
    )

    # How large it runs.
    cu_number: Annotated[int | None, Effect.RESTART, Field(ge=2)] = Field(
        None, description="CUs in all, the JobManager's included (the service takes 2 when not given)."
    )
    manager_cu_number: Annotated[int | None, Effect.RESTART, Field(ge=1)] = Field(
        None, description="CUs of the JobManager (1)."
    )
    parallel_number: Annotated[int | None, Effect.RESTART, Field(ge=1, le=2000)] = Field(
        None, description="Parallelism (1), at most 4 for each TaskManager CU."
    )
    tm_cus: Annotated[int | None, Effect.RESTART, Field(ge=1)] = Field(None, description="CUs of one TaskManager (1).")
    tm_slot_num: Annotated[int | None, Effect.RESTART, Field(ge=1)] = Field(
        None, description="Slots of one TaskManager (computed by the service)."
    )
    resource_config_version: Annotated[str | None, Effect.RESTART, one_of("v1", "v2")] = Field(
        None, description="`v1` sizes by CUs, `v2` (Flink 1.15 and later) by `resource_config`."
    )
    resource_config: Annotated[ResourceConfig | None, Effect.RESTART] = Field(
        None, description="Cores, memory, slots and parallelism, with `v2`."
    )

    # What it keeps and tells.
    checkpoint_enabled: Annotated[bool | None, Effect.RESTART] = Field(None, description="Make checkpoints (false).")
    checkpoint_mode: Annotated[int | None, Effect.RESTART, BeforeValidator(_checkpoint_mode), Field(ge=1, le=2)] = (
        Field(None, description="1 `exactly_once` or 2 `at_least_once`.")
    )
    checkpoint_interval: Annotated[int | None, Effect.RESTART, Field(ge=1, le=3600)] = Field(
        None, description="Seconds between checkpoints (10)."
    )
    checkpoint_path: Annotated[str | None, Effect.IN_PLACE] = Field(
        None, description="Where the program itself writes checkpoints, when `checkpoint_enabled` is off."
    )
    obs_bucket: Annotated[str | None, Effect.IN_PLACE] = Field(
        None, description="Bucket for checkpoints, savepoints and logs; DLI must be authorised for it."
    )
    log_enabled: Annotated[bool | None, Effect.RESTART] = Field(None, description="Write logs to `obs_bucket` (false).")
    smn_topic: Annotated[str | None, Effect.IN_PLACE] = Field(None, description="SMN topic that hears of failures.")
    restart_when_exception: Annotated[bool | None, Effect.IN_PLACE] = Field(
        None, description="The service restarts the job after an exception (false)."
    )
    resume_checkpoint: Annotated[bool | None, Effect.IN_PLACE] = Field(
        None, description="Such a restart goes on from the last checkpoint (false)."
    )
    resume_max_num: Annotated[int | None, Effect.IN_PLACE, AfterValidator(_resume_max_num)] = Field(
        None, description="Restarts per hour at most; -1 for no limit."
    )
    tags: Annotated[Tags | None, Effect.IN_PLACE, LOCAL] = Field(
        None, description="Tags: a map of key to value. A change never restarts."
    )

    # How its life is led.
    state: Annotated[str | None, Effect.IN_PLACE, LOCAL, one_of("running", "suspended", "draft", *OBSERVED_STATES)] = (
        Field(
            None,
            description="`running` (default), `suspended` (stopped with a savepoint) or `draft` (created, never run).",
        )
    )
    upgrade_mode: Annotated[str | None, Effect.IGNORED, LOCAL, one_of("savepoint", "stateless", "last-state")] = Field(
        None,
        description="What a restart does with the state: `savepoint` (default) makes one and resumes from it, "
        "`last-state` resumes from the newest checkpoint, `stateless` drops it.",
    )
    initial_savepoint_path: Annotated[str | None, Effect.IGNORED, LOCAL] = Field(
        None,
        description="Savepoint (OBS folder) that a start takes when the job has no state of its own to go on from.",
    )
    allow_old_savepoint: Annotated[bool | None, Effect.IGNORED, LOCAL] = Field(
        None, description="Allow a start from a savepoint that is older than the job's last start (default false)."
    )
    savepoint_on_delete: Annotated[bool | None, Effect.IGNORED, LOCAL] = Field(
        None, description="Make a savepoint before the job is deleted (default true unless `stateless`)."
    )
    rollback: Annotated[bool | None, Effect.IGNORED, LOCAL] = Field(
        None, description="When the new version does not come up, run the old one from the savepoint (default true)."
    )
    stabilization_seconds: Annotated[int | None, Effect.IGNORED, LOCAL, Field(ge=0, le=3600)] = Field(
        None, description="A changed job must run this long without a restart to count as up (default 60)."
    )
    repair: Annotated[str | None, Effect.IGNORED, LOCAL, one_of("failed", "all", "none")] = Field(
        None,
        description="Which drift of the run state `up` mends: `failed` (default) restarts what failed, "
        "`all` also what a person stopped, `none` only reports.",
    )
    restart_nonce: Annotated[str | None, Effect.RESTART, LOCAL] = Field(
        None, description="Any text; a change restarts the job by its upgrade mode."
    )
    savepoint_nonce: Annotated[str | None, Effect.IN_PLACE, LOCAL] = Field(
        None, description="Any text; a change makes a savepoint while the job runs."
    )
    adopt: Annotated[bool | None, Effect.IGNORED, LOCAL] = Field(
        None, description="Take over an existing job of this name instead of failing (default false)."
    )

    @property
    def mode(self) -> str:
        return self.upgrade_mode or "savepoint"

    @property
    def wanted_state(self) -> str:
        return self.state or "running"
