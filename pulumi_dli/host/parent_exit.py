"""Notices that the engine has died: its end of this process's standard input is closed. Started by `calls.py`.

The CLI takes its plugins along when it ends by itself, not when it is killed: a host would live on for ever, and work
beside the next `pulumi up`. Nothing here is promised either, so where standard input is no such pipe nobody watches.
"""

from __future__ import annotations

import os
import select
import stat
import threading
from collections.abc import Callable

_STDIN = 0


def on_parent_exit(shut_down: Callable[[], None], stdin: int = _STDIN) -> bool:
    """Call `shut_down`, in a thread of its own, when the other end of `stdin` is closed from now on.

    False where it is no pipe, or is closed already: then it was never the engine's.
    """
    try:
        if not stat.S_ISFIFO(os.fstat(stdin).st_mode):
            return False
        watch = select.poll()  # not on Windows
        watch.register(stdin, 0)  # the end only; nothing is read
        if watch.poll(0):
            return False
    except (OSError, AttributeError):
        return False

    def wait() -> None:
        watch.poll()
        shut_down()

    threading.Thread(target=wait, name="alone", daemon=True).start()
    return True
