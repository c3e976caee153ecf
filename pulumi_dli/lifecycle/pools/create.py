"""How an elastic resource pool comes into being, as `lifecycle/create.py` asks it."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_dli.api.elastic_resource_pools import ElasticResourcePool
from pulumi_dli.errors import DliError, OwnershipError
from pulumi_dli.lifecycle.create import Existing
from pulumi_dli.lifecycle.pools.mapping import create_body, incompatibilities, unlike
from pulumi_dli.lifecycle.pools.operations import CHANGE_SECONDS, observe, tagged_pool
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.elastic_resource_pool import ElasticResourcePoolSpec

KIND = "elastic_resource_pool"


class PoolCreation:
    """See `lifecycle.create.Creation`."""

    kind = KIND
    create_seconds = CHANGE_SECONDS

    def __init__(self, session: Session, spec: ElasticResourcePoolSpec) -> None:
        self._session = session
        self._spec = spec
        self._name = str(spec.elastic_resource_pool_name).lower()

    def post(self, owner: str) -> str:
        self._session.client.elastic_resource_pools.create(create_body(self._spec, owner))
        return self._name

    def find(self) -> ElasticResourcePool | None:
        return observe(self._session, self._name, not_older_than=self._session.clock.now())

    def unseen(self) -> DliError:
        return DliError(
            f"elastic resource pool {self._name}: the service says that it exists already, but does not show it; "
            "try again"
        )

    def existing(self, found: ElasticResourcePool) -> Existing:
        said = f"an elastic resource pool named {self._name} exists already"
        return Existing(
            id=self._name,
            said=f"{said} (resource id {found.resource_id}, owner {found.owner})",
            tagged=tagged_pool(found),
            created=found.create_time,
            other_name="choose another elastic_resource_pool_name",
        )

    def differences(self, found: ElasticResourcePool) -> list[str]:
        return unlike(self._spec, found)

    def is_listed_with(self, found: ElasticResourcePool, tags: Mapping[str, str]) -> bool:
        """The list has a filter for tags (dli-api 12.2)."""
        return any(row.name == found.name for row in self._session.client.elastic_resource_pools.list(tags=tags))

    def must_fit(self, found: ElasticResourcePool) -> None:
        if wrong := incompatibilities(self._spec, found):
            raise OwnershipError(
                f"the existing elastic resource pool {self._name} (resource id {found.resource_id}) cannot be taken "
                f"over: {'; '.join(wrong)}: declare it as it is, or choose another elastic_resource_pool_name"
            )
