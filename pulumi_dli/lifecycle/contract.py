"""What a resource's lifecycle promises, in the shape of Pulumi's protocol but without Pulumi.

`provider.py` translates between Pulumi's calls and these; the lifecycles of queue, package group and Flink job keep
them:

- Observing (`read`) changes nothing. Every call may be repeated: create finds its own earlier attempt, update
  finishes what is missing, delete of what is gone succeeds.
- What was created but did not come up is never lost: `ResourceInitFailed` carries its id and outputs, and the next
  update goes on from there.
- "Gone" means that the service said so about this very object; "cannot tell" is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    # Not at run time: `host` imports this module in every stack program, and pydantic is heavy.
    from pulumi_dli.lifecycle.operation_context import OperationContext
    from pulumi_dli.lifecycle.session import Session
    from pulumi_dli.specs.fields import Change, CheckFailure, Spec

SpecT = TypeVar("SpecT", bound="Spec")


@dataclass(frozen=True)
class CreateResult:
    """A finished create: the id and the outputs."""

    id: str
    outs: Mapping[str, Any]


@dataclass(frozen=True)
class Observation:
    """What a read found. `inputs` are what the program would have to say to get what is there."""

    id: str
    outs: Mapping[str, Any]
    inputs: Mapping[str, Any]
    unhealthy: tuple[str, ...] = ()


class ResourceInitFailed(Exception):  # noqa: N818  (it is a result that travels as an exception, not an error of ours)
    """The object exists, but the call could not finish. Its id and outputs go into the state, the reasons to the
    user.
    """

    def __init__(self, id: str, outs: Mapping[str, Any], reasons: tuple[str, ...]) -> None:
        self.id = id
        self.outs = outs
        self.reasons = reasons
        super().__init__("; ".join(reasons))


@dataclass(frozen=True)
class DiffRequest:
    """What a preview is asked about: the state's outputs, the program's inputs, and how they differ.

    Attributes:
        id: of the resource; "" before it exists.
        olds: the outputs in the state, inputs among them; {} before it exists.
        news: the checked inputs; unknown ones are left out.
        unknown: names of inputs that are known only after the update.
        changes: the fields that differ.
        connect: gives the session, or raises ConfigError where credentials are missing; a preview works without.
    """

    id: str
    olds: Mapping[str, Any]
    news: Mapping[str, Any]
    unknown: Collection[str]
    changes: tuple[Change, ...]
    connect: Callable[[], Session]


@dataclass(frozen=True)
class DiffResult:
    """What a diff answers.

    Attributes:
        changed: None when the inputs differ (the engine then shows which), False when nothing does, True only for
            drift that the inputs do not show.
        replaces: fields that only a new object can have.
    """

    changed: bool | None
    replaces: tuple[str, ...] = ()


def diff_result(changes: Collection[Change]) -> DiffResult:
    """The answer for a resource whose changes need no further thought."""
    from pulumi_dli.specs.fields import Effect  # noqa: PLC0415  (see above)

    replaces = tuple(change.field for change in changes if change.effect is Effect.REPLACE)
    return DiffResult(None if changes else False, replaces)


class Lifecycle(Protocol[SpecT]):
    """What each kind of resource can do. One stateless object a kind; all state is in the session and the arguments."""

    @property
    def spec(self) -> type[SpecT]:
        """The fields."""

    def validate(
        self, olds: Mapping[str, Any], news: Mapping[str, Any], unknown: Collection[str]
    ) -> list[CheckFailure]:
        """What is wrong with checked inputs beyond the spec's own rules. Makes no call."""

    def holdings(self, id: str, outs: Mapping[str, Any]) -> Collection[tuple[str, str]]:
        """The objects, as kind and id, that an entry of the state holds: no other entry may delete them."""

    def names(self, news: Mapping[str, Any], unknown: Collection[str]) -> Collection[tuple[str, str, str]]:
        """The names that checked inputs give to objects, as kind, name and field: no two resources may give one."""

    def preview_create(self, call: OperationContext, request: DiffRequest) -> None:
        """Say in a line on the resource what its creation will do. Looks for what is there already, shared with others.

        Raises:
            OwnershipError: the name is taken, and the create would be refused.
        """

    def preview_update(self, call: OperationContext, request: DiffRequest) -> DiffResult:
        """What an update would do; says it in a line on the resource (`call.info`, `call.warn`).

        Raises:
            DliError: what is asked for can never be done; nothing has been touched.
        """

    def create(self, call: OperationContext, session: Session, spec: SpecT) -> CreateResult:
        """Make it, or take over one's own earlier attempt, and wait until it is up.

        Raises:
            ResourceInitFailed: it exists but is not up.
            DliError: nothing was made.
        """

    def read(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        """What is there now; None when it is gone. Changes nothing."""

    def update(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], spec: SpecT
    ) -> Mapping[str, Any]:
        """Bring it to the spec; the outputs afterwards. With equal olds and spec: observe, and finish what is missing.

        Raises:
            ResourceInitFailed: it is neither as before nor as wished.
            DliError: it is as before.
        """

    def delete(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        """Delete it; nothing to do when it is gone, a warning and nothing done when it is somebody else's."""
