"""A request whose body has been read, what it presents, and how an answer is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pulumi_dli.emulator.core.faults import Fault
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.iam.records import Presented
from pulumi_dli.emulator.objects.upload import Incoming as UploadFile
from pulumi_dli.emulator.server.bodies import parse_json

SAFE_HEADERS = {  # an answer shows what callers sent: no browser is to run it
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


class _NoJson:
    """The body of a request that is not valid JSON."""


NO_JSON = _NoJson()


@dataclass
class Incoming:
    """A request whose body has been read."""

    operation: str
    request: Request
    body: bytes = b""
    parsed: Any = None
    upload: UploadFile | None = None
    fault: Fault | None = None


Handle = Callable[[Incoming], Reply]


def presented(request: Request, body: bytes) -> Presented:
    raw_path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").split("?")[0]
    raw_query = request.scope["query_string"].decode("latin-1")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Presented(request.method, raw_path, raw_query, headers, body)


def parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError:
        return NO_JSON


def media_type(request: Request) -> str:
    return str(request.headers.get("content-type", "")).split(";")[0].strip().lower()


def response(reply: Reply) -> Response:
    content = reply.raw
    headers = {**SAFE_HEADERS, **reply.headers}
    if content is None:
        content = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()
    media_type = reply.media_type if content or reply.media_type != "application/json" else None
    return Response(content, status_code=reply.status, headers=headers, media_type=media_type)
