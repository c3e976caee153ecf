"""The reference of the resources, from their specs: `python -m pulumi_dli.specs.reference > docs/resources.md`."""

from __future__ import annotations

import sys

from pulumi_dli.specs.catalogue import catalogue
from pulumi_dli.specs.fields import Effect, Spec
from pulumi_dli.specs.forms import PackagePath
from pulumi_dli.specs.shapes import (
    Arguments,
    Flag,
    JsonText,
    ListOf,
    Number,
    Record,
    Settings,
    Shape,
    TagMap,
    Text,
    Whole,
)

_EFFECTS = {
    Effect.IGNORED: "none",
    Effect.IN_PLACE: "in place",
    Effect.NEXT_RESTART: "with the next restart",
    Effect.RESTART: "restart",
    Effect.REPLACE: "needs a new name",
}
_TYPES: dict[type[Shape], str] = {
    Text: "text",
    Whole: "whole number",
    Number: "number",
    Flag: "bool",
    Arguments: "text or list",
    JsonText: "map or JSON text",
    PackagePath: "package",
    Settings: "map of text",
    TagMap: "map of text",
}
_RECORDS = {"PackageReference": "package", "GroupPackage": "`Package`, path"}
_HEAD = """# Inputs and outputs of the resources

Every input may be an output of another resource. What is not given is not managed: the service's default holds, and is
no drift. "Change" says what a change of the input does to what runs. Inputs are outputs as well. This page is written
from the code by `python -m pulumi_dli.specs.reference`.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_section(name, spec) for name, spec in catalogue().items())])


def _section(name: str, spec: type[Spec]) -> str:
    inputs = f"| input | type | change | meaning |\n| --- | --- | --- | --- |\n{_inputs(spec)}\n"
    return f"## {name}\n\n{inputs}\n| output | meaning |\n| --- | --- |\n{_outputs(spec)}\n"


def _inputs(spec: type[Spec]) -> str:
    rows = []
    for name, field in spec.model_fields.items():
        required = " (required)" if name in spec.required else ""
        effect = _EFFECTS[spec.effect(name)]
        rows.append(f"| `{name}` | {_type(spec.shape(name))}{required} | {effect} | {field.description} |")
    return "\n".join(rows)


def _outputs(spec: type[Spec]) -> str:
    return "\n".join(f"| `{output.name}` | {output.description} |" for output in spec.declaration.computed)


def _type(shape: Shape) -> str:
    if isinstance(shape, ListOf):
        return f"list of {_type(shape.item)}"
    if isinstance(shape, Record):
        return _RECORDS.get(shape.name, "map")
    return next(_TYPES[kind] for kind in type(shape).__mro__ if kind in _TYPES)


if __name__ == "__main__":
    sys.stdout.write(reference())
