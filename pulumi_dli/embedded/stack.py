"""The public interface: a stack, driven through the calls and the result types of `pulumi.automation`, without a CLI.

Used by tests, the demo and `__main__.py`. Owns what surrounds an operation: project, configuration, passphrase, lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pulumi.automation import (
    CommandError,
    CommandResult,
    ConfigValue,
    DestroyResult,
    OpType,
    OutputValue,
    PreviewResult,
    RefreshResult,
    UpdateSummary,
    UpResult,
)
from pulumi.automation import Deployment as Exported

from pulumi_dli.embedded.checkpoint import Base, LockedError, Store, directory_of, read_deployment
from pulumi_dli.embedded.crypt import Crypter, PassphraseError
from pulumi_dli.embedded.display import Display
from pulumi_dli.embedded.events import Diagnostic, OnEvent, Recorder
from pulumi_dli.embedded.operation import Operation, Order, interruptibly, stack_outputs
from pulumi_dli.embedded.settings import Config, Project, full_key, read_project
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.values import Props, RefusedError, Secret, Unknown, holds, plain, refuse

OnOutput = Callable[[str], Any]
PRELUDE = "embedded engine (no Pulumi CLI found): for demos and tests"


class OperationError(CommandError):
    """An operation that failed: as `pulumi.automation` raises it, with what happened beside the text."""

    def __init__(self, stdout: str, stderr: str, recorder: Recorder | None = None, code: int = 255) -> None:
        super().__init__(CommandResult(stdout, stderr, code))
        self.reason = stderr
        self.steps: list[dict[str, Any]] = recorder.steps if recorder else []
        self.diagnostics: list[Diagnostic] = recorder.diagnostics if recorder else []


class _Told:
    """What every result also has: the steps as dictionaries, and the diagnostics."""

    steps: list[dict[str, Any]]
    diagnostics: list[Diagnostic]


_T = TypeVar("_T", bound=_Told)


class Up(_Told, UpResult):
    """The result of an up."""


class Preview(_Told, PreviewResult):
    """The result of a preview."""


class Refresh(_Told, RefreshResult):
    """The result of a refresh."""


class Destroy(_Told, DestroyResult):
    """The result of a destroy."""


class Stack:
    """One stack of the project in a folder."""

    def __init__(self, name: str, project: Project, store: Store, env: Mapping[str, str], crypter: Crypter) -> None:
        self.name = name
        self._project = project
        self._store = store
        self._env = env
        self._crypter = crypter
        self._config = Config(project, name)
        self._operation: Operation | None = None

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
        self._config.set(key, value, self._crypter)

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
            return self._config.values(self._crypter)
        except (PassphraseError, RefusedError) as error:
            raise OperationError("", f"error: {error}") from error

    # -- state -------------------------------------------------------------------------------------------------------

    def outputs(self) -> dict[str, OutputValue]:
        """The stack's outputs as of the last update."""
        return output_values(stack_outputs(self._base().resources))

    def export_stack(self) -> Exported:
        """The deployment as it is stored, secrets encrypted."""
        return Exported(3, self._store.load())

    def import_stack(self, state: Exported) -> None:
        """Put an exported deployment in the place of the stored one."""
        if state.version != 3:
            raise OperationError("", f"error: {refuse(f'deployments of version {state.version}')}")
        try:
            with self._store.lock(lambda text: None):  # noqa: ARG005
                base = read_deployment(dict(state.deployment or {}), self._crypter)
                base.rest.pop("manifest", None)
                Snapshot(self._store, base, self._crypter, preview=False).commit()
        except (RefusedError, PassphraseError, LockedError) as error:
            raise OperationError("", f"error: {error}") from error

    def _base(self) -> Base:
        return read_deployment(self._store.load(), self._crypter)

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
        run = _Run(self, "preview", on_output, on_event, others, diff=diff, colour=colour)
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
        run = _Run(self, "update", on_output, on_event, others, diff=diff, colour=colour)
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
        run = _Run(self, "refresh", on_output, on_event, others, diff=diff, colour=colour)
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
        run = _Run(self, "destroy", on_output, on_event, others, diff=diff, colour=colour)
        run.do(self._order(parallel, preview=preview_only, destroy=True, refresh=self._refresh_wanted(refresh)))
        return run.told(Destroy(run.stdout, "", run.summary(message)))

    def cancel(self) -> None:
        """Cancel the operation that another thread of this process runs: gracefully, the second time at once."""
        operation = self._operation
        if operation is not None:
            operation.cancel()

    def _refresh_wanted(self, asked: bool | None) -> bool:
        return self._project.refresh if asked is None else asked

    def _order(self, parallel: int | None, *, preview: bool, **what: bool) -> Order:
        env = {**os.environ, **self._env}
        return Order(
            self._project.name,
            self.name,
            self._project.program,
            self._project.directory,
            self._env,
            preview=preview,
            parallel=parallel or int(env.get("PULUMI_PARALLEL") or 0) or 4 * (os.cpu_count() or 1),
            **what,
        )


