"""Fixtures of the embedded engine's tests: a yard for each test, and a pair of yards where the CLI is there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .engines import Cli, Embedded


@pytest.fixture
def yard(tmp_path: Path) -> Embedded:
    return Embedded(tmp_path, "embedded")


@pytest.fixture
def pair(tmp_path: Path) -> Callable[[], tuple[Embedded, Cli]]:
    """Makes the same yard twice, one for each engine; skips, visibly, where there is no CLI."""
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH")
    return lambda: (Embedded(tmp_path, "embedded"), Cli(tmp_path, "cli"))
