"""The reference of the resources, from their specs: `python -m pulumi_dli.specs.reference > docs/resources.md`."""

from __future__ import annotations

import sys
import types
from typing import Any, Union, get_args, get_origin

from pulumi_dli.specs.fields import Effect, Spec
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec, ResourceConfig
from pulumi_dli.specs.package_group import PackageGroupSpec, PackageSpec
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.uploaded_package import UploadedPackageSpec
from pulumi_dli.specs.values import PackageRef

_EFFECTS = {
    Effect.IGNORED: "none",
    Effect.IN_PLACE: "in place",
    Effect.NEXT_RESTART: "with the next restart",
    Effect.RESTART: "restart",
    Effect.REPLACE: "needs a new name",
}
_TYPES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "bool",
    PackageRef: "package",
    PackageSpec: "`Package`, path",
    ResourceConfig: "map",
}
_RESOURCES: dict[str, type[Spec]] = {
    "Queue": QueueSpec,
    "PackageGroup": PackageGroupSpec,
    "UploadedPackage": UploadedPackageSpec,
    "FlinkJarJob": FlinkJarJobSpec,
}
_HEAD = """# Inputs of the resources

Every input may be an output of another resource. What is not given is not managed: the service's default holds, and is
no drift. "Change" says what a change of the input does to what runs. This page is written from the code by
`python -m pulumi_dli.specs.reference`.
"""


def reference() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, spec in _RESOURCES.items():
        parts.append(f"## {name}\n\n| input | type | change | meaning |\n| --- | --- | --- | --- |\n{_rows(spec)}\n")
    return "\n".join(parts)


def _rows(spec: type[Spec]) -> str:
    rows = []
    for name, field in spec.model_fields.items():
        required = " (required)" if name in spec.required else ""
        effect = _EFFECTS[spec.effect(name)]
        rows.append(f"| `{name}` | {_type(field.annotation)}{required} | {effect} | {field.description} |")
    return "\n".join(rows)


def _type(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(arg) for arg in get_args(annotation) if arg is not type(None))
    if origin is tuple:
        return f"list of {_type(get_args(annotation)[0])}"
    if origin is dict:
        return "map of text"
    if hasattr(annotation, "__metadata__"):
        return _type(get_args(annotation)[0])
    return _TYPES.get(annotation, str(annotation))


if __name__ == "__main__":
    sys.stdout.write(reference())
