"""The documented answers, replayed: what each call sends, and what its caller gets."""

from __future__ import annotations

import pytest

from pulumi_dli.api.flink_models import ItemResult
from pulumi_dli.api.job_status import JobStatus

P = "/v1.0/48cc2c48765f481480c7db940d6409d1"
P2 = "/v2.0/48cc2c48765f481480c7db940d6409d1"
P3 = "/v3/48cc2c48765f481480c7db940d6409d1"
OK = {"is_success": "true", "message": "done"}

QUEUE_DETAILS = {
    "is_success": True, "message": "", "owner": "testuser", "description": "", "queueName": "test",
    "create_time": 1587613028851, "queueType": "general", "cuCount": 16,
    "resource_id": "03d51b88-db63-4611-b779-9a72ba0cf58b", "resource_mode": 1, "resource_type": "vm", "cu_spec": 16,
}  # fmt: skip
GROUP = {
    "group_name": "gatk", "status": "READY", "resources": ["spark-sdv-app.jar", "wordcount.py"],
    "details": [{"create_time": 0, "update_time": 0, "resource_type": "jar", "resource_name": "spark-sdv-app.jar",
                 "status": "uploading", "underlying_name": "987e208d_spark-sdv-app.jar"}],
    "create_time": 1551334579654, "update_time": 1551345369070,
}  # fmt: skip
JOB_DETAIL = {
    "is_success": "true", "message": "Job detail query succeeds.",
    "job_detail": {
        "job_id": 104, "user_id": "011c99a26ae84a1bb963a75e7637d3fd", "queue_name": "flinktest", "name": "jptest",
        "desc": "", "sql_body": "", "run_mode": "exclusive_cluster", "job_type": "flink_jar_job",
        "main_class": None, "entrypoint_args": None, "execution_graph": None, "status": "job_init",
        "status_desc": "", "create_time": 1578466221525, "update_time": 1578467395713, "start_time": None,
        "job_config": {
            "checkpoint_enabled": False, "checkpoint_interval": 10, "checkpoint_mode": "exactly_once",
            "log_enabled": False, "obs_bucket": None, "root_id": -1, "edge_group_ids": None,
            "manager_cu_number": 1, "executor_number": None, "cu_number": 2, "parallel_number": 1,
            "smn_topic": None, "restart_when_exception": False, "entrypoint": "FemaleInfoCollection.jar",
            "runtime_config": '[{"key": "a", "value": "1"}]',
            "resource_config": {"max_slot": 1, "jobmanager_resource_spec": {"cpu": 1.0, "memory": "4G"}},
            "dependency_jars": ["FemaleInfoCollection.jar"], "dependency_files": ["ReadFromResource"]}}}  # fmt: skip


