"""What all calls of one host process share. The engine starts one process for each provider and phase.

This is the package's one object that lives as long as the process: the SDK makes provider objects itself, from a
string, and gives them nothing to hold on to.
"""

from __future__ import annotations

import threading

from pulumi_dli.host.bridge import engine_address
from pulumi_dli.host.masking import Mask
from pulumi_dli.host.messages import Engine, Messages


class HostProcess:
    """The cancel event, the words to mask, the hints and the way to the engine of this process."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.mask = Mask()
        self.messages = Messages(Engine(engine_address()), self.mask, lambda: tuple(self._hints))
        self.hooked_cancel = False
        self.lock = threading.Lock()
        self._hints: dict[str, None] = {}

    def hint(self, text: str) -> None:
        """Remember what this host does not allow; the first resource that says anything says this too."""
        self._hints.setdefault(text)

    @property
    def hints(self) -> tuple[str, ...]:
        return tuple(self._hints)


THIS_PROCESS = HostProcess()
