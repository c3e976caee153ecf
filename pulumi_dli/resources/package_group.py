"""`PackageGroup`: the jars and files that jobs use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_dli.packages import Package, package_input, package_reference
from pulumi_dli.provider import PackageGroupProvider
from pulumi_dli.resources.base import DliResource, PackageInput


class PackageGroup(DliResource, module="dli", name="PackageGroup"):
    """A group of packages, for Flink before 1.15 (page dli_02_0130; later versions take `obs://` paths in the job).

    A local file goes to `bucket` first, under a name that contains its digest: new bytes never overwrite those that a
    running job needs. A package that is no longer declared is kept until the group changes again or goes, so that a
    rollback finds it; see the output `superseded`. Packages of other people in the same group are left alone.

    Outputs beside the inputs: `status`, `package_status` (name, kind, status of each), `superseded`, `others`,
    `create_time`, `update_time` (milliseconds), `endpoint`, `project_id`. The id is the group's name.
    """

    native_type = "dli:index:PackageGroup"
    facts = (
        "status",
        "package_status",
        "uploaded",
        "superseded",
        "others",
        "create_time",
        "update_time",
        "endpoint",
        "project_id",
    )

    if TYPE_CHECKING:
        group_name: pulumi.Output[str]
        packages: pulumi.Output[Sequence[Mapping[str, Any]]]
        status: pulumi.Output[str | None]
        package_status: pulumi.Output[Sequence[Mapping[str, Any]]]
        superseded: pulumi.Output[Sequence[Any]]
        others: pulumi.Output[Sequence[str]]
        create_time: pulumi.Output[int | None]
        update_time: pulumi.Output[int | None]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        packages: Sequence[pulumi.Input[str | Package | Mapping[str, Any]]],
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
            "group_name": resource_name if group_name is None else group_name,
            "packages": [_input(package) for package in packages],
            "bucket": bucket,
            "prefix": prefix,
            "is_async": is_async,
            "owner": owner,
            "tags": tags,
            "adopt": adopt,
        }
        super().__init__(PackageGroupProvider(), resource_name, inputs, opts)
        self._references: dict[str, pulumi.Output[PackageInput]] = {}

    def package(self, name: str) -> pulumi.Output[PackageInput]:
        """A package of the group as a job's `entrypoint`, `dependency_jars` and `dependency_files` take it.

        It holds path and digest, so that new bytes restart exactly the jobs that use them, and it waits for the group.

        Args:
            name: by which the program knows the package, such as `app.jar`.

        Raises:
            RunError: the group has no such package.
        """

        def reference(both: Sequence[Any]) -> Any:
            return package_reference(both[0], both[1], name)

        if name not in self._references:  # one for all jobs: hundreds may use the package
            self._references[name] = pulumi.Output.all(self.group_name, self.packages).apply(reference)
        return self._references[name]


def _input(package: Any) -> Any:
    """A package that is, or holds, an output of another resource is looked at when it is known."""
    if isinstance(package, pulumi.Output):
        return package.apply(package_input)
    if isinstance(package, Mapping) and any(isinstance(value, pulumi.Output) for value in package.values()):
        return package
    return package_input(package)
