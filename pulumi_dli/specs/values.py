"""Kinds of values that several resources share: tags, names, references to packages, flat maps.

Each is a pydantic annotation that normalises what a program may reasonably write to the one form that is stored and
compared.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, model_serializer

from pulumi_dli.specs.fields import Part

OWNER_TAG = "pulumi_dli_owner"
"""The tag by which a create recognises its own earlier attempt. Never part of the `tags` input."""

_TAG_TEXT = re.compile(r"^[\w .:+\-@/=]*$")


def _tags(tags: dict[str, str]) -> dict[str, str]:
    """Contract 4.1: at most 20 (one of them is ours), key up to 128, value up to 255."""
    if len(tags) > 19:
        raise ValueError("at most 19 tags (the service allows 20, and one is the provider's own)")
    for key, value in tags.items():
        if not key or len(key) > 128 or key.strip() != key or key.startswith("_sys_") or not _TAG_TEXT.match(key):
            raise ValueError(
                "a tag key has 1 to 128 letters, digits, blanks or _.:+-@, does not begin with _sys_ "
                "and does not begin or end with a blank"
            )
        if len(value) > 255 or not _TAG_TEXT.match(value):
            raise ValueError(f"the value of tag {key} has at most 255 letters, digits, blanks or _.:+-@")
        if key == OWNER_TAG:
            raise ValueError(f"the tag {OWNER_TAG} is the provider's own")
    return tags


Tags = Annotated[dict[str, str], AfterValidator(_tags)]


def whole(value: Any) -> Any:
    """Pulumi hands every number over as a float (16.0); a whole one is an int again."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def text_map(value: Any) -> Any:
    """A map of texts from any form in which people and the service write one.

    A map as it is; the JSON text or list of `{"key", "value"}` pairs that the service stores (contract 6.1); or
    lines of `key=value` as the console shows them.
    """
    if isinstance(value, str):
        stripped = value.strip()
        if stripped[:1] in ("[", "{"):
            try:
                value = json.loads(stripped)
            except ValueError as error:
                raise ValueError("is neither a map nor a JSON text") from error
        else:
            lines = [line.partition("=") for line in stripped.splitlines() if line.strip()]
            if any(not separator for _, separator, _ in lines):
                raise ValueError("is neither a map nor lines of key=value")
            return {key.strip(): text.strip() for key, _, text in lines}
    if isinstance(value, list):
        if not all(isinstance(pair, dict) and {"key", "value"} == set(pair) for pair in value):
            raise ValueError('is neither a map nor a list of {"key": …, "value": …}')
        value = {pair["key"]: pair["value"] for pair in value}
    if isinstance(value, dict):
        return {str(key): _text(item) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    """Booleans and numbers as Flink's configuration writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(whole(value))


TextMap = Annotated[dict[str, str], BeforeValidator(text_map)]


def lowered(value: str) -> str:
    return value.lower()


def one_of(*words: str) -> Any:
    """A text that is one of a few words."""

    def known(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return AfterValidator(known)


def matching(pattern: str, rule: str) -> Any:
    """A text of a form that is said in words."""
    compiled = re.compile(pattern)

    def fits(value: str) -> str:
        if not compiled.match(value):
            raise ValueError(rule)
        return value

    return AfterValidator(fits)


class PackageRef(Part):
    """A package as a job takes it: where it is, and which bytes it stands for.

    The digest is what makes new bytes under the same path restart exactly the jobs that use them.
    """

    path: str
    digest: str | None = None

    @model_serializer
    def _plain_where_possible(self) -> str | dict[str, str]:
        """A text stays the text that the program wrote, in state and previews."""
        return self.path if self.digest is None else {"path": self.path, "digest": self.digest}


def _reference(value: Any) -> Any:
    """A plain text stands for a package whose bytes nobody vouches for."""
    return value if not isinstance(value, str) else {"path": value}


def _path(reference: PackageRef) -> PackageRef:
    """Contract 5.8: `obs://bucket/key`, `group/package` or `package`."""
    path = reference.path
    if path.startswith("obs://"):
        bucket, _, key = path.removeprefix("obs://").partition("/")
        if not bucket or not key:
            raise ValueError("an OBS path reads obs://bucket/key")
    elif "://" in path or path.count("/") > 1 or path.strip("/") != path or not path:
        raise ValueError("a package is named group/package.jar, package.jar or obs://bucket/key")
    return reference


Package = Annotated[PackageRef, BeforeValidator(_reference), AfterValidator(_path)]
