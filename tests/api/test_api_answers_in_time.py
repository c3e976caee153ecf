"""An answer that comes just as a wait for it ends is an answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from pulumi_dli.api.exchange import exchange
from pulumi_dli.threads import WorkerPool


class LateByAMoment(Future[str]):
    """Ends between the end of a wait and the next look at it."""

    def result(self, timeout: float | None = None) -> str:
        if not self.done():
            self.set_result("the id")
            raise TimeoutError
        return super().result(timeout)


class Threads(WorkerPool):
    def start(self, _work: Callable[[], Any]) -> Future[Any]:
        return LateByAMoment()


def test_an_answer_that_comes_as_the_wait_ends_is_taken() -> None:
    assert exchange(str, threads=Threads(1, "t"), seconds=5.0, what="create", writes=True) == "the id"
