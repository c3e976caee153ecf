"""`Queue`: where Flink jobs run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from pulumi_dli.provider import QueueProvider
from pulumi_dli.resources.base import DliResource


class Queue(DliResource, module="dli", name="Queue"):
    """A DLI queue: compute for Flink jobs (https://docs.otc.t-systems.com, page dli_02_0194).

    Nothing is waited for at creation: the service brings compute up with the first job, in 6 to 10 minutes. `cu_count`
    and `tags` change in place. Everything else needs a queue of another name: declare it under a new name, point the
    jobs to it (they restart with a savepoint), and the old one goes last.

    Outputs beside the inputs: `resource_id`, `owner`, `create_time` (milliseconds), `cu_spec`,
    `support_flink_jar_versions`, `default_flink_jar_version`, `endpoint`, `project_id`. The id is the stored
    (lower-case) name.
    """

    native_type = "dli:index:Queue"
    facts = (
        "resource_id",
        "queue_id",
        "owner",
        "create_time",
        "cu_spec",
        "support_flink_jar_versions",
        "default_flink_jar_version",
        "support_opensource_flink_versions",
        "endpoint",
        "project_id",
    )

    if TYPE_CHECKING:
        queue_name: pulumi.Output[str]
        cu_count: pulumi.Output[int]
        queue_type: pulumi.Output[str | None]
        resource_mode: pulumi.Output[int | None]
        elastic_resource_pool_name: pulumi.Output[str | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        resource_id: pulumi.Output[str]
        queue_id: pulumi.Output[int | None]
        owner: pulumi.Output[str]
        create_time: pulumi.Output[int]
        cu_spec: pulumi.Output[int | None]
        support_flink_jar_versions: pulumi.Output[Sequence[str]]
        default_flink_jar_version: pulumi.Output[str | None]
        support_opensource_flink_versions: pulumi.Output[Sequence[str]]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        queue_name: pulumi.Input[str] | None = None,
        cu_count: pulumi.Input[int] | None = None,
        queue_type: pulumi.Input[str] | None = None,
        resource_mode: pulumi.Input[int] | None = None,
        elastic_resource_pool_name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        charging_mode: pulumi.Input[int] | None = None,
        enterprise_project_id: pulumi.Input[str] | None = None,
        platform: pulumi.Input[str] | None = None,
        labels: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        engine: pulumi.Input[str] | None = None,
        feature: pulumi.Input[str] | None = None,
        properties: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        cidr_in_vpc: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a queue.

        Args:
            resource_name: Name of the resource in the program; the default of `queue_name`.
            queue_name: Name, in letters of any case; the service stores it in lower case.
            cu_count: Compute units, a multiple of 16. A change scales the queue, which takes about ten minutes.
            queue_type: `general` (default; Flink and Spark jar jobs need it) or `sql`.
            resource_mode: 1 dedicated (default; Flink jar jobs need it), 0 shared.
            elastic_resource_pool_name: The elastic resource pool to live in. A queue can enter a pool, but
                never leave or change it.
            description: Free text; the service takes it at creation and never changes it.
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
            "queue_name": resource_name if queue_name is None else queue_name,
            "cu_count": cu_count,
            "queue_type": queue_type,
            "resource_mode": resource_mode,
            "elastic_resource_pool_name": elastic_resource_pool_name,
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
