"""What a job's queue refuses is said in the preview, and before a stop; what is not known is said as "not checked"."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dynamic_host import HostError
from tests.stacks import JOB, Failed, Stack, Stream

AGENCY = {"flink_version": "1.15", "execution_agency_urn": "mine"}


def hosted(stream: Stream) -> Stack:
    """The stack of the stream, driven by the dynamic host from now on."""
    stack = Stack(stream.emulator, hosted=True, project_id=stream.stack.project_id)
    stack.entries = stream.stack.entries
    return stack


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (AGENCY, {}, "only jobs on queues in an elastic resource pool may name an agency"),
    ({"cu_number": 17}, {}, "the queue has 16 CUs"),
    (
        {"flink_version": "1.12"},
        {"flink_jar_versions": ["1.10", "1.15"]},
        "the queue offers Flink 1.10, 1.15, not 1.12",
    ),
]


@pytest.mark.parametrize(("changed", "quirks", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_its_queue_refuses_is_an_error_in_the_preview_and_before_the_stop(
    stream: Stream, changed: dict[str, Any], quirks: dict[str, Any], why: str
) -> None:
    stream.up()
    stream.forget()
    stream.emulator.quirk(**quirks)
    stack = hosted(stream)
    with pytest.raises(Failed, match=why):
        stack.preview(JOB, stream.name, **{**stream.inputs, **changed})
    entry, checked = stream.entry, {**stream.inputs, **changed}
    with stack.phase() as phase, pytest.raises(Failed, match=f"was left as it is.*{why}"):
        phase.update(entry, checked, None)
    assert stream.writes() == []
    assert stream.status == "job_running"


def test_one_look_at_the_queues_serves_all_jobs_and_none_is_made_without_need(stream: Stream) -> None:
    stream.up()
    stream.stack.up(JOB, "k", **{**stream.inputs, "name": "k"})
    stack = hosted(stream)

    def looks() -> int:
        return len(stack.requests("queues.list"))

    before = looks()
    with stack.phase() as phase:
        for name, more in (("j", {"cu_number": 4}), ("k", {"cu_number": 3})):
            entry = stack.entries[name]
            news = phase.check(JOB, entry.urn, {**entry.inputs, **more}, entry.inputs)
            assert phase.diff(entry, news) is not False
    assert looks() == before + 1
    for changed in ({}, {"smn_topic": "t", "cu_number": None}):
        stack.preview(JOB, "j", **{**stream.inputs, **changed})
    assert looks() == before + 1


def test_what_the_program_says_of_the_queue_goes_before_what_is_there(stream: Stream) -> None:
    stream.up()
    stream.emulator.act("queue.scale", project_id=stream.stack.project_id, queue="q1", cu_count=32)
    stack = hosted(stream)
    queue = {"queue_name": "q1", "cu_count": 64, "adopt": True}
    with stack.phase() as phase:
        phase.check("Queue", stack.urn("Queue", "q"), queue, None)
        entry = stream.entry
        wide = phase.check(JOB, entry.urn, {**stream.inputs, "cu_number": 40}, entry.inputs)
        assert phase.diff(entry, wide) is not False  # the queue will have 64


@pytest.mark.parametrize(
    ("queue", "job", "why"),
    [
        ({"cu_count": 16}, AGENCY, "only jobs on queues in an elastic resource pool"),
        ({"cu_count": 16}, {"cu_number": 20}, "the queue has 16 CUs"),
        ({"cu_count": 16, "elastic_resource_pool_name": "p"}, {"flink_version": "1.7"}, "run Flink 1.10 and later"),
    ],
)
def test_a_new_job_on_a_new_queue_is_refused_in_the_preview(
    hosted: Stack, queue: dict[str, Any], job: dict[str, Any], why: str
) -> None:
    urn = hosted.urn("Queue", "q")
    inputs = {"name": "j", "queue_name": "streams", "entrypoint": "obs://jars/a.jar", **job}
    with hosted.phase() as phase:
        phase.check("Queue", urn, {"queue_name": "Streams", **queue}, None)
        with pytest.raises(HostError, match=why):
            phase.check(JOB, hosted.urn(JOB, "j"), inputs, None)
    assert {request["method"] for request in hosted.requests()} <= {"GET"}


def test_what_cannot_be_looked_at_is_not_checked_and_says_so(stream: Stream) -> None:
    stream.up()
    stream.emulator.fault("queues.list", 403, times=0)
    stack = hosted(stream)
    stack.preview(JOB, "j", **{**stream.inputs, **AGENCY})
    told = [text for text in stack.notes if "not checked" in text]
    assert "not checked: whether its queue goes with execution_agency_urn (dli_01_0616)" in told
    assert any(text.startswith("not checked: queue q1 (") for text in told)


@pytest.fixture
def unsavable(stream: Stream) -> Stream:
    """A job on Flink 1.15 without agency, which runs from a package that needs no OBS."""
    stream.emulator.quirk(lax_packages=True, lenient_objects=True)
    stream.up(flink_version="1.15", entrypoint="a.jar", checkpoint_enabled=None)
    return stream


def test_a_job_of_which_no_savepoint_can_be_made_says_before_and_at_its_delete_how_to_delete_it(
    unsavable: Stream,
) -> None:
    stack = hosted(unsavable)
    assert any("a delete is refused" in text for text in unsavable.stack.warnings)
    unsavable.forget()
    with pytest.raises(Failed, match=r"runs on: .*savepoint_on_delete=False, run `pulumi up`"):
        stack.destroy("j")
    assert unsavable.writes() == []
    assert unsavable.status == "job_running"
    stack.up(JOB, "j", **{**unsavable.inputs, "savepoint_on_delete": False})
    assert unsavable.writes() == []  # nothing is restarted
    stack.destroy("j")
    assert unsavable.stack.jobs() == []
