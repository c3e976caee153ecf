"""What a handler gets: `Call`, the service and one request to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pulumi_dli.emulator.errors import bad_parameter
from pulumi_dli.emulator.faults import Fault
from pulumi_dli.emulator.service import Service

Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Call:
    """One authenticated request."""

    service: Service
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
            return model.model_validate(self.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise bad_parameter(f"Invalid parameter {where}: {first['msg']}.") from error

    def number(self, name: str, *, default: int) -> int:
        try:
            return int(self.query.get(name) or default)
        except ValueError as error:
            raise bad_parameter(f"Invalid parameter {name}: not a number.") from error

    def flag(self, name: str) -> bool:
        return self.query.get(name, "false").lower() == "true"
