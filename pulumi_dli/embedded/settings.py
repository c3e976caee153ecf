"""Pulumi.yaml and Pulumi.<stack>.yaml: what the project says, and the stack's configuration.

Used by stack.py. Reads and writes those two files and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import ConfigValue

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.values import refuse


class _Loader(yaml.SafeLoader):
    """YAML as the CLI reads it: `on`, `yes` and dates are texts."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith((":timestamp", ":bool"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_BOOLEANS = re.compile(r"true|True|TRUE|false|False|FALSE")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOLEANS, list("tTfF"))


def load_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, `{}` when there is none."""
    if not path.exists():
        return {}
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) or {}  # noqa: S506 - a SafeLoader


@dataclass(frozen=True)
class Project:
    """What Pulumi.yaml says."""

    name: str
    directory: Path
    main: str = ""
    refresh: bool = False
    backend: str = ""
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def program(self) -> Path:
        """The folder, or the file, that holds the program."""
        return (self.directory / self.main).resolve()


def read_project(directory: Path) -> Project:
    """The project in `directory`.

    Raises:
        RefusedError: its runtime is not Python.
    """
    path = directory / "Pulumi.yaml"
    if not path.exists():
        raise FileNotFoundError(f"no Pulumi.yaml found in {directory}")
    document = load_yaml(path)
    runtime = document.get("runtime")
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        raise refuse(f"the runtime {name!r}")
    return Project(
        name=str(document["name"]),
        directory=directory.resolve(),
        main=str(document.get("main") or ""),
        refresh=(document.get("options") or {}).get("refresh") == "always",
        backend=str((document.get("backend") or {}).get("url") or ""),
        config=_defaults(str(document["name"]), document.get("config") or {}),
    )


def _defaults(project: str, section: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, entry in section.items():
        value = entry
        if isinstance(entry, dict):
            value = entry.get("value", entry.get("default"))
        if value is not None:
            found[full_key(project, key)] = value
    return found


def full_key(project: str, key: str) -> str:
    """`key` with its namespace: the project's name where none is given."""
    return key if ":" in key else f"{project}:{key}"


class Config:
    """The configuration of one stack, in its Pulumi.<stack>.yaml over the project's own values."""

    def __init__(self, project: Project, stack: str) -> None:
        self._project = project
        self._path = project.directory / f"Pulumi.{stack}.yaml"

    @property
    def salt(self) -> str | None:
        """The `encryptionsalt`, which must be the state's."""
        document = load_yaml(self._path)
        if document.get("secretsprovider") not in (None, "passphrase"):
            raise refuse(f"the secrets provider {document['secretsprovider']!r}")
        return document.get("encryptionsalt")

    def write_salt(self, salt: str) -> None:
        self._write({**load_yaml(self._path), "encryptionsalt": salt})

    def set(self, key: str, value: ConfigValue, crypter: Crypter) -> None:
        """Store one value, encrypted when it is secret."""
        document = load_yaml(self._path)
        stored: Any = {"secure": crypter.seal(value.value)} if value.secret else value.value
        section = {**(document.get("config") or {}), full_key(self._project.name, key): stored}
        self._write({**document, "config": section})

    def values(self, crypter: Crypter) -> dict[str, ConfigValue]:
        """All values as the program gets them: texts, objects as JSON."""
        section = {**self._project.config, **(load_yaml(self._path).get("config") or {})}
        return {key: _value(section[key], crypter.open) for key in sorted(section)}

    def _write(self, document: dict[str, Any]) -> None:
        self._path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _value(stored: Any, open_: Callable[[str], str]) -> ConfigValue:
    if isinstance(stored, dict) and stored.keys() == {"secure"}:
        return ConfigValue(open_(stored["secure"]), secret=True)
    if isinstance(stored, dict | list):
        opened, secret = _open_nested(stored, open_)
        return ConfigValue(json.dumps(opened, separators=(",", ":"), sort_keys=True, ensure_ascii=False), secret=secret)
    return ConfigValue(stored if isinstance(stored, str) else json.dumps(stored))


def _open_nested(stored: Any, open_: Callable[[str], str]) -> tuple[Any, bool]:
    if isinstance(stored, dict) and stored.keys() == {"secure"}:
        return open_(stored["secure"]), True
    if isinstance(stored, dict):
        pairs = {key: _open_nested(item, open_) for key, item in stored.items()}
        return {key: item for key, (item, _) in pairs.items()}, any(secret for _, secret in pairs.values())
    if isinstance(stored, list):
        items = [_open_nested(item, open_) for item in stored]
        return [item for item, _ in items], any(secret for _, secret in items)
    return stored, False
