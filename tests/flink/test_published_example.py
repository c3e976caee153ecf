"""Flink's own published example jar runs as a user's jar would."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pulumi_dli.emulator.runtime import RunState
from tests.flink.conftest import Driver

pytestmark = [pytest.mark.java, pytest.mark.slow]
COORDINATES = "org.apache.flink:flink-examples-streaming:1.20.0:jar"


@pytest.fixture(scope="module")
def examples_jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jar from Maven's repository; skips, visibly, without Maven or network."""
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("no `mvn` on PATH to fetch Flink's published example (Debian: maven)")
    folder = tmp_path_factory.mktemp("published")
    command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={COORDINATES}", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    found = list(folder.glob("*.jar"))
    if not found:
        pytest.skip(f"Maven did not fetch {COORDINATES}: {(done.stdout + done.stderr)[:300]}")
    return found[0]


def test_top_speed_windowing_runs_and_stops_with_a_savepoint(driver: Driver, examples_jar: Path) -> None:
    definition = {
        "entrypoint": "flink/examples.jar",
        "main_class": "org.apache.flink.streaming.examples.windowing.TopSpeedWindowing",
        "parallel_number": 1,
    }
    driver.start_request(1, definition, files={"flink/examples.jar": examples_jar})
    running = driver.until(1, RunState.RUNNING)
    assert running.graph is not None
    assert running.graph["name"] == "CarTopSpeedWindowingExample"
    driver.runtime.stop(1, savepoint_dir="obs://bucket/jobs/savepoint/1/1/")
    path = driver.until(1, RunState.CANCELED).savepoint_path
    assert path is not None
    assert driver.runtime.has_savepoint(path)
