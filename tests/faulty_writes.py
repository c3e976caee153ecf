"""Every call that changes something at the service, under every fault that leaves its outcome open.

One host process serves all cases: each case has a project, a connection and a provider of its own in it, so that
nothing of one case is shared with another, and hundreds of them take minutes and not hours.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi_dli.provider as providers
from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import DynamicHost
from tests.stacks import SQL, Failed, HostedPhase, Stack, Stream

EFFECTS = (408, 500, 502, 503, 504, "drop_before", "drop_after")
TIMES = {"once": 1, "twice": 2, "always": 0}
MOST_CALLS = 40  # of the faulty operation, in one command
MOST_SECONDS = 55.0  # of one command; the driver of the host gives up after 60
MOST_TRIES = 3  # commands, once the service is well again


class SharedHost:
    """One host for many stacks. Connections differ in a setting that does not matter, providers in a field."""

    def __init__(self, host: DynamicHost) -> None:
        self.host = host
        self._lock = threading.Lock()
        self._cases = itertools.count(1)

    def phase(self, config: dict[str, Any]) -> HostedPhase:
        return _Phase(self, {**config, "dli:pollSeconds": 0.02 + next(self._cases) * 1e-6})

    def provider(self, kind: str, config: dict[str, Any]) -> Any:
        """A provider that has this configuration for good: the host configures it at its first call."""
        made = getattr(providers, f"{kind}Provider")()
        made.case = next(self._cases)
        with self._lock:
            self.host.configure(config)
            with contextlib.suppress(Exception):
                self.host.check(made, f"urn:pulumi:dev::proj::pulumi-python:dynamic/dli:{kind}::warm", {})
        return made

    @property
    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.host.pid}/status").read_text()
        return float(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class _Phase(HostedPhase):
    def __init__(self, shared: SharedHost, config: dict[str, Any]) -> None:
        self.host = shared.host
        self._shared, self._config = shared, config
        self._known: dict[str, Any] = {}

    def provider(self, kind: str) -> Any:
        if kind not in self._known:
            self._known[kind] = self._shared.provider(kind, self._config)
        return self._known[kind]

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Write:
    """How a call is provoked.

    Attributes:
        operation: as in the journal.
        act: the command that makes it, to be run again until it succeeds.
        prepare: what has to be there first.
        before: another fault that leads to this call.
    """

    operation: str
    act: Callable[[Any], object]
    prepare: Callable[[Any], object] = lambda case: None
    before: str = ""


class Case:
    """A job, a queue and a group in a stack of its own."""

    def __init__(self, emulator: Emulator, shared: SharedHost) -> None:
        self.emulator = emulator
        self.stack = Stack(emulator)
        self.stack._make = shared.phase  # type: ignore[assignment]
        self.stream = Stream(self.stack)

    def job(self, **changed: Any) -> None:
        self.stream.up(**changed)

    def sql(self, **changed: Any) -> None:
        given = {"name": "s", "queue_name": "q1", "sql_body": SQL, "obs_bucket": "state", **changed}
        self.stack.up("FlinkSqlJob", "s", **given)

    def queue(self, **changed: Any) -> None:
        given = {"queue_name": "q2", "cu_count": 64, "queue_type": "general", "resource_mode": 1, **changed}
        self.stack.up("Queue", "q", **given)

    def group(self, **changed: Any) -> None:
        given = {"group_name": "g", "packages": [{"path": "obs://jars/a.jar"}], **changed}
        self.stack.up("PackageGroup", "g", **given)

    def connection(self, **changed: Any) -> None:
        given = {"name": "c", "dest_vpc_id": "vpc-1", "dest_network_id": "net-1", "queues": ["q1"], **changed}
        self.stack.up("DatasourceConnection", "c", **given)

    def connections(self) -> list[Any]:
        found: list[Any] = self.stack.call("GET", "/v2.0/{p}/datasource/enhanced-connections?status=ACTIVE")[
            "connections"
        ]
        return found

    def gone(self, name: str) -> None:
        if name in self.stack.entries:
            self.stack.destroy(name)


def _used(case: Case) -> None:
    case.queue()
    case.job(queue_name="q2")  # a queue can be scaled once a job has run on it


TAGS = {"team": "a"}
HOSTS = [{"name": "broker", "ip": "192.168.0.11"}]
ROUTES = [{"name": "r", "cidr": "10.1.0.0/16"}]
WRITES = {
    "jobs.create": Write("jobs.create", Case.job),
    "jobs.run": Write("jobs.run", Case.job),
    "jobs.stop": Write("jobs.stop", lambda case: case.job(entrypoint="obs://jars/b.jar"), Case.job),
    "jobs.update": Write("jobs.update", lambda case: case.job(entrypoint="obs://jars/b.jar"), Case.job),
    "jobs.savepoint": Write("jobs.savepoint", lambda case: case.job(savepoint_nonce="2"), Case.job),
    "jobs.delete_many": Write("jobs.delete_many", lambda case: case.gone("j"), Case.job),
    "jobs.delete": Write("jobs.delete", lambda case: case.gone("j"), Case.job, before="jobs.delete_many"),
    "job tags": Write("tags.create", lambda case: case.job(tags=TAGS), Case.job),
    "job tags away": Write("tags.delete", lambda case: case.job(tags=None), lambda case: case.job(tags=TAGS)),
    "sql_jobs.create": Write("sql_jobs.create", Case.sql),
    "sql_jobs.complete": Write("sql_jobs.update", lambda case: case.sql(operator_config={"operator_list": []})),
    "sql_jobs.update": Write("sql_jobs.update", lambda case: case.sql(idle_state_retention=60), Case.sql),
    "queues.create": Write("queues.create", Case.queue),
    "queues.scale": Write("queues.action", lambda case: case.queue(cu_count=128), _used),
    "queues.cidr": Write("queues.cidr", lambda case: case.queue(cidr_in_vpc="10.0.0.0/16"), Case.queue),
    "queues.delete": Write("queues.delete", lambda case: case.gone("q"), Case.queue),
    "queue tags": Write("tags.create", lambda case: case.queue(tags=TAGS), Case.queue),
    "connections.create": Write("connections.create", Case.connection),
    "connections.bind": Write("connections.bind", Case.connection, lambda case: case.connection(queues=[])),
    "connections.unbind": Write("connections.unbind", lambda case: case.connection(queues=[]), Case.connection),
    "connections.hosts": Write("connections.hosts", lambda case: case.connection(hosts=HOSTS), Case.connection),
    "connections.add_route": Write(
        "connections.add_route", lambda case: case.connection(routes=ROUTES), Case.connection
    ),
    "connections.delete_route": Write(
        "connections.delete_route", Case.connection, lambda case: case.connection(routes=ROUTES)
    ),
    "connections.delete": Write("connections.delete", lambda case: case.gone("c"), Case.connection),
    "connection tags": Write("tags.create", lambda case: case.connection(tags=TAGS), Case.connection),
    "packages.upload": Write("packages.upload", Case.group),
    "packages.delete": Write("packages.delete", lambda case: case.gone("g"), Case.group),
    "package tags": Write("tags.create", lambda case: case.group(tags=TAGS), Case.group),
}


def driven_to_its_end(
    emulator: Emulator, shared: SharedHost, acting: SharedHost, write: Write, effect: int | str, times: str
) -> str:
    """What went wrong, "" when nothing did.

    Args:
        acting: the host in which the call is made; what it needs is made in `shared`.
    """
    case = Case(emulator, shared)
    write.prepare(case)
    case.stack._make = acting.phase  # type: ignore[assignment]
    project = {"path": case.stack.project_id}
    faults = [emulator.fault(write.operation, effect, times=TIMES[times], match=project)]
    if write.before:
        faults.append(emulator.fault(write.before, "drop_before", match=project))
    before, began = len(case.stack.requests(write.operation)), time.monotonic()
    problem = ""
    try:
        write.act(case)
    except Failed as failed:
        text = str(failed)
        if "Traceback" in text or "internal error" in text or not text.strip():
            problem = f"not one clean error: {text}"
    took, calls = time.monotonic() - began, len(case.stack.requests(write.operation)) - before
    for fault in faults:
        emulator.clear_faults(fault)
    if calls == 0:
        problem = "the call was never made"
    if calls > MOST_CALLS or took > MOST_SECONDS:
        problem = f"{calls} calls in {took:.0f} s"
    for _ in range(MOST_TRIES):
        try:
            write.act(case)
            break
        except Failed as failed:
            last = str(failed)
    else:
        problem = problem or f"never well again: {last}"
    if len(case.connections()) > 1:
        problem = problem or f"{len(case.connections())} connections"
    if len(case.stack.jobs()) > 1:
        problem = problem or f"{len(case.stack.jobs())} jobs"
    return problem and f"{write.operation} {effect} {times}: {problem}"
