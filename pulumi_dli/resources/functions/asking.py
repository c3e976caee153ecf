"""How a function asks: with the stack's settings or a provider's, now or when its arguments are known.

In a unit test (`pulumi.runtime.set_mocks`) nobody is connected to: the test's `Mocks.call` is asked instead, and
answers with the fields of the result (docs/testing.md). Arguments that can name nothing are refused before anybody is
asked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime import settings as runtime_settings

from pulumi_dli.errors import DliError
from pulumi_dli.resources.settings import Provider, program_client

_LONGEST = 256  # no name, id or value of a tag is longer

T = TypeVar("T")
Completed = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Function(Generic[T]):
    """A function that a program calls.

    Attributes:
        token: how `Mocks.call` knows it: `dli:index:` and its name in camel case.
        find: asks the service, with the arguments by name.
        of: the class of the result, or of one in a list or map.
        key: in the answer of a mock, where the list or map is; "" for a single result.
        may_be_empty: the argument whose empty text means something.
        completed: what a mock's fields are completed with, from the arguments and the fields.
    """

    token: str
    find: Callable[..., T]
    of: type[Any]
    key: str = ""
    completed: Completed = lambda _args, _given: {}
    may_be_empty: str = ""

    def now(self, provider: Provider | None, **args: Any) -> T:
        """What the service says to plain arguments.

        Raises:
            RunError: there is no such thing, or the service cannot be asked.
        """
        return self._ask(provider.plain_settings if provider else None, args)

    def later(self, provider: Provider | None, **args: Any) -> pulumi.Output[T]:
        """As `now`, for arguments of which some are outputs."""
        settings = provider.settings if provider else pulumi.Output.from_input(None)
        return pulumi.Output.all(settings, args).apply(lambda known: self._ask(known[0], known[1]))

    def _ask(self, settings: Mapping[str, Any] | None, args: Mapping[str, Any]) -> T:
        _check(self.find, args, self.may_be_empty)
        monitor = runtime_settings.SETTINGS.monitor
        if isinstance(monitor, mocks.MockMonitor):
            return self._mocked(monitor.mocks, args)
        try:
            return self.find(program_client(settings), **args)
        except DliError as error:
            raise pulumi.RunError(str(error)) from None

    def _mocked(self, of_test: mocks.Mocks, args: Mapping[str, Any]) -> T:
        answer: Any = of_test.call(mocks.MockCallArgs(self.token, dict(args), ""))
        given, failures = answer if isinstance(answer, tuple) else (answer, None)
        if failures:
            raise pulumi.RunError("; ".join(f"{self.token}: {reason}" for _, reason in failures))
        given = given or {}
        if not self.key:
            known = {name: args[name] for name in args if name in {field.name for field in fields(self.of)}}
            result: Any = _made(self.of, {**known, **given, **self.completed(args, given)})
            return result  # type: ignore[no-any-return]
        if unknown := sorted({*given} - {self.key}):
            raise pulumi.RunError(f"{self.token} answers with {self.key}, and not with {', '.join(unknown)}")
        rows = given.get(self.key, ())
        if isinstance(rows, Mapping):
            many: Any = {name: _made(self.of, row) for name, row in rows.items()}
        else:
            many = tuple(_made(self.of, {**row, **self.completed(args, row)}) for row in rows)
        return many  # type: ignore[no-any-return]


def _check(find: Callable[..., Any], args: Mapping[str, Any], may_be_empty: str) -> None:
    """Refuse arguments that nothing can have.

    Raises:
        RunError: names the first of them.
    """
    parameters = inspect.signature(find).parameters
    for name, value in args.items():
        wanted = str(parameters[name].annotation)
        if value is None and wanted.endswith("None"):
            continue
        problem = _problem_of_map(value) if "Mapping" in wanted else _problem_of_text(value)
        if problem and not (value == "" and name == may_be_empty):
            raise pulumi.RunError(f"{name} {problem}")


def _problem_of_text(value: object) -> str:
    if not isinstance(value, str):
        return f"must be a text, not {type(value).__name__}"
    if not value.strip():
        return "must not be empty"
    if not value.isprintable() or not value.isascii() or value != value.strip():
        return "holds a character that no name has, such as a blank at an end or a control character"
    return f"is too long: no name has more than {_LONGEST} characters" if len(value) > _LONGEST else ""


def _problem_of_map(value: object) -> str:
    """Of tags, which a list takes as `k1=v1,k2=v2`."""
    if not isinstance(value, Mapping):
        return f"must be a map of texts, not {type(value).__name__}"
    texts = [text for pair in value.items() for text in pair]
    if not all(isinstance(text, str) for text in texts):
        return "must be a map of texts"
    if not all(value):
        return "has a key that is empty"
    if any(not text.isprintable() or {*text} & {*",="} for text in texts):
        return "holds a character that no tag can be found by: , = or a control character"
    return (
        f"is too long: no tag has more than {_LONGEST} characters" if max(map(len, texts), default=0) > _LONGEST else ""
    )


def _made(kind: type[Any], given: Mapping[str, Any]) -> Any:
    """A result from the fields that a mock gave. What it leaves out is None or empty, lists are tuples."""
    types = get_type_hints(kind)
    if unknown := sorted({*given} - {*types}):
        raise pulumi.RunError(f"{kind.__name__} has no field {', '.join(unknown)}: it has {', '.join(types)}")
    return kind(**{name: _value(of, given.get(name)) for name, of in types.items()})


def _value(of: Any, given: Any) -> Any:
    origin = get_origin(of)
    if origin is tuple:
        inner: type[Any] = get_args(of)[0]
        nested = is_dataclass(inner)
        return tuple(_made(inner, one) if nested else one for one in given or ())
    if given is None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    return given


def nothing(what: str) -> pulumi.RunError:
    """The error for a look that found nothing."""
    return pulumi.RunError(f"there is no {what}")


def fits(value: str | None, wanted: str | None) -> bool:
    """Whether a value passes a filter, in letters of any case; None lets everything pass."""
    return wanted is None or (value or "").lower() == wanted.lower()
