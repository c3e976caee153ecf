"""The tags of single jobs, read by many callers in few calls (contract 4.7).

A read that is alone asks for its own object. In company, one call asks for all objects that carry our owner tag,
whatever its value: that leaves out what others have in the project, however much that is. Who is not in that answer is
asked for alone, so nothing is taken for untagged because of how a service reads an open filter. `session.py` makes one
of these a kind; the job lifecycle reads from it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from pulumi_dli.api.gone import is_unpublished
from pulumi_dli.api.tags import LONG_PAGE
from pulumi_dli.clock import Clock
from pulumi_dli.errors import ApiError, AuthError, NotFoundError, ThrottledError
from pulumi_dli.lifecycle.snapshots import SharedSnapshot
from pulumi_dli.specs.values import OWNER_TAG

_BURST_SECONDS = 5.0


class TagsApi(Protocol):
    """The two reads of tags."""

    def list(self, resource_type: str, resource_id: str) -> Mapping[str, str]: ...
    def find_resources(
        self, resource_type: str, tags: Mapping[str, str | None], *, limit: int
    ) -> Mapping[str, Mapping[str, str]]: ...


class TagReads:
    """Reads of the tags of one kind of object. Thread-safe."""

    def __init__(self, tags: TagsApi, kind: str, clock: Clock) -> None:
        self._tags = tags
        self._kind = kind
        self._clock = clock
        self._lock = threading.Lock()
        self._last = -_BURST_SECONDS
        self._asked = 0
        self._ours: SharedSnapshot[Mapping[str, Mapping[str, str]] | None] = SharedSnapshot(self._find, clock=clock)
        self._published = True

    def of(self, id: str) -> Mapping[str, str] | None:
        """The tags of an object, {} when it has none or is gone; None where the region has no tag calls."""
        if not self._published:
            return None
        if self._is_alone():
            return self._one(id)
        ours = self._ours.get() or {}
        return ours[id] if id in ours else self._one(id)

    def changed(self) -> None:
        """Tags were written."""
        self._ours.invalidate()

    def _is_alone(self) -> bool:
        now = self._clock.now()
        with self._lock:
            if now - self._last > _BURST_SECONDS:
                self._asked = 0
            self._last = now
            self._asked += 1
            return self._asked == 1

    def _one(self, id: str) -> Mapping[str, str] | None:
        try:
            return self._tags.list(self._kind, id) if self._published else None
        except NotFoundError:
            return {}
        except ApiError as error:
            if not is_unpublished(error):
                raise
            self._published = False
            return None

    def _find(self) -> Mapping[str, Mapping[str, str]] | None:
        """All that carry our tag; None where that cannot be asked for: then each is asked for alone."""
        try:
            return self._tags.find_resources(self._kind, {OWNER_TAG: None}, limit=LONG_PAGE)
        except (AuthError, ThrottledError):
            raise
        except ApiError as error:
            if is_unpublished(error):
                self._published = False
            elif error.status >= 500:
                raise
            return None
