"""What a handler gets and gives: `Call` in, `Reply` out. Shared by all rule modules; owns no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pulumi_dli.emulator.errors import bad_parameter

if TYPE_CHECKING:
    from pulumi_dli.emulator.faults import Fault
    from pulumi_dli.emulator.service import Service

Model = TypeVar("Model", bound=BaseModel)
JOB_SUCCESS = "true"  # single Flink calls quote the flag (contract 1.5)


class Body(BaseModel):
    """A request body: JSON types as they are, unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


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


@dataclass
class Reply:
    """What goes back; `body=None` is an empty body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/json"
