"""The checks of settings and tools. They make no call."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from pulumi_dli.config import SECRET_SETTINGS, origins, unknown_settings
from pulumi_dli.connection import AccessKey, Password
from pulumi_dli.doctor.case import Case
from pulumi_dli.doctor.checks import Check, Line, fails, ok, unknown, warning
from pulumi_dli.errors import ConfigError

_HIDDEN = {*SECRET_SETTINGS, "accessKey", "userName"}
_LEAST = (3, 216)  # as in pyproject.toml: ReadResult.inputs, without which drift is invisible in previews
_SECONDS = 30.0
_INSTALL = "install it: https://www.pulumi.com/docs/install"


def connection(case: Case) -> Iterator[Line]:
    """Whether the settings make up a connection."""
    try:
        made = case.connection
    except ConfigError as error:
        yield fails(str(error), "set what is missing, then run it again")
        return
    kinds = {AccessKey: "an access key", Password: "an IAM user"}
    yield ok(f"complete: {made.endpoint}, with {kinds.get(type(made.credentials), 'a token')}")


def sources(case: Case) -> Iterator[Line]:
    """Each setting that counts, and where it was said; a setting that is not read is a warning."""
    for text in case.told:
        yield warning(text, "see `pulumi stack ls` and `pulumi config`")
    for key, near in unknown_settings(case.stack).items():
        yield warning(f"nobody reads {key}", f"did you mean {near}?" if near else f"`pulumi config rm {key}`")
    for name in SECRET_SETTINGS:
        if case.in_clear and case.stack.get(f"dli:{name}"):
            yield warning(
                f"{name} stands in clear text in the stack's file", f"`pulumi config set --secret dli:{name}`"
            )
    for origin in origins(case.setting, case.environ):
        key = f"dli:{origin.name}"
        place = "an option" if case.given.get(key) else origin.place
        hidden = origin.name in _HIDDEN or not case.complete  # a broken address may hold a password
        yield ok(f"{origin.name} {'' if hidden else f'= {origin.value}, '}from {place}")


def tools(case: Case) -> Iterator[Line]:
    """Python, the SDK of Pulumi and its CLI."""
    yield ok(f"Python {sys.version.split()[0]}")
    sdk = metadata.version("pulumi")
    least = ".".join(map(str, _LEAST))
    if _numbers(sdk) >= _LEAST:
        yield ok(f"Pulumi SDK {sdk}")
    else:
        yield fails(f"Pulumi SDK {sdk} is older than {least}", "pip install --upgrade pulumi")
    cli = shutil.which("pulumi", path=case.environ.get("PATH"))
    if cli is None and case.complete and case.connection.is_loopback:
        yield warning("there is no Pulumi CLI on PATH; the embedded engine serves a local DLI without", _INSTALL)
    elif cli is None:
        yield fails("there is no Pulumi CLI on PATH", _INSTALL)
    else:
        yield _version_of(cli, least)


def _version_of(cli: str, least: str) -> Line:
    try:
        told = subprocess.run(  # noqa: S603 - the person's own CLI
            [cli, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=True
        ).stdout.strip()
    except (subprocess.SubprocessError, OSError) as error:
        return unknown(f"`pulumi version` gave no answer ({type(error).__name__})", _INSTALL)
    if not _numbers(told):
        return unknown("`pulumi version` gave an answer without a version", _INSTALL)
    if _numbers(told) < _LEAST:
        return warning(f"Pulumi CLI {told} is older than {least}, which this package is tested from", _INSTALL)
    return ok(f"Pulumi CLI {told}")


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()


CHECKS = (
    Check("connection", connection),
    Check("settings", sources),
    Check("tools", tools),
)
