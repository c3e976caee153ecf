"""What the classes that a stack author uses have in common. Light: the program imports it, previews in pull requests
do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource, ResourceProvider

from pulumi_dli.resources.settings import warn_of_plain_secrets

# Of the class, since an older SDK makes an Output of any attribute that is asked of an Output.
_let_go: Callable[[pulumi.Output[Any]], None] | None = getattr(pulumi.Output, "_untrack", None)


SECRET_INPUTS = "__secret_inputs"  # noqa: S105 -- read by `host/secrecy.py`, which stack programs need not load
_Path = list[str]


class PackageReference(TypedDict):
    """A package as `PackageGroup.package` gives it: where it is, and which bytes it stands for."""

    path: str
    digest: NotRequired[str]


PackageInput = str | PackageReference
"""What a job takes as a package: `group.package("app.jar")`, or a path (`group/app.jar`, `app.jar`,
`obs://bucket/app.jar`).
"""


class DliResource(Resource):
    """A resource of DLI.

    Every class carries an alias of the type that a native provider will give it, so that a stack can move there and
    back without touching anything.
    """

    native_type: ClassVar[str] = ""
    facts: ClassVar[Sequence[str]] = ()
    """Outputs that are no inputs: the constructor must name them, or they never become attributes."""

    _not_given: frozenset[str] = frozenset()

    def __init__(
        self,
        provider: ResourceProvider,
        resource_name: str,
        inputs: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        warn_of_plain_secrets()
        alias = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=self.native_type)])
        # Each property costs the program an Output of its own with its tasks, in large stacks most of the time of a
        # preview. An input that is not given has no value that anybody would wait for.
        given = {name: value for name, value in inputs.items() if value is not None}
        self._not_given = frozenset(inputs.keys() - given.keys())
        props = {**dict.fromkeys(self.facts), **given, SECRET_INPUTS: _secret_inputs(given, opts)}
        super().__init__(provider, resource_name, props, pulumi.ResourceOptions.merge(alias, opts))
        _wait_for_the_resource_only(self)

    def __getattr__(self, name: str) -> pulumi.Output[None]:
        """An input that the program did not give: an Output of None, as that of any other property without a value."""
        if name in self._not_given:
            return pulumi.Output.from_input(None)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


def _secret_inputs(
    given: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> list[_Path] | pulumi.Output[list[_Path]]:
    """Which inputs are secret: the provider gets their plain values, and must not repeat them in any text.

    Where no input is an Output none can be one, and the answer costs nothing.
    """
    declared = [[name] for name in (opts.additional_secret_outputs if opts else None) or () if name in given]
    found = [(path, value) for name, value in given.items() for path, value in _outputs(value, [name])]
    if not found:
        return declared

    async def paths() -> list[_Path]:
        return declared + [path for path, value in found if await pulumi.Output.from_input(value).is_secret()]

    return pulumi.Output.from_input(paths())


def _outputs(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    """The Outputs in an input, each with the way to it; through lists only as far as their name."""
    if isinstance(value, pulumi.Output) or inspect.isawaitable(value):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _outputs(item, [*path, str(key)])
    elif isinstance(value, list | tuple):
        for item in value:
            for _, output in _outputs(item, path):
                yield path, output


def _wait_for_the_resource_only(resource: Resource) -> None:
    """Have the program wait for the resource, and not for each of its properties besides.

    At every completion the SDK's program looks anew at each Output that is still open (`wait_for_rpcs`). With thirty of
    them a job, this was three quarters of its time in a stack of 500. All of a resource come with one answer, so its
    urn and id stand for them, just as the SDK itself lets an Output go when another one is derived from it. Where the
    SDK has no such way, it waits for all of them.
    """
    for name, value in vars(resource).items():
        if _let_go is not None and isinstance(value, pulumi.Output) and name not in ("id", "urn"):
            _let_go(value)
