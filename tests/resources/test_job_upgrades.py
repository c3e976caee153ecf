"""An upgrade keeps the state: the order of the calls, the proof of the savepoint, and what is refused instead."""

from __future__ import annotations

import pytest

from tests.stacks import Failed, Stream

B = "obs://jars/b.jar"


def running(stream: Stream, **inputs) -> Stream:
    stream.up(**inputs)
    stream.forget()
    return stream


def test_a_new_jar_restarts_from_the_savepoint_just_made(stream):
    running(stream)
    stream.up(entrypoint=B)
    assert stream.writes() == ["stop", "update", "run"]
    (path,) = stream.real["restored_from"]
    assert stream.real["definition"]["entrypoint"] == B
    assert stream.status == "job_running"
    assert [entry["path"] for entry in stream.outs["savepoints"]] == [path]
    stops = stream.stack.requests("jobs.stop")
    runs = stream.stack.requests("jobs.run")
    assert stops[-1]["body"]["trigger_savepoint"] is True
    assert runs[-1]["body"]["resume_savepoint"] is True


def test_only_what_differs_is_sent(stream):
    running(stream, parallel_number=1, desc="before")
    stream.up(entrypoint=B)
    assert stream.stack.requests("jobs.update")[-1]["body"] == {"entrypoint": B}


def test_the_path_of_the_savepoint_is_said_at_once(stream):
    running(stream)
    stream.up(entrypoint=B)
    assert f"savepoint {stream.real['restored_from'][0]}" in stream.stack.notes


def test_the_history_keeps_the_last_ten_savepoints(stream):
    running(stream)
    for number in range(12):
        stream.up(restart_nonce=str(number))
    paths = [entry["path"] for entry in stream.outs["savepoints"]]
    assert paths == stream.real["restored_from"][-10:]


def test_a_failed_savepoint_leaves_the_job_as_it_was(stream):
    running(stream)
    stream.emulator.behave("savepoint_fail", description="CheckpointException: no space")
    with pytest.raises(Failed, match=r"runs on as before, because its savepoint failed.*no space") as failed:
        stream.up(entrypoint=B)
    assert not failed.value.half_done
    assert stream.status == "job_running"
    assert stream.writes() == ["stop"]


def test_the_upgrade_is_tried_again_after_a_failed_savepoint(stream):
    running(stream)
    fault = stream.emulator.behave("savepoint_fail")
    with pytest.raises(Failed):
        stream.up(entrypoint=B)
    stream.emulator.clear_faults(fault)
    stream.up()
    assert len(stream.real["restored_from"]) == 1
    assert stream.real["definition"]["entrypoint"] == B


def test_the_same_savepoint_failure_twice_is_noticed_twice(stream):
    running(stream)
    stream.emulator.behave("savepoint_fail", description="always the same")
    for _ in range(2):
        with pytest.raises(Failed, match="runs on as before"):
            stream.up(entrypoint=B)
    assert stream.status == "job_running"


def test_a_refused_stop_leaves_the_job_as_it_was(stream):
    stream.emulator.quirk(savepoint_needs_bucket=True)
    running(stream, obs_bucket=None)
    with pytest.raises(Failed, match=r"was not stopped and runs on: A savepoint needs a job with obs_bucket") as failed:
        stream.up(entrypoint=B)
    assert not failed.value.half_done
    assert stream.writes() == ["stop"]
    assert stream.status == "job_running"


def test_rest_without_a_new_savepoint_is_told_and_nothing_is_changed(stream):
    running(stream)
    stream.stack.on_phase = lambda _phase: _stop_plainly_when_asked(stream)
    with pytest.raises(Failed, match=r"STREAM IS DOWN.*job_cancel_success.*no new savepoint.*Nothing was changed") as e:
        stream.up(entrypoint=B)
    assert e.value.half_done
    assert "update" not in stream.writes()
    assert "run" not in stream.writes()


def test_after_rest_without_a_savepoint_up_waits_for_a_word(stream):
    test_rest_without_a_new_savepoint_is_told_and_nothing_is_changed(stream)
    stream.stack.on_phase = lambda _phase: None
    with pytest.raises(Failed, match="no savepoint is newer than the job's last start"):
        stream.up()
    assert stream.status == "job_cancel_success"
    stream.up(upgrade_mode="stateless")
    assert stream.status == "job_running"
    assert stream.real["definition"]["entrypoint"] == B


