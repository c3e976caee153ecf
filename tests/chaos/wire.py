"""The wire between the client and the local DLI, in this process: calls are counted, and one of them can be struck.

A kill is an exception that no code of ours could take for an error, and from then on nothing is sent any more.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import requests
from botocore.httpsession import URLLib3Session

MOST_CALLS = 2000
"""In one deployment of a handful of resources: more is a loop."""


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Strike:
    """What happens at a call: before it is sent, or when its answer is there and not yet read."""

    nth: int
    when: str
    do: Callable[[], None]


@dataclass
class Wire:
    """Counts from when it was opened.

    Attributes:
        dead: nothing is sent any more.
        endless: why a deployment counts as one that never ends.
    """

    strikes: list[Strike] = field(default_factory=list)
    calls: int = 0
    dead: bool = False
    endless: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def kill(self) -> None:
        self.dead = True
        raise Killed

    def send(self, real: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self._lock:
            if self.dead:
                raise Killed
            self.calls += 1
            number = self.calls
            if number > MOST_CALLS:
                self.endless = True
                self.kill()
            self._strike(number, "before")
        answer = real(*args, **options)
        with self._lock:
            self._strike(number, "after")
            if self.dead:
                raise Killed
        return answer

    def _strike(self, number: int, when: str) -> None:
        for strike in self.strikes:
            if (strike.nth, strike.when) == (number, when):
                strike.do()

    @contextlib.contextmanager
    def open(self) -> Iterator[Wire]:
        """All calls of `requests` and boto3 pass here meanwhile."""
        with_requests, with_boto = requests.Session.send, URLLib3Session.send
        with (
            mock.patch.object(requests.Session, "send", lambda *a, **o: self.send(with_requests, *a, **o)),
            mock.patch.object(URLLib3Session, "send", lambda *a, **o: self.send(with_boto, *a, **o)),
        ):
            yield self
