"""Functions that a program calls to look up what it does not manage. They run in the program, with the stack's
settings.

Each has an `_output` form for arguments that are outputs of other resources; at preview it waits until they are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi

from pulumi_dli.errors import DliError
from pulumi_dli.resources.settings import Provider, program_client

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient

T = TypeVar("T")


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
    elastic_resource_pool_name: str | None
    support_flink_jar_versions: tuple[str, ...]
    default_flink_jar_version: str | None


@dataclass(frozen=True)
class ElasticResourcePoolInfo:
    """An elastic resource pool that exists (dli-api 12.2). `current_cu` is what it holds now, `queues` are names."""

    elastic_resource_pool_name: str
    status: str
    fail_reason: str | None
    min_cu: int | None
    max_cu: int | None
    current_cu: int | None
    queues: tuple[str, ...]
    cidr_in_vpc: str | None
    description: str | None
    resource_id: str | None
    owner: str | None
    create_time: int | None
    enterprise_project_id: str | None


@dataclass(frozen=True)
class PackageInfo:
    """A package of a group. `status` is `READY`, `UPLOADING` or `FAILED`; jobs refer to it by `path`."""

    name: str
    kind: str | None
    status: str | None
    path: str


@dataclass(frozen=True)
class PackageGroupInfo:
    """A package group that exists (dli-api 5.4)."""

    group_name: str
    status: str | None
    owner: str | None
    packages: tuple[PackageInfo, ...]


@dataclass(frozen=True)
class FlinkJobInfo:
    """A Flink job that exists (dli-api 6.8)."""

    job_id: str
    name: str
    status: str
    status_desc: str
    queue_name: str | None
    job_type: str | None
    has_savepoint: bool
    create_time: int | None
    start_time: int | None


def get_queue(queue_name: str, *, provider: Provider | None = None) -> QueueInfo:
    """The queue of this name, in letters of any case.

    Raises:
        RunError: there is none, or the service cannot be asked.
    """
    return _asked(lambda client: _queue(client, queue_name), provider.plain_settings if provider else None)


def get_queue_output(queue_name: pulumi.Input[str], *, provider: Provider | None = None) -> pulumi.Output[QueueInfo]:
    """As `get_queue`, for a name that is an output."""
    return _later(lambda client, known: _queue(client, known["queue_name"]), provider, queue_name=queue_name)


def get_elastic_resource_pool(
    elastic_resource_pool_name: str, *, provider: Provider | None = None
) -> ElasticResourcePoolInfo:
    """The elastic resource pool of this name, in letters of any case.

    Raises:
        RunError: there is none, or the service cannot be asked.
    """
    return _asked(
        lambda client: _pool(client, elastic_resource_pool_name), provider.plain_settings if provider else None
    )


def get_elastic_resource_pool_output(
    elastic_resource_pool_name: pulumi.Input[str], *, provider: Provider | None = None
) -> pulumi.Output[ElasticResourcePoolInfo]:
    """As `get_elastic_resource_pool`, for a name that is an output."""
    return _later(lambda client, known: _pool(client, known["name"]), provider, name=elastic_resource_pool_name)


def get_package_group(group_name: str, *, provider: Provider | None = None) -> PackageGroupInfo:
    """The package group of this name with its packages.

    Raises:
        RunError: there is none, or the service cannot be asked.
    """
    return _asked(lambda client: _group(client, group_name), provider.plain_settings if provider else None)


def get_package_group_output(
    group_name: pulumi.Input[str], *, provider: Provider | None = None
) -> pulumi.Output[PackageGroupInfo]:
    """As `get_package_group`, for a name that is an output."""
    return _later(lambda client, known: _group(client, known["group_name"]), provider, group_name=group_name)


def get_flink_jobs(
    *,
    name: str | None = None,
    status: str | None = None,
    queue_name: str | None = None,
    provider: Provider | None = None,
) -> Sequence[FlinkJobInfo]:
    """The Flink jobs of the project, oldest first.

    Args:
        name: exactly this name.
        status: DLI's word, such as `job_running`.
        queue_name: on this queue, in letters of any case.
        provider: other settings than the stack's.

    Raises:
        RunError: the service cannot be asked.
    """
    filters = {"name": name, "status": status, "queue_name": queue_name}
    return _asked(lambda client: _jobs(client, filters), provider.plain_settings if provider else None)


def get_flink_jobs_output(
    *,
    name: pulumi.Input[str] | None = None,
    status: pulumi.Input[str] | None = None,
    queue_name: pulumi.Input[str] | None = None,
    provider: Provider | None = None,
) -> pulumi.Output[Sequence[FlinkJobInfo]]:
    """As `get_flink_jobs`, for filters that are outputs."""
    return _later(_jobs, provider, name=name, status=status, queue_name=queue_name)


def _asked(ask: Callable[[DliClient], T], settings: Mapping[str, Any] | None) -> T:
    try:
        return ask(program_client(settings))
    except DliError as error:
        raise pulumi.RunError(str(error)) from None


def _later(
    ask: Callable[[DliClient, Mapping[str, Any]], T], provider: Provider | None, **inputs: Any
) -> pulumi.Output[T]:
    settings = provider.settings if provider else pulumi.Output.from_input(None)
    return pulumi.Output.all(settings, inputs).apply(
        lambda known: _asked(lambda client: ask(client, known[1]), known[0])
    )


def _queue(client: DliClient, name: str) -> QueueInfo:
    found = client.queues.find(name)
    if found is None:
        raise pulumi.RunError(f"there is no queue named {name}")
    return QueueInfo(**{field: getattr(found, field) for field in QueueInfo.__dataclass_fields__})


def _pool(client: DliClient, name: str) -> ElasticResourcePoolInfo:
    found = client.elastic_resource_pools.find(name)
    if found is None:
        raise pulumi.RunError(f"there is no elastic resource pool named {name}")
    fields = {field: getattr(found, field) for field in ElasticResourcePoolInfo.__dataclass_fields__}
    return ElasticResourcePoolInfo(**{**fields, "queues": found.queues or ()})


def _group(client: DliClient, name: str) -> PackageGroupInfo:
    found = client.package_groups.list().group(name)
    if found is None:
        raise pulumi.RunError(f"there is no package group named {name}")
    packages = tuple(
        PackageInfo(p.resource_name, p.resource_type, p.status, f"{name}/{p.resource_name}") for p in found.details
    )
    return PackageGroupInfo(name, found.status, found.owner, packages)


def _jobs(client: DliClient, filters: Mapping[str, str | None]) -> Sequence[FlinkJobInfo]:
    jobs = client.flink_jobs.list_all(name=filters["name"], status=filters["status"], queue_name=filters["queue_name"])
    return tuple(
        FlinkJobInfo(
            job_id=str(job.job_id),
            name=job.name or "",
            status=job.status,
            status_desc=job.status_desc or "",
            queue_name=job.queue_name,
            job_type=job.job_type,
            has_savepoint=bool(job.has_savepoint),
            create_time=job.create_time,
            start_time=job.start_time,
        )
        for job in sorted(jobs, key=lambda job: job.create_time or 0)
        # The service's own filters may be fuzzy (dli-api 6.8).
        if (not filters["name"] or job.name == filters["name"])
        and (not filters["status"] or job.status == filters["status"])
        and (not filters["queue_name"] or (job.queue_name or "").lower() == filters["queue_name"].lower())
    )
