"""What a person at the console, or the service by itself, does to a pool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import ControlBody, read
from pulumi_dli.emulator.core.service import Act
from pulumi_dli.emulator.pools.records import Pool, Pools


class PoolAct(ControlBody):
    pool: str
    project_id: str | None = None


class Fail(PoolAct):
    description: str = "failed by hand"


class Scale(PoolAct):
    cu_count: int = Field(ge=0, le=1_000_000)


def _fail(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = read(Fail, body)
    core.part(Pools).fail(_found(core, asked), asked.description)
    return {}


def _scale(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The service begins a scaling by itself; the next full hour corrects it."""
    asked = read(Scale, body)
    core.part(Pools).resize(_found(core, asked), core.clock.now(), to=asked.cu_count)
    return {}


def _delete(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    core.part(Pools).drop(_found(core, read(PoolAct, body)))
    return {}


def _found(core: Core, asked: PoolAct) -> Pool:
    pools = core.part(Pools)
    for project_id in pools.projects() if asked.project_id is None else [asked.project_id]:
        pool = pools.find(project_id, asked.pool)
        if pool is not None:
            return pool
    raise ValueError(f"there is no elastic resource pool {asked.pool}")


ACTS: Mapping[str, Act] = {"pool.fail": _fail, "pool.scale": _scale, "pool.delete": _delete}
