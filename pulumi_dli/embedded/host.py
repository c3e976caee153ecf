"""The SDK's own dynamic provider host as a child process, and the calls the engine makes to it.

Owns the processes (one for each provider resource) and the reading of their errors. Used by deployment.py and
steps.py. Knows nothing of plans or state files.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_dli.embedded import child
from pulumi_dli.embedded.state import State
from pulumi_dli.embedded.values import Props, compare, decode, encode, mark_secrets, plain

CHANNEL = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
END_SECONDS = 5.0
# By path and not by `-m`: the children must not pay for the import of this package's resources. And not as a script:
# its folder would come first on the module path, where the CLI has the program's.
_BOOT = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
# A host has a thread for each operation under way, and nearly all of them wait: no heaps and no hoards of their own for
# them (glibc; other systems do not look at it). What the person has set comes first.
_MANY_THREADS = {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0"}


class ProviderError(Exception):
    """A call failed. `made` holds what a half-made resource already has."""

    def __init__(self, text: str, made: Any = None) -> None:
        super().__init__(text)
        self.made = made


def spawn(arguments: list[str], directory: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A child with its own session, so that a ^C on the terminal does not end a provider in the middle of a create."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-u", "-c", _BOOT, child.__file__, *arguments],
        cwd=directory,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def drain(stream: Any, say: Callable[[str], None]) -> threading.Thread:
    """Pass on the lines of a child's stream for ever: a full pipe would stop it."""

    def run() -> None:
        for line in stream:
            say(line.decode(errors="replace").rstrip("\n"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def failure_of(error: grpc.RpcError) -> ProviderError:
    """What a failed call says: the clean text of its status details where it has some, half-made results included."""
    text = str(error.details())
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            text = status.message or text
            for detail in status.details:
                made = provider_pb2.ErrorResourceInitFailed()
                if detail.Unpack(made):
                    return ProviderError(_several(list(made.reasons)), made)
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        text = f"the provider process ended unexpectedly ({text})"
    return ProviderError(text)


def _several(reasons: list[str]) -> str:
    count = f"{len(reasons)} error{'' if len(reasons) == 1 else 's'} occurred:"
    return "\n".join([count, *(f"\t* {reason}" for reason in reasons)])


def message(kind: Any, **fields: Any) -> Any:
    """A request with those of `fields` that this SDK's protocol knows."""
    known = kind.DESCRIPTOR.fields_by_name
    return kind(**{key: value for key, value in fields.items() if key in known})


class Host:
    """One provider process. Started at once, configured once; its calls block the calling thread."""

    def __init__(self, directory: Path, env: Mapping[str, str], engine: str, say: Callable[[str], None]) -> None:
        self.config: Props | None = None
        self._process = spawn(["host", engine], directory, {**_MANY_THREADS, **env})
        self._say = say
        self._stub: Any = None
        self._channel: grpc.Channel | None = None
        self._readers = [drain(self._process.stderr, say)]

    def configure(self, config: Props) -> None:
        """Wait until it serves, and hand it its configuration."""
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port.isdigit():
            raise ProviderError(f"the provider process did not start (exit status {self._process.wait()})")
        self._readers.append(drain(self._process.stdout, self._say))
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port.decode()}", options=CHANNEL)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self.config = config
        self._call("Configure", provider_pb2.ConfigureRequest(args=encode(config), acceptSecrets=True))

    def serves(self, config: Props) -> bool:
        """Whether it was configured with these values."""
        return self.config is not None and not compare(self.config, config)

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request)
        except grpc.RpcError as error:
            raise failure_of(error) from None

    def check(self, state: State, olds: Props, news: Props) -> tuple[Props, list[tuple[str, str]]]:
        """The checked inputs, and the failures as property and reason."""
        request = message(
            provider_pb2.CheckRequest, **_names(state), olds=encode(olds), news=encode(news), randomSeed=os.urandom(32)
        )
        response = self._call("Check", request)
        inputs = decode(response.inputs)
        mark_secrets(inputs, news)
        return inputs, [(failure.property, failure.reason) for failure in response.failures]

    def diff(self, state: State, olds: Props, old_inputs: Props, news: Props, ignore: list[str]) -> Any:
        """The raw answer; `olds` are the old outputs."""
        return self._call(
            "Diff",
            message(
                provider_pb2.DiffRequest,
                **_names(state),
                id=state.id,
                olds=encode(olds),
                old_inputs=encode(old_inputs),
                news=encode(news),
                ignoreChanges=ignore,
            ),
        )

    def create(self, state: State) -> tuple[str, Props]:
        """Id and outputs of the new object."""
        timeout = state.custom_timeouts.get("create", 0.0)
        request = message(
            provider_pb2.CreateRequest, **_names(state), properties=encode(state.inputs), timeout=timeout, preview=False
        )
        response = self._call("Create", request)
        return response.id, decode(response.properties)

    def update(self, old: State, new: State) -> Props:
        """The outputs after bringing `old` to the inputs of `new`."""
        request = message(
            provider_pb2.UpdateRequest,
            **_names(new),
            id=old.id,
            olds=encode(old.outputs),
            old_inputs=encode(old.inputs),
            news=encode(new.inputs),
            timeout=new.custom_timeouts.get("update", 0.0),
            ignoreChanges=new.ignore_changes,
            preview=False,
        )
        return decode(self._call("Update", request).properties)

    def delete(self, state: State) -> None:
        """Delete the object."""
        request = message(
            provider_pb2.DeleteRequest,
            **_names(state),
            id=state.id,
            properties=encode(state.outputs),
            old_inputs=encode(state.inputs),
            timeout=state.custom_timeouts.get("delete", 0.0),
        )
        self._call("Delete", request)

    def read(self, state: State, outputs: Props) -> Any:
        """The raw answer: id (empty when gone), properties and perhaps inputs."""
        request = message(
            provider_pb2.ReadRequest,
            **_names(state),
            id=state.id,
            properties=encode(outputs),
            inputs=encode(state.inputs),
            timeout=state.custom_timeouts.get("read", 0.0),
        )
        return self._call("Read", request)

    def cancel(self) -> None:
        """Tell it that no more time should be spent on waiting."""
        if self._stub is not None:
            with contextlib.suppress(grpc.RpcError):
                self._stub.Cancel(empty_pb2.Empty(), timeout=END_SECONDS)

    def end(self) -> None:
        """End it the way the CLI does: Cancel, then SIGINT; its own exit handlers get a few seconds."""
        self.cancel()
        if self._channel is not None:
            self._channel.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()

    def _close(self) -> None:
        for reader in self._readers:
            reader.join(1.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _names(state: State) -> dict[str, str]:
    return {"urn": state.urn, "name": state.name, "type": state.type}


class Hosts:
    """The provider processes of one operation, by provider reference (`urn::id`)."""

    def __init__(self, start: Callable[[], Host]) -> None:
        self._start = start
        self._spare: Host | None = start()
        self._hosts: dict[str, Host | None] = {}
        self._ended: list[threading.Thread] = []
        self._lock = threading.Lock()

    def find(self, reference: str) -> Host | None:
        """The process for a provider, None when its configuration is not known yet.

        Raises:
            KeyError: no such provider was configured.
        """
        return self._hosts[reference]

    def has(self, reference: str) -> bool:
        return reference in self._hosts

    def configure(self, reference: str, config: Props | None) -> None:
        """Have a process for this provider with this configuration; one that already serves it is kept."""
        with self._lock:
            current = self._hosts.get(reference)
            if current is not None and config is not None and current.serves(config):
                return
            if current is not None:
                self._end(current)
            if config is None:
                self._hosts[reference] = None
                return
            host, self._spare = self._spare or self._start(), None
            self._hosts[reference] = host
            host.configure(plain(config))

    def _all(self) -> list[Host]:
        return [host for host in [self._spare, *self._hosts.values()] if host is not None]

    def _end(self, host: Host) -> None:
        thread = threading.Thread(target=host.end)
        thread.start()
        self._ended.append(thread)

    def cancel(self) -> None:
        for host in self._all():
            threading.Thread(target=host.cancel, daemon=True).start()

    def kill(self) -> None:
        for host in self._all():
            host.kill()

    def end(self) -> None:
        """End all processes, side by side."""
        for host in self._all():
            self._end(host)
        self._hosts, self._spare = {}, None
        for thread in self._ended:
            thread.join()
