"""What all calls of one host process share. The engine starts one process for each provider and phase.

This is the package's one object that lives as long as the process: the SDK makes provider objects itself, from a
string, and gives them nothing to hold on to.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from pulumi_dli.host.messages import Engine, Messages
from pulumi_dli.host.sdk_internals import engine_address
from pulumi_dli.redaction import Redactor
from pulumi_dli.threads import WorkerPool

_BRIEF_AT_A_TIME = 16  # they compute, and some of them look at the service: no more than so many requests go there
_LAST_SECONDS = 180.0  # longer than the lifecycles and their requests go on after a cancel


class HostProcess:
    """The cancel event, the words to mask, the hints and the way to the engine of this process."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.mask = Redactor()
        self.messages = Messages(Engine(engine_address()), self.mask, lambda: tuple(self._hints))
        self.short_calls = WorkerPool(_BRIEF_AT_A_TIME, "brief")
        self.wide = False
        self.light = False
        self.hooked_cancel = False
        self.watched = False
        self.lock = threading.Lock()
        self._calls = 0
        self._idle = threading.Condition()
        self._hints: dict[str, None] = {}

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """While a call is answered: the process does not leave in the middle of it."""
        with self._idle:
            self._calls += 1
        try:
            yield
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()

    def shut_down(self) -> None:
        """The engine is gone: end as after a ^C, which never leaves a stream down that can be up, then altogether."""
        self.cancelled.set()
        with self._idle:
            self._idle.wait_for(lambda: not self._calls, _LAST_SECONDS)
        os._exit(1)

    def hint(self, text: str) -> None:
        """Remember what this host does not allow; the first resource that says anything says this too."""
        self._hints.setdefault(text)

    @property
    def hints(self) -> tuple[str, ...]:
        return tuple(self._hints)


THIS_PROCESS = HostProcess()
