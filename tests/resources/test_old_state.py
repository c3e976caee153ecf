"""A person was faster than the state: what a preview refuses, it refuses because of what the service says now."""

from __future__ import annotations

import pytest

from tests.stacks import Failed, Stack, Stream

A, B = "obs://jars/a.jar", "obs://jars/b.jar"


def queue(stack: Stack, cus: int, **more) -> Stack:
    stack.up("Queue", "q", queue_name="wide", cu_count=cus, **more)
    return stack


def scaled(stack: Stack, cus: int) -> None:
    stack.emulator.act("queue.scale", project_id=stack.project_id, queue="wide", cu_count=cus)


@pytest.mark.parametrize(("state", "now", "program"), [(48, 32, 32), (16, 64, 64), (16, 80, 64), (64, 128, 32)])
@pytest.mark.parametrize("hosted_stack", [False, True], ids=["in process", "hosted"])
def test_a_scaling_that_a_person_made_possible_is_not_refused(emulator, hosted_stack, state, now, program):
    stack = queue(Stack(emulator, hosted=hosted_stack), state)
    stream = Stream(stack)
    stream.up(queue_name="wide")  # only then a queue can be scaled
    scaled(stack, now)
    shown = stack.preview("Queue", "q", queue_name="wide", cu_count=program)
    line = f"has {program} CUs already" if now == program else f"scales from {now} to {program} CUs"
    assert any(line in note for note in shown.notes)
    queue(stack, program)
    (row,) = [r for r in stack.call("GET", "/v1.0/{p}/queues?queue_type=all")["queues"] if r["queue_name"] == "wide"]
    assert row["cu_count"] == program
    assert len(stack.requests("queues.action")) == (now != program)


def test_a_refusal_names_the_number_of_the_service(stack):
    queue(stack, 64)
    scaled(stack, 48)
    with pytest.raises(Failed, match="set cu_count back to 48"):
        queue(stack, 32)


def test_a_size_that_the_state_allows_makes_no_call(stack):
    queue(stack, 64)
    before = len(stack.requests())
    stack.preview("Queue", "q", queue_name="wide", cu_count=128)
    assert len(stack.requests()) == before


def test_a_queue_that_became_what_is_declared_is_not_refused(stack):
    queue(stack, 16)
    stack.call("DELETE", "/v1.0/{p}/queues/wide")
    body = {"queue_name": "wide", "queue_type": "sql", "cu_count": 16, "resource_mode": 1}
    stack.call("POST", "/v1.0/{p}/queues", body)
    queue(stack, 16, queue_type="sql")
    stack.call("DELETE", "/v1.0/{p}/queues/wide")
    stack.call("POST", "/v1.0/{p}/queues", {**body, "queue_type": "general"})
    with pytest.raises(Failed, match="cannot be changed in resource_mode"):
        queue(stack, 16, queue_type="sql", resource_mode=0)


@pytest.mark.parametrize("change", [{"smn_topic": "t"}, {"desc": "text"}])
def test_a_job_that_recovered_takes_what_its_old_status_does_not(stream, change):
    stream.up()
    stream.act("arrears")
    stream.refresh()
    assert stream.outs["status"] == "job_arrearage_stopped"
    with pytest.raises(Failed, match="arrears"):
        stream.up(**change)
    stream.act("paid")
    stream.emulator.advance(100)
    stream.up(**change)
    assert stream.status == "job_running"
