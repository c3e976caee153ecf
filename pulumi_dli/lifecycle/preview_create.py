"""What a preview says of a create: is there an object of that name already, and would it be taken over?

The lifecycles call it from `preview_create`, and judge with the same rules as the create itself (`create.py`). It
changes nothing, and says "not looked up" where the service cannot be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from pulumi_dli.errors import CancelledError, ConfigError, DliError, OwnershipError
from pulumi_dli.lifecycle.contract import DiffRequest
from pulumi_dli.lifecycle.create import Kind, would_adopt
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session

FoundT = TypeVar("FoundT")

NOT_LOOKED_UP = ", not looked up"


@dataclass(frozen=True)
class Sight(Generic[FoundT]):
    """What a look by name brought; without a session the service was not asked."""

    session: Session | None = None
    found: FoundT | None = None

    @property
    def ending(self) -> str:
        """How a line ends that says what is created."""
        return "" if self.session else NOT_LOOKED_UP


def look(request: DiffRequest, find: Callable[[Session], FoundT | None], *, needs: Collection[str]) -> Sight[FoundT]:
    """Look for an object by name.

    Args:
        needs: the inputs without which it cannot be told what would happen.
    """
    if set(needs) & set(request.unknown):
        return Sight()
    try:
        session = request.connect()
    except ConfigError:
        return Sight()  # previews work without credentials; what is wrong with the settings is said elsewhere
    if "names" in session.around.silent:
        return Sight()
    try:
        return Sight(session, find(session))
    except CancelledError:
        raise
    except DliError:
        session.around.falls_silent("names")
        return Sight()


def must_be_adoptable(
    call: OperationContext, session: Session, kind: Kind[FoundT], found: FoundT, *, adopt: bool
) -> None:
    """Refuse in the preview what the create would refuse.

    Raises:
        OwnershipError: it is somebody else's, or can never become what is declared.
    """
    try:
        would_adopt(call, session, kind, found, adopt=adopt)
        kind.must_fit(found)
    except OwnershipError as error:
        raise OwnershipError(f"is there already and not ours: {error}") from error
