"""One preview, up, refresh or destroy, from the start of its processes to its result.

Owns the order of things: processes start beside the derivation of the key, refresh before the program, deletes only
after it ended well, hosts end last. Called by stack.py.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import CommandError, CommandResult, ConfigValue, OutputValue

from pulumi_dli.embedded.base_steps import delete_unseen, refresh
from pulumi_dli.embedded.children import GRACE_SECONDS, Host, Hosts, Program
from pulumi_dli.embedded.connections import check_loopback
from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.deployment import Deployment
from pulumi_dli.embedded.events import Diagnostic, Display, OnEvent, Recorder
from pulumi_dli.embedded.monitor import Engine, Monitor, Server
from pulumi_dli.embedded.settings import Config, Project
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.state import ORGANIZATION, Base, Store
from pulumi_dli.embedded.steps import StepExecutor, StoppedError
from pulumi_dli.embedded.values import EmbeddedError, Props, Secret, Unknown, holds, plain


@dataclass
class Result:
    """What an operation did."""

    stdout: str = ""
    changes: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, OutputValue] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


class OperationError(CommandError):
    """An operation that failed: as `pulumi.automation` raises it, with what happened beside the text."""

    def __init__(self, text: str, result: Result | None = None, code: int = 1) -> None:
        self.result = result or Result()
        self.diagnostics = self.result.diagnostics
        self.reason, self.code = text, code
        super().__init__(CommandResult(self.result.stdout, text, code))


@dataclass
class StackFiles:
    """A stack's project, configuration and state."""

    name: str
    project: Project
    store: Store
    config: Config
    crypter: Crypter

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
    on_output: Callable[[str], Any] | None = None
    on_event: OnEvent | None = None
    refresh: bool | None = None
    preview_only: bool = False
    expect_no_changes: bool = False


