"""One emulator a test process, made as new before each test; and a plain HTTP caller of the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pulumi_dli.emulator.testing import Emulator

PROJECT = "48cc2c48765f481480c7db940d6409d1"


class Caller:
    """Calls DLI as a client with a token would; answers come as they are."""

    def __init__(self, emulator: Emulator, project_id: str = PROJECT) -> None:
        self.emulator = emulator
        self.project_id = project_id
        self.session = requests.Session()
        self.session.headers.update({"X-Auth-Token": "any", "Content-Type": "application/json"})

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        url = self.emulator.url + path.replace("{p}", self.project_id)
        return self.session.request(method, url, json=body, timeout=30, **more)

    # the shortest way to a queue, a package, a job

    def queue(self, name: str = "q", **fields: Any) -> str:
        body = {"queue_name": name, "queue_type": "general", "cu_count": 16, "resource_mode": 1, **fields}
        answer = self("POST", "/v1.0/{p}/queues", body)
        assert answer.ok, answer.text
        return str(answer.json()["queue_name"])

    def package(self, name: str = "app.jar", group: str = "g", **fields: Any) -> requests.Response:
        self.emulator.put_object("jars", name, name.encode())
        path = f"https://jars.obs.eu-de.otc.t-systems.com/{name}"
        return self("POST", "/v2.0/{p}/resources", {"paths": [path], "kind": "jar", "group": group, **fields})

    def job(self, name: str = "job", **fields: Any) -> int:
        """A draft whose queue and package exist."""
        if not self("GET", "/v1.0/{p}/queues/q").ok:
            self.queue()
            self.package()
        body = {"name": name, "queue_name": "q", "entrypoint": "g/app.jar", "obs_bucket": "bucket", **fields}
        answer = self("POST", "/v1.0/{p}/streaming/flink-jobs", body)
        assert answer.ok, answer.text
        return int(answer.json()["job"]["job_id"])

    def run(self, *ids: int, resume: bool = False) -> requests.Response:
        return self("POST", "/v1.0/{p}/streaming/jobs/run", {"job_ids": list(ids), "resume_savepoint": resume})

    def stop(self, *ids: int, savepoint: bool = False) -> requests.Response:
        return self("POST", "/v1.0/{p}/streaming/jobs/stop", {"job_ids": list(ids), "trigger_savepoint": savepoint})

    def details(self, job_id: int) -> dict[str, Any]:
        answer = self("GET", f"/v1.0/{{p}}/streaming/jobs/{job_id}")
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()["job_detail"]
        return found

    def status(self, job_id: int) -> str:
        return str(self.details(job_id)["status"])

    def running(self, name: str = "job", **fields: Any) -> int:
        """A job that is up, and a queue that has run one."""
        job_id = self.job(name, **fields)
        assert self.run(job_id).ok
        self.emulator.advance(480)
        assert self.status(job_id) == "job_running"
        return job_id


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[Emulator]:
    with Emulator(speed=0) as emulator:
        yield emulator


@pytest.fixture
def emulator(shared_emulator: Emulator) -> Emulator:
    shared_emulator.reset()
    shared_emulator.set_speed(0)
    return shared_emulator


@pytest.fixture
def call(emulator: Emulator) -> Iterator[Caller]:
    caller = Caller(emulator)
    yield caller
    caller.session.close()