def _stop_plainly_when_asked(stream: Stream) -> None:
    """The service loses the savepoint of the next stop: it is dropped as soon as it is there."""
    jobs = stream.emulator.service.jobs
    stop = jobs.stop

    def losing(job, *, with_savepoint):
        stop(job, with_savepoint=False)

    jobs.stop = losing


def test_a_job_stopped_by_hand_without_savepoint_is_not_started_from_an_older_one(stream):
    running(stream)
    stream.up(state="suspended")
    stream.up(state="running")
    stream.act("stop")
    settle(stream)
    with pytest.raises(Failed, match="no savepoint is newer"):
        stream.up(entrypoint=B)
    assert stream.writes() == ["stop", "run"]


def settle(stream: Stream) -> None:
    stream.emulator.advance(120)


def old_savepoint(stream: Stream) -> str:
    """A job that a person stopped plainly, and whose only savepoint is older than its last start."""
    stream.emulator.quirk(savepoint_consumed="kept")
    running(stream)
    stream.up(state="suspended")
    stream.up(state="running")
    stream.act("stop")
    settle(stream)
    stream.forget()
    return str(stream.real["savepoint_path"])


def test_an_old_savepoint_is_refused(stream):
    old_savepoint(stream)
    with pytest.raises(Failed, match="allow_old_savepoint"):
        stream.up(entrypoint=B)
    assert stream.writes() == []


def test_an_old_savepoint_is_taken_when_the_program_allows_it(stream):
    path = old_savepoint(stream)
    stream.up(entrypoint=B, allow_old_savepoint=True)
    assert stream.real["restored_from"][-1] == path
    assert stream.status == "job_running"


def test_initial_savepoint_path_decides_where_the_job_has_no_state_of_its_own(stream):
    path = old_savepoint(stream)
    stream.up(entrypoint=B, initial_savepoint_path=path)
    assert stream.writes() == ["import_savepoint", "update", "run"]
    assert stream.real["restored_from"][-1] == path


def test_a_first_start_takes_initial_savepoint_path(stream):
    path = old_savepoint(stream)
    stream.stack.up("FlinkJarJob", "other", **{**stream.inputs, "name": "other", "initial_savepoint_path": path})
    (other,) = (job for job in stream.stack.jobs() if job["name"] == "other")
    assert other["restored_from"] == [path]


def test_stateless_drops_the_state_and_makes_no_savepoint(stream):
    running(stream, upgrade_mode="stateless")
    preview = stream.preview(entrypoint=B)
    assert preview.notes == ["restart, state is dropped (entrypoint)"]
    assert any("state of the stream is dropped" in text for text in preview.warnings)
    stream.up(entrypoint=B)
    assert stream.stack.requests("jobs.stop")[-1]["body"]["trigger_savepoint"] is False
    assert stream.stack.requests("jobs.run")[-1]["body"]["resume_savepoint"] is False
    assert stream.real["restored_from"] == []


def checkpointed(stream: Stream) -> Stream:
    running(stream, upgrade_mode="last-state", checkpoint_enabled=True, checkpoint_interval=10)
    stream.emulator.advance(300)
    stream.forget()
    return stream


def test_last_state_goes_on_from_the_newest_checkpoint(stream):
    checkpointed(stream)
    ran = stream.real["state_seconds"]
    stream.up(entrypoint=B)
    assert stream.writes() == ["import_savepoint", "stop", "update", "import_savepoint", "run"]
    assert "/chk-" in stream.real["restored_from"][-1]
    assert stream.real["state_seconds"] >= ran - 10


def test_last_state_takes_the_checkpoint_that_was_newest_when_the_job_rested(stream):
    running(stream, upgrade_mode="last-state", checkpoint_enabled=True, checkpoint_interval=1)
    stream.emulator.advance(300)
    stream.up(entrypoint=B)
    first, last = (entry["body"]["savepoint_path"] for entry in stream.stack.requests("jobs.import_savepoint"))
    assert number_of(last) > number_of(first)
    assert stream.real["restored_from"] == [last]


