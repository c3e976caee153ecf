"""Every resource by name with its spec: whatever module of this package declares one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from pulumi_dli import specs
from pulumi_dli.specs.fields import Spec


@cache
def catalogue() -> dict[str, type[Spec]]:
    """The specs by the names of their resources, in alphabetical order."""
    found: dict[str, type[Spec]] = {}
    for module in pkgutil.iter_modules(specs.__path__):
        if module.name not in ("generate", "reference"):  # commands, not fields
            found |= _declared(importlib.import_module(f"{specs.__name__}.{module.name}"))
    return dict(sorted(found.items()))


def _declared(module: object) -> dict[str, type[Spec]]:
    specs_of = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Spec)]
    return {spec.declaration.name: spec for spec in specs_of if "declaration" in vars(spec)}
