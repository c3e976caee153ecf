"""What the classes that a stack author uses have in common. Light: the program imports it, previews in pull requests
do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource, ResourceProvider

from pulumi_dli.resources import checks
from pulumi_dli.resources.properties import Inputs, Properties, let_go
from pulumi_dli.resources.secret_inputs import SECRET_INPUTS, secret_inputs
from pulumi_dli.resources.settings import warn_of_plain_secrets
from pulumi_dli.specs.shapes import Shape


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
    spec: ClassVar[str] = ""
    """Where the fields are declared, as `module:class`."""
    shapes: ClassVar[Mapping[str, Shape]] = {}
    """The inputs, each with what a value of it looks like."""
    required: ClassVar[Sequence[str]] = ()
    named: ClassVar[str] = ""
    """The input that is the resource's name when not given."""
    computed_outputs: ClassVar[Sequence[str]] = ()
    """Outputs that are no inputs."""

    if not TYPE_CHECKING:  # a type checker reads the signature and the attributes instead

        def __new__(cls, *args: Any, **given: Any) -> Any:
            owner = next(parent for parent in cls.__mro__ if "__init__" in vars(parent))
            if "shapes" in vars(owner):  # a program's own subclass has a constructor of its own
                checks.names(owner, args, given)
            return super().__new__(cls)

        def __getattr__(self, name: str) -> Any:
            """A property that the program did not give, made when it is first asked for."""
            properties = vars(self).get("_properties")
            if properties is not None and (name in self.shapes or name in self.computed_outputs):
                return properties.get(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __init__(
        self,
        provider: ResourceProvider,
        resource_name: str,
        inputs: dict[str, Any],
        opts: pulumi.ResourceOptions | None,
    ) -> None:
        warn_of_plain_secrets()
        checks.options(type(self), resource_name, opts)
        if self.named and inputs[self.named] is None:
            inputs[self.named] = resource_name
        checks.values(type(self), resource_name, inputs)
        inputs = self._completed(inputs)
        checks.rules(type(self), resource_name, inputs)
        self._properties = Properties(self, frozenset(inputs))
        secret = {SECRET_INPUTS: secret_inputs(inputs, opts)}
        props = Inputs(self._properties, {**dict.fromkeys(self.computed_outputs), **inputs, **secret})
        alias = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=self.native_type)])
        super().__init__(provider, resource_name, props, pulumi.ResourceOptions.merge(alias, opts))
        for name, value in vars(self).items():
            if isinstance(value, pulumi.Output) and name not in ("id", "urn"):
                let_go(value)

    def _completed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs with what the class finds out by itself."""
        return inputs
