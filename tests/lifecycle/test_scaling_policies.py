"""A queue in a pool has its CUs from its scaling policies, and never by an order."""

from __future__ import annotations

from typing import Any

import pytest
from dli_world import Resource, World

from pulumi_dli.errors import ConfigError, DliError, OwnershipError
from pulumi_dli.lifecycle.contract import DiffRequest, DiffResult, ResourceInitFailed
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.pool_sizes import DeclaredPools
from pulumi_dli.lifecycle.pools.elastic_resource_pool import ElasticResourcePoolLifecycle
from pulumi_dli.lifecycle.queues.queue import QueueLifecycle
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.fields import check
from pulumi_dli.specs.queue import QueueSpec

NAME = "elastic_resource_pool_name"
INPUTS: dict[str, Any] = {"queue_name": "streams", "cu_count": 64, NAME: "pool"}
NIGHT = {"impact_start_time": "22:00", "impact_stop_time": "06:00", "min_cu": 16, "max_cu": 32, "priority": 20}
DAY = {"impact_start_time": "08:00", "impact_stop_time": "20:00", "min_cu": 64, "max_cu": 128, "priority": 5}
ALL_DAY = {"priority": 1, "impact_start_time": "00:00", "impact_stop_time": "24:00", "min_cu": 64, "max_cu": 64}


@pytest.fixture
def queue(world: World) -> Resource:
    world.session.client.elastic_resource_pools.create({NAME: "pool", "min_cu": 256, "max_cu": 256})
    world.emulator.advance(180)
    return Resource(world, QueueLifecycle())


def there(world: World, name: str = "streams") -> list[dict[str, Any]]:
    (queue,) = [row for row in world.session.client.elastic_resource_pools.queues("pool") if row.queue_name == name]
    rows = [policy.model_dump(exclude_none=True) for policy in queue.queue_scaling_policies]
    return sorted(rows, key=lambda row: (row["impact_stop_time"] != "24:00", row["impact_start_time"]))


def bodies(world: World) -> list[Any]:
    rows = world.emulator.requests(operation="pools.policies")
    return [row["body"]["queue_scaling_policies"] for row in rows if row["status"] == 200]


def by_hand(world: World, *policies: dict[str, Any]) -> None:
    world.session.client.elastic_resource_pools.set_policies("pool", "streams", policies)


def test_a_queue_without_policies_is_as_the_service_makes_it_and_costs_no_further_call(
    world: World, queue: Resource
) -> None:
    queue.create(INPUTS)
    assert (there(world), bodies(world)) == ([ALL_DAY], [])
    assert queue.drift(INPUTS) == []


def test_declared_policies_are_set_as_soon_as_the_queue_has_its_compute(world: World, queue: Resource) -> None:
    inputs = {**INPUTS, "scaling_policies": [NIGHT, DAY]}
    queue.create(inputs)
    assert there(world) == [ALL_DAY, DAY, NIGHT]
    assert len(bodies(world)) == 1
    assert queue.drift(inputs) == []
    assert queue.drift({**INPUTS, "scaling_policies": [DAY, NIGHT]}) == [], "the order says nothing"


def test_cu_count_changes_the_policy_for_all_day_and_no_other(world: World, queue: Resource) -> None:
    queue.create(INPUTS)
    world.time.pass_by(1200)
    by_hand(world, ALL_DAY, NIGHT)
    assert queue.drift(INPUTS) == [], "policies that the program does not declare are not its own"
    assert queue.preview_update({**INPUTS, "cu_count": 128}) == DiffResult(None)
    assert world.said.notes == ["takes 128 CUs of pool pool in the place of 64, from the next full hour on"]
    queue.update({**INPUTS, "cu_count": 128})
    assert there(world) == [{**ALL_DAY, "min_cu": 128, "max_cu": 128}, NIGHT]
    assert world.count("queues.action") == 0
    assert queue.drift({**INPUTS, "cu_count": 128}) == []


def test_sizes_from_four_cus_exist_in_pools(world: World, queue: Resource) -> None:
    queue.create({**INPUTS, "cu_count": 4})
    queue.update({**INPUTS, "cu_count": 20})
    assert there(world) == [{**ALL_DAY, "min_cu": 20, "max_cu": 20}]


def test_policies_change_in_place_and_go_when_they_are_no_longer_declared(world: World, queue: Resource) -> None:
    queue.create({**INPUTS, "scaling_policies": [NIGHT]})
    whole = {"min_cu": 64, "max_cu": 128, "priority": 3}
    assert queue.preview_update({**INPUTS, "scaling_policies": [whole, DAY]}) == DiffResult(None)
    queue.update({**INPUTS, "scaling_policies": [whole, DAY]})
    assert there(world) == [{**ALL_DAY, **whole}, DAY]
    assert queue.drift({**INPUTS, "scaling_policies": [whole, DAY]}) == []
    queue.update(INPUTS)
    assert there(world) == [ALL_DAY]
    assert queue.drift(INPUTS) == []


