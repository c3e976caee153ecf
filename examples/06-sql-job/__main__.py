"""A stream as SQL: the text stands in a file beside the program, where editors and reviewers read it as SQL."""

import pulumi

import pulumi_dli as dli

config = pulumi.Config()
bucket = config.get("bucket") or "my-bucket"

queue = dli.Queue("orders", cu_count=16)

job = dli.FlinkSqlJob(
    "orders-per-customer",
    queue_name=queue.queue_name,
    flink_version="1.12",  # the versions that a queue offers for SQL: its support_opensource_flink_versions
    sql_file="orders.sql",
    idle_state_retention=config.get_int("retention") or 3600,
    checkpoint_enabled=True,
    obs_bucket=bucket,
    # Another text makes other operators, which no savepoint is known to fit: the preview refuses it until the program
    # says allow_sql_change=True (tries it, and goes back when it fails) or upgrade_mode="stateless" (drops the state).
    allow_sql_change=config.get_bool("allowSqlChange"),
)

pulumi.export("status", job.status)
pulumi.export("savepoint", job.savepoint_path)
