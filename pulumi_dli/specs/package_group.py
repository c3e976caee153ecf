"""The fields of a package group (dli-api 5.2, dli_02_0130)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from pulumi_dli.specs.fields import (
    PLACE,
    PROVIDER_ONLY,
    Computed,
    Declaration,
    Effect,
    Rule,
    Spec,
    ValueModel,
    WireName,
)
from pulumi_dli.specs.forms import BUCKET, DIGEST, PACKAGE_NAME, GroupPath, Prefix
from pulumi_dli.specs.package_names import file_name
from pulumi_dli.specs.values import Tags, matching, one_of

KINDS = {".jar": "jar", ".py": "pyFile", ".egg": "pyFile", ".zip": "pyFile"}
"""The kind of a package by its ending; anything else is a `file` (dli-api 5.2)."""


class PackageSpec(ValueModel):
    """One package of a group.

    Attributes:
        path: the object in OBS (`obs://bucket/key` or its https URL), or a local file that the provider uploads first.
        kind: `jar`, `pyFile`, `file` or `modelFile`; by the file's ending when not given.
        digest: of the bytes; new bytes under the same name are noticed by it alone (dli-api 8).
        name: under which jobs know the package; the last part of the path when not given.
    """

    type_name: ClassVar[str] = "GroupPackage"
    short: ClassVar[str] = "path"
    said: ClassVar[str] = "must be a package: Package(…), obs://bucket/key, or a local file"

    path: Annotated[str, GroupPath()]
    kind: Annotated[str | None, one_of("jar", "pyFile", "file", "modelFile")] = None
    digest: Annotated[str | None, DIGEST] = None
    name: Annotated[str | None, PACKAGE_NAME] = None

    @property
    def is_local(self) -> bool:
        return "://" not in self.path

    @property
    def package_name(self) -> str:
        """The package's name in the group."""
        return self.name or file_name(self.path)

    @property
    def effective_kind(self) -> str:
        suffix = "." + self.package_name.rsplit(".", 1)[-1].lower() if "." in self.package_name else ""
        return self.kind or KINDS.get(suffix, "file")


def _described(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _package(package: PackageSpec) -> PackageSpec:
    if package.name and not package.is_local and package.name != file_name(package.path):
        raise ValueError("an object in OBS keeps its own name in the group: leave the package's name out")
    return package


def _distinct(packages: tuple[PackageSpec, ...]) -> tuple[PackageSpec, ...]:
    names = [package.package_name for package in packages]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two packages are named {twice[0]}: a group holds one of a name")
    return packages


def _file_names(spec: Any) -> str | None:
    """A package that is given no name has that of its file."""
    return next((bad for package in spec.packages or () if (bad := PACKAGE_NAME.problem(package.package_name))), None)


def _bucket_for_local_files(spec: Any) -> str | None:
    if any(package.is_local for package in spec.packages or ()) and not spec.bucket:
        return "holds a local file: say in `bucket` to which OBS bucket it goes, or give an obs:// path"
    return None


class PackageGroupSpec(Spec):
    """A package group as the program wants it."""

    declaration: ClassVar[Declaration] = Declaration(
        name="PackageGroup",
        article="a package group",
        summary="""A group of packages, for Flink before 1.15 (page dli_02_0130). Later versions take `obs://` paths.

A local file goes to `bucket` first, under a name that contains its digest: new bytes never overwrite those that
a running job needs. A package that is no longer declared is kept until the group changes again or goes, so that
a rollback finds it; see the output `superseded`. Packages of other people in the same group stay as they are.
The id is the group's name.""",
        named="group_name",
        derived={
            "group_owner": ("owner",),
            **dict.fromkeys(
                ("uploaded", "superseded", "package_status", "unmanaged_packages"), ("packages", "bucket", "prefix")
            ),
        },
        id_from=("group_name",),
        base="with_packages:WithPackages",
        computed=(
            Computed("status", "str | None", "Status of the group."),
            Computed("package_status", "Sequence[Mapping[str, Any]]", "Name, kind and status of each package."),
            Computed("uploaded", "Sequence[Mapping[str, Any]] | None", "What an interrupted update had uploaded."),
            Computed("superseded", "Sequence[Any]", "Packages of earlier versions that are still kept."),
            Computed(
                "unmanaged_packages",
                "Sequence[str]",
                "Packages in the group that this resource does not manage.",
                former="others",
            ),
            Computed("create_time", "int | None", "In milliseconds since the epoch."),
            Computed("update_time", "int | None", "In milliseconds since the epoch."),
            *PLACE,
        ),
    )
    required: ClassVar[tuple[str, ...]] = ("group_name", "packages")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(("packages",), _file_names),
        Rule(("packages", "bucket"), _bucket_for_local_files),
    )

    group_name: Annotated[
        str | None,
        Effect.REPLACE,
        WireName("group"),
        matching(r"[A-Za-z0-9._\-]{1,64}", "has 1 to 64 letters, digits or . _ -"),
    ] = Field(None, description="Name of the group; jobs refer to its packages as `group/package`.")
    packages: Annotated[
        tuple[Annotated[PackageSpec, BeforeValidator(_described), AfterValidator(_package)], ...] | None,
        Effect.IN_PLACE,
        PROVIDER_ONLY,
        Field(min_length=1),
        AfterValidator(_distinct),
    ] = Field(None, description="The packages: OBS objects, or local files that are uploaded to `bucket` first.")
    bucket: Annotated[str | None, Effect.IN_PLACE, PROVIDER_ONLY, BUCKET] = Field(
        None, description="OBS bucket for packages that are local files."
    )
    prefix: Annotated[str | None, Effect.IN_PLACE, PROVIDER_ONLY, Prefix()] = Field(
        None, description="Folder in `bucket` for uploaded files (default `packages`)."
    )
    is_async: Annotated[bool | None, Effect.IGNORED] = Field(
        None, description="Let the service copy in the background (default true); the provider waits either way."
    )
    owner: Annotated[
        str | None,
        Effect.IN_PLACE,
        PROVIDER_ONLY,
        matching(r"[A-Za-z_\-][A-Za-z0-9_\-]{4,31}", "has 5 to 32 letters, digits, _ or - and no digit at the front"),
    ] = Field(None, description="IAM user who owns the group (default: who creates it).")
    tags: Annotated[Tags | None, Effect.IN_PLACE, PROVIDER_ONLY] = Field(None, description="Tags of each package.")
    adopt: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="Take over packages of the same name that are in the group already (default false)."
    )
