"""As many resources as the program `jobs` declares, of the size of its own, that do nothing."""

import os

from nothing import Nothing

queue, group = Nothing("queue", {}), Nothing("group", {})
for number in range(int(os.environ["BENCH_JOBS"])):
    Nothing(
        f"bench-{number}",
        {
            "queue_name": queue.id,
            "cu_number": 2,
            "parallel_number": 1,
            "tm_cus": 1,
            "tm_slot_num": 1,
            "log_enabled": True,
            "obs_bucket": "bench",
            "smn_topic": os.environ["BENCH_TOPIC"],
            "checkpoint_enabled": True,
            "checkpoint_interval": 60,
            "main_class": "org.example.Stream",
            "entrypoint": {"path": group.id, "digest": "0123456789abcdef"},
            "entrypoint_args": f"--number {number} --version {os.environ['BENCH_VERSION']}",
            "dependency_jars": [{"path": group.id, "digest": "fedcba9876543210"}],
            "tags": {"purpose": "bench"},
        },
    )
