"""A refresh shows what somebody else did, and nothing else; up repairs it as far as `repair` allows."""

from __future__ import annotations

import pytest

from tests.stacks import Failed, Stack, Stream

QUIRKS = {
    "none": {},
    "sample_types": {"sample_types": True},
    "stop_object": {"stop_answer": "object"},
    "stop_short": {"stop_answer": "short"},
    "null_details": {"null_details": True},
    "start_time_zero": {"start_time_zero": True},
    "exact_names": {"name_filter": "exact"},
    "queue_lower": {"queue_casing": "lower"},
    "savepoint_running": {"savepoint_consumed": "running"},
    "savepoint_kept": {"savepoint_consumed": "kept"},
    "savepoint_files": {"savepoint_files": "deleted"},
    "no_bucket_needed": {"savepoint_needs_bucket": False},
    "savepoint_bare": {"savepoint_answer": "bare"},
    "ignore_missing_savepoint": {"ignore_missing_savepoint": True},
    "tags_refused": {"tags_refused": True},
    "v3_unpublished": {"v3_unpublished": True},
    "savepoint_api": {"savepoint_api_unpublished": True},
    "snake_details": {"snake_details": True},
    "create_201": {"create_201": True},
    "lenient": {"lenient_objects": True},
}
FULL = {
    "queue_name": "Q1",
    "desc": "a text",
    "entrypoint_args": ["--rate", "3"],
    "dependency_jars": ["obs://jars/b.jar"],
    "dependency_files": ["obs://jars/b.jar"],
    "cu_number": 4,
    "manager_cu_number": 1,
    "parallel_number": 3,
    "tm_cus": 1,
    "tm_slot_num": 1,
    "checkpoint_enabled": True,
    "checkpoint_mode": "at_least_once",
    "checkpoint_interval": 30,
    "log_enabled": True,
    "smn_topic": "alarm",
    "restart_when_exception": True,
    "resume_checkpoint": True,
    "resume_max_num": 3,
    "runtime_config": [{"key": "a.b", "value": 1}, {"key": "c", "value": True}],
    "flink_version": "1.12",
    "tags": {"team": "x"},
}


@pytest.mark.parametrize("quirk", QUIRKS)
@pytest.mark.parametrize("inputs", [{}, FULL], ids=["small", "full"])
def test_a_refresh_of_an_untouched_job_shows_nothing(stream, quirk, inputs):
    stream.emulator.quirk(**QUIRKS[quirk])
    stream.up(**inputs)
    assert not stream.refresh()
    assert stream.stack.lines == []
    assert stream.preview().action == "same"
    stream.up(entrypoint="obs://jars/b.jar")
    assert not stream.refresh()
    assert stream.stack.lines == []


def test_every_switch_of_the_emulator_is_in_the_list_above(emulator):
    others = {"queue_not_found", "status_lower_case", "omit_total", "keep_empty_group", "queue_tag_id"}
    others |= {"job_not_found", "savepoint_path_form"}
    others |= {"sparse_pools", "subnets", "unique_connections", "deleted_connections", "connection_routes"}
    others |= {"connection_pools"}
    others |= {"flink_jar_versions", "flink_sql_versions", "checkpoint_after_change", "lenient"}
    others |= {name for name in emulator.quirk() if name.startswith(("lax_", "strict_"))}  # what is refused
    scripted = {"check_topics", "topics", "check_buckets", "known_users", "tags_rejected", "quotas", "timings"}
    covered = {name for quirk in QUIRKS.values() for name in quirk}
    assert {*emulator.quirk()} - others - scripted == covered


def test_resources_of_the_second_form_show_no_drift(stream):
    stream.stack.enter_pool()
    stream.up(
        resource_config_version="v2",
        flink_version="1.17",
        execution_agency_urn="agency",
        resource_config={"max_slot": 2, "jobmanager_resource_spec": {"cpu": 1, "memory": "4096 MB"}},
    )
    assert not stream.refresh()
    stream.act("edit", fields={"resource_config": {"max_slot": 4}})
    assert stream.refresh()
    assert stream.entry.inputs["resource_config"]["max_slot"] == 4


def test_a_region_that_refuses_tags_still_gets_its_jobs(stream):
    stream.emulator.quirk(tags_rejected=True)
    stream.up()
    assert stream.status == "job_running"
    assert any("adopt=True" in text for text in stream.stack.warnings)
    assert not stream.refresh()


EDITS = {
    "entrypoint": ("obs://jars/b.jar", ["stop", "update", "run"]),
    "desc": ("by hand", []),
    "smn_topic": ("by hand", ["update"]),
    "parallel_number": (4, ["stop", "update", "run"]),
    "restart_when_exception": (True, ["update"]),
    "entrypoint_args": ("--by hand", ["stop", "update", "run"]),
    "runtime_config": ('[{"key": "k", "value": "hand"}]', ["stop", "update", "run"]),
}


