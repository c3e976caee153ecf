"""Flink's own published example jar runs as a user's jar would."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_dli.emulator.runtime.protocol import RunState
from tests.flink.conftest import Driver, published_examples

pytestmark = [pytest.mark.java, pytest.mark.slow]


@pytest.fixture(scope="module")
def examples_jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_examples(tmp_path_factory.mktemp("published"))


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
