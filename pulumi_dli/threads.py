"""A few threads for deep, short work, instead of hundreds that wait and keep what such work leaves behind.

A thread never gives back the stack that its deepest work took, nor what malloc keeps for it. The host has a thread for
each operation under way, and most of them wait for minutes: they have such work done here. It lies under all rooms and
imports none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class WorkerPool:
    """At most `width` threads. `pool` is for those who need the executor itself."""

    def __init__(self, width: int, name: str) -> None:
        self.pool = ThreadPoolExecutor(max(width, 1), name)

    def do(self, work: Callable[[], T]) -> T:
        """Have `work` done by one of the threads, and wait for it; what it raises is raised here.

        The main thread does it itself, since a person's ^C must end what is going on. So does every thread while the
        interpreter is ending: no new work is taken then, and what is under way is to be finished.
        """
        if threading.current_thread() is threading.main_thread():
            return work()
        return self.start(work).result()

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Have `work` begun by one of the threads; its caller decides how long to wait for it.

        While the interpreter is ending it is done here and now.
        """
        try:
            return self.pool.submit(work)
        except RuntimeError:
            done: Future[T] = Future()
            try:
                done.set_result(work())
            except Exception as error:  # noqa: BLE001  (raised by `result`, as that of a thread would be)
                done.set_exception(error)
            return done
