"""Whose object is it? Decided by a tag that says which resource of which stack made it.

Jobs and queues are created with the tag `pulumi_dli_owner`. A create takes over only what carries its own tag (an
earlier attempt of itself); a delete spares what carries another one than the outputs recorded, or what another step of
this process has taken over meanwhile.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Mapping

from pulumi_dli.specs.values import OWNER_TAG


def owner_of(project_id: str, urn: str) -> str:
    """The owner tag of a resource: a hash, since a URN holds characters that tags do not take. "" without a URN."""
    return hashlib.sha256(f"{project_id}\n{urn}".encode()).hexdigest()[:32] if urn else ""


def renewed(owner: str) -> str:
    """The same owner, told apart from an earlier hold on the same object.

    A forced replacement leaves two entries of one URN and one id in the state; the tag of the take-over must not fit
    the entry that is about to be deleted.
    """
    return f"{owner}.{secrets.token_hex(4)}" if owner else ""


def is_own(tag: str | None, owner: str) -> bool:
    """Whether the tag on an object is this owner's, renewed or not."""
    return bool(owner) and (tag or "").split(".")[0] == owner


def is_foreign(tags: Mapping[str, str] | None, recorded: str) -> bool:
    """Whether the tags name another owner than the one that our outputs recorded. No tag, no other owner."""
    tag = (tags or {}).get(OWNER_TAG)
    return bool(tag) and tag != recorded


def wire_tags(tags: Mapping[str, str] | None, owner: str) -> list[dict[str, str]]:
    """Tags as a create body holds them, the owner's among them."""
    pairs = {**(tags or {}), **({OWNER_TAG: owner} if owner else {})}
    return [{"key": key, "value": value} for key, value in pairs.items()]


def visible(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as the program knows them: without the provider's own."""
    return {key: value for key, value in tags.items() if key != OWNER_TAG}


class Claims:
    """The objects that this process has created or taken over.

    A delete in the same process belongs to a rename or a forced replacement: it must not hit what its successor holds.
    """

    def __init__(self) -> None:
        self._held: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def take(self, kind: str, id: str) -> None:
        """This process has created or taken over the object."""
        with self._lock:
            self._held.add((kind, id))

    def holds(self, kind: str, id: str) -> bool:
        """Whether this process has created or taken over the object."""
        with self._lock:
            return (kind, id) in self._held
