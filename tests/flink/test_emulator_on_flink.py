"""The emulator with the runtime `flink`, over HTTP as a client sees it: what DLI says is what Flink does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from pulumi_dli.emulator.testing import Control, Emulator
from tests.flink.conftest import eventually, processes_naming

pytestmark = [pytest.mark.java, pytest.mark.slow]
PROJECT = "48cc2c48765f481480c7db940d6409d1"
HEADERS = {"X-Auth-Token": "any"}  # without credentials of its own the emulator takes every token


class Service:
    """A few calls of DLI."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.count_file = folder / "count.txt"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.url}/v1.0/{PROJECT}/{path}", json=body, headers=HEADERS, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def job(self, job_id: int) -> dict[str, Any]:
        return dict(self.call("GET", f"streaming/jobs/{job_id}")["job_detail"])

    def until(self, job_id: int, status: str) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            detail = self.job(job_id)
            return detail if detail["status"] == status else None

        return eventually(reached, what=f"{status}; now {self.job(job_id)}")

    def first_run(self, **fields: Any) -> int:
        """A queue, a job of version 1 on it, and its first run up."""
        queue = {"queue_name": "counting", "cu_count": 16, "queue_type": "general", "resource_mode": 1}
        self.call("POST", "queues", queue)
        body = {
            "name": "counter",
            "queue_name": "counting",
            "entrypoint": "obs://packages/counter-v1.jar",
            "entrypoint_args": f"--output {self.count_file} --per-second 20",
            "obs_bucket": "state",
            **fields,
        }
        job_id = int(self.call("POST", "streaming/flink-jobs", body)["job"]["job_id"])
        self.run(job_id, resume=False)
        self.until(job_id, "job_running")
        return job_id

    def run(self, job_id: int, *, resume: bool) -> None:
        [answer] = self.call("POST", "streaming/jobs/run", {"job_ids": [job_id], "resume_savepoint": resume})
        assert str(answer["is_success"]).lower() == "true"

    def stop(self, job_id: int, *, savepoint: bool) -> None:
        self.call("POST", "streaming/jobs/stop", {"job_ids": [job_id], "trigger_savepoint": savepoint})

    def until_counted(self, version: str, *, above: int) -> int:
        def reached() -> int | None:
            if not self.count_file.exists():
                return None
            words = self.count_file.read_text().split()
            return int(words[-1]) if words[0] == version and int(words[-1]) > above else None

        return eventually(reached, what=f"{version} counts above {above}")


@pytest.fixture
def service(counter_jars: dict[str, Path], tmp_path: Path) -> Iterator[Service]:
    with Emulator(pace=1.0, data=tmp_path / "dli.sqlite", runtime="flink") as emulator:
        for version, jar in counter_jars.items():
            emulator.put_object("packages", f"counter-{version}.jar", jar.read_bytes())
        yield Service(emulator.url, tmp_path)


@contextmanager
def emulator_process(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The emulator as a user starts it; its address and its process, killed at the end if it still runs."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    options = ["--runtime", "flink", "--data", str(folder / "dli.sqlite"), "--port", "0", "--pace", "1"]
    command = [sys.executable, "-m", "pulumi_dli.emulator", *options, "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: ready.exists() or None, what="the emulator listens")
            yield json.loads(ready.read_text())["url"], process
        finally:
            process.kill()


def java_of(folder: Path) -> list[int]:
    return [pid for pid, line in processes_naming(str(folder)).items() if "org.apache.flink" in line]


def test_a_job_goes_on_counting_after_a_kill_of_the_emulator(counter_jars: dict[str, Path], tmp_path: Path) -> None:
    with emulator_process(tmp_path) as (url, process):
        control = Control(url)
        control.put_object("packages", "counter-v1.jar", counter_jars["v1"].read_bytes())
        control.disconnect()
        service = Service(url, tmp_path)
        job_id = service.first_run(checkpoint_enabled=True, checkpoint_interval=1)
        service.until_counted("v1", above=100)
        process.kill()
        process.wait()
    eventually(lambda: not java_of(tmp_path) or None, what="the end of Java", seconds=10)
    service.count_file.unlink()

    with emulator_process(tmp_path) as (url, process):
        service.url = url
        assert service.until_counted("v1", above=0) > 40
        service.until(job_id, "job_running")
        service.stop(job_id, savepoint=True)
        assert service.until(job_id, "job_cancel_success")["has_savepoint"]
        process.terminate()
        assert process.wait(30) in (0, -signal.SIGTERM)
        assert not java_of(tmp_path), "an emulator that ends leaves nothing running"


def test_an_upgrade_a_crash_and_a_rollback_as_a_client_sees_them(service: Service) -> None:
    job_id = service.first_run()
    graph = service.call("GET", f"streaming/jobs/{job_id}/execute-graph")["execute_graph"]
    assert (graph["name"], graph["state"]) == ("stateful-counter v1", "RUNNING")
    service.until_counted("v1", above=20)

    service.stop(job_id, savepoint=True)
    stopped = service.until(job_id, "job_cancel_success")
    assert stopped["has_savepoint"]
    service.call("PUT", f"streaming/flink-jobs/{job_id}", {"entrypoint": "obs://packages/counter-v2.jar"})
    service.run(job_id, resume=True)
    service.until(job_id, "job_running")
    counted = service.until_counted("v2", above=20)

    service.stop(job_id, savepoint=True)
    path = service.until(job_id, "job_cancel_success")["savepoint_path"]
    service.call("PUT", f"streaming/flink-jobs/{job_id}", {"entrypoint": "obs://packages/counter-v2-crash.jar"})
    service.run(job_id, resume=True)
    crashed = service.until(job_id, "job_running_exception")
    assert crashed["status_desc"] == "java.lang.IllegalStateException: version v2-crash is broken on purpose"

    service.call("PUT", f"streaming/flink-jobs/{job_id}", {"entrypoint": "obs://packages/counter-v2.jar"})
    service.call("POST", f"streaming/jobs/{job_id}/import-savepoint", {"job_id": job_id, "savepoint_path": path})
    service.count_file.unlink()
    service.run(job_id, resume=True)
    assert service.until_counted("v2", above=0) > counted

    service.stop(job_id, savepoint=False)
    service.until(job_id, "job_cancel_success")
    service.call("DELETE", f"streaming/jobs/{job_id}")
    service.call("DELETE", "queues/counting")
