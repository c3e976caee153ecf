"""Whether an answer says that an object does not exist: decided here alone (dli-api 3.5).

`responses.py` asks for every refused request that named an object. A wrong "gone" makes a live stream look deleted, so
whatever is not listed there is something else. Missing objects come as 400 more often than as 404, and a 404
of the gateway only says that the region has no such API (dli-api 2.3).
"""

from __future__ import annotations

import re
from enum import StrEnum

from pulumi_dli.errors import ApiError, AuthError, DliError


class Subject(StrEnum):
    """What kind of object a request is about."""

    QUEUE = "queue"
    POOL = "elastic resource pool"
    PACKAGE = "package"
    JOB = "job"
    TAGGED = "tagged resource"
    CONNECTION = "datasource connection"
    ROUTE = "route of a datasource connection"


# 16001: details; 17001: delete; 13007: run. All three mean "job id does not exist" (dli-api 3.4).
_MISSING_JOB = frozenset({"DLI.16001", "DLI.17001", "DLI.13007"})
# DLI.0001 is the code of any wrong parameter: only the text tells (dli-api 3.5, 13.2). The other ends of a connection,
# its pools and queues, are missing with DLI.0002.
_MISSING_PART = re.compile(r"\b(connection|route)\b.*\b(does not|doesn't) exist", re.IGNORECASE)


def is_gone(subject: Subject | None, *, status: int, code: str, message: str, empty: bool = False) -> bool:
    """Whether this refusal says that the object of the request does not exist.

    Args:
        subject: the kind of object the request named; None when it named none (then nothing can be gone).
        empty: whether the answer had no body at all.
    """
    dli = code.startswith("DLI.")
    if subject is Subject.QUEUE:
        if status == 400 and code == "DLI.0008":  # also the code of other metadata errors
            return "no queue named" in message.lower()
        return (status == 400 and code == "DLI.0002") or (status == 404 and dli)
    if subject is Subject.PACKAGE:
        return (status == 400 and code == "DLI.0002") or (status == 404 and (dli or empty))
    if subject is Subject.JOB:
        return status == 400 and code in _MISSING_JOB
    if subject in (Subject.TAGGED, Subject.POOL):
        return (status == 400 and code == "DLI.0002") or (status == 404 and dli)
    if subject in (Subject.CONNECTION, Subject.ROUTE):
        missing = _MISSING_PART.search(message) if status == 400 and code == "DLI.0001" else None
        parts = {"connection"} if subject is Subject.CONNECTION else {"connection", "route"}
        return (status == 404 and dli) or (missing is not None and missing[1].lower() in parts)
    return False


def is_said_missing(status: int, code: str) -> bool:
    """Whether this is one of the two codes that Open Telekom Cloud's own table has for a missing object (dli-api 3.5).

    They are general ones: of a job only the list, which does not have it either, makes them mean "gone".
    """
    return (status, code) in ((400, "DLI.0002"), (404, "DLI.0023"))


def is_unsupported(error: BaseException) -> bool:
    """Whether the region does not offer the call at all: a 404 of the gateway (dli-api 2.3, 3.2), never "gone"."""
    status, code = getattr(error, "status", None), getattr(error, "code", "")
    return isinstance(error, DliError) and status == 404 and str(code).startswith("APIG")


def may_not_read_tags(error: BaseException) -> bool:
    """Whether a tag call was refused for want of a right, or by a service that has no such call: tags are not known.

    The rights for tags are apart from those for the objects (dli-api 2.4), so this says nothing of the object.
    """
    return isinstance(error, AuthError) or (isinstance(error, ApiError) and error.status == 405)