CALLS = [
    (lambda c: c.queues.create({"queue_name": "Orders", "cu_count": 16}), "POST", f"{P}/queues", {},
     {"queue_name": "Orders", "cu_count": 16}, {"is_success": True, "message": "", "queue_name": "orders"}, "orders"),
    (lambda c: c.queues.delete("Orders"), "DELETE", f"{P}/queues/Orders", {}, None,
     {"is_success": True, "message": ""}, None),
    (lambda c: c.queues.scale("q", "scale_out", 48), "PUT", f"{P}/queues/q/action", {},
     {"action": "scale_out", "cu_count": 48}, {"queue_name": "q", "result": True}, None),
    (lambda c: c.queues.restart("q", force=True), "PUT", f"{P}/queues/q/action", {},
     {"action": "restart", "force": True}, {"is_success": True, "message": "cancelling", "job_id": "u"}, None),
    (lambda c: c.queues.change_cidr("q", "10.0.0.0/14"), "PUT", f"{P}/queues/q", {},
     {"cidr_in_vpc": "10.0.0.0/14"}, {"is_success": True, "message": ""}, None),
    (lambda c: [q.queue_name for q in c.queues.list(tags={"a": "1", "b": "2"})], "GET", f"{P}/queues",
     {"queue_type": "all", "tags": "a=1,b=2"}, None, {"is_success": "true", "queues": [{"queue_name": "q"}]}, ["q"]),
    (lambda c: c.package_groups.delete_package("a b.jar", "g"), "DELETE", f"{P2}/resources/a b.jar", {"group": "g"},
     None, b"", None),
    (lambda c: c.package_groups.set_owner("boss", "g"), "PUT", f"{P2}/resources/owner", {},
     {"new_owner": "boss", "group_name": "g"}, {"is_success": "true", "message": ""}, None),
    (lambda c: c.package_groups.set_owner("boss", "g", "p.jar"), "PUT", f"{P2}/resources/owner", {},
     {"new_owner": "boss", "group_name": "g", "resource_name": "p.jar"}, {"is_success": True}, None),
    (lambda c: c.package_groups.get_package("p.jar", None).status, "GET", f"{P2}/resources/p.jar", {}, None,
     {"resource_name": "p.jar", "status": "READY"}, "READY"),
    (lambda c: c.flink_jobs.create_jar({"name": "j"}), "POST", f"{P}/streaming/flink-jobs", {}, {"name": "j"},
     {"is_success": "true", "job": {"job_id": 138, "status_name": "job_init", "status_desc": ""}}, 138),
    (lambda c: c.flink_jobs.create_jar({"name": "j"}), "POST", f"{P}/streaming/flink-jobs", {}, {"name": "j"},
     {"is_success": True, "job": {"job_id": 4294967296138}}, 4294967296138),
    (lambda c: c.flink_jobs.update_jar(138, {"desc": ""}), "PUT", f"{P}/streaming/flink-jobs/138", {}, {"desc": ""},
     {"is_success": "true", "job": {"update_time": 1516952770835}}, None),
    (lambda c: c.flink_jobs.run([138], False), "POST", f"{P}/streaming/jobs/run", {},
     {"job_ids": [138], "resume_savepoint": False}, [OK], [ItemResult(True, "", "done")]),
    (lambda c: c.flink_jobs.stop([128], True), "POST", f"{P}/streaming/jobs/stop", {},
     {"job_ids": [128], "trigger_savepoint": True}, [OK], [ItemResult(True, "", "done")]),
    (lambda c: c.flink_jobs.stop([128], False), "POST", f"{P}/streaming/jobs/stop", {},
     {"job_ids": [128], "trigger_savepoint": False}, OK, [ItemResult(True, "", "done")]),
    (lambda c: c.flink_jobs.delete(12), "DELETE", f"{P}/streaming/jobs/12", {}, None, OK, None),
    (lambda c: c.flink_jobs.delete_many([12, 232]), "POST", f"{P}/streaming/jobs/delete", {},
     {"job_ids": [12, 232]}, [OK, OK], [ItemResult(True, "", "done")] * 2),
    (lambda c: c.flink_jobs.savepoint(7, "bucket/dir/"), "POST", f"{P}/streaming/jobs/7/savepoint", {},
     {"action": "TRIGGER", "savepoint_path": "bucket/dir/"}, OK, None),
    (lambda c: c.flink_jobs.import_savepoint(7, "obs://b/d/"), "POST", f"{P}/streaming/jobs/7/import-savepoint", {},
     {"job_id": 7, "savepoint_path": "obs://b/d/"}, OK, None),
    (lambda c: c.flink_jobs.execute_graph(7).state, "GET", f"{P}/streaming/jobs/7/execute-graph", {}, None,
     {**OK, "execute_graph": {"jid": "x", "isStoppable": True, "state": "RUNNING", "end-time": -1}}, "RUNNING"),
    (lambda c: c.tags.list("dli_package_resource", "g#p.jar"), "GET", f"{P3}/dli_package_resource/g#p.jar/tags", {},
     None, {"tags": [{"key": "a", "value": "1"}, {"key": "b", "value": None}], "count": 2}, {"a": "1", "b": ""}),
    (lambda c: c.tags.create("dli_flink_job", "7", {"a": "1"}), "POST", f"{P3}/dli_flink_job/7/tags/create", {},
     {"tags": [{"key": "a", "value": "1"}]}, b"", None),
    (lambda c: c.tags.delete("dli_flink_job", "7", {"a": "1"}), "POST", f"{P3}/dli_flink_job/7/tags/delete", {},
     {"tags": [{"key": "a", "value": "1"}]}, b"success", None),
    (lambda c: c.tags.find_resources("dli_queue", {"o": "x"}), "POST", f"{P3}/dli_queue/resource-instances/filter",
     {"limit": "100", "offset": "0"}, {"tags": [{"key": "o", "values": ["x"]}]},
     {"total_count": 1, "resources": [{"resource_id": "q1", "tags": [{"key": "o", "value": "x"}]}]},
     {"q1": {"o": "x"}}),
    (lambda c: c.obs_authorize(["b"]), "POST", f"{P}/dli/obs-authorize", {}, {"obs_buckets": ["b"]}, OK, None),
]  # fmt: skip


@pytest.mark.parametrize(("call", "method", "path", "query", "body", "answer", "gives"), CALLS)
def test_a_call_sends_what_is_documented_and_reads_the_documented_answer(
    client, service, reply, call, method, path, query, body, answer, gives
):
    service.replies(reply(200, answer))
    assert call(client) == gives
    (received,) = service.received
    assert (received.method, received.path, received.query, received.json) == (method, path, query, body)
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["X-Language"] == "en-us"
    assert received.headers["User-Agent"].startswith("pulumi-dli/")


def test_queue_creation_may_answer_201_and_without_a_name(client, service, reply):
    service.replies(reply(201, {"is_success": True}))
    assert client.queues.create({"queue_name": "UPPER", "cu_count": 16}) == "upper"


