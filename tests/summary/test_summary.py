"""The summary of previews that the Pulumi CLI really printed, kept in `previews/`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.__main__ import main
from pulumi_dli.lifecycle.jobs import plan
from pulumi_dli.summary.previews import read_preview
from pulumi_dli.summary.report import COMMENT_LIMIT, as_markdown, report_on
from pulumi_dli.summary.verdicts import Verdict, classify

HERE = Path(__file__).parent / "previews"
URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dli:"


def preview(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text())


def verdicts(document: dict[str, Any], *, drift: bool = False) -> dict[str, str]:
    items = classify(read_preview(json.dumps(document)), drift=drift)
    return {item.name: "+".join(item.verdicts) for item in items if item.verdict is not Verdict.UNCHANGED}


def made(*steps: dict[str, Any], said: tuple[tuple[str, str, str], ...] = (), **more: Any) -> dict[str, Any]:
    """A preview of these steps, with `(job, severity, text)` messages."""
    messages = [{"urn": f"{URN}FlinkJarJob::{name}", "severity": how, "message": text} for name, how, text in said]
    return {"steps": list(steps), "diagnostics": messages, "changeSummary": {}, **more}


def step(op: str, name: str, kind: str = "FlinkJarJob", **state: Any) -> dict[str, Any]:
    old = {"id": "7", "inputs": state, "outputs": {"status": "job_running", **state}}
    sides = {"create": (None, old), "delete": (old, None)}.get(op, (old, old))
    return {"op": op, "urn": f"{URN}{kind}::{name}", "oldState": sides[0], "newState": sides[1]}


def run(document: object, *options: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(document if isinstance(document, str) else json.dumps(document)))
    return main(["summary", *options])


def test_each_change_is_told_by_what_it_does_to_the_stream() -> None:
    assert verdicts(preview("changes")) == {
        "deleted-plain": "state-dropped+deleted",
        "dropped": "state-dropped",
        "deleted": "deleted",
        "restarted": "restarted",
        "fresh": "created",
        "suspended-one": "created",
        "live": "changed",
    }


def test_dangerous_changes_come_first(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(preview("changes"), monkeypatch=monkeypatch) == 0
    text = capsys.readouterr().out
    order = [
        text.index(word) for word in ("State is dropped", "**⚠️ Deleted", "**Restarted", "Created", "without a restart")
    ]
    assert order == sorted(order)
    assert text.count("<details>") == 2  # harmless ones are folded
    quoted = "\n".join(f"> {line}".rstrip() for line in text.rstrip().splitlines())
    assert quoted in (HERE.parents[2] / "README.md").read_text()  # as people will see it


def test_a_refused_change_is_blocked_and_its_value_is_not_shown() -> None:
    assert verdicts(preview("blocked")) == {"untouched": "blocked"}
    refused = preview("refused_input")
    assert verdicts(refused) == {"untouched": "blocked"}
    assert "value {" not in as_markdown(report_on(read_preview(json.dumps(refused))))


def test_drift_names_what_was_changed_and_what_is_gone() -> None:
    document = preview("drift")
    assert verdicts(document, drift=True) == {"deleted": "drifted", "untouched": "drifted"}
    text = as_markdown(report_on(read_preview(json.dumps(document)), drift=True))
    assert "deleted outside of Pulumi" in text
    assert "changed outside of Pulumi: state" in text


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ({}, "is stopped with a last savepoint and deleted"),
        ({"savepoint_on_delete": False}, "is deleted without savepoint: its state is lost"),
        ({"upgrade_mode": "stateless"}, "is deleted without savepoint: its state is lost"),
        ({"upgrade_mode": "stateless", "savepoint_on_delete": True}, "is stopped with a last savepoint and deleted"),
        ({"status": "job_cancel_success"}, "is deleted (job_cancel_success)"),
        ({"flink_version": "1.15", "execution_agency_urn": "mine"}, "is stopped with a last savepoint and deleted"),
        ({"flink_version": "1.12"}, "is stopped with a last savepoint and deleted"),
        (
            {"flink_version": "1.15", "savepoint_on_delete": False},
            "is deleted without savepoint: its state is lost",
        ),
        (
            {"flink_version": "1.15"},
            (
                "is not deleted: its last savepoint cannot be made (Flink 1.15 and later without execution_agency_urn)"
                "; savepoint_on_delete=False and `pulumi up` first"
            ),
        ),
    ],
)
def test_a_delete_is_told_from_the_state(state: dict[str, Any], line: str) -> None:
    [item] = classify(read_preview(json.dumps(made(step("delete", "counter", **state)))))
    assert item.line == line
    assert Verdict.DELETED in item.verdicts


def test_a_retained_job_is_not_deleted() -> None:
    kept = step("delete", "counter")
    kept["oldState"]["retainOnDelete"] = True
    assert verdicts(made(kept)) == {"counter": "changed"}


def test_the_steps_of_a_replacement_are_one_row() -> None:
    steps = [step(op, "counter") for op in ("create-replacement", "replace", "delete-replaced")]
    assert list(verdicts(made(*steps))) == ["counter"]
    assert verdicts(made(*steps))["counter"].startswith("deleted+replaced")


@pytest.mark.parametrize("word", [verdict.value for verdict in Verdict])
def test_a_gate_closes_on_its_word_only(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {part for text in verdicts(preview("changes")).values() for part in text.split("+")} | {"unchanged"}
    assert run(preview("changes"), "--fail-on", word, monkeypatch=monkeypatch) == (3 if word in found else 0)


def test_an_unknown_word_of_a_gate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(preview("changes"), "--fail-on", "state_dropped", monkeypatch=monkeypatch)


@pytest.mark.parametrize("text", ["", "error: no stack", "[]", "{}", '{"steps": 3}', "[" * 100_000])
def test_what_is_no_preview_is_one_sentence(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(text, monkeypatch=monkeypatch) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "pulumi preview --json" in told.err


def test_values_never_appear(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"entrypoint_args": "S3CRET", "runtime_config": {"password": "S3CRET"}}
    changed = step("update", "counter", **secret)
    changed["detailedDiff"] = {"runtime_config.password": {"kind": "update"}}
    for form in ("--markdown", "--text", "--json"):
        assert run(made(changed, step("delete", "old", **secret)), form, monkeypatch=monkeypatch) == 0
        text = capsys.readouterr().out
        assert "runtime" in text
        assert "S3CRET" not in text


def test_other_resources_are_counted_not_hidden() -> None:
    other = {"op": "delete", "urn": "urn:pulumi:dev::shop::aws:s3/bucket:Bucket::logs", "oldState": {"id": "b"}}
    text = as_markdown(report_on(read_preview(json.dumps(made(other)))))
    assert "Other resources: 1 deleted" in text


def test_cus_are_counted_by_queue() -> None:
    document = made(
        step("update", "grows", queue_name="Streams", cu_number=4),
        step("create", "comes", queue_name="streams", cu_number=8),
        step("delete", "goes", queue_name="other"),
        step("create", "sleeps", queue_name="other", state="suspended", cu_number=50),
        step("same", "streams", kind="Queue", queue_name="streams", cu_count=64),
    )
    report = report_on(read_preview(json.dumps(document)))
    assert [(one.queue, one.before, one.after, one.size) for one in report.capacity] == [
        ("other", 2, 0, None),
        ("streams", 4, 12, 64),
    ]
    assert "CUs of jobs in all: 6 → 12" in as_markdown(report)


def test_the_time_that_a_stream_was_down_is_told_where_the_state_knows() -> None:
    document = made(
        step("update", "counter", last_downtime_seconds=41.5),
        said=(("counter", "info", "counter: restart with savepoint (entrypoint)\n"),),
    )
    text = as_markdown(report_on(read_preview(json.dumps(document))))
    assert "restart with savepoint (entrypoint) (down 42 s last time)" in text


def test_a_comment_fits_and_keeps_the_dangerous_rows() -> None:
    steps = [step("create", f"job-{number:04}") for number in range(3000)]
    steps += [step("delete", f"gone-{number}", savepoint_on_delete=False) for number in range(40)]
    text = as_markdown(report_on(read_preview(json.dumps(made(*steps)))))
    assert len(text) <= COMMENT_LIMIT
    assert all(f"gone-{number}" in text for number in range(40))
    assert "Created: 3000" in text
    assert "more |" in text


def test_a_comment_of_dangerous_rows_alone_fits_too() -> None:
    steps = [step("delete", f"{'long' * 20}-{number}") for number in range(3000)]
    text = as_markdown(report_on(read_preview(json.dumps(made(*steps)))))
    assert len(text) <= COMMENT_LIMIT
    assert "3000 deleted" in text


def test_texts_of_the_service_cannot_change_the_page() -> None:
    text = "|<script>alert(1)</script>| @team [x](http://x) `y`\n# title"
    document = made(step("update", "counter"), said=(("counter", "warning", text),))
    page = as_markdown(report_on(read_preview(json.dumps(document))))
    for part in ("<script>", "@team", "[x](", "`y`", "\n# title"):
        assert part not in page


def test_every_line_of_the_upgrade_plan_has_its_verdict() -> None:
    """The words of `plan_upgrade` and the table here change together."""
    expected = {
        "restart with savepoint": "restarted",
        "restart from newest checkpoint": "restarted",
        "restart, state is dropped": "state-dropped",
        "restart from its savepoint": "restarted",
        "restart from an old savepoint": "restarted",
        "restart from initial_savepoint_path": "restarted",
        "stops with savepoint": "stopped",
        "stops without savepoint": "stopped",
        "stops, state is dropped": "state-dropped",
        "starts from its savepoint": "restarted",
        "starts from newest checkpoint": "restarted",
        "starts from initial_savepoint_path": "restarted",
        "starts from an old savepoint": "restarted",
        "starts without state": "state-dropped",
        "runs again from the beginning": "restarted",
    }
    for status in plan.PHASES:
        for mode in ("savepoint", "last-state", "stateless"):
            for effect in plan.Effect:
                for state in ("running", "suspended", "draft"):
                    for there in (False, True):
                        observed = plan.ObservedState(status, has_savepoint=there, savepoint_is_newest=there)
                        line = plan.plan_upgrade(observed, plan.DesiredState(effect, state, mode, start_due=there)).line
                        document = made(step("update", "job"), said=(("job", "info", f"job: {line} (restart_nonce)"),))
                        assert verdicts(document) == {"job": expected.get(line, "changed")}, line


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("as it is", "created"),
        ("restart with savepoint (entrypoint)", "restarted"),
        ("stops with savepoint", "stopped"),
        ("restart, state is dropped (entrypoint)", "state-dropped"),
        ("starts without state", "state-dropped"),
    ],
)
def test_what_a_create_takes_over_has_the_verdict_of_what_happens_to_it(line: str, verdict: str) -> None:
    said = (("job", "info", f"job: takes over job 138 (running): {line}"),)
    wanted = verdict if verdict == "created" else f"{verdict}+created"
    assert verdicts(made(step("create", "job"), said=said)) == {"job": wanted}
