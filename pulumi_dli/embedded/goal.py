"""What a program asks for, read from its registration requests, and the table of what is refused.

Called by services.py. Pure: no process, no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli.embedded.state import STACK_TYPE
from pulumi_dli.embedded.values import Props, decode, parse_path, refuse

DYNAMIC = "pulumi-python"
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

REFUSALS: dict[str, Callable[[Any], bool]] = {
    "`import_`: read the object by `id`, or import it with the CLI": lambda request: bool(request.importId),
    "remote components": lambda request: request.remote,
    "transforms": lambda request: bool(request.transforms),
    "resource hooks": lambda request: request.HasField("hooks") and bool(request.hooks.ListFields()),
    "`replace_with`": lambda request: bool(request.replace_with),
    "`replacement_trigger`": lambda request: request.HasField("replacement_trigger"),
    "`env_var_mappings` of providers": lambda request: bool(request.envVarMappings),
    "state migrations": lambda request: bool(request.state_migrations),
    "parameterized packages": lambda request: bool(request.packageRef),
}
"""What a registration may not ask for; an older SDK's protocol lacks some of the fields."""


@dataclass(frozen=True)
class Alias:
    """A name that a resource had before: a whole URN, or what differed."""

    urn: str = ""
    name: str = ""
    type: str = ""
    project: str = ""
    stack: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass
class Goal:
    """One resource as the program wants it."""

    type: str
    name: str
    custom: bool
    inputs: Props
    parent: str = ""
    protect: bool = False
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    delete_before_replace: bool | None = None
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    retain_on_delete: bool = False
    deleted_with: str = ""
    hide_diff: list[list[Any]] = field(default_factory=list)
    read_id: str = ""

    def urn(self, stack: str, project: str) -> str:
        return make_urn(stack, project, self.parent, self.type, self.name)


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource; the types of its parents stand in it, but for the stack itself."""
    above = parent.split("::")[2] if parent else STACK_TYPE
    qualified = type_ if above == STACK_TYPE else f"{above}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def seconds(text: str) -> float:
    """A duration as Go writes it: `1h30m`, `45s`."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ns|us|µs|ms|s|m|h)", text))


def _timeouts(request: Any) -> dict[str, float]:
    found = {
        kind: seconds(getattr(request.customTimeouts, kind, "")) for kind in ("create", "update", "delete", "read")
    }
    return {kind: int(value) if value.is_integer() else value for kind, value in found.items() if value}


def package_of(type_: str) -> str:
    """The package a resource type belongs to."""
    return type_.removeprefix("pulumi:providers:").split(":")[0]


def check_package(type_: str) -> None:
    """Refuse what is no dynamic resource."""
    if package_of(type_) != DYNAMIC:
        raise refuse(f"resources of the provider {package_of(type_)!r} ({type_})")


def read_goal(request: Any) -> Goal:
    """The goal of a RegisterResource request.

    Raises:
        RefusedError: it asks for something in the table.
    """
    known = request.DESCRIPTOR.fields_by_name
    for what, asked in REFUSALS.items():
        try:
            if asked(request):
                raise refuse(what)
        except (AttributeError, ValueError):  # an SDK whose protocol does not know the field
            continue
    if request.custom:
        check_package(request.type)
    hidden = [list(parse_path(path)) for path in request.hideDiffs] if "hideDiffs" in known else []
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=decode(request.object),
        parent=request.parent,
        protect=request.protect,
        provider=request.provider,
        dependencies=sorted(request.dependencies),
        property_dependencies={key: sorted(value.urns) for key, value in request.propertyDependencies.items()},
        delete_before_replace=request.deleteBeforeReplace
        if request.deleteBeforeReplace or request.deleteBeforeReplaceDefined
        else None,
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        aliases=[Alias(urn=urn) for urn in request.aliasURNs] + [_alias(alias) for alias in request.aliases],
        custom_timeouts=_timeouts(request),
        retain_on_delete=request.retainOnDelete,
        deleted_with=request.deletedWith,
        hide_diff=hidden,
    )


def _alias(alias: Any) -> Alias:
    if alias.WhichOneof("alias") == "urn":
        return Alias(urn=alias.urn)
    spec = alias.spec
    return Alias("", spec.name, spec.type, spec.project, spec.stack, spec.parentUrn, spec.noParent)


def read_goal_of_get(request: Any) -> Goal:
    """The goal of a ReadResource request (`ResourceOptions(id=…)`)."""
    check_package(request.type)
    return Goal(
        type=request.type,
        name=request.name,
        custom=True,
        inputs=decode(request.properties),
        parent=request.parent,
        provider=request.provider,
        dependencies=sorted(request.dependencies),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        read_id=request.id,
    )
