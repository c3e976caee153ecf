"""What every part of the service stands on: the store and its folder, clock, switches, faults, counters, timeline."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_dli.emulator.clock import ServiceClock
from pulumi_dli.emulator.faults import Faults
from pulumi_dli.emulator.iam import Credentials
from pulumi_dli.emulator.journal import Timeline
from pulumi_dli.emulator.objects import ObjectStore
from pulumi_dli.emulator.quirks import REAL_TIMINGS, Quirks
from pulumi_dli.emulator.store import Store, Table
from pulumi_dli.emulator.tags import Tags

SIMULATED = "simulated"


@dataclass(frozen=True)
class Settings:
    """How the service is started. `data=None` keeps nothing."""

    data: Path | None = None
    pace: float = 60.0
    credentials: Credentials = field(default_factory=Credentials)
    latency_ms: float = 0.0
    runtime: str = SIMULATED
    runtime_options: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Counter:
    """The last id given of one kind."""

    last: int


class Core:
    """The ground of one service; it knows none of the parts that stand on it."""

    clock: ServiceClock
    quirks: Quirks
    faults: Faults
    timeline: Timeline
    tags: Tags
    objects: ObjectStore

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._temporary = None if settings.data else tempfile.mkdtemp(prefix="dli-")
        if settings.data:
            settings.data.parent.mkdir(parents=True, exist_ok=True)
        self.store = Store(settings.data)
        self.directory = Path(self._temporary) if self._temporary else Path(f"{settings.data}.d")

    def _lay(self) -> None:
        """All of it, from what the store holds."""
        anchor = self.store.setting("clock")
        self.clock = ServiceClock(self.settings.pace, anchor=tuple(anchor) if anchor else None)
        kept = self.store.setting("quirks")
        self.quirks = self.default_quirks if kept is None else Quirks.model_validate(kept)
        self.keep_clock()
        self._counters: Table[Counter] = Table(self.store, "counters", Counter)
        self.faults, self.timeline, self.tags = Faults(), Timeline(self.store), Tags(self.store)
        self.objects = ObjectStore(self.store, self.directory, self.clock)

    @property
    def default_quirks(self) -> Quirks:
        """All switches as on the first day. A real runtime takes its own time; nobody waits for DLI's on top."""
        return Quirks() if self.settings.runtime == SIMULATED else Quirks(timings=REAL_TIMINGS)

    def change_quirks(self, changes: Mapping[str, object]) -> None:
        """Raises `ValueError` on an unknown switch or a value that it does not take."""
        self.quirks = Quirks.model_validate({**self.quirks.model_dump(), **changes})
        self.store.set_setting("quirks", self.quirks.model_dump())

    def keep_clock(self) -> None:
        self.store.set_setting("clock", list(self.clock.anchor))

    def next_id(self, kind: str, first: int) -> int:
        counter = self._counters.rows.get(kind) or Counter(first - 1)
        counter.last += 1
        self._counters.save(kind, counter)
        return counter.last

    def happened(self, kind: str, subject: str, text: str, *, at: float | None = None) -> None:
        """One line of the timeline."""
        self.timeline.add(self.clock.now() if at is None else at, kind, subject, text)
