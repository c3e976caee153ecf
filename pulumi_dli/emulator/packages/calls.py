"""Handlers of the package calls (dli-api 5): bodies in, answers out. The records are in `records.py`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.clock import ms
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.core.timeline import EventType
from pulumi_dli.emulator.objects.records import ObjectStore, locate
from pulumi_dli.emulator.packages.records import FAILED, READY, UPLOADING, Group, Package, Packages, tag_id
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tag, Tags

Kind = Literal["jar", "pyFile", "file", "modelFile"]
GROUP_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
PACKAGE_NAME = re.compile(r"(?!\.)[\w!.-]{1,128}", re.ASCII)
OWNER_NAME = re.compile(r"(?![0-9])[A-Za-z0-9_-]{5,32}")
REPLACING = {"jars": "jar", "pyfiles": "pyFile", "files": "file"}


class Upload(Body):
    """Body of 5.2; `is_async` comes as text in the samples."""

    paths: list[str] = Field(min_length=1)
    kind: Kind
    group: str = ""
    is_async: bool | Literal["true", "false"] = False
    tags: list[Tag] | None = None


class Replace(Body):
    """Body of the variants in 5.3."""

    paths: list[str] = Field(min_length=1)
    group: str


class NewOwner(Body):
    new_owner: str
    group_name: str = ""
    resource_name: str = ""


def upload(call: Call) -> Reply:
    asked = call.read(Upload)
    is_async = asked.is_async in (True, "true")
    if asked.group and not GROUP_NAME.fullmatch(asked.group):
        raise bad_parameter("Invalid parameter group.")
    quirks = call.core.quirks
    tags = tagging.checked(asked.tags, dropped=quirks.tags_refused, rejected=quirks.tags_rejected)
    names = _upload(call, asked.paths, asked.kind, asked.group, is_async=is_async)
    for name in names if tags else ():
        call.core.part(Tags).put(call.project_id, tagging.PACKAGE, tag_id(asked.group, name), tags)
    return Reply(201, _upload_answer(call, asked.group, names))


def replace(call: Call) -> Reply:
    """The variants `/jars`, `/pyfiles`, `/files`: the whole group becomes the new one (5.3)."""
    asked = call.read(Replace)
    if not GROUP_NAME.fullmatch(asked.group):
        raise bad_parameter("Invalid parameter group.")
    before = call.core.part(Packages).of(call.project_id, asked.group)
    kind = REPLACING[call.params["variant"]]
    names = _upload(call, asked.paths, kind, asked.group, is_async=False)
    for package in before:
        if package.name not in names:
            call.core.part(Packages).drop(package)
    module = {"description": "", "module_name": asked.group, "module_type": call.params["variant"]}
    return Reply(201, {**_upload_answer(call, asked.group, names), **module})


def list_packages(call: Call) -> Reply:
    kind, tags = call.query.get("kind"), tagging.wanted(call.query.get("tags"))
    core, project_id = call.core, call.project_id
    by_group: dict[str, list[Package]] = {}
    for package in core.part(Packages).of(project_id):
        own = core.part(Tags).of(project_id, tagging.PACKAGE, tag_id(package.group, package.name)) if tags else {}
        if (not kind or package.kind == kind) and tags.items() <= own.items():
            by_group.setdefault(package.group, []).append(package)
    alone = by_group.pop("", [])
    filtered = bool(kind or tags)
    groups = [g for g in core.part(Packages).groups(project_id) if g.name and (g.name in by_group or not filtered)]
    body: dict[str, Any] = {
        "resources": [_flat(call, package) for package in alone],
        "groups": [_group_row(call, group, by_group.get(group.name, [])) for group in groups],
        "modules": [],
    }
    if not core.quirks.omit_total:
        body["total"] = len(alone) + sum(len(packages) for packages in by_group.values())
    return Reply(200, body)


def get(call: Call) -> Reply:
    return Reply(200, _flat(call, _existing(call)))


def delete(call: Call) -> Reply:
    package = _existing(call)
    call.core.part(Packages).drop(package)
    call.core.record("package", tag_id(package.group, package.name), EventType.DELETED, "deleted")
    return Reply(200)


def change_owner(call: Call) -> Reply:
    asked = call.read(NewOwner)
    packages, known = call.core.part(Packages), call.core.quirks.known_users
    if not asked.group_name and not asked.resource_name:
        raise bad_parameter("Invalid parameter group_name: it or resource_name is needed.")
    if not OWNER_NAME.fullmatch(asked.new_owner):
        raise bad_parameter("Invalid parameter new_owner.")
    if known is not None and asked.new_owner not in known:
        raise Refusal(404, "DLI.0002", f"No such user. userName:{asked.new_owner}.")
    if asked.resource_name:
        package = packages.find(call.project_id, asked.group_name, asked.resource_name)
        changed = [package] if package else []
    else:
        changed = packages.of(call.project_id, asked.group_name)
        group = packages.group(call.project_id, asked.group_name)
        if group:
            group.owner = asked.new_owner
            packages.save_group(group)
    if not changed:
        raise Refusal(404, "DLI.0023", "The package or group does not exist.")
    for package in changed:
        package.owner = asked.new_owner
        packages.save(package)
    success: Any = "true" if call.core.quirks.sample_types else True
    return Reply(200, {"is_success": success, "message": ""})


def _upload(call: Call, paths: Sequence[str], kind: str, group: str, *, is_async: bool) -> list[str]:
    """Copy the objects in; all paths are checked before the first record is written."""
    core, project_id, now = call.core, call.project_id, call.core.clock.now()
    digests = {path: _digest(call, path, is_async=is_async) for path in paths}
    names = []
    for position, path in enumerate(paths, 1):
        name = path.rsplit("/", 1)[-1]
        failed = core.faults.of("upload_failed", name=name, group=group)
        digest = None if failed else digests[path]
        before = core.part(Packages).find(project_id, group, name)
        done_at = now + position * core.quirks.timings.upload
        package = Package(
            project_id=project_id,
            group=group,
            name=name,
            kind=kind,
            owner=before.owner if before else call.user,
            created=before.created if before else now,
            updated=now,
            underlying_name=f"{uuid.uuid4()}_{name}",
            is_async=is_async,
            status=UPLOADING if is_async else (READY if digest is not None else FAILED),
            done_at=done_at if is_async else now,
            digest=digest,
        )
        core.part(Packages).save(package)
        core.record("package", tag_id(group, name), EventType.UPLOADED, "uploaded")
        names.append(name)
    known = core.part(Packages).group(project_id, group)
    core.part(Packages).save_group(Group(project_id, group, *_kept(known, call.user, now), now, is_async))
    return names


def _kept(group: Group | None, user: str, now: float) -> tuple[str, float]:
    return (group.owner, group.created) if group else (user, now)


def _digest(call: Call, path: str, *, is_async: bool) -> str | None:
    """The bytes behind a path; None where an asynchronous copy will fail."""
    where = locate(path)
    name = path.rsplit("/", 1)[-1]
    if where is None or not PACKAGE_NAME.fullmatch(name):
        raise bad_parameter("Invalid parameter paths: an OBS object URL is needed.")
    found = call.core.part(ObjectStore).find(where)
    if found:
        return found.digest
    if call.core.quirks.lenient_objects:
        return call.core.part(ObjectStore).write(()).digest
    if is_async:
        return None
    raise Refusal(400, "DLI.0011", f"The OBS object {where.bucket}/{where.key} does not exist or cannot be read.")


def _existing(call: Call) -> Package:
    name, group = call.params["resource_name"], call.query.get("group", "")
    package = call.core.part(Packages).find(call.project_id, group, name)
    if package is None:
        raise Refusal(404, "DLI.0023", f"The resource {name} does not exist.")
    return package


def _shown_status(call: Call, status: str) -> str:
    return status.lower() if call.core.quirks.status_lower_case else status


def _flat(call: Call, package: Package) -> dict[str, Any]:
    return {
        "create_time": ms(package.created),
        "update_time": ms(package.updated),
        "resource_type": package.kind,
        "resource_name": package.name,
        "status": _shown_status(call, package.status),
        "underlying_name": package.underlying_name,
        "owner": package.owner,
    }


def _group_status(packages: Sequence[Package]) -> str:
    statuses = {package.status for package in packages}
    return UPLOADING if UPLOADING in statuses else FAILED if FAILED in statuses else READY


def _group_row(call: Call, group: Group, packages: Sequence[Package]) -> dict[str, Any]:
    details = [{k: v for k, v in _flat(call, p).items() if k != "owner"} | {"is_async": p.is_async} for p in packages]
    return {
        "group_name": group.name,
        "status": _shown_status(call, _group_status(packages)),
        "resources": [package.name for package in packages],
        "details": details,
        "create_time": ms(group.created),
        "update_time": ms(group.updated),
        "owner": group.owner,
        "is_async": group.is_async,
    }


def _upload_answer(call: Call, group: str, names: Sequence[str]) -> dict[str, Any]:
    packages = call.core.part(Packages).of(call.project_id, group)
    known = call.core.part(Packages).group(call.project_id, group)
    assert known is not None
    if group:
        return _group_row(call, known, packages)
    mine = [package for package in packages if package.name in names]
    row = _group_row(call, known, mine)
    del row["group_name"]
    row["resource_names"] = row.pop("resources")
    return row
