"""The process between the emulator and Java: `python supervisor.py`, told by one line of JSON on its standard input.

Owns the JobManager and the TaskManager of one cluster. The emulator holds the other end of the pipe: when it closes,
because the emulator stopped the cluster, ended or was killed, both are killed and the supervisor ends. The same when
one of the two dies, for half a cluster is of no use. Should the supervisor itself be killed, Linux ends its children.

It is a process and not a thread because nothing in a killed process can clean up, and the kernel's own parent-death
signal follows the *thread* that started a child, which in a server is often short-lived. Only the standard library,
nothing of this package: it is started by path.

While it lives it holds a lock on `lock` in the cluster's folder: who gets that lock knows that all of it is gone.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK_NAME = "lock"
LOOK_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    """Run in the child before Java: be killed when the supervisor dies (Linux only; elsewhere the pipe must do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _start(command: list[str], *, log: Path, folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    supervisor = os.getpid()
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the emulator's own command line
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            preexec_fn=lambda: _die_with(supervisor),  # noqa: PLW1509 - this process has one thread
        )


def _wait_for_the_end(children: list[subprocess.Popen[bytes]]) -> None:
    while all(child.poll() is None for child in children):
        readable, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
        if readable and not os.read(sys.stdin.fileno(), 1):
            return


def main() -> int:
    """Start what the first line names, and end it with the emulator. 3 when a child died by itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    line = b""
    while not line.endswith(b"\n"):  # unbuffered: select must see every later byte and the end
        piece = os.read(sys.stdin.fileno(), 65536)
        if not piece:
            return 0
        line += piece
    task: dict[str, Any] = json.loads(line)
    folder = Path(task["folder"])
    with (folder / LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        children: list[subprocess.Popen[bytes]] = []
        try:
            for name, command in task["commands"].items():
                log = folder / f"{name}.out"
                children.append(_start(command, log=log, folder=folder, environment=task["environment"]))
            _wait_for_the_end(children)
            died = any(child.poll() is not None for child in children)
        finally:
            for child in children:
                child.kill()
            for child in children:
                child.wait()
    return 3 if died else 0


if __name__ == "__main__":
    sys.exit(main())
