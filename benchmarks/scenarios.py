"""What is measured: the phases in the life of a stack of N jobs, what each changes, and how the engines are driven."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine

PROGRAMS = Path(__file__).parent / "programs"
PASSPHRASE = "bench"  # of a state that lives as long as the run


@dataclass(frozen=True)
class Phase:
    """One command of the engine, with what the program says by then."""

    name: str
    command: str  # preview, up, refresh, destroy
    version: str = "1"
    topic: str = "one"


PHASES: tuple[tuple[Phase, ...], ...] = (
    (Phase("create", "up"),),
    (Phase("preview, no change", "preview"),) * 3,
    (Phase("up, no change", "up"),) * 3,
    (Phase("refresh, no change", "refresh"),) * 3,
    (Phase("change all, with savepoint", "up", version="2"),),
    tuple(Phase("live change", "up", version="2", topic=topic) for topic in ("two", "three", "four")),
    (Phase("destroy", "destroy", version="2", topic="four"),),
)
"""Phases of a few seconds have three rounds, since whatever else the machine does weighs as much as they."""


class FailedError(Exception):
    """A command of an engine failed; the text is the end of what it said."""


class EngineStack:
    """One stack of a program in a folder of its own, driven by the commands of an engine (`pulumi` or `embedded`)."""

    def __init__(self, program: str, engine: str, folder: Path, *, config: Mapping[str, str], jobs: int) -> None:
        self.engine = engine
        self.folder = folder / program
        self._jobs = jobs
        shutil.copytree(PROGRAMS / program, self.folder)
        state = folder / f"state-{program}"
        state.mkdir()
        lines = [f'  {key}: "{value}"\n' for key, value in config.items()]
        (self.folder / "Pulumi.dev.yaml").write_text("config:\n" + "".join(lines) if lines else "{}\n")
        self._command = [sys.executable, "-m", "pulumi_dli.embedded"]
        if engine == "pulumi":
            self._command = [str(shutil.which("pulumi"))]
        # Pulumi's own settings are those of this run, and a package that was installed has its bytecode.
        foreign = ("PULUMI_", "PYTHONDONTWRITEBYTECODE")
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PYTHONPATH": str(PROGRAMS.parent.parent),
            "BENCH_JOBS": str(jobs),
        }
        if engine == "pulumi":
            self._check(machine.run([*self._command, "stack", "init", "dev"], cwd=self.folder, env=self._env))

    def run(self, phase: Phase, width: int | None) -> machine.Ran:
        """One phase, `width` operations at a time (None: as many as the engine takes by itself).

        Raises:
            FailedError: with the end of the output.
        """
        env = {**self._env, "BENCH_VERSION": phase.version, "BENCH_TOPIC": phase.topic}
        if width is not None:
            env["PULUMI_PARALLEL"] = str(width)
        words = [phase.command]
        if phase.command != "preview":
            words.append("--yes")
        if self.engine == "pulumi" and phase.command != "preview":
            words.append("--skip-preview")  # the embedded engine makes none, and it is a phase of its own
        return self._check(machine.run([*self._command, *words], cwd=self.folder, env=env))

    def _check(self, ran: machine.Ran) -> machine.Ran:
        if ran.status:
            raise FailedError(f"exit status {ran.status}:\n{ran.output[-4000:]}")
        return ran
