"""The 24 defects of the Terraform provider for the same service, one test each: every one fails on its behaviour.

Driven through the SDK's real dynamic host and, where a program and its order matter, through the embedded engine. What
is asserted is what anybody could see: the calls that reached the service, what it holds afterwards, and what the stack
is told. `peer.py` keeps the state as an engine does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import ConfigValue

from pulumi_dli.embedded.operation import OperationError
from pulumi_dli.embedded.stack import Stack
from pulumi_dli.emulator.testing import Emulator

from .dynamic_host import HostError, eventually
from .provider_defects import BUCKET, PACE, V1, V2, Aside, Cloud, Hosts, Kept

STOP_OR_START = ("jobs.run", "jobs.stop")


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Emulator, Hosts]]:
    with Emulator(pace=PACE) as emulator, Hosts(emulator) as hosts:
        yield emulator, hosts


@pytest.fixture
def cloud(shared: tuple[Emulator, Hosts]) -> Iterator[Cloud]:
    """A local DLI as on the first day, with the programs v1 and v2 in its object storage."""
    emulator, hosts = shared
    emulator.reset()
    emulator.set_pace(PACE)
    found = Cloud(emulator, hosts)
    try:
        yield found
    finally:
        emulator.set_pace(PACE)  # whatever still waits comes to its end
        found.new_process()


def running(cloud: Cloud, name: str = "counter", **inputs: Any) -> Kept:
    """A job that runs, on a queue that has run one."""
    if not any(queue["body"]["queue_name"] == "q1" for queue in cloud.emulator.requests(operation="queues.create")):
        cloud.queue("q1").up()
    job = cloud.job(name, **inputs)
    job.up()
    assert cloud.there(name)["status"] == "job_running"
    return job


def project(folder: Path, cloud: Cloud, program: str) -> Stack:
    """A stack of the embedded engine with this program, pointed at the local DLI."""
    (folder / "Pulumi.yaml").write_text("name: streams\nruntime: python\n")
    (folder / "__main__.py").write_text(f"import pulumi\nimport pulumi_dli as dli\n\n{program}")
    env = {
        "PULUMI_PYTHON_CMD": sys.executable,
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "PULUMI_CONFIG_PASSPHRASE": "tests",
    }
    stack = Stack.create_or_select("dev", folder, backend_dir=folder, env=env)
    for key, value in {
        "dli:endpoint": cloud.emulator.url,
        "dli:obsEndpoint": cloud.emulator.objects_url,
        "dli:projectId": "p1",
        "dli:accessKey": "AK",
        "dli:pollSeconds": "0.02",
    }.items():
        stack.set_config(key, ConfigValue(value))
    stack.set_config("dli:secretKey", ConfigValue("canary-of-the-connection", secret=True))
    return stack


def test_01_a_job_that_does_not_run_shows_and_is_mended(cloud: Cloud) -> None:
    """A job that was stopped, failed, finished or ran into arrears is "no changes"."""
    stopped = running(cloud, "stopped")
    failed = running(cloud, "failed", upgrade_mode="stateless")
    arrears = running(cloud, "arrears")
    bounded = running(cloud, "bounded")
    cloud.act("job.stop", job="stopped", savepoint=True)
    cloud.act("job.fail", job="failed", description="the source is gone")
    cloud.act("job.arrears", job="arrears")
    cloud.act("job.finish", job="bounded")
    eventually(lambda: cloud.there("stopped")["status"] == "job_cancel_success")

    for job, state in ((stopped, "suspended"), (failed, "failed"), (arrears, "arrears")):
        assert job.refresh()
        assert job.inputs["state"] == state, "a readable difference: is stopped, shall run"
        assert job.preview().changes
    assert any("the source is gone" in reason for reason in failed.ailing)
    assert arrears.ailing
    assert bounded.refresh()
    assert bounded.outs["status"] == "job_finish"
    assert not bounded.preview().changes, "a bounded job that came to its end is as it should be"

    failed.up()
    assert cloud.there("failed")["status"] == "job_running"
    stopped.up()
    assert cloud.there("stopped")["status"] == "job_cancel_success", "a person stopped it: it is reported, not undone"
    cloud.new_process()
    stopped.refresh()
    assert stopped.preview().changes, "and it goes on being reported"
    stopped.up(repair="all")
    assert cloud.there("stopped")["status"] == "job_running"
    assert cloud.there("stopped")["restored_from"], "with its state"
    again = bounded.up(restart_nonce="monday")
    assert any("runs again from the beginning" in line for line in again.lines)
    assert cloud.there("bounded")["status"] == "job_running"


def test_02_a_refused_start_after_an_accepted_change_is_made_good_by_the_next_up(cloud: Cloud) -> None:
    """The change is accepted and the start refused: one error, then "no changes" for ever while the job is down."""
    job = running(cloud, rollback=False)
    cloud.emulator.fault("jobs.run", 400, code="DLI.13024", message="the queue is frozen")
    with pytest.raises(HostError, match=r"STREAM IS DOWN(.|\n)*frozen") as failure:
        job.up(entrypoint=V2)
    assert failure.value.half_done is not None
    assert job.id in failure.value.message
    down = cloud.there("counter")
    assert down["status"] == "job_cancel_success"
    saved = down["savepoint_path"]
    assert saved in failure.value.message

    since = cloud.mark()
    assert job.preview().changes, "without a refresh"
    assert job.refresh()
    assert job.preview().changes, "with one"
    job.up()
    now = cloud.there("counter")
    assert now["status"] == "job_running"
    assert now["definition"]["entrypoint"] == V2
    assert now["restored_from"] == [saved]
    assert cloud.count("jobs.stop", since=since) == 0
    assert job.untouched()


def test_03_each_jobs_own_answer_to_run_and_stop_counts(cloud: Cloud) -> None:
    """A batch answer holds one flag for each job; they are not looked at."""
    cloud.queue("q1").up()
    good, bad = cloud.job("good"), cloud.job("bad", entrypoint=V2)
    refusal = [{"is_success": "false", "message": "the quota is used up"}]
    cloud.emulator.fault("jobs.run", 200, body=refusal)
    began = time.monotonic()
    with pytest.raises(HostError, match="the quota is used up") as failure:
        bad.up()
    assert time.monotonic() - began < 10, "it is not waited for what was refused"
    assert failure.value.half_done is not None
    bad.up()
    good.up()
    assert {cloud.there(name)["status"] for name in ("good", "bad")} == {"job_running"}
    assert cloud.count("jobs.create") == 2

    # Several times: whether the two runs travel in one call or in two is not the point.
    cloud.emulator.fault("jobs.run", "partial_batch", ids=[int(bad.id)], code="DLI.10001", times=5)
    with (
        Aside(lambda: good.up(restart_nonce="1")) as one,
        Aside(lambda: bad.up(restart_nonce="1", rollback=False)) as two,
    ):
        pass
    assert one.error is None
    assert two.error is not None
    assert cloud.there("good")["status"] == "job_running"
    cloud.emulator.clear_faults()
    bad.up()
    assert cloud.there("bad")["status"] == "job_running"

    started, since = cloud.there("good")["started"], cloud.mark()
    cloud.emulator.fault("jobs.stop", 200, body=[{"is_success": "false", "message": "not at this hour"}])
    with pytest.raises(HostError, match="not at this hour"):
        good.up(entrypoint=V2)
    assert cloud.count("jobs.update", since=since) == 0, "nothing is changed on a job that did not stop"
    assert (cloud.there("good")["status"], cloud.there("good")["started"]) == ("job_running", started)


def test_04_a_flag_may_be_quoted_or_not(cloud: Cloud) -> None:
    """A boolean where a quoted one is expected, or the reverse, is an error: each apply makes one more job."""
    for name, bare in (("quoted", False), ("bare", True)):
        cloud.quirk(sample_types=bare)
        queue = cloud.queue(f"on_{name}")
        queue.up()
        job = cloud.job(name, queue_name=queue.outs["queue_name"])
        job.up()
        assert cloud.there(name)["status"] == "job_running"
        assert job.untouched()
        assert queue.untouched()
    assert cloud.count("jobs.create") == len(cloud.emulator.jobs()) == 2
    assert cloud.count("queues.create") == 2


def test_05_a_queue_may_be_named_with_capitals(cloud: Cloud) -> None:
    """The service stores names in lower case: a name with capitals is an error, and the queue an orphan."""
    queue = cloud.queue("TestQueue")
    queue.up()
    assert queue.id == "testqueue"
    assert queue.untouched()
    job = cloud.job("counter", queue_name="TestQueue")
    job.up()
    assert job.untouched()
    cloud.quirk(queue_casing="lower")
    assert job.untouched()
    job.destroy()
    queue.destroy()
    assert cloud.queue("testqueue").preview().changes
    assert cloud.count("queues.create") == 1
    cloud.queue("testqueue").up()  # the name is free: nothing was left behind


def test_06_a_cancel_ends_every_wait_at_once(cloud: Cloud) -> None:
    """Fixed sleeps, of minutes, that ^C cannot end."""
    cloud.emulator.set_pace(0)
    cloud.poll_seconds = 12  # the first pause between two looks; later ones are longer
    cloud.queue("q1").up()
    job, group = cloud.job("counter"), cloud.group("libs", cloud.put("a.jar"))
    with Aside(job.up) as jobs_up, Aside(group.up) as groups_up:
        eventually(lambda: cloud.count("jobs.get") > 0 and cloud.count("packages.list") > 1)
        began = time.monotonic()
        cloud.host.cancel()
        for wait in (jobs_up, groups_up):
            error = wait.join()
            assert error is not None
            assert error.half_done is not None, "what was begun is kept"
        assert time.monotonic() - began < 3
    assert job.id == str(cloud.there("counter")["job_id"])
    assert group.id == "libs"

    cloud.new_process()
    cloud.poll_seconds = 0.02
    cloud.emulator.set_pace(PACE)
    since = cloud.mark()
    job.up()
    group.up()
    assert cloud.there("counter")["status"] == "job_running"
    assert cloud.count("jobs.create", "jobs.run", "packages.upload", since=since) == 0


def test_07_a_change_keeps_the_state_and_a_topic_restarts_nothing(cloud: Cloud) -> None:
    """The default update drops the stream's state; a topic changed along with a tag restarts it."""
    job = running(cloud, tags={"team": "a"}, smn_topic="old")
    began, since = cloud.there("counter")["started"], cloud.mark()
    job.up(tags={"team": "b"}, smn_topic="new")
    assert cloud.count(*STOP_OR_START, since=since) == 0
    assert cloud.calls("jobs.update", since) == [{"smn_topic": "new"}]
    assert cloud.there("counter")["started"] == began
    assert job.untouched()

    counted = cloud.there("counter")["state_seconds"]
    job.up(entrypoint=V2)
    now = cloud.there("counter")
    assert now["definition"]["entrypoint"] == V2
    assert len(now["restored_from"]) == 1
    assert now["state_seconds"] > counted
    (stop,), (run,) = cloud.calls("jobs.stop", since), cloud.calls("jobs.run", since)
    assert stop["trigger_savepoint"] is True
    assert run["resume_savepoint"] is True


