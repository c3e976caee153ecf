"""As many resources as the program `jobs` declares, with as many properties, that do nothing."""

import os

from nothing import Nothing

from pulumi_dli import FlinkJarJob

first = [Nothing(name, {}) for name in ("queue", "group")]
for number in range(int(os.environ["BENCH_JOBS"])):
    Nothing(
        f"bench-{number}",
        {
            **dict.fromkeys(FlinkJarJob.facts),
            "queue_name": first[0].id,
            "entrypoint": first[1].id,
            "smn_topic": os.environ["BENCH_TOPIC"],
            "entrypoint_args": f"--number {number} --version {os.environ['BENCH_VERSION']}",
            **{f"field_{index}": index for index in range(10)},
        },
    )
