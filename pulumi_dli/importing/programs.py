"""The Python program that declares what was found. Pure.

Names that are outputs of other found objects are taken from those, so that Pulumi knows the order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_dli.importing.finding import Found
from pulumi_dli.specs.package_names import stored_name

SECRETIVE = ("entrypoint_args", "runtime_config", "sql_body")
"""Inputs of jobs that may hold secrets: the service does not tell which do."""

_NAME_INPUT = {
    "ElasticResourcePool": "elastic_resource_pool_name",
    "Queue": "queue_name",
    "DatasourceConnection": "name",
    "PackageGroup": "group_name",
    "FlinkJarJob": "name",
    "FlinkSqlJob": "name",
}
_PREFIX = {
    "ElasticResourcePool": "pool",
    "Queue": "queue",
    "DatasourceConnection": "connection",
    "PackageGroup": "group",
    "FlinkJarJob": "job",
    "FlinkSqlJob": "job",
}
_BOUND = {"elastic_resource_pools": "ElasticResourcePool", "queues": "Queue"}
"""What the lists of a connection name."""
_REFERENCES = ("entrypoint", "dependency_jars", "dependency_files")


def program(found: Sequence[Found], *, redact: bool = False) -> str:
    """The text of a `__main__.py`.

    Args:
        redact: name secrets of the stack's configuration where jobs have arguments and runtime settings.
    """
    variables = _variables(found)
    config = ["config = pulumi.Config()", ""] if redact and config_keys(found) else []
    head = ["import pulumi", "", "import pulumi_dli as dli", ""] if config else ["import pulumi_dli as dli", ""]
    parts = [_declaration(one, variables, found, redact=redact) for one in found]
    return "\n".join([*head, *config, *parts]).rstrip() + "\n"


def config_keys(found: Sequence[Found]) -> list[str]:
    """The secret settings that the program needs when it is redacted."""
    variables = _variables(found)
    return [
        _setting(variables[one.kind, one.name], field)
        for one in found
        for field in SECRETIVE
        if one.inputs.get(field) is not None
    ]


def _variables(found: Sequence[Found]) -> dict[tuple[str, str], str]:
    """A Python name for each object, by kind and name."""
    taken: dict[tuple[str, str], str] = {}
    for one in found:
        stem = re.sub(r"\W+", "_", f"{_PREFIX[one.kind]}_{one.name}", flags=re.ASCII).strip("_").lower()
        name, number = stem, 1
        while name in taken.values():
            number += 1
            name = f"{stem}_{number}"
        taken[one.kind, one.name] = name
    return taken


def _declaration(one: Found, variables: Mapping[tuple[str, str], str], found: Sequence[Found], *, redact: bool) -> str:
    lines = [f"{variables[one.kind, one.name]} = dli.{one.kind}(", f"    {one.name!r},"]
    for field, value in one.inputs.items():
        if field == _NAME_INPUT[one.kind] and value == one.name:
            continue
        if redact and field in SECRETIVE:
            text = _secret(_setting(variables[one.kind, one.name], field), value)
        else:
            text = _expression(one, field, value, variables, found)
        lines.append(f"    {field}={text},")
    return "\n".join([*lines, ")", ""])


def _setting(variable: str, field: str) -> str:
    return f"{variable}_{field}"


def _secret(setting: str, value: Any) -> str:
    return f"config.require_secret{'' if isinstance(value, str) else '_object'}({setting!r})"


def _expression(
    one: Found, field: str, value: Any, variables: Mapping[tuple[str, str], str], found: Sequence[Found]
) -> str:
    """The Python text of an input, by reference to other objects where it names them."""
    pool = variables.get(("ElasticResourcePool", str(value)))
    if one.kind == "Queue" and field == "elastic_resource_pool_name" and pool:
        return f"{pool}.elastic_resource_pool_name"
    if one.kind == "DatasourceConnection" and field in _BOUND:
        return f"[{', '.join(_named(_BOUND[field], item, variables) for item in value)}]"
    if one.kind in ("FlinkJarJob", "FlinkSqlJob"):
        queue = variables.get(("Queue", str(value)))
        if field == "queue_name" and queue:
            return f"{queue}.queue_name"
        if field in ("entrypoint", "udf_jar_url"):
            return _package(value, variables, found)
        if field in _REFERENCES:
            return f"[{', '.join(_package(item, variables, found) for item in value)}]"
    if one.kind == "PackageGroup" and field == "packages":
        plain = [item["path"] if set(item) == {"path"} else item for item in value]
        return repr(plain)
    return repr(value)


def _named(kind: str, name: Any, variables: Mapping[tuple[str, str], str]) -> str:
    variable = variables.get((kind, str(name)))
    return f"{variable}.{_NAME_INPUT[kind]}" if variable else repr(name)


def _package(reference: Any, variables: Mapping[tuple[str, str], str], found: Sequence[Found]) -> str:
    group, _, name = str(reference).partition("/")
    variable = variables.get(("PackageGroup", group))
    if variable is None or not isinstance(reference, str):
        return repr(reference)
    packages = [
        item for one in found if (one.kind, one.name) == ("PackageGroup", group) for item in one.inputs["packages"]
    ]
    known = [stored_name(item) for item in packages]
    return f"{variable}.package({name!r})" if name in known else repr(reference)
