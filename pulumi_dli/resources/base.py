"""What the classes that a stack author uses have in common. Light: the program imports it, previews in pull requests
do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource, ResourceProvider


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
        alias = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=self.native_type)])
        # Each property costs the program an Output of its own with its tasks, in large stacks most of the time of a
        # preview. An input that is not given has no value that anybody would wait for.
        given = {name: value for name, value in inputs.items() if value is not None}
        self._not_given = frozenset(inputs.keys() - given.keys())
        props = {**dict.fromkeys(self.facts), **given}
        super().__init__(provider, resource_name, props, pulumi.ResourceOptions.merge(alias, opts))

    def __getattr__(self, name: str) -> pulumi.Output[None]:
        """An input that the program did not give: an Output of None, as that of any other property without a value."""
        if name in self._not_given:
            return pulumi.Output.from_input(None)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
