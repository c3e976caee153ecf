"""Who may talk to the local DLI at all: programs of this machine, and no page of another site in its browser.

A page that a browser shows can send requests to 127.0.0.1, or to a name of its own that it lets point there. Such
requests carry a foreign Host, Origin or Sec-Fetch-Site; none of them reaches a handler. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LOCAL_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_OWN_SITES = ("same-origin", "none")  # not same-site: every port of this machine is one site

Headers = Sequence[tuple[bytes, bytes]]


def refusal(headers: Headers) -> str:
    """Why a request with these headers is refused; "" when it is not."""
    hosts = _values(headers, b"host")
    if len(hosts) != 1 or not _LOCAL_HOST.fullmatch(hosts[0]):
        return "the local DLI answers to 127.0.0.1 and localhost only: the Host of this request is another"
    if any(origin.lower() != f"http://{hosts[0]}".lower() for origin in _values(headers, b"origin")):
        return "the local DLI takes no request from pages of another origin"
    if any(site.lower() not in _OWN_SITES for site in _values(headers, b"sec-fetch-site")):
        return "the local DLI takes no request from pages of another site"
    return ""


def _values(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key.lower() == name]
