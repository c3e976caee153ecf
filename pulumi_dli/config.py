"""Where a connection comes from: the stack's config, and one source of other tools for what the stack does not say.

The provider, the functions that a program calls and the command line resolve one. The settings of other tools
(`sources.py`) change nothing that the stack says. What belongs together comes from one source as a whole: a credential;
the place (region, addresses, trust); a project, which lies in a region. A password goes only to the IAM address named
beside it, or to the region's own. A source that is not needed is not read.

It must stay light to import (stdlib only; the loader of clouds.yaml comes when a cloud is needed) and must never print
or log a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulumi_dli.backend import backend_of
from pulumi_dli.connection import AccessKey, Connection, Credentials, Password, Token, is_loopback
from pulumi_dli.errors import ConfigError, MissingSettingError
from pulumi_dli.regions import Region, region_of, region_of_project, without_address
from pulumi_dli.sources import (
    CREDENTIAL,
    KINDS,
    PLACE,
    PROJECT,
    SECRET_SETTINGS,
    SETTINGS,
    Source,
    missing,
    outside_source,
    places,
    stack_source,
    unknown_settings,
)

_PROJECT_ID = re.compile(r"[A-Za-z0-9_]{1,64}")  # dli-api 1.1
_VERSION = re.compile(r"/v\d+(\.\d+)?$")  # of IAM, at the end of its address

_PLACE_SETTINGS = (*PLACE, "obsEndpoint", "caBundle", "insecure")
_CREDENTIAL_SETTINGS = ("accessKey", "secretKey", "securityToken", "token", "userName", "password", "domainName",
                        "domainId", "authUrl")  # fmt: skip

_LIMITS: Mapping[str, tuple[float, float]] = {
    "connectTimeout": (0.1, 600),
    "readTimeout": (0.1, 3600),
    "pollSeconds": (0.01, 600),  # a local DLI on a fast clock is looked at often
    "maxConcurrency": (1, 256),
}


def resolve_connection(config: Callable[[str], Any], environ: Mapping[str, str]) -> Connection:
    """The connection that the stack's config describes, and the environment where it does not.

    Args:
        config: gets `dli:region` and the like; returns None when the stack does not set it.
        environ: the process's environment variables.

    Raises:
        ConfigError: a setting is missing, malformed, or only half of a credential is there.
    """
    stack = stack_source(config)
    numbers = {key: _number(stack, key) for key in _LIMITS}  # first: it reads nothing
    outside = outside_source(stack, environ)
    place = _place(stack, outside)
    name = place.get("region") or region_of_project(place.get("projectName"))
    region = region_of(name) if name else None
    endpoint = _endpoint(place, region)
    source, credentials = _credentials(stack, outside)
    project = _project(stack, outside, place, name)
    if isinstance(credentials, Password):
        credentials = replace(credentials, project_name=project.get("projectName") or name)
    iam = _iam_endpoint(stack, source, region, endpoint)
    if isinstance(credentials, Password) and iam is None:
        raise missing("authUrl", "the address of IAM, where a user name and password are turned into a token")
    obs = place.get("obsEndpoint")
    return Connection(
        endpoint=endpoint,
        credentials=credentials,
        project_id=_project_id(project, outside, credentials),
        region=name,
        iam_endpoint=iam,
        obs_endpoint=_address("obsEndpoint", obs) if obs else _obs_endpoint(region, endpoint),
        ca_bundle=_ca_bundle(place),
        insecure=_flag(place, "insecure"),
        connect_timeout_seconds=numbers["connectTimeout"] or Connection.connect_timeout_seconds,
        read_timeout_seconds=numbers["readTimeout"] or Connection.read_timeout_seconds,
        poll_seconds=numbers["pollSeconds"] or Connection.poll_seconds,
        max_concurrency=int(numbers["maxConcurrency"] or Connection.max_concurrency),
        owner=stack.get("owner") or backend_of(environ),
    )


@dataclass(frozen=True)
class Origin:
    """One setting that counts: its name without the namespace, where it was said, and what."""

    name: str
    place: str
    value: str = field(repr=False)


def origins(config: Callable[[str], Any], environ: Mapping[str, str]) -> list[Origin]:
    """The settings that a connection is made of, also of one that is not complete. What is said in vain is left out.

    Raises:
        ConfigError: a setting is no text, or the cloud that is named is not there.
    """
    stack = stack_source(config)
    outside = outside_source(stack, environ)
    place = _place(stack, outside)
    project = _project(stack, outside, place, place.get("region") or region_of_project(place.get("projectName")))
    credential = next((source for source in (stack, outside) if source.has(CREDENTIAL)), stack)
    found = {name: Origin(name, stack.place, value) for name, value in stack.values.items()}
    for names, source in ((_PLACE_SETTINGS, place), (PROJECT, project), (_CREDENTIAL_SETTINGS, credential)):
        for name in names:
            if value := source.get(name):
                found.setdefault(name, Origin(name, outside.place, value))
    return [found[name] for name in SETTINGS if name in found]


def _place(stack: Source, outside: Source) -> Source:
    """Region, addresses and trust, of one source; whoever says so in the stack adds to what comes from outside."""
    if not stack.get("cloud") and (stack.has(PLACE) or region_of_project(stack.get("projectName"))):
        return stack
    kept = {**outside.values}
    if stack.has(("caBundle", "insecure")):
        kept = {key: value for key, value in kept.items() if key not in ("caBundle", "insecure")}
    return Source(outside.place, {**kept, **stack.values}, outside.domain)


def _project(stack: Source, outside: Source, place: Source, region: str | None) -> Source:
    """The source of the project: the stack, else the other one where it means the same place."""
    if stack.has(PROJECT):
        return stack
    other = outside.get("region") or region_of_project(outside.get("projectName"))
    same = other in (None, region) and outside.get("endpoint") in (None, place.get("endpoint"))
    return outside if same else stack


def _endpoint(place: Source, region: Region | None) -> str:
    given = place.get("endpoint")
    if given:
        return _address("endpoint", given)
    if region is None:
        raise missing("region", "the region of the service (or dli:endpoint, its address)")
    address = region.address("dli")
    if address is None:
        raise without_address(region.name)
    if place.domain and region.domain != place.domain:
        raise ConfigError(
            f"HW_CLOUD names the cloud {place.domain!r}, but the addresses of region {region.name} are known under "
            f"{region.domain} only: give the address of DLI there (dli:endpoint; and dli:authUrl with an IAM user, "
            "dli:obsEndpoint for uploads), or take HW_CLOUD away."
        )
    return address


def _iam_endpoint(stack: Source, credential_source: Source, region: Region | None, endpoint: str) -> str | None:
    """Where passwords go: only what the stack says or what stands beside the password, else what the region implies."""
    given = stack.get("authUrl") or credential_source.get("authUrl")
    if given:
        return f"{_VERSION.sub('', _address('authUrl', given))}/v3"
    if is_loopback(endpoint):
        return f"{_origin(endpoint)}/v3"
    address = region.address("iam") if region else None
    return f"{address}/v3" if address else None


def _obs_endpoint(region: Region | None, endpoint: str) -> str | None:
    if is_loopback(endpoint):
        return f"{_origin(endpoint)}/obs"  # where the local DLI keeps its objects
    return region.address("obs") if region else None


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _address(key: str, text: str) -> str:
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
    if parts.scheme == "http" and not is_loopback(address):
        raise ConfigError(
            f"dli:{key} is a plain http address of another machine: credentials would travel in clear text. Use https "
            "(dli:insecure leaves its certificate unverified, and allows no more than that)."
        )
    return address.rstrip("/")


def _credentials(stack: Source, outside: Source) -> tuple[Source, Credentials]:
    """The credential of the first place that has any part of one; that place must have the whole of it."""
    for source in (stack, outside):
        begun = [kind for kind in KINDS if source.has(kind[0])]
        for _, needed in begun:
            if all(source.has(names.split()) for names in needed):
                return source, _credential_from(source, needed)
        if begun:
            raise _half_credential(source, begun[0][1])
    raise MissingSettingError(
        "There are no credentials for DLI. Give an access key (`pulumi config set dli:accessKey <key>` and "
        "`pulumi config set --secret dli:secretKey <key>`; or OS_ACCESS_KEY and OS_SECRET_KEY; or HW_ACCESS_KEY and "
        "HW_SECRET_KEY), or an IAM user (dli:userName, dli:password, dli:domainName; or OS_USERNAME, OS_PASSWORD, "
        "OS_USER_DOMAIN_NAME; or HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME), or a token (dli:token; or OS_TOKEN), "
        "or name a cloud of clouds.yaml (dli:cloud; or OS_CLOUD).",
        setting="credentials",
    )


def _credential_from(source: Source, needed: tuple[str, ...]) -> Credentials:
    values = source.values
    if "token" in needed:
        return Token(values["token"])
    if "accessKey" in needed:
        return AccessKey(values["accessKey"], values["secretKey"], source.get("securityToken"))
    return Password(values["userName"], values["password"], source.get("domainName"), domain_id=source.get("domainId"))


def _half_credential(source: Source, needed: tuple[str, ...]) -> ConfigError:
    there = [name for names in needed for name in names.split() if source.get(name)]
    lacking = [names.split()[0] for names in needed if not source.has(names.split())]
    ways = "; ".join(f"{key}: {places(key)}" for key in lacking)
    return ConfigError(
        f"Half a credential: {source.place} sets {' and '.join(there)} but not {' and '.join(lacking)}, and a "
        f"credential is never put together from two places. Set it there too, or take the other half away. {ways}."
    )


def _project_id(source: Source, outside: Source, credentials: Credentials) -> str | None:
    project_id = source.get("projectId")
    if project_id is None:
        if isinstance(credentials, Password) and credentials.project_name:
            return None
        meaning = "the id of the project (console: My Credentials)"
        if source is not outside and outside.get("projectId"):
            meaning += f"; the one of {outside.place} belongs to another region or endpoint, and is not taken"
        raise missing("projectId", meaning)
    if not _PROJECT_ID.fullmatch(project_id):
        raise ConfigError(
            "dli:projectId must be 1 to 64 letters, digits or underscores: the id, not the project's name."
        )
    return project_id


def _ca_bundle(place: Source) -> str | None:
    path = place.get("caBundle")
    if path is None:
        return None
    expanded = Path(path).expanduser()
    if not expanded.exists():
        raise ConfigError(f"The CA bundle {path} (dli:caBundle or OS_CACERT) does not exist.")
    return str(expanded)


def _flag(place: Source, key: str) -> bool:
    text = (place.get(key) or "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise ConfigError(f"dli:{key} must be true or false.")
    return text in ("true", "1")


def _number(stack: Source, key: str) -> float | None:
    text = stack.get(key)
    if text is None:
        return None
    least, most = _LIMITS[key]
    whole = key == "maxConcurrency"
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number <= most or (whole and not number.is_integer()):  # NaN is not in between either
        raise ConfigError(f"dli:{key} must be a {'whole ' if whole else ''}number from {least:g} to {most:g}.")
    return number


__all__ = ["SECRET_SETTINGS", "SETTINGS", "Origin", "origins", "resolve_connection", "unknown_settings"]
