"""A job that is deleted before its replacement is created: the state goes over, or the error says where it is."""

from __future__ import annotations

import pytest

from tests.stacks import JOB, Failed, HalfMade, Stack, Stream

B = "obs://jars/b.jar"


def replace(stream: Stream, *, before_create=lambda: None, **changed):
    """What the engine does for `delete_before_replace=True`, within one process of the provider."""
    stack, inputs = stream.stack, {**stream.inputs, **changed}
    entry, urn = stream.entry, stack.urn(JOB, stream.name)
    with stack.phase() as phase:
        news = phase.check(JOB, urn, inputs, entry.inputs)
        phase.diff(entry, news)
        phase.delete(entry, None)
        before_create()
        news = phase.check(JOB, urn, inputs, None)
        return phase.create(JOB, urn, news, None)


def running(stream: Stream, **inputs) -> Stream:
    stream.up(**inputs)
    stream.emulator.advance(100)
    stream.forget()
    return stream


@pytest.mark.parametrize("hosted_stack", [False, True], ids=["in process", "hosted"])
def test_the_successor_goes_on_from_the_last_savepoint(emulator, hosted_stack):
    stream = running(Stream(Stack(emulator, hosted=hosted_stack)))
    old = stream.id
    ran = stream.real["state_seconds"]
    made, _ = replace(stream, entrypoint=B)
    assert int(made) != old
    assert [f"/savepoint/{old}/" in path for path in stream.real["restored_from"]] == [True]
    assert stream.real["state_seconds"] >= ran
    assert any("goes on from obs://" in note for note in stream.stack.notes)


def test_stateless_starts_from_nothing(stream):
    running(stream)
    replace(stream, entrypoint=B, upgrade_mode="stateless")
    assert stream.real["restored_from"] == []
    assert stream.status == "job_running"


def test_a_create_that_is_refused_says_where_the_state_is(stream):
    running(stream)
    refuse = lambda: stream.emulator.fault("jobs.create", 400, code="DLI.0001", message="No.")  # noqa: E731
    with pytest.raises(Failed, match=r"its state is in obs://state/\S+: give that as initial_savepoint_path"):
        replace(stream, before_create=refuse)


@pytest.mark.parametrize("operation", ["jobs.import_savepoint", "jobs.run"])
def test_the_next_up_goes_on_from_it_when_the_start_failed(stream, operation):
    running(stream)
    refuse = lambda: stream.emulator.fault(operation, 400, code="DLI.10001", message="No.")  # noqa: E731
    with pytest.raises(HalfMade) as half:
        replace(stream, before_create=refuse)
    stream.entry.id, stream.entry.outs, stream.entry.init_errors = half.value.id, half.value.outs, half.value.reasons
    stream.up()
    assert len(stream.real["restored_from"]) == 1
    assert stream.status == "job_running"


def test_the_state_of_a_job_that_was_stopped_before_goes_over_too(stream):
    running(stream)
    stream.up(state="suspended")
    path = stream.real["savepoint_path"]
    replace(stream, state="running")
    assert stream.real["restored_from"] == [path]
