"""Before a running stream is stopped, what its new version needs is looked for: else preview and `up` refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stacks import JOB, Failed, Stack, Stream


@pytest.fixture
def running(stream: Stream) -> Stream:
    stream.up()
    stream.stack.call("POST", "/v2.0/{p}/resources", {"group": "g", "kind": "jar", "paths": ["obs://jars/a.jar"]})
    stream.forget()
    return stream


MISSING = {
    r"there is no object obs://jars/typo\.jar \(entrypoint\)": {"entrypoint": "obs://jars/typo.jar"},
    r"there is no object obs://nowhere/a\.jar \(entrypoint\)": {"entrypoint": "obs://nowhere/a.jar"},
    r"there is no package g/typo\.jar \(entrypoint\)": {"entrypoint": "g/typo.jar"},
    r"there is no package none/a\.jar \(dependency_jars\)": {"dependency_jars": ["g/a.jar", "none/a.jar"]},
    r"there is no queue nowhere": {"queue_name": "nowhere"},
    r"queue plain is not dedicated": {"queue_name": "plain"},
    r"queue sql is for SQL": {"queue_name": "sql"},
    r"the queue has 16 CUs, and a job cannot have more": {"cu_number": 40},
    r"there is no bucket not-there \(obs_bucket\)": {"obs_bucket": "not-there", "entrypoint": "obs://jars/b.jar"},
    r"no queue nowhere; there is no object obs://jars/typo": {
        "queue_name": "nowhere",
        "entrypoint": "obs://jars/typo.jar",
    },
}


@pytest.mark.parametrize("said", MISSING)
def test_what_is_missing_is_an_error_in_the_preview_and_the_stream_runs_on(running: Stream, said: str) -> None:
    for name, kind, mode in (("plain", "general", 0), ("sql", "sql", 1)):
        body = {"queue_name": name, "queue_type": kind, "cu_count": 16, "resource_mode": mode}
        running.stack.call("POST", "/v1.0/{p}/queues", body)
    with pytest.raises(Failed, match=said):
        running.preview(**MISSING[said])
    assert running.writes() == []
    assert running.status == "job_running"


def test_what_vanished_after_the_preview_is_refused_by_up_before_the_stop(running: Stream) -> None:
    running.stack.on_phase = lambda phase: setattr(phase, "diff", lambda _entry, _news: None)
    with pytest.raises(Failed, match=r"left as it is.*there is no object obs://jars/typo\.jar"):
        running.up(entrypoint="obs://jars/typo.jar")
    assert running.writes() == []
    assert running.status == "job_running"


@pytest.mark.parametrize(
    "changed", [{"entrypoint": "obs://jars/b.jar"}, {"dependency_jars": ["g/a.jar"]}, {"cu_number": 16}]
)
def test_what_is_there_is_let_through(running: Stream, changed: dict[str, Any]) -> None:
    assert running.preview(**changed).notes == [f"restart with savepoint ({next(iter(changed))})"]


def test_what_cannot_be_asked_is_said_once(running: Stream) -> None:
    for setting in ("dli:accessKey", "dli:secretKey"):
        del running.stack.config[setting]
    running.stack.config["dli:token"] = "t"
    running.emulator.fault("queues.list", 403, times=0)
    with running.stack.phase() as phase:
        news = phase.check(
            JOB, running.entry.urn, {**running.inputs, "entrypoint": "obs://jars/b.jar"}, running.entry.inputs
        )
        for _ in range(3):
            phase.diff(running.entry, news)
    unreported = [note for note in running.stack.notes if note.startswith("not checked: ")]
    assert [note.partition(" (")[0] for note in unreported] == [
        "not checked: queue q1",
        "not checked: obs://jars/b.jar",
    ]
    assert "OBS takes no token" in unreported[1]


def test_a_hundred_changed_jobs_share_their_looks(stream: Stream) -> None:
    stream.up()
    for number in range(99):
        stream.stack.call("POST", "/v1.0/{p}/streaming/flink-jobs", {"name": f"job-{number}"})
    counted = stream.emulator.counts()
    with stream.stack.phase() as phase:
        news = phase.check(JOB, stream.entry.urn, {**stream.inputs, "entrypoint": "obs://jars/b.jar"}, stream.inputs)
        for _ in range(100):
            phase.diff(stream.entry, news)
    made = {name: count - counted.get(name, 0) for name, count in stream.emulator.counts().items()}
    assert made["queues.list"] == 1
    assert {name: count for name, count in made.items() if count and name.startswith(("objects.", "buckets."))} == {
        "objects.head": 1,
        "buckets.head": 1,
    }


def test_what_the_program_makes_itself_need_not_be_there_at_the_preview(hosted: Stack) -> None:
    stream = Stream(hosted)
    stream.up()
    with hosted.phase() as phase:
        phase.check("Queue", hosted.urn("Queue", "new"), {"queue_name": "q2", "cu_count": 16}, None)
        group = {"group_name": "new", "packages": ["obs://jars/b.jar"]}
        phase.check("PackageGroup", hosted.urn("PackageGroup", "new"), group, None)
        changed = {**stream.inputs, "queue_name": "q2", "entrypoint": "new/b.jar"}
        phase.diff(stream.entry, phase.check(JOB, stream.entry.urn, changed, stream.entry.inputs))
        assert ("info", "restart with savepoint (entrypoint, queue_name)") in phase.lines


@pytest.mark.parametrize(
    ("queue", "said"),
    [
        ({"cu_count": 16}, "the queue has 16 CUs, and a job cannot have more"),
        ({"cu_count": 64, "queue_type": "sql"}, "queue q2 is for SQL"),
        ({"cu_count": 64, "resource_mode": 0}, "queue q2 is not dedicated"),
        ({"cu_count": 64}, ""),
    ],
)
def test_a_queue_that_the_program_makes_is_judged_by_what_it_declares(
    hosted: Stack, queue: dict[str, Any], said: str
) -> None:
    stream = Stream(hosted)
    stream.up()
    with hosted.phase() as phase:
        phase.check("Queue", hosted.urn("Queue", "new"), {"queue_name": "q2", **queue}, None)
        news = phase.check(JOB, stream.entry.urn, {**stream.inputs, "queue_name": "q2", "cu_number": 40}, stream.inputs)
        if not said:
            phase.diff(stream.entry, news)
            return
        with pytest.raises(Failed, match=said):
            phase.diff(stream.entry, news)


@pytest.mark.parametrize("bucket", ["obs://b/x", "b/x", "UPPER", "-b", ""])
def test_a_bucket_that_is_no_name_is_refused_without_a_call(running: Stream, bucket: str) -> None:
    before = len(running.stack.requests())
    with pytest.raises(Failed, match="obs_bucket: "):
        running.preview(obs_bucket=bucket)
    assert len(running.stack.requests()) == before


def test_what_the_same_deployment_made_a_moment_ago_is_seen(stream: Stream) -> None:
    stack = stream.stack
    stream.up()
    with stack.phase() as phase:
        changed = {**stream.inputs, "queue_name": "q2", "entrypoint": "fresh/a.jar"}
        news = phase.check(JOB, stream.entry.urn, changed, stream.inputs)
        around = phase.connect().around  # others have looked before the queue and the package were there
        assert around.queue("q2") is None
        assert around.queue("q2", young=True) is None
        assert around.packages(young=True).group("fresh") is None
        phase.create("Queue", stack.urn("Queue", "q2"), {"queue_name": "q2", "cu_count": 16}, None)
        group = {"group_name": "fresh", "packages": [{"path": "obs://jars/a.jar"}]}
        phase.create("PackageGroup", stack.urn("PackageGroup", "g"), group, None)
        phase.update(stream.entry, news, None)
    assert stream.status == "job_running"


# what other resources do to running streams

GROUP = {"group_name": "shop", "packages": ["obs://jars/a.jar", "obs://jars/b.jar"]}


@pytest.mark.parametrize("named", [{"entrypoint": "shop/a.jar"}, {"dependency_jars": ["shop/b.jar"]}])
def test_a_group_whose_packages_a_running_job_names_stays(stream: Stream, named: dict[str, Any]) -> None:
    stream.stack.up("PackageGroup", "g", **GROUP)
    stream.up(**named)
    with pytest.raises(Failed, match=r"shop was not deleted, and nothing of it: .*j \(shop/.*\)\. Give those"):
        stream.stack.destroy("g")
    assert "packages.delete" not in stream.stack.operations()
    stream.up(state="suspended")
    stream.stack.destroy("g")
    assert "g" not in stream.stack.entries


def test_a_queue_that_would_be_smaller_than_its_jobs_warns(stream: Stream) -> None:
    stream.stack.up("Queue", "wide", queue_name="wide", cu_count=256)
    stream.up(queue_name="wide", cu_number=80)
    told = stream.stack.preview("Queue", "wide", queue_name="wide", cu_count=64)
    assert told.notes == ["scales from 256 to 64 CUs (about 10 minutes)"]
    (warning,) = told.warnings
    assert warning.startswith("queue wide would have 64 CUs, and its running jobs use 80 (j): ")
    stream.up(state="suspended")
    assert stream.stack.preview("Queue", "wide", queue_name="wide", cu_count=64).warnings == []
