"""Each documented sample request, replayed: status and shape are as documented (dli-api 4 to 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.documented import SEED_JOB
from tests.emulator.conftest import Caller

JOBS = "/v1.0/{p}/streaming"
QUEUES = "/v1.0/{p}/queues"
RESOURCES = "/v2.0/{p}/resources"
ACCEPTED = [{"is_success": "true", "message": str}]
POOLS = "/v3/{p}/elastic-resource-pools"
CONNECTIONS = "/v2.0/{p}/datasource/enhanced-connections"
GRAPH_SQL = (
    "create table orders(\r\n  name string,\r\n  num int\r\n) with (\r\n  'connector' = 'datagen',\r\n"
    "  'rows-per-second' = '1', --Generate a data record per second.\r\n  'fields.name.kind' = 'random', --Specify a "
    "random generator for the user_id field.\r\n  'fields.name.length' = '5' --Limit the length of user_id to 3.\r\n);"
    "\r\n \r\nCREATE TABLE sink_table (\r\n  name string,\r\n  num int\r\n) WITH (\r\n   'connector' = 'print'\r\n);"
    "\r\nINSERT into sink_table SELECT * FROM orders;"
)


def _entry(priority: int, start: str, stop: str) -> dict[str, Any]:
    times = {"impact_start_time": start, "impact_stop_time": stop}
    return {"priority": priority, **times, "min_cu": "64", "max_cu": "752"}


@dataclass(frozen=True)
class Sample:
    """A request and what it answers; a type in `shape` stands for any value of it."""

    name: str
    method: str
    path: str
    body: Any = None
    status: int = 200
    shape: Any = None
    query: dict[str, str] = field(default_factory=dict)


NUMBERED = {"is_success": "true", "message": str, "job": {"job_id": int, "status_name": "job_init", "status_desc": ""}}
SAMPLES = (
    Sample(
        "4.1 create a queue",
        "POST",
        QUEUES,
        {
            "queue_name": "queue1",
            "description": "test",
            "cu_count": 16,
            "charging_mode": 1,
            "enterprise_project_id": "0",
        },
        shape={"is_success": True, "message": "", "queue_name": "queue1"},
    ),
    Sample(
        "4.1 create a queue of two zones",
        "POST",
        QUEUES,
        {"queue_name": "Two", "cu_count": 64, "resource_mode": 1, "labels": ["multi_az=2"], "queue_type": "general"},
        shape={"is_success": True, "message": "", "queue_name": "two"},
    ),
    Sample("4.2 list queues", "GET", QUEUES, shape={"is_success": True, "message": "", "queues": list}),
    Sample(
        "4.3 queue details",
        "GET",
        f"{QUEUES}/q",
        shape={
            "is_success": True,
            "message": "",
            "owner": str,
            "description": "",
            "queueName": "q",
            "create_time": int,
            "queueType": "general",
            "cuCount": 16,
            "resource_id": str,
            "resource_mode": 1,
            "resource_type": "vm",
            "cu_spec": 16,
        },
    ),
    Sample("4.4 delete a queue", "DELETE", f"{QUEUES}/q", shape={"is_success": True, "message": ""}),
    Sample(
        "4.5 restart an SQL queue, forced, with a text as flag",
        "PUT",
        f"{QUEUES}/default/action",
        {"action": "restart", "force": "true"},
        shape={"is_success": True, "message": str, "job_id": str},
    ),
    Sample(
        "4.5 action on no queue",
        "PUT",
        f"{QUEUES}/test/action",
        {"action": "restart", "force": "false"},
        400,
        {"error_code": "DLI.0008", "error_msg": "There is no queue named test"},
    ),
    Sample("4.6 change the CIDR", "PUT", f"{QUEUES}/q", {"cidr_in_vpc": "10.0.0.0/14"}, shape={"is_success": True}),
    Sample("4.7 quotas", "GET", "/v3/{p}/quotas", shape={"is_success": True, "quotas": {"resources": list}}),
    Sample(
        "4.12 create a pool with its charging mode as text",
        "POST",
        "/v3/{p}/elastic-resource-pools",
        {
            "elastic_resource_pool_name": "elastic_pool",
            "description": "test",
            "cidr_in_vpc": "172.16.0.0/14",
            "charging_mode": "1",
            "min_cu": 64,
            "max_cu": 64,
        },
        shape={"is_success": True, "elastic_resource_pool_name": "elastic_pool"},
    ),
    Sample(
        "5.2 upload packages",
        "POST",
        RESOURCES,
        {
            "paths": ["https://jars.obs.eu-de.otc.t-systems.com/test.jar"],
            "kind": "jar",
            "group": "gatk",
            "is_async": "true",
        },
        201,
        {"group_name": "gatk", "status": "UPLOADING", "resources": ["test.jar"], "details": list, "create_time": int},
    ),
    Sample("5.4 list packages", "GET", RESOURCES, shape={"resources": list, "groups": list, "modules": list}),
    Sample(
        "5.4 one package",
        "GET",
        f"{RESOURCES}/test.jar",
        query={"group": "myGroup"},
        shape={
            "create_time": int,
            "update_time": int,
            "resource_type": "jar",
            "resource_name": "test.jar",
            "status": "READY",
        },
    ),
    Sample(
        "5.6 change the owner",
        "PUT",
        f"{RESOURCES}/owner",
        {"new_owner": "scuser1", "group_name": "myGroup"},
        shape={"is_success": True, "message": ""},
    ),
    Sample("6.1 create the seed's job", "POST", f"{JOBS}/flink-jobs", {**SEED_JOB, "name": "another"}, shape=NUMBERED),
    Sample(
        "6.3 update a jar job",
        "PUT",
        f"{JOBS}/flink-jobs/138",
        {
            "name": "test1",
            "desc": "job for test",
            "job_type": "flink_jar_job",
            "queue_name": "testQueue",
            "cu_number": 2,
        },
        shape={"is_success": "true", "message": str, "job": {"update_time": int}},
    ),
    Sample(
        "6.4 create an SQL job",
        "POST",
        f"{JOBS}/sql-jobs",
        {"name": "myjob", "desc": "This is a job", "sql_body": "select * from s", "run_mode": "exclusive_cluster"},
        shape=NUMBERED,
    ),
    Sample("6.5 run", "POST", f"{JOBS}/jobs/run", {"job_ids": [138], "resume_savepoint": False}, shape=ACCEPTED),
    Sample(
        "6.5 run one that does not exist",
        "POST",
        f"{JOBS}/jobs/run",
        {"job_ids": [131, 138]},
        400,
        [{"error_code": "DLI.13007", "error_msg": str}, *ACCEPTED],
    ),
    Sample(
        "6.6 stop one that does not run",
        "POST",
        f"{JOBS}/jobs/stop",
        {"job_ids": [138], "trigger_savepoint": False},
        400,
        [{"error_code": "DLI.15002", "error_msg": str}],
    ),
    Sample("6.7 delete", "DELETE", f"{JOBS}/jobs/138", shape={"is_success": "true", "message": str}),
    Sample("6.7 delete in batches", "POST", f"{JOBS}/jobs/delete", {"job_ids": [138]}, shape=ACCEPTED),
    Sample(
        "6.8 list",
        "GET",
        f"{JOBS}/jobs",
        shape={
            "is_success": "true",
            "message": str,
            "job_list": {
                "total_count": 1,
                "jobs": [
                    {
                        "job_id": 138,
                        "name": "test",
                        "desc": "job for test",
                        "user_name": str,
                        "job_type": "flink_jar_job",
                        "status": "job_init",
                        "status_desc": "",
                        "create_time": int,
                        "start_time": 0,
                        "duration": 0,
                        "root_id": -1,
                        "graph_editor_enabled": False,
                        "has_savepoint": False,
                    }
                ],
            },
        },
    ),
    Sample(
        "6.9 details",
        "GET",
        f"{JOBS}/jobs/138",
        shape={
            "is_success": "true",
            "message": str,
            "job_detail": {
                "job_id": 138,
                "user_id": str,
                "project_id": str,
                "queue_name": "testQueue",
                "sql_body": "",
                "run_mode": "exclusive_cluster",
                "execution_graph": None,
                "start_time": None,
                "job_config": {
                    "checkpoint_enabled": False,
                    "checkpoint_interval": 10,
                    "checkpoint_mode": "exactly_once",
                    "log_enabled": True,
                    "manager_cu_number": 1,
                    "restart_when_exception": False,
                    "resource_config": dict,
                    "entrypoint": "javaQueueStream.jar",
                    "dependency_jars": ["myGroup/test.jar", "myGroup/test1.jar"],
                },
            },
        },
    ),
    Sample("6.9 no job", "GET", f"{JOBS}/jobs/1", None, 400, {"error_code": "DLI.16001", "error_msg": str}),
    Sample(
        "6.10 no graph",
        "GET",
        f"{JOBS}/jobs/138/execute-graph",
        None,
        400,
        {"error_code": "DLI.14001", "error_msg": str},
    ),
    Sample(
        "2.4 authorise",
        "POST",
        "/v1.0/{p}/dli/obs-authorize",
        {"obs_buckets": ["bucket1"]},
        shape={"is_success": "true"},
    ),
)


TODAY = (
    Sample(
        "create a pool as its page does (dli_02_0326)",
        "POST",
        POOLS,
        {
            "elastic_resource_pool_name": "elastic_pool_0623_02",
            "description": "test",
            "cidr_in_vpc": "172.16.0.0/14",
            "charging_mode": "1",
            "max_cu": 684,
            "min_cu": 684,
        },
        shape={"is_success": True, "message": str, "elastic_resource_pool_name": "elastic_pool_0623_02"},
    ),
    Sample(
        "change a pool as its page does",
        "PUT",
        f"{POOLS}/held",
        {"description": "test_update", "min_cu": 78, "max_cu": 990},
        shape={"is_success": True, "message": ""},
    ),
    Sample(
        "change policies as their page does, with texts",
        "PUT",
        f"{POOLS}/held/queues/inside",
        {
            "queue_scaling_policies": [
                _entry(1, "00:00", "24:00"),
                _entry(100, "10:00", "22:00"),
                _entry(50, "22:00", "10:00"),
            ]
        },
        shape={"is_success": True, "message": ""},
    ),
    Sample(
        "list pools",
        "GET",
        POOLS,
        shape={
            "is_success": True,
            "count": 1,
            "message": "",
            "elastic_resource_pools": [
                {
                    "owner": str,
                    "charging_mode": 1,
                    "create_time": int,
                    "resource_id": str,
                    "enterprise_project_id": "0",
                    "description": str,
                    "cidr_in_vpc": "172.16.0.0/12",
                    "actual_cu": int,
                    "current_cu": int,
                    "fail_reason": "",
                    "prepay_cu": 0,
                    "id": int,
                    "elastic_resource_pool_name": "held",
                    "max_cu": 1024,
                    "min_cu": 96,
                    "status": "AVAILABLE",
                }
            ],
        },
    ),
    Sample(
        "create a connection as its page does (dli_02_0187)",
        "POST",
        CONNECTIONS,
        {
            "name": "test",
            "dest_vpc_id": "22094d8f-c310-4621-913d-4c4d655d8495",
            "dest_network_id": "78f2562a-36e4-4b39-95b9-f5aab22e1281",
            "queues": ["q", "testQueue"],
            "hosts": [{"ip": "192.168.0.1", "name": "ecs-97f8-0001"}, {"ip": "192.168.0.2", "name": "ecs-97f8-0002"}],
        },
        201,
        {"is_success": True, "message": str, "connection_id": str},
    ),
    Sample(
        "create a connection as the getting started page does, with a pool as text",
        "POST",
        CONNECTIONS,
        {
            "name": "test1",
            "dest_vpc_id": "22094d8f-c310-4621-913d-4c4d655d8495",
            "dest_network_id": "78f2562a-36e4-4b39-95b9-f5aab22e1281",
            "elastic_resource_pools": "held",
        },
        201,
        {"is_success": True, "message": str, "connection_id": str},
    ),
    Sample(
        "create an SQL job as its page does (dli_02_0228)",
        "POST",
        f"{JOBS}/sql-jobs",
        {
            "name": "myjob",
            "desc": "This is a job used for counting characters.",
            "template_id": 100000,
            "queue_name": "testQueue",
            "sql_body": "select * from source_table",
            "run_mode": "exclusive_cluster",
            "cu_number": 2,
            "parallel_number": 1,
            "checkpoint_enabled": False,
            "checkpoint_mode": "exactly_once",
            "checkpoint_interval": 0,
            "obs_bucket": "my_obs_bucket",
            "log_enabled": False,
            "restart_when_exception": False,
            "idle_state_retention": 3600,
            "job_type": "flink_sql_job",
            "dirty_data_strategy": "0",
            "execution_agency_urn": "myAgencyName",
            "udf_jar_url": "group/test.jar",
        },
        shape=NUMBERED,
    ),
    Sample(
        "update an SQL job as its page does (dli_02_0229)",
        "PUT",
        f"{JOBS}/sql-jobs/139",
        {
            "name": "myjob",
            "desc": "My first job",
            "queue_name": "testQueue",
            "sql_body": "select * from source_table",
            "run_mode": "shared_cluster",
            "cu_number": 4,
            "parallel_number": 4,
            "checkpoint_enabled": False,
            "checkpoint_mode": "exactly_once",
            "checkpoint_interval": 10,
            "obs_bucket": "",
            "log_enabled": False,
            "smn_topic": "",
            "restart_when_exception": False,
            "idle_state_retention": 3600,
            "edge_group_ids": ["62de1e1c-066e-48a8-a79d-f461a31b2ee1", "2eb00f85-99f2-4144-bcb7-d39ff47f9002"],
            "dirty_data_strategy": "0",
            "execution_agency_urn": "myAgencyName",
            "udf_jar_url": "group/test.jar",
        },
        shape={"is_success": "true", "message": str, "job": {"update_time": int}},
    ),
    Sample(
        "a static stream graph as its page does (dli_02_0316)",
        "POST",
        "/v3/{p}/streaming/jobs/139/gen-graph",
        {
            "job_type": "flink_opensource_sql_job",
            "graph_type": "job_graph",
            "sql_body": GRAPH_SQL,
            "cu_number": 2,
            "manager_cu_number": 1,
            "parallel_number": 2,
            "tm_cus": 1,
            "tm_slot_num": 0,
            "operator_config": "",
            "static_estimator": True,
            "flink_version": "1.12",
            "static_estimator_config": (
                '{"operator_list":[{"id":"0a448493b4782967b150582570326227","output_rate":1000},'
                '{"id":"bc764cd8ddf7a0cff126f51c16239658","output_rate":1000}]}'
            ),
        },
        shape={"is_success": True, "message": "", "error_code": "", "stream_graph": str},
    ),
    Sample("list connections", "GET", CONNECTIONS, shape={"is_success": True, "count": 0, "connections": []}),
)


@pytest.fixture
def seeded(call: Caller) -> Caller:
    """The seed's project: queue, packages, and its job with the number 138."""
    call.queue("testQueue")
    call.queue("q")
    for name in ("test.jar", "test1.jar", "test.csv", "test1.csv"):
        call.package(name, "myGroup")
    call.package("javaQueueStream.jar", "")
    call.job(**SEED_JOB)
    return call


