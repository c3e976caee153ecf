"""A stream that reads Kafka in a VPC: a pool with a queue, the way into the VPC, and a job that takes it."""

import pulumi

import pulumi_dli as dli

config = pulumi.Config()
bucket = config.get("bucket") or "my-bucket"

# Where the brokers are. With the provider of your cloud these are outputs: `subnet.vpc_id`, `subnet.id`, `subnet.cidr`.
vpc, subnet, subnet_cidr = (config.require(name) for name in ("vpc", "subnet", "subnetCidr"))
brokers = config.require("brokers").split(",")

# Networks of pools must overlap neither the subnet nor each other, and never change: plan them.
streams = dli.ElasticResourcePool("streams", min_cu=64, max_cu=64, cidr_in_vpc="10.10.0.0/16")
pools = [streams.elastic_resource_pool_name]
if config.get_bool("reports"):
    reports = dli.ElasticResourcePool("reports", min_cu=64, max_cu=64, cidr_in_vpc="10.11.0.0/16")
    pools.append(reports.elastic_resource_pool_name)

queue = dli.Queue("clicks", cu_count=16, elastic_resource_pool_name=streams.elastic_resource_pool_name)

kafka = dli.DatasourceConnection(
    "kafka",
    dest_vpc_id=vpc,
    dest_network_id=subnet,
    dest_cidr=subnet_cidr,  # so that the preview sees overlaps
    elastic_resource_pools=pools,
    hosts=[{"name": f"broker-{number}", "ip": ip} for number, ip in enumerate(brokers, start=1)],
)

job = dli.FlinkJarJob(
    "clicks-per-minute",
    queue_name=queue.queue_name,
    flink_version="1.15",
    feature="basic",
    execution_agency_urn=config.get("agency") or "my-agency",  # without it Flink 1.15 makes no savepoints
    entrypoint=f"obs://{bucket}/clicks.jar",
    main_class="example.Clicks",
    entrypoint_args=["--bootstrap-servers", "broker-1:9092,broker-2:9092"],
    checkpoint_enabled=True,
    obs_bucket=bucket,
    # The way is there before the job starts, and stays until it has stopped with its last savepoint.
    opts=pulumi.ResourceOptions(depends_on=[kafka]),
)

pulumi.export("peerings", kafka.peerings)
pulumi.export("status", job.status)
