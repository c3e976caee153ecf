"""A whole list of the service, page by page. Offsets are rows.

It ends where a page brings nothing new. A list that would then lack rows that the service counts, or that never ends,
is no answer: what it does not hold would pass for gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pulumi_dli.api.decoding import Record, read_int, read_records
from pulumi_dli.api.responses import Request, Response
from pulumi_dli.api.transport import Transport
from pulumi_dli.errors import UnexpectedAnswerError
from pulumi_dli.patience import leave_if_cancelled

PAGE = 100
MOST_PAGES = 500  # of one list: a service that goes on after these repeats itself, or makes things up

RecordT = TypeVar("RecordT", bound=Record)


def all_rows(
    transport: Transport,
    request: Request,
    model: type[RecordT],
    record: str,
    *,
    identity: Callable[[RecordT], str],
    counts_all: bool,
) -> list[RecordT]:
    """All rows of a list, each once; the request's `says` is the field that holds them.

    Args:
        record: one row in words, for errors.
        counts_all: whether `count` is that of all pages; else only a page that is not full is the last.

    Raises:
        UnexpectedAnswerError: the list lacks rows that the service counts, or does not end.
    """
    (key,) = request.says

    def read(answer: Response) -> tuple[tuple[RecordT, ...], int]:
        value = answer.object()
        count = read_int(value.get("count")) if counts_all else None
        return read_records(model, value.get(key), record), count or 0

    found: dict[str, RecordT] = {}
    received = 0
    for _ in range(MOST_PAGES):
        place = (("limit", str(PAGE)), ("offset", str(received)))
        page, count = transport.read(replace(request, query=(*request.query, *place)), read)
        known, received = len(found), received + len(page)
        found |= {identity(row): row for row in page}
        if page and len(found) == known < count:
            raise _no_list(request, f"lacks rows: it repeats {known} of {count}")
        if len(found) == known or (len(page) < PAGE and received >= count):
            return [*found.values()]
        leave_if_cancelled("the rest of a list")
    raise _no_list(request, f"does not end after {MOST_PAGES} pages")


def _no_list(request: Request, problem: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(f"{request.what}: the list {problem}", status=200, method=request.method)
