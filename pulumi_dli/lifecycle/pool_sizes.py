"""The arithmetic of elastic resource pools, over all pools and queues that a program declares (dli-api 12.5).

Every resource of a program passes check and diff in one process. There each pool and each queue in a pool is declared
here, and whichever comes last hears of a sum that does not fit, before anything is touched. It makes no call, and knows
only the program: what is in a pool beside it, the service refuses.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_dli.specs.declared import QueueFacts
from pulumi_dli.specs.scaling import hours_of, is_default

if TYPE_CHECKING:
    from pulumi_dli.api.elastic_resource_pools import PoolQueue

HOURS = range(24)


@dataclass(frozen=True)
class QueueSizes:
    """What one queue may take of its pool: its scaling policies, the one of all day among them."""

    queue: str
    pool: str
    policies: Sequence[Mapping[str, Any]]

    def at(self, hour: int) -> Mapping[str, Any]:
        """The policy that holds at this hour: a special one goes before that of all day."""
        special = (
            policy
            for policy in self.policies
            if not is_default(policy) and hour in hours_of(policy["impact_start_time"], policy["impact_stop_time"])
        )
        return next(special, None) or next(policy for policy in self.policies if is_default(policy))

    @property
    def most(self) -> int | None:
        """The most CUs that it may ever have; None when a policy leaves that to the pool."""
        inherits = any(policy.get("inherit_elastic_resource_pool_max_cu") for policy in self.policies)
        return None if inherits else max(policy["max_cu"] for policy in self.policies)


@dataclass(frozen=True)
class _PoolSizes:
    min_cu: int
    max_cu: int


@dataclass
class DeclaredPools:
    """The pools and queues of one program, by URN. Thread-safe."""

    _pools: dict[str, tuple[str, _PoolSizes]] = field(default_factory=dict)
    _queues: dict[str, tuple[QueueSizes, ...]] = field(default_factory=dict)
    _facts: dict[str, tuple[str, QueueFacts]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def declare_pool(self, urn: str, name: str, min_cu: int, max_cu: int) -> str | None:
        """A pool of the program; what does not fit into it, None when all does."""
        with self._lock:
            self._pools[urn] = name, _PoolSizes(min_cu, max_cu)
            return self._problem({name})

    def declare_queue(self, urn: str, queues: Iterable[QueueSizes]) -> str | None:
        """A queue of the program, with the one that it replaces, which goes last; as `declare_pool`."""
        with self._lock:
            self._queues[urn] = tuple(queues)
            return self._problem({queue.pool for queue in self._queues[urn]})

    def note_queue(self, urn: str, name: str, facts: QueueFacts) -> None:
        """What the program says of a queue, in a pool or not, for the jobs that will run on it."""
        with self._lock:
            self._facts[urn] = name.lower(), facts

    def facts_of(self, queue: object) -> QueueFacts:
        """What the program says of the queue of this name; nothing when it declares none, or two that differ."""
        with self._lock:
            found = {facts for name, facts in self._facts.values() if name == str(queue).lower()}
        return found.pop() if len(found) == 1 else QueueFacts()

    def queues_in(self, pool: str, *, besides: str) -> list[QueueSizes]:
        """The queues that the program declares in a pool, without those of one URN."""
        with self._lock:
            return [one for urn, many in self._queues.items() if urn != besides for one in many if one.pool == pool]

    def _problem(self, names: Iterable[str]) -> str | None:
        sizes = dict(self._pools.values())
        queues = {(one.queue, one.pool): one for many in self._queues.values() for one in many}
        for name in sorted(set(names) & set(sizes)):
            inside = [queue for (_, pool), queue in sorted(queues.items()) if pool == name]
            if problem := misfit(name, sizes[name].min_cu, sizes[name].max_cu, inside):
                return problem
        return None


def live_sizes(pool: str, queues: Iterable[PoolQueue]) -> list[QueueSizes]:
    """The queues that the service has in a pool, as far as it tells their policies."""
    found = [QueueSizes(queue.queue_name.lower(), pool, entries_of(queue)) for queue in queues]
    return [sizes for sizes in found if any(map(is_default, sizes.policies))]


def entries_of(queue: PoolQueue) -> list[dict[str, Any]]:
    """Its policies as a program would give them."""
    rows = [policy.model_dump(exclude_none=True) for policy in queue.queue_scaling_policies]
    return [{"priority": 1, **{key: value for key, value in row.items() if value is not False}} for row in rows]


def misfit(name: str, min_cu: int, max_cu: int, queues: Sequence[QueueSizes]) -> str | None:
    """In what these queues do not fit into a pool of this name and these bounds; None when they do."""
    for hour in HOURS:
        now = {queue.queue: queue.at(hour) for queue in queues}
        when = f"from {hour:02}:00 on"
        total = sum(policy["min_cu"] for policy in now.values())
        if total > min_cu:
            parts = ", ".join(f"{queue} {policy['min_cu']}" for queue, policy in now.items())
            return (
                f"the queues of elastic resource pool {name} need at least {total} CUs {when} ({parts}), more than "
                f"the pool's min_cu of {min_cu}: raise that to {-(-total // 16) * 16}, or lower the minima"
            )
        for queue, policy in now.items():
            most = policy["min_cu" if policy.get("inherit_elastic_resource_pool_max_cu") else "max_cu"]
            if most > max_cu:
                return (
                    f"queue {queue} may take {most} CUs {when}, more than the max_cu of {max_cu} of its elastic "
                    f"resource pool {name}: raise that to {-(-most // 16) * 16}, or lower the maximum of the queue"
                )
    return None


PROCESS_POOLS = DeclaredPools()
"""Those of this process's program."""
