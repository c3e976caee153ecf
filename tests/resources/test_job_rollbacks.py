"""A new version that does not come up: the old one runs again from the savepoint just made, or the error says what is
where."""

from __future__ import annotations

import pytest

from pulumi_dli.lifecycle.jobs.mapping import SENT
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec
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
    assert ("records twice" in str(failed.value)) == (effect == "running_exception")  # else it wrote nothing
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
    assert stream.outs["pending_reason"]


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
    assert "pending_reason" not in stream.outs
    assert "pending_restore_path" not in stream.outs


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
    path = stream.outs["pending_restore_path"]
    assert failed.value.half_done
    assert f"STREAM IS DOWN: Flink job j ({stream.id}), savepoint {path}" in text
    assert "b.jar is broken" in text
    assert "Going back failed too" in text
    assert ".." not in text.replace("://", "")
    assert {"import": "no call to import", "change": "no such topic", "run": "Internal error"}[where] in text
    assert stream.status != "job_running"


@pytest.mark.parametrize("where", ["import", "change", "run"])
def test_up_repairs_what_a_failed_rollback_left(stream, where):
    test_a_rollback_that_fails_too_says_exactly_what_is_where(stream, where)
    path = stream.outs["pending_restore_path"]
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


UNDONE = [
    # what the program gave, what the failed upgrade changes besides the package, what the rollback puts back besides it
    ({}, {}, {}),
    ({"desc": "old"}, {"desc": "new"}, {"desc": "old"}),
    ({}, {"name": "renamed"}, {"name": "j"}),
    ({}, {"queue_name": "q2"}, {"queue_name": "q1"}),
    ({"main_class": "Old"}, {"main_class": "New"}, {"main_class": "Old"}),
    ({"entrypoint_args": "--old"}, {"entrypoint_args": None}, {"entrypoint_args": "--old"}),
    ({}, {"entrypoint_args": "--new"}, {"entrypoint_args": ""}),
    ({}, {"dependency_jars": [B]}, {"dependency_jars": []}),
    ({"dependency_files": [A]}, {"dependency_files": [B]}, {"dependency_files": [A]}),
    (
        {"runtime_config": {"k": "1"}},
        {"runtime_config": {"k": "2"}},
        {"runtime_config": '[{"key": "k", "value": "1"}]'},
    ),
    ({"flink_log_config": '{"a": 1}'}, {"flink_log_config": '{"a": 2}'}, {"flink_log_config": '{"a": 1}'}),
    ({"execution_agency_urn": "a"}, {"execution_agency_urn": "b"}, {"execution_agency_urn": "a"}),
    ({"flink_version": "1.12"}, {"flink_version": "1.10"}, {"flink_version": "1.12"}),
    ({}, {"feature": "custom", "image": "o/i:1"}, {"feature": "basic", "image": ""}),
    ({"cu_number": 4}, {"cu_number": 6}, {"cu_number": 4}),
    (
        {"cu_number": 6, "manager_cu_number": 1},
        {"manager_cu_number": 2, "tm_cus": 2, "parallel_number": 2},
        {"manager_cu_number": 1, "tm_cus": 1, "parallel_number": 1},
    ),
    ({"tm_slot_num": 2}, {"tm_slot_num": 3}, {"tm_slot_num": 2}),
    ({}, {"tm_slot_num": 4}, {"tm_slot_num": 0}),
    ({"cu_number": 3, "parallel_number": 3}, {"tm_slot_num": 3}, {"tm_slot_num": 0}),
    ({"tm_slot_num": 2}, {"tm_slot_num": None}, {"tm_slot_num": 2}),
    (
        {"resource_config_version": "v2", "resource_config": {"max_slot": 2}},
        {"resource_config": {"max_slot": 3}},
        {
            "resource_config": {
                "max_slot": 2,
                "parallel_number": 1,
                "jobmanager_resource_spec": {"cpu": 1.0, "memory": "4G"},
                "taskmanager_resource_spec": {"cpu": 1.0, "memory": "4G"},
            }
        },
    ),
    (
        {},
        {"resource_config_version": "v2", "resource_config": {"max_slot": 3}},
        {"resource_config_version": "v1"},
    ),
    (
        {"checkpoint_enabled": True, "checkpoint_interval": 20, "checkpoint_mode": 1},
        {"checkpoint_interval": 30, "checkpoint_mode": 2},
        {"checkpoint_interval": 20, "checkpoint_mode": 1},
    ),
    (
        {"checkpoint_enabled": True},
        {"checkpoint_enabled": False, "checkpoint_path": "obs://state/mine/"},
        {"checkpoint_enabled": True, "checkpoint_path": ""},
    ),
    (
        {"checkpoint_path": "obs://state/mine/"},
        {"checkpoint_path": None, "checkpoint_enabled": True},
        {"checkpoint_path": "obs://state/mine/", "checkpoint_enabled": False},
    ),
    ({}, {"obs_bucket": "other"}, {"obs_bucket": "state"}),
    ({}, {"log_enabled": True}, {"log_enabled": False}),
    ({"smn_topic": "old"}, {"smn_topic": "new"}, {"smn_topic": "old"}),
    (
        {},
        {"restart_when_exception": True, "resume_max_num": 3},
        {"restart_when_exception": False, "resume_max_num": -1},
    ),
    ({"checkpoint_enabled": True}, {"resume_checkpoint": True}, {"resume_checkpoint": False}),
]
"""Every field that is sent; `test_the_table_of_rollbacks_has_every_field` says so."""


def told(definition: dict) -> dict:
    """A definition without what says nothing; slots of 0 are computed, as those that were never given."""
    said = {key: value for key, value in definition.items() if value not in (None, "", [], {})}
    return {key: value for key, value in said.items() if (key, value) != ("tm_slot_num", 0)}


@pytest.mark.parametrize(
    ("given", "changed", "put_back"), UNDONE, ids=[",".join(row[1]) or "package" for row in UNDONE]
)
def test_a_rollback_puts_back_what_the_upgrade_sent_and_nothing_else(stream, given, changed, put_back):
    stream.stack.queue("q2")
    stream.emulator.put_object("other", "README", b"another bucket")
    if "execution_agency_urn" in given:
        stream.stack.enter_pool()
    running(stream, **given)
    before = told(stream.real["definition"])
    bad(stream, "submit_fail")
    with pytest.raises(Failed, match="previous version runs again"):
        stream.up(entrypoint=B, **changed)
    sent, undone = (entry["body"] for entry in stream.stack.requests("jobs.update"))
    # The journal hides what may be secret; that it is right shows in the definition.
    expected = {key: "(hidden)" if undone.get(key) == "(hidden)" else value for key, value in put_back.items()}
    assert {key: value for key, value in undone.items() if key != "job_type"} == {"entrypoint": A, **expected}
    assert undone.keys() <= sent.keys()
    if "resource_config" in changed:  # parts that the service filled in by itself are told, too
        before.pop("resource_config", None)
        after = {key: value for key, value in told(stream.real["definition"]).items() if key != "resource_config"}
    else:
        after = told(stream.real["definition"])
    assert after == before


def test_the_table_of_rollbacks_has_every_field():
    assert {field for _, changed, _ in UNDONE for field in changed} | {"entrypoint"} == {*SENT} & {
        *FlinkJarJobSpec.model_fields
    }
