"""The properties of a resource, of which a program makes only those that it reads or gives.

Each property costs a program an Output of its own with its tasks: with sixty of them a job, this was most of the time
of a large preview. So a property without a given value is made when the program first asks for it, and is then what
the SDK would have made: it holds what the engine answers, which a transform may have changed.

The SDK makes the properties in one function of its own, from the names in the inputs. It is recognised here; where it
is not (another SDK), it makes them all, and nothing but the time is lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import FrameType
from typing import Any

import pulumi
from pulumi.runtime import rpc

Resolver = Callable[..., None]

# Of the class, since an older SDK makes an Output of any attribute that is asked of an Output.
untrack: Callable[[pulumi.Output[Any]], None] | None = getattr(pulumi.Output, "_untrack", None)


class Inputs(dict[str, Any]):
    """All properties by name, for transformations too; one that is not given is None. The SDK walks the given ones."""

    def __init__(self, properties: Properties, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._properties = properties
        self._light = False

    def __iter__(self) -> Iterator[str]:
        if resolvers := _resolvers_of(sys._getframe(1)):  # who asks
            self._light = True
            self._properties.begin(resolvers[0], [name for name, value in self.items() if value is None])
        if not self._light:
            return super().__iter__()
        return iter([name for name, value in self.items() if value is not None])


def _resolvers_of(frame: FrameType) -> tuple[dict[str, Resolver]] | None:
    """The table that `rpc.transfer_properties` fills while it walks the names: who resolves which property."""
    if frame.f_code is not rpc.transfer_properties.__code__:
        return None
    resolvers = frame.f_locals.get("resolvers")
    return (resolvers,) if isinstance(resolvers, dict) else None


class Properties:
    """The properties of one resource that are not made yet."""

    def __init__(self, resource: pulumi.Resource, inputs: frozenset[str]) -> None:
        self._resource = resource
        self._inputs = inputs
        self._resolvers: dict[str, Resolver] | None = None
        self._answers: dict[str, tuple[Any, ...]] = {}

    def begin(self, resolvers: dict[str, Resolver], names: list[str]) -> None:
        """From now on, the engine's answer to each of these is kept until somebody asks for it."""
        self._resolvers = resolvers
        resolvers.update({name: partial(self._answered, name) for name in names})

    def get(self, name: str) -> pulumi.Output[Any]:
        """A property that is not made yet."""
        if self._resolvers is None:
            return pulumi.Output.from_input(None)  # a transformation looks at a resource that is not registered
        resolver = rpc.transfer_properties(self._resource, {name: None}, True)[name]
        made: pulumi.Output[Any] = vars(self._resource)[name]
        let_go(made)
        if name in self._answers:
            resolver(*self._answers.pop(name))
        else:
            self._resolvers[name] = lambda *answer: resolver(*self._told(name, *answer))
        return made

    def _answered(self, name: str, *answer: Any) -> None:
        self._answers[name] = self._told(name, *answer)

    def _told(self, name: str, value: Any, known: bool, *rest: Any) -> tuple[Any, ...]:
        """An input that the engine answers without has no value, in a preview too: only the rest is unknown there."""
        return value, known or (value is None and name in self._inputs), *rest


def let_go(output: pulumi.Output[Any]) -> None:
    """Have the program not wait for this output: all of a resource come with one answer, so its urn and id stand for
    them, just as the SDK itself lets an Output go when another one is derived from it.

    At every completion the SDK's program looks anew at each Output that is still open (`wait_for_rpcs`). With thirty of
    them a job, this was three quarters of its time in a stack of 500. Where the SDK has no such way, it waits.
    """
    if untrack is not None:
        untrack(output)
