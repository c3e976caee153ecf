"""Kinds of values that several resources share: tags, names, references to packages, flat maps.

Each is a pydantic annotation that normalises what a program may reasonably write to the one form that is stored and
compared.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, model_serializer

from pulumi_dli.specs.fields import ValueModel
from pulumi_dli.specs.forms import DIGEST, PACKAGE_RULE, PackagePath
from pulumi_dli.specs.shapes import Settings, TagMap, Text

OWNER_TAG = "pulumi_dli_owner"
"""The tag by which a create recognises its own earlier attempt. Never part of the `tags` input."""

Tags = Annotated[dict[str, str], TagMap(own=OWNER_TAG)]
JobTags = Annotated[dict[str, str], TagMap(own=OWNER_TAG, signs="=")]


def whole(value: Any) -> Any:
    """Pulumi hands every number over as a float (16.0); a whole one is an int again."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def text_map(value: Any) -> Any:
    """A map of texts from any form in which people and the service write one.

    A map as it is; the JSON text or list of `{"key", "value"}` pairs that the service stores (dli-api 6.1); or
    lines of `key=value` as the console shows them.
    """
    if isinstance(value, str):
        value = _read(value.strip())
    if reason := Settings().problem(value):
        raise ValueError(reason)
    if isinstance(value, list | tuple):
        value = {pair["key"]: pair["value"] for pair in value}
    return {key: _text(item) for key, item in value.items()}


def _read(text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("is neither a map nor a JSON text") from None
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    if any(not separator for _, separator, _ in lines):
        raise ValueError("is neither a map nor lines of key=value")
    return {key.strip(): value.strip() for key, _, value in lines}


def _text(value: Any) -> str:
    """Booleans and numbers as Flink's configuration writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(whole(value))


TextMap = Annotated[dict[str, str], BeforeValidator(text_map), Settings()]


def lowered(value: str) -> str:
    return value.lower()


def one_of(*words: str, observed: tuple[str, ...] = ()) -> Text:
    """A text that is one of a few words; `observed` are those that only a refresh may find."""
    return Text(choices=words, observed=observed)


def matching(pattern: str, rule: str) -> Text:
    """A text of a form that is said in words."""
    return Text(pattern=pattern, rule=rule)


class PackageRef(ValueModel):
    """A package as a job takes it: where it is, and which bytes it stands for.

    The digest is what makes new bytes under the same path restart exactly the jobs that use them.
    """

    type_name: ClassVar[str] = "PackageReference"
    short: ClassVar[str] = "path"
    said: ClassVar[str] = PACKAGE_RULE

    path: Annotated[str, PackagePath()]
    digest: Annotated[str | None, DIGEST] = None

    @model_serializer
    def _plain_where_possible(self) -> str | dict[str, str]:
        """A text stays the text that the program wrote, in state and previews."""
        return self.path if self.digest is None else {"path": self.path, "digest": self.digest}


def _reference(value: Any) -> Any:
    """A plain text stands for a package without a digest."""
    return value if not isinstance(value, str) else {"path": value}


Package = Annotated[PackageRef, BeforeValidator(_reference)]
