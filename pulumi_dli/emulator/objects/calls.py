"""The object endpoint under `/obs`: as much of the S3 protocol as boto3 needs for jars and savepoints, path style.

`endpoint_url = http://127.0.0.1:PORT/obs`. Buckets and objects are rows of `records.py`. Signatures are not rebuilt:
without credentials anything is accepted, with an access key the caller must name that one (or use HTTP Basic).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as Xml

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.iam.records import Iam
from pulumi_dli.emulator.objects.records import Location, ObjectStore, StoredObject, Upload
from pulumi_dli.emulator.objects.upload import Blob, Incoming, UploadError

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_ACCESS = (re.compile(r"Credential=([^/,\s]+)/"), re.compile(r"(?:AWS|OBS) ([^:\s]+):"))
MOST_PARTS = 10_000
PIECE = 1024 * 1024
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_PART = re.compile(rb"<Part>.*?</Part>", re.S)


class S3Error(Exception):
    """An error document."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True)
class S3Call:
    """One request of the object endpoint."""

    core: Core
    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    upload: Incoming | None = None

    @property
    def where(self) -> Location:
        return Location(self.bucket, self.key)

    @property
    def objects(self) -> ObjectStore:
        return self.core.part(ObjectStore)


def operation_of(method: str, bucket: str, key: str, query: Mapping[str, str]) -> str:
    """The name in the journal."""
    verb = {"PUT": "put", "GET": "get", "HEAD": "head", "DELETE": "delete", "POST": "post"}.get(method, method.lower())
    if not key:
        return f"buckets.{'list' if not bucket else verb}"
    if "uploads" in query or "uploadId" in query:
        return f"objects.multipart_{verb}"
    return f"objects.{verb}"


def handle(call: S3Call) -> Reply:
    try:
        check_access(call)
        if not call.bucket:
            return _list_buckets(call)
        return _on_object(call) if call.key else _on_bucket(call)
    except (S3Error, UploadError) as error:
        return refused(error, call.bucket, call.key)
    except (ValueError, KeyError, Xml.ParseError):
        return refused(S3Error(400, "InvalidArgument", "A parameter or the body is malformed."), call.bucket, call.key)


def refused(error: S3Error | UploadError, bucket: str, key: str) -> Reply:
    """An error document."""
    facts = {"Code": error.code, "Message": str(error), "Resource": f"/{bucket}/{key}"}
    return _xml(_element("Error", facts), error.status)


def check_access(call: S3Call) -> None:
    wanted = call.core.settings.credentials.access_key
    if not wanted or call.core.part(Iam).has_basic(call.headers):
        return
    given = call.headers.get("authorization", "")
    found = next((match[1] for pattern in _ACCESS if (match := pattern.search(given))), None)
    in_query = call.query.get("X-Amz-Credential", "").split("/")[0] or call.query.get("AccessKeyId")
    if (found or in_query) is None or (found or in_query) == "":
        raise S3Error(403, "AccessDenied", "Access Denied")
    if (found or in_query) != wanted:
        raise S3Error(403, "InvalidAccessKeyId", "The access key does not exist here.")


# buckets


def _list_buckets(call: S3Call) -> Reply:
    root = _element("ListAllMyBucketsResult", {})
    _child(root, "Owner", {"ID": "local", "DisplayName": "local"})
    listed = Xml.SubElement(root, "Buckets")
    for bucket in call.objects.buckets.rows.values():
        _child(listed, "Bucket", {"Name": bucket.name, "CreationDate": _iso(bucket.created)})
    return _xml(root)


def _on_bucket(call: S3Call) -> Reply:
    if call.method == "PUT":
        if not _BUCKET.fullmatch(call.bucket):
            raise S3Error(400, "InvalidBucketName", "The bucket name is not valid.")
        call.objects.create_bucket(call.bucket)
        return Reply(200, headers={"Location": f"/{call.bucket}"})
    if not call.objects.has_bucket(call.bucket):
        raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist.")
    if call.method == "HEAD":
        return Reply(200, headers={"x-amz-bucket-region": "eu-de"})
    if call.method == "DELETE":
        if not call.objects.delete_bucket(call.bucket):
            raise S3Error(409, "BucketNotEmpty", "The bucket is not empty.")
        return Reply(204)
    if call.method == "POST" and "delete" in call.query:
        return _delete_many(call)
    if call.method == "GET" and "location" in call.query:
        document = _element("LocationConstraint", {})
        document.text = "eu-de"
        return _xml(document)
    if call.method == "GET":
        return _list_objects(call)
    raise S3Error(405, "MethodNotAllowed", "Not known here.")


