"""The fields that Flink jobs of every kind have (dli-api 6.1, dli_02_0230), and how the life of a job is led.

The effect of each field stands beside it, and all else that the lifecycle needs to know of it; what the service takes
while the job runs is IN_PLACE (dli-api 6.3). What only a jar job has stands in `flink_jar_job.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from pulumi_dli.specs.fields import ANY, PLACE, PROVIDER_ONLY, Cleared, Computed, Effect, Mark, Rule, Spec, ValueModel
from pulumi_dli.specs.forms import AGENCY, BUCKET, NONCE, Folder
from pulumi_dli.specs.rules import COMMON_REFUSALS
from pulumi_dli.specs.shapes import JsonText, Number, Text, Whole
from pulumi_dli.specs.values import JobTags, TextMap, lowered, matching, one_of

OBSERVED_STATES = ("finished", "failed", "arrears")
"""What a refresh may find a job to be; no program may wish for it."""

CHECKPOINT_MODES = Whole(words=(("exactly_once", 1), ("at_least_once", 2)), least=1, most=2)
RESTARTS = Whole(
    least=-1, without=(0,), most=2**31 - 1, rule="must be -1 (no limit) or 1 to at most 2147483647, counted per hour"
)
QUEUE = matching(
    r"(?!_)(?![0-9]+$)(?!(?i:default)$)[A-Za-z0-9_]{1,128}",
    "1 to 128 letters, digits or _, does not begin with _, not all digits; default is shared and for SQL",
)
VERSION = matching(r"\d{1,2}\.\d{1,2}(\.\d{1,3})?", "must be a version such as 1.12 or 1.15, as a text")
TOPIC = matching(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,254}", "must be the name of an SMN topic (not its URN)")
MEMORY = matching(r"[0-9]{1,9}(\.[0-9]{1,3})? *(GB?|MB?|gb?|mb?)?", "reads 4G or 4096MB (GB when no unit is given)")


class ResourceAmount(ValueModel):
    """CPU cores and memory of one JobManager or TaskManager."""

    cpu: Annotated[float | None, Number(least=0.5, most=10000)] = None
    memory: Annotated[str | None, MEMORY] = None


class ResourceConfig(ValueModel):
    """Resources in the form of `resource_config_version` v2."""

    max_slot: Annotated[int | None, Whole(least=1, most=10000)] = None
    parallel_number: Annotated[int | None, Whole(least=1, most=10000)] = None
    jobmanager_resource_spec: ResourceAmount | None = None
    taskmanager_resource_spec: ResourceAmount | None = None


def _checkpoint_mode(value: Any) -> Any:
    """Sent as a number, read back as a word (dli-api 10, row 17)."""
    return {"exactly_once": 1, "at_least_once": 2}.get(value, value) if isinstance(value, str) else value


def json_text(value: Any) -> Any:
    """A map as the text that the service takes."""
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


def _queue_to_run(spec: Any) -> str | None:
    if spec.state == "draft" or spec.queue_name:
        return None
    return 'is required to run the job (DLI.13024): name a dedicated general queue, or state="draft"'


COMMON_RULES: tuple[Rule, ...] = (
    Rule(("manager_cu_number", "cu_number"), _managers_leave_cus),
    Rule(("parallel_number", "cu_number", "manager_cu_number", "resource_config_version"), _parallelism_fits),
    Rule(("tm_cus", "cu_number", "manager_cu_number"), _workers_fit),
    Rule(("queue_name", "state"), _queue_to_run),
    *COMMON_REFUSALS,
)

COMPUTED = (
    Computed("job_id", "str", "The job's number, the id of the resource."),
    Computed("status", "str", "DLI's word, such as `job_running`."),
    Computed("status_desc", "str", "The service's words on the status."),
    Computed("savepoint_path", "str | None", "Where the newest savepoint is."),
    Computed("has_savepoint", "bool | None", "Whether there is one."),
    Computed("savepoints", "Sequence[Mapping[str, Any]]", "The last ten: path, time, reason."),
    Computed("restart_times", "int | None", "How often the service restarted the job."),
    Computed("last_downtime_seconds", "int | None", "How long the stream was down at its last restart."),
    Computed("create_time", "int", "In milliseconds since the epoch."),
    Computed("start_time", "int | None", "In milliseconds since the epoch."),
    Computed("update_time", "int | None", "In milliseconds since the epoch."),
    Computed("user_name", "str | None", "Who created the job."),
    Computed("pending_reason", "str | None", "Why the last update stopped half-way.", former="unfinished"),
    Computed(
        "pending_restore_path",
        "str | None",
        "The savepoint from which the next update brings the job back.",
        former="resume_from",
    ),
    *PLACE,
)

SAVED_IN = ("obs_bucket", "initial_savepoint_path")
SAVED = ("savepoint_path", "savepoints", "pending_restore_path")
DERIVED: Mapping[str, tuple[str, ...]] = {
    "status_desc": ANY,
    "pending_reason": ANY,
    "declared_state": ("state",),
    **dict.fromkeys(SAVED, SAVED_IN),
}


class FlinkJobSpec(Spec):
    """What the program wants of a Flink job of any kind."""

    required: ClassVar[tuple[str, ...]] = ("name",)
    rules: ClassVar[tuple[Rule, ...]] = COMMON_RULES

    # What runs.
    name: Annotated[
        str | None, Effect.NEXT_RESTART, Mark.AT_TOP, matching(r"[\w\-]{1,57}", "has 1 to 57 letters, digits, - or _")
    ] = Field(None, description="Name, unique in the project.")
    desc: Annotated[str | None, Effect.NEXT_RESTART, Cleared(""), Mark.AT_TOP, Text(most=512)] = Field(
        None, description="Free text, at most 512 characters."
    )
    queue_name: Annotated[str | None, Effect.RESTART, Mark.AT_TOP, QUEUE, AfterValidator(lowered)] = Field(
        None, description="The queue to run on: general and dedicated."
    )
    flink_version: Annotated[str | None, Effect.RESTART, Cleared(""), VERSION] = Field(
        None, description="Such as `1.12`, `1.15`, `1.17`; the queue's default when not given."
    )
    execution_agency_urn: Annotated[str | None, Effect.RESTART, Cleared(""), AGENCY] = Field(
        None,
        description="Name (not the URN) of the agency it acts as; without one, Flink 1.15 and later keep no state.",
    )
    runtime_config: Annotated[TextMap | None, Effect.RESTART, Cleared("")] = Field(
        None, description="Flink settings: a map of key to value."
    )
    flink_log_config: Annotated[
        str | None, Effect.RESTART, Cleared(""), Mark.NEVER_READ, JsonText(), BeforeValidator(json_text)
    ] = Field(None, description="Log levels as a JSON text (Huawei Cloud).")

    # How large it runs.
    cu_number: Annotated[int | None, Effect.RESTART, Cleared(2), Whole(least=2, most=10000)] = Field(
        None, description="CUs in all, the JobManager's included (the service takes 2 when not given)."
    )
    manager_cu_number: Annotated[int | None, Effect.RESTART, Cleared(1), Whole(least=1, most=10000)] = Field(
        None, description="CUs of the JobManager (1)."
    )
    parallel_number: Annotated[
        int | None, Effect.RESTART, Cleared(1), Mark.ALWAYS_READ, Mark.NOT_FROM_CHECKPOINT, Whole(least=1, most=2000)
    ] = Field(None, description="Parallelism (1), at most 4 for each TaskManager CU.")
    tm_cus: Annotated[int | None, Effect.RESTART, Cleared(1), Whole(least=1, most=10000)] = Field(
        None, description="CUs of one TaskManager (1)."
    )
    tm_slot_num: Annotated[int | None, Effect.RESTART, Cleared(0), Whole(least=1, most=10000)] = Field(
        None, description="Slots of one TaskManager (computed by the service)."
    )
    resource_config_version: Annotated[str | None, Effect.RESTART, Cleared("v1"), one_of("v1", "v2")] = Field(
        None, description="`v1` sizes by CUs, `v2` (Flink 1.15 and later) by `resource_config`."
    )
    resource_config: Annotated[ResourceConfig | None, Effect.RESTART] = Field(
        None, description="Cores, memory, slots and parallelism, with `v2`."
    )

    # What it keeps and tells.
    checkpoint_enabled: Annotated[bool | None, Effect.RESTART, Cleared(False), Mark.ALWAYS_READ] = Field(
        None, description="Make checkpoints (false)."
    )
    checkpoint_mode: Annotated[
        int | None, Effect.RESTART, Cleared(1), CHECKPOINT_MODES, BeforeValidator(_checkpoint_mode)
    ] = Field(None, description="1 `exactly_once` or 2 `at_least_once`.")
    checkpoint_interval: Annotated[int | None, Effect.RESTART, Cleared(10), Whole(least=1, most=999_999)] = Field(
        None, description="Seconds between checkpoints (10; on Huawei Cloud at most 3600)."
    )
    obs_bucket: Annotated[str | None, Effect.IN_PLACE, Cleared(""), BUCKET] = Field(
        None, description="Bucket for checkpoints, savepoints and logs; DLI must be authorised for it."
    )
    log_enabled: Annotated[bool | None, Effect.RESTART, Cleared(False)] = Field(
        None, description="Write logs to `obs_bucket` (false)."
    )
    smn_topic: Annotated[str | None, Effect.IN_PLACE, Cleared(""), TOPIC] = Field(
        None, description="SMN topic that hears of failures."
    )
    restart_when_exception: Annotated[bool | None, Effect.IN_PLACE, Cleared(False)] = Field(
        None, description="The service restarts the job after an exception (false)."
    )
    resume_checkpoint: Annotated[bool | None, Effect.IN_PLACE, Cleared(False)] = Field(
        None, description="Such a restart goes on from the last checkpoint (false)."
    )
    resume_max_num: Annotated[int | None, Effect.IN_PLACE, Cleared(-1), RESTARTS] = Field(
        None, description="Restarts per hour at most; -1 for no limit."
    )
    tags: Annotated[JobTags | None, Effect.IN_PLACE, Mark.OWN_STEPS, PROVIDER_ONLY] = Field(
        None, description="Tags: a map of key to value. A change never restarts."
    )

    # How its life is led.
    state: Annotated[
        str | None,
        Effect.IN_PLACE,
        Mark.OWN_STEPS,
        PROVIDER_ONLY,
        one_of("running", "suspended", "draft", observed=OBSERVED_STATES),
    ] = Field(
        None,
        description="`running` (default), `suspended` (stopped with a savepoint) or `draft` (created, never run).",
    )
    upgrade_mode: Annotated[
        str | None, Effect.IGNORED, PROVIDER_ONLY, one_of("savepoint", "stateless", "last-state")
    ] = Field(
        None,
        description="What a restart does with the state: `savepoint` (default) makes one and resumes from it, "
        "`last-state` resumes from the newest checkpoint, `stateless` drops it.",
    )
    initial_savepoint_path: Annotated[str | None, Effect.IGNORED, PROVIDER_ONLY, Folder()] = Field(
        None,
        description="Savepoint (OBS folder) that a start takes when the job has no state of its own to go on from.",
    )
    allow_old_savepoint: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="Allow a start from a savepoint that is older than the job's last start (default false)."
    )
    savepoint_on_delete: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="Make a savepoint before the job is deleted (default true unless `stateless`)."
    )
    rollback: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="When the new version does not come up, run the old one from the savepoint (default true)."
    )
    stabilization_seconds: Annotated[int | None, Effect.IGNORED, PROVIDER_ONLY, Whole(least=0, most=3600)] = Field(
        None, description="A changed job must run this long without a restart to count as up (default 60)."
    )
    repair: Annotated[str | None, Effect.IGNORED, PROVIDER_ONLY, one_of("failed", "all", "none")] = Field(
        None,
        description="Which drift of the run state `up` mends: `failed` (default) restarts what failed, "
        "`all` also what a person stopped, `none` only reports.",
    )
    restart_nonce: Annotated[str | None, Effect.RESTART, Mark.RUNS_AGAIN, PROVIDER_ONLY, NONCE] = Field(
        None, description="Any text; a change restarts the job by its upgrade mode."
    )
    savepoint_nonce: Annotated[str | None, Effect.IN_PLACE, Mark.OWN_STEPS, PROVIDER_ONLY, NONCE] = Field(
        None, description="Any text; a change makes a savepoint while the job runs."
    )
    adopt: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="Take over an existing job of this name instead of failing (default false)."
    )

    @property
    def mode(self) -> str:
        return self.upgrade_mode or "savepoint"

    @property
    def wanted_state(self) -> str:
        return self.state or "running"
