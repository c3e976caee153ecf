"""How a function asks: with the stack's settings or a provider's, now or when its arguments are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import pulumi

from pulumi_dli.errors import DliError
from pulumi_dli.resources.settings import Provider, program_client

if TYPE_CHECKING:
    from pulumi_dli.api.client import DliClient

T = TypeVar("T")
P = ParamSpec("P")


def now(
    find: Callable[Concatenate[DliClient, P], T], provider: Provider | None, *arguments: P.args, **given: P.kwargs
) -> T:
    """What the service says to plain arguments.

    Raises:
        RunError: there is no such thing, or the service cannot be asked.
    """
    return _asked(lambda client: find(client, *arguments, **given), provider.plain_settings if provider else None)


def later(find: Callable[..., T], provider: Provider | None, **inputs: Any) -> pulumi.Output[T]:
    """As `now`, for arguments of which some are outputs."""
    settings = provider.settings if provider else pulumi.Output.from_input(None)
    return pulumi.Output.all(settings, inputs).apply(
        lambda known: _asked(lambda client: find(client, **known[1]), known[0])
    )


def _asked(ask: Callable[[DliClient], T], settings: Mapping[str, Any] | None) -> T:
    try:
        return ask(program_client(settings))
    except DliError as error:
        raise pulumi.RunError(str(error)) from None


def nothing(what: str) -> pulumi.RunError:
    """The error for a look that found nothing."""
    return pulumi.RunError(f"there is no {what}")


def fits(value: str | None, wanted: str | None) -> bool:
    """Whether a value passes a filter, in letters of any case; None lets everything pass."""
    return wanted is None or (value or "").lower() == wanted.lower()
