"""The preview tells what will happen to the stream: one line on the job, and why."""

from __future__ import annotations

import pytest

from pulumi_dli.provider import FlinkJarJobProvider
from tests.dynamic_host import UNKNOWN
from tests.stacks import JOB, Failed, Stack, Stream

B = "obs://jars/b.jar"


def test_a_create_is_announced_from_check(stream):
    assert stream.preview().lines == [("info", "creates and starts")]
    assert stream.preview(state="draft").notes == ["is created as a draft"]
    assert stream.preview(state="suspended").notes == ["is created, not started"]
    assert stream.preview(initial_savepoint_path="obs://state/p/").notes == [
        "creates and starts from initial_savepoint_path"
    ]


LINES = {
    "live change (smn_topic)": {"smn_topic": "t"},
    "live change (obs_bucket, smn_topic)": {"smn_topic": "t", "obs_bucket": "other"},
    "with the next restart (desc)": {"desc": "text"},
    "restart with savepoint (entrypoint)": {"entrypoint": B},
    "restart with savepoint (entrypoint, parallel_number; also desc, smn_topic)": {
        "entrypoint": B,
        "parallel_number": 2,
        "desc": "text",
        "smn_topic": "t",
    },
    "restart with savepoint (restart_nonce)": {"restart_nonce": "1"},
    "restart, state is dropped (entrypoint)": {"entrypoint": B, "upgrade_mode": "stateless"},
    "restart from newest checkpoint (entrypoint)": {"entrypoint": B, "upgrade_mode": "last-state"},
    "stops with savepoint (state)": {"state": "suspended"},
    "stops with savepoint (entrypoint, state)": {"state": "suspended", "entrypoint": B},
    "stops, state is dropped (state)": {"state": "suspended", "upgrade_mode": "stateless"},
    "no effect (rollback)": {"rollback": False},
    "live change (tags)": {"tags": {"a": "b"}},
    "makes a savepoint (savepoint_nonce)": {"savepoint_nonce": "1"},
    "live change (smn_topic); makes a savepoint (savepoint_nonce); with the next restart (desc)": {
        "smn_topic": "t",
        "savepoint_nonce": "1",
        "desc": "text",
    },
}


@pytest.mark.parametrize("line", LINES)
def test_the_line_says_what_happens_and_why(stream, line):
    stream.up()
    stream.forget()
    assert stream.preview(**LINES[line]).notes == [line]
    assert stream.writes() == []


@pytest.mark.parametrize("line", [line for line in LINES if "newest checkpoint" not in line])
def test_up_does_what_the_line_says(stream, line):
    stream.up()
    before = stream.real["started"]
    stream.forget()
    stream.up(**LINES[line])
    stopped = "stop" in stream.writes()
    assert stopped == line.startswith(("restart", "stops"))
    assert (stream.real["started"] != before) == line.startswith("restart")
    assert not stream.refresh()


def test_no_change_makes_no_call_and_says_nothing(stream):
    stream.up()
    calls = len(stream.stack.requests())
    preview = stream.preview()
    assert (preview.action, preview.lines) == ("same", [])
    assert len(stream.stack.requests()) == calls


def test_a_preview_of_a_restart_looks_at_the_job_and_its_queue(stream):
    stream.up()
    for inputs, most in (({"smn_topic": "t"}, 0), ({"desc": "t"}, 0), ({"entrypoint": B}, 2), ({"state": "draft"}, 1)):
        calls = len(stream.stack.requests())
        try:
            stream.preview(**inputs)
        except Failed:
            assert inputs == {"state": "draft"}
        assert len(stream.stack.requests()) - calls <= most


def test_a_failed_job_is_foreseen_to_start(stream):
    stream.up(upgrade_mode="stateless")
    stream.act("fail")
    assert stream.preview(entrypoint=B).notes == ["starts without state (entrypoint)"]


def test_a_service_that_cannot_be_asked_is_said_so(stream):
    stream.up()
    stream.emulator.fault("jobs.get", 403, times=0)
    (note,) = stream.preview(entrypoint=B).notes
    assert note.startswith("restart with savepoint (entrypoint), status as of 20")
    del stream.outs["observed_at"]
    assert stream.preview(entrypoint=B).notes == ["restart with savepoint (entrypoint), status unknown"]


def test_a_preview_works_without_credentials(stream):
    stream.up()
    for setting in ("dli:accessKey", "dli:secretKey"):
        del stream.stack.config[setting]
    (note,) = stream.preview(entrypoint=B).notes
    assert "status as of" in note


