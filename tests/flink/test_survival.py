"""Nothing is lost and nothing is left: kills of the emulator, of Java, of the supervisor; the end of queues."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pulumi_dli.emulator.runtime.flink import create_runtime
from pulumi_dli.emulator.runtime.protocol import RunState, RuntimeContext
from tests.flink.conftest import PROJECT, QUEUE, Driver, eventually, processes_naming

pytestmark = [pytest.mark.java, pytest.mark.slow]
CHECKPOINTS = {"checkpoint_enabled": True, "checkpoint_interval": 1, "obs_bucket": "bucket"}
EMULATOR = """
import sys, time
from pathlib import Path
from tests.flink.conftest import Driver
from pulumi_dli.emulator.runtime.flink import create_runtime
from pulumi_dli.emulator.runtime.protocol import RuntimeContext
folder = Path(sys.argv[1])
driver = Driver(create_runtime(RuntimeContext(folder / "runtime", time.time)), folder, {"v1": Path(sys.argv[2])})
driver.start(1, "v1", checkpoint_enabled=True, checkpoint_interval=1, obs_bucket="bucket")
driver.start(2, "v1")
time.sleep(600)
"""


@contextmanager
def runtime_in(folder: Path, jars: dict[str, Path], **options: str) -> Iterator[Driver]:
    runtime = create_runtime(RuntimeContext(directory=folder / "runtime", now=time.time, options=options))
    try:
        yield Driver(runtime=runtime, folder=folder, jars=jars)
    finally:
        runtime.close()


def left_over(folder: Path) -> dict[int, str]:
    return {pid: line for pid, line in processes_naming(str(folder)).items() if "org.apache.flink" in line}


def until_nothing_is_left(folder: Path, *, seconds: float = 10) -> None:
    eventually(lambda: not left_over(folder) or None, what="the end of all Java processes", seconds=seconds)


def until_checkpointed(folder: Path, job_id: int) -> None:
    place = folder / "runtime" / "objects" / "bucket" / "jobs" / "checkpoint" / str(job_id)
    seen = {str(found) for found in place.glob("*/chk-*/_metadata")}
    eventually(
        lambda: {str(found) for found in place.glob("*/chk-*/_metadata")} - seen or None, what="a newer checkpoint"
    )


def test_a_killed_emulator_leaves_no_java_and_the_next_one_goes_on_counting(
    counter_jars: dict[str, Path], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", EMULATOR, str(tmp_path), str(counter_jars["v1"])]
    emulator = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    counting = Driver(runtime=None, folder=tmp_path, jars={})  # type: ignore[arg-type]
    try:
        counting.until_count(1, "v1", above=40)
        counting.until_count(2, "v1", above=10)
        until_checkpointed(tmp_path, 1)
        assert len(left_over(tmp_path)) == 2
    finally:
        emulator.kill()
        emulator.wait()
    until_nothing_is_left(tmp_path)
    _, before = counting.count(1)
    counting.output(1).unlink()

    with runtime_in(tmp_path, counter_jars) as driver:
        first = {seen.job_id: seen.state for seen in driver.runtime.changes()}
        assert first == {1: RunState.SUBMITTING, 2: RunState.SUBMITTING}
        seen = driver.until(1, RunState.RUNNING)
        assert seen.restart_times == 0
        assert 20 < driver.until_count(1, "v1", above=0) < before + 40
        driver.until(2, RunState.RUNNING)
        assert len(list((tmp_path / "runtime" / "clusters").iterdir())) == 1, "the dead cluster's folder is gone"
    until_nothing_is_left(tmp_path)


def test_a_cluster_that_breaks_down_comes_back_with_its_jobs(counter_jars: dict[str, Path], tmp_path: Path) -> None:
    with runtime_in(tmp_path, counter_jars) as driver:
        driver.start(1, "v1", **CHECKPOINTS)
        driver.until_count(1, "v1", above=40)
        until_checkpointed(tmp_path, 1)
        driver.until(1, RunState.RUNNING)
        [victim] = [pid for pid, line in left_over(tmp_path).items() if "TaskManagerRunner" in line]
        os.kill(victim, signal.SIGKILL)
        assert driver.until(1, RunState.SUBMITTING).description == "the Flink cluster of the queue broke down"
        driver.output(1).unlink()
        driver.until(1, RunState.RUNNING)
        assert driver.until_count(1, "v1", above=0) > 20


def test_a_killed_keeper_takes_its_java_along(counter_jars: dict[str, Path], tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux ends the children of a killed process")
    with runtime_in(tmp_path, counter_jars) as driver:
        driver.start(1, "v1")
        driver.until(1, RunState.RUNNING)
        java = left_over(tmp_path)
        [supervisor] = {int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in java}
        os.kill(supervisor, signal.SIGKILL)
        eventually(lambda: not (java.keys() & left_over(tmp_path).keys()) or None, what="the end of its Java")


def test_a_job_stopped_before_the_end_of_the_emulator_stays_stopped(
    counter_jars: dict[str, Path], tmp_path: Path
) -> None:
    with runtime_in(tmp_path, counter_jars) as driver:
        driver.start(1, "v1")
        driver.until(1, RunState.RUNNING)
        driver.runtime.stop(1, savepoint_dir="obs://bucket/jobs/savepoint/1/1/")
        path = driver.until(1, RunState.CANCELED).savepoint_path
        driver.start(2, "v1")
        driver.until(2, RunState.RUNNING)
        driver.runtime.queue_gone(PROJECT, "another queue")
        assert driver.runtime.web_url(PROJECT, QUEUE)
        driver.runtime.kill(2)
        driver.runtime.queue_gone(PROJECT, QUEUE)
        until_nothing_is_left(tmp_path)

    with runtime_in(tmp_path, counter_jars) as driver:
        [seen] = driver.runtime.changes()
        assert (seen.job_id, seen.state, seen.savepoint_path) == (1, RunState.CANCELED, path)
        assert not left_over(tmp_path), "no job, no cluster"


def test_a_shared_cluster_serves_all_queues_and_outlives_each(counter_jars: dict[str, Path], tmp_path: Path) -> None:
    with runtime_in(tmp_path, counter_jars, shared="true") as driver:
        driver.start(1, "v1")
        driver.until(1, RunState.RUNNING)
        assert driver.runtime.web_url(PROJECT, "another") == driver.runtime.web_url(PROJECT, QUEUE)
        driver.runtime.queue_gone(PROJECT, "another")
        driver.until_count(1, "v1", above=driver.count(1)[1] + 20)
        assert len(left_over(tmp_path)) == 2
    assert not left_over(tmp_path)
