"""What the outputs say of a job: fresh where the look told it, kept from the last detailed look where it did not."""

from __future__ import annotations

import pytest

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.lifecycle.jobs.outputs import computed_outputs

OLDS = {"restart_times": 3, "savepoint_path": "obs://b/old", "user_name": "ann"}


def job(**fields: object) -> FlinkJob:
    return FlinkJob.model_validate({"job_id": 7, "status": "job_running", **fields})


@pytest.mark.parametrize(
    ("told", "olds", "restarts"),
    [
        ({"restart_times": 5}, OLDS, 5),
        ({"restart_times": 0}, OLDS, 0),  # a counter that began anew
        ({}, OLDS, 3),  # a row of the list with details has no counter (dli-api 6.8)
        ({}, {}, 0),
    ],
)
def test_restarts_are_the_newest_that_are_known(told: dict[str, int], olds: dict[str, object], restarts: int) -> None:
    assert computed_outputs(job(**told), detailed=True, olds=olds, redact=str)["restart_times"] == restarts


def test_a_plain_row_keeps_what_only_details_tell() -> None:
    found = computed_outputs(job(restart_times=9), detailed=False, olds=OLDS, redact=str)
    assert (found["restart_times"], found["savepoint_path"], found["user_name"]) == (3, "obs://b/old", "ann")


def test_details_without_a_savepoint_mean_that_there_is_none() -> None:
    assert "savepoint_path" not in computed_outputs(job(), detailed=True, olds=OLDS, redact=str)
