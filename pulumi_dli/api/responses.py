"""Requests and answers as values, and which error an answer is (dli-api 3).

`transport.py` makes an `Response` of what came back and asks `refusal` whether it is an error; the sections read the
others. Pure: nothing is sent here.

    answer                                                     raised
    429                                                        ThrottledError
    408, DLI.0019                                              UnknownOutcomeError
    5xx to a READ                                              ApiError (repeated by retry.py)
    5xx to anything else, unless clearly refused (retry.py)    UnknownOutcomeError
    gone (gone.py)                                             NotFoundError
    401, 403, DLI.0003, DLI.0013 to DLI.0016                   AuthError
    duplicate on a create; status forbids the call             ConflictError
    a redirect, any other 4xx, 2xx with is_success false       ApiError
    2xx without what a success of this call holds (`says`)     UnexpectedAnswerError, of a write UnreadableOutcomeError
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from pulumi_dli.api.decoding import is_true, read_text
from pulumi_dli.api.not_found import Subject, is_gone
from pulumi_dli.api.retry import Idempotency, is_clear_refusal
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConflictError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnexpectedAnswerError,
    UnknownOutcomeError,
    UnreadableOutcomeError,
)
from pulumi_dli.redaction import visible

_AUTH_CODES = frozenset({"DLI.0003", "DLI.0013", "DLI.0014", "DLI.0015", "DLI.0016"})
_DUPLICATE_CODES = frozenset({"DLI.0006", "DLI.11004"})
# The objects these name are missing ones that a create refers to: their texts hold "exist" as well (dli-api 3.4).
_MISSING_CODES = frozenset({"DLI.0002", "DLI.11016", "DLI.11032"})
_DENIED = re.compile(r"(\bnot|n't|\bno longer|\bcannot)\s+(yet\s+|already\s+)?exist|\bno\b.*\bexists?\b", re.IGNORECASE)
_NEXT_STEPS = {
    "DLI.11016": "let DLI use the bucket: `pulumi-dli doctor --bucket NAME --authorize`, or at the console",
    "DLI.11032": "create the SMN topic, or take smn_topic out",
}
"""What to do about a refusal whose own text does not say it (dli-api 3.4)."""
_CLIPPED = 500
_CLIPPED_ID = 64  # of codes and request ids


@dataclass(frozen=True)
class Request:
    """One call of the service.

    Attributes:
        version: the API's version of this very path; they are mixed on purpose (dli-api 0.3).
        segments: of the path after the project id, not yet percent-encoded.
        what: the call in words, for errors ("delete queue orders").
        subject: the kind of object the path names, None when it names none.
        creates: whether "exists already" is what a refusal may mean.
        batch: whether the body of a 400 may be an array of results.
        says: fields of which the body of a success holds one; a body without is no answer to this call.
        may_be_empty: whether a success may come without a body.
        any_text: whether it may come with anything instead of an object, as long as it is no page of HTML.
    """

    method: str
    version: str
    segments: tuple[str, ...]
    what: str
    repeat: Idempotency
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    subject: Subject | None = None
    creates: bool = False
    batch: bool = False
    says: tuple[str, ...] = ("is_success",)
    may_be_empty: bool = False
    any_text: bool = False


@dataclass(frozen=True)
class Response:
    """What came back: `value` is the decoded JSON, the plain text when it is none, or None for an empty body."""

    request: Request
    status: int
    value: Any
    path: str = ""
    request_id: str = ""
    retry_after_seconds: float | None = None
    first_words: str = ""

    def object(self) -> dict[str, Any]:
        """The body as an object.

        Raises:
            UnexpectedAnswerError: it is none.
        """
        if isinstance(self.value, Mapping):
            return dict(self.value)
        raise self.unreadable("no JSON object")

    def unreadable(self, found: str) -> UnexpectedAnswerError:
        """The error for a body that does not hold what it should."""
        text = f"{self.request.what}: the answer holds {found}"
        if self.first_words:
            text += f"; it begins with {self.first_words}"
        if self.request.repeat is Idempotency.READ:
            return self._unexpected(UnexpectedAnswerError, text)
        return self._unexpected(UnreadableOutcomeError, f"{text}; the outcome is unknown")

    def _unexpected(self, kind: type[UnexpectedAnswerError], text: str) -> UnexpectedAnswerError:
        return kind(text, status=self.status, request_id=self.request_id, method=self.request.method, path=self.path)

    def error(self, kind: type[ApiError], code: str, message: str) -> ApiError:
        """An error of this answer."""
        return kind(
            message,
            status=self.status,
            code=code,
            request_id=self.request_id,
            method=self.request.method,
            path=self.path,
        )


def decode(content: bytes) -> Any:
    """A body as JSON, else as text; None when it is empty (dli-api 5.5)."""
    text = content.decode("utf-8", errors="replace").strip()
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def refusal(answer: Response) -> DliError | None:
    """The error that an answer is; None when the service did what was asked."""
    if 200 <= answer.status < 300:
        return _of_success(answer)
    if answer.request.batch and answer.status == 400 and isinstance(answer.value, list):
        return None
    return _classified(answer)


def _of_success(answer: Response) -> DliError | None:
    """A 2xx is a success when its body says so, in the fields that this call answers with."""
    request, value = answer.request, answer.value
    if isinstance(value, Mapping):
        if not is_true(value.get("is_success")):
            return _classified(answer)
        if any(value.get(key) is not None for key in request.says):
            return None
        if _code(value):
            return _classified(answer)
        return None if request.any_text else answer.unreadable("nothing of what a success says")
    if value is None:
        acknowledged = answer.status == HTTPStatus.NO_CONTENT and request.says == ("is_success",)
        return None if request.may_be_empty or acknowledged else answer.unreadable("nothing")
    if request.any_text and not (isinstance(value, str) and value.startswith("<")):
        return None
    if isinstance(value, list):
        return None if request.batch else answer.unreadable("a list")
    return answer.unreadable("no JSON object")


def read_error(value: object, status: int) -> tuple[str, str]:
    """Code ("" when there is none) and text of an error body, whatever its shape (dli-api 3.2)."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, Mapping) and _code(item)), None)
    if isinstance(value, Mapping) and isinstance(value.get("error"), Mapping):
        value = value["error"]  # IAM's shape
    if isinstance(value, Mapping):
        text = next((read_text(value.get(key)) for key in ("error_msg", "errorMsg", "message", "title")
                     if read_text(value.get(key))), None)  # fmt: skip
        if text is None and value.get("encoded_authorization_message"):
            text = "denied by a policy"
        return _code(value), clip(_with_detail(text or _phrase(status), value.get("error_json_opt")))
    return "", (clip(value) if isinstance(value, str) else "") or _phrase(status)


