"""Handlers of the calls about a whole project: authorised buckets and quotas. The records are in `records.py`."""

from __future__ import annotations

from pydantic import Field

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.errors import Refusal
from pulumi_dli.emulator.core.messages import Body, Reply
from pulumi_dli.emulator.packages.records import Packages
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.project.records import AuthorisedBuckets
from pulumi_dli.emulator.queues.records import Queues


class Buckets(Body):
    obs_buckets: list[str] = Field(min_length=1)


def authorize_buckets(call: Call) -> Reply:
    asked = call.read(Buckets)
    buckets = call.core.part(AuthorisedBuckets)
    known = [name for name in asked.obs_buckets if buckets.has(call.project_id, name)]
    if known:
        raise Refusal(400, "DLI.19005", f"The bucket {known[0]} is already authorized.")
    buckets.add(call.project_id, asked.obs_buckets)
    return Reply(200, {"is_success": "true", "message": "The buckets are successfully authorized."})


def quotas(call: Call) -> Reply:
    """GET /v3/{project_id}/quotas (dli-api 3.7)."""
    core, limits = call.core, call.core.quirks.quotas
    queues = [queue for queue in core.part(Queues).of(call.project_id) if queue.name != "default"]
    used = {
        "QUEUE": len(queues),
        "CU": sum(queue.cu_spec for queue in queues),
        "ELASTIC_RESOURCE_POOL": len(core.part(Pools).of(call.project_id)),
        "SL_PKG_RESOURCE": len(core.part(Packages).of(call.project_id)),
    }
    rows = [
        {"type": kind, "min": 0, "max": most, "quota": most, "used": used.get(kind, 0)} for kind, most in limits.items()
    ]
    return Reply(200, {"is_success": True, "message": "", "quotas": {"resources": rows}})
