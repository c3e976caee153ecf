"""One entry of a clouds.yaml file, with the names of our settings. `config.py` calls it when a cloud is named.

The file is read by openstacksdk's own loader (the extra `clouds`): regions with values of their own, profiles and
secure.yaml mean what they mean to other OpenStack tools. The environment adds nothing to the entry. What stands in the
files is never repeated: that may be a password.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi_dli.errors import ConfigError

# Kinds of credentials that end in something DLI takes; the loader's default is `password`.
_AUTH_TYPES = ("password", "v3password", "token", "v3token", "aksk", "ak_sk")


def cloud_values(cloud: str, environ: Mapping[str, str], region: str | None, *, must_have: bool) -> dict[str, Any]:
    """The settings of one entry of clouds.yaml.

    Args:
        region: which of the entry's regions is meant; its first one when None.
        must_have: whether an entry without that region is an error; else its first region is taken.

    Raises:
        ConfigError: no such entry or region, a file that cannot be read, or a kind of credential that cannot work.
    """
    folders = _folders(environ)
    path = _file("clouds", "OS_CLIENT_CONFIG_FILE", environ, folders)
    if path is None:
        raise ConfigError(
            "A cloud is named (dli:cloud or OS_CLOUD), but there is no clouds.yaml here, in ~/.config/openstack "
            "or in /etc/openstack, and OS_CLIENT_CONFIG_FILE names none."
        )
    secure = _file("secure", "OS_CLIENT_SECURE_FILE", environ, [path.parent, *folders])
    vendors = _file("clouds-public", None, environ, folders)
    for file in (path, secure, vendors):
        if file is not None:
            _must_be_readable(file)
    try:
        entry = _entry(cloud, path, secure, vendors, region)
        if entry is None and not must_have:
            entry = _entry(cloud, path, secure, vendors, None)
    except ConfigError:
        raise
    except Exception:  # noqa: BLE001  (whatever the loader stumbles over: its own text quotes the file)
        raise ConfigError(f"The entry {cloud!r} of {path} cannot be used: it is no description of a cloud.") from None
    if entry is None:
        raise ConfigError(f"The cloud {cloud!r} of {path} has no region {region!r} (dli:region).")
    return _settings(cloud, entry)


def _entry(
    cloud: str, path: Path, secure: Path | None, vendors: Path | None, region: str | None
) -> Mapping[str, Any] | None:
    """What the loader makes of an entry; None when it has no such region."""
    try:
        from openstack.config import loader  # noqa: PLC0415 -- an extra, and half a second
        from openstack.exceptions import ConfigException  # noqa: PLC0415
        from openstack.warnings import ConfigurationWarning  # noqa: PLC0415
    except ImportError:
        raise ConfigError(
            "clouds.yaml is read by openstacksdk: pip install 'pulumi-dli[clouds]', or set the dli: settings."
        ) from None
    with warnings.catch_warnings(record=True) as said:  # about old spellings, which the loader understands
        warnings.simplefilter("always")
        config = loader.OpenStackConfig(
            config_files=[str(path)],
            secure_files=[str(secure)] if secure else [],
            vendor_files=[str(vendors)] if vendors else [],
            load_envvars=False,
        )
        described = config.cloud_config["clouds"].get(cloud)
        if described is None:
            raise ConfigError(f"The cloud {cloud!r} (dli:cloud or OS_CLOUD) is not in {path}.")
        profile = str(described.get("profile") or described.get("cloud") or "")
        if "://" in profile:
            raise ConfigError(f"The profile of cloud {cloud!r} is an address: a preview fetches none. Name a profile.")
        try:
            found: Mapping[str, Any] = config.get_one(cloud, validate=False, region_name=region).config
        except ConfigException:
            if region is None:
                raise
            return None
    if any(issubclass(warning.category, ConfigurationWarning) for warning in said):
        raise ConfigError(f"The profile {profile!r} of cloud {cloud!r} is not known.")
    return found


def _settings(cloud: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    auth = entry["auth"]
    kind = str(entry.get("auth_type") or "none")
    keys = bool(auth.get("access_key") or auth.get("ak"))
    if "application_credential_id" in auth or "application_credential_name" in auth:
        kind = "v3applicationcredential"
    if kind.lower() not in _AUTH_TYPES and not keys:
        raise ConfigError(
            f"The cloud {cloud!r} of clouds.yaml logs in by {kind}, which cannot work: DLI takes an access key (ak, "
            "sk), an IAM user (username, password, user_domain_name) or a token."
        )
    return {
        "region": entry.get("region_name"),
        "projectId": auth.get("project_id"),
        "projectName": auth.get("project_name"),
        "accessKey": auth.get("access_key") or auth.get("ak"),
        "secretKey": auth.get("secret_key") or auth.get("sk"),
        "securityToken": auth.get("security_token"),
        "userName": auth.get("username"),
        "password": auth.get("password"),
        "domainName": auth.get("user_domain_name") or auth.get("domain_name"),
        "domainId": auth.get("user_domain_id") or auth.get("domain_id"),
        "token": auth.get("token"),
        "authUrl": auth.get("auth_url"),
        "endpoint": entry.get("dli_endpoint_override"),
        "obsEndpoint": entry.get("obs_endpoint_override"),
        "caBundle": entry.get("cacert"),
        "insecure": True if entry.get("verify") is False or entry.get("insecure") is True else None,
    }


def _must_be_readable(path: Path) -> None:
    """The loader passes over a broken file, and logs its lines."""
    import yaml  # noqa: PLC0415 -- 10 ms that most stacks never need

    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        described = None
    entries = described.get("clouds", {}) if isinstance(described, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise ConfigError(f"{path} is no readable clouds.yaml file.")


def _folders(environ: Mapping[str, str]) -> list[Path]:
    """Where OpenStack's own tools look, in their order; the loader settles its list when it is imported."""
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    user = environ.get("XDG_CONFIG_HOME") or home / ".config"
    site = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    return [Path(), *(Path(folder) / "openstack" for folder in (user, home / ".config", *site, "/etc"))]


def _file(name: str, variable: str | None, environ: Mapping[str, str], folders: list[Path]) -> Path | None:
    """The file that the environment names, else the first of that name in the folders."""
    named = environ.get(variable, "").strip() if variable else ""
    if named:
        if not Path(named).is_file():
            raise ConfigError(f"The file that {variable} names does not exist.")
        return Path(named)
    candidates = (folder / f"{name}.{suffix}" for folder in folders for suffix in ("yaml", "yml", "json"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)
