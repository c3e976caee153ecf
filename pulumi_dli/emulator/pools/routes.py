"""What elastic resource pools offer: their calls, what a person at the console does to one, their tags (dli-api 12)."""

from __future__ import annotations

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.service import Operation, Service, TaggedType
from pulumi_dli.emulator.pools import acts, calls
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.tags.records import POOL

_ROOT = "/v3/{project_id}/elastic-resource-pools"


def _find(core: Core, project_id: str, given: str) -> str | None:
    return given if core.part(Pools).by_resource_id(project_id, given) else None


def _name_of(core: Core, project_id: str, kept: str) -> str:
    pool = core.part(Pools).by_resource_id(project_id, kept)
    return pool.name if pool else ""


SERVICE = Service(
    name="pools",
    records=(Pools,),
    operations=(
        Operation("pools.create", "POST", _ROOT, calls.create, "v3_unpublished"),
        Operation("pools.list", "GET", _ROOT, calls.list_pools, "v3_unpublished"),
        Operation("pools.update", "PUT", _ROOT + "/{pool}", calls.update, "v3_unpublished"),
        Operation("pools.delete", "DELETE", _ROOT + "/{pool}", calls.delete, "v3_unpublished"),
        Operation("pools.associate", "POST", _ROOT + "/{pool}/queues", calls.associate, "v3_unpublished"),
        Operation("pools.queues", "GET", _ROOT + "/{pool}/queues", calls.list_queues, "v3_unpublished"),
        Operation("pools.policies", "PUT", _ROOT + "/{pool}/queues/{queue}", calls.change_policies, "v3_unpublished"),
        Operation("pools.scale_records", "GET", _ROOT + "/{pool}/scale-records", calls.scale_records, "v3_unpublished"),
    ),
    acts=acts.ACTS,
    tagged=TaggedType(POOL, _find, _name_of),
)
