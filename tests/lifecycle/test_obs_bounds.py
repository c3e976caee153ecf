"""No answer of OBS holds an upload for longer than its deadline, takes more memory than its cap, or outlives a ^C."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from botocore import httpsession
from dli_world import World

from pulumi_dli.api.obs import ObsUploads
from pulumi_dli.api.obs_client import client_of
from pulumi_dli.api.small_objects import SmallObjects
from pulumi_dli.errors import CancelledError, ConfigError, DliError, UnknownOutcomeError
from pulumi_dli.patience import Patience, waiting_as
from tests.raw_server import Behaviour, dripping, serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
DRIPS = {"of the body": HEAD + b"Content-Length: 100000\r\n\r\n<", "of a header": HEAD + b"X-Long: ", "silence": b""}
CALLS: dict[str, Callable[[ObsUploads], object]] = {
    "list": lambda obs: obs.listed("jars", "a"),
    "delete": lambda obs: obs.delete("obs://jars/a.jar"),
}


A_SECOND = 3.0  # with room for a busy machine
PART = 32 * 1024 * 1024  # larger files travel in parts of so many bytes
UPLOADS: dict[str, tuple[bytes, int]] = {
    "a whole file": (b"PUT /jars/", 20),
    "the begin of an upload in parts": (b"POST /jars/a.jar?uploads", PART + 1),
    "its last part": (b"partNumber=2", PART + 1),
    "its end": (b"?uploadId=u HTTP", PART + 1),
}
"""What is dripped on, by what stands in the first line of the request, and the size of the file."""
DRIPPED_UPLOADS = [
    *(pytest.param("a whole file", first, id=f"a whole file-{drip}") for drip, first in DRIPS.items()),
    *(pytest.param(upload, DRIPS["of the body"], id=upload) for upload in UPLOADS if upload != "a whole file"),
]


def whole(peer: socket.socket, status: str, body: bytes, *headers: str) -> None:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def storing_until(stage: bytes, first: bytes, reached: threading.Event) -> Behaviour:
    """OBS as it should be, up to a request: the answer to that one comes drop by drop."""
    xml = {
        b"?uploads ": b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        b"POST ": b'<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>',
    }

    def answer(peer: socket.socket, request: bytes, over: threading.Event) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        line, lower = head.partition(b"\r\n")[0], head.lower()
        if b"100-continue" in lower:
            peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        left = int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0) - len(body)
        while left > 0:
            left -= len(peer.recv(1 << 20))
        if stage in line:
            reached.set()
            dripping(first)(peer, request, over)
        elif line.startswith((b"HEAD ", b"DELETE ")):
            whole(peer, "404 Not Found" if line.startswith(b"HEAD ") else "204 No Content", b"")
        else:
            said = next((text for part, text in xml.items() if part in line), b"")
            whole(peer, "200 OK", said, 'ETag: "e"')

    return answer


def obs_at(world: World, url: str, **more: float) -> ObsUploads:
    """Of that address; boto3 is loaded in advance, which takes a second."""
    connection = replace(world.connection, obs_endpoint=url, **more)  # type: ignore[arg-type]
    client_of(connection, "Tests")
    return ObsUploads(connection)


def put(obs: ObsUploads, world: World, file: Path, size: int) -> bool:
    with file.open("wb") as content:
        content.truncate(size)
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return obs.put(
        world.call(), file=str(file), digest=digest, path="obs://jars/a.jar", owner="me", is_ours=lambda *_: True
    )


@contextlib.contextmanager
def cancelled_when(reached: threading.Event) -> Iterator[list[float]]:
    """A call that is cancelled as soon as something is reached; gives the time of that."""
    patience, at = Patience(), list[float]()

    def cancel() -> None:
        reached.wait(30)
        at.append(time.monotonic())
        patience.cancelled.set()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with waiting_as(patience):
        yield at
    canceller.join()


@pytest.mark.parametrize("first", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_of_obs_that_comes_byte_by_byte_ends_at_the_deadline(
    world: World, first: bytes, call: Callable[[ObsUploads], object]
) -> None:
    with serving(dripping(first)) as url:
        began = time.monotonic()
        with pytest.raises((UnknownOutcomeError, DliError)):
            call(obs_at(world, url, read_timeout_seconds=0.8))
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("first", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_cancel_ends_an_exchange_with_obs(world: World, first: bytes, call: Callable[[ObsUploads], object]) -> None:
    reached, drip = threading.Event(), dripping(first)
    with serving(lambda peer, request, over: (reached.set(), drip(peer, request, over))[1]) as url:
        obs = obs_at(world, url)
        with cancelled_when(reached) as at, pytest.raises((CancelledError, UnknownOutcomeError)):
            call(obs)
        assert time.monotonic() - at[0] < A_SECOND


@pytest.mark.parametrize(("upload", "first"), DRIPPED_UPLOADS)
def test_an_upload_that_obs_answers_byte_by_byte_ends_at_the_deadline(
    world: World, tmp_path: Path, upload: str, first: bytes
) -> None:
    stage, size = UPLOADS[upload]
    reached = threading.Event()
    with serving(storing_until(stage, first, reached)) as url:
        obs = obs_at(world, url, read_timeout_seconds=0.8)
        with pytest.raises(DliError, match=r"in time|failed"):
            put(obs, world, tmp_path / "a.jar", size)
        assert reached.is_set()


@pytest.mark.parametrize(("upload", "first"), DRIPPED_UPLOADS)
def test_a_cancel_ends_an_upload_that_obs_answers_byte_by_byte(
    world: World, tmp_path: Path, upload: str, first: bytes
) -> None:
    stage, size = UPLOADS[upload]
    reached = threading.Event()
    with serving(storing_until(stage, first, reached)) as url:
        obs = obs_at(world, url)
        with cancelled_when(reached) as at, pytest.raises((CancelledError, UnknownOutcomeError)):
            put(obs, world, tmp_path / "a.jar", size)
        assert time.monotonic() - at[0] < A_SECOND


def test_who_gives_up_on_obs_hangs_up(world: World) -> None:
    gone = threading.Event()

    def silent(peer: socket.socket, _request: bytes, _over: threading.Event) -> None:
        with contextlib.suppress(OSError):
            peer.recv(1)  # returns when the other side hangs up
        gone.set()

    with serving(silent) as url:
        obs = obs_at(world, url, read_timeout_seconds=60.0)
        with waiting_as(Patience(ends_at=time.monotonic() + 0.8)), pytest.raises(DliError):
            obs.delete("obs://jars/a.jar")
        assert gone.wait(5)


@pytest.mark.parametrize("lost", ["_pool_classes_by_scheme", "pool classes of another kind"])
def test_with_a_botocore_that_hides_its_connections_a_call_still_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    class Later(httpsession.URLLib3Session):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)
            if lost in vars(self):
                del self._pool_classes_by_scheme
            else:
                self._pool_classes_by_scheme = ()

    monkeypatch.setattr(httpsession, "URLLib3Session", Later)
    with serving(dripping(b"")) as url:
        obs = obs_at(world, url, read_timeout_seconds=5.0)
        began = time.monotonic()
        with waiting_as(Patience(ends_at=time.monotonic() + 0.8)), pytest.raises(DliError):
            obs.delete("obs://jars/a.jar")
        assert time.monotonic() - began < A_SECOND


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("botocore.configprovider", "ConfigValueStore"),
        ("botocore.session.Session", "SESSION_VARIABLES"),
        ("botocore.loaders.Loader", "BUILTIN_DATA_PATH"),
        ("botocore.awsrequest", "AWSHTTPConnection"),
        ("botocore.httpsession", "URLLib3Session"),
    ],
)
def test_a_botocore_without_what_is_used_of_it_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    client_of(world.connection, "Tests")  # all modules are loaded, and have what they need of each other
    monkeypatch.delattr(f"{module}.{name}")
    other = replace(world.connection, obs_endpoint=f"http://127.0.0.1:9/{name}")
    with pytest.raises(ConfigError, match=rf"does not work with the botocore that is installed \([0-9.]+: .*{name}"):
        client_of(other, "Uploading")


def test_a_long_answer_of_obs_is_not_read_to_its_end(world: World) -> None:
    sent = []

    def endless(peer: socket.socket, _request: bytes, over: threading.Event) -> None:
        peer.sendall(HEAD + b"Content-Length: 1000000000\r\n\r\n")
        while not over.is_set():
            sent.append(peer.send(b" " * 65536))

    with serving(endless) as url, pytest.raises(DliError, match="more than 16777216 bytes"):
        obs_at(world, url).listed("jars", "a")
    assert sum(sent) < 60_000_000


@pytest.mark.parametrize("fresh", [True, False], ids=["new objects", "the same object"])
def test_a_list_of_obs_that_never_ends_is_given_up(world: World, fresh: bool) -> None:
    numbers = count()

    def page(peer: socket.socket, _request: bytes, _over: threading.Event) -> None:
        number = next(numbers)
        row = f"<Contents><Key>a{number if fresh else 0}</Key><Size>1</Size></Contents>"
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>t{number}</NextContinuationToken>"
        whole(peer, "200 OK", f"<ListBucketResult>{row}{more}</ListBucketResult>".encode())

    with serving(page) as url, pytest.raises(DliError, match="does not end"):
        obs_at(world, url).listed("jars", "a")
    assert next(numbers) <= 502


STRANGE = {
    "html": ("200 OK", b"<html><body>hello</body></html>", "Content-Type: text/html"),
    "json": ("200 OK", b'{"status": "ok"}', "Content-Type: application/json"),
    "half xml": ("200 OK", b"<ListBucketResult><Contents>", "Content-Type: application/xml"),
    "entities": ("200 OK", b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult>&b;</ListBucketResult>', "X: y"),
    "row without a size": ("200 OK", b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>", "X: y"),
    "an error with 200": ("200 OK", b"<Error><Code>InternalError</Code><Message>m</Message></Error>", "X: y"),
    "deep": ("200 OK", b"<a>" * 50_000, "X: y"),
    "no status": ("999 ?", b"", "X: y"),
    "a page for an error": ("502 Bad Gateway", b"<html>proxy</html>", "Content-Type: text/html"),
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_strange_answer_of_obs_is_read_or_an_error_of_ours(
    world: World, name: str, call: Callable[[ObsUploads], object]
) -> None:
    status, body, header = STRANGE[name]
    with serving(lambda peer, _request, _over: whole(peer, status, body, header)) as url:
        refused = ""
        try:
            assert call(obs_at(world, url)) in (None, [], [{"Key": "a"}])
        except DliError as error:
            refused = str(error)
    assert refused.isprintable()
    assert len(refused) < 1500


# The small ones: looks, and notes of some bytes (api/small_objects.py).

SMALL: dict[str, Callable[[SmallObjects], object]] = {
    "look": lambda small: small.is_there("obs://jars/a.jar"),
    "read": lambda small: small.read("obs://jars/a"),
    "write": lambda small: small.write("obs://jars/a", b"x"),
    "delete": lambda small: small.delete("obs://jars/a"),
    "keys": lambda small: [*small.keys("jars", "a")],
}


def small_at(world: World, url: str, **more: float) -> SmallObjects:
    return SmallObjects(replace(world.connection, obs_endpoint=url, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("first", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("call", [call for name, call in SMALL.items() if name != "look"])
def test_a_small_object_that_comes_byte_by_byte_ends_at_the_deadline(
    world: World, first: bytes, call: Callable[[SmallObjects], object]
) -> None:
    began = time.monotonic()
    with serving(dripping(first)) as url, pytest.raises(DliError):
        call(small_at(world, url, read_timeout_seconds=0.8))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("call", [call for name, call in SMALL.items() if name != "look"])
def test_a_cancel_ends_an_exchange_of_a_small_object(world: World, call: Callable[[SmallObjects], object]) -> None:
    reached, drip = threading.Event(), dripping(DRIPS["of the body"])
    with serving(lambda peer, request, over: (reached.set(), drip(peer, request, over))[1]) as url:
        small = small_at(world, url)
        with cancelled_when(reached) as at, pytest.raises((CancelledError, UnknownOutcomeError)):
            call(small)
        assert time.monotonic() - at[0] < A_SECOND


def test_a_list_of_notes_that_never_ends_is_given_up(world: World) -> None:
    def page(peer: socket.socket, _request: bytes, _over: threading.Event) -> None:
        more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        whole(peer, "200 OK", f"<ListBucketResult>{more}</ListBucketResult>".encode())

    with serving(page) as url, pytest.raises(DliError, match="does not end"):
        SMALL["keys"](small_at(world, url))


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("call", SMALL.values(), ids=SMALL)
def test_a_strange_answer_to_a_small_request_is_read_or_an_error_of_ours(
    world: World, name: str, call: Callable[[SmallObjects], object]
) -> None:
    status, body, header = STRANGE[name]
    answer: Behaviour = lambda peer, _request, _over: whole(peer, status, body, header)  # noqa: E731
    with serving(answer) as url, contextlib.suppress(DliError):
        assert call(small_at(world, url)) in (None, True, [], ["a"], body)
