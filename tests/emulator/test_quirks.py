"""Every switch changes what it says, and nothing without it (dli-api 9.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.emulator.core.quirks import Quirks
from tests.emulator.conftest import Caller

QUEUES = "/v1.0/{p}/queues"
JOBS = "/v1.0/{p}/streaming"
RESOURCES = "/v2.0/{p}/resources"


def test_sample_types(call: Caller) -> None:
    call.package()
    call.emulator.quirk(sample_types=True)
    listed = call("GET", QUEUES).json()
    assert (listed["is_success"], listed["queues"][0]["is_restarting"]) == ("true", "false")
    owner = call("PUT", f"{RESOURCES}/owner", {"new_owner": "someone", "group_name": "g"})
    assert owner.json()["is_success"] == "true"
    assert call("POST", f"{JOBS}/flink-jobs", {"name": "j"}).json()["is_success"] is True
    call.emulator.default_quirks()
    assert call("GET", QUEUES).json()["is_success"] is True
    assert call("POST", f"{JOBS}/flink-jobs", {"name": "k"}).json()["is_success"] == "true"


def test_snake_details(call: Caller) -> None:
    call.emulator.quirk(snake_details=True)
    details = call("GET", f"{QUEUES}/default").json()
    assert details["queue_name"] == "default"
    assert "queueName" not in details


def test_create_201(call: Caller) -> None:
    call.emulator.quirk(create_201=True)
    assert call("POST", QUEUES, {"queue_name": "q", "cu_count": 16}).status_code == 201


@pytest.mark.parametrize(("code", "status"), [("DLI.0002", 400), ("DLI.0008", 400), ("DLI.0023", 404)])
def test_queue_not_found(call: Caller, code: str, status: int) -> None:
    call.emulator.quirk(queue_not_found=code)
    answer = call("GET", f"{QUEUES}/none")
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert "no queue named" in answer.json()["error_msg"]


@pytest.mark.parametrize(("code", "status"), [("DLI.0002", 400), ("DLI.0023", 404)])
def test_job_not_found(call: Caller, code: str, status: int) -> None:
    call.emulator.quirk(job_not_found=code)
    answer = call("GET", f"{JOBS}/jobs/7")
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    (item,) = call("POST", f"{JOBS}/jobs/delete", {"job_ids": [7]}).json()
    assert item["error_code"] == code


@pytest.mark.parametrize(
    ("form", "taken"), [("any", {"b/s/", "obs://b/s/"}), ("bare", {"b/s/"}), ("obs", {"obs://b/s/"})]
)
def test_savepoint_path_form(call: Caller, form: str, taken: set[str]) -> None:
    call.emulator.quirk(savepoint_path_form=form, lenient_objects=True)
    job_id = call.job()
    paths = ("b/s/", "obs://b/s/")
    answers = {p: call("POST", f"{JOBS}/jobs/{job_id}/import-savepoint", {"savepoint_path": p}) for p in paths}
    assert {path for path, answer in answers.items() if answer.ok} == taken


@pytest.mark.parametrize(("shape", "length"), [("object", None), ("short", 1)])
def test_stop_answer(call: Caller, shape: str, length: int | None) -> None:
    ids = [call.running("a"), call.running("b")]
    call.emulator.quirk(stop_answer=shape)
    body = call.stop(*ids).json()
    assert (None if isinstance(body, dict) else len(body)) == length
    assert [call.status(job_id) for job_id in ids] == ["job_canceling"] * 2


def test_status_lower_case(call: Caller) -> None:
    call.emulator.quirk(status_lower_case=True)
    assert call.package(is_async=True).json()["status"] == "uploading"


def test_null_details_and_start_time_zero(call: Caller) -> None:
    job_id = call.job()
    call.emulator.quirk(start_time_zero=True)
    assert call.details(job_id)["start_time"] == 0
    call.emulator.quirk(null_details=True)
    details = call.details(job_id)
    assert details["start_time"] is None
    assert set(details["job_config"].values()) == {None}


def test_name_filter(call: Caller) -> None:
    call.job("job")
    call.job("job2")
    totals = []
    for kind in ("fuzzy", "exact"):
        call.emulator.quirk(name_filter=kind)
        totals.append(call("GET", f"{JOBS}/jobs", params={"name": "job"}).json()["job_list"]["total_count"])
    assert totals == [2, 1]


def test_queue_casing(call: Caller) -> None:
    job_id = call.job(queue_name="Q")
    call.emulator.quirk(queue_casing="lower")
    assert call.details(job_id)["queue_name"] == "q"


def test_omit_total(call: Caller) -> None:
    call.emulator.quirk(omit_total=True)
    assert "total" not in call("GET", RESOURCES).json()


def test_keep_empty_group(call: Caller) -> None:
    call.emulator.quirk(keep_empty_group=True)
    call.package()
    call("DELETE", f"{RESOURCES}/app.jar?group=g")
    assert [group["resources"] for group in call("GET", RESOURCES).json()["groups"]] == [[]]


def test_ignore_missing_savepoint(call: Caller) -> None:
    call.emulator.quirk(ignore_missing_savepoint=True)
    assert call.run(call.job(), resume=True).ok


@pytest.mark.parametrize(
    ("when", "seen"), [("accepted", [False, False]), ("running", [True, False]), ("kept", [True, True])]
)
def test_savepoint_consumed(call: Caller, when: str, seen: list[bool]) -> None:
    call.emulator.quirk(savepoint_consumed=when)
    job_id = _stopped(call)
    call.run(job_id, resume=True)
    shown = [call.details(job_id)["has_savepoint"]]
    call.emulator.advance(30)
    shown.append(call.details(job_id)["has_savepoint"])
    assert shown == seen


@pytest.mark.parametrize(("files", "importable"), [("kept", True), ("deleted", False)])
def test_savepoint_files(call: Caller, files: str, importable: bool) -> None:
    call.emulator.quirk(savepoint_files=files)
    job_id = _stopped(call)
    path = call.details(job_id)["savepoint_path"]
    call.run(job_id, resume=True)
    call.emulator.advance(30)
    call.stop(job_id)
    call.emulator.advance(20)
    assert call("POST", f"{JOBS}/jobs/{job_id}/import-savepoint", {"savepoint_path": path}).ok is importable


def test_savepoint_needs_bucket(call: Caller) -> None:
    job_id = call.running(obs_bucket=None)
    assert call.stop(job_id, savepoint=True).json()[0]["error_code"] == "DLI.15002"
    call.emulator.quirk(savepoint_needs_bucket=False)
    assert call.stop(job_id, savepoint=True).ok
    call.emulator.advance(40)
    assert call.details(job_id)["savepoint_path"].startswith(f"obs://dli-{call.project_id}/jobs/savepoint/")


def test_topics(call: Caller) -> None:
    call.emulator.quirk(check_topics=True, topics=["known"])
    call.job("a", smn_topic="known")
    with pytest.raises(AssertionError, match=r"DLI\.11032"):
        call.job("b", smn_topic="unknown")


def test_buckets(call: Caller) -> None:
    call.emulator.quirk(check_buckets=True)
    with pytest.raises(AssertionError, match=r"DLI\.11016"):
        call.job()
    authorize = "/v1.0/{p}/dli/obs-authorize"
    assert call("POST", authorize, {"obs_buckets": ["bucket"]}).json()["is_success"] == "true"
    call.job()
    again = call("POST", authorize, {"obs_buckets": ["bucket"]})
    assert (again.status_code, again.json()["error_code"]) == (400, "DLI.19005")


def test_lenient_objects(call: Caller) -> None:
    call.emulator.quirk(lenient_objects=True)
    assert call("POST", RESOURCES, {"paths": ["obs://no/where.jar"], "kind": "jar", "group": "g"}).status_code == 201
    call.running(entrypoint="no/where.jar")


def test_tags(call: Caller) -> None:
    tags = [{"key": "a", "value": "b"}]
    call.emulator.quirk(tags_refused=True)
    job_id = call.job(tags=tags)
    assert call("GET", f"/v3/{{p}}/dli_flink_job/{job_id}/tags").json()["count"] == 0
    call.emulator.quirk(tags_rejected=True)
    with pytest.raises(AssertionError, match=r"DLI\.0001"):
        call.job("other", tags=tags)


def test_v3_unpublished(call: Caller) -> None:
    call.emulator.quirk(v3_unpublished=True)
    for path in ("/v3/{p}/dli_queue/default/tags", "/v3/{p}/quotas", "/v3/{p}/elastic-resource-pools"):
        answer = call("GET", path)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")


def test_savepoint_api_unpublished(call: Caller) -> None:
    job_id = call.running()
    call.emulator.quirk(savepoint_api_unpublished=True)
    assert call("POST", f"{JOBS}/jobs/{job_id}/savepoint", {"action": "TRIGGER"}).status_code == 404
    assert call.stop(job_id, savepoint=True).ok  # the portable way stays


def test_timings(call: Caller) -> None:
    call.emulator.quirk(timings={"first_submit": 1, "submit": 0})
    job_id = call.job()
    call.run(job_id)
    call.emulator.advance(1)
    assert call.status(job_id) == "job_running"
    assert call.emulator.quirk()["timings"]["stop"] == 20


def test_an_unknown_switch_is_refused(call: Caller) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        call.emulator.quirk(nonsense=True)


def test_every_switch_has_a_test() -> None:
    tests: Any = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    used = {name for name in Quirks.model_fields if f"{name}=" in tests or f'"{name}", ' in tests}
    assert set(Quirks.model_fields) - used == set()


def _stopped(call: Caller) -> int:
    """A job with a savepoint, at rest."""
    job_id = call.running()
    call.stop(job_id, savepoint=True)
    call.emulator.advance(40)
    return job_id
