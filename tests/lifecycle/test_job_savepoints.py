"""What counts as proof that a savepoint is new, and that it is the newest state of a job."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pulumi_dli.lifecycle.jobs import savepoints

FOLDER = "obs://bucket/jobs/savepoint/138/"
NOON = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC in milliseconds


@dataclass(frozen=True)
class Facts:
    savepoint_path: str | None = None
    has_savepoint: bool | None = None
    start_time: int | None = None


def at(moment: object, start: int | None = None) -> Facts:
    return Facts(f"{FOLDER}{moment}/", has_savepoint=True, start_time=start)


@pytest.mark.parametrize(
    ("folder", "time"),
    [
        ("1767268800000", NOON),
        ("1767268800", NOON),
        ("20260101120000", NOON),
        ("2026-01-01_12-00-00", NOON),
        ("2026-01-01T12:00:00.000Z", NOON),
        ("savepoint-7f3a", None),
        ("20269901120000", None),
        ("138", None),
    ],
)
def test_the_time_of_a_savepoint_is_read_from_its_folder(folder, time):
    assert savepoints.time_of(f"{FOLDER}{folder}/") == time


@pytest.mark.parametrize(
    ("job", "newest"),
    [
        (Facts(), False),
        (Facts("obs://b/x/", has_savepoint=False), False),
        (at(NOON), True),
        (at(NOON, start=NOON - 1), True),
        (at(NOON, start=NOON + 1), False),
        (at("unreadable", start=NOON), False),
    ],
)
def test_a_savepoint_is_the_newest_state_only_when_the_job_did_not_start_since(job, newest):
    assert savepoints.is_newest(job) is newest


def test_a_start_that_only_the_state_of_the_stack_knows_counts_as_well():
    assert not savepoints.is_newest(at(NOON), started=NOON + 1)
    assert savepoints.is_newest(at(NOON), started=NOON - 1)


def test_a_folder_without_a_time_is_dated_by_what_was_noted_of_it():
    job = at("unreadable", start=NOON)
    assert savepoints.is_newest(job, [{"path": job.savepoint_path, "time": NOON + 1}])
    assert not savepoints.is_newest(job, [{"path": job.savepoint_path, "time": NOON - 1}])
    assert not savepoints.is_newest(job, [{"path": "another", "time": NOON + 1}])


@pytest.mark.parametrize(
    ("before", "after", "fresh"),
    [
        (Facts(), at(NOON), True),
        (Facts(), Facts(), False),
        (Facts(), at("unreadable"), True),
        (at("unreadable"), at("unreadable"), False),
        (at(NOON - 5_000_000), at(NOON), True),
        (Facts(), at(NOON - 5_000_000), False),  # another one, but older than the stop
        (Facts(start_time=NOON - 10), at(NOON - 20), False),  # older than the start of the run that was stopped
        (Facts(), Facts(f"{FOLDER}{NOON}/", has_savepoint=False), False),
    ],
)
def test_a_savepoint_proves_a_stop_only_when_it_is_new(before, after, fresh):
    assert savepoints.is_fresh(before, after, asked=NOON) is fresh


def test_a_savepoint_of_earlier_times_that_shows_again_is_no_proof():
    after = at("unreadable")
    assert not savepoints.is_fresh(Facts(), after, known=[str(after.savepoint_path)])


def test_the_history_holds_each_path_once_and_the_last_ten():
    history: list[dict[str, object]] = []
    for number in range(15):
        history = savepoints.noted(history, f"{FOLDER}{NOON + number}/", None, "made")
        history = savepoints.noted(history, f"{FOLDER}{NOON + number}/", None, "made")
    assert [entry["time"] for entry in history] == [NOON + number for number in range(5, 15)]
    assert savepoints.noted(history, None, NOON, "none") == history
