"""One operation on a stack: its lock, what it shows, and the results of `pulumi.automation` that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pulumi.automation import (
    CommandError,
    CommandResult,
    DestroyResult,
    OpType,
    OutputValue,
    PreviewResult,
    RefreshResult,
    UpdateSummary,
    UpResult,
)

from pulumi_dli.embedded.checkpoint import Base, LockedError, Store, read_deployment
from pulumi_dli.embedded.crypt import Crypter, PassphraseError
from pulumi_dli.embedded.display import Display
from pulumi_dli.embedded.events import Diagnostic, OnEvent, Recorder
from pulumi_dli.embedded.operation import Operation, Order, interruptibly
from pulumi_dli.embedded.settings import Config
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


@dataclass
class Place:
    """A stack's files, and the operation that is under way on them."""

    store: Store
    config: Config
    crypter: Crypter
    operation: Operation | None = None

    def base(self) -> Base:
        """The stored state."""
        return read_deployment(self.store.load(), self.crypter)

    def cancel(self) -> None:
        """Cancel what is under way: gracefully, the second time at once."""
        if self.operation is not None:
            self.operation.cancel()


class Run:
    """One operation and what is kept of it for its result."""

    def __init__(
        self,
        place: Place,
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
        self._place = place
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
            operation = interruptibly(lambda: self._locked(order), self._place.cancel)
        except LockedError as error:
            raise OperationError(self.stdout, f"error: {error}") from error
        except (RefusedError, PassphraseError, FileNotFoundError) as error:
            raise OperationError(self.stdout, f"error: {error}", self.recorder) from error
        finally:
            self._place.operation = None
        if operation.result != "succeeded":
            texts = [f"error: {item.message}" for item in self.recorder.diagnostics if item.severity == "error"]
            raise OperationError(
                self.stdout, "\n".join([*texts, f"error: {self._kind} {operation.result}"]), self.recorder
            )

    def _locked(self, order: Order) -> Operation:
        if order.preview:
            return self._operate(order)
        with self._place.store.lock(self._say):
            return self._operate(order)

    def _operate(self, order: Order) -> Operation:
        operation = Operation(order, self.recorder)
        operation.begin()
        self._place.operation = operation
        try:
            config = self._place.config.values(self._place.crypter)
            base = self._place.base()
            if base.pending and not order.preview and order.run_program:
                self._warn_of_pending(base)
            operation.run(Snapshot(self._place.store, base, self._place.crypter, preview=order.preview), config)
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
