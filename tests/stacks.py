"""A stack without an engine: keeps inputs, outputs and half-made results as Pulumi's does, one resource at a time.

    stack = Stack(emulator)                          # drives the lifecycles in this process: a phase is a new session
    stack = Stack(emulator, hosted=True)             # drives the SDK's own dynamic host: a phase is a new process
    job = stack.up("FlinkJarJob", "j", name="j", …)  # check → diff → create or update
    stack.refresh("j"); stack.preview("j", …); stack.destroy("j")

`up` raises `Failed` after the state was kept; `lines` are the lasting messages of the last phase (severity, text).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import requests

from pulumi_dli import provider as providers
from pulumi_dli.api.client import DliClient
from pulumi_dli.config import resolve_connection
from pulumi_dli.emulator.testing import Emulator
from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.contract import DiffRequest, ResourceInitFailed
from pulumi_dli.lifecycle.networks import DeclaredNetworks
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import Claims
from pulumi_dli.lifecycle.pool_sizes import DeclaredPools
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.fields import changes
from pulumi_dli.specs.fields import check as check_fields
from tests.dynamic_host import DynamicHost, HostError, Secret

_PROJECTS = itertools.count(1)
QUICK = {"first_submit": 40.0, "assigning": 10.0}
"""Service seconds: a first job need not take eight minutes in every test."""


class Failed(Exception):  # noqa: N818  (what happened to the step, not a mistake of the test)
    """A step of the engine failed. `half_done`: whether its result was kept nevertheless."""

    def __init__(self, message: str, *, half_done: bool) -> None:
        self.half_done = half_done
        super().__init__(message)


@dataclass
class Entry:
    """What the state holds of one resource."""

    kind: str
    urn: str
    id: str
    inputs: dict[str, Any]
    outs: dict[str, Any]
    init_errors: tuple[str, ...] = ()


@dataclass
class Previewed:
    """What a preview shows."""

    action: str  # create, update, same
    lines: list[tuple[str, str]]
    differing: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        return [text for severity, text in self.lines if severity == "info"]

    @property
    def warnings(self) -> list[str]:
        return [text for severity, text in self.lines if severity == "warning"]


class HalfMade(Exception):  # noqa: N818  (a result that travels as an exception)
    def __init__(
        self, reasons: tuple[str, ...], id: str, outs: dict[str, Any], inputs: dict[str, Any] | None = None
    ) -> None:
        self.id, self.outs, self.inputs, self.reasons = id, outs, inputs, reasons
        super().__init__("; ".join(reasons))


def plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A bag as a provider gets it from the state: JSON, without what is null at the top, secrets in clear."""
    found: dict[str, Any] = json.loads(
        json.dumps({key: value for key, value in properties.items() if value is not None}, default=_in_clear)
    )
    return found


