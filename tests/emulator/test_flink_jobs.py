"""What becomes of a job, from draft to gone (dli-api 6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.conftest import Caller


def test_a_new_job_is_a_draft_that_does_not_run(call: Caller) -> None:
    job_id = call.job()
    call.emulator.advance(3600)
    assert call.status(job_id) == "job_init"
    assert call.details(job_id)["start_time"] is None


def test_the_first_run_on_a_queue_is_slow_and_the_next_is_not(call: Caller) -> None:
    first, second = call.job("first"), call.job("second")
    call.run(first)
    call.emulator.advance(479)
    assert call.status(first) == "job_submitting"
    call.emulator.advance(1)
    assert call.status(first) == "job_running"
    call.run(second)
    call.emulator.advance(29)
    assert call.status(second) == "job_submitting"
    call.emulator.advance(1)
    assert call.status(second) == "job_running"


def test_jobs_that_start_together_on_a_new_queue_wait_for_the_same_compute(call: Caller) -> None:
    ids = [call.job(f"job{n}") for n in range(3)]
    call.run(ids[0])
    call.emulator.advance(400)
    call.run(*ids[1:])
    call.emulator.advance(80)
    assert [call.status(job_id) for job_id in ids] == ["job_running"] * 3


def test_the_start_time_is_the_moment_it_came_up_however_late_one_looks(call: Caller) -> None:
    job_id = call.job()
    call.run(job_id)
    asked = call.emulator.now()
    call.emulator.advance(10_000)
    assert call.details(job_id)["start_time"] == pytest.approx((asked + 480) * 1000, abs=2)
    assert call.details(job_id)["duration"] == pytest.approx((10_000 - 480) * 1000, abs=2)


def test_a_stop_without_savepoint_takes_a_while_and_leaves_none(call: Caller) -> None:
    job_id = call.running()
    assert call.stop(job_id).ok
    assert call.status(job_id) == "job_canceling"
    call.emulator.advance(20)
    assert call.status(job_id) == "job_cancel_success"
    assert call.details(job_id)["has_savepoint"] is False


def test_a_stop_with_savepoint_passes_both_statuses_and_leaves_one_in_the_jobs_bucket(call: Caller) -> None:
    job_id = call.running()
    call.stop(job_id, savepoint=True)
    seen = [call.status(job_id)]
    for _ in range(2):
        call.emulator.advance(20)
        seen.append(call.status(job_id))
    assert seen == ["job_savepointing", "job_canceling", "job_cancel_success"]
    details = call.details(job_id)
    assert details["has_savepoint"] is True
    assert details["savepoint_path"].startswith(f"obs://bucket/jobs/savepoint/{job_id}/")


def test_a_start_with_resume_takes_the_state_over_and_consumes_the_savepoint(call: Caller) -> None:
    job_id = call.running()
    call.emulator.advance(100)
    call.stop(job_id, savepoint=True)
    call.emulator.advance(40)
    savepoint = call.details(job_id)["savepoint_path"]
    assert call.run(job_id, resume=True).ok
    assert call.details(job_id)["has_savepoint"] is False
    call.emulator.advance(30)
    row = call.emulator.jobs()[0]
    assert row["restored_from"] == [savepoint]
    assert row["state_seconds"] == pytest.approx(120, abs=1)


def test_a_start_without_resume_begins_from_nothing_and_keeps_the_savepoint(call: Caller) -> None:
    job_id = call.running()
    call.stop(job_id, savepoint=True)
    call.emulator.advance(40)
    call.run(job_id)
    call.emulator.advance(30)
    assert call.details(job_id)["has_savepoint"] is True
    assert call.emulator.jobs()[0]["state_seconds"] == pytest.approx(0, abs=1)


def test_a_savepoint_call_leaves_the_job_running(call: Caller) -> None:
    job_id = call.running()
    body = {"action": "TRIGGER", "savepoint_path": "elsewhere/dir/"}
    assert call("POST", f"/v1.0/{{p}}/streaming/jobs/{job_id}/savepoint", body).json()["is_success"] == "true"
    assert call.status(job_id) == "job_savepointing"
    call.emulator.advance(20)
    assert call.status(job_id) == "job_running"
    assert call.details(job_id)["savepoint_path"].startswith("obs://elsewhere/dir/")


def test_a_savepoint_can_be_imported_at_rest_only_and_must_exist(call: Caller) -> None:
    source, target = call.running("source"), call.job("target")
    call("POST", f"/v1.0/{{p}}/streaming/jobs/{source}/savepoint", {"action": "TRIGGER"})
    call.emulator.advance(20)
    path = call.details(source)["savepoint_path"]
    target_path = f"/v1.0/{{p}}/streaming/jobs/{target}/import-savepoint"
    assert call("POST", target_path, {"job_id": target, "savepoint_path": "obs://bucket/none/"}).status_code == 400
    assert call("POST", target_path, {"job_id": target, "savepoint_path": path}).ok
    assert call.details(target)["savepoint_path"] == path
    refused = call("POST", f"/v1.0/{{p}}/streaming/jobs/{source}/import-savepoint", {"savepoint_path": path})
    assert (refused.status_code, refused.json()["error_code"]) == (400, "DLI.15002")


def test_checkpoints_can_be_found_among_the_objects_and_imported(call: Caller) -> None:
    job_id = call.running(checkpoint_enabled=True, checkpoint_interval=10)
    call.emulator.advance(25)
    listed = call("GET", "/obs/bucket?list-type=2&prefix=jobs/checkpoint/").text
    folder = listed.split("<Key>")[1].split("_metadata")[0]
    assert "/chk-2/" in folder
    call.stop(job_id)
    call.emulator.advance(20)
    body = {"savepoint_path": f"obs://bucket/{folder}"}
    assert call("POST", f"/v1.0/{{p}}/streaming/jobs/{job_id}/import-savepoint", body).ok


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("smn_topic", "other"),
        ("restart_when_exception", True),
        ("resume_checkpoint", True),
        ("resume_max_num", 3),
        ("checkpoint_path", "bucket/there"),
        ("obs_bucket", "another"),
    ],
)
def test_a_running_job_takes_the_six_live_fields(call: Caller, field: str, value: object) -> None:
    job_id = call.running()
    assert call("PUT", f"/v1.0/{{p}}/streaming/flink-jobs/{job_id}", {field: value}).ok
    assert call.details(job_id)["job_config"][field] == value
    assert call.status(job_id) == "job_running"


@pytest.mark.parametrize("fields", [{"parallel_number": 2}, {"obs_bucket": "bucket"}, {"desc": "new"}])
def test_a_running_job_takes_no_other_field_and_no_unchanged_bucket(call: Caller, fields: dict[str, Any]) -> None:
    job_id = call.running()
    answer = call("PUT", f"/v1.0/{{p}}/streaming/flink-jobs/{job_id}", fields)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.15002")


def test_an_update_at_rest_is_partial(call: Caller) -> None:
    job_id = call.job(desc="kept", checkpoint_mode=2)
    before = call.details(job_id)["update_time"]
    call.emulator.advance(5)
    answer = call(
        "PUT", f"/v1.0/{{p}}/streaming/flink-jobs/{job_id}", {"parallel_number": 2, "job_type": "flink_jar_job"}
    )
    assert answer.json()["job"]["update_time"] > before
    details = call.details(job_id)
    assert (details["desc"], details["job_config"]["parallel_number"]) == ("kept", 2)
    assert details["job_config"]["checkpoint_mode"] == "at_least_once"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "no blanks"},
        {"name": "x" * 58},
        {"manager_cu_number": 2},
        {"parallel_number": 5},
        {"log_enabled": True, "obs_bucket": None},
        {"resume_max_num": 0},
        {"cu_number": "2"},
        {"checkpoint_mode": 3},
        {"tags": [{"key": "_sys_x", "value": "v"}]},
        {"resource_config": {"max_slot": 0}},
    ],
)
def test_a_malformed_job_is_refused_and_not_made(call: Caller, fields: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"DLI\.0001"):
        call.job(**{"name": "job", **fields})
    assert call("GET", "/v1.0/{p}/streaming/jobs").json()["job_list"]["total_count"] == 0


def test_a_name_is_taken_once_and_free_again_after_a_delete(call: Caller) -> None:
    first = call.job("same")
    with pytest.raises(AssertionError, match=r"DLI\.11004.*exists"):
        call.job("same")
    assert call("DELETE", f"/v1.0/{{p}}/streaming/jobs/{first}").ok
    assert call.job("same") != first


def test_a_job_is_deleted_in_any_status_and_then_unknown_by_three_codes(call: Caller) -> None:
    job_id = call.running()
    path = f"/v1.0/{{p}}/streaming/jobs/{job_id}"
    assert call("DELETE", path).json() == {"is_success": "true", "message": "The job is successfully deleted."}
    assert call("GET", path).json()["error_code"] == "DLI.16001"
    assert call("DELETE", path).json()["error_code"] == "DLI.17001"
    assert call.run(job_id).json()[0]["error_code"] == "DLI.13007"
    assert call("GET", path).status_code == call("DELETE", path).status_code == call.run(job_id).status_code == 400


def test_a_batch_with_one_failure_is_a_400_whose_successes_did_happen(call: Caller) -> None:
    good, homeless, live = call.job("good"), call.job("homeless", queue_name=""), call.running("live")
    answer = call.run(good, 999, homeless, live)
    assert answer.status_code == 400
    codes = [element.get("error_code", "ok") for element in answer.json()]
    assert codes == ["ok", "DLI.13007", "DLI.13024", "DLI.15002"]
    assert call.status(good) == "job_submitting"
    assert call.run(homeless, resume=True).json()[0]["error_code"] == "DLI.13024"


def test_a_start_with_resume_needs_a_savepoint(call: Caller) -> None:
    assert call.run(call.job(), resume=True).json()[0]["error_code"] == "DLI.13017"


def test_a_stop_is_refused_where_nothing_runs(call: Caller) -> None:
    job_id = call.job()
    assert call.stop(job_id).json()[0]["error_code"] == "DLI.15002"
    call.run(job_id)
    assert call.stop(job_id, savepoint=True).json()[0]["error_code"] == "DLI.15002"  # no state to save yet
    assert call.stop(job_id).ok


@pytest.mark.parametrize(
    "fields",
    [{"entrypoint": "g/none.jar"}, {"entrypoint": "obs://jars/none.jar"}, {"dependency_jars": ["none.jar"]}],
)
def test_a_job_that_names_what_does_not_exist_fails_to_submit_and_says_what(
    call: Caller, fields: dict[str, Any]
) -> None:
    job_id = call.job(**fields)
    assert call.run(job_id).ok
    details = call.details(job_id)
    assert details["status"] == "job_submit_fail"
    assert "none.jar" in details["status_desc"]


def test_a_job_takes_an_object_without_any_group(call: Caller) -> None:
    call.queue()
    path = call.emulator.put_object("jars", "plain.jar")
    call.running(entrypoint=path)


def test_a_jar_job_cannot_run_on_an_sql_queue(call: Caller) -> None:
    job_id = call.job(queue_name="default")
    call.run(job_id)
    assert call.status(job_id) == "job_submit_fail"


def test_a_queue_of_any_case_is_found_and_a_lost_queue_is_not(call: Caller) -> None:
    job_id = call.job(queue_name="Q")
    assert call.run(job_id).ok
    assert call.details(job_id)["queue_name"] == "Q"
    call.stop(job_id)
    call.emulator.advance(20)
    assert call("DELETE", "/v1.0/{p}/queues/q").ok
    assert call.run(job_id).json()[0]["error_code"] == "DLI.13024"


def test_the_execution_graph_is_there_once_the_job_has_run(call: Caller) -> None:
    job_id = call.job()
    path = f"/v1.0/{{p}}/streaming/jobs/{job_id}/execute-graph"
    assert call("GET", path).json()["error_code"] == "DLI.14001"
    call.run(job_id)
    call.emulator.advance(480)
    graph = call("GET", path).json()["execute_graph"]
    assert (graph["state"], graph["end-time"], graph["isStoppable"]) == ("RUNNING", -1, False)


def test_details_place_their_fields_as_documented_and_hide_tags(call: Caller) -> None:
    job_id = call.job(tags=[{"key": "a", "value": "b"}], main_class="Main", runtime_config='[{"key":"k","value":"v"}]')
    details = call.details(job_id)
    assert (details["main_class"], details["job_type"], details["run_mode"]) == (
        "Main",
        "flink_jar_job",
        "exclusive_cluster",
    )
    config = details["job_config"]
    assert config["runtime_config"] == '[{"key":"k","value":"v"}]'
    assert config["entrypoint"] == "g/app.jar"
    assert config["resource_config"]["jobmanager_resource_spec"] == {"cpu": 1.0, "memory": "4G"}
    assert "tags" not in details
    assert "tags" not in config


def test_the_list_pages_filters_and_shows_details(call: Caller) -> None:
    ids = [call.job(f"job{n:02}", tags=[{"key": "n", "value": str(n)}]) for n in range(12)]
    path = "/v1.0/{p}/streaming/jobs"
    first = call("GET", path).json()["job_list"]
    assert first["total_count"] == 12
    assert [row["job_id"] for row in first["jobs"]] == ids[:1:-1]
    rest = call("GET", path, params={"offset": 10, "limit": 100, "order": "asc"}).json()["job_list"]["jobs"]
    assert [row["job_id"] for row in rest] == ids[10:]
    named = call("GET", path, params={"name": "job0", "limit": 100}).json()["job_list"]
    assert named["total_count"] == 10
    assert call("GET", path, params={"tags": "n=3"}).json()["job_list"]["jobs"][0]["name"] == "job03"
    assert call("GET", path, params={"status": "job_running"}).json()["job_list"]["jobs"] == []
    assert call("GET", path, params={"queue_name": "Q"}).json()["job_list"]["total_count"] == 12
    row, detailed = first["jobs"][0], call("GET", path, params={"show_detail": "true"}).json()["job_list"]["jobs"][0]
    assert {"user_name", "duration", "root_id"} <= row.keys() - detailed.keys()
    assert {"job_config", "update_time", "project_id"} <= detailed.keys() - row.keys()
    assert row["start_time"] == 0
    assert call("GET", path, params={"offset": -1}).json()["error_code"] == "DLI.23001"
    assert call("GET", path, params={"limit": 101}).json()["error_code"] == "DLI.0001"


def test_projects_do_not_see_each_other(call: Caller) -> None:
    job_id = call.job()
    other = Caller(call.emulator, "0" * 32)
    assert other("GET", f"/v1.0/{{p}}/streaming/jobs/{job_id}").json()["error_code"] == "DLI.16001"
    other.session.close()
