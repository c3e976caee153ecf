"""Every public call of the client, each with a documented answer: one table, which no call can be missing from."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from test_api_documented_answers import GROUP, JOB_DETAIL, OK, QUEUE_DETAILS

from pulumi_dli.api.client import DliClient
from pulumi_dli.connection import AccessKey, Connection

BOOKS = {"calls", "close", "connection", "project_id", "service_time", "small_objects"}  # OBS: test_obs_bounds.py
"""What a client has beside its calls."""
TRUE = {"is_success": True, "message": ""}
JOB = {"job_id": 7, "name": "j", "status": "job_running"}
CONNECTION = {"id": "c1", "name": "c", "status": "ACTIVE", "dest_vpc_id": "v", "dest_network_id": "n"}
POOL = {"elastic_resource_pool_name": "p", "min_cu": 64, "max_cu": 128, "status": "AVAILABLE"}
POLICY = {"priority": 1, "impact_start_time": "00:00", "impact_stop_time": "24:00", "min_cu": 16, "max_cu": 64}


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        answer: a documented one.
        row: gives the row of this number, for a listing that has pages; `page` makes an answer of rows.
        quiet: whether success may come without a word.
    """

    ask: Callable[[DliClient], Any]
    answer: Any
    row: Callable[[int], dict[str, Any]] | None = None
    page: Callable[[list[Any]], Any] | None = None
    quiet: bool = False


def _tagged(number: int) -> dict[str, Any]:
    return {"resource_id": f"q{number}", "tags": [{"key": "o", "value": "x"}]}


def _jobs(rows: list[Any]) -> dict[str, Any]:
    return {**OK, "job_list": {"total_count": 900_000, "jobs": rows}}


_OF_JOBS = {"row": lambda number: {**JOB, "job_id": number + 1}, "page": _jobs}
_OF_POOLS = {
    "row": lambda number: {**POOL, "elastic_resource_pool_name": f"p{number}"},
    "page": lambda rows: {**TRUE, "count": 900_000, "elastic_resource_pools": rows},
}

