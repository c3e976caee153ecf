"""A new version that does not come up: the old one runs again from the savepoint just made, or the error says what is
where."""

from __future__ import annotations

import pytest

from tests.stacks import Failed, Stream

A, B, C = (f"obs://jars/{name}.jar" for name in "abc")
CONSUMED = ("accepted", "running", "kept")


def bad(stream: Stream, effect: str, **more) -> None:
    """Jobs with b.jar do not come up, or do not stay up."""
    stream.emulator.behave(effect, match={"entrypoint": "b.jar"}, description="b.jar is broken", **more)


def running(stream: Stream, **inputs) -> Stream:
    stream.up(**inputs)
    stream.forget()
    return stream


@pytest.mark.parametrize("consumed", CONSUMED)
@pytest.mark.parametrize("effect", ["submit_fail", "running_exception"])
def test_a_version_that_does_not_come_up_is_rolled_back_with_its_state(stream, consumed, effect):
    stream.emulator.quirk(savepoint_consumed=consumed)
    running(stream)
    bad(stream, effect, after=5)
    with pytest.raises(Failed, match=r"did not come up.*b\.jar is broken.*previous version runs again") as failed:
        stream.up(entrypoint=B)
    assert not failed.value.half_done
    assert stream.status == "job_running"
    assert stream.real["definition"]["entrypoint"] == A
    (path,) = {*stream.real["restored_from"]}
    assert path in str(failed.value)
    assert "records twice" in str(failed.value)
    assert stream.stack.requests("jobs.run")[-1]["body"]["resume_savepoint"] is True


