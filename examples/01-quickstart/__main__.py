"""Today's flow of Data Lake Insight as a declaration: an elastic resource pool, a queue in it, a jar, a running job."""

import pulumi

import pulumi_dli as dli

config = pulumi.Config()
bucket = config.get("bucket") or "my-bucket"

pool = dli.ElasticResourcePool(
    "streams",
    label={"spec": "basic"},  # the small edition, for trying out; without it a pool has 64 CUs at least
    min_cu=16,
    max_cu=64,
    cidr_in_vpc="172.16.0.0/19",  # it never changes: choose one that overlaps no network of your data sources
)

queue = dli.Queue(
    "orders",
    cu_count=16,
    elastic_resource_pool_name=pool.elastic_resource_pool_name,
)

# Uploads a local file; the path of an object that is there already does as well: entrypoint="obs://my-bucket/app.jar".
app = dli.UploadedPackage("app", source=config.get("jar") or "app.jar", bucket=bucket)

job = dli.FlinkJarJob(
    "counter",
    queue_name=queue.queue_name,
    # The only version that is not at the end of its life. It reads and writes OBS by an agency of yours alone.
    flink_version="1.15",
    feature="basic",  # the service's own image: flink_version counts with this one only (dli_02_0234)
    execution_agency_urn=config.get("agency") or "my-agency",  # its name
    entrypoint=app.package,
    main_class="org.example.Counter",
    parallel_number=config.get_int("parallelism") or 1,
    obs_bucket=bucket,  # savepoints, checkpoints and logs go here
    checkpoint_enabled=True,
    log_enabled=True,
)

pulumi.export("job_id", job.job_id)
pulumi.export("status", job.status)
pulumi.export("jar", app.path)
pulumi.export("savepoint", job.savepoint_path)
