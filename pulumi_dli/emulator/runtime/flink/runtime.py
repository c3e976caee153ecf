"""`FlinkRuntime`: the emulator's Runtime protocol, carried out by real Flink clusters.

Every call comes from the server's thread and returns at once; one worker thread a job does what takes time.

How nothing is lost and nothing is left: Java runs below a supervisor process that dies with the emulator, however that
ends. A new emulator in the same folder reads the records and brings every job that was live back on a new cluster,
from its newest complete checkpoint or savepoint, else from what its start named. Savepoints and the checkpoints of a
job are only deleted when the emulator says so (`drop_savepoint`), not with the job: they are what a new job may be
started from.

    {directory}/clusters/   a folder a cluster: configuration, logs, temporary files; removed with the
                            queue, else by the next emulator (until then the logs can be read)
    {directory}/jobs/       a record a job
    {directory}/runs/       our copies of the jars of started jobs
    {directory}/objects/    savepoints and checkpoints as {bucket}/{key}/
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_dli.emulator.runtime.flink.clusters import Clusters
from pulumi_dli.emulator.runtime.flink.distribution import find_distribution
from pulumi_dli.emulator.runtime.flink.objects import ObjectFolders
from pulumi_dli.emulator.runtime.flink.recorder import JobStateRecorder
from pulumi_dli.emulator.runtime.flink.records import JobRecord, RecordFolder
from pulumi_dli.emulator.runtime.flink.worker import Worker, Workplace
from pulumi_dli.emulator.runtime.protocol import Observation, RunState, RuntimeContext, StartRequest

JOIN_SECONDS = 5.0


class FlinkRuntime:
    """Runs jobs on real Flink. Raises FlinkSetupError when this machine cannot."""

    def __init__(self, context: RuntimeContext) -> None:
        root = context.directory.resolve()
        root.mkdir(parents=True, exist_ok=True)
        shared = context.options.get("shared", "").lower() == "true"
        self._now = context.now
        self._records = RecordFolder(root / "jobs")
        self._changes: deque[Observation] = deque()
        self._clusters = Clusters(root / "clusters", distribution=find_distribution(), shared=shared)
        self.objects_folder = root / "objects"
        """Our savepoints and checkpoints as {bucket}/{key}: the object endpoint shows them, and puts uploads there."""
        self._objects = ObjectFolders(self.objects_folder)
        self._place = Workplace(clusters=self._clusters, objects=self._objects, runs=root / "runs")
        self._workers: dict[int, Worker] = {}
        self._endings: list[threading.Thread] = []
        for record in self._records.load():
            self._take_up(record)

    def start(self, request: StartRequest) -> None:
        """Bring the job up in the background."""
        former = self._workers.get(request.job_id)
        record = JobRecord(
            job_id=request.job_id,
            project_id=request.project_id,
            name=request.name,
            queue=request.queue,
            queue_cu=request.queue_cu,
            definition=dict(request.definition),
            files={written: str(path) for written, path in request.files.items()},
            restore_path=request.savepoint_path,
        )
        recorder = self._recorder(record)
        worker = Worker(recorder, place=self._place, resume=False, after=former.thread if former else None)
        self._workers[request.job_id] = worker
        recorder.to_state(RunState.SUBMITTING)
        worker.thread.start()

    def stop(self, job_id: int, *, savepoint_dir: str | None) -> None:
        """Stop the job, with a savepoint if there is a directory for it."""
        if worker := self._workers.get(job_id):
            worker.stop(savepoint_dir)

    def savepoint(self, job_id: int, *, directory: str) -> None:
        """Make a savepoint of a running job."""
        if worker := self._workers.get(job_id):
            worker.savepoint(directory)

    def update(self, job_id: int, definition: Mapping[str, Any]) -> None:
        """Keep the live fields for the next submission: Flink takes no new restart rules while a job runs."""
        if worker := self._workers.get(job_id):
            worker.recorder.change(definition=dict(definition))

    def kill(self, job_id: int) -> None:
        """End the job; its savepoints and its last checkpoint stay, as they do in OBS."""
        if worker := self._workers.pop(job_id, None):
            worker.kill()
            self._endings.append(worker.thread)

    def changes(self) -> Sequence[Observation]:
        """All changes since the last call, oldest first."""
        changes = []
        while self._changes:
            changes.append(self._changes.popleft())
        return changes

    def observe(self, job_id: int) -> Observation | None:
        """The job as it is now."""
        worker = self._workers.get(job_id)
        return worker.recorder.observation() if worker else None

    def has_savepoint(self, path: str) -> bool:
        """Whether a savepoint or checkpoint is at this path."""
        return self._objects.snapshot(path) is not None and not self._is_dropped(path)

    def drop_savepoint(self, path: str) -> None:
        """Delete its files: at once, or at the end of a run that restored from it and may have to do so again."""
        for worker in self._workers.values():
            record = worker.recorder.record
            if not worker.recorder.ended and record.restore_path and self._same(record.restore_path, path):
                worker.recorder.change(dropped=[*record.dropped, path])
                return
        self._objects.remove(path)

    def _is_dropped(self, path: str) -> bool:
        return any(
            self._same(path, gone) for worker in self._workers.values() for gone in worker.recorder.record.dropped
        )

    def _same(self, one: str, other: str) -> bool:
        return self._objects.snapshot(one) == self._objects.snapshot(other)

    def queue_gone(self, project_id: str, queue: str) -> None:
        """End the queue's cluster in the background."""
        ending = threading.Thread(
            target=self._clusters.queue_gone, args=((project_id, queue),), name=f"flink-end-{queue}", daemon=True
        )
        self._endings.append(ending)
        ending.start()

    def web_url(self, project_id: str, queue: str) -> str | None:
        """Flink's own web pages for a queue, while its cluster runs."""
        cluster = self._clusters.running((project_id, queue))
        return cluster.rest.address if cluster else None

    def close(self) -> None:
        """End all clusters; jobs that were live come back with the next emulator."""
        for worker in self._workers.values():
            worker.close()
        self._clusters.close()
        for thread in [*(worker.thread for worker in self._workers.values()), *self._endings]:
            if thread.ident is not None:
                thread.join(JOIN_SECONDS)

    def _take_up(self, record: JobRecord) -> None:
        """Go on with a job of an earlier emulator."""
        recorder = self._recorder(record)
        worker = Worker(recorder, place=self._place, resume=True)
        self._workers[record.job_id] = worker
        if recorder.ended:
            recorder.tell()
            return
        if not record.stopping:
            recorder.to_state(RunState.SUBMITTING, "brought back after a restart of the emulator")
        else:
            recorder.tell()
        worker.thread.start()

    def _recorder(self, record: JobRecord) -> JobStateRecorder:
        return JobStateRecorder(record, records=self._records, now=self._now, publish=self._changes.append)
