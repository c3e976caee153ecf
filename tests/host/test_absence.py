"""Nothing that the bridge uses is promised by anybody: with each part taken away, providers still work, less well."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from pulumi_dli.host.sdk_internals import engine_address, hook_cancel, raise_concurrency, reduce_memory
from tests.dynamic_host import DynamicHost, HostError, eventually
from tests.host.toys import Detached, Toy

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dli:Toy::t"


def test_without_frames_a_call_is_anonymous_and_the_hints_say_what_is_missing() -> None:
    with DynamicHost() as host:
        seen = host.create(Detached, URN, {"do": "see"}, timeout=420).outs
    assert (seen["urn"], seen["name"], seen["timeout"]) == ("", "", "none")
    assert [hint.split(":")[0] for hint in seen["hints"]] == [
        "4 operations at a time",
        "This version of Pulumi's SDK hides names and custom timeouts from the provider",
    ]


def test_without_frames_errors_still_carry_the_text_and_half_made_ones_the_id() -> None:
    with DynamicHost() as host:
        with pytest.raises(HostError, match="dli:region is not set") as failed:
            host.create(Detached, URN, {"do": "fail"})
        with pytest.raises(HostError, match=r"it is slow; very \(it exists, with the id 42;") as half:
            host.create(Detached, URN, {"do": "half"})
        with pytest.raises(HostError, match="internal error in pulumi_dli: SystemExit"):
            host.create(Detached, URN, {"do": "exit"})
    assert not failed.value.clean
    assert half.value.half_done is None


def test_without_frames_an_unhealthy_read_is_a_read_with_a_warning() -> None:
    with DynamicHost() as host:
        found = host.read(Detached, URN, "9", {"do": "ill"})
        assert (found.id, found.outs, found.inputs) == ("9", {"do": "ill", "cu": 16}, {"cu": 16})
        assert "warning: it has stopped" in host.stderr


def test_without_frames_messages_go_to_stderr_with_the_hints_said_once() -> None:
    with DynamicHost(config={"dli:secretKey": "canary-secret"}) as host:
        for _ in range(2):
            host.create(Detached, URN, {"do": "say", "texts": ["canary-secret is the key"]})
        lines = host.stderr.splitlines()
    assert sum("4 operations at a time" in line for line in lines) == 1
    assert "info: [secret] is the key" in lines
    assert "warning: careful: [secret] is the key" in lines


def test_without_frames_diff_goes_on_without_old_inputs() -> None:
    with DynamicHost() as host:
        assert host.diff(Detached, URN, "7", {}, {"do": "olds"}, old_inputs={"cu": 16}).changes is True


def test_an_interpreter_without_frames_at_all_is_no_obstacle() -> None:
    with DynamicHost(env={"TOY_WITHOUT": "sys._getframe sys._current_frames"}) as host:
        seen = host.create(Toy, URN, {"do": "see"}).outs
        assert len(seen["hints"]) == 3
        with pytest.raises(HostError, match="dli:region is not set"):
            host.create(Toy, URN, {"do": "fail"})
        host.cancel()
        assert host.create(Toy, URN, {"do": "see"}).id == "7"


def test_a_host_that_keeps_cancel_to_itself_says_so_on_the_first_resource_that_speaks() -> None:
    with DynamicHost(env={"TOY_WITHOUT": "sys._current_frames"}) as host:
        host.create(Toy, URN, {"do": "say", "texts": ["one"]})
        host.create(Toy, URN + "2", {"do": "say", "texts": ["one"]})
        warnings = host.logged(URN, "warning")
        assert host.logged(URN + "2", "warning") == ["t2: careful: one"]
    assert len(warnings) == 2
    assert "keeps ^C from the provider" in warnings[0]


def test_an_sdk_without_the_status_message_gets_the_plain_failure() -> None:
    with DynamicHost(env={"TOY_WITHOUT": "pulumi.runtime.proto.status_pb2"}) as host:
        with pytest.raises(HostError, match="dli:region is not set") as failed:
            host.create(Toy, URN, {"do": "fail"})
        with pytest.raises(HostError, match="with the id 42"):
            host.create(Toy, URN, {"do": "half"})
    assert not failed.value.clean


def test_an_sdk_without_the_log_message_writes_to_stderr() -> None:
    with DynamicHost(env={"TOY_WITHOUT": "pulumi.runtime.proto.engine_pb2"}) as host:
        host.create(Toy, URN, {"do": "say", "texts": ["one"]})
        assert "info: t: one" in host.stderr.splitlines()


@pytest.mark.parametrize("engine", ["", "127.0.0.1:1"], ids=["no engine named", "engine gone"])
def test_without_an_engine_to_tell_messages_go_to_stderr(engine: str) -> None:
    with DynamicHost(engine=engine) as host:
        host.create(Toy, URN, {"do": "say", "texts": ["one"]})
        assert {"info: t: one", "warning: t: careful: one"} <= set(host.stderr.splitlines())


def test_cancel_arrives_even_when_the_pool_cannot_be_widened() -> None:
    # Four calls fill the four workers; Cancel has a thread of its own.
    with DynamicHost() as host, ThreadPoolExecutor(4) as pool:
        host.create(Detached, URN, {"do": "see"})
        calls = [pool.submit(host.create, Detached, URN, {"do": "wait"}) for _ in range(4)]
        eventually(lambda: host.stderr.count("info: waiting") == 4, what="four calls waiting")
        host.cancel()
        assert all("with the id" in str(call.exception(20)) for call in calls)


def test_a_server_with_other_insides_is_left_alone() -> None:
    server = SimpleNamespace(_state=SimpleNamespace(generic_handlers=[object()], registered_method_handlers={}))
    assert threading.current_thread() is threading.main_thread()
    assert not hook_cancel(lambda: None)
    with ThreadPoolExecutor(1) as short_calls:
        assert not reduce_memory(short_calls)
    assert vars(server._state)["registered_method_handlers"] == {}


def test_outside_of_a_host_there_is_no_pool_and_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not raise_concurrency(64)
    for argv in (["pytest"], ["pytest", "tests/host"], ["pytest", "tests/test_x.py::test_y"]):
        monkeypatch.setattr("sys.argv", argv)
        assert engine_address() is None
    monkeypatch.setattr("sys.argv", ["host", "127.0.0.1:4711"])
    assert engine_address() == "127.0.0.1:4711"
