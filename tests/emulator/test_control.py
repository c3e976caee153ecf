"""The control calls: journal, clock, acts of a person, reset, and the page."""

from __future__ import annotations

import pytest
import requests

from pulumi_dli.emulator.server import control
from pulumi_dli.emulator.server.control import ROUTES
from pulumi_dli.emulator.services import ACTS, OPERATIONS
from tests.emulator.conftest import PROJECT, Caller


def test_the_journal_tells_every_call_with_its_operation_and_ids(call: Caller) -> None:
    job_id = call.job()
    seen = call.emulator.requests()[-1]["seq"]
    call.run(job_id)
    call("GET", "/v1.0/{p}/nonsense", params={"a": "b"})
    run, unknown = call.emulator.requests(since=seen)
    assert (run["operation"], run["method"], run["ids"], run["status"]) == ("jobs.run", "POST", [str(job_id)], 200)
    assert (run["path"], run["project_id"]) == (f"/v1.0/{PROJECT}/streaming/jobs/run", PROJECT)
    assert run["body"] == {"job_ids": [job_id], "resume_savepoint": False}
    assert (unknown["operation"], unknown["status"], unknown["query"]) == ("unknown", 404, {"a": "b"})
    assert call.emulator.counts()["jobs.run"] == 1
    assert len(call.emulator.requests(operation="jobs.create")) == 1


def test_the_journal_hides_arguments_and_settings_and_has_no_headers(call: Caller) -> None:
    call.job(entrypoint_args="--password canary", runtime_config="k=canary")
    journal = str(call.emulator.requests())
    assert "(hidden)" in journal
    assert "canary" not in journal
    assert "X-Auth-Token" not in journal


def test_a_cut_or_faulty_call_is_in_the_journal_with_its_fault(call: Caller) -> None:
    call.emulator.fault("queues.list", "drop_after")
    with pytest.raises(requests.ConnectionError):
        call("GET", "/v1.0/{p}/queues")
    entry = call.emulator.requests()[-1]
    assert (entry["status"], entry["fault"]) == (None, "drop_after")


def test_an_unknown_path_or_verb_is_the_gateways_404_with_a_request_id(call: Caller) -> None:
    for method, path in (("GET", "/v1.0/{p}/streaming/none"), ("PATCH", "/v1.0/{p}/queues"), ("GET", "/v9/x")):
        answer = call(method, path)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_another_content_type_is_refused(call: Caller) -> None:
    answer = call("GET", "/v1.0/{p}/queues", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_answers_carry_the_date_of_the_service_clock(call: Caller) -> None:
    before = call("GET", "/v1.0/{p}/queues").headers["Date"]
    call.emulator.advance(86_400 * 40)
    assert call("GET", "/v1.0/{p}/queues").headers["Date"][5:16] != before[5:16]


def test_the_clock_does_not_go_back_and_has_a_speed(call: Caller) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        call.emulator.advance(-1)
    frozen = call.emulator.now()
    assert call.emulator.now() == frozen
    call.emulator.set_speed(100_000)
    assert call.emulator.now() > frozen
    with pytest.raises(ValueError, match="speed"):
        call.emulator.set_speed(-1)


def test_a_person_at_the_console_changes_jobs(call: Caller) -> None:
    act, job_id = call.emulator.act, call.running("stream")
    act("job.fail", job="stream", description="out of memory")
    assert call.details(job_id)["status_desc"] == "out of memory"
    act("job.restart", job=job_id)
    call.emulator.advance(30)
    act("job.stop", job=job_id, savepoint=True)
    call.emulator.advance(40)
    assert call.status(job_id) == "job_cancel_success"
    act("job.drop_savepoint", job=job_id)
    assert call.details(job_id)["has_savepoint"] is False
    act("job.edit", job=job_id, fields={"parallel_number": 3})
    assert call.details(job_id)["job_config"]["parallel_number"] == 3
    act("job.restart", job=job_id)
    call.emulator.advance(30)
    act("job.finish", job=job_id)
    assert call.status(job_id) == "job_finish"
    act("job.delete", job=job_id)
    assert call("GET", "/v1.0/{p}/streaming/jobs").json()["job_list"]["total_count"] == 0


def test_a_person_at_the_console_changes_queues_and_packages(call: Caller) -> None:
    call.running()
    call.emulator.act("queue.scale", queue="q", cu_count=64)
    assert call("GET", "/v1.0/{p}/queues/q").json()["cuCount"] == 64
    call.emulator.act("package.delete", group="g", name="app.jar")
    assert call("GET", "/v2.0/{p}/resources").json()["groups"] == []
    call.emulator.act("queue.delete", queue="q")
    assert call("GET", "/v1.0/{p}/queues/q").status_code == 400


def test_an_unknown_act_or_call_is_refused_with_what_is_known(call: Caller) -> None:
    with pytest.raises(ValueError, match=r"no such action: job\.explode; known are .*job\.fail"):
        call.emulator.act("job.explode")
    with pytest.raises(ValueError, match="there is no job none"):
        call.emulator.act("job.fail", job="none")
    assert "GET health" in requests.get(f"{call.emulator.url}/__dli/none", timeout=10).json()["error"]


def test_the_documentation_of_the_control_calls_is_whole() -> None:
    text = control.__doc__ or ""
    missing = [name for name in ACTS if f"`{name}`" not in text]
    missing += [route for _, route in ROUTES if f"/__dli/{route}" not in text]
    assert missing == []


def test_the_timeline_tells_the_life_of_a_job(call: Caller) -> None:
    job_id = call.running()
    texts = [event["text"] for event in call.emulator.timeline(subject=str(job_id))]
    assert texts == [
        "created: job",
        "job_init → job_submitting",
        "run, without state",
        "job_submitting → job_running",
    ]


def test_reset_forgets_everything(call: Caller) -> None:
    call.running()
    call.emulator.quirk(create_201=True)
    call.emulator.fault("*", 500)
    call.emulator.reset()
    assert call("GET", "/v1.0/{p}/streaming/jobs").json()["job_list"]["total_count"] == 0
    assert call.emulator.quirk()["create_201"] is False
    assert [entry["operation"] for entry in call.emulator.requests()] == ["jobs.list"]


def test_the_page_shows_hostile_names_as_text(call: Caller) -> None:
    hostile = "<script>alert(1)</script>"
    call.job(desc=hostile)
    call.emulator.act("job.status", job="job", status="job_submit_fail", description=hostile)
    call("GET", "/v1.0/{p}/queues/" + hostile.replace("/", "%2F"))
    answer = requests.get(call.emulator.url, headers={"Accept": "text/html"}, timeout=10)
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_every_operation_has_its_own_name_and_path() -> None:
    assert len({op.name for op in OPERATIONS}) == len({(op.method, op.path) for op in OPERATIONS}) == len(OPERATIONS)
