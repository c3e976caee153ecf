"""Which inputs of a resource are secret. The provider is handed plain values: it gets the names beside them.

Called by `base.py`; `host/secrecy.py` reads what it sends.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

SECRET_INPUTS = "__secret_inputs"  # noqa: S105 -- read by `host/secrecy.py`, which stack programs need not load
_Path = list[str]


def secret_inputs(
    given: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> list[_Path] | pulumi.Output[list[_Path]]:
    """Which inputs are secret: the provider gets their plain values, and must not repeat them in any text.

    Where no input is an Output none can be one, and the answer costs nothing.
    """
    declared = [
        [name] for name in (opts.additional_secret_outputs if opts else None) or () if given.get(name) is not None
    ]
    found = [(path, value) for name, value in given.items() for path, value in _outputs(value, [name])]
    if not found:
        return declared

    async def paths() -> list[_Path]:
        return declared + [path for path, value in found if await pulumi.Output.from_input(value).is_secret()]

    return pulumi.Output.from_input(paths())


def _outputs(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    """The Outputs in an input, each with the way to it; through lists only as far as their name."""
    if isinstance(value, pulumi.Output) or inspect.isawaitable(value):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _outputs(item, [*path, str(key)])
    elif isinstance(value, list | tuple):
        for item in value:
            for _, output in _outputs(item, path):
                yield path, output
