"""What of one call is secret: the inputs that the program handed over as secret, old and new. Used by `responses.py`.

The engine gives a provider plain values. So the class in the program says which of its inputs are secret, in one more
property (`SECRET_INPUTS`: paths, such as `["runtime_config", "password"]`), which goes along into the state. A state
from before that has none; then what may well hold a secret counts as one.

The engine keeps an output secret that has the name of a secret input. What repeats an input under another name is
marked here: `derived` of the resource's declaration says which outputs those are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pulumi.runtime.rpc import wrap_rpc_secret

from pulumi_dli.redaction import Redactor, texts_in

SECRET_INPUTS = "__secret_inputs"  # noqa: S105 -- a name; with two underscores the engine does not show it as a change
_MAY_HOLD_SECRETS = (["entrypoint_args"], ["runtime_config"])
PROSE = ("status_desc", "pending_reason")
"""Outputs in the words of the service. All others are facts, and a fact with a mark in it would be another one."""
_TELLING = 8  # a secret of so many letters is recognised in whatever output it stands

Derived = Mapping[str, tuple[str, ...]]


class Secrecy:
    """Of the inputs and outputs that one call was given. Reads them when it is made: a call may empty them.

    Args:
        args: of the call: its maps are inputs or outputs, in update(id, olds, news) the new ones last.
        derived: gives the outputs that repeat inputs under another name, with these; asked only where one is secret.
    """

    def __init__(self, args: Iterable[Any] = (), derived: Callable[[], Derived] = dict) -> None:
        bags = [arg for arg in args if isinstance(arg, Mapping)]
        self.handed = _paths(bags[-1]) if bags else None
        self._derived = derived
        self._names = frozenset().union(*map(secret_names, bags))
        self._values = [value for properties in bags for value in _secrets(properties)]
        self._redactor: Redactor | None = None

    def __call__(self, text: str) -> str:
        """The text without what is secret."""
        if not text:
            return text
        if self._redactor is None:
            self._redactor = Redactor(text for value in self._values for text in texts_in(value))
        return self._redactor(text)

    def kept(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs or inputs as the state keeps them: with the names of the secret ones, without secrets in prose."""
        kept = {
            key: self(value) if key in PROSE and isinstance(value, str) else value for key, value in properties.items()
        }
        return kept if self.handed is None else {**kept, SECRET_INPUTS: self._remembered(kept)}

    def marked(self, outs: Mapping[str, Any]) -> dict[str, Any]:
        """Plain outputs, with each value that repeats a secret input under another name marked as secret."""
        places = self.copies(outs)
        return {key: _wrapped(value, places[key]) if key in places else value for key, value in outs.items()}

    def copies(self, outs: Mapping[str, Any]) -> dict[str, frozenset[str]]:
        """The outputs that repeat a secret input under another name; of a map of inputs, under which of its keys."""
        if not self._names:
            return {}
        derived = self._derived()
        whole = frozenset({""})
        long = [text for value in self._values for text in texts_in(value) if len(text) >= _TELLING]
        found: dict[str, frozenset[str]] = {}
        for key, value in outs.items():
            if key in self._names or key.startswith("__"):
                continue
            sources = derived.get(key, ())
            if "*" in sources or self._names.intersection(sources):
                found[key] = whole
            elif isinstance(value, Mapping) and (inside := self._names.intersection(value)):
                found[key] = frozenset(inside)
            elif any(secret in text for text in texts_in(value) for secret in long):
                found[key] = whole
        return found

    def _remembered(self, kept: Mapping[str, Any]) -> Any:
        """The names as handed over, and those of earlier ones whose value an output still repeats (`deferred`)."""
        inside = {name for names in self.copies(kept).values() for name in names if name}
        handed = self.handed or []
        return [*handed, *([name] for name in sorted(inside - {path[0] for path in handed}))]


def newly_secret(olds: Mapping[str, Any], news: Mapping[str, Any], derived: Callable[[], Derived]) -> bool:
    """Whether the state holds in clear what repeats an input that the program has since made secret."""
    if not secret_names(news) or _paths(news) == _paths(olds):
        return False
    told = {key: value for key, value in olds.items() if value not in ("", [], {})}
    before = Secrecy([{SECRET_INPUTS: [], **olds}], derived).copies(told)
    now = Secrecy([olds, {**olds, SECRET_INPUTS: news[SECRET_INPUTS]}], derived).copies(told)
    return any(places - before.get(key, frozenset()) for key, places in now.items())


def _wrapped(value: Any, places: frozenset[str]) -> Any:
    if not isinstance(value, Mapping) or "" in places:
        return wrap_rpc_secret(value)
    return {key: wrap_rpc_secret(item) if key in places else item for key, item in value.items()}


def secret_names(properties: Mapping[str, Any]) -> frozenset[str]:
    """The inputs that are named as secret, or hold something that is."""
    return frozenset(path[0] for path in _paths(properties) or ())


def _secrets(properties: Mapping[str, Any]) -> Iterator[Any]:
    paths = _paths(properties)
    for path in _MAY_HOLD_SECRETS if paths is None else paths:
        yield _at(properties, path)


def _paths(properties: Mapping[str, Any]) -> list[list[str]] | None:
    """Where the secret inputs are; None where it is not known."""
    paths = properties.get(SECRET_INPUTS)
    if not isinstance(paths, list | tuple):
        return None
    listed = [path if isinstance(path, list | tuple) else [path] for path in paths]
    return [[str(step) for step in path] for path in listed if path]


def _at(value: Any, path: Iterable[str]) -> Any:
    """What is at a path; where a normal form ended it earlier (a list of arguments is one text, a key has another
    spelling), all that is there.
    """
    for depth, step in enumerate(path):
        if not isinstance(value, Mapping):
            return value
        if step not in value:
            return value if depth else None
        value = value[step]
    return value
