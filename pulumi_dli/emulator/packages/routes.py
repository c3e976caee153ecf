"""What packages offer: their calls, what a person at the console does to one, their tags (dli-api 5)."""

from __future__ import annotations

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.service import Operation, Service, TaggedType
from pulumi_dli.emulator.packages import acts, calls
from pulumi_dli.emulator.packages.records import Packages
from pulumi_dli.emulator.tags.records import PACKAGE

_ROOT = "/v2.0/{project_id}/resources"


def _find(core: Core, project_id: str, given: str) -> str | None:
    group, _, name = given.rpartition("#")
    return given if core.part(Packages).find(project_id, group, name) else None


def _name_of(_core: Core, _project_id: str, kept: str) -> str:
    return kept


SERVICE = Service(
    name="packages",
    records=(Packages,),
    operations=(
        Operation("packages.upload", "POST", _ROOT, calls.upload),
        Operation("packages.replace", "POST", _ROOT + "/{variant}", calls.replace),
        Operation("packages.list", "GET", _ROOT, calls.list_packages),
        Operation("packages.owner", "PUT", _ROOT + "/owner", calls.change_owner),
        Operation("packages.get", "GET", _ROOT + "/{resource_name}", calls.get),
        Operation("packages.delete", "DELETE", _ROOT + "/{resource_name}", calls.delete),
    ),
    acts=acts.ACTS,
    tagged=TaggedType(PACKAGE, _find, _name_of),
)
