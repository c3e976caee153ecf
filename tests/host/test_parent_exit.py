"""A host whose engine was killed finishes what it does, as after a ^C, and ends; one without a pipe just lives."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from pulumi_dli.host import parent_exit

CHILD = """
import time
from pulumi_dli.host.calls import prepare
from pulumi_dli.host.process import THIS_PROCESS
with THIS_PROCESS.working():
    prepare()
    print("ready", flush=True)
    while not THIS_PROCESS.cancelled.wait(60):
        pass
    time.sleep(0.1)
    print("the call has ended", flush=True)
time.sleep(60)
"""


def test_the_death_of_the_engine_cancels_the_calls_and_ends_the_host_after_them() -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        child.stdin.close()
        assert child.stdout.read() == "the call has ended\n"
        assert child.wait(10) == 1


def test_it_is_told_once_the_other_end_is_closed_whatever_was_written() -> None:
    told = threading.Event()
    ours, engines = os.pipe()
    assert parent_exit.on_parent_exit(told.set, ours)
    os.write(engines, b"x")
    assert not told.wait(0.05)
    os.close(engines)
    assert told.wait(10)
    os.close(ours)


@pytest.mark.parametrize("kind", ["a pipe that is closed", "a file"])
def test_what_is_no_pipe_of_an_engine_is_not_watched(kind: str) -> None:
    if kind == "a file":
        stdin = os.open(os.devnull, os.O_RDONLY)
    else:
        stdin, engines = os.pipe()
        os.close(engines)
    assert not parent_exit.on_parent_exit(lambda: None, stdin)
    os.close(stdin)


def test_without_any_standard_input_nothing_is_watched() -> None:
    assert not parent_exit.on_parent_exit(lambda: None, -1)
