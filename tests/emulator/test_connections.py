"""Enhanced datasource connections: peerings, hosts, routes, sharing, deletion (dli-api 13)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.emulator.conftest import Caller

ROOT = "/v2.0/{p}/datasource/enhanced-connections"
NEWER = "/v3/{p}/datasource/enhanced-connections"
BODY = {"name": "kafka", "dest_vpc_id": "22094d8f-c310", "dest_network_id": "78f2562a-36e4"}


@pytest.fixture
def pooled(call: Caller) -> Caller:
    """A project with the pool `pool` and the queue `inside` in it."""
    _pool(call, "pool", "172.16.0.0/19")
    body = {"queue_name": "inside", "cu_count": 16, "queue_type": "general", "resource_mode": 1}
    assert call("POST", "/v1.0/{p}/queues", {**body, "elastic_resource_pool_name": "pool"}).ok
    call.emulator.advance(300)
    return call


def test_a_connection_is_there_at_once_and_its_peering_later(pooled: Caller) -> None:
    answer = _create(pooled, elastic_resource_pools=["Pool"], hosts=[{"name": "ecs-1", "ip": "192.168.0.1"}])
    assert answer.status_code == 201
    assert answer.json()["message"] == "Create peer connection for queues:{pool}"
    shown = _get(pooled, answer.json()["connection_id"])
    assert (shown["id"], shown["status"], shown["isPrivis"]) == (answer.json()["connection_id"], "ACTIVE", True)
    assert (shown["hosts"], shown["routes"]) == ([{"name": "ecs-1", "ip": "192.168.0.1"}], [])
    assert {"tags", "routetable_id"} & shown.keys() == set()
    (peering,) = shown["elastic_resource_pools"]
    assert (peering["name"], peering["status"], peering["err_msg"]) == ("pool", "CREATING", "")
    assert _delete(pooled, shown["id"]).json()["error_code"] == "DLI.0007"
    pooled.emulator.advance(30)
    assert _states(pooled, shown["id"]) == {"pool": "ACTIVE"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a-b"}, "name"),
        ({"name": "kafka\n"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"dest_vpc_id": ""}, "dest_vpc_id"),
        ({"dest_network_id": None}, "dest_network_id"),
        ({"hosts": [{"name": "1ecs", "ip": "192.168.0.1"}]}, "hosts"),
        ({"hosts": [{"name": "ecs", "ip": "192.168.0"}]}, "hosts"),
        ({"hosts": [{"name": "ecs", "ip": "::1"}]}, "hosts"),
    ],
)
def test_what_a_connection_must_not_be(call: Caller, body: dict[str, Any], field: str) -> None:
    answer = _create(call, **body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")
    assert field in answer.json()["error_msg"]


def test_a_queue_of_a_pool_binds_its_pool(pooled: Caller) -> None:
    connection = _created(pooled, queues=["inside"])
    shown = _get(pooled, connection)
    assert shown["available_queue_info"] == []
    assert [row["name"] for row in shown["elastic_resource_pools"]] == ["pool"]
    pooled.emulator.advance(30)
    assert _bind(pooled, connection, elastic_resource_pools=["pool"]).ok  # again: nothing changes
    assert _states(pooled, connection) == {"pool": "ACTIVE"}
    assert _unbind(pooled, connection, queues=["inside"]).json()["message"].endswith("{pool}.")
    assert _states(pooled, connection) == {}


def test_queues_on_their_own_are_bound_when_they_are_ready(call: Caller) -> None:
    call.queue("old")
    call.queue("shared", resource_mode=0)
    call.emulator.advance(300)
    call.queue("young")
    connection = _created(call, queues=["old", "young"])
    call.emulator.advance(600)
    assert _states(call, connection) == {"old": "ACTIVE", "young": "CREATING"}
    refused = {
        name: _bind(call, connection, queues=[name]).json()["error_code"] for name in ("default", "shared", "no")
    }
    assert refused == {"default": "DLI.0007", "shared": "DLI.0007", "no": "DLI.0002"}
    assert _bind(call, connection).status_code == 400
    call.emulator.quirk(lax_binding=True)
    assert _bind(call, connection, queues=["default", "shared"]).ok


def test_overlapping_networks_fail_and_say_so(pooled: Caller) -> None:
    _pool(pooled, "twin", "172.16.16.0/20")
    _pool(pooled, "apart", "172.20.0.0/16")
    connection = _created(pooled, elastic_resource_pools=["pool", "apart"])
    other = _created(pooled, name="second", dest_network_id="another", elastic_resource_pools=["twin"])
    pooled.emulator.advance(30)
    assert _states(pooled, connection) == {"pool": "ACTIVE", "apart": "ACTIVE"}
    (peering,) = _get(pooled, other)["elastic_resource_pools"]
    assert peering["status"] == "FAILED"
    assert "172.16.16.0/20" in peering["err_msg"]
    assert _unbind(pooled, other, elastic_resource_pools=["twin"]).json()["error_code"] == "DLI.0007"
    assert _delete(pooled, other).ok
    elsewhere = _created(pooled, name="third", dest_vpc_id="another", elastic_resource_pools=["twin"])
    pooled.emulator.advance(30)
    assert _states(pooled, elsewhere) == {"twin": "ACTIVE"}
    pooled.emulator.quirk(lax_overlap=True)
    fourth = _created(pooled, name="fourth", elastic_resource_pools=["twin"])
    pooled.emulator.advance(30)
    assert _states(pooled, fourth) == {"twin": "ACTIVE"}


def test_queues_of_one_vpc_must_not_overlap_either(call: Caller) -> None:
    for name, cidr in (("a", "10.0.0.0/16"), ("b", "10.0.128.0/17"), ("c", "10.1.0.0/16")):
        call.queue(name)
        call.emulator.advance(300)
        assert call("PUT", f"/v1.0/{{p}}/queues/{name}", {"cidr_in_vpc": cidr}).ok
    call.emulator.advance(600)
    connection = _created(call, queues=["a", "b", "c"])
    call.emulator.advance(30)
    assert _states(call, connection) == {"a": "ACTIVE", "b": "FAILED", "c": "ACTIVE"}


@pytest.mark.parametrize(("quirk", "details", "listed"), [("shown", 1, 1), ("listed", 0, 1), ("hidden", 0, 0)])
def test_pools_are_where_a_region_shows_them(pooled: Caller, quirk: str, details: int, listed: int) -> None:
    pooled.emulator.quirk(connection_pools=quirk)
    connection = _created(pooled, elastic_resource_pools=["pool"])
    (row,) = pooled("GET", ROOT).json()["connections"]
    places = (_get(pooled, connection), row)
    assert tuple(len(place.get("elastic_resource_pools", ())) for place in places) == (details, listed)


def test_the_datas_own_subnet_counts_when_it_is_known(pooled: Caller) -> None:
    pooled.emulator.quirk(subnets={BODY["dest_network_id"]: "172.16.4.0/24"})
    connection = _created(pooled, elastic_resource_pools=["pool"])
    pooled.emulator.advance(30)
    assert _states(pooled, connection) == {"pool": "FAILED"}


def test_a_peering_fails_by_script_and_by_hand(pooled: Caller) -> None:
    pooled.emulator.behave("peering_failed", match={"name": "pool"}, description="no agency")
    connection = _created(pooled, elastic_resource_pools=["pool"])
    assert _states(pooled, connection) == {"pool": "CREATING"}
    pooled.emulator.advance(30)
    assert _get(pooled, connection)["elastic_resource_pools"][0]["err_msg"] == "no agency"
    pooled.emulator.act("connection.peering", connection="kafka", status="ACTIVE")
    assert _states(pooled, connection) == {"pool": "ACTIVE"}
    pooled.emulator.act("connection.peering", connection=connection, name="pool", status="FAILED", description="cut")
    assert _get(pooled, connection)["elastic_resource_pools"][0]["err_msg"] == "cut"
    pooled.emulator.quirk(lax_peering=True)
    assert _unbind(pooled, connection, elastic_resource_pools=["pool"]).ok
    with pytest.raises(ValueError, match="no connection"):
        pooled.emulator.act("connection.peering", connection="none", status="ACTIVE")


def test_a_deleted_connection_can_still_be_read_and_nothing_else(pooled: Caller) -> None:
    connection = _created(pooled, tags=[{"key": "a", "value": "1"}])
    assert _delete(pooled, connection).json() == {"is_success": True, "message": "Deleted"}
    assert _get(pooled, connection)["status"] == "DELETED"
    for answer in (
        _delete(pooled, connection),
        _bind(pooled, connection, elastic_resource_pools=["pool"]),
        pooled("PUT", f"{ROOT}/{connection}", {"hosts": []}),
        pooled("GET", f"{ROOT}/{connection}/privileges"),
        pooled("GET", f"{ROOT}/never"),
    ):
        assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")
        assert "does not exist" in answer.json()["error_msg"]
    assert pooled("GET", f"/v3/{{p}}/dli_enhanced_datasource/{connection}/tags").status_code == 404
    pooled.emulator.quirk(deleted_connections="gone")
    assert pooled("GET", f"{ROOT}/{connection}").status_code == 400


def test_the_binding_ends_with_its_pool(pooled: Caller) -> None:
    connection = _created(pooled, elastic_resource_pools=["pool"])
    pooled.emulator.act("pool.delete", pool="pool")
    _pool(pooled, "pool", "172.16.0.0/19")
    assert _states(pooled, connection) == {}


def test_the_list_is_filtered_and_paged(call: Caller) -> None:
    one = _created(call, name="one", tags=[{"key": "a", "value": "1"}])
    for name in ("two", "three"):
        _created(call, name=name)
    _delete(call, _created(call, name="gone"))

    def names(**query: str) -> list[str]:
        answer = call("GET", ROOT, params=query).json()
        assert answer["count"] == len(answer["connections"])
        return [row["name"] for row in answer["connections"]]

    assert names() == ["one", "two", "three", "gone"]
    assert names(status="active") == ["one", "two", "three"]
    assert names(status="DELETED") == ["gone"]
    assert names(limit="1", offset="1") == ["two"]
    assert names(limit="0") == names()
    assert names(name="two") == ["two"]
    assert names(tags="a=1") == ["one"]
    assert call("GET", ROOT, params={"status": "x"}).status_code == 400
    assert call("GET", f"/v3/{{p}}/dli_enhanced_datasource/{one}/tags").json()["count"] == 1
    assert Caller(call.emulator, "another")("GET", f"{ROOT}/{one}").status_code == 400


def test_names_may_repeat_unless_the_region_says_no(call: Caller) -> None:
    assert _create(call).status_code == 201
    assert _create(call).status_code == 201
    call.emulator.quirk(unique_connections=True)
    assert _create(call).status_code == 400


def test_hosts_are_overwritten_as_a_whole(call: Caller) -> None:
    connection = _created(call, hosts=[{"name": "a", "ip": "10.0.0.1"}])
    for hosts in ([{"name": "b", "ip": "10.0.0.2"}, {"name": "c.d-e_f", "ip": "10.0.0.3"}], []):
        assert call("PUT", f"{ROOT}/{connection}", {"hosts": hosts}).json() == {"is_success": True, "message": ""}
        assert _get(call, connection)["hosts"] == hosts
    assert call("PUT", f"{ROOT}/{connection}", {}).status_code == 400


@pytest.mark.parametrize("root", [NEWER, ROOT])
def test_routes_are_added_and_deleted_one_by_one(call: Caller, root: str) -> None:
    connection = _created(call)

    def add(name: str, cidr: str) -> int:
        return call("POST", f"{root}/{connection}/routes", {"name": name, "cidr": cidr}).status_code

    assert add("r1", "192.168.2.0/24") == 200
    assert add("r2", "192.168.0.0/16") == 200  # they may overlap
    assert add("sample", "127.0.0.0") == 200  # as the page has it
    refused = [("r1", "10.0.0.0/8"), ("r4", "192.168.2.0/24"), ("r5", "100.125.3.0/24"), ("r6", "100.64.0.0/16")]
    assert [add(*route) for route in (*refused, ("r.7", "10.0.0.0/8"), ("r8", "x"))] == [400] * 6
    assert [row["name"] for row in _get(call, connection)["routes"]] == ["r1", "r2", "sample"]
    gone = f"{root}/{connection}/routes/r1"
    assert call("DELETE", gone).json() == {"is_success": True, "message": "Deleted"}
    assert call("DELETE", gone).status_code == 400
    call.emulator.quirk(connection_routes=False)
    assert "routes" not in _get(call, connection)


def test_a_connection_is_shared_with_another_project_and_taken_back(call: Caller) -> None:
    connection = _created(call)

    def share(action: str, *, rights: list[str] | None = None, to: str = "other") -> requests.Response:
        entry = {"object": f"edsconnections.{connection}", "privileges": rights or ["BIND_QUEUE"]}
        body = {"projectId": to, "action": action, "privileges": [entry]}
        return call("PUT", "/v1.0/{p}/authorization", body)

    assert share("grant").ok
    shown = call("GET", f"{ROOT}/{connection}/privileges").json()
    assert shown["connection_id"] == connection
    (entry,) = shown["privileges"]
    assert (entry["project_id"], entry["applicant_project_id"], entry["privileges"]) == (
        "other",
        "other",
        ["BIND_QUEUE"],
    )
    assert _get(call, connection)["isPrivis"] is False
    assert share("grant", rights=["DROP"]).status_code == 400
    assert share("revoke").ok
    assert call("GET", f"{ROOT}/{connection}/privileges").json()["privileges"] == []


def _pool(call: Caller, name: str, cidr: str) -> None:
    body = {"elastic_resource_pool_name": name, "min_cu": 64, "max_cu": 64, "cidr_in_vpc": cidr}
    answer = call("POST", "/v3/{p}/elastic-resource-pools", body)
    assert answer.ok, answer.text
    call.emulator.advance(180)


def _create(call: Caller, **fields: Any) -> requests.Response:
    return call("POST", ROOT, {**BODY, **fields})


def _created(call: Caller, **fields: Any) -> str:
    answer = _create(call, **fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["connection_id"])


def _get(call: Caller, connection: str) -> dict[str, Any]:
    answer = call("GET", f"{ROOT}/{connection}")
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _states(call: Caller, connection: str) -> dict[str, str]:
    shown = _get(call, connection)
    return {row["name"]: row["status"] for row in shown["elastic_resource_pools"] + shown["available_queue_info"]}


def _delete(call: Caller, connection: str) -> requests.Response:
    return call("DELETE", f"{ROOT}/{connection}")


def _bind(call: Caller, connection: str, **ends: list[str]) -> requests.Response:
    return call("POST", f"{ROOT}/{connection}/associate-queue", ends)


def _unbind(call: Caller, connection: str, **ends: list[str]) -> requests.Response:
    return call("POST", f"{ROOT}/{connection}/disassociate-queue", ends)
