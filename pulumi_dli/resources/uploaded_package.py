"""`UploadedPackage`: a local jar or file in OBS, for jobs that take `obs://` paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_dli.packages import Package
from pulumi_dli.provider import UploadedPackageProvider
from pulumi_dli.resources.base import DliResource, PackageInput
from pulumi_dli.specs.package_names import is_local, object_path


class UploadedPackage(DliResource, module="dli", name="UploadedPackage"):
    """A local file that is uploaded to OBS, for Flink 1.15 and later: jobs take it from there by its path.

        app = dli.UploadedPackage("app", source="build/app.jar", bucket="my-bucket")
        dli.FlinkJarJob("counter", entrypoint=app.package, …)

    The object's name contains the digest of the bytes, `obs://my-bucket/packages/app-1a2b3c4d.jar`: new bytes are a new
    object and restart exactly the jobs that use them. The old object is kept until the package changes again or goes,
    so that a rollback finds it; one that a job names is never deleted. An object that is there is not uploaded again.

    Outputs beside the inputs: `path`, `size`, `own` (whether we uploaded it), `superseded`, `endpoint`, `project_id`.
    """

    native_type = "dli:index:UploadedPackage"
    facts = ("path", "size", "own", "superseded", "endpoint", "project_id")

    if TYPE_CHECKING:
        source: pulumi.Output[str]
        bucket: pulumi.Output[str]
        digest: pulumi.Output[str]
        path: pulumi.Output[str]
        size: pulumi.Output[int]
        own: pulumi.Output[bool]
        superseded: pulumi.Output[Sequence[Mapping[str, Any]]]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        source: pulumi.Input[str],
        bucket: pulumi.Input[str],
        prefix: pulumi.Input[str] | None = None,
        name: pulumi.Input[str] | None = None,
        digest: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare an uploaded package.

        Args:
            resource_name: Name of the resource in the program.
            source: The local file.
            bucket: OBS bucket for the file; it must exist.
            prefix: Folder in `bucket` (default `packages`).
            name: Name of the object, to which the digest is added (default: the file's name).
            digest: SHA-256 of the file; the program computes it when not given.
            opts: Pulumi's resource options.
        """
        if digest is None:
            digest = source.apply(_digest) if isinstance(source, pulumi.Output) else _digest(source)
        inputs = {"source": source, "bucket": bucket, "prefix": prefix, "name": name, "digest": digest}
        super().__init__(UploadedPackageProvider(), resource_name, inputs, opts)
        # The inputs, since an output without a value is unknown at preview; `bucket` brings the dependency on us.
        self._parts = pulumi.Output.all(_self=self.bucket, **inputs)

    @property
    def package(self) -> pulumi.Output[PackageInput]:
        """The package as a job's `entrypoint`, `dependency_jars` and `dependency_files` take it: path and digest.

        It is known at preview, so that previews say exactly which jobs restart; at `up` it waits for the upload.
        """

        def reference(parts: Mapping[str, Any]) -> Any:
            where = {key: parts[key] for key in ("digest", "bucket", "prefix", "name")}
            return {"path": object_path(parts["source"], **where), "digest": parts["digest"]}

        return self._parts.apply(reference)


def _digest(source: Any) -> str:
    """Of a local file; anything else is refused by the resource's check."""
    return str(Package(source).digest) if isinstance(source, str) and is_local(source) else "0" * 64
