"""What names of OBS, packages and networks look like: shapes, as in `shapes.py`, that no single pattern says.

They import the standard library alone, too. A reason never holds the value.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

from pulumi_dli.specs.package_names import is_local
from pulumi_dli.specs.shapes import Single, Text, has_control

_LONGEST_KEY = 1024  # bytes of an object's key in OBS
_BUCKET = r"(?![0-9]+(\.[0-9]+){3}$)(?!.*(\.\.|\.-|-\.))[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]"
# dli_02_0253
_PACKAGE = r"(?!\.)[A-Za-z0-9_!.\-]{1,128}"
_PACKAGE_RULE = "names a package in 1 to 128 letters, digits or _ ! - . and no dot in front"

BUCKET = Text(
    pattern=_BUCKET,
    rule="must be the name of a bucket: 3 to 63 lower-case letters, digits, - or ., without obs:// and folders",
)
PACKAGE_NAME = Text(pattern=_PACKAGE, rule=_PACKAGE_RULE)
DIGEST = Text(pattern=r"[\w+/=:.\-]{1,128}", rule="must be a digest: a text of 1 to 128 letters and digits")
NONCE = Text(most=256)
AGENCY = Text(
    pattern=r"[A-Za-z0-9_][A-Za-z0-9_.\- ]{0,62}[A-Za-z0-9_.\-]|[A-Za-z0-9_]",
    rule="must be the name (not the URN) of an agency: 1 to 64 letters, digits or _ . -",
)
PACKAGE_RULE = "must be a package: group.package(…), group/package.jar, package.jar or obs://bucket/key"


class Folder(Text):
    """A folder in OBS: `obs://bucket/folder/` or `bucket/folder/`."""

    def _bad(self, value: Any) -> str | None:
        bucket, _, key = str(value).removeprefix("obs://").partition("/")
        if not isinstance(value, str) or not key.strip("/") or BUCKET.problem(bucket):
            return "must be a folder in OBS: obs://bucket/folder/"
        return _bad_key(key)


class Prefix(Text):
    """A folder inside a bucket; empty for its root."""

    def _bad(self, value: Any) -> str | None:
        if bad := super()._bad(value):
            return bad
        folder = str(value).strip("/")
        return _bad_key(folder) if folder else (None if value in ("", "/") else "has an empty folder")


class PackagePath(Single):
    """Where a package is, as a job takes it (dli-api 5.8): `obs://bucket/key`, `group/package` or `package`."""

    def _bad(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return PACKAGE_RULE
        if value.startswith("obs://"):
            return _bad_object(value)
        group, slash, name = value.rpartition("/")
        if "/" in group or value.strip("/") != value or not value.strip():
            return "a package is named group/package.jar, package.jar or obs://bucket/key"
        if slash and not re.fullmatch(r"[A-Za-z0-9._\-]{1,64}", group):
            return "names a group that cannot exist: it has 1 to 64 letters, digits or . _ -"
        return PACKAGE_NAME.problem(name)


class GroupPath(Text):
    """Where a package of a group comes from: an object in OBS, its URL, or a local file that is uploaded first."""

    def _bad(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return super()._bad(value)
        if is_local(value):
            return _bad_file(value)
        if has_control(value) or " " in value:
            return "holds blanks or control characters"
        if value.startswith("obs://"):
            return _bad_object(value)
        scheme, _, rest = value.partition("://")
        host, _, key = rest.partition("/")
        if scheme not in ("http", "https") or not key:
            return "a package is obs://bucket/key, the https URL of an OBS object, or a local file"
        if not re.fullmatch(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?", host):
            return "must be the https URL of an OBS object, without user and password"
        return _bad_key(key)


class LocalFile(Text):
    """A file of this machine that can be uploaded. One that is not there is found when it is read."""

    def _bad(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return super()._bad(value)
        if not is_local(value):
            return "is a local file; an object in OBS needs no upload: give its obs:// path to the job itself"
        return _bad_file(value)


class SqlFile(Text):
    """A file of this machine with a text. One that is not there is found when the program reads it."""

    def _bad(self, value: Any) -> str | None:
        return _bad_file(value) if isinstance(value, str) else super()._bad(value)


class Network(Text):
    """An IPv4 network that a queue or pool may have."""

    def _bad(self, value: Any) -> str | None:
        import ipaddress  # noqa: PLC0415  (only who names a network pays for it)

        try:
            found = ipaddress.IPv4Network(value if isinstance(value, str) else "")
        except ValueError:
            return "must be an IPv4 network such as 10.0.0.0/14, with no bit set behind the prefix"
        if "/" not in value or not 8 <= found.prefixlen <= 24:
            return "must have a prefix from /8 to /24: 16 CUs need a /24 at least"
        private = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
        if not any(found.subnet_of(ipaddress.IPv4Network(network)) for network in private):
            return f"must lie in {private[0]}, {private[1]} or {private[2]}"
        return None


class Address(Text):
    """An IPv4 address."""

    def _bad(self, value: Any) -> str | None:
        import ipaddress  # noqa: PLC0415  (as above)

        try:
            ipaddress.IPv4Address(value if isinstance(value, str) else "")
        except ValueError:
            return "must be an IPv4 address such as 192.168.0.10"
        return None


class Destination(Text):
    """A network that pools may reach, of IPv4 or IPv6; never one of the service's own (dli_01_0014)."""

    def _bad(self, value: Any) -> str | None:
        import ipaddress  # noqa: PLC0415  (as above)

        try:
            found = ipaddress.ip_network(value if isinstance(value, str) and "/" in value else "")
        except ValueError:
            return "must be a network such as 192.168.2.0/24, with no bit set behind the prefix"
        own = [ipaddress.IPv4Network(network) for network in ("100.125.0.0/16", "100.64.0.0/16")]
        if isinstance(found, ipaddress.IPv4Network) and any(found.overlaps(network) for network in own):
            return "must not touch 100.125.0.0/16 and 100.64.0.0/16: the service reaches itself there"
        return None


def _bad_object(path: str) -> str | None:
    bucket, _, key = path.removeprefix("obs://").partition("/")
    if BUCKET.problem(bucket) or not key or key.endswith("/"):
        return "must be an object in OBS: obs://bucket/key"
    if re.search(r"[?#]", key):
        return "holds ? or #, which no path to a package has"
    return _bad_key(key)


def _bad_key(key: str) -> str | None:
    """Of an object or folder."""
    if has_control(key):
        return "holds control characters"
    parts = key.removesuffix("/").split("/")
    if any(part in (".", "..") for part in parts):
        return "has . or .. as a folder: OBS keeps such names as they are, so it would be another place"
    if any(not part.strip() or part != part.strip() for part in parts):
        return "has an empty folder, or a name with blanks at its ends"
    if "\\" in key:
        return "has a backslash: folders are separated by /"
    return None if len(key.encode()) <= _LONGEST_KEY else f"has a key of more than {_LONGEST_KEY} bytes"


def _bad_file(path: str) -> str | None:
    if has_control(path):
        return "holds control characters"
    if not path.strip():
        return "must name a file"
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return None if stat.S_ISREG(found.st_mode) else "is not a regular file: a device, pipe or folder is no package"
