"""A stack's resources, and the files of Pulumi's file backend that hold them: its checkpoint and its lock.

Owns the records, the places and the format (deployment version 3), which the Pulumi CLI takes over. Plans nothing.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import re
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.values import (
    SECRET,
    SIGNATURE,
    UNKNOWN_TEXT,
    EmbeddedError,
    Props,
    Secret,
    Unknown,
    refuse,
    replace_file,
    special,
)

VERSION = "v3.260.0"
ORGANIZATION = "organization"
STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE = "pulumi:providers:pulumi-python"


@dataclass(eq=False)
class State:
    """One resource as the checkpoint holds it. Compared by identity: one URN may have several records."""

    urn: str
    type: str
    custom: bool = False
    delete: bool = False
    id: str = ""
    inputs: Props = field(default_factory=dict)
    outputs: Props = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    dependencies: list[str] = field(default_factory=list)
    init_errors: list[str] = field(default_factory=list)
    provider: str = ""
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    pending_replacement: bool = False
    import_id: str = ""
    retain_on_delete: bool = False
    created: str = ""
    modified: str = ""
    source_position: str = ""
    stack_trace: list[Any] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]

    @property
    def is_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:")

    @property
    def is_default_provider(self) -> bool:
        return self.is_provider and self.name.startswith("default")

    @property
    def reference(self) -> str:
        """How users of this provider name it."""
        return f"{self.urn}::{self.id}"

    def needs(self) -> Iterator[str]:
        """The URNs this resource depends on, its parent not among them."""
        yield from self.dependencies
        for urns in self.property_dependencies.values():
            yield from urns
        if self.provider:
            yield self.provider.rpartition("::")[0]


def now() -> str:
    """This moment as the checkpoint writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_JSON_NAMES = {name: re.sub(r"_(.)", lambda found: found[1].upper(), name) for name in State.__dataclass_fields__}
_JSON_NAMES["import_id"] = "importID"


def to_json(state: State, crypter: Crypter | None = None) -> Props:
    """The record for the checkpoint; empty fields are left out, as the CLI does."""
    record: Props = {}
    for name, value in vars(state).items():
        if name in ("inputs", "outputs"):
            if value:
                record[name] = seal(value, crypter)
        elif name == "custom" or value:
            record[_JSON_NAMES[name]] = value
    return record


def from_json(record: Mapping[str, Any], crypter: Crypter) -> State:
    """The resource that a record of the checkpoint describes."""
    known = {json_name: name for name, json_name in _JSON_NAMES.items()}
    others = [key for key, value in record.items() if value and key not in known]
    if others:
        raise refuse(f"what the state holds of {record.get('urn')}: {', '.join(others)}")
    fields = {known[key]: value for key, value in record.items() if key in known}
    for name in ("inputs", "outputs"):
        fields[name] = unseal(fields.get(name, {}), crypter)
    return State(**fields)


def seal(value: Any, crypter: Crypter | None) -> Any:
    """`value` as JSON, its secrets encrypted; a preview shows what is not known yet by its mark."""
    match value:
        case Secret() if crypter:
            if value.sealed is None:
                text = json.dumps(seal(value.value, crypter), separators=(",", ":"), sort_keys=True)
                value.sealed = crypter.seal(text)
            return {SIGNATURE: SECRET, "ciphertext": value.sealed}
        case Unknown():
            return None if crypter else UNKNOWN_TEXT
        case dict():
            return {key: seal(value[key], crypter) for key in sorted(value)}
        case list():
            return [seal(item, crypter) for item in value]
        case _:
            return value


