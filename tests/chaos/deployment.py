"""An engine in this process, for many resources: what Pulumi's does with check, diff, create, update and delete.

It keeps Pulumi's order: the program's resources first, and all of them pass their diff before anything that left the
program, or was replaced, is deleted. The first error ends it. What was done before a kill stands in the state.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pulumi_dli import patience
from pulumi_dli import provider as providers
from pulumi_dli.api.client import DliClient
from pulumi_dli.config import resolve_connection
from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.contract import DiffRequest, DiffResult
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.fields import changes
from tests.chaos.programs import ORDER, Program, inputs_of, ordered
from tests.chaos.wire import Killed
from tests.stacks import Entry, Failed, HalfMade, Phase

CLIENT_SPEED = 200.0
"""Seconds of the client's clock in one of the machine: its half minutes of backing off need not be sat through."""


class QuickClock:
    """A clock that runs `CLIENT_SPEED` times as fast as the machine's."""

    def now(self) -> float:
        return time.monotonic() * CLIENT_SPEED

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(seconds, 0.0) / CLIENT_SPEED)


class ChaosPhase(Phase):
    """As the phase of `tests.stacks`; tells whether a change replaces, and lives on the quick clock."""

    _connected: Session | None = None

    def connect(self) -> Session:
        if self._connected is None:
            clock = QuickClock()
            client = DliClient(resolve_connection(self._config.get, {}), clock=clock)
            self._connected = Session(client, clock=clock, claims=self._claims)
        return self._connected

    def close(self) -> None:
        if self._connected is not None:
            self._connected.client.close()

    def preview_update(self, entry: Entry, news: Mapping[str, Any]) -> DiffResult:
        lifecycle = getattr(providers, f"{entry.kind}Provider")().lifecycle()
        changed = changes(lifecycle.spec, entry.outs, news)
        self._claims.declare(lifecycle.holdings(entry.id, entry.outs), urn=entry.urn, outs=entry.outs)
        request = DiffRequest(entry.id, entry.outs, news, (), changed, self.connect)
        diff_result: DiffResult = lifecycle.preview_update(self._call(entry.urn), request)
        return diff_result


@dataclass
class State:
    """What the backend keeps: entries by URN, and those that a replacement has put aside."""

    entries: dict[str, Entry] = field(default_factory=dict)
    doomed: list[Entry] = field(default_factory=list)
    cut_off: set[str] = field(default_factory=set)
    """Whose deletes a kill has cut off: pending operations, of which the engine warns until a refresh. And those whose
    error says that the stream is down."""

    def all(self) -> list[Entry]:
        return [*self.doomed, *self.entries.values()]

    @property
    def text(self) -> str:
        return json.dumps([asdict(entry) for entry in self.all()])


@dataclass
class Told:
    """What one deployment came to.

    Attributes:
        done: labels whose step was made, or needed none.
        strange: what no deployment may do: an exception that is none of ours, a hang.
    """

    ok: bool = False
    error: str = ""
    killed: bool = False
    done: set[str] = field(default_factory=set)
    lines: list[tuple[str, str]] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


class Interrupted(Exception):  # noqa: N818  (what happened to the deployment)
    """No further step is begun."""


