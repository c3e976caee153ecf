"""Tags on objects, in all kinds of regions: those that take tags, refuse them, drop them, or have no calls for them.

One rule for all resources, used by `create.py` and by their updates: what the region cannot do is said in a warning;
whatever else goes wrong with a tag is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pulumi_dli.api.not_found import is_unsupported
from pulumi_dli.errors import ApiError, DliError, NotFoundError
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import is_foreign, name_of, refuses_tags
from pulumi_dli.lifecycle.session import JOB_TAGS, Session
from pulumi_dli.specs.values import OWNER_TAG

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class TaggedObject:
    """An object as the tag calls know it.

    Attributes:
        tag_type: the resource type of the tag calls (dli_02_0200).
        ids: under which the calls may know it, the likeliest first; which one they take is not documented.
        what: in words: "queue q".
    """

    tag_type: str
    ids: tuple[str, ...]
    what: str


@dataclass(frozen=True)
class TagsFound:
    """The tags of an object, and whether the region has calls to set them."""

    tags: Mapping[str, str]
    published: bool

    @property
    def owner(self) -> str:
        return self.tags.get(OWNER_TAG, "")


def tagged_where_possible(
    call: OperationContext, send: Callable[[str], ResultT], owner: str, *, declared: Mapping[str, str] | None
) -> ResultT:
    """Send a create with our tag; without, where the region refuses tags and the program asked for none.

    `send` gets the owner to tag with, "" for none.
    """
    try:
        return send(owner)
    except ApiError as error:
        if not owner or declared or not refuses_tags(error):
            raise
    call.warn("this region refuses tags: should this create be interrupted, the next one needs adopt=True")
    return send("")


def tags_of(call: OperationContext, session: Session, tagged: TaggedObject) -> Mapping[str, str] | None:
    """The object's tags, out of one call for many of its kind where that can be; {} when it has none.

    None where they cannot be read: that is said once, and never the reason for which something else fails.
    """
    if tagged.tag_type == JOB_TAGS:
        found = session.job_tags.of(tagged.ids[0])
    else:
        known = session.tags_of_all(tagged.tag_type)
        listed = next((known[tag_id] for tag_id in tagged.ids if tag_id in known), {}) if known is not None else None
        found = _tags_of_one(session, tagged) if listed is None else listed
    session.unread_tags.say(call)
    return found


def has_heir(
    call: OperationContext, session: Session, kind: str, id: str, olds: Mapping[str, Any], *, what: str
) -> bool:
    """Whether another entry of the stack holds the object of an entry that goes: then only the entry is forgotten."""
    heir = session.claims.heir(kind, id, urn=call.urn, outs=olds)
    if heir:
        call.warn(f"{what} is left alone, only this entry is forgotten: {name_of(heir)} of this stack holds it")
    return heir is not None


def is_of_another(
    call: OperationContext, session: Session, tagged: TaggedObject, olds: Mapping[str, Any], *, what: str
) -> bool:
    """As `has_heir`, of another owner: the object's tag says so."""
    foreign = is_foreign(tags_of(call, session, tagged), olds.get("owner_tag") or "")
    if foreign:
        call.warn(
            f"{what} is left alone, only this entry is forgotten: its tag {OWNER_TAG} says that another resource "
            "holds it now"
        )
    return foreign


def _tags_of_one(session: Session, tagged: TaggedObject) -> Mapping[str, str] | None:
    for tag_id in () if session.unread_tags.knows(tagged.tag_type) else tagged.ids:
        try:
            return session.client.tags.list(tagged.tag_type, tag_id)
        except NotFoundError:
            continue
        except ApiError as error:
            if not session.unread_tags.bears(error, tagged.tag_type, of_one=True):
                raise
            break
    return None


def read_tags(
    call: OperationContext, session: Session, tagged: TaggedObject, owner: str, *, is_listed_with: Callable[[], bool]
) -> TagsFound:
    """The object's tags, read now.

    Args:
        is_listed_with: whether the list, filtered by our own tag, shows the object: all that can be told where tags
            cannot be read.
    """
    published = True
    for tag_id in tagged.ids:
        try:
            return TagsFound(session.client.tags.list(tagged.tag_type, tag_id), published=True)
        except NotFoundError:
            continue
        except ApiError as error:
            if not session.unread_tags.bears(error, tagged.tag_type, of_one=True):
                raise
            published = not _has_no_calls(error)
            break
    session.unread_tags.say(call)
    return TagsFound({OWNER_TAG: owner} if owner and is_listed_with() else {}, published)


def mark(
    call: OperationContext, session: Session, tagged: TaggedObject, found: TagsFound, owner_tag: str, *, needed: bool
) -> str:
    """Put our tag on what is taken over; gives the tag for the outputs.

    Args:
        needed: False where the object carries a tag of ours already, so that a new one may fail.

    Raises:
        DliError: the region has tags, and this one could not be set. Then nothing would keep another entry of the same
            state, or another stack, from deleting what we hold.
    """
    if not owner_tag:
        return found.owner
    last: DliError | None = None
    for tag_id in tagged.ids if found.published else ():
        try:
            # A key that is there gets the new value: one call, so that the object never is without an owner in between.
            session.client.tags.create(tagged.tag_type, tag_id, {OWNER_TAG: owner_tag})
        except DliError as error:
            if not needed:
                return found.owner
            if _has_no_calls(error) or refuses_tags(error, tagged=bool(found.tags)):
                last = None
                break
            if not isinstance(error, NotFoundError):
                raise _unmarked(tagged, error) from error
            last = error
        else:
            session.tags_changed()
            return owner_tag
    if last is not None:
        raise _unmarked(tagged, last) from last
    if needed:
        call.warn(
            f"{tagged.what} is taken over without a tag of ours, since this region has no tags. Should an entry that "
            "held it before stay in the state: `pulumi up` forgets that entry and keeps the object, a destroy of that "
            "entry alone (--target) would delete it"
        )
    return found.owner


def _has_no_calls(error: DliError) -> bool:
    """Whether the region has no calls for tags."""
    return is_unsupported(error) or (isinstance(error, ApiError) and error.status == 405)


def _unmarked(tagged: TaggedObject, error: DliError) -> DliError:
    return DliError(
        f"{tagged.what} was not taken over, and nothing of it was changed: it could not be tagged as ours: {error}. "
        "Without the tag its former holder could delete it: allow tag calls for this user, and run `pulumi up` again"
    )


def set_declared_tags(
    call: OperationContext, session: Session, tagged: TaggedObject, *, old: Mapping[str, str], new: Mapping[str, str]
) -> None:
    """Change the program's tags of an object. Where the region has none, they stay, and a warning says so.

    Raises:
        DliError: they were not changed.
    """
    last: DliError | None = None
    for tag_id in tagged.ids if dict(old) != dict(new) else ():
        try:
            session.set_tags(tagged.tag_type, tag_id, old=old, new=new)
        except NotFoundError as error:
            last = error
        except ApiError as error:
            if not _has_no_calls(error) and not refuses_tags(error, tagged=bool(old)):
                raise
            last = None
            call.warn(
                f"the tags of {tagged.what} stay as they are: this region has no tag calls"
                if _has_no_calls(error)
                else f"{tagged.what} gets no tags: this region refuses them"
            )
            break
        else:
            return
    if last is not None:
        raise last
