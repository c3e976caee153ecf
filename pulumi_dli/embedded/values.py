"""Property values as the engine holds them, and their two wire forms (protobuf Struct and the state's JSON).

Owns secrets, unknowns and the comparison of values. Used by every module of this room;
talks to no process and no file.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, Final

from google.protobuf import struct_pb2

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of secrets in the protocol
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
REFUSED: Final = {
    "c44067f5952c0a294b673a41bacd8c17": "assets",
    "0def7320c3a5731c473e5ecbe6d01bc7": "archives",
    "5cf8f73096256a8f31e491e813e4eb8e": "resources as values (pass their ids or outputs)",
}
Props = dict[str, Any]
Path = tuple[str | int, ...]


class EmbeddedError(Exception):
    """What this engine says instead of doing it: one sentence, without a traceback."""


class RefusedError(EmbeddedError):
    """Something that only the Pulumi CLI can do; the text names it."""


def refuse(what: str) -> RefusedError:
    """The one sentence for everything that is not supported."""
    return RefusedError(f"the embedded engine does not support {what}: use the Pulumi CLI for this stack")


class Unknown:
    """A value that only an update will know."""

    def __deepcopy__(self, memo: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


@dataclass
class Secret:
    """A value that is encrypted at rest; `sealed` is the ciphertext it was read from."""

    value: Any
    sealed: str | None = field(default=None, compare=False)


def decode(struct: struct_pb2.Struct | None) -> Props:
    """The properties of a protobuf Struct; whole numbers become integers, as in the CLI's state."""
    return {} if struct is None else {key: _decode(value) for key, value in struct.fields.items()}


def _decode(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            if not math.isfinite(number):
                raise refuse("NaN and Infinity as values")
            return int(number) if number.is_integer() and abs(number) < 2**63 else number
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "struct_value":
            return special(decode(value.struct_value))
        case _:
            return None


def special(props: Props) -> Any:
    """`props`, or the secret that its signature says it is."""
    signature = props.get(SIGNATURE)
    if signature is None:
        return props
    if signature == SECRET:
        return Secret(props.get("value"))
    raise refuse(REFUSED.get(str(signature), "this kind of value"))


def encode(props: Mapping[str, Any], *, secrets: bool = False) -> struct_pb2.Struct:
    """A Struct; without `secrets` it holds plain values, as a provider takes them."""
    struct = struct_pb2.Struct()
    for key, value in props.items():
        _fill(struct.fields[key], value, secrets=secrets)
    return struct


def _fill(target: struct_pb2.Value, value: Any, *, secrets: bool) -> None:
    match value:
        case None:
            target.null_value = struct_pb2.NULL_VALUE
        case Unknown():
            target.string_value = UNKNOWN_TEXT
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = value
        case str():
            target.string_value = value
        case Secret():
            wrapped = {SIGNATURE: SECRET, "value": value.value} if secrets else value.value
            _fill(target, wrapped, secrets=secrets)
        case list():
            target.list_value.SetInParent()
            for item in value:
                _fill(target.list_value.values.add(), item, secrets=secrets)
        case dict():
            target.struct_value.CopyFrom(encode(value, secrets=secrets))


def plain(value: Any, *, mask: bool = False) -> Any:
    """`value` without secrets around its parts, or with `[secret]` in their place."""
    if isinstance(value, Secret):
        return "[secret]" if mask else plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item, mask=mask) for key, item in value.items()}
    return [plain(item, mask=mask) for item in value] if isinstance(value, list) else value


def holds(value: Any, kind: type) -> bool:
    """Whether a part of `value` is of `kind` (Secret, Unknown)."""
    if isinstance(value, kind):
        return True
    if isinstance(value, Secret):
        return holds(value.value, kind)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(holds(part, kind) for part in parts)


def mark_secrets(outs: Props, ins: Mapping[str, Any]) -> None:
    """Make secret again in `outs` what was secret under the same key in `ins`: the host knows no secrets."""
    for key, value in ins.items():
        if key not in outs:
            continue
        if isinstance(outs[key], dict) and isinstance(value, dict):
            mark_secrets(outs[key], value)
        elif not isinstance(outs[key], Secret) and holds(value, Secret):
            outs[key] = Secret(plain(outs[key]))


def keep_seals(new: Any, old: Any) -> None:
    """Give secrets of `new` the ciphertext that the equal ones of `old` had, so that state files stay still."""
    if isinstance(new, Secret) and isinstance(old, Secret):
        if new.sealed is None and not compare(new.value, old.value):
            new.sealed = old.sealed
    elif isinstance(new, dict) and isinstance(old, dict):
        for key in new.keys() & old.keys():
            keep_seals(new[key], old[key])
    elif isinstance(new, list) and isinstance(old, list):
        for left, right in zip(new, old, strict=False):
            keep_seals(left, right)


def compare(old: Any, new: Any) -> dict[Path, str]:
    """What differs, path by path: `add`, `delete` or `update`. Null counts as absent."""
    found: dict[Path, str] = {}
    _compare(plain(old), plain(new), (), found)
    return found


def _compare(old: Any, new: Any, path: Path, found: dict[Path, str]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            _compare(old.get(key), new.get(key), (*path, key), found)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old) or index >= len(new):
                found[*path, index] = "add" if index >= len(old) else "delete"
            else:
                _compare(old[index], new[index], (*path, index), found)
    elif isinstance(old, bool) is not isinstance(new, bool) or old != new:
        found[path] = "add" if old is None else "delete" if new is None else "update"


def path_text(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def keep_ignored(names: Iterable[str], old: Props, new: Props) -> None:
    """Give `new` the values that `old` has under these names (`ignore_changes`)."""
    for name in names:
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)


def replace_file(path: File, text: str) -> None:
    """Write a file, whole or not at all, that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    File(name).replace(path)