class Deployment:
    """One `up` or `destroy` of a state; `phase` is the provider's process."""

    def __init__(self, state: State, config: Mapping[str, Any], folder: Path) -> None:
        self._state = state
        self._folder = folder
        self.phase = ChaosPhase(config)
        self.told = Told()

    def interrupt(self) -> None:
        """What a ^C does."""
        self.phase.cancelled.set()

    def up(self, program: Program, *, refresh: bool = False, replaced: Mapping[str, bool] | None = None) -> Told:
        """`replaced`: labels that are replaced by force, and whether the old one is deleted first."""
        return self._run(lambda: self._up(program, refresh=refresh, replaced=replaced or {}))

    def destroy(self) -> Told:
        return self._run(lambda: self._delete(self._state.all()))

    def _run(self, work: Callable[[], None]) -> Told:
        told = self.told
        try:
            with patience.waiting_as(patience.Patience(self.phase.cancelled)):
                work()
            told.ok = True
        except Killed:
            told.killed = True
        except (Failed, HalfMade, DliError) as error:
            told.error = str(error)
        except Interrupted:
            told.error = "interrupted"
        except Exception as error:  # noqa: BLE001  (the host would print a traceback)
            told.strange.append(f"{type(error).__name__}: {error}")
        finally:
            told.lines = list(self.phase.lines)
            self.phase.close()
        return told

    def _up(self, program: Program, *, refresh: bool, replaced: Mapping[str, bool]) -> None:
        if refresh:
            for entry in list(self._state.entries.values()):
                self._refresh(entry)
            self._state.cut_off.clear()
        for declared in ordered(program):
            self._goes_on()
            urn = urn_of(declared.kind, declared.label)
            former = urn_of(declared.kind, declared.alias)
            if declared.alias and former in self._state.entries and urn not in self._state.entries:
                self._state.entries[urn] = self._state.entries.pop(former)
                self._state.entries[urn].urn = urn
            given = inputs_of(declared, program, self._folder)
            self._step(declared.kind, urn, given, replaced.get(declared.label))
            self.told.done.add(declared.label)
        kept = {urn_of(one.kind, one.label) for one in program.values()}
        self._delete([*self._state.doomed, *(e for urn, e in self._state.entries.items() if urn not in kept)])

    def _step(self, kind: str, urn: str, given: dict[str, Any], delete_first: bool | None) -> None:
        entry = self._state.entries.get(urn)
        news = self.phase.check(kind, urn, given, entry.inputs if entry else None)
        if entry is None:
            self._create(kind, urn, news)
            return
        diff_result = self.phase.preview_update(entry, news)
        if delete_first is not None or diff_result.replaces:
            if delete_first:
                self._deleted(entry)
                del self._state.entries[urn]
            else:
                self._state.doomed.append(self._state.entries[urn])
            self._goes_on()
            self._create(kind, urn, news, replaces=not delete_first)
            return
        differs = entry.inputs != news if diff_result.changed is None else diff_result.changed
        if differs or entry.init_errors:
            self._update(entry, news)
        entry.inputs = dict(news)

    def _create(self, kind: str, urn: str, news: dict[str, Any], *, replaces: bool = False) -> None:
        try:
            made, outs = self.phase.create(kind, urn, news, None)
        except HalfMade as half:
            self._state.entries[urn] = Entry(kind, urn, half.id, dict(news), half.outs, half.reasons)
            raise
        except BaseException:
            if replaces:  # nothing came in its place: it is put aside for good only when its successor stands
                self._state.doomed.pop()
            raise
        self._state.entries[urn] = Entry(kind, urn, made, dict(news), outs)

    def _update(self, entry: Entry, news: dict[str, Any]) -> None:
        try:
            entry.outs = self.phase.update(entry, news, None)
        except HalfMade as half:
            entry.outs, entry.inputs, entry.init_errors = half.outs, dict(news), half.reasons
            raise
        entry.init_errors = ()

    def _refresh(self, entry: Entry) -> None:
        try:
            found, outs, inputs = self.phase.read(entry)
            entry.init_errors = ()
        except HalfMade as ill:
            found, outs, inputs, entry.init_errors = ill.id, ill.outs, ill.inputs, ill.reasons
        if not found:
            del self._state.entries[entry.urn]
            return
        entry.outs, entry.inputs = outs, inputs if inputs is not None else entry.inputs

    def _delete(self, entries: list[Entry]) -> None:
        for entry in sorted(entries, key=lambda one: ORDER.index(one.kind), reverse=True):
            self._goes_on()
            self._deleted(entry)
            if self._state.entries.get(entry.urn) is entry:
                del self._state.entries[entry.urn]
            self._state.doomed = [one for one in self._state.doomed if one is not entry]

    def _deleted(self, entry: Entry) -> None:
        try:
            self.phase.delete(entry, None)
        except Killed:
            self._state.cut_off.add(entry.urn)
            raise
        except Failed as error:
            if "STREAM IS DOWN" in str(error):
                self._state.cut_off.add(entry.urn)
            raise

    def _goes_on(self) -> None:
        if self.phase.cancelled.is_set():
            raise Interrupted


def urn_of(kind: str, label: str) -> str:
    return f"urn:pulumi:dev::proj::pulumi-python:dynamic/dli:{kind}::{label}"


def label_of(entry: Entry) -> str:
    return entry.urn.rpartition("::")[2]
