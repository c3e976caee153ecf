"""What goes with what (dli-api 15): each line of the table, declared, and what is said of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.specs.declared import Declared, QueueFacts, cloud_of, gigabytes, version_of
from pulumi_dli.specs.fields import check
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec
from pulumi_dli.specs.flink_sql_job import FlinkSqlJobSpec
from pulumi_dli.specs.rules import (
    BEYOND,
    COMBINATIONS,
    Verdict,
    findings,
    not_checked,
    out_of_reach,
    warnings,
)

ROOT = Path(__file__).parent.parent.parent
JOB = {"name": "j", "queue_name": "q", "entrypoint": "obs://bkt/a.jar"}
RUN_BY = {"job_type": "flink_opensource_sql_job", "run_mode": "exclusive_cluster"}
NEW = {**JOB, "flink_version": "1.15"}
OLD = {**JOB, "flink_version": "1.12"}
SQL = {"name": "j", "queue_name": "q", "sql_body": "insert …", **RUN_BY}
NEW_SQL = {**SQL, "flink_version": "1.15"}
AGENCY = {"execution_agency_urn": "mine"}
SAVED = {"checkpoint_enabled": True, "obs_bucket": "bkt"}
IN, OUT, BASIC = QueueFacts(in_pool=True), QueueFacts(in_pool=False), QueueFacts(in_pool=True, basic_pool=True)
REFUSED, WARNED, ALLOWED = Verdict.REFUSED, Verdict.WARNED, Verdict.ALLOWED


def sized(**machine: Any) -> dict[str, Any]:
    return {"resource_config_version": "v2", "resource_config": {"taskmanager_resource_spec": machine}}


def runs(**keys: str) -> dict[str, Any]:
    return {"runtime_config": {f"flink.dli.job.{key.replace('__', '.')}": value for key, value in keys.items()}}


SCALES = runs(scale__enable="true")

# Row, what is declared, what is done, what of it is said, what is known of queue and cloud.
CASES: list[tuple[str, dict[str, Any], Verdict, str, QueueFacts, str]] = [
    ("1", {**NEW, **AGENCY}, ALLOWED, "works", IN, ""),
    ("2", {**NEW, "entrypoint": "a.jar", "upgrade_mode": "stateless"}, ALLOWED, "without OBS", IN, ""),
    ("3", {**NEW, **SAVED}, WARNED, "no checkpoints", IN, ""),
    ("4", NEW, WARNED, "every restart would lose the state", IN, ""),
    ("4", NEW, WARNED, "a delete is refused", IN, ""),
    ("4", {**NEW, "upgrade_mode": "savepoint"}, REFUSED, "which this program asks for", IN, ""),
    ("4", {**NEW, "upgrade_mode": "last-state"}, REFUSED, "which this program asks for", IN, ""),
    ("4", {**NEW, "savepoint_on_delete": True}, REFUSED, "which this program asks for", IN, ""),
    ("4", {**NEW, "savepoint_nonce": "1"}, REFUSED, "which this program asks for", IN, ""),
    ("4", {**NEW, "initial_savepoint_path": "obs://bkt/s/"}, REFUSED, "which this program asks for", IN, ""),
    ("5", {**NEW, "log_enabled": True, "obs_bucket": "bkt"}, WARNED, "no logs in the bucket", IN, ""),
    ("6", NEW, WARNED, "cannot be fetched", IN, ""),
    ("7", {**NEW, **AGENCY}, REFUSED, "elastic resource pool", OUT, ""),
    ("8", {**OLD, **AGENCY}, WARNED, "takes no agency", IN, ""),
    ("9", {**NEW, "execution_agency_urn": "dli_admin_agency"}, REFUSED, "the service's own agencies", IN, ""),
    ("9", {**NEW, "execution_agency_urn": "dli_management_agency"}, REFUSED, "the service's own agencies", IN, ""),
    ("9", {**JOB, "execution_agency_urn": "dli_data_clean_agency"}, REFUSED, "the service's own agencies", IN, ""),
    ("10", OLD, ALLOWED, "the service's own agency", OUT, ""),
    ("13", {**NEW, "feature": "basic"}, ALLOWED, "works", IN, ""),
    ("14", {**NEW, "feature": "custom", "image": "o/n:1"}, WARNED, "the image decides", IN, ""),
    ("15", {**JOB, "image": "o/n:1"}, WARNED, "has no effect without feature", IN, ""),
    ("16", {**JOB, "feature": "custom", "image": "o/n:1"}, WARNED, "pages disagree", IN, ""),
    ("17", {**NEW, **AGENCY, "entrypoint": "g/a.jar"}, REFUSED, "obs:// paths only", IN, "otc"),
    ("17", {**NEW, **AGENCY, "dependency_files": ["g/a"]}, REFUSED, "obs:// paths only", IN, "otc"),
    ("18", {**NEW, **AGENCY, "entrypoint": "g/a.jar"}, WARNED, "Huawei Cloud still reads", IN, ""),
    ("18", {**NEW, **AGENCY, "dependency_jars": ["a.jar"]}, WARNED, "Huawei Cloud still reads", IN, "huawei"),
    (
        "18",
        {**NEW, **AGENCY, "flink_version": "1.17", "resource_config_version": "v2", "entrypoint": "a.jar"},
        REFUSED,
        "obs:// paths only",
        IN,
        "huawei",
    ),
    ("19", OLD, ALLOWED, "works", IN, ""),
    ("20", {**OLD, "resource_config_version": "v1"}, ALLOWED, "works", IN, ""),
    ("21", {**NEW, **AGENCY, "flink_version": "1.17"}, REFUSED, "v1, the default", IN, ""),
    (
        "21",
        {**NEW, **AGENCY, "flink_version": "1.17", "resource_config_version": "v1"},
        REFUSED,
        'resource_config_version="v2"',
        IN,
        "",
    ),
    ("22", {**NEW, **AGENCY, **sized(cpu=1)}, ALLOWED, "recommended", IN, ""),
    ("23", {**OLD, **sized(cpu=1)}, REFUSED, "v2 is for Flink 1.15", IN, ""),
    ("24", {**JOB, "resource_config": {"max_slot": 2}}, WARNED, "has no effect without", IN, ""),
    ("25", {**JOB, "resource_config_version": "v2", "cu_number": 4}, REFUSED, "instead of cu_number", IN, ""),
    ("25", {**JOB, "resource_config_version": "v2", "tm_slot_num": 4}, REFUSED, "instead of tm_slot_num", IN, ""),
    ("26", {**JOB, "cu_number": 4, "runtime_config": {"kubernetes.taskmanager.cpu": "2"}}, WARNED, "win over", IN, ""),
    ("26", {**OLD, "runtime_config": {"jobmanager.memory.process.size": "4G"}}, WARNED, "wrong CUs", IN, ""),
    ("27", {**JOB, **sized(memory="1G")}, REFUSED, "2 GB of memory", IN, ""),
    ("27", {**JOB, **sized(memory="2047MB")}, REFUSED, "2 GB of memory", IN, ""),
    ("27", {**JOB, **sized(cpu=3)}, WARNED, "2 at most", BASIC, ""),
    ("27", {**JOB, "tm_cus": 3, "cu_number": 8}, WARNED, "2 at most", BASIC, ""),
    ("6.1", {**JOB, "cu_number": 40}, REFUSED, "the queue has 16 CUs", QueueFacts(in_pool=True, cus=16), ""),
    ("4.3", NEW, REFUSED, "offers Flink 1.10, 1.12, not 1.15", QueueFacts(in_pool=True, versions=("1.10", "1.12")), ""),
    ("4.7", {**JOB, "tags": {"x" * 37: ""}}, WARNED, "more than 36", IN, ""),
    ("4.7", {**JOB, "tags": {"x": "y" * 44}}, WARNED, "more than 43", IN, ""),
    ("28", {**OLD, **SAVED}, WARNED, "the program's own code", IN, ""),
    (
        "29",
        {**NEW, **AGENCY, **SAVED, "runtime_config": {"execution.checkpointing.interval": "1 min"}},
        WARNED,
        "the code wins",
        IN,
        "",
    ),
    ("30", {**JOB, **SAVED, "checkpoint_path": "obs://bkt/c/"}, REFUSED, "cannot be chosen", IN, ""),
    ("31", {**JOB, "resume_checkpoint": True}, REFUSED, "is needed by resume_checkpoint", IN, ""),
    ("32", {**JOB, "log_enabled": True}, REFUSED, "needs obs_bucket", IN, ""),
    ("32", {**JOB, "checkpoint_enabled": True}, REFUSED, "needs obs_bucket", IN, ""),
    ("36", {**NEW, **AGENCY, **runs(agency__name="other")}, WARNED, "the same name", IN, ""),
    ("36", {**OLD, **runs(agency__name="mine")}, WARNED, "from Flink 1.15 on", IN, ""),
    ("37", {**OLD, **runs(**{"jar__minimize-submission__enabled": "true"})}, WARNED, "Flink 1.15 only", IN, ""),
    ("39", {**NEW, **AGENCY, **SCALES}, WARNED, "Flink 1.12 only", IN, ""),
    ("39", {**OLD, **SCALES}, WARNED, "needs obs_bucket, log_enabled and checkpoint_enabled", IN, ""),
    ("40", {**JOB, **runs(priority="11")}, REFUSED, "from 1 to 10", IN, ""),
    ("40", {**OLD, **runs(priority="7")}, WARNED, "has no effect without", IN, ""),
    ("40", {**NEW, **AGENCY, **runs(priority="7")}, WARNED, "pages disagree", IN, ""),
    ("40", {**OLD, **runs(priority="7")}, WARNED, "basic edition", BASIC, ""),
    ("41", {**JOB, "flink_version": "1.7"}, REFUSED, "1.10 and later", IN, ""),
    ("6", {**NEW_SQL, "udf_jar_url": "obs://bkt/a.jar"}, WARNED, "its functions cannot be fetched", IN, ""),
    ("17", {**NEW_SQL, **AGENCY, "udf_jar_url": "g/a.jar"}, REFUSED, "obs:// paths only", IN, "otc"),
    ("18", {**NEW_SQL, **AGENCY, "udf_jar_url": "g/a.jar"}, REFUSED, "obs:// paths only", IN, "huawei"),
    ("14.2", {**SQL, "resume_checkpoint": True}, WARNED, "no checkpoint to go on from", IN, ""),
    ("34", {**NEW_SQL, **AGENCY, "operator_config": "{}"}, REFUSED, "for Flink 1.10 and 1.12", IN, ""),
    ("34", {**NEW_SQL, **AGENCY, "static_estimator_config": "{}"}, REFUSED, "for Flink 1.10 and 1.12", IN, ""),
    ("34", {**SQL, "operator_config": "{}", "udf_jar_url": "a.jar"}, WARNED, "cannot be made of SQL with", IN, ""),
    ("35", {**NEW_SQL, **AGENCY}, WARNED, "not checked before it runs", IN, ""),
    ("42", {**NEW_SQL, **AGENCY}, WARNED, "for jar jobs only", IN, ""),
    ("43", {**NEW, **AGENCY, "flink_version": "1.17", **sized(cpu=1)}, WARNED, "constraints list", IN, ""),
]


@pytest.mark.parametrize(
    ("row", "inputs", "verdict", "text", "queue", "cloud"), CASES, ids=[f"{c[0]}: {c[2]}, {c[3]}" for c in CASES]
)
def test_a_row_of_the_table_is_refused_warned_of_or_allowed(
    row: str, inputs: dict[str, Any], verdict: Verdict, text: str, queue: QueueFacts, cloud: str
) -> None:
    job = Declared(inputs, queue, cloud)
    found = {v: [f for f in findings(v, job) if f.combination.row == row] for v in Verdict}
    assert any(text in f.message for f in found[verdict]), found
    assert not found[REFUSED] or verdict is REFUSED
    assert all(f.combination.page in f.message for f in found[verdict])
    if verdict is ALLOWED:
        assert not found[WARNED]
    if verdict is WARNED:
        assert any(text in warning for warning in warnings(job))


@pytest.mark.parametrize(("row", "inputs", "verdict", "text", "queue", "cloud"), CASES)
def test_check_refuses_what_the_program_alone_shows_and_nothing_else(
    row: str, inputs: dict[str, Any], verdict: Verdict, text: str, queue: QueueFacts, cloud: str
) -> None:
    refused = findings(REFUSED, Declared(inputs))
    _, failures = check(FlinkSqlJobSpec if "run_mode" in inputs else FlinkJarJobSpec, inputs)
    assert {(failure.field, failure.reason) for failure in failures} == {(f.field, f.message) for f in refused}


def test_every_line_of_the_table_has_a_case() -> None:
    held = {
        id(line)
        for _, inputs, verdict, _, queue, cloud in CASES
        for line in COMBINATIONS
        if line.verdict is verdict and line.holds(Declared(inputs, queue, cloud))
    }
    assert [f"{line.row}: {line.effect}" for line in COMBINATIONS if id(line) not in held] == []


def test_the_table_and_the_page_have_the_same_rows_and_pages() -> None:
    text = (ROOT / "docs" / "dli-api.md").read_text().partition("## 15.")[2]
    page = {number: line for line in text.splitlines() for number in re.findall(r"^\| (\d+) \|", line)}
    assert set(page) == {str(number) for number in range(1, 45)}
    assert set(page) == {line.row for line in COMBINATIONS if "." not in line.row} | set(BEYOND)
    assert set(BEYOND).isdisjoint(line.row for line in COMBINATIONS)
    wrong = [line.row for line in COMBINATIONS if "." not in line.row and line.page not in page[line.row]]
    assert wrong == []


def test_what_has_one_cause_is_one_sentence_that_says_what_to_give() -> None:
    said = warnings(Declared({**NEW, **SAVED, "log_enabled": True}))
    assert len(said) == 1
    assert said[0].startswith("Flink 1.15 without execution_agency_urn: no savepoints, so every restart would lose the")
    assert "no checkpoints" in said[0]
    assert "no logs" in said[0]
    assert "give execution_agency_urn" in said[0]


def test_only_what_concerns_a_change_is_said_again() -> None:
    job = Declared({**NEW, **SAVED})
    assert warnings(job, (), {"desc", "smn_topic"}) == []
    assert "no checkpoints" in warnings(job, (), {"checkpoint_enabled"})[0]
    assert "no savepoints" not in warnings(job, (), {"checkpoint_enabled"})[0]


def test_what_is_not_known_is_not_judged() -> None:
    job = {**NEW, **AGENCY}
    assert findings(REFUSED, Declared(job)) == []
    assert [line.row for line in not_checked(Declared(job))] == ["7"]
    assert not_checked(Declared(job, OUT)) == not_checked(Declared(job, IN)) == not_checked(Declared(NEW)) == []
    assert not_checked(Declared(job), {"queue_name"}) == []
    assert warnings(Declared({**JOB, "flink_version": "late"}), {"flink_version"}) == []
    assert findings(REFUSED, Declared({**NEW, "upgrade_mode": "savepoint"}), {"execution_agency_urn"}) == []


def test_a_job_without_a_version_is_left_to_the_service() -> None:
    inputs = {**JOB, **SAVED, "log_enabled": True, "cu_number": 4, "upgrade_mode": "savepoint"}
    assert warnings(Declared(inputs)) == []
    assert check(FlinkJarJobSpec, inputs)[1] == []


@pytest.mark.parametrize("given", [1.10, 1.15, 1])
def test_a_version_that_is_a_number_is_refused(given: float) -> None:
    _, failures = check(FlinkJarJobSpec, {**JOB, "flink_version": given})
    assert [failure.field for failure in failures] == ["flink_version"]
    assert "text" in failures[0].reason


def test_versions_are_compared_as_numbers() -> None:
    assert version_of("1.7") < version_of("1.10") < version_of("1.15.2") < version_of("1.17")  # type: ignore[operator]
    assert [version_of(text) for text in (None, "", "new", "1", "v1.15", "1.15\n")] == [None] * 6


def test_no_state_can_be_kept_by_a_new_flink_without_an_agency_only() -> None:
    assert "no savepoint" in out_of_reach(Declared(NEW))
    assert [out_of_reach(Declared(job)) for job in (OLD, JOB, {**NEW, **AGENCY})] == ["", "", ""]


def test_clouds_are_told_by_whole_domains() -> None:
    assert cloud_of("https://dli.eu-de.otc.t-systems.com") == "otc"
    assert cloud_of("https://dli.cn-north-4.myhuaweicloud.com/") == "huawei"
    assert [cloud_of(url) for url in ("http://127.0.0.1:8", "https://otc.t-systems.com.example", "None", "")] == [
        ""
    ] * 4


def test_memory_is_read_in_every_form_that_is_allowed() -> None:
    assert [gigabytes(text) for text in ("4G", "4GB", "4 gb", "4", "4096MB", "4096 m")] == [4] * 6
    assert gigabytes("a lot") == 0
