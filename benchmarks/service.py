"""The local DLI of a run: a process of its own with a fixed pace and latency, and the calls that it counted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulumi_dli.emulator.testing import Control

START_SECONDS = 30.0


@contextmanager
def local_dli(folder: Path, *, pace: float, latency_ms: float) -> Iterator[Control]:
    """Start it with the objects that the programs name; gives its control."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "pulumi_dli.emulator", "--port", "0", "--pace", str(pace)]
    command += ["--latency-ms", str(latency_ms), "--data", str(folder / "dli.sqlite"), "--ready-file", str(ready)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + START_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the local DLI did not start")
            time.sleep(0.05)
        control = Control(json.loads(ready.read_text())["url"])
        yield control
        control.disconnect()
    finally:
        process.terminate()
        process.wait(timeout=20)


def fresh(control: Control) -> None:
    """As on the first day, with the objects that the programs name."""
    control.disconnect()
    control.reset()
    for name in ("app.jar", "lib.jar"):
        control.put_object("bench", name, name.encode())


class Meter:
    """The calls between two readings, by operation."""

    def __init__(self, control: Control) -> None:
        self._control = control
        control.disconnect()
        self._before = Counter(control.counts())

    def read(self) -> dict[str, int]:
        self._control.disconnect()  # the last reading is minutes ago: the server has closed that connection
        now = Counter(self._control.counts())
        counted, self._before = now - self._before, now
        return {name: count for name, count in sorted(counted.items()) if not name.startswith("objects.")}