def _in_clear(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.value
    raise TypeError(type(value).__name__)


class Phase:
    """One phase of the engine, in this process: the lifecycles with a session of their own."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.cancelled = threading.Event()
        self.lines: list[tuple[str, str]] = []
        self.progress: list[str] = []
        self._config = config
        self._session: Session | None = None
        self._previewed: set[str] = set()
        self._claims = Claims()
        self._pools = DeclaredPools()
        self._networks = DeclaredNetworks()

    def close(self) -> None:
        pass

    def connect(self) -> Session:
        if self._session is None:
            self._session = Session(DliClient(resolve_connection(self._config.get, {})), claims=self._claims)
        return self._session

    def _call(self, urn: str, timeout: float | None = None) -> OperationContext:
        return OperationContext(
            urn=urn,
            name=urn.rpartition("::")[2],
            timeout_seconds=timeout,
            cancelled=self.cancelled,
            status=self.progress.append,
            info=lambda text: self._say("info", text),
            warn=lambda text: self._say("warning", text),
            pools=self._pools,
            networks=self._networks,
        )

    def _say(self, severity: str, text: str) -> None:
        if (severity, text) not in self.lines:
            self.lines.append((severity, text))

    def check(self, kind: str, urn: str, news: Mapping[str, Any], olds: Mapping[str, Any] | None) -> dict[str, Any]:
        lifecycle = _lifecycle(kind)
        inputs, failures = check_fields(lifecycle.spec, news)
        failures = failures or lifecycle.validate(olds or {}, inputs, ())
        if failures:
            raise Failed("; ".join(f"{failure.field}: {failure.reason}" for failure in failures), half_done=False)
        self._previewed.add(urn)
        if not olds:
            try:
                lifecycle.preview_create(self._call(urn), DiffRequest("", {}, inputs, (), (), self.connect))
            except DliError as error:
                raise Failed(str(error), half_done=False) from error
        return inputs

    def diff(self, entry: Entry, news: Mapping[str, Any]) -> bool | None:
        lifecycle = _lifecycle(entry.kind)
        changed = changes(lifecycle.spec, entry.outs, news)
        if entry.urn not in self._previewed:
            return None if changed else False
        self._claims.declare(lifecycle.holdings(entry.id, entry.outs), urn=entry.urn, outs=entry.outs)
        request = DiffRequest(entry.id, entry.outs, news, (), changed, self.connect)
        answer: bool | None = lifecycle.preview_update(self._call(entry.urn), request).changed
        return answer

    def create(self, kind: str, urn: str, inputs: Mapping[str, Any], timeout: float | None) -> tuple[str, Any]:
        lifecycle = _lifecycle(kind)
        with _translated():
            made = lifecycle.create(self._call(urn, timeout), self.connect(), lifecycle.spec.of(inputs))
        return made.id, plain(made.outs)

    def update(self, entry: Entry, news: Mapping[str, Any], timeout: float | None) -> dict[str, Any]:
        lifecycle = _lifecycle(entry.kind)
        with _translated():
            spec = lifecycle.spec.of(news)
            return plain(lifecycle.update(self._call(entry.urn, timeout), self.connect(), entry.id, entry.outs, spec))

    def read(self, entry: Entry) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
        self._previewed.discard(entry.urn)
        with _translated():
            found = _lifecycle(entry.kind).read(self._call(entry.urn), self.connect(), entry.id, entry.outs)
        if found is None:
            return "", {}, None
        if found.unhealthy:
            raise HalfMade(found.unhealthy, found.id, plain(found.outs), plain(found.inputs))
        return found.id, plain(found.outs), plain(found.inputs)

    def delete(self, entry: Entry, timeout: float | None) -> None:
        with _translated():
            _lifecycle(entry.kind).delete(self._call(entry.urn, timeout), self.connect(), entry.id, entry.outs)


class HostedPhase:
    """One phase of the engine, with the SDK's own host in a process of its own."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._stack = contextlib.ExitStack()
        self.host = self._stack.enter_context(DynamicHost(config=config))

    def close(self) -> None:
        self._stack.close()

    def provider(self, kind: str) -> Any:
        return getattr(providers, f"{kind}Provider")

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Without the name of the resource, as the lifecycles say them."""
        told = [line for line in self.host.logs if line.severity in ("info", "warning")]
        return [(line.severity, line.text.removeprefix(f"{line.urn.rpartition('::')[2]}: ")) for line in told]

    def check(self, kind: str, urn: str, news: Mapping[str, Any], olds: Mapping[str, Any] | None) -> dict[str, Any]:
        checked = self.host.check(self.provider(kind), urn, news, olds=olds)
        if checked.failures:
            raise Failed("; ".join(reason for _, reason in checked.failures), half_done=False)
        return checked.inputs

    def diff(self, entry: Entry, news: Mapping[str, Any]) -> bool | None:
        with _translated_host():
            return self.host.diff(self.provider(entry.kind), entry.urn, entry.id, entry.outs, news).changes

    def create(self, kind: str, urn: str, inputs: Mapping[str, Any], timeout: float | None) -> tuple[str, Any]:
        with _translated_host():
            made = self.host.create(self.provider(kind), urn, inputs, timeout=timeout)
        return made.id, plain(made.outs)

    def update(self, entry: Entry, news: Mapping[str, Any], timeout: float | None) -> dict[str, Any]:
        with _translated_host():
            return plain(
                self.host.update(self.provider(entry.kind), entry.urn, entry.id, entry.outs, news, timeout=timeout)
            )

    def read(self, entry: Entry) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
        with _translated_host():
            found = self.host.read(self.provider(entry.kind), entry.urn, entry.id, entry.outs, inputs=entry.inputs)
        return found.id, plain(found.outs), None if found.inputs is None else plain(found.inputs)

    def delete(self, entry: Entry, timeout: float | None) -> None:
        with _translated_host():
            self.host.delete(self.provider(entry.kind), entry.urn, entry.id, entry.outs, timeout=timeout)


class Stack:
    """The state of a stack, and what `pulumi` commands do to it."""

    def __init__(self, emulator: Emulator, *, hosted: bool = False, project_id: str = "", **config: Any) -> None:
        self.emulator = emulator
        self.project_id = project_id or f"p{next(_PROJECTS)}"
        self.config = {
            "dli:endpoint": emulator.url,
            "dli:obsEndpoint": emulator.objects_url,
            "dli:projectId": self.project_id,
            "dli:accessKey": "ak",
            "dli:secretKey": "secret-key-of-tests",
            "dli:pollSeconds": 0.01,
            **config,
        }
        self.entries: dict[str, Entry] = {}
        self.lines: list[tuple[str, str]] = []
        self.on_phase: Callable[[Any], None] = lambda _phase: None
        self._make = HostedPhase if hosted else Phase

    @contextlib.contextmanager
    def phase(self) -> Iterator[Any]:
        """A new process of the provider; its lines are kept in `lines`."""
        phase = self._make(self.config)
        try:
            self.on_phase(phase)
            yield phase
        finally:
            self.lines = list(phase.lines)
            phase.close()

    @property
    def warnings(self) -> list[str]:
        return [text for severity, text in self.lines if severity == "warning"]

    @property
    def notes(self) -> list[str]:
        return [text for severity, text in self.lines if severity == "info"]

    def urn(self, kind: str, name: str) -> str:
        return f"urn:pulumi:dev::proj::pulumi-python:dynamic/dli:{kind}::{name}"

    def preview(self, kind: str, name: str, /, *, ignore_changes: tuple[str, ...] = (), **inputs: Any) -> Previewed:
        with self.phase() as phase:
            action, news = self._foresee(phase, kind, name, inputs, ignore_changes)
        old = self.entries[name].inputs if name in self.entries else {}
        differing = tuple(sorted(key for key in {*old, *news} if old.get(key) != news.get(key)))
        return Previewed(action, self.lines, differing)

    def up(
        self,
        kind: str,
        name: str,
        /,
        *,
        timeout: float | None = None,
        ignore_changes: tuple[str, ...] = (),
        **inputs: Any,
    ) -> Entry:
        """Create or update. Raises `Failed` once the state is as the engine would have it."""
        with self.phase() as phase:
            action, news = self._foresee(phase, kind, name, inputs, ignore_changes)
            urn = self.urn(kind, name)
            if action == "create":
                self._create(phase, kind, name, urn, news, timeout)
            elif action == "update":
                self._update(phase, self.entries[name], news, timeout)
            else:
                self.entries[name].inputs = dict(news)
        return self.entries[name]

    def _foresee(
        self, phase: Any, kind: str, name: str, inputs: Mapping[str, Any], ignore_changes: tuple[str, ...]
    ) -> tuple[str, dict[str, Any]]:
        entry = self.entries.get(name)
        given = {key: value for key, value in inputs.items() if value is not None}
        if entry is not None:
            for ignored in ignore_changes:  # the engine puts the old value in the place of the program's
                given.pop(ignored, None)
                if ignored in entry.inputs:
                    given[ignored] = entry.inputs[ignored]
        urn = self.urn(kind, name)
        try:
            news = phase.check(kind, urn, given, entry.inputs if entry else None)
            if entry is None:
                return "create", news
            changed = phase.diff(entry, news)
        except (HostError, DliError) as error:
            raise Failed(str(error), half_done=False) from error
        if changed is None:
            changed = entry.inputs != news
        return ("update" if changed or entry.init_errors else "same"), news

    def _create(self, phase: Any, kind: str, name: str, urn: str, news: dict[str, Any], timeout: float | None) -> None:
        try:
            made, outs = phase.create(kind, urn, news, timeout)
        except HalfMade as half:
            self.entries[name] = Entry(kind, urn, half.id, dict(news), half.outs, half.reasons)
            raise Failed(str(half), half_done=True) from half
        self.entries[name] = Entry(kind, urn, made, dict(news), outs)

    def _update(self, phase: Any, entry: Entry, news: dict[str, Any], timeout: float | None) -> None:
        try:
            entry.outs = phase.update(entry, news, timeout)
        except HalfMade as half:
            entry.outs, entry.inputs, entry.init_errors = half.outs, dict(news), half.reasons
            raise Failed(str(half), half_done=True) from half
        entry.inputs, entry.init_errors = dict(news), ()

    def refresh(self, name: str) -> bool:
        """Read; whether anything that a person would be shown has changed. `lines` hold warnings of ill health."""
        entry = self.entries[name]
        before = (dict(entry.inputs), dict(entry.outs))
        with self.phase() as phase:
            try:
                found, outs, inputs = phase.read(entry)
                entry.init_errors = ()
            except HalfMade as ill:
                found, outs, inputs, entry.init_errors = ill.id, ill.outs, ill.inputs, ill.reasons
            if not found:
                del self.entries[name]
                return True
            old = entry.inputs
            entry.outs = outs
            phase.diff(entry, old)  # the engine compares what was read with the old inputs
            entry.inputs = inputs if inputs is not None else old
        return (entry.inputs, entry.outs) != before

    def destroy(self, name: str, *, timeout: float | None = None) -> None:
        with self.phase() as phase:
            phase.delete(self.entries[name], timeout)
        del self.entries[name]

    # what a test needs around the resource itself

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the service as a foreign client would."""
        answer = requests.request(
            method,
            f"{self.emulator.url}{path.replace('{p}', self.project_id)}",
            json=body,
            headers={"X-Auth-Token": "t"},
            timeout=30,
        )
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def queue(self, name: str = "q1") -> str:
        body = {"queue_name": name, "queue_type": "general", "cu_count": 16, "resource_mode": 1}
        self.call("POST", "/v1.0/{p}/queues", body)
        return name

    def enter_pool(self, queue: str = "q1", pool: str = "pool") -> None:
        """Put a queue into an elastic resource pool of its own; only jobs on such queues may name an agency."""
        sizes = {"min_cu": 64, "max_cu": 128}
        self.call("POST", "/v3/{p}/elastic-resource-pools", {"elastic_resource_pool_name": pool, **sizes})
        self.emulator.advance(600)
        self.call("POST", f"/v3/{{p}}/elastic-resource-pools/{pool}/queues", {"queue_name": queue})
        self.emulator.advance(600)

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs of this stack's project as the emulator knows them."""
        return [job for job in self.emulator.jobs() if job["project_id"] == self.project_id]

    def requests(self, operation: str | None = None) -> list[dict[str, Any]]:
        """The calls of this stack's project, oldest first; glob-free."""
        return [
            entry for entry in self.emulator.requests(operation=operation) if entry["project_id"] == self.project_id
        ]

    def operations(self, *names: str) -> list[str]:
        """Names of the calls of this project in order; only `names` when given."""
        found = [str(entry["operation"]) for entry in self.requests()]
        return [name for name in found if not names or name in names]


JOB = "FlinkJarJob"
WRITES = (
    "jobs.create",
    "sql_jobs.create",
    "jobs.stop",
    "jobs.update",
    "sql_jobs.update",
    "jobs.import_savepoint",
    "jobs.savepoint",
    "jobs.run",
)
SQL = """create table orders (name string, num int) with ('connector' = 'datagen');
create table sink (name string) with ('connector' = 'print');
insert into sink select name from orders;"""


@dataclass
class Stream:
    """One Flink job in a stack of its own, with a queue and two jars: what most tests are about."""

    stack: Stack
    name: str = "j"
    inputs: dict[str, Any] = field(default_factory=dict)

    kind: ClassVar[str] = JOB
    program: ClassVar[dict[str, Any]] = {"entrypoint": "obs://jars/a.jar", "main_class": "Main"}

    def __post_init__(self) -> None:
        self.stack.queue()
        for jar in ("a.jar", "b.jar"):
            self.emulator.put_object("jars", jar, jar.encode())
        self.emulator.put_object("state", "README", b"savepoints and checkpoints go here")
        self.inputs = {"name": self.name, "queue_name": "q1", "obs_bucket": "state", **self.program, **self.inputs}

    @property
    def emulator(self) -> Emulator:
        return self.stack.emulator

    def up(self, **changed: Any) -> Entry:
        """Bring the job to the inputs given so far, with these changed (None: no longer given)."""
        options = {key: changed.pop(key) for key in ("timeout", "ignore_changes") if key in changed}
        self.inputs = {**self.inputs, **changed}
        return self.stack.up(self.kind, self.name, **options, **self.inputs)

    def preview(self, **changed: Any) -> Previewed:
        return self.stack.preview(self.kind, self.name, **{**self.inputs, **changed})

    def refresh(self) -> bool:
        return self.stack.refresh(self.name)

    def destroy(self) -> None:
        self.stack.destroy(self.name)

    def act(self, action: str, **more: Any) -> None:
        """Do what a person does to the job at the console; see the emulator's control."""
        self.emulator.act(f"job.{action}", job=self.id, **more)

    @property
    def entry(self) -> Entry:
        return self.stack.entries[self.name]

    @property
    def outs(self) -> dict[str, Any]:
        return self.entry.outs

    @property
    def id(self) -> int:
        return int(self.entry.id)

    @property
    def real(self) -> dict[str, Any]:
        """The job as the emulator knows it; there must be exactly one."""
        (job,) = self.stack.jobs()
        return job

    @property
    def status(self) -> str:
        self.stack.call("GET", f"/v1.0/{{p}}/streaming/jobs/{self.real['job_id']}")
        return str(self.real["status"])

    def writes(self) -> list[str]:
        """The writing calls about jobs since the last `forget`."""
        return [name.rpartition(".")[2] for name in self.stack.operations(*WRITES)][self._seen :]

    _seen: int = field(default=0, init=False)

    def forget(self) -> None:
        """Only what is written from now on counts."""
        self._seen = len(self.stack.operations(*WRITES))


class SqlStream(Stream):
    """One Flink SQL job, as `Stream`."""

    kind = "FlinkSqlJob"
    program: ClassVar[dict[str, Any]] = {"sql_body": SQL}


def _lifecycle(kind: str) -> Any:
    return getattr(providers, f"{kind}Provider")().lifecycle()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ResourceInitFailed as half:
        raise HalfMade(half.reasons, half.id, plain(half.outs)) from half
    except DliError as error:
        raise Failed(str(error), half_done=False) from error


@contextlib.contextmanager
def _translated_host() -> Iterator[None]:
    try:
        yield
    except HostError as error:
        kept = error.half_done
        if kept is None:
            raise Failed(error.message, half_done=False) from error
        inputs = None if kept.inputs is None else plain(kept.inputs)
        raise HalfMade(kept.reasons, kept.id, plain(kept.outs), inputs) from error
