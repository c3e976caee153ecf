"""Where a connection comes from: stack config first, then a cloud of clouds.yaml, then the environment.

The provider, the functions that a program calls and the command line resolve one. Names follow what people already
have: `dli:*` in stack config, `OS_*` and clouds.yaml of OpenStack tools, `HW_*` of the Huawei Cloud tools. A credential
is taken whole from one place: halves of two places never meet, and a password goes only to the IAM address named beside
it, or to the region's own.

It must stay light to import (stdlib only; yaml is loaded when a cloud is named) and must never print or log a value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulumi_dli.backend import backend_of
from pulumi_dli.clouds import cloud_values
from pulumi_dli.connection import AccessKey, Connection, Credentials, Password, Token, is_loopback
from pulumi_dli.errors import ConfigError

# contract 2.1, 2.3; every other region follows Huawei Cloud's naming rule.
_OTC_DOMAINS = {"eu-de": "otc.t-systems.com", "eu-nl": "otc.t-systems.com", "eu-ch2": "sc.otc.t-systems.com"}
_OTC_IAM_HOSTS = {"eu-ch2": "iam-pub.eu-ch2.sc.otc.t-systems.com"}
_HUAWEI_DOMAINS = {"eu-west-101": "myhuaweicloud.eu"}
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
_PROJECT_ID = re.compile(r"[A-Za-z0-9_]{1,64}")  # contract 1.1


@dataclass(frozen=True)
class _Setting:
    """One setting: its environment names in the two families of tools, and whether its value is a secret."""

    openstack: tuple[str, ...] = ()
    huawei: tuple[str, ...] = ()
    secret: bool = False


_SETTINGS: Mapping[str, _Setting] = {
    "region": _Setting(("OS_REGION_NAME",), ("HW_REGION_NAME",)),
    "projectId": _Setting(("OS_PROJECT_ID",), ("HW_PROJECT_ID",)),
    "projectName": _Setting(("OS_PROJECT_NAME",), ("HW_PROJECT_NAME",)),
    "accessKey": _Setting(("OS_ACCESS_KEY",), ("HW_ACCESS_KEY",)),
    "secretKey": _Setting(("OS_SECRET_KEY",), ("HW_SECRET_KEY",), secret=True),
    "securityToken": _Setting(("OS_SECURITY_TOKEN",), ("HW_SECURITY_TOKEN",), secret=True),
    "userName": _Setting(("OS_USERNAME",), ("HW_USER_NAME",)),
    "password": _Setting(("OS_PASSWORD",), ("HW_USER_PASSWORD",), secret=True),
    "domainName": _Setting(("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME"), ("HW_DOMAIN_NAME",)),
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

# A kind of credential: what begins it, what completes it, in the order of preference.
_KINDS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("token",), ("token",)),
    (("accessKey", "secretKey"), ("accessKey", "secretKey")),
    (("userName", "password"), ("userName", "password", "domainName")),
)


@dataclass(frozen=True)
class _Source:
    """One place that settings come from; `values` holds what is set there, by config key."""

    place: str
    values: Mapping[str, str] = field(repr=False)

    def get(self, key: str) -> str | None:
        return self.values.get(key)


def resolve_connection(config: Callable[[str], Any], environ: Mapping[str, str]) -> Connection:
    """The connection that the stack's config and the environment describe.

    Args:
        config: gets `dli:region` and the like; returns None when the stack does not set it.
        environ: the process's environment variables.

    Raises:
        ConfigError: a setting is missing, malformed, or only half of a credential is there.
    """
    sources = _sources(config, environ)
    region = _first(sources, "region") or _region_of_project(_first(sources, "projectName"))
    if region is not None and not _REGION.fullmatch(region):
        raise ConfigError(f"dli:region {region!r} is no region name such as eu-de or cn-north-4.")
    insecure = _flag(sources, "insecure")
    endpoint = _endpoint(sources, region, insecure=insecure)
    source, credentials = _credentials(sources, region)
    iam = _iam_endpoint(sources, source, region, endpoint, insecure=insecure)
    if isinstance(credentials, Password) and iam is None:
        raise _missing("authUrl", "the address of IAM, where a user name and password are turned into a token")
    obs = _first(sources, "obsEndpoint")
    return Connection(
        endpoint=endpoint,
        credentials=credentials,
        project_id=_project_id(sources, credentials),
        region=region,
        iam_endpoint=iam,
        obs_endpoint=_address("obsEndpoint", obs, insecure=insecure) if obs else _obs_endpoint(region, endpoint),
        ca_bundle=_ca_bundle(sources),
        insecure=insecure,
        connect_timeout_seconds=_number(sources, "connectTimeout", Connection.connect_timeout_seconds),
        read_timeout_seconds=_number(sources, "readTimeout", Connection.read_timeout_seconds),
        poll_seconds=_number(sources, "pollSeconds", Connection.poll_seconds),
        owner=_first(sources, "owner") or backend_of(environ),
        max_concurrency=int(_number(sources, "maxConcurrency", Connection.max_concurrency, whole=True)),
    )


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


def _sources(config: Callable[[str], Any], environ: Mapping[str, str]) -> list[_Source]:
    """All places in their order: stack config, the named cloud, `OS_*`, `HW_*`."""
    stack = _Source("the stack config", _present({key: config(f"dli:{key}") for key in _SETTINGS}))
    openstack = {key: _first_of(environ, setting.openstack) for key, setting in _SETTINGS.items()}
    huawei = {key: _first_of(environ, setting.huawei) for key, setting in _SETTINGS.items()}
    sources = [stack]
    cloud = stack.get("cloud") or environ.get("OS_CLOUD", "").strip()
    if cloud:
        sources.append(_Source(f"the cloud {cloud!r} of clouds.yaml", _present(cloud_values(cloud, environ))))
    sources.append(_Source("the environment (OS_*)", _present(openstack)))
    sources.append(_Source("the environment (HW_*)", _present(huawei)))
    return sources


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


def _first(sources: Iterable[_Source], key: str) -> str | None:
    return next((value for source in sources if (value := source.get(key))), None)


def _region_of_project(project_name: str | None) -> str | None:
    """`eu-de_orders` lies in `eu-de`: on these clouds a project's name begins with its region (contract 2.1)."""
    region = (project_name or "").partition("_")[0]
    known = region in _OTC_DOMAINS or re.fullmatch(r"[a-z]{2}-[a-z]+-\d+", region)
    return region if known else None


