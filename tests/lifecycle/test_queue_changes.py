"""Queues change in place where the service can, and say before anything is touched where it cannot."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from dli_world import Resource, World

from pulumi_dli.errors import ConflictError, DliError
from pulumi_dli.lifecycle.contract import DiffResult, ResourceInitFailed
from pulumi_dli.lifecycle.queues.queue import QueueLifecycle
from pulumi_dli.specs.values import OWNER_TAG

INPUTS: dict[str, Any] = {"queue_name": "streams", "cu_count": 64}
BIG = {**INPUTS, "cu_count": 256}


@pytest.fixture
def queue(world: World) -> Resource:
    queue = Resource(world, QueueLifecycle())
    queue.create(INPUTS)
    return queue


def orders(world: World) -> list[dict[str, Any]]:
    return [row["body"] for row in world.emulator.requests(operation="queues.action") if row["status"] == 200]


def test_equal_inputs_foresee_nothing_and_say_nothing(world: World, queue: Resource) -> None:
    assert queue.preview_update(INPUTS) == DiffResult(False)
    assert world.said.notes == []


def test_a_scaling_is_foretold_and_ordered_once_as_a_difference(world: World, queue: Resource) -> None:
    world.run_a_job("streams")
    assert queue.preview_update(BIG) == DiffResult(None)
    assert world.said.notes == ["scales from 64 to 256 CUs (about 10 minutes)"]
    assert queue.update(BIG)["cu_count"] == 256
    assert orders(world) == [{"action": "scale_out", "cu_count": 192}]
    assert any("has 64 of 256 CUs" in line for line in world.said.progress)
    assert queue.drift(BIG) == []


def test_a_scaling_waits_for_the_compute_to_be_assigned(world: World, queue: Resource) -> None:
    world.emulator.quirk(timings={"assigning": 2000})
    other = Resource(world, QueueLifecycle(), "late")
    other.create({"queue_name": "late", "cu_count": 64})
    with pytest.raises(DliError, match="a job has run on it once"):
        other.update({"queue_name": "late", "cu_count": 256})
    assert world.time.waited >= 1900
    assert any("waits for the queue's compute" in line for line in world.said.progress)


def test_a_queue_that_never_gets_its_compute_is_given_up_at_the_deadline(world: World, queue: Resource) -> None:
    world.emulator.behave("stuck_assigning", match={"name": "stuck"})
    stuck = Resource(world, QueueLifecycle(), "stuck")
    stuck.create({"queue_name": "stuck", "cu_count": 64})
    with pytest.raises(DliError, match="is assigning"):
        stuck.update({"queue_name": "stuck", "cu_count": 256}, timeout_seconds=600.0)
    assert 590 <= world.time.waited <= 610


@pytest.mark.parametrize("effect", ["drop_after", 500, 502])
def test_a_lost_answer_to_a_scaling_does_not_order_twice(world: World, queue: Resource, effect: str | int) -> None:
    world.run_a_job("streams")
    world.emulator.fault("queues.action", effect)
    if effect == "drop_after":
        queue.update(BIG)
    else:  # the order never took effect: then nothing is sent in its place, and the next update orders anew
        with pytest.raises(ResourceInitFailed) as caught:
            queue.update(BIG)
        assert caught.value.outs["cu_count"] == 64
        queue.outs = dict(caught.value.outs)
        queue.update(BIG)
    found = world.session.client.queues.find("streams")
    assert found is not None
    assert (found.cu_count, found.cu_spec) == (256, 256)


def test_an_interrupted_scaling_goes_on_without_a_second_order(world: World, queue: Resource) -> None:
    world.run_a_job("streams")
    world.time.cancel_at = world.time.now() + 30
    with pytest.raises(ResourceInitFailed) as caught:
        queue.update(BIG, cancelled=threading.Event())
    world.time.cancel_at = None
    assert caught.value.outs["cu_count"] == 64
    queue.outs = dict(caught.value.outs)
    assert queue.update(BIG)["cu_count"] == 256
    assert len(orders(world)) == 1


def test_a_killed_scaling_goes_on_without_a_second_order_even_after_a_refresh(world: World, queue: Resource) -> None:
    world.run_a_job("streams")
    world.session.client.queues.scale("streams", "scale_out", 192)  # the order went out, the state knows nothing of it
    assert queue.drift(BIG) == ["cu_count"]
    assert queue.update(BIG)["cu_count"] == 256
    assert len(orders(world)) == 1


def test_a_partial_scale_in_is_an_honest_error_with_what_was_reached(world: World, queue: Resource) -> None:
    world.run_a_job("streams")
    queue.update(BIG)
    world.emulator.behave("partial_scale_in", match={"name": "streams"}, reached=160)
    with pytest.raises(ResourceInitFailed) as caught:
        queue.update(INPUTS)
    assert caught.value.outs["cu_count"] == 160
    assert "has 160 CUs, not 64, after 45 min" in caught.value.reasons[0]
    assert orders(world)[-1] == {"action": "scale_in", "cu_count": 192}
    queue.outs = dict(caught.value.outs)
    assert queue.update({**INPUTS, "cu_count": 160})["cu_count"] == 160


def test_scaling_before_any_job_has_run_names_the_precondition(world: World, queue: Resource) -> None:
    world.time.pass_by(400)
    with pytest.raises(DliError, match="only after a job has run on it once"):
        queue.update(BIG)
    assert queue.drift(INPUTS) == []


@pytest.mark.parametrize(
    ("cus", "target", "words"),
    [(16, 64, "16 CUs cannot be scaled"), (64, 16, "64 CUs cannot be scaled in")],
)
def test_scalings_that_never_happen_fail_in_the_preview(world: World, cus: int, target: int, words: str) -> None:
    queue = Resource(world, QueueLifecycle(), "q")
    queue.create({"queue_name": "q", "cu_count": cus})
    with pytest.raises(DliError, match=words):
        queue.preview_update({"queue_name": "q", "cu_count": target})
    with pytest.raises(DliError, match=words):
        queue.update({"queue_name": "q", "cu_count": target})
    assert world.count("queues.action") == 0


def in_a_pool(world: World) -> Resource:
    world.session.client.elastic_resource_pools.create(
        {"elastic_resource_pool_name": "Pool", "min_cu": 256, "max_cu": 256}
    )
    world.emulator.advance(180)
    queue = Resource(world, QueueLifecycle(), "pooled")
    queue.create({"queue_name": "pooled", "cu_count": 64, "elastic_resource_pool_name": "Pool"})
    return queue


def test_a_queue_in_a_pool_never_leaves_it(world: World) -> None:
    queue = in_a_pool(world)
    inputs = {"queue_name": "pooled", "cu_count": 64, "elastic_resource_pool_name": "pool"}
    assert queue.drift(inputs) == []
    for pool in (None, "another"):
        with pytest.raises(DliError, match="neither leave nor change"):
            queue.preview_update({**inputs, "elastic_resource_pool_name": pool})


def test_a_queue_enters_its_pool_in_place(world: World, queue: Resource) -> None:
    in_a_pool(world)
    inputs = {**INPUTS, "elastic_resource_pool_name": "pool"}
    assert queue.preview_update(inputs) == DiffResult(None)
    assert world.said.notes == ["enters the elastic resource pool, for good"]
    for _ in range(2):
        queue.update(inputs)
        assert queue.outs["elastic_resource_pool_name"] == "pool"
    done = [call for call in world.emulator.requests(operation="pools.associate") if call["status"] == 200]
    assert len(done) == 1  # the others were refused while the queue's compute was being assigned
    assert queue.drift(inputs) == []


def test_cus_that_a_pool_has_moved_are_no_drift_and_no_order(world: World) -> None:
    queue = in_a_pool(world)
    inputs = {"queue_name": "pooled", "cu_count": 64, "elastic_resource_pool_name": "pool"}
    policies = [{"priority": 1, "impact_start_time": "00:00", "impact_stop_time": "24:00", "min_cu": 64, "max_cu": 64}]
    world.time.pass_by(1200)
    world.session.client.elastic_resource_pools.set_policies("pool", "pooled", policies)
    world.emulator.act("queue.scale", queue="pooled", cu_count=128)
    assert queue.drift(inputs) == []
    queue.update(inputs)
    assert world.count("queues.action") == 0


def test_replacing_a_queue_under_its_own_name_is_refused_with_the_way_out(world: World, queue: Resource) -> None:
    with pytest.raises(DliError, match=r"queue_type.*give it a new queue_name"):
        queue.preview_update({**INPUTS, "queue_type": "sql"})


def test_a_new_name_replaces_the_queue(world: World, queue: Resource) -> None:
    assert queue.preview_update({**INPUTS, "queue_name": "other"}) == DiffResult(None, ("queue_name",))
    more = queue.preview_update({**INPUTS, "queue_name": "other", "queue_type": "sql"})
    assert set(more.replaces) == {"queue_name", "queue_type"}


def test_an_unknown_name_never_says_replace_and_never_refuses(world: World, queue: Resource) -> None:
    assert queue.preview_update({**INPUTS, "queue_type": "sql"}, unknown=("queue_name",)) == DiffResult(None)


@pytest.mark.parametrize(
    "said", [{"queue_type": "general"}, {"resource_mode": 1}, {"platform": "x86_64"}, {"enterprise_project_id": "0"}]
)
def test_saying_what_a_queue_is_already_neither_replaces_nor_fails(
    world: World, queue: Resource, said: dict[str, Any]
) -> None:
    assert queue.preview_update({**INPUTS, **said}) == DiffResult(None)
    queue.update({**INPUTS, **said})
    assert queue.preview_update(INPUTS) == DiffResult(None)  # and no longer saying it does not, either


def test_a_changed_description_is_kept_as_stored_with_a_warning(world: World, queue: Resource) -> None:
    assert queue.preview_update({**INPUTS, "description": "new"}) == DiffResult(None)
    assert "cannot be changed" in world.said.warnings[0]
    queue.update({**INPUTS, "description": "new"})
    assert queue.drift({**INPUTS, "description": "new"}) == []


def test_an_unusual_size_is_warned_of(world: World) -> None:
    Resource(world, QueueLifecycle(), "odd").preview_update({"queue_name": "odd", "cu_count": 48})
    assert "48 CUs" in world.said.warnings[0]


def test_only_the_tags_that_differ_change_and_those_of_others_stay(world: World, queue: Resource) -> None:
    queue.update({**INPUTS, "tags": {"a": "1", "b": "1"}})
    queue_id = queue.outs["queue_id"]
    tags = world.session.client.tags
    tags.create("dli_queue", queue_id, {"by": "hand"})
    since = len(world.emulator.requests())
    queue.update({**INPUTS, "tags": {"a": "1", "b": "2"}})
    changed = [row["body"] for row in world.emulator.requests()[since:] if row["operation"].startswith("tags.")]
    assert changed == [{"tags": [{"key": "b", "value": "1"}]}, {"tags": [{"key": "b", "value": "2"}]}]
    queue.update(INPUTS)
    assert tags.list("dli_queue", queue_id) == {"by": "hand", OWNER_TAG: queue.outs["owner_tag"]}


def test_without_tag_calls_a_change_of_tags_only_warns(world: World, queue: Resource) -> None:
    world.emulator.quirk(v3_unpublished=True)
    queue.update({**INPUTS, "tags": {"a": "1"}})
    assert "no tag calls" in world.said.warnings[0]


def test_a_region_that_cannot_change_networks_says_so(world: World, queue: Resource) -> None:
    world.emulator.fault("queues.cidr", "gateway_404")
    with pytest.raises(DliError, match="leave cidr_in_vpc out"):
        queue.update({**INPUTS, "cidr_in_vpc": "10.0.0.0/14"})


def test_an_update_with_equal_inputs_only_looks(world: World, queue: Resource) -> None:
    since = len(world.emulator.requests())
    queue.update(INPUTS)
    assert [row["operation"] for row in world.emulator.requests()[since:]] == ["queues.list"]


def test_an_update_of_a_queue_that_is_gone_says_what_to_do(world: World, queue: Resource) -> None:
    world.emulator.act("queue.delete", queue="streams")
    with pytest.raises(DliError, match="--refresh"):
        queue.update(BIG)


def test_a_refused_order_is_not_a_half_done_update(world: World, queue: Resource) -> None:
    world.run_a_job("streams")
    world.emulator.fault("queues.action", 400, code="DLI.0009", message="system restriction")
    with pytest.raises(DliError, match="system restriction") as caught:
        queue.update(BIG)
    assert not isinstance(caught.value, ConflictError)
