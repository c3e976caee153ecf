"""Queues come to be: posted first, taken over only when proven ours, and never lost once they exist."""

from __future__ import annotations

import pytest
from dli_world import Resource, World

from pulumi_dli.errors import ApiError, ConfigError, OwnershipError, UnknownOutcomeError
from pulumi_dli.lifecycle.contract import ResourceInitFailed
from pulumi_dli.lifecycle.queues.queue import QueueLifecycle
from pulumi_dli.specs.values import OWNER_TAG

INPUTS = {"queue_name": "Streams", "cu_count": 64}


@pytest.fixture
def queue(world: World) -> Resource:
    return Resource(world, QueueLifecycle())


def test_a_new_queue_is_dedicated_and_general_and_costs_two_calls_without_waiting(
    world: World, queue: Resource
) -> None:
    outcome = queue.create({**INPUTS, "tags": {"team": "orders"}})
    assert outcome.id == "streams"
    assert world.calls() == {"queues.create": 1, "queues.list": 1}
    assert world.time.waited == 0
    found = world.session.client.queues.find("streams")
    assert found is not None
    assert (found.queue_type, found.resource_mode, found.cu_count) == ("general", 1, 64)
    tags = world.session.client.tags.list("dli_queue", str(found.queue_id))
    assert tags == {"team": "orders", OWNER_TAG: outcome.outs["owner_tag"]}


def test_outputs_hold_inputs_as_given_and_facts_under_names_of_their_own(world: World, queue: Resource) -> None:
    outs = queue.create(INPUTS).outs
    assert outs["queue_name"] == "streams"
    assert "queue_type" not in outs
    assert "tags" not in outs
    assert outs["settings"]["queue_type"] == "general"
    assert outs["owner"] == "local-user"
    assert outs["resource_id"]
    assert "1.15" in outs["support_flink_jar_versions"]
    assert outs["endpoint"] == world.emulator.url
    assert outs["project_id"] == world.session.project_id


def test_given_fields_travel_under_their_wire_names_and_others_stay_unsaid(world: World, queue: Resource) -> None:
    queue.create({**INPUTS, "platform": "x86_64", "labels": ["multi_az=2"], "description": "shop", "queue_type": "sql"})
    body = world.emulator.requests(operation="queues.create")[0]["body"]
    assert {key: body[key] for key in ("queue_type", "platform", "labels", "description")} == {
        "queue_type": "sql",
        "platform": "x86_64",
        "labels": ["multi_az=2"],
        "description": "shop",
    }
    assert not {"adopt", "cidr_in_vpc", "engine", "feature", "charging_mode"} & set(body)


@pytest.mark.parametrize("effect", ["drop_after", 500, 502, 408])
def test_a_lost_answer_after_the_create_leaves_no_orphan_and_no_second_queue(
    world: World, queue: Resource, effect: str | int
) -> None:
    world.emulator.fault("queues.create", effect)
    outcome = queue.create(INPUTS)
    names = [one.queue_name for one in world.session.client.queues.list()]
    assert names == ["default", "streams"]
    assert outcome.outs["owner_tag"]


def test_an_answer_that_stays_lost_is_reported_as_lost(world: World, queue: Resource) -> None:
    world.emulator.fault("queues.create", 500, times=2)
    with pytest.raises(UnknownOutcomeError):
        queue.create(INPUTS)


@pytest.mark.parametrize("quirks", [{}, {"v3_unpublished": True}, {"create_201": True}, {"sample_types": True}])
def test_an_interrupted_create_takes_its_own_queue_over(world: World, queue: Resource, quirks: dict[str, bool]) -> None:
    world.emulator.quirk(**quirks)
    queue.create(INPUTS)  # the state is lost
    again = Resource(world, QueueLifecycle())
    assert again.create(INPUTS).id == "streams"
    assert again.drift(INPUTS) == []


def test_a_queue_of_somebody_else_is_not_taken_over(world: World, queue: Resource) -> None:
    world.session.client.queues.create({"queue_name": "streams", "cu_count": 16, "queue_type": "general"})
    with pytest.raises(OwnershipError) as caught:
        queue.create(INPUTS)
    text = str(caught.value)
    assert all(word in text for word in ("streams", "resource id", "adopt=True", "import", "queue_name"))


def test_a_queue_whose_tags_were_dropped_is_not_taken_over_silently(world: World, queue: Resource) -> None:
    world.emulator.quirk(tags_refused=True)
    queue.create(INPUTS)
    with pytest.raises(OwnershipError):
        Resource(world, QueueLifecycle()).create(INPUTS)


