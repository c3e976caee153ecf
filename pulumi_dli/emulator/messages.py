"""What goes over the wire: `Body` of a request, `Reply` of a call. Shared by all rule modules; owns no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request body: JSON types as they are, unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


@dataclass
class Reply:
    """What goes back; `body=None` is an empty body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/json"
