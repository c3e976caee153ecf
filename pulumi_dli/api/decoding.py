"""How values of the wire are read and written: the one place for the reading rules (dli-api 1.2, 1.5, 6.1, 8).

The models of queues, packages and jobs are built on it. Reading never fails on a value's type: what cannot be read is
absent (None), and null, missing and "" are the same. A record without its identity is another matter: `read_record`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from pulumi_dli.errors import UnexpectedAnswerError

_CHECKPOINT_MODES = {"exactly_once": 1, "at_least_once": 2}  # dli-api 6.1: number in, word out


def is_true(value: object, *, default: bool = True) -> bool:
    """Whether the service means yes: `true`, or the text "true" in any case. Missing means `default` (dli-api 1.5)."""
    if value is None:
        return default
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def read_text(value: object) -> str | None:
    """Text, or None for null, "" and what is no text. Numbers count as text (`flink_version: 1.15`)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):  # half a surrogate pair, which JSON allows, can be neither stored nor sent
        return (value if value.isascii() else value.encode("utf-8", "replace").decode()) or None
    return str(value) if isinstance(value, int | float) else None


def read_number(value: object) -> float | None:
    """A finite number, also when it comes as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_int(value: object) -> int | None:
    """A whole number, also when it comes as text; ids and times need more than 32 bits (dli-api 1.2)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        digits = value.strip().removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= 18:
            return int(value)
    number = read_number(value)
    return int(number) if number is not None and number.is_integer() else None


def read_flag(value: object) -> bool | None:
    """True or False, also as text in any case; None when absent or neither."""
    if is_true(value, default=False):
        return True
    return False if value is False or (isinstance(value, str) and value.strip().lower() == "false") else None


def read_time(value: object) -> int | None:
    """Milliseconds since the epoch; 0 and -1 stand for "not yet" (dli-api 1.2)."""
    time = read_int(value)
    return time if time is not None and time > 0 else None


def read_texts(value: object) -> tuple[str, ...] | None:
    """A list of texts; one text may come in a list's place, as JSON or separated by commas."""
    if isinstance(value, str):
        decoded = _decoded(value)
        value = decoded if isinstance(decoded, list) else value.split(",")
    if not isinstance(value, list | tuple):
        return None
    texts = (read_text(item) for item in value)
    return tuple(text.strip() for text in texts if text and text.strip())


def read_labels(value: object) -> tuple[str, ...]:
    """Queue labels as `key=value`, whether they come as `a=1,b=2`, JSON text, an object or a list (dli-api 4.2)."""
    if isinstance(value, str):
        decoded = _decoded(value)
        value = decoded if isinstance(decoded, list | dict) else value.split(",")
    if isinstance(value, Mapping):
        value = [value]
    labels: list[str] = []
    for item in value if isinstance(value, list | tuple) else ():
        if isinstance(item, Mapping):
            pairs = read_pairs([item]) or read_pairs(item) or {}
            labels += [f"{key}={text}" for key, text in pairs.items()]
        elif text := (read_text(item) or "").strip():
            labels.append(text)
    return tuple(labels)


def read_pairs(value: object) -> dict[str, str] | None:
    """A map from an object, or from a list of `{"key", "value"}`; None when it is neither."""
    if isinstance(value, Mapping):
        return {str(key): read_text(text) or "" for key, text in value.items()}
    if not isinstance(value, list | tuple):
        return None
    pairs: dict[str, str] = {}
    for item in value:
        key = read_text(item.get("key")) if isinstance(item, Mapping) else None
        if key is None:
            return None
        pairs[key] = read_text(item.get("value")) or ""
    return pairs


def read_runtime_config(value: object) -> dict[str, str] | None:
    """Runtime settings as a map, from JSON text (pairs or object) or `key=value` lines; None when it is no such text.

    The text form is unsettled between the sources (dli-api 6.1), so all of them are read.
    """
    if not isinstance(value, str):
        return read_pairs(value)
    decoded = _decoded(value)
    if isinstance(decoded, list | dict):
        return read_pairs(decoded)
    settings: dict[str, str] = {}
    for line in filter(None, map(str.strip, value.splitlines())):
        key, separator, text = line.partition("=")
        if not separator or not key.strip():
            return None
        settings[key.strip()] = text.strip()
    return settings or None


def runtime_config_text(settings: Mapping[str, object]) -> str:
    """Runtime settings as the service takes them: the JSON text of a list of pairs (dli-api 6.1)."""
    return json.dumps(tag_list(settings), ensure_ascii=False)


def read_checkpoint_mode(value: object) -> int | None:
    """1 (exactly once) or 2 (at least once); it is sent as a number and comes back as a word (dli-api 6.9)."""
    if isinstance(value, str) and value.strip().lower() in _CHECKPOINT_MODES:
        return _CHECKPOINT_MODES[value.strip().lower()]
    mode = read_int(value)
    return mode if mode in _CHECKPOINT_MODES.values() else None


def read_status(value: object) -> str:
    """A status in upper case ("uploading" was seen, dli-api 5.2); "" when there is none."""
    return (read_text(value) or "").strip().upper()


def tag_list(tags: Mapping[str, object]) -> list[dict[str, str]]:
    """A map as the wire wants tags: `[{"key", "value"}]`."""
    return [{"key": key, "value": read_text(value) or ""} for key, value in tags.items()]


def tag_filter(tags: Mapping[str, str] | None) -> str | None:
    """A map as lists want it in their query: `k1=v1,k2=v2`."""
    return ",".join(f"{key}={value}" for key, value in tags.items()) if tags else None


def without_absent(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record without null and "": on this wire they say the same as a missing key."""
    return {str(key): value for key, value in record.items() if value is not None and value != ""}


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


Text = Annotated[str | None, BeforeValidator(read_text)]
Name = Annotated[str, BeforeValidator(read_text)]  # of a record's identity: never absent
Whole = Annotated[int, BeforeValidator(read_int)]  # likewise
Int = Annotated[int | None, BeforeValidator(read_int)]
Number = Annotated[float | None, BeforeValidator(read_number)]
Flag = Annotated[bool | None, BeforeValidator(read_flag)]
Time = Annotated[int | None, BeforeValidator(read_time)]
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: read_texts(value) or ())]
OptionalTexts = Annotated[tuple[str, ...] | None, BeforeValidator(read_texts)]
Status = Annotated[str, BeforeValidator(read_status)]


_NONE: set[str] = set()


class Record(BaseModel):
    """Base of what the service reports: frozen, unknown fields ignored, null and "" taken for missing."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        return without_absent(value) if isinstance(value, Mapping) else value

    def model_post_init(self, _context: object) -> None:
        """Forget which fields came: the sets of their names are most of the weight of a record, and are not used."""
        object.__setattr__(self, "__pydantic_fields_set__", _NONE)


R = TypeVar("R", bound=Record)


def read_record(model: type[R], value: object, what: str) -> R:
    """One record of an answer.

    Raises:
        UnexpectedAnswerError: it is no object or lacks its identity. It is never left out: a missing record would pass
            for "gone".
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        lacking = ", ".join(sorted({str(part) for detail in error.errors() for part in detail["loc"][:1]}))
        text = f"{what} that cannot be read" + (f" (field {lacking})" if lacking else "")
        raise UnexpectedAnswerError(text, status=200) from None


def read_records(model: type[R], value: object, what: str) -> tuple[R, ...]:
    """All records of a list; null and missing are an empty list."""
    if value is None or value == "":
        return ()
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise UnexpectedAnswerError(f"no list where {what} should be", status=200)
    return tuple(read_record(model, item, what) for item in value)
