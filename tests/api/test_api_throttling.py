"""All requests of a client share one limit, one pool and one reaction to a throttling service."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_dli.api.client import DliClient, client_for
from pulumi_dli.api.limiter import RateLimiter
from pulumi_dli.api.responses import Request
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport
from pulumi_dli.errors import UnsentRequestError


def test_no_more_requests_are_under_way_than_the_limit_and_all_of_them_are_used(connection, clock, service, reply):
    width, lock, under_way, most = 4, threading.Lock(), 0, 0
    full = threading.Barrier(width, timeout=10)

    def handler(_received):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        full.wait()  # breaks unless exactly `width` requests meet here
        with lock:
            under_way -= 1
        return reply(200, {"queues": []})

    service.handler = handler
    client = DliClient(dataclasses.replace(connection, max_concurrency=width), clock=clock)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: client.queues.list(), range(12)))
    assert most == width
    client.close()


def test_answers_are_read_on_a_few_threads_and_for_the_main_thread_on_its_own(connection, clock, service, reply):
    service.handler = lambda _: reply(200, {"queues": []})
    transport = Transport(dataclasses.replace(connection, max_concurrency=3), clock=clock)
    request = Request("GET", "v1.0", ("queues",), "list queues", Idempotency.READ, says=("queues",))

    def reader(answer):
        assert answer.status == 200
        return threading.current_thread().name

    assert transport.read(request, reader) == "MainThread"
    with ThreadPoolExecutor(12) as pool:
        names = set(pool.map(lambda _: transport.read(request, reader), range(24)))
    assert len(names) <= 3
    assert all(name.startswith("dli") for name in names)
    transport.close()


def test_what_is_under_way_is_finished_while_the_interpreter_ends(connection, clock, service, reply, monkeypatch):
    service.handler = lambda _: reply(200, {"queues": []})
    client = DliClient(connection, clock=clock)
    found = []
    thread = threading.Thread(target=lambda: found.append(client.queues.list()))
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)  # as the standard library says it
    thread.start()
    thread.join(20)
    assert found == [[]]
    client.close()


def test_many_threads_reuse_the_pooled_connections(connection, clock, service, reply, caplog):
    service.handler = lambda _: reply(200, {"queues": []})
    client = DliClient(dataclasses.replace(connection, max_concurrency=16), clock=clock)
    with caplog.at_level("WARNING", "urllib3"), ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: client.queues.list(), range(100)))
    assert [record.message for record in caplog.records] == []  # urllib3 warns when a connection is thrown away
    client.close()


def test_a_throttled_service_halves_the_width_and_success_widens_it_again(clock):
    gate = RateLimiter(16, clock)
    with gate.slot() as first, gate.slot() as second:
        gate.throttled(first, 5.0)
        gate.throttled(second, 5.0)  # sent together with the first: the same wish
    assert gate.limit == 8
    before = clock.now()
    with gate.slot() as third:
        assert clock.now() - before == pytest.approx(5.0)
        gate.throttled(third, None)
    assert gate.limit == 4
    for _ in range(200):
        with gate.slot() as number:
            gate.succeeded(number)
    assert gate.limit == 16


def test_pauses_without_a_wish_double_while_nothing_comes_through(clock):
    gate, began = RateLimiter(16, clock), []
    for _ in range(8):
        with gate.slot() as number:
            began.append(clock.now())
            gate.throttled(number, None)
    assert [round(b - a) for a, b in itertools.pairwise(began)] == [2, 4, 8, 16, 32, 60, 60]
    assert gate.limit == 1


def test_an_answer_from_before_the_throttling_proves_nothing(clock):
    gate = RateLimiter(2, clock)
    with gate.slot() as early, gate.slot() as late:
        gate.throttled(late, 1.0)
        for _ in range(100):
            gate.succeeded(early)
    assert gate.limit == 1


def test_one_throttled_call_makes_all_others_wait_with_it(connection, clock, service, reply):
    wait_seconds, sent_at, lock = 30.0, [], threading.Lock()

    def handler(_received):
        with lock:
            sent_at.append(clock.now())
            first = len(sent_at) == 1
        return reply(429, b"", {"Retry-After": str(int(wait_seconds))}) if first else reply(200, {"queues": []})

    service.handler = handler
    client = DliClient(dataclasses.replace(connection, max_concurrency=1), clock=clock)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.queues.list(), range(8)))
    assert len(sent_at) == 9
    assert all(time - sent_at[0] >= wait_seconds for time in sent_at[1:])
    client.close()


def test_closing_sends_waiting_callers_away(clock):
    gate = RateLimiter(1, clock)
    with gate.slot(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: gate.slot().__enter__())
        gate.close()
        with pytest.raises(UnsentRequestError, match="closed"):
            waiting.result(timeout=10)


def test_one_connection_has_one_client_in_the_process(connection):
    same = dataclasses.replace(connection)
    with ThreadPoolExecutor(8) as pool:
        clients = set(pool.map(lambda _: client_for(same), range(50)))
    assert clients == {client_for(connection)}
    other = client_for(dataclasses.replace(connection, project_id="other"))
    assert other not in clients
    for client in (*clients, other):
        client.close()


def test_making_a_client_sends_nothing(connection, service, clock):
    DliClient(connection, clock=clock).close()
    assert service.received == []
