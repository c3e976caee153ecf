"""The whole local DLI without HTTP: its core with the records of all services. `server/` puts it on a port."""

from __future__ import annotations

import shutil

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.journal import Journal
from pulumi_dli.emulator.core.settings import SIMULATED, Settings
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.iam.records import Iam
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.objects.records import ObjectStore
from pulumi_dli.emulator.packages.records import Packages
from pulumi_dli.emulator.queues.records import Queues
from pulumi_dli.emulator.runtime.protocol import Runtime, RuntimeContext, load_runtime
from pulumi_dli.emulator.runtime.simulated import SimulatedRuntime
from pulumi_dli.emulator.services import SERVICES, TAGGED
from pulumi_dli.emulator.tags.records import Tags


class LocalDli(Core):
    """One emulator. Used by one thread only, the server's."""

    journal: Journal

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        try:
            self._assemble()
            self._record_start()
            self.store.commit()
        except BaseException:
            self.store.close()  # a runtime may find this machine wanting
            raise

    def _assemble(self) -> None:
        self.load()
        self.journal = Journal()
        self.runtime = self._start_runtime()
        self._load_services()
        self.part(ObjectStore).sweep(self.part(Packages).digests)

    def _load_services(self) -> None:
        self.part(ObjectStore).beside = getattr(self.runtime, "objects_folder", None)
        for service in SERVICES:
            for records in service.records:
                self.part(records)
        self.part(Tags).types = TAGGED

    def _record_start(self) -> None:
        """An event that says how the last emulator of this data ended."""
        if self.timeline.events():
            ended = self.store.setting("ended")
            event, text = (
                (EventType.STARTED, "started again") if ended else (EventType.KILLED, "killed, and started again")
            )
            self.record("service", "local DLI", event, text)
        self.store.set_setting("ended", None)

    def _start_runtime(self) -> Runtime:
        if self.settings.runtime == SIMULATED:
            return SimulatedRuntime(self)
        directory = self.directory / self.settings.runtime
        directory.mkdir(parents=True, exist_ok=True)
        context = RuntimeContext(directory, self.clock.now, dict(self.settings.runtime_options))
        return load_runtime(self.settings.runtime, context)

    def restore(self) -> None:
        """Go back to what the store holds, since the effect of a call could not be written.

        A real runtime goes on as it is: it tells what became of its jobs.
        """
        faults = self.faults
        self.store.discard()
        self.load()
        self.faults = faults
        if self.settings.runtime == SIMULATED:
            self.runtime = SimulatedRuntime(self)
        self._load_services()

    def reset(self) -> None:
        """Forget everything but the speed."""
        self.runtime.close()
        speed = self.clock.speed
        self.store.clear()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._assemble()
        self.clock.set_speed(speed)
        self.keep_clock()

    def close(self) -> None:
        self.runtime.close()
        self.store.set_setting("ended", True)
        self.store.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    # shorthands

    @property
    def iam(self) -> Iam:
        return self.part(Iam)

    @property
    def jobs(self) -> Jobs:
        return self.part(Jobs)

    @property
    def queues(self) -> Queues:
        return self.part(Queues)

    @property
    def packages(self) -> Packages:
        return self.part(Packages)

    @property
    def objects(self) -> ObjectStore:
        return self.part(ObjectStore)
