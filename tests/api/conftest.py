"""A service on the loopback that replays answers, and a clock that does not sleep. Nothing here knows what is right."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from pulumi_dli.api.client import DliClient
from pulumi_dli.connection import AccessKey, Connection

PROJECT = "48cc2c48765f481480c7db940d6409d1"


@dataclass(frozen=True)
class Reply:
    """One answer; `body` is sent as JSON unless it is bytes. `drop` hangs up in the place of answering."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class ReplayService:
    """Answers requests one after the other with what the test lined up; a `handler` overrides that."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.handler: Callable[[Received], Reply] = self._next
        self._replies: list[Reply] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def replies(self, *replies: Reply) -> None:
        self._replies.extend(replies)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, received: Received) -> Reply:
        with self._lock:
            if self._replies:
                return self._replies.pop(0)
        return Reply(418, {"error_code": "TEST.0", "error_msg": f"nothing lined up for {received.target}"})

    def _handler_class(service: ReplayService) -> type[BaseHTTPRequestHandler]:  # noqa: N805 -- the class below has its own self
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                received = Received(self.command, self.path, dict(self.headers.items()), body)
                with service._lock:
                    service.received.append(received)
                reply = service.handler(received)
                if reply.drop:
                    self.close_connection = True
                    return
                content = reply.content()
                self.send_response_only(reply.status)
                for name, value in {"Date": formatdate(usegmt=True), **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 -- names of the base class

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class FakeClock:
    """A clock that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._now = 1000.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if event.is_set():
            return True
        with self._lock:
            self.waits.append(seconds)
            self._now += max(seconds, 0.0)
        return event.is_set()


@pytest.fixture
def service() -> Iterator[ReplayService]:
    replay = ReplayService()
    yield replay
    replay.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def connection(service: ReplayService) -> Connection:
    return Connection(endpoint=service.url, credentials=AccessKey("EXAMPLEAK", "CANARY-SECRET-KEY"), project_id=PROJECT)


@pytest.fixture
def client(connection: Connection, clock: FakeClock) -> Iterator[DliClient]:
    made = DliClient(connection, clock=clock)
    yield made
    made.close()


@pytest.fixture
def reply() -> type[Reply]:
    return Reply
