"""No call that changes something loops, hangs or leaves a traceback, whatever becomes of its answer, and the next `up`
goes on from there. All of them go through the SDK's own host.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import DynamicHost
from tests.faulty_writes import EFFECTS, TIMES, WRITES, SharedHost, driven_to_its_end
from tests.stacks import QUICK

MOST_MIB_MORE = 120.0  # libraries that load at first use included; a loop over causes takes this in 15 s


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(pace=2000) as made:
        made.quirk(timings=QUICK)
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedHost]:
    with DynamicHost() as host:
        yield SharedHost(host)


@pytest.fixture(scope="module")
def acting() -> Iterator[SharedHost]:
    """Another process: to the claims of the one that made an object, a delete there is that of a replaced entry."""
    with DynamicHost() as host:
        yield SharedHost(host)


def every(emulator, shared, acting, name, cases) -> None:
    before = acting.resident_mib
    with ThreadPoolExecutor(6) as pool:
        ends = pool.map(lambda case: driven_to_its_end(emulator, shared, acting, WRITES[name], *case), cases)
        problems = [end for end in ends if end]
    assert problems == []
    assert acting.resident_mib - before < MOST_MIB_MORE


@pytest.mark.parametrize(
    "name", ["jobs.create", "sql_jobs.complete", "jobs.run", "queues.create", "jobs.delete_many", "connections.create"]
)
def test_a_write_whose_answer_is_lost_comes_to_an_end(emulator, shared, acting, name):
    every(emulator, shared, acting, name, [(503, "twice"), (408, "twice"), ("drop_after", "once"), (500, "always")])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", WRITES)
def test_every_write_comes_to_an_end_under_every_fault(emulator, shared, acting, name):
    every(emulator, shared, acting, name, itertools.product(EFFECTS, TIMES))
