"""Tokens and signatures (dli-api 2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from keystoneauth1 import session as keystone
from keystoneauth1.identity import v3

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.iam import signing
from pulumi_dli.emulator.testing import Emulator
from tests.emulator.conftest import PROJECT, Caller

CREDENTIALS = Credentials(
    access_key="AK", secret_key="SK", project_id=PROJECT, user="ann", password="canary-password", token="ready-token"
)
VECTOR_HEADERS = {
    "content-type": "application/json",
    "host": "dli.eu-de.otc.t-systems.com",
    "x-project-id": PROJECT,
    "x-sdk-date": "20240102T030405Z",
}
NAMES = tuple(VECTOR_HEADERS)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Emulator]:
    with Emulator(credentials=CREDENTIALS) as emulator:
        yield emulator


def test_the_known_vector_of_a_post_is_reproduced() -> None:
    body = b'{"job_ids":[138],"resume_savepoint":false}'
    request = signing.canonical_request(
        "POST", f"/v1.0/{PROJECT}/streaming/jobs/run", "", VECTOR_HEADERS, names=NAMES, body=body
    )
    assert hashlib.sha256(request.encode()).hexdigest() == (
        "2386ac2cbdf9a9580c44d93e791df726c686aa141b71c462c2b7049ed8cfb583"
    )
    signature = signing.sign(request, secret="EXAMPLESK", date="20240102T030405Z")
    assert signature == "0f50cf05392b1a190afe5a634aa76e2e03a3d3207314ab319e72272b09c28684"


def test_the_known_vector_of_an_escaped_get_is_reproduced() -> None:
    request = signing.canonical_request(
        "GET", f"/v2.0/{PROJECT}/resources/word%20count.jar", "group=my%2Bgroup", VECTOR_HEADERS, names=NAMES, body=b""
    )
    signature = signing.sign(request, secret="EXAMPLESK", date="20240102T030405Z")
    assert signature == "a848a0d2498ae6e7a9bf78bad9501fac3e7bc6dde5c4df62d5e49ee86f1f49eb"


def signed_get(
    emulator: Emulator, *, secret: str = "SK", access: str = "AK", age: timedelta = timedelta()
) -> requests.Response:
    path, date = f"/v1.0/{PROJECT}/queues", (datetime.now(UTC) - age).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": emulator.url.removeprefix("http://"), "x-sdk-date": date}
    request = signing.canonical_request("GET", path, "", headers, names=("host", "x-sdk-date"), body=b"")
    value = signing.sign(request, secret=secret, date=date)
    headers["Authorization"] = f"SDK-HMAC-SHA256 Access={access}, SignedHeaders=host;x-sdk-date, Signature={value}"
    return requests.get(emulator.url + path, headers=headers, timeout=10)


def test_a_good_signature_is_accepted(guarded: Emulator) -> None:
    assert signed_get(guarded).ok


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"secret": "other"}, "verify aksk signature fail"),
        ({"access": "other"}, "access key does not exist"),
        ({"age": timedelta(minutes=16)}, "expired"),
        ({"age": timedelta(minutes=-16)}, "expired"),
    ],
)
def test_a_bad_signature_is_a_401_of_the_gateway(guarded: Emulator, wrong: dict[str, object], says: str) -> None:
    answer = signed_get(guarded, **wrong)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error_code"]) == (401, "APIGW.0301")
    assert says in answer.json()["error_msg"]
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def test_the_clock_of_signatures_is_the_wall_clock_whatever_the_service_clock_says(guarded: Emulator) -> None:
    guarded.advance(86_400)
    assert signed_get(guarded).ok


def test_a_call_without_anything_is_a_401_of_dli(guarded: Emulator) -> None:
    url = f"{guarded.url}/v1.0/{PROJECT}/queues"
    assert requests.get(url, timeout=10).json()["error_code"] == "DLI.0013"
    assert requests.get(url, headers={"X-Auth-Token": ""}, timeout=10).json()["error_code"] == "DLI.0015"
    assert requests.get(url, headers={"X-Auth-Token": "wrong"}, timeout=10).status_code == 401
    assert requests.get(url, headers={"X-Auth-Token": "ready-token"}, timeout=10).ok


def test_another_project_than_the_configured_one_is_forbidden(guarded: Emulator) -> None:
    answer = requests.get(f"{guarded.url}/v1.0/other/queues", headers={"X-Auth-Token": "ready-token"}, timeout=10)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "DLI.0003")


def test_keystoneauth_gets_a_token_and_uses_it_until_it_expires(guarded: Emulator) -> None:
    auth = v3.Password(
        auth_url=f"{guarded.url}/v3",
        username="ann",
        password="canary-password",
        user_domain_name="OTC",
        project_name="eu-de",
        project_domain_name="OTC",
    )
    session = keystone.Session(auth=auth)
    assert session.get_project_id() == PROJECT
    url = f"{guarded.url}/v1.0/{PROJECT}/queues"
    assert session.get(url).status_code == 200
    old = session.get_token()
    guarded.act("tokens.expire")
    expired = requests.get(url, headers={"X-Auth-Token": old}, timeout=10)
    assert (expired.status_code, expired.json()["error_code"]) == (401, "APIGW.0307")
    assert session.get(url).status_code == 200  # renewed on 401
    assert session.get_token() != old


def test_a_wrong_password_is_a_401_in_the_shape_of_iam(guarded: Emulator) -> None:
    user = {"name": "ann", "password": "wrong", "domain": {"name": "OTC"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    answer = requests.post(f"{guarded.url}/v3/auth/tokens", json=body, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["title"] == "Unauthorized"


def test_a_token_buys_another_token_and_projects_are_found_by_region(guarded: Emulator) -> None:
    identity = {"methods": ["token"], "token": {"id": "ready-token"}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": PROJECT}}}}
    answer = requests.post(f"{guarded.url}/v3/auth/tokens", json=body, timeout=10)
    assert answer.status_code == 201
    headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
    projects = requests.get(f"{guarded.url}/v3/projects", params={"name": "eu-de"}, headers=headers, timeout=10).json()
    assert projects["projects"][0]["id"] == PROJECT
    expires = datetime.fromisoformat(answer.json()["token"]["expires_at"])
    assert timedelta(hours=23) < expires - datetime.now(UTC) <= timedelta(hours=24)


def test_without_credentials_anything_well_formed_is_accepted(call: Caller) -> None:
    assert call("GET", "/v1.0/{p}/queues").ok
    assert signed_get(call.emulator, secret="whatever", access="anybody").ok
    url = f"{call.emulator.url}/v1.0/{PROJECT}/queues"
    malformed = requests.get(url, headers={"Authorization": "SDK-HMAC-SHA256 nonsense"}, timeout=10)
    assert malformed.status_code == 401
    assert requests.get(url, timeout=10).status_code == 401


def test_no_credential_reaches_the_journal_the_timeline_or_the_page(guarded: Emulator) -> None:
    test_keystoneauth_gets_a_token_and_uses_it_until_it_expires(guarded)
    page = requests.get(guarded.url, headers={"Accept": "text/html"}, timeout=10).text
    seen = f"{guarded.requests()} {guarded.timeline()} {page}"
    assert "iam.tokens" in seen
    assert "canary-password" not in seen
    assert "ready-token" not in seen
