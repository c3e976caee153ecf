"""What a refresh sees of a queue, and how a queue goes."""

from __future__ import annotations

from typing import Any

import pytest
from dli_world import Resource, World

from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.queues.queue import QueueLifecycle
from pulumi_dli.specs.values import OWNER_TAG

INPUTS: dict[str, Any] = {"queue_name": "Streams", "cu_count": 64}
FULL: dict[str, Any] = {
    **INPUTS,
    "queue_type": "general",
    "resource_mode": 1,
    "description": "shop",
    "platform": "x86_64",
    "labels": ["multi_az=2", "zone=a"],
    "enterprise_project_id": "0",
    "cidr_in_vpc": "10.0.0.0/14",
    "tags": {"team": "orders"},
}
QUIRKS: list[dict[str, Any]] = [
    {},
    {"sample_types": True},
    {"snake_details": True},
    {"create_201": True},
    {"queue_not_found": "DLI.0002"},
    {"queue_not_found": "DLI.0008"},
    {"queue_not_found": "DLI.0023"},
]


@pytest.fixture
def queue(world: World) -> Resource:
    queue = Resource(world, QueueLifecycle())
    queue.create(INPUTS)
    return queue


@pytest.mark.parametrize("inputs", [INPUTS, FULL], ids=["few", "all"])
@pytest.mark.parametrize("quirks", [*QUIRKS, {"v3_unpublished": True}], ids=str)
def test_an_untouched_queue_never_drifts(world: World, inputs: dict[str, Any], quirks: dict[str, Any]) -> None:
    world.emulator.quirk(**quirks)
    queue = Resource(world, QueueLifecycle())
    queue.create(inputs)
    assert queue.drift(inputs) == []
    assert queue.drift(inputs) == []


@pytest.mark.parametrize("quirks", QUIRKS, ids=str)
def test_a_deleted_queue_is_gone_when_list_and_details_say_so(
    world: World, queue: Resource, quirks: dict[str, Any]
) -> None:
    world.emulator.quirk(**quirks)
    world.emulator.act("queue.delete", queue="streams")
    assert queue.refresh() is False


def test_absence_from_the_list_alone_is_not_gone(world: World, queue: Resource) -> None:
    answer = {"is_success": True, "message": "", "queues": []}
    world.emulator.fault("queues.list", 200, body=answer)
    before = dict(queue.outs)
    assert queue.refresh() is True
    assert queue.outs["settings"] == before["settings"]  # what only the list tells is kept


@pytest.mark.parametrize("effect", [403, "gateway_404"])
def test_what_cannot_be_told_is_not_gone(world: World, queue: Resource, effect: str | int) -> None:
    world.emulator.act("queue.delete", queue="streams")
    world.emulator.fault("queues.*", effect, nth=2)
    with pytest.raises(DliError):
        queue.refresh()


def test_a_queue_scaled_by_hand_shows_as_drift_of_its_cus(world: World, queue: Resource) -> None:
    world.emulator.act("queue.scale", queue="streams", cu_count=256)
    assert queue.drift(INPUTS) == ["cu_count"]
    assert queue.outs["cu_count"] == 256


def test_lost_tags_drift_and_tags_of_others_do_not(world: World) -> None:
    inputs = {**INPUTS, "tags": {"team": "orders", "cost": "1"}}
    queue = Resource(world, QueueLifecycle())
    queue.create(inputs)
    tags, queue_id = world.session.client.tags, queue.outs["queue_id"]
    tags.create("dli_queue", queue_id, {"by": "hand"})
    assert queue.drift(inputs) == []
    tags.delete("dli_queue", queue_id, {"cost": "1"})
    assert queue.drift(inputs) == ["tags"]
    queue.update(inputs)
    assert tags.list("dli_queue", queue_id)["cost"] == "1"


