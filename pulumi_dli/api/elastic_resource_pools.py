"""Elastic resource pools of DLI, and the scaling policies of the queues in them (dli-api 12).

There is no call for one pool: a read is the list, and an exact match on the lower-case name. The list never has tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from pulumi_dli.api.decoding import (
    Flag,
    Int,
    Name,
    OptionalTexts,
    Record,
    Status,
    Text,
    Time,
    Whole,
    read_pairs,
    read_records,
    read_text,
    tag_filter,
)
from pulumi_dli.api.not_found import Subject
from pulumi_dli.api.paging import all_rows
from pulumi_dli.api.responses import Request
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport

_VERSION = "v3"
_ROOT = "elastic-resource-pools"

AVAILABLE = "AVAILABLE"
FAILED = "FAILED"
MOVING = frozenset({"CREATING", "SCALING"})


class ElasticResourcePool(Record):
    """A pool as the list has it; what the answer left out is None.

    `min_cu` and `max_cu` are settings, `current_cu` is what it holds now, `queues` the names of its queues.
    """

    elastic_resource_pool_name: Name
    resource_id: Text = None
    description: Text = None
    owner: Text = None
    min_cu: Int = None
    max_cu: Int = None
    current_cu: Int = None
    actual_cu: Int = None
    cidr_in_vpc: Text = None
    status: Status = ""
    fail_reason: Text = None
    charging_mode: Int = None
    enterprise_project_id: Text = None
    queues: OptionalTexts = None
    label: Annotated[dict[str, str] | None, BeforeValidator(read_pairs)] = None
    ipv6_enable: Flag = None
    create_time: Time = None

    @property
    def name(self) -> str:
        """As it is stored: in lower case."""
        return self.elastic_resource_pool_name.lower()


class ScalingPolicy(Record):
    """What a queue may take of its pool during some hours of the day (dli-api 12.7)."""

    priority: Int = None
    impact_start_time: Name
    impact_stop_time: Name
    min_cu: Whole
    max_cu: Whole
    inherit_elastic_resource_pool_max_cu: Flag = None


class PoolQueue(Record):
    """A queue in a pool, with its policies in any order."""

    queue_name: Name
    queue_scaling_policies: Annotated[
        tuple[ScalingPolicy, ...], BeforeValidator(lambda value: read_records(ScalingPolicy, value, "a scaling policy"))
    ] = ()


class ElasticResourcePools:
    """The calls of `/elastic-resource-pools`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, body: Mapping[str, Any]) -> str:
        """Create a pool; gives the name as it is stored. Not repeated after an unknown outcome.

        Raises:
            ConflictError: a pool of that name exists.
            UnknownOutcomeError: it may have been created: look it up by name.
        """
        asked = str(body.get("elastic_resource_pool_name", ""))
        what = f"create elastic resource pool {asked}"
        request = Request("POST", _VERSION, (_ROOT,), what, Idempotency.ONCE, body=body, creates=True)
        # A sample of the service's own has no name in its answer (dli-api 12.1).
        return (read_text(self._transport.send(request).object().get("elastic_resource_pool_name")) or asked).lower()

    def list(self, name: str | None = None, tags: Mapping[str, str] | None = None) -> list[ElasticResourcePool]:
        """All pools. `name` is taken as a part of names by the service (dli-api 12.2): see `find`."""
        query = {"name": name, "tags": tag_filter(tags)}
        pairs = tuple((key, value) for key, value in query.items() if value)
        request = Request(
            "GET",
            _VERSION,
            (_ROOT,),
            "list elastic resource pools",
            Idempotency.READ,
            query=pairs,
            says=("elastic_resource_pools",),
        )
        return all_rows(
            self._transport, request, ElasticResourcePool, "a pool", identity=lambda pool: pool.name, counts_all=True
        )

    def find(self, name: str) -> ElasticResourcePool | None:
        """The pool of exactly this name in any case of its letters; None when the list lacks it."""
        return next((pool for pool in self.list(name=name.lower()) if pool.name == name.lower()), None)

    def update(self, name: str, changed: Mapping[str, Any]) -> None:
        """Change `min_cu`, `max_cu` or `description` (`""` clears it); what is left out stays. May be repeated."""
        self._write("PUT", (_ROOT, name), f"change elastic resource pool {name}", Idempotency.SAFE, changed)

    def delete(self, name: str) -> None:
        """Delete a pool. Repeated when the answer is lost.

        Raises:
            NotFoundError: it is gone already.
            ConflictError: it is too young, is scaling, or holds queues.
        """
        self._write("DELETE", (_ROOT, name), f"delete elastic resource pool {name}", Idempotency.SAFE)

    def queues(self, pool: str) -> Sequence[PoolQueue]:
        """The queues in a pool with their policies.

        Raises:
            NotFoundError: there is no such pool.
        """
        what = f"list the queues of elastic resource pool {pool}"
        path = (_ROOT, pool, "queues")
        request = Request("GET", _VERSION, path, what, Idempotency.READ, subject=Subject.POOL, says=("queues",))
        return all_rows(
            self._transport,
            request,
            PoolQueue,
            "a queue of a pool",
            identity=lambda queue: queue.queue_name.lower(),
            counts_all=True,
        )

    def set_policies(self, pool: str, queue: str, policies: Sequence[Mapping[str, Any]]) -> None:
        """Replace all policies of a queue in a pool. May be repeated.

        Raises:
            NotFoundError: there is no such pool, or the queue is not in it.
        """
        what = f"change the scaling policies of queue {queue} in pool {pool}"
        body = {"queue_scaling_policies": [*policies]}
        self._write("PUT", (_ROOT, pool, "queues", queue), what, Idempotency.SAFE, body)

    def _write(
        self,
        method: str,
        segments: tuple[str, ...],
        what: str,
        repeat: Idempotency,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        self._transport.send(Request(method, _VERSION, segments, what, repeat, body=body, subject=Subject.POOL))
