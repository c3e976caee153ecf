"""One Flink session cluster: a JobManager and a TaskManager on loopback, kept by a supervisor process.

Owns the cluster's folder, its configuration and its end. Called by `clusters.py`; knows nothing of jobs.
The memory is meant for a developer's machine: both processes together stay well under 1 GiB.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi_dli.emulator.runtime.flink import supervisor
from pulumi_dli.emulator.runtime.flink.distribution import Distribution
from pulumi_dli.emulator.runtime.flink.rest import MOST_EXCEPTIONS, FlinkRefusalError, FlinkRest, FlinkUnreachableError

START_SECONDS = 120.0
END_SECONDS = 15.0
LOOK_SECONDS = 0.2
LOOPBACK = "127.0.0.1"
# What Flink's code needs of Java's own packages (Java 17 keeps them closed); as Flink's start scripts have it.
_EXPORTS = ("java.base/sun.net.util", "java.rmi/sun.rmi.registry")
_OPENS = (
    *("lang", "net", "io", "nio", "lang.reflect", "text", "time", "util"),
    *("util.concurrent", "util.concurrent.atomic", "util.concurrent.locks"),
)
_JVM = (
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=64m", "-XX:MaxMetaspaceSize=192m"),
    *("-Xss512k", "-Xms48m", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-Djava.awt.headless=true"),
)
JOBMANAGER_HEAP = "160m"
TASKMANAGER_HEAP = "192m"  # framework and task heap of the configuration below
TASKMANAGER_DIRECT = "96m"  # network, framework and task off-heap
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "JAVA_HOME")  # a job sees no credentials of the emulator's shell
_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = RollingFile
appender.file.fileName = ${sys:log.file}
appender.file.filePattern = ${sys:log.file}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 5MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 1
"""

_log = logging.getLogger(__name__)


class ClusterError(Exception):
    """The cluster does not come up; the message says where to look."""


@dataclass(frozen=True)
class Ports:
    """The two fixed ports of a JobManager; all others are Flink's own choice."""

    rest: int
    rpc: int


def configuration(ports: Ports, *, slots: int, folder: Path) -> dict[str, str]:
    """Flink's configuration of one cluster. Pure."""
    return {
        "jobmanager.rpc.address": LOOPBACK,
        "jobmanager.rpc.port": str(ports.rpc),
        "jobmanager.bind-host": LOOPBACK,
        "taskmanager.host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
        "rest.address": LOOPBACK,
        "rest.port": str(ports.rest),
        "rest.bind-address": LOOPBACK,
        "rest.bind-port": str(ports.rest),
        "web.tmpdir": str(folder / "tmp"),
        "web.upload.dir": str(folder / "upload"),
        "io.tmp.dirs": str(folder / "tmp"),
        "taskmanager.numberOfTaskSlots": str(slots),
        "taskmanager.cpu.cores": f"{slots}.0",
        "taskmanager.memory.framework.heap.size": "64m",
        "taskmanager.memory.task.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "32m",
        "taskmanager.memory.task.off-heap.size": "16m",
        "taskmanager.memory.network.min": "48m",
        "taskmanager.memory.network.max": "48m",
        "taskmanager.memory.managed.size": "64m",
        "taskmanager.memory.jvm-metaspace.size": "192m",
        "taskmanager.memory.jvm-overhead.min": "64m",
        "taskmanager.memory.jvm-overhead.max": "64m",
        # A finished checkpoint must outlive stop, failure and kill: an emulator that comes back restores from it.
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "web.exception-history-size": str(MOST_EXCEPTIONS),  # restarts are counted by them
        "web.refresh-interval": "400",  # how old the answers on a job may be
        "slot.request.timeout": "60000",
        "jobstore.max-capacity": "20",
        "classloader.check-leaked-classloader": "false",
    }


def command(distribution: Distribution, *, main: str, name: str, heap: str, folder: Path) -> list[str]:
    """The command line of one of the two processes. Pure."""
    options = [f"-Xmx{heap}", f"-Djava.io.tmpdir={folder / 'tmp'}", f"-Dlog.file={folder / name}.log"]
    options.append(f"-Dlog4j.configurationFile={(folder / 'conf' / 'log4j.properties').as_uri()}")
    if name == "taskmanager":
        options.append(f"-XX:MaxDirectMemorySize={TASKMANAGER_DIRECT}")
    options += [f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTS]
    options += [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in _OPENS]
    options.append("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED")
    arguments = ["-c", str(folder / "conf")]
    return [str(distribution.java), *_JVM, *options, "-cp", distribution.classpath, main, *arguments]


