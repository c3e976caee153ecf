"""Declares a pool, a queue in it, the jar of one version of the counter, and the job that counts with it."""

from pathlib import Path

import pulumi

import pulumi_dli as dli

settings = pulumi.Config()
version = settings.get("version") or "v1"
output = settings.get("output") or "/tmp/stateful-counter.txt"
history = settings.get("history")  # a file that gets every count

pool = dli.ElasticResourcePool("counter", label={"spec": "basic"}, min_cu=16, max_cu=64)

queue = dli.Queue("counter", cu_count=16, elastic_resource_pool_name=pool.elastic_resource_pool_name)

jar = Path(__file__).parent / "build" / f"counter-{version}.jar"
app = dli.UploadedPackage("counter", source=str(jar), bucket="counter-packages", name="counter.jar")

job = dli.FlinkJarJob(
    "stateful-counter",
    queue_name=queue.queue_name,
    flink_version="1.15",
    feature="basic",
    execution_agency_urn="counter-agency",  # the local DLI knows agencies by name only
    entrypoint=app.package,
    main_class="example.Counter",
    entrypoint_args=["--output", output, "--per-second", "10", *(["--history", history] if history else [])],
    checkpoint_enabled=True,
    checkpoint_interval=1,
    obs_bucket="counter-state",
    upgrade_mode=settings.get("upgradeMode") or "savepoint",
    stabilization_seconds=settings.get_int("stabilizationSeconds") or 3,
)

pulumi.export("job_id", job.id)
pulumi.export("count_file", output)