def unseal(value: Any, crypter: Crypter) -> Any:
    """The value that a JSON text of the checkpoint holds."""
    if isinstance(value, list):
        return [unseal(item, crypter) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(SIGNATURE) == SECRET:
        if "plaintext" in value:  # `stack export --show-secrets` writes these, and `stack import` takes them
            return Secret(unseal(json.loads(value["plaintext"]), crypter))
        return Secret(unseal(json.loads(crypter.open(value["ciphertext"])), crypter), value["ciphertext"])
    return special({key: unseal(item, crypter) for key, item in value.items()})


@dataclass
class Base:
    """What a checkpoint holds when an operation begins."""

    resources: list[State] = field(default_factory=list)
    pending: list[tuple[State, str]] = field(default_factory=list)
    rest: Props = field(default_factory=dict)


def directory_of(url: str) -> Path:
    """The folder a backend URL names."""
    path = url.removeprefix("file://")
    if "://" in path or "?" in path:
        raise refuse(f"the backend {url!r} (only file://)")
    return Path(path).expanduser().resolve()


def read_deployment(deployment: Props, crypter: Crypter, *, project: str, stack: str) -> Base:
    """The resources and pending operations of a version 3 deployment."""
    try:
        resources = [from_json(record, crypter) for record in deployment.get("resources") or []]
        operations = deployment.get("pending_operations") or []
        pending = [(from_json(item["resource"], crypter), str(item["type"])) for item in operations]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EmbeddedError(f"the state is malformed ({type(error).__name__}: {error})") from None
    for state in resources:
        package = state.type.removeprefix("pulumi:providers:")
        if not state.urn.startswith(f"urn:pulumi:{stack}::{project}::"):
            raise EmbeddedError(f"resource '{state.urn}' is from a different stack or project than {project}/{stack}")
        if not state.custom and state.type != STACK_TYPE:
            raise refuse(f"the component {state.name!r}, which this stack holds")
        if state.is_provider and package != "pulumi-python":
            raise refuse(f"the provider {package!r}, whose resources this stack holds")
    rest = {key: value for key, value in deployment.items() if key not in ("resources", "pending_operations")}
    return Base(resources, pending, rest)


class Store:
    """The files of one stack."""

    def __init__(self, backend: Path, project: str, stack: str) -> None:
        self.backend = backend
        self._root = backend / ".pulumi"
        self.project, self.stack = project, stack
        self._full_name = f"{ORGANIZATION}/{project}/{stack}"
        self.path = self._root / "stacks" / project / f"{stack}.json"
        self._locks = self._root / "locks" / ORGANIZATION / project / stack

    def exists(self) -> bool:
        if any(self.path.with_name(self.path.name + ending).exists() for ending in (".gz", ".zst")):
            raise refuse("compressed checkpoints")
        return self.path.exists()

    def load(self) -> Props:
        """The stored deployment, `{}` when nothing was deployed yet."""
        if not self.exists():
            return {}
        document = read_json(self.path)
        if document.get("version") != 3 or document.get("features"):
            raise refuse(f"checkpoints of version {document.get('version')} {document.get('features') or ''}".rstrip())
        return dict((document.get("checkpoint") or {}).get("latest") or {})

    def base(self, crypter: Crypter) -> Base:
        return read_deployment(self.load(), crypter, project=self.project, stack=self.stack)

    def save(self, deployment: str) -> None:
        """Replace the stored deployment by this one, given as JSON text, whole or not at all."""
        stack = json.dumps(self._full_name)
        replace_file(self.path, f'{{"version":3,"checkpoint":{{"stack":{stack},"latest":{deployment}}}}}')

    def create(self, deployment: str) -> None:
        meta = self._root / "meta.yaml"
        if not meta.exists():
            replace_file(meta, "version: 1\n")
        self.save(deployment)

    @contextlib.contextmanager
    def lock(self, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the stack; a lock that a dead process of this host left is taken over."""
        mine = self._locks / f"{uuid.uuid4()}.json"
        content = {"pid": os.getpid(), "username": getpass.getuser(), "hostname": socket.gethostname()}
        replace_file(mine, json.dumps({**content, "timestamp": datetime.now(UTC).isoformat()}))
        try:
            # Written first, then looked around: of two that start together at least one sees the other.
            for other in sorted(self._locks.glob("*.json")):
                if other != mine:
                    _take_over(other, say)
            yield
        finally:
            mine.unlink(missing_ok=True)


def _take_over(lock: Path, say: Callable[[str], None]) -> None:
    try:
        holder = read_json(lock)
    except FileNotFoundError:
        return
    if holder.get("hostname") == socket.gethostname() and not _alive(int(holder.get("pid") or 0)):
        say(f"warning: took over the lock of an operation that died (pid {holder['pid']})")
        lock.unlink(missing_ok=True)
        return
    raise EmbeddedError(
        f"the stack is currently locked by {holder.get('username')}@{holder.get('hostname')} (pid {holder.get('pid')}) "
        f"since {holder.get('timestamp')}: wait for that operation to end, or remove {lock}"
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbeddedError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise EmbeddedError(f"{path} holds no JSON object")
    return document


def header(crypter: Crypter) -> Props:
    """Manifest and secrets provider of a deployment written now."""
    magic = hashlib.sha256(VERSION.encode()).hexdigest()
    return {
        "manifest": {"time": now(), "magic": magic, "version": VERSION},
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt}},
    }
