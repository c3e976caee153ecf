"""The journal: every call outside of `/__dli/`, for tests, benchmarks and the console. It lives in memory.

It holds no header and no credential; of request bodies, fields that may carry a user's secrets are masked.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

MASKED = frozenset({"entrypoint_args", "runtime_config", "sql_body", "password", "auth", "flink_log_config"})
JOURNAL_LENGTH = 50_000


@dataclass
class Entry:
    """One call."""

    seq: int
    time: float  # wall clock
    service_time: float
    method: str
    path: str
    query: dict[str, str]
    operation: str
    project_id: str
    ids: list[str]
    body: Any
    status: int | None = None  # None: the connection was dropped
    fault: str | None = None
    milliseconds: float = 0.0


class Journal:
    """Calls since the start or the last reset."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=JOURNAL_LENGTH)
        self.counts: Counter[str] = Counter()
        self._next = 1

    def add(self, entry: Entry) -> None:
        entry.seq = self._next
        self._next += 1
        self.entries.append(entry)
        self.counts[entry.operation] += 1

    def since(self, seq: int, operation: str | None = None) -> list[dict[str, Any]]:
        found = (e for e in self.entries if e.seq > seq and operation in (None, e.operation))
        return [asdict(entry) for entry in found]


def without_secrets(body: Any) -> Any:
    """The body with the values masked that may hold secrets."""
    if not isinstance(body, dict):
        return body if isinstance(body, list | None) else "(not JSON)"
    return {key: "(hidden)" if key in MASKED and value else value for key, value in body.items()}


def ids_in(params: dict[str, str], query: dict[str, str], body: Any) -> list[str]:
    """The resources that a call names, in its path, query or body."""
    found = [value for key, value in params.items() if key not in ("project_id", "resource_type", "key")]
    found += [query[key] for key in ("group", "name") if query.get(key)]
    if isinstance(body, dict):
        found += [str(body[key]) for key in ("queue_name", "name", "group") if isinstance(body.get(key), str)]
        job_ids = body.get("job_ids")
        found += [str(job_id) for job_id in job_ids] if isinstance(job_ids, list) else []
    return found