class Cluster:
    """A started cluster; `start` returns when jobs can be submitted."""

    def __init__(self, folder: Path, *, distribution: Distribution, slots: int) -> None:
        self.folder = folder
        self.slots = slots
        self._distribution = distribution
        self._supervisor: subprocess.Popen[bytes] | None = None
        self.rest = FlinkRest("")

    def start(self, *, given_up: Callable[[], bool]) -> None:
        """Start both processes and wait for them, unless nobody wants them any more; raises ClusterError."""
        ports = Ports(rest=_free_port(), rpc=_free_port())
        self._write_configuration(ports)
        self.rest = FlinkRest(f"http://{LOOPBACK}:{ports.rest}")
        self._start_supervisor()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive or given_up():
                break
            try:
                if self.rest.taskmanagers() > 0:
                    _log.info("Flink is up at %s with %d slots", self.rest.address, self.slots)
                    return
            except (FlinkUnreachableError, FlinkRefusalError):
                pass  # still starting
            time.sleep(LOOK_SECONDS)
        self.stop()
        raise ClusterError(f"Flink did not start; its logs are in {self.folder}{self._last_words()}")

    @property
    def alive(self) -> bool:
        """Whether both processes run."""
        return self._supervisor is not None and self._supervisor.poll() is None

    def stop(self) -> None:
        """End both processes; returns when they are gone."""
        process, self._supervisor = self._supervisor, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:  # pragma: no cover - a supervisor that hangs; its death takes Java along
            process.kill()
            process.wait()

    def _write_configuration(self, ports: Ports) -> None:
        for name in ("conf", "tmp", "upload"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        settings = configuration(ports, slots=self.slots, folder=self.folder)
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in settings.items()]  # JSON texts are YAML texts
        (self.folder / "conf" / "config.yaml").write_text("".join(lines))
        (self.folder / "conf" / "log4j.properties").write_text(_LOGGING)

    def _start_supervisor(self) -> None:
        runtime = "org.apache.flink.runtime"
        mains = {
            "jobmanager": (f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint", JOBMANAGER_HEAP),
            "taskmanager": (f"{runtime}.taskexecutor.TaskManagerRunner", TASKMANAGER_HEAP),
        }
        commands = {
            name: command(self._distribution, main=main, name=name, heap=heap, folder=self.folder)
            for name, (main, heap) in mains.items()
        }
        task = {"folder": str(self.folder), "commands": commands, "environment": _environment(os.environ)}
        self._supervisor = subprocess.Popen(  # noqa: S603 - this interpreter and a file of this package
            [sys.executable, "-I", "-S", supervisor.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # ^C in the emulator's terminal must not reach Java before the emulator is done
        )
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.write(json.dumps(task).encode() + b"\n")
        self._supervisor.stdin.flush()

    def _last_words(self) -> str:
        for name in ("jobmanager", "taskmanager"):
            output = self.folder / f"{name}.out"
            text = output.read_text(errors="replace").strip() if output.exists() else ""
            if text:
                return f" ({name}: {text.splitlines()[-1][:200]})"
        return ""


def remove_leftovers(root: Path) -> None:
    """Wait until the clusters of an earlier emulator are gone (supervisors end them), and remove their folders."""
    for folder in root.iterdir() if root.exists() else ():
        lock_file = folder / supervisor.LOCK_NAME
        deadline = time.monotonic() + END_SECONDS
        while lock_file.exists() and time.monotonic() < deadline:
            with lock_file.open("r+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    time.sleep(LOOK_SECONDS)
                else:
                    break
        else:
            if lock_file.exists():
                _log.warning("a cluster of an earlier emulator still runs in %s", folder)
                continue
        shutil.rmtree(folder, ignore_errors=True)


def _environment(outer: Mapping[str, str]) -> dict[str, str]:
    return {name: outer[name] for name in _PASSED_ON if name in outer}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