def number_of(path: str) -> int:
    return int(path.strip("/").rpartition("chk-")[2])


def test_last_state_does_not_go_back_to_a_checkpoint_of_an_earlier_run(stream):
    running(stream, checkpoint_enabled=True, checkpoint_interval=3600)
    stream.emulator.advance(8000)
    stream.up(restart_nonce="1")
    stream.forget()
    with pytest.raises(Failed, match="no checkpoint since its last start"):
        stream.up(upgrade_mode="last-state", entrypoint=B)
    assert stream.writes() == []
    stream.up(allow_old_savepoint=True)
    assert "/chk-" in stream.real["restored_from"][-1]


def test_last_state_without_a_checkpoint_touches_nothing(stream):
    running(stream, upgrade_mode="last-state")
    with pytest.raises(Failed, match="no complete checkpoint"):
        stream.up(entrypoint=B)
    assert stream.writes() == []
    assert stream.status == "job_running"


def test_last_state_where_the_region_cannot_import_touches_nothing(stream):
    checkpointed(stream)
    stream.emulator.quirk(savepoint_api_unpublished=True)
    with pytest.raises(Failed, match="no call to import a savepoint") as failed:
        stream.up(entrypoint=B)
    assert not failed.value.half_done
    assert "stop" not in stream.writes()
    assert stream.status == "job_running"


def test_last_state_revives_a_failed_job(stream):
    checkpointed(stream)
    stream.act("fail", description="boom")
    stream.refresh()
    stream.up()
    assert "/chk-" in stream.real["restored_from"][-1]
    assert stream.status == "job_running"


def test_restart_nonce_restarts_with_the_state(stream):
    running(stream)
    stream.up(restart_nonce="1")
    assert stream.writes() == ["stop", "run"]
    assert len(stream.real["restored_from"]) == 1


def test_savepoint_nonce_saves_a_running_job_without_stopping_it(stream):
    running(stream)
    assert stream.preview(savepoint_nonce="1").notes == ["makes a savepoint (savepoint_nonce)"]
    stream.up(savepoint_nonce="1")
    assert stream.writes() == ["savepoint"]
    assert stream.outs["savepoints"][-1]["path"] == stream.real["savepoint_path"]
    assert stream.outs["savepoint_path"] == stream.real["savepoint_path"]
    stream.forget()
    stream.up()
    assert stream.writes() == []


def test_savepoint_nonce_is_satisfied_by_the_savepoint_of_a_restart(stream):
    running(stream)
    stream.up(savepoint_nonce="1", entrypoint=B)
    assert stream.writes() == ["stop", "update", "run"]


def test_a_savepoint_that_cannot_be_made_does_not_undo_the_rest(stream):
    running(stream)
    stream.emulator.quirk(savepoint_api_unpublished=True)
    with pytest.raises(Failed, match="restart_nonce") as failed:
        stream.up(savepoint_nonce="1", smn_topic="alarm")
    assert failed.value.half_done
    assert stream.outs["smn_topic"] == "alarm"
    stream.emulator.quirk(savepoint_api_unpublished=False)
    stream.forget()
    stream.up()
    assert stream.writes() == ["savepoint"]


def test_destroy_makes_a_last_savepoint(stream):
    running(stream)
    stream.destroy()
    assert stream.stack.requests("jobs.stop")[-1]["body"]["trigger_savepoint"] is True
    assert stream.stack.jobs() == []
    assert any("/jobs/savepoint/" in note for note in stream.stack.notes)


@pytest.mark.parametrize("inputs", [{"savepoint_on_delete": False}, {"upgrade_mode": "stateless"}])
def test_destroy_makes_none_where_none_is_wanted(stream, inputs):
    running(stream, **inputs)
    stream.destroy()
    assert stream.writes() == []
    assert stream.stack.jobs() == []


def test_a_failed_last_savepoint_fails_the_delete_and_leaves_the_job_alone(stream):
    running(stream)
    stream.emulator.behave("savepoint_fail")
    with pytest.raises(Failed, match=r"was not deleted, because its last savepoint failed.*savepoint_on_delete=False"):
        stream.destroy()
    assert stream.status == "job_running"


