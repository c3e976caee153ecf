"""One started job on its cluster: a thread that submits it, watches it, makes savepoints, stops and restores it.

The emulator's calls only leave a wish and return; the thread carries it out. What it learns goes into the recorder.
A thread that ends without a last state (the emulator closed) leaves a record from which the next emulator goes on.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pulumi_dli.emulator.runtime.flink import submission
from pulumi_dli.emulator.runtime.flink.cluster import Cluster, ClusterError
from pulumi_dli.emulator.runtime.flink.clusters import Clusters, slots_for
from pulumi_dli.emulator.runtime.flink.objects import METADATA, ObjectFolders, newest_checkpoint
from pulumi_dli.emulator.runtime.flink.recorder import JobStateRecorder
from pulumi_dli.emulator.runtime.flink.rest import FlinkRefusalError, FlinkUnreachableError
from pulumi_dli.emulator.runtime.protocol import RunState

LOOK_SECONDS = 0.4
SAVEPOINT_LOOK_SECONDS = 0.1
CANCEL_SECONDS = 60.0
MOST_LOST_CLUSTERS = 3  # a job that takes its cluster down each time is not brought back for ever
_AT_REST = ("FINISHED", "CANCELED", "FAILED")  # Flink's job states
_COMING = ("CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING")  # Flink's task states before RUNNING
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workplace:
    """What all workers share."""

    clusters: Clusters
    objects: ObjectFolders
    runs: Path  # our copies of the jobs' files


class Worker:
    """Carries out one start of one job."""

    def __init__(
        self, recorder: JobStateRecorder, *, place: Workplace, resume: bool, after: threading.Thread | None = None
    ) -> None:
        self.recorder = recorder
        self._place = place
        self._resume = resume
        self._after = after
        self._wake = threading.Event()
        self._killed = False
        self._closed = False
        self._savepoint_dir: str | None = None
        self._cancel_sent_at: float | None = None
        self._stopped = False  # the stop with savepoint is through; Flink will call the job FINISHED
        self._cluster: Cluster | None = None
        self.thread = threading.Thread(target=self._work, name=f"flink-job-{recorder.record.job_id}", daemon=True)

    # What the emulator may wish; each returns at once.

    def stop(self, savepoint_dir: str | None) -> None:
        """Stop the job, with a savepoint if there is a directory for it."""
        if self.recorder.to_stopping(savepoint_dir):
            self._wake.set()

    def savepoint(self, directory: str) -> None:
        """Make a savepoint; the job goes on."""
        if self.recorder.record.state is RunState.RUNNING:
            self._savepoint_dir = directory
            self.recorder.to_state(RunState.SAVEPOINTING)
            self._wake.set()

    def kill(self) -> None:
        """End the job and say nothing of it."""
        self.recorder.mute()
        self._killed = True
        self._wake.set()

    def close(self) -> None:
        """The emulator ends; the record stays as it is."""
        self._closed = True
        self._wake.set()

    # The thread.

    def _work(self) -> None:
        if self._after is not None:
            self._after.join(CANCEL_SECONDS)
        try:
            lost = 0
            while self._submit() and self._watch():
                lost += 1
                if lost > MOST_LOST_CLUSTERS:
                    self.recorder.to_state(RunState.FAILED, "the Flink cluster of the queue broke down again and again")
                    return
                self._resume = True
                self.recorder.to_state(RunState.SUBMITTING, "the Flink cluster of the queue broke down")
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it: the job must not hang in a moving state
            if not self._closed:
                _log.exception("job %s", self.recorder.record.job_id)
                self.recorder.to_state(RunState.FAILED, f"the Flink runtime of the emulator failed: {error!r}")
        finally:
            self._delete_dropped()
            if self._killed:
                self._delete_copies()

    def _submit(self) -> bool:
        """Bring the job to Flink; False when there is nothing to watch."""
        if self._resume and self._settled_before():
            return False
        self._cancel_sent_at, self._stopped = None, False
        record = self.recorder.record
        try:
            restore = self._restore_folder()
            slots = slots_for(record.queue_cu, submission.slots_wanted(record.definition))
            self._cluster = self._place.clusters.get((record.project_id, record.queue), slots=slots)
            if self._killed or self._closed:
                return False
            if record.stopping:
                self.recorder.to_state(RunState.CANCELED)
                return False
            self._run(self._cluster, restore)
        except (submission.SubmissionError, ClusterError, FlinkRefusalError, FlinkUnreachableError, OSError) as error:
            if not self._closed:
                self.recorder.to_state(RunState.SUBMIT_FAILED, str(error))
            return False
        return True

    def _run(self, cluster: Cluster, restore: Path | None) -> None:
        record = self.recorder.record
        jid = uuid.uuid4().hex
        if not Path(record.jar).is_file():
            self._stage(jid)
        earlier = [*record.earlier_jids, record.jid] if record.jid else record.earlier_jids
        objects = self._place.objects
        checkpoints = submission.checkpoint_folder(record.definition, job_id=record.job_id, objects=objects)
        if record.checkpoints:  # brought back: the earlier checkpoints of this start must be found again
            checkpoints = Path(record.checkpoints)
        body = submission.run_body(
            record.definition,
            name=record.name,
            jid=jid,
            classpath=record.classpath,
            checkpoints=checkpoints,
            restore=restore,
            objects=objects,
        )
        # Written before the call: whatever becomes of it, the checkpoints of this submission will be found.
        self.recorder.change(
            jid=jid, earlier_jids=earlier, checkpoints=str(checkpoints), restarts_before=record.restart_times
        )
        jar_id = cluster.rest.upload(Path(record.jar), name=record.jar_name)
        try:
            cluster.rest.run(jar_id, body)
        except FlinkUnreachableError:
            self._cancel(cluster)  # it may have come through
            raise
        finally:
            with contextlib.suppress(FlinkRefusalError, FlinkUnreachableError):
                cluster.rest.delete_jar(jar_id)
        self.recorder.web_url = f"{cluster.rest.address}/#/job/running/{jid}/overview"

    def _stage(self, jid: str) -> None:
        """Copy the job's files to a folder of this start: a JVM may still know the old ones by their path."""
        record = self.recorder.record
        home = self._place.runs / str(record.job_id)
        shutil.rmtree(home, ignore_errors=True)
        files = {written: Path(path) for written, path in record.files.items()}
        staged = submission.stage(record.definition, files, folder=home / jid)
        self.recorder.change(jar=str(staged.jar), jar_name=staged.jar_name, classpath=list(staged.classpath))

    def _settled_before(self) -> bool:
        """Whether a job that went down with its cluster had been stopped: then it stays so."""
        record = self.recorder.record
        if not record.stopping:
            return False
        if record.stopping_to is None:
            self.recorder.to_state(RunState.CANCELED)
            return True
        made = self._place.objects.snapshot(record.stopping_to)
        if made is not None:
            self.recorder.savepoint_made(self._place.objects.path(made), then=RunState.CANCELED)
            self.recorder.change(stopping=False, stopping_to=None)
            return True
        self.recorder.stop_given_up(RunState.SUBMITTING, "the savepoint was not made: the cluster ended meanwhile")
        return False

    def _restore_folder(self) -> Path | None:
        """What to restore from: as asked; after a loss the newest complete snapshot of this start, if there is one."""
        record = self.recorder.record
        objects = self._place.objects
        if self._resume:
            found = [
                newest_checkpoint(Path(record.checkpoints, jid)) for jid in (record.jid, *record.earlier_jids) if jid
            ]
            found.append(objects.snapshot(record.savepoint_path) if record.savepoint_path else None)
            snapshots = [snapshot for snapshot in found if snapshot is not None]
            if snapshots:
                return max(snapshots, key=lambda snapshot: (snapshot / METADATA).stat().st_mtime)
        if record.restore_path is None:
            return None
        folder = objects.snapshot(record.restore_path)
        if folder is None:
            raise submission.SubmissionError(f"there is no savepoint at {record.restore_path}")
        return folder

    def _watch(self) -> bool:
        """Follow the job until it is at rest; True when its cluster was lost under it."""
        cluster = self._cluster
        assert cluster is not None
        while True:
            self._wake.clear()
            if self._killed or self._closed:
                if self._killed:
                    self._cancel(cluster)
                return False
            try:
                if self._look(cluster):
                    return False
                self._carry_out(cluster)
            except FlinkUnreachableError as error:
                if not cluster.alive:
                    return not (self._killed or self._closed)
                _log.info("job %s: %s", self.recorder.record.job_id, error)
            self._wake.wait(LOOK_SECONDS)

    def _look(self, cluster: Cluster) -> bool:
        """Ask Flink once; True when the job is at rest."""
        jid, record = self.recorder.record.jid, self.recorder.record
        try:
            job = cluster.rest.job(jid)
        except FlinkRefusalError as error:
            if error.status != 404:
                return False
            self.recorder.to_state(RunState.FAILED, "Flink no longer knows the job")
            return True
        self.recorder.graph = job
        state = job["state"]
        if state in _AT_REST:
            self.recorder.web_url = f"{cluster.rest.address}/#/job/completed/{jid}/overview"
        match state:
            case "FINISHED":
                self._finished()
            case "CANCELED":
                if record.stopping or record.state is RunState.CANCEL_FAILED:
                    self.recorder.to_state(RunState.CANCELED)
                else:
                    self.recorder.to_state(RunState.FAILED, "canceled by hand in Flink itself")
            case "FAILED":
                came_up = int(job["timestamps"].get("RUNNING", 0)) > 0
                if came_up and record.state is RunState.SUBMITTING:
                    self.recorder.to_state(RunState.RUNNING)  # between two looks
                self.recorder.restarted(cluster.rest.failures(jid) - 1)  # the last one was not followed by a restart
                self.recorder.to_state(
                    RunState.FAILED if came_up else RunState.SUBMIT_FAILED, cluster.rest.root_exception(jid)
                )
            case "RESTARTING" | "FAILING" if record.state is RunState.RUNNING:
                self.recorder.to_state(RunState.SUBMITTING, cluster.rest.root_exception(jid))
            case "RUNNING":
                self._up(cluster, job)
        return state in _AT_REST

    def _finished(self) -> None:
        self.recorder.to_state(RunState.CANCELED if self._stopped else RunState.FINISHED)

    def _up(self, cluster: Cluster, job: Mapping[str, Any]) -> None:
        record = self.recorder.record
        counts = job["status-counts"]
        if record.definition.get("restart_when_exception"):
            self.recorder.restarted(cluster.rest.failures(record.jid))
        if record.state is RunState.SUBMITTING and not any(counts.get(name) for name in _COMING):
            self.recorder.to_state(RunState.RUNNING)

    def _carry_out(self, cluster: Cluster) -> None:
        """Do what the emulator wished, if the job is fit for it."""
        record = self.recorder.record
        if record.stopping and record.stopping_to is None:
            self._carry_out_cancel(cluster)
        elif record.stopping and not self._stopped:
            self._carry_out_stop(cluster, record.stopping_to or "")
        elif self._savepoint_dir is not None:
            directory, self._savepoint_dir = self._savepoint_dir, None
            made = self._savepoint(cluster, directory, stop=False)
            if made and not record.stopping:
                self.recorder.savepoint_made(made, then=RunState.RUNNING)
        elif record.state is RunState.SAVEPOINTING:
            self.recorder.to_state(RunState.RUNNING)

    def _carry_out_cancel(self, cluster: Cluster) -> None:
        if self._cancel_sent_at is None:
            self._cancel_sent_at = time.monotonic()
            self._cancel(cluster)
            self._wake.set()
        elif time.monotonic() - self._cancel_sent_at > CANCEL_SECONDS:
            self._cancel_sent_at = None
            self.recorder.stop_given_up(RunState.CANCEL_FAILED, f"not stopped within {CANCEL_SECONDS:.0f} seconds")

    def _carry_out_stop(self, cluster: Cluster, directory: str) -> None:
        job = self.recorder.graph or {}
        if job.get("state") != "RUNNING" or any(job["status-counts"].get(name) for name in _COMING):
            return  # a savepoint needs all tasks up; a job that never gets there ends by its own failure
        made = self._savepoint(cluster, directory, stop=True)
        if made:
            self._stopped = True
            self.recorder.savepoint_made(made, then=RunState.CANCELING)
            self._wake.set()

    def _savepoint(self, cluster: Cluster, directory: str, *, stop: bool) -> str | None:
        """Make a savepoint and wait for it; its path, or None when the job goes on without (the recorder says why)."""
        rest, jid = cluster.rest, self.recorder.record.jid
        try:
            folder = self._place.objects.folder(directory)
            folder.mkdir(parents=True, exist_ok=True)
            trigger = rest.trigger_stop(jid, folder=folder) if stop else rest.trigger_savepoint(jid, folder=folder)
            while (location := rest.savepoint(jid, trigger)) is None:
                if self._killed or self._closed:
                    return None
                time.sleep(SAVEPOINT_LOOK_SECONDS)
        except (FlinkRefusalError, ValueError, OSError) as error:
            self.recorder.stop_given_up(RunState.RUNNING, f"the savepoint was not made: {error}")
            return None
        return self._place.objects.path(Path(unquote(urlsplit(location).path)))

    def _cancel(self, cluster: Cluster) -> None:
        try:
            cluster.rest.cancel(self.recorder.record.jid)
        except (FlinkRefusalError, FlinkUnreachableError) as error:
            _log.info("job %s: cancel: %s", self.recorder.record.job_id, error)

    def _delete_copies(self) -> None:
        """Our copies of the files of a run whose job was deleted; a later start of the job has a folder of its own."""
        jar = Path(self.recorder.record.jar)
        home = jar.parent.parent
        if self.recorder.record.jar and home.parent.parent == self._place.runs:
            shutil.rmtree(home, ignore_errors=True)
            with contextlib.suppress(OSError):  # it holds the files of a later start
                home.parent.rmdir()

    def _delete_dropped(self) -> None:
        """Savepoints that were dropped while this run might have restored from them."""
        record = self.recorder.record
        for path in record.dropped if self.recorder.ended or self._killed else ():
            self._place.objects.remove(path)
