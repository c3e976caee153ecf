"""One local DLI a test process; stacks in projects of their own; `stream` is a job with its queue and its jars."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.stacks import QUICK, Stack, Stream


@pytest.fixture(scope="session")
def _shared_emulator() -> Iterator[Emulator]:
    with Emulator(pace=2000) as emulator:
        yield emulator


@pytest.fixture
def emulator(_shared_emulator: Emulator) -> Emulator:
    """As on the first day, but with a quick first job; 2000 times as fast as the service."""
    _shared_emulator.reset()
    _shared_emulator.quirk(timings=QUICK)
    return _shared_emulator


@pytest.fixture
def stack(emulator: Emulator) -> Stack:
    """Drives the lifecycles in this process; each command is a phase with a session of its own."""
    return Stack(emulator)


@pytest.fixture
def hosted(emulator: Emulator) -> Stack:
    """Drives the SDK's own dynamic host; each command is a process of its own."""
    return Stack(emulator, hosted=True)


@pytest.fixture
def stream(stack: Stack) -> Stream:
    """A job that is declared, not yet made: `stream.up()`."""
    return Stream(stack)
