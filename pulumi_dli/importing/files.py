"""The file that `pulumi import --file` takes (its `inputs` and `outputs` need Pulumi CLI 3.254 or later)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider

from pulumi_dli import provider as providers
from pulumi_dli.importing.finding import Found
from pulumi_dli.importing.programs import SECRETIVE

_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def import_file(found: Iterable[Found], *, redact: bool = False) -> str:
    """The file's text. It holds what the service said, arguments and runtime settings included.

    Args:
        redact: mark those as secrets, so that the state holds them encrypted.
    """
    return json.dumps({"resources": [_entry(one, redact=redact) for one in found]}, indent=2) + "\n"


def _entry(found: Found, *, redact: bool) -> dict[str, Any]:
    made: type[ResourceProvider] = getattr(providers, f"{found.kind}Provider")
    itself = {PROVIDER_KEY: serialize_provider(made())}
    return {
        "type": f"pulumi-python:dynamic/dli:{found.kind}",
        "name": found.name,
        "id": found.id,
        "inputs": {**_sealed(found.inputs, redact=redact), **itself},
        "outputs": {**_sealed(found.outs, redact=redact), **itself},
    }


def _sealed(properties: Mapping[str, Any], *, redact: bool) -> dict[str, Any]:
    """The values; what may be secret in the form of `pulumi stack export --show-secrets`, which the CLI encrypts."""
    return {
        name: {**_SECRET, "plaintext": json.dumps(value)} if redact and name in SECRETIVE else value
        for name, value in properties.items()
    }


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)
