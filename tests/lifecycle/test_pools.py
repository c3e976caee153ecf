"""Elastic resource pools: created and waited for, never lost, changed at rest, deleted when empty and old enough."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from dli_world import Resource, World

from pulumi_dli.errors import ApiError, CancelledError, DliError, OwnershipError, UnknownOutcomeError
from pulumi_dli.lifecycle.contract import DiffResult, ResourceInitFailed
from pulumi_dli.lifecycle.pools.elastic_resource_pool import ElasticResourcePoolLifecycle
from pulumi_dli.specs.values import OWNER_TAG

NAME = "elastic_resource_pool_name"
INPUTS: dict[str, Any] = {NAME: "Shared", "min_cu": 64, "max_cu": 128}
HOUR = 3600


@pytest.fixture
def pool(world: World) -> Resource:
    return Resource(world, ElasticResourcePoolLifecycle())


def another(world: World) -> Resource:
    """The same resource of the same stack, whose state was lost."""
    return Resource(world, ElasticResourcePoolLifecycle())


def at(world: World, second: float) -> None:
    """Let time pass up to this second of an hour of the service."""
    now = world.emulator.now() % HOUR
    world.time.pass_by((second - now) % HOUR)


def a_queue(world: World, name: str = "q", cus: int = 16, pool: str = "shared") -> None:
    body = {"queue_name": name, "cu_count": cus, "queue_type": "general", "resource_mode": 1}
    world.session.client.queues.create({**body, NAME: pool})


def writes(world: World, operation: str) -> list[dict[str, Any]]:
    return [row for row in world.emulator.requests(operation=operation) if row["status"] == 200]


# creation


def test_a_new_pool_is_waited_for_with_progress_and_says_what_it_is(world: World, pool: Resource) -> None:
    at(world, 60)
    outcome = pool.create({**INPUTS, "tags": {"team": "a"}, "cidr_in_vpc": "172.16.0.0/19"})
    assert outcome.id == "shared"
    assert 100 < world.time.waited < 300
    assert any("creating" in line for line in world.said.progress)
    (body,) = [row["body"] for row in world.emulator.requests(operation="pools.create")]
    assert {key: body[key] for key in ("min_cu", "max_cu", "cidr_in_vpc")} == {
        "min_cu": 64,
        "max_cu": 128,
        "cidr_in_vpc": "172.16.0.0/19",
    }
    assert not {"adopt", "description", "label", "charging_mode"} & set(body)
    outs = outcome.outs
    assert outs["resource_id"]
    assert outs["available_time"] > outs["create_time"]
    tags = world.session.client.tags.list("dli_elastic_resource_pool", outs["resource_id"])
    assert tags == {"team": "a", OWNER_TAG: outs["owner_tag"]}
    assert pool.drift({**INPUTS, "tags": {"team": "a"}, "cidr_in_vpc": "172.16.0.0/19"}) == []


def test_a_pool_that_fails_is_kept_with_the_services_reason_and_the_way_out(world: World, pool: Resource) -> None:
    world.emulator.behave("pool_failed", match={"name": "shared"}, description="no hardware")
    with pytest.raises(ResourceInitFailed, match=r"no hardware.*destroy --target") as caught:
        pool.create(INPUTS)
    pool.id, pool.outs = caught.value.id, dict(caught.value.outs)
    assert pool.refresh()
    assert "no hardware" in pool.unhealthy[0]
    with pytest.raises(DliError, match="destroy --target"):
        pool.update(INPUTS)
    pool.delete()
    assert world.session.client.elastic_resource_pools.list() == []


@pytest.mark.parametrize("effect", ["drop_after", 500, 502, 408])
def test_a_lost_answer_leaves_one_pool(world: World, pool: Resource, effect: str | int) -> None:
    world.emulator.fault("pools.create", effect)
    pool.create(INPUTS)
    assert [one.name for one in world.session.client.elastic_resource_pools.list()] == ["shared"]


def test_an_answer_that_stays_lost_is_reported(pool: Resource, world: World) -> None:
    world.emulator.fault("pools.create", 500, times=2)
    with pytest.raises(UnknownOutcomeError):
        pool.create(INPUTS)


def test_a_killed_create_is_finished_by_the_next(world: World, pool: Resource) -> None:
    world.time.cancel_at = world.time.now() + 30
    with pytest.raises(ResourceInitFailed) as caught:
        pool.create(INPUTS, cancelled=threading.Event())
    world.time.cancel_at = None
    assert caught.value.id == "shared"
    assert another(world).create(INPUTS).outs["available_time"]  # of the killed one, no state was kept
    pool.id, pool.outs = caught.value.id, dict(caught.value.outs)
    pool.update(INPUTS)
    assert world.count("pools.create") == 2
    assert len(world.session.client.elastic_resource_pools.list()) == 1


def test_a_pool_of_somebody_else_is_not_taken_over(world: World, pool: Resource) -> None:
    world.session.client.elastic_resource_pools.create({NAME: "shared", "min_cu": 64, "max_cu": 128})
    with pytest.raises(OwnershipError) as caught:
        pool.create(INPUTS)
    assert all(word in str(caught.value) for word in ("shared", "resource id", "adopt=True", "import", NAME))


def test_another_resource_of_the_stack_does_not_take_it_over(world: World, pool: Resource) -> None:
    pool.create(INPUTS)
    with pytest.raises(OwnershipError):
        Resource(world, ElasticResourcePoolLifecycle(), "other").create(INPUTS)


def test_adopt_marks_the_pool_and_brings_it_to_its_sizes(world: World, pool: Resource) -> None:
    world.session.client.elastic_resource_pools.create({NAME: "shared", "min_cu": 64, "max_cu": 96})
    inputs = {**INPUTS, "description": "ours", "adopt": True}
    outs = pool.create(inputs).outs
    assert [row["body"] for row in writes(world, "pools.update")] == [{"max_cu": 128, "description": "ours"}]
    assert world.session.client.tags.list("dli_elastic_resource_pool", outs["resource_id"])[OWNER_TAG]
    assert pool.drift(inputs) == []


def test_adopt_refuses_a_pool_that_can_never_fit(world: World, pool: Resource) -> None:
    world.session.client.elastic_resource_pools.create({NAME: "shared", "min_cu": 64, "max_cu": 128})
    with pytest.raises(OwnershipError, match=r"cidr_in_vpc is 172\.16\.0\.0/12"):
        pool.create({**INPUTS, "cidr_in_vpc": "10.0.0.0/16", "adopt": True})
    assert world.count("tags.create") == 0


DONE = {"is_success": True, "message": ""}


def test_writes_that_were_accepted_and_never_heard_are_asked_for_again(world: World, pool: Resource) -> None:
    at(world, 60)
    for operation in ("pools.create", "pools.update", "pools.delete"):
        world.emulator.fault(operation, 200, body=DONE)
    pool.create(INPUTS)
    pool.update({**INPUTS, "max_cu": 256})
    assert pool.drift({**INPUTS, "max_cu": 256}) == []
    pool.delete()
    assert world.session.client.elastic_resource_pools.list() == []


def test_what_is_never_heard_is_given_up_early_with_the_reason(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create(INPUTS)
    world.emulator.fault("pools.update", 200, body=DONE, times=9)
    with pytest.raises(ResourceInitFailed, match="accepted both") as caught:
        pool.update({**INPUTS, "max_cu": 256})
    assert caught.value.outs["max_cu"] == 128
    assert world.count("pools.update") == 2


# reading


def test_a_pool_is_read_by_its_exact_name_among_many(world: World, pool: Resource) -> None:
    world.emulator.quirk(quotas={"ELASTIC_RESOURCE_POOL": 200, "CU": 100_000})
    for number in range(120):
        world.session.client.elastic_resource_pools.create({NAME: f"shared{number}", "min_cu": 64, "max_cu": 64})
    pool.create(INPUTS)
    assert pool.drift(INPUTS) == []
    assert pool.outs["max_cu"] == 128


def test_what_somebody_changed_is_drift_and_what_is_not_managed_is_none(world: World, pool: Resource) -> None:
    at(world, 60)
    inputs = {**INPUTS, "description": "ours", "tags": {"a": "1"}}
    pool.create(inputs)
    pools = world.session.client.elastic_resource_pools
    pools.update("shared", {"description": "theirs", "max_cu": 256})
    world.session.client.tags.create("dli_elastic_resource_pool", pool.outs["resource_id"], {"a": "2", "b": "3"})
    assert pool.drift(inputs) == ["max_cu", "description", "tags"]
    pool.update(inputs)
    assert pool.drift(inputs) == []


def test_a_pool_that_is_gone_is_gone_and_one_that_cannot_be_read_is_not(world: World, pool: Resource) -> None:
    pool.create(INPUTS)
    world.emulator.fault("pools.list", "gateway_404", times=2)
    with pytest.raises(ApiError):
        pool.refresh()
    world.emulator.clear_faults()
    world.emulator.act("pool.delete", pool="shared")
    assert not pool.refresh()


# updates


def test_an_update_sends_what_differs_and_one_without_changes_only_looks(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create({**INPUTS, "description": "d"})
    since = len(world.emulator.requests())
    pool.update({**INPUTS, "description": "d"})
    assert [row["operation"] for row in world.emulator.requests()[since:]] == ["pools.list"]
    pool.update({**INPUTS, "max_cu": 256})
    assert [row["body"] for row in writes(world, "pools.update")] == [{"max_cu": 256, "description": ""}]
    assert pool.drift({**INPUTS, "max_cu": 256}) == []


def test_a_write_waits_for_the_end_of_a_scaling(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create(INPUTS)
    world.emulator.act("pool.scale", pool="shared", cu_count=96)
    pool.update({**INPUTS, "max_cu": 256})
    assert any("scaling" in line for line in world.said.progress)
    assert [row["status"] for row in world.emulator.requests(operation="pools.update")] == [200]


def test_a_scaling_that_begins_between_look_and_write_is_waited_for(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create(INPUTS)
    world.emulator.act("pool.scale", pool="shared", cu_count=96)  # the next full hour corrects that
    at(world, HOUR - 5)
    world.emulator.fault("pools.update", 429, retry_after=20)
    pool.update({**INPUTS, "max_cu": 256})
    assert [row["status"] for row in world.emulator.requests(operation="pools.update")] == [429, 400, 200]
    assert pool.drift({**INPUTS, "max_cu": 256}) == []


def test_a_refusal_by_a_pool_at_rest_says_what_was_asked_for(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create(INPUTS)
    world.emulator.fault("pools.update", 400, code="DLI.0001", message="not so")
    with pytest.raises(DliError, match=r"not so.*max_cu from 128 to 256.*64 now"):
        pool.update({**INPUTS, "max_cu": 256})


def test_a_minimum_above_what_the_pool_holds_is_refused_in_the_preview_with_the_order_of_steps(
    world: World, pool: Resource
) -> None:
    pool.create(INPUTS)
    with pytest.raises(DliError, match=r"cannot go up to 128: it holds 64 CUs.*max_cu of its queues first"):
        pool.preview_update({**INPUTS, "min_cu": 128})
    assert world.count("pools.update") == 0


def test_a_change_is_foretold(world: World, pool: Resource) -> None:
    pool.create(INPUTS)
    assert pool.preview_update(INPUTS) == DiffResult(False)
    assert pool.preview_update({**INPUTS, "max_cu": 256}) == DiffResult(None)
    assert world.said.notes == ["max_cu from 128 to 256 CUs (the capacity follows at the next full hour)"]
    assert pool.preview_update({**INPUTS, NAME: "other"}) == DiffResult(None, (NAME,))
    with pytest.raises(DliError, match=r"label.*new elastic_resource_pool_name"):
        pool.preview_update({**INPUTS, "label": {"spec": "basic"}, "max_cu": 64})
    for said in ({"cidr_in_vpc": "172.16.0.0/12"}, {"charging_mode": 1}, {"ipv6_enable": False}):
        assert pool.preview_update({**INPUTS, **said}) == DiffResult(None)  # it is that already
    assert pool.preview_update({**INPUTS, "max_cu": 78}) == DiffResult(None)
    assert "max_cu of 78: not a multiple of 16" in world.said.warnings[0]


# deletion


def test_a_pool_that_is_too_young_is_deleted_when_it_is_old_enough_and_says_so(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create(INPUTS)
    waited = world.time.waited
    pool.delete()
    assert 850 < world.time.waited - waited < 1100
    assert any("can be deleted in" in line for line in world.said.progress)
    assert len(world.emulator.requests(operation="pools.delete")) <= 4
    assert world.session.client.elastic_resource_pools.list() == []


def test_where_no_age_is_asked_for_it_goes_at_once(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create(INPUTS)
    world.emulator.quirk(lax_pool_delete=True)
    waited = world.time.waited
    pool.delete()
    assert world.time.waited - waited < 60


def test_the_hour_of_former_times_needs_a_longer_timeout(world: World, pool: Resource) -> None:
    at(world, 60)
    pool.create(INPUTS)
    world.emulator.quirk(timings={"pool_age": 3600})
    with pytest.raises(DliError, match="custom_timeouts"):
        pool.delete()
    call = world.call(timeout_seconds=4000.0)
    pool.lifecycle.delete(call, world.new_process(), pool.id, pool.outs)
    assert world.session.client.elastic_resource_pools.list() == []


def test_the_wait_for_the_age_ends_with_a_cancel(world: World, pool: Resource) -> None:
    pool.create(INPUTS)
    world.time.cancel_at = world.time.now() + 100
    with pytest.raises(CancelledError):
        pool.lifecycle.delete(world.call(cancelled=threading.Event()), world.new_process(), pool.id, pool.outs)
    assert world.time.now() < world.time.cancel_at + 60
    assert len(world.session.client.elastic_resource_pools.list()) == 1


@pytest.mark.parametrize("quirks", [{}, {"sparse_pools": True}])
def test_a_pool_with_queues_is_not_deleted_and_names_them(world: World, pool: Resource, quirks: dict[str, Any]) -> None:
    pool.create(INPUTS)
    a_queue(world)
    world.emulator.quirk(**quirks)
    world.time.pass_by(2000)
    with pytest.raises(DliError, match="holds the queues q"):
        pool.delete()
    world.session.client.queues.delete("q")
    pool.delete()
    assert world.session.client.elastic_resource_pools.list() == []


def test_what_somebody_else_holds_by_now_is_only_forgotten(world: World, pool: Resource) -> None:
    pool.create(INPUTS)
    taken = Resource(world, ElasticResourcePoolLifecycle(), "other")
    taken.create({**INPUTS, "adopt": True})
    pool.delete()
    assert "left alone" in world.said.warnings[0]
    assert world.count("pools.delete") == 0


def test_deleting_what_is_gone_is_no_error(world: World, pool: Resource) -> None:
    pool.create(INPUTS)
    world.emulator.act("pool.delete", pool="shared")
    pool.delete()
    assert world.count("pools.delete") == 0
