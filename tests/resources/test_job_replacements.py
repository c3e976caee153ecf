"""A job that is deleted before its successor is created: the state goes over, in one process or in several."""

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
    with pytest.raises(Failed, match=r"its state is in obs://state/\S+: .*initial_savepoint_path"):
        replace(stream, before_create=refuse)


def refused_once(stream: Stream, operation: str) -> None:
    times = 2 if operation == "jobs.import_savepoint" else 1  # a refused path is tried in its other form, too
    stream.emulator.fault(operation, 400, code="DLI.10001", message="No.", times=times)


@pytest.mark.parametrize("operation", ["jobs.import_savepoint", "jobs.run"])
def test_the_next_up_goes_on_from_it_when_the_start_failed(stream, operation):
    running(stream)
    refuse = lambda: refused_once(stream, operation)  # noqa: E731
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


# across processes


def deleted(stream: Stream) -> str:
    """The delete of a replacement, after which the process dies; the path of the last savepoint."""
    stack, entry = stream.stack, stream.entry
    with stack.phase() as phase:
        phase.diff(entry, phase.check(JOB, entry.urn, {**stream.inputs, "entrypoint": B}, entry.inputs))
        phase.delete(entry, None)
    del stack.entries[stream.name]
    (path,) = [note.removeprefix("savepoint ") for note in stack.notes if note.startswith("savepoint obs://")]
    return path


def notes_in(stream: Stream) -> list[str]:
    listed = stream.emulator.service.objects.listed("state", "pulumi-dli/left-states/")
    return [row.key for row in listed]


@pytest.mark.parametrize("hosted_stack", [False, True], ids=["in process", "hosted"])
def test_another_process_finds_the_state_again(emulator, hosted_stack):
    stream = running(Stream(Stack(emulator, hosted=hosted_stack)))
    path = deleted(stream)
    assert stream.preview().notes == [f"creates and starts from {path}, left by the job of this name before it"]
    stream.up()
    assert stream.real["restored_from"] == [path]
    assert notes_in(stream) == []


@pytest.mark.parametrize("operation", ["jobs.create", "jobs.import_savepoint", "jobs.run"])
def test_a_second_up_after_a_create_that_failed_finds_the_state_again(stream, operation):
    running(stream)
    path = deleted(stream)
    refused_once(stream, operation)
    with pytest.raises(Failed):
        stream.up()
    stream.up()
    assert path in stream.real["restored_from"]
    assert stream.status == "job_running"
    assert notes_in(stream) == []


def test_stateless_drops_what_an_earlier_process_left(stream):
    running(stream)
    deleted(stream)
    stream.up(upgrade_mode="stateless")
    assert stream.real["restored_from"] == []
    assert notes_in(stream) == []


def test_a_draft_gets_the_state_and_starts_from_it_later(stream):
    running(stream)
    path = deleted(stream)
    stream.up(state="draft")
    assert notes_in(stream) == []
    stream.refresh()
    stream.up(state="running")
    assert stream.real["restored_from"] == [path]


def test_a_state_that_another_resource_left_is_named_and_not_taken(stream):
    path = deleted(running(stream))
    for act in (stream.stack.preview, stream.stack.up):
        with pytest.raises(Failed, match=rf"{path}: give that as initial_savepoint_path.*stateless"):
            act(JOB, "other", **stream.inputs)
    assert stream.stack.jobs() == []
    stream.stack.up(JOB, "other", **stream.inputs, initial_savepoint_path=path)
    assert stream.real["restored_from"] == [path]
    assert notes_in(stream) == []


# where the state could not go over, the job stays


def must_stay(stream: Stream, said: str) -> None:
    with pytest.raises(Failed, match=said):
        replace(stream)
    assert "jobs.delete" not in stream.stack.operations()


def test_a_job_stays_running_when_nothing_could_tell_its_successor(stream):
    running(stream)
    for setting in ("dli:accessKey", "dli:secretKey"):
        del stream.stack.config[setting]
    stream.stack.config["dli:token"] = "t"
    must_stay(stream, "not deleted, since its state would not come to its successor: OBS takes no token.*Leave out")
    assert stream.status == "job_running"


def test_a_job_stays_running_when_no_savepoint_can_be_imported_here(stream):
    running(stream)
    stream.emulator.quirk(savepoint_api_unpublished=True)
    must_stay(stream, "no call to import a savepoint")
    assert stream.status == "job_running"


@pytest.mark.parametrize("act", ["fail", "stop"])
def test_a_job_at_rest_without_savepoint_stays(stream, act):
    running(stream)
    stream.act(act)
    stream.emulator.advance(100)
    must_stay(stream, "no savepoint newer than its last start.*would start without its state")


def test_an_unwritable_bucket_keeps_the_job_too(stream):
    running(stream)
    stream.emulator.fault("objects.put", 403, times=0)
    must_stay(stream, "would not come to its successor: write obs://state/pulumi-dli/left-states/")
    assert stream.status == "job_running"


def test_a_draft_that_did_not_get_the_state_gets_it_with_the_next_up(stream):
    running(stream)
    path = deleted(stream)
    stream.emulator.fault("jobs.import_savepoint", 400, code="DLI.10001", message="No.", times=2)  # in both forms
    with pytest.raises(Failed):
        stream.up(state="draft")
    stream.up()
    assert notes_in(stream) == []
    stream.up(state="running")
    assert stream.real["restored_from"] == [path]


def renamed(stream: Stream, **changed):
    """What the engine does for `--replace` and a new name: the successor first."""
    stack, entry, inputs = stream.stack, stream.entry, {**stream.inputs, "name": "renamed", **changed}
    with stack.phase() as phase:
        phase.diff(entry, phase.check(JOB, entry.urn, inputs, entry.inputs))
        news = phase.check(JOB, entry.urn, inputs, None)
        return phase.create(JOB, entry.urn, news, None)


def test_a_successor_of_another_name_does_not_start_beside_the_job_that_it_replaces(stream):
    running(stream)
    with pytest.raises(Failed, match="nothing was created: a job named renamed would start without the state of job"):
        renamed(stream)
    assert any("would start without the state of job" in text for text in stream.stack.warnings)
    assert [job["name"] for job in stream.stack.jobs()] == ["j"]
    renamed(stream, upgrade_mode="stateless")
    assert len(stream.stack.jobs()) == 2
