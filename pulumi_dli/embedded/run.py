"""One operation on a stack: its lock, what it shows, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import CommandError, CommandResult, OutputValue

from pulumi_dli.embedded.checkpoint import Base, Store
from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.display import Display
from pulumi_dli.embedded.events import Diagnostic, OnEvent, Recorder
from pulumi_dli.embedded.operation import Operation, Order, interruptibly
from pulumi_dli.embedded.settings import Config, Project
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.values import EmbeddedError, Props, Secret, Unknown, holds, plain

OnOutput = Callable[[str], Any]
NO_CHANGES_EXPECTED = 7
"""The CLI's exit status for `--expect-no-changes`."""


class OperationError(CommandError):
    """An operation that failed: as `pulumi.automation` raises it, with what happened beside the text."""

    def __init__(self, text: str, result: Result | None = None, code: int = 1) -> None:
        self.result = result or Result()
        self.reason = text
        self.code = code
        super().__init__(CommandResult(self.result.stdout, text, code))

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return self.result.diagnostics


@dataclass
class Result:
    """What an operation did."""

    stdout: str = ""
    changes: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, OutputValue] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


@dataclass
class StackFiles:
    """A stack's project, configuration and state, and the operation that is under way on them."""

    name: str
    project: Project
    store: Store
    config: Config
    crypter: Crypter
    operation: Operation | None = None

    def create(self) -> None:
        """Make the stack where there is none: a preview does not."""
        if not self.store.exists():
            self.store.create(Snapshot(self.store, Base(), self.crypter, preview=True).document())
        if self.config.salt is None:
            self.config.write_salt(self.crypter.salt)


@dataclass
class Options:
    """What may be asked of an operation."""

    parallel: int | None = None
    on_output: OnOutput | None = None
    on_event: OnEvent | None = None
    refresh: bool | None = None
    diff: bool = False
    preview_only: bool = False
    expect_no_changes: bool = False


class Run:
    """One operation."""

    def __init__(self, files: StackFiles, order: Order, options: Options) -> None:
        self._files = files
        self._order = order
        self._options = options
        self._lines: list[str] = []
        listeners: list[OnEvent] = [options.on_event] if options.on_event else []
        listeners.append(Display(self._say, preview=order.preview, diff=options.diff))
        self._recorder = Recorder(listeners, counts_refreshes=order.kind == "refresh")

    def _say(self, line: str) -> None:
        self._lines.append(line)
        if self._options.on_output is not None:
            self._options.on_output(line)

    def do(self) -> Result:
        """Run the order, under the stack's lock where it may change something."""
        files, order = self._files, self._order
        self._recorder.output(f"embedded engine, for demos and tests: stack {files.name} in {files.store.path.parent}")
        try:
            operation = interruptibly(self._locked, self._cancel)
        except EmbeddedError as error:
            raise OperationError(f"error: {error}", self._result({})) from error
        finally:
            files.operation = None
        result = self._result(operation.outputs)
        if operation.result != "succeeded":
            texts = [f"error: {item.message}" for item in result.diagnostics if item.severity == "error"]
            raise OperationError("\n".join([*texts, f"error: {order.kind} {operation.result}"]), result)
        if self._options.expect_no_changes and result.changes.keys() - {"same"}:
            text = f"error: no changes were expected for {order.kind} but changes were proposed"
            raise OperationError(text, result, NO_CHANGES_EXPECTED)
        return result

    def _cancel(self) -> None:
        if self._files.operation is not None:
            self._files.operation.cancel()

    def _locked(self) -> Operation:
        if self._order.preview:
            return self._operate()
        with self._files.store.lock(self._say):
            self._files.create()
            return self._operate()

    def _operate(self) -> Operation:
        files, order = self._files, self._order
        operation = Operation(order, self._recorder)
        config = files.config.values(files.crypter, check=True)
        operation.begin()
        files.operation = operation
        try:
            base = files.store.base(files.crypter)
            if base.pending and not order.preview and order.runs_program:
                self._warn_of_pending(base)
            operation.run(Snapshot(files.store, base, files.crypter, preview=order.preview), config)
        finally:
            operation.end()
        shown = {key: _shown(value) for key, value in operation.outputs.items()}
        counts = self._result({}).changes
        self._recorder.tell({"kind": "summary", "result": operation.result, "outputs": shown, "changes": counts})
        return operation

    def _warn_of_pending(self, base: Base) -> None:
        named = "\n".join(f"  * {state.urn}, interrupted while {kind}" for state, kind in base.pending)
        self._recorder.diagnostic(
            "warning",
            "",
            f"an earlier operation was killed while it changed {len(base.pending)} resource(s):\n{named}\n"
            "These may be in an unknown state. `refresh` reads what is known of them; a pending create stays listed "
            "until `pulumi refresh --clear-pending-creates`.",
        )

    def _result(self, outputs: Props) -> Result:
        recorder = self._recorder
        changes = {op: count for op, count in recorder.counts.items() if count}
        return Result("\n".join(self._lines), changes, output_values(outputs), recorder.steps, recorder.diagnostics)


def _shown(value: Any) -> Any:
    return "[unknown]" if holds(value, Unknown) and not isinstance(value, Secret) else plain(value, mask=True)


def output_values(outputs: Props) -> dict[str, OutputValue]:
    """Outputs of a state as `pulumi.automation` gives them."""
    return {key: OutputValue(plain(value), holds(value, Secret)) for key, value in outputs.items()}
