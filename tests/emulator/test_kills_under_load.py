"""25 kills of the local DLI under 16 clients: no write that was acknowledged is lost."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.dynamic_host import eventually
from tests.emulator.conftest import Caller
from tests.emulator.test_survival import process

KILLS, CLIENTS = 25, 16


class Client:
    """Creates jobs and objects until the local DLI goes away; remembers what was acknowledged."""

    def __init__(self, call: Caller, number: str) -> None:
        self._call, self._number = call, number
        self.jobs: list[str] = []
        self.objects: list[str] = []

    def write(self, over: threading.Event) -> None:
        with contextlib.suppress(requests.RequestException, AssertionError):
            for at in range(10_000):
                if over.is_set():
                    return
                name = f"w{self._number}_{at}"
                self._call.job(name)
                self.jobs.append(name)
                if self._call("PUT", f"/obs/bucket/{name}", None).ok:
                    self.objects.append(name)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_kill_loses_an_acknowledged_write(tmp_path: Path) -> None:
    jobs: set[str] = set()
    objects: set[str] = set()
    chance = random.Random(25)
    for kill in range(KILLS):
        with process(tmp_path) as (killed, control):
            Caller(control).job(f"first_{kill}")  # type: ignore[arg-type]
            control._raw("PUT", "/obs/bucket", b"")
            over = threading.Event()
            clients = [Client(Caller(control), f"{kill}_{n}") for n in range(CLIENTS)]  # type: ignore[arg-type]
            with ThreadPoolExecutor(CLIENTS) as pool:
                for client in clients:
                    pool.submit(client.write, over)
                enough = chance.randint(1, 60)
                eventually(
                    lambda clients=clients, enough=enough: sum(len(c.jobs) for c in clients) >= enough, seconds=60
                )
                killed.send_signal(signal.SIGKILL)
                killed.wait()
                over.set()
            jobs |= {name for client in clients for name in client.jobs} | {f"first_{kill}"}
            objects |= {name for client in clients for name in client.objects}
    with process(tmp_path) as (_, control):
        assert jobs - {str(job["name"]) for job in control.jobs()} == set()
        missing = {name for name in objects if control._raw("HEAD", f"/obs/bucket/{name}", b"")[0] != 200}
    assert missing == set()
    assert len(jobs) > 2 * KILLS
    assert objects
