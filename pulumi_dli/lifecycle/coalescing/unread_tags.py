"""Tags that cannot be read: borne, and said once.

The rights to read tags are apart from all others (dli-api 2.4), and some regions have no tag calls. Then nothing is
known of tags, and who made an object is judged as in a region without tags. No destroy and no refresh fails for that.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pulumi_dli.api.not_found import is_unsupported, may_not_read_tags
from pulumi_dli.errors import ApiError

if TYPE_CHECKING:
    from pulumi_dli.lifecycle.operation_context import OperationContext


class UnreadTags:
    """What one deployment was refused. Thread-safe."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()
        self._refusal: ApiError | None = None
        self._said = False
        self._lock = threading.Lock()

    def knows(self, kind: str) -> bool:
        """Whether nothing is to be had of this kind, so that asking again is in vain."""
        return kind in self._kinds

    def bears(self, error: ApiError, kind: str, *, of_one: bool) -> bool:
        """Whether the error says only that tags cannot be read.

        Args:
            of_one: the tags of one object were asked for. Who may not ask for all may have the right for one.
        """
        unpublished = is_unsupported(error)
        if not unpublished and not may_not_read_tags(error):
            return False
        with self._lock:
            if of_one or unpublished:
                self._kinds.add(kind)
            if of_one and not unpublished:
                self._refusal = self._refusal or error
        return True

    def say(self, call: OperationContext) -> None:
        """Warn, once for the deployment."""
        with self._lock:
            refusal, said = self._refusal, self._said
            self._said = self._said or refusal is not None
        if refusal is not None and not said:
            why = f"{refusal.code}, HTTP {refusal.status}" if refusal.code else f"HTTP {refusal.status}"
            call.warn(
                f"tags cannot be read ({why}): whose an object is, is judged by the state of this stack alone, as in "
                "regions without tags, and tags are not compared; allow dli::listTagsForResource and "
                "dli::listResourcesByTag for this user"
            )
