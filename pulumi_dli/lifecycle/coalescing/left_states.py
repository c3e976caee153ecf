"""The last savepoints of jobs that were deleted, kept for the jobs of the same name that come after them.

With a delete before its replacement the job goes, and its outputs go from the state. When the create then fails, or the
process dies, what remains is the bucket that holds the savepoint: a note in it says which job of which name left it.
Tags of the queue could not hold it: 20 a queue, no `/` in a value, not in every region (docs/dli-api.md 4.7), and a
queue may go with its jobs. Who cannot reach the bucket is refused a delete that needs the note
(`jobs/last_savepoint.py`).
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from urllib.parse import quote

from pulumi_dli.api.client import DliClient
from pulumi_dli.clock import Clock
from pulumi_dli.errors import CancelledError, ConfigError, DliError, NotFoundError
from pulumi_dli.lifecycle.coalescing.single_flight import SingleFlight
from pulumi_dli.lifecycle.coalescing.surroundings import DEPLOYMENT_SECONDS

FOLDER = "pulumi-dli/left-states"


@dataclass(frozen=True)
class LeftState:
    """What a deleted job left.

    Attributes:
        path: of its last savepoint; "" while the delete has not made it yet.
        job_id: of the job.
        owner: the owner tag of the resource that deleted it, which alone goes on from it without being told to.
    """

    path: str
    job_id: str
    owner: str


class LeftStates:
    """What the deletes of this process and of earlier ones left, by the resource or by the job's name."""

    def __init__(self, client: DliClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._here: dict[str, LeftState] = {}
        self._lists: dict[str, SingleFlight[frozenset[str]]] = {}

    def remember(self, urn: str, state: LeftState) -> None:
        """Keep it for this process, in which the successor may have another name or another bucket."""
        with self._lock:
            self._here[urn] = state

    def here(self, urn: str) -> LeftState | None:
        """What this process deleted of the same resource."""
        with self._lock:
            return self._here.get(urn)

    def note(self, bucket: str, name: str, state: LeftState) -> None:
        """Note it in the bucket, for another process.

        Raises:
            DliError: it cannot be written there.
        """
        if not bucket:
            raise ConfigError("the job has no obs_bucket")
        self._client.small_objects.write(self._path(bucket, name), json.dumps(asdict(state)).encode())
        with self._lock:
            self._lists.pop(bucket, None)

    def noted(self, bucket: str, name: str) -> LeftState | None:
        """What an earlier process noted of the last job of this name; one look at a bucket serves all jobs.

        Raises:
            DliError: the bucket cannot be looked into.
        """
        if not bucket or self._key(name) not in self._list(bucket).get():
            return None
        try:
            told = json.loads(self._client.small_objects.read(self._path(bucket, name)))
            state = LeftState(*(str(told[field]) for field in ("path", "job_id", "owner")))
        except NotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise DliError(f"{self._path(bucket, name)} holds no note of ours: delete it") from error
        return state if state.path else None

    def forget(self, urn: str, bucket: str, name: str) -> None:
        """The successor has it, or wants none. What stays by a failure here says its path whenever it is used."""
        with self._lock:
            self._here.pop(urn, None)
        try:
            if bucket and self._key(name) in self._list(bucket).get():
                self._client.small_objects.delete(self._path(bucket, name))
                with self._lock:
                    self._lists.pop(bucket, None)
        except CancelledError:
            raise
        except DliError:
            pass

    def _list(self, bucket: str) -> SingleFlight[frozenset[str]]:
        with self._lock:
            if bucket not in self._lists:
                self._lists[bucket] = SingleFlight(
                    lambda: self._listed(bucket), max_age_seconds=DEPLOYMENT_SECONDS, clock=self._clock
                )
            return self._lists[bucket]

    def _listed(self, bucket: str) -> frozenset[str]:
        try:
            return frozenset(self._client.small_objects.keys(bucket, f"{FOLDER}/{self._client.project_id}/"))
        except NotFoundError:
            return frozenset()  # no bucket, no notes

    def _key(self, name: str) -> str:
        return f"{FOLDER}/{self._client.project_id}/{quote(name, safe='')}.json"

    def _path(self, bucket: str, name: str) -> str:
        return f"obs://{bucket}/{self._key(name)}"
