"""Pulumi.yaml and Pulumi.<stack>.yaml: the project's description, and the stack's configuration.

Used by stack.py. Reads and writes those two files and nothing else. What the CLI would read in another way is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import ConfigValue

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.values import EmbeddedError, refuse, replace_file

_ODD = re.compile(r"\d{4}-\d\d?-\d\d?([Tt \t].*)?|[-+]?(\.inf|\.nan|0[xob][\da-f_]+)|~|null|true|false|<<|=|", re.I)


def check_name(what: str, name: str) -> str:
    """A name of a project or stack, which is the name of a file as well."""
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,100}", name) or not name.strip("."):
        raise EmbeddedError(f"{name!r} is no name of a {what}: at most 100 letters, digits, and any of - _ .")
    return name


class Odd(str):
    """A text without quotes that YAML's versions read in different ways: as a number, date, truth value or nothing."""


class _Loader(yaml.SafeLoader):
    """Reads texts, plain whole numbers, true and false; everything else without quotes is odd."""

    yaml_implicit_resolvers = {}  # noqa: RUF012


def _scalar(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    text = str(loader.construct_scalar(node))
    if node.style is None:
        if text in ("true", "false"):
            return text == "true"
        if re.fullmatch(r"0|-?[1-9]\d{0,17}", text):
            return int(text)
        if _is_odd(text):
            return Odd(text)
    return text


def _is_odd(text: str) -> bool:
    try:
        float(text.replace("_", ""))
    except ValueError:
        return _ODD.fullmatch(text) is not None
    return True


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[str, Any]:
    pairs = [(str(loader.construct_object(key)), loader.construct_object(item, deep=True)) for key, item in node.value]
    if len(dict(pairs)) < len(pairs):
        raise yaml.YAMLError("a key is there twice")
    return dict(pairs)


_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, `{}` when there is none."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) if path.exists() else None  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise EmbeddedError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    return _section(document, path.name)


def _section(value: Any, where: str) -> dict[str, Any]:
    if value in (None, ""):
        return {}
    if not isinstance(value, dict):
        raise EmbeddedError(f"{where} must be a mapping")
    return value


def _usable(value: Any, where: str) -> Any:
    """`value`, when it is a text, a whole number or a truth value and nothing else."""
    if isinstance(value, Odd):
        raise refuse(f"the unquoted value of {where} (write it in quotes)")
    if isinstance(value, list | dict):
        raise refuse(f"a list or an object as {where}")
    return value


def _only(allowed: Collection[str], entries: dict[str, Any], where: str) -> None:
    others = [key for key in entries if key not in allowed]
    if others:
        raise refuse(f"`{others[0]}` in {where}")


Declared = tuple[str, str | None]
"""A key that the project declares: its type and the value it has where the stack sets none."""


@dataclass(frozen=True)
class Project:
    """The contents of Pulumi.yaml."""

    name: str
    directory: Path
    main: str
    refresh: bool
    config: dict[str, Declared]

    @property
    def program(self) -> Path:
        """The folder whose `__main__.py` is the program."""
        folder = (self.directory / self.main).resolve()
        if not (folder / "__main__.py").exists():
            raise EmbeddedError(f"unable to find main python program `__main__.py` in `{folder}`")
        return folder


def read_project(directory: Path) -> Project:
    """The project in `directory`."""
    path = directory / "Pulumi.yaml"
    if not path.exists():
        raise EmbeddedError(f"no Pulumi.yaml found in {directory}")
    document = load_yaml(path)
    _only(("name", "description", "runtime", "main", "options", "config"), document, "Pulumi.yaml")
    options = _section(document.get("options"), "options")
    _only(("refresh",), options, "Pulumi.yaml's options")
    if options.get("refresh", "always") != "always":
        raise refuse(f"the option refresh: {options['refresh']}")
    runtime = document.get("runtime")
    described = runtime if isinstance(runtime, dict) else {"name": runtime}
    _only(("name",), described, "Pulumi.yaml's runtime")
    if described.get("name") != "python":
        raise refuse(f"the runtime {described.get('name')!r}")
    declared = _section(document.get("config"), "config")
    return Project(
        name=check_name("project", str(_usable(document.get("name", ""), "name"))),
        directory=directory.resolve(),
        main=str(document.get("main", "")),
        refresh="refresh" in options,
        config={key: _declared(key, entry) for key, entry in declared.items()},
    )


def _declared(key: str, entry: Any) -> Declared:
    fields = _section(entry, f"config.{key}")
    _only(("type", "default"), fields, f"Pulumi.yaml's config.{key}")
    kind, default = fields.get("type", ""), _usable(fields.get("default"), f"config.{key}.default")
    if ":" in key or kind not in ("", "string", "integer", "boolean"):
        raise refuse(f"Pulumi.yaml's config.{key} (only texts, integers and booleans of the project itself)")
    text = None if default is None else _text(default)
    if text is not None and not _fits(kind, text):
        raise EmbeddedError(f"the default value for configuration key '{key}' must be of type '{kind}'")
    return kind, text


def _fits(kind: str, text: str) -> bool:
    if kind == "integer":
        return re.fullmatch(r"[-+]?\d+", text) is not None
    return kind != "boolean" or text in ("true", "false")


def _text(value: Any) -> str:
    """A value as the program gets it."""
    return value if isinstance(value, str) else json.dumps(value)


class Config:
    """The configuration of one stack, in its Pulumi.<stack>.yaml over the project's own values."""

    def __init__(self, project: Project, stack: str) -> None:
        self._project = project
        self._stack = stack
        self._path = project.directory / f"Pulumi.{stack}.yaml"

    def _document(self) -> tuple[str | None, dict[str, Any]]:
        """The salt, and the stored values."""
        document = load_yaml(self._path)
        _only(("config", "encryptionsalt"), document, self._path.name)
        stored = _section(document.get("config"), "config")
        for key, value in stored.items():
            sealed = isinstance(value, dict) and value.keys() == {"secure"}
            _usable(value["secure"] if sealed else value, f"config.{key}")
        return document.get("encryptionsalt"), stored

    @property
    def salt(self) -> str | None:
        """The `encryptionsalt`, which must be the state's."""
        return self._document()[0]

    def write_salt(self, salt: str) -> None:
        """Add the salt to the file, whatever else is in it."""
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        lines = [] if text.strip() == "{}" else text.splitlines()
        replace_file(self._path, "\n".join([*lines, f"encryptionsalt: {salt}"]) + "\n")

    def set(self, key: str, value: ConfigValue, crypter: Crypter) -> None:
        """Store one value, encrypted when it is secret."""
        name = key if ":" in key else f"{self._project.name}:{key}"
        if not re.fullmatch(r"[\w.-]+:[\w./-]+", name):
            raise refuse("such a configuration key (a path, or blanks)")
        if self._path.exists() and re.search(r"(^|\s)#", self._path.read_text(encoding="utf-8")):
            raise refuse(f"`config set` in a file with comments (edit {self._path.name} by hand)")
        salt, stored = self._document()
        stored[name] = {"secure": crypter.seal(value.value)} if value.secret else value.value
        lines = [f"encryptionsalt: {salt}", "config:"]
        for each, entry in stored.items():
            sealed = isinstance(entry, dict)
            lines += [f"  {each}:", f"    secure: {entry['secure']}"] if sealed else [f"  {each}: {_quoted(entry)}"]
        replace_file(self._path, "\n".join(lines) + "\n")

    def values(self, crypter: Crypter, *, check: bool = False) -> dict[str, ConfigValue]:
        """All values as the program gets them: texts."""
        found = {
            key: ConfigValue(crypter.open(stored["secure"]), secret=True)
            if isinstance(stored, dict)
            else ConfigValue(_text(stored))
            for key, stored in self._document()[1].items()
        }
        for key, (kind, default) in self._project.config.items():
            name = f"{self._project.name}:{key}"
            if name not in found and default is not None:
                found[name] = ConfigValue(default)
            elif check and name not in found:
                raise EmbeddedError(f"Stack '{self._stack}' is missing configuration value '{key}'")
            elif check and not _fits(kind, found[name].value):
                raise EmbeddedError(f"Stack '{self._stack}' with configuration key '{key}' must be of type '{kind}'")
        return dict(sorted(found.items()))


def _quoted(value: Any) -> str:
    """A value as every version of YAML reads it."""
    if isinstance(value, str):
        return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=1 << 30).strip()
    return json.dumps(value)