def test_a_legacy_queue_type_is_no_drift(world: World) -> None:
    inputs = {**INPUTS, "queue_type": "general"}
    queue = Resource(world, QueueLifecycle())
    queue.create(inputs)
    rows = [{"queue_name": "streams", "queue_type": "spark", "cu_count": 64, "labels": '{"multi_az":"2"}'}]
    world.emulator.fault("queues.list", 200, body={"is_success": "true", "queues": rows})
    assert queue.drift(inputs) == []


def test_many_queues_are_refreshed_with_one_list_call(world: World) -> None:
    lifecycle, outs = QueueLifecycle(), {}
    for number in range(5):
        one = Resource(world, lifecycle, f"q{number}")
        one.create({"queue_name": f"q{number}", "cu_count": 16, "tags": {"a": "b"}})
        outs[one.id] = one.outs
    session, before = world.new_process(), world.calls()
    for name, olds in outs.items():
        assert lifecycle.read(world.call(), session, name, olds) is not None
    after = world.calls()
    assert {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)} == {
        "queues.list": 1,
        "tags.filter": 1,
    }


def test_a_queue_found_by_its_name_alone_yields_the_program_that_declares_it(world: World) -> None:
    Resource(world, QueueLifecycle()).create({**FULL, "queue_type": "sql", "engine": "spark"})
    found = Resource(world, QueueLifecycle())
    found.id = "Streams"
    assert found.refresh()
    said = {name: found.outs[name] for name in QueueLifecycle.spec.model_fields if name in found.outs}
    assert said == {
        "queue_name": "streams",
        "cu_count": 64,
        "queue_type": "sql",
        "description": "shop",
        "labels": ["multi_az=2", "zone=a"],
        "tags": {"team": "orders"},
    }
    found.id = "streams"
    found.delete()
    assert world.session.client.queues.find("streams") is None


def test_a_queue_is_deleted_and_its_name_is_free_afterwards(world: World, queue: Resource) -> None:
    queue.delete()
    assert world.session.client.queues.find("streams") is None
    Resource(world, QueueLifecycle()).create(INPUTS)


def test_deleting_what_is_gone_succeeds(world: World, queue: Resource) -> None:
    queue.delete()
    queue.delete()
    assert world.count("queues.delete") == 1


def test_a_delete_whose_answer_was_lost_ends_well(world: World, queue: Resource) -> None:
    world.emulator.fault("queues.delete", "drop_after")
    queue.delete()
    assert world.count("queues.delete") == 2  # the second one heard that the queue is gone
    assert world.session.client.queues.find("streams") is None


def test_a_queue_with_running_jobs_says_what_has_to_go_first(world: World, queue: Resource) -> None:
    world.run_a_job("streams")
    with pytest.raises(DliError, match=r"counter.*stop or delete those jobs first"):
        queue.delete()
    assert queue.refresh()


def test_a_queue_that_another_resource_holds_now_is_only_forgotten(world: World, queue: Resource) -> None:
    again = Resource(world, QueueLifecycle())
    again.create(INPUTS)  # took it over: its tag was renewed
    queue.delete()
    assert "left alone" in world.said.warnings[0]
    again.delete()
    assert world.session.client.queues.find("streams") is None


def test_a_delete_spares_what_this_very_deployment_has_made(world: World, queue: Resource) -> None:
    lifecycle = QueueLifecycle()
    session = world.new_process()
    lifecycle.create(world.call(), session, lifecycle.spec.of(queue.checked(INPUTS)))
    lifecycle.delete(world.call(), session, queue.id, queue.outs)
    assert "left alone" in world.said.warnings[0]
    assert world.session.client.queues.find("streams") is not None


def test_a_queue_without_the_tag_is_still_ours_to_delete(world: World, queue: Resource) -> None:
    tags = world.session.client.tags
    tags.delete("dli_queue", queue.outs["queue_id"], {OWNER_TAG: queue.outs["owner_tag"]})
    queue.delete()
    assert world.session.client.queues.find("streams") is None


def test_throttling_costs_what_the_service_asks_for_and_no_minute(world: World, queue: Resource) -> None:
    world.emulator.fault("queues.delete", 429, retry_after=1)
    queue.delete()
    assert world.time.waited < 5
