"""What an operation tells: its steps and diagnostics, recorded, and passed on as they come.

Fed by the doing threads, read by stack.py for the results and by display.py for people.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from pulumi_dli.embedded.state import State
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
        self.on_error: Callable[[], None] = lambda: None
        self._listeners = listeners
        self._counts_refreshes = counts_refreshes
        self._lock = threading.RLock()  # a listener may cancel, which is told as well

    def step(self, step: Step, status: str) -> None:
        event = {"kind": "step", "status": status, **describe(step)}
        with self._lock:
            if status == "done":
                self._count(step)
            if status != "started":
                self.steps.append(event)
            self._tell(event)

    def _count(self, step: Step) -> None:
        # A refresh counts by what it found, and only where refreshing is the whole operation.
        if step.op == "refresh" and step.counted_as:
            self.counts[step.result_op] += self._counts_refreshes
        elif step.counted_as:
            self.counts[step.counted_as] += 1

    def diagnostic(self, severity: str, urn: str, text: str, *, ephemeral: bool = False) -> None:
        # What the SDK says when it was told that the engine takes no more: a consequence, not a reason.
        if severity == "debug" or "Resource monitor has terminated" in text or SHUT_DOWN in text:
            return
        found = Diagnostic(severity, urn, text, ephemeral)
        with self._lock:
            self.diagnostics.append(found)
            self._tell({"kind": "diagnostic", **found._asdict()})
        if severity == "error":
            self.on_error()

    def output(self, line: str) -> None:
        """A line that the program or a provider printed."""
        with self._lock:
            self._tell({"kind": "output", "line": line})

    def tell(self, event: dict[str, Any]) -> None:
        """Pass on an event that is neither step nor diagnostic (prelude, summary)."""
        with self._lock:
            self._tell(event)

    def _tell(self, event: dict[str, Any]) -> None:
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
        "id": state.id,
        "internal": state.is_default_provider,
        "old": _side(step.old),
        "new": _side(step.new),
        "diff": {path_text(path): kind for path, kind in step.details.items()},
        "seconds": round(step.seconds, 3),
        "error": step.error,
    }


def _side(state: State | None) -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "id": state.id,
        "inputs": plain(state.inputs, mask=True),
        "outputs": plain(state.outputs, mask=True),
        "protect": state.protect,
        "init_errors": list(state.init_errors),
    }
