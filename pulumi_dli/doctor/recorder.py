"""Calls whose answers are kept as they came, and how they are written down: without secrets, ids of the project, names.

A probe wants the service's own words, whatever they are: no retry, no reading of errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests
import urllib3

from pulumi_dli.api.exchange import DEFAULT_LIMITS, BoundedAdapter
from pulumi_dli.api.iam import identity_of
from pulumi_dli.api.network import route_to
from pulumi_dli.api.responses import decode, read_error
from pulumi_dli.api.transport import failure, json_bytes
from pulumi_dli.clock import SYSTEM_CLOCK
from pulumi_dli.connection import Connection
from pulumi_dli.errors import DliError
from pulumi_dli.redaction import Redactor

_PERSONS = frozenset({"owner", "user_name", "user_id", "username", "user"})
_LONGEST = 20_000  # characters of one text


@dataclass(frozen=True)
class Raw:
    """One call and what came back; `status` is 0 where nothing did, and `answer` says why."""

    method: str
    path: str
    body: Mapping[str, Any] | None
    status: int
    request_id: str = ""
    answer: Any = None

    @property
    def accepted(self) -> bool:
        """A 2xx that does not say that it failed."""
        said = self.answer.get("is_success") if isinstance(self.answer, Mapping) else None
        return 200 <= self.status < 300 and str(said).lower() != "false"

    @property
    def code(self) -> str:
        return read_error(self.answer, self.status)[0]

    def in_words(self) -> str:
        if self.accepted:
            return "accepted"
        if not self.status:
            return f"no answer: {self.answer}"
        code, text = read_error(self.answer, self.status)
        return f"refused: {self.status} {code} {text}"


@dataclass
class Recorder:
    """Sends calls of one connection; nothing is repeated."""

    connection: Connection
    project_id: str
    names: Mapping[str, str] = field(default_factory=dict)  # what stands for a name in the file

    def __post_init__(self) -> None:
        self._identity = identity_of(self.connection, SYSTEM_CLOCK)
        self._session = requests.Session()
        self._session.trust_env = not self.connection.is_loopback
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, BoundedAdapter(DEFAULT_LIMITS.most_bytes))

    def call(self, method: str, version: str, *segments: str, body: Mapping[str, Any] | None = None) -> Raw:
        """One call, whatever comes of it."""
        path = "".join(f"/{quote(segment, safe='~')}" for segment in (version, self.project_id, *segments))
        return self._sent(method, path, body)

    def jobs_named(self, name: str) -> Raw:
        """The list of jobs whose name contains this."""
        return self._sent("GET", f"/v1.0/{self.project_id}/streaming/jobs?limit=100&name={quote(name, safe='~')}", None)

    def close(self) -> None:
        self._session.close()

    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None) -> Raw:
        connection = self.connection
        try:
            response = self._session.request(
                method,
                connection.endpoint + path,
                data=None if body is None else json_bytes(body),
                headers={"Content-Type": "application/json", "X-Language": connection.language},
                auth=self._identity.auth(),
                timeout=(connection.connect_timeout_seconds, connection.read_timeout_seconds),
                allow_redirects=False,
                verify=route_to(connection.endpoint, connection).verify,
            )
        except DliError as error:
            return Raw(method, path, body, 0, answer=str(error))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Raw(method, path, body, 0, answer=str(failure(error, "the call", connection.endpoint)))
        request_id = response.headers.get("X-Request-Id", "")
        return Raw(method, path, body, response.status_code, request_id, decode(response.content))

    def written(self, raw: Raw) -> dict[str, Any]:
        """The call as it goes into a file that others read."""
        redact = Redactor(self._identity.secrets())

        def shown(text: str) -> str:
            for name, stands_for in {self.project_id: "{project_id}", **self.names}.items():
                # A whole word: a bucket may be called `b`.
                text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", stands_for, text) if name else text
            return redact(text)[:_LONGEST]

        return {
            "call": f"{raw.method} {shown(raw.path)}",
            "body": _without(raw.body, shown),
            "status": raw.status,
            "request_id": shown(raw.request_id),
            "answer": _without(raw.answer, shown),
        }


def _without(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: "{person}" if key in _PERSONS and item else _without(item, shown) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, shown) for item in value]
    return shown(value) if isinstance(value, str) else value


def as_document(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
