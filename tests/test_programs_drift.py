"""What people do by hand, seen from a program: shown by a refresh, mended by `up --refresh` as far as it may be."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.engines import CLI_WHEN_SLOW, EMBEDDED_ONLY, SLOW_CLI_ONLY, Engine, call

pytestmark = pytest.mark.slow  # part of `make test-full`

PROGRAM = """
queue = dli.Queue("q", cu_count=64)
group = dli.PackageGroup("g", packages=["obs://jars/app.jar", "obs://jars/lib.jar"])
job = dli.FlinkJarJob(
    "j",
    queue_name=queue.queue_name,
    entrypoint=group.package("app.jar"),
    dependency_jars=[group.package("lib.jar")],
    main_class="Main",
    obs_bucket="state",
    checkpoint_enabled=True,
    restart_when_exception=False,
    {more}
)
"""
RICH = """
queue = dli.Queue("q", queue_name="Mixed_Case", cu_count=16, tags={"team": "a"}, description="text")
group = dli.PackageGroup("g", packages=["obs://jars/app.jar", "obs://jars/lib.jar"], tags={"team": "a"})
common = dict(queue_name=queue.queue_name, main_class="Main", entrypoint=group.package("app.jar"), obs_bucket="state")
dli.FlinkJarJob(
    "full",
    desc="text",
    entrypoint_args=["--a", "b"],
    dependency_jars=[group.package("lib.jar")],
    runtime_config={"a.b": True, "c.d": 3},
    cu_number=3,
    manager_cu_number=1,
    parallel_number=2,
    tm_cus=1,
    tm_slot_num=2,
    checkpoint_enabled=True,
    checkpoint_mode=2,
    checkpoint_interval=30,
    log_enabled=True,
    smn_topic="topic",
    restart_when_exception=True,
    resume_checkpoint=True,
    resume_max_num=3,
    tags={"team": "a"},
    **common,
)
dli.FlinkJarJob("bare", **common)
dli.FlinkJarJob("draft", state="draft", **common)
dli.FlinkJarJob("suspended", state="suspended", **common)
"""
QUIRKS: dict[str, Any] = {
    "sample_types": True,
    "snake_details": True,
    "create_201": True,
    "stop_answer": "object",
    "status_lower_case": True,
    "null_details": True,
    "start_time_zero": True,
    "name_filter": "exact",
    "queue_casing": "lower",
    "omit_total": True,
    "keep_empty_group": True,
    "tags_refused": True,
    "v3_unpublished": True,
    "savepoint_api_unpublished": True,
}


def stopped(dli: Emulator) -> None:
    dli.act("job.stop", job="j", savepoint=True)


HAND = {
    "a job deleted": (lambda dli: dli.act("job.delete", job="j"), {"j": "delete"}, {"j": "create"}),
    "a job edited": (
        lambda dli: dli.act("job.edit", job="j", fields={"checkpoint_enabled": False, "smn_topic": "theirs"}),
        {"j": "update"},
        {"j": "update"},
    ),
    "a queue scaled": (lambda dli: dli.act("queue.scale", queue="q", cu_count=80), {"q": "update"}, {"q": "update"}),
    "a package deleted": (
        lambda dli: dli.act("package.delete", group="g", name="lib.jar"),
        {"g": "update"},
        {"g": "update"},
    ),
}


SLOW_HAND = ("a job deleted", "a package deleted")


def slow(case: str) -> object:
    return pytest.param(case, marks=pytest.mark.slow)


def deployed(engine: Engine, dli: Emulator, more: str = "") -> None:
    dli.put_object("jars", "lib.jar")
    engine.write(PROGRAM.format(more=more))
    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text


def status(dli: Emulator) -> str:
    dli.advance(60)
    return str(dli.jobs()[0]["status"])


@pytest.mark.parametrize("case", ["a job edited", "a queue scaled", *(slow(case) for case in SLOW_HAND)])
@CLI_WHEN_SLOW
def test_what_was_done_by_hand_is_shown_and_mended(engine: Engine, dli: Emulator, case: str) -> None:
    act, drift, repair = HAND[case]
    deployed(engine, dli)
    act(dli)
    shown = engine.preview(refresh=True)
    assert shown.ok, shown.text
    assert {name: op for name, op in shown.drifted().items() if name in drift} == drift
    assert shown.ops() == repair
    mended = engine.up(refresh=True)
    assert mended.ok, mended.text
    assert mended.ops() == repair
    assert engine.refresh(preview_only=True, expect_no_changes=True).ok
    assert status(dli) == "job_running"


@CLI_WHEN_SLOW
def test_a_job_that_a_person_stopped_is_reported_and_left_alone(engine: Engine, dli: Emulator) -> None:
    deployed(engine, dli)
    stopped(dli)
    dli.advance(60)
    shown = engine.preview(refresh=True)
    assert shown.ok, shown.text
    assert shown.drifted() == {"j": "update"}
    assert any("stopped outside of Pulumi" in line for line in shown.says("j")), shown.says("j")
    left = engine.up(refresh=True)
    assert left.ok, left.text
    assert status(dli) == "job_cancel_success"

    engine.write(PROGRAM.format(more='repair="all",'))
    mended = engine.up(refresh=True)
    assert mended.ok, mended.text
    assert status(dli) == "job_running"
    assert dli.jobs()[0]["restored_from"]


@CLI_WHEN_SLOW
def test_a_failed_job_is_unhealthy_in_a_refresh_and_started_again_by_up(engine: Engine, dli: Emulator) -> None:
    deployed(engine, dli, 'upgrade_mode="stateless",')
    dli.act("job.fail", job="j", description="out of memory")
    shown = engine.preview(refresh=True)
    assert any("out of memory" in text for text in shown.says("j", "warning"))
    assert shown.ops() == {"j": "update"}
    mended = engine.up(refresh=True)
    assert mended.ok, mended.text
    assert status(dli) == "job_running"


@pytest.mark.slow
@CLI_WHEN_SLOW
def test_a_failed_job_whose_state_cannot_be_proved_is_reported_and_nothing_is_dropped(
    engine: Engine, dli: Emulator
) -> None:
    deployed(engine, dli)
    dli.act("job.fail", job="j", description="out of memory")
    for told in (engine.preview(refresh=True), engine.up(refresh=True)):
        assert told.ok, told.text
        assert told.says("j", "info") == ["stays failed (state)"]
        assert any("no savepoint is newer than the job's last start" in text for text in told.says("j", "warning"))
    assert status(dli) == "job_running_exception"
    assert len(dli.requests(operation="jobs.run")) == 1


@CLI_WHEN_SLOW
def test_things_of_other_people_are_neither_drift_nor_touched(engine: Engine, dli: Emulator) -> None:
    deployed(engine, dli)
    dli.put_object("jars", "theirs.jar")
    path = "https://jars.obs.eu-de.otc.t-systems.com/theirs.jar"
    call(dli, "POST", "/v2.0/{p}/resources", {"paths": [path], "kind": "jar", "group": "g"})
    body = {"name": "theirs", "queue_name": "q", "entrypoint": "g/theirs.jar"}
    call(dli, "POST", "/v1.0/{p}/streaming/flink-jobs", body)
    dli.advance(60)
    assert engine.preview(refresh=True).ops() == {}
    gone = engine.destroy()
    assert gone.ok, gone.text
    (project,) = {job["project_id"] for job in dli.jobs()}
    assert [job["name"] for job in dli.jobs()] == ["theirs"]
    assert [package.name for package in dli.service.packages.of(project)] == ["theirs.jar"]


@SLOW_CLI_ONLY
def test_the_drift_gate_of_the_cli_is_clean_after_up_and_fails_with_drift(engine: Engine, dli: Emulator) -> None:
    deployed(engine, dli)
    assert engine.refresh(preview_only=True, expect_no_changes=True).ok
    dli.act("queue.scale", queue="q", cu_count=80)
    gate = engine.refresh(preview_only=True, expect_no_changes=True)
    assert not gate.ok
    assert gate.drifted() == {"q": "update"}


@pytest.mark.slow
@EMBEDDED_ONLY
def test_an_untouched_stack_shows_no_drift_whatever_the_service_is_like(engine: Engine, dli: Emulator) -> None:
    dli.put_object("jars", "lib.jar")
    engine.write(RICH)
    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text
    noisy: dict[str, Any] = {}
    for name, value in {"none": None, **QUIRKS}.items():
        dli.default_quirks()
        if value is not None:
            dli.quirk(**{name: value})
        gate = engine.refresh(preview_only=True, expect_no_changes=True)
        if not gate.ok or gate.drifted():
            noisy[name] = gate.text
    assert noisy == {}


@pytest.mark.parametrize("quirk", QUIRKS)
@pytest.mark.slow
@EMBEDDED_ONLY
def test_a_stack_made_under_a_quirk_shows_no_drift_and_goes_completely(
    engine: Engine, dli: Emulator, quirk: str
) -> None:
    dli.put_object("jars", "lib.jar")
    dli.quirk(**{quirk: QUIRKS[quirk]})
    program = RICH.replace(', tags={"team": "a"}', "").replace('    tags={"team": "a"},\n', "")
    engine.write(program if quirk == "tags_refused" else RICH)
    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text
    gate = engine.refresh(preview_only=True, expect_no_changes=True)
    assert gate.ok, gate.text
    assert engine.preview(refresh=True).ops() == {}
    gone = engine.destroy()
    assert gone.ok, gone.text
