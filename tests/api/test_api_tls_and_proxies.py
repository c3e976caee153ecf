"""TLS is verified unless the stack says otherwise; a service on this machine is never reached through a proxy."""

from __future__ import annotations

import dataclasses

import pytest

from pulumi_dli.api.client import DliClient
from pulumi_dli.connection import Password
from pulumi_dli.errors import ConfigError, UnsentRequestError


@pytest.mark.parametrize(
    ("bundle", "insecure", "works"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_a_private_authority_is_trusted_when_named(
    tls_service, certificate, connection, clock, bundle, insecure, works
):
    client = DliClient(
        dataclasses.replace(
            connection,
            endpoint=tls_service,
            ca_bundle=str(certificate / "ca.pem") if bundle else None,
            insecure=insecure,
        ),
        clock=clock,
    )
    if works:
        assert client.queues.list() == []
    else:
        with pytest.raises(UnsentRequestError, match=r"certificate .*self-signed.*dli:caBundle"):
            client.queues.list()
        assert client.calls == 1
    client.close()


def test_a_service_on_this_machine_is_reached_past_proxies_and_netrc(client, service, reply, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    service.replies(reply(200, {"queues": []}))
    assert client.queues.list() == []
    assert service.received[0].headers["Authorization"].startswith("SDK-HMAC-SHA256 ")


@pytest.mark.parametrize(
    ("proxy", "named"),
    [
        ("http://user:canary@127.0.0.1:9", r"proxy http://127\.0\.0\.1:9 \(HTTPS_PROXY\)"),
        ("http://:canary@:9", "proxy"),
        ("gopher://user:canary@127.0.0.1:9", "proxy gopher"),
    ],
)
def test_a_proxy_that_does_not_work_is_named_and_not_the_endpoint(connection, clock, monkeypatch, proxy, named):
    for name in ("no_proxy", "NO_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    password = Password("u", "p", "d")
    for credentials in (connection.credentials, password):
        client = DliClient(
            dataclasses.replace(
                connection,
                endpoint="https://dli.invalid",
                iam_endpoint="https://iam.invalid/v3",
                credentials=credentials,
            ),
            clock=clock,
        )
        with pytest.raises((UnsentRequestError, ConfigError), match=named) as raised:
            client.queues.list()
        assert "dli:endpoint" not in str(raised.value)
        assert "canary" not in str(raised.value)
        client.close()


def test_a_file_of_certificates_that_is_none_is_named(tls_service, connection, clock, tmp_path, monkeypatch):
    (tmp_path / "empty.pem").write_text("nothing")
    client = DliClient(
        dataclasses.replace(connection, endpoint=tls_service, ca_bundle=str(tmp_path / "empty.pem")), clock=clock
    )
    with pytest.raises(ConfigError, match=r"file of trusted certificates .*dli:caBundle"):
        client.queues.list()
    client.close()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/does/not/exist.pem")
    with pytest.raises(ConfigError, match=r"/does/not/exist\.pem .*REQUESTS_CA_BUNDLE"):
        DliClient(dataclasses.replace(connection, endpoint="https://dli.invalid"), clock=clock)


def test_cookies_of_the_service_are_not_sent_back(client, service, reply):
    service.replies(reply(200, {"queues": []}, {"Set-Cookie": "a=b; Path=/"}), reply(200, {"queues": []}))
    client.queues.list()
    client.queues.list()
    assert "Cookie" not in service.received[1].headers
