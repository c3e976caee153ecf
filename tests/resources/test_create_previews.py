"""Creates look before they speak: the preview says what is there already, whose it is, and what would happen to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import HostError
from tests.stacks import JOB, Entry, Failed, Stack, Stream

READS = ("jobs.list", "jobs.get", "queues.list", "packages.list", "tags.list")


@pytest.fixture
def other(stream: Stream) -> Iterator[Stack]:
    """Another stack's state, in a project where `stream` runs."""
    stream.up()
    stream.forget()
    yield Stack(stream.emulator, project_id=stream.stack.project_id)
    assert stream.writes() == [], "a preview wrote"


def preview(stack: Stack, stream: Stream, **changed: Any) -> Any:
    return stack.preview(JOB, "mine", **{**stream.inputs, **changed})


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({}, "as it is"),
        ({"parallel_number": 2}, "restart with savepoint (parallel_number)"),
        ({"parallel_number": 2, "upgrade_mode": "stateless"}, "restart, state is dropped (parallel_number)"),
        ({"smn_topic": "t"}, "live change (smn_topic)"),
        ({"state": "suspended"}, "stops with savepoint"),
    ],
)
def test_a_take_over_says_what_happens_to_the_stream(
    stream: Stream, other: Stack, changed: dict[str, Any], what: str
) -> None:
    seen = preview(other, stream, adopt=True, **changed)
    assert seen.notes == [f"takes over job {stream.id} (running): {what}"]
    assert seen.warnings == (
        ["the state of the stream is dropped (upgrade_mode stateless)"] if "dropped" in what else []
    )


def test_up_does_to_a_job_that_it_takes_over_what_the_preview_said(stream: Stream) -> None:
    stream.up()
    other = Stack(stream.emulator, project_id=stream.stack.project_id)
    stream.forget()
    assert "as it is" in preview(other, stream, adopt=True).notes[0]
    other.up(JOB, "mine", **stream.inputs, adopt=True)
    assert stream.writes() == ["create"], "a create finds by itself that the name is taken"
    assert stream.status == "job_running"


def test_a_stopped_job_without_a_savepoint_is_refused_and_one_with_is_started_from_it(stream: Stream) -> None:
    stream.up()
    other = Stack(stream.emulator, project_id=stream.stack.project_id)
    stream.up(state="suspended")
    assert preview(other, stream, state=None, adopt=True).notes == [
        f"takes over job {stream.id} (suspended): starts from its savepoint"
    ]
    stream.up(state=None)
    stream.act("stop")
    stream.emulator.advance(120)
    with pytest.raises(Failed, match=rf"{stream.id}\) cannot be taken over: no savepoint is newer"):
        preview(other, stream, adopt=True)


def test_what_is_somebody_elses_is_an_error_in_the_preview(stream: Stream, other: Stack) -> None:
    with pytest.raises(Failed, match=rf"is there already and not ours: .*id {stream.id}, status job_running"):
        preview(other, stream)


def test_a_job_of_no_such_name_is_created_and_without_credentials_nobody_is_asked(stream: Stream) -> None:
    assert stream.preview().notes == ["creates and starts"]
    del stream.stack.config["dli:secretKey"], stream.stack.config["dli:accessKey"]
    seen = len(stream.stack.requests())
    assert stream.preview().notes == ["creates and starts, not looked up"]
    assert len(stream.stack.requests()) == seen


def test_a_service_that_refuses_the_look_is_asked_once(stream: Stream) -> None:
    stream.emulator.fault("jobs.list", 403, times=0)
    seen = len(stream.stack.requests())
    with stream.stack.phase() as phase:
        for name in "abc":
            phase.check(JOB, stream.stack.urn(JOB, name), {**stream.inputs, "name": name}, None)
    assert stream.stack.notes == ["creates and starts, not looked up"]
    assert len(stream.stack.requests()) - seen == 1


def test_many_creates_share_one_look(stream: Stream) -> None:
    seen = len(stream.stack.requests())
    with stream.stack.phase() as phase:
        for number in range(100):
            name = f"job-{number}"
            phase.check(JOB, stream.stack.urn(JOB, name), {**stream.inputs, "name": name}, None)
            queue = {"queue_name": f"queue_{number}", "cu_count": 16}
            phase.check("Queue", stream.stack.urn("Queue", name), queue, None)
            group = {"group_name": f"group-{number}", "packages": ["obs://jars/a.jar"]}
            phase.check("PackageGroup", stream.stack.urn("PackageGroup", name), group, None)
    made = [entry["operation"] for entry in stream.stack.requests()[seen:]]
    assert sorted(made) == ["jobs.list", "packages.list", "queues.list"]


