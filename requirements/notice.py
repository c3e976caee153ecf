"""Writes NOTICE: what the package needs at run time, all extras included, and under which licence. `make lock` runs it.

Read from what is installed in this environment, so that nobody keeps a list by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata

_HEAD = """pulumi_dli
Licensed under the Apache License, Version 2.0 (see LICENSE).

It bundles no code of others. At run time, with all its extras, it needs these packages, each under its own licence:

"""
_EXTRAS = ("clouds", "embedded", "emulator", "obs")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def canonical(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(root: str = "pulumi-dli") -> dict[str, str]:
    """The licence of each installed distribution that the package needs, by name."""
    found: dict[str, str] = {}
    waiting = list(_requirements(root, _EXTRAS))
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        found[name] = _licence(about)
        waiting += _requirements(name, ())
    return dict(sorted(found.items()))


def _requirements(name: str, extras: tuple[str, ...]) -> Iterator[str]:
    for line in metadata.requires(name) or ():
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)
        match = _NAME.match(line)
        if match and (extra is None or extra[1] in extras):
            yield canonical(match[0])


def _licence(about: metadata.PackageMetadata) -> str:
    classified = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if "License ::" in line]
    text = about.get("License-Expression") or ", ".join(classified) or about.get("License") or "see the package"
    return text.strip().splitlines()[0][:80]


if __name__ == "__main__":
    sys.stdout.write(_HEAD + "".join(f"  {name}: {licence}\n" for name, licence in needed().items()))