@pytest.fixture
def today(seeded: Caller) -> Caller:
    """And a pool with a queue in it, and an SQL job with the number 139."""
    pool = {"elastic_resource_pool_name": "held", "min_cu": 96, "max_cu": 1024}
    assert seeded("POST", POOLS, pool).ok
    seeded.emulator.advance(180)
    seeded.queue("inside", elastic_resource_pool_name="held", cu_count=64)
    seeded.emulator.advance(300)
    sql = {"name": "draft", "job_type": "flink_sql_job", "run_mode": "exclusive_cluster", "queue_name": "testQueue"}
    assert seeded("POST", f"{JOBS}/sql-jobs", sql).json()["job"]["job_id"] == 139
    return seeded


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_documented_request_has_the_documented_answer(seeded: Caller, sample: Sample) -> None:
    answer = seeded(sample.method, sample.path, sample.body, params=sample.query)
    assert answer.status_code == sample.status, answer.text
    assert _differences(sample.shape, answer.json()) == []
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("sample", TODAY, ids=lambda sample: sample.name)
def test_a_documented_request_of_todays_services_has_the_documented_answer(today: Caller, sample: Sample) -> None:
    answer = today(sample.method, sample.path, sample.body, params=sample.query)
    assert answer.status_code == sample.status, answer.text
    assert _differences(sample.shape, answer.json()) == []


