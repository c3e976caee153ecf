"""Names of packages whose bytes are known: `app.jar` with the digest `1a2b3c4d…` is stored as `app-1a2b3c4d.jar`.

Under such a name a new version never overwrites the bytes that a running, or a rolled-back, job needs. Called by the
package group's lifecycle and by `pulumi_dli.packages` in stack programs, so it imports only the standard library.
"""

from __future__ import annotations

import errno
import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

LONGEST_NAME = 128
PREFIX = "packages"
_CHUNK = 1 << 20


def is_local(path: str) -> bool:
    """Whether a package's path is a file of this machine, which is uploaded first."""
    return "://" not in path


def file_name(path: str) -> str:
    """The last part of a path or URL: what the service calls the package (dli-api 5.2)."""
    if is_local(path):
        return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return unquote(urlsplit(path).path.rsplit("/", 1)[-1])


def addressed(name: str, digest: str) -> str:
    """The name with the first eight digits of the digest in it; a name that has them is left as it is."""
    path = PurePosixPath(name)
    mark = f"-{digest[:8]}"
    if path.stem.endswith(mark):
        return name
    return f"{path.stem[: LONGEST_NAME - len(mark) - len(path.suffix)]}{mark}{path.suffix}"


def logical(name: str, digest: str | None) -> str:
    """The name without the digits of the digest: what a program calls the package."""
    path = PurePosixPath(name)
    mark = f"-{(digest or '')[:8]}"
    return f"{path.stem.removesuffix(mark)}{path.suffix}" if digest and path.stem.endswith(mark) else name


def stored_name(package: Mapping[str, Any], digest: str | None = None) -> str:
    """Under which name the service knows a package, given as it stands in the input `packages`.

    Args:
        digest: of a local file, where the input does not say.
    """
    name = package.get("name") or file_name(str(package["path"]))
    digest = package.get("digest") or digest
    return addressed(name, digest) if digest and is_local(str(package["path"])) else str(name)


def object_path(file: str, *, digest: str, bucket: str, prefix: str | None = None, name: str | None = None) -> str:
    """Where a local file goes in OBS: `obs://bucket/packages/app-1a2b3c4d.jar`."""
    folder = (PREFIX if prefix is None else prefix).strip("/")
    stored = addressed(name or file_name(file), digest)
    return f"obs://{bucket}/{folder}/{stored}" if folder else f"obs://{bucket}/{stored}"


def digest_of(path: str) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: it cannot be read, or is no regular file: a device or a pipe may never end.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
