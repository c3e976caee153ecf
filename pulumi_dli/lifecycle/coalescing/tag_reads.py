"""The tags of single jobs, read by many callers in few calls (dli-api 4.7).

A read that is alone asks for its own object. In company, one call asks for all objects that carry our owner tag,
whatever its value: that leaves out what others have in the project, however much that is. It reads no more pages than
there are readers, and who is not in its answer is asked for alone, so nothing is taken for untagged because of how a
service reads an open filter. `session.py` makes one of these a kind; the job lifecycle reads from it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from pulumi_dli.api.tags import LONG_PAGE
from pulumi_dli.clock import Clock
from pulumi_dli.errors import ApiError, NotFoundError, ThrottledError
from pulumi_dli.lifecycle.coalescing.single_flight import SingleFlight
from pulumi_dli.lifecycle.coalescing.unread_tags import UnreadTags
from pulumi_dli.specs.values import OWNER_TAG

_BURST_SECONDS = 5.0


class TagsApi(Protocol):
    """The two reads of tags."""

    def list(self, resource_type: str, resource_id: str) -> Mapping[str, str]: ...
    def find_resources(
        self, resource_type: str, tags: Mapping[str, str | None], *, limit: int, pages: int
    ) -> Mapping[str, Mapping[str, str]]: ...


class TagReads:
    """Reads of the tags of one kind of object. Thread-safe."""

    def __init__(self, tags: TagsApi, kind: str, clock: Clock, unread: UnreadTags | None = None) -> None:
        self._tags = tags
        self._kind = kind
        self._clock = clock
        self._lock = threading.Lock()
        self._last = clock.now()
        self._peers = 0  # who has read, or is about to, in this burst
        self._ours: SingleFlight[Mapping[str, Mapping[str, str]] | None] = SingleFlight(self._find, clock=clock)
        self._unread = UnreadTags() if unread is None else unread

    @contextmanager
    def expect(self) -> Iterator[None]:
        """Announce that this thread may read soon, so that those who come together know of each other."""
        with self._lock:
            if self._clock.now() - self._last > _BURST_SECONDS:
                self._peers = 0
            self._last = self._clock.now()
            self._peers += 1
        try:
            yield
        finally:
            with self._lock:
                self._last = self._clock.now()

    def of(self, id: str) -> Mapping[str, str] | None:
        """The tags of an object, {} when it has none or is gone; None where they cannot be read."""
        if self._unread.knows(self._kind):
            return None
        if self._peers <= 1:
            return self._one(id)
        ours = self._ours.get() or {}
        return ours[id] if id in ours else self._one(id)

    def changed(self) -> None:
        """Tags were written."""
        self._ours.invalidate()

    def _one(self, id: str) -> Mapping[str, str] | None:
        try:
            return None if self._unread.knows(self._kind) else self._tags.list(self._kind, id)
        except NotFoundError:
            return {}
        except ApiError as error:
            if not self._unread.bears(error, self._kind, of_one=True):
                raise
            return None

    def _find(self) -> Mapping[str, Mapping[str, str]] | None:
        """All that carry our tag; None where that cannot be asked for: then each is asked for alone."""
        try:
            return self._tags.find_resources(self._kind, {OWNER_TAG: None}, limit=LONG_PAGE, pages=max(self._peers, 1))
        except ThrottledError:
            raise
        except ApiError as error:
            if not self._unread.bears(error, self._kind, of_one=False) and error.status >= 500:
                raise
            return None
