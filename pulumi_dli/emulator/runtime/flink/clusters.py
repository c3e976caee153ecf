"""Which cluster a job runs on: one session cluster a dedicated queue, or one for all of them (`--flink-shared`).

Starts clusters when a job first needs them and ends them with the queue or the emulator. Called by the workers.
"""

from __future__ import annotations

import re
import shutil
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_dli.emulator.runtime.flink.cluster import Cluster, ClusterError, remove_leftovers
from pulumi_dli.emulator.runtime.flink.distribution import Distribution

SLOTS_PER_CU = 4  # a job's parallelism is at most four times its CUs (dli-api 6.1)
MOST_SLOTS = 256  # slots share one small TaskManager's memory: more of them only make each useless
START_ATTEMPTS = 2  # a port may be taken between its choice and its use

QueueKey = tuple[str, str]  # project id, queue name
SHARED: QueueKey = ("", "")


def slots_for(cu: int, parallelism: int) -> int:
    """The slots of a queue's cluster; never fewer than its first job asks for."""
    return min(MOST_SLOTS, max(SLOTS_PER_CU * max(cu, 1), parallelism))


@dataclass
class _Place:
    """A queue's cluster, and the lock under which it is started or ended."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    cluster: Cluster | None = None
    gone: bool = False


class Clusters:
    """All clusters of one runtime."""

    def __init__(self, root: Path, *, distribution: Distribution, shared: bool) -> None:
        self._root = root
        self._distribution = distribution
        self._shared = shared
        self._lock = threading.Lock()
        self._places: dict[QueueKey, _Place] = {}
        self._closed = False
        self._swept = False

    def get(self, queue: QueueKey, *, slots: int) -> Cluster:
        """The running cluster of the queue, started if need be; blocks for seconds. Raises ClusterError."""
        place = self._place(queue)
        with place.lock:
            if self._closed or place.gone:
                raise ClusterError("the queue is gone" if place.gone else "the emulator ends")
            if place.cluster is not None and place.cluster.alive:
                return place.cluster
            if place.cluster is not None:
                place.cluster.stop()  # one that died: its jobs come here for a new one
            self._sweep()
            place.cluster = self._start(queue, place, slots=slots)
            return place.cluster

    def running(self, queue: QueueKey) -> Cluster | None:
        """The queue's cluster if it runs; never waits for one that starts."""
        cluster = self._place(queue).cluster
        return cluster if cluster is not None and cluster.alive else None

    def queue_gone(self, queue: QueueKey) -> None:
        """End the queue's own cluster; blocks until it is gone. A shared one stays for the others."""
        if self._shared:
            return
        with self._lock:
            place = self._places.pop(queue, None)
        if place is not None:
            place.gone = True  # before the lock: a start that holds it gives up
            with place.lock:
                if place.cluster is not None:
                    place.cluster.stop()
                    shutil.rmtree(place.cluster.folder, ignore_errors=True)

    def close(self) -> None:
        """End all clusters and start no more."""
        self._closed = True
        with self._lock:
            places = list(self._places.values())
        for place in places:
            with place.lock:
                if place.cluster is not None:
                    place.cluster.stop()

    def _place(self, queue: QueueKey) -> _Place:
        with self._lock:
            return self._places.setdefault(SHARED if self._shared else queue, _Place())

    def _sweep(self) -> None:
        with self._lock:
            if not self._swept:
                remove_leftovers(self._root)
                self._swept = True

    def _start(self, queue: QueueKey, place: _Place, *, slots: int) -> Cluster:
        name = "shared" if self._shared else re.sub(r"[^a-z0-9_]", "_", queue[1].lower())[:40]
        for attempt in range(START_ATTEMPTS):
            folder = self._root / f"{name}-{uuid.uuid4().hex[:8]}"
            cluster = Cluster(folder, distribution=self._distribution, slots=slots)
            try:
                cluster.start(given_up=lambda: self._closed or place.gone)
            except ClusterError:
                if attempt + 1 == START_ATTEMPTS or self._closed or place.gone:
                    raise
            else:
                return cluster
        raise AssertionError("unreachable")
