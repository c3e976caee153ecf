"""What lies between this machine and a service: proxies and trusted certificates, and what to say when they fail.

DLI, IAM and OBS are reached alike: a service on this machine past all proxies, every other one as `requests` does it.
`transport.py`, `iam.py` and `obs.py` use it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies, select_proxy

from pulumi_dli.api.retry import UntrustedEndpointError
from pulumi_dli.connection import Connection, is_loopback
from pulumi_dli.errors import ConfigError, DliError, UnsentRequestError, causes

_CLIPPED = 120
_PROXY_ERRORS = (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)
_PROXY_ADDRESS_ERRORS = (
    requests.exceptions.InvalidProxyURL,
    urllib3.exceptions.ProxySchemeUnknown,
    urllib3.exceptions.ProxySchemeUnsupported,
)


@dataclass(frozen=True)
class Route:
    """How an address is reached; `verify` as `requests` takes it: True, False, or a file of certificates."""

    proxies: Mapping[str, str]
    verify: bool | str


def route_to(address: str, connection: Connection) -> Route:
    """The proxies and the trust for an address of the connection.

    Raises:
        ConfigError: the environment names a file of certificates that is not there.
    """
    verify: bool | str = False if connection.insecure else (connection.ca_bundle or True)
    if is_loopback(address):
        return Route({}, verify)
    with requests.Session() as session:
        merged: Mapping[str, Any] = session.merge_environment_settings(address, {}, None, verify, None)
    trusted = merged["verify"]
    if isinstance(trusted, str) and not Path(trusted).exists():
        raise ConfigError(f"The file of certificates {trusted} (REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE) does not exist.")
    return Route(dict(merged["proxies"]), trusted)


def proxy_to(address: str) -> str | None:
    """The proxy on the way to an address, without its password, and the variable that names it."""
    if is_loopback(address):
        return None
    proxy = select_proxy(address, get_environ_proxies(address))
    if not proxy:
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    scheme = urlsplit(address).scheme
    names = (name for base in (f"{scheme}_proxy", "all_proxy") for name in (base, base.upper()))
    named = next((name for name in names if os.environ.get(name)), "")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return f"{shown} ({named.upper()})" if named else shown


def fault(error: BaseException, address: str) -> tuple[type[DliError], str] | None:
    """What a proxy or a certificate did that kept a request from leaving: the class of error and its text. None when
    neither is the cause.
    """
    found = list(_causes(error))
    host, proxy = urlsplit(address).netloc, proxy_to(address)
    through = f", through the proxy {proxy}" if proxy else ""
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f" ({cause.verify_message})" if getattr(cause, "verify_message", "") else ""
            text = f"the TLS certificate of {host} is not trusted{why}{through}: see dli:caBundle"
            return UntrustedEndpointError, text
        if isinstance(cause, ssl.SSLError) and getattr(cause, "library", "") == "X509":
            return ConfigError, "the file of trusted certificates holds none (dli:caBundle, REQUESTS_CA_BUNDLE)"
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", "") == "WRONG_VERSION_NUMBER":
            return UntrustedEndpointError, f"{host} does not speak TLS{through}"
    if any(isinstance(cause, _PROXY_ADDRESS_ERRORS) for cause in found):
        return ConfigError, f"the address of the proxy {proxy or ''} is not usable"
    if any(isinstance(cause, _PROXY_ERRORS) for cause in found) or _is_of_botocore(found):
        refused = next((str(cause) for cause in found if type(cause) is OSError), "")
        said = f" ({refused[:_CLIPPED]})" if refused.isprintable() and refused else ""
        return UnsentRequestError, f"the proxy {proxy or ''} cannot be reached or refused to connect to {host}{said}"
    return None


def _is_of_botocore(found: list[BaseException]) -> bool:
    return any(type(cause).__name__ == "ProxyConnectionError" for cause in found)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, each once; libraries keep inner errors in different places."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        inner = waiting.pop(0)
        if not isinstance(inner, BaseException) or id(inner) in seen:
            continue
        seen.add(id(inner))
        yield inner
        kept = getattr(inner, "kwargs", None)  # botocore's
        waiting += [*causes(inner), getattr(inner, "reason", None), *inner.args]
        waiting += kept.values() if isinstance(kept, Mapping) else ()
