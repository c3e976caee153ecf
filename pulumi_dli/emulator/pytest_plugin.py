"""Fixtures for tests of programs: pytest finds them where this package is installed, and imports nothing for them.

`local_dli` is a local DLI as on its first day, `local_dli_config` the settings that point a stack to it
(docs/testing.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pulumi_dli.emulator.testing import Emulator

SPEED = 2000.0
"""Service seconds in a second: the eight minutes of a first job take a quarter of one."""
PROJECT_ID = "local"


@pytest.fixture(scope="session")
def _local_dli_of_the_session() -> Iterator[Emulator]:
    from pulumi_dli.emulator.testing import Emulator  # noqa: PLC0415  (only tests that use it pay)

    with Emulator(speed=SPEED) as emulator:
        yield emulator


@pytest.fixture
def local_dli(_local_dli_of_the_session: Emulator) -> Emulator:
    """A local DLI without jobs, packages and objects, in a hurry."""
    _local_dli_of_the_session.reset()
    _local_dli_of_the_session.set_speed(SPEED)
    return _local_dli_of_the_session


@pytest.fixture
def local_dli_config(local_dli: Emulator) -> dict[str, str]:
    """The settings of a stack that uses `local_dli`."""
    return {
        "dli:endpoint": local_dli.url,
        "dli:obsEndpoint": local_dli.objects_url,
        "dli:projectId": PROJECT_ID,
        "dli:accessKey": "local",
        "dli:secretKey": "local-secret",
        "dli:pollSeconds": "0.02",
    }
