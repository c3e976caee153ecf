"""What goes when packages go: the superseded ones that no job names any more, and the objects that we uploaded.

`moves.py` calls it in updates, `package_group.py` in deletes. A package that a job of the project names, in
whatever status that job is, is never removed by an update: the job, or its rollback, may need the bytes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulumi_dli.api.obs import ObsUploads
from pulumi_dli.errors import DliError, NotFoundError
from pulumi_dli.lifecycle.call import Call
from pulumi_dli.lifecycle.packages.wire import Record
from pulumi_dli.lifecycle.session import Session


def clear(call: Call, session: Session, group: str, going: Sequence[Record]) -> list[str]:
    """Delete those packages that no job names; their names. What cannot be deleted now stays, with a warning."""
    named = named_by_jobs(session) if going else None
    gone = []
    for record in going:
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
        config = job.config
        named.update(filter(None, (config.entrypoint, config.config_url, config.udf_jar_url)))
        named.update(config.dependency_jars or ())
        named.update(config.dependency_files or ())
    return named


def delete_objects(call: Call, session: Session, gone: Iterable[Record], obs: ObsUploads | None = None) -> None:
    """Delete the objects in OBS that we uploaded for packages that are gone; one that cannot be deleted only stays."""
    obs = obs or ObsUploads(session.client.connection)
    for record in gone:
        if record.object is None:
            continue
        try:
            obs.delete(record.object)
        except DliError as error:
            call.warn(f"{record.object}, uploaded for a package that is gone, was not deleted: {error}")
