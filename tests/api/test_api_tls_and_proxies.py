"""TLS is verified unless the stack says otherwise; a service on this machine is never reached through a proxy."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pulumi_dli.api.client import DliClient
from pulumi_dli.connection import Password
from pulumi_dli.errors import ConfigError, UnsentRequestError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private authority")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@pytest.fixture
def tls_service(certificate):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = b'{"is_success": true, "queues": []}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # clients that refuse the certificate hang up

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "ca.pem", certificate / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


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
