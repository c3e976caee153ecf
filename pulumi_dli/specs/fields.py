"""What can be said about one field of a resource, and how inputs are checked against the fields.

Called by `provider.py` (check) and by the lifecycles (diff, update). Pure: no network, no Pulumi; a value that is not
known yet is named by the caller, since only Pulumi knows what an unknown looks like.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError


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
class Wire:
    """A field that travels to the service under another name, or (name None) not at all."""

    name: str | None


LOCAL = Wire(None)


@dataclass(frozen=True)
class Failure:
    """What is wrong with one input, in words for the stack author. Never holds the value."""

    field: str
    reason: str


@dataclass(frozen=True)
class Rule:
    """A promise between several fields: checked when all of them are known and each is valid on its own."""

    fields: tuple[str, ...]
    problem: Callable[[Any], str | None]
    """Takes the spec, answers what is wrong or None."""


class Part(BaseModel):
    """A value made of several fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Spec(Part):
    """The desired state of one resource. A field that is None was not given: absent means "not managed"."""

    required: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def effect(cls, field: str) -> Effect:
        """What a change of `field` does."""
        for mark in cls.model_fields[field].metadata:
            if isinstance(mark, Effect):
                return mark
        return Effect.RESTART

    @classmethod
    def wire_name(cls, field: str) -> str | None:
        """The field's name on the wire; None when the service never hears of it."""
        for mark in cls.model_fields[field].metadata:
            if isinstance(mark, Wire):
                return mark.name
        return field

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


def check(
    spec: type[Spec], given: Mapping[str, Any], unknown: Collection[str] = ()
) -> tuple[dict[str, Any], list[Failure]]:
    """The normalised inputs and what is wrong with them.

    Args:
        given: the inputs by name; None counts as not given.
        unknown: names of inputs whose value is not known yet; they are passed on as they are and not judged.
    """
    present = {name: value for name, value in given.items() if value is not None}
    known = {name: value for name, value in present.items() if name in spec.model_fields and name not in unknown}
    failures = [_no_such_input(spec, name) for name in present if name not in spec.model_fields]
    failures += [Failure(name, "is required") for name in spec.required if name not in present]
    parsed, broken = _parse(spec, known)
    failures += broken
    untold = set(unknown) | {failure.field for failure in failures}
    for rule in spec.rules:
        if untold.isdisjoint(rule.fields) and (reason := rule.problem(parsed)):
            failures.append(Failure(rule.fields[0], reason))
    if broken:
        return dict(present), failures
    return {**{name: present[name] for name in present if name in unknown}, **parsed.inputs}, failures


def _parse(spec: type[Spec], known: Mapping[str, Any]) -> tuple[Spec, list[Failure]]:
    """The spec made of the valid inputs, and a failure for each of the others."""
    try:
        return spec.model_validate(known), []
    except ValidationError as error:
        broken: dict[str, Failure] = {}
        for detail in error.errors(include_url=False, include_input=False):
            name = str(detail["loc"][0]) if detail["loc"] else ""
            broken.setdefault(name, Failure(name, _reason(detail["msg"], detail["loc"][1:])))
        valid = {name: value for name, value in known.items() if name not in broken}
        return spec.model_validate(valid), list(broken.values())


def _reason(message: str, where: tuple[Any, ...]) -> str:
    text = message.removeprefix("Value error, ").replace("Input should be", "must be").replace("String should", "must")
    # Names of pydantic's union branches are of no use to a stack author: keep positions and keys only.
    steps = [str(step) for step in where if isinstance(step, int) or str(step).isidentifier()]
    return f"{text} (at {'.'.join(steps)})" if steps else text


def _no_such_input(spec: type[Spec], name: str) -> Failure:
    near = difflib.get_close_matches(name, spec.model_fields, n=1)
    return Failure(name, "there is no such input" + (f"; did you mean {near[0]}?" if near else ""))


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
    for field in spec.model_fields:
        old, new = olds.get(field), news.get(field)
        if field in unknown:
            found.append(Change(field, min(spec.effect(field), Effect.RESTART), old, None, unknown=True))
        elif old != new:
            found.append(Change(field, spec.effect(field), old, new))
    return tuple(found)
