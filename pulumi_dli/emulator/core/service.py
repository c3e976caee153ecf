"""How a service says what it offers: its calls, what a person at its console does, what can be tagged.

Each service folder has one `SERVICE` in its `routes.py`; `services.py` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.messages import Reply

Act = Callable[[Core, Mapping[str, Any]], Mapping[str, Any]]
"""What a person does at the console: takes the body of the control call, returns the answer."""


@dataclass(frozen=True)
class Operation:
    """One call of the service. The name is that of the journal and of scripted faults."""

    name: str
    method: str
    path: str
    handler: Callable[[Call], Reply]
    feature: str = ""  # the quirk that unpublishes it
    reads: bool = False  # a POST that changes nothing


@dataclass(frozen=True)
class TaggedType:
    """A resource type that the tag calls know."""

    name: str
    find: Callable[[Core, str, str], str | None]  # project, id in the path → id under which its tags are kept
    name_of: Callable[[Core, str, str], str]  # project, kept id → resource_name of an answer
    shown_id: Callable[[Core, str, str], str] = lambda _core, _project_id, kept: kept  # … → resource_id of an answer


@dataclass(frozen=True)
class Service:
    """All that one service offers."""

    name: str
    operations: tuple[Operation, ...]
    records: tuple[type[Any], ...] = ()
    acts: Mapping[str, Act] = field(default_factory=dict)
    tagged: TaggedType | None = None
