"""No answer of OBS holds an upload for longer than its deadline, takes more memory than its cap, or outlives a ^C."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest
from dli_world import World

from pulumi_dli.api.obs import ObsUploads
from pulumi_dli.errors import CancelledError, DliError, UnknownOutcomeError
from pulumi_dli.patience import Patience, waiting_as

Response = Callable[[socket.socket, bytes, threading.Event], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
DRIPS = {"of the body": HEAD + b"Content-Length: 100000\r\n\r\n<", "of a header": HEAD + b"X-Long: ", "silence": b""}
CALLS: dict[str, Callable[[ObsUploads], object]] = {
    "list": lambda obs: obs.listed("jars", "a"),
    "delete": lambda obs: obs.delete("obs://jars/a.jar"),
}


@contextlib.contextmanager
def serving(answer: Response) -> Iterator[str]:
    """A server that reads the head of one request of each connection and then does with it what it likes."""
    over = threading.Event()

    def one(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            answer(peer, peer.recv(65536), over)

    def serve(listener: socket.socket) -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                peer, _ = listener.accept()
                threading.Thread(target=one, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()


def dripping(first: bytes) -> Response:
    def answer(peer: socket.socket, _request: bytes, over: threading.Event) -> None:
        peer.sendall(first)
        while not over.wait(0.05):
            peer.sendall(b" ")

    return answer


def whole(peer: socket.socket, status: str, body: bytes, *headers: str) -> None:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def obs_at(world: World, url: str, **more: float) -> ObsUploads:
    return ObsUploads(replace(world.connection, obs_endpoint=url, **more))  # type: ignore[arg-type]


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
    with serving(dripping(first)) as url:
        patience = Patience()
        threading.Timer(0.4, patience.cancelled.set).start()
        began = time.monotonic()
        with waiting_as(patience), pytest.raises((CancelledError, UnknownOutcomeError)):
            call(obs_at(world, url))
        assert 0.4 <= time.monotonic() - began < 15  # the libraries are loaded in it, too


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
