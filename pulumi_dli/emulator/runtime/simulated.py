"""The runtime without Java: a job is a short plan of states with moments, read off the service clock.

Nothing runs in the background. `changes` plays the plans up to now, in the order of their moments, so that a look
after ten minutes or after every second tells the same story. Savepoints are small objects with a `_metadata` that
holds how long the program has run in all, as a stand-in for its state. Plans are kept in the store: a restarted
emulator goes on with them.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.objects.records import Location, ObjectStore, locate_folder
from pulumi_dli.emulator.runtime.protocol import ENDED, Observation, RunState, StartRequest, checkpoint_folder

GRAPH_STATES = {
    RunState.SUBMITTING: "INITIALIZING",
    RunState.RUNNING: "RUNNING",
    RunState.SAVEPOINTING: "RUNNING",
    RunState.CANCELING: "CANCELLING",
    RunState.CANCELED: "CANCELED",
    RunState.FINISHED: "FINISHED",
    RunState.FAILED: "FAILED",
}


@dataclass
class Run:
    """One started job. `plan` holds [moment, state, what], soonest first."""

    job_id: int
    project_id: str
    name: str
    queue: str
    definition: dict[str, Any]
    state: str
    at: float
    plan: list[list[Any]] = field(default_factory=list)
    description: str = ""
    restart_times: int = 0
    restarts_at: list[float] = field(default_factory=list)
    savepoint_path: str | None = None
    savepoint_at: float | None = None
    up_since: float | None = None
    started: float | None = None
    ran_before: float = 0.0  # seconds of running that its state carries from earlier runs
    version: int = 0  # plans made so far; older entries of the heap are void


class SimulatedRuntime:
    """See `runtime.Runtime`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._runs: Table[Run] = Table(core.store, "simulated_runs", Run)
        self._due: list[tuple[float, int, int]] = []
        self._seen: list[Observation] = []
        for run in self._runs.rows.values():
            self._schedule(run)

    # Runtime

    def start(self, request: StartRequest) -> None:
        now, timings, faults = self._now(), self._core.quirks.timings, self._core.faults
        run = Run(
            job_id=request.job_id,
            project_id=request.project_id,
            name=request.name,
            queue=request.queue,
            definition=dict(request.definition),
            state=RunState.SUBMITTING,
            at=now,
            ran_before=self._state_at(request.savepoint_path),
        )
        slow = faults.of("slow_submit", **_facts(run))
        up_at = max(now + timings.submit, request.queue_ready_at) + (slow.after if slow else 0.0)
        failing = faults.of("submit_fail", **_facts(run))
        if failing:
            self._plan(run, [[up_at, RunState.SUBMIT_FAILED, failing.description or "The submission failed."]])
        else:
            self._plan(run, [[up_at, RunState.RUNNING, ""]])

    def stop(self, job_id: int, *, savepoint_dir: str | None) -> None:
        run = self._run(job_id)
        if run is None:
            return
        now, timings = self._now(), self._core.quirks.timings
        if savepoint_dir is None:
            self._cancel(run, now, [])
        elif fault := self._core.faults.of("savepoint_fail", **_facts(run)):
            self._plan(run, [[now + timings.savepoint, RunState.RUNNING, _no_savepoint(fault.description)]])
            self._enter(run, RunState.SAVEPOINTING, now, "")
        else:
            made = now + timings.savepoint
            self._cancel(run, made, [[made, "savepoint", savepoint_dir]])
            self._enter(run, RunState.SAVEPOINTING, now, "")

    def savepoint(self, job_id: int, *, directory: str) -> None:
        run = self._run(job_id)
        if run is None:
            return
        now, made = self._now(), self._now() + self._core.quirks.timings.savepoint
        rest = [step for step in run.plan if step[0] > made]
        fault = self._core.faults.of("savepoint_fail", **_facts(run))
        if fault:
            steps = [[made, RunState.RUNNING, _no_savepoint(fault.description)]]
        else:
            steps = [[made, "savepoint", directory], [made, RunState.RUNNING, ""]]
        self._plan(run, [*steps, *rest])
        self._enter(run, RunState.SAVEPOINTING, now, "")

    def update(self, job_id: int, definition: Mapping[str, Any]) -> None:
        run = self._run(job_id)
        if run is not None:
            run.definition = dict(definition)
            self._save(run)

    def kill(self, job_id: int) -> None:
        self._runs.drop(str(job_id))

    def changes(self) -> Sequence[Observation]:
        now = self._now()
        while self._due and self._due[0][0] <= now:
            moment, job_id, version = heapq.heappop(self._due)
            run = self._run(job_id)
            if run is not None and run.version == version and run.plan and run.plan[0][0] <= moment:
                self._step(run)
        seen, self._seen = self._seen, []
        return seen

    def observe(self, job_id: int) -> Observation | None:
        run = self._run(job_id)
        return self._observation(run, graph=self._graph(run)) if run else None

    def has_savepoint(self, path: str) -> bool:
        return self._core.part(ObjectStore).find(_metadata_of(path)) is not None

    def drop_savepoint(self, path: str) -> None:
        where = _metadata_of(path)
        if where:
            self._core.part(ObjectStore).delete(where)

    def queue_gone(self, project_id: str, queue: str) -> None:
        """There is no cluster to give back."""

    def close(self) -> None:
        """Nothing runs."""

    # acts at the console

    def finish(self, job_id: int) -> None:
        """The program ends by itself now."""
        self._end(job_id, RunState.FINISHED, "")

    def fail(self, job_id: int, description: str) -> None:
        """An exception ends the program now."""
        self._end(job_id, RunState.FAILED, description)

    def state_seconds(self, job_id: int) -> float | None:
        """How long the program has run in all, over savepoints: what a real job would have counted."""
        run = self._run(job_id)
        return None if run is None else self._ran(run, self._now())

    def checkpoint_all(self) -> None:
        """Write the newest checkpoint of every running job that makes them; called before objects are listed."""
        for run in self._runs.rows.values():
            if run.state in (RunState.RUNNING, RunState.SAVEPOINTING):
                self._checkpoint(run, self._now())

    # plans

    def _plan(self, run: Run, steps: list[list[Any]]) -> None:
        run.plan = sorted(steps, key=lambda step: step[0])
        run.version += 1
        self._schedule(run)
        self._save(run)

    def _schedule(self, run: Run) -> None:
        if run.plan:
            heapq.heappush(self._due, (run.plan[0][0], run.job_id, run.version))

    def _step(self, run: Run) -> None:
        moment, state, what = run.plan.pop(0)
        if state != "savepoint":
            self._enter(run, RunState(state), moment, what)
        elif not self._write_savepoint(run, what, moment):
            self._plan(run, [])
            self._enter(run, RunState.RUNNING, moment, _no_savepoint("the disk of the local DLI is full"))
        self._schedule(run)
        self._save(run)

    def _enter(self, run: Run, state: RunState, at: float, description: str) -> None:
        before = RunState(run.state)
        if before in (RunState.RUNNING, RunState.SAVEPOINTING) and state not in (
            RunState.RUNNING,
            RunState.SAVEPOINTING,
        ):
            self._checkpoint(run, at)
            run.ran_before, run.up_since = self._ran(run, at), None
        run.state, run.at, run.description = state, at, description
        if state is RunState.RUNNING and before is not RunState.SAVEPOINTING:
            self._comes_up(run, at)
        elif state is RunState.SUBMITTING:
            run.restart_times += 1
        elif state is RunState.FAILED:
            self._restarts(run, at)
        self._seen.append(self._observation(run))
        self._save(run)

    def _comes_up(self, run: Run, at: float) -> None:
        run.up_since = at
        run.started = run.started or at
        for effect, state in (("running_exception", RunState.FAILED), ("finish", RunState.FINISHED)):
            fault = self._core.faults.of(effect, **_facts(run))
            if fault:
                text = fault.description or "java.lang.RuntimeException: scripted"
                self._plan(run, [[at + fault.after, state, text if state is RunState.FAILED else ""]])
                return

    def _restarts(self, run: Run, at: float) -> None:
        """An automatic restart, if the job wants it and has one left this hour (dli-api 6.1)."""
        most = run.definition.get("resume_max_num", -1)
        run.restarts_at = [moment for moment in run.restarts_at if moment > at - 3600]
        if not run.definition.get("restart_when_exception") or (most != -1 and len(run.restarts_at) >= most):
            return
        run.restarts_at.append(at)
        if not run.definition.get("resume_checkpoint"):
            run.ran_before = 0.0
        again = at + self._core.quirks.timings.restart_delay
        self._plan(
            run, [[again, RunState.SUBMITTING, ""], [again + self._core.quirks.timings.submit, RunState.RUNNING, ""]]
        )

    def _cancel(self, run: Run, at: float, before: list[list[Any]]) -> None:
        fault = self._core.faults.of("cancel_fail", **_facts(run))
        end = RunState.CANCEL_FAILED if fault else RunState.CANCELED
        text = (fault.description or "The job could not be stopped.") if fault else ""
        done = at + self._core.quirks.timings.stop
        self._plan(run, [*before, [at, RunState.CANCELING, ""], [done, end, text]])

    def _end(self, job_id: int, state: RunState, description: str) -> None:
        run = self._run(job_id)
        if run is not None and run.state not in ENDED:
            self._plan(run, [])
            self._enter(run, state, self._now(), description)

    # state and savepoints

    def _ran(self, run: Run, now: float) -> float:
        return run.ran_before + (now - run.up_since if run.up_since is not None else 0.0)

    def _write_savepoint(self, run: Run, folder: str, at: float) -> bool:
        """False when it cannot be written: the job goes on without."""
        try:
            self._write(folder, run, at)
        except OSError:
            return False
        run.savepoint_path, run.savepoint_at = folder, at
        return True

    def _checkpoint(self, run: Run, at: float) -> None:
        definition = run.definition
        if not definition.get("checkpoint_enabled") or not definition["checkpoint_interval"] or run.up_since is None:
            return
        number = int((at - run.up_since) / run.definition["checkpoint_interval"])
        if number:
            folder = f"obs://{checkpoint_folder(run.job_id, run.definition)}/{int(run.up_since)}/chk-{number}/"
            with contextlib.suppress(OSError):  # a full disk: this checkpoint is not made
                self._write(folder, run, run.up_since + number * run.definition["checkpoint_interval"])

    def _write(self, folder: str, run: Run, at: float) -> None:
        where = _metadata_of(folder)
        if where:
            objects = self._core.part(ObjectStore)
            objects.create_bucket(where.bucket)
            content = {"job_id": run.job_id, "name": run.name, "at": at, "ran": self._ran(run, at)}
            objects.put(where, objects.write([json.dumps(content).encode()]))

    def _state_at(self, path: str | None) -> float:
        found = self._core.part(ObjectStore).find(_metadata_of(path)) if path else None
        if found is None:
            return 0.0
        try:
            return float(json.loads(self._core.part(ObjectStore).read(found))["ran"])
        except (ValueError, KeyError, TypeError):
            return 0.0

    # showing

    def _observation(self, run: Run, graph: Mapping[str, Any] | None = None) -> Observation:
        return Observation(
            job_id=run.job_id,
            state=RunState(run.state),
            at=run.at,
            description=run.description,
            restart_times=run.restart_times,
            savepoint_path=run.savepoint_path,
            savepoint_at=run.savepoint_at,
            graph=graph,
        )

    def _graph(self, run: Run) -> dict[str, Any] | None:
        if run.started is None or run.state not in GRAPH_STATES:
            return None
        now, ended = self._now(), run.state in ENDED
        start, end = int(run.started * 1000), int(run.at * 1000) if ended else -1
        parallelism = run.definition.get("parallel_number", 1)
        names = ("Source", "Process", "Sink")
        nodes = [{"id": str(i), "parallelism": parallelism, "description": name} for i, name in enumerate(names, 1)]
        return {
            "jid": hashlib.md5(f"{run.job_id}-{run.started}".encode(), usedforsecurity=False).hexdigest(),
            "name": run.name,
            "isStoppable": False,
            "state": GRAPH_STATES[RunState(run.state)],
            "start-time": start,
            "end-time": end,
            "duration": (end if ended else int(now * 1000)) - start,
            "now": int(now * 1000),
            "plan": {"name": run.name, "nodes": nodes},
        }

    def _run(self, job_id: int) -> Run | None:
        return self._runs.rows.get(str(job_id))

    def _save(self, run: Run) -> None:
        self._runs.save(str(run.job_id), run)

    def _now(self) -> float:
        return self._core.clock.now()


def _facts(run: Run) -> dict[str, Any]:
    definition = run.definition
    program = {name: definition.get(name) for name in ("entrypoint", "sql_body")}
    return {"job_id": run.job_id, "name": run.name, "queue": run.queue, **program}


def _no_savepoint(description: str) -> str:
    return f"The savepoint failed: {description or 'CheckpointException: scripted'}"


def _metadata_of(path: str) -> Location | None:
    folder = locate_folder(path)
    return Location(folder.bucket, folder.key + "_metadata") if folder else None
