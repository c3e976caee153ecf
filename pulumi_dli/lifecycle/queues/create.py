"""How a queue comes into being, as `lifecycle/create.py` asks it. Called by `queue.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_dli.api.queues import Queue
from pulumi_dli.errors import DliError, OwnershipError
from pulumi_dli.lifecycle.create import Existing
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.queues.mapping import create_body, impossible_scaling, incompatibilities, plan_scaling, unlike
from pulumi_dli.lifecycle.queues.room import when_there_is_room
from pulumi_dli.lifecycle.queues.update import CHANGE_SECONDS, observe, tagged_queue
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.queue import QueueSpec

KIND = "queue"


class QueueCreation:
    """See `lifecycle.create.Creation`."""

    kind = KIND
    create_seconds = CHANGE_SECONDS

    def __init__(self, call: OperationContext, session: Session, spec: QueueSpec) -> None:
        self._call = call
        self._session = session
        self._spec = spec
        self._name = str(spec.queue_name).lower()

    def post(self, owner: str) -> str:
        pool, body = self._spec.elastic_resource_pool_name or "", create_body(self._spec, owner)
        when_there_is_room(self._call, self._session, pool, lambda: self._session.client.queues.create(body))
        return self._name

    def find(self) -> Queue | None:
        return observe(self._session, self._name, not_older_than=self._session.clock.now())

    def unseen(self) -> DliError:
        return DliError(f"queue {self._name}: the service says that it exists already, but does not show it; try again")

    def existing(self, found: Queue) -> Existing:
        return Existing(
            id=self._name,
            said=f"a queue named {self._name} exists already (resource id {found.resource_id}, owner {found.owner})",
            tagged=tagged_queue(found),
            created=found.create_time,
            other_name="choose another queue_name",
        )

    def differences(self, found: Queue) -> list[str]:
        return unlike(self._spec, found)

    def is_listed_with(self, found: Queue, tags: Mapping[str, str]) -> bool:
        """The documented filter of the list (docs/dli-api.md 4.2)."""
        rows = self._session.client.queues.list(tags=tags)
        return any(row.queue_name.lower() == found.queue_name.lower() for row in rows)

    def must_fit(self, found: Queue) -> None:
        which = f"the existing queue {self._name} (resource id {found.resource_id}) cannot be taken over"
        if wrong := incompatibilities(self._spec, found):
            raise OwnershipError(f"{which}: {'; '.join(wrong)}: declare it as it is, or choose another queue_name")
        target = int(self._spec.cu_count or 0)
        in_pool = found.elastic_resource_pool_name or self._spec.elastic_resource_pool_name
        if not in_pool and plan_scaling(found, target):
            cus = found.cu_spec or found.cu_count or 0
            if reason := impossible_scaling(self._name, cus, target):
                raise OwnershipError(f"{which}: {reason}")
