"""Lines on a resource, through the engine's own Log call.

Built by `process.py`, used through the `OperationContext` of `calls.py`.

A passing line ("submitting, 3 min") is live text on a terminal, but a line of its own in a CI log, and a host cannot
know which: so the first is shown two seconds into the call, then at most one every ten seconds, and never the same
twice running. Notes and warnings are said once for each resource and process (the engine runs one process a phase).

Without an engine to tell, notes and warnings go to stderr, where the CLI shows them under the stack; passing lines
are dropped. A message that cannot be delivered never fails the call that said it.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Any

import grpc

from pulumi_dli.clock import SYSTEM_CLOCK, Clock

FIRST_PROGRESS_SECONDS = 2.0
PROGRESS_INTERVAL_SECONDS = 10.0
_LOG_TIMEOUT_SECONDS = 5.0


class Severity(IntEnum):
    """The engine's own numbers. ERROR is left out: it marks the whole update as failed although the state is saved."""

    DEBUG = 0
    INFO = 1
    WARNING = 2


class Throttle:
    """Decides which passing lines of one call are shown."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._next = clock.now() + FIRST_PROGRESS_SECONDS
        self._shown = ""

    def admits(self, text: str) -> bool:
        now = self._clock.now()
        if now < self._next or text == self._shown:
            return False
        self._next = now + PROGRESS_INTERVAL_SECONDS
        self._shown = text
        return True


class Engine:
    """The engine's Log service at `address`; connects when first used."""

    def __init__(self, address: str | None) -> None:
        self._address = address
        self._stub: Any = None
        self._lock = threading.Lock()

    def log(self, text: str, *, urn: str, severity: Severity, ephemeral: bool) -> bool:
        """Show `text` on the resource. False when there is no engine, or it does not listen any more."""
        if self._address is None or not urn:
            return False
        try:
            from pulumi.runtime.proto import engine_pb2  # noqa: PLC0415  (only where something is said)

            line: Any = engine_pb2.LogRequest(message=text, urn=urn, ephemeral=ephemeral)
            line.severity = severity.value
            self._connected(self._address).Log(line, timeout=_LOG_TIMEOUT_SECONDS)
        except (ImportError, AttributeError, ValueError, grpc.RpcError):
            return False
        return True

    def _connected(self, address: str) -> Any:
        from pulumi.runtime.proto import engine_pb2_grpc  # noqa: PLC0415

        with self._lock:
            if self._stub is None:
                self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
            return self._stub


class Messages:
    """What this process tells people, masked and without repetitions."""

    def __init__(self, engine: Engine, mask: Callable[[str], str], hints: Callable[[], tuple[str, ...]]) -> None:
        self._engine = engine
        self._mask = mask
        self._hints = hints
        self._said: set[tuple[Hashable, Severity, str]] = set()
        self._lock = threading.Lock()

    def progress(self, text: str, *, urn: str, throttle: Throttle) -> None:
        if throttle.admits(text):
            self._say_hints(urn)
            self._engine.log(self._mask(text), urn=urn, severity=Severity.INFO, ephemeral=True)

    def say(self, text: str, *, urn: str, about: Hashable, severity: Severity) -> None:
        """Say a lasting line once. `about` is what it is said about: the URN, or the call where there is no URN.

        The line begins with the resource's name: in a diff, or where errors go apart, nothing else tells whose it is.
        """
        self._say_hints(urn)
        name = urn.rpartition("::")[2]
        text = f"{name}: {text}" if name else text
        if self._is_new(about, severity, text):
            self._deliver(text, urn=urn, severity=severity)

    def debug(self, text: str, *, urn: str) -> None:
        """For `--debug` only; dropped where there is no engine."""
        self._engine.log(self._mask(text), urn=urn, severity=Severity.DEBUG, ephemeral=False)

    def _say_hints(self, urn: str) -> None:
        for hint in self._hints():
            if self._is_new("", Severity.WARNING, hint):
                self._deliver(hint, urn=urn, severity=Severity.WARNING)

    def _deliver(self, text: str, *, urn: str, severity: Severity) -> None:
        text = self._mask(text)
        if not self._engine.log(text, urn=urn, severity=severity, ephemeral=False):
            # The CLI may be gone, and its end of the pipe with it: no reason to lose what the call is doing.
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(f"{severity.name.lower()}: {text}\n")
                sys.stderr.flush()

    def _is_new(self, about: Hashable, severity: Severity, text: str) -> bool:
        with self._lock:
            known = len(self._said)
            self._said.add((about, severity, text))
            return len(self._said) > known
