"""Buckets and objects: their rows, their bytes on disk, and the URLs that name them.

Bytes lie beside the data file, named by their digest; a package is a second reference to the same bytes, as the
service copies an object when it is uploaded as a package (contract 5.2). `s3.py` speaks HTTP for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pulumi_dli.emulator.clock import ServiceClock
from pulumi_dli.emulator.store import Store, Table

_VIRTUAL_HOST = re.compile(r"(?P<bucket>[^/]+)\.(obs|s3)[.-][^/]+")
_PATH_HOST = re.compile(r"(obs|s3)[.-][^/]+")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
OBJECT_ROOT = "/obs/"


@dataclass(frozen=True)
class Location:
    """Where an object is."""

    bucket: str
    key: str


@dataclass
class Bucket:
    name: str
    created: float


@dataclass
class StoredObject:
    """One object; `digest` names its bytes."""

    bucket: str
    key: str
    size: int
    etag: str
    digest: str
    modified: float
    content_type: str = "binary/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)


class ObjectStore:
    """All buckets of this service."""

    def __init__(self, store: Store, directory: Path, clock: ServiceClock) -> None:
        self._clock = clock
        self._blobs = directory / "blobs"
        self.buckets: Table[Bucket] = Table(store, "buckets", Bucket)
        self._objects: Table[StoredObject] = Table(store, "objects", StoredObject)

    # bytes

    def write(self, content: bytes) -> str:
        """Keep the bytes; their digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path_of(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.replace(path)
        return digest

    def path_of(self, digest: str) -> Path:
        return self._blobs / digest[:2] / digest

    def sweep(self, used: Iterable[str]) -> None:
        """Delete bytes that no object and none of `used` refers to."""
        kept = {row.digest for row in self._objects.rows.values()} | set(used)
        for path in self._blobs.glob("*/*"):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    # buckets

    def has_bucket(self, name: str) -> bool:
        return name in self.buckets.rows

    def create_bucket(self, name: str) -> None:
        if name not in self.buckets.rows:
            self.buckets.save(name, Bucket(name, self._clock.now()))

    def delete_bucket(self, name: str) -> bool:
        """False when it still holds objects."""
        if self.listed(name):
            return False
        self.buckets.drop(name)
        return True

    # objects

    def put(
        self,
        where: Location,
        content: bytes,
        *,
        etag: str | None = None,
        content_type: str = "binary/octet-stream",
        metadata: dict[str, str] | None = None,
    ) -> StoredObject:
        etag = etag or hashlib.md5(content, usedforsecurity=False).hexdigest()
        digest = self.write(content)
        row = StoredObject(
            where.bucket, where.key, len(content), etag, digest, self._clock.now(), content_type, metadata or {}
        )
        self._objects.save(f"{where.bucket}/{where.key}", row)
        return row

    def find(self, where: Location | None) -> StoredObject | None:
        return self._objects.rows.get(f"{where.bucket}/{where.key}") if where else None

    def read(self, row: StoredObject) -> bytes:
        return self.path_of(row.digest).read_bytes()

    def delete(self, where: Location) -> None:
        self._objects.drop(f"{where.bucket}/{where.key}")

    def listed(self, bucket: str, prefix: str = "") -> list[StoredObject]:
        start = f"{bucket}/{prefix}"
        return [row for key, row in sorted(self._objects.rows.items()) if key.startswith(start)]


def locate(url: str) -> Location | None:
    """Bucket and key of `obs://b/k`, `https://b.obs.region.…/k`, `https://obs.region.…/b/k` or our own URL form."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    if parts.scheme in ("obs", "s3", "s3a"):
        return _location(parts.netloc, path)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    if parts.hostname in _LOOPBACK:
        within = path.removeprefix(OBJECT_ROOT.lstrip("/"))
        return _location(*within.split("/", 1)) if within != path and "/" in within else None
    netloc = parts.netloc.rpartition("@")[2]
    if _PATH_HOST.fullmatch(netloc):
        return _location(*path.split("/", 1)) if "/" in path else None
    found = _VIRTUAL_HOST.fullmatch(netloc)
    return _location(found["bucket"], path) if found else None


def locate_folder(path: str) -> Location | None:
    """Bucket and prefix (ending in /) of a folder, written `obs://bucket/dir/` or `bucket/dir/` (contract 6.10)."""
    text = path if "://" in path else f"obs://{path}"
    return locate(text.rstrip("/") + "/")


def _location(bucket: str, key: str) -> Location | None:
    return Location(bucket, key) if bucket and key else None
