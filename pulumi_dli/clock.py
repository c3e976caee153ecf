"""Time, in one place. Everything that waits or measures takes a `Clock`; tests hand in one that does not sleep.

It lies under all rooms and imports none.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """The two things that code here may ask of time."""

    def now(self) -> float:
        """Seconds on a clock that never goes back (not the time of day)."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until `event` is set, at most `seconds`. Returns whether it is set."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(seconds, 0.0))


SYSTEM_CLOCK: Clock = SystemClock()
