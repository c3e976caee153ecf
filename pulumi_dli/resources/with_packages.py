"""What the classes of package groups and uploaded packages do beside being declared: they hand packages to jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_dli.packages import Package, package_input, package_reference
from pulumi_dli.resources.base import DliResource, PackageInput
from pulumi_dli.specs.package_names import is_local, object_path


class WithPackages(DliResource):
    """A group that names its packages."""

    if TYPE_CHECKING:
        group_name: pulumi.Output[str]
        packages: pulumi.Output[Any]

    def _completed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        self._references: dict[str, pulumi.Output[PackageInput]] = {}
        packages = inputs["packages"]
        if isinstance(packages, pulumi.Output):
            return {**inputs, "packages": packages.apply(lambda known: [package_input(package) for package in known])}
        return {**inputs, "packages": [_input(package) for package in packages]}

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


class WithObject(DliResource):
    """An object in OBS that jobs take as a package."""

    def _completed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        source = inputs["source"]
        if inputs["digest"] is None:
            inputs["digest"] = source.apply(_digest) if isinstance(source, pulumi.Output) else _digest(source)
        return inputs

    @property
    def package(self) -> pulumi.Output[PackageInput]:
        """The package as a job's `entrypoint`, `dependency_jars` and `dependency_files` take it: path and digest.

        It is known at preview, so that previews say exactly which jobs restart; at `up` it waits for the upload.
        """

        def reference(parts: Mapping[str, Any]) -> Any:
            where = {key: parts[key] for key in ("digest", "bucket", "prefix", "name")}
            return {"path": object_path(parts["source"], **where), "digest": parts["digest"]}

        # Inputs all, which a preview knows; what the service computes (`path`) it does not.
        parts = {name: getattr(self, name) for name in ("source", "bucket", "prefix", "name", "digest")}
        return pulumi.Output.all(**parts).apply(reference)


def _digest(source: Any) -> str:
    """Of a local file; anything else is refused by the resource's check."""
    return str(Package(source).digest) if isinstance(source, str) and is_local(source) else "0" * 64
