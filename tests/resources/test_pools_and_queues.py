"""Pools and the queues in them through the SDK's own dynamic host, each command in a process of its own."""

from __future__ import annotations

from typing import Any

import pytest

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
