"""One entry of a clouds.yaml file, with the names of our settings. Called by `config.py` when a cloud is named.

It loads yaml only then, and never repeats what stands in the file: that may be a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi_dli.errors import ConfigError


def cloud_values(cloud: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings of one entry of clouds.yaml, with what secure.yaml beside it adds."""
    import yaml  # noqa: PLC0415 -- 10 ms that most stacks never need

    found: dict[str, Any] | None = None
    path = _cloud_file(environ)
    files = [path, path.with_name(f"secure{path.suffix}")]
    for file in files:
        if not file.is_file():
            continue
        try:
            clouds = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("clouds") or {}
            entry = clouds.get(cloud) or {}
            auth = {**((found or {}).get("auth") or {}), **(entry.get("auth") or {})}
            found = {**(found or {}), **entry, "auth": auth} if entry or found else None
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError):
            # The parser's own message quotes lines of the file, and those hold secrets.
            raise ConfigError(f"{file} is no readable clouds.yaml file.") from None
    if found is None:
        raise ConfigError(f"The cloud {cloud!r} (dli:cloud or OS_CLOUD) is not in {path}.")
    auth = found["auth"]
    return {
        "region": found.get("region_name"),
        "projectId": auth.get("project_id"),
        "projectName": auth.get("project_name"),
        "accessKey": auth.get("access_key") or auth.get("ak"),
        "secretKey": auth.get("secret_key") or auth.get("sk"),
        "securityToken": auth.get("security_token"),
        "userName": auth.get("username"),
        "password": auth.get("password"),
        "domainName": auth.get("user_domain_name") or auth.get("domain_name"),
        "token": auth.get("token"),
        "authUrl": auth.get("auth_url"),
        "endpoint": found.get("dli_endpoint_override"),
        "caBundle": found.get("cacert"),
        "insecure": True if found.get("verify") is False else None,
    }


def _cloud_file(environ: Mapping[str, str]) -> Path:
    """The first clouds.yaml in the places where OpenStack's own tools look."""
    named = environ.get("OS_CLIENT_CONFIG_FILE", "").strip()
    if named:
        if not Path(named).is_file():
            raise ConfigError("The file that OS_CLIENT_CONFIG_FILE names does not exist.")
        return Path(named)
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    user = Path(environ["XDG_CONFIG_HOME"]) if environ.get("XDG_CONFIG_HOME") else home / ".config"
    folders = [Path(), user / "openstack", Path("/etc/openstack")]
    candidates = [folder / f"clouds.{suffix}" for folder in folders for suffix in ("yaml", "yml", "json")]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise ConfigError(
            "A cloud is named (dli:cloud or OS_CLOUD), but there is no clouds.yaml here, in ~/.config/openstack "
            "or in /etc/openstack, and OS_CLIENT_CONFIG_FILE names none."
        )
    return path
