"""Builds the counter's jars with `javac` and `jar`, against the jars of the package `apache-flink-libraries`.

    python build.py            # v1, v2 and v2-crash into build/
    python build.py v2         # only one of them, elsewhere with --into DIR

Needs a JDK (11 or newer; Debian: openjdk-17-jdk-headless), found through JAVA_HOME or PATH. No Maven, no download.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
VERSIONS = ("v1", "v2", "v2-crash")
MAIN_CLASS = "example.Counter"


class BuildError(Exception):
    """Something is missing on this machine; the message says what."""


def main() -> int:
    """Build what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", default=list(VERSIONS), metavar="|".join(VERSIONS))
    parser.add_argument("--into", type=Path, default=HERE / "build")
    options = parser.parse_args()
    try:
        for version in options.versions:
            print(build(version, into=options.into))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(version: str, *, into: Path) -> Path:
    """The jar of one version, newly built; raises BuildError."""
    if version not in VERSIONS:
        raise BuildError(f"there is no version {version}, only {', '.join(VERSIONS)}")
    javac, jar = _jdk("javac"), _jdk("jar")
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"counter-{version}.jar"
    with tempfile.TemporaryDirectory() as scratch:
        release = Path(scratch, "Release.java")
        template = (HERE / "java" / "Release.java.in").read_text()
        crashes = str(version.endswith("-crash")).lower()
        release.write_text(template.replace("@VERSION@", version).replace("@CRASHES@", crashes))
        classes = Path(scratch, "classes")
        sources = [str(release), *(str(source) for source in sorted((HERE / "java" / "src").glob("*.java")))]
        options = ["-nowarn", "--release", "11", "-cp", _flink_classpath(), "-d", str(classes)]
        _run([javac, *options, *sources])
        _run([jar, "--create", "--file", str(target), "--main-class", MAIN_CLASS, "-C", str(classes), "."])
    return target


def _jdk(program: str) -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(program, path=str(Path(home, "bin"))) if home else shutil.which(program)
    if found is None:
        where = f"JAVA_HOME ({home})" if home else "PATH"
        raise BuildError(f"no `{program}` on {where}: a JDK is needed to build the example (openjdk-17-jdk-headless)")
    return found


def _flink_classpath() -> str:
    spec = find_spec("pyflink")
    jars = [
        str(jar)
        for place in (spec.submodule_search_locations or () if spec else ())
        for jar in Path(place, "lib").glob("*.jar")
    ]
    if not jars:
        raise BuildError("Apache Flink is not installed: pip install 'pulumi-dli[flink]'")
    return os.pathsep.join(jars)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
