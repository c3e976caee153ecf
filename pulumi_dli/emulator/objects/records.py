"""Buckets and objects: their rows, their bytes on disk, and the URLs that name them.

Bytes lie beside the data file, named by their digest; a package is a second reference to the same bytes, as the
service copies an object when it is uploaded as a package (dli-api 5.2). `calls.py` speaks HTTP for it.

A runtime may write files of its own, `{bucket}/{key}` below the folder `beside` (Flink's savepoints and checkpoints):
they are objects as well, without a row.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table
from pulumi_dli.emulator.objects.upload import Blob, Incoming

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
    """One object; `digest` names its bytes, "" for a file of the runtime."""

    bucket: str
    key: str
    size: int
    etag: str
    digest: str
    modified: float
    content_type: str = "binary/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass
class Upload:
    """A multipart upload under way: digests and etags by part number."""

    bucket: str
    key: str
    content_type: str
    metadata: dict[str, str]
    parts: dict[str, list[str]] = field(default_factory=dict)


class ObjectStore:
    """All buckets of this service."""

    def __init__(self, core: Core) -> None:
        store = core.store
        self._clock = core.clock
        self._blobs = core.directory / "blobs"
        self.buckets: Table[Bucket] = Table(store, "buckets", Bucket)
        self.uploads: Table[Upload] = Table(store, "uploads", Upload)
        self._objects: Table[StoredObject] = Table(store, "objects", StoredObject)
        self.beside: Path | None = None

    # bytes

    def incoming(self, *, framed: bool = False) -> Incoming:
        """A file for an upload that begins."""
        return Incoming(self._blobs / "incoming", framed=framed)

    def keep(self, incoming: Incoming) -> Blob:
        """Keep the bytes of an upload that is complete."""
        blob = incoming.end()
        path = self.path_of(blob.digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            incoming.path.replace(path)
        incoming.discard()
        return blob

    def write(self, contents: Iterable[bytes]) -> Blob:
        """Keep these bytes."""
        incoming = self.incoming()
        try:
            for content in contents:
                incoming.feed(content)
            return self.keep(incoming)
        finally:
            incoming.discard()

    def path_of(self, digest: str) -> Path:
        return self._blobs / digest[:2] / digest

    def sweep(self, used: Iterable[str]) -> None:
        """Delete bytes that no object, no part of an upload and none of `used` refers to."""
        kept = {row.digest for row in self._objects.rows.values()} | set(used)
        kept |= {digest for upload in self.uploads.rows.values() for digest, _ in upload.parts.values()}
        for path in self._blobs.glob("*/*"):  # also what a kill left of uploads
            if path.name not in kept:
                path.unlink(missing_ok=True)

    # buckets

    def has_bucket(self, name: str) -> bool:
        if name in self.buckets.rows:
            return True
        place = self._place(Location(name, "_"))  # None for a name that leads elsewhere
        return place is not None and place.parent.is_dir()

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
        blob: Blob,
        *,
        etag: str | None = None,
        content_type: str = "binary/octet-stream",
        metadata: dict[str, str] | None = None,
    ) -> StoredObject:
        now = self._clock.now()
        etag = etag or blob.etag
        row = StoredObject(where.bucket, where.key, blob.size, etag, blob.digest, now, content_type, metadata or {})
        self._objects.save(f"{where.bucket}/{where.key}", row)
        return row

    def find(self, where: Location | None) -> StoredObject | None:
        if where is None:
            return None
        row = self._objects.rows.get(f"{where.bucket}/{where.key}")
        return row or self._of_file(where, self._file(where))

    def read(self, row: StoredObject) -> bytes:
        file = self._file(Location(row.bucket, row.key))
        return self.path_of(row.digest).read_bytes() if row.digest or file is None else file.read_bytes()

    def delete(self, where: Location) -> None:
        self._objects.drop(f"{where.bucket}/{where.key}")
        if file := self._file(where):
            file.unlink(missing_ok=True)

    def listed(self, bucket: str, prefix: str = "") -> list[StoredObject]:
        start = f"{bucket}/{prefix}"
        found = {key: row for key, row in self._objects.rows.items() if key.startswith(start)}
        for row in self._files(bucket, prefix):
            found.setdefault(f"{bucket}/{row.key}", row)
        return [row for _, row in sorted(found.items())]

    # files of a runtime

    def lay_out(self, folder: Location | None) -> None:
        """Write the objects of a folder as files where the runtime looks for them: a savepoint that was uploaded."""
        for row in self.listed(folder.bucket, folder.key) if folder and self.beside else ():
            file = self._place(Location(row.bucket, row.key))
            if row.digest and file is not None and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.path_of(row.digest), file)

    def _place(self, where: Location) -> Path | None:
        """Where the runtime has, or would have, the file of an object; None for a key that leads elsewhere."""
        parts = (where.bucket, *where.key.split("/"))
        if self.beside is None or any(part in ("", ".", "..") or "\0" in part for part in parts):
            return None
        return self.beside.joinpath(*parts)

    def _file(self, where: Location) -> Path | None:
        place = self._place(where)
        return place if place is not None and place.is_file() else None

    def _files(self, bucket: str, prefix: str) -> Iterator[StoredObject]:
        if self.beside is None or not self.has_bucket(bucket):
            return
        root = self.beside / bucket
        folder = PurePosixPath(prefix if prefix.endswith("/") else prefix.rpartition("/")[0])
        if ".." in folder.parts or folder.is_absolute():
            return
        for path in (root / folder).rglob("*"):
            key = path.relative_to(root).as_posix()
            row = self._of_file(Location(bucket, key), path) if key.startswith(prefix) else None
            if row is not None:
                yield row

    def _of_file(self, where: Location, file: Path | None) -> StoredObject | None:
        try:
            seen = file.stat() if file is not None and file.is_file() else None
        except OSError:  # it went meanwhile: checkpoints do
            return None
        if seen is None:
            return None
        etag = hashlib.md5(f"{seen.st_mtime_ns} {seen.st_size}".encode(), usedforsecurity=False).hexdigest()
        modified = self._clock.now() - max(time.time() - seen.st_mtime, 0.0)
        return StoredObject(where.bucket, where.key, seen.st_size, etag, "", modified)


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
    """Bucket and prefix (ending in /) of a folder, written `obs://bucket/dir/` or `bucket/dir/` (dli-api 6.10)."""
    text = path if "://" in path else f"obs://{path}"
    return locate(text.rstrip("/") + "/")


def _location(bucket: str, key: str) -> Location | None:
    return Location(bucket, key) if bucket and key else None
