"""The client of OBS: local files into it, and objects of ours out of it again (dli-api 5.2: packages are copied from
OBS objects).

`packages/` calls it, and `jobs/checkpoints.py` to look into a bucket. OBS speaks the S3 protocol, so boto3 does it: the
extra `obs`, loaded when first used, kept from the environment and the files of AWS. Objects carry the owner of the
resource in their metadata, so that an interrupted upload is known as ours; whoever else put the same bytes there keeps
them. An object whose resource goes while another of the stack uses it is handed over to that one.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

from pulumi_dli.api.network import fault
from pulumi_dli.api.obs_client import client_of
from pulumi_dli.connection import Connection, is_loopback
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    CancelledError,
    ConfigError,
    DliError,
    NotFoundError,
    UnsentRequestError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWNER = "pulumi-dli-owner"
_MOST_PAGES = 500  # of a thousand objects each
_PART_BYTES = 32 * 1024 * 1024  # larger files travel in parts, each repeated on its own when it fails


class Watched(Protocol):
    """Who follows an upload: may end it, and is told how far it got."""

    @property
    def cancelled(self) -> threading.Event: ...

    @property
    def status(self) -> Callable[[str], None]: ...


def object_url(connection: Connection, path: str) -> str:
    """The URL by which DLI is told of an object: https where OBS's address is known, else `obs://` (dli-api 5.2)."""
    endpoint = connection.obs_endpoint
    if not path.startswith("obs://") or not endpoint or is_loopback(endpoint):
        return path
    bucket, _, key = path.removeprefix("obs://").partition("/")
    return f"https://{bucket}.{urlsplit(endpoint).netloc}/{quote(key, safe='/!')}"


class ObsUploads:
    """The object storage of one connection. Making one sends nothing and needs neither boto3 nor an access key."""

    def __init__(self, connection: Connection, *, purpose: str = "Uploading local packages") -> None:
        self._connection = connection
        self._purpose = purpose

    def put(
        self, call: Watched, *, file: str, digest: str, path: str, owner: str, is_ours: Callable[[str, float], bool]
    ) -> bool:
        """Bring a local file to `obs://bucket/key`, unless it is there.

        Args:
            is_ours: whether an object of these bytes that is there already is this owner's, by the owner that it
                carries and its age in seconds.

        Returns:
            Whether the object is this owner's: uploaded now, or what `is_ours` says of it.

        Raises:
            ConfigError: there is no access key, or no boto3.
            DliError: the file is not what the program saw, or OBS refused it.
        """
        bucket, key = _split(path)
        found = self._head(bucket, key, path)
        size = _size(file)
        if found is not None and found.get("ContentLength") == size:
            return is_ours(_owner_in(found), _age(found))
        if _digest(file) != digest:
            raise DliError(f"the file {file} changed while the program ran: run it again")
        if call.cancelled.is_set():
            raise _cancelled(f"the upload of {file}")
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 -- an extra, and slow to import

        config = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False)
        with self._asking(f"upload {file} to {path}", call=call), Path(file).open("rb") as content:
            self._client().upload_fileobj(
                content,
                bucket,
                key,
                ExtraArgs={"Metadata": {_OWNER: owner}} if owner else None,
                Callback=_progress(call, key.rsplit("/", 1)[-1], size),
                Config=config,
            )
        return True

    def hand_over(self, path: str, owner: str) -> None:
        """Have the object carry another owner: it is copied onto itself, which needs no bytes of ours."""
        bucket, key = _split(path)
        with self._asking(f"hand over {path}"):
            self._client().copy(
                {"Bucket": bucket, "Key": key},
                bucket,
                key,
                ExtraArgs={"Metadata": {_OWNER: owner}, "MetadataDirective": "REPLACE"},
            )

    def owner(self, path: str) -> str:
        """The owner that the object carries; "" when it carries none, or is gone."""
        bucket, key = _split(path)
        return _owner_in(self._head(bucket, key, path) or {})

    def delete(self, path: str) -> None:
        """Delete the object; nothing to do when it is gone."""
        bucket, key = _split(path)
        with self._asking(f"delete {path}"):
            self._client().delete_object(Bucket=bucket, Key=key)

    def listed(self, bucket: str, prefix: str) -> list[dict[str, Any]]:
        """All objects under a prefix."""
        with self._asking(f"list obs://{bucket}/{prefix}"):
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            rows: dict[str, dict[str, Any]] = {}
            for number, page in enumerate(pages):
                before = len(rows)
                rows |= {row["Key"]: row for row in page.get("Contents", ())}
                if number >= _MOST_PAGES or (number and len(rows) == before):
                    raise DliError(f"the list of obs://{bucket}/{prefix} does not end: check dli:obsEndpoint")
            return list(rows.values())

    def _head(self, bucket: str, key: str, path: str) -> dict[str, Any] | None:
        try:
            with self._asking(f"look for {path}"):
                found: dict[str, Any] = self._client().head_object(Bucket=bucket, Key=key)
                return found
        except ApiError as error:
            if error.status in (403, 404):  # without the permission to list, a missing object is a denied one
                return None
            raise

    def _client(self) -> Any:
        return client_of(self._connection, self._purpose)

    @contextmanager
    def _asking(self, what: str, *, call: Watched | None = None) -> Iterator[None]:
        """Turn whatever boto3 raises into our errors."""
        self._client()  # says first what is missing
        from boto3.exceptions import Boto3Error  # noqa: PLC0415
        from botocore import exceptions  # noqa: PLC0415

        try:
            yield
        except (exceptions.BotoCoreError, exceptions.ClientError, Boto3Error) as error:
            if call is not None and call.cancelled.is_set():
                raise _cancelled(what) from error
            refused = error if isinstance(error, exceptions.ClientError) else _client_error(error)
            if refused is not None:
                raise _refusal(what, refused.response) from error
            known = fault(error, str(self._connection.obs_endpoint))
            if known is not None:
                kind, text = known
                raise kind(f"{what}: {text}") from error
            if isinstance(error, exceptions.ConnectionError):
                raise UnsentRequestError(f"{what}: OBS cannot be reached: check dli:obsEndpoint") from error
            raise DliError(f"{what} failed ({type(error).__name__}): run it again") from error


