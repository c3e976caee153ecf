"""A package group between the program and the wire: what is wanted, what is ours, what is there. Pure.

`package_group.py` and `update.py` call it. The service knows packages by name only and never tells their paths
(dli-api 8), so what we uploaded from where is recorded in the outputs: `uploaded` (declared), `superseded` (declared
once, still there). Nothing else of a group is ever overwritten or deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pulumi_dli.api.package_groups import PackageGroup
from pulumi_dli.errors import DliError
from pulumi_dli.specs.package_group import PackageGroupSpec, PackageSpec
from pulumi_dli.specs.package_names import digest_of, stored_name

PREFIX = "packages"
READY, FAILED, UPLOADING = "READY", "FAILED", "UPLOADING"
UNKNOWN_BUCKET = "obs://unknown"
"""In an imported program: the service does not tell where a package came from (dli-api 8)."""


@dataclass(frozen=True)
class DesiredPackage:
    """One declared package.

    Attributes:
        given: as it stands in the input.
        name: under which the service stores it.
        path: of the object in OBS.
        file: the local file that has to get there first; None for an object that is there.
    """

    given: Mapping[str, Any]
    name: str
    kind: str
    path: str
    digest: str | None
    file: str | None


@dataclass(frozen=True)
class Record:
    """A package of ours in the group. `object` is the object in OBS that we uploaded for it; `borrowed` is one that
    somebody else had uploaded with the same bytes.
    """

    name: str
    kind: str
    path: str
    digest: str | None = None
    object: str | None = None
    borrowed: str | None = None

    def out(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Held:
    """A package as the service shows it."""

    name: str
    kind: str | None
    status: str
    underlying_name: str | None = None
    update_time: int | None = None

    def out(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


def wanted(spec: PackageGroupSpec) -> list[DesiredPackage]:
    """The declared packages. A local file is read only where the program did not say its digest.

    Raises:
        DliError: such a file cannot be read.
    """
    return [_wanted(package, spec) for package in spec.packages or ()]


def _wanted(package: PackageSpec, spec: PackageGroupSpec) -> DesiredPackage:
    given = package.model_dump(mode="json", exclude_none=True)
    if not package.is_local:
        return DesiredPackage(given, package.package_name, package.effective_kind, package.path, package.digest, None)
    digest = package.digest or _digest(package.path)
    name = stored_name(given, digest)
    prefix = (PREFIX if spec.prefix is None else spec.prefix).strip("/")
    path = f"obs://{spec.bucket}/{prefix}/{name}" if prefix else f"obs://{spec.bucket}/{name}"
    return DesiredPackage(given, name, package.effective_kind, path, digest, package.path)


def _digest(file: str) -> str:
    try:
        return digest_of(file)
    except OSError as error:
        raise DliError(f"the package {file} cannot be read: {error.strerror or type(error).__name__}") from error


def records(entries: Iterable[Mapping[str, Any]] | None) -> dict[str, Record]:
    """Records out of the outputs, by name."""
    known = Record.__dataclass_fields__
    found = [Record(**{key: entry.get(key) for key in known}) for entry in entries or ()]  # type: ignore[arg-type]
    return {record.name: record for record in found}


def held(group: PackageGroup | None) -> dict[str, Held]:
    """All packages that a group shows, by name."""
    if group is None:
        return {}
    found = {name: Held(name, None, group.status) for name in group.resources}  # a name the details leave out
    for package in group.details:
        found[package.resource_name] = Held(
            package.resource_name,
            package.resource_type,
            package.status or group.status,
            package.underlying_name,
            package.update_time,
        )
    return found


def is_due(package: DesiredPackage, record: Record | None, there: Held | None) -> bool:
    """Whether a declared package has to be uploaded (again)."""
    if there is None or record is None or there.status == FAILED:
        return True
    moved = package.file is None and record.path != package.path  # a local file may lie elsewhere: its digest counts
    return moved or record.digest != package.digest or (there.kind or package.kind) != package.kind


def is_reached(package: DesiredPackage, record: Record | None, there: Held | None) -> bool:
    """Whether a declared package is in the group and usable."""
    return not is_due(package, record, there) and there is not None and there.status == READY


def worst_status(names: Iterable[str], there: Mapping[str, Held]) -> tuple[str, list[str]]:
    """The status that decides about all of these packages, and whose it is."""
    by_status: dict[str, list[str]] = {}
    for name in names:
        status = there[name].status if name in there else "MISSING"
        by_status.setdefault(status, []).append(name)
    for status in (FAILED, *sorted(set(by_status) - {FAILED, READY})):
        if status in by_status:
            return status, by_status[status]
    return READY, by_status.get(READY, [])


def others(there: Mapping[str, Held], ours: Iterable[str]) -> list[str]:
    """Names in the group that are not ours."""
    return sorted(set(there) - set(ours))


def managed(olds: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs in a bag of outputs."""
    return {name: olds[name] for name in PackageGroupSpec.model_fields if olds.get(name) is not None}


def given_name(package: Mapping[str, Any], ours: Iterable[Record]) -> str:
    """Under which name a package of the input `packages` is stored; the record tells where the input lacks a digest."""
    path = str(package["path"])
    name = stored_name(package)
    digests = [record.digest for record in ours if record.digest and stored_name(package, record.digest) == record.name]
    return stored_name(package, digests[0]) if "://" not in path and not package.get("digest") and digests else name


def imported(group: PackageGroup) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The inputs and the records of a group that no program of ours has declared."""
    packages, entries = [], []
    for package in held(group).values():
        path = f"{UNKNOWN_BUCKET}/{package.name}"
        plain = PackageSpec(path=path)
        kind = package.kind or plain.effective_kind
        packages.append({"path": path, **({"kind": kind} if kind != plain.effective_kind else {})})
        entries.append(Record(package.name, kind, path).out())
    return {"group_name": group.group_name, "packages": packages}, entries


def forecast(names: Sequence[str], olds: Mapping[str, Any], due: Sequence[str]) -> str:
    """What an update would do, in one line; "" when nothing is uploaded or put aside.

    Args:
        names: of all declared packages.
        due: those of them that will be uploaded.
    """
    uploaded, superseded = records(olds.get("uploaded")), records(olds.get("superseded"))
    kept = [name for name in uploaded if name not in names]
    removed = [name for name in superseded if name not in names]
    parts = [f"uploads {', '.join(due)}"] if due else []
    if kept:
        parts.append(f"{', '.join(kept)} {'is' if len(kept) == 1 else 'are'} kept until the next change")
    if removed:
        parts.append(
            f"removes {', '.join(removed)} where no job names {'it' if len(removed) == 1 else 'them'} any more"
        )
    return "; ".join(parts)


def observed_outs(group: PackageGroup | None, there: Mapping[str, Held], ours: Iterable[str]) -> dict[str, Any]:
    """The outputs that are facts of the service."""
    ours = set(ours)
    outs: dict[str, Any] = {
        "package_status": [there[one].out() for one in sorted(ours) if one in there],
        "unmanaged_packages": others(there, ours),
    }
    computed_outputs = {
        "status": group.status if group else "",
        "group_owner": group.owner if group else None,
        "create_time": group.create_time if group else None,
    }
    return {**outs, **{key: value for key, value in computed_outputs.items() if value is not None}}
