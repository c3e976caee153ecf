"""Whole programs with a way into a VPC: pool, queue, connection and job come up, change, are imported and go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.__main__ import main
from pulumi_dli.emulator.connections.records import Connections
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.testing import Emulator
from tests.engines import CLI_WHEN_SLOW, PROJECT_ID, SLOW_CLI_ONLY, Engine, call, leftovers

PROGRAM = """
pools = [
    dli.ElasticResourcePool(name, min_cu=64, max_cu=64, cidr_in_vpc=cidr)
    for name, cidr in config.require_object("pools").items()
]
queue = dli.Queue("streams", cu_count=16, elastic_resource_pool_name=pools[0].elastic_resource_pool_name)
kafka = dli.DatasourceConnection(
    "kafka",
    dest_vpc_id="vpc-1",
    dest_network_id="net-1",
    dest_cidr="192.168.0.0/24",
    elastic_resource_pools=[pool.elastic_resource_pool_name for pool in pools],
    queues=[queue.queue_name],
    hosts=config.get_object("hosts"),
    routes=[{"name": "databases", "cidr": "192.168.4.0/24"}],
    tags={"team": config.get("team") or "a"},
)
dli.FlinkJarJob(
    "counter",
    queue_name=queue.queue_name,
    entrypoint="obs://jars/app.jar",
    main_class="Main",
    obs_bucket="state",
    opts=pulumi.ResourceOptions(depends_on=[kafka]),
)
found = dli.get_datasource_connection_output(kafka.id)
pulumi.export("ways", found.apply(lambda one: {row.name: row.status for row in one.elastic_resource_pools}))
"""
ONE, TWO = {"one": "10.0.0.0/16"}, {"one": "10.0.0.0/16", "two": "10.1.0.0/16"}
BROKERS = [{"name": f"broker-{number}", "ip": f"192.168.0.1{number}"} for number in (1, 2)]
PATH = "/v2.0/{p}/datasource/enhanced-connections"


def settings(pools: Any, hosts: Any, team: str = "a") -> dict[str, str]:
    return {"pools": json.dumps(pools), "hosts": json.dumps(hosts), "team": team}


def connections(dli: Emulator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(dli, "GET", f"{PATH}?status=ACTIVE")["connections"]
    return found


@CLI_WHEN_SLOW
def test_a_stream_with_its_way_into_a_vpc_comes_changes_and_goes(engine: Engine, dli: Emulator) -> None:
    engine.write(PROGRAM)
    engine.connect(dli)
    engine.configure(settings({"one": "192.168.0.0/18"}, BROKERS[:1]))
    planned = engine.preview()
    assert not planned.ok
    assert "192.168.0.0/18 of pool one overlaps the subnet 192.168.0.0/24 of the data" in planned.text

    engine.configure(settings(ONE, BROKERS[:1]))
    made = engine.up()
    assert made.ok, made.text
    assert set(made.ops()) == {"one", "streams", "kafka", "counter"}
    assert engine.outputs()["ways"] == {"one": "ACTIVE"}
    assert engine.preview(refresh=True).ops() == {}
    (there,) = connections(dli)

    engine.configure(settings(TWO, BROKERS, "b"))
    planned = engine.preview()
    assert planned.ops() == {"two": "create", "kafka": "update"}
    assert planned.says("kafka", "info") == ["binds pool two (some minutes); changes its hosts; changes tags"]
    changed = engine.up()
    assert changed.ok, changed.text
    assert changed.ops() == {"two": "create", "kafka": "update"}
    assert engine.outputs()["ways"] == {"one": "ACTIVE", "two": "ACTIVE"}
    assert [row["name"] for row in connections(dli)[0]["hosts"]] == ["broker-1", "broker-2"]
    assert engine.refresh(preview_only=True, expect_no_changes=True).ok

    engine.configure(settings(ONE, BROKERS, "b"))
    back = engine.up()
    assert back.ok, back.text
    assert back.ops() == {"two": "delete", "kafka": "update"}
    assert [row["id"] for row in connections(dli)] == [there["id"]]
    assert [job["status"] for job in dli.jobs()] == ["job_running"]

    gone = engine.destroy()
    assert gone.ok, gone.text
    assert (leftovers(dli), connections(dli), dli.service.part(Pools).of(PROJECT_ID)) == ([], [], [])


@CLI_WHEN_SLOW
def test_a_peering_that_fails_is_told_kept_and_mended(engine: Engine, dli: Emulator) -> None:
    engine.write(PROGRAM)
    engine.connect(dli)
    engine.configure(settings(ONE, []))
    dli.behave("peering_failed", match={"name": "one"}, description="no right on the route table of vpc-1")
    failed = engine.up()
    assert not failed.ok
    assert any("pool one: no right on the route table of vpc-1" in text for text in failed.errors())
    assert engine.resources()["kafka"]["id"] == connections(dli)[0]["id"]
    dli.act("connection.peering", connection="kafka", status="ACTIVE")
    mended = engine.up()
    assert mended.ok, mended.text
    assert len(connections(dli)) == 1
    assert engine.destroy().ok
    assert dli.service.part(Connections).of(PROJECT_ID)[0].status == "DELETED"


def run(dli: Emulator, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command with credentials from the environment, as a person would have them."""
    for name in [name for name in os.environ if name.startswith(("OS_", "HW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_ACCESS_KEY", "local")
    monkeypatch.setenv("OS_SECRET_KEY", "local-secret")
    return main(["import", "--endpoint", dli.url, "--project-id", PROJECT_ID, *words])


def by_hand(dli: Emulator) -> str:
    """A pool, a queue in it, a connection and a running job that no program made; the connection's id."""
    pool = {"elastic_resource_pool_name": "one", "min_cu": 64, "max_cu": 64, "cidr_in_vpc": "10.0.0.0/16"}
    call(dli, "POST", "/v3/{p}/elastic-resource-pools", pool)
    dli.advance(300)
    queue = {"queue_name": "streams", "queue_type": "general", "cu_count": 16, "resource_mode": 1}
    call(dli, "POST", "/v1.0/{p}/queues", {**queue, "elastic_resource_pool_name": "one"})
    body = {"name": "kafka", "dest_vpc_id": "vpc-1", "dest_network_id": "net-1", "hosts": BROKERS[::-1]}
    tags = [{"key": "team", "value": "a"}]
    made = call(dli, "POST", PATH, {**body, "queues": ["streams", "shared"], "tags": tags})
    call(
        dli,
        "POST",
        f"{PATH.replace('v2.0', 'v3')}/{made['connection_id']}/routes",
        {"name": "r", "cidr": "10.9.0.0/16"},
    )
    dli.advance(1200)
    job = {"name": "counter", "queue_name": "streams", "entrypoint": "obs://jars/app.jar", "main_class": "Main"}
    job_id = call(dli, "POST", "/v1.0/{p}/streaming/flink-jobs", {**job, "obs_bucket": "state"})["job"]["job_id"]
    call(dli, "POST", "/v1.0/{p}/streaming/jobs/run", {"job_ids": [job_id]})
    dli.advance(1200)
    return str(made["connection_id"])


@SLOW_CLI_ONLY
def test_what_is_imported_into_an_empty_stack_has_no_changes_and_goes_with_it(
    engine: Engine,
    dli: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = by_hand(dli)
    file = tmp_path / "import.json"
    assert run(dli, monkeypatch, "--out", str(file)) == 0
    engine.write("")
    (engine.project / "__main__.py").write_text(capsys.readouterr().out, encoding="utf-8")
    engine.connect(dli)
    engine.import_file(file)
    assert engine.resources()["kafka"]["id"] == made
    planned = engine.preview(refresh=True)
    assert planned.ok, planned.text
    assert planned.ops() == {}
    assert engine.up().ops() == {}
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert (leftovers(dli), connections(dli)) == ([], [])


def test_the_printed_program_takes_names_from_what_it_declares(
    dli: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = by_hand(dli)
    words = ["--out", str(tmp_path / "import.json")]
    assert run(dli, monkeypatch, *words) == 0
    told = capsys.readouterr().out
    compile(told, "__main__.py", "exec")
    places = [
        told.index(f"dli.{kind}(") for kind in ("ElasticResourcePool", "Queue", "DatasourceConnection", "FlinkJarJob")
    ]
    assert places == sorted(places)
    assert "elastic_resource_pools=[pool_one.elastic_resource_pool_name]" in told
    assert "queues=[queue_shared.queue_name]" in told
    assert run(dli, monkeypatch, *words, "--connection", made) == 0
    assert "queues=['shared']" in capsys.readouterr().out
    twin = call(dli, "POST", PATH, {"name": "kafka", "dest_vpc_id": "vpc-1", "dest_network_id": "net-1"})
    assert run(dli, monkeypatch, *words) == 0
    told = capsys.readouterr()
    assert "dli.DatasourceConnection(" not in told.out
    assert twin["connection_id"] in told.err
    assert run(dli, monkeypatch, *words, "--connection", twin["connection_id"]) == 0
    assert run(dli, monkeypatch, *words, "--connection", "missing") == 1
