"""One exchange with a service, bounded in time and size, and given up when the call that waits for it is cancelled.

A read timeout bounds the time between two bytes, so a service that sends one byte a second holds a thread for ever; and
a body of one megabyte may unpack to gigabytes. So an exchange runs on one of the client's few threads (`exchange`),
while its caller looks at the clock and at the cancel; who gives up shuts the socket, which ends the thread's wait as
well. `BoundedAdapter` gives `requests` bodies that are read and unpacked piece by piece, up to a limit.

`transport.py` and `iam.py` use both.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from dataclasses import dataclass
from typing import Any, TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from pulumi_dli import patience
from pulumi_dli.errors import CancelledError, UnknownOutcomeError
from pulumi_dli.threads import WorkerPool

T = TypeVar("T")

_PIECE = 64 * 1024
_LAST_SECONDS = 0.6  # what an answer that is under way still gets after a cancel: most are there by then


@dataclass(frozen=True)
class Limits:
    """What one exchange may take.

    Attributes:
        seconds: from the request to the last byte of the answer; None: the read timeout of the connection.
        most_bytes: of the body, unpacked.
    """

    seconds: float | None = None
    most_bytes: int = 16 * 1024 * 1024


DEFAULT_LIMITS = Limits()


class TooLargeError(requests.RequestException):
    """The body is longer than the limit."""


class UnpackError(requests.RequestException):
    """The body is packed in a way that was not asked for, or broken."""


class _Line:
    """The connection that one exchange uses, for who wants to cut it."""

    def __init__(self) -> None:
        self.cut = False
        self._connection: HTTPConnection | None = None
        self._lock = threading.Lock()

    def uses(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connection = connection
            if self.cut:
                self._shut()

    def give_up(self) -> None:
        with self._lock:
            self.cut = True
            self._shut()

    def _shut(self) -> None:
        sock = getattr(self._connection, "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                # Of the plain socket: TLS would first say good-bye to a peer that does not listen.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


_here = threading.local()


class _Told(HTTPConnection):
    """Tells the exchange of its thread which connection it got."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        line: _Line | None = getattr(_here, "line", None)
        if line is not None:
            if self.sock is None:
                self.connect()
            line.uses(self)
        super().request(*args, **kwargs)


def told_pools(plain: type[HTTPConnection], tls: type[HTTPSConnection]) -> dict[str, type[HTTPConnectionPool]]:
    """Pools by scheme whose connections, of these classes otherwise, tell the exchange which of them it got."""
    http, https = type("Told", (_Told, plain), {}), type("ToldTLS", (_Told, tls), {})
    return {
        "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": http}),
        "https": type("PoolTLS", (HTTPSConnectionPool,), {"ConnectionCls": https}),
    }


_POOLS = told_pools(HTTPConnection, HTTPSConnection)


class BoundedAdapter(HTTPAdapter):
    """Reads bodies itself: piece by piece, unpacked, up to `most_bytes`."""

    def __init__(self, most_bytes: int, **options: Any) -> None:
        self._most_bytes = most_bytes
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.headers["Accept-Encoding"] = "gzip"
        response = super().send(request, *args, **{**kwargs, "stream": True})
        raw = response.raw
        try:
            body = read_bounded(raw, str(response.headers.pop("Content-Encoding", "")), self._most_bytes)
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error, request=request) from error
        except BaseException:
            raw.close()  # the rest of it is not wanted, so the connection is of no more use
            raise
        raw.release_conn()
        response.raw = io.BytesIO(body)
        return response


def read_bounded(raw: Any, coding: str, most_bytes: int) -> bytes:
    """The body of an answer of urllib3, unpacked.

    Raises:
        TooLargeError: it has more than `most_bytes`.
        UnpackError: it is packed in a way that was not asked for.
    """
    coding = coding.strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise UnpackError(f"the body is packed as {coding[:20]!r}, which was not asked for")
    unpacker = zlib.decompressobj(wbits=31) if coding.endswith("gzip") else None
    body = bytearray()
    for piece in raw.stream(_PIECE, decode_content=False):
        try:
            body += unpacker.decompress(piece, most_bytes + 1 - len(body)) if unpacker else piece
        except zlib.error:
            raise UnpackError("the body is no gzip, as its header says") from None
        if len(body) > most_bytes:
            raise TooLargeError(f"the body has more than {most_bytes} bytes")
    if unpacker is not None and body and not unpacker.eof:
        raise UnpackError("the packed body ends too early")
    return bytes(body)


def exchange(work: Callable[[], T], *, threads: WorkerPool, seconds: float, what: str, writes: bool) -> T:
    """What `work` brings, which sends one request through a `BoundedAdapter`.

    Raises:
        UnknownOutcomeError: it took longer than `seconds`, or than the time of the call; or a write was given up.
        CancelledError: the call was cancelled, and nothing was to be changed.
    """
    line, mine = _Line(), patience.current()
    left = mine.seconds_left if mine is not None else None
    ends_at = time.monotonic() + (seconds if left is None else max(min(seconds, left), _LAST_SECONDS))
    running = _start(work, line, threads)
    cancelled_at: float | None = None
    try:
        while True:
            try:
                return running.result(timeout=patience.CHECK_SECONDS)
            except StillRunning:
                if running.done():  # the error is the work's own, or the work ended just after this wait did
                    return running.result()
            now = time.monotonic()
            if now >= ends_at:
                raise UnknownOutcomeError(f"{what}: no whole answer in time; the request may have taken effect")
            if mine is not None and mine.cancelled.is_set():
                cancelled_at = cancelled_at or now
                if now - cancelled_at >= _LAST_SECONDS - patience.CHECK_SECONDS:
                    if writes:
                        raise UnknownOutcomeError(
                            f"{what}: given up, since the deployment was cancelled; the request may have taken effect"
                        )
                    raise CancelledError(f"{what}: given up, since the deployment was cancelled")
    finally:
        if not running.done():
            line.give_up()


def _start(work: Callable[[], T], line: _Line, threads: WorkerPool) -> Future[T]:
    def run() -> T:
        _here.line = line
        try:
            return work()
        finally:
            _here.line = None

    return threads.start(run)
