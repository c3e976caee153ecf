"""How a job comes into being: created as a draft, or taken over when it is one's own earlier attempt or to be adopted.

Called by `flink_job.py`. A create call is sent first and looked up only when the name is taken or the answer was lost;
what carries another owner's tag, or none, is taken over only when the program says `adopt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_dli.errors import ApiError, ConflictError, DliError, LostAnswerError, OwnershipError
from pulumi_dli.lifecycle.jobs import wire
from pulumi_dli.lifecycle.ownership import is_own, owner_of, renewed, wire_tags
from pulumi_dli.lifecycle.session import JOB_TAGS, Session
from pulumi_dli.specs.values import OWNER_TAG

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob
    from pulumi_dli.lifecycle.call import Call
    from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec

KIND = "job"


@dataclass(frozen=True)
class Made:
    """A job that is ours now.

    Attributes:
        owner: the owner tag that it carries, "" when it has none.
        found: it was there already, and taken over.
    """

    job_id: int
    owner: str
    found: bool


def make(call: Call, session: Session, spec: FlinkJarJobSpec, inputs: Mapping[str, Any]) -> Made:
    """Create the draft, or take over the job of its name.

    Raises:
        OwnershipError: a job of that name is somebody else's.
        DliError: nothing was made.
    """
    owner = owner_of(session.project_id, call.urn)
    made = _post(call, session, spec, inputs, owner)
    if made is None:
        made = _take_over(call, session, spec, owner)
    session.claims.take(KIND, str(made.job_id))
    return made


def _post(call: Call, session: Session, spec: FlinkJarJobSpec, inputs: Mapping[str, Any], owner: str) -> Made | None:
    """None when a job of that name exists already, perhaps from this very call."""
    tag, lost = owner, False
    while True:
        body = wire.create_body(inputs)
        if tags := wire_tags(spec.tags, tag):
            body["tags"] = tags
        try:
            return Made(session.client.flink_jobs.create_jar(body), tag, found=False)
        except ConflictError:
            return None
        except LostAnswerError:
            if _find(session, str(spec.name)) is not None:
                return None
            if lost:
                raise
            lost = True  # it is not there; names are unique, so asking again cannot make two (contract 1.4)
        except ApiError as error:
            if not tag or spec.tags or "tag" not in error.message.lower():
                raise
            tag = ""  # this region refuses tags, and nobody asked for any: without ours, nothing is adopted silently
            call.warn("this region refuses tags: should this create be interrupted, the next one needs adopt=True")
        finally:
            session.wrote()


def _find(session: Session, name: str) -> FlinkJob | None:
    """The job of exactly this name; the service's own filter may be a fuzzy one (contract 6.8)."""
    return next((job for job in session.client.flink_jobs.list_all(name=name) if job.name == name), None)


def _take_over(call: Call, session: Session, spec: FlinkJarJobSpec, owner: str) -> Made:
    """Go on with one's own earlier attempt, or with a job that the program says to adopt."""
    name = str(spec.name)
    job = _find(session, name)
    if job is None:
        raise ConflictError(
            f"a Flink job named {name} exists, but this user cannot see it: choose another name", status=400
        )
    tag = _owner_tag(session, job.job_id, name, owner)
    if not is_own(tag, owner) and not spec.adopt:
        raise OwnershipError(
            f"a Flink job named {name} exists already (id {job.job_id}, status {job.status}) and was not made by this "
            "resource: give adopt=True to take it over, import it (`pulumi-dli import`), or choose another name"
        )
    return Made(job.job_id, _mark(call, session, job.job_id, tag, renewed(owner)), found=True)


def _owner_tag(session: Session, job_id: int, name: str, owner: str) -> str | None:
    """The owner tag of a job: read from its tags, or, where they cannot be read, found by the list's filter."""
    try:
        return session.client.tags.list(JOB_TAGS, str(job_id)).get(OWNER_TAG)
    except DliError:
        found = session.client.flink_jobs.list_all(name=name, tags={OWNER_TAG: owner}) if owner else []
        return owner if any(job.job_id == job_id for job in found) else None


def _mark(call: Call, session: Session, job_id: int, old: str | None, new: str) -> str:
    """Put our tag on the job; returns the tag that it has now."""
    try:
        session.set_tags(
            JOB_TAGS, str(job_id), old={OWNER_TAG: old} if old else {}, new={OWNER_TAG: new} if new else {}
        )
    except DliError as error:
        if not is_own(old, new.split(".", maxsplit=1)[0]):
            call.warn(f"Flink job {job_id} was taken over, but could not be tagged as ours: {error}")
        return old or ""
    return new
