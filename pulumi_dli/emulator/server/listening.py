"""Listening: a socket on the loopback, and the server that answers on it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.server.app import App

LOOPBACK = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """A socket on the loopback; port 0 takes a free one."""
    # named as TCP, or asyncio leaves Nagle's algorithm on and each answer takes 40 ms
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except OSError:
        listening.close()
        raise
    listening.listen(128)  # callers may connect from the moment the address is known
    return listening


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen at run time by uvicorn
    """A connection that is remembered, so that a fault can cut it, and dropped when its client sends nothing more.

    The head of a request has to be whole in time; its body has to come on. uvicorn itself bounds only the rest between
    an answer and the next request.
    """

    transports: ClassVar[dict[tuple[str, int], asyncio.Transport]]
    patience: ClassVar[float]
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._peer = transport.get_extra_info("peername")[:2]
        self.transports[self._peer] = transport
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self.transports.pop(self._peer, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = self.cycle
        if cycle is None or cycle.response_complete:  # in the head of a request
            if self._timer is None:
                self._wait()
        elif cycle.more_body:
            self._stop_waiting()
            self._wait()
        else:
            self._stop_waiting()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.patience, self._drop)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self) -> None:
        self._timer = None
        if self.flow.read_paused:  # the server is behind, not the client
            self._wait()
        else:
            self.transport.abort()


def make_server(dli: LocalDli, *, base_url: str, server_type: type[uvicorn.Server] = uvicorn.Server) -> uvicorn.Server:
    """A server that is ready to run on a socket of the caller, which must be bound to the loopback."""
    if urlsplit(base_url).hostname != LOOPBACK:
        raise ValueError("the emulator listens on the loopback only")
    app = App(dli, base_url=base_url)

    class Protocol(_Protocol):
        """The connections of this server."""

        transports = app.transports
        patience = dli.settings.patience_seconds

    config = uvicorn.Config(
        app.asgi,
        http=Protocol,
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    return server_type(config)


def describe(base_url: str, credentials: Credentials) -> Mapping[str, str]:
    """The settings that point a stack at this server; demanded credentials are not repeated."""
    settings = {"dli:endpoint": base_url, "dli:region": "eu-de", "dli:projectId": credentials.project_id or "local"}
    return settings if credentials.strict else {**settings, "dli:accessKey": "local", "dli:secretKey": "local-secret"}
