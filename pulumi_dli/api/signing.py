"""Requests signed with an access key (SDK-HMAC-SHA256, dli-api 2.2), as an auth class of `requests`.

`transport.py` attaches it, so that it signs the very bytes and address that are sent. Our own, because the vendor's
core package brings a database driver along; the tests compare both.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from pulumi_dli.connection import AccessKey

_ALGORITHM = "SDK-HMAC-SHA256"
# Proxies may change any other header on the way.
_SIGNED_HEADERS = ("content-type", "host", "x-project-id", "x-sdk-date", "x-security-token")


class AccessKeyAuth(AuthBase):
    """Signs each request; a request that carries `X-Sdk-Date` already keeps it."""

    def __init__(self, key: AccessKey, project_id: str) -> None:
        self._key = key
        self._project_id = project_id

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        url = str(r.url)
        r.headers.setdefault("X-Sdk-Date", datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"))
        r.headers["Host"] = urlsplit(url).netloc
        r.headers["X-Project-Id"] = self._project_id
        if self._key.security_token:
            r.headers["X-Security-Token"] = self._key.security_token
        body = r.body.encode() if isinstance(r.body, str) else bytes(r.body or b"")
        signed = {name: str(r.headers[name]) for name in _SIGNED_HEADERS if name in r.headers}
        r.headers["Authorization"] = authorization(str(r.method), url, signed, body, self._key)
        return r


def authorization(method: str, url: str, headers: Mapping[str, str], body: bytes, key: AccessKey) -> str:
    """The `Authorization` header for a request; every one of `headers` is signed, `x-sdk-date` must be among them."""
    named = {name.lower(): value.strip() for name, value in headers.items() if "_" not in name}
    names = ";".join(sorted(named))
    canonical = canonical_request(method, url, named, body)
    to_sign = f"{_ALGORITHM}\n{named['x-sdk-date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key.secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{_ALGORITHM} Access={key.access_key}, SignedHeaders={names}, Signature={signature}"


def canonical_request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
    """What both sides hash: `headers` have lower-case names and trimmed values."""
    parts = urlsplit(url)
    path = "/".join(quote(segment, safe="~") for segment in unquote(parts.path).split("/"))
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    names = ";".join(sorted(headers))
    # The canonical path always ends with a slash, though the real one does not.
    ended = path if path.endswith("/") else f"{path}/"
    return "\n".join((method.upper(), ended, query, lines, names, hashlib.sha256(body).hexdigest()))
