"""The tables of docs/upgrades.md, cell by cell, against the function that decides; and what they have no column for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pulumi_dli.api.job_status import JobStatus
from pulumi_dli.lifecycle.jobs.plan import NO_EFFECT, DesiredState, ObservedState, Plan, Restore, Stop, plan_upgrade
from pulumi_dli.specs.fields import Effect

PAGE = (Path(__file__).parents[2] / "docs" / "upgrades.md").read_text(encoding="utf-8")
MODES = ("savepoint", "stateless", "last-state")
ANY_CHANGE = (Effect.IN_PLACE, Effect.NEXT_RESTART, Effect.RESTART)
COLUMNS = {
    "nothing": ("running", (Effect.IGNORED,)),
    "live field": ("running", (Effect.IN_PLACE,)),
    "text": ("running", (Effect.NEXT_RESTART,)),
    "other": ("running", (Effect.RESTART,)),
    "suspended": ("suspended", (Effect.IGNORED,)),
    "suspended + change": ("suspended", ANY_CHANGE),
    "draft": ("draft", (Effect.IGNORED,)),
    "draft + change": ("draft", ANY_CHANGE),
}


def rows(mode: str) -> list[tuple[str, dict[str, str]]]:
    """The table of a mode: status, and the cells by column."""
    section = PAGE.split(f"### upgrade_mode = {mode}\n", 1)[1].split("\n#", 1)[0]
    lines = [re.split(r"\s*\|\s*", line.strip("| ")) for line in section.splitlines() if line.startswith("|")]
    header, _, *body = lines
    return [(cells[0].strip("`"), dict(zip(header[1:], cells[1:], strict=True))) for cells in body]


def observed(status: str, *, newest: bool) -> ObservedState:
    return ObservedState(status, ever_started=status != "job_init", has_savepoint=newest, savepoint_is_newest=newest)


TABLE = [(mode, status, cells) for mode in MODES for status, cells in rows(mode)]


def test_the_tables_have_every_status_and_every_column():
    for mode in MODES:
        assert [status for status, _ in rows(mode)] == list(dict.fromkeys(status for status, _ in rows(mode)))
        assert {status for status, _ in rows(mode)} == set(JobStatus)
        assert all(list(cells) == list(COLUMNS) for _, cells in rows(mode))


@pytest.mark.parametrize(("mode", "status", "cells"), TABLE, ids=[f"{mode}-{status}" for mode, status, _ in TABLE])
def test_every_cell_of_the_table_is_what_is_planned(mode, status, cells):
    for column, cell in cells.items():
        state, effects = COLUMNS[column]
        with_savepoint, _, without = cell.partition(" / ")
        for newest, expected in ((True, with_savepoint), (False, without or with_savepoint)):
            for effect in effects:
                plan = plan_upgrade(
                    observed(status, newest=newest), DesiredState(effect=effect, state=state, mode=mode)
                )
                assert plan.line == expected, f"{column}, effect {effect.name}, newest savepoint {newest}"


def all_plans() -> list[tuple[ObservedState, DesiredState, Plan]]:
    found = []
    for status in [*JobStatus, "job_of_tomorrow"]:
        for mode in MODES:
            for state in ("running", "suspended", "draft", "failed"):
                for effect in (Effect.IGNORED, *ANY_CHANGE):
                    for newest in (True, False):
                        for flags in ({}, {"start_due": True}, {"runs_again": True}, {"repair": "all"}):
                            here = observed(status, newest=newest)
                            desired = DesiredState(effect=effect, state=state, mode=mode, **flags)
                            found.append((here, desired, plan_upgrade(here, desired)))
    return found


def test_nothing_is_silently_stateless():
    for here, desired, plan in all_plans():
        if here.ever_started and plan.start is Restore.NOTHING and desired.mode != "stateless":
            assert plan.line == "runs again from the beginning", (here, desired)
        if (
            plan.stop is Stop.PLAIN
            and desired.mode != "stateless"
            and Restore.CHECKPOINT not in (plan.start, plan.keeps)
        ):
            # Only after a failed stop, where none can be made, and only where there is a proven one to go on from.
            assert here.status == "job_cancel_fail", (here, desired)
            assert here.savepoint_is_newest, (here, desired)
            assert Restore.SAVEPOINT in (plan.start, plan.keeps), (here, desired)


def test_a_running_job_is_never_sent_what_it_does_not_take():
    for here, desired, plan in all_plans():
        if here.status in ("job_running", "job_idle") and plan.change and plan.stop is None:
            assert desired.effect in (Effect.IN_PLACE, Effect.NEXT_RESTART)


def test_a_plan_that_is_blocked_or_waits_does_nothing():
    for here, desired, plan in all_plans():
        if plan.blocked or plan.settle:
            assert (plan.stop, plan.start, plan.change) == (None, None, False), (here, desired)


def test_a_status_that_nobody_documented_is_waited_for():
    assert plan_upgrade(ObservedState("job_of_tomorrow"), DesiredState(effect=Effect.RESTART)).settle


def test_a_job_that_is_as_declared_is_left_alone():
    assert plan_upgrade(ObservedState("job_running"), DesiredState()) == NO_EFFECT
    assert plan_upgrade(ObservedState("job_finish"), DesiredState()) == NO_EFFECT


@pytest.mark.parametrize("field", ["start_due", "runs_again"])
def test_a_promised_start_is_kept_although_repair_says_none(field):
    here = observed("job_finish" if field == "runs_again" else "job_cancel_success", newest=True)
    plan = plan_upgrade(here, DesiredState(repair="none", **{field: True}))
    assert plan.start is not None


@pytest.mark.parametrize("state", ["running", "suspended"])
@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ({}, None),
        ({"allow_old": True}, Restore.SAVEPOINT),
        ({"initial_savepoint": True}, Restore.IMPORTED),
        ({"mode": "last-state"}, Restore.CHECKPOINT),
    ],
)
def test_after_a_failed_stop_only_what_the_program_allows_is_given_up(state, flags, kept):
    here = ObservedState("job_cancel_fail", has_savepoint=True, savepoint_path="obs://b/old/")
    plan = plan_upgrade(here, DesiredState(effect=Effect.RESTART, state=state, **flags))
    assert (plan.start if state == "running" else plan.keeps) is kept
    assert plan.stop is (Stop.PLAIN if kept else None)
    if kept is None:
        words = ("obs://b/old/", "last-state", "allow_old_savepoint", "initial_savepoint_path", "stateless")
        assert all(word in plan.blocked for word in words)


def test_repair_says_which_drift_is_mended():
    stopped, failed = observed("job_cancel_success", newest=True), observed("job_running_exception", newest=True)
    assert [plan_upgrade(stopped, DesiredState(repair=word)).start for word in ("none", "failed", "all")] == [
        None,
        None,
        Restore.SAVEPOINT,
    ]
    assert [plan_upgrade(failed, DesiredState(repair=word)).start for word in ("none", "failed", "all")] == [
        None,
        Restore.SAVEPOINT,
        Restore.SAVEPOINT,
    ]


def test_repair_without_provable_state_warns_instead_of_failing():
    for repair in ("failed", "all"):
        plan = plan_upgrade(observed("job_running_exception", newest=False), DesiredState(repair=repair))
        assert plan.start is None
        assert not plan.blocked
        assert "allow_old_savepoint" in plan.warning


def test_an_old_savepoint_is_taken_only_when_the_program_says_so():
    old = ObservedState("job_cancel_success", has_savepoint=True)
    assert plan_upgrade(old, DesiredState(start_due=True)).blocked
    assert plan_upgrade(old, DesiredState(start_due=True, allow_old=True)).start is Restore.SAVEPOINT
    assert plan_upgrade(old, DesiredState(start_due=True, initial_savepoint=True)).start is Restore.IMPORTED


def test_own_newest_state_comes_before_what_the_program_offers():
    own = ObservedState("job_cancel_success", has_savepoint=True, savepoint_is_newest=True)
    assert plan_upgrade(own, DesiredState(start_due=True, initial_savepoint=True)).start is Restore.SAVEPOINT
    left = ObservedState("job_submit_fail", remembered=True)
    assert plan_upgrade(left, DesiredState(start_due=True, initial_savepoint=True)).start is Restore.REMEMBERED
