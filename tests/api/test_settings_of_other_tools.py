"""A complete, explicit stack configuration sends the same requests, whatever other tools have left in shell and home.

The hosts are far ones: a proxy on this machine leads to all of them, and a service behind TLS writes down what comes.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.obs import ObsUploads
from pulumi_dli.api.retry import RetryPolicy
from pulumi_dli.config import resolve_connection
from pulumi_dli.lifecycle.operation_context import OperationContext

TOKEN = b'{"token": {"expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2024-01-01T00:00:00.000000Z"}}'
CHANGING = {"X-Sdk-Date", "X-Amz-Date", "amz-sdk-invocation-id"}
SIGNED = {"Authorization", "User-Agent"}  # what follows the first word changes with the time, or tells of the machine
PLACE = {
    "dli:endpoint": "https://dli.example",
    "dli:obsEndpoint": "https://obs.example",
    "dli:authUrl": "https://iam.example/v3",
    "dli:region": "eu-de",
    "dli:projectId": "p1",
}
STACKS = {
    "access key": {**PLACE, "dli:accessKey": "own-key", "dli:secretKey": "own-secret"},
    "user": {**PLACE, "dli:userName": "own-user", "dli:password": "own-password", "dli:domainName": "d"},
    "token": {**PLACE, "dli:token": "own-token"},
}
NETRC = "".join(
    f"machine {host} login canary password canary\n" for host in ("dli.example", "iam.example", "obs.example")
)
NETRC += "machine jars.obs.example login canary password canary\ndefault login canary password canary\n"
BROKEN = "[default\nthis is broken"
STYLED = """[default]
region = us-east-1
endpoint_url = http://127.0.0.1:1
ca_bundle = /does/not/exist.pem
s3 =
  addressing_style = path
  use_accelerate_endpoint = true
  payload_signing_enabled = true
