"""Flink on Data Lake Insight (DLI) of Open Telekom Cloud and Huawei Cloud, as Pulumi resources.

    import pulumi_dli as dli

    queue = dli.Queue("streams", cu_count=16)
    group = dli.PackageGroup("apps", packages=["obs://my-bucket/app.jar"])
    dli.FlinkJarJob("counter", queue_name=queue.queue_name, entrypoint=group.package("app.jar"))

The names load when first used, so that what does not need Pulumi (the emulator, the client) does not load it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "DatasourceConnection": "resources.datasource_connection",
    "DatasourceConnectionArgs": "resources.datasource_connection",
    "ElasticResourcePool": "resources.elastic_resource_pool",
    "ElasticResourcePoolArgs": "resources.elastic_resource_pool",
    "FlinkJarJob": "resources.flink_jar_job",
    "FlinkJarJobArgs": "resources.flink_jar_job",
    "FlinkSqlJob": "resources.flink_sql_job",
    "FlinkSqlJobArgs": "resources.flink_sql_job",
    "Host": "resources.datasource_connection",
    "HostArgs": "resources.datasource_connection",
    "Package": "packages",
    "PackageGroup": "resources.package_group",
    "PackageGroupArgs": "resources.package_group",
    "Provider": "resources.settings",
    "Queue": "resources.queue",
    "QueueArgs": "resources.queue",
    "ResourceConfig": "resources.flink_jar_job",
    "ResourceConfigArgs": "resources.flink_jar_job",
    "Route": "resources.datasource_connection",
    "RouteArgs": "resources.datasource_connection",
    "ScalingPolicy": "resources.queue",
    "ScalingPolicyArgs": "resources.queue",
    "UploadedPackage": "resources.uploaded_package",
    "UploadedPackageArgs": "resources.uploaded_package",
    "get_datasource_connection": "resources.functions.connections",
    "get_datasource_connection_output": "resources.functions.connections",
    "get_datasource_connections": "resources.functions.connections",
    "get_datasource_connections_output": "resources.functions.connections",
    "get_elastic_resource_pool": "resources.functions.pools",
    "get_elastic_resource_pool_output": "resources.functions.pools",
    "get_elastic_resource_pools": "resources.functions.pools",
    "get_elastic_resource_pools_output": "resources.functions.pools",
    "get_flink_job": "resources.functions.jobs",
    "get_flink_job_output": "resources.functions.jobs",
    "get_flink_jobs": "resources.functions.jobs",
    "get_flink_jobs_output": "resources.functions.jobs",
    "get_flink_versions": "resources.functions.queues",
    "get_flink_versions_output": "resources.functions.queues",
    "get_package_group": "resources.functions.packages",
    "get_package_group_output": "resources.functions.packages",
    "get_package_groups": "resources.functions.packages",
    "get_package_groups_output": "resources.functions.packages",
    "get_queue": "resources.functions.queues",
    "get_queue_output": "resources.functions.queues",
    "get_queues": "resources.functions.queues",
    "get_queues_output": "resources.functions.queues",
    "get_quotas": "resources.functions.project",
    "get_quotas_output": "resources.functions.project",
}

if TYPE_CHECKING:
    from pulumi_dli.packages import Package
    from pulumi_dli.resources.datasource_connection import (
        DatasourceConnection,
        DatasourceConnectionArgs,
        Host,
        HostArgs,
        Route,
        RouteArgs,
    )
    from pulumi_dli.resources.elastic_resource_pool import ElasticResourcePool, ElasticResourcePoolArgs
    from pulumi_dli.resources.flink_jar_job import FlinkJarJob, FlinkJarJobArgs, ResourceConfig, ResourceConfigArgs
    from pulumi_dli.resources.flink_sql_job import FlinkSqlJob, FlinkSqlJobArgs
    from pulumi_dli.resources.functions.connections import (
        get_datasource_connection,
        get_datasource_connection_output,
        get_datasource_connections,
        get_datasource_connections_output,
    )
    from pulumi_dli.resources.functions.jobs import (
        get_flink_job,
        get_flink_job_output,
        get_flink_jobs,
        get_flink_jobs_output,
    )
    from pulumi_dli.resources.functions.packages import (
        get_package_group,
        get_package_group_output,
        get_package_groups,
        get_package_groups_output,
    )
    from pulumi_dli.resources.functions.pools import (
        get_elastic_resource_pool,
        get_elastic_resource_pool_output,
        get_elastic_resource_pools,
        get_elastic_resource_pools_output,
    )
    from pulumi_dli.resources.functions.project import get_quotas, get_quotas_output
    from pulumi_dli.resources.functions.queues import (
        get_flink_versions,
        get_flink_versions_output,
        get_queue,
        get_queue_output,
        get_queues,
        get_queues_output,
    )
    from pulumi_dli.resources.package_group import PackageGroup, PackageGroupArgs
    from pulumi_dli.resources.queue import Queue, QueueArgs, ScalingPolicy, ScalingPolicyArgs
    from pulumi_dli.resources.settings import Provider
    from pulumi_dli.resources.uploaded_package import UploadedPackage, UploadedPackageArgs

__all__ = [
    "DatasourceConnection",
    "DatasourceConnectionArgs",
    "ElasticResourcePool",
    "ElasticResourcePoolArgs",
    "FlinkJarJob",
    "FlinkJarJobArgs",
    "FlinkSqlJob",
    "FlinkSqlJobArgs",
    "Host",
    "HostArgs",
    "Package",
    "PackageGroup",
    "PackageGroupArgs",
    "Provider",
    "Queue",
    "QueueArgs",
    "ResourceConfig",
    "ResourceConfigArgs",
    "Route",
    "RouteArgs",
    "ScalingPolicy",
    "ScalingPolicyArgs",
    "UploadedPackage",
    "UploadedPackageArgs",
    "get_datasource_connection",
    "get_datasource_connection_output",
    "get_datasource_connections",
    "get_datasource_connections_output",
    "get_elastic_resource_pool",
    "get_elastic_resource_pool_output",
    "get_elastic_resource_pools",
    "get_elastic_resource_pools_output",
    "get_flink_job",
    "get_flink_job_output",
    "get_flink_jobs",
    "get_flink_jobs_output",
    "get_flink_versions",
    "get_flink_versions_output",
    "get_package_group",
    "get_package_group_output",
    "get_package_groups",
    "get_package_groups_output",
    "get_queue",
    "get_queue_output",
    "get_queues",
    "get_queues_output",
    "get_quotas",
    "get_quotas_output",
]


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{home}"), name)
