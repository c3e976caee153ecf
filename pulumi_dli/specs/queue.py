"""The fields of a queue (dli-api 4.1, dli_02_0194)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from pulumi_dli.specs.fields import PLACE, PROVIDER_ONLY, Assumed, Computed, Declaration, Effect, Rule, Spec, ValueModel
from pulumi_dli.specs.forms import Network
from pulumi_dli.specs.scaling import ALL_DAY, hours_of, is_default
from pulumi_dli.specs.shapes import Text, Whole
from pulumi_dli.specs.values import Tags, TextMap, lowered, matching, one_of

NAME = matching(
    r"(?!_)(?![0-9]+$)(?!(?i:default)$)[A-Za-z0-9_]{1,128}",
    "1 to 128 letters, digits or _, does not begin with _, not all digits; default is the service's own",
)
POOL = matching(
    r"(?!_)(?![0-9]+$)[A-Za-z0-9_]{1,128}", "1 to 128 letters, digits or _, does not begin with _, not all digits"
)
CUS = Whole(
    least=4,
    step=4,
    most=32000,
    rule="must be a multiple of 16 CUs (16, 64 and 256 exist everywhere), in a pool of 4; at most 32000",
)
LABEL = matching(
    r"(?!multi_az=(?!2$))[A-Za-z0-9_.\-]{1,64}=[A-Za-z0-9_.\-]{1,64}",
    "must be key=value in letters, digits or _ . -; multi_az takes 2 only (dli_02_0194)",
)
PROJECT = matching(r"[A-Za-z0-9\-]{1,64}", 'must be an id of 1 to 64 letters, digits or -, or "0"')


_START = matching(r"([01][0-9]|2[0-3]):00", 'must be a full hour such as "08:00"')
_STOP = matching(r"([01][0-9]|2[0-3]|24):00", 'must be a full hour such as "20:00", or "24:00"')
_POLICY_CUS = Whole(least=4, step=4, most=32000, rule="must be a multiple of 4 CUs, from 4 to 32000")


class ScalingPolicy(ValueModel):
    """What a queue may take of its pool during some hours of each day (dli-api 12.7, dli_02_0332)."""

    type_name: ClassVar[str] = "ScalingPolicy"

    min_cu: Annotated[int, _POLICY_CUS]
    max_cu: Annotated[int | None, _POLICY_CUS] = None
    priority: Annotated[int, Whole(least=1, most=100)] = 1
    impact_start_time: Annotated[str, _START] = ALL_DAY[0]
    impact_stop_time: Annotated[str, _STOP] = ALL_DAY[1]
    inherit_elastic_resource_pool_max_cu: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        """Its maximum is its minimum when omitted; not to follow the pool's maximum is what happens anyway."""
        if not isinstance(value, dict):
            return value
        given = {name: item for name, item in value.items() if item is not None}
        if given.get("inherit_elastic_resource_pool_max_cu") is False:
            del given["inherit_elastic_resource_pool_max_cu"]
        return {"max_cu": given.get("min_cu"), **given}


def _apart(policies: tuple[ScalingPolicy, ...]) -> tuple[ScalingPolicy, ...]:
    """In the order of the day: the service has none (dli-api 12.7)."""
    day = sorted(policies, key=lambda one: (not is_default(one.model_dump()), one.impact_start_time))
    taken: dict[int, str] = {}
    for policy in day:
        said = f"{policy.impact_start_time} to {policy.impact_stop_time}"
        if policy.impact_start_time == policy.impact_stop_time:
            raise ValueError(f"has an entry without an hour ({said})")
        if policy.max_cu is not None and policy.min_cu > policy.max_cu:
            raise ValueError(f"has a min_cu of {policy.min_cu} above the max_cu of {policy.max_cu} ({said})")
        if is_default(policy.model_dump()):
            if policy is not day[0]:
                raise ValueError(f"has two entries for all day ({said})")
            continue
        for hour in sorted(hours_of(policy.impact_start_time, policy.impact_stop_time)):
            if hour in taken:
                raise ValueError(f"has entries that overlap at {hour:02}:00: {taken[hour]}, and {said}")
            taken[hour] = said
    return tuple(day)


