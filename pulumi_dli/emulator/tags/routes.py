"""What tags offer: the v3 tag calls (dli-api 4.7). Which resource types there are, the services say."""

from __future__ import annotations

from pulumi_dli.emulator.core.service import Operation, Service
from pulumi_dli.emulator.tags import calls
from pulumi_dli.emulator.tags.records import Tags

_ROOT = "/v3/{project_id}/{resource_type}"
_INSTANCES = _ROOT + "/resource-instances"
_ONE = _ROOT + "/{resource_id}/tags"

SERVICE = Service(
    name="tags",
    records=(Tags,),
    operations=(
        Operation("tags.filter", "POST", _INSTANCES + "/filter", calls.filter_instances, "v3_unpublished", reads=True),
        Operation("tags.count", "POST", _INSTANCES + "/count", calls.count_instances, "v3_unpublished", reads=True),
        Operation("tags.list_type", "GET", _ROOT + "/tags", calls.show_type, "v3_unpublished"),
        Operation("tags.list", "GET", _ONE, calls.show, "v3_unpublished"),
        Operation("tags.create", "POST", _ONE + "/create", calls.create, "v3_unpublished"),
        Operation("tags.delete", "POST", _ONE + "/delete", calls.delete, "v3_unpublished"),
    ),
)
