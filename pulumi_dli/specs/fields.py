"""What can be said about one field of a resource, and how inputs are checked against the fields.

Called by `provider.py` (check) and by the lifecycles (diff, update). Pure: no network, no Pulumi; a value that is not
known yet is named by the caller, since only Pulumi knows what an unknown looks like.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cache, cached_property
from typing import Any, ClassVar, Self, Union, get_args, get_origin

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict, ValidationError

from pulumi_dli.specs.shapes import Flag, ListOf, Number, Record, Shape, Text, Whole, no_such_input


class Effect(IntEnum):
    """What a change of a field does to what runs, from nothing to the most. Unmarked fields count as RESTART."""

    IGNORED = 0
    """It steers the provider; the service never hears of it."""
    IN_PLACE = 1
    """The service takes it while everything runs."""
    NEXT_RESTART = 2
    """A text without effect on what runs: kept, and sent when the job stops for another reason."""
    RESTART = 3
    """The job stops (with its state), takes the change and starts again."""
    REPLACE = 4
    """Only a new object can have it."""


@dataclass(frozen=True)
class WireName:
    """A field that travels to the service under another name, or (name None) not at all."""

    name: str | None


PROVIDER_ONLY = WireName(None)


@dataclass(frozen=True)
class Cleared:
    """What to send for a field that was given once and is omitted now: a text is emptied, a number goes back to the
    default of the create call (dli-api 6.1). A field without this mark cannot be cleared.
    """

    value: Any


@dataclass(frozen=True)
class Assumed:
    """What the provider sends at creation for an omitted input."""

    value: Any


class Mark(Enum):
    """A fact about a field that the lifecycle of its resource needs."""

    AT_TOP = "stands at the top of a read, beside the nested definition (dli-api 6.9)"
    NEVER_READ = "the service takes it and never returns it"
    ALWAYS_READ = "stands in every complete answer: one without these fields says nothing of the definition"
    RUNS_AGAIN = "a bounded job that has finished runs once more when it changes"
    OWN_STEPS = "a change takes steps of its own, which no plan of a restart contains"
    AT_CREATION = "the service takes it at the creation only (dli-api 14.6)"
    AFTER_CREATION = "a create does not take it: a change right after it does (dli-api 14.2)"
    MAKES_THE_PLAN = "decides on the operators of a job of SQL: no savepoint is known to fit another one (dli-api 14.7)"
    NOT_FROM_CHECKPOINT = "after a change, says the FAQ, no checkpoint is restored (dli_03_0136)"


@dataclass(frozen=True)
class CheckFailure:
    """What is wrong with one input, in words for the stack author. Never holds the value."""

    field: str
    reason: str


@dataclass(frozen=True)
class Rule:
    """A promise between several fields: checked when all of them are known and each is valid on its own."""

    fields: tuple[str, ...]
    problem: Callable[[Any], str | None]
    """Takes the spec, answers what is wrong or None."""


class ValueModel(BaseModel):
    """A value made of several fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    type_name: ClassVar[str] = ""
    """What a program calls the type of such a value."""
    short: ClassVar[str] = ""
    """The field that a plain text stands for."""
    said: ClassVar[str] = ""
    """What a program gives, for a message about something else."""


@dataclass(frozen=True)
class Computed:
    """An output that is no input.

    Attributes:
        type: the Python type of its value.
        former: its name in states that earlier versions wrote; "" when it never had another.
    """

    name: str
    type: str
    description: str
    former: str = ""


PLACE = (
    Computed("endpoint", "str", "Where the service answered."),
    Computed("project_id", "str", "The project that holds it."),
)
"""Outputs of every resource: refresh and destroy never look anywhere else."""


ANY = ("*",)
"""Of an output in the words of the service, which may quote any input."""


