"""A job in `job_cancel_fail`: the service makes no savepoint of it any more, and takes a plain stop only. Nothing is
lost without leave, and each leave is a way out."""

from __future__ import annotations

import pytest

from tests.stacks import Failed, Stack, Stream

A, B = "obs://jars/a.jar", "obs://jars/b.jar"


def stop_failed(stream: Stream, *, savepoint: bool = False, **inputs) -> Stream:
    """It runs, a person stops it (with a savepoint that is made), and the stop fails."""
    stream.up(**inputs)
    stream.emulator.advance(100)
    fault = stream.emulator.behave("cancel_fail", match={"name": stream.name})
    stream.act("stop", savepoint=savepoint)
    stream.emulator.advance(100)
    assert stream.status == "job_cancel_fail"
    stream.emulator.clear_faults(fault)
    stream.forget()
    return stream


def stops(stream: Stream) -> list[bool]:
    return [bool(entry["body"].get("trigger_savepoint")) for entry in stream.stack.requests("jobs.stop")]


def test_without_leave_the_update_is_refused_before_anything_is_sent(stream):
    stop_failed(stream)
    with pytest.raises(Failed, match=r"it has no savepoint.*last-state.*initial_savepoint_path.*stateless"):
        stream.up(entrypoint=B)
    assert stream.writes() == []
    assert stream.status == "job_cancel_fail"


def test_the_savepoint_of_the_failed_stop_is_what_the_restart_goes_on_from(stream):
    stop_failed(stream, savepoint=True)
    path = stream.real["savepoint_path"]
    assert stream.preview(entrypoint=B).notes == ["restart from its savepoint (entrypoint)"]
    stream.up(entrypoint=B)
    assert stops(stream) == [False]
    assert stream.real["restored_from"] == [path]
    assert (stream.status, stream.real["definition"]["entrypoint"]) == ("job_running", B)


def test_a_rollback_after_a_plain_stop_goes_back_to_the_same_savepoint(stream):
    stop_failed(stream, savepoint=True)
    path = stream.real["savepoint_path"]
    stream.emulator.behave("submit_fail", match={"entrypoint": "b.jar"}, description="b.jar is broken")
    with pytest.raises(Failed, match="previous version runs again from savepoint"):
        stream.up(entrypoint=B)
    assert {*stream.real["restored_from"]} == {path}
    assert stream.real["definition"]["entrypoint"] == A
    assert stream.status == "job_running"


@pytest.mark.parametrize(("mode", "restored"), [("stateless", False), ("last-state", True)])
def test_the_mode_allows_a_plain_stop(stream, mode, restored):
    stop_failed(stream, checkpoint_enabled=True, checkpoint_interval=10)
    stream.up(entrypoint=B, upgrade_mode=mode)
    assert stops(stream) == [False]
    assert stream.status == "job_running"
    assert bool(stream.real["restored_from"]) == restored


def test_an_old_savepoint_is_taken_when_the_program_says_so(stream):
    stream.up()
    stream.up(savepoint_nonce="1")
    stream.up(restart_nonce="1")
    stream.emulator.quirk(savepoint_consumed="kept")
    stream.up(restart_nonce="2")
    old = stream.real["savepoint_path"]
    assert old
    stop_failed(stream)
    with pytest.raises(Failed, match=old):
        stream.up(entrypoint=B)
    stream.up(entrypoint=B, allow_old_savepoint=True)
    assert stream.real["restored_from"][-1] == old
    assert stream.status == "job_running"


@pytest.mark.parametrize(
    ("savepoint", "inputs", "allowed"),
    [(False, {}, False), (True, {}, True), (False, {"upgrade_mode": "last-state"}, True)],
)
def test_suspending_it_needs_something_to_go_on_from(stream, savepoint, inputs, allowed):
    stop_failed(stream, savepoint=savepoint, checkpoint_enabled=True, checkpoint_interval=10)
    if not allowed:
        with pytest.raises(Failed, match="no savepoint"):
            stream.up(state="suspended", **inputs)
        assert stream.writes() == []
        return
    stream.up(state="suspended", **inputs)
    assert stops(stream) == [False]
    assert stream.status == "job_cancel_success"
    stream.up(state="running")
    assert len(stream.real["restored_from"]) == 1


def test_last_state_without_a_checkpoint_stops_nothing(stream):
    stop_failed(stream)
    with pytest.raises(Failed, match="no complete checkpoint"):
        stream.up(state="suspended", upgrade_mode="last-state")
    assert stream.writes() == []


def test_destroy_refuses_and_names_the_ways_out(stream):
    stop_failed(stream)
    with pytest.raises(Failed, match=r"was not deleted.*last-state.*savepoint_on_delete=False"):
        stream.destroy()
    assert stream.status == "job_cancel_fail"


@pytest.mark.parametrize("hosted_stack", [False, True], ids=["in process", "hosted"])
@pytest.mark.parametrize("pending", [{}, {"entrypoint": B}, {"smn_topic": "t"}], ids=["alone", "restart", "live field"])
@pytest.mark.parametrize("leave", [{"savepoint_on_delete": False}, {"upgrade_mode": "stateless"}])
def test_an_input_that_up_was_given_reaches_destroy_whatever_else_up_refuses(emulator, hosted_stack, pending, leave):
    stream = stop_failed(Stream(Stack(emulator, hosted=hosted_stack)))
    works = "upgrade_mode" in leave and "smn_topic" not in pending
    if works or not pending:
        stream.up(**pending, **leave)
    else:
        with pytest.raises(Failed, match=r"job_cancel_fail|last stop failed") as failed:
            stream.up(**pending, **leave)
        assert failed.value.half_done
        assert stream.outs["entrypoint"] == A
        if "entrypoint" in pending:  # a live change is foreseen from the state, without a look
            assert any("will fail" in line for line in stream.stack.warnings)
    assert {key: stream.outs[key] for key in leave} == leave
    stream.destroy()
    assert stream.stack.jobs() == []


def test_what_a_failed_update_was_told_about_deletes_is_kept(stream):
    stream.up()
    stream.emulator.behave("savepoint_fail")
    with pytest.raises(Failed, match="runs on as before") as failed:
        stream.up(entrypoint=B, savepoint_on_delete=False)
    assert failed.value.half_done
    assert stream.outs["entrypoint"] == A
    stream.emulator.clear_faults()
    stream.up()
    assert stream.real["definition"]["entrypoint"] == B
    stream.destroy()
    assert len(stops(stream)) == 2


@pytest.mark.parametrize(
    ("savepoint", "inputs", "words"),
    [
        (True, {}, "savepoint obs://state/jobs/savepoint"),
        (False, {"upgrade_mode": "last-state"}, "checkpoint obs://state/jobs/checkpoint"),
    ],
)
def test_destroy_takes_the_state_that_there_is_and_names_it(stream, savepoint, inputs, words):
    stop_failed(stream, savepoint=savepoint, checkpoint_enabled=True, checkpoint_interval=10, **inputs)
    stream.destroy()
    assert any(note.startswith(words) for note in stream.stack.notes)
    assert any("is lost" in line for line in stream.stack.warnings)
    assert stream.stack.jobs() == []
