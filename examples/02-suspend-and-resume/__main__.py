"""One job whose run state is declared: running, suspended with its state, or a draft."""

import pulumi

import pulumi_dli as dli

config = pulumi.Config()
bucket = config.get("bucket") or "bucketname"

queue = dli.Queue("nightly", cu_count=16)

job = dli.FlinkJarJob(
    "orders",
    queue_name=queue.queue_name,
    entrypoint=f"obs://{bucket}/orders.jar",
    main_class="example.Orders",
    checkpoint_enabled=True,
    obs_bucket=bucket,
    # `suspended` stops the job with a savepoint; `running` resumes it from there.
    state=config.get("state") or "running",
    # Any new text makes a savepoint while the job runs on.
    savepoint_nonce=config.get("savepoint"),
    # A person's stop is drift that `up` mends here: the program alone says whether the job runs.
    repair="all",
)

pulumi.export("status", job.status)
pulumi.export("savepoint", job.savepoint_path)
pulumi.export("savepoints", job.savepoints)
