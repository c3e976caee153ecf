"""What DLI's fields, paths and Java's traces mean to Flink: the parts that need no Java."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.emulator.runtime.flink import submission
from pulumi_dli.emulator.runtime.flink.causes import LONGEST, refusal, root_cause
from pulumi_dli.emulator.runtime.flink.cluster import Ports, configuration
from pulumi_dli.emulator.runtime.flink.clusters import MOST_SLOTS, slots_for
from pulumi_dli.emulator.runtime.flink.distribution import FlinkSetupError, find_java
from pulumi_dli.emulator.runtime.flink.objects import ObjectFolders, newest_checkpoint
from pulumi_dli.emulator.runtime.flink.recorder import JobStateRecorder
from pulumi_dli.emulator.runtime.flink.records import JobRecord, RecordFolder
from pulumi_dli.emulator.runtime.protocol import Observation, RunState

JID = "0123456789abcdef0123456789abcdef"


def body_of(tmp_path: Path, *, restore: Path | None = None, **definition: Any) -> dict[str, Any]:
    objects = ObjectFolders(tmp_path)
    folder = submission.checkpoint_folder(definition, job_id=138, objects=objects)
    return submission.run_body(
        definition, name="count", jid=JID, classpath=(), checkpoints=folder, restore=restore, objects=objects
    )


def settings_of(tmp_path: Path, **definition: Any) -> dict[str, str]:
    settings = body_of(tmp_path, **definition)["flinkConfiguration"]
    assert isinstance(settings, dict)
    return settings


def test_a_plain_job_names_its_id_its_parallelism_and_no_class(tmp_path: Path) -> None:
    body = body_of(tmp_path, parallel_number=3, entrypoint_args="--path '/a b' -x \"y z\"")
    assert body["jobId"] == JID
    assert body["parallelism"] == 3
    assert body["programArgsList"] == ["--path", "/a b", "-x", "y z"]
    assert body["allowNonRestoredState"] is False
    assert "entryClass" not in body
    assert "savepointPath" not in body


def test_a_restore_claims_nothing_of_the_snapshot(tmp_path: Path) -> None:
    body = body_of(tmp_path, restore=tmp_path / "sp", main_class="a.B")
    assert body["savepointPath"] == (tmp_path / "sp").as_uri()
    assert body["restoreMode"] == "NO_CLAIM"
    assert body["entryClass"] == "a.B"


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({}, None),
        ({"checkpoint_enabled": False, "checkpoint_interval": 5}, None),
        ({"checkpoint_enabled": True}, ("10 s", "EXACTLY_ONCE")),
        ({"checkpoint_enabled": True, "checkpoint_interval": 30, "checkpoint_mode": 2}, ("30 s", "AT_LEAST_ONCE")),
        ({"checkpoint_enabled": True, "checkpoint_mode": "at_least_once"}, ("10 s", "AT_LEAST_ONCE")),
        ({"checkpoint_enabled": True, "checkpoint_mode": 1}, ("10 s", "EXACTLY_ONCE")),
    ],
)
def test_checkpointing_follows_the_jobs_fields(
    tmp_path: Path, definition: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    settings = settings_of(tmp_path, **definition)
    found = (settings.get("execution.checkpointing.interval"), settings.get("execution.checkpointing.mode"))
    assert found == (expected or (None, None))


@pytest.mark.parametrize(
    ("definition", "strategy", "limit"),
    [
        ({}, "none", None),
        ({"restart_when_exception": False, "resume_max_num": 5}, "none", None),
        ({"restart_when_exception": True}, "fixed-delay", str(2**31 - 1)),
        ({"restart_when_exception": True, "resume_max_num": -1}, "fixed-delay", str(2**31 - 1)),
        ({"restart_when_exception": True, "resume_max_num": 5}, "failure-rate", "5"),
    ],
)
def test_automatic_restarts_follow_the_jobs_fields(
    tmp_path: Path, definition: dict[str, Any], strategy: str, limit: str | None
) -> None:
    settings = settings_of(tmp_path, **definition)
    assert settings["restart-strategy.type"] == strategy
    assert limit is None or limit in settings.values()


@pytest.mark.parametrize(
    "text",
    [
        '[{"key": "a.b", "value": "1"}, {"key": "c", "value": true}]',
        '{"a.b": 1, "c": true}',
        "a.b=1\nc = true\n",
        {"a.b": "1", "c": True},
    ],
)
def test_runtime_settings_come_in_four_forms(text: object) -> None:
    assert submission.runtime_settings({"runtime_config": text}) == {"a.b": "1", "c": "true"}


@pytest.mark.parametrize("empty", [None, ""])
def test_no_runtime_settings_are_none(empty: object) -> None:
    assert submission.runtime_settings({"runtime_config": empty}) == {}


def test_runtime_settings_win_and_their_places_in_obs_become_folders(tmp_path: Path) -> None:
    text = json.dumps({"execution.checkpointing.dir": "obs://mine/checkpoints", "pipeline.name": "other"})
    settings = settings_of(tmp_path, runtime_config=text)
    assert settings["execution.checkpointing.dir"] == (tmp_path / "mine" / "checkpoints").as_uri()
    assert settings["pipeline.name"] == "other"


@pytest.mark.parametrize(
    ("definition", "folder"),
    [
        ({}, "flink/jobs/checkpoint/138"),
        ({"obs_bucket": "b"}, "b/jobs/checkpoint/138"),
        ({"obs_bucket": "b", "checkpoint_path": "c/dir"}, "c/dir"),
        ({"checkpoint_path": "obs://c/dir/"}, "c/dir"),
        ({"obs_bucket": "b", "checkpoint_path": "c/dir", "checkpoint_enabled": True}, "b/jobs/checkpoint/138"),
    ],
)
def test_checkpoints_go_where_the_contract_says(tmp_path: Path, definition: dict[str, Any], folder: str) -> None:
    found = submission.checkpoint_folder(definition, job_id=138, objects=ObjectFolders(tmp_path))
    assert found == tmp_path / folder


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({}, 1),
        ({"parallel_number": 4}, 4),
        ({"parallel_number": 4, "resource_config": {"parallel_number": 9}}, 4),
        ({"parallel_number": 4, "resource_config_version": "v2", "resource_config": {"parallel_number": 9}}, 9),
        ({"parallel_number": 4, "resource_config_version": "v2", "resource_config": None}, 4),
    ],
)
def test_the_parallelism_is_the_one_that_counts(definition: dict[str, Any], expected: int) -> None:
    assert submission.parallelism(definition) == expected


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ({"entrypoint_args": "'open"}, "entrypoint_args"),
        ({"runtime_config": "3"}, "runtime_config"),
        ({"runtime_config": '{"a": "obs://b/../../etc"}'}, "runtime_config"),
        ({"checkpoint_path": "../../etc"}, "checkpoint_path"),
    ],
)
def test_what_cannot_be_submitted_is_named_without_its_value(
    tmp_path: Path, definition: dict[str, Any], named: str
) -> None:
    with pytest.raises(submission.SubmissionError, match=named) as caught:
        body_of(tmp_path, **definition)
    assert str(next(iter(definition.values()))) not in str(caught.value)


def test_staged_files_are_copies_that_a_later_upload_does_not_touch(tmp_path: Path) -> None:
    source = tmp_path / "0a1b"
    source.write_text("first")
    definition = {"entrypoint": "g/app", "dependency_jars": ["g/x.jar"], "dependency_files": ["g/a.txt", "b.txt"]}
    files = dict.fromkeys(["g/app", "g/x.jar", "g/a.txt", "b.txt"], source)
    staged = submission.stage(definition, files, folder=tmp_path / "run")
    source.write_text("second")
    assert staged.jar.read_text() == "first"
    assert staged.jar_name == "app.jar"
    library, folder = staged.classpath
    assert library.endswith("/x.jar")
    assert folder.endswith("/files/")
    assert sorted(found.name for found in (tmp_path / "run" / "files" / "userData").iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("cu", "parallelism", "slots"), [(16, 1, 64), (4, 1, 16), (0, 1, 4), (4, 20, 20), (1000, 1, MOST_SLOTS)]
)
def test_slots_come_from_the_queues_cus(cu: int, parallelism: int, slots: int) -> None:
    assert slots_for(cu, parallelism) == slots


def test_a_cluster_listens_on_loopback_only(tmp_path: Path) -> None:
    settings = configuration(Ports(rest=1, rpc=2), slots=8, folder=tmp_path)
    places = {value for key, value in settings.items() if key.endswith(("host", "address"))}
    assert places == {"127.0.0.1"}
    assert settings["taskmanager.numberOfTaskSlots"] == "8"


TRACE = """\
org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
\tat org.apache.flink.runtime.A.b(A.java:1)
\tSuppressed: java.io.IOException: closing failed too
\t\tat x.Y.z(Y.java:1)
\tCaused by: java.io.IOException: of the suppressed one
Caused by: java.util.concurrent.CompletionException: java.lang.IllegalStateException: boom
\tat a.B.c(B.java:3)
\t... 6 more
"""


@pytest.mark.parametrize(
    ("trace", "cause"),
    [
        (TRACE, "java.lang.IllegalStateException: boom"),
        ("java.lang.RuntimeException: alone\n\tat a.B.c(B.java:3)", "java.lang.RuntimeException: alone"),
        (
            "org.apache.flink.util.SerializedThrowable: java.lang.OutOfMemoryError: Java heap space",
            "java.lang.OutOfMemoryError: Java heap space",
        ),
        (
            "java.lang.IllegalArgumentException: Error: not a class",
            "java.lang.IllegalArgumentException: Error: not a class",
        ),
        ("", ""),
    ],
)
def test_the_root_cause_of_a_trace_is_one_line(trace: str, cause: str) -> None:
    assert root_cause(trace) == cause


def test_a_long_cause_is_clipped() -> None:
    assert len(root_cause("java.lang.Error: " + "x" * 2000)) == LONGEST


def test_a_refusal_is_told_by_its_trace() -> None:
    server = f"<Exception on server side:\n{TRACE}\nEnd of exception on server side>"
    assert refusal(["Internal server error.", server]) == "java.lang.IllegalStateException: boom"
    assert refusal(["Job not found"]) == "Job not found"
    assert refusal([]) == "Flink gave no reason"


def test_a_snapshot_is_a_folder_with_metadata_or_the_only_one_below(tmp_path: Path) -> None:
    objects = ObjectFolders(tmp_path)
    made = tmp_path / "b" / "jobs" / "1" / "savepoint-x"
    made.mkdir(parents=True)
    assert objects.snapshot("obs://b/jobs/1/") is None
    (made / "_metadata").write_text("")
    assert objects.snapshot("obs://b/jobs/1/") == made
    assert objects.snapshot(objects.path(made)) == made
    assert objects.snapshot("obs://b/../b/jobs/1/") is None
    objects.remove("obs://b/jobs/1/")
    assert not made.parent.exists()


@pytest.mark.parametrize("path", ["", "obs://", "obs://b/../../etc", "obs://b/./x", "b/\0"])
def test_paths_that_leave_their_bucket_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="not a path of a bucket"):
        ObjectFolders(tmp_path).folder(path)


def test_the_newest_checkpoint_is_the_highest_complete_one(tmp_path: Path) -> None:
    for number in (9, 10, 11):
        (tmp_path / f"chk-{number}").mkdir()
    assert newest_checkpoint(tmp_path) is None
    for number in (9, 10):
        (tmp_path / f"chk-{number}" / "_metadata").write_text("")
    assert newest_checkpoint(tmp_path) == tmp_path / "chk-10"


def record_of(job_id: int) -> JobRecord:
    return JobRecord(
        job_id=job_id, project_id="p", name="n", queue="q", queue_cu=16, definition={}, files={}, restore_path=None
    )


def test_records_come_back_as_they_were_and_broken_ones_stay_behind(tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path)
    told: list[Observation] = []
    recorder = JobStateRecorder(record_of(7), records=folder, now=lambda: 5.0, publish=told.append)
    recorder.to_state(RunState.RUNNING)
    recorder.to_stopping("obs://b/jobs/savepoint/7/1/")
    (tmp_path / "8.json").write_text("{")
    [record] = RecordFolder(tmp_path).load()
    assert record == recorder.record
    assert record.state is RunState.SAVEPOINTING
    assert [seen.state for seen in told] == [RunState.RUNNING, RunState.SAVEPOINTING]


def test_a_deleted_job_leaves_no_record_and_says_no_more(tmp_path: Path) -> None:
    told: list[Observation] = []
    recorder = JobStateRecorder(record_of(7), records=RecordFolder(tmp_path), now=time.time, publish=told.append)
    recorder.to_state(RunState.RUNNING)
    recorder.mute()
    recorder.to_state(RunState.CANCELED)
    assert len(told) == 1
    assert RecordFolder(tmp_path).load() == []


def test_a_job_at_rest_cannot_be_stopped(tmp_path: Path) -> None:
    told: list[Observation] = []
    recorder = JobStateRecorder(record_of(7), records=RecordFolder(tmp_path), now=time.time, publish=told.append)
    recorder.to_state(RunState.FINISHED)
    assert not recorder.to_stopping(None)
    assert recorder.record.state is RunState.FINISHED


def fake_java(folder: Path, version: str) -> None:
    (folder / "bin").mkdir()
    program = folder / "bin" / "java"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.stderr.write('openjdk version \"{version}\" 2020')\n")
    program.chmod(0o755)


@pytest.mark.parametrize("version", ["11.0.2", "17.0.15", "21"])
def test_java_is_found_through_its_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == tmp_path / "bin" / "java"


def test_an_old_java_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, "1.8.0_292")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(FlinkSetupError, match="is Java 8, Flink needs 11 or 17: install Java 17"):
        find_java()


def test_without_java_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlinkSetupError, match="no `java` on PATH and JAVA_HOME is not set: install Java 17"):
        find_java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(FlinkSetupError, match=r"JAVA_HOME is .*, but there is no"):
        find_java()
