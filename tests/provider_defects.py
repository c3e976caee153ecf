"""Single resources as an engine keeps them, over the SDK's real dynamic host and a local DLI.

For `test_defects_of_the_peer.py`: what a stack would remember (id, inputs, outputs, whether the last step stopped
half-way) lives in `Kept`; its methods make the protocol calls in the engine's order, so that a test reads as what a
person does: `up`, `refresh`, `preview`, `destroy`. It knows nothing of the provider's insides; what has happened is
asked of the local DLI. Hosts are dear: only what happens between two phases (`act`, `quirk`, `destroy`) begins another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pulumi_dli.emulator.testing import Emulator
from pulumi_dli.provider import FlinkJarJobProvider, PackageGroupProvider, QueueProvider

from .dynamic_host import Created, DynamicHost, HostError, Provider

BUCKET = "bucket"
V1, V2 = f"obs://{BUCKET}/v1.jar", f"obs://{BUCKET}/v2.jar"
URN = "urn:pulumi:dev::streams::pulumi-python:dynamic/dli:{}::{}"
POLL_SECONDS = 0.02
PACE = 2000.0
"""Service seconds in a second: a first submission of 8 minutes takes a quarter of a second."""

Json = dict[str, Any]


class Hosts:
    """Host processes, started ahead and ended behind: a test waits for neither. Use as a context manager."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._workers = ThreadPoolExecutor(2)
        self._spare: Future[DynamicHost] | None = None

    def take(self, poll_seconds: float) -> DynamicHost:
        """A host that nobody has used."""
        if poll_seconds != POLL_SECONDS:
            return self._start(poll_seconds)
        taken, self._spare = self._spare, self._workers.submit(self._start, POLL_SECONDS)
        return taken.result() if taken else self._start(POLL_SECONDS)

    def end(self, host: DynamicHost) -> None:
        self._workers.submit(host.__exit__)

    def _start(self, poll_seconds: float) -> DynamicHost:
        config = {
            "dli:endpoint": self._emulator.url,
            "dli:obsEndpoint": self._emulator.objects_url,
            "dli:projectId": "p1",
            "dli:accessKey": "AK",
            "dli:secretKey": "canary-of-the-connection",
            "dli:pollSeconds": poll_seconds,
        }
        host = DynamicHost(config=config).__enter__()
        # As of a job that is there: a new one is looked for by name, in the world of the test that runs just now.
        warm = {"name": "warm", "state": "draft"}
        host.check(FlinkJarJobProvider, URN.format("FlinkJarJob", "warm"), warm, olds=warm)
        return host

    def __enter__(self) -> Hosts:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._spare is not None:
            self.end(self._spare.result())
        self._workers.shutdown()


class Cloud:
    """A local DLI, and one host process at a time that manages resources in it."""

    def __init__(self, emulator: Emulator, hosts: Hosts) -> None:
        self.emulator = emulator
        self.poll_seconds = POLL_SECONDS
        self.made = False
        self._hosts = hosts
        self._host: DynamicHost | None = None
        for path in (V1, V2):
            emulator.put_object(BUCKET, path.rpartition("/")[2], path.encode())

    @property
    def host(self) -> DynamicHost:
        if self._host is None:
            self._host = self._hosts.take(self.poll_seconds)
        return self._host

    def new_process(self) -> None:
        """End the host: the next call goes to another, as in each phase of an engine."""
        if self._host is not None:
            self._hosts.end(self._host)
        self._host, self.made = None, False

    def act(self, action: str, **more: Any) -> None:
        """Do what a person at the console would, between two phases of the engine."""
        self.new_process()
        self.emulator.act(action, **more)

    def quirk(self, **switches: Any) -> None:
        """The service answers in these other ways, from the next phase on."""
        self.new_process()
        self.emulator.default_quirks()
        self.emulator.quirk(**switches)

    def job(self, name: str, **inputs: Any) -> Kept:
        """A Flink jar job on queue q1; an input that is None is left out."""
        usual = {"name": name, "queue_name": "q1", "entrypoint": V1, "main_class": "a.B", "obs_bucket": BUCKET}
        return Kept(self, FlinkJarJobProvider, "FlinkJarJob", name, {**usual, **inputs})

    def queue(self, name: str, **inputs: Any) -> Kept:
        return Kept(self, QueueProvider, "Queue", name, {"queue_name": name, "cu_count": 16, **inputs})

    def group(self, name: str, *packages: Any, **inputs: Any) -> Kept:
        inputs = {"group_name": name, "packages": [_package(one) for one in packages], **inputs}
        return Kept(self, PackageGroupProvider, "PackageGroup", name, inputs)

    def put(self, key: str, content: bytes = b"bytes") -> str:
        return self.emulator.put_object(BUCKET, key, content)

    def mark(self) -> int:
        """A moment in the journal, for `calls(since=…)`."""
        return max((call["seq"] for call in self.emulator.requests()), default=0)

    def calls(self, operation: str, since: int = 0) -> list[Any]:
        """The bodies of the calls of one operation, oldest first."""
        return [call["body"] for call in self.emulator.requests(since=since, operation=operation)]

    def count(self, *operations: str, since: int = 0) -> int:
        return sum(len(self.calls(operation, since)) for operation in operations)

    def there(self, name: str) -> Json:
        """The job of that name as the service itself knows it, now."""
        (found,) = [job for job in self.emulator.jobs() if job["name"] == name]
        return found


