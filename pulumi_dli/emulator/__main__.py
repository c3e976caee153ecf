"""`python -m pulumi_dli.emulator`: a local DLI on the loopback, and how to point a stack at it.

`run(argv)` is also what `pulumi-dli emulator` calls.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from pulumi_dli.emulator.core.clock import MOST_SPEED, checked_speed
from pulumi_dli.emulator.core.settings import SIMULATED, Credentials, Settings
from pulumi_dli.emulator.core.store import DataFileError, StorageError
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.server.listening import LOOPBACK, bind, describe, make_server

DEFAULT_PORT = 8343  # fixed, so that a stack goes on after a restart
DEFAULT_SPEED = 60.0  # a service minute a second: the slow first job takes eight
REAL_SPEED = 1.0  # a real runtime takes real time: another speed would let a client believe that a job ran for minutes


SECRETS = ("access_key", "secret_key", "security_token", "project_id", "user", "password", "token")
SECRET_SETTING = "dli:secretKey"  # noqa: S105  (its name; a stack keeps it encrypted)
VARIABLE = "DLI_EMULATOR_"  # DLI_EMULATOR_SECRET_KEY …
MOST_LATENCY_MS = 600_000.0


class Parser(argparse.ArgumentParser):
    """Says in one sentence what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    made = Parser(prog="pulumi-dli emulator", description="A local DLI for demos and tests.")
    made.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    made.add_argument("--data", type=Path, default=Path("dli.sqlite"), help="where it keeps its state (%(default)s)")
    made.add_argument(
        "--speed", "--pace", type=_speed, help=f"service seconds in a real second ({DEFAULT_SPEED:g}; flink: 1)"
    )
    made.add_argument("--latency-ms", type=_latency, default=0.0, help="added to every answer")
    made.add_argument("--runtime", default=SIMULATED, choices=[SIMULATED, "flink"], help="what runs the jobs")
    made.add_argument("--flink-shared", action="store_true", help="one Flink cluster for all queues (small machines)")
    made.add_argument("--lenient-objects", action="store_true", help="packages and jars need no object behind them")
    made.add_argument("--ready-file", type=Path, help='gets {"url", "pid"} as JSON once it listens')
    made.add_argument("--credentials-file", type=Path, help='the following as JSON: {"access_key": …, "secret_key": …}')
    for name in SECRETS:
        shown = f"demanded of callers; also {VARIABLE}{name.upper()}; without any, everything is accepted"
        made.add_argument(f"--{name.replace('_', '-')}", default="", help=shown)
    return made


def run(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it; the exit status."""
    given = parser().parse_args(argv)
    try:
        credentials = credentials_of(given, os.environ)
        settings = Settings(
            data=given.data,
            speed=speed_of(given),
            credentials=credentials,
            latency_ms=given.latency_ms,
            runtime=given.runtime,
            runtime_options={"shared": "true"} if given.flink_shared else {},
        )
        listening = bind(given.port)
    except ValueError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"cannot listen on {LOOPBACK}:{given.port}: {error.strerror} (--port 0 takes a free port)")
    with listening:
        try:
            dli = LocalDli(settings)
        except (DataFileError, StorageError, ImportError) as error:
            return _complain(str(error))
        except OSError as error:
            return _complain(f"cannot use the data file {settings.data}: {error.strerror}")
        try:
            return _serve(dli, listening, given)
        finally:
            dli.close()


def _serve(dli: LocalDli, listening: socket.socket, given: argparse.Namespace) -> int:
    if given.lenient_objects:
        dli.change_quirks({"lenient_objects": True})
    url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    server = make_server(dli, base_url=url)
    try:
        _announce(url, dli.settings, given.ready_file)
    except OSError as error:
        return _complain(f"cannot write {given.ready_file}: {error.strerror}")
    signal.signal(signal.SIGTERM, _leave)  # uvicorn gives the signal back when it has shut down
    with contextlib.suppress(KeyboardInterrupt):
        server.run([listening])
    return 0


def speed_of(given: argparse.Namespace) -> float:
    """The speed of a command line; it depends on the runtime when none is given."""
    default = DEFAULT_SPEED if given.runtime == SIMULATED else REAL_SPEED
    return default if given.speed is None else float(given.speed)


def credentials_of(given: argparse.Namespace, environment: Mapping[str, str]) -> Credentials:
    """From the command line, else the file, else the environment, name by name. `ValueError` says what is wrong."""
    file = _credentials_in(given.credentials_file) if given.credentials_file else {}
    found = {
        name: getattr(given, name) or file.get(name, "") or environment.get(VARIABLE + name.upper(), "")
        for name in SECRETS
    }
    if bool(found["access_key"]) != bool(found["secret_key"]):
        raise ValueError("--access-key and --secret-key belong together")
    return Credentials(**found)


def _credentials_in(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError):
        found = None  # the error would quote the file
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError(f"{file} must be a JSON object of texts")
    unknown = sorted(found.keys() - set(SECRETS))
    if unknown:
        raise ValueError(f"{file} names {', '.join(unknown)}; known are {', '.join(SECRETS)}")
    return found


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:6]) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _speed(text: str) -> float:
    try:
        return checked_speed(float(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a speed is a number from 0 (frozen) to {MOST_SPEED:.0f}") from error


def _latency(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MOST_LATENCY_MS:
        raise argparse.ArgumentTypeError(f"a latency is a number of milliseconds from 0 to {MOST_LATENCY_MS:.0f}")
    return found


def _leave(*_: object) -> None:
    raise KeyboardInterrupt


def _announce(url: str, settings: Settings, ready_file: Path | None) -> None:
    if ready_file is not None:
        part = ready_file.with_name(ready_file.name + ".part")
        part.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
        part.replace(ready_file)
    sys.stdout.write(_banner(url, settings))
    sys.stdout.flush()


def _banner(url: str, settings: Settings) -> str:
    """Where it is and how to point a stack at it, in lines that can be pasted; what it demands is not repeated."""
    keys = settings.credentials
    stack = [
        f"  pulumi config set {'--secret ' if key == SECRET_SETTING else ''}{key} {shlex.quote(value)}"
        for key, value in describe(url, keys).items()
    ]
    pair = "-u ACCESS_KEY:SECRET_KEY " if keys.access_key else ""
    return "\n".join(
        [
            f"Local DLI at {url}, speed {settings.speed:g}, data in {settings.data}. In the folder of a stack:",
            *stack,
            *(
                ["Credentials are those that it was started with; secrets are set with --secret."]
                if keys.strict
                else []
            ),
            f"Buckets and objects: curl {pair}-X PUT {url}/obs/my-bucket",
            "",
        ]
    )


def _complain(message: str) -> int:
    sys.stderr.write(f"pulumi-dli emulator: {message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(run())
