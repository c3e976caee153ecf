"""Jobs on a real Flink cluster: they run, keep their state over an upgrade, fail with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from pulumi_dli.emulator.runtime.protocol import RunState
from tests.flink.conftest import PROJECT, QUEUE, Driver, eventually, processes_naming

pytestmark = [pytest.mark.java, pytest.mark.slow]
MEBIBYTE = 1024 * 1024
CHECKPOINTS = {"checkpoint_enabled": True, "checkpoint_interval": 1, "obs_bucket": "bucket"}


def savepoint_dir(job_id: int, number: int) -> str:
    return f"obs://bucket/jobs/savepoint/{job_id}/{number}/"


def stop_with_savepoint(driver: Driver, job_id: int, number: int) -> str:
    driver.runtime.stop(job_id, savepoint_dir=savepoint_dir(job_id, number))
    path = driver.until(job_id, RunState.CANCELED).savepoint_path
    assert path is not None
    return path


def test_an_upgrade_through_a_savepoint_keeps_the_count(driver: Driver) -> None:
    driver.start(1, "v1")
    driver.until(1, RunState.RUNNING)
    driver.until_count(1, "v1", above=10)
    path = stop_with_savepoint(driver, 1, 1)
    before = driver.count(1)
    assert path.startswith(savepoint_dir(1, 1))
    assert driver.runtime.has_savepoint(path)

    driver.start(1, "v2", savepoint=path)
    seen = driver.until(1, RunState.RUNNING)
    assert driver.until_count(1, "v2", above=before[1]) > before[1]
    assert seen.savepoint_path is None
    jid = (driver.runtime.observe(1) or seen).graph["jid"]  # type: ignore[index]
    counts = requests.get(f"{driver.runtime.web_url(PROJECT, QUEUE)}/jobs/{jid}/checkpoints", timeout=10).json()
    assert counts["counts"]["restored"] == 1

    driver.runtime.drop_savepoint(path)
    assert not driver.runtime.has_savepoint(path)
    metadata = driver.folder / "runtime" / "objects" / path.removeprefix("obs://") / "_metadata"
    assert metadata.exists(), "before its first checkpoint the job may have to restore from it once more"
    driver.runtime.stop(1, savepoint_dir=None)
    driver.until(1, RunState.CANCELED)
    eventually(lambda: not metadata.exists() or None, what="the end of the dropped savepoint", seconds=5)


def test_the_first_count_after_a_restore_is_the_next_one(driver: Driver) -> None:
    driver.start(2, "v1")
    driver.until_count(2, "v1", above=40)
    path = stop_with_savepoint(driver, 2, 1)
    _, last = driver.count(2)
    driver.output(2).unlink()
    driver.start(2, "v2", savepoint=path)
    first = driver.until_count(2, "v2", above=0)
    assert last < first < last + 40
    driver.runtime.kill(2)


def test_a_stateless_start_counts_from_one_again(driver: Driver) -> None:
    driver.start(3, "v1")
    before = driver.until_count(3, "v1", above=60)
    driver.runtime.stop(3, savepoint_dir=None)
    assert driver.until(3, RunState.CANCELED).savepoint_path is None
    driver.start(3, "v2")
    assert driver.until_count(3, "v2", above=0) < before
    driver.runtime.kill(3)


def test_a_crash_shows_the_root_cause_and_a_rollback_finds_the_count(driver: Driver) -> None:
    driver.start(4, "v1", **CHECKPOINTS)
    driver.until_count(4, "v1", above=20)
    path = stop_with_savepoint(driver, 4, 1)
    before = driver.count(4)

    driver.start(4, "v2-crash", savepoint=path, **CHECKPOINTS)
    failed = driver.until(4, RunState.FAILED)
    assert failed.description == "java.lang.IllegalStateException: version v2-crash is broken on purpose"
    driver.start(4, "v1", savepoint=path, **CHECKPOINTS)
    assert driver.until_count(4, "v1", above=before[1]) < before[1] + 60
    driver.runtime.kill(4)


def test_automatic_restarts_are_counted_until_their_limit(driver: Driver) -> None:
    driver.start(5, "v2-crash", restart_when_exception=True, resume_max_num=2)
    failed = driver.until(5, RunState.FAILED)
    assert failed.restart_times == 2
    assert "broken on purpose" in failed.description


def test_a_savepoint_in_between_leaves_the_job_running(driver: Driver) -> None:
    driver.start(6, "v1")
    driver.until(6, RunState.RUNNING)
    driver.runtime.savepoint(6, directory=savepoint_dir(6, 1))
    driver.until(6, RunState.SAVEPOINTING)
    seen = driver.until(6, RunState.RUNNING)
    assert seen.savepoint_path is not None
    assert driver.runtime.has_savepoint(seen.savepoint_path)
    driver.until_count(6, "v1", above=driver.count(6)[1])
    driver.runtime.kill(6)


def test_a_savepoint_that_cannot_be_made_leaves_the_job_running_with_a_reason(driver: Driver) -> None:
    driver.start(7, "v1")
    driver.until(7, RunState.RUNNING)
    blocked = driver.folder / "runtime" / "objects" / "blocked"
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("a file where a folder should be")
    driver.runtime.stop(7, savepoint_dir="obs://blocked/jobs/savepoint/7/1/")
    driver.until(7, RunState.SAVEPOINTING)
    seen = driver.until(7, RunState.RUNNING)
    assert seen.description.startswith("the savepoint was not made: ")
    assert seen.savepoint_path is None
    driver.until_count(7, "v1", above=driver.count(7)[1])
    driver.runtime.kill(7)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"main_class": "no.Such"}, "java.lang.ClassNotFoundException: no.Such"),
        ({"entrypoint": "group/absent.jar"}, "entrypoint group/absent.jar does not exist"),
        ({"entrypoint_args": "--output 'open"}, "entrypoint_args cannot be split: No closing quotation"),
        ({"entrypoint_args": ""}, "No data for required key 'output'"),
    ],
)
def test_a_job_that_cannot_be_submitted_says_why(driver: Driver, fields: dict[str, str], reason: str) -> None:
    driver.start(8, "v1", **fields)
    assert reason in driver.until(8, RunState.SUBMIT_FAILED).description


def test_a_start_from_a_savepoint_that_is_not_there_is_refused(driver: Driver) -> None:
    driver.start(9, "v1", savepoint="obs://bucket/jobs/savepoint/9/none/")
    seen = driver.until(9, RunState.SUBMIT_FAILED)
    assert seen.description == "there is no savepoint at obs://bucket/jobs/savepoint/9/none/"


def test_a_checkpoint_can_be_started_from_like_a_savepoint(driver: Driver) -> None:
    driver.start(10, "v1", **CHECKPOINTS)
    driver.until_count(10, "v1", above=60)
    folder = driver.folder / "runtime" / "objects"
    eventually(lambda: next(folder.glob("bucket/jobs/checkpoint/10/*/chk-*/_metadata"), None), what="a checkpoint")
    driver.runtime.stop(10, savepoint_dir=None)
    driver.until(10, RunState.CANCELED)
    newest = next(folder.glob("bucket/jobs/checkpoint/10/*/chk-*/_metadata")).parent
    path = f"obs://{newest.relative_to(folder)}/"
    assert driver.runtime.has_savepoint(path)
    driver.start(10, "v2", savepoint=path)
    assert driver.until_count(10, "v2", above=0) > 20
    driver.runtime.kill(10)


def test_dependencies_are_where_the_program_looks_and_a_bounded_job_finishes(
    driver: Driver, compile_jar: Callable[..., Path]
) -> None:
    library = compile_jar("word", "Word.java")
    program = compile_jar("reads", "ReadsDependencies.java", classpath=(library,))
    word = driver.folder / "word.txt"
    word.write_text("hello\n")
    output = driver.folder / "read.txt"
    definition = {
        "entrypoint": "obs://bucket/reads.jar",
        "main_class": "reads.ReadsDependencies",
        "entrypoint_args": f"{output} 'two words'",
        "dependency_jars": ["group/word.jar"],
        "dependency_files": ["group/word.txt"],
        "parallel_number": 2,
        "runtime_config": '[{"key": "execution.runtime-mode", "value": "STREAMING"}]',
    }
    files = {"obs://bucket/reads.jar": program, "group/word.jar": library, "group/word.txt": word}
    driver.start_request(11, definition, files=files)
    assert driver.until(11, RunState.FINISHED).description == ""
    assert output.read_text() == "HELLO HELLO TWO WORDS"


def test_the_execution_graph_and_the_page_of_a_job_are_flinks(driver: Driver) -> None:
    driver.start(12, "v1")
    driver.until(12, RunState.RUNNING)
    seen = driver.runtime.observe(12)
    assert seen is not None
    assert seen.graph is not None
    assert seen.graph["state"] == "RUNNING"
    assert seen.graph["name"] == "stateful-counter v1"
    assert [node["description"] for node in seen.graph["plan"]["nodes"]]
    assert seen.web_url is not None
    assert requests.get(seen.web_url.partition("#")[0], timeout=10).status_code == 200
    driver.runtime.kill(12)


def test_a_deleted_job_is_told_no_more_and_ends_in_flink(driver: Driver) -> None:
    driver.start(13, "v1")
    jid = driver.until(13, RunState.RUNNING).graph["jid"]  # type: ignore[index]
    driver.runtime.kill(13)
    assert driver.runtime.observe(13) is None
    url = f"{driver.runtime.web_url(PROJECT, QUEUE)}/jobs/{jid}"
    eventually(
        lambda: requests.get(url, timeout=10).json()["state"] == "CANCELED" or None, what="the end of the deleted job"
    )
    assert not [seen for seen in driver.runtime.changes() if seen.job_id == 13]


def test_one_cluster_stays_below_a_gibibyte(driver: Driver) -> None:
    driver.start(14, "v1", **CHECKPOINTS)
    driver.until_count(14, "v1", above=5)
    pids = processes_naming(str(driver.folder / "runtime" / "clusters"))
    assert len([line for line in pids.values() if "org.apache.flink" in line]) == 2
    resident = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in pids)
    print(f"resident memory of one cluster: {resident // MEBIBYTE} MiB")
    assert resident < 1024 * MEBIBYTE
    driver.runtime.kill(14)
