"""The flow of DLI's guide of 2023 as a declaration: queue, packages in a group, a query of them, jobs run in a batch.

For those who still run Flink 1.12 on queues outside of pools: see README.md. New streams begin with 01-quickstart.
"""

import pulumi

import pulumi_dli as dli

config = pulumi.Config()
bucket = config.get("bucket") or "bucketname"
count = config.get_int("jobs") or 4

# For general use and dedicated (`resource_mode` 1, which is what a queue gets).
queue = dli.Queue("testQueue", cu_count=16)

files = ["javaQueueStream.jar", "test.jar", "test1.jar", "test.csv", "test1.csv"]
group = dli.PackageGroup("myGroup", packages=[f"obs://{bucket}/{name}" for name in files])

# The guide's query: what the group holds, and that the service has read all of it.
found = dli.get_package_group_output(group.id)

# `pulumi up` creates these side by side, and starts them with one call of "Running Jobs in Batches".
jobs = [
    dli.FlinkJarJob(
        name,
        desc="job for test",
        queue_name=queue.queue_name,
        flink_version="1.12",  # the last one that takes packages of a group and needs no pool and no agency
        manager_cu_number=1,
        cu_number=2,
        parallel_number=1,
        tm_cus=1,
        tm_slot_num=1,
        log_enabled=True,
        obs_bucket=bucket,
        smn_topic="topic",
        main_class="org.apache.flink.examples.streaming.JavaQueueStream",
        restart_when_exception=False,
        entrypoint=group.package("javaQueueStream.jar"),
        entrypoint_args="-windowSize 2000 -rate3",
        dependency_jars=[group.package("test.jar"), group.package("test1.jar")],
        dependency_files=[group.package("test.csv"), group.package("test1.csv")],
    )
    for name in ["test", *(f"test{number}" for number in range(1, count))]
]

pulumi.export("packages", found.packages)
pulumi.export("job_ids", [job.job_id for job in jobs])
pulumi.export("statuses", [job.status for job in jobs])
