"""Queues, and the versions of Flink that run on one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import pulumi

from pulumi_dli.resources.functions.asking import Function, fits, nothing
from pulumi_dli.resources.settings import Provider

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient
    from pulumi_dli.api.queues import Queue


@dataclass(frozen=True)
class QueueInfo:
    """A queue that exists (dli-api 4.2). Times are milliseconds since the epoch."""

    queue_name: str
    queue_type: str | None
    cu_count: int | None
    resource_mode: int | None
    resource_id: str | None
    owner: str | None
    create_time: int | None
    description: str | None
    cidr_in_vpc: str | None
    elastic_resource_pool_name: str | None
    support_flink_jar_versions: tuple[str, ...]
    default_flink_jar_version: str | None


@dataclass(frozen=True)
class FlinkVersions:
    """The versions of Flink that a queue supports (dli-api 4.2): for jar jobs, for SQL jobs, of open-source Flink."""

    jar: tuple[str, ...]
    default_jar: str | None
    sql: tuple[str, ...]
    default_sql: str | None
    opensource: tuple[str, ...]


def get_queue(queue_name: str, *, provider: Provider | None = None) -> QueueInfo:
    """The queue of this name, in letters of any case.

    Raises:
        RunError: there is none, or the service cannot be asked.
    """
    return _QUEUE.now(provider, queue_name=queue_name)


def get_queue_output(queue_name: pulumi.Input[str], *, provider: Provider | None = None) -> pulumi.Output[QueueInfo]:
    """As `get_queue`, for a name that is an output."""
    return _QUEUE.later(provider, queue_name=queue_name)


def get_queues(
    *,
    queue_type: str | None = None,
    elastic_resource_pool_name: str | None = None,
    tags: Mapping[str, str] | None = None,
    provider: Provider | None = None,
) -> Sequence[QueueInfo]:
    """The queues of the project by name, the service's own `default` among them.

    Args:
        queue_type: `general` or `sql`.
        elastic_resource_pool_name: in this pool, in letters of any case; "" for those outside of pools.
        tags: that carry all of these.
        provider: other settings than the stack's.

    Raises:
        RunError: the service cannot be asked.
    """
    pool = elastic_resource_pool_name
    return _QUEUES.now(provider, queue_type=queue_type, elastic_resource_pool_name=pool, tags=tags)


def get_queues_output(
    *,
    queue_type: pulumi.Input[str] | None = None,
    elastic_resource_pool_name: pulumi.Input[str] | None = None,
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
    provider: Provider | None = None,
) -> pulumi.Output[Sequence[QueueInfo]]:
    """As `get_queues`, for filters that are outputs."""
    pool = elastic_resource_pool_name
    return _QUEUES.later(provider, queue_type=queue_type, elastic_resource_pool_name=pool, tags=tags)


def get_flink_versions(queue_name: str, *, provider: Provider | None = None) -> FlinkVersions:
    """The versions of Flink that run on this queue.

    Raises:
        RunError: there is no such queue, or the service cannot be asked.
    """
    return _VERSIONS.now(provider, queue_name=queue_name)


def get_flink_versions_output(
    queue_name: pulumi.Input[str], *, provider: Provider | None = None
) -> pulumi.Output[FlinkVersions]:
    """As `get_flink_versions`, for a name that is an output."""
    return _VERSIONS.later(provider, queue_name=queue_name)


def _found(client: DliClient, name: str) -> Queue:
    found = client.queues.find(name)
    if found is None:
        raise nothing(f"queue named {name}")
    return found


def _info(queue: Queue) -> QueueInfo:
    return QueueInfo(**{field.name: getattr(queue, field.name) for field in fields(QueueInfo)})


def _queue(client: DliClient, queue_name: str) -> QueueInfo:
    return _info(_found(client, queue_name))


def _queues(
    client: DliClient,
    queue_type: str | None,
    elastic_resource_pool_name: str | None,
    tags: Mapping[str, str] | None,
) -> Sequence[QueueInfo]:
    rows = client.queues.list(tags=tags)
    return tuple(
        _info(row)
        for row in sorted(rows, key=lambda row: row.queue_name)
        if fits(row.queue_type, queue_type) and fits(row.elastic_resource_pool_name, elastic_resource_pool_name)
    )


def _versions(client: DliClient, queue_name: str) -> FlinkVersions:
    queue = _found(client, queue_name)
    return FlinkVersions(
        jar=queue.support_flink_jar_versions,
        default_jar=queue.default_flink_jar_version,
        sql=queue.support_flink_sql_versions,
        default_sql=queue.default_flink_sql_version,
        opensource=queue.support_opensource_flink_versions,
    )


_QUEUE = Function("dli:index:getQueue", _queue, QueueInfo)
_QUEUES = Function("dli:index:getQueues", _queues, QueueInfo, key="queues", may_be_empty="elastic_resource_pool_name")
_VERSIONS = Function("dli:index:getFlinkVersions", _versions, FlinkVersions)
