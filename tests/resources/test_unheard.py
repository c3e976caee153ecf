"""Requests that are answered with success and have no effect, and things that vanish while they are waited for: each
wait asks again what was never heard, and gives up early, with the reason, on what cannot come."""

from __future__ import annotations

import time

import pytest

from tests.stacks import Failed, Stack, Stream

A, B = "obs://jars/a.jar", "obs://jars/b.jar"


DONE = {"is_success": "true", "message": "done"}
SUCCESS = {
    "jobs.run": [DONE],
    "jobs.stop": [DONE],
    "jobs.delete_many": [DONE],
    "packages.upload": {"group_name": "apps"},
}


def unheard(stream_or_stack, operation: str, times: int = 1, body: object = None) -> None:
    """Calls of this kind are answered with success, and nothing happens."""
    answer = SUCCESS.get(operation, DONE) if body is None else body
    stream_or_stack.emulator.fault(operation, 200, body=answer, times=times)


def somebody(stack: Stack, words: str, act) -> list[str]:
    """A person acts once, as soon as a progress line holds these words; those lines."""
    seen: list[str] = []

    def on_phase(phase) -> None:
        note = phase.progress.append

        def progress(text: str) -> None:
            note(text)
            if words in text and not seen:
                seen.append(text)
                act()

        phase.progress = type("Lines", (), {"append": staticmethod(progress)})()

    stack.on_phase = on_phase
    return seen


