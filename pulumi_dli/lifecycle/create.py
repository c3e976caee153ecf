"""Create or adopt: how an object of any kind comes to be ours. The one place for it.

A create is posted first, and looked up only when the name is taken or the answer was lost. What is there already is
ours when the state says so, or when it is what a killed attempt of this very create left: our tag, young, and the
definition that we would send. All else is taken over only when the program says `adopt`. What is taken over is marked
before anything else is changed.

Each kind of object has a small adapter: `Creation`, or `Kind` for what has no create call of its own (packages).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pulumi_dli.errors import ConflictError, DliError, OwnershipError, UnknownOutcomeError
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import HOLD, is_own, name_of, new_hold, renewed, ways_of_two
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import TaggedObject, TagsFound, mark, read_tags, tagged_where_possible
from pulumi_dli.specs.values import OWNER_TAG

FoundT = TypeVar("FoundT")
FoundT_contra = TypeVar("FoundT_contra", contravariant=True)

ATTEMPT_SECONDS = 24 * 3600.0
"""How much older than the create's own timeout an object may be, and still be what a killed attempt left: by then a
person, or the pipeline of every night, has run `pulumi up` again. What is older may be a stream that somebody relies
on."""


@dataclass(frozen=True)
class Existing:
    """An object that is there already, in the terms in which all kinds are judged.

    Attributes:
        id: as claims and outputs know it.
        said: "a queue named q exists already (owner u)", as messages begin.
        tagged: as the tag calls know it.
        created: milliseconds on the service's clock, None where the service does not tell.
        other_name: the words for the way out by another name.
    """

    id: str
    said: str
    tagged: TaggedObject
    created: int | None
    other_name: str = "choose another name"


class Kind(Protocol[FoundT_contra]):
    """What has to be known of a kind of object to judge one that is there."""

    kind: str
    """Under which claims are made."""
    create_seconds: float
    """How long a create of this kind may take by default."""

    def existing(self, found: FoundT_contra) -> Existing:
        """The object in the terms of all kinds."""

    def differences(self, found: FoundT_contra) -> Sequence[str]:
        """In what it is not what this very create would have made; may look closer."""

    def is_listed_with(self, found: FoundT_contra, tags: Mapping[str, str]) -> bool:
        """Whether the list, filtered by these tags, shows it."""

    def must_fit(self, found: FoundT_contra) -> None:
        """Refuse what can never become what is declared.

        Raises:
            OwnershipError: says why.
        """


class Creation(Kind[FoundT], Protocol[FoundT]):
    """A kind whose objects have a name, and a call that makes one."""

    def post(self, owner: str) -> str:
        """Send the create with the program's tags and this owner's ("" for none); gives the id.

        Raises:
            ConflictError: the name is taken.
            UnknownOutcomeError: it may have been made.
        """

    def find(self) -> FoundT | None:
        """The object of exactly this name."""

    def unseen(self) -> DliError:
        """The error for a name that is taken by what cannot be seen."""


@dataclass(frozen=True)
class Created(Generic[FoundT]):
    """An object that is ours now.

    Attributes:
        owner_tag: for the outputs; "" when it carries none of ours.
        found: None when it was made by this call, else as it was found.
        tags: that it carried when it was found.
        hold: for the outputs of what was taken over (see `ownership.HOLD`).
    """

    id: str
    owner_tag: str
    found: FoundT | None = None
    tags: Mapping[str, str] | None = None
    hold: str = ""

    def notes(self) -> dict[str, str]:
        """The outputs that say whose it is."""
        return {"owner_tag": self.owner_tag, **({HOLD: self.hold} if self.hold else {})}


@dataclass(frozen=True)
class Adoptable:
    """An object that may be taken over, judged and not touched yet."""

    existing: Existing
    found: TagsFound
    is_attempt: bool = False
    """It is what an earlier attempt of ours left, and carries our tag already."""
    recorded: str = ""
    """The tag that it carries and that the entry of this very resource recorded: it is replaced by itself."""

    def mark(self, call: OperationContext, session: Session, owner_tag: str) -> str:
        """Put our tag on it, before anything else is changed; gives the tag for the outputs.

        Raises:
            DliError: it could not be tagged, and is not taken over.
        """
        if self.recorded:
            # With another tag, the entry in the state would be another's if nothing came of this call.
            return self.recorded
        return mark(call, session, self.existing.tagged, self.found, owner_tag, needed=not self.is_attempt)


def create_or_adopt(
    call: OperationContext, session: Session, creation: Creation[FoundT], *, adopt: bool, tags: Mapping[str, str] | None
) -> Created[FoundT]:
    """Create the object, or take over the one of its name.

    Raises:
        OwnershipError: an object of that name is somebody else's, or can never become what is declared.
        DliError: nothing was made.
    """
    owner = session.owner_of(call.urn)

    def post(owner: str) -> Created[FoundT] | None:
        made = _post(session, creation, owner)
        return None if made is None else Created(made, owner)

    created = tagged_where_possible(call, post, owner, declared=tags)
    if created is None:
        found = creation.find()
        if found is None:
            raise creation.unseen()
        adoptable = validate(call, session, creation, found, adopt=adopt)
        creation.must_fit(found)
        hold = new_hold()
        owner_tag = adoptable.mark(call, session, renewed(owner, hold))
        created = Created(adoptable.existing.id, owner_tag, found, adoptable.found.tags, hold)
    session.claims.take(creation.kind, created.id, urn=call.urn)
    return created


def _post(session: Session, creation: Creation[FoundT], owner: str) -> str | None:
    """The id; None when there is an object of that name already, perhaps from this very call."""
    lost = False
    while True:
        try:
            return creation.post(owner)
        except ConflictError:
            return None
        except UnknownOutcomeError:
            if creation.find() is not None:
                return None
            if lost:
                raise
            lost = True  # it is not there; names are unique, so asking again cannot make two (docs/dli-api.md 1.4)
        finally:
            session.wrote()


def validate(call: OperationContext, session: Session, kind: Kind[FoundT], found: FoundT, *, adopt: bool) -> Adoptable:
    """Whether an object that is there may be taken over. Changes nothing.

    Raises:
        OwnershipError: it is somebody else's; says what was found, and the ways out.
    """
    existing = _unheld(call, session, kind, found)
    tags = _tags_of(call, session, kind, found, existing)
    entry = session.claims.of_entry(kind.kind, existing.id, urn=call.urn)
    if entry is not None:
        return Adoptable(existing, tags, recorded=tags.owner if tags.owner == entry.tag else "")
    if adopt:
        return Adoptable(existing, tags)
    _must_be_attempt(call, session, kind, found, tags)
    return Adoptable(existing, tags, is_attempt=True)


def would_adopt(call: OperationContext, session: Session, kind: Kind[FoundT], found: FoundT, *, adopt: bool) -> None:
    """As `validate`, ahead of the create: tags are read only where they decide, and others hear that we would take it.

    Raises:
        OwnershipError: as `validate`.
    """
    existing = _unheld(call, session, kind, found)
    if not adopt and session.claims.of_entry(kind.kind, existing.id, urn=call.urn) is None:
        _must_be_attempt(call, session, kind, found, _tags_of(call, session, kind, found, existing))
    session.claims.intend(kind.kind, existing.id, urn=call.urn)


def _unheld(call: OperationContext, session: Session, kind: Kind[FoundT], found: FoundT) -> Existing:
    existing = kind.existing(found)
    if other := session.claims.other(kind.kind, existing.id, urn=call.urn):
        raise OwnershipError(f"{existing.said} and is held by {ways_of_two(name_of(other), existing.other_name)}")
    return existing


def _tags_of(
    call: OperationContext, session: Session, kind: Kind[FoundT], found: FoundT, existing: Existing
) -> TagsFound:
    owner = session.owner_of(call.urn)
    return read_tags(
        call, session, existing.tagged, owner, is_listed_with=lambda: kind.is_listed_with(found, {OWNER_TAG: owner})
    )


def _must_be_attempt(
    call: OperationContext, session: Session, kind: Kind[FoundT], found: FoundT, tags: TagsFound
) -> None:
    existing, owner = kind.existing(found), session.owner_of(call.urn)
    ways = f"give adopt=True to take it over, import it (`pulumi-dli import`), or {existing.other_name}"
    if not is_own(tags.owner, owner):
        whose = f" (its tag {OWNER_TAG} is {tags.owner})" if tags.owner else ""
        raise OwnershipError(f"{existing.said} and was not made by this resource{whose}: {ways}")
    if why := _no_attempt(call, session, kind, found, existing):
        raise OwnershipError(
            f"{existing.said} and carries the tag of this resource, but {why}: a stack of the same project and stack "
            f"name in another backend may hold it. If it is yours, {ways}; to tell such stacks apart, set dli:owner to "
            "a name of its own for each"
        )


def _no_attempt(call: OperationContext, session: Session, kind: Kind[FoundT], found: FoundT, existing: Existing) -> str:
    """Why an object with our tag is not what a killed attempt of this create left; "" when it is."""
    now = session.client.service_time
    if existing.created is None or now is None:
        return "the service does not tell when it was made"
    age = now - existing.created / 1000
    if not is_young(age, call.timeout_seconds or kind.create_seconds):
        return f"was made {_duration(age)} ago"
    if differs := kind.differences(found):
        return f"is not what this program would have made (it differs in {', '.join(differs)})"
    return ""


def is_young(age_seconds: float, create_seconds: float) -> bool:
    """Whether what was made so long ago may be what a killed attempt left."""
    return age_seconds <= create_seconds + ATTEMPT_SECONDS


def _duration(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else f"{seconds / 3600:.0f} hours"
