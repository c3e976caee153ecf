"""Real Flink for the tests: jars built from source, a runtime with one cluster a module, a driver that waits."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pulumi_dli.emulator.runtime.flink import create_runtime
from pulumi_dli.emulator.runtime.flink.distribution import FlinkSetupError, find_distribution, find_java, flink_jars
from pulumi_dli.emulator.runtime.flink.runtime import FlinkRuntime
from pulumi_dli.emulator.runtime.protocol import Observation, RunState, RuntimeContext, StartRequest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "03-stateful-counter"
QUEUE = "flinkqueue"
PROJECT = "project"
WAIT_SECONDS = 90.0
PUBLISHED = "org.apache.flink:flink-examples-streaming:1.20.0:jar"
T = TypeVar("T")


@dataclass
class Driver:
    """Starts jobs on a runtime and waits for what becomes of them."""

    runtime: FlinkRuntime
    folder: Path
    jars: dict[str, Path]
    told: list[Observation] = field(default_factory=list)

    def output(self, job_id: int) -> Path:
        return self.folder / f"count-{job_id}.txt"

    def start(self, job_id: int, version: str, *, savepoint: str | None = None, **fields: Any) -> None:
        entrypoint = f"group/counter-{version}.jar"
        definition = {
            "entrypoint": entrypoint,
            "entrypoint_args": f"--output '{self.output(job_id)}' --per-second 20 --label 'a b'",
            "parallel_number": 1,
        } | fields
        files = {entrypoint: self.jars[version]}
        self.start_request(job_id, definition, files=files, savepoint=savepoint)

    def start_request(
        self, job_id: int, definition: dict[str, Any], *, files: dict[str, Path], savepoint: str | None = None
    ) -> None:
        self.runtime.start(
            StartRequest(
                job_id=job_id,
                project_id=PROJECT,
                name=f"job-{job_id}",
                queue=QUEUE,
                queue_cu=4,
                queue_ready_at=0.0,
                definition=definition,
                files=files,
                savepoint_path=savepoint,
            )
        )

    def until(self, job_id: int, *states: RunState) -> Observation:
        """The next told observation of the job in one of the states."""

        def found() -> Observation | None:
            self.told.extend(self.runtime.changes())
            for index, seen in enumerate(self.told):
                if seen.job_id == job_id and seen.state in states:
                    self.told = [other for other in self.told[: index + 1] if other.job_id != job_id] + self.told[
                        index + 1 :
                    ]
                    return seen
            return None

        return eventually(found, what=f"job {job_id} in {', '.join(states)}; now {self.runtime.observe(job_id)}")

    def count(self, job_id: int) -> tuple[str, int]:
        """Version and count in the job's file."""
        if not self.output(job_id).exists():
            return "", 0
        words = self.output(job_id).read_text().split()
        return words[0], int(words[-1])

    def until_count(self, job_id: int, version: str, *, above: int) -> int:
        def reached() -> int | None:
            seen, count = self.count(job_id)
            return count if seen == version and count > above else None

        return eventually(reached, what=f"{version} of job {job_id} counts above {above}")


def eventually(look: Callable[[], T | None], *, what: str, seconds: float = WAIT_SECONDS) -> T:
    """What `look` finds in the end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def processes_naming(text: str) -> dict[int, str]:
    """Pids and commands of all processes whose command line has the text."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in line:
                found[int(entry.name)] = line
    return found


@pytest.fixture(scope="session")
def real_flink() -> None:
    """Skips, visibly, where there is no Java or no Flink."""
    try:
        find_distribution()
    except FlinkSetupError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def counter_jars(real_flink: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The example's jars, built by the example's own script."""
    spec = importlib.util.spec_from_file_location("build_counter", EXAMPLE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    into = tmp_path_factory.mktemp("jars")
    try:
        return {version: module.build(version, into=into) for version in module.VERSIONS}
    except module.BuildError as error:
        if "JDK is needed" in str(error):
            pytest.skip(str(error))
        raise


def published_examples(folder: Path) -> Path:
    """The jar of Flink's examples from Maven's repository; skips, visibly, without Maven or network."""
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("no `mvn` on PATH to fetch Flink's published example (Debian: maven)")
    command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={PUBLISHED}", f"-DoutputDirectory={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    found = list(folder.glob("*.jar"))
    if not found:
        pytest.skip(f"Maven did not fetch {PUBLISHED}: {(done.stdout + done.stderr)[:300]}")
    return found[0]


@pytest.fixture(scope="session")
def compile_jar(real_flink: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Compiles Java sources of this folder to a jar."""

    def compiled(name: str, *sources: str, classpath: tuple[Path, ...] = ()) -> Path:
        try:
            javac, jar = find_java("javac"), find_java("jar")
        except FlinkSetupError as error:
            pytest.skip(str(error))
        folder = tmp_path_factory.mktemp(name)
        paths = os.pathsep.join(str(path) for path in (*flink_jars(), *classpath))
        files = [str(Path(__file__).parent / "java" / source) for source in sources]
        classes = folder / "classes"
        command = [javac, "-nowarn", "--release", "11", "-cp", paths, "-d", str(classes), *files]
        subprocess.run(command, check=True, capture_output=True)
        target = folder / f"{name}.jar"
        subprocess.run([jar, "--create", "--file", str(target), "-C", str(classes), "."], check=True)
        return target

    return compiled


@pytest.fixture(scope="module")
def driver(counter_jars: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """A runtime with its own folder; its cluster starts with the first job and serves the module."""
    folder = tmp_path_factory.mktemp("flink")
    runtime = create_runtime(RuntimeContext(directory=folder / "runtime", now=time.time))
    yield Driver(runtime=runtime, folder=folder, jars=counter_jars)
    runtime.close()
    shutil.rmtree(folder, ignore_errors=True)
