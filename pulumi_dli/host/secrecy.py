"""What of one call is secret: the inputs that the program handed over as secret, old and new. Used by `responses.py`.

The engine gives a provider plain values. So the class in the program says which of its inputs are secret, in one more
property (`SECRET_INPUTS`: paths, such as `["runtime_config", "password"]`), which goes along into the state. A state
from before that has none; then what may well hold a secret counts as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pulumi_dli.redaction import Redactor, texts_in

SECRET_INPUTS = "__secret_inputs"  # noqa: S105 -- a name; with two underscores the engine does not show it as a change
_MAY_HOLD_SECRETS = (["entrypoint_args"], ["runtime_config"])
PROSE = ("status_desc", "pending_reason")
"""Outputs in the words of the service. All others are facts, and a fact with a mark in it would be another one."""


class Secrecy:
    """Of the bags of inputs and outputs that one call was given. Reads them when it is made: a call may empty them."""

    def __init__(self, args: Iterable[Any] = ()) -> None:
        bags = [arg for arg in args if isinstance(arg, Mapping)]
        self.handed: Any = bags[-1].get(SECRET_INPUTS) if bags else None  # in update(id, olds, news) the news count
        self._values = [value for properties in bags for value in _secrets(properties)]
        self._redactor: Redactor | None = None

    def __call__(self, text: str) -> str:
        """The text without what is secret."""
        if self._redactor is None:
            self._redactor = Redactor(text for value in self._values for text in texts_in(value))
        return self._redactor(text)

    def kept(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs or inputs as the state keeps them: with the names of the secret ones, without secrets in prose."""
        kept = {
            key: self(value) if key in PROSE and isinstance(value, str) else value for key, value in properties.items()
        }
        return kept if self.handed is None else {**kept, SECRET_INPUTS: self.handed}


def _secrets(properties: Mapping[str, Any]) -> Iterator[Any]:
    paths = properties.get(SECRET_INPUTS)
    for path in paths if isinstance(paths, list | tuple) else _MAY_HOLD_SECRETS:
        yield _at(properties, path if isinstance(path, list | tuple) else [path])


def _at(value: Any, path: Iterable[Any]) -> Any:
    """What is at a path; where a normal form ended it earlier (a list of arguments is one text), all that is there."""
    for step in path:
        if not isinstance(value, Mapping):
            return value
        value = value.get(str(step))
    return value
