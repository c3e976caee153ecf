"""Where Flink's own files and a Java are on this machine. Called once, when the runtime is created.

Starts nothing but `java -version`; must not import the package `pyflink`, whose full form loads much more.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

OLDEST_JAVA = 11
FLINK_HINT = "install it with: pip install 'pulumi-dli[flink]'"
JAVA_HINT = "install Java 17 (Debian: openjdk-17-jre-headless) or set JAVA_HOME"


class FlinkSetupError(ImportError):
    """This machine lacks something that the Flink runtime needs; the message says what and how to get it.

    An ImportError, as is a missing package: the emulator tells both in one line and does not start.
    """


@dataclass(frozen=True)
class Distribution:
    """What a cluster is started with."""

    java: Path
    jars: tuple[Path, ...]  # flink-dist first: its classes win, as in Flink's own scripts
    version: str

    @property
    def classpath(self) -> str:
        """The `-cp` of JobManager and TaskManager."""
        return os.pathsep.join(str(jar) for jar in self.jars)


def find_distribution() -> Distribution:
    """Flink and Java of this machine; raises FlinkSetupError."""
    jars = flink_jars()
    match = re.fullmatch(r"flink-dist-(.+)\.jar", jars[0].name)
    return Distribution(java=find_java(), jars=jars, version=match.group(1) if match else "")


def flink_jars() -> tuple[Path, ...]:
    """The jars of Flink's `lib` folder in the installed package, flink-dist first; raises FlinkSetupError."""
    spec = find_spec("pyflink")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        found = sorted(Path(place, "lib").glob("*.jar"))
        dist = [jar for jar in found if jar.name.startswith("flink-dist-")]
        if dist:
            return (*dist, *(jar for jar in found if jar not in dist))
    raise FlinkSetupError(f"Apache Flink is not installed (package apache-flink-libraries): {FLINK_HINT}")


def find_java(program: str = "java") -> Path:
    """`java` (or another program of the JDK) by JAVA_HOME, else by PATH; raises FlinkSetupError."""
    home = os.environ.get("JAVA_HOME")
    if home:
        candidate = Path(home, "bin", program)
        if not os.access(candidate, os.X_OK):
            raise FlinkSetupError(f"JAVA_HOME is {home}, but there is no {candidate}: {JAVA_HINT}")
        found = candidate
    else:
        on_path = shutil.which(program)
        if on_path is None:
            raise FlinkSetupError(f"no `{program}` on PATH and JAVA_HOME is not set: {JAVA_HINT}")
        found = Path(on_path)
    if program == "java":
        _refuse_old(found)
    return found


def _refuse_old(java: Path) -> None:
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own Java
            [str(java), "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FlinkSetupError(f"{java} does not start ({error}): {JAVA_HINT}") from error
    text = answer.stderr + answer.stdout
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    if answer.returncode != 0 or match is None:
        raise FlinkSetupError(f"{java} does not tell its version: {JAVA_HINT}")
    if int(match.group(1)) < OLDEST_JAVA:
        raise FlinkSetupError(f"{java} is Java {match.group(1)}, Flink needs {OLDEST_JAVA} or 17: {JAVA_HINT}")