@pytest.fixture
def quick():
    """Whatever is given up is given up early, not after half an hour of the service (0.9 s here)."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 25


@pytest.mark.usefixtures("quick")
def test_a_start_that_was_never_heard_is_asked_for_again(stream):
    unheard(stream, "jobs.run")
    stream.up()
    assert stream.status == "job_running"
    assert stream.writes() == ["create", "run", "run"]


@pytest.mark.usefixtures("quick")
def test_a_restart_that_was_never_heard_is_asked_for_again_with_its_state(stream):
    stream.up()
    stream.forget()
    unheard(stream, "jobs.run")
    stream.up(entrypoint=B)
    assert stream.status == "job_running"
    assert len(stream.real["restored_from"]) == 1
    assert stream.writes() == ["stop", "update", "run", "run"]
    assert all(entry["body"]["resume_savepoint"] for entry in stream.stack.requests("jobs.run")[1:])


@pytest.mark.usefixtures("quick")
def test_a_start_that_is_never_heard_fails_early_and_the_next_up_starts_it(stream):
    unheard(stream, "jobs.run", times=0)
    with pytest.raises(Failed, match="DLI accepted a start twice") as failed:
        stream.up()
    assert failed.value.half_done
    assert stream.status == "job_init"
    assert stream.writes() == ["create", "run", "run"]
    stream.emulator.clear_faults()
    stream.up()
    assert stream.status == "job_running"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("mode", ["savepoint", "stateless"])
def test_a_stop_that_was_never_heard_is_asked_for_again(stream, mode):
    stream.up(upgrade_mode=mode)
    stream.forget()
    unheard(stream, "jobs.stop")
    stream.up(entrypoint=B)
    assert stream.real["definition"]["entrypoint"] == B
    assert stream.writes() == ["stop", "stop", "update", "run"]


@pytest.mark.usefixtures("quick")
def test_a_stop_that_is_never_heard_leaves_the_job_as_it_is(stream):
    stream.up()
    stream.forget()
    unheard(stream, "jobs.stop", times=0)
    with pytest.raises(Failed, match="runs on as before: DLI accepted a stop twice") as failed:
        stream.up(entrypoint=B)
    assert not failed.value.half_done
    assert stream.status == "job_running"
    assert stream.writes() == ["stop", "stop"]


@pytest.mark.usefixtures("quick")
def test_a_savepoint_that_was_never_heard_is_asked_for_again(stream):
    stream.up()
    unheard(stream, "jobs.savepoint")
    stream.up(savepoint_nonce="1")
    assert stream.real["savepoint_path"]
    assert stream.status == "job_running"


@pytest.mark.usefixtures("quick")
def test_a_savepoint_of_a_job_that_ends_is_not_waited_for(stream):
    stream.up()
    unheard(stream, "jobs.savepoint", times=0)
    somebody(stream.stack, "", lambda: stream.act("finish"))
    with pytest.raises(Failed, match="job_finish"):
        stream.up(savepoint_nonce="1")


@pytest.mark.parametrize("answers", [[{}], {}])
def test_a_delete_that_was_never_heard_is_made_sure_of(stream, answers):
    stream.up()
    unheard(stream, "jobs.delete_many", body=answers)
    stream.destroy()
    assert stream.stack.jobs() == []


@pytest.mark.usefixtures("quick")
def test_a_job_that_cannot_be_deleted_is_kept_in_the_state(stream):
    stream.up()
    unheard(stream, "jobs.delete_many", times=0, body=[{}])
    unheard(stream, "jobs.delete", times=0, body={})
    with pytest.raises(Failed, match="still there"):
        stream.destroy()
    assert stream.entry


def group(stack: Stack, **more):
    for name in "abc":
        stack.emulator.put_object("jars", f"{name}.jar", name.encode())
    given = {"group_name": "apps", "packages": [A, B], **more}
    return stack.up("PackageGroup", "apps", **given)


def names(stack: Stack) -> set[str]:
    found = stack.call("GET", "/v2.0/{p}/resources")
    return {name for one in found["groups"] for name in one["resources"]}


@pytest.mark.usefixtures("quick")
def test_a_package_that_vanishes_during_the_update_is_uploaded_again(stack):
    group(stack)
    stack.emulator.quirk(timings={"upload": 400.0})
    seen = somebody(stack, "uploading", lambda: stack.call("DELETE", "/v2.0/{p}/resources/a.jar?group=apps"))
    group(stack, packages=[A, B, "obs://jars/c.jar"])
    assert seen
    assert names(stack) == {"a.jar", "b.jar", "c.jar"}
    assert len(stack.requests("packages.upload")) == 3


@pytest.mark.usefixtures("quick")
def test_an_upload_that_was_never_heard_is_asked_for_again(stack):
    unheard(stack, "packages.upload")
    group(stack)
    assert names(stack) == {"a.jar", "b.jar"}


@pytest.mark.usefixtures("quick")
def test_an_upload_that_is_never_heard_fails_early(stack):
    unheard(stack, "packages.upload", times=0)
    with pytest.raises(Failed, match=r"a\.jar, b\.jar is not in group apps, although its upload was accepted"):
        group(stack)
    assert len(stack.requests("packages.upload")) == 2


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("times", [1, 0])
def test_a_queue_whose_create_was_never_heard(stack, times):
    unheard(stack, "queues.create", times=times, body={"is_success": True, "queue_name": "q"})
    if times:
        stack.up("Queue", "q", queue_name="q", cu_count=16)
        assert stack.operations("queues.create") == ["queues.create"] * 2
        return
    with pytest.raises(Failed, match="accepted twice"):
        stack.up("Queue", "q", queue_name="q", cu_count=16)
    assert stack.operations("queues.create") == ["queues.create"] * 2


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("times", [1, 0])
def test_a_queue_whose_delete_was_never_heard(stack, times):
    stack.up("Queue", "q", queue_name="q", cu_count=16)
    unheard(stack, "queues.delete", times=times, body={"is_success": True})
    if times:
        stack.destroy("q")
        assert "q" not in [row["queue_name"] for row in stack.call("GET", "/v1.0/{p}/queues?queue_type=all")["queues"]]
        return
    with pytest.raises(Failed, match="still listed"):
        stack.destroy("q")
    assert stack.operations("queues.delete") == ["queues.delete"] * 2


def scalable(stream: Stream) -> Stack:
    """A queue of 64 CUs of the stack's own, on which a job has run once."""
    stack = stream.stack
    stack.up("Queue", "wide", queue_name="wide", cu_count=64)
    stream.up(queue_name="wide")
    return stack


@pytest.mark.usefixtures("quick")
def test_an_order_of_cus_that_shows_no_sign_is_given_up_and_not_sent_twice(stream):
    stack = scalable(stream)
    unheard(stack, "queues.action", body={"queue_name": "wide", "result": True})
    with pytest.raises(Failed, match="still shows 64 CUs as ordered"):
        stack.up("Queue", "wide", queue_name="wide", cu_count=128)
    assert len(stack.requests("queues.action")) == 1
    stack.up("Queue", "wide", queue_name="wide", cu_count=128)
    assert stack.entries["wide"].outs["cu_count"] == 128


@pytest.mark.usefixtures("quick")
def test_cus_that_somebody_else_ordered_meanwhile_end_the_wait(stream):
    stack = scalable(stream)
    unheard(stack, "queues.action", body={"queue_name": "wide", "result": True})
    project = stack.project_id
    scale = lambda: stack.emulator.act("queue.scale", project_id=project, queue="wide", cu_count=256)  # noqa: E731
    somebody(stack, "scaling", scale)
    with pytest.raises(Failed, match="somebody else ordered 256 CUs"):
        stack.up("Queue", "wide", queue_name="wide", cu_count=128)
