"""IAM tokens: fetched once for all threads, renewed once when refused, never shown."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from pulumi_dli.api.client import DliClient
from pulumi_dli.connection import Connection, Password, Token
from pulumi_dli.errors import ApiError, AuthError, ConfigError, DliError, UnsentRequestError

USER = Password("user", "CANARY-PASSWORD", "OTC000", "eu-de")


class Iam:
    """An IAM and a DLI that takes only tokens which IAM gave and has not withdrawn."""

    def __init__(self, reply, *, expires="2099-01-01T00:00:00.000000Z", project="from-token"):
        self.reply, self.expires, self.project = reply, expires, project
        self.given, self.valid, self.asked = 0, set(), []

    def __call__(self, received):
        if received.path == "/v3/auth/tokens":
            self.asked.append(received.json["auth"])
            self.given += 1
            self.valid.add(f"token-{self.given}")
            token = {"expires_at": self.expires, "issued_at": "2024-01-01T00:00:00.000000Z", "methods": ["password"]}
            user = {"id": "u", "name": "user", "domain": {"id": "d", "name": "OTC000"}}
            project = {"id": self.project, "name": "eu-de", "domain": {"id": "d", "name": "OTC000"}}
            body = {"token": {**token, "user": user, **({"project": project} if self.project else {})}}
            return self.reply(201, body, {"X-Subject-Token": f"token-{self.given}"})
        if received.headers.get("X-Auth-Token") not in self.valid:
            return self.reply(401, {"error_code": "APIG.0307", "error_msg": "token expired"})
        return self.reply(200, {"queues": [], "job": {"job_id": 5}})


@pytest.fixture
def iam(service, reply):
    service.handler = Iam(reply)
    return service.handler


@pytest.fixture
def user_client(service, clock):
    made = DliClient(Connection(endpoint=service.url, credentials=USER, iam_endpoint=f"{service.url}/v3"), clock=clock)
    yield made
    made.close()


def test_a_password_becomes_one_token_for_all_threads(user_client, iam, service):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: user_client.queues.list(), range(20)))
    assert iam.given == 1
    (asked,) = iam.asked
    assert asked["identity"] == {
        "methods": ["password"],
        "password": {"user": {"name": "user", "password": "CANARY-PASSWORD", "domain": {"name": "OTC000"}}},
    }
    assert asked["scope"] == {"project": {"name": "eu-de", "domain": {"name": "OTC000"}}}
    assert user_client.calls == 20


def test_the_project_comes_from_the_token_when_none_is_set(user_client, iam, service):
    user_client.queues.list()
    assert user_client.project_id == "from-token"
    assert service.received[-1].path == "/v1.0/from-token/queues"


def test_a_project_id_scopes_the_token(service, clock, iam):
    client = DliClient(
        Connection(endpoint=service.url, credentials=USER, project_id="p1", iam_endpoint=f"{service.url}/v3"),
        clock=clock,
    )
    assert client.project_id == "p1"
    client.queues.list()
    assert iam.asked[0]["scope"] == {"project": {"id": "p1"}}
    client.close()


def test_a_token_without_a_project_is_a_matter_of_settings(user_client, iam):
    iam.project = None
    with pytest.raises(ConfigError, match="dli:projectId"):
        user_client.queues.list()


def test_a_refused_token_is_renewed_once_also_for_a_create(user_client, iam, service):
    user_client.queues.list()
    iam.valid.clear()
    assert user_client.flink_jobs.create_jar({"name": "j"}) == 5
    assert iam.given == 2


def test_a_second_refusal_is_final(user_client, iam, service, reply):
    user_client.queues.list()
    iam.valid = set()
    iam_call = iam.__call__
    service.handler = lambda received: (
        iam_call(received) if "auth" in received.path else reply(401, {"error_code": "APIG.0307"})
    )
    before = user_client.calls
    with pytest.raises(AuthError):
        user_client.queues.list()
    assert (user_client.calls - before, iam.given) == (2, 2)


def test_a_token_about_to_expire_is_replaced_before_it_is_refused(user_client, iam):
    iam.expires = "2024-01-02T00:00:00.000000Z"
    user_client.queues.list()
    given = iam.given
    user_client.queues.list()
    assert iam.given > given


def test_a_ready_token_is_sent_and_cannot_be_renewed(service, clock, connection, iam):
    iam.valid.add("ready")
    client = DliClient(dataclasses.replace(connection, credentials=Token("ready")), clock=clock)
    client.queues.list()
    iam.valid.clear()
    with pytest.raises(AuthError):
        client.queues.list()
    assert (client.calls, iam.given) == (2, 0)
    client.close()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, {"error": {"code": 401, "message": "CANARY-PASSWORD is wrong", "title": "Unauthorized"}}, AuthError),
        (403, {"error": {"code": 403, "message": "locked", "title": "Forbidden"}}, AuthError),
        (500, b"", ApiError),
        (200, b"<html>", DliError),
    ],
)
def test_an_iam_that_gives_no_token_is_told_in_our_words(user_client, service, reply, status, body, expected):
    service.handler = lambda _: reply(status, body)
    with pytest.raises(expected) as raised:
        user_client.queues.list()
    assert "IAM" in str(raised.value)
    assert "CANARY" not in str(raised.value)
    assert user_client.calls == 0


def test_a_passing_failure_of_iam_is_waited_out(user_client, service, reply, iam):
    troubles = [reply(503), reply(429)]
    service.handler = lambda received: troubles.pop() if troubles else iam(received)
    assert user_client.queues.list() == []


def test_an_iam_that_cannot_be_reached_is_a_request_that_never_left(service, clock):
    client = DliClient(
        Connection(endpoint=service.url, credentials=USER, iam_endpoint="http://127.0.0.1:9/v3"), clock=clock
    )
    with pytest.raises(UnsentRequestError, match="IAM"):
        client.queues.list()
    client.close()


def test_a_password_without_an_iam_address_is_a_matter_of_settings(service, clock):
    with pytest.raises(ConfigError, match="dli:authUrl"):
        DliClient(Connection(endpoint=service.url, credentials=USER), clock=clock)
