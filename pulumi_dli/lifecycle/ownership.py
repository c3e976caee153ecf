"""Whose object is it? Decided by a tag that says which resource of which stack made it, and by what this process saw.

Objects are created with the tag `pulumi_dli_owner` (dli_02_0194 has the tags of a create). `create.py` takes over only
what carries its own tag or what the program says to adopt; a delete spares what carries another tag than the outputs
recorded. Some regions have no tags. There, and wherever a tag cannot tell, `Claims` does: every resource of the program
passes through the diff before anything that left the program is deleted.
"""

from __future__ import annotations

import copy
import hashlib
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_dli.errors import ApiError, AuthError, ConflictError, DliError, NotFoundError, ThrottledError
from pulumi_dli.specs.values import OWNER_TAG

HOLD = "hold"
"""The output that tells one hold of a resource on its object from an earlier one; written when an object is taken over.

A forced replacement leaves two entries of one URN and one id in the state. Where tags cannot be written, nothing else
tells them apart."""


def owner_of(project_id: str, urn: str, owner: str = "") -> str:
    """The owner tag of a resource: a hash, since a URN holds characters that tags do not take. "" without a URN.

    Args:
        owner: what tells stacks of the same project and stack name apart: the setting `dli:owner`, else the backend.
    """
    parts = [project_id, urn, *([owner] if owner else [])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] if urn else ""


def whose_in(outs: Mapping[str, Any]) -> dict[str, str]:
    """The outputs that say whose an object is, out of all outputs."""
    hold = outs.get(HOLD)
    return {"owner_tag": str(outs.get("owner_tag") or ""), **({HOLD: str(hold)} if hold else {})}


def new_hold() -> str:
    """A name for one hold on an object."""
    return secrets.token_hex(4)


def renewed(owner: str, hold: str) -> str:
    """The same owner, told apart from an earlier hold on the same object."""
    return f"{owner}.{hold}" if owner else ""


def is_own(tag: str | None, owner: str) -> bool:
    """Whether the tag on an object is this owner's, renewed or not."""
    return bool(owner) and (tag or "").split(".")[0] == owner


def is_foreign(tags: Mapping[str, str] | None, recorded: str) -> bool:
    """Whether the tags name another owner than the one that our outputs recorded. No tag, no other owner.

    A renewed tag of ours counts as another owner's: a later entry of the same resource may hold the object, and a
    delete that is wrong about that ends a stream.
    """
    tag = (tags or {}).get(OWNER_TAG)
    return bool(tag) and tag != recorded


def wire_tags(tags: Mapping[str, str] | None, owner: str) -> list[dict[str, str]]:
    """Tags as a create body holds them, the owner's among them."""
    pairs = {**(tags or {}), **({OWNER_TAG: owner} if owner else {})}
    return [{"key": key, "value": value} for key, value in pairs.items()]


