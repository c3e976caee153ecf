"""Declares a queue, the jar of one version of the counter, and the job that counts with it."""

from pathlib import Path

import pulumi

import pulumi_dli as dli

settings = pulumi.Config()
version = settings.get("version") or "v1"
output = settings.get("output") or "/tmp/stateful-counter.txt"
history = settings.get("history")  # a file that gets every count

queue = dli.Queue("counter", cu_count=16)

apps = dli.PackageGroup(
    "counter",
    bucket="counter-packages",
    packages=[dli.Package(str(Path(__file__).parent / "build" / f"counter-{version}.jar"), name="counter.jar")],
)

job = dli.FlinkJarJob(
    "stateful-counter",
    queue_name=queue.queue_name,
    entrypoint=apps.package("counter.jar"),
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