@pytest.mark.parametrize("consumed", CONSUMED)
def test_the_next_up_after_a_rollback_tries_again_and_keeps_the_state(stream, consumed):
    stream.emulator.quirk(savepoint_consumed=consumed)
    running(stream)
    bad(stream, "submit_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    assert stream.preview().notes == ["restart with savepoint (entrypoint)"]
    stream.emulator.clear_faults()
    stream.up()
    assert stream.real["definition"]["entrypoint"] == B
    assert stream.status == "job_running"
    assert not stream.refresh()


def test_an_import_is_made_only_where_the_start_consumed_the_savepoint(stream):
    stream.emulator.quirk(savepoint_consumed="kept")
    running(stream)
    bad(stream, "submit_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    assert stream.writes() == ["stop", "update", "run", "update", "run"]


def test_a_job_that_restarts_by_itself_within_the_stabilization_does_not_count_as_up(stream):
    running(stream, restart_when_exception=True, stabilization_seconds=300)
    bad(stream, "running_exception", after=20)
    with pytest.raises(Failed, match="previous version runs again"):
        stream.up(entrypoint=B)
    assert stream.real["definition"]["entrypoint"] == A
    assert stream.status == "job_running"


def test_a_restart_between_two_looks_is_noticed_by_its_count(stream):
    running(stream, restart_when_exception=True)
    bad(stream, "running_exception", after=20, times=1)
    stream.emulator.set_pace(200_000)
    try:
        with pytest.raises(Failed, match="did not stay up"):
            stream.up(entrypoint=B)
    finally:
        stream.emulator.set_pace(2000)
    assert stream.real["definition"]["entrypoint"] == A


def test_stabilization_can_be_left_out(stream):
    running(stream, stabilization_seconds=0)
    bad(stream, "running_exception", after=2000)
    stream.up(entrypoint=B)
    assert stream.real["definition"]["entrypoint"] == B


def test_a_refused_start_is_rolled_back(stream):
    running(stream)
    stream.emulator.fault("jobs.run", 400, code="DLI.10001", message="Internal error.")
    with pytest.raises(Failed, match="previous version runs again"):
        stream.up(entrypoint=B)
    assert stream.real["definition"]["entrypoint"] == A
    assert stream.status == "job_running"


def test_a_refused_change_brings_the_old_version_back(stream):
    running(stream)
    stream.emulator.fault("jobs.update", 400, code="DLI.11032", message="The topic does not exist.")
    with pytest.raises(Failed, match=r"topic does not exist.*previous version runs again"):
        stream.up(entrypoint=B)
    assert stream.writes() == ["stop", "update", "run"]
    assert stream.status == "job_running"
    assert stream.real["definition"]["entrypoint"] == A


def test_the_snapshot_is_put_back_not_the_state_of_the_stack(stream):
    running(stream, desc="of the stack")
    stream.act("edit", fields={"desc": "by hand", "smn_topic": "hand"})
    bad(stream, "submit_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    assert stream.real["definition"]["desc"] == "by hand"
    assert stream.real["definition"]["smn_topic"] == "hand"


def test_what_was_empty_before_is_empty_again(stream):
    running(stream)
    bad(stream, "submit_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B, entrypoint_args="--new flag", runtime_config={"k": "v"}, dependency_jars=[B])
    definition = stream.real["definition"]
    assert not any(definition.get(field) for field in ("entrypoint_args", "runtime_config", "dependency_jars"))


def test_without_rollback_the_job_is_left_stopped_and_half_done(stream):
    running(stream, rollback=False)
    bad(stream, "submit_fail")
    with pytest.raises(Failed, match=r"STREAM IS DOWN: Flink job j \(\d+\), savepoint obs://state/") as failed:
        stream.up(entrypoint=B)
    assert failed.value.half_done
    assert stream.status == "job_submit_fail"
    assert stream.outs["unfinished"]


@pytest.mark.parametrize("consumed", CONSUMED)
@pytest.mark.parametrize("refreshed", [False, True])
def test_up_goes_on_from_the_savepoint_of_the_failed_upgrade(stream, consumed, refreshed):
    stream.emulator.quirk(savepoint_consumed=consumed)
    stream.emulator.put_object("jars", "c.jar", b"c")
    running(stream, rollback=False)
    bad(stream, "running_exception", after=5)
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    if refreshed:
        stream.refresh()
    path = stream.outs["savepoints"][-1]["path"]
    stream.up(entrypoint=C)
    assert stream.status == "job_running"
    assert stream.real["definition"]["entrypoint"] == C
    assert {*stream.real["restored_from"]} == {path}
    assert "unfinished" not in stream.outs
    assert "resume_from" not in stream.outs


def test_up_does_not_go_back_to_that_savepoint_when_somebody_ran_the_job_meanwhile(stream):
    running(stream, rollback=False)
    bad(stream, "submit_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    stream.emulator.clear_faults()
    stream.act("restart")
    stream.emulator.advance(100)
    stream.act("fail", description="boom")
    stream.forget()
    with pytest.raises(Failed, match="no savepoint is newer"):
        stream.up()
    assert stream.writes() == []


@pytest.mark.parametrize("where", ["import", "change", "run"])
def test_a_rollback_that_fails_too_says_exactly_what_is_where(stream, where):
    running(stream)
    bad(stream, "submit_fail")
    if where == "import":
        stream.emulator.quirk(savepoint_api_unpublished=True)
    elif where == "change":
        stream.emulator.fault("jobs.update", 400, code="DLI.11032", message="no such topic", nth=2)
    else:
        stream.emulator.fault("jobs.run", 400, code="DLI.10001", message="Internal error.", nth=2)
    with pytest.raises(Failed) as failed:
        stream.up(entrypoint=B)
    text = str(failed.value)
    path = stream.outs["resume_from"]
    assert failed.value.half_done
    assert f"STREAM IS DOWN: Flink job j ({stream.id}), savepoint {path}" in text
    assert "b.jar is broken" in text
    assert "Going back failed too" in text
    assert {"import": "no call to import", "change": "no such topic", "run": "Internal error"}[where] in text
    assert stream.status != "job_running"


@pytest.mark.parametrize("where", ["import", "change", "run"])
def test_up_repairs_what_a_failed_rollback_left(stream, where):
    test_a_rollback_that_fails_too_says_exactly_what_is_where(stream, where)
    path = stream.outs["resume_from"]
    stream.emulator.clear_faults()
    stream.emulator.quirk(savepoint_api_unpublished=False)
    stream.up()
    assert stream.status == "job_running"
    assert stream.real["definition"]["entrypoint"] == B
    assert {*stream.real["restored_from"]} == {path}


def test_a_rollback_never_takes_another_savepoint(stream):
    stream.emulator.quirk(savepoint_consumed="accepted", savepoint_files="deleted")
    running(stream)
    bad(stream, "running_exception", after=5)
    with pytest.raises(Failed, match="STREAM IS DOWN"):
        stream.up(entrypoint=B)
    assert [body["body"]["resume_savepoint"] for body in stream.stack.requests("jobs.run")] == [False, True]


def test_a_stateless_job_is_rolled_back_without_state(stream):
    running(stream, upgrade_mode="stateless")
    bad(stream, "submit_fail")
    with pytest.raises(Failed, match="previous version runs again without state"):
        stream.up(entrypoint=B)
    assert stream.status == "job_running"
    assert stream.real["restored_from"] == []


def test_last_state_is_rolled_back_to_its_checkpoint(stream):
    running(stream, upgrade_mode="last-state", checkpoint_enabled=True)
    stream.emulator.advance(100)
    bad(stream, "submit_fail")
    with pytest.raises(Failed, match=r"previous version runs again from obs://state/.*/chk-"):
        stream.up(entrypoint=B)
    assert stream.status == "job_running"
    assert "/chk-" in stream.real["restored_from"][-1]


def test_a_rollback_brings_tags_and_texts_to_no_drift(stream):
    running(stream, desc="before")
    stream.up(desc="after")
    bad(stream, "submit_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    stream.refresh()
    assert stream.entry.inputs["desc"] == "after"
    assert stream.entry.inputs["entrypoint"] == A


def test_a_program_that_gives_the_new_version_up_has_nothing_to_do(stream):
    running(stream)
    bad(stream, "submit_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    stream.forget()
    stream.up(entrypoint=A)
    assert stream.writes() == []
    assert stream.status == "job_running"