@dataclass(frozen=True)
class Declaration:
    """How a program declares a resource: what its class is generated from, beside the fields.

    Attributes:
        name: of the class.
        summary: the text of its documentation.
        article: the resource in a sentence, such as `a queue`.
        computed: its outputs beside the inputs.
        named: the input that is the resource's name when omitted.
        derived: outputs that repeat inputs under another name, each with these inputs (`ANY`: any of them). They are
            secret when such an input is. An output that maps inputs by their own names (`settings`) needs no line.
        id_from: the inputs that the id repeats.
        filled: required inputs that the class finds out by itself.
        base: `module:class` that adds methods by hand, in `pulumi_dli.resources`.
    """

    name: str
    summary: str
    article: str
    computed: tuple[Computed, ...]
    named: str = ""
    derived: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    id_from: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    base: str = "base:DliResource"
    timeouts: str = ""

    def with_current_names(self, outs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs of a state under their current names, in lists of objects too, whatever version wrote them."""
        current = self._current_names
        if not current:
            return dict(outs)
        nested = {output.name for output in self.computed if "Sequence[Mapping" in output.type}

        def renamed(fields: Mapping[str, Any]) -> dict[str, Any]:
            return {current.get(name, name): value for name, value in fields.items()}

        return {
            name: [renamed(one) for one in value] if name in nested and isinstance(value, list) else value
            for name, value in renamed(outs).items()
        }

    @cached_property
    def _current_names(self) -> Mapping[str, str]:
        return {output.former: output.name for output in self.computed if output.former}


class Spec(ValueModel):
    """The desired state of one resource. A field that is None was not given: absent means "not managed"."""

    required: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()
    declaration: ClassVar[Declaration]

    @classmethod
    def effect(cls, field: str) -> Effect:
        """What a change of `field` does."""
        return next((mark for mark in cls.marks(field) if isinstance(mark, Effect)), Effect.RESTART)

    @classmethod
    def wire_name(cls, field: str) -> str | None:
        """The field's name on the wire; None when the service never hears of it."""
        return next((mark.name for mark in cls.marks(field) if isinstance(mark, WireName)), field)

    @classmethod
    def marks(cls, field: str) -> tuple[Any, ...]:
        """What the field's declaration says of it."""
        return tuple(cls.model_fields[field].metadata)

    @classmethod
    def marked(cls, mark: Mark) -> frozenset[str]:
        """The fields with this mark."""
        return frozenset(field for field in cls.model_fields if mark in cls.marks(field))

    @classmethod
    def values_of(cls, kind: type[Cleared] | type[Assumed]) -> dict[str, Any]:
        """The fields with a mark of this kind, and its value."""
        found = ((field, mark) for field in cls.model_fields for mark in cls.marks(field))
        return {field: mark.value for field, mark in found if isinstance(mark, kind)}

    @classmethod
    def sent(cls) -> tuple[str, ...]:
        """The fields that travel to the service."""
        return tuple(field for field in cls.model_fields if cls.wire_name(field))

    @classmethod
    def live(cls) -> frozenset[str]:
        """The fields that travel to the service and that it takes while everything runs."""
        return frozenset(field for field in cls.sent() if cls.effect(field) is Effect.IN_PLACE)

    @classmethod
    def shape(cls, field: str) -> Shape:
        """What a value of `field` looks like."""
        return _shapes(cls)[field]

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Self:
        """The spec that checked inputs stand for; what is no field of it (`__provider`, outputs) is left out.

        Raises:
            ValidationError: the inputs were never checked.
        """
        return cls.model_validate({name: inputs[name] for name in cls.model_fields if inputs.get(name) is not None})

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """The fields that were given, in the one form in which they are stored and compared."""
        return self.model_dump(mode="json", exclude_none=True)


@cache
def _shapes(part: type[ValueModel]) -> dict[str, Shape]:
    return {name: shape_of(field.annotation, tuple(field.metadata)) for name, field in part.model_fields.items()}


_SIMPLE: Mapping[Any, Shape] = {str: Text(), int: Whole(), float: Number(), bool: Flag()}


def shape_of(annotation: Any, marks: tuple[Any, ...] = ()) -> Shape:
    """The shape that an annotation stands for: the one it is marked with, else that of its type."""
    for mark in marks:
        if isinstance(mark, Shape):
            return mark
    if hasattr(annotation, "__metadata__"):
        return shape_of(get_args(annotation)[0], annotation.__metadata__)
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return shape_of(next(arg for arg in get_args(annotation) if arg is not type(None)), marks)
    if origin is tuple:
        least = next((mark.min_length for mark in marks if isinstance(mark, MinLen)), 0)
        return ListOf(item=shape_of(get_args(annotation)[0]), least=least)
    if isinstance(annotation, type) and issubclass(annotation, ValueModel):
        required = tuple(name for name, field in annotation.model_fields.items() if field.is_required())
        name = annotation.type_name or annotation.__name__
        keys = tuple(_shapes(annotation).items())
        return Record(name=name, keys=keys, required=required, short=annotation.short, rule=annotation.said)
    return _SIMPLE[annotation]


def check(
    spec: type[Spec], given: Mapping[str, Any], unknown: Collection[str] = ()
) -> tuple[dict[str, Any], list[CheckFailure]]:
    """The normalised inputs and what is wrong with them.

    Args:
        given: the inputs by name; None counts as not given.
        unknown: names of inputs whose value is not known yet; they are passed on as they are and not judged.
    """
    present = {name: value for name, value in given.items() if value is not None}
    known = {name: value for name, value in present.items() if name in spec.model_fields and name not in unknown}
    failures = [_no_such_input(spec, name) for name in present if name not in spec.model_fields]
    failures += [CheckFailure(name, "is required") for name in spec.required if name not in present]
    misshapen = [
        CheckFailure(name, reason) for name, value in known.items() if (reason := spec.shape(name).problem(value))
    ]
    wrong = {failure.field for failure in misshapen}
    parsed, broken = _parse(spec, {name: value for name, value in known.items() if name not in wrong})
    # What is normalised has the form, too: a text may stand for a map.
    normal = {name: value for name, value in parsed.inputs.items() if name not in unknown}
    broken += [
        CheckFailure(name, reason)
        for name, value in normal.items()
        if value != known.get(name, value) and (reason := spec.shape(name).problem(value))
    ]
    broken = [*misshapen, *broken]
    failures += broken
    unreported = set(unknown) | {failure.field for failure in failures}
    for rule in spec.rules:
        if unreported.isdisjoint(rule.fields) and (reason := rule.problem(parsed)):
            failures.append(CheckFailure(rule.fields[0], reason))
    if broken:
        return dict(present), failures
    return {**{name: present[name] for name in present if name in unknown}, **normal}, failures


def _parse(spec: type[Spec], known: Mapping[str, Any]) -> tuple[Spec, list[CheckFailure]]:
    """The spec made of the valid inputs, and a failure for each of the others."""
    try:
        return spec.model_validate(known), []
    except ValidationError as error:
        broken = {failure.field: failure for failure in reversed(list(_broken(error)))}
        valid = {name: value for name, value in known.items() if name not in broken}
        return spec.model_validate(valid), list(broken.values())


def _broken(error: ValidationError) -> Iterator[CheckFailure]:
    """What our own validators said. The words of pydantic are about its types, which no stack author knows."""
    for detail in error.errors(include_url=False, include_input=False):
        ours = detail["type"] == "value_error"
        yield CheckFailure(
            str(detail["loc"][0]), detail["msg"].removeprefix("Value error, ") if ours else "does not fit"
        )


def _no_such_input(spec: type[Spec], name: str) -> CheckFailure:
    return CheckFailure(name, no_such_input(name, spec.model_fields))


@dataclass(frozen=True)
class Change:
    """One field that differs. `new` is None when the field is to be cleared, and meaningless while `unknown`."""

    field: str
    effect: Effect
    old: Any
    new: Any
    unknown: bool = False


def changes(
    spec: type[Spec], olds: Mapping[str, Any], news: Mapping[str, Any], unknown: Collection[str] = ()
) -> tuple[Change, ...]:
    """The fields of `spec` that differ. Whatever else is in the bags (`__provider`, outputs) is never looked at.

    An unknown value counts as changed, but never as a reason to replace: it may turn out to be the same.
    """
    found = []
    # What is special of the resource comes first: a job's package before what all jobs have.
    for field in sorted(spec.model_fields, key=lambda field: field not in vars(spec)["__annotations__"]):
        old, new = olds.get(field), news.get(field)
        if field in unknown:
            found.append(Change(field, min(spec.effect(field), Effect.RESTART), old, None, unknown=True))
        elif old != new:
            found.append(Change(field, spec.effect(field), old, new))
    return tuple(found)
