"""What a project may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from pulumi_dli.resources.functions.asking import Function
from pulumi_dli.resources.settings import Provider

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient


@dataclass(frozen=True)
class QuotaInfo:
    """How much of something the project may hold, and how much it does; None where the service does not tell."""

    quota: int | None
    used: int | None

    @property
    def left(self) -> int | None:
        """How much more there may be."""
        return None if self.quota is None or self.used is None else max(self.quota - self.used, 0)


def get_quotas(*, provider: Provider | None = None) -> Mapping[str, QuotaInfo]:
    """The quotas of the project by DLI's own words: `QUEUE`, `CU`, `ELASTIC_RESOURCE_POOL` and others (dli-api 3.7).

    Raises:
        RunError: the service cannot be asked, or the region does not publish them.
    """
    return _QUOTAS.now(provider)


def get_quotas_output(*, provider: Provider | None = None) -> pulumi.Output[Mapping[str, QuotaInfo]]:
    """As `get_quotas`, for a provider whose settings are outputs."""
    return _QUOTAS.later(provider)


def _quotas(client: DliClient) -> Mapping[str, QuotaInfo]:
    return {row.type: QuotaInfo(row.quota, row.used) for row in client.quotas()}


_QUOTAS = Function("dli:index:getQuotas", _quotas, QuotaInfo, key="quotas")