@pytest.mark.parametrize("field", EDITS)
def test_an_edit_by_hand_shows_and_is_repaired(stream, field):
    given = {"desc": "mine", "smn_topic": "mine", "parallel_number": 2, "restart_when_exception": False}
    stream.up(**given, entrypoint_args="--mine", runtime_config={"k": "mine"})
    declared = stream.entry.inputs[field]
    value, writes = EDITS[field]
    stream.act("edit", fields={field: value})
    stream.forget()
    assert stream.refresh()
    shown = stream.entry.inputs[field]
    assert shown == ({"k": "hand"} if field == "runtime_config" else value)
    assert stream.preview().differing == (field,)
    stream.up()
    assert stream.entry.inputs[field] == declared
    assert stream.writes() == writes
    assert not stream.refresh()


def test_an_input_that_is_not_given_is_not_managed(stream):
    stream.up()
    stream.act("edit", fields={"smn_topic": "hand", "checkpoint_interval": 99, "cu_number": 8, "desc": "hand"})
    before = dict(stream.entry.inputs)
    stream.refresh()
    assert stream.entry.inputs == before
    stream.forget()
    stream.up(entrypoint="obs://jars/b.jar")
    assert stream.stack.requests("jobs.update")[-1]["body"] == {"entrypoint": "obs://jars/b.jar"}


def test_tags_changed_by_hand_show_and_are_repaired(stream):
    stream.up(tags={"team": "a"})
    path = f"/v3/{{p}}/dli_flink_job/{stream.id}/tags/create"
    stream.stack.call("POST", path, {"tags": [{"key": "team", "value": "hand"}]})
    assert stream.refresh()
    assert stream.entry.inputs["tags"] == {"team": "hand"}
    stream.forget()
    stream.up()
    assert not stream.refresh()
    assert stream.writes() == []


def test_tags_of_others_on_the_same_job_are_theirs(stream):
    stream.up(tags={"team": "a"})
    path = f"/v3/{{p}}/dli_flink_job/{stream.id}/tags/create"
    stream.stack.call("POST", path, {"tags": [{"key": "cost", "value": "42"}]})
    assert not stream.refresh()
    stream.up(tags={"team": "b"})
    tags = stream.stack.call("GET", f"/v3/{{p}}/dli_flink_job/{stream.id}/tags")["tags"]
    assert {"key": "cost", "value": "42"} in tags


def stopped_by_hand(stream: Stream, *, savepoint: bool = True, **inputs) -> None:
    stream.up(**inputs)
    stream.act("stop", savepoint=savepoint)
    stream.emulator.advance(120)
    stream.forget()
    assert stream.refresh()
    assert stream.entry.inputs["state"] == "suspended"


def test_a_job_stopped_by_hand_is_reported_and_left(stream):
    stopped_by_hand(stream)
    preview = stream.preview()
    assert preview.action == "update"
    assert preview.differing == ("state",)
    assert preview.notes == ["stays stopped (state)"]
    assert any("stopped outside of Pulumi" in text for text in preview.warnings)
    stream.up()
    assert stream.writes() == []
    assert stream.status == "job_cancel_success"
    stream.refresh()
    assert stream.preview().action == "update"


def test_a_job_stopped_by_hand_is_started_by_repair_all(stream):
    stopped_by_hand(stream, repair="all")
    assert stream.preview().notes == ["starts from its savepoint (state)"]
    stream.up()
    assert stream.status == "job_running"
    assert len(stream.real["restored_from"]) == 1
    assert not stream.refresh()


def test_a_job_stopped_by_hand_is_started_by_a_nonce(stream):
    stopped_by_hand(stream)
    stream.up(restart_nonce="again")
    assert stream.writes() == ["run"]
    assert stream.status == "job_running"


def test_a_job_stopped_without_savepoint_is_not_started_from_nothing(stream):
    stopped_by_hand(stream, savepoint=False, repair="all")
    stream.up()
    assert stream.writes() == []
    assert any("no savepoint is newer" in text for text in stream.stack.warnings)


def failed_by_itself(stream: Stream, **inputs) -> None:
    stream.up(**inputs)
    stream.act("fail", description="OutOfMemoryError in operator sum")
    stream.forget()
    assert stream.refresh()
    assert stream.entry.inputs["state"] == "failed"


def test_a_failed_job_is_ill_and_the_refresh_says_why(stream):
    failed_by_itself(stream)
    assert any("OutOfMemoryError in operator sum" in text for text in stream.entry.init_errors)


@pytest.mark.parametrize("repair", ["failed", "all"])
def test_a_failed_job_is_restarted_where_its_state_is_provable(stream, repair):
    stream.emulator.quirk(savepoint_consumed="kept")
    stream.up(repair=repair)
    stream.up(savepoint_nonce="1")
    path = stream.real["savepoint_path"]
    stream.act("fail", description="boom")
    stream.refresh()
    assert stream.preview().notes == ["starts from its savepoint (state)"]
    stream.up()
    assert stream.real["restored_from"] == [path]
    assert stream.status == "job_running"