def _list_objects(call: S3Call) -> Reply:
    query = call.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    most = int(query.get("max-keys") or 1000)
    token = query.get("continuation-token") or query.get("start-after") or query.get("marker") or ""
    contents: list[StoredObject] = []
    folders: list[str] = []
    last, truncated = "", False
    for row in call.objects.listed(call.bucket, prefix):
        if row.key <= token or (delimiter and folders and row.key.startswith(folders[-1])):
            continue
        if len(contents) + len(folders) >= most:
            truncated = True
            break
        rest = row.key[len(prefix) :]
        if delimiter and delimiter in rest:
            folders.append(prefix + rest.split(delimiter, 1)[0] + delimiter)
            last = folders[-1] + "\U0010ffff"
        else:
            contents.append(row)
            last = row.key
    facts = {"Name": call.bucket, "Prefix": prefix, "MaxKeys": str(most), "IsTruncated": str(truncated).lower()}
    if delimiter:
        facts["Delimiter"] = delimiter
    facts["KeyCount"] = str(len(contents) + len(folders))
    if truncated:
        facts["NextContinuationToken" if query.get("list-type") == "2" else "NextMarker"] = last
    root = _element("ListBucketResult", facts)
    for row in contents:
        shown = {"Key": row.key, "LastModified": _iso(row.modified), "ETag": f'"{row.etag}"', "Size": str(row.size)}
        _child(root, "Contents", {**shown, "StorageClass": "STANDARD"})
    for folder in folders:
        _child(root, "CommonPrefixes", {"Prefix": folder})
    return _xml(root)


def _delete_many(call: S3Call) -> Reply:
    root = _element("DeleteResult", {})
    for match in re.finditer(rb"<Key>(.*?)</Key>", call.body, re.S):
        key = _unescape(match[1])
        call.objects.delete(Location(call.bucket, key))
        _child(root, "Deleted", {"Key": key})
    return _xml(root)


# objects


def _on_object(call: S3Call) -> Reply:
    if not call.objects.has_bucket(call.bucket):
        raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist.")
    if "uploads" in call.query or "uploadId" in call.query:
        return _multipart(call)
    actions: dict[str, Callable[[S3Call], Reply]] = {"PUT": _put, "GET": _get, "HEAD": _get, "DELETE": _delete}
    if call.method not in actions:
        raise S3Error(405, "MethodNotAllowed", "Not known here.")
    return actions[call.method](call)


def _put(call: S3Call) -> Reply:
    source = call.headers.get("x-amz-copy-source") or call.headers.get("x-obs-copy-source")
    if source:
        return _copy(call, unquote(source).lstrip("/"))
    row = call.objects.put(call.where, _content(call), content_type=_type(call), metadata=_metadata(call))
    return Reply(200, headers={"ETag": f'"{row.etag}"'})


def _copy(call: S3Call, source: str) -> Reply:
    bucket, _, key = source.partition("/")
    found = call.objects.find(Location(bucket, key))
    if found is None:
        raise S3Error(404, "NoSuchKey", "The source does not exist.")
    directive = call.headers.get("x-amz-metadata-directive") or call.headers.get("x-obs-metadata-directive") or "COPY"
    replaces = directive.upper() == "REPLACE"
    if call.where == Location(bucket, key) and not replaces:
        raise S3Error(400, "InvalidRequest", "A copy of an object onto itself must replace its metadata.")
    blob = Blob(found.digest, found.size, found.etag)
    if not found.digest:  # a file of the runtime
        blob = call.objects.write([call.objects.read(found)])
    row = call.objects.put(
        call.where,
        blob,
        etag=found.etag,
        content_type=_type(call) if replaces else found.content_type,
        metadata=_metadata(call) if replaces else found.metadata,
    )
    return _xml(_element("CopyObjectResult", {"ETag": f'"{row.etag}"', "LastModified": _iso(row.modified)}))


def _get(call: S3Call) -> Reply:
    row = call.objects.find(call.where)
    if row is None:
        raise S3Error(404, "NoSuchKey", "The specified key does not exist.")
    headers = {
        "ETag": f'"{row.etag}"',
        "Last-Modified": formatdate(row.modified, usegmt=True),
        "Accept-Ranges": "bytes",
        **{f"x-amz-meta-{name}": value for name, value in row.metadata.items()},
    }
    if call.method == "HEAD":
        return Reply(200, headers={**headers, "Content-Length": str(row.size)}, media_type=row.content_type)
    content = call.objects.read(row)
    found = _RANGE.fullmatch(call.headers.get("range", ""))
    if not found or not (found[1] or found[2]):
        return Reply(200, raw=content, headers=headers, media_type=row.content_type)
    first = int(found[1]) if found[1] else max(0, row.size - int(found[2]))
    last = min(int(found[2]), row.size - 1) if found[1] and found[2] else row.size - 1
    if first > last:
        raise S3Error(416, "InvalidRange", "The range is not satisfiable.")
    headers["Content-Range"] = f"bytes {first}-{last}/{row.size}"
    return Reply(206, raw=content[first : last + 1], headers=headers, media_type=row.content_type)


def _delete(call: S3Call) -> Reply:
    call.objects.delete(call.where)
    return Reply(204)