def is_queue_assigning(error: BaseException) -> bool:
    """Whether the queue's compute is not there yet: wait and repeat the call (dli-api 3.6, 4.8)."""
    return isinstance(error, ApiError) and "is assigning" in error.message


def retry_after(text: str | None, date: str | None) -> float | None:
    """Seconds of a `Retry-After` header: a number, or a time to compare with the answer's own `Date`."""
    if not text:
        return None
    try:
        return max(float(text), 0.0) if text.strip().isdigit() else max(epoch(text) - epoch(date or ""), 0.0)
    except (ValueError, TypeError):
        return None


def epoch(date: str) -> float:
    """Seconds since the epoch of an HTTP date.

    Raises:
        ValueError: it is none.
    """
    return parsedate_to_datetime(date).timestamp()


def _classified(answer: Response) -> DliError:
    request, status = answer.request, answer.status
    code, text = read_error(answer.value, status)
    text = f"{text.rstrip('.')}: {_NEXT_STEPS[code]}" if code in _NEXT_STEPS else text
    plain = answer.error(ApiError, code, text)
    if status == 429:
        throttled = ThrottledError(
            text, status=status, code=code, request_id=answer.request_id, method=request.method, path=answer.path
        )
        throttled.retry_after_seconds = answer.retry_after_seconds
        return throttled
    unknown = status >= 500 and request.repeat is not Idempotency.READ and not is_clear_refusal(plain)
    if status == 408 or code == "DLI.0019" or unknown:
        return UnknownOutcomeError(f"{request.what}: the outcome is unknown: {plain}")
    if is_gone(request.subject, status=status, code=code, message=text, empty=answer.value is None):
        return answer.error(NotFoundError, code, text)
    if status in (401, 403) or code in _AUTH_CODES:
        return answer.error(AuthError, code, text)
    if (request.creates and _is_duplicate(code, text)) or _is_status_conflict(request, code, text):
        return answer.error(ConflictError, code, text)
    if 300 <= status < 400:
        return answer.error(
            ApiError, code, "the service answered with a redirect, which is not followed: check dli:endpoint"
        )
    return plain


def _is_duplicate(code: str, text: str) -> bool:
    """By code, else by the text: the number for jobs is inherited from an older service (dli-api 3.4)."""
    if code in _DUPLICATE_CODES:
        return True
    return code not in _MISSING_CODES and "exist" in text.lower() and not _DENIED.search(text)


def _is_status_conflict(request: Request, code: str, text: str) -> bool:
    busy = code == "DLI.0007" and request.method == "DELETE"  # a queue with running jobs (dli-api 4.4)
    return busy or code == "DLI.15002" or "is assigning" in text


def _code(value: Mapping[Any, Any]) -> str:
    keys = ("error_code", "errorCode", "code")
    code = next((code for key in keys if isinstance(code := value.get(key), str) and code), "")
    return clip(code, _CLIPPED_ID)


def _with_detail(text: str, detail: object) -> str:
    """Adds what `error_json_opt` says, in either of its two shapes."""
    if not isinstance(detail, Mapping):
        return text
    inner = detail.get("message", detail.get("error"))
    said = read_text(inner.get("text")) if isinstance(inner, Mapping) else read_text(inner)
    start = inner.get("start") if isinstance(inner, Mapping) else None
    parts = [said] if said and said not in text else []
    if isinstance(start, list) and len(start) == 2 and all(isinstance(number, int) for number in start):
        line, column = start  # of the SQL text (dli-api 3.2)
        if not re.search(rf"\bline\W{{1,3}}{line}\b.{{1,20}}\b{column}\b", f"{text} {said}"):
            parts.append(f"at line {line}, column {column}")
    return f"{text} ({'; '.join(parts)})" if parts else text


def _phrase(status: int) -> str:
    try:
        return f"{HTTPStatus(status).phrase} (no text in the answer)"
    except ValueError:
        return f"HTTP {status} (no text in the answer)"


def clip(text: str, most: int = _CLIPPED) -> str:
    """One line of at most so many characters, nothing in it that a terminal would obey."""
    line = visible(" ".join(text[: 4 * most].split()))
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1]}…"
