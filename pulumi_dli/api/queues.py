"""Queues of DLI: create, list, details, delete, scale, restart, change of network range (dli-api 4).

A full record comes from the list alone; the details lack platform, networks and labels, and no answer has a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from pulumi_dli.api.decoding import (
    Flag,
    Int,
    Name,
    Number,
    Record,
    Text,
    Texts,
    Time,
    is_true,
    read_labels,
    read_record,
    read_records,
    read_text,
    tag_filter,
)
from pulumi_dli.api.not_found import Subject
from pulumi_dli.api.responses import Request, Response
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport
from pulumi_dli.errors import ApiError

_VERSION = "v1.0"


class Queue(Record):
    """A queue as the service reports it; what the answer left out is None or empty.

    `cu_count` is what it has now, `cu_spec` what was bought. Details spell three keys in camelCase (dli-api 4.3).
    """

    queue_name: Name = Field(validation_alias=AliasChoices("queueName", "queue_name"))
    queue_id: Int = None
    description: Text = None
    owner: Text = None
    create_time: Time = None
    queue_type: Text = Field(None, validation_alias=AliasChoices("queueType", "queue_type"))
    engine: Text = None
    used_cu: Number = None
    cu_count: Int = Field(None, validation_alias=AliasChoices("cuCount", "cu_count"))
    cu_spec: Int = None
    cu_scale_out_limit: Int = None
    cu_scale_in_limit: Int = None
    charging_mode: Int = Field(None, validation_alias=AliasChoices("chargingMode", "charging_mode"))
    resource_id: Text = None
    resource_mode: Int = None
    resource_type: Text = Field(None, validation_alias=AliasChoices("resource_type", "queue_resource_type"))
    enterprise_project_id: Text = None
    cidr_in_vpc: Text = None
    cidr_in_subnet: Text = None
    cidr_in_mgntsubnet: Text = None
    platform: Text = None
    is_restarting: Flag = None
    labels: Annotated[tuple[str, ...], BeforeValidator(read_labels)] = ()
    feature: Text = None
    elastic_resource_pool_name: Text = None
    support_spark_versions: Texts = ()
    support_flink_sql_versions: Texts = ()
    support_flink_jar_versions: Texts = ()
    support_opensource_flink_versions: Texts = ()
    default_spark_version: Text = None
    default_flink_sql_version: Text = None
    default_flink_jar_version: Text = None


class Queues:
    """The calls of `/queues`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, body: Mapping[str, Any]) -> str:
        """Create a queue; gives the name as it is stored (lower-case). Not repeated after an unknown outcome.

        Raises:
            ConflictError: a queue of that name exists.
            UnknownOutcomeError: it may have been created: look it up by name.
        """
        asked = str(body.get("queue_name", ""))
        request = Request(
            "POST",
            _VERSION,
            ("queues",),
            f"create queue {asked}",
            Idempotency.ONCE,
            body=body,
            creates=True,
            says=("is_success", "queue_name"),
        )
        return (read_text(self._transport.send(request).object().get("queue_name")) or asked).lower()

    def list(self, queue_type: str = "all", tags: Mapping[str, str] | None = None) -> list[Queue]:
        """All queues of a type, in full. The service's own default would hide general queues (dli-api 4.2)."""
        query = {"queue_type": queue_type, "tags": tag_filter(tags)}
        pairs = tuple((key, value) for key, value in query.items() if value)
        request = Request("GET", _VERSION, ("queues",), "list queues", Idempotency.READ, query=pairs, says=("queues",))
        return self._transport.read(
            request, lambda answer: [*read_records(Queue, answer.object().get("queues"), "a queue")]
        )

    def get(self, name: str) -> Queue:
        """The details of a queue, which lack some fields of the list.

        Raises:
            NotFoundError: there is none of that name (in any case of its letters).
        """
        what = f"read queue {name}"
        says = ("queueName", "queue_name")
        request = Request("GET", _VERSION, ("queues", name), what, Idempotency.READ, subject=Subject.QUEUE, says=says)

        def queue(answer: Response) -> Queue:
            found = read_record(Queue, answer.object(), "a queue")
            if found.queue_name.lower() != name.lower():
                raise answer.unreadable("another queue")
            return found

        return self._transport.read(request, queue)

    def find(self, name: str) -> Queue | None:
        """The full record of a queue by its name in any case of its letters, None when the list lacks it."""
        return next((queue for queue in self.list() if queue.queue_name.lower() == name.lower()), None)

    def delete(self, name: str) -> None:
        """Delete a queue. Repeated when the answer is lost.

        Raises:
            NotFoundError: it is gone already.
            ConflictError: jobs are running on it.
        """
        self._transport.send(
            Request(
                "DELETE", _VERSION, ("queues", name), f"delete queue {name}", Idempotency.SAFE, subject=Subject.QUEUE
            )
        )

    def scale(self, name: str, action: str, cu_count: int) -> None:
        """Add or remove `cu_count` CUs (`scale_out`, `scale_in`). Never repeated: each run adds again (dli-api 4.5).

        Raises:
            ConflictError: compute is still being assigned (`is_queue_assigning`).
        """
        if action not in ("scale_out", "scale_in"):
            raise ValueError("action must be scale_out or scale_in")
        self._act(name, f"{action} queue {name}", {"action": action, "cu_count": cu_count})

    def restart(self, name: str, force: bool = False) -> None:
        """Restart a SQL queue; `force` cancels its jobs. Never repeated."""
        self._act(name, f"restart queue {name}", {"action": "restart", "force": force})

    def change_cidr(self, name: str, cidr: str) -> None:
        """Give the queue another network range. Not in every region: see `is_unsupported` (dli-api 4.6)."""
        self._transport.send(
            Request(
                "PUT",
                _VERSION,
                ("queues", name),
                f"change the network of queue {name}",
                Idempotency.ONCE,
                body={"cidr_in_vpc": cidr},
                subject=Subject.QUEUE,
            )
        )

    def enter_pool(self, name: str, pool: str) -> None:
        """Bind an existing queue to an elastic resource pool, for good (dli-api 4.12). Never repeated."""
        self._transport.send(
            Request(
                "POST",
                "v3",
                ("elastic-resource-pools", pool, "queues"),
                f"bind queue {name} to pool {pool}",
                Idempotency.ONCE,
                body={"queue_name": name},
            )
        )

    def _act(self, name: str, what: str, body: Mapping[str, Any]) -> None:
        request = Request(
            "PUT",
            _VERSION,
            ("queues", name, "action"),
            what,
            Idempotency.ONCE,
            body=body,
            subject=Subject.QUEUE,
            says=("is_success", "result"),
        )
        answer = self._transport.send(request)
        # A scaling answers `result` instead of `is_success` (dli-api 1.5).
        if isinstance(answer.value, Mapping) and not is_true(answer.value.get("result")):
            raise answer.error(ApiError, "", read_text(answer.value.get("message")) or f"{what} was refused")
