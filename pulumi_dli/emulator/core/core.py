"""What every service stands on: the store and its folder, clock, switches, faults, counters, timeline, the runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pulumi_dli.emulator.core.clock import ServiceClock, checked_anchor
from pulumi_dli.emulator.core.faults import Faults
from pulumi_dli.emulator.core.messages import read
from pulumi_dli.emulator.core.quirks import REAL_TIMINGS, Quirks
from pulumi_dli.emulator.core.settings import SIMULATED, Settings
from pulumi_dli.emulator.core.store import DataFileError, Store, Table
from pulumi_dli.emulator.core.timeline import EventType, Timeline
from pulumi_dli.emulator.runtime.protocol import Runtime

Part = TypeVar("Part")


@dataclass
class Counter:
    """The last id given of one kind."""

    last: int


class Core:
    """The ground of one local DLI. It knows no service; services find one another's records by `part`."""

    clock: ServiceClock
    quirks: Quirks
    faults: Faults
    timeline: Timeline
    runtime: Runtime

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._temporary = None if settings.data else tempfile.mkdtemp(prefix="dli-")
        self.store = Store(settings.data)
        self.directory = Path(self._temporary) if self._temporary else Path(f"{settings.data}.d")
        self._parts: dict[type[Any], Any] = {}

    def load(self) -> None:
        """All of it, from what the store holds."""
        self._parts = {}
        self._prepare_directory()
        anchor, kept = self.store.setting("clock"), self.store.setting("quirks")
        try:
            self.clock = ServiceClock(self.settings.speed, anchor=checked_anchor(anchor) if anchor else None)
            self.quirks = self.default_quirks if kept is None else Quirks.model_validate(kept)
        except (ValueError, TypeError) as error:
            raise DataFileError(f"{self.store.name} is damaged or of another version (settings: {error})") from error
        self.keep_clock()
        self._counters: Table[Counter] = Table(self.store, "counters", Counter)
        self.faults, self.timeline = Faults(), Timeline(self.store)

    def _prepare_directory(self) -> None:
        """A folder that only its owner reads: objects and savepoints are in it."""
        try:
            self.directory.mkdir(mode=0o700, exist_ok=True)
            self.directory.chmod(0o700)
        except OSError as error:
            raise DataFileError(f"cannot use the folder {self.directory}: {error.strerror}") from error

    def part(self, kind: type[Part]) -> Part:
        """The records of one service by their class, made of this core when they are first asked for."""
        found = self._parts.get(kind)
        if found is None:
            make: Any = kind
            found = self._parts[kind] = make(self)
        return found  # type: ignore[no-any-return]  # the key of the table is the type of its value

    @property
    def default_quirks(self) -> Quirks:
        """All switches as a new local DLI has them. Where a real runtime takes its own time, DLI's is not added."""
        return Quirks() if self.settings.runtime == SIMULATED else Quirks(timings=REAL_TIMINGS)

    def change_quirks(self, changes: Mapping[str, object]) -> None:
        """Raises `ValueError` on an unknown switch or a value that it does not take."""
        self.quirks = read(Quirks, {**self.quirks.model_dump(), **changes})
        self.store.set_setting("quirks", self.quirks.model_dump())

    def keep_clock(self) -> None:
        self.store.set_setting("clock", list(self.clock.anchor))

    def next_id(self, kind: str, first: int) -> int:
        counter = self._counters.rows.get(kind) or Counter(first - 1)
        counter.last += 1
        self._counters.save(kind, counter)
        return counter.last

    def record(
        self, kind: str, subject: str, event: EventType, text: str, *, at: float | None = None, **facts: Any
    ) -> None:
        """Add an event to the timeline: `text` for people, `facts` for programs."""
        self.timeline.add(event, kind, subject, at=self.clock.now() if at is None else at, text=text, facts=facts)
