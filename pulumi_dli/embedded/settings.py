"""Pulumi.yaml and Pulumi.<stack>.yaml: the project's description, and the stack's configuration.

Used by stack.py. Reads and writes those two files and nothing else. What the CLI would read in another way is refused.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import ConfigValue

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.values import EmbeddedError, refuse, replace_file

NAME = re.compile(r"[a-zA-Z0-9_.-]{1,100}")
"""Names of projects and stacks, which are names of files as well."""
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?([Tt \t].*)?|[-+]?\.(inf|Inf|INF|nan|NaN|NAN)|~|null|Null|NULL|<<|=|")
_DESCRIPTIONS = {"name", "description", "author", "website", "license", "template", "runtime", "main", "options"}


def check_name(what: str, name: str) -> str:
    """A name that is safe as the name of a file."""
    if not NAME.fullmatch(name) or not name.strip("."):
        raise EmbeddedError(
            f"{name!r} is no name of a {what}: at most 100 letters, digits, hyphens, underscores and periods"
        )
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
    if _DATE.fullmatch(text) or text.lower() in ("true", "false"):
        return True
    for read in (float, lambda digits: int(digits, 0)):
        with contextlib.suppress(ValueError):
            read(text.replace("_", ""))
            return True
    return False


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[str, Any]:
    pairs = [(str(loader.construct_object(key)), loader.construct_object(item, deep=True)) for key, item in node.value]
    if len(dict(pairs)) < len(pairs):
        raise yaml.YAMLError("a key is there twice")
    return dict(pairs)


_Loader.add_constructor("tag:yaml.org,2002:str", _scalar)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


class _Dumper(yaml.SafeDumper):
    """Writes texts without quotes where every version of YAML reads them as texts."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _is_odd(text) else None),
)


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
    """`value`, with nothing odd in it."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        _usable(item, f"{where}.{key}")
    if isinstance(value, Odd):
        raise refuse(f"the unquoted value of {where} (write it in quotes)")
    return value


def _only(allowed: Collection[str], entries: dict[str, Any], where: str) -> None:
    others = [key for key in entries if key not in allowed]
    if others:
        raise refuse(f"`{others[0]}` in {where}")


@dataclass(frozen=True)
class Declared:
    """A key that the project declares: its type and the value it has where the stack sets none."""

    type: str = ""
    default: str | None = None


@dataclass(frozen=True)
class Project:
    """The contents of Pulumi.yaml."""

    name: str
    directory: Path
    main: str = ""
    refresh: bool = False
    backend: str = ""
    config: dict[str, Declared] = field(default_factory=dict)

    @property
    def program(self) -> Path:
        """The folder, or the file, that holds the program."""
        return (self.directory / self.main).resolve()


def read_project(directory: Path) -> Project:
    """The project in `directory`."""
    path = directory / "Pulumi.yaml"
    if not path.exists():
        raise EmbeddedError(f"no Pulumi.yaml found in {directory}")
    document = load_yaml(path)
    _only({*_DESCRIPTIONS, "backend", "config"}, document, "Pulumi.yaml")
    options, backend = (_section(document.get(key), key) for key in ("options", "backend"))
    _only({"refresh"}, options, "Pulumi.yaml's options")
    _only({"url"}, backend, "Pulumi.yaml's backend")
    if options.get("refresh", "always") != "always":
        raise refuse(f"the option refresh: {options['refresh']}")
    _check_runtime(document.get("runtime"), directory)
    return Project(
        name=check_name("project", str(_usable(document.get("name", ""), "name"))),
        directory=directory.resolve(),
        main=str(document.get("main", "")),
        refresh="refresh" in options,
        backend=str(backend.get("url", "")),
        config=_declared(_section(document.get("config"), "config")),
    )


def _check_runtime(runtime: Any, directory: Path) -> None:
    described = runtime if isinstance(runtime, dict) else {"name": runtime}
    if described.get("name") != "python":
        raise refuse(f"the runtime {described.get('name')!r}")
    options = dict(described.get("options") or {})
    if "virtualenv" in options and (directory / str(options["virtualenv"])).resolve() == Path(sys.prefix).resolve():
        del options["virtualenv"]  # it is the one that this engine, and so the program, runs in
    _only((), options, "the runtime's options")


def _declared(section: dict[str, Any]) -> dict[str, Declared]:
    found = {}
    for key, entry in section.items():
        fields = entry if isinstance(entry, dict) else {"value": entry}
        _only({"type", "default", "description"}, fields, f"Pulumi.yaml's config.{key}")
        kind, default = fields.get("type", ""), _usable(fields.get("default"), f"config.{key}.default")
        if ":" in key or kind not in ("", "string", "integer", "boolean") or isinstance(default, list | dict):
            raise refuse(f"Pulumi.yaml's config.{key} (only texts, integers and booleans of the project itself)")
        text = default if isinstance(default, str | None) else json.dumps(default)
        if text is not None and not _fits(kind, text):
            raise EmbeddedError(f"the default value for configuration key '{key}' must be of type '{kind}'")
        found[key] = Declared(kind, text)
    return found


def _fits(kind: str, text: str) -> bool:
    if kind == "integer":
        return re.fullmatch(r"[-+]?\d+", text) is not None
    return kind != "boolean" or text in ("true", "false")


def full_key(project: str, key: str) -> str:
    """`key` with its namespace: the project's name where none is given."""
    return key if ":" in key else f"{project}:{key}"


