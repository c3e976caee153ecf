"""`Queue`: written by `python -m pulumi_dli.specs.generate` from `specs/queue.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Required, TypedDict

import pulumi

from pulumi_dli.provider import QueueProvider
from pulumi_dli.resources.base import DliResource
from pulumi_dli.specs.forms import Network
from pulumi_dli.specs.shapes import Flag, ListOf, Record, Settings, Shape, TagMap, Text, Whole


class ScalingPolicyArgs(TypedDict, total=False):
    """As a program gives it."""

    min_cu: Required[pulumi.Input[int]]
    max_cu: pulumi.Input[int]
    priority: pulumi.Input[int]
    impact_start_time: pulumi.Input[str]
    impact_stop_time: pulumi.Input[str]
    inherit_elastic_resource_pool_max_cu: pulumi.Input[bool]


class ScalingPolicy(TypedDict, total=False):
    """As an output holds it."""

    min_cu: Required[int]
    max_cu: int
    priority: int
    impact_start_time: str
    impact_stop_time: str
    inherit_elastic_resource_pool_max_cu: bool


class QueueArgs(TypedDict, total=False):
    """The inputs of a queue by name, for tables of them: `Queue(name, **row)`."""

    cu_count: Required[pulumi.Input[int]]
    queue_name: pulumi.Input[str] | None
    queue_type: pulumi.Input[Literal["general", "sql"]] | None
    resource_mode: pulumi.Input[int] | None
    elastic_resource_pool_name: pulumi.Input[str] | None
    scaling_policies: pulumi.Input[Sequence[pulumi.Input[ScalingPolicyArgs]]] | None
    description: pulumi.Input[str] | None
    charging_mode: pulumi.Input[int] | None
    enterprise_project_id: pulumi.Input[str] | None
    platform: pulumi.Input[Literal["x86_64", "aarch64"]] | None
    labels: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    engine: pulumi.Input[Literal["spark", "hetuEngine"]] | None
    feature: pulumi.Input[Literal["basic", "ai"]] | None
    properties: pulumi.Input[str | Mapping[str, pulumi.Input[str | int | float | bool]]] | None
    cidr_in_vpc: pulumi.Input[str] | None
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None
    adopt: pulumi.Input[bool] | None


class Queue(DliResource, module="dli", name="Queue"):
    """A DLI queue: compute for Flink jobs (https://docs.otc.t-systems.com, page dli_02_0194).

    Nothing is waited for at creation: the service brings compute up with the first job, in 6 to 10 minutes.
    `cu_count` and `tags` change in place. Everything else needs a queue of another name: declare it under a new
    name, point the jobs to it (they restart with a savepoint), and the old one goes last. The id is the stored
    (lower-case) name.

    Outputs beside the inputs:

    * `resource_id`: The service's id of the queue.
    * `queue_id`: Its number, as the list of queues tells it.
    * `owner`: Who created it.
    * `create_time`: In milliseconds since the epoch.
    * `cu_spec`: The CUs that were ordered last.
    * `support_flink_jar_versions`: Versions of Flink for jar jobs.
    * `default_flink_jar_version`: The one that a jar job gets that names none.
    * `support_opensource_flink_versions`: Versions of open-source Flink.
    * `support_flink_sql_versions`: Versions of Flink for SQL jobs.
    * `endpoint`: Where the service answered.
    * `project_id`: The project that holds it.
    """

    native_type = "dli:index:Queue"
    spec = "pulumi_dli.specs.queue:QueueSpec"
    named = "queue_name"
    required = ("cu_count",)
    computed_outputs = (
        "resource_id",
        "queue_id",
        "owner",
        "create_time",
        "cu_spec",
        "support_flink_jar_versions",
        "default_flink_jar_version",
        "support_opensource_flink_versions",
        "support_flink_sql_versions",
        "endpoint",
        "project_id",
    )
    shapes: ClassVar[Mapping[str, Shape]] = {
        "cu_count": Whole(
            least=4,
            step=4,
            most=32000,
            rule="must be a multiple of 16 CUs (16, 64 and 256 exist everywhere), in a pool of 4; at most 32000",
        ),
        "queue_name": Text(
            pattern="(?!_)(?![0-9]+$)(?!(?i:default)$)[A-Za-z0-9_]{1,128}",
            rule="1 to 128 letters, digits or _, does not begin with _, not all digits; default is the service's own",
        ),
        "queue_type": Text(choices=("general", "sql")),
        "resource_mode": Whole(least=0, most=1),
        "elastic_resource_pool_name": Text(
            pattern="(?!_)(?![0-9]+$)[A-Za-z0-9_]{1,128}",
            rule="1 to 128 letters, digits or _, does not begin with _, not all digits",
        ),
        "scaling_policies": ListOf(
            item=Record(
                name="ScalingPolicy",
                keys=(
                    ("min_cu", Whole(least=4, step=4, most=32000, rule="must be a multiple of 4 CUs, from 4 to 32000")),
                    ("max_cu", Whole(least=4, step=4, most=32000, rule="must be a multiple of 4 CUs, from 4 to 32000")),
                    ("priority", Whole(least=1, most=100)),
                    (
                        "impact_start_time",
                        Text(pattern="([01][0-9]|2[0-3]):00", rule='must be a full hour such as "08:00"'),
                    ),
                    (
                        "impact_stop_time",
                        Text(
                            pattern="([01][0-9]|2[0-3]|24):00", rule='must be a full hour such as "20:00", or "24:00"'
                        ),
                    ),
                    ("inherit_elastic_resource_pool_max_cu", Flag()),
                ),
                required=("min_cu",),
            )
        ),
        "description": Text(most=256),
        "charging_mode": Whole(least=1, most=2),
        "enterprise_project_id": Text(
            pattern="[A-Za-z0-9\\-]{1,64}", rule='must be an id of 1 to 64 letters, digits or -, or "0"'
        ),
        "platform": Text(choices=("x86_64", "aarch64")),
        "labels": ListOf(
            item=Text(
                pattern="(?!multi_az=(?!2$))[A-Za-z0-9_.\\-]{1,64}=[A-Za-z0-9_.\\-]{1,64}",
                rule="must be key=value in letters, digits or _ . -; multi_az takes 2 only (dli_02_0194)",
            )
        ),
        "engine": Text(choices=("spark", "hetuEngine")),
        "feature": Text(choices=("basic", "ai")),
        "properties": Settings(),
        "cidr_in_vpc": Network(),
        "tags": TagMap(own="pulumi_dli_owner"),
        "adopt": Flag(),
    }

    if TYPE_CHECKING:
        resource_id: pulumi.Output[str]
        queue_id: pulumi.Output[str | None]
        owner: pulumi.Output[str]
        create_time: pulumi.Output[int]
        cu_spec: pulumi.Output[int | None]
        support_flink_jar_versions: pulumi.Output[Sequence[str]]
        default_flink_jar_version: pulumi.Output[str | None]
        support_opensource_flink_versions: pulumi.Output[Sequence[str]]
        support_flink_sql_versions: pulumi.Output[Sequence[str]]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]
        cu_count: pulumi.Output[int]
        queue_name: pulumi.Output[str]
        queue_type: pulumi.Output[Literal["general", "sql"] | None]
        resource_mode: pulumi.Output[int | None]
        elastic_resource_pool_name: pulumi.Output[str | None]
        scaling_policies: pulumi.Output[Sequence[ScalingPolicy] | None]
        description: pulumi.Output[str | None]
        charging_mode: pulumi.Output[int | None]
        enterprise_project_id: pulumi.Output[str | None]
        platform: pulumi.Output[Literal["x86_64", "aarch64"] | None]
        labels: pulumi.Output[Sequence[str] | None]
        engine: pulumi.Output[Literal["spark", "hetuEngine"] | None]
        feature: pulumi.Output[Literal["basic", "ai"] | None]
        properties: pulumi.Output[Mapping[str, str] | None]
        cidr_in_vpc: pulumi.Output[str | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        adopt: pulumi.Output[bool | None]

    def __init__(
        self,
        resource_name: str,
        *,
        cu_count: pulumi.Input[int],
        queue_name: pulumi.Input[str] | None = None,
        queue_type: pulumi.Input[Literal["general", "sql"]] | None = None,
        resource_mode: pulumi.Input[int] | None = None,
        elastic_resource_pool_name: pulumi.Input[str] | None = None,
        scaling_policies: pulumi.Input[Sequence[pulumi.Input[ScalingPolicyArgs]]] | None = None,
        description: pulumi.Input[str] | None = None,
        charging_mode: pulumi.Input[int] | None = None,
        enterprise_project_id: pulumi.Input[str] | None = None,
        platform: pulumi.Input[Literal["x86_64", "aarch64"]] | None = None,
        labels: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        engine: pulumi.Input[Literal["spark", "hetuEngine"]] | None = None,
        feature: pulumi.Input[Literal["basic", "ai"]] | None = None,
        properties: pulumi.Input[str | Mapping[str, pulumi.Input[str | int | float | bool]]] | None = None,
        cidr_in_vpc: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a queue.

        Args:
            resource_name: Name of the resource in the program; the default of `queue_name`.
            cu_count: Compute units, a multiple of 16. A change scales the queue, which takes about ten minutes. In
                a pool: those of its scaling policy for all day, from 4, in effect from the next full hour.
            queue_name: Name, in letters of any case; the service stores it in lower case.
            queue_type: `general` (default; Flink and Spark jar jobs need it) or `sql`.
            resource_mode: 1 dedicated (default; Flink jar jobs need it), 0 shared.
            elastic_resource_pool_name: The elastic resource pool to live in. A queue can enter a pool, but never
                leave or change it.
            scaling_policies: What it may take of its pool, by hours of the day: entries with `min_cu` and, when not
                as given here, `max_cu` (`min_cu`), `priority` (1, to 100; larger first), `impact_start_time`
                (`00:00`), `impact_stop_time` (`24:00`) and `inherit_elastic_resource_pool_max_cu`. Without an entry
                for all day, there is one with `cu_count` as minimum and maximum. Flink jobs never make a pool grow:
                for their queues, give both alike.
            description: Free text, at most 256 characters (128 by Open Telekom Cloud's guide); never changed later.
            charging_mode: 1: pay per CU-hour.
            enterprise_project_id: Enterprise project, where Enterprise Management is on.
            platform: CPU architecture; `x86_64` on Open Telekom Cloud.
            labels: Labels such as `multi_az=2` (two zones).
            engine: Engine of an SQL queue: `spark` or `hetuEngine`.
            feature: `basic` or `ai` (Huawei Cloud).
            properties: Properties of an SQL queue (Huawei Cloud), sent at creation.
            cidr_in_vpc: Network of the queue, such as `10.0.0.0/14`; set by a call of its own after creation.
            tags: Tags: a map of key to value.
            adopt: Take over an existing queue of this name instead of failing (default false).
            opts: Pulumi's resource options.
        """
        inputs = {
            "cu_count": cu_count,
            "queue_name": queue_name,
            "queue_type": queue_type,
            "resource_mode": resource_mode,
            "elastic_resource_pool_name": elastic_resource_pool_name,
            "scaling_policies": scaling_policies,
            "description": description,
            "charging_mode": charging_mode,
            "enterprise_project_id": enterprise_project_id,
            "platform": platform,
            "labels": labels,
            "engine": engine,
            "feature": feature,
            "properties": properties,
            "cidr_in_vpc": cidr_in_vpc,
            "tags": tags,
            "adopt": adopt,
        }
        super().__init__(QueueProvider(), resource_name, inputs, opts)
