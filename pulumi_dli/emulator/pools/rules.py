"""What the documents forbid about pools and the queues in them (dli-api 12.1, 12.3, 12.7). It changes nothing."""

from __future__ import annotations

import ipaddress
import re

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.pools.policies import HOURS, STEP, Need
from pulumi_dli.emulator.pools.records import Pool, Pools, PoolStatus
from pulumi_dli.emulator.queues.records import NAME, Queue

_EDITIONS = {True: (16, 64), False: (64, 32_000)}  # basic, standard: the bounds of both numbers
_SMALLEST = {"general": 4, "sql": 8}  # a queue in a pool
_MINUTE = 60


def check_name(core: Core, name: str) -> None:
    leading_digit = core.quirks.strict_pool_names and name[:1].isdigit()
    if not NAME.fullmatch(name) or leading_digit:
        raise bad_parameter("Invalid parameter elastic_resource_pool_name: letters, digits and _ are allowed.")


def check_cidr(text: str) -> None:
    if not re.fullmatch(r"[0-9.]+/[0-9]{1,2}", text):
        raise bad_parameter("Invalid parameter cidr_in_vpc: an IPv4 CIDR is needed.")
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError as error:
        raise bad_parameter("Invalid parameter cidr_in_vpc: an IPv4 CIDR is needed.") from error


def check_sizes(core: Core, min_cu: int, max_cu: int, *, basic: bool) -> None:
    """The bounds of an edition; equal numbers are fine, as the page's own sample has them."""
    if core.quirks.strict_pool_steps and (min_cu % STEP or max_cu % STEP):
        raise bad_parameter(f"Invalid parameter min_cu or max_cu: multiples of {STEP} are allowed.")
    if not core.quirks.forbids("pool_sizes"):
        return
    low, high = _EDITIONS[basic]
    if not low <= min_cu <= high or not low <= max_cu <= high:
        raise bad_parameter(f"Invalid parameter min_cu or max_cu: {low} to {high} CUs are allowed.")
    if min_cu > max_cu:
        raise bad_parameter("Invalid parameter min_cu: it is more than max_cu.")


def check_change(core: Core, pool: Pool, min_cu: int, max_cu: int) -> None:
    """A change of a pool's bounds against what it holds and what its queues were promised."""
    check_available(core, pool, "changed")
    check_sizes(core, min_cu, max_cu, basic=pool.basic)
    if not core.quirks.forbids("pool_sizes"):
        return
    if min_cu > max(pool.current_cu, pool.min_cu):
        text = f"Invalid parameter min_cu: {min_cu} is more than the {pool.current_cu} CUs that the pool holds."
        raise bad_parameter(text)
    check_needs(core, pool, min_cu=min_cu, max_cu=max_cu)


def check_available(core: Core, pool: Pool, what: str) -> None:
    if core.quirks.forbids("pool_status") and pool.status != PoolStatus.AVAILABLE:
        text = f"The elastic resource pool {pool.name} is {pool.status} and cannot be {what}."
        raise Refusal(400, "DLI.0007", text)


def check_needs(
    core: Core,
    pool: Pool,
    *,
    changed: dict[int, Need] | None = None,
    min_cu: int | None = None,
    max_cu: int | None = None,
) -> None:
    """The sum of minima within the pool's minimum, each maximum within its maximum, at every hour of the day.

    `changed` has, by hour, what one queue shall want from now on.
    """
    if not core.quirks.forbids("pool_sizes"):
        return
    least, most = pool.min_cu if min_cu is None else min_cu, pool.max_cu if max_cu is None else max_cu
    for hour in HOURS:
        needs = core.part(Pools).needs(pool, hour)
        if changed is not None:
            needs = [need for need in needs if need.queue != changed[hour].queue] + [changed[hour]]
        total = sum(need.min_cu for need in needs)
        if total > least:
            text = f"the minima of the queues are {total} CUs at {hour:02}:00, min_cu of the pool is {least}"
            raise bad_parameter(f"Invalid parameter min_cu: {text}.")
        too_large = [need for need in needs if need.max_cu > most]
        if too_large:
            need = too_large[0]
            text = f"the queue {need.queue} may have {need.max_cu} CUs at {hour:02}:00, max_cu of the pool is {most}"
            raise bad_parameter(f"Invalid parameter max_cu: {text}.")


def check_deletion(core: Core, pool: Pool) -> None:
    if pool.status in (PoolStatus.CREATING, PoolStatus.SCALING):
        check_available(core, pool, "deleted")
    if not core.quirks.forbids("pool_delete"):
        return
    queues = ", ".join(queue.name for queue in core.part(Pools).queues_of(pool))
    if queues:
        raise Refusal(400, "DLI.0007", f"The elastic resource pool {pool.name} has queues: {queues}")
    age = core.quirks.timings.pool_age
    if pool.available_since is not None and core.clock.now() - pool.available_since < age:
        text = f"cannot be deleted within {age / _MINUTE:g} minutes of its creation."
        raise Refusal(400, "DLI.0007", f"The elastic resource pool {pool.name} {text}")


def check_new_queue(core: Core, pool: Pool, name: str, kind: str, cus: int) -> None:
    """A queue that is created in a pool: it starts with min = max = cu_count, all day."""
    if pool.status in (PoolStatus.CREATING, PoolStatus.FAILED):
        check_available(core, pool, "given queues")
    if cus < _SMALLEST[kind] or cus % 4:
        raise bad_parameter(f"Invalid parameter cu_count: in a pool at least {_SMALLEST[kind]}, a multiple of 4.")
    check_needs(core, pool, changed={hour: Need(name, 1, cus, cus) for hour in HOURS})


def check_association(core: Core, pool: Pool, queue: Queue) -> None:
    """The conditions of dli_01_0530."""
    if pool.status != PoolStatus.AVAILABLE and core.quirks.forbids("pool_status"):
        text = f"Status of elastic resource pool {pool.name} is {pool.status}, which is not available"
        raise Refusal(400, "DLI.0012", text)
    if queue.is_assigning(core.clock.now()):
        raise Refusal(400, "DLI.0012", f"Status of queue {queue.name} is assigning, which is not available")
    if queue.pool:
        raise Refusal(400, "DLI.0007", f"The queue {queue.name} is in the pool {queue.pool}: none leaves its pool.")
    if core.quirks.forbids("pool_queues"):
        if queue.resource_mode != 1 or queue.charging_mode != 1:
            raise Refusal(400, "DLI.0007", "Only a dedicated queue that is paid per use can be associated.")
        if queue.enterprise_project_id != pool.enterprise_project_id:
            raise Refusal(400, "DLI.0007", "Queue and pool must be of the same enterprise project.")
    check_needs(core, pool, changed={hour: Need(queue.name, 1, queue.cu_spec, queue.cu_spec) for hour in HOURS})