def test_a_failed_job_is_not_restarted_from_nothing(stream):
    failed_by_itself(stream)
    stream.up()
    assert stream.writes() == []
    assert any("no savepoint is newer" in text for text in stream.stack.warnings)


def test_a_failed_stateless_job_is_restarted(stream):
    failed_by_itself(stream, upgrade_mode="stateless")
    assert stream.preview().notes == ["starts without state (state)"]
    stream.up()
    assert stream.status == "job_running"
    assert stream.writes() == ["run"]


def test_repair_none_only_reports(stream):
    failed_by_itself(stream, upgrade_mode="stateless", repair="none")
    stream.up()
    assert stream.writes() == []
    assert any('repair="none"' in text for text in stream.stack.warnings)


def test_a_first_submission_that_failed_is_repaired(stream):
    fault = stream.emulator.behave("submit_fail", description="no such class")
    with pytest.raises(Failed, match="no such class") as failed:
        stream.up()
    assert failed.value.half_done
    stream.emulator.clear_faults(fault)
    stream.refresh()
    stream.forget()
    stream.up()
    assert stream.writes() == ["run"]
    assert stream.status == "job_running"


def test_arrears_are_only_reported(stream):
    stream.up()
    stream.act("arrears")
    stream.forget()
    stream.refresh()
    assert stream.entry.inputs["state"] == "arrears"
    stream.up()
    assert stream.writes() == []
    assert any("arrears" in text for text in stream.stack.warnings)
    with pytest.raises(Failed, match="arrears"):
        stream.up(entrypoint="obs://jars/b.jar")
    stream.act("paid")
    stream.emulator.advance(60)
    stream.up()
    assert stream.status == "job_running"


def test_a_deleted_job_is_made_again(stream):
    stream.up()
    first = stream.id
    stream.act("delete")
    with pytest.raises(Failed, match="deleted outside of Pulumi"):
        stream.up(entrypoint="obs://jars/b.jar")
    assert stream.refresh()
    stream.up()
    assert stream.id != first
    assert stream.status == "job_running"


def test_a_suspended_job_that_a_person_started_is_stopped_again(stream):
    stream.up(state="suspended")
    stream.act("restart")
    stream.emulator.advance(60)
    stream.forget()
    assert stream.refresh()
    assert stream.entry.inputs["state"] == "running"
    stream.up()
    assert stream.writes() == ["stop"]
    assert not stream.refresh()


@pytest.mark.parametrize("state", ["suspended", "draft"])
def test_a_job_at_rest_as_declared_shows_nothing(stream, state):
    stream.up(state=state)
    assert not stream.refresh()
    assert stream.preview().action == "same"


@pytest.mark.parametrize("by_hand", ["stop", "fail", "finish"])
def test_ignoring_the_state_leaves_what_a_person_did(stream, by_hand):
    stream.up()
    stream.act(by_hand)
    stream.emulator.advance(120)
    stream.refresh()
    stream.forget()
    stream.up(ignore_changes=("state",))
    assert stream.writes() == []
    stream.up(ignore_changes=("state",), smn_topic="t")
    assert "run" not in stream.writes()


@pytest.mark.parametrize("field", ["parallel_number", "desc", "tags", "runtime_config"])
def test_ignore_changes_works_on_any_field_after_a_refresh(stream, field):
    given = {"parallel_number": 1, "desc": "mine", "tags": {"a": "b"}, "runtime_config": {"k": "v"}}
    by_hand = {"parallel_number": 2, "desc": "hand", "runtime_config": '[{"key": "k", "value": "hand"}]'}
    stream.up(**given)
    if field == "tags":
        path = f"/v3/{{p}}/dli_flink_job/{stream.id}/tags/create"
        stream.stack.call("POST", path, {"tags": [{"key": "a", "value": "hand"}]})
    else:
        stream.act("edit", fields={field: by_hand[field]})
    stream.refresh()
    stream.forget()
    assert stream.preview(ignore_changes=(field,)).action == "same"


def test_foreign_jobs_are_never_touched(stream):
    body = {"name": "foreign", "queue_name": "q1", "entrypoint": "obs://jars/a.jar"}
    foreign = stream.stack.call("POST", "/v1.0/{p}/streaming/flink-jobs", body)["job"]["job_id"]
    stream.up()
    stream.up(entrypoint="obs://jars/b.jar")
    stream.refresh()
    stream.destroy()
    assert [job["job_id"] for job in stream.stack.jobs()] == [foreign]
    assert all(str(foreign) not in entry["ids"] for entry in stream.stack.requests())


def test_another_project_is_an_error_and_never_gone(emulator, stream):
    stream.up()
    elsewhere = Stack(emulator)
    elsewhere.entries = stream.stack.entries
    for act in (lambda: elsewhere.refresh("j"), lambda: elsewhere.destroy("j")):
        with pytest.raises(Failed, match=f"is in project {stream.stack.project_id}.*{elsewhere.project_id}"):
            act()
    assert stream.status == "job_running"
