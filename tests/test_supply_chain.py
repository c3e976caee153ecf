"""What is imported is declared, what is installed is locked with its hashes, and licences are told."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    found = {canonical(match[0]) for line in requirements if (match := re.match(r"[A-Za-z0-9._-]+", line))}
    return found - {"pulumi-dli"}


def imported(folder: str) -> set[str]:
    """Top-level modules that are imported, anywhere in a file."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                top, _, rest = node.module.partition(".")
                found.add(f"google.{rest.partition('.')[0]}" if top == "google" else top)
    return found - set(sys.stdlib_module_names) - {"__future__"}


RUNTIME = names(PROJECT["dependencies"]) | {
    name
    for extra, lines in PROJECT["optional-dependencies"].items()
    if extra not in ("dev", "flink")
    for name in names(lines)
}
DEVELOPMENT = (
    RUNTIME | names(PROJECT["optional-dependencies"]["dev"]) | names(PROJECT["optional-dependencies"]["flink"])
)


@pytest.mark.parametrize(
    ("folder", "declared"),
    [
        ("pulumi_dli", RUNTIME | {"pytest"}),
        ("tests", DEVELOPMENT),
        ("benchmarks", DEVELOPMENT),
        ("requirements", DEVELOPMENT),
    ],
)
def test_every_import_is_declared(folder: str, declared: set[str]) -> None:
    """The package's plugin of pytest is loaded by pytest alone."""
    by_module = metadata.packages_distributions()
    own = {path.stem for path in (ROOT / folder).rglob("*.py")} | {"pulumi_dli", "tests", "benchmarks", "google.rpc"}
    undeclared = {
        module
        for module in imported(folder) - own
        if not {canonical(name) for name in by_module.get(module, ())} & declared
        and {"google.protobuf": "protobuf", "javax": "", "toy": ""}.get(module, "-") not in declared
    }
    assert undeclared == set()


def pins(lock: Path) -> Iterator[tuple[str, str, int]]:
    """Name, version and number of hashes of each entry."""
    for entry in re.split(r"\n(?=\S)", lock.read_text().strip()):
        match = re.match(r"([A-Za-z0-9._-]+)==(\S+)", entry)
        assert match, f"no pinned version: {entry[:60]}"
        yield canonical(match[1]), match[2], entry.count("--hash=sha256:")


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.name for lock in LOCKS])
def test_a_lock_pins_each_package_by_its_hashes_and_names_no_place(lock: Path) -> None:
    assert [name for name, _, hashes in pins(lock) if hashes == 0] == []
    assert re.findall(r"https?:|--(?:extra-)?index|--find-links|file:", lock.read_text()) == []


def test_the_lock_has_what_the_package_asks_for_within_its_ranges() -> None:
    locked = {name: version for name, version, _ in pins(ROOT / "requirements" / "dev.lock")}
    lines = PROJECT["dependencies"] + [
        line for extra in ("local", "clouds", "obs", "emulator", "embedded", "dev")
        for line in PROJECT["optional-dependencies"][extra] if not line.startswith("pulumi-dli")
    ]  # fmt: skip

    def parts(version: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", version)]

    for line in lines:
        name = canonical(re.match(r"[A-Za-z0-9._-]+", line)[0])  # type: ignore[index]
        assert name in locked, f"`make lock` is due: {name}"
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", line):
            have, want = parts(locked[name]), parts(bound)
            assert have >= want if sign == ">=" else have < want, f"`make lock` is due: {line}"


def test_notice_is_what_the_command_writes() -> None:
    command = [sys.executable, str(ROOT / "requirements" / "notice.py")]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = set(re.findall(r"^  (\S+): ", (ROOT / "NOTICE").read_text(), re.MULTILINE))
    needed = set(re.findall(r"^  (\S+): ", written, re.MULTILINE))
    assert needed >= RUNTIME
    locked = {name for name, _, _ in pins(ROOT / "requirements" / "dev.lock")}  # an older SDK needs others besides
    assert needed & locked - told == set(), "`make lock` is due"


def test_the_pythons_that_ci_tests_are_found_and_start() -> None:
    found = subprocess.run([str(ROOT / ".ci" / "pythons")], capture_output=True, text=True, check=True).stdout
    rows = [line.split(" ", 1) for line in found.splitlines()]
    assert f"3.{sys.version_info.minor}" in {version for version, _ in rows} or sys.version_info.releaselevel != "final"
    assert len({version for version, _ in rows}) == len(rows)
    for version, python in rows:
        code = "import sys; print(f'3.{sys.version_info.minor}')"
        assert (
            subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == version
        )