def _policies_are_of_pools(spec: Any) -> str | None:
    if spec.scaling_policies is not None and not spec.elastic_resource_pool_name:
        return "is for a queue in an elastic resource pool: give elastic_resource_pool_name, or leave it out"
    return None


def _all_day_is_cu_count(spec: Any) -> str | None:
    least = next((one.min_cu for one in spec.scaling_policies or () if is_default(one.model_dump())), None)
    if None in (least, spec.cu_count) or least == spec.cu_count:
        return None
    return f"has a min_cu of {least} all day, and cu_count is {spec.cu_count}: that is the same number, give it twice"


def _dedicated_in_a_pool(spec: Any) -> str | None:
    if spec.resource_mode == 0 and spec.elastic_resource_pool_name:
        return "a queue in an elastic resource pool is dedicated: leave resource_mode out (dli_01_0530)"
    return None


def _sql_in_a_pool(spec: Any) -> str | None:
    if spec.queue_type == "sql" and spec.elastic_resource_pool_name and spec.cu_count and spec.cu_count < 8:
        return "a SQL queue in an elastic resource pool has at least 8 CUs (dli-api 12.7)"
    return None


def _engine_is_for_sql(spec: Any) -> str | None:
    if spec.engine and spec.queue_type != "sql":
        return 'belongs to SQL queues: leave it out, or set queue_type="sql"'
    return None


def _one_zone_in_a_pool(spec: Any) -> str | None:
    if spec.elastic_resource_pool_name and any("multi_az" in label for label in spec.labels or ()):
        return "a queue in an elastic resource pool cannot span zones: leave multi_az out"
    return None


def _each_label_once(spec: Any) -> str | None:
    """The service returns labels as one text, `a=1,b=2` (dli-api 4.2)."""
    keys = [label.partition("=")[0] for label in spec.labels or ()]
    return "has a key twice" if len(set(keys)) < len(keys) else None


def _size_outside_of_a_pool(spec: Any) -> str | None:
    if spec.cu_count and spec.cu_count % 16 and not spec.elastic_resource_pool_name:
        return "must be a multiple of 16 CUs (16, 64 and 256 exist everywhere); only in a pool there are smaller steps"
    return None


def _network_is_the_pools(spec: Any) -> str | None:
    if spec.cidr_in_vpc and spec.elastic_resource_pool_name:
        return "a queue in an elastic resource pool has the pool's network, which never changes (dli_01_0443)"
    return None


