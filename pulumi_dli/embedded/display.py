"""The lines people read while an operation runs: one a step, messages under their resource, counts and outputs.

Fed with the events of events.py; prints through the callable it was given. Knows nothing of how things are done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

SYMBOLS = {
    "same": " ",
    "create": "+",
    "update": "~",
    "delete": "-",
    "replace": "+-",
    "create-replacement": "++",
    "delete-replaced": "--",
    "read": ">",
    "read-replacement": ">>",
    "refresh": "~",
    "discard": "<",
    "discard-replaced": "<<",
    "remove-pending-replace": "-",
}
VERBS = {
    "create": ("creating", "created"),
    "update": ("updating", "updated"),
    "delete": ("deleting", "deleted"),
    "create-replacement": ("creating replacement", "created replacement"),
    "delete-replaced": ("deleting original", "deleted original"),
    "discard": ("forgetting", "forgot"),
    "discard-replaced": ("forgetting original", "forgot original"),
    "read": ("reading", "read"),
    "read-replacement": ("reading for replacement", "read for replacement"),
    "refresh": ("refreshing", "refreshed"),
}
COLOURS = {"+": 32, "~": 33, "-": 31, "+-": 35, "++": 32, "--": 31, "error": 31, "warning": 33, "dim": 2, "bold": 1}
SLOW_SECONDS = 0.5
TOO_LONG = 72


class Display:
    """Turns events into lines."""

    def __init__(self, say: Callable[[str], None], *, preview: bool, diff: bool = False, colour: bool = False) -> None:
        self._say = say
        self._preview = preview
        self._diff = diff
        self._colour = colour
        self._begun = time.monotonic()
        self._status: dict[str, tuple[str, float]] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        """Print what is worth a line."""
        getattr(self, f"_on_{event['kind']}")(event)

    def _paint(self, text: str, what: str) -> str:
        code = COLOURS.get(what)
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _line(self, op: str, event: Mapping[str, Any], words: str) -> None:
        symbol = SYMBOLS.get(op, " ")
        kind = event["type"].removeprefix("pulumi-python:dynamic/").removeprefix("pulumi:pulumi:")
        label = f"{kind} {event['name']}"
        self._say(f" {self._paint(f'{symbol:<2}', symbol)} {label:<40} {words}".rstrip())

    def _on_step(self, event: dict[str, Any]) -> None:
        op, status = event["op"], event["status"]
        if event["internal"] or (op == "refresh" and event["result_op"] == "same" and status == "done"):
            return
        if status == "failed":
            self._line(op, event, self._paint(f"{VERBS.get(op, (op,))[0]} failed", "error") + self._took(event))
        elif self._preview:
            self._planned(op, status, event)
        elif op in VERBS and op != "refresh":
            if status == "started":
                self._line(op, event, self._paint(f"{VERBS[op][0]} ...", "dim"))
            else:
                self._line(op, event, VERBS[op][1] + self._took(event) + _keys(event))
            if status == "done":
                self._details(event)
        elif op == "refresh" and status == "done":
            self._drifted(event)

    def _planned(self, op: str, status: str, event: dict[str, Any]) -> None:
        if status != "done" or op == "same" or op.endswith(("-replacement", "-replaced")):
            return
        if op == "refresh":
            self._drifted(event)
            return
        self._line(op, event, op + _keys(event))
        self._details(event)

    def _drifted(self, event: dict[str, Any]) -> None:
        words = {"delete": "is gone", "update": "has drifted"}[event["result_op"]]
        self._line(event["result_op"], event, f"{words}{_keys(event)}")
        self._details(event)

    def _took(self, event: Mapping[str, Any]) -> str:
        return f" ({event['seconds']:.1f}s)"

    def _details(self, event: dict[str, Any]) -> None:
        if not self._diff:
            return
        old, new = (_leaves((event[side] or {}).get("inputs") or {}) for side in ("old", "new"))
        for key in [*old, *(key for key in new if key not in old)]:
            if key.startswith("__provider") or old.get(key) == new.get(key):
                continue
            if key not in old:
                self._say("        " + self._paint(f"+ {key}: {new[key]}", "+"))
            elif key not in new:
                self._say("        " + self._paint(f"- {key}: {old[key]}", "-"))
            else:
                self._say("        " + self._paint(f"~ {key}: {old[key]} => {new[key]}", "~"))

    def _on_diagnostic(self, event: dict[str, Any]) -> None:
        severity, urn, text = event["severity"], event["urn"], event["message"].rstrip()
        if event["ephemeral"] and not self._fresh(urn, text):
            return
        name = urn.split("::", 3)[-1] if urn else ""
        label = "" if severity == "info" else self._paint(f"{severity}: ", severity)
        first, *more = text.splitlines() or [""]
        mark = "·" if event["ephemeral"] else "|"
        self._say(f"     {mark} {name + ': ' if name else ''}{label}{first}")
        for line in more:
            self._say(f"     {mark}   {line}")

    def _fresh(self, urn: str, text: str) -> bool:
        before, at = self._status.get(urn, ("", 0.0))
        if before == text or time.monotonic() - at < SLOW_SECONDS:
            return False
        self._status[urn] = (text, time.monotonic())
        return True

    def _on_output(self, event: dict[str, Any]) -> None:
        self._say(event["line"])

    def _on_prelude(self, event: dict[str, Any]) -> None:
        self._say(self._paint(event["line"], "bold"))

    def _on_summary(self, event: dict[str, Any]) -> None:
        if event["outputs"]:
            self._say(self._paint("Outputs:", "bold"))
            width = max(map(len, event["outputs"]))
            for key in sorted(event["outputs"]):
                value = event["outputs"][key]
                shown = value if value in ("[secret]", "[unknown]") else json.dumps(value, default=str)
                self._say(f"    {key:<{width}}: {shown}")
        changes = {op: count for op, count in event["changes"].items() if op != "same"}
        words = [f"{count} to {op}" if self._preview else f"{count} {_past(op)}" for op, count in changes.items()]
        words += [f"{event['changes']['same']} unchanged"] if event["changes"].get("same") else []
        took = f"{time.monotonic() - self._begun:.1f}s"
        self._say(self._paint("Resources: ", "bold") + (", ".join(words) or "none") + f"   ({event['result']}, {took})")


def _past(op: str) -> str:
    return {"read": "read", "refresh": "refreshed"}.get(op, f"{op.removesuffix('e')}ed")


def _keys(event: Mapping[str, Any]) -> str:
    keys: dict[str, str] = {}
    for path, kind in event["diff"].items():
        key = path.replace("[", ".").split(".")[0]
        keys[key] = {"add": "+", "delete": "-"}.get(kind, "~") if path == key else "~"
    text = ",".join(f"{mark}{key}" for key, mark in keys.items())
    return f" [diff: {text}]" if text else ""


def _leaves(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for key, item in value.items():
            found |= _leaves(item, f"{path}.{key}" if path else key)
        return found
    text = json.dumps(value, default=str)
    return {path: text if len(text) <= TOO_LONG else text[:TOO_LONG] + "..."} if path else {}
