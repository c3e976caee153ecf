"""What a resource's lifecycle promises, in the shape of Pulumi's protocol but without Pulumi.

`provider.py` translates between Pulumi's calls and these; the lifecycles of queue, package group and Flink job keep them:

- Observing (`read`) changes nothing. Every call may be repeated: create finds its own earlier attempt, update finishes what
  is missing, delete of what is gone succeeds.
- What was created but did not come up is never lost: `HalfDone` carries its id and outputs, and the next update goes on.
- "Gone" means that the service said so about this very object; "cannot tell" is raised.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


def _silent(_text: str) -> None:
    pass


@dataclass(frozen=True)
class Call:
    """One call of the engine about one resource.

    Attributes:
        urn: the resource's URN; "" when the host did not tell.
        name: the resource's name in the program; "" when the host did not tell.
        timeout_seconds: what `custom_timeouts` asks for, None when nothing was asked.
        cancelled: set when the person asked to stop; waits end early.
        progress: shows a passing line on the resource ("submitting, 3 min"); throttled by the host.
        note: says a lasting line on the resource, at most once each.
        warn: says a lasting warning on the resource, at most once each.
    """

    urn: str = ""
    name: str = ""
    timeout_seconds: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    progress: Callable[[str], None] = _silent
    note: Callable[[str], None] = _silent
    warn: Callable[[str], None] = _silent


@dataclass(frozen=True)
class Outcome:
    """A finished create: the id and the outputs."""

    id: str
    outs: Mapping[str, Any]


@dataclass(frozen=True)
class Observation:
    """What a read found. `inputs` are what the program would have to say to get what is there."""

    id: str
    outs: Mapping[str, Any]
    inputs: Mapping[str, Any]
    unhealthy: tuple[str, ...] = ()


class HalfDone(Exception):  # noqa: N818  (it is a result that travels as an exception, not an error of ours)
    """The object exists, but the call could not finish. Its id and outputs go into the state, the reasons to the user."""

    def __init__(self, id: str, outs: Mapping[str, Any], reasons: tuple[str, ...]) -> None:
        self.id = id
        self.outs = outs
        self.reasons = reasons
        super().__init__("; ".join(reasons))
