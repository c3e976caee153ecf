"""The public interface: a stack, driven through the calls and the result types of `pulumi.automation`, without a CLI.

Used by tests, the demo and `__main__.py`. Owns what surrounds operations: project, configuration, passphrase, state.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi.automation import ConfigValue, OpType, OutputValue
from pulumi.automation import Deployment as Exported

from pulumi_dli.embedded.checkpoint import Base, LockedError, Store, directory_of, read_deployment
from pulumi_dli.embedded.crypt import Crypter, PassphraseError
from pulumi_dli.embedded.events import OnEvent
from pulumi_dli.embedded.operation import Order, stack_outputs
from pulumi_dli.embedded.run import Destroy, OnOutput, OperationError, Place, Preview, Refresh, Run, Up, output_values
from pulumi_dli.embedded.settings import Config, Project, full_key, read_project
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.values import Props, RefusedError, refuse


class Stack:
    """One stack of the project in a folder."""

    def __init__(self, name: str, project: Project, store: Store, env: Mapping[str, str], crypter: Crypter) -> None:
        self.name = name
        self._project = project
        self._env = env
        self._place = Place(store, Config(project, name), crypter)

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
        """The stack of that name of the project in `work_dir`, made when there is none.

        Raises:
            CommandError: no project, another backend, no or the wrong passphrase, something that is refused.
        """
        try:
            project = read_project(Path(work_dir))
            found = {**os.environ, **(env or {})}
            url = str(backend_dir or found.get("PULUMI_BACKEND_URL") or project.backend or project.directory)
            store = Store(directory_of(url), project.name, stack_name)
            config = Config(project, stack_name)
            state = store.load() if store.exists() else None
            crypter = Crypter(_passphrase(passphrase, found), _salt(config, state))
            crypter.warm()
            if state is None:
                store.create(Snapshot(store, Base(), crypter, preview=True)._document())
            if config.salt is None:
                config.write_salt(crypter.salt)
        except (RefusedError, PassphraseError, FileNotFoundError, KeyError) as error:
            raise OperationError("", f"error: {error}") from error
        return cls(stack_name, project, store, dict(env or {}), crypter)

    # -- configuration -----------------------------------------------------------------------------------------------

    def set_config(self, key: str, value: ConfigValue) -> None:
        """Store one configuration value."""
        self._place.config.set(key, value, self._place.crypter)

    def get_config(self, key: str) -> ConfigValue:
        """One configuration value, decrypted.

        Raises:
            CommandError: it is not set.
        """
        values = self.get_all_config()
        name = full_key(self._project.name, key)
        if name not in values:
            raise OperationError("", f"error: configuration key '{name}' not found for stack '{self.name}'")
        return values[name]

    def get_all_config(self) -> dict[str, ConfigValue]:
        """All configuration values, decrypted."""
        try:
            return self._place.config.values(self._place.crypter)
        except (PassphraseError, RefusedError) as error:
            raise OperationError("", f"error: {error}") from error

    # -- state -------------------------------------------------------------------------------------------------------

    def outputs(self) -> dict[str, OutputValue]:
        """The stack's outputs as of the last update."""
        return output_values(stack_outputs(self._place.base().resources))

    def export_stack(self) -> Exported:
        """The deployment as it is stored, secrets encrypted."""
        return Exported(3, self._place.store.load())

    def import_stack(self, state: Exported) -> None:
        """Put an exported deployment in the place of the stored one."""
        if state.version != 3:
            raise OperationError("", f"error: {refuse(f'deployments of version {state.version}')}")
        try:
            with self._place.store.lock(lambda text: None):  # noqa: ARG005
                base = read_deployment(dict(state.deployment or {}), self._place.crypter)
                base.rest.pop("manifest", None)
                Snapshot(self._place.store, base, self._place.crypter, preview=False).commit()
        except (RefusedError, PassphraseError, LockedError) as error:
            raise OperationError("", f"error: {error}") from error

    # -- operations --------------------------------------------------------------------------------------------------

    def preview(
        self,
        *,
        parallel: int | None = None,
        message: str | None = None,  # noqa: ARG002 - kept by the CLI's history, which this engine has not
        on_output: OnOutput | None = None,
        on_event: OnEvent | None = None,
        refresh: bool | None = None,
        diff: bool = False,
        colour: bool = False,
        **others: Any,
    ) -> Preview:
        """What an up would do."""
        run = Run(self._place, "preview", on_output, on_event, others, diff=diff, colour=colour)
        order = self._order(parallel, preview=True, run_program=True, refresh=self._refresh_wanted(refresh))
        run.do(order)
        return run.told(Preview(run.stdout, "", run.changes()))

    def up(
        self,
        *,
        parallel: int | None = None,
        message: str | None = None,
        on_output: OnOutput | None = None,
        on_event: OnEvent | None = None,
        refresh: bool | None = None,
        diff: bool = False,
        colour: bool = False,
        **others: Any,
    ) -> Up:
        """Run the program and bring its resources to what it wants."""
        run = Run(self._place, "update", on_output, on_event, others, diff=diff, colour=colour)
        order = self._order(parallel, preview=False, run_program=True, refresh=self._refresh_wanted(refresh))
        run.do(order)
        return run.told(Up(run.stdout, "", run.summary(message), output_values(run.outputs)))

    def refresh(
        self,
        *,
        parallel: int | None = None,
        message: str | None = None,
        preview_only: bool = False,
        expect_no_changes: bool = False,
        on_output: OnOutput | None = None,
        on_event: OnEvent | None = None,
        diff: bool = False,
        colour: bool = False,
        **others: Any,
    ) -> Refresh:
        """Read what there is and make it the state (or only tell, with `preview_only`)."""
        run = Run(self._place, "refresh", on_output, on_event, others, diff=diff, colour=colour)
        run.do(self._order(parallel, preview=preview_only, refresh=True))
        if expect_no_changes and run.changes().keys() - {OpType.SAME}:
            text = "error: no changes were expected but changes were found"
            raise OperationError(run.stdout, text, run.recorder)
        return run.told(Refresh(run.stdout, "", run.summary(message)))

    def destroy(
        self,
        *,
        parallel: int | None = None,
        message: str | None = None,
        preview_only: bool = False,
        refresh: bool | None = None,
        on_output: OnOutput | None = None,
        on_event: OnEvent | None = None,
        diff: bool = False,
        colour: bool = False,
        **others: Any,
    ) -> Destroy:
        """Delete everything in the stack; the stack itself and its configuration stay."""
        run = Run(self._place, "destroy", on_output, on_event, others, diff=diff, colour=colour)
        run.do(self._order(parallel, preview=preview_only, destroy=True, refresh=self._refresh_wanted(refresh)))
        return run.told(Destroy(run.stdout, "", run.summary(message)))

    def cancel(self) -> None:
        """Cancel the operation that another thread of this process runs: gracefully, the second time at once."""
        self._place.cancel()

    def _refresh_wanted(self, asked: bool | None) -> bool:
        return self._project.refresh if asked is None else asked

    def _order(self, parallel: int | None, *, preview: bool, **what: bool) -> Order:
        env = {**os.environ, **self._env}
        return Order(
            self._project.name,
            self.name,
            self._project.program,
            self._project.directory,
            self._place.store.backend,
            self._env,
            preview=preview,
            parallel=parallel or int(env.get("PULUMI_PARALLEL") or 0) or 4 * (os.cpu_count() or 1),
            **what,
        )


def _passphrase(given: str | None, env: Mapping[str, str]) -> str:
    if given is not None:
        return given
    if "PULUMI_CONFIG_PASSPHRASE" in env:
        return env["PULUMI_CONFIG_PASSPHRASE"]
    if env.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        return Path(env["PULUMI_CONFIG_PASSPHRASE_FILE"]).read_text(encoding="utf-8").strip()
    raise PassphraseError("set PULUMI_CONFIG_PASSPHRASE (it may be empty) or PULUMI_CONFIG_PASSPHRASE_FILE")


def _salt(config: Config, state: Props | None) -> str | None:
    provider = (state or {}).get("secrets_providers") or {}
    if provider.get("type", "passphrase") != "passphrase":
        raise refuse(f"the secrets provider {provider['type']!r}")
    stored = (provider.get("state") or {}).get("salt")
    if stored and config.salt and stored != config.salt:
        raise PassphraseError("`encryptionsalt` in the stack's configuration file is not that of its state")
    return stored or config.salt
