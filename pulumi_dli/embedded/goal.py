"""What a program asks for, read from its registration requests, and the table of what is refused.

Called by services.py. Pure: no process, no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli.embedded.state import STACK_TYPE, State
from pulumi_dli.embedded.values import EmbeddedError, decode, refuse

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
    "`hide_diffs`": lambda request: bool(request.hideDiffs),
    "`version` and `plugin_download_url`": lambda request: bool(request.version or request.pluginDownloadURL),
    "`*` in paths of `ignore_changes`": lambda request: any("*" in path for path in request.ignoreChanges),
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
    """One resource as the program declares it; the URN and the history of its state are not known yet."""

    name: str
    state: State
    provider: str = ""
    delete_before_replace: bool | None = None
    aliases: list[Alias] = field(default_factory=list)

    def urn(self, stack: str, project: str) -> str:
        return make_urn(stack, project, self.state.parent, self.state.type, self.name)


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource; the types of its parents stand in it, but for the stack itself."""
    above = parent.split("::")[2] if parent else STACK_TYPE
    qualified = type_ if above == STACK_TYPE else f"{above}${type_}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def seconds(text: str) -> float:
    """A duration as Go writes it: `1h30m`, `45s`."""
    parts = re.findall(r"([\d.]+)(ns|us|µs|ms|s|m|h)", text)
    try:
        if not text or text == "0" or (parts and "".join(number + unit for number, unit in parts) == text):
            return sum(float(number) * _UNITS[unit] for number, unit in parts)
    except ValueError:
        pass
    raise EmbeddedError(f"unable to parse customTimeout Value {text}")


def _timeouts(request: Any) -> dict[str, float]:
    given = {kind: getattr(request.customTimeouts, kind, "") for kind in ("create", "update", "delete", "read")}
    found = {kind: seconds(text) for kind, text in given.items() if text}
    return {kind: int(value) if value.is_integer() else value for kind, value in found.items() if value}


def package_of(type_: str) -> str:
    """The package a resource type belongs to."""
    return type_.removeprefix("pulumi:providers:").split(":")[0]


def read_goal(request: Any) -> Goal:
    """The goal of a RegisterResource request."""
    for what, asked in REFUSALS.items():
        try:
            if asked(request):
                raise refuse(what)
        except (AttributeError, ValueError):  # an SDK whose protocol does not know the field
            continue
    if request.custom and package_of(request.type) != DYNAMIC:
        raise refuse(f"resources of the provider {package_of(request.type)!r} ({request.type})")
    state = State(
        "",
        request.type,
        request.custom,
        inputs=decode(request.object),
        parent=request.parent,
        protect=request.protect,
        dependencies=sorted(request.dependencies),
        property_dependencies={key: sorted(value.urns) for key, value in request.propertyDependencies.items()},
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        custom_timeouts=_timeouts(request),
        retain_on_delete=request.retainOnDelete,
        deleted_with=request.deletedWith,
    )
    defined = request.deleteBeforeReplace or request.deleteBeforeReplaceDefined
    aliases = [Alias(urn=urn) for urn in request.aliasURNs] + [_alias(alias) for alias in request.aliases]
    return Goal(request.name, state, request.provider, request.deleteBeforeReplace if defined else None, aliases)


def _alias(alias: Any) -> Alias:
    if alias.WhichOneof("alias") == "urn":
        return Alias(urn=alias.urn)
    spec = alias.spec
    return Alias("", spec.name, spec.type, spec.project, spec.stack, spec.parentUrn, spec.noParent)
