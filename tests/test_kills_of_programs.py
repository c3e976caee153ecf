"""A deployment of a whole program is killed at each HTTP call that it makes: one more `up` ends as declared.

The embedded engine is hit at every call, the Pulumi CLI at every writing one, in three ways: the engine dies, the
provider's host dies, a person presses ^C. At the chosen call the local DLI does what it is asked and holds the answer,
so the blow falls while the effect is there and nobody has seen it. To die before a call has its effect is to die after
the call before it; the direct host (test_kill_matrix.py) is killed on both sides of each call nevertheless.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.machine import family_of, role_of
from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import eventually
from tests.engines import ENGINES, Cli, Embedded, Engine, connection, leftovers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # part of `make test-full`

QUICK_START = """
queue = dli.Queue("q", cu_count=16)
group = dli.PackageGroup("g", packages=["obs://jars/a.jar", "obs://jars/b.jar"])
dli.FlinkJarJob(
    "j",
    queue_name=queue.queue_name,
    entrypoint=group.package(config.require("jar")),
    main_class="Main",
    obs_bucket="state",
    checkpoint_enabled=True,
    entrypoint_args=config.require_secret("arguments"),
)
"""
WRITES = {
    "quick start": ("queues.create", "packages.upload", "jobs.create", "jobs.run"),
    "upgrade": ("jobs.stop", "jobs.update", "jobs.run"),
}
ENGINE, HOST, INTERRUPT = "engine", "host", "^C"
BLOWS = (ENGINE, HOST, INTERRUPT)
CANARIES = ("canary-of-arguments-Qm44", "canary-of-the-secret-key-Zt81")
MOST_CALLS = 40
HOLD_SECONDS = 60.0  # never waited for: the answer is let go when the blow has fallen
PATIENCE = 60.0


@dataclass(frozen=True)
class Hit:
    """A deployment that a blow has hit, and the call at which it did."""

    operation: str
    output: str
    status: int
    hosts: list[int]


@dataclass
class Deployed:
    """The program as a stack of its own in a project of its own."""

    engine: Engine
    dli: Emulator
    project_id: str
    jar: str = ""

    def declare(self, jar: str) -> None:
        self.jar = jar
        self.quick.configure({"jar": jar})

    @property
    def quick(self) -> Engine:
        """The cheaper engine on the same stack, for what is not the subject."""
        return self.engine.taken_over_by(Embedded)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return [job for job in self.dli.jobs() if job["project_id"] == self.project_id]

    @property
    def job(self) -> dict[str, Any]:
        (job,) = self.jobs
        return job

    def objects(self) -> dict[str, str]:
        """The ids of what is there of the program, by the names of the resources."""
        queues = {queue.name: queue.name for queue in self.dli.service.queues.of(self.project_id)}
        groups = {package.group: package.group for package in self.dli.service.packages.of(self.project_id)}
        found = {**queues, **groups, **{job["name"]: str(job["job_id"]) for job in self.jobs}}
        return {name: known for name, known in found.items() if name in ("q", "g", "j")}


Deploy = Callable[[str], Deployed]


@pytest.fixture
def deploy(dli: Emulator, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """`deploy(kind)` makes one more stack for an engine of that kind; nothing is deployed yet."""
    for jar in ("a.jar", "b.jar"):
        dli.put_object("jars", jar, jar.encode())
    home, numbers = tmp_path_factory.getbasetemp() / "pulumi-home", itertools.count(1)

    def deploy(kind: str) -> Deployed:
        if kind == "cli":
            Cli.needed()
        engine = ENGINES[kind](tmp_path / str(next(numbers)), home)
        stack = Deployed(engine, dli, uuid.uuid4().hex)
        engine.write(QUICK_START)
        stack.quick.configure({**connection(dli, stack.project_id), "dli:pollSeconds": "0.1"})
        stack.quick.configure(dict(zip(("arguments", "dli:secretKey"), CANARIES, strict=True)), secret=True)
        stack.declare("a.jar")
        return stack

    return deploy


# the blows


def strike(stack: Deployed, blow: str, operation: str, nth: int = 1) -> Hit | None:
    """An `up` that is hit when its nth call of `operation` has had its effect; None when it made fewer calls."""
    dli = stack.dli
    since = len(dli.service.journal.entries)
    fault = dli.fault(operation, "held_answer", nth=nth, delay=HOLD_SECONDS)
    process = stack.engine.start("up")
    try:
        eventually(lambda: fired(dli, fault) or process.poll() is not None, seconds=PATIENCE, what="the call")
        if not fired(dli, fault):
            assert process.wait() == 0, process.stdout and process.stdout.read()
            return None
        family = family_of(process.pid)
        hosts = [pid for pid in family if role_of(pid) == "host"]
        output = fall(blow, process, hosts, lambda: dli.clear_faults(fault))
        end_language_hosts(family)
    finally:
        dli.clear_faults()
        end(process)
    (hit,) = (e.operation for e in itertools.islice(dli.service.journal.entries, since, None) if e.fault)
    return Hit(hit, output, process.returncode, hosts)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def fired(dli: Emulator, fault: int) -> bool:
    return any(known.id == fault and known.fired for known in dli.service.faults.listed)  # cheap: it is asked often


def fall(blow: str, process: subprocess.Popen[str], hosts: list[int], let_go: Callable[[], None]) -> str:
    """Deal the blow, then let the held answer go; what was printed."""
    assert process.stdout is not None
    said = ""
    if blow == ENGINE:
        process.kill()
        process.wait()
    elif blow == HOST:
        assert len(hosts) == 1
        os.kill(hosts[0], signal.SIGKILL)
        wait_for_the_end_of(hosts)
    else:
        process.send_signal(signal.SIGINT)
        for line in process.stdout:
            said += line
            if "cancelling" in line:
                break
        time.sleep(0.1)  # the engine tells its hosts after it has told the person
    let_go()
    said += process.stdout.read()
    process.wait()
    return said


def end_language_hosts(pids: list[int]) -> None:
    """Those of a killed CLI stay for minutes, and do nothing."""
    for pid in pids:
        if any("pulumi-language-python" in word for word in words_of(pid)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def words_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def wait_for_the_end_of(pids: list[int]) -> None:
    eventually(lambda: not any(map(alive, pids)), seconds=PATIENCE, what="the end of the processes")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# what must be true then


def nothing_is_forgotten(stack: Deployed, hit: Hit) -> None:
    """After one ^C: what exists is in the state, and nothing is pending."""
    assert hit.status != 0
    assert not stack.quick.export().get("pending_operations")
    kept = stack.quick.resources()
    assert stack.objects() == {name: record["id"] for name, record in kept.items()}
    if "j" in kept and not kept["j"].get("initErrors"):
        told = kept["j"]["inputs"]["entrypoint"]  # that of before where the blow fell before the update
        assert (stack.job["status"], stack.job["definition"]["entrypoint"]) == ("job_running", told)


def everything_is_as_declared(stack: Deployed) -> None:
    found = stack.engine.preview(refresh=True)
    assert found.ok, found.text
    assert (found.ops(), found.drifted()) == ({}, {})
    assert sorted(leftovers(stack.dli, stack.project_id)) == ["a.jar", "b.jar", "j", "q"]
    assert (stack.job["status"], stack.job["definition"]["entrypoint"]) == ("job_running", f"g/{stack.jar}")
    kept = stack.quick.resources()
    assert {name: record["id"] for name, record in kept.items()} == stack.objects()
    assert not any(record.get("initErrors") for record in kept.values())


def nothing_secret_is_told(stack: Deployed, *texts: str) -> None:
    for canary in CANARIES:
        assert canary not in stack.engine.stored()
        assert not any(canary in text for text in texts)


def repair(stack: Deployed, blow: str, hit: Hit) -> None:
    """What a person does then, as the README says it; the stack is as declared afterwards."""
    if blow == INTERRUPT:
        nothing_is_forgotten(stack, hit)
    if stack.engine.kind == "cli":
        if blow == ENGINE:
            stack.engine.stack().cancel()  # the killed CLI has left its lock; its host may still be at work
    else:
        wait_for_the_end_of(hit.hosts)
    done = stack.engine.up()
    assert done.ok, (hit, done.text)
    wait_for_the_end_of(hit.hosts)
    everything_is_as_declared(stack)
    if stack.engine.kind == "cli" and stack.quick.export().get("pending_operations"):
        stack.engine.stack().refresh(clear_pending_creates=True)
        assert not stack.quick.export().get("pending_operations")
    nothing_secret_is_told(stack, hit.output, done.text, *done.events)


def start_is_finished(stack: Deployed, blow: str, operation: str, nth: int = 1) -> Hit | None:
    hit = strike(stack, blow, operation, nth)
    if hit is not None:
        repair(stack, blow, hit)
        if hit.operation in WRITES["quick start"]:
            gone = stack.quick.destroy()
            assert gone.ok, gone.text
            assert leftovers(stack.dli, stack.project_id) == []
    return hit


def upgrade_is_finished(stack: Deployed, blow: str, operation: str, nth: int = 1) -> Hit | None:
    before = stack.job
    stack.declare("b.jar" if stack.jar == "a.jar" else "a.jar")
    hit = strike(stack, blow, operation, nth)
    if hit is not None:
        repair(stack, blow, hit)
        assert stack.job["job_id"] == before["job_id"]
        assert len(stack.job["restored_from"]) > len(before["restored_from"])
        assert stack.job["state_seconds"] > before["state_seconds"] > 60
    return hit


def hit_at_every_call(writes: Sequence[str], finish: Callable[[str, int], Hit | None]) -> None:
    """`finish(operation, nth)` for the first call, the second, and so on to the last."""
    hits = []
    for nth in range(1, MOST_CALLS):
        hit = finish("*", nth)
        if hit is None:
            break
        hits.append(hit.operation)
    else:
        raise AssertionError(f"still not at the end after {MOST_CALLS} calls")
    assert len(hits) >= 8
    for operation in set(writes) - set(hits):  # the calls are not in the same order in each run, nor as many
        assert finish(operation, 1)


@pytest.mark.parametrize("blow", BLOWS)
def test_a_quick_start_that_is_hit_at_any_call_is_finished_by_the_next_up(deploy: Deploy, blow: str) -> None:
    hit_at_every_call(WRITES["quick start"], lambda call, nth: start_is_finished(deploy("embedded"), blow, call, nth))


@pytest.mark.parametrize("blow", BLOWS)
def test_an_upgrade_that_is_hit_at_any_call_is_finished_with_its_state(deploy: Deploy, blow: str) -> None:
    """The same stream all the time: it keeps its state through all of the blows."""
    stack = deploy("embedded")
    assert stack.quick.up().ok
    hit_at_every_call(WRITES["upgrade"], lambda call, nth: upgrade_is_finished(stack, blow, call, nth))


@pytest.mark.cli
@pytest.mark.parametrize("blow", BLOWS)
@pytest.mark.parametrize("operation", WRITES["quick start"])
def test_a_quick_start_with_the_cli_is_finished_by_the_next_up(deploy: Deploy, operation: str, blow: str) -> None:
    assert start_is_finished(deploy("cli"), blow, operation)


@pytest.mark.cli
@pytest.mark.parametrize("blow", BLOWS)
@pytest.mark.parametrize("operation", WRITES["upgrade"])
def test_an_upgrade_with_the_cli_is_finished_with_its_state(deploy: Deploy, operation: str, blow: str) -> None:
    stack = deploy("cli")
    assert stack.quick.up().ok
    assert upgrade_is_finished(stack, blow, operation)
