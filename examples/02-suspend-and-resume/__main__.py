"""One job whose run state is declared: running, suspended with its state, or a draft."""

import pulumi

import pulumi_dli as dli

config = pulumi.Config()
bucket = config.get("bucket") or "my-bucket"

pool = dli.ElasticResourcePool("nights", label={"spec": "basic"}, min_cu=16, max_cu=64)

queue = dli.Queue("nightly", cu_count=16, elastic_resource_pool_name=pool.elastic_resource_pool_name)

job = dli.FlinkJarJob(
    "orders",
    queue_name=queue.queue_name,
    flink_version="1.15",
    feature="basic",
    execution_agency_urn=config.get("agency") or "my-agency",
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
