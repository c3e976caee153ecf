"""Programs as values: what is declared, and what a change makes of it. Nothing here knows the provider."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

QUEUE, GROUP, UPLOAD, JOB = "Queue", "PackageGroup", "UploadedPackage", "FlinkJarJob"
ORDER = (QUEUE, GROUP, UPLOAD, JOB)
"""What is created first; deleted in the opposite order, since jobs need all the others."""

SECRET = "arg-nobody-may-read"


@dataclass(frozen=True)
class Declared:
    """One resource of a program.

    Attributes:
        alias: its former label, when the program says so.
        uses: labels of the queue and of the package that a job takes, by field.
    """

    kind: str
    label: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    alias: str = ""
    uses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One edit of the program: `add`, `remove`, `edit`, `rename` (with or without alias) or `replace`."""

    what: str
    label: str
    kind: str = ""
    to: str = ""
    alias: bool = False
    delete_first: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)


Program = dict[str, Declared]


def changed(program: Program, change: Change) -> Program:
    """The program after the change; as it was when the change has nothing to act on, so that schedules can shrink."""
    new = {label: replace(one, alias="") for label, one in program.items()}
    found = new.get(change.label)
    if change.what == "add":
        if found is None:
            new[change.label] = Declared(change.kind, change.label, change.inputs, uses=change.uses)
    elif found is None:
        return new
    elif change.what == "remove":
        if not any(change.label in one.uses.values() for one in new.values()):
            del new[change.label]
    elif change.what == "edit":
        new[change.label] = replace(found, inputs={**found.inputs, **change.inputs}, uses=change.uses or found.uses)
    elif change.what == "rename" and change.to not in new:
        del new[change.label]
        inputs = found.inputs if change.alias or found.kind == UPLOAD else {**found.inputs, "adopt": True}
        new[change.to] = replace(found, label=change.to, inputs=inputs, alias=change.label if change.alias else "")
        for label, one in new.items():
            uses = {key: change.to if used == change.label else used for key, used in one.uses.items()}
            new[label] = replace(one, uses=uses)
    return new


def ordered(program: Program) -> list[Declared]:
    return sorted(program.values(), key=lambda one: ORDER.index(one.kind))


def inputs_of(one: Declared, program: Program, folder: Path) -> dict[str, Any]:
    """The inputs as the program would give them once what they depend on is there."""
    inputs = dict(one.inputs)
    if one.kind == UPLOAD:
        content = str(inputs.pop("content")).encode()
        source = folder / f"{one.label}.jar"
        source.write_bytes(content)
        inputs |= {"source": str(source), "digest": hashlib.sha256(content).hexdigest()}
    if one.kind == JOB:
        inputs |= {key: _output(program[label], folder) for key, label in one.uses.items() if label in program}
        inputs.setdefault("queue_name", "shared")
        inputs.setdefault("entrypoint", "obs://jars/a.jar")
    return inputs


def _output(used: Declared, folder: Path) -> str:
    if used.kind == QUEUE:
        return str(used.inputs["queue_name"])
    if used.kind == GROUP:
        return f"{used.inputs['group_name']}/{used.inputs['packages'][0].rpartition('/')[2]}"
    digest = inputs_of(used, {}, folder)["digest"]
    return f"obs://code/packages/{used.inputs['name'].removesuffix('.jar')}-{digest[:8]}.jar"
