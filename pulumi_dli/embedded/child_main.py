"""What runs inside the two child processes: the SDK's dynamic provider host, and the stack's program.

Run by its path, with `host` or `program` as first argument. Both end when the engine's pipe does, so that nothing
outlives an engine that was killed. Imports nothing of this package: the children need not pay for it.
"""

from __future__ import annotations

import asyncio
import contextlib
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


def _take_orders() -> int:
    """The engine's pipe, away from standard input: a program, or a child of its own, that reads finds the end there."""
    orders = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return orders


def _watch(orders: int) -> None:
    """End with the engine: the pipe ends when it does."""

    def run() -> None:
        while os.read(orders, 4096):
            pass
        os._exit(1)

    threading.Thread(target=run, daemon=True).start()


def _host(orders: int) -> None:
    _watch(orders)
    sys.argv = ["pulumi.dynamic", *sys.argv[2:]]
    with contextlib.suppress(KeyboardInterrupt):  # it is ended with SIGINT, perhaps while it starts
        runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


def _read_order(orders: int) -> dict[str, Any]:
    with os.fdopen(orders, "rb", buffering=0, closefd=False) as pipe:
        text = pipe.readline()
    order: dict[str, Any] = json.loads(text) if text else os._exit(1)
    return order


def _error_text() -> str:
    """The traceback from the program's own first frame on, as the CLI's language host shows it."""
    main = os.path.abspath("__main__.py")  # noqa: PTH100 - pathlib costs an import
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = next((i for i, frame in enumerate(frames) if os.path.abspath(frame.filename) == main), 0)  # noqa: PTH100
    return "Program failed with an unhandled exception:\n" + traceback.format_exc(limit=own - len(frames))


def _program(orders: int) -> int:
    # Imported before the order arrives: the engine derives its key meanwhile. The other child does not need it yet.
    import pulumi  # noqa: PLC0415

    order = _read_order(orders)
    _watch(orders)
    os.environ["PULUMI_CONFIG"] = json.dumps(order["config"])
    os.environ["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(order["secret_keys"])
    runtime = pulumi.runtime
    runtime.set_all_config(runtime.get_config_env(), runtime.get_config_secret_keys_env())
    runtime.configure(runtime.Settings(**order["settings"]))
    sys.argv = ["."]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=4 * int(order["settings"]["parallel"]))
    loop.set_default_executor(executor)
    # A program that ends early leaves futures that nobody awaited; asyncio's complaints would hide the reason.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    def run() -> None:
        runpy.run_path(".", run_name="__main__")

    try:
        loop.run_until_complete(runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return SHOWN
    except Exception:  # noqa: BLE001 - a stack program may raise anything; it is reported and ends the process
        pulumi.log.error(_error_text())
        return SHOWN
    finally:
        executor.shutdown(wait=True)
    return 0


if __name__ == "__main__":
    pipe = _take_orders()
    if sys.argv[1] == "host":
        _host(pipe)
    else:
        status = _program(pipe)
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of the SDK may still wait for answers of an engine that has none to give.
        os._exit(status)
