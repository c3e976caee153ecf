"""`--probe`: drafts are made and deleted, and what was answered is kept without secrets."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.doctor.conftest import PROJECT, SECRET, Doctor, Report
from tests.doctor.test_service import put_pooled_queue
from tests.engines import call, put_queue
from tests.test_programs_endings import until

LAX = ("lax_agency", "lax_packages", "lax_resource_version", "lax_run_mode")


def kept(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "dli-probe.json").read_text())
    return found


def answers(report: Report) -> list[tuple[str, str]]:
    """Of all questions, without the random name and ids of this probe."""
    return [(level, text.split("pulumi-dli-probe-")[0]) for level, text in report.of("probe")]


def test_a_strict_service_refuses_what_the_documents_forbid(here: Doctor, dli: Emulator, folder: Path) -> None:
    put_queue(dli)
    report = here("--probe", "--yes")
    assert report.level("probe", "without an agency taken? accepted") == "ok"
    assert report.level("probe", "a queue outside of pools name an agency? refused: 400 DLI.0001") == "ok"
    assert report.level("probe", "a package of a group? refused") == "ok"
    assert report.level("probe", "name and text alone taken? refused") == "ok"
    assert report.level("probe", "show its version? yes") == "ok"
    assert report.level("probe", "second job of the same name taken? refused: 400 DLI.11004") == "ok"
    assert report.level("probe", "savepoint call published? yes") == "ok"
    assert report.level("probe", "missing job answer? refused: 400 DLI.16001") == "ok"
    assert {name: kept(folder)["quirks"][name] for name in LAX} == dict.fromkeys(LAX, False)


def test_a_lenient_service_is_learned_and_a_local_dli_replays_it(here: Doctor, dli: Emulator, folder: Path) -> None:
    put_queue(dli)
    lenient = dict.fromkeys(LAX, True)
    dli.quirk(**lenient, savepoint_api_unpublished=True, queue_not_found="DLI.0023", v3_unpublished=True)
    first = here("--probe", "--yes")
    assert first.level("probe", "name an agency of DLI's own? accepted") == "ok"
    assert first.level("probe", "savepoint call published? no") == "ok"
    quirks = kept(folder)["quirks"]
    assert quirks == {
        **lenient,
        "savepoint_api_unpublished": True,
        "queue_not_found": "DLI.0023",
        "v3_unpublished": True,
    }
    dli.default_quirks()
    assert answers(here("--probe", "--yes")) != answers(first)
    dli.quirk(**quirks)
    assert answers(here("--probe", "--yes")) == answers(first)


def test_the_agency_and_the_bucket_of_the_program_are_tried(here: Doctor, dli: Emulator) -> None:
    put_pooled_queue(dli)
    dli.quirk(check_buckets=True)
    dli.put_object("state", "x")
    words = ("--agency", "mine", "--bucket", "state", "--probe", "--yes")
    report = here(*words)
    assert report.status == 1
    assert report.level("probe", "name the agency? accepted") == "ok"
    assert report.level("probe", "use the bucket? refused: 400 DLI.11016") == "fails"
    report = here(*words, "--authorize")
    assert (report.status, report.level("probe", "use the bucket? accepted")) == (0, "ok")
    report = here("--agency", "dli_admin_agency", "--probe", "--yes")
    assert report.level("probe", "name the agency? refused") == "fails"


def test_no_draft_is_left_and_nothing_else_is_touched(here: Doctor, dli: Emulator) -> None:
    call(dli, "POST", "/v1.0/{p}/streaming/flink-jobs", {"name": "pulumi-dli-probe", "entrypoint": "obs://a/b.jar"})
    before = dli.jobs()
    assert here("--probe", "--yes").level("probe", "drafts were made and deleted") == "ok"
    assert dli.jobs() == before
    assert dli.counts().get("jobs.run", 0) == 0


@pytest.mark.parametrize("effect", ["drop_after", 503])
def test_a_draft_whose_answer_was_lost_is_deleted_too(here: Doctor, dli: Emulator, effect: str | int) -> None:
    dli.fault("jobs.create", effect)
    report = here("--probe", "--yes")
    assert report.level("probe", "without an agency taken?") in ("unknown", "ok")
    assert dli.jobs() == []


def test_a_draft_that_cannot_be_deleted_is_named(here: Doctor, dli: Emulator) -> None:
    dli.fault("jobs.delete", 403)
    report = here("--probe", "--yes")
    (left,) = dli.jobs()
    assert report.level("probe", f"{left['name']} (id {left['job_id']}) is still there") == "fails"
    assert report.status == 1


def test_an_unreadable_list_leaves_a_doubt(here: Doctor, dli: Emulator) -> None:
    dli.fault("jobs.list", 500, nth=2, times=0)
    report = here("--probe", "--yes")
    assert report.level("probe", "whether a draft is left is not known") == "warning"
    assert dli.jobs() == []


def test_an_interrupted_probe_deletes_its_drafts(dli: Emulator, folder: Path) -> None:
    """The second draft is made, and its answer does not come."""
    fault = dli.fault("jobs.create", "held_answer", nth=2, delay=60)
    dli.put_object("state", "x")
    words = ["doctor", "--endpoint", dli.url, "--project-id", PROJECT, "--bucket", "state", "--probe", "--yes"]
    command = [sys.executable, "-m", "pulumi_dli", *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as doctor:
        until(lambda: any(listed["id"] == fault and listed["fired"] for listed in dli.faults()))
        made = len(dli.jobs())
        doctor.send_signal(signal.SIGINT)
        out, errors = doctor.communicate(timeout=60)
    assert (doctor.returncode, made, dli.jobs()) == (1, 1, [])
    assert errors.endswith("pulumi-dli: error: interrupted\n")
    assert "Traceback" not in out + errors


def test_it_says_what_it_will_do_and_does_nothing_unasked(here: Doctor, dli: Emulator, folder: Path) -> None:
    report = here("--probe")
    assert report.status == 1
    assert f"drafts of Flink jobs in project {PROJECT} and deletes them" in report.errors
    assert report.errors.endswith("the probe was not agreed to, and nothing was made: --yes agrees\n")
    assert {entry["method"] for entry in dli.requests()} == {"GET"}
    assert not (folder / "dli-probe.json").exists()


@pytest.mark.parametrize(("answer", "status", "made"), [("y", 0, True), ("n", 1, False), ("", 1, False)])
def test_at_a_terminal_it_asks(dli: Emulator, folder: Path, answer: str, status: int, made: bool) -> None:
    words = ["doctor", "--endpoint", dli.url, "--project-id", PROJECT, "--probe"]
    person, terminal = pty.openpty()
    os.write(person, f"{answer}\n".encode())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pulumi_dli", *words],
            cwd=folder,
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(person)
        os.close(terminal)
    assert "Go on? [y/N] " in done.stderr
    assert (done.returncode, (folder / "dli-probe.json").exists()) == (status, made)
    assert (dli.counts().get("jobs.create", 0) > 0) is made
    assert dli.jobs() == []


def test_without_a_project_that_answers_no_draft_is_made(run: Doctor, folder: Path) -> None:
    report = run("--endpoint", "http://127.0.0.1:9", "--project-id", PROJECT, "--probe", "--yes")
    assert report.of("probe") == [("unknown", "not asked: see above")]
    assert not (folder / "dli-probe.json").exists()


def test_the_file_holds_raw_answers_and_nothing_private(here: Doctor, dli: Emulator, folder: Path) -> None:
    put_pooled_queue(dli, "orders")
    dli.put_object("b", "x")
    dli.fault("packages.get", 400, body={"error_code": "DLI.1", "error_msg": f"of {SECRET} in {PROJECT}"}, times=0)
    here("--agency", "mine", "--bucket", "b", "--probe", "--yes")
    text = (folder / "dli-probe.json").read_text()
    assert (folder / "dli-probe.json").stat().st_mode & 0o077 == 0
    for private in (SECRET, PROJECT, "orders", "local-user", '"mine"', dli.url):
        assert private not in text
    questions = kept(folder)["questions"]
    first = questions[0]
    assert first["call"] == "POST /v1.0/{project_id}/streaming/flink-jobs"
    assert (first["status"], first["answer"]["is_success"]) == (200, "true")
    assert len(first["request_id"]) == 32
    assert questions[-1]["answer"]["error_msg"] == "of [secret] in {project_id}"
    assert {"execution_agency_urn": "{agency}", "queue_name": "{pooled_queue}"}.items() <= next(
        row["body"].items() for row in questions if (row["body"] or {}).get("queue_name")
    )
