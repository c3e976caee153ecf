"""Which backend keeps the stack's state: two stacks of one project and one stack name in two backends are two owners.

The host is not told. It reads what the CLI reads, in the CLI's order: the environment, the project file, the login. All
three are text that is there without any call. An unknown backend is "", and a changed one harms nothing: what an entry
of the state holds is known by the tag in its outputs (`lifecycle/ownership.py`).

Stdlib only; yaml is loaded where a project file names a backend.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")


def backend_of(environ: Mapping[str, str], directory: Path | None = None) -> str:
    """The URL of the backend, in one form; "" where it cannot be told, and outside of a Pulumi program.

    Args:
        directory: where the program runs; by default the working directory.
    """
    if not environ.get("PULUMI_PROJECT"):  # the CLI and the embedded engine set it for their children
        return ""
    here = directory or Path.cwd()
    return _one_form(
        environ.get("PULUMI_BACKEND_URL", "") or _of_project(here) or _of_login(environ), here, environ.get("HOME", "")
    )


def _of_project(here: Path) -> str:
    for folder in (here, *here.parents):
        for name in _PROJECT_FILES:
            try:
                text = (folder / name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            return _url_in(text) if "backend" in text else ""
    return ""


def _url_in(text: str) -> str:
    import yaml  # noqa: PLC0415  (most project files name no backend)

    try:
        project = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    backend = project.get("backend") if isinstance(project, Mapping) else None
    url = backend.get("url") if isinstance(backend, Mapping) else None
    return url if isinstance(url, str) else ""


def _of_login(environ: Mapping[str, str]) -> str:
    """`current` of the CLI's file of logins. Nothing else of that file is looked at."""
    home = environ.get("PULUMI_HOME") or (f"{environ['HOME']}/.pulumi" if environ.get("HOME") else "")
    if not home:
        return ""
    try:
        logins = json.loads((Path(home) / "credentials.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    current = logins.get("current") if isinstance(logins, dict) else None
    return current if isinstance(current, str) else ""


def _one_form(url: str, here: Path, home: str) -> str:
    """`file://~`, `file://.` and a plain path mean the folder that they name; a slash at the end means nothing."""
    url = url.strip()
    if not url:
        return ""
    scheme, separator, rest = url.partition("://")
    if separator and scheme != "file":
        return url.rstrip("/")
    path = rest if separator else url
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    return f"file://{(here / path).resolve()}"
