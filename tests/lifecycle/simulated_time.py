"""A clock for tests of many threads: time stands still while anybody runs and jumps when everybody waits.

Threads started by `Simulation.run` take turns: exactly one runs, until it waits through the clock or ends. Who is next
among those that can go on is drawn from a seeded generator, so a run can be repeated and many orders can be tried. All
waiting must go through the clock; a thread that waits while holding a lock stops the run, and the test times out.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any


class StuckError(AssertionError):
    """Everybody waits for something that will never come."""


class _Sleeper:
    def __init__(self, event: threading.Event, until: float) -> None:
        self.event = event
        self.until = until
        self.turn = threading.Event()


class Simulation:
    """The clock, and the threads that live by it. `now` and `wait` are those of `pulumi_dli.clock.Clock`."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self._now = 1000.0
        self._lock = threading.Lock()
        self._asleep: list[_Sleeper] = []
        self._ready: list[_Sleeper] = []
        self._never = threading.Event()
        self._stuck = False
        self._left = 0
        self._done = threading.Event()

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass for the calling thread: the latency of a fake service."""
        self.wait(self._never, seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        with self._lock:
            self._listen(event)
            if event.is_set():
                return True
            sleeper = _Sleeper(event, self._now + (max(seconds, 1e-6) if seconds > 0 else 0.0))  # beyond rounding
            self._asleep.append(sleeper)
            self._pass_on()
        sleeper.turn.wait()
        if self._stuck:
            raise StuckError
        return event.is_set()

    def run(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        """Run all works as threads to their end. Returns what each returned or raised."""
        results: list[Any] = [None] * len(works)

        def body(index: int, start: _Sleeper) -> None:
            start.turn.wait()
            try:
                results[index] = works[index]()
            except BaseException as error:  # noqa: BLE001  (it is the result)
                results[index] = error
            finally:
                with self._lock:
                    self._left -= 1
                    self._pass_on()

        self._left = len(works)
        self._done.clear()
        self._ready = [_Sleeper(self._never, self._now) for _ in works]
        threads = [
            threading.Thread(target=body, args=(index, start), daemon=True) for index, start in enumerate(self._ready)
        ]
        for thread in threads:
            thread.start()
        with self._lock:
            self._pass_on()
        assert self._done.wait(30), "a thread waits for something other than the clock"
        if self._stuck:
            raise StuckError(results)
        return results

    def _listen(self, event: threading.Event) -> None:
        if getattr(event, "simulation", None) is self:
            return
        really_set = threading.Event.set

        def set_and_tell() -> None:
            really_set(event)
            with self._lock:
                for sleeper in [one for one in self._asleep if one.event is event]:
                    self._asleep.remove(sleeper)
                    self._ready.append(sleeper)

        event.simulation = self  # type: ignore[attr-defined]
        event.set = set_and_tell  # type: ignore[method-assign]

    def _pass_on(self) -> None:
        if not self._ready and self._asleep:
            self._now = max(self._now, min(sleeper.until for sleeper in self._asleep))
            if self._now > 1e6:  # the clock ran far beyond every deadline: they only wake each other up
                self._stuck = True
            self._ready = [one for one in self._asleep if self._stuck or one.until <= self._now]
            self._asleep = [one for one in self._asleep if one not in self._ready]
        if self._left == 0 or self._stuck:
            self._done.set()
        if self._stuck:
            for one in self._ready + self._asleep:
                one.turn.set()
        elif self._ready:
            self._ready.pop(self.random.randrange(len(self._ready))).turn.set()
