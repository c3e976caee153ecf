"""Datasource connections: bound in place, waited for, never cut by a failure, never there twice, drift that is one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dynamic_host import HostError
from tests.stacks import QUICK, Failed, Stack, Stream

KIND = "DatasourceConnection"
ROOT = "/v2.0/{p}/datasource/enhanced-connections"
WAY: dict[str, Any] = {"name": "kafka", "dest_vpc_id": "vpc-1", "dest_network_id": "net-1"}
ONE, TWO, THIRD = "10.0.0.0/16", "10.1.0.0/16", "10.0.128.0/17"
BINDS = ("connections.bind", "connections.unbind")


def pool(stack: Stack, name: str, network: str) -> str:
    body = {"elastic_resource_pool_name": name, "min_cu": 64, "max_cu": 64, "cidr_in_vpc": network}
    stack.call("POST", "/v3/{p}/elastic-resource-pools", body)
    stack.emulator.advance(200)
    return name


def queue(stack: Stack, name: str, pool_name: str = "", *, old: bool = True) -> str:
    body = {"queue_name": name, "queue_type": "general", "cu_count": 16, "resource_mode": 1}
    stack.call("POST", "/v1.0/{p}/queues", {**body, **({"elastic_resource_pool_name": pool_name} if pool_name else {})})
    if old:
        stack.emulator.advance(900)
    return name


def there(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.call("GET", f"{ROOT}?status=ACTIVE")["connections"]
    return found


def states(stack: Stack) -> dict[str, str]:
    (row,) = there(stack)
    return {
        peering["name"]: peering["status"] for peering in row["elastic_resource_pools"] + row["available_queue_info"]
    }


@pytest.fixture
def pooled(stack: Stack) -> Stack:
    pool(stack, "one", ONE)
    pool(stack, "two", TWO)
    return stack


def test_it_is_up_when_every_peering_is(pooled: Stack) -> None:
    made = pooled.up(
        KIND, "c", **WAY, elastic_resource_pools=["Two", "one"], hosts=[{"name": "b1", "ip": "192.168.0.1"}]
    )
    assert states(pooled) == {"one": "ACTIVE", "two": "ACTIVE"}
    assert made.id == there(pooled)[0]["id"]
    assert made.inputs["elastic_resource_pools"] == ["one", "two"]
    assert [(row["kind"], row["name"], row["status"]) for row in made.outs["peerings"]] == [
        ("pool", "one", "ACTIVE"),
        ("pool", "two", "ACTIVE"),
    ]
    assert pooled.operations(*BINDS) == []


def test_pools_come_and_go_in_place_and_what_comes_is_up_before_the_other_goes(pooled: Stack) -> None:
    before = pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"]).id
    shown = pooled.preview(KIND, "c", **WAY, elastic_resource_pools=["two"])
    assert shown.notes == ["binds pool two (some minutes); unbinds pool one"]
    assert pooled.up(KIND, "c", **WAY, elastic_resource_pools=["two"]).id == before
    assert pooled.operations(*BINDS) == ["connections.bind", "connections.unbind"]
    assert states(pooled) == {"two": "ACTIVE"}
    pooled.up(KIND, "c", **WAY)
    assert states(pooled) == {}


def test_of_two_that_overlap_the_old_one_goes_first(pooled: Stack) -> None:
    pool(pooled, "third", THIRD)
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["third"])
    assert pooled.operations(*BINDS) == ["connections.unbind", "connections.bind"]
    assert states(pooled) == {"third": "ACTIVE"}


def test_a_bind_that_fails_takes_no_way_away(pooled: Stack) -> None:
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    pooled.emulator.behave("peering_failed", match={"name": "two"}, description="no agency")
    with pytest.raises(Failed, match="no agency") as failure:
        pooled.up(KIND, "c", **WAY, elastic_resource_pools=["two"])
    assert failure.value.half_done
    assert states(pooled) == {"one": "ACTIVE", "two": "FAILED"}
    assert pooled.entries["c"].outs["elastic_resource_pools"] == ["one", "two"]
    pooled.emulator.act("connection.peering", connection="kafka", name="two", status="ACTIVE")
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["two"])
    assert states(pooled) == {"two": "ACTIVE"}


def test_a_failed_peering_is_told_with_dlis_reason_and_nothing_is_lost(pooled: Stack) -> None:
    pooled.emulator.behave("peering_failed", match={"name": "one"}, description="route table rtb-1 is full")
    with pytest.raises(Failed, match=r"pool one: route table rtb-1 is full.*cannot be unbound.*destroy") as failure:
        pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one", "two"])
    assert failure.value.half_done
    assert pooled.entries["c"].id == there(pooled)[0]["id"]
    assert {row["name"]: row.get("err_msg") for row in pooled.entries["c"].outs["peerings"]} == {
        "one": "route table rtb-1 is full",
        "two": None,
    }
    pooled.refresh("c")
    assert "route table rtb-1 is full" in pooled.entries["c"].init_errors[0]
    with pytest.raises(Failed, match="cannot be unbound from pool one"):
        pooled.preview(KIND, "c", **WAY, elastic_resource_pools=["two"])
    assert pooled.operations("connections.unbind") == []
    pooled.destroy("c")
    assert there(pooled) == []


def test_a_queue_in_a_pool_is_bound_as_its_pool_and_that_is_no_drift(pooled: Stack) -> None:
    queue(pooled, "inside", "one")
    made = pooled.up(KIND, "c", **WAY, queues=["Inside"])
    assert states(pooled) == {"one": "ACTIVE"}
    assert made.outs["queues"] == ["inside"]
    assert pooled.refresh("c") is False
    assert pooled.preview(KIND, "c", **WAY, queues=["Inside"]).action == "same"
    pooled.up(KIND, "c", **WAY, queues=["inside"], elastic_resource_pools=["one"])
    assert pooled.refresh("c") is False
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    assert pooled.operations(*BINDS) == []  # it was the same end all the time
    assert states(pooled) == {"one": "ACTIVE"}


def test_a_new_queue_is_bound_when_it_can_be(stack: Stack) -> None:
    stack.emulator.quirk(timings={**QUICK, "assigning": 580})
    queue(stack, "young", old=False)
    stack.up(KIND, "c", **WAY, queues=["young"], timeout=10)
    assert states(stack) == {"young": "ACTIVE"}
    queue(stack, "younger", old=False)
    stack.call("PUT", "/v1.0/{p}/queues/younger", {"cidr_in_vpc": TWO})
    stack.up(KIND, "c", **WAY, queues=["young", "younger"], timeout=10)
    assert states(stack) == {"young": "ACTIVE", "younger": "ACTIVE"}
    with pytest.raises(Failed, match="no queue named missing"):
        stack.up(KIND, "c", **WAY, queues=["young", "missing"])


def test_a_delete_waits_for_a_peering_that_is_being_made(pooled: Stack) -> None:
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    pooled.emulator.quirk(timings={"peering": 2000})
    found = there(pooled)[0]["id"]
    pooled.call("POST", f"{ROOT}/{found}/associate-queue", {"elastic_resource_pools": ["two"]})
    assert states(pooled)["two"] == "CREATING"
    pooled.destroy("c")
    assert there(pooled) == []
    assert pooled.operations("connections.delete") == ["connections.delete"]


def test_a_delete_that_never_may_says_which_queue_is_in_the_way(pooled: Stack) -> None:
    queue(pooled, "young")
    pooled.up(KIND, "c", **WAY, queues=["young"])
    pooled.emulator.act("connection.peering", connection="kafka", status="CREATING")  # and so it stays
    with pytest.raises(Failed, match=r"peering of queue young.*first minutes.*unbind it"):
        pooled.destroy("c", timeout=1.0)
    assert "c" in pooled.entries


def test_hosts_and_routes_change_one_by_one_and_go_when_no_longer_said(pooled: Stack) -> None:
    a, b, c = ({"name": name, "cidr": f"10.{number}.0.0/16"} for number, name in enumerate("abc", 20))
    pooled.up(KIND, "c", **WAY, routes=[b, a], hosts=[{"name": "x", "ip": "192.168.0.1"}])
    wider = {**b, "cidr": "10.21.0.0/17"}
    shown = pooled.preview(KIND, "c", **WAY, routes=[wider, c])
    assert shown.notes == ["adds route c (10.22.0.0/16); takes route a away; changes route b; changes its hosts"]
    pooled.up(KIND, "c", **WAY, routes=[wider, c])
    assert there(pooled)[0]["routes"] == [wider, c]
    assert there(pooled)[0]["hosts"] == []
    pooled.up(KIND, "c", **WAY)
    assert there(pooled)[0]["routes"] == []


def test_routes_go_by_the_former_call_where_the_gateway_has_no_newer_one(pooled: Stack) -> None:
    pooled.emulator.quirk(v3_unpublished=True)
    pooled.up(KIND, "c", **WAY, routes=[{"name": "a", "cidr": "10.20.0.0/16"}])
    assert len(there(pooled)[0]["routes"]) == 1
    pooled.up(KIND, "c", **WAY, routes=[])
    assert there(pooled)[0]["routes"] == []
    assert {"connections.add_route_v2", "connections.delete_route_v2"} <= set(pooled.operations())


@pytest.mark.parametrize("pools", ["listed", "hidden"])
def test_where_answers_lack_pools_or_routes_nothing_is_taken_for_drift(pooled: Stack, pools: str) -> None:
    pooled.emulator.quirk(connection_pools=pools, connection_routes=False)
    given = {**WAY, "elastic_resource_pools": ["one"], "routes": [{"name": "a", "cidr": "10.20.0.0/16"}]}
    pooled.up(KIND, "c", **given)
    assert pooled.refresh("c") is False
    assert pooled.preview(KIND, "c", **given).action == "same"
    pooled.up(KIND, "c", **{**given, "elastic_resource_pools": ["two"], "routes": []})
    pooled.emulator.quirk(connection_pools="shown", connection_routes=True)
    pooled.emulator.advance(60)
    assert states(pooled) == {"two": "ACTIVE"}
    assert there(pooled)[0]["routes"] == []


def test_what_somebody_changed_by_hand_is_shown_and_set_right(pooled: Stack) -> None:
    given = {
        **WAY,
        "elastic_resource_pools": ["one"],
        "routes": [{"name": "a", "cidr": "10.20.0.0/16"}],
        "hosts": [{"name": "x", "ip": "192.168.0.1"}],
        "tags": {"team": "a"},
    }
    made = pooled.up(KIND, "c", **given)
    pooled.call("POST", f"{ROOT}/{made.id}/disassociate-queue", {"elastic_resource_pools": ["one"]})
    pooled.call("POST", f"{ROOT}/{made.id}/associate-queue", {"elastic_resource_pools": ["two"]})
    pooled.call("PUT", f"{ROOT}/{made.id}", {"hosts": []})
    pooled.call("DELETE", f"{ROOT}/{made.id}/routes/a")
    path = f"/v3/{{p}}/dli_enhanced_datasource/{made.id}/tags/create"
    pooled.call("POST", path, {"tags": [{"key": "team", "value": "b"}]})
    pooled.emulator.advance(60)
    assert pooled.refresh("c") is True
    shown = pooled.preview(KIND, "c", **given)
    assert shown.differing == ("elastic_resource_pools", "hosts", "routes", "tags")
    pooled.up(KIND, "c", **given)
    assert states(pooled) == {"one": "ACTIVE"}
    assert pooled.refresh("c") is False
    assert pooled.preview(KIND, "c", **given).action == "same"


def test_another_vpc_needs_another_name(pooled: Stack) -> None:
    pooled.up(KIND, "c", **WAY)
    with pytest.raises(Failed, match="dest_vpc_id: give it a new name"):
        pooled.preview(KIND, "c", **{**WAY, "dest_vpc_id": "vpc-2"})
    assert pooled.preview(KIND, "c", **{**WAY, "name": "other", "dest_vpc_id": "vpc-2"}).notes == [
        "becomes a new connection other; the old one goes when that is there"
    ]


def test_overlaps_are_named_in_the_preview_from_what_the_program_says(hosted: Stack) -> None:
    """Whichever is checked last says so; one process of the host serves all resources of a program."""
    shared = {"elastic_resource_pool_name": "shared", "min_cu": 64, "max_cu": 64}
    apart = {**shared, "elastic_resource_pool_name": "apart", "cidr_in_vpc": ONE}
    urns = {name: hosted.urn("ElasticResourcePool", name) for name in ("shared", "apart", "late")}
    with hosted.phase() as phase:
        phase.check("ElasticResourcePool", urns["shared"], shared, None)
        phase.check("ElasticResourcePool", urns["apart"], apart, None)
        subnet = {**WAY, "name": "near", "dest_cidr": "172.20.4.0/24"}
        with pytest.raises(HostError, match=r"172\.16\.0\.0/12 of pool shared overlaps the subnet 172\.20\.4\.0/24"):
            phase.check(KIND, hosted.urn(KIND, "n"), {**subnet, "elastic_resource_pools": ["shared"]}, None)
        phase.check(KIND, hosted.urn(KIND, "n"), {**subnet, "elastic_resource_pools": ["apart"]}, None)
        other = {**WAY, "name": "far", "dest_vpc_id": "v2", "elastic_resource_pools": ["late"]}
        phase.check(KIND, hosted.urn(KIND, "o"), other, None)
        phase.check(KIND, hosted.urn(KIND, "c"), {**WAY, "elastic_resource_pools": ["late"]}, None)
        late = {**apart, "elastic_resource_pool_name": "late", "cidr_in_vpc": THIRD}
        with pytest.raises(HostError, match=r"of pool late overlaps .* of pool apart, which connection near binds"):
            phase.check("ElasticResourcePool", urns["late"], late, None)
    assert {request["method"] for request in hosted.requests()} == {"GET"}


def test_overlaps_with_what_is_there_are_refused_before_anything_is_made(pooled: Stack) -> None:
    pool(pooled, "third", THIRD)
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    with pytest.raises(Failed, match=r"pool one overlaps .* of pool third"):
        pooled.preview(KIND, "c", **WAY, elastic_resource_pools=["one", "third"])
    second = {**WAY, "name": "second", "dest_network_id": "net-2", "elastic_resource_pools": ["third"]}
    with pytest.raises(Failed, match="pool one, which connection kafka binds to the same VPC"):
        pooled.up(KIND, "d", **second)
    assert len(there(pooled)) == 1
    pooled.up(KIND, "d", **{**second, "dest_vpc_id": "vpc-2"})


def test_who_unbinds_hears_of_the_jobs_that_run_there(stream: Stream) -> None:
    stack = stream.stack
    stack.emulator.advance(900)
    stream.up()
    stack.up(KIND, "c", **WAY, queues=["q1"])
    (warning,) = stack.preview(KIND, "c", **WAY, queues=[]).warnings
    assert "1 running jobs (j) are on queue q1" in warning


@pytest.mark.parametrize("effect", ["drop_before", "drop_after", 503])
def test_a_create_whose_answer_is_lost_makes_one_connection(pooled: Stack, effect: str | int) -> None:
    pooled.emulator.fault("connections.create", effect, times=1)
    made = pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    assert [row["id"] for row in there(pooled)] == [made.id]
    assert states(pooled) == {"one": "ACTIVE"}


def test_a_create_that_shows_late_after_its_answer_was_lost_makes_one_connection(stack: Stack) -> None:
    stack.emulator.fault("connections.create", "drop_after", times=1)
    stack.emulator.fault("connections.list", 200, body={"is_success": True, "count": 0, "connections": []}, times=4)
    made = stack.up(KIND, "c", **WAY)
    assert [row["id"] for row in there(stack)] == [made.id]


@pytest.mark.parametrize("operation", ["connections.bind", "connections.delete"])
def test_what_is_accepted_without_effect_is_asked_for_again(pooled: Stack, operation: str) -> None:
    pooled.up(KIND, "c", **WAY)
    pooled.emulator.fault(operation, 200, body={"is_success": True, "message": ""}, times=1)
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    assert states(pooled) == {"one": "ACTIVE"}
    pooled.destroy("c")
    assert there(pooled) == []
    assert pooled.operations(operation) == [operation] * 2


@pytest.mark.parametrize("operation", ["connections.bind", "connections.unbind", "connections.hosts"])
@pytest.mark.parametrize("effect", ["drop_before", "drop_after"])
def test_a_change_whose_answer_is_lost_is_made_once(pooled: Stack, operation: str, effect: str) -> None:
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["one"])
    pooled.emulator.fault(operation, effect, times=1)
    pooled.up(KIND, "c", **WAY, elastic_resource_pools=["two"], hosts=[{"name": "x", "ip": "192.168.0.1"}])
    assert states(pooled) == {"two": "ACTIVE"}
    assert len(there(pooled)[0]["hosts"]) == 1


@pytest.mark.parametrize("operation", ["connections.add_route", "connections.delete_route"])
def test_a_route_whose_answer_is_lost_is_there_once(pooled: Stack, operation: str) -> None:
    pooled.emulator.fault(operation, "drop_after", times=1)
    pooled.up(KIND, "c", **WAY, routes=[{"name": "a", "cidr": "10.20.0.0/16"}])
    assert len(there(pooled)[0]["routes"]) == 1
    pooled.up(KIND, "c", **WAY, routes=[])
    assert there(pooled)[0]["routes"] == []


def test_a_create_whose_state_was_lost_is_taken_up_and_one_of_others_is_not(pooled: Stack) -> None:
    given = {**WAY, "elastic_resource_pools": ["one"]}
    made = pooled.up(KIND, "c", **given).id
    del pooled.entries["c"]
    assert pooled.up(KIND, "c", **given).id == made
    with pytest.raises(Failed, match="adopt=True"):
        pooled.up(KIND, "other", **given)
    assert len(there(pooled)) == 1


def test_who_takes_over_cuts_nobodys_way_and_says_what_else_is_bound(pooled: Stack) -> None:
    body = {**WAY, "elastic_resource_pools": ["one"], "hosts": [{"name": "old", "ip": "192.168.0.9"}]}
    found = pooled.call("POST", ROOT, body)["connection_id"]
    pooled.emulator.advance(60)
    with pytest.raises(Failed, match="vpc-1, not vpc-2"):
        pooled.up(KIND, "c", **{**WAY, "dest_vpc_id": "vpc-2"}, adopt=True)
    given = {**WAY, "elastic_resource_pools": ["two"], "hosts": [{"name": "new", "ip": "192.168.0.1"}], "adopt": True}
    assert pooled.up(KIND, "c", **given).id == found
    assert states(pooled) == {"one": "ACTIVE", "two": "ACTIVE"}
    assert [host["name"] for host in there(pooled)[0]["hosts"]] == ["new"]
    assert any("also binds pool one" in text for text in pooled.warnings)
    pooled.refresh("c")
    assert pooled.preview(KIND, "c", **given).notes == ["unbinds pool one"]


def test_two_of_one_name_are_never_guessed_at(pooled: Stack) -> None:
    ids = [pooled.call("POST", ROOT, WAY)["connection_id"] for _ in range(2)]
    with pytest.raises(Failed, match="there are 2 datasource connections named kafka") as failure:
        pooled.up(KIND, "c", **WAY, adopt=True)
    assert all(one in str(failure.value) for one in ids)
    assert len(there(pooled)) == 2


def test_what_is_held_by_another_is_left_alone(pooled: Stack) -> None:
    made = pooled.up(KIND, "c", **WAY)
    old = made.outs
    del pooled.entries["c"]
    pooled.up(KIND, "d", **WAY, adopt=True)
    pooled.entries["c"] = type(made)(KIND, made.urn, made.id, made.inputs, old)
    pooled.destroy("c")
    assert len(there(pooled)) == 1
    assert any("left alone" in text for text in pooled.warnings)
