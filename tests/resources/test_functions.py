"""Functions of a program: every page of every list, filters that hold, one clean error where there is nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

import pulumi_dli as dli
from tests.stacks import Stack, Stream

CONNECTIONS = "/v2.0/{p}/datasource/enhanced-connections"
BASES = [name for name in dli.__all__ if name.startswith("get_") and not name.endswith("_output")]


@pytest.fixture
def asked(stack: Stack) -> Iterator[Stack]:
    """A project whose settings are those of this program."""
    pulumi.runtime.set_all_config({key: str(value) for key, value in stack.config.items()})
    yield stack
    pulumi.runtime.set_all_config({})


def connections(stack: Stack, count: int, **more: Any) -> None:
    for number in range(count):
        body = {"name": f"c{number:03}", "dest_vpc_id": f"vpc-{number % 2}", "dest_network_id": "net", **more}
        stack.call("POST", CONNECTIONS, body)


def sql_job(stack: Stack, name: str) -> None:
    body = {"name": name, "job_type": "flink_opensource_sql_job", "run_mode": "exclusive_cluster", "queue_name": "q1"}
    stack.call("POST", "/v1.0/{p}/streaming/sql-jobs", {**body, "sql_body": "create table t (a int)"})


def jar_job(stack: Stack, name: str, **more: Any) -> None:
    body = {"name": name, "queue_name": "q1", "entrypoint": "obs://jars/a.jar", "main_class": "Main", **more}
    stack.call("POST", "/v1.0/{p}/streaming/flink-jobs", body)


@pytest.mark.parametrize("name", BASES)
def test_each_has_a_form_for_outputs_that_takes_the_same(name: str) -> None:
    plain, later = (inspect.signature(getattr(dli, each)).parameters for each in (name, f"{name}_output"))
    assert [*plain] == [*later]
    assert all("Input" in str(one.annotation) for one in later.values() if one.name != "provider")


def test_connections_come_from_every_page(asked: Stack) -> None:
    connections(asked, 205)
    assert len(dli.get_datasource_connections()) == 205
    assert len(asked.requests("connections.list")) == 3
    assert {row.dest_vpc_id for row in dli.get_datasource_connections(dest_vpc_id="vpc-1")} == {"vpc-1"}
    assert len(dli.get_datasource_connections(dest_vpc_id="vpc-1")) == 102


def test_a_service_that_ignores_the_offset_is_no_endless_list(asked: Stack) -> None:
    row = {"name": "c", "dest_vpc_id": "v", "dest_network_id": "n", "status": "ACTIVE"}
    rows = [{**row, "id": f"id-{number}"} for number in range(100)]
    body = {"is_success": True, "count": 100, "connections": rows}
    asked.emulator.fault("connections.list", 200, body=body, times=0)
    assert len(dli.get_datasource_connections()) == 100
    assert len(asked.requests("connections.list")) == 2


def test_a_connection_is_told_with_all_that_it_leads_to(asked: Stack) -> None:
    asked.queue()
    asked.emulator.advance(900)
    hosts, tags = [{"name": "b1", "ip": "192.168.0.1"}], [{"key": "team", "value": "a"}]
    connections(asked, 1, queues=["q1"], hosts=hosts, tags=tags)
    asked.emulator.advance(60)
    found = dli.get_datasource_connection("c000")
    assert ([(row.name, row.status) for row in found.queues], found.hosts) == (
        [("q1", "ACTIVE")],
        {"b1": "192.168.0.1"},
    )
    assert dli.get_datasource_connection(found.id) == found
    assert [row.name for row in dli.get_datasource_connections(tags={"team": "a"})] == ["c000"]
    assert dli.get_datasource_connections(tags={"team": "b"}) == ()
    asked.call("DELETE", f"{CONNECTIONS}/{found.id}")
    with pytest.raises(pulumi.RunError, match="there is no datasource connection named c000"):
        dli.get_datasource_connection("c000")
    connections(asked, 1)
    connections(asked, 1)
    with pytest.raises(pulumi.RunError, match="there are 2 datasource connections named c000: ask by one of their ids"):
        dli.get_datasource_connection("c000")


def test_jobs_of_all_kinds_come_from_every_page_by_any_filter(stream: Stream, asked: Stack) -> None:
    for number in range(103):
        jar_job(asked, f"jar{number:03}", tags=[{"key": "team", "value": "a" if number < 3 else "b"}])
    sql_job(asked, "sql")
    assert len(dli.get_flink_jobs()) == 104
    assert [job.name for job in dli.get_flink_jobs(job_type="flink_opensource_sql_job")] == ["sql"]
    assert len(dli.get_flink_jobs(job_type="flink_jar_job", queue_name="Q1")) == 103
    assert [job.name for job in dli.get_flink_jobs(tags={"team": "a"})] == ["jar000", "jar001", "jar002"]
    assert dli.get_flink_jobs(status="job_running") == ()
    assert [job.name for job in dli.get_flink_jobs(name="jar00")] == []  # the service's own filter is fuzzy
    assert dli.get_flink_job("sql").job_type == "flink_opensource_sql_job"
    with pytest.raises(pulumi.RunError, match="there is no Flink job named jar00"):
        dli.get_flink_job("jar00")


def test_queues_and_pools_are_found_by_their_filters(asked: Stack) -> None:
    pool = {"elastic_resource_pool_name": "Shared", "min_cu": 64, "max_cu": 128}
    asked.call("POST", "/v3/{p}/elastic-resource-pools", {**pool, "tags": [{"key": "team", "value": "a"}]})
    asked.emulator.advance(300)
    for name, more in (("inside", {"elastic_resource_pool_name": "Shared"}), ("outside", {}), ("sql", {})):
        kind = "sql" if name == "sql" else "general"
        body = {"queue_name": name, "queue_type": kind, "cu_count": 16, "resource_mode": 1, **more}
        asked.call("POST", "/v1.0/{p}/queues", body)
    names = {queue.queue_name for queue in dli.get_queues(queue_type="general")}
    assert {"inside", "outside"} <= names
    assert "sql" not in names
    assert [queue.queue_name for queue in dli.get_queues(elastic_resource_pool_name="shared")] == ["inside"]
    assert "inside" not in {queue.queue_name for queue in dli.get_queues(elastic_resource_pool_name="")}
    assert [pool.queues for pool in dli.get_elastic_resource_pools(tags={"team": "a"})] == [("inside",)]
    assert dli.get_elastic_resource_pools(status="FAILED") == ()


def test_the_versions_of_a_queue_and_the_quotas_are_the_services_own(asked: Stack) -> None:
    asked.emulator.quirk(flink_jar_versions=["1.12", "1.15"], flink_sql_versions=["1.12"])
    asked.queue()
    versions = dli.get_flink_versions("Q1")
    assert (versions.jar, versions.sql) == (("1.12", "1.15"), ("1.12",))
    asked.emulator.quirk(quotas={"QUEUE": 3, "CU": 64})
    quotas = dli.get_quotas()
    assert (quotas["QUEUE"].left, quotas["CU"].used) == (2, 16)
    asked.emulator.quirk(v3_unpublished=True)
    with pytest.raises(pulumi.RunError, match=r"read the quotas|APIG"):
        dli.get_quotas()


def test_groups_are_all_there_with_their_packages(asked: Stack) -> None:
    for group in ("b", "a"):
        asked.emulator.put_object("jars", f"{group}.jar", b"x")
        path = f"https://jars.obs.eu-de.otc.t-systems.com/{group}.jar"
        asked.call("POST", "/v2.0/{p}/resources", {"paths": [path], "kind": "jar", "group": group})
    assert [(group.group_name, [one.path for one in group.packages]) for group in dli.get_package_groups()] == [
        ("a", ["a/a.jar"]),
        ("b", ["b/b.jar"]),
    ]
