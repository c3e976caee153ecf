"""What queues offer: their calls, what a person at the console does to one, their tags (dli-api 4.1 to 4.9)."""

from __future__ import annotations

from collections.abc import Callable

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.service import Operation, Service, TaggedType
from pulumi_dli.emulator.queues import acts, calls
from pulumi_dli.emulator.queues.records import Queue, Queues
from pulumi_dli.emulator.tags.records import QUEUE

_ROOT = "/v1.0/{project_id}/queues"


_TAG_IDS: dict[str, Callable[[Queue], str]] = {
    "resource_id": lambda queue: queue.resource_id,
    "queue_id": lambda queue: str(queue.queue_id),
    "name": lambda queue: queue.name,
}


def _find(core: Core, project_id: str, given: str) -> str | None:
    kind = "any" if core.quirks.lenient else core.quirks.queue_tag_id
    ids = _TAG_IDS.values() if kind == "any" else [_TAG_IDS[kind]]
    queues = core.part(Queues).of(project_id)
    return next((queue.resource_id for queue in queues if given in [id_of(queue) for id_of in ids]), None)


def _by_kept(core: Core, project_id: str, kept: str) -> Queue | None:
    return next((queue for queue in core.part(Queues).of(project_id) if queue.resource_id == kept), None)


def _name_of(core: Core, project_id: str, kept: str) -> str:
    queue = _by_kept(core, project_id, kept)
    return queue.name if queue else ""


def _shown_id(core: Core, project_id: str, kept: str) -> str:
    queue = _by_kept(core, project_id, kept)
    return kept if queue is None else _TAG_IDS.get(core.quirks.queue_tag_id, _TAG_IDS["resource_id"])(queue)


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
    tagged=TaggedType(QUEUE, _find, _name_of, _shown_id),
)
