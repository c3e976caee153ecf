"""No call of the client takes a strange answer for a fact, follows a redirect, or reads a list that never ends."""

from __future__ import annotations

import dataclasses
import itertools
import json
import threading
import time
from copy import deepcopy
from typing import Any

import pytest
from conftest import ReplayService
from every_call import CALLS, public_calls

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.exchange import Limits
from pulumi_dli.api.retry import RetryPolicy
from pulumi_dli.connection import Connection, Password
from pulumi_dli.errors import CancelledError, DliError, UnexpectedAnswerError
from pulumi_dli.patience import Patience, waiting_as

ONCE = RetryPolicy(attempts=1, throttled_deadline_seconds=0)
EVERY = pytest.mark.parametrize("name", CALLS)
PAGED = pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.row])
MOST_PAGES = 501
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"
PAGES = {"Content-Type": "text/html; charset=utf-8"}
WRONG = {
    "an empty object": b"{}",
    "a list": b"[]",
    "a list of nothing": b"[null]",
    "null": b"null",
    "true": b"true",
    "a number": b"0",
    "a text of JSON": b'"ok"',
    "nothing": b"",
    "another service's success": b'{"status": "ok"}',
    "an error with 200": b'{"error_code": "DLI.0002", "error_msg": "no such thing"}',
    "a page": HTML,
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "no text": b"\xff\xfe\x00\x01" * 20,
    "an endless number": b"9" * 100_000,
}
ANY_TEXT = {"tags.create", "tags.delete"}
"""Calls that the sources answer with anything (dli-api 4.7): only an error or a page is none."""


def test_every_public_call_stands_in_the_table():
    assert sorted(CALLS) == sorted(public_calls())


@pytest.fixture
def one_try(connection, clock):
    client = DliClient(connection, clock=clock, policy=ONCE)
    yield client
    client.close()


@EVERY
def test_the_documented_answer_of_the_table_is_taken(one_try, service, reply, name):
    service.handler = lambda _: reply(200, CALLS[name].answer)
    CALLS[name].ask(one_try)
    assert service.received


@EVERY
@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_an_answer_of_the_wrong_shape_is_an_error(one_try, service, reply, name, body):
    call = CALLS[name]
    if (call.quiet and body in (b"", b"null")) or (name in ANY_TEXT and body != HTML and b"error" not in body):
        pytest.skip("a documented answer")
    service.handler = lambda _: reply(200, body, PAGES if body == HTML else {})
    assert_no_fact(call.ask, one_try)


def asked(ask, client) -> tuple[Any, str]:
    """What the call gives, and the words of its error, which anybody may read."""
    result, text = None, ""
    try:
        result = ask(client)
    except DliError as error:
        text = str(error) or "no words"
    assert text.isprintable()
    assert len(text) < 1500
    return result, text


def assert_no_fact(ask, client):
    result, error = asked(ask, client)
    if not error:
        assert isinstance(result, list)  # of a batch: each has failed, in the service's words
        assert [one for one in result if getattr(one, "ok", True)] == []
        assert result


@EVERY
@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_a_page_with_any_success_is_an_error(one_try, service, reply, name, status):
    service.handler = lambda _: reply(status, HTML, PAGES)
    assert_no_fact(CALLS[name].ask, one_try)


@EVERY
def test_the_type_of_an_answer_says_nothing_its_body_does(one_try, service, reply, name):
    service.handler = lambda _: reply(200, CALLS[name].answer, PAGES)
    CALLS[name].ask(one_try)


@EVERY
def test_a_204_with_a_page_does_not_spoil_the_next_answer(one_try, service, reply, name):
    call = CALLS[name]
    answers = itertools.chain([reply(204, HTML, PAGES)], itertools.repeat(reply(200, call.answer)))
    service.handler = lambda _: next(answers)
    result, _ = asked(call.ask, one_try)
    assert result is None  # an error, or acknowledged: what tells something needs a body to tell it
    call.ask(one_try)


@EVERY
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_no_redirect_is_followed(one_try, service, reply, name, status):
    other = ReplayService()
    service.handler = lambda _: reply(status, b"", {"Location": f"{other.url}/elsewhere"})
    with pytest.raises(DliError, match="redirect"):
        CALLS[name].ask(one_try)
    other.close()
    assert other.received == []


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_no_redirect_of_iam_is_followed(service, clock, reply, status):
    other = ReplayService()
    service.handler = lambda _: reply(status, b"", {"Location": f"{other.url}/v3/auth/tokens"})
    client = DliClient(user_of(service), clock=clock, policy=ONCE)
    with pytest.raises(DliError, match="IAM"):
        client.queues.list()
    client.close()
    other.close()
    assert (len(service.received), other.received) == (1, [])


