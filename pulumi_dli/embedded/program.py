"""The stack's program as a child process.

Owns its start, its orders and its end. Used by operation.py. What it registers goes through monitor.py.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi_dli.embedded.child_main import SHOWN
from pulumi_dli.embedded.host import drain, spawn
from pulumi_dli.embedded.settings import Project
from pulumi_dli.embedded.values import EmbeddedError

GRACE_SECONDS = 1.5


def entry_of(program: Path) -> tuple[Path, str]:
    """Folder and argument to run a program by: a folder runs its `__main__.py`, a file runs itself."""
    if program.is_dir():
        if not (program / "__main__.py").exists():
            raise EmbeddedError(f"unable to find main python program `__main__.py` in `{program}`")
        return program, "."
    found = program if program.suffix else program.with_suffix(".py")
    if not found.exists():
        raise EmbeddedError(f"unable to find main python program `{program}`")
    return found.parent, found.name


class Program:
    """One run. The process starts at once and imports the SDK; it begins when its order comes."""

    def __init__(self, program: Path, env: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.directory, self._entry = entry_of(program)
        self._process = spawn(["program"], self.directory, env)
        self._readers = [drain(stream, say) for stream in (self._process.stdout, self._process.stderr)]

    def begin(self, *, config: Mapping[str, str], secret_keys: list[str], settings: Mapping[str, Any]) -> None:
        """Let it run."""
        order = {"config": config, "secret_keys": secret_keys, "settings": settings, "program": self._entry}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # it died while importing; its exit status tells

    def wait(self) -> str:
        """Return when it has ended: "" when well, otherwise what to say about it ("shown" when it was said)."""
        status = self._process.wait()
        for reader in self._readers:
            reader.join(2.0)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        if status == SHOWN:
            return "shown"
        return "" if status == 0 else f"the program ended with exit status {status}"

    def end_soon(self) -> None:
        """Give it a moment to end by itself, then end it: a program may hang for ever on what will not come."""
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._process.kill()


def child_env(env: Mapping[str, str], project: Project, stack: str, *, preview: bool) -> dict[str, str]:
    """The environment of the program, with the names the CLI gives it."""
    return {
        **env,
        "PULUMI_PROJECT": project.name,
        "PULUMI_STACK": stack,
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_ROOT_DIRECTORY": str(project.directory),
        "PULUMI_DRY_RUN": "true" if preview else "false",
    }
