"""One upload: written to disk while it comes in, so that its size costs no memory, and bounded.

Newer clients send it in chunk frames (`aws-chunked`) with a trailer of checksums; frames and trailer are dropped.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 5 * 1024**3  # what OBS takes in one part
_LONGEST_FRAME_LINE = 1024


class UploadError(Exception):
    """What is wrong with an upload: `code` and status of S3."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Blob:
    """Bytes on disk: their digest names the file, the etag is the MD5 of a plain object."""

    digest: str
    size: int
    etag: str


def check_size(content_length: str) -> None:
    """Refuses an upload that says itself that it is too long."""
    if content_length.isdecimal() and int(content_length) > MOST_BYTES:
        raise UploadError(413, "EntityTooLarge", f"An upload has at most {MOST_BYTES} bytes here.")


class Incoming:
    """The file of one upload under way. `keep` or `discard` ends it."""

    def __init__(self, folder: Path, *, framed: bool = False, most: int = MOST_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{uuid.uuid4().hex}.part"
        self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._most = most
        self._frames = _Frames() if framed else None
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self.size = 0

    def feed(self, chunk: bytes) -> None:
        """More of the body. Raises `UploadError`, and OSError when the disk is full."""
        for content in self._frames.contents(chunk) if self._frames else (chunk,):
            self.size += len(content)
            if self.size > self._most:
                raise UploadError(413, "EntityTooLarge", f"An upload has at most {self._most} bytes here.")
            self._sha256.update(content)
            self._md5.update(content)
            self._file.write(content)

    def end(self) -> Blob:
        """The body is complete. Raises as `feed` does."""
        if self._frames and not self._frames.complete:
            raise UploadError(400, "IncompleteBody", "The last chunk of the body is missing.")
        self._file.close()
        return Blob(self._sha256.hexdigest(), self.size, self._md5.hexdigest())

    def discard(self) -> None:
        """Forget it, if it was not kept."""
        with contextlib.suppress(OSError):  # it flushes, and the disk is full
            self._file.close()
        self.path.unlink(missing_ok=True)


class _Frames:
    """Takes chunk frames off: `size;…\\r\\n`, bytes, `\\r\\n`, until a size of 0."""

    def __init__(self) -> None:
        self.complete = False
        self._line = b""
        self._left = 0  # of the present chunk
        self._gap = 0  # of the line end behind it

    def contents(self, data: bytes) -> list[bytes]:
        found = []
        while data and not self.complete:
            if self._left:
                found.append(data[: self._left])
                self._left -= len(found[-1])
                data = data[len(found[-1]) :]
            elif self._gap:
                skipped = min(self._gap, len(data))
                self._gap -= skipped
                data = data[skipped:]
            else:
                data = self._head(data)
        return found

    def _head(self, data: bytes) -> bytes:
        line, end, rest = (self._line + data).partition(b"\r\n")
        if not end:
            self._line = line
            if len(line) > _LONGEST_FRAME_LINE:
                raise UploadError(400, "InvalidRequest", "The chunk frames of the body are malformed.")
            return b""
        try:
            self._left = int(line.split(b";")[0], 16)
        except ValueError as error:
            raise UploadError(400, "InvalidRequest", "The chunk frames of the body are malformed.") from error
        if self._left < 0:
            raise UploadError(400, "InvalidRequest", "The chunk frames of the body are malformed.")
        self._line, self._gap, self.complete = b"", 2, self._left == 0
        return rest
