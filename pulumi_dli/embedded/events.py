"""What an operation tells: its steps and diagnostics, recorded, passed on as they come, and as lines for people.

Fed by the threads that do steps, read by operation.py for results. Knows nothing of how things are done.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from pulumi_dli.embedded.state import State, to_json
from pulumi_dli.embedded.steps import SHUT_DOWN, Step
from pulumi_dli.embedded.values import path_text, plain

OnEvent = Callable[[dict[str, Any]], None]


class Diagnostic(NamedTuple):
    """One message about a resource, or about the stack when `urn` is empty."""

    severity: str
    urn: str
    message: str
    ephemeral: bool


class Recorder:
    """Keeps what happened, and hands each event to the listeners, one at a time."""

    def __init__(self, listeners: list[OnEvent], *, counts_refreshes: bool = False) -> None:
        self.steps: list[dict[str, Any]] = []
        self.diagnostics: list[Diagnostic] = []
        self.counts: Counter[str] = Counter()
        self._listeners = listeners
        self._counts_refreshes = counts_refreshes
        self._lock = threading.RLock()  # a listener may cancel, which is told as well

    def step(self, step: Step, status: str) -> None:
        """Record that a step has started, is done or has failed."""
        event = {"kind": "step", "status": status, **describe(step)}
        with self._lock:
            if status == "done" and step.counted_as == "refresh":
                # Counted by what it found, and only where refreshing is the whole operation.
                self.counts[step.result_op] += self._counts_refreshes
            elif status == "done" and step.counted_as:
                self.counts[step.counted_as] += 1
            if status != "started":
                self.steps.append(event)
            self.tell(event)

    def diagnostic(self, severity: str, urn: str, text: str, *, ephemeral: bool = False) -> None:
        # What the SDK says when it was told that the engine takes no more: a consequence, not a reason.
        if severity == "debug" or "Resource monitor has terminated" in text or SHUT_DOWN in text:
            return
        found = Diagnostic(severity, urn, text, ephemeral)
        with self._lock:
            self.diagnostics.append(found)
            self.tell({"kind": "diagnostic", **found._asdict()})

    @property
    def saw_error(self) -> bool:
        return any(item.severity == "error" for item in self.diagnostics)

    def output(self, line: str) -> None:
        """A line that the engine, the program or a provider printed."""
        self.tell({"kind": "output", "line": line})

    def tell(self, event: dict[str, Any]) -> None:
        with self._lock:
            for listener in self._listeners:
                listener(event)


def describe(step: Step) -> dict[str, Any]:
    """A step as plain values; secrets are masked."""
    state = step.state
    return {
        "op": step.op,
        "result_op": step.result_op or step.op,
        "urn": state.urn,
        "type": state.type,
        "name": state.name,
        "internal": state.is_default_provider,
        "old": _side(step.old),
        "new": _side(step.new),
        "diff": {path_text(path): kind for path, kind in step.details.items()},
        "replace_keys": step.replaces,
        "seconds": round(step.seconds, 3),
    }


def _side(state: State | None) -> dict[str, Any] | None:
    """A state in the form that it has in the checkpoint and in the CLI's `preview --json`."""
    if state is None:
        return None
    return to_json(replace(state, inputs=plain(state.inputs, mask=True), outputs=plain(state.outputs, mask=True)))


def digest(result: Any) -> dict[str, Any]:
    """A preview in the shape of the CLI's `preview --json`."""
    hidden = ("create-replacement", "delete-replaced", "discard-replaced")
    steps = []
    for event in result.steps:
        op, drifted = event["op"], event["op"] == "refresh" and event["result_op"] != "same"
        stack = event["type"] == "pulumi:pulumi:Stack"
        if event["status"] != "done" or op in hidden or (op == "same" and not stack):
            continue
        step = {"op": event["result_op"] if drifted else op, "urn": event["urn"]}
        step |= {"provider": (event["new"] or event["old"]).get("provider")}
        step |= {"oldState": event["old"], "newState": event["new"]}
        step |= {"diffReasons": list(dict.fromkeys(path.split(".")[0].split("[")[0] for path in event["diff"]))}
        step |= {"replaceReasons": event["replace_keys"]}
        kept = {key: value for key, value in step.items() if value}
        details = {path: {"kind": kind, "inputDiff": True} for path, kind in event["diff"].items()}
        steps.append({**kept, "detailedDiff": details or None})
    said = [
        {"urn": item.urn, "message": f"{item.severity}: {item.message}", "severity": item.severity}
        for item in result.diagnostics
        if not item.ephemeral
    ]
    return {"steps": steps, "diagnostics": said, "changeSummary": result.changes}


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


class Display:
    """Turns events into lines."""

    def __init__(self, say: Callable[[str], None], *, preview: bool) -> None:
        self._say = say
        self._preview = preview
        self._begun = time.monotonic()
        self._status: dict[str, str] = {}

    def __call__(self, event: dict[str, Any]) -> None:
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
        elif self._preview:
            if status == "done" and op != "same" and not op.endswith(("-replacement", "-replaced")):
                self._line(op, event, op + changes)
        elif WORDS[op][1]:
            self._line(op, event, f"{WORDS[op][1]} ..." if status == "started" else WORDS[op][2] + took + changes)

    def _on_diagnostic(self, event: dict[str, Any]) -> None:
        severity, urn, text = event["severity"], event["urn"], event["message"].rstrip()
        if event["ephemeral"]:
            if self._status.get(urn) == text:
                return
            self._status[urn] = text
        name = f"{urn.split('::', 3)[-1]}: " if urn else ""
        label = "" if severity == "info" else f"{severity}: "
        first, *more = text.removeprefix(name).splitlines() or [""]
        mark = "·" if event["ephemeral"] else "|"
        for line in [f"{name}{label}{first}", *(f"  {line}" for line in more)]:
            self._say(f"     {mark} {line}")

    def _on_output(self, event: dict[str, Any]) -> None:
        self._say(event["line"])

    def _on_summary(self, event: dict[str, Any]) -> None:
        if event["outputs"]:
            self._say("Outputs:")
            width = max(map(len, event["outputs"]))
            for key, value in sorted(event["outputs"].items()):
                shown = value if value in ("[secret]", "[unknown]") else json.dumps(value, default=str)
                self._say(f"    {key:<{width}}: {shown}")
        words = [
            f"{count} to {op}" if self._preview else f"{count} {op.removesuffix('e')}ed"
            for op, count in event["changes"].items()
            if op != "same"
        ]
        words += [f"{event['changes']['same']} unchanged"] if "same" in event["changes"] else []
        took = f"{time.monotonic() - self._begun:.1f}s"
        self._say(f"Resources: {', '.join(words) or 'none'}   ({event['result']}, {took})")


def _keys(event: Mapping[str, Any]) -> str:
    keys: dict[str, str] = {}
    for path, kind in event["diff"].items():
        key = path.replace("[", ".").split(".")[0]
        keys[key] = {"add": "+", "delete": "-"}.get(kind, "~") if path == key else "~"
    text = ",".join(f"{mark}{key}" for key, mark in keys.items())
    return f" [diff: {text}]" if text else ""
