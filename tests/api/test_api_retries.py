"""What is repeated after which outcome, and for how long."""

from __future__ import annotations

import dataclasses
import socket

import pytest

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.retry import Idempotency, RetryPolicy, UntrustedEndpointError, may_repeat, pause_seconds
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConflictError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnknownOutcomeError,
    UnsentRequestError,
)


def api(status, code="", kind=ApiError):
    return kind("no", status=status, code=code)


YES, NO = (True, True, True), (False, False, False)
SAFE_ONLY = (True, True, False)
TABLE = [
    (UnsentRequestError("x"), YES),
    (UntrustedEndpointError("x"), NO),
    (api(429, kind=ThrottledError), YES),
    (UnknownOutcomeError("x"), SAFE_ONLY),
    (api(500), SAFE_ONLY),
    (api(500, "DLI.0999"), SAFE_ONLY),
    (api(500, "DLI.10001"), SAFE_ONLY),
    (api(500, "DLI.0001"), NO),
    (api(501), NO),
    (api(502), SAFE_ONLY),
    (api(503, "APIG.0201"), SAFE_ONLY),
    (api(504), SAFE_ONLY),
    (api(400, "DLI.0001"), NO),
    (api(404, "APIG.0101"), NO),
    (api(404, kind=NotFoundError), NO),
    (api(401, kind=AuthError), NO),
    (api(400, "DLI.0006", kind=ConflictError), NO),
    (api(200), NO),
]


@pytest.mark.parametrize(("error", "expected"), TABLE, ids=lambda value: repr(value)[:50])
def test_the_table_of_repeats(error, expected):
    assert (
        tuple(may_repeat(repeat, error) for repeat in (Idempotency.READ, Idempotency.SAFE, Idempotency.ONCE))
        == expected
    )


def test_pauses_double_with_jitter_up_to_a_longest_and_end_at_the_last_attempt_or_the_deadline():
    policy = RetryPolicy(attempts=8, first_pause_seconds=1, longest_pause_seconds=10, deadline_seconds=60)

    def pause(attempt, chance, elapsed=0.0):
        return pause_seconds(
            UnknownOutcomeError("x"), attempt=attempt, elapsed_seconds=elapsed, policy=policy, chance=chance
        )

    assert [pause(attempt, 1.0) for attempt in range(1, 8)] == [1, 2, 4, 8, 10, 10, 10]
    assert pause(3, 0.0) == 2
    assert pause(8, 0.5) is None
    assert pause(1, 1.0, elapsed=59.5) is None


def test_a_throttled_call_keeps_coming_back_until_its_own_deadline():
    policy = RetryPolicy(attempts=1, throttled_deadline_seconds=100)
    error = api(429, kind=ThrottledError)
    error.retry_after_seconds = 40
    assert pause_seconds(error, attempt=30, elapsed_seconds=0, policy=policy, chance=0) == 40
    assert pause_seconds(error, attempt=1, elapsed_seconds=61, policy=policy, chance=0) is None
    error.retry_after_seconds = 0
    assert pause_seconds(error, attempt=1, elapsed_seconds=0, policy=policy, chance=0) > 0


READS = [
    (lambda c: c.queues.list(), {"queues": []}),
    (lambda c: c.queues.get("q"), {"queueName": "q"}),
    (lambda c: c.package_groups.list(), {"groups": []}),
    (lambda c: c.package_groups.get_package("p", "g"), {"resource_name": "p"}),
    (lambda c: c.flink_jobs.get(1), {"job_detail": {"status": "job_init"}}),
    (lambda c: c.flink_jobs.list_all(), {"job_list": {"jobs": []}}),
    (lambda c: c.tags.list("dli_queue", "q"), {"tags": []}),
    (lambda c: c.tags.find_resources("dli_queue", {"a": "b"}), {"resources": []}),
    (lambda c: c.queues.delete("q"), {"is_success": True}),
    (lambda c: c.package_groups.delete_package("p", "g"), b""),
    (lambda c: c.flink_jobs.delete(1), {"is_success": "true"}),
    (lambda c: c.tags.create("dli_queue", "q", {"a": "b"}), b""),
    (lambda c: c.package_groups.upload("g", ["u"], "jar", True), {"group_name": "g"}),
]
WRITES = [
    lambda c: c.queues.create({"queue_name": "q"}),
    lambda c: c.queues.scale("q", "scale_out", 16),
    lambda c: c.queues.restart("q"),
    lambda c: c.queues.change_cidr("q", "10.0.0.0/14"),
    lambda c: c.flink_jobs.create_jar({"name": "j"}),
    lambda c: c.flink_jobs.update_jar(1, {"desc": ""}),
    lambda c: c.flink_jobs.run([1], False),
    lambda c: c.flink_jobs.stop([1], True),
    lambda c: c.flink_jobs.delete_many([1]),
    lambda c: c.flink_jobs.savepoint(1, "b/"),
    lambda c: c.flink_jobs.import_savepoint(1, "obs://b/"),
]


@pytest.mark.parametrize(("call", "answer"), READS)
def test_reads_and_deletes_come_through_a_bad_spell(client, service, reply, clock, call, answer):
    spell = [reply(drop=True), reply(503), reply(500, {"error_code": "DLI.0999"}), reply(408), reply(200, answer)]
    service.replies(*spell)
    call(client)
    assert len(service.received) == len(spell)
    assert len(clock.waits) == len(spell) - 1
    assert len({(received.method, received.target, received.body) for received in service.received}) == 1


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("outcome", ["drop", 408, 500, 502, 503, 504])
def test_what_may_have_happened_is_not_done_again(client, service, reply, call, outcome):
    service.replies(reply(drop=True) if outcome == "drop" else reply(outcome), reply(200, {}))
    with pytest.raises(UnknownOutcomeError):
        call(client)
    assert len(service.received) == 1


def test_a_create_that_was_throttled_or_never_left_is_sent_again(client, service, reply, connection, clock):
    service.replies(reply(429, b"", {"Retry-After": "3"}), reply(200, {"queue_name": "q"}))
    assert client.queues.create({"queue_name": "q"}) == "q"
    assert sum(clock.waits) >= 3
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    unreachable = DliClient(dataclasses.replace(connection, endpoint=f"http://127.0.0.1:{port}"), clock=clock)
    with pytest.raises(UnsentRequestError):
        unreachable.queues.create({"queue_name": "q"})
    assert unreachable.calls == RetryPolicy().attempts
    unreachable.close()


def test_retrying_ends_with_the_last_error(client, service, reply):
    service.handler = lambda _: reply(503, {"error_code": "APIG.0201", "error_msg": "backend away"})
    with pytest.raises(ApiError, match="backend away"):
        client.queues.list()
    assert client.calls == len(service.received) == RetryPolicy().attempts


def test_a_wish_to_come_back_after_the_deadline_is_raised_at_once(client, service, reply, clock):
    service.replies(reply(429, b"", {"Retry-After": "86400"}))
    with pytest.raises(ThrottledError):
        client.queues.list()
    assert clock.waits == []


def test_a_closed_client_sends_nothing(client, service):
    client.close()
    with pytest.raises(DliError, match="closed"):
        client.queues.list()
    assert service.received == []
