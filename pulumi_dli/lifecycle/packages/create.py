"""How packages of a group come to be ours, as `lifecycle/create.py` asks it. Called by `update.py`.

An upload overwrites what is there, so packages are looked for before they are sent, and judged one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pulumi_dli.api.package_groups import Package, PackageGroup
from pulumi_dli.lifecycle.create import Existing, is_young
from pulumi_dli.lifecycle.ownership import is_own
from pulumi_dli.lifecycle.packages.cleanup import PACKAGE
from pulumi_dli.lifecycle.packages.mapping import DesiredPackage, held
from pulumi_dli.lifecycle.session import PACKAGE_TAGS, Session
from pulumi_dli.lifecycle.tagging import TaggedObject

READY_SECONDS = 20 * 60.0


class PackageKind:
    """See `lifecycle.create.Kind`."""

    kind = PACKAGE
    create_seconds = READY_SECONDS

    def __init__(self, session: Session, group: PackageGroup, declared: Sequence[DesiredPackage]) -> None:
        self._session = session
        self._name = str(group.group_name)
        self._group = group
        self._kinds = {package.name: package.kind for package in declared}

    def existing(self, found: Package) -> Existing:
        return Existing(
            id=f"{self._name}/{found.resource_name}",
            said=f"package group {self._name} holds {found.resource_name} already",
            tagged=tagged_package(self._name, found.resource_name),
            created=found.create_time or self._group.create_time,
            other_name="choose another group_name or another package name",
        )

    def differences(self, found: Package) -> list[str]:
        """The service tells neither where a package came from nor what is in it (docs/dli-api.md 8)."""
        kind = self._kinds.get(found.resource_name)
        return ["kind"] if kind and found.resource_type and found.resource_type != kind else []

    def is_listed_with(self, found: Package, tags: Mapping[str, str]) -> bool:
        """The documented filter of the list (docs/dli-api.md 5.4)."""
        group = self._session.client.package_groups.list(tags=tags).group(self._name)
        return found.resource_name in held(group)

    def must_fit(self, found: Package) -> None:
        """It is uploaded again."""

    def of(self, name: str) -> Package:
        """The package as the service shows it; the details may leave one out that the group names."""
        known = {package.resource_name: package for package in self._group.details}
        return known.get(name) or Package(resource_name=name)


def tagged_package(group: str, name: str) -> TaggedObject:
    """The package as the tag calls know it."""
    return TaggedObject(PACKAGE_TAGS, (f"{group}#{name}",), f"package {group}/{name}")


def attempt_of(owner: str, timeout_seconds: float | None) -> Callable[[str, float], bool]:
    """Whether an object in OBS, by its owner and age, is what an interrupted upload of this owner left."""
    return lambda found, age: is_own(found, owner) and is_young(age, timeout_seconds or READY_SECONDS)
