"""What goes when packages go: the superseded ones that no job names any more, and the objects that we uploaded.

`update.py` and `uploaded_package.py` call it in updates, they and `package_group.py` in deletes. A package that a job
of the project names, in whatever status that job is, is never removed by an update: the job, or its rollback, may
need the bytes again. What another resource of the program holds is its own from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_dli.api.obs import ObsUploads
from pulumi_dli.errors import DliError, NotFoundError
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import is_own, new_hold, renewed
from pulumi_dli.lifecycle.packages.mapping import Record
from pulumi_dli.lifecycle.session import Session

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob

PACKAGE, OBJECT = "package", "object"
"""The kinds of claims: of a package in a group (`group/name`), of an object in OBS (its path)."""


@dataclass(frozen=True)
class UploadedObject:
    """An object of ours, or one of the same bytes that was there before us (`uploaded` false)."""

    path: str
    uploaded: bool


def holdings(group: str, records: Iterable[Record]) -> list[tuple[str, str]]:
    """What the records of a group hold (see `contract.Lifecycle.holdings`)."""
    held = [(PACKAGE, f"{group}/{record.name}") for record in records]
    return held + [(OBJECT, one.path) for one in objects_of(records)]


def objects_of(records: Iterable[Record]) -> list[UploadedObject]:
    """The objects in OBS behind the local files of a group."""
    found = [(record.object, True) if record.object else (record.borrowed, False) for record in records]
    return [UploadedObject(path, own) for path, own in found if path]


def clear(call: OperationContext, session: Session, group: str, going: Sequence[Record]) -> list[str]:
    """Delete those packages that no job names; their names. What cannot be deleted now stays, with a warning."""
    named = named_by_jobs(session) if going else None
    gone = []
    for record in going:
        if session.claims.other(PACKAGE, f"{group}/{record.name}", urn=call.urn):
            gone.append(record.name)  # that one will remove it
            continue
        if named is None or {f"{group}/{record.name}", record.path} & named:
            continue
        try:
            session.client.package_groups.delete_package(record.name, group)
        except NotFoundError:
            pass
        except DliError as error:
            call.warn(f"package {group}/{record.name} is no longer needed, but was not removed: {error}")
            continue
        finally:
            session.wrote()
        gone.append(record.name)
    return gone


def named_by_jobs(session: Session) -> set[str] | None:
    """Every package that a job of the project names, in whatever status it is; None when the list does not tell."""
    named: set[str] = set()
    for job in session.client.flink_jobs.list_all(show_detail=True):
        if not job.detailed:
            return None
        named |= _named_by(job)
    return named


def must_not_be_in_use(session: Session, group: str, names: Collection[str]) -> None:
    """Refuse to delete packages of which jobs run: a job that restarts by itself needs them again.

    Raises:
        DliError: names the jobs.
    """
    paths = {f"{group}/{name}" for name in names}
    using = [
        f"{job.name} ({', '.join(sorted(_named_by(job) & paths))})"
        for job in (session.around.running_jobs() if paths else ())
        if _named_by(job) & paths
    ]
    if using:
        raise DliError(
            f"package group {group} was not deleted, and nothing of it: running jobs name its packages: "
            f"{'; '.join(sorted(using))}. Give those jobs other packages, stop or delete them first (jobs that take "
            "the path from `group.package(...)` go before the group by themselves)"
        )


def _named_by(job: FlinkJob) -> set[str]:
    config = job.config
    single = filter(None, (config.entrypoint, config.config_url, config.udf_jar_url))
    return {*single, *(config.dependency_jars or ()), *(config.dependency_files or ())}


def release(
    call: OperationContext, session: Session, outs: Mapping[str, Any], going: Sequence[UploadedObject]
) -> list[UploadedObject]:
    """Delete those of our objects that nobody needs, hand over those that another resource uses; what is left.

    Args:
        outs: of the entry that goes, or whose object goes.
    """
    obs = ObsUploads(session.client.connection, purpose="Deleting uploaded packages")
    kept, needless = [], []
    for one in going:
        heir = session.claims.heir(OBJECT, one.path, urn=call.urn, outs=outs)
        if heir is None:
            needless.append(one)
        elif one.uploaded or _is_inherited(call, session, obs, one):
            try:
                obs.hand_over(one.path, renewed(session.owner_of(heir), new_hold()))
            except NotFoundError:
                continue
            except DliError as error:
                call.warn(f"{one.path} is not deleted with its last user, since it was not handed over: {error}")
    needless = [one for one in needless if one.uploaded or _is_inherited(call, session, obs, one)]
    named = named_by_jobs(session) if needless else None
    for one in needless:
        if named is None or one.path in named:
            kept.append(UploadedObject(one.path, uploaded=True))
            continue
        try:
            obs.delete(one.path)
        except NotFoundError:
            continue
        except DliError as error:
            call.warn(f"{one.path} is no longer needed, but was not deleted: {error}")
            kept.append(UploadedObject(one.path, uploaded=True))
    return kept


def _is_inherited(call: OperationContext, session: Session, obs: ObsUploads, one: UploadedObject) -> bool:
    """Whether an object that somebody else had uploaded was handed over to us since.

    Only a renewed owner says so: the plain one may be that of a stack of the same name in another backend.
    """
    owner = session.owner_of(call.urn)
    try:
        held_by = obs.owner(one.path)
    except DliError as error:
        call.warn(f"{one.path} is left in OBS, since it cannot be told whose it is: {error}")
        return False
    return is_own(held_by, owner) and held_by != owner
