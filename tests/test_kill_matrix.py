"""The provider dies at any call, before or after the service has done what it asked: the next `up` ends as declared.

The whole matrix runs in this process: from the k-th call on nothing is sent any more, and what unwinds is no exception
that our code could catch as an error. Real hosts are killed with SIGKILL at every call of a create and of an upgrade.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import requests

from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import eventually
from tests.resources.conftest import _shared_emulator, emulator  # noqa: F401
from tests.stacks import HostedPhase, SqlStream, Stack, Stream

pytestmark = pytest.mark.slow  # part of `make test-full`

B = "obs://jars/b.jar"
MOST_CALLS = 60


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, str], None]]:
    """`kill(k, when)`: the k-th request from now on is the last, and its answer is not seen."""
    plan = {"left": -1, "when": ""}
    send = requests.Session.send
    lock = threading.Lock()

    def sending(self, request, **options):
        with lock:
            if plan["left"] < 0:
                return send(self, request, **options)
            plan["left"] -= 1
            if plan["left"] > 0:
                return send(self, request, **options)
            if plan["left"] == 0 and plan["when"] == "after":
                send(self, request, **options)
            plan["left"] = 0  # and so is every later one
            raise Killed

    monkeypatch.setattr(requests.Session, "send", sending)

    def arm(k: int, when: str) -> None:
        plan.update(left=k, when=when)

    yield arm
    arm(-1, "")


def killed_at(step: Callable[[], object], kill: Callable[[int, str], None], k: int, when: str) -> bool:
    """Whether the step made as many calls."""
    kill(k, when)
    try:
        step()
    except Killed:
        return True
    finally:
        kill(-1, "")
    return False


def everything_is_as_declared(stream: Stream, entrypoint: str) -> None:
    assert len(stream.stack.jobs()) == 1
    assert stream.status == "job_running"
    assert stream.real["definition"]["entrypoint"] == entrypoint
    assert stream.entry.id == str(stream.real["job_id"])
    assert not stream.entry.init_errors
    assert not stream.refresh()
    assert stream.preview().action == "same"


def every_call(
    emulator: Emulator,  # noqa: F811
    kill: Callable[[int, str], None],
    when: str,
    prepare: Callable[[Stream], object],
    step: Callable[[Stream], object],
    kind: type[Stream] = Stream,
) -> Iterator[Stream]:
    """Streams whose step was killed at its first call, its second, and so on to its last."""
    for k in range(1, MOST_CALLS):
        stream = kind(Stack(emulator))
        prepare(stream)
        if not killed_at(partial(step, stream), kill, k, when):
            assert k > 3, "a step of so few calls is none of those that this is about"
            return
        yield stream
    raise AssertionError(f"still not at the end after {MOST_CALLS} calls")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_create_that_is_killed_at_any_call_is_finished(emulator, kill, when):  # noqa: F811
    for stream in every_call(emulator, kill, when, lambda _: None, Stream.up):
        assert "j" not in stream.stack.entries
        stream.up()
        everything_is_as_declared(stream, "obs://jars/a.jar")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_create_of_sql_that_is_killed_at_any_call_is_finished(emulator, kill, when):  # noqa: F811
    """Its graph is a change of its own, between the create and the start."""
    create = partial(SqlStream.up, operator_config={"operator_list": []})
    for stream in every_call(emulator, kill, when, lambda _: None, create, SqlStream):
        create(stream)
        assert stream.real["definition"]["operator_config"] == '{"operator_list": []}'
        assert (len(stream.stack.jobs()), stream.status) == (1, "job_running")
        assert stream.preview().action == "same"


@pytest.mark.parametrize("refreshed", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_upgrade_that_is_killed_at_any_call_is_finished_with_its_state(emulator, kill, when, refreshed):  # noqa: F811
    for stream in every_call(emulator, kill, when, Stream.up, lambda stream: stream.up(entrypoint=B)):
        if refreshed:
            stream.refresh()
        stream.up()
        everything_is_as_declared(stream, B)
        assert len(stream.real["restored_from"]) >= 1
        assert stream.real["state_seconds"] > 60


@pytest.mark.parametrize("refreshed", [False, True])
@pytest.mark.parametrize("change", ["restart_nonce", "digest"])
def test_a_restart_for_what_the_service_cannot_tell_is_finished(emulator, kill, change, refreshed):  # noqa: F811
    jar = {"path": "obs://jars/a.jar", "digest": "1"}
    new = {"entrypoint": {**jar, "digest": "2"}} if change == "digest" else {change: "2"}
    steps = every_call(emulator, kill, "after", lambda s: s.up(entrypoint=jar), lambda s: s.up(**new))
    for stream in steps:
        if refreshed:
            stream.refresh()
        stream.up()
        everything_is_as_declared(stream, "obs://jars/a.jar")
        assert len(stream.real["restored_from"]) >= 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("target", ["suspended", "running"])
def test_a_suspension_or_resumption_that_is_killed_is_finished(emulator, kill, target, when):  # noqa: F811
    def prepare(stream: Stream) -> None:
        stream.up(state="running")
        if target == "running":
            stream.up(state="suspended")

    for stream in every_call(emulator, kill, when, prepare, lambda stream: stream.up(state=target)):
        stream.up()
        assert stream.status == ("job_cancel_success" if target == "suspended" else "job_running")
        assert stream.preview().action == "same"
        assert len(stream.stack.jobs()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_destroy_that_is_killed_at_any_call_is_finished(emulator, kill, when):  # noqa: F811
    for stream in every_call(emulator, kill, when, Stream.up, Stream.destroy):
        stream.destroy()
        assert stream.stack.jobs() == []


WRITES = {"create": ("jobs.create", "jobs.run"), "upgrade": ("jobs.stop", "jobs.update", "jobs.run")}


@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
@pytest.mark.parametrize("step", ["create", "upgrade"])
def test_a_host_killed_with_sigkill_at_any_call_is_survived(emulator, step, effect):  # noqa: F811
    killed = []
    for nth in range(1, MOST_CALLS):
        call = a_killed_host_is_survived(emulator, step, {"effect": effect, "nth": nth})
        if call is None:
            break
        killed.append(call)
    assert len(killed) > 3
    for call in set(WRITES[step]) - set(killed):  # the looks between them are not as many in each run
        assert a_killed_host_is_survived(emulator, step, {"effect": effect, "operation": call})


def a_killed_host_is_survived(emulator: Emulator, step: str, fault: dict[str, Any]) -> str | None:  # noqa: F811
    """The call in whose middle the host was killed; None when the fault met none."""
    stream = Stream(Stack(emulator))
    if step == "upgrade":
        stream.up()
        stream.inputs["entrypoint"] = B
    call = host_killed_at(stream, step, fault)
    if call is not None:
        stream.up()
        everything_is_as_declared(stream, stream.inputs["entrypoint"])
        assert step == "create" or stream.real["state_seconds"] > 60
    return call


def host_killed_at(stream: Stream, step: str, given: dict[str, Any]) -> str | None:
    """Kill a real host in the middle of a call, which has its effect, or not, when the host is gone already."""
    dli = stream.emulator
    since = max((entry.seq for entry in dli.service.journal.entries), default=0)
    fault = dli.service.faults.add({**given, "delay": 0.2})
    phase = HostedPhase(stream.stack.config)
    try:
        worker = threading.Thread(target=_one_step, args=(phase, stream, step), daemon=True)
        worker.start()
        eventually(lambda: fault.fired or not worker.is_alive(), seconds=20)
        os.kill(phase.host.pid, signal.SIGKILL)
        worker.join(20)
    finally:
        phase.close()
        dli.clear_faults()
    if not fault.fired:
        return None
    (hit,) = (
        entry for entry in dli.service.journal.entries if entry.fault and entry.seq > since
    )  # of OBS without a project
    eventually(lambda: hit.milliseconds, what="the end of the call that was in the air")
    return hit.operation


def _one_step(phase: HostedPhase, stream: Stream, step: str) -> None:
    """What the engine does until its host is gone; it keeps nothing of it."""
    try:
        if step == "create":
            news = phase.check("FlinkJarJob", stream.stack.urn("FlinkJarJob", "j"), stream.inputs, None)
            phase.create("FlinkJarJob", stream.stack.urn("FlinkJarJob", "j"), news, None)
        else:
            news = phase.check("FlinkJarJob", stream.entry.urn, stream.inputs, stream.entry.inputs)
            phase.diff(stream.entry, news)
            phase.update(stream.entry, news, None)
    except Exception:  # noqa: BLE001  (the connection to a dead host)
        pass


WAY = {"name": "kafka", "dest_vpc_id": "vpc-1", "dest_network_id": "net-1"}
FULL: dict[str, Any] = {
    **WAY,
    "queues": ["q1"],
    "hosts": [{"name": "b", "ip": "192.168.0.1"}],
    "routes": [{"name": "r", "cidr": "10.1.0.0/16"}],
    "tags": {"team": "a"},
}


def connection(stream: Stream, **inputs: Any) -> None:
    stream.stack.up("DatasourceConnection", "c", **inputs)


def connections_of(stream: Stream) -> list[dict[str, Any]]:
    path = "/v2.0/{p}/datasource/enhanced-connections?status=ACTIVE"
    found: list[dict[str, Any]] = stream.stack.call("GET", path)["connections"]
    return found


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("old", "new"), [(None, FULL), (FULL, {**WAY, "tags": {"team": "b"}}), (WAY, FULL)])
def test_a_connection_that_is_killed_at_any_call_is_finished(emulator, kill, when, old, new):  # noqa: F811
    def prepare(stream: Stream) -> None:
        if old:
            connection(stream, **old)

    for stream in every_call(emulator, kill, when, prepare, lambda stream: connection(stream, **new)):
        connection(stream, **new)
        (there,) = connections_of(stream)
        assert [row["status"] for row in there["available_queue_info"]] == ["ACTIVE"] * len(new.get("queues", ()))
        assert (there["hosts"], there["routes"]) == (new.get("hosts", []), new.get("routes", []))
        assert stream.stack.entries["c"].id == there["id"]
        assert not stream.stack.refresh("c")
        assert stream.stack.preview("DatasourceConnection", "c", **new).action == "same"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_whose_destroy_is_killed_at_any_call_goes(emulator, kill, when):  # noqa: F811
    def destroy(stream: Stream) -> None:
        stream.stack.destroy("c")

    for stream in every_call(emulator, kill, when, lambda stream: connection(stream, **FULL), destroy):
        destroy(stream)
        assert connections_of(stream) == []
