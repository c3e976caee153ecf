"""What a create or an update would do to an elastic resource pool, said before it happens.

`elastic_resource_pool.py` calls it. It refuses what the service never does, so that a preview fails where an update
would: a pool with queues cannot be deleted, so it is never replaced under its own name (dli-api 12.9).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi_dli.api.elastic_resource_pools import ElasticResourcePool
from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.contract import DiffRequest, DiffResult
from pulumi_dli.lifecycle.networks import POOL, End
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.pool_sizes import live_sizes, misfit
from pulumi_dli.lifecycle.pools.create import PoolCreation
from pulumi_dli.lifecycle.pools.mapping import FIXED, SIZES, asks_for_another, reported
from pulumi_dli.lifecycle.pools.operations import observe
from pulumi_dli.lifecycle.preview_create import look, must_be_adoptable
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.elastic_resource_pool import DEFAULT_CIDR, STEP, ElasticResourcePoolSpec
from pulumi_dli.specs.fields import Change, Effect
from pulumi_dli.specs.values import whole


def preview_create(call: OperationContext, request: DiffRequest) -> None:
    """See `contract.Lifecycle.preview_create`."""
    news = request.news
    _declare(call, news, request.unknown)
    _warn_of_steps(call, {name: news[name] for name in SIZES if name in news})
    name = str(news.get("elastic_resource_pool_name"))

    def find(session: Session) -> ElasticResourcePool | None:
        return next((pool for pool in session.pools.get() if pool.elastic_resource_pool_name == name), None)

    sight = look(request, find, needs=ElasticResourcePoolSpec.model_fields)
    if sight.session is None or sight.found is None:
        size = f" of {news['min_cu']} to {news['max_cu']} CUs" if {*SIZES} <= {*news} else ""
        call.info(f"creates a pool{size}; it takes some minutes, and costs its minimum from then on{sight.ending}")
        return
    spec = ElasticResourcePoolSpec.of(news)
    must_be_adoptable(call, sight.session, PoolCreation(sight.session, spec), sight.found, adopt=bool(spec.adopt))
    call.info(f"takes over pool {name} ({sight.found.min_cu} to {sight.found.max_cu} CUs)")


def preview_update(call: OperationContext, request: DiffRequest) -> DiffResult:
    """See `contract.Lifecycle.preview_update`."""
    _declare(call, request.news, request.unknown, request.olds.get("settings") or {})
    if not request.changes:
        return DiffResult(False)
    known = {change.field: change for change in request.changes if not change.unknown}
    _warn_of_steps(call, {name: known[name].new for name in SIZES if name in known})
    if not request.id:
        return DiffResult(None)
    settings = request.olds.get("settings") or {}
    other = _asking_for_another(known, settings)
    if "elastic_resource_pool_name" in other:
        name = known["elastic_resource_pool_name"].new
        call.info(f"becomes a new pool {name}; queues in it need new names too, and go before pool {request.id} does")
        return DiffResult(None, tuple(other))
    if other and (pool := _live(request)):  # the state may be an old one
        other = _asking_for_another(known, settings, reported(pool))
    if other and "elastic_resource_pool_name" not in request.unknown:
        raise DliError(
            f"elastic resource pool {request.id} cannot be changed in {', '.join(other)}, and it cannot be replaced "
            "under its own name while it holds queues: give it a new elastic_resource_pool_name as well and its queues "
            "new names (the new ones come first, jobs move there with a savepoint, then the old ones go)"
        )
    _refuse_size(request, known)
    words = {"tags": "changes tags", "description": "changes the description"}
    lines = [_size(name, known[name]) for name in SIZES if name in known]
    lines += [line for field, line in words.items() if field in known]
    if lines:
        call.info("; ".join(lines))
    return DiffResult(None)


def _declare(
    call: OperationContext, news: Mapping[str, Any], unknown: Collection[str], settings: Mapping[str, Any] | None = None
) -> None:
    name, least, most = (news.get(field) for field in ("elastic_resource_pool_name", *SIZES))
    if not isinstance(name, str) or not isinstance(least, int) or not isinstance(most, int):
        return  # known after the update only
    problem = call.pools.declare_pool(call.urn, name, least, most)
    network = news.get("cidr_in_vpc") or (settings or {}).get("cidr_in_vpc")
    if network is None and settings is None and not news.get("adopt"):
        network = DEFAULT_CIDR  # of a new pool; one that is taken over may have another
    if network and "cidr_in_vpc" not in unknown:
        problem = problem or call.networks.declare_end(call.urn, End(POOL, name), network)
    if problem:
        raise DliError(problem)


def _warn_of_steps(call: OperationContext, sizes: Mapping[str, Any]) -> None:
    odd = [f"{name} of {cus}" for name, cus in sizes.items() if cus is not None and cus % STEP]
    if odd:  # the pages' own samples have some, the vendor's clients refuse them (dli-api 12.1)
        call.warn(f"{' and '.join(odd)}: not a multiple of {STEP} CUs, and a pool holds such multiples only")


def _asking_for_another(
    known: Mapping[str, Change], settings: Mapping[str, Any], live: Mapping[str, Any] | None = None
) -> list[str]:
    olds = {name: whole((live or {}).get(name, change.old)) for name, change in known.items()}
    return [
        name
        for name, change in known.items()
        if change.effect is Effect.REPLACE
        and (name not in FIXED or asks_for_another(name, olds[name], change.new, settings))
    ]


def _refuse_size(request: DiffRequest, known: Mapping[str, Change]) -> None:
    """A minimum goes up only to what the pool holds (dli-api 12.5): the service tells that, the state does not.

    And a bound goes down only to what its queues have now: they come after their pool, and so do their changes.
    """
    lower = (change.new < whole(change.old) for name in SIZES if (change := known.get(name)) and change.old is not None)
    if any(lower) and not {*SIZES} & {*request.unknown}:
        _refuse_lowering(request)
    change = known.get("min_cu")
    if change is None or change.old is None or change.new <= whole(change.old):
        return
    pool = _live(request)
    if pool is None or pool.current_cu is None or change.new <= max(pool.current_cu, pool.min_cu or 0):
        return
    raise DliError(
        f"the min_cu of elastic resource pool {request.id} cannot go up to {change.new}: it holds "
        f"{pool.current_cu} CUs now, and a minimum goes up only to those. Raise the max_cu of its queues first "
        "(the pool grows at the next full hour), then min_cu, then the minima of the queues"
    )


def _refuse_lowering(request: DiffRequest) -> None:
    try:
        session = request.connect()
        there = live_sizes(request.id, session.queues_of(request.id).get())
    except DliError:
        return  # not looked up
    if problem := misfit(request.id, request.news["min_cu"], request.news["max_cu"], there):
        raise DliError(
            f"{problem}. That is how the queues are now: lower them first, in an `up` of its own, then the pool"
        )


def _size(name: str, change: Change) -> str:
    return f"{name} from {whole(change.old)} to {change.new} CUs (the capacity follows at the next full hour)"


def _live(request: DiffRequest) -> ElasticResourcePool | None:
    """The pool as it is now, for a refusal that would rest on the state; None where it cannot be looked at."""
    try:
        session = request.connect()
        session.must_be_where(request.olds, f"elastic resource pool {request.id}")
        return observe(session, request.id)
    except DliError:
        return None