class QueueSpec(Spec):
    """A queue as the program wants it."""

    declaration: ClassVar[Declaration] = Declaration(
        name="Queue",
        article="a queue",
        summary="""A DLI queue: compute for Flink jobs (https://docs.otc.t-systems.com, page dli_02_0194).

Nothing is waited for at creation: the service brings compute up with the first job, in 6 to 10 minutes.
`cu_count` and `tags` change in place. Everything else needs a queue of another name: declare it under a new
name, point the jobs to it (they restart with a savepoint), and the old one goes last. The id is the stored
(lower-case) name.""",
        named="queue_name",
        derived={"cu_spec": ("cu_count",)},
        id_from=("queue_name",),
        computed=(
            Computed("resource_id", "str", "The service's id of the queue."),
            Computed("queue_id", "str | None", "Its number, as the list of queues tells it."),
            Computed("owner", "str", "Who created it."),
            Computed("create_time", "int", "In milliseconds since the epoch."),
            Computed("cu_spec", "int | None", "The CUs that were ordered last."),
            Computed("support_flink_jar_versions", "Sequence[str]", "Versions of Flink for jar jobs."),
            Computed("default_flink_jar_version", "str | None", "The one that a jar job gets that names none."),
            Computed("support_opensource_flink_versions", "Sequence[str]", "Versions of open-source Flink."),
            Computed("support_flink_sql_versions", "Sequence[str]", "Versions of Flink for SQL jobs."),
            *PLACE,
        ),
    )
    required: ClassVar[tuple[str, ...]] = ("queue_name", "cu_count")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(("engine", "queue_type"), _engine_is_for_sql),
        Rule(("labels",), _each_label_once),
        Rule(("labels", "elastic_resource_pool_name"), _one_zone_in_a_pool),
        Rule(("cu_count", "elastic_resource_pool_name"), _size_outside_of_a_pool),
        Rule(("cu_count", "elastic_resource_pool_name", "queue_type"), _sql_in_a_pool),
        Rule(("cidr_in_vpc", "elastic_resource_pool_name"), _network_is_the_pools),
        Rule(("resource_mode", "elastic_resource_pool_name"), _dedicated_in_a_pool),
        Rule(("scaling_policies", "elastic_resource_pool_name"), _policies_are_of_pools),
        Rule(("scaling_policies", "cu_count"), _all_day_is_cu_count),
    )

    queue_name: Annotated[str | None, Effect.REPLACE, NAME, AfterValidator(lowered)] = Field(
        None, description="Name, in letters of any case; the service stores it in lower case."
    )
    cu_count: Annotated[int | None, Effect.IN_PLACE, CUS] = Field(
        None,
        description="Compute units, a multiple of 16. A change scales the queue, which takes about ten minutes. In a "
        "pool: those of its scaling policy for all day, from 4, in effect from the next full hour.",
    )
    queue_type: Annotated[str | None, Effect.REPLACE, one_of("general", "sql"), Assumed("general")] = Field(
        None, description="`general` (default; Flink and Spark jar jobs need it) or `sql`."
    )
    resource_mode: Annotated[int | None, Effect.REPLACE, Whole(least=0, most=1), Assumed(1)] = Field(
        None, description="1 dedicated (default; Flink jar jobs need it), 0 shared."
    )
    elastic_resource_pool_name: Annotated[str | None, Effect.IN_PLACE, POOL, AfterValidator(lowered)] = Field(
        None,
        description="The elastic resource pool to live in. A queue can enter a pool, but never leave or change it.",
    )
    scaling_policies: Annotated[
        tuple[ScalingPolicy, ...] | None, Effect.IN_PLACE, PROVIDER_ONLY, AfterValidator(_apart)
    ] = Field(
        None,
        description="What it may take of its pool, by hours of the day: entries with `min_cu` and, when not as "
        "given here, `max_cu` (`min_cu`), `priority` (1, to 100; larger first), `impact_start_time` (`00:00`), "
        "`impact_stop_time` (`24:00`) and `inherit_elastic_resource_pool_max_cu`. Without an entry for all day, "
        "there is one with `cu_count` as minimum and maximum. Flink jobs never make a pool grow: for their queues, "
        "give both alike.",
    )
    description: Annotated[str | None, Effect.IGNORED, Text(most=256)] = Field(
        None, description="Free text, at most 256 characters (128 by Open Telekom Cloud's guide); never changed later."
    )
    charging_mode: Annotated[int | None, Effect.REPLACE, Whole(least=1, most=2)] = Field(
        None, description="1: pay per CU-hour."
    )
    enterprise_project_id: Annotated[str | None, Effect.REPLACE, PROJECT] = Field(
        None, description="Enterprise project, where Enterprise Management is on."
    )
    platform: Annotated[str | None, Effect.REPLACE, one_of("x86_64", "aarch64")] = Field(
        None, description="CPU architecture; `x86_64` on Open Telekom Cloud."
    )
    labels: Annotated[tuple[Annotated[str, LABEL], ...] | None, Effect.REPLACE] = Field(
        None, description="Labels such as `multi_az=2` (two zones)."
    )
    engine: Annotated[str | None, Effect.REPLACE, one_of("spark", "hetuEngine")] = Field(
        None, description="Engine of an SQL queue: `spark` or `hetuEngine`."
    )
    feature: Annotated[str | None, Effect.REPLACE, one_of("basic", "ai")] = Field(
        None, description="`basic` or `ai` (Huawei Cloud)."
    )
    properties: Annotated[TextMap | None, Effect.REPLACE] = Field(
        None, description="Properties of an SQL queue (Huawei Cloud), sent at creation."
    )
    cidr_in_vpc: Annotated[str | None, Effect.IN_PLACE, PROVIDER_ONLY, Network()] = Field(
        None, description="Network of the queue, such as `10.0.0.0/14`; set by a call of its own after creation."
    )
    tags: Annotated[Tags | None, Effect.IN_PLACE, PROVIDER_ONLY] = Field(
        None, description="Tags: a map of key to value."
    )
    adopt: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="Take over an existing queue of this name instead of failing (default false)."
    )
