"""What a handler gets: `Call`, the core and one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.errors import bad_parameter
from pulumi_dli.emulator.core.faults import Fault
from pulumi_dli.emulator.core.messages import Model, read


@dataclass
class Call:
    """One authenticated request."""

    core: Core
    operation: str
    project_id: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    user: str
    fault: Fault | None = None  # a scripted fault that the handler itself must play (partial batch)

    def read(self, model: type[Model]) -> Model:
        """The body as a model, or DLI.0001 naming the first field at fault (never its value)."""
        try:
            return read(model, self.body)
        except ValueError as error:
            raise bad_parameter(str(error)) from error

    def number(self, name: str, *, default: int) -> int:
        try:
            return int(self.query.get(name) or default)
        except ValueError as error:
            raise bad_parameter(f"Invalid parameter {name}: not a number.") from error

    def flag(self, name: str) -> bool:
        return self.query.get(name, "false").lower() == "true"
