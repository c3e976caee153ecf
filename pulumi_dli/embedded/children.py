"""The engine's child processes: the stack's program, and the SDK's own dynamic provider host, with the calls to it.

Owns the processes (one host for each provider resource) and the reading of their errors. Knows no plans and no files.
"""

from __future__ import annotations

import contextlib
import json
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
from pulumi.automation import ConfigValue
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_dli.embedded import child_main
from pulumi_dli.embedded.connections import check_loopback
from pulumi_dli.embedded.state import State
from pulumi_dli.embedded.values import Props, compare, decode, encode, mark_secrets, plain

CHANNEL = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
Say = Callable[[str], None]
END_SECONDS = 5.0
GRACE_SECONDS = 1.5
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
                    count = f"{len(made.reasons)} error{'' if len(made.reasons) == 1 else 's'} occurred:"
                    return ProviderError("\n\t* ".join([count, *made.reasons]), made)
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        text = f"the provider process ended unexpectedly ({text})"
    return ProviderError(text)


class _Child:
    """A process with its own session: a ^C on the terminal does not end a provider in the middle of a create."""

    def __init__(self, arguments: list[str], directory: Path, env: Mapping[str, str], say: Say) -> None:
        command = [sys.executable, "-u", "-c", _BOOT, child_main.__file__, *arguments]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, cwd=directory, env=dict(env), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        self._pipes: list[Any] = [self._process.stdin, self._process.stdout, self._process.stderr]
        self._say = say
        self._readers: list[threading.Thread] = []
        self._drain(self._process.stderr)

    def _drain(self, stream: Any) -> None:
        """Pass on the lines of a stream for ever: a full pipe would stop the child."""

        def run() -> None:
            for line in stream:
                self._say(line.decode(errors="replace").rstrip("\n"))

        self._readers.append(threading.Thread(target=run, daemon=True))
        self._readers[-1].start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _close(self) -> None:
        for reader in self._readers:
            reader.join(2.0)
        for stream in self._pipes:
            stream.close()

    def end_within(self, seconds: float) -> None:
        """Give it a moment to end by itself, then end it: it may hang for ever on what will not come."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()


class Host(_Child):
    """One provider process. Started at once, configured once; its calls block the calling thread."""

    def __init__(self, directory: Path, env: Mapping[str, str], engine: str, say: Say) -> None:
        super().__init__(["host", engine], directory, {**_MANY_THREADS, **env}, say)
        self.config: Props = {}
        self._stub: Any = None
        self._channel: grpc.Channel | None = None

    def configure(self, config: Props) -> None:
        """Wait until it serves, and hand it its configuration."""
        port = self._pipes[1].readline().strip()
        if not port.isdigit():
            raise ProviderError(f"the provider process did not start (exit status {self._process.wait()})")
        self._drain(self._process.stdout)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port.decode()}", options=CHANNEL)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self.config = config
        self._ask("Configure", args=config, acceptSecrets=True)

    def _ask(self, method: str, state: State | None = None, **fields: Any) -> Any:
        """Make a call; of `fields`, the request gets those that this SDK's protocol knows."""
        if state is not None:
            fields |= {"urn": state.urn, "name": state.name, "type": state.type, "id": state.id}
        kind = getattr(provider_pb2, f"{method}Request")
        known = kind.DESCRIPTOR.fields_by_name
        values = {key: encode(item) if isinstance(item, dict) else item for key, item in fields.items() if key in known}
        try:
            return getattr(self._stub, method)(kind(**values))
        except grpc.RpcError as error:
            raise failure_of(error) from None

    def check(self, state: State, olds: Props, news: Props) -> tuple[Props, list[tuple[str, str]]]:
        """The checked inputs, and the failures as property and reason."""
        response = self._ask("Check", state, olds=olds, news=news, randomSeed=os.urandom(32))
        inputs = decode(response.inputs)
        mark_secrets(inputs, news)
        return inputs, [(failure.property, failure.reason) for failure in response.failures]

    def diff(self, old: State, news: Props, old_inputs: Props, ignore: list[str]) -> Any:
        return self._ask("Diff", old, olds=old.outputs, old_inputs=old_inputs, news=news, ignoreChanges=ignore)

    def create(self, state: State) -> tuple[str, Props]:
        response = self._ask("Create", state, properties=state.inputs)
        return response.id, decode(response.properties)

    def update(self, old: State, new: State) -> Props:
        """The outputs after bringing `old` to the inputs of `new`."""
        sides = {"olds": old.outputs, "old_inputs": old.inputs, "news": new.inputs}
        return decode(self._ask("Update", new, **sides, ignoreChanges=new.ignore_changes).properties)

    def delete(self, state: State) -> None:
        self._ask("Delete", state, properties=state.outputs, old_inputs=state.inputs)

    def read(self, state: State) -> Any:
        """The raw answer: id (empty when gone), properties and perhaps inputs."""
        return self._ask("Read", state, properties=state.outputs, inputs=state.inputs)

    def cancel(self) -> None:
        """Tell it that no more time should be spent on waiting."""
        if self._stub is not None:
            with contextlib.suppress(grpc.RpcError):
                self._stub.Cancel(empty_pb2.Empty(), timeout=END_SECONDS)

    def end(self) -> None:
        """End it the way the CLI does: Cancel, then SIGINT; its own exit handlers get a few seconds."""
        if self._stub is None:
            self.kill()  # it was not asked anything: there is nothing for it to finish
        self.cancel()
        if self._channel is not None:
            self._channel.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self.end_within(END_SECONDS)
        self._close()


class Program(_Child):
    """One run. The process starts at once and imports the SDK; it begins when its order comes."""

    def __init__(self, folder: Path, env: Mapping[str, str], say: Say) -> None:
        super().__init__(["program"], folder, env, say)
        self._drain(self._process.stdout)

    def begin(self, config: Mapping[str, ConfigValue], settings: Mapping[str, Any]) -> None:
        values = {key: item.value for key, item in config.items()}
        secrets = [key for key, item in config.items() if item.secret]
        order = {"config": values, "secret_keys": secrets, "settings": settings}
        try:
            self._pipes[0].write(json.dumps(order).encode() + b"\n")
            self._pipes[0].flush()
        except BrokenPipeError:
            return  # it died while importing; its exit status tells

    def wait(self) -> str:
        """Return when it has ended: "" when well, otherwise what to say about it ("shown" when it was said)."""
        status = self._process.wait()
        self._close()
        if status == child_main.SHOWN:
            return "shown"
        return "" if status == 0 else f"the program ended with exit status {status}"


class Hosts:
    """The provider processes of one operation, by provider reference (`urn::id`)."""

    def __init__(self, start: Callable[[], Host], env: Mapping[str, str]) -> None:
        self._start = start
        self._env = env
        self._spare: Host | None = start()
        self._hosts: dict[str, Host] = {}
        self._ended: list[threading.Thread] = []
        self._lock = threading.Lock()

    def find(self, reference: str) -> Host | None:
        """The process for a provider, when it was configured."""
        return self._hosts.get(reference)

    def configure(self, reference: str, config: Props) -> None:
        """Have a process for this provider with this configuration; one that already serves it is kept."""
        with self._lock:
            current = self._hosts.get(reference)
            if current is not None:
                if not compare(current.config, config):
                    return
                self._end(current)
            check_loopback(plain(config), self._env)
            host, self._spare = self._spare or self._start(), None
            self._hosts[reference] = host
            host.configure(plain(config))

    def _all(self) -> list[Host]:
        return [*([self._spare] if self._spare else []), *self._hosts.values()]

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
