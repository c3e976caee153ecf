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


def every(emulator, shared, name, cases) -> None:
    before = shared.resident_mib
    with ThreadPoolExecutor(6) as pool:
        ends = pool.map(lambda case: driven_to_its_end(emulator, shared, WRITES[name], *case), cases)
        problems = [end for end in ends if end]
    assert problems == []
    assert shared.resident_mib - before < MOST_MIB_MORE


@pytest.mark.parametrize("name", ["jobs.create", "jobs.run", "queues.create"])
def test_a_write_whose_answer_is_lost_comes_to_an_end(emulator, shared, name):
    every(emulator, shared, name, [(503, "twice"), (408, "twice"), ("drop_after", "once"), (500, "always")])


# The one process that these cases share made what they delete: to its claims such a delete is the old entry of a
# replacement, and only forgotten. They need a host of their own for the delete.
DELETES = ("jobs.delete_many", "jobs.delete", "queues.delete", "packages.delete")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in WRITES if name not in DELETES])
def test_every_write_comes_to_an_end_under_every_fault(emulator, shared, name):
    every(emulator, shared, name, itertools.product(EFFECTS, TIMES))
