"""Flink jobs of all kinds: jar and SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from pulumi_dli.resources.functions.asking import Function, fits, nothing
from pulumi_dli.resources.settings import Provider

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient
    from pulumi_dli.api.flink_models import FlinkJob


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
    desc: str | None
    user_name: str | None


def get_flink_job(name: str, *, provider: Provider | None = None) -> FlinkJobInfo:
    """The Flink job of exactly this name.

    Raises:
        RunError: there is none, or the service cannot be asked.
    """
    return _JOB.now(provider, name=name)


def get_flink_job_output(name: pulumi.Input[str], *, provider: Provider | None = None) -> pulumi.Output[FlinkJobInfo]:
    """As `get_flink_job`, for a name that is an output."""
    return _JOB.later(provider, name=name)


def get_flink_jobs(
    *,
    name: str | None = None,
    status: str | None = None,
    queue_name: str | None = None,
    job_type: str | None = None,
    tags: Mapping[str, str] | None = None,
    provider: Provider | None = None,
) -> Sequence[FlinkJobInfo]:
    """The Flink jobs of the project, oldest first.

    Args:
        name: exactly this name.
        status: DLI's word, such as `job_running`.
        queue_name: on this queue, in letters of any case.
        job_type: `flink_jar_job`, `flink_opensource_sql_job` or `flink_sql_job`.
        tags: that carry all of these.
        provider: other settings than the stack's.

    Raises:
        RunError: the service cannot be asked.
    """
    return _JOBS.now(provider, name=name, status=status, queue_name=queue_name, job_type=job_type, tags=tags)


def get_flink_jobs_output(
    *,
    name: pulumi.Input[str] | None = None,
    status: pulumi.Input[str] | None = None,
    queue_name: pulumi.Input[str] | None = None,
    job_type: pulumi.Input[str] | None = None,
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
    provider: Provider | None = None,
) -> pulumi.Output[Sequence[FlinkJobInfo]]:
    """As `get_flink_jobs`, for filters that are outputs."""
    return _JOBS.later(provider, name=name, status=status, queue_name=queue_name, job_type=job_type, tags=tags)


def _job(client: DliClient, name: str) -> FlinkJobInfo:
    found = _jobs(client, name=name)
    if not found:
        raise nothing(f"Flink job named {name}")
    return found[0]


def _jobs(
    client: DliClient,
    *,
    name: str | None = None,
    status: str | None = None,
    queue_name: str | None = None,
    job_type: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Sequence[FlinkJobInfo]:
    rows = client.flink_jobs.list_all(name=name, status=status, queue_name=queue_name, job_type=job_type, tags=tags)
    return tuple(
        _info(row)
        for row in sorted(rows, key=lambda row: row.create_time or 0)
        if status in (None, row.status)
        and fits(row.queue_name, queue_name)
        and (job_type is None or row.job_type in (None, job_type))
    )


def _info(job: FlinkJob) -> FlinkJobInfo:
    return FlinkJobInfo(
        job_id=str(job.job_id),
        name=job.name or "",
        status=job.status,
        status_desc=job.status_desc or "",
        queue_name=job.queue_name,
        job_type=job.job_type,
        has_savepoint=bool(job.has_savepoint),
        create_time=job.create_time,
        start_time=job.start_time,
        desc=job.desc,
        user_name=job.user_name,
    )


_JOB = Function("dli:index:getFlinkJob", _job, FlinkJobInfo)
_JOBS = Function("dli:index:getFlinkJobs", _jobs, FlinkJobInfo, key="jobs")
