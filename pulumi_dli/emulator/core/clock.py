"""The service's clock: real time multiplied by a speed, so that ten service minutes pass in ten seconds.

All timings and timestamps of the local DLI use it; signatures and tokens use the wall clock, as they must agree with
their makers. It is stateless but for one anchor, which the store keeps: a restarted service goes on at the right time.
Speed 0 freezes it; `advance` moves it by hand.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate

MOST_SPEED = 1e9
LATEST = 2.5e11  # in the year 9892, where this clock stands still: later dates cannot be written
Anchor = tuple[float, float, float]  # wall time, service time, speed


class ServiceClock:
    """Seconds since the epoch, as the service sees them; never goes back."""

    def __init__(self, speed: float, *, anchor: Anchor | None = None, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._latest = 0.0
        start = wall()
        self._anchor: Anchor = anchor or (start, start, speed)
        self._anchor = (start, self.now(), checked_speed(speed))

    @property
    def speed(self) -> float:
        return self._anchor[2]

    @property
    def anchor(self) -> Anchor:
        return self._anchor

    def now(self) -> float:
        wall, service, speed = self._anchor
        self._latest = min(LATEST, max(self._latest, service + (self._wall() - wall) * speed))
        return self._latest

    def now_ms(self) -> int:
        return int(self.now() * 1000)

    def advance(self, seconds: float) -> None:
        """Move it on by hand; `ValueError` on what is no length of time."""
        if seconds < 0:
            raise ValueError("the service clock does not go back")
        if not math.isfinite(seconds) or self.now() + seconds > LATEST:
            raise ValueError("the service clock does not go beyond the year 9892")
        self._anchor = (self._wall(), self.now() + seconds, self.speed)

    def set_speed(self, speed: float) -> None:
        """`ValueError` on what is no speed."""
        self._anchor = (self._wall(), self.now(), checked_speed(speed))

    def http_date(self) -> str:
        return formatdate(self.now(), usegmt=True)


def checked_anchor(kept: Sequence[float]) -> Anchor:
    """An anchor that was kept, or `ValueError` when it is none."""
    wall, service, speed = (float(part) for part in kept)
    if not (math.isfinite(wall) and 0 <= service <= LATEST):
        raise ValueError("the clock was kept at a time that is none")
    return wall, service, checked_speed(speed)


def checked_speed(speed: float) -> float:
    """The speed, or `ValueError` on what is none."""
    if not 0 <= speed <= MOST_SPEED:
        raise ValueError(f"a speed is 0 (frozen) to {MOST_SPEED:.0f}")
    return speed


def ms(seconds: float | None) -> int | None:
    """A service time in the form of the wire (dli-api 1.2: milliseconds since the epoch)."""
    return None if seconds is None else int(seconds * 1000)
