"""`python -m pulumi_dli.emulator`: a local DLI on the loopback, and how to point a stack at it.

`run(argv)` is also what `pulumi-dli emulator` calls.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from pulumi_dli.emulator.core.settings import SIMULATED, Credentials, Settings
from pulumi_dli.emulator.core.store import DataFileBusyError
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.server.listening import LOOPBACK, bind, describe, make_server

DEFAULT_PORT = 8343  # fixed, so that a stack goes on after a restart
DEFAULT_SPEED = 60.0  # a service minute a second: the slow first job takes eight
REAL_SPEED = 1.0  # a real runtime takes real time: another speed would let a client believe that a job ran for minutes


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="pulumi-dli emulator", description="A local DLI for demos and tests.")
    made.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    made.add_argument("--data", type=Path, default=Path("dli.sqlite"), help="where it keeps its state (%(default)s)")
    made.add_argument(
        "--speed", "--pace", type=float, help=f"service seconds in a real second ({DEFAULT_SPEED:g}; flink: 1)"
    )
    made.add_argument("--latency-ms", type=float, default=0.0, help="added to every answer")
    made.add_argument("--runtime", default=SIMULATED, choices=[SIMULATED, "flink"], help="what runs the jobs")
    made.add_argument("--flink-shared", action="store_true", help="one Flink cluster for all queues (small machines)")
    made.add_argument("--lenient-objects", action="store_true", help="packages and jars need no object behind them")
    made.add_argument("--ready-file", type=Path, help='gets {"url", "pid"} as JSON once it listens')
    for name in ("access-key", "secret-key", "security-token", "project-id", "user", "password", "token"):
        made.add_argument(f"--{name}", default="", help="demanded of callers; without any, everything is accepted")
    return made


def run(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it; the exit status."""
    given = parser().parse_args(argv)
    if bool(given.access_key) != bool(given.secret_key):
        return _complain("--access-key and --secret-key belong together")
    credentials = Credentials(
        access_key=given.access_key,
        secret_key=given.secret_key,
        security_token=given.security_token,
        project_id=given.project_id,
        user=given.user,
        password=given.password,
        token=given.token,
    )
    settings = Settings(
        data=given.data,
        speed=speed_of(given),
        credentials=credentials,
        latency_ms=given.latency_ms,
        runtime=given.runtime,
        runtime_options={"shared": "true"} if given.flink_shared else {},
    )
    try:
        listening = bind(given.port)
    except OSError as error:
        return _complain(f"cannot listen on {LOOPBACK}:{given.port}: {error.strerror} (--port 0 takes a free port)")
    with listening:
        try:
            service = LocalDli(settings)
        except (DataFileBusyError, ImportError) as error:
            return _complain(str(error))
        if given.lenient_objects:
            service.change_quirks({"lenient_objects": True})
        url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        server = make_server(service, base_url=url)
        _announce(url, settings, given.ready_file)
        signal.signal(signal.SIGTERM, _leave)  # uvicorn gives the signal back when it has shut down
        try:
            server.run([listening])
        except KeyboardInterrupt:
            pass
        finally:
            service.close()
    return 0


def speed_of(given: argparse.Namespace) -> float:
    """The speed of a command line; it depends on the runtime when none is given."""
    default = DEFAULT_SPEED if given.runtime == SIMULATED else REAL_SPEED
    return default if given.speed is None else float(given.speed)


def _leave(*_: object) -> None:
    raise KeyboardInterrupt


def _announce(url: str, settings: Settings, ready_file: Path | None) -> None:
    settled = describe(url, settings.credentials)
    stack = " && ".join(f"pulumi config set {key} {value}" for key, value in settled.items())
    line = f"Local DLI at {url}, speed {settings.speed:g}, data in {settings.data}. Stack: {stack}"
    if ready_file is not None:
        part = ready_file.with_name(ready_file.name + ".part")
        part.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
        part.replace(ready_file)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _complain(message: str) -> int:
    sys.stderr.write(f"pulumi-dli emulator: {message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(run())
