"""The kinds of Flink jobs: what differs between them is data here, and all else in this room holds for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_dli.api.flink_jobs import FlinkJobs
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec
from pulumi_dli.specs.flink_job import FlinkJobSpec
from pulumi_dli.specs.flink_sql_job import FlinkSqlJobSpec


@dataclass(frozen=True)
class JobKind:
    """One kind of job.

    Attributes:
        types: the `job_type` of its jobs as the service says it (dli-api 6.8, 14.1).
        create, update: its calls; all others are shared.
    """

    name: str
    spec: type[FlinkJobSpec]
    types: tuple[str, ...]
    create: Callable[[FlinkJobs, Mapping[str, Any]], int]
    update: Callable[[FlinkJobs, int, Mapping[str, Any]], None]


JAR = JobKind(
    "jar job",
    FlinkJarJobSpec,
    ("flink_jar_job",),
    lambda jobs, body: jobs.create_jar(body),
    lambda jobs, job_id, body: jobs.update_jar(job_id, body),
)
SQL = JobKind(
    "SQL job",
    FlinkSqlJobSpec,
    ("flink_opensource_sql_job", "flink_sql_job"),
    lambda jobs, body: jobs.create_sql(body),
    lambda jobs, job_id, body: jobs.update_sql(job_id, body),
)
KINDS = (JAR, SQL)


class AnyFlinkJobSpec(FlinkJarJobSpec, FlinkSqlJobSpec):
    """The fields of all kinds together: a name means the same in each of them (dli-api 6.1, 14.2)."""