class _Run:
    """One operation and what is kept of it for its result."""

    def __init__(
        self,
        stack: Stack,
        kind: str,
        on_output: OnOutput | None,
        on_event: OnEvent | None,
        others: Mapping[str, Any],
        *,
        diff: bool,
        colour: bool,
    ) -> None:
        asked = [name for name, value in others.items() if value]
        if asked:
            raise OperationError("", f"error: {refuse('the option ' + ', '.join(asked))}")
        self._stack = stack
        self._kind = kind
        self._begun = datetime.now(UTC)
        self._lines: list[str] = []
        self._on_output = on_output
        self._style = {"diff": diff, "colour": colour}
        self._listeners: list[OnEvent] = [on_event] if on_event else []
        self.recorder = Recorder(self._listeners, counts_refreshes=kind == "refresh")
        self.outputs: Props = {}

    @property
    def stdout(self) -> str:
        return "\n".join(self._lines)

    def _say(self, line: str) -> None:
        self._lines.append(line)
        if self._on_output is not None:
            self._on_output(line)

    def do(self, order: Order) -> None:
        """Run the order under the stack's lock.

        Raises:
            CommandError: it failed or was cancelled.
        """
        self._listeners.append(Display(self._say, preview=order.preview, **self._style))
        self.recorder.tell({"kind": "prelude", "line": PRELUDE})
        try:
            operation = interruptibly(lambda: self._locked(order), self._stack.cancel)
        except LockedError as error:
            raise OperationError(self.stdout, f"error: {error}") from error
        except (RefusedError, PassphraseError, FileNotFoundError) as error:
            raise OperationError(self.stdout, f"error: {error}", self.recorder) from error
        finally:
            self._stack._operation = None
        if operation.result != "succeeded":
            texts = [f"error: {item.message}" for item in self.recorder.diagnostics if item.severity == "error"]
            raise OperationError(
                self.stdout, "\n".join([*texts, f"error: {self._kind} {operation.result}"]), self.recorder
            )

    def _locked(self, order: Order) -> Operation:
        if order.preview:
            return self._operate(order)
        with self._stack._store.lock(self._say):
            return self._operate(order)

    def _operate(self, order: Order) -> Operation:
        operation = Operation(order, self.recorder)
        operation.begin()
        self._stack._operation = operation
        try:
            config = self._stack._config.values(self._stack._crypter)
            base = self._stack._base()
            if base.pending and not order.preview and order.run_program:
                self._warn_of_pending(base)
            operation.run(Snapshot(self._stack._store, base, self._stack._crypter, preview=order.preview), config)
        finally:
            operation.end()
        self.outputs = operation.outputs
        shown = {key: _shown(value) for key, value in operation.outputs.items()}
        self.recorder.tell(
            {
                "kind": "summary",
                "result": operation.result,
                "outputs": shown,
                "changes": {op.value: count for op, count in self.changes().items()},
            }
        )
        return operation

    def _warn_of_pending(self, base: Base) -> None:
        named = "\n".join(f"  * {state.urn}, interrupted while {kind}" for state, kind in base.pending)
        self.recorder.diagnostic(
            "warning",
            "",
            f"an earlier operation was killed while it changed {len(base.pending)} resource(s):\n{named}\n"
            "These may be in an unknown state. `refresh` reads what is known of them; a pending create stays listed "
            "until `pulumi refresh --clear-pending-creates`.",
        )

    def changes(self) -> dict[OpType, int]:
        return {OpType(op): count for op, count in self.recorder.counts.items() if count}

    def summary(self, message: str | None) -> UpdateSummary:
        return UpdateSummary(
            kind=self._kind,
            start_time=self._begun,
            message=message or "",
            environment={},
            config={},
            result="succeeded",
            end_time=datetime.now(UTC),
            resource_changes=self.changes(),
        )

    def told(self, result: _T) -> _T:
        result.steps, result.diagnostics = self.recorder.steps, self.recorder.diagnostics
        return result


def _shown(value: Any) -> Any:
    return "[unknown]" if holds(value, Unknown) and not isinstance(value, Secret) else plain(value, mask=True)


def output_values(outputs: Props) -> dict[str, OutputValue]:
    """Outputs of a state as `pulumi.automation` gives them."""
    return {key: OutputValue(plain(value), holds(value, Secret)) for key, value in outputs.items()}


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


__all__ = ["PRELUDE", "OperationError", "Stack"]
