"""Which inputs of a resource are secret. The provider is handed plain values: it gets the names beside them.

Called by `base.py`; `host/secrecy.py` reads what it sends. A transformation may make a value secret after the
constructor has named those that are. So the names are found once more in what goes to the engine: the SDK serialises it
in one function, for the resource and for the answer of each transformation. Where that function is not found (another
SDK), the names of the constructor stand.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi.runtime import rpc

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
    if _follows or not any(True for _ in _outputs(given)):
        return declared

    async def paths() -> list[_Path]:
        return declared + [path for path in await _secret_paths(given) if path not in declared]

    return pulumi.Output.from_input(paths())


async def _secret_paths(given: Mapping[str, Any]) -> list[_Path]:
    return [
        path
        for path, value in _outputs({name: value for name, value in given.items() if name != SECRET_INPUTS})
        if rpc.is_rpc_secret(value) or await pulumi.Output.from_input(value).is_secret()
    ]


def _outputs(given: Mapping[str, Any]) -> Iterator[tuple[_Path, Any]]:
    for name, value in given.items():
        yield from _outputs_in(value, [name])


def _outputs_in(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    """What may be secret in an input, each with the way to it; through lists only as far as their name."""
    if isinstance(value, pulumi.Output) or inspect.isawaitable(value) or rpc.is_rpc_secret(value):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _outputs_in(item, [*path, str(key)])
    elif isinstance(value, list | tuple):
        for item in value:
            for _, output in _outputs_in(item, path):
                yield path, output


async def _named_anew(inputs: Any) -> Any:
    """Properties that go to the engine, with the names of those that are secret now."""
    if not isinstance(inputs, Mapping) or not isinstance(inputs.get(SECRET_INPUTS), list):
        return inputs
    before, now = inputs[SECRET_INPUTS], await _secret_paths(inputs)
    if all(path in before for path in now):
        return inputs
    return {**{name: inputs[name] for name in inputs}, SECRET_INPUTS: before + [p for p in now if p not in before]}


def _follow(module: Any) -> bool:
    """Have the names found anew whenever this module of the SDK serialises properties. False when it does not."""
    serialize = getattr(module, "serialize_properties", None)
    if not inspect.iscoroutinefunction(serialize):
        return False

    async def serialize_properties(inputs: Any, *args: Any, **given: Any) -> Any:
        return await serialize(await _named_anew(inputs), *args, **given)

    module.serialize_properties = serialize_properties
    return True


def _follow_transforms() -> bool:
    try:
        from pulumi.runtime import _callbacks  # noqa: PLC0415  (not public: absence is answered)
    except ImportError:
        return _follow(rpc)
    return _follow(_callbacks) and _follow(rpc)


_follows = _follow_transforms()
