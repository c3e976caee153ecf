"""What a person at the console does to a package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import ControlBody, read
from pulumi_dli.emulator.core.service import Act
from pulumi_dli.emulator.packages.records import Packages
from pulumi_dli.emulator.queues.records import Queues


class PackageAct(ControlBody):
    name: str
    group: str = ""
    project_id: str | None = None


def _delete(core: Core, body: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = read(PackageAct, body)
    package = core.part(Packages).find(core.part(Queues).project_meant(asked.project_id), asked.group, asked.name)
    if package is None:
        raise ValueError(f"there is no package {asked.name}")
    core.part(Packages).drop(package)
    return {}


ACTS: Mapping[str, Act] = {"package.delete": _delete}
