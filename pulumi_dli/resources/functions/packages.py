"""Package groups and their packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_dli.resources.functions.asking import Function, nothing
from pulumi_dli.resources.settings import Provider

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient
    from pulumi_dli.api.package_groups import PackageGroup


@dataclass(frozen=True)
class PackageInfo:
    """A package of a group. `status` is `READY`, `UPLOADING` or `FAILED`; jobs refer to it by `path`."""

    name: str
    kind: str | None
    status: str | None
    path: str


@dataclass(frozen=True)
class PackageGroupInfo:
    """A package group that exists (dli-api 5.4)."""

    group_name: str
    status: str | None
    owner: str | None
    packages: tuple[PackageInfo, ...]


def get_package_group(group_name: str, *, provider: Provider | None = None) -> PackageGroupInfo:
    """The package group of this name with its packages.

    Raises:
        RunError: there is none, or the service cannot be asked.
    """
    return _GROUP.now(provider, group_name=group_name)


def get_package_group_output(
    group_name: pulumi.Input[str], *, provider: Provider | None = None
) -> pulumi.Output[PackageGroupInfo]:
    """As `get_package_group`, for a name that is an output."""
    return _GROUP.later(provider, group_name=group_name)


def get_package_groups(
    *, tags: Mapping[str, str] | None = None, provider: Provider | None = None
) -> Sequence[PackageGroupInfo]:
    """The package groups of the project by name, each with its packages.

    Args:
        tags: that carry all of these.
        provider: other settings than the stack's.

    Raises:
        RunError: the service cannot be asked.
    """
    return _GROUPS.now(provider, tags=tags)


def get_package_groups_output(
    *, tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None, provider: Provider | None = None
) -> pulumi.Output[Sequence[PackageGroupInfo]]:
    """As `get_package_groups`, for filters that are outputs."""
    return _GROUPS.later(provider, tags=tags)


def _info(group: PackageGroup) -> PackageGroupInfo:
    name = group.group_name or ""
    packages = tuple(
        PackageInfo(p.resource_name, p.resource_type, p.status, f"{name}/{p.resource_name}") for p in group.details
    )
    return PackageGroupInfo(name, group.status, group.owner, packages)


def _group(client: DliClient, group_name: str) -> PackageGroupInfo:
    found = client.package_groups.list().group(group_name)
    if found is None:
        raise nothing(f"package group named {group_name}")
    return _info(found)


def _groups(client: DliClient, tags: Mapping[str, str] | None) -> Sequence[PackageGroupInfo]:
    rows = [row for row in client.package_groups.list(tags=tags).groups if row.group_name]
    return tuple(_info(row) for row in sorted(rows, key=lambda row: row.group_name or ""))


def _with_paths(args: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The packages of a mock with the paths that jobs use."""
    name = given.get("group_name") or args.get("group_name")
    return {"packages": [{"path": f"{name}/{one.get('name')}", **one} for one in given.get("packages", ())]}


_GROUP = Function("dli:index:getPackageGroup", _group, PackageGroupInfo, completed=_with_paths)
_GROUPS = Function("dli:index:getPackageGroups", _groups, PackageGroupInfo, key="groups", completed=_with_paths)
