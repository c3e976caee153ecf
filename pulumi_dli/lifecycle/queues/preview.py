"""What an update would do to a queue, said before it happens. Pure but for the lines it says.

`queue.py` calls it. It refuses what the service never does, so that a preview fails where an update would (dli-api
4.5, 4.9): a queue with running jobs cannot be deleted, so it is never replaced under its own name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi_dli.api.job_status import ON_QUEUE
from pulumi_dli.api.queues import Queue
from pulumi_dli.errors import CancelledError, DliError
from pulumi_dli.lifecycle.contract import DiffRequest, DiffResult
from pulumi_dli.lifecycle.networks import QUEUE, End
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.pool_sizes import QueueSizes
from pulumi_dli.lifecycle.preview_create import look, must_be_adoptable
from pulumi_dli.lifecycle.queues import policies
from pulumi_dli.lifecycle.queues.create import QueueCreation
from pulumi_dli.lifecycle.queues.mapping import computed_outputs, differs, impossible_scaling, managed, plan_scaling
from pulumi_dli.lifecycle.queues.update import observe
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.declared import QueueFacts
from pulumi_dli.specs.fields import Change, Effect
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.values import whole

_EVERYWHERE = (16, 64, 256)


def preview_update(call: OperationContext, request: DiffRequest) -> DiffResult:
    """See `contract.Lifecycle.preview_update`."""
    declare(call, request.news, request.unknown, request.olds)
    if not request.changes:
        return DiffResult(False)
    known = {change.field: change for change in request.changes if not change.unknown}
    _warn_of_size(call, request, known)
    if not request.id:
        return DiffResult(None)
    settings = request.olds.get("settings") or {}
    other = [
        change.field
        for change in known.values()
        if change.effect is Effect.REPLACE and differs(change.field, whole(change.old), change.new, settings)
    ]
    if "queue_name" in other:
        name = known["queue_name"].new
        call.info(f"becomes a new queue {name}; jobs that name it move there before queue {request.id} goes")
        return DiffResult(None, tuple(other))
    if other and (queue := _live(request)):
        now = computed_outputs(queue, request.olds)["settings"]
        other = [field for field in other if field not in now or differs(field, now[field], known[field].new, now)]
    if other and "queue_name" not in request.unknown:
        raise DliError(
            f"queue {request.id} cannot be changed in {', '.join(other)}, and it cannot be replaced under its own name "
            "while jobs run on it: give it a new queue_name as well (the new queue comes first, its jobs restart there "
            "with a savepoint, then the old queue goes)"
        )
    _refuse_pool(request, known)
    _warn_of_use(call, request, known)
    lines = [line for line in (_cus(request, known), *_small(known)) if line]
    if lines:
        call.info("; ".join(lines))
    if "description" in known:
        call.warn(f"the description of queue {request.id} cannot be changed: it stays as the service has stored it")
    return DiffResult(None)


def declare(
    call: OperationContext, news: Mapping[str, Any], unknown: Collection[str], olds: Mapping[str, Any] | None = None
) -> None:
    """Declare a queue that will be in a pool, for the arithmetic over all that the program declares.

    A queue that gets another name is there twice until its replacement is done.

    Raises:
        DliError: the pool has no room for it.
    """
    before = managed(olds or {})
    renamed = before.get("queue_name") not in (None, news.get("queue_name"))
    known = {} if "scaling_policies" in unknown else {name: news[name] for name in news if name not in unknown}
    sizes = [size for inputs in (known, *([before] if renamed else [])) if (size := _sizes(inputs))]
    if isinstance(name := known.get("queue_name"), str):
        call.pools.note_queue(call.urn, name, _facts(known, unknown, olds or {}))
    problem = call.pools.declare_queue(call.urn, sizes)
    if problem := problem or _declare_network(call, {name: news[name] for name in news if name not in unknown}):
        raise DliError(problem)


def _declare_network(call: OperationContext, known: Mapping[str, Any]) -> str | None:
    """What a connection to this queue would meet; the network of a queue in a pool is the pool's."""
    name, network = known.get("queue_name"), known.get("cidr_in_vpc")
    return call.networks.declare_end(call.urn, End(QUEUE, name), network) if name and network else None


def _sizes(inputs: Mapping[str, Any]) -> QueueSizes | None:
    """What a queue takes of its pool; None outside of pools, and as long as something is not known."""
    name, pool, cus = (inputs.get(field) for field in ("queue_name", "elastic_resource_pool_name", "cu_count"))
    if not isinstance(name, str) or not isinstance(pool, str) or not isinstance(cus, int):
        return None
    spec = QueueSpec.of(inputs)
    return QueueSizes(name, pool.lower(), policies.wanted(spec, None))


def _facts(known: Mapping[str, Any], unknown: Collection[str], olds: Mapping[str, Any]) -> QueueFacts:
    """What a job on this queue may rely on. A queue that is adopted may be in a pool that the program does not name."""
    if "elastic_resource_pool_name" in unknown:
        return QueueFacts()
    if known.get("elastic_resource_pool_name"):
        sizes = _sizes(known)
        return QueueFacts(in_pool=True, cus=sizes.most if sizes else None)
    is_same = olds.get("queue_name") == known["queue_name"]
    if is_same and (olds.get("settings") or {}).get("elastic_resource_pool_name"):
        return QueueFacts(in_pool=True)
    if not is_same and (known.get("adopt") or "adopt" in unknown):
        return QueueFacts(cus=whole(known.get("cu_count")))
    return QueueFacts(in_pool=False, basic_pool=False, cus=whole(known.get("cu_count")))


