"""Kills and ^C at the worst moments: nothing made is lost, nothing stays behind, the next up goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .engines import Embedded, toy

pytestmark = pytest.mark.slow
PATIENCE = 30.0


@contextmanager
def running_up(yard: Embedded) -> Iterator[subprocess.Popen[str]]:
    """An up in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pulumi_dli.embedded", "up", "--yes", "--cwd", str(yard.project)],
        env={**os.environ, **yard.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(what: object, yard: Embedded) -> int:
    """Wait for the call named `what`; the pid of the host that got it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for call in yard.calls(forget=False):
            if f"{call['call']} {call['name']}" == what:
                return int(call["pid"])
        time.sleep(0.02)
    raise AssertionError(f"{what} never came")


def gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if status == "Z":
            return True
        time.sleep(0.02)
    return False


def slow_plan(yard: Embedded) -> Path:
    gate = yard.home / "gate"
    yard.plan(toy("a"), toy("b", wait=str(gate), ref={"$ref": "a.id"}))
    yard.stack()
    return gate


def test_a_killed_engine_takes_its_children_along_and_leaves_a_pending_create(yard: Embedded) -> None:
    gate = slow_plan(yard)
    with running_up(yard) as engine:
        host = until("create b", yard)
        engine.kill()
        engine.wait()
        assert gone(host)
    pending = yard.deployment()["pending_operations"]
    assert [(item["type"], item["resource"]["urn"].split("::")[-1]) for item in pending] == [("creating", "b")]
    gate.touch()
    done = yard.run("up")
    assert not done.failed, done.text
    assert "took over the lock of an operation that died" in done.text
    assert any("interrupted while creating" in text for severity, _, text in done.messages if severity == "warning")
    assert {state.name for state in yard.resources() if not state.is_provider} == {"toy-dev", "a", "b"}
    assert len(yard.deployment()["pending_operations"]) == 1, "kept until a person clears it, as the CLI does"


def test_a_killed_host_fails_its_calls_and_the_rest_is_saved(yard: Embedded) -> None:
    slow_plan(yard)
    with running_up(yard) as engine:
        os.kill(until("create b", yard), signal.SIGKILL)
        output, _ = engine.communicate(timeout=PATIENCE)
    assert engine.returncode == 1
    assert "the provider process ended unexpectedly" in output
    assert "Traceback" not in output
    assert {state.name for state in yard.resources() if not state.is_provider} == {"toy-dev", "a"}


def test_one_interrupt_finishes_what_is_under_way_and_records_it(yard: Embedded) -> None:
    gate = yard.home / "gate"
    yard.plan(toy("a", wait=str(gate)), toy("b", ref={"$ref": "a.id"}))
    yard.stack()
    with running_up(yard) as engine:
        until("create a", yard)
        engine.send_signal(signal.SIGINT)
        assert engine.stdout is not None
        for line in engine.stdout:
            if "cancelling" in line:
                break
        gate.touch()
        output, _ = engine.communicate(timeout=PATIENCE)
    assert engine.returncode == 1
    assert "update cancelled" in output
    assert {state.name for state in yard.resources() if not state.is_provider} == {"toy-dev", "a"}
    assert "pending_operations" not in yard.deployment()
    assert list((yard.backend / ".pulumi" / "locks").rglob("*.json")) == []
    assert not yard.run("up").failed
    assert yard.objects() == {"a-0", "b-0"}


def test_the_second_interrupt_ends_it_at_once(yard: Embedded) -> None:
    slow_plan(yard)
    with running_up(yard) as engine:
        host = until("create b", yard)
        engine.send_signal(signal.SIGINT)
        assert engine.stdout is not None
        for line in engine.stdout:
            if "cancelling" in line:
                break
        engine.send_signal(signal.SIGINT)
        engine.communicate(timeout=PATIENCE)
        assert gone(host)
    assert engine.returncode == 1
    assert {state.name for state in yard.resources() if not state.is_provider} == {"toy-dev", "a"}
    pending = yard.deployment()["pending_operations"]
    assert [(item["type"], item["resource"]["urn"].split("::")[-1]) for item in pending] == [("creating", "b")]


@pytest.mark.parametrize("moment", range(6))
def test_a_kill_at_any_moment_loses_no_object(yard: Embedded, moment: int) -> None:
    yard.plan(
        *[toy(f"t{number}", **({"ref": {"$ref": f"t{number - 3}.id"}} if number > 2 else {})) for number in range(20)]
    )
    yard.stack()
    with running_up(yard) as engine:
        host = until(f"create t{moment * 3}", yard)
        engine.kill()
        engine.wait()
        assert gone(host)
    deployment = yard.deployment()
    known = {state.name for state in yard.resources()}
    known |= {item["resource"]["urn"].split("::")[-1] for item in deployment.get("pending_operations", [])}
    assert {id_.rpartition("-")[0] for id_ in yard.objects()} <= known
    assert not yard.run("up").failed
    assert {state.name for state in yard.resources() if state.custom and not state.is_provider} == {
        f"t{number}" for number in range(20)
    }