def test_the_deletion_of_a_package_has_no_body(seeded: Caller) -> None:
    answer: requests.Response = seeded("DELETE", f"{RESOURCES}/test.jar", params={"group": "myGroup"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_seeds_own_run_request_succeeds_with_the_switch(seeded: Caller) -> None:
    ids = [seeded.job(f"job{n}", queue_name="testQueue", entrypoint="javaQueueStream.jar") for n in range(3)]
    seeded.emulator.quirk(ignore_missing_savepoint=True)
    answer = seeded.run(138, *ids, resume=True)
    assert (answer.status_code, len(answer.json())) == (200, 4)
    seeded.emulator.advance(480)
    assert seeded.status(138) == "job_running"


def _differences(shape: Any, found: Any, where: str = "answer") -> list[str]:
    """What a documented shape asks for and the answer does not have; more fields are welcome."""
    if isinstance(shape, type):
        return [] if isinstance(found, shape) else [f"{where}: {found!r} is no {shape.__name__}"]
    if isinstance(shape, dict):
        if not isinstance(found, dict):
            return [f"{where}: {found!r} is no object"]
        missing = [f"{where}.{key} is missing" for key in shape.keys() - found.keys()]
        return missing + [
            d for key in shape.keys() & found.keys() for d in _differences(shape[key], found[key], f"{where}.{key}")
        ]
    if isinstance(shape, list):
        if not isinstance(found, list) or len(found) != len(shape):
            return [f"{where}: {found!r} is not a list of {len(shape)}"]
        return [d for n, item in enumerate(shape) for d in _differences(item, found[n], f"{where}[{n}]")]
    return [] if shape == found and type(shape) is type(found) else [f"{where}: {found!r} instead of {shape!r}"]
