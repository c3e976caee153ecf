"""Renders the page at `/` for `server/app.py`. The template engine escapes every value: names may be hostile."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from pulumi_dli.emulator.console.view import view
from pulumi_dli.emulator.local_dli import LocalDli

REFRESH_SECONDS = 2
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def render(dli: LocalDli) -> str:
    """The whole page."""
    return _template().render(page=view(dli), refresh=REFRESH_SECONDS)


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    return environment.from_string(source)