def test_08_a_text_that_is_taken_away_is_cleared(cloud: Cloud) -> None:
    """Taking an optional text out of the program is never sent, and shows as a change for ever."""
    job = running(cloud, desc="a note", smn_topic="topic", entrypoint_args="-rate 3")
    job.up(smn_topic=None)
    assert cloud.there("counter")["definition"]["smn_topic"] == ""
    assert job.untouched()
    job.up(desc=None)
    assert job.untouched()
    job.up(entrypoint_args=None)
    definition = cloud.there("counter")["definition"]
    assert (definition["entrypoint_args"], definition["desc"]) == ("", "")
    assert job.untouched()


def test_09_a_failed_savepoint_ends_the_update_at_once_and_changes_nothing(cloud: Cloud) -> None:
    """A failed savepoint is waited for until the timeout, then the change hits a running job."""
    job = running(cloud)
    cloud.emulator.behave("savepoint_fail", description="the bucket is full")
    started, since, began = cloud.there("counter")["started"], cloud.mark(), time.monotonic()
    with pytest.raises(HostError, match="the bucket is full") as failure:
        job.up(entrypoint=V2)
    assert time.monotonic() - began < 5, "the timeout is half an hour"
    assert failure.value.half_done is None
    assert cloud.count("jobs.update", "jobs.run", since=since) == 0
    now = cloud.there("counter")
    assert (now["status"], now["started"], now["definition"]["entrypoint"]) == ("job_running", started, V1)

    cloud.emulator.clear_faults()
    job.up()
    assert cloud.there("counter")["definition"]["entrypoint"] == V2
    assert len(cloud.there("counter")["restored_from"]) == 1


