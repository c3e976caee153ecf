"""Quotas of a project (dli-api 3.7): the vendor documents the call, so a region may lack it (`is_unsupported`)."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_dli.api.decoding import Int, Name, Record, read_records
from pulumi_dli.api.responses import Request, Response
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport


class Quota(Record):
    """How much of something there may be, and how much there is."""

    type: Name
    quota: Int = None
    used: Int = None


def read_quotas(transport: Transport) -> tuple[Quota, ...]:
    """All quotas that the service tells."""
    request = Request("GET", "v3", ("quotas",), "read the quotas", Idempotency.READ, says=("quotas",))

    def read(answer: Response) -> tuple[Quota, ...]:
        held = answer.object().get("quotas")
        if not isinstance(held, Mapping):
            raise answer.unreadable("no quotas")
        return read_records(Quota, held.get("resources"), "a quota")

    return transport.read(request, read)