class Config:
    """The configuration of one stack, in its Pulumi.<stack>.yaml over the project's own values."""

    def __init__(self, project: Project, stack: str) -> None:
        self._project = project
        self._stack = stack
        self._path = project.directory / f"Pulumi.{stack}.yaml"

    def _document(self) -> dict[str, Any]:
        document = load_yaml(self._path)
        _only({"config", "encryptionsalt", "secretsprovider"}, document, self._path.name)
        if document.get("secretsprovider", "passphrase") != "passphrase":
            raise refuse(f"the secrets provider {document['secretsprovider']!r}")
        return {**document, "config": _section(document.get("config"), "config")}

    @property
    def salt(self) -> str | None:
        """The `encryptionsalt`, which must be the state's."""
        return self._document().get("encryptionsalt")

    def write_salt(self, salt: str) -> None:
        """Add the salt to the file, whatever else is in it."""
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        lines = [] if not self._document()["config"] and text.strip() == "{}" else text.splitlines()
        replace_file(self._path, "\n".join([*lines, f"encryptionsalt: {salt}"]) + "\n")

    def set(self, key: str, value: ConfigValue, crypter: Crypter) -> None:
        """Store one value, encrypted when it is secret."""
        name = full_key(self._project.name, key)
        if not re.fullmatch(r"[^:\s]+:[^:\s\[\]\"]+", name):
            raise refuse("such a configuration key (a path, or blanks)")
        if self._path.exists() and re.search(r"(^|\s)#", self._path.read_text(encoding="utf-8")):
            raise refuse(f"`config set` in a file with comments (edit {self._path.name} by hand)")
        document = self._document()
        document["config"][name] = {"secure": crypter.seal(value.value)} if value.secret else value.value
        _usable(document["config"], "config")
        text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 30)
        replace_file(self._path, text)

    def values(self, crypter: Crypter, *, check: bool = False) -> dict[str, ConfigValue]:
        """All values as the program gets them: texts, objects as JSON."""
        found = {
            key: _value(stored, crypter.open) for key, stored in _usable(self._document()["config"], "config").items()
        }
        for key, declared in self._project.config.items():
            name = full_key(self._project.name, key)
            if name not in found and declared.default is not None:
                found[name] = ConfigValue(declared.default)
            elif check and name not in found:
                raise EmbeddedError(f"Stack '{self._stack}' is missing configuration value '{key}'")
            elif check and not _fits(declared.type, found[name].value):
                raise EmbeddedError(
                    f"Stack '{self._stack}' with configuration key '{key}' must be of type '{declared.type}'"
                )
        return dict(sorted(found.items()))


def _value(stored: Any, open_: Callable[[str], str]) -> ConfigValue:
    opened, secret = _open_nested(stored, open_)
    if isinstance(opened, str):
        return ConfigValue(opened, secret=secret)
    return ConfigValue(json.dumps(opened, separators=(",", ":"), sort_keys=True, ensure_ascii=False), secret=secret)


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