def _endpoint(sources: list[_Source], region: str | None, *, insecure: bool) -> str:
    given = _first(sources, "endpoint")
    if given:
        return _address("endpoint", given, insecure=insecure)
    if region is None:
        raise _missing("region", "the region of the service (or dli:endpoint, its address)")
    return f"https://dli.{region}.{_domain(region)}"


def _domain(region: str) -> str:
    return _OTC_DOMAINS.get(region) or _HUAWEI_DOMAINS.get(region, "myhuaweicloud.com")


def _iam_endpoint(
    sources: list[_Source], credential_source: _Source, region: str | None, endpoint: str, *, insecure: bool
) -> str | None:
    """Where passwords go: only what the stack says or what stands beside the password, else what the region implies."""
    given = _first([sources[0], credential_source], "authUrl")
    if given:
        return _versioned(_address("authUrl", given, insecure=insecure))
    if is_loopback(endpoint):
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc}/v3"
    if region is None:
        return None
    return f"https://{_OTC_IAM_HOSTS.get(region, f'iam.{region}.{_domain(region)}')}/v3"


def _versioned(address: str) -> str:
    return address if address.endswith("/v3") else f"{address}/v3"


def _obs_endpoint(region: str | None, endpoint: str) -> str | None:
    if is_loopback(endpoint):
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc}/obs"  # where the local DLI keeps its objects
    return f"https://obs.{region}.{_domain(region)}" if region else None


def _address(key: str, text: str, *, insecure: bool) -> str:
    """A base address without a slash at its end; credentials never travel in clear text beyond this machine."""
    address = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = None
    if not usable or parts.query or parts.fragment:
        raise ConfigError(f"dli:{key} is no address such as https://dli.eu-de.otc.t-systems.com.")
    if "@" in parts.netloc:
        raise ConfigError(f"dli:{key} must not hold a user name or password.")
    if parts.scheme == "http" and not is_loopback(address) and not insecure:
        raise ConfigError(
            f"dli:{key} is a plain http address of another machine: credentials would travel in clear text. "
            "Use https, or set dli:insecure to true if that is what you want."
        )
    return address.rstrip("/")