def test_10_a_version_that_does_not_come_up_gives_way_to_the_old_one_with_its_state(cloud: Cloud) -> None:
    """There is no rollback: a new version that fails leaves the stream down."""
    job = running(cloud)
    counted = cloud.there("counter")["state_seconds"]
    cloud.emulator.behave("submit_fail", match={"entrypoint": "v2"}, description="NoClassDefFoundError")
    with pytest.raises(HostError, match="NoClassDefFoundError") as failure:
        job.up(entrypoint=V2)
    assert "previous version runs again" in failure.value.message
    now = cloud.there("counter")
    assert (now["status"], now["definition"]["entrypoint"]) == ("job_running", V1)
    assert len(now["restored_from"]) == 1
    assert now["state_seconds"] > counted
    assert job.preview().changes, "the new version is still wanted"

    cloud.emulator.clear_faults()
    cloud.emulator.behave("running_exception", match={"entrypoint": "v2"}, after=20, description="poison")
    with pytest.raises(HostError, match="poison"):
        job.up()
    assert cloud.there("counter")["definition"]["entrypoint"] == V1, "one that fails soon after its start counts too"
    cloud.emulator.clear_faults()
    job.up()
    assert cloud.there("counter")["definition"]["entrypoint"] == V2
    assert cloud.there("counter")["state_seconds"] > counted


