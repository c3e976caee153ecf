"""Scripted trouble (dli-api 9.2)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from pulumi_dli.emulator.core.faults import BEHAVIOURS, CALL_EFFECTS, Faults
from tests.emulator.conftest import Caller

QUEUES = "/v1.0/{p}/queues"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "APIGW.0308"),
        (500, "DLI.0999"),
        (502, "APIGW.0201"),
        (503, "APIGW.0201"),
        (504, "APIGW.0201"),
        (408, "DLI.0019"),
    ],
)
def test_a_status_is_answered_once_without_the_effect(call: Caller, status: int, code: str) -> None:
    call.emulator.fault("queues.create", status)
    answer = call("POST", QUEUES, {"queue_name": "q", "cu_count": 16})
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert call("GET", f"{QUEUES}/q").status_code == 400
    assert call("POST", QUEUES, {"queue_name": "q", "cu_count": 16}).ok


def test_a_throttled_call_says_when_to_come_back(call: Caller) -> None:
    call.emulator.fault("*", 429, retry_after=7, times=2)
    answers = [call("GET", QUEUES) for _ in range(3)]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", None]


def test_a_fault_can_have_its_own_body(call: Caller) -> None:
    call.emulator.fault("queues.list", 400, body={"errorCode": "X", "errorMsg": "y"})
    assert call("GET", QUEUES).json() == {"errorCode": "X", "errorMsg": "y"}


def test_a_cut_connection_before_the_effect_leaves_nothing_and_after_it_leaves_it_all(call: Caller) -> None:
    for effect, status in (("drop_before", 400), ("drop_after", 200)):
        call.emulator.fault("queues.create", effect)
        with pytest.raises(requests.ConnectionError):
            call("POST", QUEUES, {"queue_name": "q", "cu_count": 16})
        assert call("GET", f"{QUEUES}/q").status_code == status


def test_the_nth_call_fails_and_those_around_it_do_not(call: Caller) -> None:
    call.emulator.fault("queues.list", 500, nth=2)
    assert [call("GET", QUEUES).status_code for _ in range(3)] == [200, 500, 200]


def test_a_fault_can_meet_only_some_calls(call: Caller) -> None:
    call.queue("a")
    call.queue("b")
    call.emulator.fault("queues.get", 500, match={"path": "/b"})
    call.emulator.fault("queues.create", 503, match={"body": {"queue_name": "c"}})
    assert [call("GET", f"{QUEUES}/{name}").status_code for name in "ab"] == [200, 500]
    assert [call("POST", QUEUES, {"queue_name": name, "cu_count": 16}).status_code for name in "dc"] == [200, 503]


def test_a_gateway_404_is_not_a_missing_resource(call: Caller) -> None:
    call.emulator.fault("tags.*", "gateway_404", times=0)
    answer = call("GET", "/v3/{p}/dli_queue/default/tags")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")
    assert call("GET", QUEUES).ok


def test_a_name_can_be_taken_although_nobody_has_it(call: Caller) -> None:
    call.emulator.fault("*.create", "duplicate_name", times=2)
    assert call("POST", QUEUES, {"queue_name": "q", "cu_count": 16}).json()["error_code"] == "DLI.0006"
    assert call("POST", "/v1.0/{p}/streaming/flink-jobs", {"name": "j"}).json()["error_code"] == "DLI.11004"


def test_elements_of_a_batch_fail_by_id_and_by_position(call: Caller) -> None:
    ids = [call.job(f"job{n}") for n in range(3)]
    call.emulator.fault("jobs.run", "partial_batch", ids=[ids[1]], positions=[2], code="DLI.13005")
    answer = call.run(*ids)
    assert answer.status_code == 400
    assert [element.get("error_code") for element in answer.json()] == [None, "DLI.13005", "DLI.13005"]
    assert [call.status(job_id) for job_id in ids] == ["job_submitting", "job_init", "job_init"]


def test_a_delay_delays(call: Caller) -> None:
    call.emulator.fault("queues.list", "delay", delay=0.05)
    begun = time.monotonic()
    assert call("GET", QUEUES).ok
    assert time.monotonic() - begun >= 0.05


def test_an_answer_is_held_after_the_effect_until_the_fault_is_cleared(call: Caller) -> None:
    fault = call.emulator.fault("*", "held_answer", nth=2, delay=60)
    assert call("GET", QUEUES).ok
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(call, "POST", QUEUES, {"queue_name": "q", "cu_count": 16})
        while not call.emulator.faults()[0]["fired"]:
            pass
        assert call("GET", f"{QUEUES}/q").ok
        assert not creating.done()
        call.emulator.clear_faults(fault)
        assert creating.result(10).ok


def test_an_answer_is_held_no_longer_than_the_fault_says(call: Caller) -> None:
    call.emulator.fault("queues.list", "held_answer", delay=0.05)
    begun = time.monotonic()
    assert call("GET", QUEUES).ok
    assert time.monotonic() - begun >= 0.05


def test_a_run_can_fail_to_submit(call: Caller) -> None:
    call.emulator.behave("submit_fail", description="no such class")
    job_id = call.job()
    call.run(job_id)
    call.emulator.advance(480)
    details = call.details(job_id)
    assert (details["status"], details["status_desc"]) == ("job_submit_fail", "no such class")


def test_a_run_can_be_slower_still(call: Caller) -> None:
    call.emulator.behave("slow_submit", after=1000)
    job_id = call.job()
    call.run(job_id)
    call.emulator.advance(1479)
    assert call.status(job_id) == "job_submitting"
    call.emulator.advance(1)
    assert call.status(job_id) == "job_running"


def test_a_program_can_fail_after_a_while_only_with_one_entrypoint(call: Caller) -> None:
    call.emulator.behave("running_exception", after=60, description="boom", match={"entrypoint": "bad"})
    good, bad = call.job("good"), call.job("bad", entrypoint="g/bad.jar")
    call.package("bad.jar")
    call.run(good, bad)
    call.emulator.advance(480 + 59)
    assert call.status(bad) == "job_running"
    call.emulator.advance(1)
    assert (call.status(bad), call.status(good)) == ("job_running_exception", "job_running")
    assert call.details(bad)["status_desc"] == "boom"


def test_a_program_that_fails_is_restarted_if_it_wants_and_as_often_as_it_may(call: Caller) -> None:
    call.emulator.behave("running_exception", after=60)
    job_id = call.job(restart_when_exception=True, resume_max_num=2)
    call.run(job_id)
    call.emulator.advance(480)
    seen = []
    for _ in range(15):
        seen.append((call.details(job_id)["status"], call.details(job_id)["restart_times"]))
        call.emulator.advance(20)
    assert ("job_submitting", 1) in seen
    assert seen[-1] == ("job_running_exception", 2)


def test_a_program_can_end_by_itself(call: Caller) -> None:
    call.emulator.behave("finish", after=10, times=1)
    job_id = call.running()
    call.emulator.advance(10)
    assert call.status(job_id) == "job_finish"
    assert call.run(job_id).ok


def test_a_stop_can_fail_and_be_repeated(call: Caller) -> None:
    call.emulator.behave("cancel_fail", times=1)
    job_id = call.running()
    call.stop(job_id)
    call.emulator.advance(20)
    assert call.status(job_id) == "job_cancel_fail"
    assert call.stop(job_id).ok
    call.emulator.advance(20)
    assert call.status(job_id) == "job_cancel_success"


def test_a_savepoint_that_fails_leaves_the_job_running_and_says_why(call: Caller) -> None:
    call.emulator.behave("savepoint_fail", description="expired")
    job_id = call.running()
    started = call.details(job_id)["start_time"]
    call.stop(job_id, savepoint=True)
    call.emulator.advance(20)
    details = call.details(job_id)
    assert (details["status"], details["has_savepoint"], details["start_time"]) == ("job_running", False, started)
    assert "expired" in details["status_desc"]


def test_faults_are_listed_counted_and_cleared(call: Caller) -> None:
    first = call.emulator.fault("queues.list", 500)
    call.emulator.behave("submit_fail")
    call("GET", QUEUES)
    assert [(fault["effect"], fault["fired"]) for fault in call.emulator.faults()] == [(500, 1), ("submit_fail", 0)]
    call.emulator.clear_faults(first)
    assert len(call.emulator.faults()) == 1
    call.emulator.clear_faults()
    assert call.emulator.faults() == []


def test_an_unknown_effect_or_field_is_refused_with_a_sentence(call: Caller) -> None:
    with pytest.raises(ValueError, match="no such effect: 'explode'"):
        call.emulator.fault("*", "explode")
    with pytest.raises(ValueError, match="odd"):
        call.emulator.fault("*", 500, odd=1)


def test_every_effect_that_is_named_is_accepted() -> None:
    faults = Faults()
    for effect in (*CALL_EFFECTS, *BEHAVIOURS):
        faults.add({"effect": effect})
    assert len(faults.listed) == len(CALL_EFFECTS) + len(BEHAVIOURS)
