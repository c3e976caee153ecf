"""The resource classes, from their specs: `python -m pulumi_dli.specs.generate` writes `pulumi_dli/resources/`.

The files are checked in, and a test says when they are stale. They hold what a type checker and an editor read (typed
inputs and outputs, a TypedDict of the inputs, the text on each field), and the shapes that the constructor checks
without loading the specs. `ruff` gives them the house's form.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pulumi_dli.specs.catalogue import catalogue
from pulumi_dli.specs.fields import Spec
from pulumi_dli.specs.forms import (
    Address,
    Destination,
    Folder,
    GroupPath,
    LocalFile,
    Network,
    PackagePath,
    Prefix,
    SqlFile,
)
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

RESOURCES = Path(__file__).parent.parent / "resources"
_SHAPES = (Arguments, Flag, JsonText, ListOf, Number, Record, Settings, Shape, TagMap, Text, Whole)
_FORMS = (Address, Destination, Folder, GroupPath, LocalFile, Network, PackagePath, Prefix, SqlFile)
_TEXTS = "Mapping[str, str]"
# Types by hand: (of an input, of an output).
_BY_HAND = {
    "PackageReference": ("PackageInput", "PackageInput"),
    "GroupPackage": ("str | Package | GroupPackageArgs", "GroupPackage | str"),
}
_PLAIN: dict[type[Shape], tuple[str, str]] = {
    Text: ("str", "str"),
    Whole: ("int", "int"),
    Number: ("float", "float"),
    Flag: ("bool", "bool"),
    Arguments: ("str | Sequence[pulumi.Input[str | int | float]]", "str"),
    JsonText: ("str | Mapping[str, Any]", "str"),
    PackagePath: ("str", "str"),
    Settings: ("str | Mapping[str, pulumi.Input[str | int | float | bool]]", _TEXTS),
    TagMap: ("Mapping[str, pulumi.Input[str]]", _TEXTS),
}
_HOMES = {"PackageInput": "resources.base", "Package": "packages"}


def input_type(shape: Shape) -> str:
    """What a program may give."""
    if isinstance(shape, Text) and shape.choices:
        return _literal(shape.choices)
    if isinstance(shape, Whole) and shape.words:
        return _literal(tuple(item for word in shape.words for item in reversed(word)))
    if isinstance(shape, ListOf):
        return f"Sequence[pulumi.Input[{input_type(shape.item)}]]"
    if isinstance(shape, Record):
        return _BY_HAND[shape.name][0] if shape.name in _BY_HAND else f"{shape.name}Args"
    return _plain(shape)[0]


def output_type(shape: Shape) -> str:
    """What a program gets."""
    if isinstance(shape, Text) and shape.choices:
        return _literal((*shape.choices, *shape.observed))
    if isinstance(shape, Whole) and shape.words:
        return _literal(tuple(number for _, number in shape.words))
    if isinstance(shape, ListOf):
        return f"Sequence[{output_type(shape.item)}]"
    if isinstance(shape, Record):
        return _BY_HAND[shape.name][1] if shape.name in _BY_HAND else shape.name
    return _plain(shape)[1]


def _plain(shape: Shape) -> tuple[str, str]:
    return next(_PLAIN[kind] for kind in type(shape).__mro__ if kind in _PLAIN)


def _literal(words: tuple[str | int, ...]) -> str:
    return f"Literal[{', '.join(repr(word) for word in words)}]"


def _records(shapes: Iterator[Shape]) -> Iterator[Record]:
    """The types that a file must define, those that others use first."""
    for shape in shapes:
        if isinstance(shape, ListOf):
            yield from _records(iter([shape.item]))
        if isinstance(shape, Record) and shape.name != "PackageReference":
            yield from _records(shape for _, shape in shape.keys)
            yield shape


def _record(record: Record) -> str:
    """Two types: what a program gives, and what it gets."""

    def keys(form: str, typed: Callable[[Shape], str]) -> str:
        return _block([f"{key}: {_key(form, key in record.required, typed(s))}" for key, s in record.keys], 4)

    return f'''
class {record.name}Args(TypedDict, total=False):
    """As a program gives it."""

{keys("pulumi.Input[{}]", input_type)}


class {record.name}(TypedDict, total=False):
    """As an output holds it."""

{keys("{}", output_type)}
'''


def _key(form: str, required: bool, typed: str) -> str:
    return f"Required[{form.format(typed)}]" if required else form.format(typed)


def _described(name: str, spec: type[Spec]) -> str:
    text = f"{name}: {spec.model_fields[name].description}"
    lines = textwrap.wrap(text, 104, subsequent_indent="    ", break_long_words=False)
    return textwrap.indent("\n".join(lines), " " * 12)


def module(spec: type[Spec]) -> str:
    """The file of one resource, before it is formed."""
    told = spec.declaration
    required = [name for name in spec.required if name not in (told.named, *told.filled)]
    shapes = {name: spec.shape(name) for name in sorted(spec.model_fields, key=lambda name: name not in required)}
    given = {name: f"pulumi.Input[{input_type(shape)}]" for name, shape in shapes.items()}
    keys = [f"{n}: Required[{t}]" if n in required else f"{n}: {t} | None" for n, t in given.items()]
    parameters = [f"{n}: {t}," if n in required else f"{n}: {t} | None = None," for n, t in given.items()]
    default = f"; the default of `{told.named}`" if told.named else ""
    said = ", ".join(f"{name!r}: {_said(shape)!r}" for name, shape in shapes.items())
    records = dict.fromkeys(_records(iter(shapes.values())))
    base_module, base = told.base.split(":")
    body = (
        "".join(_record(record) for record in records)
        + f'''

class {told.name}Args(TypedDict, total=False):
    """The inputs of {told.article} by name, for tables of them: `{told.name}(name, **row)`."""

{_block(keys, 4)}


class {told.name}({base}, module="dli", name="{told.name}"):
    """{_block(told.summary.splitlines(), 4).lstrip()}

    Outputs beside the inputs:

{_bulleted(spec)}
    """

    native_type = "dli:index:{told.name}"
    spec = "{spec.__module__}:{spec.__name__}"
    named = {told.named!r}
    required = {tuple(required)!r}
    computed_outputs = {tuple(output.name for output in told.computed)!r}
    shapes: ClassVar[Mapping[str, Shape]] = {{{said}}}

    if TYPE_CHECKING:
{_block(_attributes(spec, shapes), 8)}

    def __init__(
        self,
        resource_name: str,
        *,
{_block(parameters, 8)}
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare {told.article}.

        Args:
            resource_name: Name of the resource in the program{default}.
{_block([_described(name, spec) for name in shapes], 0)}
            opts: Pulumi's resource options{told.timeouts}.
        """
        inputs = {{{", ".join(f"{name!r}: {name}" for name in shapes)}}}
        super().__init__({told.name}Provider(), resource_name, inputs, opts)
'''
    )
    source = spec.__module__.rpartition(".")[2]
    head = f'"""`{told.name}`: written by `python -m pulumi_dli.specs.generate` from `specs/{source}.py`."""\n'
    return head + _imports(body, told.name, base_module, base) + body


def _said(shape: Shape) -> Shape:
    """Of a program: what only a refresh finds, it cannot say."""
    if not isinstance(shape, Text) or not shape.observed:
        return shape
    return Text(choices=shape.choices, pattern=shape.pattern, rule=shape.rule, most=shape.most)


def _attributes(spec: type[Spec], shapes: Mapping[str, Shape]) -> list[str]:
    """The properties with the types of their values; one that a program may leave out may have none."""
    inputs = {
        name: f"{output_type(shape)}{'' if name in spec.required else ' | None'}" for name, shape in shapes.items()
    }
    computed = {output.name: output.type for output in spec.declaration.computed}
    return [f"{name}: pulumi.Output[{type_}]" for name, type_ in {**computed, **inputs}.items()]


def _block(lines: list[str], indent: int) -> str:
    return textwrap.indent("\n".join(lines), " " * indent)


def _bulleted(spec: type[Spec]) -> str:
    lines = []
    for output in spec.declaration.computed:
        text = f"* `{output.name}`: {output.description}"
        lines += textwrap.wrap(text, 110, initial_indent="    ", subsequent_indent="      ")
    return "\n".join(lines)


def _imports(body: str, name: str, base_module: str, base: str) -> str:
    def used(names: tuple[str, ...]) -> str:
        return ", ".join(word for word in names if re.search(rf"\b{word}\b", body))

    own = {f"pulumi_dli.resources.{base_module}": {base}, "pulumi_dli.provider": {f"{name}Provider"}}
    for word, home in _HOMES.items():
        if re.search(rf"\b{word}\b", re.sub(r'".*?"|`.*?`', "", body)):
            own.setdefault(f"pulumi_dli.{home}", set()).add(word)
    for kind in (*_SHAPES, *_FORMS):
        if kind is Shape or f"{kind.__name__}(" in body:
            own.setdefault(kind.__module__, set()).add(kind.__name__)
    ours = "\n".join(f"from {home} import {', '.join(sorted(words))}" for home, words in sorted(own.items()))
    return f"""
from __future__ import annotations

from collections.abc import {used(("Mapping", "Sequence"))}
from typing import {used(("TYPE_CHECKING", "Any", "ClassVar", "Literal", "Required", "TypedDict"))}

import pulumi

{ours}

"""


def formed(text: str, path: Path) -> str:
    """The text as ruff forms it."""
    ruff = [sys.executable, "-m", "ruff"]
    for step in (["check", "--quiet", "--fix", "--select", "I", "--exit-zero"], ["format", "--quiet"]):
        command = [*ruff, *step, "--stdin-filename", str(path), "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return text


def files() -> dict[Path, str]:
    """Every generated file with the text that it should have."""
    paths = {RESOURCES / f"{spec.__module__.rpartition('.')[2]}.py": spec for spec in catalogue().values()}
    return {path: formed(module(spec), path) for path, spec in paths.items()}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
