"""A program as a stack author types it: every line is right, and its types are exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, assert_type

import pulumi

import pulumi_dli as dli

queue = dli.Queue("streams", cu_count=16, queue_type="general", tags={"team": "streams"})
group = dli.PackageGroup("apps", bucket="jars", packages=["obs://jars/app.jar", {"path": "obs://jars/lib.jar"}])
app = dli.UploadedPackage("app", source="build/app.jar", bucket="jars")

JOBS: dict[str, dli.FlinkJarJobArgs] = {
    "counter": {"entrypoint": "apps/app.jar", "parallel_number": 2, "upgrade_mode": "savepoint"},
    "billing": {
        "entrypoint": app.package,
        "queue_name": queue.queue_name,
        "state": "suspended",
        "checkpoint_mode": "exactly_once",
        "entrypoint_args": ["--topic", "orders", 3],
        "runtime_config": {"a": "b", "restart": True},
        "tags": None,
    },
}
made = {name: dli.FlinkJarJob(name, **row) for name, row in JOBS.items()}
QUEUES: dict[str, dli.QueueArgs] = {"fast": {"cu_count": 64}, "slow": {"cu_count": 16, "labels": ["multi_az=2"]}}
queues = [dli.Queue(name, **row) for name, row in QUEUES.items()]

sized: dli.ResourceConfigArgs = {"max_slot": 4, "jobmanager_resource_spec": {"cpu": 1, "memory": "4G"}}
job = dli.FlinkJarJob(
    "sized",
    queue_name=queue.queue_name,
    entrypoint=group.package("app.jar"),
    dependency_jars=[group.package("lib.jar"), "obs://jars/x.jar"],
    resource_config_version="v2",
    resource_config=sized,
    opts=pulumi.ResourceOptions(depends_on=[*made.values(), *queues]),
)

brokers: list[dli.HostArgs] = [{"name": "broker-1", "ip": "192.168.0.11"}]
WAYS: dict[str, dli.DatasourceConnectionArgs] = {
    "kafka": {"dest_vpc_id": "vpc", "dest_network_id": "net", "queues": [queue.queue_name], "hosts": brokers},
    "web": {"dest_vpc_id": "vpc", "dest_network_id": "net", "routes": [{"name": "all", "cidr": "10.0.0.0/8"}]},
}
ways = [dli.DatasourceConnection(name, **row) for name, row in WAYS.items()]
assert_type(ways[0].hosts, pulumi.Output[Sequence[dli.Host] | None])
assert_type(ways[0].peerings, pulumi.Output[Sequence[Mapping[str, str]]])
assert_type(dli.get_flink_versions("q").jar, tuple[str, ...])
assert_type(dli.get_quotas()["CU"].left, int | None)
assert_type(dli.get_queue("q").cu_count, int | None)

assert_type(queue.queue_name, pulumi.Output[str])
assert_type(queue.cu_count, pulumi.Output[int])
assert_type(queue.tags, pulumi.Output[Mapping[str, str] | None])
assert_type(job.parallel_number, pulumi.Output[int | None])
assert_type(job.log_enabled, pulumi.Output[bool | None])
assert_type(job.upgrade_mode, pulumi.Output[Literal["savepoint", "stateless", "last-state"] | None])
assert_type(job.checkpoint_mode, pulumi.Output[Literal[1, 2] | None])
assert_type(job.resource_config, pulumi.Output[dli.ResourceConfig | None])
assert_type(job.status, pulumi.Output[str])
assert_type(job.restart_times, pulumi.Output[int | None])

doubled: pulumi.Output[int] = job.parallel_number.apply(lambda number: 2 * (number or 1))
pulumi.export("doubled", doubled)
pulumi.export("status", job.status)