CALLS: dict[str, Call] = {
    "obs_authorize": Call(lambda c: c.obs_authorize(["b"]), OK),
    "quotas": Call(lambda c: c.quotas(), {"quotas": {"resources": [{"type": "QUEUE", "quota": 3, "used": 1}]}}),
    "queues.create": Call(lambda c: c.queues.create({"queue_name": "q"}), {**TRUE, "queue_name": "q"}),
    "queues.list": Call(lambda c: c.queues.list(), {**TRUE, "queues": [{"queue_name": "q"}]}),
    "queues.get": Call(lambda c: c.queues.get("test"), QUEUE_DETAILS),
    "queues.find": Call(lambda c: c.queues.find("q"), {**TRUE, "queues": [{"queue_name": "q"}]}),
    "queues.delete": Call(lambda c: c.queues.delete("q"), TRUE),
    "queues.scale": Call(lambda c: c.queues.scale("q", "scale_out", 16), {"queue_name": "q", "result": True}),
    "queues.restart": Call(lambda c: c.queues.restart("q"), TRUE),
    "queues.change_cidr": Call(lambda c: c.queues.change_cidr("q", "10.0.0.0/14"), TRUE),
    "queues.enter_pool": Call(lambda c: c.queues.enter_pool("q", "p"), TRUE),
    "elastic_resource_pools.create": Call(
        lambda c: c.elastic_resource_pools.create({"elastic_resource_pool_name": "p"}),
        {**TRUE, "elastic_resource_pool_name": "p"},
    ),
    "elastic_resource_pools.list": Call(
        lambda c: c.elastic_resource_pools.list(), {**TRUE, "count": 1, "elastic_resource_pools": [POOL]}, **_OF_POOLS
    ),
    "elastic_resource_pools.find": Call(
        lambda c: c.elastic_resource_pools.find("nowhere"),
        {**TRUE, "count": 1, "elastic_resource_pools": [POOL]},
        **_OF_POOLS,
    ),
    "elastic_resource_pools.update": Call(lambda c: c.elastic_resource_pools.update("p", {"max_cu": 128}), TRUE),
    "elastic_resource_pools.delete": Call(lambda c: c.elastic_resource_pools.delete("p"), TRUE),
    "elastic_resource_pools.queues": Call(
        lambda c: c.elastic_resource_pools.queues("p"),
        {**TRUE, "count": 1, "queues": [{"queue_name": "q", "queue_scaling_policies": [POLICY]}]},
        row=lambda number: {"queue_name": f"q{number}"},
        page=lambda rows: {**TRUE, "count": 900_000, "queues": rows},
    ),
    "elastic_resource_pools.set_policies": Call(
        lambda c: c.elastic_resource_pools.set_policies("p", "q", [POLICY]), TRUE
    ),
    "datasource_connections.create": Call(
        lambda c: c.datasource_connections.create({"name": "c"}), {**TRUE, "connection_id": "c1"}
    ),
    "datasource_connections.list": Call(
        lambda c: c.datasource_connections.list(),
        {**TRUE, "count": 1, "connections": [CONNECTION]},
        row=lambda number: {**CONNECTION, "id": f"c{number}"},
        page=lambda rows: {**TRUE, "count": 900_000, "connections": rows},
    ),
    "datasource_connections.find": Call(lambda c: c.datasource_connections.find("c1"), CONNECTION),
    "datasource_connections.delete": Call(lambda c: c.datasource_connections.delete("c1"), TRUE),
    "datasource_connections.bind": Call(lambda c: c.datasource_connections.bind("c1", {"queues": ["q"]}), TRUE),
    "datasource_connections.unbind": Call(lambda c: c.datasource_connections.unbind("c1", {"queues": ["q"]}), TRUE),
    "datasource_connections.set_hosts": Call(lambda c: c.datasource_connections.set_hosts("c1", []), TRUE),
    "datasource_connections.add_route": Call(
        lambda c: c.datasource_connections.add_route("c1", {"name": "r", "cidr": "10.0.0.0/16"}), TRUE
    ),
    "datasource_connections.delete_route": Call(lambda c: c.datasource_connections.delete_route("c1", "r"), TRUE),
    "package_groups.upload": Call(lambda c: c.package_groups.upload("gatk", ["u"], "jar", True), GROUP),
    "package_groups.list": Call(
        lambda c: c.package_groups.list(), {"groups": [GROUP], "resources": [{"resource_name": "x"}], "modules": []}
    ),
    "package_groups.get_package": Call(
        lambda c: c.package_groups.get_package("a.jar", "g"), {"resource_name": "a.jar", "status": "READY"}
    ),
    "package_groups.delete_package": Call(lambda c: c.package_groups.delete_package("a.jar", "g"), b"", quiet=True),
    "package_groups.set_owner": Call(lambda c: c.package_groups.set_owner("boss", "g"), TRUE),
    "flink_jobs.create_jar": Call(lambda c: c.flink_jobs.create_jar({"name": "j"}), {**OK, "job": {"job_id": 7}}),
    "flink_jobs.update_jar": Call(lambda c: c.flink_jobs.update_jar(7, {"desc": ""}), OK),
    "flink_jobs.create_sql": Call(lambda c: c.flink_jobs.create_sql({"name": "s"}), {**OK, "job": {"job_id": 7}}),
    "flink_jobs.update_sql": Call(lambda c: c.flink_jobs.update_sql(7, {"desc": ""}), OK),
    "flink_jobs.run": Call(lambda c: c.flink_jobs.run([7], True), [OK]),
    "flink_jobs.stop": Call(lambda c: c.flink_jobs.stop([7], True), [OK]),
    "flink_jobs.delete": Call(lambda c: c.flink_jobs.delete(7), OK),
    "flink_jobs.delete_many": Call(lambda c: c.flink_jobs.delete_many([7]), [OK]),
    "flink_jobs.list_page": Call(
        lambda c: c.flink_jobs.list_page(0), {**OK, "job_list": {"total_count": 1, "jobs": [JOB]}}
    ),
    "flink_jobs.list_all": Call(
        lambda c: c.flink_jobs.list_all(), {**OK, "job_list": {"total_count": 1, "jobs": [JOB]}}, **_OF_JOBS
    ),
    "flink_jobs.get": Call(lambda c: c.flink_jobs.get(104), JOB_DETAIL),
    "flink_jobs.savepoint": Call(lambda c: c.flink_jobs.savepoint(7, "b/d/"), OK),
    "flink_jobs.import_savepoint": Call(lambda c: c.flink_jobs.import_savepoint(7, "obs://b/d/"), OK),
    "flink_jobs.execute_graph": Call(
        lambda c: c.flink_jobs.execute_graph(7), {**OK, "execute_graph": {"jid": "x", "state": "RUNNING"}}
    ),
    "tags.list": Call(lambda c: c.tags.list("dli_queue", "q"), {"tags": [{"key": "a", "value": "1"}], "count": 1}),
    "tags.create": Call(lambda c: c.tags.create("dli_queue", "q", {"a": "1"}), b"", quiet=True),
    "tags.delete": Call(lambda c: c.tags.delete("dli_queue", "q", {"a": "1"}), b"success", quiet=True),
    "tags.find_resources": Call(
        lambda c: c.tags.find_resources("dli_queue", {"o": "x"}),
        {"total_count": 1, "resources": [_tagged(1)]},
        row=_tagged,
        page=lambda rows: {"total_count": 900_000, "resources": rows},
    ),
}


def public_calls() -> Iterator[str]:
    """The names of all that a client can be asked."""
    client = DliClient(Connection(endpoint="http://127.0.0.1:9", credentials=AccessKey("a", "s"), project_id="p"))
    for name in sorted({*dir(client)} - BOOKS):
        if name.startswith("_"):
            continue
        part = getattr(client, name)
        if inspect.ismethod(part):
            yield name
        else:
            yield from (f"{name}.{call}" for call in dir(part) if not call.startswith("_"))
    client.close()
