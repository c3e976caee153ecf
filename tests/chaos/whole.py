"""A schedule with the engine itself: the program as a file, the embedded engine and the SDK's host as processes, which
are killed with SIGKILL or hear a ^C in the middle of a call. The same checker judges.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import family_of, role_of
from pulumi_dli.emulator.testing import Emulator
from tests.chaos.checker import Epoch, World, left_by_kills, problems
from tests.chaos.deployment import State, Told
from tests.chaos.programs import JOB, UPLOAD, Declared, Program, changed, ordered
from tests.chaos.schedules import Schedule, Trouble
from tests.dynamic_host import eventually
from tests.engines import PROJECT_ID, Engine
from tests.stacks import Entry

MOST_SECONDS = 60.0


@dataclass
class Whole:
    """One engine on one project, and what became of its deployments."""

    engine: Engine
    dli: Emulator
    world: World
    program: Program = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=list)
    kills: int = 0

    def run(self, schedule: Schedule) -> list[str]:
        """The violations."""
        for deploy in schedule.deploys:
            for change in deploy.changes:
                self.program = changed(self.program, change)
            blow = next((one for one in deploy.troubles if one.what in ("kill", "cancel")), None)
            self._up(blow)
        told = self._up(None)
        if not told.ok:
            told = self._up(None)
        found = [] if told.ok else [f"stuck: {told.error[-600:]}"]
        state = self.state()
        found += [
            f"{kind}: {text}"
            for kind, text in problems(self.world, self.epochs, state, self.program, self.engine.project, calm=True)
        ]
        done = self.engine.destroy()
        if not done.ok:
            found.append(f"stuck: destroy: {done.text[-600:]}")
        elif not left_by_kills(self.world, self.epochs, self.program):
            found += [f"orphan: {left} is left after destroy" for left in self.world.not_foreign()]
        return found

    def _up(self, blow: Trouble | None) -> Told:
        self.engine.write(text_of(self.program, self.engine.project))
        epoch = Epoch(since=self.world.last_event(), program=dict(self.program), owned=self._jobs())
        fault = None
        if blow is not None:
            given = {"operation": "[!o]*", "effect": "held_answer", "nth": blow.nth, "delay": 30.0}
            fault = self.dli.fault(**given)
        process = self.engine.start("up")
        text = ""
        try:
            if blow is not None and fault is not None and self._is_hit(fault, process):
                epoch.told.killed = blow.what == "kill"
                self.kills += 1
                strike(process, "host" if blow.when == "before" else "engine" if blow.what == "kill" else "^C")
            self.dli.clear_faults()
            text = process.communicate(timeout=MOST_SECONDS)[0]
        except subprocess.TimeoutExpired:
            self.world.texts.append("hang")
            raise AssertionError(f"no end after {MOST_SECONDS} s") from None
        finally:
            self.dli.clear_faults()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
        if blow is None and "Traceback" in text:
            raise AssertionError(text)
        epoch.told.ok, epoch.told.error = process.returncode == 0, text
        if epoch.told.ok:
            epoch.told.done = set(self.program)
        epoch.owned |= self._jobs()
        epoch.until, epoch.missing = self.world.last_event(), self.world.missing_packages()
        self.epochs.append(epoch)
        self.world.texts += [text, "[" + self.engine.stored()]
        return epoch.told

    def _is_hit(self, fault: int, process: subprocess.Popen[str]) -> bool:
        def fired() -> bool:
            return any(one["id"] == fault and one["fired"] for one in self.dli.faults())

        eventually(lambda: fired() or process.poll() is not None, seconds=MOST_SECONDS, what="the call")
        return fired()

    def _jobs(self) -> dict[int, str]:
        jobs = [entry for entry in self.state().all() if entry.kind == JOB]
        return {int(entry.id): entry.urn.rpartition("::")[2] for entry in jobs}

    def state(self) -> State:
        """The engine's state in the checker's terms."""
        state = State()
        for record in self.engine.export().get("resources") or []:
            if "dli:" not in record["type"]:
                continue
            kind = record["type"].rpartition(":")[2]
            outs = record.get("outputs") or {}
            entry = Entry(kind, record["urn"], record["id"], record.get("inputs") or {}, outs)
            if record.get("delete"):
                state.doomed.append(entry)
            else:
                state.entries[entry.urn] = entry
        return state


def strike(process: subprocess.Popen[str], what: str) -> None:
    """The engine, whose children end with its pipe, or the host alone; or a ^C, which its children do not hear."""
    if what == "host":
        for pid in [pid for pid in family_of(process.pid) if role_of(pid) == "host"]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    else:
        process.send_signal(signal.SIGKILL if what == "engine" else signal.SIGINT)


def text_of(program: Program, folder: Path) -> str:
    """The program as an author would write it."""
    lines = []
    for one in ordered(program):
        inputs = {key: repr(value) for key, value in one.inputs.items() if key != "content"}
        if one.kind == UPLOAD:
            (folder / f"{one.label}.jar").write_bytes(str(one.inputs["content"]).encode())
            inputs["source"] = repr(f"{one.label}.jar")
        if one.kind == JOB:
            inputs |= {"queue_name": repr("shared"), "entrypoint": inputs.get("entrypoint", repr("obs://jars/a.jar"))}
            inputs |= {key: _output(program[label], key) for key, label in one.uses.items() if label in program}
        opts = f", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name={one.alias!r})])" if one.alias else ""
        given = ", ".join(f"{key}={value}" for key, value in inputs.items())
        lines.append(f"{one.label} = dli.{one.kind}({one.label!r}, {given}{opts})")
    return "\n".join(lines) + "\n"


def _output(used: Declared, key: str) -> str:
    if key == "queue_name":
        return f"{used.label}.queue_name"
    if used.kind == UPLOAD:
        return f"{used.label}.path"
    first = str(used.inputs["packages"][0]).rpartition("/")[2]
    return f"pulumi.Output.concat({used.label}.group_name, '/', {first!r})"


def prepared(engine: Engine, dli: Emulator, quirks: Mapping[str, Any]) -> Whole:
    dli.reset()
    dli.quirk(**quirks, timings={"first_submit": 40.0, "assigning": 10.0})
    world = World.prepared(dli, PROJECT_ID)
    engine.write("")
    engine.connect(dli)
    return Whole(engine, dli, world)
