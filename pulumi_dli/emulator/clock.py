"""The service's clock: real time multiplied by a pace, so that ten service minutes pass in ten seconds.

All timings and timestamps of the local DLI use it; signatures and tokens use the wall clock, as they must agree with
their makers. It is stateless but for one anchor, which the store keeps: a restarted service goes on at the right time.
Pace 0 freezes it; `advance` moves it by hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate

Anchor = tuple[float, float, float]  # wall time, service time, pace


class ServiceClock:
    """Seconds since the epoch, as the service sees them; never goes back."""

    def __init__(self, pace: float, *, anchor: Anchor | None = None, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._latest = 0.0
        start = wall()
        self._anchor: Anchor = anchor or (start, start, pace)
        self._anchor = (start, self.now(), pace)

    @property
    def pace(self) -> float:
        return self._anchor[2]

    @property
    def anchor(self) -> Anchor:
        return self._anchor

    def now(self) -> float:
        wall, service, pace = self._anchor
        self._latest = max(self._latest, service + (self._wall() - wall) * pace)
        return self._latest

    def now_ms(self) -> int:
        return int(self.now() * 1000)

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the service clock does not go back")
        self._anchor = (self._wall(), self.now() + seconds, self.pace)

    def set_pace(self, pace: float) -> None:
        if pace < 0:
            raise ValueError("a pace is 0 (frozen) or more")
        self._anchor = (self._wall(), self.now(), pace)

    def http_date(self) -> str:
        return formatdate(self.now(), usegmt=True)


def ms(seconds: float | None) -> int | None:
    """A service time in the form of the wire (contract 1.2: milliseconds since the epoch)."""
    return None if seconds is None else int(seconds * 1000)
