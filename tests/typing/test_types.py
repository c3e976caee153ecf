"""A user's program, checked by mypy and pyright in their strict modes against the wheel that users install."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(__file__).parent / "program"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program, in which the package is that of a built wheel and not this checkout's."""
    folder = tmp_path_factory.mktemp("typing")
    source = folder / "source"  # a copy: a build leaves files behind
    shutil.copytree(ROOT / "pulumi_dli", source / "pulumi_dli", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "site", "zip")
    shutil.copytree(PROGRAM, folder / "program")
    return folder


def _check(command: list[str], folder: Path) -> str:
    env = {**os.environ, "MYPYPATH": str(folder / "site")}
    done = subprocess.run(command, cwd=folder / "program", env=env, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.slow
def test_the_program_passes_mypy_strict_and_each_mistake_is_found(installed: Path) -> None:
    strict = [
        "--strict",
        "--config-file=",
        "--follow-imports=silent",
        "--no-incremental",
        "--python-executable",
        sys.executable,
    ]
    assert _check([sys.executable, "-m", "mypy", *strict, "right.py", "wrong.py"], installed) == ""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed")
def test_the_program_passes_pyright_strict_and_each_mistake_is_found(installed: Path) -> None:
    settings = {
        "typeCheckingMode": "strict",
        "extraPaths": [str(installed / "site")],
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (installed / "program" / "pyrightconfig.json").write_text(json.dumps(settings))
    check = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    assert _check(check, installed) == ""
