"""What a value of an input looks like, and the words for one that does not.

The fields of the specs carry these shapes. The provider's check asks them before it does anything else, and so do the
constructors of the resources, in the program: this module imports the standard library alone. A reason never holds the
value, which may be secret.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, dataclass_transform

Late = Callable[[Any], bool]
"""Whether a value is not known yet, or stands for one: it is not judged."""


def never(_value: Any) -> bool:
    return False


@dataclass_transform(kw_only_default=True)
class Shape:
    """A kind of value. Its repr is the code that makes it: generated classes hold it.

    To a type checker the kinds are dataclasses. To Python they are plain: making dataclasses would cost every program
    15 ms.
    """

    if not TYPE_CHECKING:

        def __init__(self, **parts: Any) -> None:
            vars(self).update(parts)

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def problem(self, value: Any, late: Late = never) -> str | None:
        """What is wrong with a value, as the end of a sentence that begins with the field's name; None when it fits."""
        return None if late(value) else self._problem(value, late)

    def _problem(self, value: Any, late: Late) -> str | None:
        raise NotImplementedError

    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name, value in vars(self).items() if value != getattr(type(self), name)]
        return f"{type(self).__name__}({', '.join(given)})"


def is_whole(value: Any) -> bool:
    """Pulumi hands every number over as a float: 16.0 is whole. True is no number."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def is_scalar(value: Any) -> bool:
    """A text or a finite number."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int) and not isinstance(value, bool)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


def has_control(text: str, *, lines: bool = False) -> bool:
    """Whether a text holds what no name and no text for people has: control and direction marks, lone surrogates."""
    return bool(_compiled(_CONTROL).search(text)) or (not lines and bool(_compiled(r"[\t\r\n]").search(text)))


class Single(Shape):
    """A value without parts: it is known, or it is not."""

    def _problem(self, value: Any, late: Late) -> str | None:  # noqa: ARG002
        return self._bad(value)

    def _bad(self, value: Any) -> str | None:
        raise NotImplementedError


class Text(Single):
    """A text of several lines, or of the form that `pattern` says.

    A pattern is of the whole text: a trailing newline is part of a name, and never of a valid one. `observed` are words
    that only the provider may find, never a program say.
    """

    choices: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    pattern: str = ""
    rule: str = ""
    most: int = 0

    def _bad(self, value: Any) -> str | None:
        if not isinstance(value, str) and not is_whole(value):
            return "must be a text" + (": put the number in quotes" if isinstance(value, float) else "")
        text = str(value)
        if self.choices and text not in (*self.choices, *self.observed):
            return f"must be one of {', '.join(self.choices)}"
        if self.pattern and not _compiled(self.pattern).fullmatch(text):
            return self.rule
        if has_control(text, lines=True):
            return "holds control characters"
        if self.most and len(text) > self.most:
            return f"has at most {self.most} characters"
        return None


class Whole(Single):
    """A whole number. `words` may stand for numbers; `rule` says in words what `least`, `most` and `step` mean."""

    least: int | None = None
    most: int | None = None
    step: int = 1
    words: tuple[tuple[str, int], ...] = ()
    without: tuple[int, ...] = ()
    rule: str = ""

    def _bad(self, value: Any) -> str | None:
        if isinstance(value, str) and value in dict(self.words):
            return None
        if not is_whole(value):
            return self.rule or f"must be {self._range()}"
        fits = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        if fits and value % self.step == 0 and value not in self.without:
            return None
        return self.rule or f"must be {self._range()}"

    def _range(self) -> str:
        if self.words:
            return "one of " + ", ".join(f"{number} ({word})" for word, number in self.words)
        if self.least is not None and self.most is not None:
            return f"a whole number from {self.least} to {self.most}"
        return "a whole number" + ("" if self.least is None else f", at least {self.least}")


class Number(Single):
    """A finite number."""

    least: float | None = None
    most: float | None = None

    def _bad(self, value: Any) -> str | None:
        if isinstance(value, str) or not is_scalar(value):
            return "must be a number"
        if self.least is not None and value < self.least:
            return f"must be at least {self.least:g}"
        return None if self.most is None or value <= self.most else f"must be at most {self.most:g}"


class Flag(Single):
    """True or False, and nothing that only looks like it."""

    def _bad(self, value: Any) -> str | None:
        return None if isinstance(value, bool) else "must be True or False"


class ListOf(Shape):
    """A list of values of one shape."""

    item: Shape = Text()
    least: int = 0

    def _problem(self, value: Any, late: Late) -> str | None:
        if not isinstance(value, list | tuple):
            return "must be a list"
        if len(value) < self.least:
            return f"must have at least {self.least} item" + ("s" if self.least > 1 else "")
        for number, item in enumerate(value):
            if reason := self.item.problem(item, late):
                return f"item {number + 1} {reason}"
        return None


