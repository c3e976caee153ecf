"""Every DLI call that the local service knows: name, method, path, handler. What is not here gets the gateway's 404.

The names are those of the journal and of scripted faults (contract 0.3 has the paths).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pulumi_dli.emulator import job_calls, package_calls, pool_calls, queue_calls, tag_calls
from pulumi_dli.emulator.calls import Call
from pulumi_dli.emulator.messages import Reply

_QUEUES = "/v1.0/{project_id}/queues"
_PACKAGES = "/v2.0/{project_id}/resources"
_FLINK = "/v1.0/{project_id}/streaming"
_POOLS = "/v3/{project_id}/elastic-resource-pools"
_TAGS = "/v3/{project_id}/{resource_type}"
_INSTANCES = _TAGS + "/resource-instances"


@dataclass(frozen=True)
class Operation:
    """One call of the service."""

    name: str
    method: str
    path: str
    handler: Callable[[Call], Reply]
    feature: str = ""  # the quirk that unpublishes it


OPERATIONS = (
    Operation("queues.create", "POST", _QUEUES, queue_calls.create),
    Operation("queues.list", "GET", _QUEUES, queue_calls.list_queues),
    Operation("queues.get", "GET", _QUEUES + "/{queue_name}", queue_calls.details),
    Operation("queues.delete", "DELETE", _QUEUES + "/{queue_name}", queue_calls.delete),
    Operation("queues.action", "PUT", _QUEUES + "/{queue_name}/action", queue_calls.act),
    Operation("queues.cidr", "PUT", _QUEUES + "/{queue_name}", queue_calls.change_cidr),
    Operation("packages.upload", "POST", _PACKAGES, package_calls.upload),
    Operation("packages.replace", "POST", _PACKAGES + "/{variant}", package_calls.replace),
    Operation("packages.list", "GET", _PACKAGES, package_calls.list_packages),
    Operation("packages.owner", "PUT", _PACKAGES + "/owner", package_calls.change_owner),
    Operation("packages.get", "GET", _PACKAGES + "/{resource_name}", package_calls.get),
    Operation("packages.delete", "DELETE", _PACKAGES + "/{resource_name}", package_calls.delete),
    Operation("jobs.create", "POST", _FLINK + "/flink-jobs", job_calls.create_jar),
    Operation("jobs.update", "PUT", _FLINK + "/flink-jobs/{job_id}", job_calls.update_jar),
    Operation("sql_jobs.create", "POST", _FLINK + "/sql-jobs", job_calls.create_sql),
    Operation("sql_jobs.update", "PUT", _FLINK + "/sql-jobs/{job_id}", job_calls.update_sql),
    Operation("jobs.run", "POST", _FLINK + "/jobs/run", job_calls.run),
    Operation("jobs.stop", "POST", _FLINK + "/jobs/stop", job_calls.stop),
    Operation("jobs.delete_many", "POST", _FLINK + "/jobs/delete", job_calls.delete_many),
    Operation("jobs.list", "GET", _FLINK + "/jobs", job_calls.list_jobs),
    Operation("jobs.get", "GET", _FLINK + "/jobs/{job_id}", job_calls.get),
    Operation("jobs.delete", "DELETE", _FLINK + "/jobs/{job_id}", job_calls.delete),
    Operation("jobs.graph", "GET", _FLINK + "/jobs/{job_id}/execute-graph", job_calls.graph),
    Operation(
        "jobs.savepoint", "POST", _FLINK + "/jobs/{job_id}/savepoint", job_calls.savepoint, "savepoint_api_unpublished"
    ),
    Operation(
        "jobs.import_savepoint",
        "POST",
        _FLINK + "/jobs/{job_id}/import-savepoint",
        job_calls.import_savepoint,
        "savepoint_api_unpublished",
    ),
    Operation("obs.authorize", "POST", "/v1.0/{project_id}/dli/obs-authorize", job_calls.authorize_buckets),
    Operation("quotas.get", "GET", "/v3/{project_id}/quotas", job_calls.quotas, "v3_unpublished"),
    Operation("pools.create", "POST", _POOLS, pool_calls.create, "v3_unpublished"),
    Operation("pools.list", "GET", _POOLS, pool_calls.list_pools, "v3_unpublished"),
    Operation("pools.delete", "DELETE", _POOLS + "/{pool}", pool_calls.delete, "v3_unpublished"),
    Operation("pools.associate", "POST", _POOLS + "/{pool}/queues", pool_calls.associate, "v3_unpublished"),
    Operation("pools.queues", "GET", _POOLS + "/{pool}/queues", pool_calls.list_queues, "v3_unpublished"),
    Operation("tags.filter", "POST", _INSTANCES + "/filter", tag_calls.filter_instances, "v3_unpublished"),
    Operation("tags.count", "POST", _INSTANCES + "/count", tag_calls.count_instances, "v3_unpublished"),
    Operation("tags.list_type", "GET", _TAGS + "/tags", tag_calls.show_type, "v3_unpublished"),
    Operation("tags.list", "GET", _TAGS + "/{resource_id}/tags", tag_calls.show, "v3_unpublished"),
    Operation("tags.create", "POST", _TAGS + "/{resource_id}/tags/create", tag_calls.create, "v3_unpublished"),
    Operation("tags.delete", "POST", _TAGS + "/{resource_id}/tags/delete", tag_calls.delete, "v3_unpublished"),
)