def _credentials(sources: list[_Source], region: str | None) -> tuple[_Source, Credentials]:
    """The credential of the first place that has any part of one; that place must have the whole of it."""
    for source in sources:
        begun = [kind for kind in _KINDS if any(source.get(key) for key in kind[0])]
        for _, needed in begun:
            if all(source.get(key) for key in needed):
                return source, _credential_from(source, needed, sources, region)
        if begun:
            raise _half_credential(source, begun[0][1])
    raise ConfigError(
        "There are no credentials for DLI. Give an access key (`pulumi config set dli:accessKey <key>` and "
        "`pulumi config set --secret dli:secretKey <key>`; or OS_ACCESS_KEY and OS_SECRET_KEY; or HW_ACCESS_KEY and "
        "HW_SECRET_KEY), or an IAM user (dli:userName, dli:password, dli:domainName; or OS_USERNAME, OS_PASSWORD, "
        "OS_USER_DOMAIN_NAME; or HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME), or a token (dli:token; or OS_TOKEN), "
        "or name a cloud of clouds.yaml (dli:cloud; or OS_CLOUD)."
    )


def _credential_from(
    source: _Source, needed: tuple[str, ...], sources: list[_Source], region: str | None
) -> Credentials:
    values = source.values
    if "token" in needed:
        return Token(values["token"])
    if "accessKey" in needed:
        return AccessKey(values["accessKey"], values["secretKey"], source.get("securityToken"))
    project_name = _first(sources, "projectName") or region
    return Password(values["userName"], values["password"], values["domainName"], project_name)


def _half_credential(source: _Source, needed: tuple[str, ...]) -> ConfigError:
    there = [key for key in needed if source.get(key)]
    lacking = [key for key in needed if not source.get(key)]
    ways = "; ".join(f"{key}: {_places(key)}" for key in lacking)
    return ConfigError(
        f"Half a credential: {source.place} sets {' and '.join(there)} but not {' and '.join(lacking)}, and a "
        f"credential is never put together from two places. Set it there too, or take the other half away. {ways}."
    )


def _project_id(sources: list[_Source], credentials: Credentials) -> str | None:
    project_id = _first(sources, "projectId")
    if project_id is None:
        if isinstance(credentials, Password) and credentials.project_name:
            return None
        raise _missing("projectId", "the id of the project (console: My Credentials)")
    if not _PROJECT_ID.fullmatch(project_id):
        raise ConfigError(
            "dli:projectId must be 1 to 64 letters, digits or underscores: the id, not the project's name."
        )
    return project_id


def _ca_bundle(sources: list[_Source]) -> str | None:
    path = _first(sources, "caBundle")
    if path is None:
        return None
    expanded = Path(path).expanduser()
    if not expanded.exists():
        raise ConfigError(f"The CA bundle {path} (dli:caBundle or OS_CACERT) does not exist.")
    return str(expanded)


def _flag(sources: list[_Source], key: str) -> bool:
    text = (_first(sources, key) or "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise ConfigError(f"dli:{key} must be true or false.")
    return text in ("true", "1")


def _number(sources: list[_Source], key: str, default: float, *, whole: bool = False) -> float:
    text = _first(sources, key)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < 1e6 or (whole and not number.is_integer()):
        raise ConfigError(f"dli:{key} must be a {'whole ' if whole else ''}number above zero.")
    return number


def _missing(key: str, meaning: str) -> ConfigError:
    return ConfigError(f"The setting dli:{key} is missing: {meaning}. Set it with {_places(key)}.")


def _places(key: str) -> str:
    setting = _SETTINGS[key]
    command = f"`pulumi config set {'--secret ' if setting.secret else ''}dli:{key} <value>`"
    names = [*setting.openstack, *setting.huawei]
    return f"{command} or the environment variable {' or '.join(names)}" if names else command