class Operation:
    """Runs once, by `do`; `cancel` may come from any thread or signal."""

    def __init__(self, files: StackFiles, kind: str, options: Options, env: Mapping[str, str]) -> None:
        self._files, self._kind, self._options = files, kind, options
        self._preview = kind == "preview" or options.preview_only
        self._runs_program = kind in ("preview", "update")
        self._refreshes = kind == "refresh" or (files.project.refresh if options.refresh is None else options.refresh)
        self._parallel = _parallel(options.parallel, env)
        self._env = self._child_env(env)
        self._lines: list[str] = []
        listeners = (options.on_event, Display(self._say, preview=self._preview))
        self._recorder = Recorder([listener for listener in listeners if listener], counts_refreshes=kind == "refresh")
        self._outputs: Props = {}
        self._cancels = 0
        self._executor: StepExecutor | None = None
        self._hosts: Hosts | None = None
        self._program: Program | None = None

    def _child_env(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment of the children, with the names the CLI gives it."""
        return {
            **env,
            "PULUMI_PROJECT": self._files.project.name,
            "PULUMI_STACK": self._files.name,
            "PULUMI_ORGANIZATION": ORGANIZATION,
            "PULUMI_BACKEND_URL": f"file://{self._files.store.backend.resolve()}",
            "PULUMI_ROOT_DIRECTORY": str(self._files.project.directory),
            "PULUMI_DRY_RUN": "true" if self._preview else "false",
        }

    def _say(self, line: str) -> None:
        self._lines.append(line)
        if self._options.on_output is not None:
            self._options.on_output(line)

    def do(self) -> Result:
        """Run it, under the stack's lock where it may change something."""
        store = self._files.store
        self._say(f"embedded engine, for demos and tests: stack {self._files.name} in {store.path.parent}")
        try:
            outcome = self._interruptibly()
        except EmbeddedError as error:
            raise OperationError(f"error: {error}", self._result()) from error
        result = self._result()
        if outcome != "succeeded":
            texts = [f"error: {item.message}" for item in result.diagnostics if item.severity == "error"]
            raise OperationError("\n".join([*texts, f"error: {self._kind} {outcome}"]), result)
        if self._options.expect_no_changes and result.changes.keys() - {"same"}:
            text = f"error: no changes were expected for {self._kind} but changes were proposed"
            raise OperationError(text, result, code=7)  # the CLI's exit status for this
        return result

    def _result(self) -> Result:
        told = self._recorder
        changes = {op: count for op, count in told.counts.items() if count}
        return Result("\n".join(self._lines), changes, output_values(self._outputs), told.steps, told.diagnostics)

    def _interruptibly(self) -> str:
        """Do it while SIGINT and SIGTERM cancel it, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return self._locked()

        def handle(number: int, frame: Any) -> None:  # noqa: ARG001
            # A handler may interrupt a thread that holds a lock which cancel needs.
            threading.Thread(target=self.cancel, daemon=True).start()

        # This thread only waits, in short turns: a signal just before a long wait would be seen only after it.
        with ThreadPoolExecutor(max_workers=1) as pool:
            before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
            try:
                future = pool.submit(self._locked)
                while not future.done():
                    wait([future], timeout=0.1)
                return future.result()
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def _locked(self) -> str:
        if self._preview:
            return self._operate()
        with self._files.store.lock(self._say):
            self._files.create()
            return self._operate()

    def _operate(self) -> str:
        files = self._files
        config = files.config.values(files.crypter, check=True)
        server, hosts = self._begin()
        try:
            base = files.store.base(files.crypter)
            if base.pending and self._runs_program and not self._preview:
                self._warn_of_pending(base)
            snapshot = Snapshot(files.store, base, files.crypter, preview=self._preview)
            executor = StepExecutor(snapshot, hosts, self._recorder, preview=self._preview, parallel=self._parallel)
            outcome = self._run(executor, server, config)
        finally:
            if self._program is not None:
                self._program.kill()
                self._program.wait()
            hosts.end()
            server.stop()
        shown = {key: _shown(value) for key, value in self._outputs.items()}
        changes = self._result().changes
        self._recorder.tell({"kind": "summary", "result": outcome, "outputs": shown, "changes": changes})
        return outcome

    def _begin(self) -> tuple[Server, Hosts]:
        """Start the children, which takes them a while."""
        directory, say = self._files.project.program, self._recorder.output
        host_env = {key: value for key, value in self._env.items() if key != "PULUMI_STACK"} | {"PULUMI_CONFIG": "{}"}
        server = Engine(self._recorder.diagnostic).serve()
        self._hosts = Hosts(lambda: Host(directory, host_env, server.address, say), self._env)
        if self._runs_program:
            self._program = Program(directory, self._env, say)
        return server, self._hosts

    def _run(self, executor: StepExecutor, server: Server, config: Mapping[str, ConfigValue]) -> str:
        self._executor = executor
        if self._cancels:
            executor.stop("cancelled")
        try:
            if self._program is not None:
                check_loopback({key: item.value for key, item in config.items()}, self._env)
            if self._refreshes:
                refresh(executor)
            if self._program is not None:
                self._run_program(self._program, executor, server, config)
            elif self._kind == "destroy":
                delete_unseen(executor, ())
        except StoppedError:
            pass
        finally:
            executor.snapshot.commit()
        if self._cancels:
            return "cancelled"
        return "failed" if executor.stopped or self._recorder.saw_error else "succeeded"

    def _run_program(
        self, program: Program, executor: StepExecutor, engine: Server, config: Mapping[str, ConfigValue]
    ) -> None:
        values: Props = {key: Secret(item.value) if item.secret else item.value for key, item in config.items()}
        deployment = Deployment(self._files.project.name, self._files.name, executor, values)
        monitor = Monitor(deployment, executor)
        # One thread for each registration that waits: the program sends up to 4 for each step it may have.
        server = monitor.serve(4 * self._parallel + 8)

        def end_program() -> None:
            monitor.wait_idle()
            program.end_within(GRACE_SECONDS)

        executor.on_stop = lambda: threading.Thread(target=end_program, daemon=True).start()
        try:
            program.begin(config, self._settings(monitor=server.address, engine=engine.address))
            trouble = program.wait()
            monitor.wait_idle()
            if trouble and not executor.stopped:
                if trouble != "shown":
                    self._recorder.diagnostic("error", "", trouble)
                executor.stop("failed")
            if not executor.stopped:
                # A program that died quietly looks like one that declares nothing: deletes only after a good end.
                delete_unseen(executor, deployment.seen)
        finally:
            self._outputs = deployment.finish_outputs(failed=bool(executor.stopped) or self._recorder.saw_error)
            server.stop()

    def _settings(self, **addresses: str) -> dict[str, Any]:
        return {
            **addresses,
            "project": self._files.project.name,
            "stack": self._files.name,
            "parallel": self._parallel,
            "dry_run": self._preview,
            "organization": ORGANIZATION,
            "root_directory": str(self._files.project.directory),
        }

    def _warn_of_pending(self, base: Base) -> None:
        named = "\n".join(f"  * {state.urn}, interrupted while {kind}" for state, kind in base.pending)
        text = (
            f"an earlier operation was killed while it changed {len(base.pending)} resource(s):\n{named}\n"
            "These may be in an unknown state. `refresh` reads what is known of them; a pending create stays listed "
            "until `pulumi refresh --clear-pending-creates`."
        )
        self._recorder.diagnostic("warning", "", text)

    def cancel(self) -> None:
        """The first time: begin nothing new, tell the providers, let them finish. The second time: end them."""
        self._cancels += 1
        if self._cancels == 1:
            self._recorder.diagnostic(
                "info", "", "cancelling: what is under way is finished; once more to stop at once"
            )
            if self._hosts is not None:
                self._hosts.cancel()
            if self._executor is not None:
                self._executor.stop("cancelled")
            return
        if self._executor is not None:
            self._executor.abandoned = True
        if self._hosts is not None:
            self._hosts.kill()
        if self._program is not None:
            self._program.kill()


def _parallel(asked: int | None, env: Mapping[str, str]) -> int:
    text = str(env.get("PULUMI_PARALLEL") or "") if asked is None else str(asked)
    if not text:
        return 4 * (os.cpu_count() or 1)
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise EmbeddedError(f"--parallel (PULUMI_PARALLEL) must be a whole number from 1: {text!r}")
    return int(text)


def _shown(value: Any) -> Any:
    return "[unknown]" if holds(value, Unknown) and not isinstance(value, Secret) else plain(value, mask=True)


def output_values(outputs: Props) -> dict[str, OutputValue]:
    """Outputs of a state as `pulumi.automation` gives them."""
    return {key: OutputValue(plain(value), holds(value, Secret)) for key, value in outputs.items()}