class Record(Shape):
    """A map with known keys. `name` is that of its type; `short` is the key that a plain text stands for."""

    name: str = ""
    keys: tuple[tuple[str, Shape], ...] = ()
    required: tuple[str, ...] = ()
    short: str = ""
    rule: str = ""

    def _problem(self, value: Any, late: Late) -> str | None:
        known = dict(self.keys)
        if self.short and isinstance(value, str):
            return known[self.short].problem(value, late)
        if not isinstance(value, Mapping):
            return self.rule or f"must be a map with {', '.join(known)}"
        if strange := [key for key in value if key not in known]:
            return f"has no {str(strange[0])[:40]!r}: it takes {', '.join(known)}"
        if missing := [key for key in self.required if value.get(key) is None]:
            return f"needs {missing[0]}" + (f": {self.rule}" if self.rule else "")
        for key, item in value.items():
            if item is not None and (reason := known[key].problem(item, late)):
                return f"({key}) {reason}"
        return None


class Settings(Shape):
    """A map of text in any form in which people and the service write one (dli-api 6.1)."""

    def _problem(self, value: Any, late: Late) -> str | None:
        if isinstance(value, str):
            return None  # JSON or lines: read by the provider
        if isinstance(value, list | tuple):
            pairs = all(late(pair) or (isinstance(pair, Mapping) and {*pair} == {"key", "value"}) for pair in value)
            if not pairs:
                return 'must be a map, or a list of {"key": …, "value": …}'
            value = {pair["key"]: pair["value"] for pair in value if not late(pair)}
        if not isinstance(value, Mapping):
            return "must be a map of texts"
        return _first(_bad_setting(key, item) for key, item in value.items() if not late(item))


def _bad_setting(key: Any, value: Any) -> str | None:
    if not isinstance(key, str) or not _compiled(r"[^\s=:]{1,256}").fullmatch(key) or has_control(key):
        return "needs keys of 1 to 256 characters without blanks, = and :"  # they may travel as lines of key=value
    if not isinstance(value, bool) and not is_scalar(value):
        return f"needs a text, a number or a bool as value of {key}"
    if has_control(str(value)):
        return f"has line breaks or control characters in the value of {key}"
    return f"has more than 65536 characters in the value of {key}" if len(str(value)) > 65536 else None


class TagMap(Shape):
    """Tags (dli-api 4.7): at most 20, one of them the provider's own; key up to 128, value up to 255 characters.

    Letters of any language, as Huawei Cloud allows; the signs are those that both clouds name. `signs` are those that
    the page of this resource allows beside.
    """

    own: str = ""
    signs: str = ""

    def _problem(self, value: Any, late: Late) -> str | None:
        if not isinstance(value, Mapping):
            return "must be a map of texts"
        if len(value) > 19:
            return "has at most 19 tags (the service allows 20, and one is the provider's own)"
        return _first(self._bad(key, item, late) for key, item in value.items())

    def _bad(self, key: Any, value: Any, late: Late) -> str | None:
        text = rf"[\w .:+\-@{re.escape(self.signs)}]"
        if not isinstance(key, str) or not _compiled(rf"(?!_sys_)(?! ){text}{{1,128}}(?<! )").fullmatch(key):
            return (
                f"needs keys of 1 to 128 letters, digits, blanks or _.:+-@{self.signs} that do not begin with _sys_ "
                "and do not begin or end with a blank"
            )
        if key == self.own:
            return f"the tag {key} is the provider's own"
        if late(value):
            return None
        if not is_scalar(value):
            return f"needs a text as value of {key}"
        if not _compiled(rf"{text}{{0,255}}").fullmatch(str(value)):
            return f"needs as value of {key} at most 255 letters, digits, blanks or _.:+-@{self.signs}"
        return None


class Arguments(Shape):
    """Arguments of a program: one text, which the service splits at blanks; or a list of words, which is joined."""

    def _problem(self, value: Any, late: Late) -> str | None:
        if isinstance(value, str):
            return Text(most=65536).problem(value)
        if not isinstance(value, list | tuple):
            return "must be a text or a list of words"
        bad = (
            _bad_argument(item) and f"item {number + 1} {_bad_argument(item)}" for number, item in _known(value, late)
        )
        return _first(bad)


def _known(items: Any, late: Late) -> Iterator[tuple[int, Any]]:
    return ((number, item) for number, item in enumerate(items) if not late(item))


def _bad_argument(item: Any) -> str | None:
    if not is_scalar(item):
        return "must be a text or a number"
    why = "the service takes one text and splits it at blanks, so no argument can carry that"
    if item == "":
        return f"is empty: {why}"
    if isinstance(item, str) and re.search(r"[\s\"'\x00-\x1f]", item):
        return f"holds blanks or quotes: {why}"
    return "holds control characters" if has_control(str(item)) else None


class JsonText(Single):
    """A JSON text, or the map that it is made of."""

    def _bad(self, value: Any) -> str | None:
        if isinstance(value, str):
            return Text(most=16384)._bad(value) or (None if _is_json(value) else "is no JSON")
        return None if isinstance(value, Mapping | list) else "must be a map or a JSON text"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def no_such_input(name: str, names: Iterable[str]) -> str:
    """The words for a name that is no input."""
    import difflib  # noqa: PLC0415  (only who mistypes pays for it)

    near = difflib.get_close_matches(name, names, n=1)
    return "there is no such input" + (f"; did you mean {near[0]}?" if near else "")


def _first(reasons: Iterator[str | None]) -> str | None:
    return next((reason for reason in reasons if reason), None)
