"""The budgets of calls, counted at the local DLI: what N jobs, a queue and a package group cost in each phase.

They are the benchmark's own (`benchmarks.budgets`), asserted here with few jobs on the SDK's own dynamic host, with as
many threads as an engine of that width would use. Shared polls depend on time: they are held to one a tick and page.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from benchmarks import budgets
from pulumi_dli.emulator.testing import Emulator
from pulumi_dli.provider import FlinkJarJobProvider, FlinkSqlJobProvider, PackageGroupProvider, QueueProvider
from tests.dynamic_host import DynamicHost, provider_string
from tests.stacks import QUICK, SQL

PACE, POLL_SECONDS = 400.0, 0.1
PROJECT = "budgets"
KINDS = {
    kind: provider_string(provider)
    for kind, provider in {
        "Queue": QueueProvider,
        "PackageGroup": PackageGroupProvider,
        "FlinkJarJob": FlinkJarJobProvider,
        "FlinkSqlJob": FlinkSqlJobProvider,
    }.items()
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(pace=PACE) as running:
        yield running


@dataclass
class Spent:
    """The calls of one phase, and the time in which polls may have been made."""

    calls: Counter[str]
    seconds: float

    @property
    def total(self) -> int:
        return self.calls.total()


@dataclass
class CreatedJob:
    """One resource as the state of a stack would hold it."""

    kind: str
    name: str
    inputs: dict[str, Any]
    id: str = ""
    outs: dict[str, Any] = field(default_factory=dict)

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::budgets::pulumi-python:dynamic/dli:{self.kind}::{self.name}"


class Fleet:
    """N jobs with their queue and packages; each phase is a host of its own, as with the engine."""

    def __init__(self, emulator: Emulator, jobs: int, width: int, *, sql: int = 0) -> None:
        self.emulator, self.width = emulator, width
        self.size = budgets.Size(jobs, width, PACE, POLL_SECONDS)
        emulator.reset()
        emulator.quirk(timings=QUICK)
        emulator.put_object("state", "README", b"savepoints go here")
        packages = [emulator.put_object("jars", name, name.encode()) for name in ("app.jar", "lib.jar")]
        self.before = [
            CreatedJob("Queue", "q", {"queue_name": "q", "cu_count": 16 * math.ceil(2 * jobs / 16)}),  # 2 CUs a job
            CreatedJob("PackageGroup", "g", {"group_name": "g", "packages": packages}),
        ]
        self.jobs = [self._sql(number) if number < sql else self._job(number) for number in range(jobs)]

    @staticmethod
    def _job(number: int) -> CreatedJob:
        inputs = {
            "name": f"job-{number}",
            "queue_name": "q",
            "entrypoint": "g/app.jar",
            "main_class": "Main",
            "obs_bucket": "state",
            "smn_topic": "one",
            "entrypoint_args": "--release 1",
            "tags": {"team": "streams"},
        }
        return CreatedJob("FlinkJarJob", inputs["name"], inputs)

    @classmethod
    def _sql(cls, number: int) -> CreatedJob:
        common = {name: cls._job(number).inputs[name] for name in ("name", "queue_name", "obs_bucket", "tags")}
        return CreatedJob("FlinkSqlJob", common["name"], {**common, "smn_topic": "one", "sql_body": SQL})

    def phase(self, work: Callable[[DynamicHost], None]) -> Spent:
        """What `work` costs, with a host of its own."""
        config = {
            "dli:endpoint": self.emulator.url,
            "dli:projectId": PROJECT,
            "dli:accessKey": "ak",
            "dli:secretKey": "secret-of-the-tests",
            "dli:pollSeconds": POLL_SECONDS,
        }
        counted = Counter(self.emulator.counts())
        with DynamicHost(config=config, env={"PULUMI_PARALLEL": str(self.width)}) as host:
            began = time.monotonic()
            work(host)
            seconds = time.monotonic() - began
        return Spent(Counter(self.emulator.counts()) - counted, seconds)

    def _each(self, act: Callable[[CreatedJob], None], made: list[CreatedJob]) -> None:
        with ThreadPoolExecutor(self.width) as pool:
            list(pool.map(act, made))

    def create(self) -> Spent:
        def work(host: DynamicHost) -> None:
            def one(made: CreatedJob) -> None:
                made.inputs = host.check(KINDS[made.kind], made.urn, made.inputs).inputs
                created = host.create(KINDS[made.kind], made.urn, made.inputs)
                made.id, made.outs = created.id, created.outs

            self._each(one, self.before)
            self._each(one, self.jobs)

        return self.phase(work)

    def up(self, **changed: Any) -> Spent:
        """Check and diff everything, update the jobs when something changed."""

        def work(host: DynamicHost) -> None:
            def one(made: CreatedJob) -> None:
                provider, news = KINDS[made.kind], {**made.inputs}
                if made.kind in ("FlinkJarJob", "FlinkSqlJob"):
                    news |= changed
                news = host.check(provider, made.urn, news, olds=made.inputs).inputs
                if host.diff(provider, made.urn, made.id, made.outs, news, old_inputs=made.inputs).changes is False:
                    return
                if news != made.inputs:
                    made.outs = host.update(provider, made.urn, made.id, made.outs, news, old_inputs=made.inputs)
                    made.inputs = news

            self._each(one, [*self.before, *self.jobs])

        return self.phase(work)

    def refresh(self) -> Spent:
        def work(host: DynamicHost) -> None:
            def one(made: CreatedJob) -> None:
                found = host.read(KINDS[made.kind], made.urn, made.id, made.outs, inputs=made.inputs)
                assert found.id == made.id
                assert found.inputs == made.inputs

            self._each(one, [*self.before, *self.jobs])

        return self.phase(work)

    def destroy(self) -> Spent:
        def work(host: DynamicHost) -> None:
            def one(made: CreatedJob) -> None:
                host.delete(KINDS[made.kind], made.urn, made.id, made.outs)

            self._each(one, self.jobs)
            self._each(one, self.before)

        return self.phase(work)

    def keeps_the_budget(self, phase: str, spent: Spent) -> None:
        """Fail when a phase cost more than it may."""
        may, polls_on_top = budgets.budget(phase, self.size)
        polls = budgets.polls_of(phase, spent.calls, self.size) if polls_on_top else 0
        assert polls <= budgets.polls_within(spent.seconds, self.size), (phase, spent)
        assert spent.total - polls <= may, (phase, may, dict(spent.calls))


@pytest.mark.parametrize(
    ("jobs", "width"),
    [(1, 4), pytest.param(60, 62, marks=pytest.mark.slow), pytest.param(24, 8, marks=pytest.mark.slow)],
)
def test_a_stack_of_n_jobs_keeps_its_budget_of_calls_all_its_life(emulator: Emulator, jobs: int, width: int) -> None:
    fleet = Fleet(emulator, jobs, width)
    fleet.keeps_the_budget("create", spent := fleet.create())
    assert spent.calls["jobs.create"] == jobs
    assert {job["status"] for job in emulator.jobs()} == {"job_running"}
    assert fleet.up().total == 0
    fleet.keeps_the_budget("refresh, no change", fleet.refresh())
    fleet.keeps_the_budget("change all, with savepoint", spent := fleet.up(entrypoint_args="--release 2"))
    assert spent.calls["jobs.update"] == jobs
    assert all(job["restored_from"] for job in emulator.jobs()), "an upgrade dropped state"
    fleet.keeps_the_budget("live change", spent := fleet.up(smn_topic="two"))
    assert spent.calls["jobs.stop"] == 0
    fleet.keeps_the_budget("destroy", spent := fleet.destroy())
    assert spent.calls["jobs.stop"] >= 1, "no last savepoint was asked for"
    assert emulator.jobs() == []


@pytest.mark.parametrize("jobs", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_jobs_of_both_kinds_share_polls_and_batches(emulator: Emulator, jobs: int) -> None:
    """Half of them SQL, they cost what as many of one kind do."""
    fleet = Fleet(emulator, jobs, jobs + 2, sql=jobs // 2)
    fleet.keeps_the_budget("create", spent := fleet.create())
    assert (spent.calls["jobs.create"], spent.calls["sql_jobs.create"]) == (jobs - jobs // 2, jobs // 2)
    assert spent.calls["sql_jobs.update"] == 0
    assert {job["status"] for job in emulator.jobs()} == {"job_running"}
    assert fleet.up().total == 0
    fleet.keeps_the_budget("refresh, no change", fleet.refresh())
    fleet.keeps_the_budget("change all, with savepoint", spent := fleet.up(checkpoint_interval=30))
    assert (spent.calls["jobs.update"], spent.calls["sql_jobs.update"]) == (jobs - jobs // 2, jobs // 2)
    assert all(job["restored_from"] for job in emulator.jobs()), "an upgrade dropped state"
    fleet.keeps_the_budget("live change", fleet.up(smn_topic="two", checkpoint_interval=30))
    fleet.keeps_the_budget("destroy", fleet.destroy())
    assert emulator.jobs() == []


@pytest.mark.parametrize(
    ("measured", "missed"),
    [
        ({}, []),
        ({"calls": {"jobs.update": 111}}, ["calls"]),
        ({"calls": {"jobs.update": 100, "jobs.list": 100_000}}, ["calls"]),  # more polls than the time has ticks
        ({"seconds": 44.0}, []),  # 1.3 floors and the engine's own time
        ({"seconds": 44.6}, ["seconds"]),
        ({"floor_seconds": 0.0, "seconds": 2.5}, []),
        ({"floor_seconds": 0.0, "seconds": 2.7}, ["seconds"]),
        ({"megabytes": {"host": 121.0, "program": 500.0}, "seconds": 50.0}, ["seconds", "memory"]),
    ],
)
def test_the_benchmark_judges_calls_seconds_and_memory(measured: dict[str, Any], missed: list[str]) -> None:
    row = {
        "phase": "create",
        "calls": {"jobs.update": 100},
        "budget": 110,
        "polls_on_top": True,
        "seconds": 40.0,
        "floor_seconds": 32.5,
        "engine_seconds": 2.0,
        "megabytes": {"host": 80.0},
    }
    assert budgets.not_kept(row | measured, budgets.Size(100, 102, pace=4, poll_seconds=0.5)) == missed


@pytest.mark.slow
@pytest.mark.parametrize("tags", [{}, {"pulumi_dli_owner": "another stack's"}], ids=["untagged", "of other stacks"])
def test_a_few_jobs_among_three_thousand_of_others_cost_no_list_of_all(
    emulator: Emulator, tags: dict[str, str]
) -> None:
    fleet = Fleet(emulator, 5, 8)
    fleet.create()
    _others(emulator, 3000, tags)
    seen = len(emulator.requests())
    spent = fleet.refresh()
    assert spent.total <= 5 + 4, "their details are fewer than the 31 pages of the project"
    changed = fleet.up(entrypoint_args="--release 2")
    assert changed.calls["jobs.update"] == 5
    fleet.destroy()
    pages = Counter(_offset(entry) for entry in emulator.requests()[seen:] if entry["operation"] == "jobs.list")
    assert len(pages) <= 5, f"pages of the project's 31 were listed: {sorted(pages)}"
    assert len(emulator.jobs()) == 3000


def _offset(entry: Mapping[str, Any]) -> int:
    return int(entry["query"].get("offset", 0))


def _others(emulator: Emulator, count: int, tags: Mapping[str, str]) -> None:
    """Jobs that somebody else has in the project, younger than ours; put there from inside, which is quicker."""
    jobs = emulator.service.jobs
    (mine, *_) = jobs.of(PROJECT).values()
    for number in range(count):
        other = type(mine)(
            job_id=mine.job_id + 10_000 + number,
            project_id=PROJECT,
            job_type=mine.job_type,
            definition={**mine.definition, "name": f"other-{number}"},
            user_name="other",
            user_id="other",
            created=mine.created + 60 + number,
            updated=mine.updated + 60 + number,
        )
        jobs.add(other, tags)