def test_11_trouble_while_waiting_never_costs_a_healthy_job(cloud: Cloud) -> None:
    """One server error or ^C while the job starts marks it as broken: the next apply destroys it and makes another."""
    cloud.queue("q1").up()
    cloud.emulator.fault("jobs.get", 500)
    patient = cloud.job("patient")
    patient.up()
    assert cloud.there("patient")["status"] == "job_running"

    refused, cancelled = cloud.job("refused"), cloud.job("cancelled")
    cloud.emulator.fault("jobs.get", 403, code="DLI.0003", message="not allowed just now")
    with pytest.raises(HostError, match="not allowed just now"):
        refused.up()
    cloud.emulator.set_pace(0)
    with Aside(cancelled.up) as up:
        eventually(lambda: cloud.count("jobs.run") == 3)
        cloud.host.cancel()
    assert up.error is not None
    cloud.emulator.set_pace(PACE)
    eventually(lambda: cloud.there("cancelled")["status"] == "job_running")
    cloud.new_process()

    for job in (refused, cancelled):
        before = cloud.there(job.program["name"])
        assert job.id == str(before["job_id"])
        assert job.refresh()
        job.up()
        after = cloud.there(job.program["name"])
        assert (after["job_id"], after["started"]) == (before["job_id"], before["started"])
        assert job.untouched()
    assert cloud.count("jobs.delete", "jobs.delete_many", "jobs.stop") == 0
    assert cloud.count("jobs.create", "jobs.run") == 6


def test_12_what_was_created_is_found_again_when_its_answer_is_lost(cloud: Cloud) -> None:
    """A connection that is lost after the create was handled leaves an orphan."""
    for operation in ("queues.create", "jobs.create", "jobs.run"):
        cloud.emulator.fault(operation, "drop_after")
    job = running(cloud)
    assert len(cloud.emulator.jobs()) == 1
    assert job.untouched()

    cloud.emulator.set_pace(0)
    killed = cloud.job("killed")
    with Aside(killed.up):
        eventually(lambda: cloud.count("jobs.run") == 2)
        os.kill(cloud.host.pid, signal.SIGKILL)
    assert not killed.id, "the stack does not know of it"
    cloud.emulator.set_pace(PACE)
    cloud.new_process()
    first = cloud.there("killed")
    killed.up()
    assert killed.id == str(first["job_id"])
    assert cloud.there("killed")["status"] == "job_running"
    assert len(cloud.emulator.jobs()) == 2
    assert cloud.count("jobs.run") == 2, "it was started already"


def test_13_a_throttled_call_waits_as_long_as_it_is_told(cloud: Cloud) -> None:
    """One 429 with Retry-After 1 costs a minute."""
    cloud.queue("q1").up()
    cloud.emulator.fault("jobs.create", 429, retry_after=1)
    began = time.monotonic()
    cloud.job("counter").up()
    assert 1 <= time.monotonic() - began < 8
    first, second = cloud.emulator.requests(operation="jobs.create")
    assert second["time"] - first["time"] >= 1
    assert len(cloud.emulator.jobs()) == 1


