"""The life of a package group: upload, wait, put aside, delete one by one (dli-api 5).

`provider.py` calls it through `contract.Lifecycle`. The service has no call for a group: it is what the list shows
under its name, and anybody may put packages into it. Only packages that the outputs record as ours are overwritten or
deleted; others of the same group are an output and never drift. Objects in OBS that we uploaded for a package are
deleted with it, unless a job names them. What changes a group is in `update.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from pulumi_dli.errors import ApiError, AuthError, DliError, NotFoundError, ThrottledError
from pulumi_dli.lifecycle.contract import CreateResult, DiffRequest, DiffResult, Observation
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import declared_tags_now, is_foreign
from pulumi_dli.lifecycle.packages.cleanup import PACKAGE, holdings, must_not_be_in_use, objects_of, release
from pulumi_dli.lifecycle.packages.create import tagged_package
from pulumi_dli.lifecycle.packages.mapping import (
    FAILED,
    Held,
    Record,
    forecast,
    given_name,
    held,
    imported,
    is_due,
    managed,
    observed_outs,
    records,
    wanted,
)
from pulumi_dli.lifecycle.packages.preview_create import preview_create
from pulumi_dli.lifecycle.packages.update import PackageGroupUpdate
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import tags_of
from pulumi_dli.specs.fields import CheckFailure
from pulumi_dli.specs.package_group import PackageGroupSpec
from pulumi_dli.specs.package_names import stored_name
from pulumi_dli.specs.values import OWNER_TAG


class PackageGroupLifecycle:
    """See `contract.Lifecycle`. The id is the group's name."""

    spec = PackageGroupSpec

    def validate(
        self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _unknown: Collection[str]
    ) -> list[CheckFailure]:
        return []

    def holdings(self, id: str, outs: Mapping[str, Any]) -> list[tuple[str, str]]:
        return holdings(id, _ours(outs).values())

    def names(self, news: Mapping[str, Any], unknown: Collection[str]) -> list[tuple[str, str, str]]:
        if {"packages", "group_name"} & set(unknown):
            return []
        return [(PACKAGE, f"{news['group_name']}/{stored_name(one)}", "packages") for one in news["packages"]]

    def preview_create(self, call: OperationContext, request: DiffRequest) -> None:
        preview_create(call, request)

    def preview_update(self, call: OperationContext, request: DiffRequest) -> DiffResult:
        if not request.id:
            return DiffResult(None if request.changes else False)
        named = next((change for change in request.changes if change.field == "group_name"), None)
        if named is not None and not named.unknown:
            call.info(f"becomes a new group {named.new}; the packages of {request.id} go when jobs name the new ones")
            return DiffResult(None, ("group_name",))
        line, differs = "", False
        if not {"packages", "bucket", "prefix"} & set(request.unknown):
            line, differs = _forecast(request)
        if line and (request.changes or differs):
            call.info(line)
        if request.changes:
            return DiffResult(None)
        return DiffResult(differs)

    def create(self, call: OperationContext, session: Session, spec: PackageGroupSpec) -> CreateResult:
        return CreateResult(str(spec.group_name), PackageGroupUpdate(call, session, spec).bring_in_line())

    def read(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        session.must_be_where(olds, f"package group {id}")
        group = session.packages.get().group(id)
        there = held(group)
        if "packages" not in olds:
            return self._imported(call, session, id)
        ours = _ours(olds)
        if group is None and not set(ours) & set(there):
            return None
        inputs = managed(olds)
        kept = list(records(olds.get("uploaded")).values())
        inputs["packages"] = [one for one in olds["packages"] if given_name(one, kept) in there]
        if "owner" in inputs and group is not None and group.owner:
            inputs["owner"] = group.owner
        if "tags" in inputs:
            inputs["tags"] = _tags_seen(call, session, id, inputs["tags"], set(ours) & set(there))
        failed = sorted(name for name in records(olds.get("uploaded")) if name in there and _failed(there[name]))
        outs = {**olds, **inputs, **observed_outs(group, there, ours), **session.where()}
        reasons = tuple(f"package {id}/{name} is {FAILED}: `pulumi up` uploads it again" for name in failed)
        return Observation(id, outs, inputs, unhealthy=reasons)

    def update(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], spec: PackageGroupSpec
    ) -> Mapping[str, Any]:
        session.must_be_where(olds, f"package group {id}")
        return PackageGroupUpdate(call, session, spec, olds=olds).bring_in_line()

    def delete(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        session.must_be_where(olds, f"package group {id}")
        ours = _ours(olds)
        heirs, foreign = _spared(call, session, id, olds, ours)
        if spared := [*heirs, *foreign]:
            call.warn(f"packages {', '.join(spared)} of group {id} are left alone: another resource holds them now")
        must_not_be_in_use(session, id, [name for name in ours if name not in spared])
        gone: list[Record] = []
        try:
            for name, record in ours.items():
                if name not in spared:
                    _delete(session, id, name)
                    gone.append(record)
        finally:
            session.wrote()
        inherited = [record for name, record in ours.items() if name in heirs]
        release(call, session, olds, objects_of([*gone, *inherited]))

    def _imported(self, call: OperationContext, session: Session, id: str) -> Observation | None:
        group = session.packages.get().group(id)
        if group is None:
            return None
        inputs, entries = imported(group)
        there = held(group)
        tags = {name: tags_of(call, session, tagged_package(id, name)) for name in there}
        marks = {(found or {}).get(OWNER_TAG, "") for found in tags.values()}
        outs = {
            **inputs,
            **observed_outs(group, there, there),
            "uploaded": entries,
            "superseded": [],
            **session.where(),
            "owner_tag": marks.pop() if len(marks) == 1 else "",
        }
        return Observation(id, outs, inputs)


def _forecast(request: DiffRequest) -> tuple[str, bool]:
    """What will be uploaded and put aside, and whether the packages differ from what we uploaded."""
    try:
        packages = wanted(PackageGroupSpec.of(request.news))
    except (DliError, ValidationError):
        return "", False  # a file that is not there yet: the update says so, if it is still missing then
    known = _ours(request.olds)
    there = {
        one["name"]: Held(one["name"], one.get("kind"), one["status"])
        for one in request.olds.get("package_status") or ()
    }
    due = [package.name for package in packages if is_due(package, known.get(package.name), there.get(package.name))]
    return forecast([package.name for package in packages], request.olds, due), bool(due)


def _ours(outs: Mapping[str, Any]) -> dict[str, Record]:
    return {**records(outs.get("superseded")), **records(outs.get("uploaded"))}


def _failed(package: Held) -> bool:
    return package.status == FAILED


def _tags_seen(
    call: OperationContext, session: Session, id: str, managed_tags: Mapping[str, str], names: Collection[str]
) -> dict[str, str]:
    """The program's tags as the packages carry them; the first package that lacks one decides."""
    for name in sorted(names):
        seen = declared_tags_now(managed_tags, tags_of(call, session, tagged_package(id, name)))
        if seen is not None and seen != dict(managed_tags):
            return seen
    return dict(managed_tags)


def _spared(
    call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], names: Collection[str]
) -> tuple[list[str], list[str]]:
    """The packages that another entry of this state holds, and those that somebody else has taken over."""
    heirs = [name for name in names if session.claims.heir(PACKAGE, f"{id}/{name}", urn=call.urn, outs=olds)]
    recorded = str(olds.get("owner_tag") or "")
    foreign = [
        name
        for name in set(names) - set(heirs)
        if is_foreign(tags_of(call, session, tagged_package(id, name)), recorded)
    ]
    return sorted(heirs), sorted(foreign)


def _delete(session: Session, group: str, name: str) -> None:
    try:
        session.client.package_groups.delete_package(name, group)
    except NotFoundError:
        return
    except (AuthError, ThrottledError):
        raise
    except ApiError as error:
        raise DliError(f"package {group}/{name} was not deleted: {error}") from error