def preview_create(call: OperationContext, request: DiffRequest) -> None:
    """See `contract.Lifecycle.preview_create`."""
    name = str(request.news.get("queue_name"))

    def find(session: Session) -> Queue | None:
        return session.around.queue(name, young=True) if session.around.queue(name) else None

    sight = look(request, find, needs=QueueSpec.model_fields)
    if sight.session is None or sight.found is None:
        size = f"a queue of {request.news['cu_count']} CUs" if "cu_count" in request.news else "a queue"
        call.info(f"creates {size}; its compute comes with the first job (6 to 10 minutes){sight.ending}")
        return
    spec, queue = QueueSpec.of(request.news), sight.found
    must_be_adoptable(call, sight.session, QueueCreation(call, sight.session, spec), queue, adopt=bool(spec.adopt))
    cus, target = queue.cu_spec or queue.cu_count, int(spec.cu_count or 0)
    scales = f": scales from {cus} to {target} CUs (about 10 minutes)" if plan_scaling(queue, target) else ""
    call.info(f"takes over queue {name} ({cus} CUs){scales}")


def _warn_of_size(call: OperationContext, request: DiffRequest, known: Mapping[str, Change]) -> None:
    cus = known["cu_count"].new if "cu_count" in known else None
    if cus and cus not in _EVERYWHERE and not request.news.get("elastic_resource_pool_name"):
        call.warn(f"a queue of {cus} CUs is not to be had in every region; 16, 64 and 256 CUs are")


def _warn_of_use(call: OperationContext, request: DiffRequest, known: Mapping[str, Change]) -> None:
    """Fewer CUs than the running jobs of the queue use: one look at the jobs serves all queues."""
    change = known.get("cu_count")
    if change is None or not change.new or not change.old or whole(change.new) >= whole(change.old):
        return
    try:
        session = request.connect()
        jobs = [] if "names" in session.around.silent else session.around.jobs.all()
    except CancelledError:
        raise
    except DliError:
        return  # it is a warning only, and previews work without credentials
    on_it = [job for job in jobs if (job.queue_name or "").lower() == request.id and job.status in ON_QUEUE]
    used = sum(job.config.cu_number or 0 for job in on_it)
    if used > change.new:
        names = ", ".join(sorted(str(job.name) for job in on_it))
        call.warn(
            f"queue {request.id} would have {change.new} CUs, and its running jobs use {used} ({names}): the service "
            "may not scale it that far, and a job that restarts may find no room"
        )


def _cus(request: DiffRequest, known: Mapping[str, Change]) -> str | None:
    change = known.get("cu_count")
    if change is None or change.new is None or change.old is None:
        return None
    old, new = whole(change.old), change.new
    pool = _pool_of(request) or request.news.get("elastic_resource_pool_name")
    if pool:
        return f"takes {new} CUs of pool {pool} in the place of {old}, from the next full hour on"
    reason = impossible_scaling(request.id, old, new)
    if reason and (queue := _live(request)):  # the state's number may be an old one: a person has scaled it since
        old = queue.cu_spec or queue.cu_count or old
        reason = impossible_scaling(request.id, old, new)
    if reason:
        raise DliError(reason)
    if old == new:
        return f"has {new} CUs already, scaled outside of Pulumi"
    return f"scales from {old} to {new} CUs (about 10 minutes)"


def _refuse_pool(request: DiffRequest, known: Mapping[str, Change]) -> None:
    change = known.get("elastic_resource_pool_name")
    if change is None:
        return
    held = change.old or _pool_of(request)
    if held and held != change.new and (queue := _live(request)):
        held = (queue.elastic_resource_pool_name or "").lower()
    if held and held != change.new:
        raise DliError(
            f"queue {request.id} is in the elastic resource pool {held} and can neither leave nor change it: set "
            f'elastic_resource_pool_name back to "{held}", or give the queue a new queue_name as well'
        )


def _pool_of(request: DiffRequest) -> str | None:
    settings = request.olds.get("settings") or {}
    held = request.olds.get("elastic_resource_pool_name") or settings.get("elastic_resource_pool_name")
    return str(held).lower() if held else None


def _live(request: DiffRequest) -> Queue | None:
    """The queue as it is now, for a refusal that would rest on the state; None where it cannot be looked at."""
    try:
        session = request.connect()
        session.must_be_where(request.olds, f"queue {request.id}")
        return observe(session, request.id)
    except DliError:
        return None


def _small(known: Mapping[str, Any]) -> list[str]:
    words = {
        "tags": "changes tags",
        "scaling_policies": "changes its scaling policies, from the next full hour on",
        "cidr_in_vpc": "changes its network range",
        "elastic_resource_pool_name": "enters the elastic resource pool, for good",
    }
    return [line for field, line in words.items() if field in known]
