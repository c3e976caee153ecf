"""5,000 answers that no service should give: each is read for what it says, or becomes an error of ours."""

from __future__ import annotations

import copy
import json
import random

import pytest
from test_api_documented_answers import CALLS, GROUP, JOB_DETAIL, OK, QUEUE_DETAILS

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.retry import RetryPolicy
from pulumi_dli.connection import Connection, Password
from pulumi_dli.errors import DliError, UnexpectedAnswerError, UnknownOutcomeError, UnsentRequestError

STRANGE = 5_000
PARTS = 10
DOCUMENTED = [(row[0], row[5]) for row in CALLS] + [
    (lambda c: c.queues.get("test"), QUEUE_DETAILS),
    (lambda c: c.flink_jobs.get(104), JOB_DETAIL),
    (lambda c: c.package_groups.list(), {"groups": [GROUP], "resources": [], "modules": []}),
    (lambda c: c.package_groups.upload("gatk", ["u"], "jar", True), GROUP),
    (lambda c: c.flink_jobs.list_all(), {**OK, "job_list": {"total_count": 1, "jobs": [{"job_id": 1}]}}),
]
ODD = [
    None, True, False, 0, -1, -5, 10**30, 1e308, "", "\x1b[2J\u202e", "\ud800", "9" * 5000, [], {}, [[]], [None],
    {"": None}, {"error_code": "DLI.0001"}, {"is_success": "maybe"}, "null", '{"is_success":false}', [{"key": None}],
]  # fmt: skip
BODIES = [
    b"", b"{}", b"[]", b"null", b"true", b"0", b'"ok"', b"NaN", b"<html>hello</html>", b"\xff\xfe", b"\x00" * 50,
    b"[" * 50_000, b'{"a":' * 20_000, b'{"status":"ok"}', b'{"error_code":"DLI.0002","error_msg":"gone?"}',
    b'{"is_success":"false","message":"no"}', b'{"is_success": 1e999}', b"9" * 6000,
]  # fmt: skip


def spoilt(answer: object, chance: random.Random) -> bytes:
    """A documented answer with something wrong in it, or something else altogether."""
    if chance.random() < 0.25:
        return chance.choice(BODIES)
    value = [copy.deepcopy(answer)] if not isinstance(answer, bytes) else [{}]
    for _ in range(chance.randint(1, 3)):
        spot: object = value
        for _ in range(chance.randint(0, 4)):
            keys = list(spot) if isinstance(spot, dict) else list(range(len(spot))) if isinstance(spot, list) else []
            inner = [key for key in keys if isinstance(spot[key], dict | list) and spot[key]]
            if not inner:
                break
            spot = spot[chance.choice(inner)]
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        key = chance.choice(keys) if keys else 0
        if isinstance(spot, dict) and keys and chance.random() < 0.4:
            del spot[key]
        elif keys:
            spot[key] = copy.deepcopy(chance.choice(ODD))
    return json.dumps(value[0]).encode()


@pytest.mark.parametrize("part", range(PARTS))
def test_a_strange_answer_is_read_or_becomes_an_error_of_ours(connection, clock, service, reply, part):
    client = DliClient(connection, clock=clock, policy=RetryPolicy(attempts=1, throttled_deadline_seconds=0))
    chance, read, refused = random.Random(part), 0, 0
    for _ in range(STRANGE // PARTS):
        call, answer = chance.choice(DOCUMENTED)
        body, status = spoilt(answer, chance), chance.choice([200, 200, 200, 200, 201, 204, 400, 404, 500])
        service.handler = lambda _received, body=body, status=status: reply(status, b"" if status == 204 else body)
        try:
            call(client)
            read += 1
        except DliError as error:
            refused += 1
            text = str(error)
            assert text.isprintable()
            assert len(text) < 1500
    assert refused > read  # it is the strange ones that are tried
    client.close()


@pytest.mark.parametrize("body", [b"{}", b'{"status":"ok"}', b"<html>", b'{"error_code":"DLI.0002"}', b"[]", b'"ok"'])
@pytest.mark.parametrize("call", [row[0] for row in CALLS if "tags" not in row[2]])
def test_a_success_that_does_not_say_so_is_an_error(connection, clock, service, reply, call, body):
    client = DliClient(connection, clock=clock, policy=RetryPolicy(attempts=1))
    service.handler = lambda _: reply(200, body)
    error: DliError | None = None
    try:
        (result,) = call(client)
        assert not result.ok  # of a batch of one, which may fail in these words
    except DliError as raised:
        error = raised
    if isinstance(error, UnexpectedAnswerError):
        assert (error.status, error.method != "") == (200, True)
        assert "it begins with" in str(error)
    else:
        assert error is None or "DLI.0002" in str(error)
    client.close()


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, {"expires_at": "2099-01-01T00:00:00.000000Z"}),
        ({"X-Subject-Token": ""}, {"expires_at": "2099-01-01T00:00:00.000000Z"}),
        ({"X-Subject-Token": "t"}, {"expires_at": "soon"}),
        ({"X-Subject-Token": "t"}, {"expires_at": 7}),
        ({"X-Subject-Token": "t"}, {}),
        ({"X-Subject-Token": "t"}, []),
        ({"X-Subject-Token": "t"}, {"expires_at": "2099-01-01T00:00:00.000000Z", "project": "p"}),
        ({"X-Subject-Token": "t"}, {"expires_at": "2099-01-01T00:00:00.000000Z", "project": {"id": ["p"]}}),
    ],
)
def test_a_strange_answer_of_iam_is_no_token(service, clock, reply, headers, token):
    user = Connection(endpoint=service.url, credentials=Password("u", "p", "d"), iam_endpoint=f"{service.url}/v3")
    client = DliClient(user, clock=clock, policy=RetryPolicy(attempts=1))
    service.handler = lambda _: reply(201, {"token": token}, headers)
    with pytest.raises(DliError):
        client.queues.list()
    assert [received.path for received in service.received] == ["/v3/auth/tokens"]
    client.close()


@pytest.mark.parametrize("body", [b"[" * 100_000, b"<html>", b'"ok"', b"[]", b'{"token":' * 50_000])
def test_a_body_of_iam_that_is_none_is_no_token(service, clock, reply, body):
    user = Connection(endpoint=service.url, credentials=Password("u", "p", "d"), iam_endpoint=f"{service.url}/v3")
    client = DliClient(user, clock=clock, policy=RetryPolicy(attempts=1))
    service.handler = lambda _: reply(201, body, {"X-Subject-Token": "t"})
    with pytest.raises(DliError) as raised:
        client.queues.list()
    assert not isinstance(raised.value, UnknownOutcomeError | UnsentRequestError)
    client.close()
