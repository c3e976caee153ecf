"""What queues offer: their calls, what a person at the console does to one, their tags (dli-api 4.1 to 4.9)."""

from __future__ import annotations

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.service import Operation, Service, TaggedType
from pulumi_dli.emulator.queues import acts, calls
from pulumi_dli.emulator.queues.records import Queues
from pulumi_dli.emulator.tags.records import QUEUE

_ROOT = "/v1.0/{project_id}/queues"


def _find(core: Core, project_id: str, given: str) -> str | None:
    queues = core.part(Queues)
    queue = queues.by_resource_id(project_id, given) or queues.find(project_id, given)
    return queue.resource_id if queue else None


def _name_of(core: Core, project_id: str, resource_id: str) -> str:
    queue = core.part(Queues).by_resource_id(project_id, resource_id)
    return queue.name if queue else ""


SERVICE = Service(
    name="queues",
    records=(Queues,),
    operations=(
        Operation("queues.create", "POST", _ROOT, calls.create),
        Operation("queues.list", "GET", _ROOT, calls.list_queues),
        Operation("queues.get", "GET", _ROOT + "/{queue_name}", calls.details),
        Operation("queues.delete", "DELETE", _ROOT + "/{queue_name}", calls.delete),
        Operation("queues.action", "PUT", _ROOT + "/{queue_name}/action", calls.act),
        Operation("queues.cidr", "PUT", _ROOT + "/{queue_name}", calls.change_cidr),
    ),
    acts=acts.ACTS,
    tagged=TaggedType(QUEUE, _find, _name_of),
)
