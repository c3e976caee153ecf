"""The scaling policies of a queue in an elastic resource pool: what is wanted, what is there (dli-api 12.7). Pure.

The service takes all entries of a queue at once, gives them in any order, and always has one for all day: its CUs are
`cu_count`. Entries that the program does not declare at all stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_dli.api.elastic_resource_pools import PoolQueue
from pulumi_dli.lifecycle.pool_sizes import entries_of
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.scaling import default_policy, is_default

Policies = Sequence[Mapping[str, Any]]
_INHERIT = "inherit_elastic_resource_pool_max_cu"


def found(queues: Sequence[PoolQueue], name: str) -> list[dict[str, Any]] | None:
    """The policies of a queue by its name; None when it is not in the pool."""
    queue = next((row for row in queues if row.queue_name.lower() == name), None)
    return None if queue is None else entries_of(queue)


def wanted(spec: QueueSpec, there: Policies | None, *, declared_before: bool = False) -> list[Mapping[str, Any]]:
    """All entries that the queue shall have.

    Args:
        there: those that it has; None for a queue that is not made yet.
        declared_before: whether the program declared its policies until now: then others of them go.
    """
    cus = int(spec.cu_count or 0)
    if spec.scaling_policies is None and there and not declared_before:
        return [_resized(policy, cus) if is_default(policy) else policy for policy in there]
    declared: list[Mapping[str, Any]] = [policy.model_dump(exclude_none=True) for policy in spec.scaling_policies or ()]
    return declared if any(map(is_default, declared)) else [default_policy(cus), *declared]


def _resized(policy: Mapping[str, Any], cus: int) -> Mapping[str, Any]:
    """The entry for all day with another minimum; a maximum above it is not the program's, and stays."""
    if policy["min_cu"] == cus:
        return policy
    most = policy["max_cu"]
    return {**policy, "min_cu": cus, "max_cu": cus if most == policy["min_cu"] else max(most, cus)}


def same(one: Policies, other: Policies) -> bool:
    """Whether two sets of entries say the same."""
    return sorted(map(_key, one)) == sorted(map(_key, other))


def _key(policy: Mapping[str, Any]) -> tuple[Any, ...]:
    """A maximum that follows the pool's says nothing of its own."""
    follows = bool(policy.get(_INHERIT))
    times = (policy["impact_start_time"], policy["impact_stop_time"])
    return (*times, policy["priority"], policy["min_cu"], 0 if follows else policy["max_cu"], follows)


def refreshed(inputs: Mapping[str, Any], there: Policies) -> dict[str, Any]:
    """The inputs about sizes as they are now."""
    whole_day = next((policy for policy in there if is_default(policy)), None)
    found: dict[str, Any] = {} if whole_day is None else {"cu_count": whole_day["min_cu"]}
    declared = inputs.get("scaling_policies")
    if declared is None:
        return found
    if not any(map(is_default, declared)):
        implied = whole_day and same([whole_day], [default_policy(whole_day["min_cu"])])
        there = [policy for policy in there if not (implied and is_default(policy))]
    in_order = sorted(there, key=lambda policy: (not is_default(policy), policy["impact_start_time"]))
    return {**found, "scaling_policies": declared if same(declared, there) else [dict(one) for one in in_order]}


def imported(there: Policies) -> dict[str, Any]:
    """What a program would have to say of them."""
    found = refreshed({"scaling_policies": []}, there)
    return found if found["scaling_policies"] else {"cu_count": found["cu_count"]}
