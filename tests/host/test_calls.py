"""What a provider learns about the running call, what it can say, how many run at a time, and how ^C reaches them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_dli.host import sdk_internals
from pulumi_dli.host.sdk_internals import raise_concurrency
from tests.dynamic_host import UNKNOWN, DynamicHost, HostError, eventually
from tests.host.toys import Toy

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dli:Toy::"


@pytest.fixture(scope="module")
def host() -> Iterator[DynamicHost]:
    with DynamicHost(config={"dli:secretKey": "canary-secret"}) as running:
        yield running


def test_a_call_knows_urn_name_and_custom_timeout(host: DynamicHost) -> None:
    seen = host.create(Toy, URN + "q", {"do": "see"}, timeout=420).outs
    assert seen == {"urn": URN + "q", "name": "q", "timeout": 420, "hints": []}


def test_a_timeout_that_nobody_set_is_none(host: DynamicHost) -> None:
    assert host.create(Toy, URN + "q", {"do": "see"}).outs["timeout"] == "none"
    assert host.update(Toy, URN + "q", "7", {}, {"do": "see"}, timeout=1.5)["timeout"] == 1.5


def test_diff_learns_the_old_inputs(host: DynamicHost) -> None:
    told = host.diff(Toy, URN + "q", "7", {"do": "see"}, {"do": "olds"}, old_inputs={"cu": 16})
    assert told.replaces == ("__provider", "cu")


def test_diff_without_old_inputs_goes_on(host: DynamicHost) -> None:
    assert host.diff(Toy, URN + "q", "7", {"do": "see"}, {"do": "olds"}).changes is True


def test_unknowns_are_recognised_at_any_depth_and_survive_check(host: DynamicHost) -> None:
    checked = host.check(Toy, URN + "q", {"do": "unknown", "a": UNKNOWN, "b": {"c": [1, UNKNOWN]}, "d": [1]})
    assert checked.inputs["unknown"] == ["a", "b"]
    assert checked.inputs["a"] is UNKNOWN
    assert checked.inputs["b"] == {"c": [1, UNKNOWN]}
    assert host.diff(Toy, URN + "q", "7", {}, {"do": "unknown", "z": [[UNKNOWN]]}).replaces == ("z",)


def test_failures_of_check_are_passed_on(host: DynamicHost) -> None:
    assert host.check(Toy, URN + "q", {"do": "fly"}).failures == (("do", "no such deed"),)


def test_numbers_arrive_as_floats_and_can_be_whole_again(host: DynamicHost) -> None:
    outs = host.create(Toy, URN + "q", {"do": "numbers", "n": 16, "half": 0.5, "deep": [{"n": 3}], "yes": True}).outs
    assert outs["raw"] == "16.0"
    assert "'n': 16" in outs["whole"]
    assert "'half': 0.5" in outs["whole"]
    assert "[{'n': 3}]" in outs["whole"]
    assert "True" in outs["whole"]


def test_notes_and_warnings_appear_on_their_resource_once(host: DynamicHost) -> None:
    for _ in range(2):
        host.create(Toy, URN + "said", {"do": "say", "texts": ["one", "two", "one"]})
    host.create(Toy, URN + "other", {"do": "say", "texts": ["one"]})
    assert host.logged(URN + "said", "info") == ["said: one", "said: two"]
    assert host.logged(URN + "said", "warning") == ["said: careful: one", "said: careful: two"]
    assert host.logged(URN + "other") == ["other: one", "other: careful: one"]


def test_a_plan_line_of_diff_appears_on_its_resource(host: DynamicHost) -> None:
    host.diff(Toy, URN + "planned", "7", {"do": "see"}, {"do": "see"})
    assert host.logged(URN + "planned") == ["planned: the plan is to see"]


def test_a_call_that_ends_at_once_shows_no_passing_line(host: DynamicHost) -> None:
    host.create(Toy, URN + "quick", {"do": "say", "texts": ["one"]})
    assert not [line for line in host.logs if line.ephemeral and line.urn == URN + "quick"]


def test_credentials_are_masked_in_messages(host: DynamicHost) -> None:
    host.create(Toy, URN + "masked", {"do": "say", "texts": ["the key canary-secret is old"]})
    assert host.logged(URN + "masked", "info") == ["masked: the key [secret] is old"]


def test_more_than_four_calls_run_at_a_time_from_the_first_one_on() -> None:
    # All six meet or none returns; they are sent together, so that some are waiting before the pool has been widened.
    with DynamicHost(env={"TOY_BARRIER": "6"}) as host, ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(host.create, Toy, f"{URN}{n}", {"do": "meet"}) for n in range(6)]
        assert {call.result(50).id for call in calls} == {"7"}


def test_every_long_call_gets_a_thread_after_a_burst_of_short_ones() -> None:
    # The engine checks and diffs hundreds of resources, and then has all of them changed at once: all of those meet.
    meeting = threading.Barrier(60)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(abs, range(500)))
        assert pool.submit(raise_concurrency, 64).result(5)
        assert sorted(pool.map(lambda _: meeting.wait(20), range(60))) == [*range(60)]


def test_brief_calls_leave_the_threads_of_lasting_ones_alone_and_requests_stay_packed() -> None:
    seen: dict[str, tuple[str, bool]] = {}

    class Servicer(provider_pb2_grpc.ResourceProviderServicer):  # type: ignore[misc]  # from a package without types
        def Check(self, request: Any, context: Any) -> Any:  # noqa: N802  (named by the protocol)
            seen["check"] = threading.current_thread().name, isinstance(request, provider_pb2.CheckRequest)
            return provider_pb2.CheckResponse()

        def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
            call = sdk_internals.find_call()
            assert call is not None
            assert (request.id, call.field("urn"), call.field("no_such_field")) == ("7", URN, None)
            assert dict(request.news) == {"cu": 16}
            seen["update"] = threading.current_thread().name, isinstance(request, provider_pb2.UpdateRequest)
            return provider_pb2.UpdateResponse()

    with ThreadPoolExecutor(2, "lasting") as lasting, ThreadPoolExecutor(2, "brief") as short_calls:
        server = grpc.server(lasting)  # a local variable of the main thread, as in the SDK's host
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        assert sdk_internals.reduce_memory(short_calls)
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Check(provider_pb2.CheckRequest())
            stub.Update(provider_pb2.UpdateRequest(id="7", urn=URN, news={"cu": 16}))
        server.stop(0).wait(10)
    assert seen["check"][0].startswith("brief")
    assert seen["check"][1]
    assert seen["update"][0].startswith("lasting")
    assert not seen["update"][1]


def test_cancel_ends_every_wait_and_keeps_what_was_made() -> None:
    with DynamicHost() as host, ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(host.create, Toy, f"{URN}{n}", {"do": "wait"}) for n in range(6)]
        eventually(lambda: sum(line.text.endswith(": waiting") for line in host.logs) == 6, what="six calls waiting")
        host.cancel()
        kept = [_half_made_id(call.exception(20)) for call in calls]
    assert kept == [f"id-{n}" for n in range(6)]


def test_cancel_between_calls_does_not_fail_a_call_that_waits_for_nothing() -> None:
    with DynamicHost() as host:
        host.create(Toy, URN + "q", {"do": "see"})
        host.cancel()
        host.cancel()
        assert host.create(Toy, URN + "q", {"do": "see"}).id == "7"


def _half_made_id(error: BaseException | None) -> str:
    assert isinstance(error, HostError), error
    assert error.half_done is not None, error
    return error.half_done.id
