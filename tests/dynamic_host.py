"""Drives the SDK's own dynamic host over gRPC, without an engine: the fastest contract test of a provider.

    with DynamicHost(config={"dli:region": "eu-de"}) as host:
        made = host.create(QueueProvider, URN, {"queue_name": "q"}, timeout=60)
        made.id, made.outs

Values are plain Python in both directions: `UNKNOWN` stands for what is known only after the update (a child of
`inputs`, at any depth), numbers that are whole come back as int, a `Secret` is what the provider marked. `__provider`
is added to what is sent, taken out of what comes back, and its absence there is an error. What the provider refuses
is a `HostError`: `message` is the text that the engine would show, `half_done` what it would keep. Calls may be made
from several threads at a time.
"""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dill  # type: ignore[import-untyped]
import grpc
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import ListValue, Struct
from pulumi.dynamic import ResourceProvider
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

PROVIDER_KEY = "__provider"
_ROOT = Path(__file__).parent.parent
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_LARGE = [(name, 64 << 20) for name in ("grpc.max_metadata_size", "grpc.absolute_max_metadata_size")] + [
    (name, -1) for name in ("grpc.max_receive_message_length", "grpc.max_send_message_length")
]
_SEVERITIES = ("debug", "info", "warning", "error")


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the provider marked as secret."""

    value: Any


@dataclass(frozen=True)
class Checked:
    inputs: dict[str, Any]
    failures: tuple[tuple[str, str], ...]  # (property, reason)


@dataclass(frozen=True)
class Diffed:
    changes: bool | None
    replaces: tuple[str, ...]
    delete_before_replace: bool


@dataclass(frozen=True)
class Created:
    id: str
    outs: dict[str, Any]


@dataclass(frozen=True)
class Found:
    """The answer to `read`: id "" means gone; `inputs` is None where the provider returned none."""

    id: str
    outs: dict[str, Any]
    inputs: dict[str, Any] | None


@dataclass(frozen=True)
class HalfMade:
    """What the engine keeps of a call that failed; `inputs` is None where the provider returned none."""

    id: str
    outs: dict[str, Any]
    inputs: dict[str, Any] | None
    reasons: tuple[str, ...]
    provider: str  # the `__provider` among the outputs, by which later calls find it


class HostError(Exception):
    """A call failed. `message` is what the engine shows, `clean` whether that came without the host's traceback."""

    def __init__(self, message: str, *, half_done: HalfMade | None, clean: bool, raw: str) -> None:
        self.message = message
        self.half_done = half_done
        self.clean = clean
        self.raw = raw  # the gRPC failure's own text, which the engine shows only when nothing better came along
        super().__init__(message)


@dataclass(frozen=True)
class LogLine:
    severity: str
    text: str
    urn: str
    ephemeral: bool


@dataclass
class _Engine(engine_pb2_grpc.EngineServicer):
    lines: list[LogLine] = field(default_factory=list)

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802  (named by the protocol)
        self.lines.append(LogLine(_SEVERITIES[request.severity], request.message, request.urn, request.ephemeral))
        return empty_pb2.Empty()


Provider = str | ResourceProvider | type[ResourceProvider]


def provider_string(provider: Provider) -> str:
    """What Pulumi would write into `__provider`; the class has to be importable in the host under the same name."""
    if isinstance(provider, str):
        return provider
    return base64.b64encode(dill.dumps(provider() if isinstance(provider, type) else provider)).decode()


