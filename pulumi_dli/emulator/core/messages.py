"""What goes over the wire: `Body` of a request, `Reply` of a call, `ControlBody` of a control call. It owns no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """A request body: JSON types as they are, unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class ControlBody(BaseModel):
    """A body of a control call: JSON types as they are, finite numbers, nothing unknown."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def read(model: type[Model], body: Any) -> Model:
    """The body as a model; `ValueError` names the first field at fault, never its value."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise ValueError(f"Invalid parameter {where}: {first['msg']}.") from error


@dataclass
class Reply:
    """What goes back; `body=None` is an empty body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/json"
