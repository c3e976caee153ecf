"""One preview, up, refresh or destroy, from the start of its processes to the end of them.

Owns the order of things: processes start beside the derivation of the key, refresh before the program, deletes only
after it ended well, hosts end last. Called by stack.py.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pulumi.automation import ConfigValue

from pulumi_dli.embedded import walks
from pulumi_dli.embedded.checkpoint import ORGANIZATION
from pulumi_dli.embedded.deployment import Deployment
from pulumi_dli.embedded.events import Recorder
from pulumi_dli.embedded.host import Host, Hosts
from pulumi_dli.embedded.program import Program, child_env, entry_of
from pulumi_dli.embedded.services import Engine, Monitor, Server
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.state import STACK_TYPE
from pulumi_dli.embedded.steps import Doer, StoppedError
from pulumi_dli.embedded.values import Props, Secret

_T = TypeVar("_T")


@dataclass
class Order:
    """What to do, and with what."""

    project: str
    stack: str
    program: Path
    root: Path
    backend: Path
    env: Mapping[str, str]
    preview: bool
    parallel: int
    refresh: bool = False
    run_program: bool = False
    destroy: bool = False


@dataclass
class Operation:
    """Runs one order. `begin` starts the processes, `run` does it; `cancel` may come from any thread or signal."""

    order: Order
    recorder: Recorder
    outputs: Props = field(default_factory=dict)
    result: str = "succeeded"

    def begin(self) -> None:
        """Start the children, which takes them a while."""
        order = self.order
        self._cancels = 0
        self._doer: Doer | None = None
        self._logged_error = False
        self.recorder.on_error = self._note_error
        env = child_env(order.env, order.project, order.stack, order.root, backend=order.backend, preview=order.preview)
        host_env = {**env, "PULUMI_CONFIG": "{}"}
        del host_env["PULUMI_STACK"]
        directory = entry_of(order.program)[0] if order.run_program else _folder(order.program)
        self._engine = Engine(self.recorder.diagnostic).serve()
        say = self.recorder.output
        self._hosts = Hosts(lambda: Host(directory, host_env, self._engine.address, say))
        self._program = Program(order.program, env, say) if order.run_program else None

    def _note_error(self) -> None:
        self._logged_error = True

    def run(self, snapshot: Snapshot, config: Mapping[str, ConfigValue]) -> None:
        """Do it all; the outcome stands in `result`."""
        order = self.order
        doer = Doer(snapshot, self._hosts, self.recorder, preview=order.preview, parallel=order.parallel)
        if self._cancels:
            doer.stop("cancelled")
        self._doer = doer
        try:
            if order.refresh:
                walks.refresh(doer, order.parallel)
            if self._program is not None:
                self._run_program(self._program, doer, config)
            elif order.destroy:
                walks.delete_unseen(doer, (), (), order.parallel)
        except StoppedError:
            pass
        finally:
            snapshot.commit()
        if self._cancels:
            self.result = "cancelled"
        elif doer.stopped or self._logged_error:
            self.result = "failed"

    def _run_program(self, program: Program, doer: Doer, config: Mapping[str, ConfigValue]) -> None:
        order = self.order
        values: Props = {key: Secret(item.value) if item.secret else item.value for key, item in config.items()}
        deployment = Deployment(order.project, order.stack, doer, values)
        monitor = Monitor(deployment, doer)
        # One thread for each registration that waits: the program sends up to 4 for each step it may have.
        server = monitor.serve(4 * order.parallel + 8)
        doer.on_stop = lambda: threading.Thread(target=_end_after, args=(monitor, program), daemon=True).start()
        try:
            program.begin(
                config={key: item.value for key, item in config.items()},
                secret_keys=[key for key, item in config.items() if item.secret],
                settings=self._settings(server),
            )
            trouble = program.wait()
            monitor.wait_idle()
            if trouble and not doer.stopped:
                if trouble != "shown":
                    self.recorder.diagnostic("error", "", trouble)
                doer.stop("failed")
            if not doer.stopped:
                # A program that died quietly looks like one that wants nothing: deletes only after a good end.
                walks.delete_unseen(doer, deployment.seen, deployment.replaced_by_wave, order.parallel)
        finally:
            self.outputs = deployment.finish_outputs(failed=bool(doer.stopped) or self._logged_error)
            server.stop()

    def _settings(self, server: Server) -> dict[str, Any]:
        order = self.order
        return {
            "project": order.project,
            "stack": order.stack,
            "monitor": server.address,
            "engine": self._engine.address,
            "parallel": order.parallel,
            "dry_run": order.preview,
            "organization": ORGANIZATION,
            "root_directory": str(order.root),
        }

    def end(self) -> None:
        """End all processes."""
        if self._program is not None:
            self._program.kill()
            self._program.wait()
        self._hosts.end()
        self._engine.stop()

    def cancel(self) -> None:
        """The first time: begin nothing new, tell the providers, let them finish. The second time: end them."""
        self._cancels += 1
        if self._cancels == 1:
            self.recorder.diagnostic("info", "", "cancelling: what is under way is finished; once more to stop at once")
            self._hosts.cancel()
            if self._doer is not None:
                self._doer.stop("cancelled")
        else:
            if self._doer is not None:
                self._doer.abandoned = True
            self._hosts.kill()
            if self._program is not None:
                self._program.kill()


def interruptibly(work: Callable[[], _T], cancel: Callable[[], None]) -> _T:
    """Do `work` while SIGINT and SIGTERM call `cancel`, where this is the main thread.

    The work gets a thread of its own and this one only waits, in short turns: a signal that comes just before a long
    wait begins would otherwise be seen only after it.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()

    def handle(number: int, frame: Any) -> None:  # noqa: ARG001
        # A handler may interrupt a thread that holds a lock which cancel needs.
        threading.Thread(target=cancel, daemon=True).start()

    with ThreadPoolExecutor(max_workers=1) as pool:
        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            future = pool.submit(work)
            while not future.done():
                wait([future], timeout=0.1)
            return future.result()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _end_after(monitor: Monitor, program: Program) -> None:
    monitor.wait_idle()
    program.end_soon()


def _folder(program: Path) -> Path:
    return program if program.is_dir() else program.parent


def stack_outputs(snapshot_resources: list[Any]) -> Props:
    """The outputs of the stack in a state."""
    return next((state.outputs for state in snapshot_resources if state.type == STACK_TYPE), {})
