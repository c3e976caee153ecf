"""Declares a queue, the jar of one version of the counter, and the job that counts with it."""

from pathlib import Path

import pulumi

import pulumi_dli as dli

settings = pulumi.Config()
version = settings.get("version") or "v1"
output = settings.get("output") or "/tmp/stateful-counter.txt"

queue = dli.Queue("counter", queue_name="counter", cu_count=16)

packages = dli.PackageGroup(
    "counter",
    group_name="counter",
    bucket="counter-packages",
    packages=[dli.Package(str(Path(__file__).parent / "build" / f"counter-{version}.jar"))],
)

job = dli.FlinkJarJob(
    "counter",
    name="stateful-counter",
    queue_name=queue.queue_name,
    entrypoint=packages.package(f"counter-{version}.jar"),
    main_class="example.Counter",
    entrypoint_args=f"--output {output} --per-second 10",
    checkpoint_enabled=True,
    checkpoint_interval=5,
    obs_bucket="counter-state",
    upgrade_mode=settings.get("upgrade_mode") or "savepoint",
    stabilization_seconds=settings.get_int("stabilization_seconds") or 10,
)

pulumi.export("job_id", job.id)
pulumi.export("count_file", output)
