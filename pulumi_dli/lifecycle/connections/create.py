"""How a datasource connection comes into being, as `lifecycle/create.py` asks it.

Names of connections may repeat, as far as the documents say (dli-api 13.1). So a create looks for its name first, and
one whose answer was lost is looked for as long as it may be on its way.
"""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_dli.api.datasource_connections import DatasourceConnection
from pulumi_dli.errors import ConflictError, DliError, OwnershipError, UnknownOutcomeError
from pulumi_dli.lifecycle.coalescing.waiting import Silence
from pulumi_dli.lifecycle.connections import surroundings
from pulumi_dli.lifecycle.connections.mapping import create_body, incompatibilities, unlike
from pulumi_dli.lifecycle.connections.waits import CHANGE_SECONDS, ConnectionWait
from pulumi_dli.lifecycle.create import Existing
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import CONNECTION_TAGS, Session
from pulumi_dli.lifecycle.tagging import TaggedObject
from pulumi_dli.specs.datasource_connection import DatasourceConnectionSpec
from pulumi_dli.specs.values import OWNER_TAG

KIND = "datasource_connection"
LATE_SECONDS = 60.0  # service time for which a create may be on its way whose answer was lost


def tagged_connection(id: str, name: str) -> TaggedObject:
    """The connection as the tag calls know it (dli-api 4.7)."""
    return TaggedObject(CONNECTION_TAGS, (id,), f"datasource connection {name}")


class ConnectionCreation:
    """See `lifecycle.create.Creation`."""

    kind = KIND
    create_seconds = CHANGE_SECONDS

    def __init__(
        self, call: OperationContext, session: Session, spec: DatasourceConnectionSpec, wait: ConnectionWait
    ) -> None:
        self._call = call
        self._session = session
        self._spec = spec
        self._wait = wait
        self._name = str(spec.name)

    def post(self, owner: str) -> str:
        if self.find() is not None:
            raise self._taken()
        ends = surroundings.ends(self._session, self._spec.inputs)
        surroundings.must_not_overlap(self._session, self._spec.inputs, ends)
        self._wait.old_enough(ends)
        try:
            return self._session.client.datasource_connections.create(create_body(self._spec, ends, owner))
        except UnknownOutcomeError:
            self._session.wrote()
            if self._comes():
                raise self._taken() from None
            raise

    def find(self) -> DatasourceConnection | None:
        """The connection of exactly this name; of several, the one that the state or our tag says is ours."""
        rows = self._session.connections.get(not_older_than=self._session.clock.now())
        found = [row for row in rows if row.name == self._name]
        if len(found) < 2:
            return found[0] if found else None
        own = [row for row in found if self._is_own(row)]
        if len(own) == 1:
            return own[0]
        ids = ", ".join(row.id for row in found)
        raise OwnershipError(
            f"there are {len(found)} datasource connections named {self._name} ({ids}): import the one to be managed "
            "by its id (`pulumi-dli import --connection ID`), delete what is too many, or choose another name"
        )

    def _is_own(self, row: DatasourceConnection) -> bool:
        owner = self._session.owner_of(self._call.urn)
        if self._session.claims.of_entry(KIND, row.id, urn=self._call.urn) is not None:
            return True
        return bool(owner) and self.is_listed_with(row, {OWNER_TAG: owner})

    def unseen(self) -> DliError:
        return DliError(
            f"datasource connection {self._name}: the service says that it exists already, but does not show it; "
            "try again"
        )

    def existing(self, found: DatasourceConnection) -> Existing:
        return Existing(
            id=found.id,
            said=f"a datasource connection named {self._name} exists already (id {found.id})",
            tagged=tagged_connection(found.id, self._name),
            created=found.create_time,
        )

    def differences(self, found: DatasourceConnection) -> list[str]:
        return unlike(self._spec, found, surroundings.ends(self._session, self._spec.inputs))

    def is_listed_with(self, found: DatasourceConnection, tags: Mapping[str, str]) -> bool:
        """The list has a filter for tags (dli_02_0190)."""
        return any(row.id == found.id for row in self._session.client.datasource_connections.list(tags=tags))

    def must_fit(self, found: DatasourceConnection) -> None:
        if wrong := incompatibilities(self._spec, found):
            raise OwnershipError(
                f"the existing datasource connection {self._name} (id {found.id}) cannot be taken over: "
                f"{'; '.join(wrong)}: declare it as it is, or choose another name"
            )

    def _taken(self) -> ConflictError:
        return ConflictError(f"a datasource connection named {self._name} exists already", status=200)

    def _comes(self) -> bool:
        """Whether what was asked for shows up after all."""
        silence, backoff = Silence(self._session.service_now, seconds=LATE_SECONDS), self._session.backoff()
        while self.find() is None:
            if silence.lasts() or self._wait.deadline.passed:
                return False
            self._call.status("the answer to its create was lost: looks whether it is there")
            self._session.clock.wait(self._call.cancelled, backoff.pause())
            if self._call.cancelled.is_set():
                return False
        return True