def _owner_in(found: Mapping[str, Any]) -> str:
    return str(found.get("Metadata", {}).get(_OWNER, ""))


def _age(found: Mapping[str, Any]) -> float:
    """Seconds since the object was written, both on the clock of OBS; endless where it does not tell."""
    told = found.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return float(parsedate_to_datetime(told).timestamp() - found["LastModified"].timestamp())
    except (KeyError, TypeError, ValueError):
        return math.inf


def _cancelled(what: str) -> CancelledError:
    return CancelledError(f"stopped waiting for {what}: the deployment was cancelled; `pulumi up` goes on from there")


def _client_error(error: BaseException) -> Any:
    """boto3 wraps a refusal of an upload in an exception of its own; the refusal is its context."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    inner = error.__cause__ or error.__context__
    return inner if isinstance(inner, ClientError) else None


def _refusal(what: str, response: dict[str, Any]) -> DliError:
    meta, said = response.get("ResponseMetadata", {}), response.get("Error", {})
    status, code = int(meta.get("HTTPStatusCode", 0)), str(said.get("Code", ""))
    if code == "NoSuchBucket":
        text = f"{what}: there is no such bucket: create it, or name another one in `bucket`"
        return NotFoundError(text, status=status, code=code)
    if 300 <= status < 400 or code in ("AuthorizationHeaderMalformed", "PermanentRedirect"):
        return ConfigError(f"{what}: the bucket {_home(meta, said)}: set dli:obsEndpoint to the address of OBS there")
    kind = AuthError if status in (401, 403) else ApiError
    return kind(
        f"{what}: {said.get('Message') or code}", status=status, code=code, request_id=str(meta.get("RequestId") or "")
    )


def _home(meta: dict[str, Any], said: dict[str, Any]) -> str:
    """Where a redirect says that a bucket lives."""
    headers = meta.get("HTTPHeaders", {})
    region = said.get("Region") or headers.get("x-amz-bucket-region") or headers.get("x-obs-bucket-location")
    address = said.get("Endpoint") or urlsplit(str(headers.get("location", ""))).netloc
    places = [f"in region {region}" if region else "", f"at {address}" if address else ""]
    return f"lives {' '.join(filter(None, places))}" if any(places) else "lives at another address, which OBS hides"


def _progress(call: Watched, name: str, size: int) -> Callable[[int], None]:
    sent = 0

    def told(more: int) -> None:
        nonlocal sent
        if call.cancelled.is_set():
            raise _cancelled(f"the upload of {name}")  # ends the transfer; `_asking` tells of it
        sent += more
        call.status(f"uploading {name}, {min(100 * sent // max(size, 1), 100)} %")

    return told


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.removeprefix("obs://").partition("/")
    return bucket, key


def _size(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except OSError as error:
        raise _unreadable(file, error) from error


def _digest(file: str) -> str:
    try:
        with Path(file).open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: str, error: OSError) -> DliError:
    return DliError(f"the package {file} cannot be read: {error.strerror or type(error).__name__}")
