"""The public interface: a stack, driven through calls like those of `pulumi.automation`, without a CLI.

Used by tests, the demo and `__main__.py`. Owns what surrounds operations: project, configuration, passphrase, state.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi.automation import ConfigValue, OutputValue
from pulumi.automation import Deployment as Exported

from pulumi_dli.embedded.checkpoint import Store, directory_of, read_deployment
from pulumi_dli.embedded.crypt import Crypter, PassphraseError
from pulumi_dli.embedded.operation import Order
from pulumi_dli.embedded.run import OperationError, Options, Result, Run, StackFiles, output_values
from pulumi_dli.embedded.settings import Config, check_name, full_key, read_project
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.state import STACK_TYPE
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

    @classmethod
    def create_or_select(
        cls,
        stack_name: str,
        work_dir: str | os.PathLike[str],
        *,
        backend_dir: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        passphrase: str | None = None,
    ) -> Stack:
        """The stack of that name of the project in `work_dir`; what changes it makes it where there is none."""
        found = {**os.environ, **(env or {})}
        with _as_operation_error():
            project = read_project(Path(work_dir))
            url = str(backend_dir or found.get("PULUMI_BACKEND_URL") or "")
            if project.backend and not url:
                raise refuse(f"the backend {project.backend!r} of Pulumi.yaml unless it is asked for (`--backend`)")
            directory = directory_of(url) if url else project.directory / OWN_FOLDER
            store = Store(directory, project.name, check_name("stack", stack_name))
            config = Config(project, stack_name)
            crypter = Crypter(_passphrase(passphrase, found), _salt(config, store.load()))
        return cls(StackFiles(stack_name, project, store, config, crypter), found)

    # -- configuration -----------------------------------------------------------------------------------------------

    def set_config(self, key: str, value: ConfigValue) -> None:
        """Store one configuration value."""
        with _as_operation_error():
            self._files.create()
            self._files.config.set(key, value, self._files.crypter)

    def get_config(self, key: str) -> ConfigValue:
        """One configuration value, decrypted."""
        values = self.get_all_config()
        name = full_key(self._files.project.name, key)
        if name not in values:
            raise OperationError(f"error: configuration key '{name}' not found for stack '{self.name}'")
        return values[name]

    def get_all_config(self) -> dict[str, ConfigValue]:
        """All configuration values, decrypted."""
        with _as_operation_error():
            return self._files.config.values(self._files.crypter)

    # -- state -------------------------------------------------------------------------------------------------------

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
        """Put an exported deployment of this stack in the place of the stored one."""
        files = self._files
        with _as_operation_error():
            if state.version != 3:
                raise refuse(f"deployments of version {state.version}")
            deployment = dict(state.deployment or {})
            base = read_deployment(deployment, files.crypter, project=files.project.name, stack=self.name)
            base.pending = []  # as the CLI: what an import brings is settled
            with files.store.lock(lambda text: None):  # noqa: ARG005
                files.create()
                Snapshot(files.store, base, files.crypter, preview=False).commit()

    # -- operations --------------------------------------------------------------------------------------------------

    def preview(self, **options: Any) -> Result:
        """What an up would do. The options are those of `Options`."""
        return self._run("preview", options)

    def up(self, **options: Any) -> Result:
        """Run the program and bring its resources to what it declares."""
        return self._run("update", options)

    def refresh(self, **options: Any) -> Result:
        """Read what there is and make it the state (or only tell, with `preview_only`)."""
        return self._run("refresh", options)

    def destroy(self, **options: Any) -> Result:
        """Delete everything in the stack; the stack itself and its configuration stay."""
        return self._run("destroy", options)

    def cancel(self) -> None:
        """Cancel the operation that another thread of this process runs: gracefully, the second time at once."""
        if self._files.operation is not None:
            self._files.operation.cancel()

    def _run(self, kind: str, given: dict[str, Any]) -> Result:
        with _as_operation_error():
            others = [name for name, value in given.items() if value and name not in Options.__dataclass_fields__]
            if others or (kind == "update" and given.get("preview_only")):
                raise refuse(f"the option {', '.join(others) or 'preview_only of up'}")
            options = Options(**{name: value for name, value in given.items() if name in Options.__dataclass_fields__})
            project = self._files.project
            order = Order(
                project,
                self.name,
                self._env,
                kind,
                preview=kind == "preview" or options.preview_only,
                parallel=_parallel(options.parallel, self._env),
                refresh=kind == "refresh" or (project.refresh if options.refresh is None else options.refresh),
            )
            return Run(self._files, order, options).do()


def _parallel(asked: int | None, env: Mapping[str, str]) -> int:
    text = str(env.get("PULUMI_PARALLEL") or "") if asked is None else str(asked)
    if not text:
        return 4 * (os.cpu_count() or 1)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise EmbeddedError(f"--parallel (PULUMI_PARALLEL) must be a whole number from 1: {text!r}")
    return int(text)


def _passphrase(given: str | None, env: Mapping[str, str]) -> str:
    if given is not None:
        return given
    if "PULUMI_CONFIG_PASSPHRASE" in env:
        return env["PULUMI_CONFIG_PASSPHRASE"]
    if env.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        path = Path(env["PULUMI_CONFIG_PASSPHRASE_FILE"])
        if not path.is_file():
            raise PassphraseError(f"PULUMI_CONFIG_PASSPHRASE_FILE names no file: {path}")
        return path.read_text(encoding="utf-8").strip()
    raise PassphraseError("set PULUMI_CONFIG_PASSPHRASE (it may be empty) or PULUMI_CONFIG_PASSPHRASE_FILE")


def _salt(config: Config, state: Props) -> str | None:
    provider = state.get("secrets_providers") or {}
    if provider.get("type", "passphrase") != "passphrase":
        raise refuse(f"the secrets provider {provider['type']!r}")
    stored: str | None = (provider.get("state") or {}).get("salt")
    if stored and config.salt and stored != config.salt:
        raise PassphraseError("`encryptionsalt` in the stack's configuration file is not that of its state")
    return stored or config.salt
