"""The table of statuses (dli-api 6.2)."""

from __future__ import annotations

import pytest

from pulumi_dli.emulator.jobs.records import REPORTS
from pulumi_dli.emulator.jobs.transitions import AT_REST, BUSY, TRANSITIONS, Status, Trigger, after
from pulumi_dli.emulator.runtime.protocol import RunState
from tests.emulator.conftest import Caller


def test_there_are_14_statuses_and_the_table_knows_them_all() -> None:
    in_table = {status for status, _ in TRANSITIONS} | set(TRANSITIONS.values())
    assert len(Status) == 14
    assert in_table == set(Status)


def test_every_status_but_the_draft_can_be_reached_and_every_one_can_be_left() -> None:
    reached = {target for (source, _), target in TRANSITIONS.items() if source != target}
    left = {source for (source, _), target in TRANSITIONS.items() if source != target}
    assert set(Status) - reached == {Status.INIT}
    assert left == set(Status)


def test_rest_and_busy_do_not_overlap_and_leave_only_arrears() -> None:
    assert set(AT_REST).isdisjoint(BUSY)
    assert set(Status) - set(AT_REST) - BUSY == {Status.ARREARAGE_STOPPED}


def test_a_run_is_allowed_at_rest_and_nowhere_else() -> None:
    assert {status for status in Status if after(status, Trigger.RUN)} == set(AT_REST)


def test_every_trigger_and_every_report_of_a_runtime_leads_somewhere() -> None:
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)
    assert set(REPORTS) == set(RunState)


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_be_shown_and_filtered(call: Caller, status: Status) -> None:
    job_id = call.job()
    call.emulator.act("job.status", job=job_id, status=status, description="by hand")
    assert call.details(job_id)["status_desc"] == "by hand"
    listed = call("GET", "/v1.0/{p}/streaming/jobs", params={"status": status}).json()["job_list"]["jobs"]
    assert [row["job_id"] for row in listed] == [job_id]


def test_arrears_stop_a_job_and_paying_brings_it_back(call: Caller) -> None:
    job_id = call.running()
    call.emulator.act("job.arrears", job=job_id)
    assert call.status(job_id) == "job_arrearage_stopped"
    assert call.run(job_id).json()[0]["error_code"] == "DLI.15002"
    call.emulator.act("job.paid", job=job_id)
    assert call.status(job_id) == "job_arrearage_recovering"
    call.emulator.advance(30)
    assert call.status(job_id) == "job_running"
