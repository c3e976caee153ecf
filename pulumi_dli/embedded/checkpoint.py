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
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.state import State, from_json
from pulumi_dli.embedded.values import Props, refuse

VERSION = "v3.260.0"
ORGANIZATION = "organization"


class LockedError(Exception):
    """Another operation on the stack is under way."""


@dataclass
class Base:
    """What a checkpoint holds when an operation begins."""

    resources: list[State] = field(default_factory=list)
    pending: list[tuple[State, str]] = field(default_factory=list)
    rest: Props = field(default_factory=dict)


def directory_of(url: str) -> Path:
    """The folder a backend URL names.

    Raises:
        RefusedError: it is not a file backend.
    """
    if "://" in url and not url.startswith("file://"):
        raise refuse(f"the backend {url!r} (only file://)")
    return Path(url.removeprefix("file://")).expanduser()


def read_deployment(deployment: Props, crypter: Crypter) -> Base:
    """The resources and pending operations of a version 3 deployment.

    Raises:
        RefusedError: it holds resources of other providers.
    """
    resources = [from_json(record, crypter) for record in deployment.get("resources") or []]
    for state in resources:
        package = state.type.removeprefix("pulumi:providers:")
        if state.is_provider and package != "pulumi-python":
            raise refuse(f"the provider {package!r}, whose resources this stack holds")
        if state.extra.keys() & {"viewOf", "resourceHooks", "replacementTrigger"}:
            raise refuse(f"what the state holds of {state.urn}: {', '.join(state.extra)}")
    operations = deployment.get("pending_operations") or []
    pending = [(from_json(item["resource"], crypter), str(item["type"])) for item in operations]
    rest = {key: value for key, value in deployment.items() if key not in ("resources", "pending_operations")}
    return Base(resources, pending, rest)


class Store:
    """The files of one stack."""

    def __init__(self, backend: Path, project: str, stack: str) -> None:
        self.backend = backend
        self._root = backend / ".pulumi"
        self._full_name = f"{ORGANIZATION}/{project}/{stack}"
        self.path = self._root / "stacks" / project / f"{stack}.json"
        self._locks = self._root / "locks" / ORGANIZATION / project / stack

    def exists(self) -> bool:
        """Whether the stack was created.

        Raises:
            RefusedError: its checkpoint is compressed.
        """
        for ending in (".gz", ".zst"):
            if self.path.with_name(self.path.name + ending).exists():
                raise refuse("compressed checkpoints")
        return self.path.exists()

    def load(self) -> Props:
        """The stored deployment, `{}` when nothing was deployed yet."""
        document = json.loads(self.path.read_text(encoding="utf-8"))
        if document.get("version") != 3 or document.get("features"):
            raise refuse(f"checkpoints of version {document.get('version')} {document.get('features') or ''}".rstrip())
        return dict(document["checkpoint"].get("latest") or {})

    def save(self, deployment: str) -> None:
        """Put a deployment, given as JSON text, in the place of the stored one, whole or not at all."""
        stack = json.dumps(self._full_name)
        _replace(self.path, f'{{"version":3,"checkpoint":{{"stack":{stack},"latest":{deployment}}}}}')

    def create(self, deployment: str) -> None:
        """Lay down a new stack."""
        meta = self._root / "meta.yaml"
        if not meta.exists():
            _replace(meta, "version: 1\n")
        self.save(deployment)

    @contextlib.contextmanager
    def lock(self, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the stack; a lock that a dead process of this host left is taken over.

        Raises:
            LockedError: somebody else holds it.
        """
        mine = self._locks / f"{uuid.uuid4()}.json"
        content = {"pid": os.getpid(), "username": getpass.getuser(), "hostname": socket.gethostname()}
        _replace(mine, json.dumps({**content, "timestamp": datetime.now(UTC).isoformat()}))
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
        holder: dict[str, Any] = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    if holder.get("hostname") == socket.gethostname() and not _alive(int(holder["pid"])):
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


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)


def header(crypter: Crypter) -> Props:
    """Manifest and secrets provider of a deployment written now."""
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    magic = hashlib.sha256(VERSION.encode()).hexdigest()
    return {
        "manifest": {"time": time, "magic": magic, "version": VERSION},
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt}},
    }
