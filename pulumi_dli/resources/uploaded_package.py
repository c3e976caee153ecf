"""`UploadedPackage`: written by `python -m pulumi_dli.specs.generate` from `specs/uploaded_package.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Required, TypedDict

import pulumi

from pulumi_dli.provider import UploadedPackageProvider
from pulumi_dli.resources.with_packages import WithObject
from pulumi_dli.specs.forms import LocalFile, Prefix
from pulumi_dli.specs.shapes import Shape, Text


class UploadedPackageArgs(TypedDict, total=False):
    """The inputs of an uploaded package by name, for tables of them: `UploadedPackage(name, **row)`."""

    source: Required[pulumi.Input[str]]
    bucket: Required[pulumi.Input[str]]
    prefix: pulumi.Input[str] | None
    name: pulumi.Input[str] | None
    digest: pulumi.Input[str] | None


class UploadedPackage(WithObject, module="dli", name="UploadedPackage"):
    """A local file that is uploaded to OBS, for Flink 1.15 and later: jobs take it from there by its path.

        app = dli.UploadedPackage("app", source="build/app.jar", bucket="my-bucket")
        dli.FlinkJarJob("counter", entrypoint=app.package, …)

    The object's name contains the digest of the bytes, `obs://my-bucket/packages/app-1a2b3c4d.jar`: new bytes are a
    new object and restart exactly the jobs that use them. The old object is kept until the package changes again or
    goes, so that a rollback finds it; one that a job names is never deleted. An object that is there is not
    uploaded again.

    Outputs beside the inputs:

    * `path`: Where the object is: `obs://bucket/key`.
    * `size`: In bytes.
    * `uploaded`: Whether this resource uploaded it.
    * `superseded`: Objects of earlier versions that are still kept.
    * `endpoint`: Where the service answered.
    * `project_id`: The project that holds it.
    """

    native_type = "dli:index:UploadedPackage"
    spec = "pulumi_dli.specs.uploaded_package:UploadedPackageSpec"
    named = ""
    required = ("source", "bucket")
    computed_outputs = ("path", "size", "uploaded", "superseded", "endpoint", "project_id")
    shapes: ClassVar[Mapping[str, Shape]] = {
        "source": LocalFile(),
        "bucket": Text(
            pattern="(?![0-9]+(\\.[0-9]+){3}$)(?!.*(\\.\\.|\\.-|-\\.))[a-z0-9][a-z0-9.\\-]{1,61}[a-z0-9]",
            rule="must be the name of a bucket: 3 to 63 lower-case letters, digits, - or ., without obs:// and folders",
        ),
        "prefix": Prefix(),
        "name": Text(
            pattern="(?!\\.)[A-Za-z0-9_!.\\-]{1,128}",
            rule="names a package in 1 to 128 letters, digits or _ ! - . and no dot in front",
        ),
        "digest": Text(pattern="[0-9a-fA-F]{64}", rule="is a SHA-256 in 64 hexadecimal digits"),
    }

    if TYPE_CHECKING:
        path: pulumi.Output[str]
        size: pulumi.Output[int]
        uploaded: pulumi.Output[bool]
        superseded: pulumi.Output[Sequence[Mapping[str, Any]]]
        endpoint: pulumi.Output[str]
        project_id: pulumi.Output[str]
        source: pulumi.Output[str]
        bucket: pulumi.Output[str]
        prefix: pulumi.Output[str | None]
        name: pulumi.Output[str | None]
        digest: pulumi.Output[str]

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
        inputs = {"source": source, "bucket": bucket, "prefix": prefix, "name": name, "digest": digest}
        super().__init__(UploadedPackageProvider(), resource_name, inputs, opts)