def visible(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as the program knows them: without the provider's own."""
    return {key: value for key, value in tags.items() if key != OWNER_TAG}


def declared_tags_now(declared: Mapping[str, str], found: Mapping[str, str] | None) -> dict[str, str] | None:
    """The program's tags as the object carries them; None where nothing can be told.

    An object without any tag, which lacks even ours, says that this region has no tags, or refuses or drops them: that
    is no drift, and no `up` could repair it. Tags of others are theirs.
    """
    return {key: found[key] for key in declared if key in found} if found else None


def refuses_tags(error: DliError, *, tagged: bool = False) -> bool:
    """Whether a refused request says that this region takes no tags.

    No document has a code for it: a refusal that speaks of tags, while the object carries none that could be too many.

    Args:
        tagged: whether the object carries tags.
    """
    if tagged or not isinstance(error, ApiError) or not 400 <= error.status < 500:
        return False
    if isinstance(error, AuthError | ThrottledError | NotFoundError | ConflictError):
        return False
    return "tag" in error.message.lower()


Holding = tuple[str, str, str, str]
"""An object: endpoint and project ("" for what all projects see alike), kind and id."""


@dataclass(frozen=True)
class Whose:
    """What an entry of the state says of its hold on an object."""

    tag: str
    hold: str

    @classmethod
    def of(cls, outs: Mapping[str, Any]) -> Whose:
        return cls(str(outs.get("owner_tag") or ""), str(outs.get(HOLD) or ""))

    @property
    def name(self) -> str:
        """Tells this hold from others."""
        return self.hold or self.tag


class Claims:
    """Which resources of the program hold which objects, as far as this process has seen.

    A delete asks before it acts. Its object may be held by another entry of the same state: a rename with `adopt=True`
    or a forced replacement was interrupted, and left two entries with one id. What a delete can know:

    - In an `up` every resource of the program has passed its diff (`declare`) before anything that left the program is
      deleted.
    - What this process has created or taken over (`take`) is the successor's, also under the same URN.
    - In a `destroy`, or with `--target` on the old entry alone, no diff is made. A `destroy` of the stack needs none:
      all entries go, and the second finds the object gone. For a single target only the tag can tell. Where a region
      has no tags nothing does, so the take-over warns of it (docs/what-happens-to-my-stream.md).
    """

    def __init__(self) -> None:
        self._place: Mapping[str, Any] = {}
        self._project = ""
        self._declared: dict[Holding, dict[str, Whose]] = {}
        self._taken: dict[Holding, str] = {}
        self._intended: dict[Holding, str] = {}
        self._promised: dict[Holding, Mapping[str, Any]] = {}
        self._named: dict[Holding, str] = {}
        self._program: set[str] = set()
        self._lock = threading.Lock()

    def at(self, place: Mapping[str, Any], *, project: str = "") -> Claims:
        """The same claims, asked about the objects of one project: another one may have the same names and ids.

        Args:
            place: `Session.where()`, or outputs, which hold the same.
            project: as the settings name it (`Connection.project`); names that a program gives are known under this.
        """
        bound = copy.copy(self)
        bound._place, bound._project = place, project
        return bound

    def _name(self, kind: str, name: str) -> Holding:
        endpoint = "" if "://" in name else str(self._place.get("endpoint") or "")
        return endpoint, "" if "://" in name else self._project, kind, name

    def _holding(self, kind: str, id: str) -> Holding:
        # The path of an object in OBS is the same from every project.
        place = {} if id.startswith("obs://") else self._place
        return str(place.get("endpoint") or ""), str(place.get("project_id") or ""), kind, id

    def declare(self, holdings: Iterable[tuple[str, str]], *, urn: str, outs: Mapping[str, Any]) -> None:
        """A resource of the program holds these objects, says its entry in the state."""
        if not urn:
            return
        there = self.at(outs)
        with self._lock:
            self._program.add(urn)
            for holding in holdings:
                self._declared.setdefault(there._holding(*holding), {})[urn] = Whose.of(outs)

    def in_program(self, urn: str) -> bool:
        """Whether the program of this process has the resource: a check or a diff was made of it."""
        with self._lock:
            return urn in self._program

    def take(self, kind: str, id: str, *, urn: str) -> None:
        """This process has created or taken over the object."""
        with self._lock:
            self._taken[self._holding(kind, id)] = urn

    def intend(self, kind: str, id: str, *, urn: str) -> None:
        """A create of this resource would take the object over."""
        with self._lock:
            self._intended[self._holding(kind, id)] = urn

    def taker(self, holdings: Iterable[tuple[str, str]], *, urn: str) -> str | None:
        """The URN of another resource of the program that takes, or would take, one of these objects over."""
        keys = [self._holding(*holding) for holding in holdings]
        with self._lock:
            takers = {by[key] for by in (self._taken, self._intended) for key in keys if key in by}
        return min(takers - {urn}, default=None)

    def name(self, kind: str, name: str, *, urn: str, inputs: Mapping[str, Any]) -> str | None:
        """A resource of the program gives its object this name; the URN of another one that does, too."""
        if not urn:
            return None
        with self._lock:
            self._program.add(urn)
            self._promised[self._name(kind, name)] = inputs
            other = self._named.setdefault(self._name(kind, name), urn)
        return other if other != urn else None

    def promise(self, kind: str, name: str) -> None:
        """The program makes an object of this name, or holds it already."""
        with self._lock:
            self._promised.setdefault(self._name(kind, name), {})

    def promised(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """The inputs of the resource of the program that makes or holds the object; None when there is none."""
        with self._lock:
            return self._promised.get(self._name(kind, name))

    def of_entry(self, kind: str, id: str, *, urn: str) -> Whose | None:
        """What the entry of this very resource recorded of the object, which is ours then whatever its tag says."""
        with self._lock:
            return self._declared.get(self._holding(kind, id), {}).get(urn)

    def held(self, kind: str, *, urn: str) -> list[str]:
        """The objects of a kind that the entry of this very resource holds."""
        with self._lock:
            return sorted(
                holding[-1]
                for holding, holders in self._declared.items()
                if urn in holders and holding == self._holding(kind, holding[-1])
            )

    def gone(self, kind: str, id: str) -> None:
        """This process has deleted the object."""
        with self._lock:
            self._declared.pop(self._holding(kind, id), None)

    def other(self, kind: str, id: str, *, urn: str) -> str | None:
        """The URN of another resource of the program that holds the object."""
        with self._lock:
            holding = self._holding(kind, id)
            held_by = {*self._declared.get(holding, {}), *filter(None, [self._taken.get(holding)])}
        return min(held_by - {urn}, default=None)

    def heir(self, kind: str, id: str, *, urn: str, outs: Mapping[str, Any]) -> str | None:
        """The URN of who holds the object when this entry goes; None when nobody does.

        Args:
            outs: of the entry that goes. The same URN with another hold is another entry.
        """
        with self._lock:
            holding = self._holding(kind, id)
            if holding in self._taken:
                return self._taken[holding]
            declared = self._declared.get(holding, {})
            mine = Whose.of(outs).name
            others = {holder for holder, whose in declared.items() if holder != urn or whose.name != mine}
        return min(others, default=None)


PROCESS_CLAIMS = Claims()
"""Those of this process: a diff makes claims, and needs neither credentials nor a session."""


def ways_of_two(holder: str, other_name: str) -> str:
    """Who holds an object that another resource of the same program wants, and the ways out."""
    return (
        f"{holder} of this program: {other_name}, or take {holder} out of the program. If {holder} was to get another "
        f"name, it has its old one until that is done: run `pulumi up` with its new name first (a running job takes it "
        "with its next restart: change restart_nonce)"
    )


def name_of(urn: str) -> str:
    """The resource in words of the program."""
    return urn.rpartition("::")[2] or "another resource"
