"""Pools and the queues in them through the SDK's own dynamic host, each command in a process of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dynamic_host import HostError
from tests.stacks import Failed, Stack

NAME = "elastic_resource_pool_name"
POOL: dict[str, Any] = {NAME: "Shared", "min_cu": 64, "max_cu": 128}


def pools(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.call("GET", "/v3/{p}/elastic-resource-pools")["elastic_resource_pools"]
    return found


def test_a_pool_is_created_changed_and_deleted_as_soon_as_it_is_old_enough(hosted: Stack) -> None:
    made = hosted.up("ElasticResourcePool", "r", **POOL)
    assert (made.id, pools(hosted)[0]["status"]) == ("shared", "AVAILABLE")
    hosted.up("ElasticResourcePool", "r", **{**POOL, "max_cu": 256, "description": "for streams"})
    assert (pools(hosted)[0]["max_cu"], pools(hosted)[0]["description"]) == (256, "for streams")
    hosted.up("ElasticResourcePool", "r", **POOL)
    assert (pools(hosted)[0]["max_cu"], pools(hosted)[0]["description"]) == (128, "")
    hosted.destroy("r")
    assert pools(hosted) == []


def test_a_create_whose_state_was_lost_is_taken_up_and_one_of_others_is_not(hosted: Stack) -> None:
    hosted.up("ElasticResourcePool", "r", **POOL)
    del hosted.entries["r"]
    assert hosted.up("ElasticResourcePool", "r", **POOL).id == "shared"
    with pytest.raises(Failed, match="adopt=True"):
        hosted.up("ElasticResourcePool", "other", **POOL)
    assert len(pools(hosted)) == 1


def test_sizes_that_cannot_be_are_named_before_any_call(hosted: Stack) -> None:
    for wrong, word in (
        ({"min_cu": 256}, "more than max_cu"),
        ({"min_cu": 32}, "64 to 32000"),
        ({"label": {"spec": "basic"}}, "16 to 64"),
        ({NAME: "1st"}, "begin with a letter"),
        ({"cidr_in_vpc": "10.0.0.0/40"}, "IPv4 network"),
        ({"charging_mode": 2}, "pay per use"),
    ):
        with pytest.raises(Failed, match=word):
            hosted.preview("ElasticResourcePool", "r", **{**POOL, **wrong})
    assert hosted.requests() == []


QUEUE: dict[str, Any] = {"queue_name": "streams", "cu_count": 16, NAME: "shared"}
NIGHT = {"impact_start_time": "22:00", "impact_stop_time": "06:00", "min_cu": 4, "max_cu": 16, "priority": 10}


def policies(stack: Stack) -> list[tuple[str, int, int]]:
    (queue,) = stack.call("GET", "/v3/{p}/elastic-resource-pools/shared/queues?limit=100")["queues"]
    rows = [(row["impact_start_time"], row["min_cu"], row["max_cu"]) for row in queue["queue_scaling_policies"]]
    return sorted(rows)


def test_a_queue_in_a_pool_scales_through_its_policy(hosted: Stack) -> None:
    hosted.up("ElasticResourcePool", "p", **POOL)
    hosted.up("Queue", "q", **QUEUE)
    hosted.up("Queue", "q", **{**QUEUE, "cu_count": 32, "scaling_policies": [NIGHT]})
    assert policies(hosted) == [("00:00", 32, 32), ("22:00", 4, 16)]
    assert hosted.refresh("q") is False
    shown = hosted.preview("Queue", "q", **{**QUEUE, "cu_count": 32, "scaling_policies": [NIGHT]})
    assert shown.action == "same"
    with pytest.raises(Failed, match="holds the queues streams"):
        hosted.destroy("p")
    hosted.destroy("q")
    hosted.destroy("p")
    assert pools(hosted) == []
    assert hosted.operations("queues.action") == []


def test_what_does_not_fit_into_the_pool_is_refused_before_any_write(hosted: Stack) -> None:
    """One process of the host serves all resources of a program, as with the engine."""
    with hosted.phase() as phase:
        phase.check("ElasticResourcePool", hosted.urn("ElasticResourcePool", "p"), POOL, None)
        phase.check("Queue", hosted.urn("Queue", "a"), {**QUEUE, "cu_count": 48}, None)
        phase.check("Queue", hosted.urn("Queue", "a"), {**QUEUE, "cu_count": 48}, None)  # a second pass says the same
        with pytest.raises(HostError, match=r"80 CUs from 00:00 on \(batch 32, streams 48\).*min_cu of 64"):
            phase.check("Queue", hosted.urn("Queue", "b"), {**QUEUE, "queue_name": "batch", "cu_count": 32}, None)
        wide = [{"min_cu": 16, "max_cu": 256}]
        with pytest.raises(HostError, match="may take 256 CUs"):
            phase.check("Queue", hosted.urn("Queue", "b"), {**QUEUE, "queue_name": "b", "scaling_policies": wide}, None)
    assert {entry["method"] for entry in hosted.requests()} == {"GET"}, "who has the names is looked at"
