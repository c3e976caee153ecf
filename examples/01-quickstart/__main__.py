"""The flow of the DLI guide "Creating and Submitting a Flink Job" as a declaration: queue, packages, a running job."""

import pulumi

import pulumi_dli as dli

config = pulumi.Config()
bucket = config.get("bucket") or "bucketname"

queue = dli.Queue(
    "testQueue",
    cu_count=16,
    # New queues outside of pools are deprecated: name yours here when you have one.
    elastic_resource_pool_name=config.get("pool"),
)

files = ["javaQueueStream.jar", "test.jar", "test1.jar", "test.csv", "test1.csv"]
group = dli.PackageGroup("myGroup", packages=[f"obs://{bucket}/{name}" for name in files])

job = dli.FlinkJarJob(
    "test",
    desc="job for test",
    queue_name=queue.queue_name,
    manager_cu_number=1,
    cu_number=2,
    parallel_number=config.get_int("parallelism") or 1,
    tm_cus=1,
    tm_slot_num=1,
    log_enabled=True,
    obs_bucket=bucket,
    smn_topic="topic",
    main_class="org.apache.flink.examples.streaming.JavaQueueStream",
    restart_when_exception=False,
    entrypoint=group.package("javaQueueStream.jar"),
    entrypoint_args="-windowSize 2000 -rate 3",
    dependency_jars=[group.package("test.jar"), group.package("test1.jar")],
    dependency_files=[group.package("test.csv"), group.package("test1.csv")],
)

pulumi.export("job_id", job.job_id)
pulumi.export("status", job.status)
pulumi.export("savepoint", job.savepoint_path)
