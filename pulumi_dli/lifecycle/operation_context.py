"""One call of the engine about one resource: who is meant, how long it may take, and how to speak to the person.

`host` makes it; everything that waits or has something to say gets it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pulumi_dli.lifecycle.networks import DeclaredNetworks
from pulumi_dli.lifecycle.pool_sizes import DeclaredPools
from pulumi_dli.redaction import visible


def _silent(_text: str) -> None:
    pass


@dataclass(frozen=True)
class OperationContext:
    """One call of the engine about one resource.

    Attributes:
        urn: the resource's URN; "" when the host did not tell.
        name: the resource's name in the program; "" when the host did not tell.
        timeout_seconds: what `custom_timeouts` asks for, None when nothing was asked.
        redact: takes out of a text of the service what is secret; texts that are kept in outputs go through it.
        cancelled: set when the person asked to stop; waits end early.
        status: shows a passing line on the resource ("submitting, 3 min"); throttled by the host.
        info: says a lasting line on the resource, at most once each.
        pools: the elastic resource pools and the queues in them that the program has declared so far.
        networks: the networks that it has declared so far, and which connections lead there.
        warn: says a lasting warning on the resource, at most once each.
    """

    urn: str = ""
    name: str = ""
    timeout_seconds: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    redact: Callable[[str], str] = visible
    status: Callable[[str], None] = _silent
    info: Callable[[str], None] = _silent
    warn: Callable[[str], None] = _silent
    pools: DeclaredPools = field(default_factory=DeclaredPools)
    networks: DeclaredNetworks = field(default_factory=DeclaredNetworks)
