"""Local files on their way to OBS, over a real S3 client: once, in parts when large, with errors one can act on."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dli_world import World

from pulumi_dli.api.obs import ObsUploads, object_url
from pulumi_dli.connection import Connection, Password, Token
from pulumi_dli.errors import AuthError, CancelledError, ConfigError, DliError, UnsentRequestError

OWNER = "owner-of-the-test"


@pytest.fixture
def world(world: World) -> World:
    world.emulator.put_object("code", "readme", b"-")
    return world


def put(world: World, file: Path, key: str = "packages/app.jar", *, owner: str = OWNER, bucket: str = "code") -> bool:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    path = f"obs://{bucket}/{key}"
    uploads = ObsUploads(world.connection)
    return uploads.put(
        world.call(),
        file=str(file),
        digest=digest,
        path=path,
        owner=owner,
        is_ours=lambda found, _age: bool(owner) and found.startswith(owner),
    )


def stored(world: World, key: str = "packages/app.jar") -> bytes | None:
    objects = world.emulator.service.objects
    row = next((row for row in objects.listed("code", key)), None)
    return objects.read(row) if row else None


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "app.jar"
    path.write_bytes(b"bytes of a jar")
    return path


def test_a_file_arrives_as_it_is_and_says_how_far_it_got(world: World, jar: Path) -> None:
    assert put(world, jar) is True
    assert stored(world) == b"bytes of a jar"
    assert world.said.progress[-1] == "uploading app.jar, 100 %"


def test_an_object_that_is_there_is_not_sent_again_and_stays_its_owners(world: World, jar: Path) -> None:
    put(world, jar)
    before = world.count("objects.put")
    assert put(world, jar) is True
    assert put(world, jar, owner="somebody-else") is False
    assert put(world, jar, owner="") is False
    assert world.count("objects.put") == before


def test_an_object_of_another_size_is_a_torn_one_and_replaced(world: World, jar: Path) -> None:
    world.emulator.put_object("code", "packages/app.jar", b"torn")
    assert put(world, jar) is True
    assert stored(world) == b"bytes of a jar"


def test_a_large_file_travels_in_parts(world: World, tmp_path: Path) -> None:
    large = tmp_path / "large.jar"
    large.write_bytes(b"0123456789abcdef" * (70 * 1024 * 1024 // 16))
    assert put(world, large, "large.jar") is True
    found = stored(world, "large.jar")
    assert found is not None
    assert hashlib.sha256(found).digest() == hashlib.sha256(large.read_bytes()).digest()
    shown = [int(line.rpartition(", ")[2].split()[0]) for line in world.said.progress]
    assert shown == sorted(shown)
    assert len(set(shown)) > 3


def test_a_cancelled_upload_ends_and_leaves_nothing(world: World, jar: Path) -> None:
    call = world.call()
    call.cancelled.set()
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    with pytest.raises(CancelledError):
        ObsUploads(world.connection).put(
            call,
            file=str(jar),
            digest=digest,
            path="obs://code/packages/app.jar",
            owner=OWNER,
            is_ours=lambda owner, _age: owner == "me",
        )
    assert stored(world) is None


def test_a_missing_bucket_is_named_with_the_input_that_says_it(world: World, jar: Path) -> None:
    with pytest.raises(DliError, match=r"obs://nowhere/.*no such bucket.*`bucket`"):
        put(world, jar, bucket="nowhere")


def test_a_missing_file_is_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(DliError, match=r"absent\.jar cannot be read"):
        ObsUploads(world.connection).put(
            world.call(),
            file=str(tmp_path / "absent.jar"),
            digest="0",
            path="obs://code/a.jar",
            owner="",
            is_ours=lambda owner, _age: owner == "me",
        )


def test_a_refused_access_key_is_an_error_of_credentials(world: World, jar: Path) -> None:
    world.emulator.fault("objects.*", 403, times=0)
    with pytest.raises(AuthError):
        put(world, jar)


def test_an_address_where_nobody_listens_says_which_setting_to_check(world: World, jar: Path) -> None:
    uploads = ObsUploads(replace(world.connection, obs_endpoint="http://127.0.0.1:1"))
    with pytest.raises(UnsentRequestError, match="dli:obsEndpoint"):
        uploads.put(
            world.call(),
            file=str(jar),
            digest="0",
            path="obs://code/a.jar",
            owner="",
            is_ours=lambda owner, _age: owner == "me",
        )


@pytest.mark.parametrize("credentials", [Token("a-token"), Password("user", "secret", "domain")])
def test_without_an_access_key_the_ways_out_are_named_and_no_secret_is(
    world: World, jar: Path, credentials: Token | Password
) -> None:
    uploads = ObsUploads(replace(world.connection, credentials=credentials))
    with pytest.raises(ConfigError, match=r"dli:accessKey.*obs:// path") as caught:
        uploads.put(
            world.call(),
            file=str(jar),
            digest="0",
            path="obs://code/a.jar",
            owner="",
            is_ours=lambda owner, _age: owner == "me",
        )
    assert "secret" not in str(caught.value).replace("secretKey", "")


def test_without_boto3_the_extra_is_named(world: World, jar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"pulumi-dli\[obs\]"):
        put(world, jar)


def test_without_an_address_of_obs_the_setting_is_named(world: World, jar: Path) -> None:
    uploads = ObsUploads(replace(world.connection, obs_endpoint=None))
    with pytest.raises(ConfigError, match="dli:obsEndpoint"):
        uploads.put(
            world.call(),
            file=str(jar),
            digest="0",
            path="obs://code/a.jar",
            owner="",
            is_ours=lambda owner, _age: owner == "me",
        )


def test_deleting_an_object_twice_is_fine(world: World, jar: Path) -> None:
    put(world, jar)
    for _ in range(2):
        ObsUploads(world.connection).delete("obs://code/packages/app.jar")
    assert stored(world) is None


def test_nothing_is_taken_from_the_environment_or_the_files_of_aws(
    world: World, jar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default\nthis is broken")
    accelerated = "[profile x]\nregion = us-east-1\ns3 =\n  use_accelerate_endpoint = true\n"
    for content in ("[default\nthis is broken", accelerated):
        (tmp_path / "config").write_text(content)
        for name, value in {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "config"),
            "AWS_PROFILE": "x" if content == accelerated else "nobodys",
            "AWS_CA_BUNDLE": "/does/not/exist.pem",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
            "AWS_RETRY_MODE": "nonsense",
            "AWS_MAX_ATTEMPTS": "many",
            "AWS_DEFAULTS_MODE": "nonsense",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "nonsense",
            "AWS_SESSION_TOKEN": "canary",
        }.items():
            monkeypatch.setenv(name, value)
        fresh = replace(world.connection, read_timeout_seconds=100.0 + len(content))  # a client of its own
        put_by(fresh, world, jar, key=f"{len(content)}.jar")
        assert stored(world, f"{len(content)}.jar") == b"bytes of a jar"


def put_by(connection: Connection, world: World, file: Path, key: str = "packages/app.jar") -> bool:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    path = f"obs://code/{key}"
    return ObsUploads(connection).put(
        world.call(), file=str(file), digest=digest, path=path, owner=OWNER, is_ours=lambda owner, _age: owner == "me"
    )


class Other(BaseHTTPRequestHandler):
    """A service that answers every request alike, and keeps what it was asked."""

    status = 200
    header: tuple[str, str] = ("X-None", "")
    body = b""

    def answer(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")  # type: ignore[attr-defined]
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        missing = self.command == "HEAD" and self.status == 200
        self.send_response(404 if missing else self.status)
        self.send_header(*self.header)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_GET = do_PUT = do_POST = do_HEAD = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def service(**answer: object) -> Iterator[tuple[str, list[str]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Other,), answer))
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_service_on_this_machine_is_reached_past_the_proxies(
    world: World, jar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service(header=("ETag", '"canary"')) as (proxy, asked):
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        put_by(replace(world.connection, read_timeout_seconds=99.5), world, jar)
    assert asked == []
    assert stored(world) == b"bytes of a jar"


def test_an_answer_without_an_etag_stored_nothing(world: World, jar: Path) -> None:
    with service(body=b"<html>welcome</html>") as (address, _), pytest.raises(DliError, match="not one of OBS"):
        put_by(replace(world.connection, obs_endpoint=address), world, jar)


ELSEWHERE = (
    b"<?xml version='1.0'?><Error><Code>PermanentRedirect</Code><Message>elsewhere</Message>"
    b"<Endpoint>code.obs.eu-nl.example</Endpoint></Error>"
)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_bucket_that_lives_elsewhere_says_where_and_nobody_goes_there(world: World, jar: Path, status: int) -> None:
    header = ("x-amz-bucket-region", "eu-nl")
    with service(status=status, header=header, body=ELSEWHERE) as (address, asked):
        uploads = ObsUploads(replace(world.connection, obs_endpoint=address))
        with pytest.raises(ConfigError, match=r"region eu-nl.*dli:obsEndpoint"):
            uploads.put(
                world.call(),
                file=str(jar),
                digest="0",
                path="obs://code/a.jar",
                owner="",
                is_ours=lambda owner, _age: owner == "me",
            )
        assert len(asked) == 1
        with pytest.raises(ConfigError, match=r"code\.obs\.eu-nl\.example"):
            uploads.listed("code", "x")
        assert len(asked) == 2


def test_a_proxy_that_cannot_be_reached_is_named_without_its_password(
    world: World, jar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:canary@127.0.0.1:9")
    far = replace(world.connection, obs_endpoint="https://obs.invalid")
    with pytest.raises(UnsentRequestError, match=r"proxy http://127\.0\.0\.1:9 \(HTTPS_PROXY\)") as caught:
        put_by(far, world, jar)
    assert "dli:obsEndpoint" not in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "path", "url"),
    [
        ("https://obs.eu-de.otc.t-systems.com", "obs://b/dir/a.jar", "https://b.obs.eu-de.otc.t-systems.com/dir/a.jar"),
        (
            "https://obs.eu-de.otc.t-systems.com",
            "obs://b/a c/d!.jar",
            "https://b.obs.eu-de.otc.t-systems.com/a%20c/d!.jar",
        ),
        ("https://obs.eu-de.otc.t-systems.com", "https://elsewhere/a.jar", "https://elsewhere/a.jar"),
        ("http://127.0.0.1:9000/obs", "obs://b/a.jar", "obs://b/a.jar"),
        (None, "obs://b/a.jar", "obs://b/a.jar"),
    ],
)
def test_dli_is_told_of_objects_by_the_url_it_documents(endpoint: str | None, path: str, url: str) -> None:
    connection = Connection(endpoint="https://dli.example.org", credentials=Token("t"), obs_endpoint=endpoint)
    assert object_url(connection, path) == url
