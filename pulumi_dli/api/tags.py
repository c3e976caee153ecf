"""Tags of queues, packages and jobs (dli-api 4.7).

The vendor documents these calls, Open Telekom Cloud does not: where a region lacks them the gateway answers 404, which
`is_unsupported` recognises. Then nothing is known about tags; it never means that the resource is gone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from pulumi_dli.api.decoding import read_int, read_pairs, read_text, tag_list
from pulumi_dli.api.not_found import Subject
from pulumi_dli.api.responses import Request, Response
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport
from pulumi_dli.patience import leave_if_cancelled

_VERSION = "v3"
PAGE = 100
MOST_PAGES = 500  # of one list: a service that goes on after these repeats itself, or makes things up
LONG_PAGE = 1000  # nothing is published about the most; whoever asks for so many bears a refusal

QUEUE = "dli_queue"
POOL = "dli_elastic_resource_pool"
CONNECTION = "dli_enhanced_datasource"
PACKAGE = "dli_package_resource"
FLINK_JOB = "dli_flink_job"


class Tags:
    """The calls of `/{resource_type}/…/tags`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, resource_type: str, resource_id: str) -> dict[str, str]:
        """The tags of one resource."""
        request = Request(
            "GET",
            _VERSION,
            (resource_type, resource_id, "tags"),
            f"read the tags of {resource_type} {resource_id}",
            Idempotency.READ,
            subject=Subject.TAGGED,
            says=("tags",),
        )

        def pairs(answer: Response) -> dict[str, str]:
            tags = read_pairs(answer.object().get("tags"))
            if tags is None:
                raise answer.unreadable("tags that cannot be read")
            return tags

        return self._transport.read(request, pairs)

    def create(self, resource_type: str, resource_id: str, tags: Mapping[str, str]) -> None:
        """Set tags; a key that is there gets the new value. May be repeated."""
        self._change("create", resource_type, resource_id, tags)

    def delete(self, resource_type: str, resource_id: str, tags: Mapping[str, str]) -> None:
        """Remove tags; the service wants key and value. May be repeated."""
        self._change("delete", resource_type, resource_id, tags)

    def find_resources(
        self, resource_type: str, tags: Mapping[str, str | None], *, limit: int = PAGE, pages: int | None = None
    ) -> dict[str, dict[str, str]]:
        """The resources that carry all these tags (None: with any value): their ids, each with its tags.

        Args:
            limit: resources of a page.
            pages: how many pages to read at most; then some may be missing.
        """
        wanted = [{"key": key, "values": [] if value is None else [value]} for key, value in tags.items()]
        found: dict[str, dict[str, str]] = {}
        offset = 0
        for page_number in itertools.count(1):
            answer = self._transport.send(
                Request(
                    "POST",
                    _VERSION,
                    (resource_type, "resource-instances", "filter"),
                    f"find {resource_type} by tags",
                    Idempotency.READ,
                    query=(("limit", str(limit)), ("offset", str(offset))),
                    body={"tags": wanted},
                    says=("resources", "total_count"),
                )
            )
            page = answer.object()
            rows = page.get("resources") or []
            if not isinstance(rows, list):
                raise answer.unreadable("no list of resources")
            known = len(found)
            for row in rows:
                resource_id = read_text(row.get("resource_id")) if isinstance(row, Mapping) else None
                if resource_id is None:
                    raise answer.unreadable("a resource without an id")
                found[resource_id] = read_pairs(row.get("tags") or []) or {}
            offset += len(rows)
            total = read_int(page.get("total_count"))
            # A service that ignores `offset` repeats its first page: then nothing new comes.
            leave_if_cancelled("the rest of a list")
            if page_number >= MOST_PAGES:
                raise answer.unreadable(f"a list that does not end after {MOST_PAGES} pages")
            is_last = len(found) == known or (offset >= total if total is not None else not rows)
            if is_last or page_number == pages:
                break
        return found

    def _change(self, verb: str, resource_type: str, resource_id: str, tags: Mapping[str, str]) -> None:
        if not tags:
            return
        self._transport.send(
            Request(
                "POST",
                _VERSION,
                (resource_type, resource_id, "tags", verb),
                f"{verb} tags of {resource_type} {resource_id}",
                Idempotency.SAFE,
                body={"tags": tag_list(tags)},
                subject=Subject.TAGGED,
                # 204, or any text: the sources differ (dli-api 4.7)
                says=(),
                may_be_empty=True,
                any_text=True,
            )
        )