PACKAGES = f"""\
queue = dli.Queue("q1", cu_count=16)
group = dli.PackageGroup("libs", packages=["app.jar"], bucket="{BUCKET}")
job = dli.FlinkJarJob(
    "counter", queue_name=queue.queue_name, entrypoint=group.package("app.jar"), main_class="a.B", obs_bucket="{BUCKET}"
)
"""


def test_14_new_bytes_restart_the_job_and_the_old_ones_stay(cloud: Cloud, tmp_path: Path) -> None:
    """The old package is deleted before the new one is used; new bytes under the same name leave the job on the old."""
    stack = project(tmp_path, cloud, PACKAGES)
    (tmp_path / "app.jar").write_bytes(b"first")
    stack.up(refresh=False)
    old = cloud.there("counter")["definition"]["entrypoint"]
    (tmp_path / "app.jar").write_bytes(b"second")
    since = cloud.mark()
    stack.up(refresh=False)

    now = cloud.there("counter")
    assert now["definition"]["entrypoint"] != old, "new bytes never overwrite those that a job runs on"
    assert len(now["restored_from"]) == 1
    assert cloud.count("packages.delete", since=since) == 0
    order = [call["operation"] for call in cloud.emulator.requests(since=since)]
    assert order.index("packages.upload") < order.index("jobs.stop") < order.index("jobs.update")
    names = {path.rpartition("/")[2] for upload in cloud.calls("packages.upload") for path in upload["paths"]}
    assert {old.removeprefix("libs/"), now["definition"]["entrypoint"].removeprefix("libs/")} == names

    # The same for an object in OBS whose new bytes the program vouches for.
    job = running(cloud, "plain", entrypoint={"path": V1, "digest": "aaaa"})
    job.up(entrypoint={"path": V1, "digest": "bbbb"})
    assert len(cloud.there("plain")["restored_from"]) == 1


def test_15_a_group_is_made_when_all_its_packages_are_ready(cloud: Cloud) -> None:
    """A package that is still uploading is used, and one that failed goes unnoticed."""
    cloud.emulator.set_pace(0)
    group = cloud.group("libs", cloud.put("a.jar"), cloud.put("b.csv"))
    with Aside(group.up) as up:
        eventually(lambda: cloud.count("packages.list") >= 4)
        assert up.goes_on, "nothing is READY yet"
        cloud.emulator.advance(10)
    assert up.error is None
    assert {one["status"] for one in group.outs["package_status"]} == {"READY"}

    cloud.emulator.set_pace(PACE)
    cloud.emulator.behave("upload_failed", match={"name": "bad.jar"})
    bad = cloud.put("bad.jar")
    with pytest.raises(HostError, match=r"bad\.jar(.|\n)*FAILED") as failure:
        group.up(packages=[*group.program["packages"], {"path": bad}])
    assert failure.value.half_done is not None
    assert group.refresh()
    assert any("bad.jar" in reason for reason in group.ailing)
    cloud.emulator.clear_faults()
    since = cloud.mark()
    group.up()
    uploads = cloud.calls("packages.upload", since)
    assert [path.rpartition("/")[2] for upload in uploads for path in upload["paths"]] == ["bad.jar"]
    assert {one["status"] for one in group.outs["package_status"]} == {"READY"}
    assert group.untouched()


def test_16_deleting_what_is_gone_is_done(cloud: Cloud) -> None:
    """Deleting what somebody has deleted already is an error."""
    job, group = running(cloud), cloud.group("libs", cloud.put("a.jar"))
    group.up()
    queues = {code: cloud.queue(f"q_{number}") for number, code in enumerate(("documented", "DLI.0008", "DLI.0023"))}
    for queue in queues.values():
        queue.up()
    for queue in queues.values():
        cloud.act("queue.delete", queue=queue.id)
    cloud.act("job.delete", job="counter")
    cloud.act("package.delete", group="libs", name="a.jar")
    job.destroy()
    group.destroy()
    for code, queue in queues.items():
        cloud.emulator.quirk(queue_not_found=code)
        queue.destroy()


