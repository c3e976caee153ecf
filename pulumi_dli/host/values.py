"""Values on their way into and out of Pulumi's state. Called by `responses.py` and `provider.py`; knows no resource.

Pulumi serialises outputs after `create` has returned: a value that it cannot serialise fails the call and loses the
id of what was just created. It also sends every number as a float, and integers above 2^53 lose digits.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pulumi import contains_unknowns
from pulumi.output import Unknown

_EXACT = 2**53  # the largest integer up to which a float holds every integer


class UnstorableError(TypeError):
    """An output cannot be stored in Pulumi's state: a mistake in the provider, never in a program."""


def sanitise(outs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs as plain values that Pulumi stores; a copy, in which names without a value (None) are left out.

    Raises:
        UnstorableError: names the keys whose values have no plain form (bytes, functions, objects).
    """
    kept, problems = keep_storable(outs)
    if problems:
        raise UnstorableError("; ".join(problems))
    return kept


def keep_storable(outs: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What of the outputs can be stored, and a text for each key that cannot."""
    kept: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in outs.items():
        try:
            if value is not None:
                kept[_key(key, "outputs")] = _plain(value, str(key))
        except UnstorableError as problem:
            problems.append(str(problem))
    return kept, tuple(problems)


def integers(value: Any) -> Any:
    """The value with every whole float as an int again, at any depth; everything else, unknowns included, as it is."""
    match value:
        case float() if value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        case dict():
            return {key: integers(item) for key, item in value.items()}
        case list():
            return [integers(item) for item in value]
        case tuple():
            return tuple(integers(item) for item in value)
    return value


def is_unknown(value: Any) -> bool:
    """Whether the value, or anything inside it, is known only after the update."""
    if isinstance(value, tuple):
        return any(is_unknown(item) for item in value)
    return bool(contains_unknowns(value))


def _plain(value: Any, path: str) -> Any:
    match value:
        case Enum():
            return _plain(value.value, path)
        case None | bool() | Unknown():
            return value
        case str():
            return str(value)
        case int() | float() | Decimal():
            return _number(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case UUID() | PurePath():
            return str(value)
        case Mapping():
            return {_key(key, path): _plain(item, f"{path}.{key}") for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
        case set() | frozenset():
            return sorted((_plain(item, path) for item in value), key=lambda item: (str(type(item)), str(item)))
    raise UnstorableError(f"output {path}: a value of type {type(value).__name__} cannot be stored in Pulumi's state")


def _number(value: float | Decimal) -> float | str:
    """A number that survives the way through a float, else its text."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return str(value)
        if Decimal(float(value)) == value:
            return int(value) if value == int(value) and abs(value) <= _EXACT else float(value)
        return float(value) if Decimal(str(float(value))) == value else str(value)
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    return value if math.isfinite(value) else str(value)


def _key(key: Any, path: str) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise UnstorableError(f"{path}: a key of type {type(key).__name__} cannot be stored in Pulumi's state")
