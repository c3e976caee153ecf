"""What is known of one job: changed by its worker and by the emulator's calls, told to the emulator, kept on disk.

Every change is one step under one lock: record changed, written, published. Knows nothing of Flink.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from pulumi_dli.emulator.runtime.flink.records import JobRecord, RecordFolder
from pulumi_dli.emulator.runtime.protocol import ENDED, Observation, RunState


class JobStateRecorder:
    """One job's record and its way to the emulator."""

    def __init__(
        self,
        record: JobRecord,
        *,
        records: RecordFolder,
        now: Callable[[], float],
        publish: Callable[[Observation], None],
    ) -> None:
        self.record = record
        self._records = records
        self._now = now
        self._publish = publish
        self._lock = threading.RLock()
        self._muted = False
        self.graph: Mapping[str, Any] | None = None  # the last that Flink told, kept for a job at rest
        self.web_url: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the job is at rest."""
        return self.record.state in ENDED

    def to_state(self, state: RunState, description: str = "") -> None:
        """The job is in this state from now on; nothing happens when that is known.

        A submission fails only before the job first came up: what fails when it is brought back is the job. And a job
        that was to be stopped anyway is stopped.
        """
        with self._lock:
            record = self.record
            if state is RunState.SUBMIT_FAILED and (record.stopping or record.came_up):
                state = RunState.CANCELED if record.stopping else RunState.FAILED
            record.came_up = record.came_up or state is RunState.RUNNING
            if (record.state, record.description) == (state, description) and record.state_at:
                return
            if record.state != state or not record.state_at:
                record.state, record.state_at = state, self._now()
            record.description = description
            if state in ENDED:
                record.stopping, record.stopping_to = False, None
            self._tell()

    def to_stopping(self, savepoint_dir: str | None) -> bool:
        """A stop was accepted; False when the job had come to rest just before: then that is told again."""
        with self._lock:
            if self.record.state is RunState.SUBMIT_FAILED:
                self.to_state(RunState.CANCELED, self.record.description)  # a stopped job has no failed submission
                return False
            if self.ended:
                self._tell()
                return False
            self.record.stopping, self.record.stopping_to = True, savepoint_dir
            self.to_state(RunState.SAVEPOINTING if savepoint_dir else RunState.CANCELING)
            return True

    def stop_given_up(self, state: RunState, description: str) -> None:
        """The stop failed; the job goes on."""
        with self._lock:
            self.record.stopping, self.record.stopping_to = False, None
            self.to_state(state, description)

    def savepoint_made(self, path: str, *, then: RunState) -> None:
        """A savepoint is complete."""
        with self._lock:
            record = self.record
            record.savepoint_path, record.savepoint_at = path, self._now()
            record.state, record.state_at, record.description = then, self._now(), ""
            self._tell()

    def restarted(self, times: int) -> None:
        """The current submission was restarted so often by Flink."""
        with self._lock:
            total = self.record.restarts_before + times
            if total > self.record.restart_times:
                self.record.restart_times = total
                self._tell()

    def change(self, **values: Any) -> None:
        """Keep something that the emulator need not hear of."""
        with self._lock:
            for name, value in values.items():
                setattr(self.record, name, value)
            self._save()

    def mute(self) -> None:
        """The job was deleted: nothing more is told or kept."""
        with self._lock:
            self._muted = True
            self._records.remove(self.record.job_id)

    def observation(self) -> Observation:
        """All that is known now."""
        with self._lock:
            record = self.record
            return Observation(
                job_id=record.job_id,
                state=record.state,
                at=record.state_at,
                description=record.description,
                restart_times=record.restart_times,
                savepoint_path=record.savepoint_path,
                savepoint_at=record.savepoint_at,
                graph=self.graph,
                web_url=self.web_url,
            )

    def tell(self) -> None:
        """Publish what is known, changed or not."""
        with self._lock:
            self._tell()

    def _tell(self) -> None:
        self._save()
        if not self._muted:
            self._publish(self.observation())

    def _save(self) -> None:
        if not self._muted:
            self._records.save(self.record)
