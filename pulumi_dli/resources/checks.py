"""What a program is told about a declaration that cannot work: in the constructor, with the file and line of it.

Names, types, allowed values and forms are checked here, with the shapes of the generated classes and without the specs,
whose libraries would double the time that a program takes to start. Under `pulumi.runtime.set_mocks` no provider ever
checks, so that there the specs are loaded and all their rules hold.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import mocks, settings

from pulumi_dli.packages import Package
from pulumi_dli.specs.shapes import no_such_input

if TYPE_CHECKING:
    from pulumi_dli.resources.base import DliResource

_HERE = str(Path(__file__).parent.parent)
_SDK = str(Path(pulumi.__file__).parent)


def is_late(value: Any) -> bool:
    """Whether a value is known later, or is one of our own objects."""
    return isinstance(value, pulumi.Output | Package) or inspect.isawaitable(value)


def holds_late(value: Any) -> bool:
    """Whether it, or anything in it, is known later."""
    if isinstance(value, Mapping):
        return any(holds_late(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(holds_late(item) for item in value)
    return is_late(value) and not isinstance(value, Package)


def names(cls: type[DliResource], args: tuple[Any, ...], given: Mapping[str, Any]) -> None:
    """Refuse names that are no inputs, and missing ones, before Python does it with a traceback.

    Raises:
        RunError: names them all.
    """
    if not args and "resource_name" not in given:
        raise pulumi.RunError(f"{cls.__name__}: the first argument is the name of the resource ({_place()})")
    name = args[0] if args else given["resource_name"]
    if len(args) > 1:
        raise pulumi.RunError(
            f"{cls.__name__} {name!r}: only the resource's name stands without a keyword: name the inputs ({_place()})"
        )
    problems = [(key, no_such_input(key, cls.shapes)) for key in given if key not in (*cls.shapes, *_ASIDE)]
    problems += [(key, "is required") for key in cls.required if given.get(key) is None]
    _refuse(cls, name, problems)


_ASIDE = ("resource_name", "opts")


def values(cls: type[DliResource], name: str, inputs: Mapping[str, Any]) -> None:
    """Refuse values that have not the shape of their input.

    Raises:
        RunError: names all of them.
    """
    given = {key: value for key, value in inputs.items() if value is not None}
    _refuse(cls, name, ((key, cls.shapes[key].problem(value, is_late)) for key, value in given.items()))


def options(cls: type[DliResource], name: str, opts: pulumi.ResourceOptions | None) -> None:
    """Refuse an option that no provider written in Python can follow.

    Raises:
        RunError: with the way out.
    """
    if opts is not None and opts.import_ is not None:
        adopt = ", or set adopt=True to take it over by its name" if "adopt" in cls.shapes else ""
        why = "Pulumi imports no resource of a Python provider by an option: `pulumi-dli import` writes what is there"
        how = f"to a file for `pulumi import --file`{adopt}"
        raise pulumi.RunError(f"{cls.__name__} {name!r}: import_: {why} {how} ({_place()})")


def rules(cls: type[DliResource], name: str, inputs: Mapping[str, Any]) -> None:
    """In a unit test with mocks: refuse whatever the provider would refuse.

    Raises:
        RunError: names all that is wrong.
    """
    if not isinstance(settings.SETTINGS.monitor, mocks.MockMonitor):
        return
    from pulumi_dli.specs.fields import check  # noqa: PLC0415  (heavy: see above)

    module, _, spec = cls.spec.partition(":")
    late = {key for key, value in inputs.items() if holds_late(value)}
    _, failures = check(getattr(importlib.import_module(module), spec), inputs, late)
    _refuse(cls, name, ((failure.field, failure.reason) for failure in failures))


def _refuse(cls: type[DliResource], name: Any, problems: Any) -> None:
    found = [(key, reason) for key, reason in problems if reason]
    if found:
        place = _place()
        lines = (f"{cls.__name__} {name!r}: {key}: {reason} ({place})" for key, reason in found)
        raise pulumi.RunError("\n".join(lines))


def _place() -> str:
    """File and line of the program that is being run: the nearest that is neither ours nor the SDK's."""
    frames = _frames(sys._getframe(1))  # `inspect.stack` would read every source file
    outside = (f for f in frames if not f.f_code.co_filename.startswith((_HERE, _SDK)))
    frame = next(outside, None)
    if frame is None:
        return "place unknown"
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}, line {frame.f_lineno}"


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
