"""Versions of Flink as the rules compare them. A text that is none has no rules: the service decides at the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Version = tuple[int, ...]
AGENCY = (1, 15)  # from here on: own agencies, obs:// packages, resource_config v2


def version_of(definition: Mapping[str, Any]) -> Version | None:
    """`flink_version` as numbers; None when the job names none, and so is one of the queue's default."""
    parts = str(definition.get("flink_version") or "").split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else None


def needs_agency(definition: Mapping[str, Any]) -> bool:
    """Whether this version reaches buckets only through an agency, and the job names none (dli-api 2.4)."""
    version = version_of(definition)
    return version is not None and version >= AGENCY and not definition.get("execution_agency_urn")
