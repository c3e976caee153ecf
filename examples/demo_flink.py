"""Plays a stream's life on a real Apache Flink: deploy, look, upgrade with its state, break it, destroy.

Run it with `make demo-flink`. It needs a JDK (11 or 17) and some 700 MB of memory; Flink itself comes from the Python
package `apache-flink-libraries`. The engine is the Pulumi CLI where there is one, else the embedded one (ENGINE=…).
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent))
from demo import Demo, local_dli, say

from pulumi_dli.emulator.testing import Control

PROGRAM = Path(__file__).parent / "03-stateful-counter"
BUCKETS = ("counter-packages", "counter-state")
T = TypeVar("T")


class Counts:
    """What the stream counts, in the file that it appends every count to."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def lines(self) -> list[tuple[str, int]]:
        text = self.file.read_text() if self.file.exists() else ""
        rows = text[: text.rfind("\n") + 1].splitlines()
        return [(row.split()[0], int(row.split()[-1])) for row in rows]

    def wait(self, version: str, more: int) -> None:
        """Until this version has counted so often from now on."""
        since = len(self.lines())

        def reached() -> bool:
            new = [seen for seen, _ in self.lines()[since:]]
            return len(new) >= more and set(new[-more:]) == {version}

        eventually(reached, f"{version} counts")

    def tell(self) -> None:
        """One line a run: who counted from where to where."""
        runs: list[list[object]] = []
        for version, count in self.lines():
            if runs and runs[-1][0] == version and runs[-1][2] == count - 1:
                runs[-1][2] = count
            else:
                runs.append([version, count, count])
        for version, first, last in runs:
            print(f"   {version:<9} counted {first:>5} … {last}")


def eventually(look: Callable[[], T], what: str, seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    raise SystemExit(f"not within {seconds:.0f} s: {what}")


def build(folder: Path) -> None:
    """The three versions of the job; ends with one sentence where a JDK or Flink is missing."""
    if shutil.which("java") is None:
        raise SystemExit(
            "This demo runs a real Apache Flink and needs a JDK, 11 or 17, on PATH (Debian: openjdk-17-jdk-headless)."
        )
    builder = _example_module("build")
    try:
        for version in builder.VERSIONS:
            print(f"   {builder.build(version, into=folder).name}")
    except builder.BuildError as error:
        raise SystemExit(f"The example cannot be built: {error}") from None


def _example_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PROGRAM / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def play(demo: Demo, url: str, counts: Counts) -> None:
    """The acts, each with what the stream itself says of it."""
    say("Act 1, deploy. A queue, a jar, a job: Flink starts with the first job of the queue")
    demo.run("up", "--yes")
    counts.wait("v1", 30)
    counts.tell()
    print(f"   Look at it while it runs: {url}/ (with links to Flink's own pages)")

    say("Act 2, upgrade. New bytes: what would happen to the running stream?")
    demo.quiet("config", "set", "version", "v2")
    demo.run("preview")
    demo.run("up", "--yes")
    counts.wait("v2", 20)
    counts.tell()
    print("   v2 began with the number after v1's last: no count is lost, and none is made twice.")

    say("Act 3, break it. This version crashes at its third count")
    demo.quiet("config", "set", "version", "v2-crash")
    demo.fails("up", "--yes")
    counts.wait("v2", 20)
    counts.tell()
    print("   The update failed; the stream did not: v2 runs again from the savepoint that v2-crash started from.")

    say("Act 4, mend it. The program goes back to v2, which runs already")
    demo.quiet("config", "set", "version", "v2")
    demo.run("up", "--yes")

    say("Act 5, destroy. A last savepoint, then job, packages and queue go, and Flink with them")
    demo.run("destroy", "--yes")


def main() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pulumi-dli-demo-") as name:
        folder = Path(name)
        say("Building three versions of a counting job: v1, v2, and v2-crash, which is broken on purpose")
        jars = folder / "build"
        build(jars)
        with local_dli(folder, "--runtime", "flink", pace=1) as url:
            say(f"A local DLI on real Flink; its console: {url}/")
            for bucket in BUCKETS:
                Control(url).put_object(bucket, "readme")
            demo = Demo(folder, url, PROGRAM)
            shutil.copytree(jars, demo.folder / "build", dirs_exist_ok=True)
            history = folder / "history.txt"
            for key, value in {"output": str(folder / "count.txt"), "history": str(history)}.items():
                demo.quiet("config", "set", key, value)
            play(demo, url, Counts(history))
    say(f"Done in {time.monotonic() - began:.0f} s. Nothing is left behind.")


if __name__ == "__main__":
    try:
        main()
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"{error.cmd} took too long") from None
