"""One preview, up, refresh or destroy, from the start of its processes to the end of them.

Owns the order of things: processes start beside the derivation of the key, refresh before the program, deletes only
after it ended well, hosts end last. Called by run.py.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pulumi.automation import ConfigValue

from pulumi_dli.embedded.checkpoint import ORGANIZATION
from pulumi_dli.embedded.connections import check_loopback
from pulumi_dli.embedded.delete import delete_unseen
from pulumi_dli.embedded.deployment import Deployment
from pulumi_dli.embedded.events import Recorder
from pulumi_dli.embedded.host import Host, Hosts
from pulumi_dli.embedded.monitor import Engine, Monitor, Server
from pulumi_dli.embedded.program import Program, child_env, entry_of
from pulumi_dli.embedded.refresh import refresh
from pulumi_dli.embedded.settings import Project
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.steps import StepExecutor, StoppedError
from pulumi_dli.embedded.values import Props, Secret

_T = TypeVar("_T")


@dataclass(frozen=True)
class Order:
    """What to do, and with what."""

    project: Project
    stack: str
    env: Mapping[str, str]
    kind: str
    preview: bool
    parallel: int
    refresh: bool

    @property
    def runs_program(self) -> bool:
        return self.kind in ("preview", "update")


@dataclass
class Operation:
    """Runs one order. `begin` starts the processes, `run` does it; `cancel` may come from any thread or signal."""

    order: Order
    recorder: Recorder
    outputs: Props = field(default_factory=dict)
    result: str = "succeeded"

    def begin(self) -> None:
        """Start the children, which takes them a while."""
        order, project = self.order, self.order.project
        self._cancels = 0
        self._executor: StepExecutor | None = None
        self._env = child_env(order.env, project, order.stack, preview=order.preview)
        host_env = {**self._env, "PULUMI_CONFIG": "{}"}
        del host_env["PULUMI_STACK"]
        directory = entry_of(project.program)[0]
        say = self.recorder.output
        self._engine = Engine(self.recorder.diagnostic).serve()
        self._hosts = Hosts(lambda: Host(directory, host_env, self._engine.address, say), self._env)
        self._program = Program(project.program, self._env, say) if order.runs_program else None

    def run(self, snapshot: Snapshot, config: Mapping[str, ConfigValue]) -> None:
        """Do it all; the outcome stands in `result`."""
        order = self.order
        executor = StepExecutor(snapshot, self._hosts, self.recorder, preview=order.preview, parallel=order.parallel)
        if self._cancels:
            executor.stop("cancelled")
        self._executor = executor
        try:
            if self._program is not None:
                check_loopback({key: item.value for key, item in config.items()}, self._env)
            if order.refresh:
                refresh(executor)
            if self._program is not None:
                self._run_program(self._program, executor, config)
            elif order.kind == "destroy":
                delete_unseen(executor, (), ())
        except StoppedError:
            pass
        finally:
            snapshot.commit()
        if self._cancels:
            self.result = "cancelled"
        elif executor.stopped or self.recorder.saw_error:
            self.result = "failed"

    def _run_program(self, program: Program, executor: StepExecutor, config: Mapping[str, ConfigValue]) -> None:
        order = self.order
        values: Props = {key: Secret(item.value) if item.secret else item.value for key, item in config.items()}
        deployment = Deployment(order.project.name, order.stack, executor, values)
        monitor = Monitor(deployment, executor)
        # One thread for each registration that waits: the program sends up to 4 for each step it may have.
        server = monitor.serve(4 * order.parallel + 8)

        def end_program() -> None:
            monitor.wait_idle()
            program.end_soon()

        executor.on_stop = lambda: threading.Thread(target=end_program, daemon=True).start()
        try:
            program.begin(
                config={key: item.value for key, item in config.items()},
                secret_keys=[key for key, item in config.items() if item.secret],
                settings=self._settings(server),
            )
            trouble = program.wait()
            monitor.wait_idle()
            if trouble and not executor.stopped:
                if trouble != "shown":
                    self.recorder.diagnostic("error", "", trouble)
                executor.stop("failed")
            if not executor.stopped:
                # A program that died quietly looks like one that declares nothing: deletes only after a good end.
                delete_unseen(executor, deployment.seen, deployment.replaced_by_wave)
        finally:
            self.outputs = deployment.finish_outputs(failed=bool(executor.stopped) or self.recorder.saw_error)
            server.stop()

    def _settings(self, server: Server) -> dict[str, Any]:
        order = self.order
        return {
            "project": order.project.name,
            "stack": order.stack,
            "monitor": server.address,
            "engine": self._engine.address,
            "parallel": order.parallel,
            "dry_run": order.preview,
            "organization": ORGANIZATION,
            "root_directory": str(order.project.directory),
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
            if self._executor is not None:
                self._executor.stop("cancelled")
            return
        if self._executor is not None:
            self._executor.abandoned = True
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