def test_17_what_the_service_refuses_to_delete_stays_in_the_state(cloud: Cloud) -> None:
    """A refused delete drops the resource from the state."""
    queue, group = cloud.queue("q1"), cloud.group("libs", cloud.put("a.jar"))
    queue.up()
    group.up()
    job = cloud.job("counter")
    job.up()
    with pytest.raises(HostError, match=r"queue q1 was not deleted(.|\n)*DLI\.0007"):
        queue.destroy()
    assert queue.refresh()

    refusal = {"error_code": "DLI.10001", "error_msg": "in use elsewhere"}
    cloud.emulator.fault("jobs.delete_many", 400, body=[refusal])
    with pytest.raises(HostError, match="in use elsewhere"):
        job.destroy()
    assert cloud.there("counter")
    cloud.emulator.fault("packages.delete", 400, code="DLI.0007", message="in use elsewhere")
    with pytest.raises(HostError, match=r"package libs/a\.jar was not deleted(.|\n)*in use elsewhere"):
        group.destroy()
    assert group.refresh()

    for one in (job, group, queue):
        one.destroy()
    assert cloud.emulator.jobs() == []


def test_18_what_the_program_leaves_out_is_nobodys_change(cloud: Cloud) -> None:
    """A default that the service filled in, and the program left out, replaces the queue."""
    queue = cloud.queue("q1", cu_count=64)
    queue.up()
    job = cloud.job("counter", obs_bucket=None, main_class=None)
    job.up()
    cloud.act("job.edit", job="counter", fields={"checkpoint_interval": 30, "cu_number": 4, "parallel_number": 3})
    for quirks in ({}, {"snake_details": True, "sample_types": True, "null_details": True}):
        cloud.quirk(**quirks)
        assert queue.untouched()
        assert job.untouched()
    since = cloud.mark()
    queue.up(cu_count=256)
    assert cloud.count("queues.delete", "queues.create", since=since) == 0
    assert queue.outs["cu_count"] == 256


def test_19_runtime_settings_mean_the_same_in_every_form(cloud: Cloud) -> None:
    """`runtime_config` comes back as a list where it was given as an object, or the reverse: a difference for ever."""
    settings = {"taskmanager.numberOfTaskSlots": "2", "state.backend": "rocksdb"}
    pairs = [{"key": key, "value": value} for key, value in settings.items()]
    lines = "\n".join(f"{key}={value}" for key, value in settings.items())
    job = running(cloud, runtime_config=settings)
    for form in (
        pairs,
        json.dumps(settings),
        json.dumps(pairs),
        lines,
        {**settings, "taskmanager.numberOfTaskSlots": 2},
    ):
        assert not job.preview(runtime_config=form).changes, form

    forms = {"object": json.dumps(settings), "list": json.dumps(pairs[::-1]), "lines": lines}
    jobs = {name: running(cloud, name, runtime_config=settings) for name in forms}
    for name, text in forms.items():
        cloud.act("job.edit", job=name, fields={"runtime_config": text})
    for name in forms:
        assert jobs[name].untouched(), name
    for name, text in forms.items():
        cloud.act("job.edit", job=name, fields={"runtime_config": text.replace("rocksdb", "hashmap")})
    for name in forms:
        assert jobs[name].refresh()
        assert jobs[name].inputs["runtime_config"]["state.backend"] == "hashmap", name
        assert jobs[name].preview().changes


def test_20_a_wait_lasts_as_long_as_it_says(cloud: Cloud) -> None:
    """A wait has lost its unit: seconds became nanoseconds."""
    cloud.emulator.set_pace(0)
    cloud.poll_seconds = 0.2
    cloud.queue("q1").up()
    job = cloud.job("counter")
    began = time.monotonic()
    with pytest.raises(HostError, match="job_submitting after 1 s") as failure:
        job.up(timeout=1.5 / 1.1)
    assert 1.2 < time.monotonic() - began < 4
    assert failure.value.half_done is not None
    assert job.id
    assert 2 <= cloud.count("jobs.get", "jobs.list") <= 12, "looks keep their distance"


def test_21_only_the_tags_that_differ_are_touched(cloud: Cloud) -> None:
    """Tags are changed by deleting all of them and adding all of them."""
    before, after = {"keep": "1", "turn": "2", "drop": "3"}, {"keep": "1", "turn": "9", "come": "4"}
    queue = cloud.queue("q1", tags=before)
    queue.up()
    group = cloud.group("libs", cloud.put("a.jar"), tags=before)
    group.up()
    job = cloud.job("counter", tags=before)
    job.up()
    for resource in (queue, group, job):
        since = cloud.mark()
        resource.up(tags=after)
        added = {pair["key"]: pair["value"] for body in cloud.calls("tags.create", since) for pair in body["tags"]}
        deleted = {pair["key"] for body in cloud.calls("tags.delete", since) for pair in body["tags"]}
        assert added == {"turn": "9", "come": "4"}
        assert "drop" in deleted
        assert deleted <= {"turn", "drop"}
        assert resource.untouched()


