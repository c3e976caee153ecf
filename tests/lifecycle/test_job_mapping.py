"""A job between its two spellings: nothing that the service makes up is drift, and nothing that differs is missed."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.lifecycle.jobs import mapping
from pulumi_dli.lifecycle.jobs.desired import fields_to_send, kept_by_service, observed_from_job
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec

TOP = {"desc", "queue_name", "main_class", "entrypoint_args"}
DEFAULTS = {
    "entrypoint": "g/app.jar",
    "parallel_number": 1,
    "checkpoint_enabled": False,
    "cu_number": 2,
    "checkpoint_mode": "exactly_once",
    "checkpoint_interval": 10,
    "resume_max_num": -1,
    "resource_config": {"max_slot": 1, "jobmanager_resource_spec": {"cpu": 1.0, "memory": "4G"}},
}


def job(**fields: Any) -> FlinkJob:
    config = {**DEFAULTS, **{key: value for key, value in fields.items() if key not in TOP}}
    top = {key: value for key, value in fields.items() if key in TOP}
    return FlinkJob.model_validate({"job_id": 1, "name": "j", "status": "job_running", "job_config": config, **top})


def inputs(**fields: Any) -> dict[str, Any]:
    return FlinkJarJobSpec.of({"name": "j", "entrypoint": "g/app.jar", **fields}).inputs


SAME = [
    ({}, {"smn_topic": "by hand", "checkpoint_interval": 30}),
    ({"queue_name": "Q1"}, {"queue_name": "q1"}),
    ({"queue_name": "q1"}, {"queue_name": "Q1"}),
    ({"checkpoint_mode": "at_least_once"}, {"checkpoint_mode": "at_least_once"}),
    ({"runtime_config": {"b": "2", "a": "1"}}, {"runtime_config": '[{"key":"a","value":"1"},{"key":"b","value":"2"}]'}),
    ({"runtime_config": {"a": "1"}}, {"runtime_config": "a=1"}),
    ({"cu_number": 4, "tm_slot_num": 2}, {"cu_number": 5, "tm_slot_num": 2}),
    ({"flink_version": "1.12"}, {"flink_version": None}),
    ({"entrypoint": {"path": "g/app.jar", "digest": "1"}}, {}),
    ({"dependency_jars": [{"path": "g/b.jar", "digest": "1"}]}, {"dependency_jars": ["g/b.jar"]}),
    (
        {"resource_config": {"jobmanager_resource_spec": {"memory": "4 GB"}}, "resource_config_version": "v2"},
        {"resource_config_version": "v2"},
    ),
]
DIFFERENT = [
    ({"desc": "mine"}, {"desc": "hand"}, "desc", "hand"),
    ({"parallel_number": 2}, {"parallel_number": 3}, "parallel_number", 3),
    ({"runtime_config": {"a": "1"}}, {"runtime_config": "a=2"}, "runtime_config", {"a": "2"}),
    ({"dependency_jars": ["g/b.jar"]}, {"dependency_jars": ["g/c.jar"]}, "dependency_jars", ["g/c.jar"]),
    ({"entrypoint": {"path": "g/app.jar", "digest": "1"}}, {"entrypoint": "g/hand.jar"}, "entrypoint", "g/hand.jar"),
    ({"restart_when_exception": True}, {"restart_when_exception": False}, "restart_when_exception", False),
    ({"checkpoint_mode": 1}, {"checkpoint_mode": "at_least_once"}, "checkpoint_mode", 2),
]


@pytest.mark.parametrize(("given", "live"), SAME)
def test_what_the_service_spells_its_own_way_is_no_drift(given, live):
    mine = inputs(**given)
    assert mapping.refreshed(mine, job(**live), {}) == mine


@pytest.mark.parametrize(("given", "live", "field", "value"), DIFFERENT)
def test_what_differs_is_shown_as_a_program_would_say_it(given, live, field, value):
    mine = inputs(**given)
    found = mapping.refreshed(mine, job(**live), {})
    assert found == {**mine, field: value}
    assert inputs(**found)[field] == found[field]  # it passes the checks of the program as it is


def test_a_create_sends_what_was_given_and_nothing_else():
    assert mapping.create_body(inputs(repair="all", tags={"a": "b"}, runtime_config={"k": "v"}, state="draft")) == {
        "name": "j",
        "entrypoint": "g/app.jar",
        "runtime_config": '[{"key": "k", "value": "v"}]',
    }


def test_every_field_is_cleared_with_something_or_known_not_to_be():
    never = {"name", "entrypoint", "sql_body", "run_mode", "queue_name", "resource_config"}
    assert {*mapping.SENT} - {*mapping.CLEARED} == never


def test_a_cleared_field_is_sent_once():
    olds = inputs(desc="text", smn_topic="t")
    assert fields_to_send(inputs(), olds, job(desc="text", smn_topic="t"), running=False) == ["desc", "smn_topic"]
    assert fields_to_send(inputs(), olds, job(desc="", smn_topic=None), running=False) == []


def test_a_running_job_gets_only_what_it_takes_and_no_unchanged_bucket():
    olds, news = inputs(obs_bucket="b", smn_topic="t", desc="x"), inputs(obs_bucket="b", smn_topic="u", desc="y")
    found = fields_to_send(news, olds, job(obs_bucket="b", smn_topic="t", desc="x"), running=True)
    assert found == ["smn_topic"]


def test_what_the_service_kept_although_it_was_cleared_is_named():
    olds = inputs(desc="text", smn_topic="t", tm_slot_num=2)
    assert kept_by_service(inputs(), olds, job(desc="text", tm_slot_num=2), sent=True) == ["desc", "tm_slot_num"]
    assert kept_by_service(inputs(), olds, job(desc="text", smn_topic="t"), sent=False) == ["smn_topic"]
    assert kept_by_service(olds, olds, job(), sent=True) == []


def test_the_folder_of_the_service_is_not_taken_for_a_kept_checkpoint_path():
    olds = inputs(checkpoint_path="obs://b/mine/")
    live = job(checkpoint_enabled=True, checkpoint_path="b/jobs/checkpoint/1_j")
    assert kept_by_service(inputs(checkpoint_enabled=True, obs_bucket="b"), olds, live, sent=True) == []


def test_only_what_was_sent_is_put_back_and_what_was_empty_is_empty_again():
    before = job(desc="text", runtime_config="a=1", dependency_jars=["g/b.jar"], tm_slot_num=4)
    body = mapping.undo_body({"runtime_config", "dependency_jars", "entrypoint_args"}, before, {})
    assert body == {
        "runtime_config": '[{"key": "a", "value": "1"}]',
        "dependency_jars": ["g/b.jar"],
        "entrypoint_args": "",
    }


def test_what_the_service_never_tells_is_put_back_out_of_the_state():
    body = mapping.undo_body({"flink_log_config"}, job(), inputs(flink_log_config='{"a": 1}'))
    assert body == {"flink_log_config": '{"a": 1}'}


@pytest.mark.parametrize(
    ("status", "told", "noted", "ran"),
    [
        ("job_init", {}, {}, False),
        ("job_submit_fail", {}, {}, False),
        ("job_cancel_success", {}, {}, False),
        ("job_submit_fail", {}, {"has_run": True}, True),
        ("job_cancel_success", {"start_time": 5}, {}, True),
        ("job_cancel_success", {"duration": 5}, {}, True),
        ("job_running_exception", {}, {}, True),
        ("job_running", {}, {}, True),
        ("job_finish", {}, {}, True),
    ],
)
def test_a_job_has_state_to_lose_when_anything_says_that_it_ran(status, told, noted, ran):
    seen = FlinkJob.model_validate({"job_id": 1, "name": "j", "status": status, "job_config": DEFAULTS, **told})
    assert observed_from_job(seen, noted).ever_started is ran
