"""One local DLI a module, standing still until a test lets time pass; `world` is as new for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dli_world import World

from pulumi_dli.emulator.testing import Emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(pace=0) as emulator:
        yield emulator


@pytest.fixture
def world(emulator: Emulator) -> Iterator[World]:
    emulator.reset()
    world = World(emulator)
    yield world
    world.close()