def test_delete_twice_is_fine(stream):
    running(stream)
    entry = stream.entry
    stream.destroy()
    stream.stack.entries["j"] = entry
    stream.destroy()


@pytest.mark.parametrize(
    ("given", "cleared"),
    [
        ({"desc": "text", "main_class": "Main"}, {"desc": "", "main_class": ""}),
        ({"entrypoint_args": "--rate 3"}, {"entrypoint_args": ""}),
        ({"dependency_jars": ["obs://jars/b.jar"]}, {"dependency_jars": []}),
        ({"runtime_config": {"k": "v"}}, {"runtime_config": ""}),
        ({"smn_topic": "t"}, {"smn_topic": ""}),
        ({"restart_when_exception": True}, {"restart_when_exception": False}),
        ({"parallel_number": 3}, {"parallel_number": 1}),
        ({"flink_log_config": {"root": "WARN"}}, {"flink_log_config": ""}),
    ],
)
def test_a_field_that_is_given_no_more_is_cleared(stream, given, cleared):
    running(stream, **given)
    stream.up(**dict.fromkeys(given), restart_nonce="1")
    assert {field: stream.real["definition"][field] for field in cleared} == cleared
    assert stream.stack.warnings == []
    assert not stream.refresh()


def test_a_text_cleared_while_running_is_cleared_with_the_next_restart(stream):
    running(stream, desc="before")
    stream.up(desc=None)
    assert stream.writes() == []
    assert not stream.refresh()
    stream.up(entrypoint=B)
    assert stream.real["definition"]["desc"] == ""


def test_a_field_that_the_service_does_not_clear_is_warned_of(stream):
    running(stream, main_class="Main", tm_slot_num=2)
    stream.up(tm_slot_num=None)
    assert stream.stack.requests("jobs.update")[-1]["body"]["tm_slot_num"] == 0  # as if it had never been given
    assert stream.stack.warnings == []


def test_a_log_configuration_that_is_never_read_back_is_sent_when_it_changes(stream):
    running(stream, flink_log_config={"root": "WARN"})
    stream.up(flink_log_config={"root": "DEBUG"})
    assert "DEBUG" in stream.real["definition"]["flink_log_config"]
    assert not stream.refresh()


def test_a_service_that_tells_nothing_is_still_told(stream):
    stream.emulator.quirk(null_details=True)
    running(stream)
    stream.up(entrypoint=B)
    assert stream.real["definition"]["entrypoint"] == B
    assert len(stream.real["restored_from"]) == 1


def test_a_service_that_tells_nothing_never_makes_a_start_stateless(stream):
    stream.emulator.quirk(null_details=True)
    running(stream)
    stream.act("fail", description="boom")
    with pytest.raises(Failed, match="no savepoint is newer"):
        stream.up(entrypoint=B)
    assert stream.writes() == []


def test_texts_wait_for_the_next_restart_and_show_no_drift_meanwhile(stream):
    running(stream, desc="before")
    assert stream.preview(desc="after").notes == ["with the next restart (desc)"]
    stream.up(desc="after")
    assert stream.writes() == []
    assert not stream.refresh()
    assert stream.preview().action == "same"
    stream.up(entrypoint=B)
    assert stream.real["definition"]["desc"] == "after"


def test_a_deferred_text_that_a_person_changed_shows(stream):
    running(stream, desc="before")
    stream.up(desc="after")
    stream.act("edit", fields={"desc": "by hand"})
    assert stream.refresh()
    assert stream.entry.inputs["desc"] == "by hand"


def test_live_fields_are_sent_without_a_stop(stream):
    running(stream)
    stream.up(smn_topic="alarm", restart_when_exception=True, resume_max_num=3)
    assert stream.writes() == ["update"]
    assert "obs_bucket" not in stream.stack.requests("jobs.update")[-1]["body"]


def test_a_changed_bucket_is_taken_live(stream):
    running(stream)
    stream.up(obs_bucket="other")
    assert stream.writes() == ["update"]
    assert stream.real["definition"]["obs_bucket"] == "other"


