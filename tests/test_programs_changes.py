"""Changes of a program and what they do to what runs: packages, options of Pulumi, new names."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.engines import CLI_WHEN_SLOW, Engine, calls, leftovers

pytestmark = pytest.mark.slow  # part of `make test-full`

JOB = """
job = dli.FlinkJarJob(
    "j",
    name="stream",
    queue_name="shared",
    entrypoint="obs://jars/app.jar",
    main_class="Main",
    obs_bucket="state",
    parallel_number={parallelism},
    desc="{desc}",
    opts=pulumi.ResourceOptions({options}),
)
"""


def job(*, parallelism: int = 1, desc: str = "a stream", options: str = "", name: str = "j", more: str = "") -> str:
    """A program with one job."""
    text = JOB.format(parallelism=parallelism, desc=desc, options=options).replace('"j"', f'"{name}"', 1)
    return text.replace('    name="stream",\n', f'    name="stream",\n    {more}\n' if more else '    name="stream",\n')


def running(dli: Emulator) -> dict[str, int]:
    """Starts of each job that runs; a restarted one has more."""
    return {item["name"]: item["job_id"] for item in dli.jobs() if item["status"] == "job_running"}


def starts(dli: Emulator) -> dict[int, int]:
    """How often each job was told to run."""
    found: dict[int, int] = {}
    for call in dli.requests(operation="jobs.run"):
        for job_id in call["body"]["job_ids"]:
            found[int(job_id)] = found.get(int(job_id), 0) + 1
    return found


@CLI_WHEN_SLOW
def test_new_bytes_restart_exactly_the_jobs_that_use_them(engine: Engine, dli: Emulator) -> None:
    program = """
    group = dli.PackageGroup(
        "g", packages=[dli.Package("obs://jars/app.jar", digest="{digest}"), dli.Package("obs://jars/lib.jar")]
    )
    common = dict(queue_name="shared", main_class="Main", obs_bucket="state")
    dli.FlinkJarJob("main", entrypoint=group.package("app.jar"), **common)
    dli.FlinkJarJob("other", entrypoint=group.package("lib.jar"), **common)
    dli.FlinkJarJob(
        "helped", entrypoint="obs://jars/lib.jar", dependency_jars=[group.package("app.jar")], **common
    )
    """
    dli.put_object("jars", "lib.jar")
    engine.write(program.format(digest="one"))
    engine.connect(dli)
    assert engine.up().ok
    before = running(dli)
    assert set(before) == {"main", "other", "helped"}

    engine.write(program.format(digest="two"))
    planned = engine.preview()
    assert planned.ops() == {"g": "update", "main": "update", "helped": "update"}
    assert planned.keys("main") == {"entrypoint"}
    assert planned.says("main", "info") == ["restart with savepoint (entrypoint)"]
    done = engine.up()
    assert done.ok, done.text
    assert running(dli) == before
    assert starts(dli) == {before["main"]: 2, before["other"]: 1, before["helped"]: 2}


@CLI_WHEN_SLOW
def test_options_of_pulumi_do_what_they_say(engine: Engine, dli: Emulator) -> None:
    engine.write(job(options='ignore_changes=["desc"], protect=True'))
    engine.connect(dli)
    assert engine.up().ok
    ids = running(dli)

    engine.write(job(desc="ignored", options='ignore_changes=["desc"], protect=True'))
    assert engine.up().ops() == {}

    refused = engine.destroy()
    assert not refused.ok
    assert "protect" in refused.text
    assert running(dli) == ids

    engine.write(job(options="retain_on_delete=True"))
    assert engine.up().ok
    before = calls(dli)
    assert engine.destroy().ok
    assert engine.resources() == {}
    assert calls(dli) == before
    assert running(dli) == ids


@pytest.mark.slow
@pytest.mark.parametrize("order", ["", ", delete_before_replace=False"])
@CLI_WHEN_SLOW
def test_a_forced_replacement_takes_the_same_stream_over_with_its_state(
    engine: Engine, dli: Emulator, order: str
) -> None:
    """Names are unique: made first, the successor takes the job over, and the deletion of the old one spares it."""
    options = f'replace_on_changes=["parallel_number"]{order}'
    engine.write(job(options=options))
    engine.connect(dli)
    assert engine.up().ok
    ids = running(dli)
    engine.write(job(parallelism=2, options=options))
    told = engine.up()
    assert told.ok, told.text
    assert running(dli) == ids
    (only,) = dli.jobs()
    assert only["definition"]["parallel_number"] == 2
    assert only["restored_from"]
    assert engine.preview(refresh=True).ops() == {}
    assert engine.destroy().ok
    assert leftovers(dli) == []


@pytest.mark.slow
@CLI_WHEN_SLOW
def test_who_asks_for_deletion_first_gets_a_new_job_after_a_last_savepoint(engine: Engine, dli: Emulator) -> None:
    options = 'replace_on_changes=["parallel_number"], delete_before_replace=True'
    engine.write(job(options=options))
    engine.connect(dli)
    assert engine.up().ok
    ids = running(dli)
    engine.write(job(parallelism=2, options=options))
    told = engine.up()
    assert told.ok, told.text
    assert set(running(dli)) == set(ids)
    assert running(dli) != ids
    (stop,) = dli.requests(operation="jobs.stop")
    assert stop["body"]["trigger_savepoint"] is True


@CLI_WHEN_SLOW
def test_every_resource_carries_the_alias_of_its_native_type(engine: Engine, dli: Emulator) -> None:
    """A stack of a native provider moves here without touching anything."""
    engine.write('dli.Queue("q", cu_count=16)')
    engine.connect(dli)
    assert engine.up().ok
    deployment = engine.export()
    for record in deployment["resources"]:
        for key in ("urn", "type"):
            record[key] = record[key].replace("pulumi-python:dynamic/dli:Queue", "dli:index:Queue")
    engine.import_state(deployment)
    before = calls(dli)
    moved = engine.up()
    assert moved.ok, moved.text
    assert moved.ops() == {}
    assert engine.resources()["q"]["type"] == "pulumi-python:dynamic/dli:Queue"
    assert calls(dli) == before


@pytest.mark.slow
@CLI_WHEN_SLOW
def test_a_renamed_resource_with_an_alias_keeps_everything(engine: Engine, dli: Emulator) -> None:
    engine.write(job())
    engine.connect(dli)
    assert engine.up().ok
    before = calls(dli)
    engine.write(job(name="k", options='aliases=[pulumi.Alias(name="j")]'))
    renamed = engine.up()
    assert renamed.ok, renamed.text
    assert renamed.ops() == {}
    assert set(engine.resources()) == {"k"}
    assert calls(dli) == before
    assert engine.destroy().ok
    assert leftovers(dli) == []


@CLI_WHEN_SLOW
def test_a_job_renamed_without_an_alias_is_refused_or_handed_over(engine: Engine, dli: Emulator) -> None:
    engine.write(job())
    engine.connect(dli)
    assert engine.up().ok
    ids = running(dli)

    engine.write(job(name="k"))
    refused = engine.up()
    assert not refused.ok
    (error,) = refused.errors()
    assert f"a Flink job named stream exists already (id {ids['stream']}" in error
    assert "adopt=True" in error
    assert running(dli) == ids

    engine.write(job(name="k", more="adopt=True,"))
    handed = engine.up()
    assert handed.ok, handed.text
    assert set(engine.resources()) == {"k"}
    assert running(dli) == ids
    assert starts(dli) == {ids["stream"]: 1}
    assert engine.preview(refresh=True).ops() == {}


@CLI_WHEN_SLOW
def test_a_queue_under_a_new_name_takes_its_job_along_and_the_old_one_goes_last(engine: Engine, dli: Emulator) -> None:
    program = """
    queue = dli.Queue("q", queue_name="{name}", cu_count=16)
    dli.FlinkJarJob(
        "j", queue_name=queue.queue_name, entrypoint="obs://jars/app.jar", main_class="Main", obs_bucket="state"
    )
    """
    engine.write(program.format(name="first"))
    engine.connect(dli)
    assert engine.up().ok
    ids = running(dli)

    engine.write(program.format(name="second"))
    moved = engine.up()
    assert moved.ok, moved.text
    assert running(dli) == ids
    order = [call["operation"] for call in dli.requests() if call["operation"] in ORDERED][3:]
    assert order == ["queues.create", "jobs.stop", "jobs.update", "jobs.run", "queues.delete"]
    (stop,) = dli.requests(operation="jobs.stop")
    assert stop["body"]["trigger_savepoint"] is True
    assert leftovers(dli) == ["second", "j"]


ORDERED = {"queues.create", "queues.delete", "jobs.create", "jobs.update", "jobs.run", "jobs.stop"}


@CLI_WHEN_SLOW
def test_a_queue_that_would_have_to_be_replaced_under_its_name_is_an_error_at_preview(
    engine: Engine, dli: Emulator
) -> None:
    engine.write('dli.Queue("q", cu_count=16)')
    engine.connect(dli)
    assert engine.up().ok
    engine.write('dli.Queue("q", cu_count=16, queue_type="sql")')
    told: Any = engine.preview()
    assert not told.ok
    assert "give it a new queue_name" in " ".join(told.errors())
