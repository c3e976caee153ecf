"""`PackageGroup`: written by `python -m pulumi_dli.specs.generate` from `specs/package_group.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Required, TypedDict

import pulumi

from pulumi_dli.packages import Package
from pulumi_dli.provider import PackageGroupProvider
from pulumi_dli.resources.with_packages import WithPackages
from pulumi_dli.specs.forms import GroupPath, Prefix
from pulumi_dli.specs.shapes import Flag, ListOf, Record, Shape, TagMap, Text


class GroupPackageArgs(TypedDict, total=False):
    """As a program gives it."""

    path: Required[pulumi.Input[str]]
    kind: pulumi.Input[Literal["jar", "pyFile", "file", "modelFile"]]
    digest: pulumi.Input[str]
    name: pulumi.Input[str]


class GroupPackage(TypedDict, total=False):
    """As an output holds it."""

    path: Required[str]
    kind: Literal["jar", "pyFile", "file", "modelFile"]
    digest: str
    name: str


class PackageGroupArgs(TypedDict, total=False):
    """The inputs of a package group by name, for tables of them: `PackageGroup(name, **row)`."""

    packages: Required[pulumi.Input[Sequence[pulumi.Input[str | Package | GroupPackageArgs]]]]
    group_name: pulumi.Input[str] | None
    bucket: pulumi.Input[str] | None
    prefix: pulumi.Input[str] | None
    is_async: pulumi.Input[bool] | None
    owner: pulumi.Input[str] | None
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None
    adopt: pulumi.Input[bool] | None


class PackageGroup(WithPackages, module="dli", name="PackageGroup"):
    """A group of packages, for Flink before 1.15 (page dli_02_0130). Later versions take `obs://` paths.

    A local file goes to `bucket` first, under a name that contains its digest: new bytes never overwrite those that
    a running job needs. A package that is no longer declared is kept until the group changes again or goes, so that
    a rollback finds it; see the output `superseded`. Packages of other people in the same group stay as they are.
    The id is the group's name.

    Outputs beside the inputs:

    * `status`: Status of the group.
    * `package_status`: Name, kind and status of each package.
    * `uploaded`: What an interrupted update had uploaded.
    * `superseded`: Packages of earlier versions that are still kept.
    * `unmanaged_packages`: Packages in the group that this resource does not manage.
    * `create_time`: In milliseconds since the epoch.
    * `update_time`: In milliseconds since the epoch.
    * `endpoint`: Where the service answered.
    * `project_id`: The project that holds it.
    """

    native_type = "dli:index:PackageGroup"
    spec = "pulumi_dli.specs.package_group:PackageGroupSpec"
    named = "group_name"
    required = ("packages",)
    computed_outputs = (
        "status",
        "package_status",
        "uploaded",
        "superseded",
        "unmanaged_packages",
        "create_time",
        "update_time",
        "endpoint",
        "project_id",
    )
    shapes: ClassVar[Mapping[str, Shape]] = {
        "packages": ListOf(
            item=Record(
                name="GroupPackage",
                keys=(
                    ("path", GroupPath()),
                    ("kind", Text(choices=("jar", "pyFile", "file", "modelFile"))),
                    (
                        "digest",
                        Text(
                            pattern="[\\w+/=:.\\-]{1,128}",
                            rule="must be a digest: a text of 1 to 128 letters and digits",
                        ),
                    ),
                    (
                        "name",
                        Text(
                            pattern="(?!\\.)[A-Za-z0-9_!.\\-]{1,128}",
                            rule="names a package in 1 to 128 letters, digits or _ ! - . and no dot in front",
                        ),
                    ),
                ),
                required=("path",),
                short="path",
                rule="must be a package: Package(…), obs://bucket/key, or a local file",
            ),
            least=1,
        ),
        "group_name": Text(pattern="[A-Za-z0-9._\\-]{1,64}", rule="has 1 to 64 letters, digits or . _ -"),
        "bucket": Text(
            pattern="(?![0-9]+(\\.[0-9]+){3}$)(?!.*(\\.\\.|\\.-|-\\.))[a-z0-9][a-z0-9.\\-]{1,61}[a-z0-9]",
            rule="must be the name of a bucket: 3 to 63 lower-case letters, digits, - or ., without obs:// and folders",
        ),
        "prefix": Prefix(),
        "is_async": Flag(),
        "owner": Text(
            pattern="[A-Za-z_\\-][A-Za-z0-9_\\-]{4,31}",
            rule="has 5 to 32 letters, digits, _ or - and no digit at the front",
        ),
        "tags": TagMap(own="pulumi_dli_owner"),
        "adopt": Flag(),
    }

    if TYPE_CHECKING:
        status: pulumi.Output[str | None]
        package_status: pulumi.Output[Sequence[Mapping[str, Any]]]
        uploaded: pulumi.Output[Sequence[Mapping[str, Any]] | None]
        superseded: pulumi.Output[Sequence[Any]]
        unmanaged_packages: pulumi.Output[Sequence[str]]
        create_time: pulumi.Output[int | None]
        update_time: pulumi.Output[int | None]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]
        packages: pulumi.Output[Sequence[GroupPackage | str]]
        group_name: pulumi.Output[str]
        bucket: pulumi.Output[str | None]
        prefix: pulumi.Output[str | None]
        is_async: pulumi.Output[bool | None]
        owner: pulumi.Output[str | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        adopt: pulumi.Output[bool | None]

    def __init__(
        self,
        resource_name: str,
        *,
        packages: pulumi.Input[Sequence[pulumi.Input[str | Package | GroupPackageArgs]]],
        group_name: pulumi.Input[str] | None = None,
        bucket: pulumi.Input[str] | None = None,
        prefix: pulumi.Input[str] | None = None,
        is_async: pulumi.Input[bool] | None = None,
        owner: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a package group.

        Args:
            resource_name: Name of the resource in the program; the default of `group_name`.
            packages: The packages: OBS objects, or local files that are uploaded to `bucket` first.
            group_name: Name of the group; jobs refer to its packages as `group/package`.
            bucket: OBS bucket for packages that are local files.
            prefix: Folder in `bucket` for uploaded files (default `packages`).
            is_async: Let the service copy in the background (default true); the provider waits either way.
            owner: IAM user who owns the group (default: who creates it).
            tags: Tags of each package.
            adopt: Take over packages of the same name that are in the group already (default false).
            opts: Pulumi's resource options.
        """
        inputs = {
            "packages": packages,
            "group_name": group_name,
            "bucket": bucket,
            "prefix": prefix,
            "is_async": is_async,
            "owner": owner,
            "tags": tags,
            "adopt": adopt,
        }
        super().__init__(PackageGroupProvider(), resource_name, inputs, opts)
