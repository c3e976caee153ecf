"""No answer holds a client for longer than its deadline, takes more memory than its cap, or outlives a cancel."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import socket
import threading
import time

import pytest

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.exchange import Limits
from pulumi_dli.api.retry import RetryPolicy
from pulumi_dli.clock import SYSTEM_CLOCK
from pulumi_dli.connection import AccessKey, Connection, Password
from pulumi_dli.errors import CancelledError, DliError, UnexpectedAnswerError, UnknownOutcomeError
from pulumi_dli.patience import Patience, waiting_as
from tests.raw_server import dripping, serving

ONCE = RetryPolicy(attempts=1)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def client_of(url: str, **options) -> DliClient:
    connection = Connection(endpoint=url, credentials=AccessKey("ak", "secret-key"), project_id="p")
    return DliClient(connection, clock=SYSTEM_CLOCK, policy=ONCE, **options)


DRIPS = {"of the body": HEAD + b"Content-Length: 100000\r\n\r\n{", "of a header": HEAD + b"X-Long: ", "silence": b""}


@pytest.mark.parametrize("first", DRIPS.values(), ids=DRIPS)
def test_an_answer_that_comes_byte_by_byte_ends_at_the_deadline(first):
    with serving(dripping(first)) as url:
        client, began = client_of(url, limits=Limits(seconds=0.8)), time.monotonic()
        with pytest.raises(UnknownOutcomeError):
            client.queues.list()
        assert time.monotonic() - began < 5
        client.close()


@pytest.mark.parametrize("first", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("writes", [False, True])
def test_a_cancel_ends_an_exchange_that_is_under_way(first, writes):
    with serving(dripping(first)) as url:
        client, patience = client_of(url), Patience()
        timer = threading.Timer(0.4, patience.cancelled.set)
        timer.start()
        began = time.monotonic()
        with waiting_as(patience), pytest.raises(UnknownOutcomeError if writes else CancelledError):
            client.queues.delete("q") if writes else client.queues.list()
        assert 0.4 <= time.monotonic() - began < 5
        client.close()


def test_the_time_of_the_call_ends_an_exchange():
    with serving(dripping(DRIPS["of the body"])) as url:
        client, began = client_of(url), time.monotonic()
        with waiting_as(Patience(ends_at=time.monotonic() + 0.8)), pytest.raises(UnknownOutcomeError):
            client.queues.list()
        assert time.monotonic() - began < 5
        client.close()


def test_a_cancel_ends_the_wait_for_a_token():
    with serving(dripping(b"")) as url:
        user = Connection(endpoint=url, credentials=Password("u", "p", "d"), iam_endpoint=f"{url}/v3")
        client, patience, began = DliClient(user, policy=ONCE), Patience(), time.monotonic()
        threading.Timer(0.4, patience.cancelled.set).start()
        with waiting_as(patience), pytest.raises(CancelledError):
            client.queues.list()
        assert time.monotonic() - began < 5
        client.close()


@pytest.mark.parametrize(
    "answers",
    [[(429, {})], [(429, {"Retry-After": "50"})], [(503, {})]],
    ids=["throttled", "throttled for long", "away"],
)
def test_a_cancel_ends_every_pause(service, reply, connection, answers):
    replies = [reply(status, b"", headers) for status, headers in answers]
    service.handler = lambda _: replies[0]
    policy = RetryPolicy(first_pause_seconds=30, longest_pause_seconds=30)
    client, patience, told = DliClient(connection, policy=policy), Patience(), []
    patience.tell, patience.place = told.append, connection.endpoint
    threading.Timer(0.5, patience.cancelled.set).start()
    began = time.monotonic()
    with waiting_as(patience), pytest.raises(CancelledError):
        client.queues.list()
    assert time.monotonic() - began < 5
    assert any("throttles" in text and "next try at" in text for text in told) == (answers[0][0] == 429)
    client.close()


def test_a_cancel_lets_those_go_who_wait_for_room(service, reply, connection):
    held, patience = threading.Event(), Patience()
    service.handler = lambda _: (held.wait(10), reply(200, {"queues": []}))[1]
    client = DliClient(dataclasses.replace(connection, max_concurrency=1), policy=ONCE)
    first = threading.Thread(target=lambda: contextlib.suppress(DliError).__enter__() or client.queues.list())
    first.start()
    while not service.received:
        time.sleep(0.01)
    threading.Timer(0.3, patience.cancelled.set).start()
    began = time.monotonic()
    with waiting_as(patience), pytest.raises(CancelledError):
        client.queues.list()
    assert time.monotonic() - began < 5
    held.set()
    first.join(10)
    client.close()


def test_after_a_cancel_nothing_is_changed_and_what_is_there_may_be_looked_at(service, reply, client):
    service.handler = lambda _: reply(200, {"queues": []})
    patience = Patience()
    patience.cancelled.set()
    with waiting_as(patience):
        assert client.queues.list() == []
        with pytest.raises(CancelledError, match="not sent"):
            client.queues.delete("q")
    assert [received.method for received in service.received] == ["GET"]


def test_a_packed_bomb_is_cut(service, reply, connection, clock):
    bomb = gzip.compress(b" " * 200_000_000, 9)
    service.handler = lambda _: reply(200, bomb, {"Content-Encoding": "gzip"})
    client = DliClient(connection, clock=clock, limits=Limits(most_bytes=1_000_000))
    with pytest.raises(UnexpectedAnswerError, match="more than 1000000 bytes"):
        client.queues.list()
    client.close()


def test_a_long_body_is_not_read_to_its_end():
    sent = []

    def answer(peer: socket.socket, _request: bytes, over: threading.Event) -> None:
        peer.sendall(HEAD + b"Content-Length: 1000000000\r\n\r\n")
        while not over.is_set():
            sent.append(peer.send(b" " * 65536))

    with serving(answer) as url:
        client = client_of(url)
        with pytest.raises(UnexpectedAnswerError, match="more than 16777216 bytes"):
            client.queues.list()
        client.close()
    assert sum(sent) < 60_000_000


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_a_body_packed_otherwise_than_asked_is_no_answer(service, reply, connection, clock, coding):
    service.handler = lambda _: reply(200, b"nonsense", {"Content-Encoding": coding})
    client = DliClient(connection, clock=clock)
    with pytest.raises(UnexpectedAnswerError, match=r"packed|gzip"):
        client.queues.list()
    client.close()


def test_a_packed_answer_is_read(service, reply, client):
    body = gzip.compress(b'{"queues": [{"queue_name": "q"}]}')
    service.handler = lambda _: reply(200, body, {"Content-Encoding": "gzip"})
    assert [queue.queue_name for queue in client.queues.list()] == ["q"]


def test_lists_that_never_end_are_given_up(service, reply, client):
    def handler(received):
        offset = int(received.query["offset"])
        jobs = [{"job_id": offset + number + 1} for number in range(2)]
        rows = [{"resource_id": str(offset + number)} for number in range(2)]
        return reply(
            200,
            {"job_list": {"jobs": jobs, "total_count": offset + 100}, "resources": rows, "total_count": offset + 100},
        )

    service.handler = handler
    for listing in (client.flink_jobs.list_all, lambda: client.tags.find_resources("dli_queue", {})):
        service.received.clear()
        with pytest.raises(UnexpectedAnswerError, match="does not end"):
            listing()
        assert len(service.received) <= 500


def test_a_number_of_jobs_that_cannot_be_is_no_answer(service, reply, client):
    service.handler = lambda _: reply(200, {"job_list": {"jobs": [], "total_count": 10**15}})
    with pytest.raises(UnexpectedAnswerError, match="number of jobs"):
        client.flink_jobs.list_all()
