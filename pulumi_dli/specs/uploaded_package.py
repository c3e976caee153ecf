"""The fields of an uploaded package: a local file that jobs take from OBS by its path, without a group (dli-api 5.8).

The path contains the digest, so that new bytes are a new object and the old ones stay for the job that runs them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from pulumi_dli.specs.fields import PLACE, PROVIDER_ONLY, Computed, Declaration, Effect, Spec
from pulumi_dli.specs.forms import BUCKET, PACKAGE_NAME, LocalFile, Prefix
from pulumi_dli.specs.package_names import object_path
from pulumi_dli.specs.values import lowered, matching

_PATH_FROM = ("source", "bucket", "prefix", "name", "digest")


class UploadedPackageSpec(Spec):
    """An uploaded package as the program wants it."""

    declaration: ClassVar[Declaration] = Declaration(
        name="UploadedPackage",
        article="an uploaded package",
        summary="""A local file that is uploaded to OBS, for Flink 1.15 and later: jobs take it from there by its path.

    app = dli.UploadedPackage("app", source="build/app.jar", bucket="my-bucket")
    dli.FlinkJarJob("counter", entrypoint=app.package, …)

The object's name contains the digest of the bytes, `obs://my-bucket/packages/app-1a2b3c4d.jar`: new bytes are a
new object and restart exactly the jobs that use them. The old object is kept until the package changes again or
goes, so that a rollback finds it; one that a job names is never deleted. An object that is there is not
uploaded again.""",
        filled=("digest",),
        derived=dict.fromkeys(("path", "superseded"), _PATH_FROM),
        id_from=_PATH_FROM,
        base="with_packages:WithObject",
        computed=(
            Computed("path", "str", "Where the object is: `obs://bucket/key`."),
            Computed("size", "int", "In bytes."),
            Computed("uploaded", "bool", "Whether this resource uploaded it.", former="own"),
            Computed("superseded", "Sequence[Mapping[str, Any]]", "Objects of earlier versions that are still kept."),
            *PLACE,
        ),
    )
    required: ClassVar[tuple[str, ...]] = ("source", "bucket", "digest")

    source: Annotated[str | None, Effect.IGNORED, PROVIDER_ONLY, LocalFile()] = Field(
        None, description="The local file."
    )
    bucket: Annotated[
        str | None,
        Effect.IN_PLACE,
        PROVIDER_ONLY,
        BUCKET,
    ] = Field(None, description="OBS bucket for the file; it must exist.")
    prefix: Annotated[str | None, Effect.IN_PLACE, PROVIDER_ONLY, Prefix()] = Field(
        None, description="Folder in `bucket` (default `packages`)."
    )
    name: Annotated[
        str | None,
        Effect.IN_PLACE,
        PROVIDER_ONLY,
        PACKAGE_NAME,
    ] = Field(None, description="Name of the object, to which the digest is added (default: the file's name).")
    digest: Annotated[
        str | None,
        Effect.IN_PLACE,
        PROVIDER_ONLY,
        AfterValidator(lowered),
        matching(r"[0-9a-fA-F]{64}", "is a SHA-256 in 64 hexadecimal digits"),
    ] = Field(None, description="SHA-256 of the file; the program computes it when not given.")

    @property
    def path(self) -> str:
        """Where the bytes go."""
        return object_path(
            str(self.source), digest=str(self.digest), bucket=str(self.bucket), prefix=self.prefix, name=self.name
        )
