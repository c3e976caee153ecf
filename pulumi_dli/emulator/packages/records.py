"""Package groups and packages: their records (dli-api 5); `calls.py` holds the handlers.

A group is nothing but its packages: there is no call that returns or deletes one. An upload takes the object's bytes
at once; an asynchronous one shows READY some seconds a package later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.objects.records import ObjectStore
from pulumi_dli.emulator.tags import records as tagging
from pulumi_dli.emulator.tags.records import Tags

UPLOADING, READY, FAILED = "UPLOADING", "READY", "FAILED"


@dataclass
class Group:
    """What outlives its packages (only with the quirk `keep_empty_group`)."""

    project_id: str
    name: str
    owner: str
    created: float
    updated: float
    is_async: bool = False


@dataclass
class Package:
    """One package; `digest` names its bytes, `group` is "" outside groups."""

    project_id: str
    group: str
    name: str
    kind: str
    owner: str
    created: float
    updated: float
    underlying_name: str
    is_async: bool
    status: str
    done_at: float
    digest: str | None


class Packages:
    """The packages of all projects."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._packages: Table[Package] = Table(core.store, "packages", Package)
        self._groups: Table[Group] = Table(core.store, "groups", Group)

    @property
    def digests(self) -> list[str]:
        return [package.digest for package in self._packages.rows.values() if package.digest]

    def find(self, project_id: str, group: str, name: str) -> Package | None:
        package = self._packages.rows.get(f"{project_id}/{group}/{name}")
        return self._settled(package) if package else None

    def of(self, project_id: str, group: str | None = None) -> list[Package]:
        """The packages of a project, or of one group of it."""
        rows = [p for p in self._packages.rows.values() if p.project_id == project_id and group in (None, p.group)]
        return [self._settled(package) for package in rows]

    def group(self, project_id: str, name: str) -> Group | None:
        return self._groups.rows.get(f"{project_id}/{name}")

    def groups(self, project_id: str) -> list[Group]:
        return [group for group in self._groups.rows.values() if group.project_id == project_id]

    def save(self, package: Package) -> None:
        self._packages.save(f"{package.project_id}/{package.group}/{package.name}", package)

    def save_group(self, group: Group) -> None:
        self._groups.save(f"{group.project_id}/{group.name}", group)

    def drop(self, package: Package) -> None:
        self._packages.drop(f"{package.project_id}/{package.group}/{package.name}")
        self._core.part(Tags).put(package.project_id, tagging.PACKAGE, tag_id(package.group, package.name), {})
        if not self._core.quirks.keep_empty_group and not self.of(package.project_id, package.group):
            self._groups.drop(f"{package.project_id}/{package.group}")

    def path_of(self, project_id: str, reference: str) -> Path | None:
        """The bytes of `group/name.jar` or `name.jar`, if there is such a READY package."""
        group, _, name = reference.rpartition("/")
        package = self.find(project_id, group, name)
        if package is None or package.status != READY or package.digest is None:
            return None
        return self._core.part(ObjectStore).path_of(package.digest)

    def has(self, project_id: str, reference: str) -> bool:
        group, _, name = reference.rpartition("/")
        package = self.find(project_id, group, name)
        return package is not None and package.status == READY

    def _settled(self, package: Package) -> Package:
        if package.status == UPLOADING and self._core.clock.now() >= package.done_at:
            package.status = READY if package.digest is not None else FAILED
            package.updated = package.done_at
            self.save(package)
        return package


def tag_id(group: str, name: str) -> str:
    return f"{group}#{name}" if group else name