def user_of(service: ReplayService) -> Connection:
    return Connection(
        endpoint=service.url, credentials=Password("u", "p", "d"), iam_endpoint=f"{service.url}/v3", project_id="p"
    )


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in an answer something stands, from the outside in."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, item in inner for spot in spots(item, (*path, key)))] if path else [
        spot for key, item in inner for spot in spots(item, (key,))
    ]  # fmt: skip


def put_in(answer: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = deepcopy(answer)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


ODD = {
    "a huge number": 10**400,
    "a huge text of digits": "9" * 5000,
    "minus": -(10**30),
    "a fraction": 1e-300,
    "a deep list": [[[[[[[["x"]]]]]]]],
    "a map": {"": {"": None}},
    "a text": "\x1b[2J\u202e\ud800",
    "null": None,
    "true": True,
}


@EVERY
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_value_anywhere_is_read_or_an_error_of_ours(one_try, service, reply, name, odd):
    call = CALLS[name]
    for path in spots(call.answer) if not isinstance(call.answer, bytes) else ():
        body = json.dumps(put_in(call.answer, path, odd)).encode()
        service.handler = lambda _, body=body: reply(200, body)
        asked(call.ask, one_try)


@PAGED
def test_a_row_that_comes_twice_is_one(one_try, service, reply, name):
    call = CALLS[name]
    rows = [call.row(number) for number in (0, 1, 0, 1, 1)]
    body = json.dumps(call.page(rows)).replace("900000", "2").encode()
    service.handler = lambda _: reply(200, body)
    found = call.ask(one_try)
    assert len(found) == 2 if found is not None else name.endswith("find")


@PAGED
def test_a_list_that_never_ends_is_given_up(one_try, service, reply, name):
    call, numbers = CALLS[name], itertools.count()
    service.handler = lambda _: reply(200, call.page([call.row(next(numbers)) for _ in range(100)]))
    with pytest.raises(UnexpectedAnswerError, match="does not end"):
        call.ask(one_try)
    assert len(service.received) <= MOST_PAGES


@PAGED
def test_a_list_that_repeats_itself_ends(one_try, service, reply, name):
    call = CALLS[name]
    service.handler = lambda _: reply(200, call.page([call.row(number) for number in range(100)]))
    found, error = asked(call.ask, one_try)
    assert len(service.received) == 2
    assert "lacks" in error if error else len(found) == 100


@pytest.mark.parametrize("name", ["elastic_resource_pools.find", "elastic_resource_pools.queues"])
def test_what_a_cut_list_lacks_is_not_gone(one_try, service, reply, name):
    call = CALLS[name]
    service.handler = lambda _: reply(200, call.page([call.row(number) for number in range(100)]))
    with pytest.raises(UnexpectedAnswerError, match="lacks"):
        call.ask(one_try)


@PAGED
def test_a_cancel_ends_a_long_list(one_try, service, reply, name):
    call, numbers, patience = CALLS[name], itertools.count(), Patience()

    def answer(_):
        if len(service.received) == 3:
            patience.cancelled.set()
        return reply(200, call.page([call.row(next(numbers)) for _ in range(100)]))

    service.handler = answer
    with waiting_as(patience), pytest.raises(CancelledError):
        call.ask(one_try)
    assert len(service.received) == 3


@EVERY
def test_an_answer_that_drips_ends_at_the_deadline(connection, clock, service, reply, name):
    held = threading.Event()
    service.handler = lambda _: (held.wait(20), reply(200, CALLS[name].answer))[1]
    client = DliClient(connection, clock=clock, policy=ONCE, limits=Limits(seconds=0.3))
    began = time.monotonic()
    with pytest.raises(DliError, match="in time"):
        CALLS[name].ask(client)
    assert time.monotonic() - began < 5
    held.set()
    client.close()


def test_an_iam_that_drips_ends_at_the_deadline(service, clock, reply):
    held = threading.Event()
    service.handler = lambda _: (held.wait(20), reply(201, {}))[1]
    client = DliClient(dataclasses.replace(user_of(service), read_timeout_seconds=0.3), clock=clock, policy=ONCE)
    began = time.monotonic()
    with pytest.raises(DliError, match="IAM"):
        client.queues.list()
    assert time.monotonic() - began < 5
    held.set()
    client.close()
