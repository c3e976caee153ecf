"""Checks an SDK-HMAC-SHA256 signature by rebuilding the canonical request (dli-api 2.2).

It takes the names from `SignedHeaders`, never from a fixed list. Clients have their own signer: nothing is shared.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
TOLERANCE_SECONDS = 15 * 60
_HEADER = re.compile(
    rf"{ALGORITHM} Access=(?P<access>[^,\s]+), ?SignedHeaders=(?P<names>[^,\s]+), ?Signature=(?P<sig>\w+)"
)


class SignatureError(Exception):
    """Why a signature is not accepted."""


@dataclass(frozen=True)
class Signature:
    """The parts of an Authorization header."""

    access: str
    names: Sequence[str]
    value: str


def parse(authorization: str) -> Signature:
    """The parts, or `SignatureError` on a malformed header."""
    found = _HEADER.fullmatch(authorization.strip())
    if not found:
        raise SignatureError("the Authorization header is malformed")
    names = found["names"].lower().split(";")
    if "x-sdk-date" not in names:  # and `host` not always: the vendor's own client for Go signs without it
        raise SignatureError("x-sdk-date must be signed")
    return Signature(found["access"], names, found["sig"])


def check_date(text: str, *, now: float) -> None:
    """Refuses dates more than 15 minutes off the wall clock."""
    try:
        made = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise SignatureError("X-Sdk-Date is malformed") from error
    if abs(now - made) > TOLERANCE_SECONDS:
        raise SignatureError("X-Sdk-Date is more than 15 minutes off: the request has expired")


def check(
    signature: Signature,
    *,
    secret: str,
    method: str,
    raw_path: str,
    raw_query: str,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """Refuses a signature that the secret does not give for this request."""
    request = canonical_request(method, raw_path, raw_query, headers, names=signature.names, body=body)
    expected = sign(request, secret=secret, date=headers.get("x-sdk-date", ""))
    if not hmac.compare_digest(expected, signature.value):
        raise SignatureError("verify aksk signature fail")


def sign(request: str, *, secret: str, date: str) -> str:
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{hashed}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical_request(
    method: str, raw_path: str, raw_query: str, headers: Mapping[str, str], *, names: Sequence[str], body: bytes
) -> str:
    path = "/".join(quote(unquote(part), safe="~") for part in raw_path.split("/"))
    path = path if path.endswith("/") else path + "/"
    pairs = sorted(parse_qsl(raw_query, keep_blank_values=True))
    query = "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs)
    block = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names)
    return "\n".join((method, path, query, block, ";".join(names), hashlib.sha256(body).hexdigest()))
