"""A local DLI, a clock that moves it on instead of sleeping, and calls that remember what was said on the resource."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pulumi_dli.api.client import DliClient
from pulumi_dli.connection import AccessKey, Connection
from pulumi_dli.emulator.testing import Emulator
from pulumi_dli.lifecycle.contract import CreateResult, DiffRequest, DiffResult, Lifecycle
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.fields import changes, check

PROJECT = "48cc2c48765f481480c7db940d6409d1"


class ServiceTime:
    """A clock on which waiting means that the service's time passes. `pulumi_dli.clock.Clock`."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._now = 0.0
        self.cancel_at: float | None = None
        self.waited = 0.0

    def now(self) -> float:
        return self._now

    def pass_by(self, seconds: float) -> None:
        seconds = max(seconds, 0.001)  # the rest of a deadline may be too small a step for a float
        self._now += seconds
        self._emulator.advance(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set() and seconds > 0:
            self.waited += seconds
            self.pass_by(seconds)
        if self.cancel_at is not None and self._now >= self.cancel_at:
            event.set()
        return event.is_set()


class Said:
    """What one call said on its resource."""

    def __init__(self) -> None:
        self.progress: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []


class World:
    """One emulator and any number of processes (sessions) that manage resources in it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.time = ServiceTime(emulator)
        self.connection = Connection(
            endpoint=emulator.url,
            credentials=AccessKey("AK", "SK"),
            project_id=PROJECT,
            region="eu-de",
            obs_endpoint=emulator.objects_url,
        )
        self.said = Said()
        self._clients: list[DliClient] = []
        self.session = self.new_process()

    def new_process(self, **changed: Any) -> Session:
        """Another run of the engine: nothing is remembered but what is in the service and in the outputs."""
        connection = replace(self.connection, **changed)
        client = DliClient(connection, clock=self.time)
        self._clients.append(client)
        self.session = Session(client, clock=self.time)
        return self.session

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def call(self, name: str = "streams", **more: Any) -> OperationContext:
        self.said = Said()
        return OperationContext(
            urn=f"urn:pulumi:dev::shop::dli::{name}",
            name=name,
            status=self.said.progress.append,
            info=self.said.notes.append,
            warn=self.said.warnings.append,
            **more,
        )

    def count(self, operation: str, since: int = 0) -> int:
        return len(self.emulator.requests(since=since, operation=operation))

    def calls(self) -> dict[str, int]:
        return self.emulator.counts()

    def run_a_job(self, queue: str, name: str = "counter", *, entrypoint: str = "g/app.jar", **config: Any) -> int:
        """A job that runs on the queue now."""
        self.emulator.quirk(lenient_objects=True)
        jobs = self.session.client.flink_jobs
        body = {"name": name, "queue_name": queue, "entrypoint": entrypoint, "main_class": "a.B", **config}
        job_id = jobs.create_jar(body)
        jobs.run([job_id], False)
        self.time.pass_by(1200)
        assert jobs.get(job_id).status == "job_running"
        return job_id


class Resource:
    """One resource of a stack: its state, and what the engine does with it. Each step runs in a new process."""

    def __init__(self, world: World, lifecycle: Lifecycle[Any], name: str = "streams") -> None:
        self.world = world
        self.lifecycle = lifecycle
        self.name = name
        self.id = ""
        self.outs: dict[str, Any] = {}

    def checked(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        normal, failures = check(self.lifecycle.spec, inputs)
        assert not failures, failures
        return normal

    def preview_update(self, inputs: Mapping[str, Any], unknown: tuple[str, ...] = ()) -> DiffResult:
        news = {name: value for name, value in self.checked(inputs).items() if name not in unknown}
        request = DiffRequest(
            id=self.id,
            olds=self.outs,
            news=news,
            unknown=unknown,
            changes=changes(self.lifecycle.spec, self.outs, news, unknown),
            connect=lambda: self.world.session,
        )
        return self.lifecycle.preview_update(self.world.call(self.name), request)

    def create(self, inputs: Mapping[str, Any], **call: Any) -> CreateResult:
        session = self.world.new_process()
        spec = self.lifecycle.spec.of(self.checked(inputs))
        outcome = self.lifecycle.create(self.world.call(self.name, **call), session, spec)
        self.id, self.outs = outcome.id, dict(outcome.outs)
        return outcome

    def update(self, inputs: Mapping[str, Any], **call: Any) -> dict[str, Any]:
        session = self.world.new_process()
        spec = self.lifecycle.spec.of(self.checked(inputs))
        self.outs = dict(self.lifecycle.update(self.world.call(self.name, **call), session, self.id, self.outs, spec))
        return self.outs

    def refresh(self) -> bool:
        """Read it; whether it is still there. The state follows."""
        session = self.world.new_process()
        found = self.lifecycle.read(self.world.call(self.name), session, self.id, self.outs)
        if found is None:
            return False
        self.unhealthy = found.unhealthy
        self.outs = dict(found.outs)
        return True

    def drift(self, inputs: Mapping[str, Any]) -> list[str]:
        """The fields in which a refreshed state differs from the program."""
        assert self.refresh()
        return [change.field for change in changes(self.lifecycle.spec, self.outs, self.checked(inputs))]

    def delete(self) -> None:
        self.lifecycle.delete(self.world.call(self.name), self.world.new_process(), self.id, self.outs)