def test_what_somebody_changed_is_drift_and_repaired(world: World, queue: Resource) -> None:
    inputs = {**INPUTS, "scaling_policies": [NIGHT]}
    queue.create(inputs)
    by_hand(world, {**ALL_DAY, "priority": 9}, {**NIGHT, "min_cu": 20})
    assert queue.drift(inputs) == ["scaling_policies"]
    queue.update(inputs)
    assert there(world) == [ALL_DAY, NIGHT]
    by_hand(world, {**ALL_DAY, "min_cu": 32}, NIGHT)
    assert queue.drift(inputs) == ["cu_count", "scaling_policies"]
    queue.update(inputs)
    assert queue.drift(inputs) == []


def test_a_maximum_that_follows_the_pools_is_the_same_whatever_number_stands_beside(
    world: World, queue: Resource
) -> None:
    inputs = {**INPUTS, "scaling_policies": [{**DAY, "inherit_elastic_resource_pool_max_cu": True}]}
    queue.create(inputs)
    by_hand(world, ALL_DAY, {**DAY, "max_cu": 256, "inherit_elastic_resource_pool_max_cu": True})
    assert queue.drift(inputs) == []


def test_a_queue_that_enters_a_pool_gets_its_policies_there(world: World, queue: Resource) -> None:
    outside = {"queue_name": "streams", "cu_count": 16}
    queue.create(outside)
    inputs = {**outside, "cu_count": 64, NAME: "pool", "scaling_policies": [NIGHT]}
    assert queue.preview_update(inputs) == DiffResult(None)
    queue.update(inputs)
    assert there(world) == [ALL_DAY, NIGHT]
    assert world.count("queues.action") == 0
    assert queue.drift(inputs) == []


def test_an_interrupted_create_keeps_the_queue_and_the_next_update_sets_the_policies(
    world: World, queue: Resource
) -> None:
    world.emulator.fault("pools.policies", 400, code="DLI.0001", message="no", times=2)
    inputs = {**INPUTS, "scaling_policies": [NIGHT]}
    with pytest.raises(ResourceInitFailed, match="scaling policies of queue streams were not changed") as caught:
        queue.create(inputs)
    assert "scaling_policies" not in caught.value.outs
    queue.id, queue.outs = caught.value.id, dict(caught.value.outs)
    queue.update(inputs)
    assert there(world) == [ALL_DAY, NIGHT]
    assert world.count("queues.create") == 1


def test_a_change_that_was_never_heard_is_asked_for_again(world: World, queue: Resource) -> None:
    queue.create(INPUTS)
    world.emulator.fault("pools.policies", 200, body={"is_success": True, "message": ""})
    queue.update({**INPUTS, "cu_count": 128})
    assert there(world) == [{**ALL_DAY, "min_cu": 128, "max_cu": 128}]


def test_a_queue_of_another_pool_is_not_taken_over(world: World, queue: Resource) -> None:
    world.session.client.queues.create({"queue_name": "streams", "cu_count": 64, "resource_mode": 1, NAME: "pool"})
    with pytest.raises(OwnershipError, match="elastic_resource_pool_name is pool, not other"):
        queue.create({**INPUTS, NAME: "other", "queue_type": "sql", "adopt": True})


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        ({"scaling_policies": [DAY, {**NIGHT, "impact_stop_time": "09:00"}]}, "scaling_policies", "overlap at 08:00"),
        ({"scaling_policies": [{"min_cu": 64}, {"min_cu": 64}]}, "scaling_policies", "two entries for all day"),
        ({"scaling_policies": [{**DAY, "min_cu": 256}]}, "scaling_policies", "min_cu of 256 above the max_cu of 128"),
        ({"scaling_policies": [{**DAY, "impact_stop_time": "08:00"}]}, "scaling_policies", "without an hour"),
        ({"scaling_policies": [{**DAY, "impact_start_time": "08:30"}]}, "scaling_policies", "full hour"),
        ({"scaling_policies": [{**DAY, "min_cu": 6}]}, "scaling_policies", "multiple of 4"),
        ({"scaling_policies": [{**DAY, "priority": 101}]}, "scaling_policies", "from 1 to 100"),
        ({"scaling_policies": [{"min_cu": 16}]}, "scaling_policies", "min_cu of 16 all day, and cu_count is 64"),
        ({"scaling_policies": [NIGHT], NAME: None}, "scaling_policies", "give elastic_resource_pool_name"),
        ({"resource_mode": 0}, "resource_mode", "dedicated"),
        ({"labels": ["multi_az=2"]}, "labels", "span zones"),
        ({"cidr_in_vpc": "10.0.0.0/16"}, "cidr_in_vpc", "the pool's network"),
        ({"queue_type": "sql", "cu_count": 4}, "cu_count", "at least 8 CUs"),
        ({"cu_count": 20, NAME: None}, "cu_count", "multiple of 16"),
    ],
)
def test_what_cannot_be_is_refused_on_its_input(wrong: dict[str, Any], field: str, reason: str) -> None:
    _, failures = check(QueueSpec, {**INPUTS, **wrong})
    (failure,) = failures
    assert failure.field == field
    assert reason in failure.reason


