"""The output of `pulumi preview --json` (or `refresh --preview-only --json`), as far as a summary needs it.

Values of inputs stay behind here, except the few that say what a delete does and how many CUs a job takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_OURS = "pulumi-python:dynamic/dli:"
_NATIVE = "dli:index:"
_MARK = "4dabf18193072939515e22adb298388d"  # how the engine marks a value that is no plain one (secrets, assets)
_VALUE = re.compile(r" value \{.*?\} has a problem: ", re.DOTALL)  # the engine quotes what it refuses
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class UnreadablePreviewError(Exception):
    """The input is not the JSON of a preview; the text says what to pipe in."""


@dataclass(frozen=True)
class Message:
    """What the preview said about one resource; `severity` is `info`, `warning` or `error`."""

    severity: str
    text: str


@dataclass(frozen=True)
class Step:
    """One step of the preview.

    Attributes:
        op: the engine's word: `create`, `update`, `delete`, `same`, `replace`, `create-replacement`, ...
        urn: of the resource.
        old, new: what the state had and what it will have: inputs over outputs; None where there is no such side.
        fields: names of the inputs that differ, parts of nested ones included.
        retained: the program asks that a delete only forgets the object.
    """

    op: str
    urn: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    fields: tuple[str, ...] = ()
    retained: bool = False

    @property
    def type(self) -> str:
        """The resource's type as its URN has it, parents left out."""
        return self.urn.split("::")[2].rpartition("$")[2] if self.urn.count("::") >= 3 else ""

    @property
    def kind(self) -> str:
        """The class of this package (`FlinkJarJob`), "" for a resource of another provider."""
        for prefix in (_OURS, _NATIVE):
            if self.type.startswith(prefix):
                return self.type.removeprefix(prefix)
        return ""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Preview:
    """A preview.

    Attributes:
        steps: in their order.
        messages: by URN; "" for those about the whole stack.
        unchanged: how many resources do not change, also those that the CLI leaves out of the steps.
    """

    steps: tuple[Step, ...]
    messages: Mapping[str, tuple[Message, ...]]
    unchanged: int = 0


def read_preview(text: str) -> Preview:
    """The preview that the CLI printed.

    Raises:
        UnreadablePreviewError: the text is something else.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, Mapping) or not isinstance(document.get("steps"), list):
        raise UnreadablePreviewError(
            "this is not the output of a preview: use `pulumi preview --json | pulumi-dli summary`"
            + ("" if text.strip() else " (there was no input: the preview may have failed before it began)")
        )
    steps = tuple(_step(step) for step in document["steps"] if isinstance(step, Mapping) and step.get("urn"))
    messages: dict[str, tuple[Message, ...]] = {}
    for said in document.get("diagnostics") or ():
        if not isinstance(said, Mapping) or said.get("ephemeral"):
            continue
        severity, urn = str(said.get("severity") or ""), str(said.get("urn") or "")
        if severity in ("info", "warning", "error"):
            # The CLI puts "warning: " before the text of a warning, and a line's end after each.
            text = str(said.get("message") or "").strip().removeprefix(f"{severity}: ")
            message = Message(severity, _VALUE.sub(" has a problem: ", text))
            if message not in messages.get(urn, ()):
                messages[urn] = (*messages.get(urn, ()), message)
    counted = document.get("changeSummary")
    same = counted.get("same") if isinstance(counted, Mapping) else None
    return Preview(steps, messages, same if isinstance(same, int) else 0)


def _step(step: Mapping[str, Any]) -> Step:
    old, new = step.get("oldState"), step.get("newState")
    detailed = step.get("detailedDiff")
    fields = [*detailed] if isinstance(detailed, Mapping) else list(step.get("diffReasons") or ())
    fields += [field for field in step.get("replaceReasons") or () if field not in fields]
    return Step(
        op=str(step.get("op") or ""),
        urn=str(step["urn"]),
        old=_side(old),
        new=_side(new),
        fields=tuple(str(field) for field in fields if not str(field).startswith("__")),
        retained=bool(isinstance(old, Mapping) and old.get("retainOnDelete")),
    )


def _side(state: object) -> Mapping[str, Any] | None:
    if not isinstance(state, Mapping):
        return None
    outputs, inputs = (
        part if isinstance(part, Mapping) else {} for part in (state.get("outputs"), state.get("inputs"))
    )
    return {**outputs, **inputs, "id": state.get("id") or ""}


def known(value: object) -> object:
    """The value, or None where the CLI hides it (a secret) or does not know it yet."""
    if isinstance(value, Mapping) and _MARK in value:
        return None
    return None if value in ("[secret]", _UNKNOWN, "[unknown]") else value
