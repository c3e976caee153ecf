"""What an operation tells: its steps and diagnostics, recorded, and passed on as they come.

Fed by the threads that do steps, read by run.py for results and by display.py for people.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
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
        """Record a message."""
        # What the SDK says when it was told that the engine takes no more: a consequence, not a reason.
        if severity == "debug" or "Resource monitor has terminated" in text or SHUT_DOWN in text:
            return
        found = Diagnostic(severity, urn, text, ephemeral)
        with self._lock:
            self.diagnostics.append(found)
            self.tell({"kind": "diagnostic", **found._asdict()})

    @property
    def saw_error(self) -> bool:
        """Whether an error was told."""
        return any(item.severity == "error" for item in self.diagnostics)

    def output(self, line: str) -> None:
        """A line that the engine, the program or a provider printed."""
        self.tell({"kind": "output", "line": line})

    def tell(self, event: dict[str, Any]) -> None:
        """Pass on an event."""
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
        "error": step.error,
    }


def _side(state: State | None) -> dict[str, Any] | None:
    """A state in the form that it has in the checkpoint and in the CLI's `preview --json`."""
    if state is None:
        return None
    shown = state.copied()
    shown.inputs, shown.outputs = plain(state.inputs, mask=True), plain(state.outputs, mask=True)
    return to_json(shown)


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
        sides = {"oldState": event["old"], "newState": event["new"]}
        step |= {"provider": (event["new"] or event["old"]).get("provider")}
        step |= {key: side for key, side in sides.items() if side}
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
