"""Some schedules with an engine, whose processes are really killed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.chaos.schedules import Schedule, drawn
from tests.chaos.whole import prepared
from tests.engines import EMBEDDED_ONLY, Engine


def blows_only(schedule: Schedule) -> Schedule:
    """With kills and ^C, which need processes; `replace` and `--refresh` are options of the command and left out."""
    deploys = []
    for deploy in schedule.deploys:
        struck = [one for one in deploy.troubles if one.what in ("kill", "cancel")]
        blows = tuple(replace(one, nth=1 + one.nth % 3) for one in struck)  # within the calls of a small program
        changes = tuple(one for one in deploy.changes if one.what != "replace")
        deploys.append(replace(deploy, changes=changes, troubles=blows, refresh=False))
    return replace(schedule, deploys=tuple(deploys))


def struck(seed: int) -> Schedule | None:
    """One whose first deployment is struck, which always has something to do, and at least one more."""
    schedule = blows_only(drawn(seed))
    return schedule if schedule.deploys[0].troubles and len(schedule.troubles) > 1 else None


SEEDS = [seed for seed in range(400) if struck(seed)][:4]


@pytest.mark.slow
@EMBEDDED_ONLY
@pytest.mark.parametrize("seed", SEEDS)
def test_a_schedule_whose_engine_and_host_are_killed(engine: Engine, dli: Emulator, seed: int) -> None:
    schedule = struck(seed)
    assert schedule is not None
    whole = prepared(engine, dli, schedule.quirks)
    assert whole.run(schedule) == [], str(schedule)
    assert whole.kills