def test_a_restart_that_would_lose_state_is_refused_in_the_preview(stream):
    stream.up()
    stream.act("stop")
    stream.emulator.advance(120)
    with pytest.raises(Failed, match="no savepoint is newer than the job's last start"):
        stream.preview(entrypoint=B)


NEW_FLINK = {"flink_version": "1.15", "entrypoint": "obs://jars/a.jar"}


@pytest.mark.parametrize(
    "change",
    [{"entrypoint": B}, {"execution_agency_urn": "mine"}, {"state": "suspended"}, {"flink_version": "1.12"}],
    ids=lambda change: next(iter(change)),
)
def test_a_savepoint_that_a_new_flink_without_agency_cannot_make_is_refused_in_the_preview(stream, change):
    stream.emulator.quirk(lax_agency=True)  # the job was made before anybody asked for an agency
    stream.up(**NEW_FLINK)
    before = stream.stack.operations("jobs.stop", "jobs.update")
    with pytest.raises(Failed, match=r"Flink 1\.15 without execution_agency_urn") as failed:
        stream.preview(**change)
    assert 'upgrade_mode="stateless"' in str(failed.value)
    with pytest.raises(Failed, match=r"Flink 1\.15 without execution_agency_urn"):
        stream.up(**change)
    assert stream.stack.operations("jobs.stop", "jobs.update") == before
    stream.stack.enter_pool()
    assert stream.preview(**change, upgrade_mode="stateless").notes


def test_an_upgrade_to_a_new_flink_without_agency_that_could_not_restore_is_refused(stream):
    stream.up(flink_version="1.12")
    with pytest.raises(Failed, match=r"Flink 1\.15 without execution_agency_urn"):
        stream.preview(**NEW_FLINK)
    stream.stack.enter_pool()
    assert stream.preview(**NEW_FLINK, execution_agency_urn="mine").notes


def test_packages_of_groups_with_a_new_flink_are_warned_of(stream):
    stream.stack.enter_pool()
    preview = stream.preview(entrypoint="g/app.jar", flink_version="1.15", execution_agency_urn="a")
    assert any("obs:// paths only" in text for text in preview.warnings)
    assert stream.preview(entrypoint="g/app.jar", flink_version="1.12").warnings == []


def test_a_region_without_import_is_warned_that_rollback_may_fail(stream):
    stream.up()
    stream.outs["endpoint"] = "https://dli.eu-de.otc.t-systems.com"
    for setting in ("dli:accessKey", "dli:secretKey"):
        del stream.stack.config[setting]
    assert any("rollback may not be possible" in text for text in stream.preview(entrypoint=B).warnings)


def test_each_line_is_said_once_in_a_process_and_never_in_a_pure_refresh(emulator):
    stream = Stream(Stack(emulator, hosted=True))
    stream.up()
    assert stream.stack.lines == [("info", "creates and starts")]
    stream.act("edit", fields={"entrypoint": B})
    stream.refresh()
    assert stream.stack.lines == []
    urn = stream.entry.urn
    with stream.stack.phase() as phase:
        news = phase.check(JOB, urn, stream.inputs, stream.entry.inputs)
        for _ in range(3):
            phase.diff(stream.entry, news)
        assert [text for _, text in phase.lines] == ["restart with savepoint (entrypoint)"]


def test_an_unknown_input_never_blocks_and_counts_as_a_restart(emulator):
    stream = Stream(Stack(emulator, hosted=True))
    stream.up()
    with stream.stack.phase() as phase:
        news = phase.check(JOB, stream.entry.urn, {**stream.inputs, "entrypoint": UNKNOWN}, stream.entry.inputs)
        assert phase.diff(stream.entry, news) is None
        assert phase.lines == [("info", "restart with savepoint (entrypoint)")]
        found = phase.host.diff(FlinkJarJobProvider, stream.entry.urn, stream.entry.id, stream.outs, news)
        assert found.replaces == ()


def test_of_a_map_the_parts_that_differ_are_named_and_never_their_values(stream: Stream) -> None:
    stream.up(runtime_config={"state.backend": "rocksdb", "parallelism.default": "1"})
    shown = stream.preview(runtime_config={"state.backend": "s3cret-value", "parallelism.default": "1"})
    assert shown.notes == ["restart with savepoint (runtime_config.state.backend)"]