def test_a_live_field_next_to_a_text_is_sent_at_once(stream):
    running(stream, desc="before")
    assert stream.preview(desc="after", smn_topic="t").notes == [
        "live change (smn_topic); with the next restart (desc)"
    ]
    stream.up(desc="after", smn_topic="t")
    assert stream.stack.requests("jobs.update")[-1]["body"] == {"smn_topic": "t"}
    assert not stream.refresh()


def test_tags_never_restart(stream):
    running(stream, tags={"team": "a", "old": "x"})
    assert stream.preview(tags={"team": "b"}).notes == ["live change (tags.old, tags.team)"]
    stream.up(tags={"team": "b"})
    assert stream.writes() == []
    assert not stream.refresh()
    assert stream.outs["tags"] == {"team": "b"}


def test_tags_in_a_region_without_tag_calls_do_not_stop_an_upgrade(stream):
    running(stream, tags={"team": "a"})
    stream.emulator.quirk(v3_unpublished=True)
    stream.up(tags={"team": "b"}, entrypoint=B)
    assert stream.real["definition"]["entrypoint"] == B
    assert any("no tag calls" in text for text in stream.stack.warnings)


def test_a_new_digest_restarts_although_the_path_is_the_same(stream):
    running(stream, entrypoint={"path": "obs://jars/a.jar", "digest": "1"})
    stream.up(entrypoint={"path": "obs://jars/a.jar", "digest": "2"})
    assert stream.writes() == ["stop", "run"]
    assert len(stream.real["restored_from"]) == 1


def test_a_draft_is_started_later(stream):
    assert stream.preview(state="draft").notes == ["is created as a draft"]
    running(stream, state="draft")
    assert stream.status == "job_init"
    assert stream.preview(state="running").notes == ["starts (state)"]
    stream.up(state="running", entrypoint=B)
    assert stream.writes() == ["update", "run"]
    assert stream.status == "job_running"


def test_suspend_saves_and_resume_goes_on(stream):
    running(stream)
    assert stream.preview(state="suspended").notes == ["stops with savepoint (state)"]
    stream.up(state="suspended")
    assert stream.status == "job_cancel_success"
    path = stream.real["savepoint_path"]
    assert stream.outs["savepoint_path"] == path
    assert not stream.refresh()
    assert stream.preview(state="running").notes == ["starts from its savepoint (state)"]
    stream.up(state="running")
    assert stream.real["restored_from"] == [path]


def test_a_job_that_ran_does_not_become_a_draft(stream):
    running(stream)
    with pytest.raises(Failed, match="cannot become a draft again"):
        stream.preview(state="draft")
    assert stream.status == "job_running"


def test_a_finished_job_is_a_success_and_runs_again_only_for_a_new_program(stream):
    running(stream)
    stream.act("finish")
    stream.refresh()
    assert stream.entry.inputs.get("state") is None
    assert stream.preview().action == "same"
    stream.up(parallel_number=2)
    assert stream.writes() == ["update"]
    assert stream.status == "job_finish"
    assert stream.preview(entrypoint=B).notes == ["runs again from the beginning (entrypoint)"]
    stream.up(entrypoint=B)
    assert stream.writes() == ["update", "update", "run"]
    assert stream.status == "job_running"


def test_a_job_that_finishes_while_it_is_stopped_is_not_run_again(stream):
    running(stream)
    stop = stream.emulator.service.jobs.stop

    def finishing(job, *, with_savepoint):
        stop(job, with_savepoint=with_savepoint)
        stream.emulator.service.runtime.finish(job.job_id)

    stream.emulator.service.jobs.stop = finishing
    stream.up(entrypoint=B)
    assert stream.status == "job_finish"
    assert any("finished by itself" in text for text in stream.stack.warnings)


def test_the_history_says_why_each_savepoint_was_made(stream):
    stream.up()
    stream.up(savepoint_nonce="1")
    stream.emulator.advance(100)
    stream.up(entrypoint=B)
    stream.emulator.advance(100)
    stream.up(state="suspended")
    assert [entry["reason"] for entry in stream.outs["savepoints"]] == ["savepoint_nonce", "update", "state=suspended"]
