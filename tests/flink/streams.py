"""A whole local DLI on real Flink, and a witness of what a stream counts: for tests of stacks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pulumi_dli.emulator.testing import Control, bind
from tests.flink.conftest import eventually, processes_naming

MEMORY_MIB = 1024
BUCKETS = ("counter-packages", "counter-state")


class FlinkDli:
    """An emulator in a process of its own, which can be killed and started again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with bind(0) as probe:
            self.port = int(probe.getsockname()[1])
        self.control = Control(f"http://127.0.0.1:{self.port}")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.control.url

    def start(self) -> None:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        options = ["--runtime", "flink", "--data", str(self.folder / "dli.sqlite"), "--port", str(self.port)]
        command = [sys.executable, "-m", "pulumi_dli.emulator", *options, "--ready-file", str(ready)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(lambda: ready.exists() or None, what="the emulator listens")
        assert json.loads(ready.read_text())["url"] == self.url

    def kill(self) -> None:
        """As a power cut would, without a chance to tidy up; Java goes with it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.control.disconnect()
        eventually(lambda: not self.java() or None, what="the end of Java", seconds=20)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)
        self.control.disconnect()

    def java(self) -> list[int]:
        """The processes of all clusters of this emulator."""
        return [pid for pid, line in processes_naming(str(self.folder)).items() if "org.apache.flink" in line]

    def peak_mib(self) -> int:
        """The most memory that the running clusters ever had, in MiB."""
        return sum(_peak_kib(pid) for pid in self.java()) // 1024

    def statuses(self) -> dict[str, str]:
        return {job["name"]: job["status"] for job in self.control.jobs()}


def _peak_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


@contextmanager
def flink_dli(folder: Path) -> Iterator[FlinkDli]:
    """A started `FlinkDli` with the example's buckets; nothing of it is left behind."""
    folder.mkdir(parents=True, exist_ok=True)
    dli = FlinkDli(folder)
    dli.start()
    try:
        for bucket in BUCKETS:
            dli.control.put_object(bucket, "readme", b"-")
        yield dli
    finally:
        dli.stop()


@dataclass(frozen=True)
class Run:
    """Counts that one start of one version made."""

    version: str
    first: int
    last: int


class History:
    """All that a counter has counted, from the file that it appends every count to."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def counts(self) -> list[tuple[str, int]]:
        """Version and count of every line that is complete."""
        text = self.file.read_text() if self.file.exists() else ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        return [(line.split()[0], int(line.split()[-1])) for line in lines]

    def runs(self) -> list[Run]:
        """A new run begins with another version, or with a count that does not follow the last one."""
        runs: list[Run] = []
        for version, count in self.counts():
            if runs and (runs[-1].version, runs[-1].last + 1) == (version, count):
                runs[-1] = Run(version, runs[-1].first, count)
            else:
                runs.append(Run(version, count, count))
        return runs

    def until(self, version: str, *, more: int) -> None:
        """Wait until this version has counted so often from now on."""
        since = len(self.counts())

        def reached() -> bool | None:
            later = self.counts()[since:]
            return (len(later) >= more and [seen for seen, _ in later[-more:]] == [version] * more) or None

        eventually(reached, what=f"{version} counts {more} times; last {self.counts()[-3:]}")
