"""What all resources of one connection share: the client, the batches, the polls, the snapshots and the claims.

CreatedJob once for each connection of a process. A lifecycle gets it with every call and keeps nothing of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial

from pulumi_dli.api.client import DliClient, client_for
from pulumi_dli.api.datasource_connections import DatasourceConnection
from pulumi_dli.api.elastic_resource_pools import ElasticResourcePool, PoolQueue
from pulumi_dli.api.flink_models import FlinkJob, ItemResult
from pulumi_dli.api.package_groups import PackageListing
from pulumi_dli.api.queues import Queue
from pulumi_dli.clock import SYSTEM_CLOCK, Clock
from pulumi_dli.connection import Connection, must_be_at
from pulumi_dli.errors import ApiError
from pulumi_dli.lifecycle.coalescing.batching import Batcher
from pulumi_dli.lifecycle.coalescing.job_poller import JobPoller
from pulumi_dli.lifecycle.coalescing.left_states import LeftStates
from pulumi_dli.lifecycle.coalescing.single_flight import SingleFlight
from pulumi_dli.lifecycle.coalescing.snapshots import JobSnapshots
from pulumi_dli.lifecycle.coalescing.surroundings import Surroundings
from pulumi_dli.lifecycle.coalescing.tag_reads import TagReads
from pulumi_dli.lifecycle.coalescing.unread_tags import UnreadTags
from pulumi_dli.lifecycle.coalescing.waiting import Backoff
from pulumi_dli.lifecycle.ownership import PROCESS_CLAIMS, Claims, owner_of

JOB_TAGS = "dli_flink_job"
QUEUE_TAGS = "dli_queue"
POOL_TAGS = "dli_elastic_resource_pool"
CONNECTION_TAGS = "dli_enhanced_datasource"
PACKAGE_TAGS = "dli_package_resource"
_STEP_SECONDS = 600.0
"""Answers of many threads overtake each other: what goes back by more is the clock's step."""


