"""A queue, a package group and BENCH_JOBS jobs. BENCH_VERSION changes a field that restarts, BENCH_TOPIC a live one."""

import math
import os

import pulumi

import pulumi_dli as dli

CUS = 2  # of a job
COUNT = int(os.environ["BENCH_JOBS"])
queue = dli.Queue("bench", cu_count=math.ceil(COUNT * CUS / 16) * 16)  # jobs beyond a queue's CUs are not submitted
group = dli.PackageGroup("benchgroup", packages=["obs://bench/app.jar", "obs://bench/lib.jar"])
jobs = [
    dli.FlinkJarJob(
        f"bench-{number}",
        queue_name=queue.queue_name,
        cu_number=CUS,
        parallel_number=1,
        tm_cus=1,
        tm_slot_num=1,
        log_enabled=True,
        obs_bucket="bench",
        smn_topic=os.environ["BENCH_TOPIC"],
        checkpoint_enabled=True,
        checkpoint_interval=60,
        main_class="org.example.Stream",
        entrypoint=group.package("app.jar"),
        entrypoint_args=f"--number {number} --version {os.environ['BENCH_VERSION']}",
        dependency_jars=[group.package("lib.jar")],
        tags={"purpose": "bench"},
    )
    for number in range(COUNT)
]
pulumi.export("statuses", pulumi.Output.all(*[job.status for job in jobs]).apply(lambda found: sorted(set(found))))
