"""The timeline: what happened to which resource, as typed events. It is kept in the data file.

An event has a type and facts, which the console and tests read, and a text for people, which no program parses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pulumi_dli.emulator.core.store import Store, Table

TIMELINE_LENGTH = 5_000


class EventType(StrEnum):
    """What kind of thing an event was; behind it the facts that come along."""

    CREATED = "created"
    UPDATED = "updated"  # fields
    DELETED = "deleted"
    UPLOADED = "uploaded"
    SCALING = "scaling"  # before, ordered
    SCALED = "scaled"  # cu_count
    STATUS = "status"  # before, after, description
    RUN = "run"  # savepoint_path, if it starts with state
    STOP = "stop"  # with_savepoint
    SAVEPOINT_REQUESTED = "savepoint_requested"
    SAVEPOINT_MADE = "savepoint_made"  # savepoint_path
    SAVEPOINT_IMPORTED = "savepoint_imported"  # savepoint_path
    FAULT = "fault"  # effect
    STARTED = "started"  # the local DLI itself, again
    KILLED = "killed"
    NOTE = "note"


@dataclass
class Event:
    """One thing that happened to a resource."""

    seq: int
    at: float
    kind: str  # job, queue, …
    subject: str
    text: str
    type: str = EventType.NOTE
    facts: dict[str, Any] = field(default_factory=dict)


class Timeline:
    """What happened, oldest first; bounded."""

    def __init__(self, store: Store) -> None:
        self._table: Table[Event] = Table(store, "timeline", Event)
        self._events = deque(sorted(self._table.rows.values(), key=lambda event: event.seq))
        self._next = self._events[-1].seq + 1 if self._events else 1

    def add(
        self, event_type: EventType, kind: str, subject: str, *, at: float, text: str, facts: Mapping[str, Any]
    ) -> None:
        event = Event(self._next, at, kind, subject, text, event_type, dict(facts))
        self._next += 1
        self._events.append(event)
        self._table.save(str(event.seq), event)
        while len(self._events) > TIMELINE_LENGTH:
            self._table.drop(str(self._events.popleft().seq))

    def events(self, *, since: int = 0, subject: str | None = None) -> Iterable[Event]:
        return [event for event in self._events if event.seq > since and subject in (None, event.subject)]