class Session:
    """The shared machinery of one connection. Thread-safe; its constructor makes no call."""

    def __init__(self, client: DliClient, *, clock: Clock = SYSTEM_CLOCK, claims: Claims | None = None) -> None:
        poll = client.connection.poll_seconds
        self.client = client
        self.clock = clock
        self._time_lock = threading.Lock()
        self._told = self._gone_back = 0.0  # the service's time when it was asked for last, and its steps back
        self._claims = Claims() if claims is None else claims
        self.new_queues: set[str] = set()  # made by this deployment: their compute comes with the first job
        self.left_states = LeftStates(client, clock)
        self.runs: Batcher[ItemResult] = Batcher(self._run, what="run", max_window_seconds=poll, clock=clock)
        self.stops: Batcher[ItemResult] = Batcher(self._stop, what="stop", max_window_seconds=poll, clock=clock)
        self.deletes: Batcher[ItemResult] = Batcher(self._delete, what="delete", max_window_seconds=poll, clock=clock)
        self.poller: JobPoller[FlinkJob] = JobPoller(client.flink_jobs, clock=clock, poll_seconds=poll)
        self.jobs: JobSnapshots[FlinkJob] = JobSnapshots(client.flink_jobs, gather_seconds=poll / 4, clock=clock)
        self.queues: SingleFlight[list[Queue]] = SingleFlight(client.queues.list, clock=clock)
        self.pools: SingleFlight[list[ElasticResourcePool]] = SingleFlight(
            client.elastic_resource_pools.list, clock=clock
        )
        self.connections: SingleFlight[list[DatasourceConnection]] = SingleFlight(
            client.datasource_connections.list, clock=clock
        )
        self._pool_queues: dict[str, SingleFlight[Sequence[PoolQueue]]] = {}
        self.packages: SingleFlight[PackageListing] = SingleFlight(client.package_groups.list, clock=clock)
        self.unread_tags = UnreadTags()
        self.around = Surroundings(client, clock)
        self.job_tags = TagReads(client.tags, JOB_TAGS, clock, self.unread_tags)
        self._tags_of: dict[str, SingleFlight[Mapping[str, Mapping[str, str]] | None]] = {
            kind: SingleFlight(partial(self._find_tags, kind), clock=clock)
            for kind in (QUEUE_TAGS, POOL_TAGS, CONNECTION_TAGS, PACKAGE_TAGS)
        }

    @property
    def claims(self) -> Claims:
        """Who holds which objects of this project."""
        return self._claims.at(self.where(), project=self.client.connection.project)

    def backoff(self) -> Backoff:
        """The pauses of one wait."""
        return Backoff(self.client.connection.poll_seconds)

    def service_now(self) -> float:
        """Seconds on the service's clock for measuring how long something lasts, our own where it does not tell the
        time. It stands still where the service's goes back: a wait by it would not end for as long.
        """
        told = self.client.service_time
        if told is None:
            return self.clock.now()
        with self._time_lock:
            if self._told - told > _STEP_SECONDS:
                self._gone_back += self._told - told
                self._told = told
            self._told = max(self._told, told)
            return self._told + self._gone_back

    def wrote(self) -> None:
        """A write of ours went out: what was read before is old."""
        self.jobs.wrote()
        self.queues.invalidate()
        self.pools.invalidate()
        self.connections.invalidate()
        for queues in [*self._pool_queues.values()]:
            queues.invalidate()
        self.packages.invalidate()
        self.around.changed()

    def queues_of(self, pool: str) -> SingleFlight[Sequence[PoolQueue]]:
        """The queues in a pool with their policies: one call for all of them."""
        fetch = partial(self.client.elastic_resource_pools.queues, pool)
        return self._pool_queues.setdefault(pool, SingleFlight(fetch, clock=self.clock))

    def tags_of_all(self, kind: str) -> Mapping[str, Mapping[str, str]] | None:
        """The tags of all queues, pools or packages, by id, in one call for all; None where that cannot be asked."""
        return self._tags_of[kind].get()

    def set_tags(self, kind: str, id: str, *, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Change only the tags that differ (dli-api 4.7); a tag is removed by key and value."""
        gone = {key: value for key, value in old.items() if new.get(key) != value}
        come = {key: value for key, value in new.items() if old.get(key) != value}
        if gone:
            self.client.tags.delete(kind, id, gone)
        if come:
            self.client.tags.create(kind, id, come)
        self.tags_changed()

    def tags_changed(self) -> None:
        """A write of tags went out: what was read before is old."""
        self.job_tags.changed()
        for tags in self._tags_of.values():
            tags.invalidate()

    def _find_tags(self, kind: str) -> Mapping[str, Mapping[str, str]] | None:
        try:
            return self.client.tags.find_resources(kind, {})
        except ApiError as error:
            if self.unread_tags.bears(error, kind, of_one=False):
                return None
            raise

    def _run(self, job_ids: Sequence[int], resume: bool) -> Sequence[ItemResult]:
        try:
            return self.client.flink_jobs.run(job_ids, resume_savepoint=resume)
        finally:
            self.jobs.wrote()

    def _stop(self, job_ids: Sequence[int], savepoint: bool) -> Sequence[ItemResult]:
        try:
            return self.client.flink_jobs.stop(job_ids, trigger_savepoint=savepoint)
        finally:
            self.jobs.wrote()

    def _delete(self, job_ids: Sequence[int], _flag: bool) -> Sequence[ItemResult]:
        try:
            return self.client.flink_jobs.delete_many(job_ids)
        finally:
            self.jobs.wrote()

    @property
    def project_id(self) -> str:
        return self.client.project_id

    def owner_of(self, urn: str) -> str:
        """The owner tag of a resource."""
        return owner_of(self.project_id, urn, self.client.connection.owner)

    def where(self) -> dict[str, str]:
        """What the outputs of every resource record of the connection."""
        return {"endpoint": self.client.connection.endpoint, "project_id": self.project_id}

    def must_be_where(self, outs: Mapping[str, object], what: str) -> None:
        """Refuse to look for an object in another place than the one it was made in.

        Raises:
            ConfigError: names both places.
        """
        must_be_at(self.where(), outs, what)


_sessions: dict[Connection, Session] = {}
_lock = threading.Lock()


def session_for(connection: Connection) -> Session:
    """The session of this process for a connection."""
    with _lock:
        if connection not in _sessions:
            _sessions[connection] = Session(client_for(connection), claims=PROCESS_CLAIMS)
        return _sessions[connection]
