"""Bodies of requests: read within a bound, and as JSON that can be kept and answered."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import Request

from pulumi_dli.emulator.core.errors import Refusal

MOST_BYTES = 8 * 1024 * 1024  # of all bodies but uploads; the largest documented one, a SQL text, has 1 MB
_MOST_DIGITS = 19


async def read_body(request: Request) -> bytes:
    """The whole body; 413 when it is too long."""
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MOST_BYTES:
            raise Refusal(413, "DLI.0001", f"The request body is longer than {MOST_BYTES} bytes.")
    return bytes(found)


def parse_json(body: bytes) -> Any:
    """The value, None for an empty body; `ValueError` on what is no JSON, too deep, or not to be written again."""
    if not body:
        return None
    try:
        parsed = json.loads(body.decode("utf-8"), parse_constant=_no_number, parse_float=_float, parse_int=_int)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if b"\\u" in body:
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")  # UnicodeEncodeError, a ValueError, on a lone surrogate
    return parsed


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _float(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("a number is too large")
    return found


def _int(text: str) -> int:
    if len(text.lstrip("-")) > _MOST_DIGITS:
        raise ValueError("a number is too large")
    return int(text)