"""


@dataclass(frozen=True)
class Left:
    """What another tool left: variables, and files under the home directory (`~` stands for it in values)."""

    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def _all(names: str, value: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), value)


LEFT = {
    "a profile of AWS": Left({"AWS_PROFILE": "nobody", "AWS_DEFAULT_PROFILE": "nobody"}),
    "broken files of AWS": Left(files={".aws/config": BROKEN, ".aws/credentials": BROKEN}),
    "files of AWS with a style": Left(files={".aws/config": STYLED, ".boto": BROKEN}),
    "files of AWS elsewhere": Left(
        {"AWS_CONFIG_FILE": "~/a", "AWS_SHARED_CREDENTIALS_FILE": "~/a", "BOTO_CONFIG": "~/a"}, {"a": STYLED}
    ),
    "models of AWS": Left({"AWS_DATA_PATH": "~/m"}, {".aws/models/s3/2006-03-01/service-2.json": "{", "m/s3/x": "{"}),
    "addresses of AWS": Left(_all("AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")),
    "certificates of AWS": Left(_all("AWS_CA_BUNDLE", "/does/not/exist.pem")),
    "credentials of AWS": Left(_all("AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN", "canary")),
    "ways of AWS": Left(
        {
            **_all("AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT AWS_S3_USE_ARN_REGION", "true"),
            **_all("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT AWS_DEFAULTS_MODE AWS_RETRY_MODE AWS_MAX_ATTEMPTS", "nonsense"),
            **_all("AWS_REQUEST_CHECKSUM_CALCULATION AWS_RESPONSE_CHECKSUM_VALIDATION", "when_supported"),
            **_all("AWS_S3_ADDRESSING_STYLE", "path"),
            **_all("AWS_REGION AWS_DEFAULT_REGION", "us-east-1"),
            **_all("AWS_SIGV4A_SIGNING_REGION_SET AWS_AUTH_SCHEME_PREFERENCE", "nonsense"),
        }
    ),
    "another cloud of OpenStack": Left(
        {
            "OS_CLOUD": "elsewhere",
            "OS_AUTH_URL": "https://elsewhere.example/v3",
            "OS_INSECURE": "true",
            "OS_CACERT": "/does/not/exist.pem",
            "OS_REGION_NAME": "eu-nl",
            "OS_AUTH_TYPE": "v3oidcpassword",
            "OS_CLIENT_CONFIG_FILE": "/does/not/exist.yaml",
            **_all("OS_PROJECT_ID OS_TENANT_ID OS_PROJECT_NAME OS_TENANT_NAME OS_DOMAIN_NAME OS_DOMAIN_ID", "canary"),
            **_all("OS_USERNAME OS_PASSWORD OS_USER_DOMAIN_NAME OS_TOKEN OS_AUTH_TOKEN", "canary"),
            **_all("OS_ACCESS_KEY OS_SECRET_KEY OS_SECURITY_TOKEN OS_ENDPOINT_TYPE OS_INTERFACE", "canary"),
        },
        {".config/openstack/clouds.yaml": "clouds: [", "clouds.yaml": "clouds: ["},
    ),
    "another cloud of Huawei": Left(
        {
            "HW_CLOUD": "elsewhere.example",
            "HW_REGION_NAME": "cn-north-4",
            "HW_AUTH_URL": "https://elsewhere.example/v3",
            **_all("HW_ACCESS_KEY HW_SECRET_KEY HW_SECURITY_TOKEN HW_PROJECT_ID HW_USER_NAME", "canary"),
            "DLI_ENDPOINT": "https://elsewhere.example",
        }
    ),
    "proxies for others": Left(
        {
            **_all("http_proxy HTTP_PROXY all_proxy ALL_PROXY ftp_proxy", "http://127.0.0.1:1"),
            "NO_PROXY": "other.example",
        }
    ),
    "certificates of requests": Left(_all("REQUESTS_CA_BUNDLE CURL_CA_BUNDLE", "/does/not/exist.pem")),
    "certificates of OpenSSL": Left(_all("SSL_CERT_FILE SSL_CERT_DIR", "/does/not/exist.pem")),
    "verification of Python": Left({"PYTHONHTTPSVERIFY": "0"}),
    "a netrc file": Left(files={".netrc": NETRC}),
    "a netrc file elsewhere": Left({"NETRC": "~/n"}, {"n": NETRC}),
    "a broken netrc file": Left(files={".netrc": "machine", "_netrc": "machine"}),
}


class Far:
    """All hosts of the world: a proxy, and one service behind TLS that every tunnel ends at."""

    def __init__(self, certificate: Path) -> None:
        self.heard: list[tuple[str, ...]] = []
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "ca.pem", certificate / "key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(0.1)
        threading.Thread(target=self._lead, daemon=True).start()
        self.proxy = f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def close(self) -> None:
        self._over.set()
        self._door.close()
        self._server.shutdown()
        self._server.server_close()

    def _lead(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                peer, _ = self._door.accept()
                threading.Thread(target=self._tunnel, args=(peer,), daemon=True).start()

    def _tunnel(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError), socket.create_connection(self._server.server_address) as end:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            while not self._over.is_set():
                for one in select.select([peer, end], [], [], 0.2)[0]:
                    piece = one.recv(65536)
                    if not piece:
                        return
                    (end if one is peer else peer).sendall(piece)

    def _handler(far) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- the class below has its own self
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                told = {name: value for name, value in self.headers.items() if name not in CHANGING}
                headers = sorted(f"{k}: {v.split()[0] if k in SIGNED else v}" for k, v in told.items())
                far.heard.append((self.command, self.path, *headers, body.decode()))
                of_iam = self.headers["Host"] == "iam.example"
                content = TOKEN if of_iam else b'{"queues": []}' if self.command == "GET" else b""
                self.send_response(404 if self.command == "HEAD" else 201 if of_iam else 200)
                for name, value in {"ETag": '"e"', "X-Subject-Token": "given"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_HEAD = answer  # noqa: N815 -- names of the base class

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def far(certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Far]:
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith(("AWS_", "OS_", "HW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    world = Far(certificate)
    monkeypatch.setenv("HTTPS_PROXY", world.proxy)
    yield world
    world.close()


seconds = itertools.count(60)  # a client of OBS is made once for each connection: this makes them differ


def asked_by(stack: dict[str, str], far: Far, certificate: Path, file: Path) -> list[tuple[str, ...]]:
    """What the services hear of a stack that lists queues and, with an access key, uploads a file."""
    del far.heard[:]
    file.write_bytes(b"a jar")
    settings = {**stack, "dli:caBundle": str(certificate / "ca.pem"), "dli:readTimeout": next(seconds)}
    connection = resolve_connection(settings.get, os.environ)
    client = DliClient(connection, policy=RetryPolicy(attempts=1))
    assert client.queues.list() == []
    client.close()
    if "dli:accessKey" in stack:
        call = OperationContext("u", "n", status=lambda _: None, info=lambda _: None, warn=lambda _: None)
        digest = hashlib.sha256(b"a jar").hexdigest()
        ours: Any = lambda *_: True  # noqa: E731
        path = "obs://jars/a.jar"
        assert ObsUploads(connection).put(call, file=str(file), digest=digest, path=path, owner="o", is_ours=ours)
    return far.heard[:]


@pytest.mark.parametrize("who", STACKS)
@pytest.mark.parametrize("left", LEFT)
def test_what_other_tools_left_changes_no_request(
    far: Far, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, left: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = asked_by(STACKS[who], far, certificate, tmp_path / "a.jar")
    for name, value in LEFT[left].variables.items():
        monkeypatch.setenv(name, value.replace("~", str(tmp_path)))
    for name, content in LEFT[left].files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    assert asked_by(STACKS[who], far, certificate, tmp_path / "a.jar") == before
    assert len(before) == {"access key": 3, "user": 2, "token": 1}[who]
    assert "canary" not in str(before)
