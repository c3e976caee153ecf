"""Signatures: known vectors, and the vendor's signer as the witness."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dli.api.signing import AccessKeyAuth, authorization, canonical_request
from pulumi_dli.connection import AccessKey, Connection

KEY = AccessKey("EXAMPLEAK", "EXAMPLESK")
PROJECT = "48cc2c48765f481480c7db940d6409d1"
HOST = "https://dli.eu-de.otc.t-systems.com"


def prepared(method: str, target: str, body: bytes | None = None, key: AccessKey = KEY) -> requests.PreparedRequest:
    headers = {"Content-Type": "application/json", "X-Sdk-Date": "20240102T030405Z"}
    return requests.Request(
        method, HOST + target, data=body, headers=headers, auth=AccessKeyAuth(key, PROJECT)
    ).prepare()


@pytest.mark.parametrize(
    ("method", "target", "body", "signature"),
    [
        (
            "POST",
            f"/v1.0/{PROJECT}/streaming/jobs/run",
            b'{"job_ids":[138],"resume_savepoint":false}',
            "0f50cf05392b1a190afe5a634aa76e2e03a3d3207314ab319e72272b09c28684",
        ),
        (
            "GET",
            f"/v2.0/{PROJECT}/resources/word%20count.jar?group=my%2Bgroup",
            None,
            "a848a0d2498ae6e7a9bf78bad9501fac3e7bc6dde5c4df62d5e49ee86f1f49eb",
        ),
    ],
)
def test_the_known_vectors_are_reproduced(method, target, body, signature):
    header = prepared(method, target, body).headers["Authorization"]
    assert header == (
        f"SDK-HMAC-SHA256 Access=EXAMPLEAK, SignedHeaders=content-type;host;x-project-id;x-sdk-date, "
        f"Signature={signature}"
    )


def test_a_temporary_key_sends_and_signs_its_security_token():
    request = prepared("GET", "/v1.0/p/queues", key=AccessKey("ak", "sk", "canary-token"))
    assert request.headers["X-Security-Token"] == "canary-token"
    assert "x-project-id;x-sdk-date;x-security-token" in request.headers["Authorization"]


def vendor_authorization(method, segments, query, headers, body, key):
    sdk = SdkRequest(
        method=method,
        schema="https",
        host=headers["Host"],
        resource_path="/" + "/".join(quote(segment, safe="~") for segment in segments),
        query_params=list(query),
        header_params=dict(headers),
        body=body,
    )
    signer = Signer(BasicCredentials(ak=key.access_key, sk=key.secret_key, project_id=PROJECT))
    return signer.sign(sdk).header_params["Authorization"]


PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: "/" not in text
)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    segments=st.lists(NAMES, min_size=1, max_size=4),
    query=st.dictionaries(NAMES, NAMES | st.just(""), max_size=4),
    extra=st.dictionaries(st.from_regex(r"[Xx]-[A-Za-z_]{1,8}", fullmatch=True), PLAIN, max_size=3),
    body=st.text(max_size=60),
    secret=PLAIN,
)
def test_any_request_is_signed_as_the_vendor_signs_it(method, segments, query, extra, body, secret):
    lowered = {name.lower(): (name, value) for name, value in extra.items() if name.lower() != "x-sdk-date"}
    headers = {
        "Host": "dli.eu-de.otc.t-systems.com",
        "X-Sdk-Date": "20240102T030405Z",
        "Content-Type": "application/json",
        **dict(lowered.values()),
    }
    body = body.encode("utf-8", "replace").decode()
    pairs = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query.items())
    url = f"{HOST}/{'/'.join(quote(segment, safe='~') for segment in segments)}{'?' + pairs if pairs else ''}"
    key = AccessKey("AK", secret)
    ours = authorization(method, url, headers, body.encode(), key)
    assert ours == vendor_authorization(method, segments, query.items(), headers, body, key)


def test_what_arrives_carries_a_signature_over_the_very_bytes_and_address_that_arrived(client, service, reply):
    service.replies(reply(200, {"resource_name": "word count!~+.jar"}), reply(200, {"job": {"job_id": 7}}))
    client.package_groups.get_package("word count!~+.jar", "my+group")
    client.flink_jobs.create_jar({"name": "täglich", "entrypoint_args": "-rate 3 & more"})
    key = AccessKey("EXAMPLEAK", "CANARY-SECRET-KEY")
    for received in service.received:
        names = received.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        signed = {name: next(v for k, v in received.headers.items() if k.lower() == name) for name in names}
        url = service.url + received.target
        assert authorization(received.method, url, signed, received.body, key) == received.headers["Authorization"]
    assert service.received[0].target.endswith("/resources/word%20count%21~%2B.jar?group=my%2Bgroup")


def test_the_canonical_path_always_ends_with_a_slash():
    assert canonical_request("get", "https://h/v1/a", {"host": "h"}, b"").startswith("GET\n/v1/a/\n\nhost:h\n\nhost\n")
    assert canonical_request("get", "https://h/", {"host": "h"}, b"").startswith("GET\n/\n")


def test_no_secret_shows_when_a_connection_is_printed():
    connection = Connection(endpoint=HOST, credentials=AccessKey("ak", "CANARY-A", "CANARY-B"), project_id=PROJECT)
    assert "CANARY" not in repr(connection)
