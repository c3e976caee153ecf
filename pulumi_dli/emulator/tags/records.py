"""Tags: their records, and the rule for a list of them in creates (dli-api 4.7); `calls.py` holds the handlers.

They are kept apart from their resources, as the service never returns them with these: only v3 shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.errors import bad_parameter
from pulumi_dli.emulator.core.messages import Body
from pulumi_dli.emulator.core.service import TaggedType
from pulumi_dli.emulator.core.store import Table

QUEUE, PACKAGE, JOB, POOL = "dli_queue", "dli_package_resource", "dli_flink_job", "dli_elastic_resource_pool"
CONNECTION = "dli_enhanced_datasource"
MOST = 20
_KEY = re.compile(r"(?!_sys_)(?! )[\w .:+\-@]{1,128}(?<! )")
_VALUE = re.compile(r"(?! )[\w .:+\-@]{0,255}(?<! )")


class Tag(Body):
    """One tag of a request."""

    key: str
    value: str = ""


@dataclass
class Tagged:
    """The tags of one resource."""

    resource_type: str
    resource_id: str
    project_id: str
    tags: dict[str, str]


class Tags:
    """All tags of all projects."""

    def __init__(self, core: Core) -> None:
        self._table: Table[Tagged] = Table(core.store, "tags", Tagged)
        self.types: Mapping[str, TaggedType] = {}  # what can be tagged; the services say it

    def of(self, project_id: str, resource_type: str, resource_id: str) -> dict[str, str]:
        found = self._table.rows.get(f"{project_id}/{resource_type}/{resource_id}")
        return dict(found.tags) if found else {}

    def put(self, project_id: str, resource_type: str, resource_id: str, tags: Mapping[str, str]) -> None:
        key = f"{project_id}/{resource_type}/{resource_id}"
        if tags:
            self._table.save(key, Tagged(resource_type, resource_id, project_id, dict(tags)))
        else:
            self._table.drop(key)

    def all_of(self, project_id: str, resource_type: str) -> list[Tagged]:
        rows = self._table.rows.values()
        return [row for row in rows if (row.project_id, row.resource_type) == (project_id, resource_type)]


def checked(tags: Sequence[Tag] | None, *, dropped: bool, rejected: bool) -> dict[str, str]:
    """The tags of a create as a map, by the rule of 4.1."""
    if not tags:
        return {}
    if rejected:
        raise bad_parameter("Invalid parameter tags: tags are not supported.")
    found = {tag.key: tag.value for tag in tags}
    if len(found) > MOST or len(found) != len(tags):
        raise bad_parameter(f"Invalid parameter tags: at most {MOST}, no key twice.")
    for key, value in found.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise bad_parameter("Invalid parameter tags: a key or value is malformed.")
    return {} if dropped else found


def wanted(text: str | None) -> dict[str, str]:
    """The `tags=k1=v1,k2=v2` of a list call."""
    pairs = [pair.partition("=") for pair in (text or "").split(",") if pair]
    return {key: value for key, _, value in pairs}
