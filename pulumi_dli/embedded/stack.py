"""The public interface: a stack, driven through calls like those of `pulumi.automation`, without a CLI.

Used by tests, the demo and `__main__.py`. Owns what surrounds operations: project, configuration, passphrase, state.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi.automation import ConfigValue, OutputValue
from pulumi.automation import Deployment as Exported

from pulumi_dli.embedded.crypt import Crypter, PassphraseError
from pulumi_dli.embedded.operation import Operation, OperationError, Options, Result, StackFiles, output_values
from pulumi_dli.embedded.settings import Config, check_name, read_project
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.state import STACK_TYPE, Store, directory_of, read_deployment
from pulumi_dli.embedded.values import EmbeddedError, Props, plain, refuse

OWN_FOLDER = ".pulumi-dli-embedded"
"""Where stacks are kept, in the project's folder, unless a backend is named: not beside those of the CLI."""


@contextlib.contextmanager
def _as_operation_error() -> Iterator[None]:
    try:
        yield
    except EmbeddedError as error:
        raise OperationError(f"error: {error}") from error


class Stack:
    """One stack of the project in a folder."""

    def __init__(self, files: StackFiles, env: Mapping[str, str]) -> None:
        self.name = files.name
        self._files = files
        self._env = env
        self._operation: Operation | None = None

    @classmethod
    def create_or_select(
        cls,
        stack_name: str,
        work_dir: str | os.PathLike[str],
        *,
        backend_dir: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Stack:
        """The stack of that name of the project in `work_dir`; what changes it makes it where there is none."""
        found = {**os.environ, **(env or {})}
        with _as_operation_error():
            project = read_project(Path(work_dir))
            url = str(backend_dir or found.get("PULUMI_BACKEND_URL") or "")
            directory = directory_of(url) if url else project.directory / OWN_FOLDER
            store = Store(directory, project.name, check_name("stack", stack_name))
            config = Config(project, stack_name)
            crypter = Crypter(_passphrase(found), _salt(config, store.load()))
        return cls(StackFiles(stack_name, project, store, config, crypter), found)

    def set_config(self, key: str, value: ConfigValue) -> None:
        with _as_operation_error():
            self._files.create()
            self._files.config.set(key, value, self._files.crypter)

    def get_all_config(self) -> dict[str, ConfigValue]:
        with _as_operation_error():
            return self._files.config.values(self._files.crypter)

    def _stored_outputs(self) -> Props:
        with _as_operation_error():
            resources = self._files.store.base(self._files.crypter).resources
        return next((state.outputs for state in resources if state.type == STACK_TYPE), {})

    def outputs(self) -> dict[str, OutputValue]:
        """The stack's outputs as of the last update."""
        return output_values(self._stored_outputs())

    def masked_outputs(self) -> Props:
        """The stack's outputs, their secret parts masked."""
        masked: Props = plain(self._stored_outputs(), mask=True)
        return masked

    def export_stack(self) -> Exported:
        """The deployment as it is stored, secrets encrypted."""
        with _as_operation_error():
            return Exported(3, self._files.store.load())

    def import_stack(self, state: Exported) -> None:
        """Replace the stored deployment of this stack by an exported one."""
        files = self._files
        with _as_operation_error():
            if state.version != 3:
                raise refuse(f"deployments of version {state.version}")
            base = read_deployment(
                dict(state.deployment or {}), files.crypter, project=files.project.name, stack=self.name
            )
            base.pending = []  # as the CLI: what an import brings is settled
            with files.store.lock(lambda text: None):  # noqa: ARG005
                files.create()
                Snapshot(files.store, base, files.crypter, preview=False).commit()

    def cancel(self) -> None:
        """Cancel the operation that another thread of this process runs: gracefully, the second time at once."""
        if self._operation is not None:
            self._operation.cancel()

    def _run(self, kind: str, **given: Any) -> Result:
        """One operation; what may be `given` are the fields of `Options`."""
        with _as_operation_error():
            others = given.keys() - Options.__dataclass_fields__.keys()
            if others or (kind == "update" and given.get("preview_only")):
                raise refuse(f"the option {', '.join(sorted(others)) or 'preview_only of up'}")
            self._operation = Operation(self._files, kind, Options(**given), self._env)
        try:
            return self._operation.do()
        finally:
            self._operation = None

    preview = functools.partialmethod(_run, "preview")
    up = functools.partialmethod(_run, "update")
    refresh = functools.partialmethod(_run, "refresh")
    destroy = functools.partialmethod(_run, "destroy")


def _passphrase(env: Mapping[str, str]) -> str:
    if "PULUMI_CONFIG_PASSPHRASE" in env:
        return env["PULUMI_CONFIG_PASSPHRASE"]
    path = Path(env.get("PULUMI_CONFIG_PASSPHRASE_FILE") or os.devnull)
    if not path.is_file():
        raise PassphraseError("set PULUMI_CONFIG_PASSPHRASE (it may be empty) or PULUMI_CONFIG_PASSPHRASE_FILE")
    return path.read_text(encoding="utf-8").strip()


def _salt(config: Config, state: Props) -> str | None:
    provider = state.get("secrets_providers") or {}
    if provider.get("type", "passphrase") != "passphrase":
        raise refuse(f"the secrets provider {provider['type']!r}")
    stored: str | None = (provider.get("state") or {}).get("salt")
    if stored and config.salt and stored != config.salt:
        raise PassphraseError("`encryptionsalt` in the stack's configuration file is not that of its state")
    return stored or config.salt