def _multipart(call: S3Call) -> Reply:
    table, upload_id = call.objects.uploads, call.query.get("uploadId", "")
    if call.method == "POST" and "uploads" in call.query:
        number = call.core.next_id("upload", 1)
        upload_id = hashlib.md5(f"{number} {call.bucket}/{call.key}".encode(), usedforsecurity=False).hexdigest()
        table.save(upload_id, Upload(call.bucket, call.key, _type(call), _metadata(call)))
        facts = {"Bucket": call.bucket, "Key": call.key, "UploadId": upload_id}
        return _xml(_element("InitiateMultipartUploadResult", facts))
    upload = table.rows.get(upload_id)
    if upload is None or (upload.bucket, upload.key) != (call.bucket, call.key):
        raise S3Error(404, "NoSuchUpload", "The specified upload does not exist.")
    if call.method == "PUT":
        number = int(call.query["partNumber"])
        if not 1 <= number <= MOST_PARTS:
            raise S3Error(400, "InvalidArgument", f"partNumber is 1 to {MOST_PARTS}.")
        blob = _content(call)
        upload.parts[str(number)] = [blob.digest, blob.etag]
        table.save(upload_id, upload)
        return Reply(200, headers={"ETag": f'"{blob.etag}"'})
    if call.method == "DELETE":
        table.drop(upload_id)
        return Reply(204)
    if call.method == "POST":
        return _complete(call, upload_id, upload)
    root = _element("ListPartsResult", {"Bucket": call.bucket, "Key": call.key, "UploadId": upload_id})
    for part, (_, made) in sorted(upload.parts.items(), key=lambda item: int(item[0])):
        _child(root, "Part", {"PartNumber": part, "ETag": f'"{made}"'})
    return _xml(root)


def _complete(call: S3Call, upload_id: str, upload: Upload) -> Reply:
    wanted = []
    for part in _PART.findall(call.body):
        number = re.search(rb"<PartNumber>\s*(\d+)", part)
        tag = re.search(rb"<ETag>(.*?)</ETag>", part, re.S)
        wanted.append((number[1].decode() if number else "", _unescape(tag[1]).strip('" ') if tag else ""))
    if not wanted or any(part not in upload.parts or upload.parts[part][1] != made for part, made in wanted):
        raise S3Error(400, "InvalidPart", "A part is missing or has another ETag.")
    order = [int(part) for part, _ in wanted]
    if order != sorted(set(order)):
        raise S3Error(400, "InvalidPartOrder", "The parts are not in order.")
    files = [call.objects.path_of(upload.parts[part][0]) for part, _ in wanted]
    blob = call.objects.write(piece for file in files for piece in _pieces(file))
    joined = hashlib.md5(b"".join(bytes.fromhex(made) for _, made in wanted), usedforsecurity=False).hexdigest()
    etag = f"{joined}-{len(wanted)}"
    call.objects.put(call.where, blob, etag=etag, content_type=upload.content_type, metadata=upload.metadata)
    call.objects.uploads.drop(upload_id)
    facts = {"Location": f"/{call.bucket}/{call.key}", "Bucket": call.bucket, "Key": call.key, "ETag": f'"{etag}"'}
    return _xml(_element("CompleteMultipartUploadResult", facts))


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece


# bodies


def _content(call: S3Call) -> Blob:
    """The bytes of an upload, as promised."""
    if call.upload is None:
        raise S3Error(400, "InvalidRequest", "An upload is needed.")
    blob = call.objects.keep(call.upload)
    promised = call.headers.get("content-md5")
    if promised and base64.b64decode(promised, validate=True).hex() != blob.etag:
        raise S3Error(400, "BadDigest", "The Content-MD5 does not match.")
    return blob


def is_framed(headers: Mapping[str, str]) -> bool:
    """Whether the body comes in chunk frames, in which newer clients send checksums."""
    streamed = headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
    return streamed or "aws-chunked" in headers.get("content-encoding", "")


def _type(call: S3Call) -> str:
    return call.headers.get("content-type") or "binary/octet-stream"


def _metadata(call: S3Call) -> dict[str, str]:
    start = "x-amz-meta-"
    return {name[len(start) :]: value for name, value in call.headers.items() if name.startswith(start)}


def _unescape(text: bytes) -> str:
    return Xml.fromstring(b"<t>" + text + b"</t>").text or ""  # noqa: S314  (a short text of a local caller)


def _element(name: str, facts: Mapping[str, str]) -> Xml.Element:
    root = Xml.Element(name, {"xmlns": NAMESPACE} if name != "Error" else {})
    for key, value in facts.items():
        Xml.SubElement(root, key).text = value
    return root


def _child(parent: Xml.Element, name: str, facts: Mapping[str, str]) -> None:
    child = Xml.SubElement(parent, name)
    for key, value in facts.items():
        Xml.SubElement(child, key).text = value


def _xml(root: Xml.Element, status: int = 200) -> Reply:
    return Reply(status, raw=Xml.tostring(root, encoding="utf-8", xml_declaration=True), media_type="application/xml")


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
