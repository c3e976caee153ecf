"""What a doctor looks at: the settings, what the person asked about, and each answer of the service once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pulumi_dli.api.queues import Queue, Queues
from pulumi_dli.api.responses import Request, Response
from pulumi_dli.api.retry import Idempotency, RetryPolicy
from pulumi_dli.api.transport import Transport
from pulumi_dli.clock import SYSTEM_CLOCK
from pulumi_dli.config import resolve_connection
from pulumi_dli.connection import AccessKey, Connection, Password, Token
from pulumi_dli.errors import ConfigError, DliError

POLICY = RetryPolicy(attempts=2, longest_pause_seconds=1.0, deadline_seconds=20.0, throttled_deadline_seconds=5.0)
"""A doctor answers within a minute; who deploys has more patience."""

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0


@dataclass(frozen=True)
class Read:
    """One call that only reads: the version and segments of its path (without the project), and its query."""

    version: str
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()


@dataclass
class Case:
    """One project under examination.

    Attributes:
        given: settings by options, by their full key.
        stack: settings of the stack, by their full key; `told` is what their reader had to say.
        in_clear: whether they stand in a file as they are.
        queue, agency, bucket: what the program will name, as far as the person said.
        authorize: whether the service is to be allowed to use the bucket now.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    stack: Mapping[str, Any] = field(default_factory=dict, repr=False)
    told: list[str] = field(default_factory=list)
    in_clear: bool = False
    queue: str = ""
    agency: str = ""
    bucket: str = ""
    authorize: bool = False
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    folder: Path = field(default_factory=Path.cwd)
    _answers: dict[Read, Response | DliError] = field(default_factory=dict, repr=False)

    def setting(self, key: str) -> Any:
        """A setting of options or stack by its full key; None when neither has it."""
        return self.given.get(key) or self.stack.get(key)

    @cached_property
    def connection(self) -> Connection:
        """What the settings make up, with less patience than a deployment has.

        Raises:
            ConfigError: they make up none.
        """
        full = resolve_connection(self.setting, self.environ)
        return replace(
            full,
            connect_timeout_seconds=min(full.connect_timeout_seconds, _CONNECT_SECONDS),
            read_timeout_seconds=min(full.read_timeout_seconds, _READ_SECONDS),
        )

    @cached_property
    def transport(self) -> Transport:
        return Transport(self.connection, clock=SYSTEM_CLOCK, policy=POLICY)

    @cached_property
    def queues(self) -> list[Queue]:
        return Queues(self.transport).list()

    def outcome(self, read: Read) -> Response | DliError:
        """What came of a read; asked once."""
        if read not in self._answers:
            self._answers[read] = send(self.transport, read)
        return self._answers[read]

    @property
    def complete(self) -> bool:
        """Whether the settings make up a connection."""
        try:
            return bool(self.connection)
        except ConfigError:
            return False

    def secrets(self) -> tuple[str, ...]:
        """What no line may show."""
        if not self.complete:
            return ()
        credentials = self.connection.credentials
        if isinstance(credentials, AccessKey):
            return (credentials.secret_key, credentials.security_token or "")
        return (credentials.password if isinstance(credentials, Password) else credentials.token,)

    def reach(self) -> tuple[DliError | Response, Transport]:
        """One call with a token that cannot be right: whatever answers it needs no credentials of ours."""
        stranger = replace(self.connection, credentials=Token("pulumi-dli-doctor"), project_id="0" * 32)
        transport = Transport(stranger, clock=SYSTEM_CLOCK, policy=POLICY)
        return send(transport, Read("v1.0", ("queues",))), transport


def send(transport: Transport, read: Read) -> Response | DliError:
    """The answer, or the error that it is."""
    what = f"GET {'/'.join((read.version, *read.segments))}"
    request = Request("GET", read.version, read.segments, what, Idempotency.READ, query=read.query, any_text=True)
    make: Callable[[Request], Response] = transport.send
    try:
        return make(request)
    except DliError as error:
        return error
