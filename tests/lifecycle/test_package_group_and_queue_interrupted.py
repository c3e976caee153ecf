"""Interrupted at any call, with the state kept or lost: the next run ends where an undisturbed one would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dli_world import Resource, World

from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.contract import ResourceInitFailed
from pulumi_dli.lifecycle.packages.package_group import PackageGroupLifecycle
from pulumi_dli.lifecycle.queues.queue import QueueLifecycle
from pulumi_dli.packages import Package

QUEUE: dict[str, Any] = {
    "queue_name": "streams",
    "cu_count": 64,
    "cidr_in_vpc": "10.0.0.0/14",
    "tags": {"team": "orders"},
}
CHANGED_QUEUE = {**QUEUE, "cu_count": 256, "cidr_in_vpc": "10.4.0.0/14", "tags": {"team": "shop", "more": "1"}}


@pytest.fixture
def world(world: World) -> World:
    world.emulator.quirk(timings={"scaling": 20, "upload": 2})
    return world


def interrupted(world: World, resource: Resource, inputs: dict[str, Any], call: int, effect: str | int) -> bool:
    """Create or update with trouble at the `call`-th call, keeping what the engine would keep; whether it hurt."""
    fault = world.emulator.fault("[!o]*", effect, nth=call)
    try:
        resource.update(inputs) if resource.id else resource.create(inputs)
    except ResourceInitFailed as half:
        resource.id, resource.outs = half.id, dict(half.outs)
        return True
    except DliError:
        return True
    finally:
        world.emulator.clear_faults(fault)
    return False


@pytest.mark.parametrize("effect", [403, "drop_after"])
@pytest.mark.parametrize("keep", [True, False], ids=["state kept", "state lost"])
@pytest.mark.parametrize("call", range(1, 6))
def test_a_queue_whose_creation_is_interrupted_comes_up_once(
    world: World, call: int, effect: str | int, *, keep: bool
) -> None:
    queue = Resource(world, QueueLifecycle())
    interrupted(world, queue, QUEUE, call, effect)
    if not keep:
        queue = Resource(world, QueueLifecycle())
    queue.update(QUEUE) if queue.id else queue.create(QUEUE)
    assert queue.drift(QUEUE) == []
    assert [one.queue_name for one in world.session.client.queues.list()] == ["default", "streams"]
    queue.delete()
    assert [one.queue_name for one in world.session.client.queues.list()] == ["default"]


@pytest.mark.parametrize("effect", [403, "drop_after"])
@pytest.mark.parametrize("keep", [True, False], ids=["state kept", "old state"])
@pytest.mark.parametrize("call", range(2, 7))
def test_a_queue_whose_change_is_interrupted_gets_there_with_one_order(
    world: World, call: int, effect: str | int, *, keep: bool
) -> None:
    queue = Resource(world, QueueLifecycle())
    queue.create(QUEUE)
    job = world.run_a_job("streams")
    world.session.client.flink_jobs.delete(job)
    olds = dict(queue.outs)
    interrupted(world, queue, CHANGED_QUEUE, call, effect)
    if not keep:
        queue.outs = olds
    queue.update(CHANGED_QUEUE)
    assert queue.drift(CHANGED_QUEUE) == []
    found = world.session.client.queues.find("streams")
    assert found is not None
    assert found.cu_spec == 256


@pytest.mark.parametrize("effect", [403, "drop_after"])
@pytest.mark.parametrize("keep", [True, False], ids=["state kept", "state lost"])
@pytest.mark.parametrize("call", range(1, 7))
def test_a_group_whose_creation_is_interrupted_comes_up_and_goes_without_leftovers(
    world: World, tmp_path: Path, call: int, effect: str | int, *, keep: bool
) -> None:
    (tmp_path / "app.jar").write_bytes(b"one")
    world.emulator.put_object("code", "v1/udf.py", b"-")
    packages = [Package(str(tmp_path / "app.jar")).as_input(), "obs://code/v1/udf.py"]
    inputs = {"group_name": "shop", "bucket": "code", "packages": packages, "tags": {"team": "orders"}}
    group = Resource(world, PackageGroupLifecycle())
    interrupted(world, group, inputs, call, effect)
    if not keep:
        group = Resource(world, PackageGroupLifecycle())
    group.update(inputs) if group.id else group.create(inputs)
    assert group.drift(inputs) == []
    group.delete()
    assert world.session.client.package_groups.list().groups == ()
    assert [row.key for row in world.emulator.service.objects.listed("code")] == ["v1/udf.py"]
