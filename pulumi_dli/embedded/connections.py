"""Where the providers of a stack connect to: this engine serves the local DLI alone.

Asked by operation.py for the stack's own configuration, and by children.py for that of each provider process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.config import resolve_connection
from pulumi_dli.connection import AccessKey, is_loopback
from pulumi_dli.embedded.values import RefusedError
from pulumi_dli.errors import ConfigError

_ADDRESSES = ("dli:endpoint", "dli:authUrl", "dli:obsEndpoint")


def check_loopback(config: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Refuse a configuration that leads beyond this machine."""
    for address in _addresses(config, environ):
        if not is_loopback(address if "://" in address else f"https://{address}"):
            raise RefusedError(
                f"the embedded engine works with a local DLI on this machine only, and this stack connects to "
                f"{address}: install the Pulumi CLI (https://www.pulumi.com/docs/install/)"
            )


def _addresses(config: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    given = [str(config[key]) for key in _ADDRESSES if config.get(key)]
    try:
        found = resolve_connection(config.get, environ)
    except ConfigError:  # the provider will say what is wrong; until then its addresses are those that were given
        region = str(config.get("dli:region") or "")
        return given if config.get("dli:endpoint") or not region else [*given, f"dli.{region}"]
    iam = [] if isinstance(found.credentials, AccessKey) else [found.iam_endpoint]
    return [*given, *(address for address in (found.endpoint, found.obs_endpoint, *iam) if address)]
