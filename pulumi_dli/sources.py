"""The settings by their names, and the places that they are read from. `config.py` makes a connection of them.

Names follow what people already have: `dli:*` in stack config, `OS_*` and clouds.yaml of OpenStack tools, `HW_*` of the
Huawei Cloud tools. Besides the stack at most one source is read, and none when the stack lacks nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli.clouds import cloud_values
from pulumi_dli.errors import ConfigError, MissingSettingError
from pulumi_dli.regions import region_of_project


@dataclass(frozen=True)
class _Setting:
    """One setting: its environment names in the two families of tools, and whether its value is a secret."""

    openstack: tuple[str, ...] = ()
    huawei: tuple[str, ...] = ()
    secret: bool = False


_SETTINGS: Mapping[str, _Setting] = {
    "region": _Setting(("OS_REGION_NAME",), ("HW_REGION_NAME",)),
    "projectId": _Setting(("OS_PROJECT_ID", "OS_TENANT_ID"), ("HW_PROJECT_ID",)),
    "projectName": _Setting(("OS_PROJECT_NAME", "OS_TENANT_NAME"), ("HW_PROJECT_NAME",)),
    "accessKey": _Setting(("OS_ACCESS_KEY",), ("HW_ACCESS_KEY",)),
    "secretKey": _Setting(("OS_SECRET_KEY",), ("HW_SECRET_KEY",), secret=True),
    "securityToken": _Setting(("OS_SECURITY_TOKEN",), ("HW_SECURITY_TOKEN",), secret=True),
    "userName": _Setting(("OS_USERNAME",), ("HW_USER_NAME",)),
    "password": _Setting(("OS_PASSWORD",), ("HW_USER_PASSWORD",), secret=True),
    "domainName": _Setting(("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME"), ("HW_DOMAIN_NAME",)),
    "domainId": _Setting(("OS_USER_DOMAIN_ID", "OS_DOMAIN_ID"), ("HW_DOMAIN_ID",)),
    "token": _Setting(("OS_TOKEN", "OS_AUTH_TOKEN"), secret=True),
    "authUrl": _Setting(("OS_AUTH_URL",), ("HW_AUTH_URL",)),
    "endpoint": _Setting(("DLI_ENDPOINT",)),
    "obsEndpoint": _Setting(),
    "caBundle": _Setting(("OS_CACERT",)),
    "insecure": _Setting(),
    "connectTimeout": _Setting(),
    "readTimeout": _Setting(),
    "pollSeconds": _Setting(),
    "maxConcurrency": _Setting(),
    "cloud": _Setting(("OS_CLOUD",)),
    "owner": _Setting(),
}

SETTINGS = tuple(_SETTINGS)
"""Names of all settings, without the namespace `dli:`."""

SECRET_SETTINGS = tuple(name for name, setting in _SETTINGS.items() if setting.secret)
"""Names of the settings whose values must never be shown."""

# A kind of credential: what begins it, what completes it, in the order of preference. Of names joined by a blank, one
# is enough.
KINDS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("token",), ("token",)),
    (("accessKey", "secretKey"), ("accessKey", "secretKey")),
    (("userName", "password"), ("userName", "password", "domainName domainId")),
)
CREDENTIAL = tuple(name for begins, _ in KINDS for name in begins)
PLACE = ("region", "endpoint")
PROJECT = ("projectId", "projectName")


@dataclass(frozen=True)
class Source:
    """One place that settings come from; `values` holds what is set there, by config key."""

    place: str
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    domain: str | None = None  # HW_CLOUD: under which the cloud's addresses lie

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def has(self, names: Iterable[str]) -> bool:
        return any(self.values.get(name) for name in names)


def unknown_settings(keys: Iterable[str]) -> dict[str, str | None]:
    """Those of `keys` in the namespace `dli` that no setting has, each with the nearest known name (or None)."""
    unknown: dict[str, str | None] = {}
    by_lower = {name.lower(): name for name in _SETTINGS}
    for key in keys:
        namespace, _, name = key.partition(":")
        if namespace != "dli" or name in _SETTINGS:
            continue
        near = difflib.get_close_matches(name.lower().replace("_", "").replace("-", ""), by_lower, n=1)
        unknown[key] = f"dli:{by_lower[near[0]]}" if near else None
    return unknown


def stack_source(config: Callable[[str], Any]) -> Source:
    """What the stack says, its `dli:` settings or those of an explicit provider."""
    return Source("the stack config", _present({key: config(f"dli:{key}") for key in _SETTINGS}))


def outside_source(stack: Source, environ: Mapping[str, str]) -> Source:
    """The one source besides the stack: the cloud that is named, else the first of `OS_*`, `HW_*` that has what the
    stack lacks. None is read when the stack lacks nothing.
    """
    named = stack.get("cloud")
    lacking = _lacking(stack)
    cloud = named or (environ.get("OS_CLOUD", "").strip() if lacking else "")
    if cloud:
        values = cloud_values(cloud, environ, stack.get("region"), must_have=bool(named))
        return Source(f"the cloud {cloud!r} of clouds.yaml", _present(values))
    families = (_openstack(environ), _huawei(environ)) if lacking else ()
    found = (source for names in lacking for source in families if source.has(names))
    return next(found, Source("the environment"))


def _openstack(environ: Mapping[str, str]) -> Source:
    values = {key: _first_of(environ, setting.openstack) for key, setting in _SETTINGS.items() if key != "cloud"}
    return Source("the environment (OS_*)", _present(values))


def _huawei(environ: Mapping[str, str]) -> Source:
    values = {key: _first_of(environ, setting.huawei) for key, setting in _SETTINGS.items()}
    return Source("the environment (HW_*)", _present(values), environ.get("HW_CLOUD", "").strip() or None)


def _lacking(stack: Source) -> list[tuple[str, ...]]:
    """What a connection needs and the stack does not begin to say, the most telling first."""
    region = stack.has(PLACE) or region_of_project(stack.get("projectName"))
    scoped = stack.has(("projectId",)) or (stack.has(("userName",)) and (stack.has(PROJECT) or stack.has(("region",))))
    needs = ((stack.has(CREDENTIAL), CREDENTIAL), (region, (*PLACE, "projectName")), (scoped, PROJECT))
    return [names for there, names in needs if not there]


def _present(values: Mapping[str, Any]) -> dict[str, str]:
    texts = {key: _text(key, value) for key, value in values.items() if value is not None}
    return {key: text for key, text in texts.items() if text}


def _text(key: str, value: object) -> str:
    """A value as text; blanks around it (a newline after a pasted secret) never mean anything."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise ConfigError(f"dli:{key} must be a text, a number or a boolean, not {type(value).__name__}.")
    text = str(value).strip()
    if not text.isprintable():
        raise ConfigError(f"dli:{key} holds a line break or another control character.")
    return text


def _first_of(environ: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((environ[name] for name in names if environ.get(name, "").strip()), None)


def missing(key: str, meaning: str) -> MissingSettingError:
    """The error of a setting that no source has."""
    text = f"The setting dli:{key} is missing: {meaning}. Set it with {places(key)}."
    return MissingSettingError(text, setting=f"dli:{key}")


def places(key: str) -> str:
    setting = _SETTINGS[key]
    command = f"`pulumi config set {'--secret ' if setting.secret else ''}dli:{key} <value>`"
    names = [*setting.openstack, *setting.huawei]
    return f"{command} or the environment variable {' or '.join(names)}" if names else command