SECRETS = f"""\
queue = dli.Queue("q1", cu_count=16)
job = dli.FlinkJarJob(
    "counter", queue_name=queue.queue_name, entrypoint="{V1}", main_class="a.B", obs_bucket="{BUCKET}",
    entrypoint_args=pulumi.Output.secret("--password canary-of-arguments"),
    runtime_config={{"s3.secret-key": pulumi.Output.secret("canary-of-settings")}},
    upgrade_mode="stateless",
)
pulumi.export("told", job.status_desc)
"""


def test_22_secret_inputs_stay_secret(cloud: Cloud, tmp_path: Path) -> None:
    """Nothing about a job is secret: arguments and runtime settings are in clear in state, plan and logs."""
    stack = project(tmp_path, cloud, SECRETS)
    seen: list[str] = []

    def run(what: str, **options: Any) -> Any:
        return getattr(stack, what)(on_output=seen.append, on_event=lambda event: seen.append(str(event)), **options)

    run("preview")
    run("up")
    assert cloud.there("counter")["definition"]["entrypoint_args"] == "--password canary-of-arguments"
    spill = "cannot log in with canary-of-arguments and canary-of-settings"
    cloud.act("job.fail", job="counter", description=spill)
    cloud.emulator.behave("submit_fail", description=spill)
    with pytest.raises(OperationError) as failure:
        run("up", refresh=True)
    seen += [str(failure.value), str(failure.value.diagnostics)]
    seen += [json.dumps(stack.export_stack().deployment)]
    seen += [path.read_text() for path in tmp_path.rglob("*") if path.suffix in (".json", ".yaml")]
    text = "\n".join(seen)
    assert "cannot log in with" in text, "the reason is told"
    for canary in ("canary-of-arguments", "canary-of-settings", "canary-of-the-connection"):
        assert canary not in text


def test_23_the_preview_tells_a_restart_from_a_live_change(cloud: Cloud) -> None:
    """The plan says "update in place" whether the stream stops or not."""
    job = running(cloud)
    for change, line in (
        ({"smn_topic": "topic"}, "live change (smn_topic)"),
        ({"desc": "a note"}, "with the next restart (desc)"),
        ({"entrypoint": V2}, "restart with savepoint (entrypoint)"),
        ({"entrypoint": V2, "upgrade_mode": "stateless"}, "restart, state is dropped (entrypoint)"),
        ({"state": "suspended"}, "stops with savepoint (state)"),
    ):
        before = dict(job.program)
        told = job.preview(**change).lines
        assert line in told, (change, told)
        job.program = before
    assert cloud.count("jobs.stop", "jobs.update") == 0
    assert "creates and starts" in cloud.job("another").preview().lines


def test_24_thirty_jobs_are_started_by_few_calls(cloud: Cloud) -> None:
    """Thirty jobs cost thirty calls to run them."""
    cloud.poll_seconds = 1.0  # a batch waits as long for the next of those who are on their way
    cloud.queue("q1", cu_count=64).up()
    cloud.emulator.fault("jobs.create", "delay", delay=0.1, times=30)  # a service on the same machine has no latency
    jobs = [cloud.job(f"job-{number}") for number in range(30)]
    ups = [Aside(job.up) for job in jobs]
    since = cloud.mark()
    for up in ups:
        up.__enter__()
    for up in ups:
        assert up.join() is None
    assert {job["status"] for job in cloud.emulator.jobs()} == {"job_running"}
    assert cloud.count("jobs.create", since=since) == 30
    assert cloud.count("jobs.get", "jobs.list", since=since) <= 60, "those who wait share their looks"
    assert sorted(id_ for body in cloud.calls("jobs.run", since) for id_ in body["job_ids"]) == sorted(
        int(job.id) for job in jobs
    )
    assert cloud.count("jobs.run", since=since) <= 2, "one batch; a second only on a very busy machine"
