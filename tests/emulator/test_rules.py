"""What the documents forbid is refused by default, and each rule has a switch (dli-api 14, 15)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.emulator.conftest import Caller

JOBS = "/v1.0/{p}/streaming"
POOLS = "/v3/{p}/elastic-resource-pools"
OBJECT = "obs://jars/app.jar"
AGENCY = {"execution_agency_urn": "own_agency"}
NEWEST = {"flink_version": "1.15", "entrypoint": OBJECT}
V2 = {"resource_config_version": "v2"}


@pytest.fixture
def project(call: Caller) -> Caller:
    """The pool `pool` with the queue `pooled`, the queue `q` on its own, and the package of both."""
    assert call("POST", POOLS, {"elastic_resource_pool_name": "pool", "min_cu": 64, "max_cu": 64}).ok
    call.emulator.advance(180)
    call.queue("pooled", elastic_resource_pool_name="pool")
    call.queue()
    call.package()
    call.emulator.advance(300)
    return call


@pytest.mark.parametrize(
    ("switch", "fields", "field"),
    [
        ("lax_agency", {**NEWEST, **AGENCY, "queue_name": "q"}, "execution_agency_urn"),
        ("lax_agency", {**AGENCY, "flink_version": "1.12"}, "execution_agency_urn"),
        ("lax_agency", {**NEWEST, "execution_agency_urn": "dli_admin_agency"}, "execution_agency_urn"),
        ("lax_agency", {**NEWEST, "execution_agency_urn": "dli_management_agency"}, "execution_agency_urn"),
        ("lax_agency", {**NEWEST, "execution_agency_urn": "dli_data_clean_agency"}, "execution_agency_urn"),
        ("lax_packages", {"flink_version": "1.15"}, "entrypoint"),
        ("lax_packages", {**NEWEST, "dependency_jars": ["g/a.jar"]}, "dependency_jars"),
        ("lax_packages", {**NEWEST, "dependency_files": [OBJECT, "a.csv"]}, "dependency_files"),
        ("lax_resource_version", {**NEWEST, "flink_version": "1.17"}, "resource_config_version"),
        ("lax_resource_version", {**V2, "flink_version": "1.12"}, "resource_config_version"),
        ("lax_checkpoint_path", {"checkpoint_enabled": True, "checkpoint_path": "bucket/c/"}, "checkpoint_path"),
        ("lax_limits", {"desc": "x" * 513}, "desc"),
        ("lax_limits", {**V2, "resource_config": {"jobmanager_resource_spec": {"memory": "2047M"}}}, "memory"),
        ("lax_limits", {**V2, "resource_config": {"taskmanager_resource_spec": {"memory": "1 GB"}}}, "memory"),
        ("lax_cus", {"cu_number": 17}, "cu_number"),
        ("lax_cus", {**V2, "resource_config": {"taskmanager_resource_spec": {"cpu": 15.5}}}, "cu_number"),
    ],
)
def test_a_forbidden_definition_is_refused_unless_its_switch_is_on(
    project: Caller, switch: str, fields: dict[str, Any], field: str
) -> None:
    refused = _try(project, **fields)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "DLI.0001"), refused.text
    assert field in refused.json()["error_msg"]
    for number, switches in enumerate(({switch: True}, {"lenient": True})):
        project.emulator.default_quirks()
        project.emulator.quirk(**switches)
        assert _try(project, f"job{number}", **fields).ok


@pytest.mark.parametrize(
    "fields",
    [
        {**NEWEST, **AGENCY},
        {**NEWEST},
        {**NEWEST, "queue_name": "q"},
        {**AGENCY, "queue_name": "q"},  # as the page's sample: an agency, a package and no version
        {**AGENCY, "flink_version": "next"},
        {"flink_version": "1.12", "entrypoint": OBJECT},
        {**NEWEST, **V2},
        {**NEWEST, **V2, "flink_version": "1.17"},
        V2,
        {"desc": "x" * 512},
        {**V2, "resource_config": {"jobmanager_resource_spec": {"memory": "2G"}}},
        {"cu_number": 16},
        {"checkpoint_path": "bucket/c/", "resume_checkpoint": True},
        {"checkpoint_interval": 999_999},
        {"tm_slot_num": 0},
    ],
)
def test_an_allowed_definition_is_taken(project: Caller, fields: dict[str, Any]) -> None:
    answer = _try(project, **fields)
    assert answer.ok, answer.text


def test_an_update_is_held_against_the_whole_definition(project: Caller) -> None:
    job_id = _job(project, flink_version="1.12")
    assert _update(project, job_id, flink_version="1.15").status_code == 400
    assert _update(project, job_id, flink_version="1.15", entrypoint=OBJECT).ok
    assert _update(project, job_id, queue_name="q", **AGENCY).status_code == 400
    assert _update(project, job_id, **AGENCY).ok
    assert _update(project, job_id, cu_number=17).status_code == 400


def test_a_queue_that_shrank_does_not_forbid_other_changes(project: Caller) -> None:
    job_id = _job(project, cu_number=16, queue_name="q")
    project.emulator.act("queue.scale", queue="q", cu_count=4)
    assert _update(project, job_id, desc="new").ok
    assert _update(project, job_id, cu_number=5).status_code == 400


# at the run


def test_jobs_that_need_more_than_is_free_fail_to_submit(project: Caller) -> None:
    ids = [_job(project, f"job{number}", cu_number=8, queue_name="q") for number in range(3)]
    assert project.run(*ids).ok
    assert [project.status(job_id) for job_id in ids] == ["job_submitting", "job_submitting", "job_submit_fail"]
    assert "Insufficient CUs: 8 are needed, 0 of 16" in project.details(ids[2])["status_desc"]
    project.emulator.advance(480)
    project.stop(ids[0])
    project.emulator.advance(20)
    assert project.run(ids[2]).ok
    assert project.status(ids[2]) == "job_submitting"
    project.emulator.quirk(lax_cus=True)
    project.run(ids[0])
    assert project.status(ids[0]) == "job_submitting"


def test_the_cus_of_a_pools_queue_are_its_share(project: Caller) -> None:
    """A queue may ask for its maximum, and gets what the pool holds for it."""
    entry = {"priority": 1, "impact_start_time": "00:00", "impact_stop_time": "24:00", "min_cu": 16, "max_cu": 64}
    policies = f"{POOLS}/pool/queues/pooled"
    assert _try(project, cu_number=20).status_code == 400
    assert project("PUT", policies, {"queue_scaling_policies": [entry]}).ok
    assert project.run(_job(project, "large", cu_number=64)).ok
    assert project.status(138) == "job_submitting"


def test_jar_jobs_do_not_run_on_shared_queues(project: Caller) -> None:
    project.queue("shared", resource_mode=0)
    job_id = _job(project, queue_name="shared")
    assert project.run(job_id).ok
    assert "shared" in project.details(job_id)["status_desc"]
    project.emulator.quirk(lax_shared_queues=True)
    project.run(job_id)
    assert project.status(job_id) == "job_submitting"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"flink_version": "1.7", "queue_name": "pooled"}, "elastic resource pools"),
        ({"flink_version": "1.11"}, "is not offered"),
        (NEWEST, "execution_agency_urn"),
        ({**NEWEST, **AGENCY, "entrypoint": "obs://jars/none.jar"}, "does not exist"),
    ],
)
def test_what_cannot_come_up_says_why(project: Caller, fields: dict[str, Any], words: str) -> None:
    job_id = _job(project, **fields)
    assert project.run(job_id).ok
    details = project.details(job_id)
    assert details["status"] == "job_submit_fail"
    assert words in details["status_desc"]
    project.emulator.quirk(lenient=True, lenient_objects=True)
    project.run(job_id)
    offered = fields["flink_version"] != "1.7"
    assert (project.status(job_id) == "job_submitting") is offered


def test_the_versions_of_a_queue_are_a_switch(project: Caller) -> None:
    project.emulator.quirk(flink_jar_versions=["1.12", "2.0"], flink_sql_versions=["1.12"])
    listed = project("GET", "/v1.0/{p}/queues/q").json()
    assert (listed["support_flink_jar_versions"], listed["support_flink_sql_versions"]) == (["1.12", "2.0"], ["1.12"])
    job_id = _job(project, flink_version="1.10")
    project.run(job_id)
    assert project.status(job_id) == "job_submit_fail"
    project.emulator.quirk(lax_versions=True)
    project.run(job_id)
    assert project.status(job_id) == "job_submitting"


def test_flink_1_15_without_an_agency_runs_and_keeps_nothing(project: Caller) -> None:
    """No checkpoints, no savepoints (dli-api 15)."""
    project.emulator.quirk(lenient=True)
    job_id = _job(project, **NEWEST, checkpoint_enabled=True, checkpoint_interval=10)
    project.run(job_id)
    project.emulator.default_quirks()
    project.emulator.advance(480)
    stop = project.stop(job_id, savepoint=True)
    assert stop.json()[0]["error_code"] == "DLI.15002"
    saved = project("POST", f"{JOBS}/jobs/{job_id}/savepoint", {"action": "TRIGGER", "savepoint_path": "bucket/x/"})
    assert saved.json()["error_code"] == "DLI.15002"
    assert project.stop(job_id).ok
    project.emulator.advance(20)
    details = project.details(job_id)
    assert (details["has_savepoint"], details["job_config"]["checkpoint_enabled"]) == (False, True)
    imported = project("POST", f"{JOBS}/jobs/{job_id}/import-savepoint", {"savepoint_path": "bucket/x/"})
    assert imported.json()["error_code"] == "DLI.15002"


@pytest.mark.parametrize(("agency", "written"), [({}, False), (AGENCY, True)])
def test_checkpoints_of_flink_1_15_need_an_agency(project: Caller, agency: dict[str, str], written: bool) -> None:
    body = {
        "name": "sql",
        "queue_name": "pooled",
        "run_mode": "exclusive_cluster",
        "sql_body": "insert into t select 1",
        "flink_version": "1.15",
        "checkpoint_enabled": True,
        "obs_bucket": "snapshots",
        **agency,
    }
    job_id = project("POST", f"{JOBS}/sql-jobs", body).json()["job"]["job_id"]
    project.run(job_id)
    project.emulator.advance(480 + 60)
    assert project.status(job_id) == "job_running"
    project.stop(job_id)
    project.emulator.advance(20)
    assert project.status(job_id) == "job_cancel_success"
    assert ("chk-" in project("GET", "/obs/snapshots").text) is written


# answers


def test_the_answer_to_a_savepoint_has_a_success_within(project: Caller) -> None:
    job_id = _job(project)
    project.run(job_id)
    project.emulator.advance(480)
    path = f"{JOBS}/jobs/{job_id}/savepoint"
    for form in ("bucket/dir/", "obs://bucket/dir", None):
        body = {"action": "TRIGGER"} if form is None else {"action": "TRIGGER", "savepoint_path": form}
        answer = project("POST", path, body).json()
        assert answer["is_success"] == "true"
        inner = {"is_success": "true", "message": "api.msg.deal_savepoint_success"}
        assert json.loads(answer["message"]) == inner
        project.emulator.advance(20)
    project.emulator.quirk(savepoint_answer="bare")
    assert project("POST", path, {"action": "TRIGGER"}).json()["is_success"] is True
    project.emulator.advance(20)
    made = project.details(job_id)["savepoint_path"]
    project.stop(job_id)
    project.emulator.advance(20)
    for form in (made, made.removeprefix("obs://")):
        imported = project("POST", f"{JOBS}/jobs/{job_id}/import-savepoint", {"savepoint_path": form})
        assert imported.json() == {"is_success": "true", "message": "The job is updated successfully."}


def test_what_real_clients_leave_out_or_send_as_zero_reads_back_so(project: Caller) -> None:
    zero, absent = _job(project, "zero", tm_slot_num=0), _job(project, "absent")
    shown = [project.details(job_id)["job_config"]["tm_slot_num"] for job_id in (zero, absent)]
    assert shown == [0, 1]
    project.queue("featured", feature="ai")
    rows = {row["queue_name"]: row for row in project("GET", "/v1.0/{p}/queues?queue_type=all").json()["queues"]}
    assert ("feature" in rows["q"], rows["featured"]["feature"]) == (False, "ai")


def test_the_bodies_of_the_vendors_terraform_provider_without_options_are_taken_and_read_back(project: Caller) -> None:
    """A queue, a package and a job that leave all optional fields out; a difference is a second plan."""
    queue = {"queue_name": "tf", "queue_type": "general", "cu_count": 16, "charging_mode": 1, "resource_mode": 1}
    assert project("POST", "/v1.0/{p}/queues", {**queue, "platform": "x86_64"}).ok
    rows = project("GET", "/v1.0/{p}/queues?queue_type=all").json()["queues"]
    row = next(row for row in rows if row["queue_name"] == "tf")
    assert {name: row[name] for name in queue} == queue
    assert "feature" not in row
    project.package("tf.jar", "tf")
    sizes = {"cu_number": 2, "parallel_number": 1, "manager_cu_number": 1, "tm_cus": 1, "tm_slot_num": 0}
    flags = {"log_enabled": False, "restart_when_exception": False, "resume_checkpoint": False, "resume_max_num": -1}
    fields = {**sizes, **flags, "entrypoint": "tf/tf.jar"}
    made = project("POST", f"{JOBS}/flink-jobs", {"name": "tf", "queue_name": "tf", **fields})
    assert made.ok, made.text
    job_id = made.json()["job"]["job_id"]
    assert project("PUT", f"{JOBS}/flink-jobs/{job_id}", {**sizes, "name": "tf", "queue_name": "tf"}).ok
    config = project.details(job_id)["job_config"]
    assert {name: config[name] for name in fields} == fields
    assert [config.get(name) or "" for name in ("obs_bucket", "smn_topic", "checkpoint_path", "image")] == [""] * 4
    assert project.run(job_id).ok


def _try(call: Caller, name: str = "job", **fields: Any) -> requests.Response:
    body = {"name": name, "queue_name": "pooled", "entrypoint": "g/app.jar", "obs_bucket": "bucket", **fields}
    return call("POST", f"{JOBS}/flink-jobs", body)


def _job(call: Caller, name: str = "job", **fields: Any) -> int:
    answer = _try(call, name, **fields)
    assert answer.ok, answer.text
    return int(answer.json()["job"]["job_id"])


def _update(call: Caller, job_id: int, **fields: Any) -> requests.Response:
    return call("PUT", f"{JOBS}/flink-jobs/{job_id}", fields)