def test_another_resource_of_the_same_stack_does_not_take_it_over(world: World, queue: Resource) -> None:
    queue.create(INPUTS)
    with pytest.raises(OwnershipError):
        Resource(world, QueueLifecycle(), name="other").create(INPUTS)


def test_adopt_takes_over_a_queue_that_fits_and_marks_it(world: World, queue: Resource) -> None:
    queues = world.session.client.queues
    tags = [{"key": "by", "value": "hand"}]
    queues.create({"queue_name": "streams", "cu_count": 64, "queue_type": "general", "resource_mode": 1, "tags": tags})
    outs = queue.create({**INPUTS, "adopt": True, "tags": {"team": "orders"}}).outs
    found = world.session.client.tags.list("dli_queue", outs["queue_id"])
    assert found == {"by": "hand", "team": "orders", OWNER_TAG: outs["owner_tag"]}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"queue_type": "sql", "resource_mode": 1, "cu_count": 64}, "queue_type"),
        ({"queue_type": "general", "resource_mode": 0, "cu_count": 64}, "resource_mode"),
        ({"queue_type": "general", "resource_mode": 1, "cu_count": 16}, "16 CUs cannot be scaled"),
    ],
)
def test_adopt_refuses_a_queue_that_can_never_fit(
    world: World, queue: Resource, body: dict[str, object], word: str
) -> None:
    world.session.client.queues.create({"queue_name": "streams", **body})
    with pytest.raises(OwnershipError, match=word):
        queue.create({**INPUTS, "adopt": True})
    assert world.count("tags.create") == 0


def test_a_region_that_refuses_tags_still_creates_queues_for_who_asked_for_none(world: World, queue: Resource) -> None:
    world.emulator.quirk(tags_rejected=True)
    assert queue.create(INPUTS).outs["owner_tag"] == ""
    with pytest.raises(ApiError, match="tags"):
        Resource(world, QueueLifecycle(), "b").create({"queue_name": "b", "cu_count": 16, "tags": {"a": "b"}})


def test_the_network_range_is_set_after_the_creation(world: World, queue: Resource) -> None:
    outs = queue.create({**INPUTS, "cidr_in_vpc": "10.0.0.0/14"}).outs
    assert outs["cidr_in_vpc"] == "10.0.0.0/14"
    found = world.session.client.queues.find("streams")
    assert found is not None
    assert found.cidr_in_vpc == "10.0.0.0/14"


def test_a_queue_that_exists_but_did_not_come_up_whole_keeps_its_id(world: World, queue: Resource) -> None:
    world.emulator.fault("queues.cidr", 400, code="DLI.0007", message="refused")
    inputs = {**INPUTS, "cidr_in_vpc": "10.0.0.0/14"}
    with pytest.raises(ResourceInitFailed) as caught:
        queue.create(inputs)
    assert caught.value.id == "streams"
    assert caught.value.outs["cidr_in_vpc"] != "10.0.0.0/14"
    queue.id, queue.outs = caught.value.id, dict(caught.value.outs)
    assert queue.update(inputs)["cidr_in_vpc"] == "10.0.0.0/14"
    assert world.count("queues.create") == 1


def test_a_queue_that_cannot_be_read_back_keeps_its_id_and_the_next_update_goes_on(
    world: World, queue: Resource
) -> None:
    world.emulator.fault("queues.list", 400, code="DLI.0001", message="not now")
    with pytest.raises(ResourceInitFailed) as caught:
        queue.create(INPUTS)
    queue.id, queue.outs = caught.value.id, dict(caught.value.outs)
    assert queue.update(INPUTS)["resource_id"]


def test_credentials_that_are_refused_make_nothing(world: World, queue: Resource) -> None:
    world.emulator.fault("queues.create", 403, code="DLI.0003", message="denied")
    with pytest.raises(ApiError, match="denied"):
        queue.create(INPUTS)


def test_a_queue_is_never_looked_for_in_another_project(world: World, queue: Resource) -> None:
    queue.create(INPUTS)
    session = world.new_process(project_id="0123456789abcdef")
    for act in (
        lambda: queue.lifecycle.read(world.call(), session, queue.id, queue.outs),
        lambda: queue.lifecycle.delete(world.call(), session, queue.id, queue.outs),
        lambda: queue.lifecycle.update(
            world.call(), session, queue.id, queue.outs, queue.lifecycle.spec.of(queue.checked(INPUTS))
        ),
    ):
        with pytest.raises(ConfigError, match="0123456789abcdef"):
            act()
