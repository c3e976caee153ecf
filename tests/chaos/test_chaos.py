"""A hundred seeded schedules, those that once failed, and that the checker sees what it is there for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pulumi_dli.emulator.testing import Emulator
from tests.chaos.checker import Epoch, World, problems
from tests.chaos.deployment import Deployment, State
from tests.chaos.programs import JOB, Declared, Program
from tests.chaos.running import PROJECT_ID, config_of, emulator, run
from tests.chaos.schedules import Schedule, drawn, smaller


@pytest.fixture(scope="module")
def dli() -> Iterator[Emulator]:
    with emulator() as running:
        yield running


def violations(seeds: range, dli: Emulator) -> list[str]:
    return [f"seed {seed}: {text}" for seed in seeds for text in run(drawn(seed), dli).violations]


def test_some_schedules_run_without_a_violation(dli: Emulator) -> None:
    assert violations(range(5), dli) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 100, 20))
def test_a_hundred_schedules_run_without_a_violation(dli: Emulator, first: int) -> None:
    assert violations(range(first, first + 20), dli) == []


def test_a_seed_is_one_schedule_and_can_be_made_smaller() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)

    def size(schedule: Schedule) -> int:
        parts = (len(deploy.changes) + len(deploy.troubles) + deploy.refresh for deploy in schedule.deploys)
        return len(schedule.deploys) + sum(parts) + bool(schedule.quirks)

    assert all(size(less) < size(drawn(7)) for less in smaller(drawn(7)))


# the checker itself


JOB_INPUTS = {"name": "f", "main_class": "Main", "obs_bucket": "state", "stabilization_seconds": 5}


class Deployed:
    """A job that runs, and the means to do what must not be."""

    def __init__(self, dli: Emulator, folder: Path) -> None:
        dli.reset()
        self.dli, self.folder = dli, folder
        self.world = World.prepared(dli, PROJECT_ID)
        self.program: Program = {"f": Declared(JOB, "f", JOB_INPUTS)}
        self.state = State()
        since = self.world.last_event()
        told = self.deployment().up(self.program)
        assert told.ok, told
        (job,) = self.world.own_jobs()
        self.job = job
        self.epoch = Epoch(since, self.program, told=told, owned={job: "f"})
        dli.advance(500)

    def deployment(self) -> Deployment:
        return Deployment(self.state, config_of(self.dli), self.folder)

    def events(self, what: str) -> list[dict[str, Any]]:
        """Those of the job, of one type."""
        return [event for event in self.world.of_job(self.job) if event["type"] == what]

    def call(self, method: str, path: str, body: object = None) -> None:
        url = self.dli.url + path.replace("{p}", PROJECT_ID)
        answer = requests.request(method, url, json=body, headers={"X-Auth-Token": "t"}, timeout=30)
        assert answer.status_code < 500

    def kinds(self) -> set[str]:
        self.epoch.until = self.world.last_event()
        self.epoch.missing = self.world.missing_packages()
        found = problems(self.world, [self.epoch], self.state, self.program, self.folder, calm=True)
        return {kind for kind, _ in found}


@pytest.fixture
def deployed(dli: Emulator, tmp_path: Path) -> Deployed:
    made = Deployed(dli, tmp_path)
    assert made.kinds() == set()
    return made


def test_an_object_that_no_state_knows_is_seen(deployed: Deployed) -> None:
    entries, deployed.state.entries = deployed.state.entries, {}
    assert "orphan" in deployed.kinds()
    deployed.state.entries = entries
    deployed.state.doomed = list(entries.values())
    assert "twice" in deployed.kinds()


def test_a_touch_of_what_is_somebody_elses_is_seen(deployed: Deployed) -> None:
    deployed.dli.act("job.stop", job=deployed.world.foreign_job)
    assert "foreign" in deployed.kinds()


def test_a_start_without_its_state_is_seen(deployed: Deployed) -> None:
    stop = {"job_ids": [deployed.job], "trigger_savepoint": True}
    deployed.call("POST", "/v1.0/{p}/streaming/jobs/stop", stop)
    deployed.dli.advance(100)
    deployed.call("POST", "/v1.0/{p}/streaming/jobs/run", {"job_ids": [deployed.job], "resume_savepoint": False})
    deployed.dli.advance(100)
    assert "state lost" in deployed.kinds()


def test_a_second_stop_a_second_start_and_a_forbidden_change_are_seen(deployed: Deployed) -> None:
    for _ in range(2):
        stop = {"job_ids": [deployed.job], "trigger_savepoint": True}
        deployed.call("POST", "/v1.0/{p}/streaming/jobs/stop", stop)
        deployed.dli.advance(100)
        deployed.call("POST", "/v1.0/{p}/streaming/jobs/run", {"job_ids": [deployed.job], "resume_savepoint": True})
        deployed.dli.advance(100)
    deployed.call("PUT", f"/v1.0/{{p}}/streaming/flink-jobs/{deployed.job}", {"main_class": "Other"})
    assert {"twice", "forbidden PUT"} <= deployed.kinds()


def test_a_package_that_goes_while_it_is_used_is_seen(deployed: Deployed) -> None:
    requests.delete(f"{deployed.dli.objects_url}/jars/a.jar", timeout=30)
    assert "deleted in use" in deployed.kinds()


def test_a_secret_is_seen(deployed: Deployed) -> None:
    deployed.world.texts.append("the key is secret-key-of-tests")
    assert "secret" in deployed.kinds()