@pytest.mark.parametrize(("jobs", "looked_for", "calls"), [(230, 2, 3), (230, 30, 5)])
def test_in_a_large_project_names_or_pages_are_asked_for_whichever_are_fewer(
    stack: Stack, jobs: int, looked_for: int, calls: int
) -> None:
    for number in range(jobs):
        stack.call("POST", "/v1.0/{p}/streaming/flink-jobs", {"name": f"job-{number}"})
    seen = len(stack.requests())
    with stack.phase() as phase:
        for number in range(looked_for):
            inputs = {"name": f"new-{number}", "entrypoint": "obs://jars/a.jar", "main_class": "M", "state": "draft"}
            phase.check(JOB, stack.urn(JOB, f"new-{number}"), inputs, None)
        inputs = {"name": "job-3", "entrypoint": "obs://jars/a.jar", "main_class": "M", "state": "draft"}
        if looked_for > 2:
            with pytest.raises(Failed, match="not ours"):
                phase.check(JOB, stack.urn(JOB, "old"), inputs, None)
    assert len([entry for entry in stack.requests()[seen:] if entry["operation"] == "jobs.list"]) <= calls
    assert set(stack.notes) == {"is created as a draft"}


def test_queues_and_groups_that_are_there_say_so_too(stream: Stream) -> None:
    stack = stream.stack
    assert stack.preview("Queue", "q", queue_name="q1", cu_count=16, adopt=True).notes == [
        "takes over queue q1 (16 CUs)"
    ]
    with pytest.raises(Failed, match="is there already and not ours: a queue named q1"):
        stack.preview("Queue", "q", queue_name="q1", cu_count=16)
    with pytest.raises(Failed, match=r"not ours: .*cannot be scaled"):
        stack.preview("Queue", "q", queue_name="q1", cu_count=64, adopt=True)
    group = {"group_name": "g", "packages": ["obs://jars/a.jar"]}
    assert stack.preview("PackageGroup", "g", **group).notes == ["uploads a.jar"]
    stack.call("POST", "/v2.0/{p}/resources", {"group": "g", "kind": "jar", "paths": ["obs://jars/a.jar"]})
    with pytest.raises(Failed, match="is there already and not ours: package group g holds a"):
        stack.preview("PackageGroup", "g", **group)
    assert stack.preview("PackageGroup", "g", **group, adopt=True).notes == [
        "takes over a.jar of package group g: uploads a.jar again"
    ]


SAME = {
    JOB: {"name": "x", "queue_name": "q1", "entrypoint": "obs://jars/a.jar", "main_class": "M", "obs_bucket": "state"},
    "Queue": {"queue_name": "x", "cu_count": 16},
    "PackageGroup": {"group_name": "x", "packages": ["obs://jars/a.jar"]},
}


@pytest.mark.parametrize("kind", SAME)
def test_two_resources_with_one_name_are_an_error_that_names_both(hosted: Stack, kind: str) -> None:
    with hosted.phase() as phase:
        phase.check(kind, hosted.urn(kind, "one"), SAME[kind], None)
        phase.check(kind, hosted.urn(kind, "one"), SAME[kind], None)  # a replacement is checked twice
        with pytest.raises(Failed, match=r"x.* is given by one and by two of this program"):
            phase.check(kind, hosted.urn(kind, "two"), SAME[kind], None)


def _one(emulator: Emulator) -> tuple[Stream, Entry, dict[str, Any]]:
    stream = Stream(Stack(emulator, hosted=True), name="one")
    return stream, stream.up(), {**stream.inputs, "name": "other"}


def test_adopt_never_takes_what_a_live_resource_of_the_stack_holds(emulator: Emulator) -> None:
    stream, one, renamed = _one(emulator)
    two = stream.stack.urn(JOB, "two")
    with stream.stack.phase() as phase:
        phase.diff(one, phase.check(JOB, one.urn, renamed, one.inputs))
        with pytest.raises(HostError, match=r"is held by one of this program.*its new name first"):
            phase.check(JOB, two, {**stream.inputs, "adopt": True}, None)


def test_whichever_of_the_two_comes_first(emulator: Emulator) -> None:
    stream, one, renamed = _one(emulator)
    two = stream.stack.urn(JOB, "two")
    with stream.stack.phase() as phase:
        phase.check(JOB, two, {**stream.inputs, "adopt": True}, None)
        news = phase.check(JOB, one.urn, renamed, one.inputs)
        with pytest.raises(Failed, match=r"two would take over what this resource holds.*its new name first"):
            phase.diff(one, news)


def test_every_line_begins_with_the_name_of_the_resource(emulator: Emulator) -> None:
    stream, one, _ = _one(emulator)
    with stream.stack.phase() as phase:
        news = phase.check(
            JOB, one.urn, {**stream.inputs, "parallel_number": 2, "upgrade_mode": "stateless"}, one.inputs
        )
        phase.diff(one, news)
        assert phase.host.logged(one.urn) == [
            "one: restart, state is dropped (parallel_number)",
            "one: the state of the stream is dropped (upgrade_mode stateless)",
        ]


def test_up_says_how_long_the_stream_was_down_and_the_state_keeps_it(stream: Stream) -> None:
    stream.up()
    assert "last_downtime_seconds" not in stream.outs
    stream.up(parallel_number=2)
    seconds = stream.outs["last_downtime_seconds"]
    assert seconds >= 30, "a submission alone takes as long"
    assert any(note.startswith("the stream was down for ") for note in stream.stack.notes)
    assert not stream.refresh()
    stream.up(smn_topic="t")
    assert stream.outs["last_downtime_seconds"] == seconds
