"""The whole local DLI without HTTP: its parts, wired together. `server.py` puts it on a port."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from pulumi_dli.emulator.core import SIMULATED, Core, Settings
from pulumi_dli.emulator.flink_jobs import Jobs
from pulumi_dli.emulator.iam import Iam
from pulumi_dli.emulator.journal import Journal
from pulumi_dli.emulator.package_groups import Packages
from pulumi_dli.emulator.pools import Pools
from pulumi_dli.emulator.queues import Queues
from pulumi_dli.emulator.runtime import Runtime, RuntimeContext, load_runtime
from pulumi_dli.emulator.simulated import SimulatedRuntime
from pulumi_dli.emulator.store import Table


@dataclass
class Authorised:
    """The buckets that a project has opened to the service."""

    buckets: list[str]


class Service(Core):
    """One emulator. Used by one thread only, the server's."""

    journal: Journal
    iam: Iam
    pools: Pools
    queues: Queues
    packages: Packages
    jobs: Jobs
    runtime: Runtime

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        try:
            self._assemble()
        except BaseException:
            self.store.close()  # a runtime may find this machine wanting
            raise
        self._note_start()

    def _assemble(self) -> None:
        self._lay()
        self._authorised: Table[Authorised] = Table(self.store, "authorised", Authorised)
        self.journal, self.iam = Journal(), Iam(self.store, self.settings.credentials)
        self.runtime = self._start_runtime()
        self.objects.beside = getattr(self.runtime, "objects_folder", None)
        self.pools, self.packages = Pools(self), Packages(self)
        self.queues = Queues(self, self.runtime)
        self.jobs = Jobs(self, self.queues, self.packages, self.runtime)
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

    def is_authorised(self, project_id: str, bucket: str | None) -> bool:
        row = self._authorised.rows.get(project_id)
        return bool(row and bucket in row.buckets)

    def authorise(self, project_id: str, buckets: Iterable[str]) -> None:
        row = self._authorised.rows.get(project_id) or Authorised([])
        row.buckets = sorted({*row.buckets, *buckets})
        self._authorised.save(project_id, row)
