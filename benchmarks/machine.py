"""The processes that a run starts, and what they cost: time, peak memory by role, and the machine they ran on.

Peak memory is the kernel's own high-water mark (VmHWM), read while the process lives; only processes that the
benchmark started, and their children, are looked at.
"""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_dli.embedded import child_main

_LOOK_EVERY_SECONDS = 0.1
_KB = 1024


class Peaks:
    """The highest memory of each role among a process and its descendants, in MB."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._ended = threading.Event()
        self.megabytes: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        self._ended.set()
        self._thread.join()
        return dict(self.megabytes)

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_SECONDS):
            for pid in family_of(self._root):
                found = _peak_of(pid)
                if found is not None:
                    role, megabytes = found
                    self.megabytes[role] = max(self.megabytes.get(role, 0.0), megabytes)


def peak_megabytes(pid: int) -> float:
    """The high-water mark of one living process, 0 when the system does not tell."""
    found = _peak_of(pid)
    return found[1] if found else 0.0


def family_of(root: int) -> list[int]:
    """The process and all its descendants (Linux)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):  # one file a process: a host has hundreds of threads
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def role_of(pid: int) -> str:
    """What a process is for; "" when it has ended."""
    try:
        return _role(_words(pid))
    except OSError:
        return ""


def _words(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")


def _peak_of(pid: int) -> tuple[str, float] | None:
    try:
        words = _words(pid)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return _role(words), int(line.split()[1]) / _KB
    except OSError:
        pass
    return None


def _role(words: Sequence[str]) -> str:
    line = " ".join(words)
    embedded = child_main.__file__ in words
    if "pulumi.dynamic" in words or (embedded and "host" in words):
        return "host"
    if "pulumi-language-python-exec" in line or (embedded and "program" in words):
        return "program"
    if "pulumi-language-python" in line or "pulumi-resource-" in line:
        return "language host"
    if "terraform-provider" in line:
        return "peer's provider"
    return "engine"


@dataclass
class Ran:
    """One command: how long it took, what it said, how much memory its processes had."""

    seconds: float
    status: int
    output: str
    megabytes: dict[str, float] = field(default_factory=dict)


def typical(rounds: Sequence[Ran]) -> Ran:
    """The median of the seconds, and the highest memory of each role."""
    peaks: dict[str, float] = {}
    for ran in rounds:
        peaks |= {role: max(peak, peaks.get(role, 0.0)) for role, peak in ran.megabytes.items()}
    return Ran(statistics.median(ran.seconds for ran in rounds), rounds[-1].status, rounds[-1].output, peaks)


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Ran:
    """Run to the end; its output is kept, not shown."""
    began = time.perf_counter()
    log = cwd / "last-output.txt"
    with log.open("wb") as sink:
        process = subprocess.Popen([*command], cwd=cwd, env=dict(env), stdout=sink, stderr=subprocess.STDOUT)
        peaks = Peaks(process.pid)
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            megabytes = peaks.stop()
    seconds = time.perf_counter() - began
    return Ran(seconds, status, log.read_text(errors="replace"), megabytes)


def describe() -> dict[str, str]:
    """The class of this machine, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cores": str(cores),
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
