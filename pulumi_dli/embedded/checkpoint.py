"""The files of Pulumi's file backend: one stack's checkpoint and its lock.

Owns their places and their format (deployment version 3), which the Pulumi CLI takes over. Used by stack.py and, for
writing while a deployment runs, by snapshot.py. Plans and does nothing.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.state import State, from_json
from pulumi_dli.embedded.values import EmbeddedError, Props, refuse, replace_file

VERSION = "v3.260.0"
ORGANIZATION = "organization"


class LockedError(EmbeddedError):
    """Another operation on the stack is under way."""


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
        if state.is_provider and package != "pulumi-python":
            raise refuse(f"the provider {package!r}, whose resources this stack holds")
    rest = {key: value for key, value in deployment.items() if key not in ("resources", "pending_operations")}
    return Base(resources, pending, rest)


class Store:
    """The files of one stack."""

    def __init__(self, backend: Path, project: str, stack: str) -> None:
        self._root = backend / ".pulumi"
        self.project, self.stack = project, stack
        self._full_name = f"{ORGANIZATION}/{project}/{stack}"
        self.path = self._root / "stacks" / project / f"{stack}.json"
        self._locks = self._root / "locks" / ORGANIZATION / project / stack

    def exists(self) -> bool:
        """Whether the stack was created."""
        for ending in (".gz", ".zst"):
            if self.path.with_name(self.path.name + ending).exists():
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
        """The stored state."""
        return read_deployment(self.load(), crypter, project=self.project, stack=self.stack)

    def save(self, deployment: str) -> None:
        """Put a deployment, given as JSON text, in the place of the stored one, whole or not at all."""
        stack = json.dumps(self._full_name)
        replace_file(self.path, f'{{"version":3,"checkpoint":{{"stack":{stack},"latest":{deployment}}}}}')

    def create(self, deployment: str) -> None:
        """Lay down a new stack."""
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
    raise LockedError(
        f"the stack is currently locked by {holder.get('username')}@{holder.get('hostname')} (pid {holder.get('pid')}) "
        f"since {holder.get('timestamp')}: wait for that operation to end, or remove {lock}"
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbeddedError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise EmbeddedError(f"{path} holds no JSON object")
    return document


def header(crypter: Crypter) -> Props:
    """Manifest and secrets provider of a deployment written now."""
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    magic = hashlib.sha256(VERSION.encode()).hexdigest()
    return {
        "manifest": {"time": time, "magic": magic, "version": VERSION},
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt}},
    }
