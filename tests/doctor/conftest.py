"""`pulumi-dli doctor` as a person runs it: in a folder, with credentials from the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.__main__ import main
from pulumi_dli.emulator.testing import Emulator

PROJECT = "48cc2c48765f481480c7db940d6409d1"
SECRET = "the-secret-of-the-doctor"


@dataclass(frozen=True)
class Report:
    """What the command printed with `--json`."""

    status: int
    lines: list[dict[str, str]]
    text: str
    errors: str

    def of(self, check: str, part: str = "") -> list[tuple[str, str]]:
        """Level and text of a check's lines that contain this."""
        return [(row["level"], row["text"]) for row in self.lines if row["check"] == check and part in row["text"]]

    def level(self, check: str, part: str = "") -> str:
        """The level of the one line of a check that contains this."""
        ((level, _),) = self.of(check, part)
        return level

    def step(self, check: str, part: str = "") -> str:
        return next(row["next_step"] for row in self.lines if row["check"] == check and part in row["text"])


Doctor = Callable[..., Report]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and nothing of this machine's clouds or CLI."""
    for name in [name for name in os.environ if name.startswith(("OS_", "HW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_ACCESS_KEY", "local")
    monkeypatch.setenv("OS_SECRET_KEY", SECRET)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "no-clouds.yaml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cli(folder: Path) -> Callable[[str], None]:
    """Put a Pulumi CLI of some version on PATH."""

    def put(answer: str) -> None:
        script = folder / "bin" / "pulumi"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
        script.chmod(0o755)

    return put


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run the command with these words; nothing that it prints may hold the secret, or a traceback."""

    def doctor(*words: str) -> Report:
        status = main(["doctor", "--json", *words])
        out, errors = capsys.readouterr()
        assert SECRET not in out + errors
        assert "Traceback" not in out + errors
        told: dict[str, Any] = json.loads(out) if out else {"lines": []}
        assert not out or told["fails"] == (status == 1)
        return Report(status, told["lines"], out, errors)

    return doctor


@pytest.fixture(scope="session")
def _dli_of_doctors() -> Iterator[Emulator]:
    with Emulator(speed=0) as emulator:
        yield emulator


@pytest.fixture
def dli(_dli_of_doctors: Emulator) -> Emulator:
    _dli_of_doctors.reset()
    _dli_of_doctors.default_quirks()
    return _dli_of_doctors


@pytest.fixture
def here(dli: Emulator, run: Doctor) -> Doctor:
    """The command against the local DLI."""
    return lambda *words: run("--endpoint", dli.url, "--project-id", PROJECT, *words)
