"""What belongs to a project as a whole: the buckets that it has opened to the service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.store import Table


@dataclass
class Authorised:
    """The buckets that a project has opened to the service."""

    buckets: list[str]


class AuthorisedBuckets:
    """The authorised buckets of all projects."""

    def __init__(self, core: Core) -> None:
        self._table: Table[Authorised] = Table(core.store, "authorised", Authorised)

    def has(self, project_id: str, bucket: str | None) -> bool:
        row = self._table.rows.get(project_id)
        return bool(row and bucket in row.buckets)

    def add(self, project_id: str, buckets: Iterable[str]) -> None:
        row = self._table.rows.get(project_id) or Authorised([])
        row.buckets = sorted({*row.buckets, *buckets})
        self._table.save(project_id, row)