# the arithmetic of a pool


def unasked(news: dict[str, Any], unknown: tuple[str, ...] = ()) -> DiffRequest:
    """A create in a preview without credentials."""

    def connect() -> Session:
        raise ConfigError("no credentials")

    known = {name: value for name, value in news.items() if name not in unknown}
    return DiffRequest("", {}, known, unknown, (), connect)


class Program:
    """The resources of one program as they pass check and diff, in any order."""

    def __init__(self) -> None:
        self.pools = DeclaredPools()

    def call(self, name: str) -> OperationContext:
        return OperationContext(urn=f"urn:{name}", name=name, pools=self.pools)

    def pool(self, name: str = "pool", min_cu: int = 64, max_cu: int = 128) -> None:
        news, failures = check(ElasticResourcePoolLifecycle.spec, {NAME: name, "min_cu": min_cu, "max_cu": max_cu})
        assert not failures
        ElasticResourcePoolLifecycle().preview_create(self.call(f"pool {name}"), unasked(news))

    def queue(self, name: str, cus: int, pool: str = "pool", unknown: tuple[str, ...] = (), **more: Any) -> None:
        news, failures = check(QueueSpec, {"queue_name": name, "cu_count": cus, NAME: pool, **more})
        assert not failures
        QueueLifecycle().preview_create(self.call(name), unasked(news, unknown))


def test_the_minima_of_a_pools_queues_fit_into_its_minimum() -> None:
    program = Program()
    program.pool()
    program.queue("a", 32)
    program.queue("b", 32)
    program.queue("elsewhere", 64, pool="other")
    with pytest.raises(DliError, match=r"80 CUs from 00:00 on \(a 32, b 32, c 16\).*min_cu of 64: raise that to 80"):
        program.queue("c", 16)
    program.queue("c", 64, unknown=("cu_count",))  # its size is not known yet
    program.queue("c", 64, unknown=(NAME,))


def test_the_pool_may_come_last() -> None:
    program = Program()
    program.queue("a", 64)
    program.queue("b", 64)
    with pytest.raises(DliError, match="128 CUs"):
        program.pool()
    program.pool(min_cu=128)


def test_each_hour_counts_for_itself() -> None:
    program = Program()
    program.pool()
    night = {"impact_start_time": "22:00", "impact_stop_time": "06:00", "min_cu": 48}
    day = {"impact_start_time": "06:00", "impact_stop_time": "22:00", "min_cu": 48}
    program.queue("a", 16, scaling_policies=[night])
    program.queue("b", 16, scaling_policies=[day])
    with pytest.raises(DliError, match=r"96 CUs from 05:00 on \(a 48, b 48\)"):
        program.queue("b", 16, scaling_policies=[{**day, "impact_start_time": "05:00"}])


def test_no_maximum_is_above_the_pools_unless_it_follows_that() -> None:
    program = Program()
    program.pool()
    follows = {"min_cu": 64, "max_cu": 256, "inherit_elastic_resource_pool_max_cu": True}
    program.queue("a", 64, scaling_policies=[follows])
    with pytest.raises(DliError, match=r"queue a may take 256 CUs from 00:00 on.*max_cu of 128"):
        program.queue("a", 64, scaling_policies=[{"min_cu": 64, "max_cu": 256}])


def test_a_pool_goes_down_only_to_what_its_queues_have_now(world: World, queue: Resource) -> None:
    pool = Resource(world, ElasticResourcePoolLifecycle(), "pool")
    pool.create({NAME: "pool", "min_cu": 256, "max_cu": 256, "adopt": True})
    queue.create(INPUTS)
    assert pool.preview_update({NAME: "pool", "min_cu": 64, "max_cu": 256}) == DiffResult(None)
    queue.update({**INPUTS, "cu_count": 128})
    with pytest.raises(DliError, match=r"128 CUs .*\(streams 128\).*min_cu of 64.*lower them first"):
        pool.preview_update({NAME: "pool", "min_cu": 64, "max_cu": 256})
    assert world.count("pools.update") == 0


def test_a_queue_and_its_successor_are_there_at_the_same_time(world: World, queue: Resource) -> None:
    queue.create(INPUTS)
    program = Program()
    program.pool(min_cu=64)
    world.call = lambda *_args, **_more: program.call("streams")  # type: ignore[method-assign]
    with pytest.raises(DliError, match=r"128 CUs .*\(next 64, streams 64\)"):
        queue.preview_update({**INPUTS, "queue_name": "next"})
