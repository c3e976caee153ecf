"""A take-over that fails, is killed or interrupted leaves two entries of one id: what is held is never deleted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_dli.emulator.tags.records import Tags
from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import eventually
from tests.engines import CLI_PARAM, CLI_WHEN_SLOW, EMBEDDED_ONLY, PROJECT_ID, Engine, call

REGIONS = {
    "with tags": {},
    "without tag calls": {"v3_unpublished": True},
    "tags dropped": {"tags_refused": True},
    "tags refused": {"tags_rejected": True},
}
in_all_regions = pytest.mark.parametrize("region", list(REGIONS.values()), ids=list(REGIONS))

JOB = (
    'dli.FlinkJarJob("{name}", name="stream", queue_name="shared", entrypoint="obs://jars/app.jar", main_class="Main",\
 obs_bucket="state", stabilization_seconds=0, adopt={adopt})\n'
)
QUEUE = 'dli.Queue("{name}", queue_name="wide", cu_count=64, adopt={adopt})\n'
GROUP = 'dli.PackageGroup("{name}", group_name="shop", packages=["obs://jars/app.jar"], adopt={adopt})\n'
FAILS = 'dli.Queue("fails", queue_name="fails", cu_count=16, cidr_in_vpc="10.0.0.0/14",\
 opts=pulumi.ResourceOptions(depends_on=taken))\n'


def held(dli: Emulator) -> list[Any]:
    """What is there of the stack: the job and how often it was started and stopped, the queue, the packages."""
    jobs = [(job["job_id"], job["status"]) for job in dli.jobs() if job["project_id"] == PROJECT_ID]
    queues = [queue.name for queue in dli.service.queues.of(PROJECT_ID) if queue.name == "wide"]
    packages = [package.name for package in dli.service.packages.of(PROJECT_ID)]
    return [jobs, queues, packages]


def stack_of(engine: Engine, dli: Emulator, region: dict[str, bool], program: str) -> None:
    """A stack whose resources are called `old`."""
    dli.quirk(**region)
    engine.write(named(program, "old", adopt=False))
    engine.connect(dli)
    done = engine.up()
    assert done.ok, done.text


def named(program: str, name: str, *, adopt: bool) -> str:
    lines = (line.format(name=f"{name}{number}", adopt=adopt) for number, line in enumerate(program.splitlines()))
    return "taken = []\n" + "".join(f"taken.append({line})\n" for line in lines)


@CLI_WHEN_SLOW
@in_all_regions
def test_a_take_over_whose_deployment_fails_keeps_what_it_took(
    engine: Engine, dli: Emulator, region: dict[str, bool]
) -> None:
    stack_of(engine, dli, region, JOB + QUEUE + GROUP)
    before = held(dli)
    engine.write(named(JOB + QUEUE + GROUP, "new", adopt=True) + FAILS)
    dli.fault("queues.cidr", 400, code="DLI.0001", message="refused", times=0)
    assert not engine.up().ok
    dli.clear_faults()
    assert held(dli) == before
    assert {"old0", "new0"} <= set(engine.resources()), "both entries: else this test shows nothing"

    engine.write(named(JOB + QUEUE + GROUP, "new", adopt=True))
    done = engine.up()
    assert done.ok, done.text
    assert held(dli) == before
    assert set(engine.resources()) == {"new0", "new1", "new2"}
    for name in ("old0", "old1", "old2"):
        assert done.says(name, "warning"), f"{name} was forgotten in silence"
    assert engine.destroy().ok
    assert held(dli) == [[], [], []]


@EMBEDDED_ONLY
@in_all_regions
def test_a_destroy_with_both_entries_in_the_state_deletes_everything_once(
    engine: Engine, dli: Emulator, region: dict[str, bool]
) -> None:
    stack_of(engine, dli, region, JOB + QUEUE + GROUP)
    engine.write(named(JOB + QUEUE + GROUP, "new", adopt=True) + FAILS)
    dli.fault("queues.cidr", 400, code="DLI.0001", message="refused", times=0)
    assert not engine.up().ok
    dli.clear_faults()
    done = engine.destroy()
    assert done.ok, done.text
    assert held(dli) == [[], [], []]


@EMBEDDED_ONLY
@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.parametrize("program", [JOB, QUEUE, GROUP], ids=["job", "queue", "group"])
def test_a_take_over_that_cannot_be_tagged_changes_nothing(
    engine: Engine, dli: Emulator, program: str, status: int
) -> None:
    stack_of(engine, dli, {}, program)
    before, seen = held(dli), len(dli.requests())
    engine.write(named(program, "new", adopt=True))
    dli.fault("tags.create", status, code="DLI.0003", message="not allowed", times=0)
    refused = engine.up()
    assert not refused.ok
    (error,) = refused.errors()
    assert "was not taken over" in error
    assert "pulumi up" in error
    writes = {one["operation"] for one in dli.requests()[seen:] if one["method"] not in ("GET", "HEAD")}
    assert writes <= {"jobs.create", "queues.create", "tags.create"}, "only the create that met the name, and the tag"
    assert held(dli) == before
    dli.clear_faults()
    assert engine.up().ok
    assert held(dli) == before


def hit(engine: Engine, dli: Emulator, blow: str, nth: int) -> str | None:
    """The call in whose middle the deployment was hit, after its effect; None when there were fewer calls."""
    since = len(dli.service.journal.entries)
    fault = dli.service.faults.add({"operation": "[!o]*", "effect": "held_answer", "nth": nth, "delay": 30.0})
    process = engine.start("up")
    try:
        eventually(lambda: fault.fired or process.poll() is not None, seconds=60, what="the call")
        if not fault.fired:
            return None
        process.send_signal(signal.SIGKILL if blow == "kill" else signal.SIGINT)
        dli.clear_faults()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=60)
    finally:
        dli.clear_faults()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
    entries = list(dli.service.journal.entries)[since:]
    eventually(lambda: all(entry.milliseconds is not None for entry in entries), what="the end of the calls")
    return next(str(entry.operation) for entry in entries if entry.fault)


@pytest.mark.slow
@pytest.mark.parametrize("blow", ["kill", "^C"])
@pytest.mark.parametrize("kind", ["embedded", CLI_PARAM])
@pytest.mark.parametrize("region", [{}, {"v3_unpublished": True}], ids=["with tags", "without tag calls"])
def test_a_take_over_hit_at_any_call_is_finished_by_the_next_up(
    make_engine: Callable[[str], Engine], dli: Emulator, kind: str, blow: str, region: dict[str, bool]
) -> None:
    engine = make_engine(kind)
    program = JOB + QUEUE
    name = "name0"
    stack_of(engine, dli, region, program)
    before, hits = held(dli), []
    for nth in range(1, 30):
        name = f"name{nth}"
        engine.write(named(program, name, adopt=True))
        call_hit = hit(engine, dli, blow, nth)
        assert held(dli) == before, f"after {call_hit}"
        done = engine.up()
        assert done.ok, done.text
        assert held(dli) == before, f"after {call_hit} and one more up"
        assert set(engine.resources()) == {f"{name}0", f"{name}1"}
        if call_hit is None:
            break
        hits.append(call_hit)
    assert len(hits) >= 5, hits


@EMBEDDED_ONLY
def test_two_resources_of_one_program_never_hold_one_object(engine: Engine, dli: Emulator) -> None:
    stack_of(engine, dli, {}, QUEUE)
    before = held(dli)
    engine.write(named(QUEUE, "old", adopt=False) + named(QUEUE, "two", adopt=True))
    refused = engine.up(parallel=1)
    assert not refused.ok
    assert "is given by old0 and by two0 of this program" in refused.text
    assert held(dli) == before


# twins: two stacks of one project and one stack name, in two backends


TWIN = """
dli.Queue("q", queue_name="wide", cu_count=64)
dli.PackageGroup("g", group_name="shop", packages=["obs://jars/app.jar"])
dli.FlinkJarJob(
    "j", name="stream", queue_name="shared", entrypoint="obs://jars/{jar}", main_class="Main", obs_bucket="state"
)
"""


@pytest.mark.parametrize("kind", ["embedded", pytest.param("cli", marks=[pytest.mark.cli, pytest.mark.slow])])
@pytest.mark.parametrize("jar", ["app.jar", "other.jar"])
def test_a_twin_in_another_backend_touches_nothing(
    make_engine: Callable[[str], Engine], dli: Emulator, tmp_path: Any, kind: str, jar: str
) -> None:
    dli.put_object("jars", "other.jar", b"another")
    first = make_engine(kind)
    first.write(TWIN.format(jar="app.jar"))
    first.connect(dli)
    done = first.up()
    assert done.ok, done.text
    before, seen = held(dli), len(dli.requests())

    twin = type(first)(tmp_path / "twin", tmp_path / "twins-home")
    twin.write(TWIN.format(jar=jar))
    twin.connect(dli)
    refused = twin.up()
    assert not refused.ok
    for error in refused.errors():
        assert "already" in error
        assert all(way in error for way in ("adopt=True", "import", "another"))
    writes = {one["operation"] for one in dli.requests()[seen:] if one["method"] not in ("GET", "HEAD")}
    assert writes <= {"queues.create", "jobs.create"}, "creates that met the names"
    assert held(dli) == before
    assert twin.destroy().ok
    assert held(dli) == before
    assert first.preview(refresh=True).ops() == {}


@EMBEDDED_ONLY
def test_stacks_that_share_a_backends_address_are_told_apart_by_the_setting(
    engine: Engine, dli: Emulator, tmp_path: Any
) -> None:
    dli.put_object("jars", "other.jar", b"another")
    engine.write(QUEUE.format(name="q", adopt=False))
    engine.connect(dli)
    engine.configure({"dli:owner": "team-a"})
    assert engine.up().ok
    (tag,) = (row.tags["pulumi_dli_owner"] for row in dli.service.part(Tags).all_of(PROJECT_ID, "dli_queue"))
    other = type(engine)(tmp_path / "other", tmp_path)
    other.write(QUEUE.format(name="q", adopt=False))
    other.connect(dli)
    other.configure({"dli:owner": "team-b"})
    refused = other.up()
    assert any("was not made by this resource" in error for error in refused.errors())
    other.configure({"dli:owner": "team-a"})  # what a killed create of the same owner has left is finished
    assert other.up().ok
    (now,) = (row.tags["pulumi_dli_owner"] for row in dli.service.part(Tags).all_of(PROJECT_ID, "dli_queue"))
    assert now.split(".")[0] == tag


@CLI_WHEN_SLOW
def test_a_stack_that_moves_its_backend_still_owns_what_it_has(engine: Engine, dli: Emulator, tmp_path: Any) -> None:
    engine.write(TWIN.format(jar="app.jar"))
    engine.connect(dli)
    assert engine.up().ok
    moved = type(engine)(tmp_path / "moved", tmp_path / "moved-home")
    moved.write(TWIN.format(jar="app.jar"))
    moved.connect(dli)
    moved.import_state(engine.export())
    assert moved.preview(refresh=True).ops() == {}
    assert moved.destroy().ok
    assert held(dli) == [[], [], []]


# uploaded objects


UPLOADED = """
import pathlib
app = dli.UploadedPackage("{name}", source="app.jar", bucket="code")
"""
LOCAL_GROUP = """
dli.PackageGroup("{name}", group_name="{group}", bucket="code", packages=[dli.Package("app.jar")], adopt={adopt})
"""


def objects(dli: Emulator) -> list[str]:
    return [row.key for row in dli.service.objects.listed("code") if row.key != "readme"]


@CLI_WHEN_SLOW
@pytest.mark.parametrize("fails", [False, True], ids=["in one up", "after a failure"])
def test_a_renamed_upload_keeps_its_object_and_takes_it_along_when_it_goes(
    engine: Engine, dli: Emulator, *, fails: bool
) -> None:
    dli.put_object("code", "readme", b"-")
    engine.write(UPLOADED.format(name="one"))
    (engine.project / "app.jar").write_bytes(b"first")
    engine.connect(dli)
    assert engine.up().ok
    (key,) = objects(dli)
    if fails:
        engine.write("taken = []\n" + UPLOADED.format(name="two") + FAILS)
        dli.fault("queues.cidr", 400, code="DLI.0001", message="refused", times=0)
        assert not engine.up().ok
        dli.clear_faults()
        assert {"one", "two"} <= set(engine.resources())
    engine.write(UPLOADED.format(name="two"))
    assert engine.up().ok
    assert objects(dli) == [key]
    engine.write(UPLOADED.format(name="three"))
    assert engine.up().ok
    assert objects(dli) == [key]
    assert engine.destroy().ok
    assert objects(dli) == [], "nobody needs it any more"


@EMBEDDED_ONLY
@pytest.mark.parametrize("group", ["shop", "new-shop"])
def test_the_object_of_a_renamed_group_goes_with_its_heir(engine: Engine, dli: Emulator, group: str) -> None:
    dli.put_object("code", "readme", b"-")
    engine.write(LOCAL_GROUP.format(name="one", group="shop", adopt=False))
    (engine.project / "app.jar").write_bytes(b"first")
    engine.connect(dli)
    assert engine.up().ok
    (key,) = objects(dli)
    engine.write(LOCAL_GROUP.format(name="two", group=group, adopt=True))
    done = engine.up()
    assert done.ok, done.text
    assert objects(dli) == [key]
    assert engine.preview(refresh=True).ops() == {}
    assert engine.destroy().ok
    assert objects(dli) == []
    assert held(dli)[2] == []


# regions that do not keep tags


TAGGED = {
    "queue": 'dli.Queue("r", queue_name="wide", cu_count=64, tags={tags})\n',
    "group": 'dli.PackageGroup("r", group_name="shop", packages=["obs://jars/app.jar"], tags={tags})\n',
    "job": 'dli.FlinkJarJob("r", name="stream", queue_name="shared", entrypoint="obs://jars/app.jar",\
 main_class="Main", obs_bucket="state", tags={tags})\n',
}


@EMBEDDED_ONLY
@in_all_regions
@pytest.mark.parametrize("program", list(TAGGED.values()), ids=list(TAGGED))
def test_tags_come_to_rest_in_every_region(
    engine: Engine, dli: Emulator, program: str, region: dict[str, bool]
) -> None:
    dli.quirk(**region)
    engine.write(program.format(tags={} if region.get("tags_rejected") else {"team": "one"}))
    engine.connect(dli)
    assert engine.up().ok
    assert engine.preview(refresh=True).ops() == {}
    engine.write(program.format(tags={"team": "two"}))
    done = engine.up()
    assert done.ok, done.text
    if region and not region.get("tags_refused"):
        assert any("tags" in text for text in done.says("r", "warning"))
    assert engine.preview(refresh=True).ops() == {}


@EMBEDDED_ONLY
@in_all_regions
@pytest.mark.parametrize("program", [JOB, QUEUE, GROUP], ids=["job", "queue", "group"])
def test_adopting_is_one_rule_in_every_region(
    engine: Engine, dli: Emulator, program: str, region: dict[str, bool]
) -> None:
    dli.quirk(**region)
    bodies = {
        JOB: ("/v1.0/{p}/streaming/flink-jobs", {"name": "stream", "queue_name": "shared", "main_class": "Main",
              "entrypoint": "obs://jars/app.jar", "obs_bucket": "state"}),
        QUEUE: ("/v1.0/{p}/queues", {"queue_name": "wide", "queue_type": "general", "cu_count": 64,
                "resource_mode": 1}),
        GROUP: ("/v2.0/{p}/resources", {"group": "shop", "kind": "jar", "paths": ["obs://jars/app.jar"]}),
    }  # fmt: skip
    path, body = bodies[program]
    call(dli, "POST", path, body)
    engine.write(named(program, "mine", adopt=True))
    engine.connect(dli)
    done = engine.up()
    assert done.ok, done.text
    if region and not region.get("tags_refused"):
        assert any("no tags" in text for text in done.says("mine0", "warning"))
    assert engine.preview(refresh=True).ops() == {}
