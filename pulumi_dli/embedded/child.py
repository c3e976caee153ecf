"""What runs inside the two child processes: the SDK's dynamic provider host, and the stack's program.

Run by its path, with `host` or `program` as first argument. Both end when their standard input does, so that
nothing outlives an engine that was killed. Imports nothing of this package: the children need not pay for it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SHOWN = 32
"""The exit status of a program whose error was logged already."""


def _end_with_parent() -> None:
    # os.read and not sys.stdin: a buffered read in a daemon thread aborts the interpreter when it shuts down.
    while os.read(0, 4096):
        pass
    os._exit(1)


def _watch() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _host() -> None:
    _watch()
    sys.argv = ["pulumi.dynamic", *sys.argv[2:]]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


def _read_order() -> dict[str, Any]:
    text = b""
    while not text.endswith(b"\n"):
        part = os.read(0, 65536)
        if not part:
            os._exit(1)
        text += part
    order: dict[str, Any] = json.loads(text)
    return order


def _error_text(program: str) -> str:
    """The traceback from the program's own first frame on."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = next((i for i, frame in enumerate(frames) if frame.filename.startswith(program)), 0)
    return "Program failed with an unhandled exception:\n" + traceback.format_exc(limit=own - len(frames))


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def _program() -> int:
    # Imported before the order arrives: the engine derives its key meanwhile. The other child does not need it yet.
    import pulumi  # noqa: PLC0415

    order = _read_order()
    _watch()
    os.environ["PULUMI_CONFIG"] = json.dumps(order["config"])
    os.environ["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(order["secret_keys"])
    runtime = pulumi.runtime
    runtime.set_all_config(runtime.get_config_env(), runtime.get_config_secret_keys_env())
    runtime.configure(runtime.Settings(**order["settings"]))
    sys.argv = [order["program"]]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=4 * int(order["settings"]["parallel"]))
    loop.set_default_executor(executor)
    # A program that ends early leaves futures that nobody awaited; asyncio's complaints would hide the reason.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(runtime.run_in_stack(lambda: _run(order["program"])))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return SHOWN
    except Exception:  # noqa: BLE001 - a stack program may raise anything; it is reported and ends the process
        pulumi.log.error(_error_text(order["program"]))
        return SHOWN
    finally:
        executor.shutdown(wait=True)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "host":
        _host()
    else:
        status = _program()
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of the SDK may still wait for answers of an engine that has none to give.
        os._exit(status)
