"""How a local DLI is started: its data, its speed, the credentials that it demands, its runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SIMULATED = "simulated"


@dataclass(frozen=True)
class Credentials:
    """What callers must present; all empty: anything well-formed will do."""

    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    project_id: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def strict(self) -> bool:
        return bool(self.access_key or self.password or self.token)


@dataclass(frozen=True)
class Settings:
    """How the local DLI is started. `data=None` keeps nothing."""

    data: Path | None = None
    speed: float = 60.0
    credentials: Credentials = field(default_factory=Credentials)
    latency_ms: float = 0.0
    patience_seconds: float = 30.0  # for a client that has begun a request and sends nothing more
    runtime: str = SIMULATED
    runtime_options: Mapping[str, str] = field(default_factory=dict)
