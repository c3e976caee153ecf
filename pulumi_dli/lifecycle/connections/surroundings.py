"""What the service has around a connection: the pools of queues, networks, other connections, jobs that run there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pulumi_dli.api.job_status import ON_QUEUE
from pulumi_dli.api.queues import Queue
from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.connections.mapping import bound, ends_of
from pulumi_dli.lifecycle.networks import POOL, QUEUE, End, Way, overlap
from pulumi_dli.lifecycle.session import Session


def pool_of(session: Session, *inputs: Mapping[str, Any]) -> dict[str, str]:
    """The pools of the queues that these inputs name; asks only when they name some."""
    names = {name for one in inputs for name in one.get("queues") or ()}
    rows = session.queues.get() if names else []
    pools = {row.queue_name.lower(): (row.elastic_resource_pool_name or "").lower() for row in rows}
    return {name: pools[name] for name in names if pools.get(name)}


def ends(session: Session, inputs: Mapping[str, Any]) -> set[End]:
    """What these inputs bind, each as the service will show it."""
    return ends_of(inputs, pool_of(session, inputs))


def queue(session: Session, name: str, *, not_older_than: float | None = None) -> Queue:
    """A queue that is to be bound.

    Raises:
        DliError: there is none of this name.
    """
    rows = session.queues.get(not_older_than=not_older_than)
    found = next((row for row in rows if row.queue_name.lower() == name), None)
    if found is None:
        raise DliError(f"there is no queue named {name} to bind to a datasource connection: create it first")
    return found


def networks(session: Session, wanted: Iterable[End]) -> dict[End, str]:
    """The networks of pools and queues as the service tells them; asks only for the kinds that are wanted."""
    kinds = {end.kind for end in wanted}
    found: dict[End, str | None] = {}
    if POOL in kinds:
        found |= {End(POOL, row.name): row.cidr_in_vpc for row in session.pools.get()}
    if QUEUE in kinds:
        rows = session.queues.get()
        found |= {End(QUEUE, row.queue_name.lower()): row.cidr_in_vpc for row in rows}
    return {end: network for end, network in found.items() if network}


def ways(session: Session, *, besides: str) -> list[Way]:
    """The connections that the service has, without the one of this name."""
    rows = [row for row in session.connections.get() if row.name != besides]
    return [Way(row.name or row.id, row.dest_vpc_id or "", "", frozenset(bound(row))) for row in rows]


def way(inputs: Mapping[str, Any], wanted: Iterable[End]) -> Way:
    """The connection that these inputs declare."""
    subnet = inputs.get("dest_cidr") or ""
    return Way(str(inputs.get("name")), str(inputs.get("dest_vpc_id")), subnet, frozenset(wanted))


def must_not_overlap(session: Session, inputs: Mapping[str, Any], coming: Iterable[End]) -> None:
    """Refuse to bind what can only fail: a FAILED peering cannot be unbound (dli_01_0555).

    Raises:
        DliError: names the networks.
    """
    mine = way(inputs, coming)
    if not mine.ends:
        return
    others = ways(session, besides=mine.name)
    kinds = {end for one in (mine, *others) for end in one.ends}
    if problem := overlap(mine, networks(session, kinds), others):
        raise DliError(problem)


def running_jobs(session: Session, leaving: Iterable[End]) -> list[str]:
    """The names of the jobs that run on these pools and queues."""
    gone = {*leaving}
    rows = [row for row in session.queues.get() if {*_ends(row)} & gone]
    jobs = [job for row in rows for job in session.client.flink_jobs.list_all(queue_name=row.queue_name)]
    return sorted({job.name or str(job.job_id) for job in jobs if job.status in ON_QUEUE})


def _ends(row: Queue) -> Iterable[End]:
    yield End(QUEUE, row.queue_name.lower())
    if row.elastic_resource_pool_name:
        yield End(POOL, row.elastic_resource_pool_name.lower())
