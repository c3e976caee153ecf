"""The whole local DLI without HTTP: its parts, wired together. `server.py` puts it on a port."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_dli.emulator.clock import ServiceClock
from pulumi_dli.emulator.faults import Faults
from pulumi_dli.emulator.flink_jobs import Jobs
from pulumi_dli.emulator.iam import Credentials, Iam
from pulumi_dli.emulator.journal import Journal, Timeline
from pulumi_dli.emulator.objects import ObjectStore
from pulumi_dli.emulator.package_groups import Packages
from pulumi_dli.emulator.pools import Pools
from pulumi_dli.emulator.queues import Queues
from pulumi_dli.emulator.quirks import REAL_TIMINGS, Quirks
from pulumi_dli.emulator.runtime import Runtime, RuntimeContext, load_runtime
from pulumi_dli.emulator.s3 import Uploads
from pulumi_dli.emulator.simulated import SimulatedRuntime
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


@dataclass
class Authorised:
    """The buckets that a project has opened to the service."""

    buckets: list[str]


class Service:
    """One emulator. Used by one thread only, the server's."""

    clock: ServiceClock
    quirks: Quirks
    faults: Faults
    journal: Journal
    timeline: Timeline
    iam: Iam
    tags: Tags
    objects: ObjectStore
    uploads: Uploads
    pools: Pools
    queues: Queues
    packages: Packages
    jobs: Jobs
    runtime: Runtime

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._temporary = None if settings.data else tempfile.mkdtemp(prefix="dli-")
        if settings.data:
            settings.data.parent.mkdir(parents=True, exist_ok=True)
        self.store = Store(settings.data)
        self.directory = Path(self._temporary) if self._temporary else Path(f"{settings.data}.d")
        try:
            self._assemble()
        except BaseException:
            self.store.close()  # a runtime may find this machine wanting
            raise
        self._note_start()

    def _assemble(self) -> None:
        anchor = self.store.setting("clock")
        self.clock = ServiceClock(self.settings.pace, anchor=tuple(anchor) if anchor else None)
        kept = self.store.setting("quirks")
        self.quirks = self.default_quirks if kept is None else Quirks.model_validate(kept)
        self.keep_clock()
        self._counters: Table[Counter] = Table(self.store, "counters", Counter)
        self._authorised: Table[Authorised] = Table(self.store, "authorised", Authorised)
        self.faults, self.journal, self.timeline = Faults(), Journal(), Timeline(self.store)
        self.iam = Iam(self.store, self.settings.credentials)
        self.tags, self.pools = Tags(self.store), Pools(self)
        self.objects = ObjectStore(self.store, self.directory, self.clock)
        self.uploads = Uploads(self.store, self.objects)
        self.queues, self.packages = Queues(self), Packages(self)
        self.runtime = self._start_runtime()
        self.objects.beside = getattr(self.runtime, "objects_folder", None)
        self.jobs = Jobs(self)
        self.objects.sweep(self.packages.digests)

    def _note_start(self) -> None:
        """One line of the timeline on how the last emulator of this data ended."""
        if self.timeline.events():
            how = "started again" if self.store.setting("ended") else "killed, and started again"
            self.happened("service", "local DLI", how)
        self.store.set_setting("ended", None)

    def _start_runtime(self) -> Runtime:
        if self.settings.runtime == SIMULATED:
            return SimulatedRuntime(self)
        directory = self.directory / self.settings.runtime
        directory.mkdir(parents=True, exist_ok=True)
        context = RuntimeContext(directory, self.clock.now, dict(self.settings.runtime_options))
        return load_runtime(self.settings.runtime, context)

    def reset(self) -> None:
        """As on the first day; the pace stays."""
        self.runtime.close()
        pace = self.clock.pace
        self.store.clear()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._assemble()
        self.clock.set_pace(pace)
        self.keep_clock()

    def close(self) -> None:
        self.runtime.close()
        self.store.set_setting("ended", True)
        self.store.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @property
    def default_quirks(self) -> Quirks:
        """All switches as on the first day. A real runtime takes its own time; nobody waits for DLI's on top."""
        return Quirks() if self.settings.runtime == SIMULATED else Quirks(timings=REAL_TIMINGS)

    # small shared duties

    def keep_clock(self) -> None:
        self.store.set_setting("clock", list(self.clock.anchor))

    def change_quirks(self, changes: Mapping[str, object]) -> None:
        """Raises `ValueError` on an unknown switch or a value that it does not take."""
        self.quirks = Quirks.model_validate({**self.quirks.model_dump(), **changes})
        self.store.set_setting("quirks", self.quirks.model_dump())

    def next_id(self, kind: str, first: int) -> int:
        counter = self._counters.rows.get(kind) or Counter(first - 1)
        counter.last += 1
        self._counters.save(kind, counter)
        return counter.last

    def is_authorised(self, project_id: str, bucket: str | None) -> bool:
        row = self._authorised.rows.get(project_id)
        return bool(row and bucket in row.buckets)

    def authorise(self, project_id: str, buckets: Iterable[str]) -> None:
        row = self._authorised.rows.get(project_id) or Authorised([])
        row.buckets = sorted({*row.buckets, *buckets})
        self._authorised.save(project_id, row)

    def happened(self, kind: str, subject: str, text: str, *, at: float | None = None) -> None:
        """One line of the timeline."""
        self.timeline.add(self.clock.now() if at is None else at, kind, subject, text)
