"""The lines people read while an operation runs: one a step, messages under their resource, counts and outputs.

Fed with the events of events.py; prints through the callable it was given. Knows nothing of how things are done.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

# Operation: its symbol, and what is said while it runs and when it has ended.
WORDS = {
    "same": (" ", "", ""),
    "create": ("+", "creating", "created"),
    "update": ("~", "updating", "updated"),
    "delete": ("-", "deleting", "deleted"),
    "replace": ("+-", "", ""),
    "create-replacement": ("++", "creating replacement", "created replacement"),
    "delete-replaced": ("--", "deleting original", "deleted original"),
    "refresh": ("~", "refreshing", ""),
    "remove-pending-replace": ("-", "", ""),
}
SLOW_SECONDS = 0.5
TOO_LONG = 72


class Display:
    """Turns events into lines."""

    def __init__(self, say: Callable[[str], None], *, preview: bool, diff: bool = False) -> None:
        self._say = say
        self._preview = preview
        self._diff = diff
        self._begun = time.monotonic()
        self._status: dict[str, tuple[str, float]] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        """Print what is worth a line."""
        getattr(self, f"_on_{event['kind']}")(event)

    def _line(self, op: str, event: Mapping[str, Any], words: str) -> None:
        kind = event["type"].removeprefix("pulumi-python:dynamic/").removeprefix("pulumi:pulumi:")
        label = f"{kind} {event['name']}"
        self._say(f" {WORDS[op][0]:<2} {label:<40} {words}".rstrip())

    def _on_step(self, event: dict[str, Any]) -> None:
        op, status = event["op"], event["status"]
        took, changes = f" ({event['seconds']:.1f}s)", _keys(event)
        if event["internal"]:
            return
        if status == "failed":
            self._line(op, event, f"{WORDS[op][1]} failed{took}")
        elif op == "refresh":
            if status == "done" and event["result_op"] != "same":
                words = "is gone" if event["result_op"] == "delete" else "has drifted"
                self._line(event["result_op"], event, words + changes)
                self._details(event)
        elif self._preview:
            if status == "done" and op != "same" and not op.endswith(("-replacement", "-replaced")):
                self._line(op, event, op + changes)
                self._details(event)
        elif WORDS[op][1]:
            self._line(op, event, f"{WORDS[op][1]} ..." if status == "started" else WORDS[op][2] + took + changes)
            if status == "done":
                self._details(event)

    def _details(self, event: dict[str, Any]) -> None:
        if not self._diff:
            return
        old, new = (_leaves((event[side] or {}).get("inputs") or {}) for side in ("old", "new"))
        for key in [*old, *(key for key in new if key not in old)]:
            if key.startswith("__provider") or old.get(key) == new.get(key):
                continue
            if key not in old:
                self._say(f"        + {key}: {new[key]}")
            elif key not in new:
                self._say(f"        - {key}: {old[key]}")
            else:
                self._say(f"        ~ {key}: {old[key]} => {new[key]}")

    def _on_diagnostic(self, event: dict[str, Any]) -> None:
        severity, urn, text = event["severity"], event["urn"], event["message"].rstrip()
        if event["ephemeral"]:
            before, at = self._status.get(urn, ("", 0.0))
            if before == text or time.monotonic() - at < SLOW_SECONDS:
                return
            self._status[urn] = (text, time.monotonic())
        name = f"{urn.split('::', 3)[-1]}: " if urn else ""
        label = "" if severity == "info" else f"{severity}: "
        first, *more = text.splitlines() or [""]
        mark = "·" if event["ephemeral"] else "|"
        for line in [f"{name}{label}{first}", *(f"  {line}" for line in more)]:
            self._say(f"     {mark} {line}")

    def _on_output(self, event: dict[str, Any]) -> None:
        self._say(event["line"])

    def _on_summary(self, event: dict[str, Any]) -> None:
        if event["outputs"]:
            self._say("Outputs:")
            width = max(map(len, event["outputs"]))
            for key in sorted(event["outputs"]):
                value = event["outputs"][key]
                shown = value if value in ("[secret]", "[unknown]") else json.dumps(value, default=str)
                self._say(f"    {key:<{width}}: {shown}")
        changes = {op: count for op, count in event["changes"].items() if op != "same"}
        words = [
            f"{count} to {op}" if self._preview else f"{count} {op.removesuffix('e')}ed"
            for op, count in changes.items()
        ]
        words += [f"{event['changes']['same']} unchanged"] if event["changes"].get("same") else []
        took = f"{time.monotonic() - self._begun:.1f}s"
        self._say(f"Resources: {', '.join(words) or 'none'}   ({event['result']}, {took})")


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