class DynamicHost:
    """One running host process. Use as a context manager.

    Args:
        config: sent by `Configure` at the start; keys as in the stack's configuration, `dli:region`.
        env: added to this process's environment; None as a value takes a variable away.
        engine: the address the host is told. None: a log server of our own, whose lines are `logs`; "": none is told.
        python: the interpreter; by default the one of the tests.
    """

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        env: Mapping[str, str | None] | None = None,
        engine: str | None = None,
        python: str = sys.executable,
    ) -> None:
        self._config = dict(config or {})
        self._env = dict(env or {})
        self._engine_address = engine
        self._python = python
        self._log = _Engine()
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> DynamicHost:
        with contextlib.ExitStack() as stack:
            self._errors = stack.enter_context(tempfile.TemporaryFile("w+"))
            address = self._engine_address
            if address is None:
                address = stack.enter_context(_serving(self._log))
            self._process = stack.enter_context(self._started(address))
            channel = grpc.insecure_channel(f"127.0.0.1:{self._port()}", options=_LARGE)
            stack.callback(channel.close)
            self._stub = provider_pb2_grpc.ResourceProviderStub(channel)
            self.configure(self._config)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._cleanup.close()

    @property
    def logs(self) -> Sequence[LogLine]:
        """What the host has told the engine so far."""
        return tuple(self._log.lines)

    def logged(self, urn: str, *severities: str) -> list[str]:
        """The lasting lines about one resource, by default notes and warnings."""
        wanted = severities or ("info", "warning")
        return [line.text for line in self.logs if line.urn == urn and line.severity in wanted and not line.ephemeral]

    @property
    def stderr(self) -> str:
        """What the host has printed so far; with the CLI it would show under the stack."""
        self._errors.seek(0)
        return self._errors.read()

    @property
    def pid(self) -> int:
        return self._process.pid

    def configure(self, config: Mapping[str, Any]) -> None:
        """Replace the configuration; providers that are configured already keep theirs."""
        self._call("Configure", provider_pb2.ConfigureRequest(args=_to_struct(config)))

    def check(
        self, provider: Provider, urn: str, news: Mapping[str, Any], *, olds: Mapping[str, Any] | None = None
    ) -> Checked:
        request = provider_pb2.CheckRequest(
            urn=urn, olds=_bag(provider, olds), news=_bag(provider, news), name=_name(urn), type=_type(urn)
        )
        answer = self._call("Check", request)
        failures = tuple((failure.property, failure.reason) for failure in answer.failures)
        return Checked(_from_bag(answer.inputs), failures)

    def diff(
        self,
        provider: Provider,
        urn: str,
        id: str,
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        *,
        old_inputs: Mapping[str, Any] | None = None,
    ) -> Diffed:
        """`olds` are the outputs of last time, as with the engine."""
        request = provider_pb2.DiffRequest(
            id=id,
            urn=urn,
            olds=_bag(provider, olds),
            news=_bag(provider, news),
            old_inputs=_bag(provider, old_inputs),
            name=_name(urn),
            type=_type(urn),
        )
        answer = self._call("Diff", request)
        changes = {answer.DIFF_NONE: False, answer.DIFF_SOME: True}.get(answer.changes)
        return Diffed(changes, tuple(answer.replaces), answer.deleteBeforeReplace)

    def create(
        self, provider: Provider, urn: str, inputs: Mapping[str, Any], *, timeout: float | None = None
    ) -> Created:
        request = provider_pb2.CreateRequest(
            urn=urn, properties=_bag(provider, inputs), timeout=timeout or 0.0, name=_name(urn), type=_type(urn)
        )
        answer = self._call("Create", request)
        return Created(answer.id, _from_bag(answer.properties))

    def read(
        self,
        provider: Provider,
        urn: str,
        id: str,
        outs: Mapping[str, Any],
        *,
        inputs: Mapping[str, Any] | None = None,
    ) -> Found:
        request = provider_pb2.ReadRequest(
            id=id,
            urn=urn,
            properties=_bag(provider, outs),
            inputs=_bag(provider, inputs),
            name=_name(urn),
            type=_type(urn),
        )
        answer = self._call("Read", request)
        found = _from_bag(answer.inputs) if answer.HasField("inputs") else None
        return Found(answer.id, _from_bag(answer.properties), found)

    def update(
        self,
        provider: Provider,
        urn: str,
        id: str,
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        *,
        old_inputs: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """The new outputs."""
        request = provider_pb2.UpdateRequest(
            id=id,
            urn=urn,
            olds=_bag(provider, olds),
            news=_bag(provider, news),
            old_inputs=_bag(provider, old_inputs),
            timeout=timeout or 0.0,
            name=_name(urn),
            type=_type(urn),
        )
        return _from_bag(self._call("Update", request).properties)

    def delete(
        self, provider: Provider, urn: str, id: str, outs: Mapping[str, Any], *, timeout: float | None = None
    ) -> None:
        request = provider_pb2.DeleteRequest(
            id=id,
            urn=urn,
            properties=_bag(provider, outs),
            timeout=timeout or 0.0,
            name=_name(urn),
            type=_type(urn),
        )
        self._call("Delete", request)

    def cancel(self) -> None:
        """What the engine does on the first ^C."""
        self._call("Cancel", empty_pb2.Empty())

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=60)
        except grpc.RpcError as error:
            raise _host_error(error) from None

    @contextlib.contextmanager
    def _started(self, address: str) -> Iterator[subprocess.Popen[bytes]]:
        changes = {
            "PULUMI_PROJECT": "tests",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), *sys.path])),
            **self._env,
        }
        env = {key: value for key, value in {**os.environ, **changes}.items() if value is not None}
        command = [self._python, "-u", "-m", "pulumi.dynamic", *filter(None, [address])]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._errors, env=env)
        with process:
            try:
                yield process
            finally:
                for _ in range(3):  # as the engine does; a busy host may miss one
                    process.send_signal(signal.SIGINT)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(2)
                        break
                else:
                    process.kill()

    def _port(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip():
            raise RuntimeError(f"the host did not start:\n{self.stderr}")
        return int(line)


def eventually(condition: Any, *, seconds: float = 10.0, what: str = "the condition") -> None:
    """Return as soon as `condition()` is true; for what another process does in its own time."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds} s"
        pause.wait(0.01)


@contextlib.contextmanager
def _serving(engine: _Engine) -> Iterator[str]:
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


def _host_error(error: Any) -> HostError:
    """Read a failure as the engine does: the status in the trailing metadata counts more than the call's text."""
    raw = str(error.details())
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if packed is None:
        return HostError(raw, half_done=None, clean=False, raw=raw)
    status = status_pb2.Status.FromString(packed)
    assert status.code == error.code().value[0], "grpc-go refuses a status of another code than the call's"
    return HostError(status.message, half_done=_half_made(status), clean=True, raw=raw)


def _half_made(status: Any) -> HalfMade | None:
    kept = provider_pb2.ErrorResourceInitFailed()
    for detail in status.details:
        if detail.Unpack(kept):
            inputs = _from_bag(kept.inputs) if kept.HasField("inputs") else None
            outs = _from_bag(kept.properties)
            return HalfMade(kept.id, outs, inputs, tuple(kept.reasons), str(kept.properties[PROVIDER_KEY]))
    return None


def _bag(provider: Provider, values: Mapping[str, Any] | None) -> Struct | None:
    return None if values is None else _to_struct({PROVIDER_KEY: provider_string(provider), **values})


def _from_bag(struct: Struct) -> dict[str, Any]:
    values: dict[str, Any] = _from_wire(dict(struct))
    if values:
        assert PROVIDER_KEY in values, f"without {PROVIDER_KEY} in {sorted(values)} no later call finds the provider"
        del values[PROVIDER_KEY]
    return values


def _to_struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(_to_wire(values))
    return struct


def _to_wire(value: Any) -> Any:
    if value is UNKNOWN:
        return _UNKNOWN_STRING
    if isinstance(value, Secret):
        return {_SIGNATURE: _SECRET, "value": _to_wire(value.value)}
    if isinstance(value, Mapping):
        return {key: _to_wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_wire(item) for item in value]
    return value


def _from_wire(value: Any) -> Any:
    if value == _UNKNOWN_STRING:
        return UNKNOWN
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, ListValue | list):
        return [_from_wire(item) for item in value]
    if isinstance(value, Struct | Mapping):
        plain = {key: _from_wire(item) for key, item in value.items()}
        return Secret(plain["value"]) if plain.get(_SIGNATURE) == _SECRET else plain
    return value


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]
