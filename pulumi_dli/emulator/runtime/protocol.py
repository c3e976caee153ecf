"""What may run a job behind the local DLI: the protocol between the job rules and a runtime.

The rules of jobs (`jobs/records.py`) decide what DLI says; a runtime decides what becomes of a started job.
There are two: `simulated.py` (times from the service clock, no Java) and the package `flink` (a real Apache Flink
behind `create_runtime(context)`). A runtime knows nothing of HTTP, statuses of DLI, batches or quirks.

All calls come from one thread, the server's, and must return at once: what takes time goes on in the background and
shows up in `changes()`. A runtime keeps what it needs over a restart of the process in `RuntimeContext.directory`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, cast


class RunState(StrEnum):
    """How a started job is doing; the job rules translate it into DLI's statuses (dli-api 6.2)."""

    SUBMITTING = "submitting"  # on its way up, also on an automatic restart
    RUNNING = "running"  # also: back to running after a savepoint, whether it was made or not
    SAVEPOINTING = "savepointing"  # a savepoint is being made, by `savepoint` or by `stop`
    CANCELING = "canceling"  # being stopped
    CANCELED = "canceled"  # at rest: stopped
    CANCEL_FAILED = "cancel_failed"  # the stop failed, the job may still run
    FINISHED = "finished"  # at rest: the program ended by itself
    FAILED = "failed"  # an exception ended it; SUBMITTING may follow when it restarts by itself
    SUBMIT_FAILED = "submit_failed"  # at rest: it never came up


ENDED = frozenset({RunState.CANCELED, RunState.FINISHED, RunState.FAILED, RunState.SUBMIT_FAILED})


@dataclass(frozen=True)
class StartRequest:
    """One accepted run of a job."""

    job_id: int
    project_id: str
    name: str
    queue: str  # stored (lower-case) name
    queue_cu: int
    queue_ready_at: float  # service time at which the queue's compute is up; a real runtime has its own truth
    definition: Mapping[str, Any]  # the job's fields with the wire names of dli-api 6.1, defaults filled in
    files: Mapping[str, Path] = field(default_factory=dict)  # each entrypoint/dependency as written → its bytes on disk
    savepoint_path: str | None = None  # savepoint or imported checkpoint to restore from (`obs://…/`)


@dataclass(frozen=True)
class Observation:
    """What a runtime says of a job, now or at the moment of a change."""

    job_id: int
    state: RunState
    at: float  # service time at which this state began
    description: str = ""  # reason of a failure (root cause first), or of a savepoint that was not made
    restart_times: int = 0  # automatic restarts since `start`
    savepoint_path: str | None = None  # the newest savepoint made since `start`, as `obs://bucket/dir/`
    savepoint_at: float | None = None  # when that savepoint was made
    graph: Mapping[str, Any] | None = None  # body of `execute_graph` (dli-api 6.10), when there is one
    web_url: str | None = None  # a page of the engine itself, for the console


@dataclass(frozen=True)
class RuntimeContext:
    """What a runtime gets to live with."""

    directory: Path  # its own folder, kept over restarts of the emulator
    now: Callable[[], float]  # the service's clock, in seconds since the epoch
    options: Mapping[str, str] = field(default_factory=dict)  # command line: {"shared": "true"} for --flink-shared …


class Runtime(Protocol):
    """Runs jobs. Errors of a job are states, never exceptions; an unknown job id is ignored by all but `observe`."""

    def start(self, request: StartRequest) -> None:
        """Bring the job up in the background; SUBMITTING until it runs. A finished earlier run is forgotten."""

    def stop(self, job_id: int, *, savepoint_dir: str | None) -> None:
        """Stop the job; with a directory (`obs://bucket/jobs/savepoint/{job_id}/{timestamp}/`) make a savepoint first.

        With: SAVEPOINTING → CANCELING → CANCELED with `savepoint_path`; if the savepoint fails, back to RUNNING with
        a description. Without: CANCELING → CANCELED. A stop that fails ends in CANCEL_FAILED.
        """

    def savepoint(self, job_id: int, *, directory: str) -> None:
        """Make a savepoint of a running job: SAVEPOINTING → RUNNING, with `savepoint_path` or a description."""

    def update(self, job_id: int, definition: Mapping[str, Any]) -> None:
        """The live fields of a running job have changed (dli-api 6.3)."""

    def kill(self, job_id: int) -> None:
        """The job was deleted or ran into arrears: end it without ceremony; no more changes are reported for it."""

    def changes(self) -> Sequence[Observation]:
        """All changes since the last call, oldest first. After a restart: first the state of every known job."""

    def observe(self, job_id: int) -> Observation | None:
        """The job as it is now, with graph and web_url; None if this runtime does not know it."""

    def has_savepoint(self, path: str) -> bool:
        """Whether a savepoint or checkpoint (a folder with `_metadata`) is at this `obs://…/` path."""

    def drop_savepoint(self, path: str) -> None:
        """The savepoint was consumed by a start that came up; its files may go."""

    def queue_gone(self, project_id: str, queue: str) -> None:
        """The queue was deleted: give its cluster back."""

    def close(self) -> None:
        """The emulator ends: leave nothing running."""


def checkpoint_folder(job_id: int, definition: Mapping[str, Any]) -> str:
    """Where the service keeps the checkpoints of a job that cannot choose (dli-api 6.1)."""
    return f"{definition.get('obs_bucket') or ''}/jobs/checkpoint/{job_id}_{definition['name']}"


def load_runtime(name: str, context: RuntimeContext) -> Runtime:
    """The runtime of a package beside this module that has `create_runtime(context)`, by its name."""
    module = importlib.import_module(f"pulumi_dli.emulator.runtime.{name}")
    return cast("Runtime", module.create_runtime(context))