@pytest.mark.parametrize("snake", [False, True])
def test_queue_details_are_read_in_both_spellings(client, service, reply, snake):
    renamed = {"queueName": "queue_name", "queueType": "queue_type", "cuCount": "cu_count"}
    answer = {renamed.get(key, key) if snake else key: value for key, value in QUEUE_DETAILS.items()}
    service.replies(reply(200, answer))
    queue = client.queues.get("TEST")
    assert (queue.queue_name, queue.queue_type, queue.cu_count, queue.cu_spec) == ("test", "general", 16, 16)
    assert queue.description is None
    assert queue.create_time == 1587613028851


def test_a_queue_is_found_by_its_exact_name_in_any_case(client, service, reply):
    queues = [{"queue_name": "orders2", "cu_count": 16}, {"queue_name": "orders", "labels": "multi_az=2"}]
    service.replies(reply(200, {"is_success": True, "queues": queues}), reply(200, {"queues": queues}))
    assert client.queues.find("ORDERS").labels == ("multi_az=2",)
    assert client.queues.find("order") is None


def test_an_uploaded_group_is_read_with_statuses_in_upper_case(client, service, reply):
    service.replies(reply(201, GROUP))
    group = client.package_groups.upload("gatk", ["https://b.obs.x/a.jar"], "jar", True, {"t": "1"})
    assert service.received[0].json == {
        "paths": ["https://b.obs.x/a.jar"],
        "kind": "jar",
        "group": "gatk",
        "is_async": True,
        "tags": [{"key": "t", "value": "1"}],
    }
    assert group.resources == ("spark-sdv-app.jar", "wordcount.py")
    assert [(package.resource_name, package.status, package.create_time) for package in group.details] == [
        ("spark-sdv-app.jar", "UPLOADING", None)
    ]


def test_the_package_list_tells_groups_loose_packages_and_modules_apart(client, service, reply):
    module = {"module_name": "sys.dli-module", "status": "READY", "resources": ["m.jar"]}
    service.replies(reply(200, {"groups": [GROUP], "resources": [{"resource_name": "x.jar"}], "modules": [module]}))
    listing = client.package_groups.list(kind="jar")
    assert service.received[0].query == {"kind": "jar"}
    assert listing.group("gatk").status == "READY"
    assert listing.group("GATK") is None
    assert [package.resource_name for package in listing.packages] == ["x.jar"]
    assert listing.modules[0].resources == ("m.jar",)


def test_a_job_is_read_in_full_with_null_and_empty_texts_alike(client, service, reply):
    service.replies(reply(200, JOB_DETAIL))
    job = client.flink_jobs.get(104)
    assert (job.job_id, job.name, job.desc, job.main_class) == (104, "jptest", None, None)
    assert (job.status, job.start_time) == (JobStatus.INIT, None)
    assert job.detailed
    config = job.config
    assert (config.checkpoint_mode, config.runtime_config) == (1, {"a": "1"})
    assert config.dependency_jars == ("FemaleInfoCollection.jar",)
    assert config.resource_config.jobmanager_resource_spec.memory == "4G"
    assert config.obs_bucket is None


def test_a_job_in_a_short_list_has_no_details(client, service, reply):
    row = {"job_id": 146, "name": "a", "username": "u", "status": "job_new_word", "root_id": -1, "start_time": 0}
    service.replies(reply(200, {**OK, "job_list": {"total_count": 26, "jobs": [row]}}))
    page = client.flink_jobs.list_page(20, 10, name="a", status="job_init", queue_name="q", job_type="flink_jar_job")
    assert service.received[0].query == {
        "offset": "20",
        "limit": "10",
        "order": "asc",
        "name": "a",
        "status": "job_init",
        "queue_name": "q",
        "job_type": "flink_jar_job",
    }
    (job,) = page.jobs
    assert (page.total_count, job.status, job.user_name) == (26, "job_new_word", "u")
    assert not job.detailed
    assert job.config.entrypoint is None


def test_the_statuses_are_the_documented_fourteen():
    assert len(JobStatus) == 14
    assert "job_finish_fail" not in list(JobStatus)


def test_a_bucket_that_is_authorised_already_is_no_error(client, service, reply):
    service.replies(reply(400, {"error_code": "DLI.19005", "error_msg": "already authorized"}))
    client.obs_authorize(["b"])


def test_a_job_without_a_graph_has_none(client, service, reply):
    service.replies(reply(400, {"error_code": "DLI.14001", "error_msg": "no graph"}))
    assert client.flink_jobs.execute_graph(1) is None


def test_names_that_would_address_something_else_are_refused_before_anything_is_sent(client, service):
    for name in ("", ".", ".."):
        with pytest.raises(ValueError, match="address something else"):
            client.queues.delete(name)
    assert service.received == []


def test_the_clients_books_are_kept(client, service, reply):
    assert (client.calls, client.service_time) == (0, None)
    service.replies(reply(200, {"queues": []}, {"Date": "Tue, 02 Jan 2024 03:04:05 GMT"}))
    client.queues.list()
    assert (client.calls, client.service_time) == (1, 1704164645.0)
    assert client.project_id == "48cc2c48765f481480c7db940d6409d1"