def _package(package: Any) -> Any:
    return {"path": package} if isinstance(package, str) else package


@dataclass(frozen=True)
class Foreseen:
    """What a preview shows of one resource."""

    changes: bool
    replaces: tuple[str, ...]
    lines: list[str]
    inputs: Json


class Kept:
    """One resource of a stack, and what the stack's state says of it."""

    def __init__(self, cloud: Cloud, provider: Provider, kind: str, name: str, program: Mapping[str, Any]) -> None:
        self.cloud = cloud
        self.provider = provider
        self.urn = URN.format(kind, name)
        self.program = {key: value for key, value in program.items() if value is not None}
        self.id = ""
        self.inputs: Json = {}
        self.outs: Json = {}
        self.ailing: tuple[str, ...] = ()

    def declare(self, **inputs: Any) -> None:
        """Change the program; None takes an input away."""
        changed = {**self.program, **inputs}
        self.program = {key: value for key, value in changed.items() if value is not None}

    def preview(self, **inputs: Any) -> Foreseen:
        self.declare(**inputs)
        host, before = self.cloud.host, len(self.cloud.host.logs)
        checked = host.check(self.provider, self.urn, self.program, olds=self.inputs if self.id else None)
        assert not checked.failures, checked.failures
        changes, replaces = True, tuple[str, ...]()
        if self.id:
            found = host.diff(self.provider, self.urn, self.id, self.outs, checked.inputs, old_inputs=self.inputs)
            told = found.changes if found.changes is not None else self.inputs != checked.inputs
            changes, replaces = told or bool(self.ailing), found.replaces
        mark = f"{self.urn.rpartition('::')[2]}: "
        lines = [
            line.text.removeprefix(mark) for line in host.logs[before:] if line.urn == self.urn and not line.ephemeral
        ]
        return Foreseen(changes, replaces, lines, checked.inputs)

    def up(self, *, timeout: float | None = None, **inputs: Any) -> Foreseen:
        """Bring it to what the program says, if the preview sees anything to do.

        Raises:
            HostError: it failed; what was kept of it is in the state by then.
        """
        planned = self.preview(**inputs)
        self.cloud.made = True
        assert not (self.id and planned.replaces), f"{self.urn} would be replaced because of {planned.replaces}"
        try:
            if not self.id:
                self._made(
                    self.cloud.host.create(self.provider, self.urn, planned.inputs, timeout=timeout), planned.inputs
                )
            elif planned.changes:
                self.outs = self.cloud.host.update(
                    self.provider,
                    self.urn,
                    self.id,
                    self.outs,
                    planned.inputs,
                    old_inputs=self.inputs,
                    timeout=timeout,
                )
                self.inputs, self.ailing = planned.inputs, ()
        except HostError as error:
            self._keep(error, planned.inputs)
            raise
        return planned

    def _made(self, made: Created, inputs: Json) -> None:
        self.id, self.outs, self.inputs, self.ailing = made.id, made.outs, inputs, ()

    def _keep(self, error: HostError, inputs: Json) -> None:
        if error.half_done is None:
            return
        if not self.id:
            self.inputs = inputs  # after a half-made update the engine keeps the old ones
        self.id, self.outs, self.ailing = error.half_done.id, error.half_done.outs, error.half_done.reasons

    def refresh(self) -> bool:
        """Read it into the state; whether it is still there."""
        try:
            found = self.cloud.host.read(self.provider, self.urn, self.id, self.outs, inputs=self.inputs)
            id_, outs, inputs, self.ailing = found.id, found.outs, found.inputs, ()
        except HostError as error:
            if error.half_done is None:
                raise
            half = error.half_done
            id_, outs, inputs, self.ailing = half.id, half.outs, half.inputs, half.reasons
        if not id_:
            self.id, self.inputs, self.outs = "", {}, {}
            return False
        self.outs, self.inputs = outs, self.inputs if inputs is None else inputs
        return True

    def untouched(self) -> bool:
        """Whether a refresh, and a preview after it, show nothing at all."""
        before = self.inputs
        assert self.refresh()
        return self.inputs == before and not self.ailing and not self.preview().changes

    def destroy(self) -> None:
        """Delete it in a phase that has made nothing; it stays in the state when that fails."""
        if self.cloud.made:
            self.cloud.new_process()
        self.cloud.host.delete(self.provider, self.urn, self.id, self.outs)
        self.id, self.inputs, self.outs, self.ailing = "", {}, {}, ()


class Aside:
    """Something done in a thread, to act on it while it goes on: `with Aside(job.up) as up: …; up.error`."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self.error: HostError | None = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        began = time.monotonic()
        try:
            self._act()
        except HostError as error:
            self.error = error
        finally:
            self.seconds = time.monotonic() - began

    @property
    def goes_on(self) -> bool:
        return self._thread.is_alive()

    def __enter__(self) -> Aside:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.join()

    def join(self, seconds: float = 30.0) -> HostError | None:
        """Its error, once it has ended."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"it did not end within {seconds} s"
        return self.error
