"""Packages and their groups: upload, list, one package, delete, owner (dli-api 5).

The service has no call that returns or deletes a group: a group is what the list shows under its name. Every page of
this API is marked as out of date for Flink 1.15 and later, which takes `obs://` paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from pulumi_dli.api.decoding import (
    Flag,
    Name,
    Record,
    Status,
    Text,
    Texts,
    Time,
    read_record,
    read_records,
    tag_filter,
    tag_list,
)
from pulumi_dli.api.not_found import Subject
from pulumi_dli.api.responses import Request, Response
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport

_VERSION = "v2.0"


class Package(Record):
    """One package. `status` is in upper case: UPLOADING, READY, FAILED, or "" when the answer has none."""

    resource_name: Name
    resource_type: Text = None
    status: Status = ""
    underlying_name: Text = None
    owner: Text = None
    create_time: Time = None
    update_time: Time = None
    is_async: Flag = None


def _packages(value: object) -> tuple[Package, ...]:
    return read_records(Package, value, "a package")


class PackageGroup(Record):
    """A group: `resources` are the names of all its packages, `details` the packages the answer tells about."""

    group_name: Text = None
    owner: Text = None
    status: Status = ""
    resources: Texts = Field((), validation_alias=AliasChoices("resources", "resource_names"))
    details: Annotated[tuple[Package, ...], BeforeValidator(_packages)] = ()
    create_time: Time = None
    update_time: Time = None
    is_async: Flag = None


class Module(Record):
    """A group that the service brings along."""

    module_name: Name
    module_type: Text = None
    status: Status = ""
    description: Text = None
    resources: Texts = ()
    create_time: Time = None
    update_time: Time = None


@dataclass(frozen=True)
class PackageListing:
    """The whole list: groups, packages outside of groups, and the service's own modules."""

    groups: tuple[PackageGroup, ...]
    packages: tuple[Package, ...]
    modules: tuple[Module, ...]

    def group(self, name: str) -> PackageGroup | None:
        """The group of exactly that name, None when the list lacks it."""
        return next((group for group in self.groups if group.group_name == name), None)


class PackageGroups:
    """The calls of `/resources`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self, group: str, paths: Sequence[str], kind: str, is_async: bool, tags: Mapping[str, str] | None = None
    ) -> PackageGroup:
        """Copy OBS objects into a group; packages of the same name are overwritten, so it may be repeated.

        With `is_async` the packages are not READY yet.
        """
        body: dict[str, Any] = {"paths": [*paths], "kind": kind, "group": group, "is_async": is_async}
        if tags:
            body["tags"] = tag_list(tags)
        what, says = f"upload packages to group {group}", ("group_name", "resources", "details")
        request = Request("POST", _VERSION, ("resources",), what, Idempotency.SAFE, body=body, says=says)
        return self._transport.read(
            request,
            lambda answer: read_record(PackageGroup, {"group_name": group, **answer.object()}, "a package group"),
        )

    def list(self, kind: str | None = None, tags: Mapping[str, str] | None = None) -> PackageListing:
        """All packages, in and outside of groups; the order means nothing."""
        query = {"kind": kind, "tags": tag_filter(tags)}
        pairs = tuple((key, value) for key, value in query.items() if value)
        says = ("groups", "resources", "modules")
        request = Request("GET", _VERSION, ("resources",), "list packages", Idempotency.READ, query=pairs, says=says)

        def listing(answer: Response) -> PackageListing:
            held = answer.object()
            return PackageListing(
                groups=read_records(PackageGroup, held.get("groups"), "a package group"),
                packages=_packages(held.get("resources")),
                modules=read_records(Module, held.get("modules"), "a module"),
            )

        return self._transport.read(request, listing)

    def get_package(self, name: str, group: str | None) -> Package:
        """One package of a group; with None one outside of all groups.

        Raises:
            NotFoundError: there is none.
        """
        request = self._of_package(
            "GET", name, group, f"read package {name}", Idempotency.READ, says=("resource_name",)
        )

        def package(answer: Response) -> Package:
            found = read_record(Package, answer.object(), "a package")
            if found.resource_name != name:
                raise answer.unreadable("another package")
            return found

        return self._transport.read(request, package)

    def delete_package(self, name: str, group: str | None) -> None:
        """Delete one package. Repeated when the answer is lost. A group is gone with its last package.

        Raises:
            NotFoundError: it is gone already.
        """
        what = f"delete package {name}"
        self._transport.send(self._of_package("DELETE", name, group, what, Idempotency.SAFE, may_be_empty=True))

    def set_owner(self, new_owner: str, group: str | None = None, package: str | None = None) -> None:
        """Hand a group, an ungrouped package, or one package of a group to another user."""
        names = {"group_name": group, "resource_name": package}
        body = {"new_owner": new_owner, **{key: name for key, name in names.items() if name}}
        what = f"change the owner of {'/'.join(filter(None, (group, package)))}"
        self._transport.send(Request("PUT", _VERSION, ("resources", "owner"), what, Idempotency.SAFE, body=body))

    @staticmethod
    def _of_package(
        method: str, name: str, group: str | None, what: str, repeat: Idempotency, **answered: Any
    ) -> Request:
        query = (("group", group),) if group else ()
        segments = ("resources", name)
        return Request(method, _VERSION, segments, what, repeat, query=query, subject=Subject.PACKAGE, **answered)
