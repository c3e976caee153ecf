"""Elastic resource pools, as far as queues need them: their records; `calls.py` holds the handlers."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table


@dataclass
class Pool:
    project_id: str
    name: str
    pool_id: int
    resource_id: str
    owner: str
    description: str
    cidr_in_vpc: str
    min_cu: int
    max_cu: int
    enterprise_project_id: str
    label: dict[str, str]
    created: float


class Pools:
    """The pools of all projects."""

    def __init__(self, core: Core) -> None:
        self.table: Table[Pool] = Table(core.store, "pools", Pool)

    def find(self, project_id: str, name: str) -> Pool | None:
        return self.table.rows.get(f"{project_id}/{name.lower()}")
