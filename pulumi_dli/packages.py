"""What a stack program says about packages: `Package` for the input `packages` of a group, and what a job takes of it.

Runs in the program, so it imports little beside Pulumi. A local file is read once, when the `Package` is made: its
digest goes into the package's name and into what jobs get, so that new bytes restart exactly the jobs that use them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from pulumi_dli.specs.package_names import addressed, digest_of, file_name, is_local, logical, stored_name


class Package:
    """One package of a group.

    Args:
        path: a local file, which is uploaded to the group's `bucket`; or an object in OBS, as `obs://bucket/key` or by
            its https URL.
        kind: `jar`, `pyFile`, `file` or `modelFile`; by the ending of the file's name when not given.
        digest: of the bytes. Computed for a local file; for an object in OBS the program may say it (or any text that
            changes with the bytes), since the service tells nothing about them.
        name: what jobs call the package; the file's name when not given. An object in OBS keeps its own name.
    """

    def __init__(
        self, path: str, *, kind: str | None = None, digest: str | None = None, name: str | None = None
    ) -> None:
        self.path = str(path)
        self.kind = kind
        self.digest = digest
        if is_local(self.path):
            try:
                self.digest = digest_of(self.path)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise pulumi.RunError(f"The package {self.path} cannot be read: {reason}.") from None
            if digest and digest != self.digest:
                raise pulumi.RunError(f"The package {self.path} has the digest {self.digest}, not {digest}.")
            self.name: str | None = addressed(name or file_name(self.path), self.digest)
        else:
            self.name = name

    def as_input(self) -> dict[str, str]:
        """What the input `packages` takes."""
        given = {"path": self.path, "kind": self.kind, "digest": self.digest, "name": self.name}
        return {key: value for key, value in given.items() if value is not None}


def package_input(package: Package | Mapping[str, Any] | str) -> dict[str, Any]:
    """The input for whatever a program may write: a `Package`, a path, or the input itself.

    A local file without a digest is read, as `Package` does.
    """
    if isinstance(package, Package):
        return package.as_input()
    if isinstance(package, str):
        return Package(package).as_input()
    given = dict(package)
    if given.get("digest") or not isinstance(given.get("path"), str) or not is_local(given["path"]):
        return given
    return Package(given["path"], kind=given.get("kind"), name=given.get("name")).as_input()


def package_reference(
    group_name: str, packages: Iterable[Mapping[str, Any] | str], wanted: str
) -> str | dict[str, str]:
    """What a job's entrypoint and dependencies take for a package of a group.

    Args:
        packages: the group's packages, as in its input or output `packages`.
        wanted: the name by which the program knows the package (`app.jar`), or the name under which it is stored.

    Returns:
        `group/app-1a2b3c4d.jar` with the digest, so that new bytes restart the job; the plain text without a digest.
    """
    known = [{"path": package} if isinstance(package, str) else dict(package) for package in packages]
    for package in known:
        digest, stored = package.get("digest"), stored_name(package)
        if wanted in (stored, logical(stored, digest), file_name(str(package["path"]))):
            path = f"{group_name}/{stored}"
            return {"path": path, "digest": str(digest)} if digest else path
    names = ", ".join(logical(stored_name(package), package.get("digest")) for package in known) or "none"
    raise pulumi.RunError(f"The package group {group_name} has no package {wanted}; it has {names}.")
