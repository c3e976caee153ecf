"""The vendor's own Python client walks the seed's flow: a witness whom we did not write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions import exceptions
from huaweicloudsdkdli import v1 as dli

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.testing import Emulator
from tests.emulator.conftest import PROJECT

# the vendor marks its package calls so; they are the seed's flow
pytestmark = pytest.mark.filterwarnings("ignore:Method '.*_job_resources?' of DliClient is deprecated")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(credentials=Credentials(access_key="AK", secret_key="SK", project_id=PROJECT)) as emulator:
        yield emulator


def client_of(emulator: Emulator, secret: str) -> Any:
    credentials = BasicCredentials("AK", secret, PROJECT)
    return dli.DliClient.new_builder().with_credentials(credentials).with_endpoints([emulator.url]).build()


def test_the_seeds_flow_from_the_queue_to_the_tear_down(emulator: Emulator) -> None:
    client = client_of(emulator, "SK")
    queue = dli.CreateQueueRequestBody(queue_name="testQueue", queue_type="general", cu_count=16, resource_mode=1)
    assert client.create_queue(dli.CreateQueueRequest(body=queue)).queue_name == "testqueue"

    urls = {}
    for name in ("test.jar", "test1.jar", "test.csv", "test1.csv", "javaQueueStream.jar"):
        emulator.put_object("bucket", name, name.encode())
        urls[name] = f"https://bucket.obs.eu-de.otc.t-systems.com/{name}"
    _upload(client, [urls["test.jar"], urls["test1.jar"]], "jar", "myGroup")
    _upload(client, [urls["test.csv"], urls["test1.csv"]], "file", "myGroup")
    _upload(client, [urls["javaQueueStream.jar"]], "jar", "")
    emulator.advance(20)

    one = client.show_job_resource(dli.ShowJobResourceRequest(resource_name="test1.jar", group="myGroup"))
    assert one.status == "READY"
    listed = client.list_job_resources(dli.ListJobResourcesRequest())
    assert sorted(listed.groups[0].resources) == ["test.csv", "test.jar", "test1.csv", "test1.jar"]

    body = dli.CreateFlinkJarJobRequestBody(
        name="test",
        desc="job for test",
        queue_name="testQueue",
        manager_cu_number=1,
        cu_number=2,
        parallel_number=1,
        tm_cus=1,
        tm_slot_num=1,
        log_enabled=True,
        obs_bucket="bucketName",
        smn_topic="topic",
        main_class="org.apache.flink.examples.streaming.JavaQueueStream",
        restart_when_exception=False,
        entrypoint="javaQueueStream.jar",
        entrypoint_args="-windowSize 2000 -rate3",
        dependency_jars=["myGroup/test.jar", "myGroup/test1.jar"],
        dependency_files=["myGroup/test.csv", "myGroup/test1.csv"],
    )
    job = client.create_flink_jar_job(dli.CreateFlinkJarJobRequest(body=body)).job
    assert (job.job_id, job.status_name) == (138, "job_init")

    run = dli.BatchRunFlinkJobsRequestBody(job_ids=[138], resume_savepoint=False)
    client.batch_run_flink_jobs(dli.BatchRunFlinkJobsRequest(body=run))
    assert _status(client) == "job_submitting"
    emulator.advance(480)
    assert _status(client) == "job_running"

    stop = dli.StopFlinkJobsRequestBody(job_ids=[138], trigger_savepoint=True)
    client.batch_stop_flink_jobs(dli.BatchStopFlinkJobsRequest(body=stop))
    emulator.advance(40)
    assert _status(client) == "job_cancel_success"

    client.delete_flink_job(dli.DeleteFlinkJobRequest(job_id=138))
    for name, group in (("test.jar", "myGroup"), ("javaQueueStream.jar", None)):
        client.delete_job_resource(dli.DeleteJobResourceRequest(resource_name=name, group=group))
    client.delete_queue(dli.DeleteQueueRequest(queue_name="testQueue"))
    with pytest.raises(exceptions.ClientRequestException) as gone:
        client.show_queue(dli.ShowQueueRequest(queue_name="testqueue"))
    assert (gone.value.status_code, gone.value.error_code) == (400, "DLI.0002")


def test_todays_flow_from_the_pool_to_the_tear_down(emulator: Emulator) -> None:
    """Pool, queue in it, connection, SQL job on Flink 1.15 with an agency, savepoint, and everything away again."""
    emulator.reset()
    client = client_of(emulator, "SK")
    pool = dli.CreateElasticResourcePoolRequestBody(
        elastic_resource_pool_name="Streams", min_cu=64, max_cu=128, cidr_in_vpc="172.16.0.0/19", charging_mode=1
    )
    made = client.create_elastic_resource_pool(dli.CreateElasticResourcePoolRequest(body=pool))
    assert made.elastic_resource_pool_name == "streams"
    assert _pool(client).status == "CREATING"
    emulator.advance(180)
    assert (_pool(client).status, _pool(client).max_cu) == ("AVAILABLE", 128)
    tags = dli.ShowResourceTagsRequest("dli_elastic_resource_pool", _pool(client).resource_id)
    added = dli.BatchCreateResourceTagsRequestBody(tags=[dli.Tag("team", "streams")])
    client.batch_create_resource_tags(
        dli.BatchCreateResourceTagsRequest("dli_elastic_resource_pool", _pool(client).resource_id, added)
    )
    assert [(tag.key, tag.value) for tag in client.show_resource_tags(tags).tags] == [("team", "streams")]

    queue = dli.CreateQueueRequestBody(
        queue_name="q", queue_type="general", cu_count=16, resource_mode=1, elastic_resource_pool_name="streams"
    )
    client.create_queue(dli.CreateQueueRequest(body=queue))
    emulator.advance(300)
    policies = [_policy(1, "00:00", "24:00", 32), _policy(5, "08:00", "20:00", 64)]
    body = dli.UpdateElasticResourcePoolQueueRequestBody(queue_scaling_policies=policies)
    client.update_elastic_resource_pool_queue(dli.UpdateElasticResourcePoolQueueRequest("streams", "q", body))
    listed = client.list_elastic_resource_pool_queues(dli.ListElasticResourcePoolQueuesRequest("streams", limit=100))
    assert [(row.queue_name, len(row.queue_scaling_policies)) for row in listed.queues] == [("q", 2)]

    connection = dli.CreateEnhancedConnectionRequestBody(
        name="kafka", dest_vpc_id="vpc", dest_network_id="network", elastic_resource_pools=["streams"]
    )
    connected = client.create_enhanced_connection(dli.CreateEnhancedConnectionRequest(body=connection))
    emulator.advance(30)
    shown = client.show_enhanced_connection(dli.ShowEnhancedConnectionRequest(connected.connection_id))
    assert [(row.name, row.status) for row in shown.elastic_resource_pools] == [("streams", "ACTIVE")]

    job = dli.CreateFlinkSqlJobRequestBody(
        name="sql",
        job_type="flink_opensource_sql_job",
        run_mode="exclusive_cluster",
        queue_name="q",
        sql_body="create table s (a int) with ('connector' = 'datagen'); insert into t select a from s",
        flink_version="1.15",
        execution_agency_urn="own_agency",
        checkpoint_enabled=True,
        obs_bucket="bucket",
    )
    job_id = client.create_flink_sql_job(dli.CreateFlinkSqlJobRequest(body=job)).job.job_id
    graph = dli.CreateFlinkSqlJobGraphRequestBody(sql_body=job.sql_body, flink_version="1.12")
    assert client.create_flink_sql_job_graph(dli.CreateFlinkSqlJobGraphRequest(str(job_id), graph)).is_success
    run = dli.BatchRunFlinkJobsRequestBody(job_ids=[job_id], resume_savepoint=False)
    client.batch_run_flink_jobs(dli.BatchRunFlinkJobsRequest(body=run))
    emulator.advance(480)
    assert _status(client, job_id) == "job_running"
    stop = dli.StopFlinkJobsRequestBody(job_ids=[job_id], trigger_savepoint=True)
    client.batch_stop_flink_jobs(dli.BatchStopFlinkJobsRequest(body=stop))
    emulator.advance(40)
    assert _status(client, job_id) == "job_cancel_success"

    client.delete_flink_job(dli.DeleteFlinkJobRequest(job_id=job_id))
    client.delete_enhanced_connection(dli.DeleteEnhancedConnectionRequest(connected.connection_id))
    client.delete_queue(dli.DeleteQueueRequest(queue_name="q"))
    emulator.advance(900)
    client.delete_elastic_resource_pool(dli.DeleteElasticResourcePoolRequest("streams"))
    assert client.list_elastic_resource_pools(dli.ListElasticResourcePoolsRequest()).elastic_resource_pools == []


def test_todays_jar_job_keeps_its_state_through_an_upgrade(emulator: Emulator) -> None:
    """Pool, queue in it, jar job on Flink 1.15: runs, makes a savepoint, stops, changes, goes on, and all goes away."""
    emulator.reset()
    client = client_of(emulator, "SK")
    for name in ("app-v1.jar", "app-v2.jar"):
        emulator.put_object("bucket", name, name.encode())
    pool = dli.CreateElasticResourcePoolRequestBody(
        elastic_resource_pool_name="streams", min_cu=16, max_cu=64, label={"spec": "basic"}
    )
    client.create_elastic_resource_pool(dli.CreateElasticResourcePoolRequest(body=pool))
    emulator.advance(180)
    queue = dli.CreateQueueRequestBody(
        queue_name="orders", queue_type="general", cu_count=16, resource_mode=1, elastic_resource_pool_name="streams"
    )
    client.create_queue(dli.CreateQueueRequest(body=queue))

    body = dli.CreateFlinkJarJobRequestBody(
        name="counter",
        queue_name="orders",
        flink_version="1.15",
        feature="basic",
        execution_agency_urn="my-agency",
        entrypoint="obs://bucket/app-v1.jar",
        main_class="org.example.Counter",
        obs_bucket="bucket",
        checkpoint_enabled=True,
        log_enabled=True,
        resource_config_version="v2",
        resource_config=dli.ResourceConfig(
            max_slot=1,
            parallel_number=1,
            jobmanager_resource_spec=dli.ResourceSpec(cpu=1, memory="4G"),
            taskmanager_resource_spec=dli.ResourceSpec(cpu=1, memory="4G"),
        ),
    )
    job_id = client.create_flink_jar_job(dli.CreateFlinkJarJobRequest(body=body)).job.job_id
    _run(client, job_id, resume=False)
    emulator.advance(480)
    assert _status(client, job_id) == "job_running"

    asked = dli.ExecuteFlinkJobSavepointRequestBody(action="TRIGGER", savepoint_path="bucket/by-hand/")
    made = client.execute_flink_job_savepoint(dli.ExecuteFlinkJobSavepointRequest(job_id=job_id, body=asked))
    assert str(made.is_success).lower() == "true"
    emulator.advance(40)
    stop = dli.StopFlinkJobsRequestBody(job_ids=[job_id], trigger_savepoint=True)
    client.batch_stop_flink_jobs(dli.BatchStopFlinkJobsRequest(body=stop))
    emulator.advance(40)
    stopped = client.show_flink_job(dli.ShowFlinkJobRequest(job_id=job_id)).job_detail
    assert (stopped.status, stopped.has_savepoint) == ("job_cancel_success", True)

    changed = dli.UpdateFlinkJarJobRequestBody(entrypoint="obs://bucket/app-v2.jar")
    client.update_flink_jar_job(dli.UpdateFlinkJarJobRequest(job_id=job_id, body=changed))
    _run(client, job_id, resume=True)
    emulator.advance(60)
    shown = client.show_flink_job(dli.ShowFlinkJobRequest(job_id=job_id)).job_detail
    assert (shown.status, shown.job_config.entrypoint) == ("job_running", "obs://bucket/app-v2.jar")
    [known] = emulator.jobs()
    assert known["restored_from"] == [stopped.savepoint_path]

    client.batch_stop_flink_jobs(dli.BatchStopFlinkJobsRequest(body=stop))
    emulator.advance(40)
    client.delete_flink_job(dli.DeleteFlinkJobRequest(job_id=job_id))
    client.delete_queue(dli.DeleteQueueRequest(queue_name="orders"))
    with pytest.raises(exceptions.ClientRequestException, match="within 15 minutes"):
        client.delete_elastic_resource_pool(dli.DeleteElasticResourcePoolRequest("streams"))
    emulator.advance(900)
    client.delete_elastic_resource_pool(dli.DeleteElasticResourcePoolRequest("streams"))
    assert client.list_elastic_resource_pools(dli.ListElasticResourcePoolsRequest()).elastic_resource_pools == []


def test_what_todays_documents_forbid_is_refused_to_the_vendors_client_as_well(emulator: Emulator) -> None:
    emulator.reset()
    client = client_of(emulator, "SK")
    emulator.put_object("bucket", "app.jar", b"-")
    queue = dli.CreateQueueRequestBody(queue_name="alone", queue_type="general", cu_count=16, resource_mode=1)
    client.create_queue(dli.CreateQueueRequest(body=queue))
    today = {"name": "job", "queue_name": "alone", "flink_version": "1.15", "entrypoint": "obs://bucket/app.jar"}

    def create(**more: str) -> Any:
        body = dli.CreateFlinkJarJobRequestBody(**{**today, **more})
        return client.create_flink_jar_job(dli.CreateFlinkJarJobRequest(body=body))

    for more in ({"execution_agency_urn": "my-agency"}, {"entrypoint": "group/app.jar"}):
        with pytest.raises(exceptions.ClientRequestException) as refused:
            create(**more)
        assert (refused.value.status_code, refused.value.error_code) == (400, "DLI.0001")
    job_id = create().job.job_id
    _run(client, job_id, resume=False)
    emulator.advance(480)
    shown = client.show_flink_job(dli.ShowFlinkJobRequest(job_id=job_id)).job_detail
    assert shown.status == "job_submit_fail"
    assert "without an agency" in shown.status_desc


def test_the_vendors_signature_is_refused_with_another_secret(emulator: Emulator) -> None:
    client = client_of(emulator, "another")
    with pytest.raises(exceptions.ClientRequestException) as refused:
        client.list_queues(dli.ListQueuesRequest())
    assert (refused.value.status_code, refused.value.error_code) == (401, "APIGW.0301")


def _upload(client: Any, paths: list[str], kind: str, group: str) -> None:
    body = dli.UploadJobResourcesRequestBody(paths=paths, kind=kind, group=group, is_async=True)
    client.upload_job_resources(dli.UploadJobResourcesRequest(body=body))


def _run(client: Any, job_id: int, *, resume: bool) -> None:
    body = dli.BatchRunFlinkJobsRequestBody(job_ids=[job_id], resume_savepoint=resume)
    client.batch_run_flink_jobs(dli.BatchRunFlinkJobsRequest(body=body))


def _status(client: Any, job_id: int = 138) -> str:
    return str(client.show_flink_job(dli.ShowFlinkJobRequest(job_id=job_id)).job_detail.status)


def _pool(client: Any) -> Any:
    return client.list_elastic_resource_pools(
        dli.ListElasticResourcePoolsRequest(name="streams")
    ).elastic_resource_pools[0]


def _policy(priority: int, start: str, stop: str, most: int) -> Any:
    return dli.QueueScalingPolicy(
        priority=priority, impact_start_time=start, impact_stop_time=stop, min_cu=16, max_cu=most
    )
