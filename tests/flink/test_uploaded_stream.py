"""Flink's own published example as a user's jar: uploaded without a group, run, upgraded and destroyed by a stack."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engines import EMBEDDED_ONLY, PROJECT_ID, Engine
from tests.flink.conftest import published_examples
from tests.flink.streams import flink_dli

pytestmark = [pytest.mark.java, pytest.mark.slow]
PROGRAM = """
import pulumi
import pulumi_dli as dli

queue = dli.Queue("cars", cu_count=16)
app = dli.UploadedPackage("app", source="examples.jar", bucket="counter-packages")
job = dli.FlinkJarJob(
    "top-speed",
    queue_name=queue.queue_name,
    entrypoint=app.package,
    main_class="org.apache.flink.streaming.examples.windowing.TopSpeedWindowing",
    parallel_number=PARALLEL,
    obs_bucket="counter-state",
    stabilization_seconds=1,
)
pulumi.export("savepoint", job.savepoint_path)
"""


@pytest.fixture(scope="module")
def examples_jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_examples(tmp_path_factory.mktemp("published"))


@EMBEDDED_ONLY
def test_a_published_jar_runs_and_goes_on_with_more_parallelism(
    engine: Engine, examples_jar: Path, tmp_path: Path
) -> None:
    with flink_dli(tmp_path / "dli") as dli:
        engine.write(PROGRAM.replace("PARALLEL", "1"))
        shutil.copy(examples_jar, engine.project / "examples.jar")
        engine.configure(
            {
                "dli:endpoint": dli.url,
                "dli:projectId": PROJECT_ID,
                "dli:accessKey": "local",
                "dli:secretKey": "secret-of-the-tests",
                "dli:pollSeconds": "0.2",
            }
        )
        deployed = engine.up()
        assert deployed.ok, deployed.text
        assert dli.statuses() == {"top-speed": "job_running"}

        engine.write(PROGRAM.replace("PARALLEL", "2"))
        changed = engine.up()
        assert changed.ok, changed.text
        assert changed.ops() == {"top-speed": "update"}
        [job] = dli.control.jobs()
        assert job["status"] == "job_running"
        assert len(job["restored_from"]) == 1

        assert engine.destroy().ok
        assert dli.control.jobs() == []
