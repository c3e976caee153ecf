"""The local DLI inside of a test or a demo: `with Emulator(speed=0) as emulator: …`.

`Control` is a client of `/__dli/` for an emulator in any process; `Emulator` is one that runs in a thread of this one
on a free port, ready in some milliseconds. `reset` makes it as new, which is cheaper than another one.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.client
import json
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import uvicorn

from pulumi_dli.emulator.core.settings import SIMULATED, Credentials, Settings
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.server.listening import LOOPBACK, bind, make_server


class Control:
    """What a test can ask of an emulator at `url`, and make it do; `credentials` are those that it demands."""

    def __init__(self, url: str, credentials: Credentials | None = None) -> None:
        self.url = url
        self._credentials = credentials or Credentials()
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None

    @property
    def objects_url(self) -> str:
        """The `endpoint_url` for boto3."""
        return f"{self.url}/obs"

    def health(self) -> dict[str, Any]:
        return self._call("GET", "health")

    def requests(self, *, since: int = 0, operation: str | None = None) -> list[dict[str, Any]]:
        """The journal: every call outside of the control endpoints, oldest first."""
        query = {"since": str(since)} | ({"operation": operation} if operation else {})
        found: list[dict[str, Any]] = self._call("GET", "requests", query=query)["requests"]
        return found

    def counts(self) -> dict[str, int]:
        """Calls by operation."""
        found: dict[str, int] = self._call("GET", "requests/counts")["counts"]
        return found

    def fault(self, operation: str, effect: int | str, **more: Any) -> int:
        """Script a fault of calls (see `faults.py`); its id."""
        return int(self._call("POST", "faults", {"operation": operation, "effect": effect, **more})["id"])

    def behave(self, effect: str, *, match: dict[str, Any] | None = None, **more: Any) -> int:
        """Script what becomes of jobs, packages and queues (BEHAVIOURS in `faults.py`); its id."""
        return int(self._call("POST", "faults", {"effect": effect, "match": match or {}, **more})["id"])

    def faults(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", "faults")["faults"]
        return found

    def clear_faults(self, fault_id: int | None = None) -> None:
        self._call("DELETE", "faults", query={} if fault_id is None else {"id": str(fault_id)})

    def quirk(self, **switches: Any) -> dict[str, Any]:
        """Set switches (see `quirks.py`); all of them as they are then."""
        return self._call("PUT", "quirks", switches)

    def default_quirks(self) -> None:
        self._call("DELETE", "quirks")

    def advance(self, seconds: float) -> float:
        """Move the service clock on; the service time then."""
        return float(self._call("POST", "clock", {"advance": seconds})["now"])

    def set_speed(self, speed: float) -> None:
        self._call("POST", "clock", {"speed": speed})

    set_pace = set_speed  # its former name

    def now(self) -> float:
        return float(self._call("GET", "clock")["now"])

    def act(self, action: str, **more: Any) -> dict[str, Any]:
        """Do what a person at the console would (see `control.py`)."""
        return self._call("POST", "act", {"action": action, **more})

    def timeline(self, *, since: int = 0, subject: str | None = None) -> list[dict[str, Any]]:
        query = {"since": str(since)} | ({"subject": subject} if subject else {})
        found: list[dict[str, Any]] = self._call("GET", "timeline", query=query)["events"]
        return found

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs as the emulator knows them, with `restored_from` and `state_seconds`."""
        found: list[dict[str, Any]] = self._call("GET", "jobs")["jobs"]
        return found

    def put_object(self, bucket: str, key: str, content: bytes = b"") -> str:
        """Create the bucket and the object; the `obs://` path of it."""
        self._raw("PUT", f"/obs/{bucket}", b"")
        self._raw("PUT", f"/obs/{bucket}/{key}", content)
        return f"obs://{bucket}/{key}"

    def reset(self) -> None:
        """Everything as after the first start."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> dict[str, Any]:
        target = f"/__dli/{path}" + (f"?{urlencode(query)}" if query else "")
        status, content = self._raw(method, target, b"" if body is None else json.dumps(body).encode())
        answer: dict[str, Any] = json.loads(content)
        if status >= 400:
            raise ValueError(f"{method} {target}: {answer.get('error') or answer.get('error_msg')}")
        return answer

    def _raw(self, method: str, target: str, content: bytes) -> tuple[int, bytes]:
        with self._lock:
            if self._connection is not None:
                # The server closes a connection that was idle for some seconds, without having read anything of this.
                with contextlib.suppress(http.client.RemoteDisconnected, ConnectionError):
                    return self._exchange(method, target, content)
            return self._exchange(method, target, content)

    def _exchange(self, method: str, target: str, content: bytes) -> tuple[int, bytes]:
        if self._connection is None:
            parts = urlsplit(self.url)
            assert parts.hostname is not None
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        try:
            self._connection.request(method, target, content, self._headers())
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.disconnect()
            raise

    def _headers(self) -> dict[str, str]:
        headers, keys = {"Content-Type": "application/json"}, self._credentials
        user, secret = (keys.access_key, keys.secret_key) if keys.access_key else (keys.user, keys.password)
        if secret:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
        elif keys.token:
            headers["X-Auth-Token"] = keys.token
        return headers

    def disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _ThreadServer(uvicorn.Server):
    """A server that says when it is up, and stops at once when told."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        assert self._stop is not None
        await self._stop.wait()

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)


class Emulator(Control):
    """A local DLI in a thread of this process. `data=None` keeps nothing; speed 0 stands still until `advance`."""

    def __init__(
        self,
        *,
        speed: float = 0.0,
        pace: float | None = None,  # the former name of `speed`
        data: Path | None = None,
        credentials: Credentials | None = None,
        latency_ms: float = 0.0,
        patience_seconds: float = 30.0,
        runtime: str = SIMULATED,
        runtime_options: dict[str, str] | None = None,
        port: int = 0,
    ) -> None:
        super().__init__("", credentials)
        self._port = port
        self.settings = Settings(
            data=data,
            speed=speed if pace is None else pace,
            credentials=self._credentials,
            latency_ms=latency_ms,
            patience_seconds=patience_seconds,
            runtime=runtime,
            runtime_options=runtime_options or {},
        )

    def start(self) -> Self:
        self._socket = bind(self._port)
        self.url = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self.service = LocalDli(self.settings)
        server = make_server(self.service, base_url=self.url, server_type=_ThreadServer)
        assert isinstance(server, _ThreadServer)
        self._server = server
        self._thread = threading.Thread(target=server.run, args=([self._socket],), name="local-dli", daemon=True)
        self._thread.start()
        if not server.up.wait(30):
            raise RuntimeError("the local DLI did not start")
        return self

    def stop(self) -> None:
        self.disconnect()
        self._server.stop()
        self._thread.join(30)
        self._socket.close()
        self.service.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_in_thread(**settings: Any) -> Emulator:
    """A started `Emulator`; the caller stops it."""
    return Emulator(**settings).start()
