"""A full disk: reads go on, writes are refused with a clear code and leave nothing behind, and all is well afterwards.

The disk is full as far as the process goes: its files may not grow any more (RLIMIT_FSIZE, set from outside).
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.emulator.conftest import Caller
from tests.emulator.test_survival import process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
UNLIMITED = resource.RLIM_INFINITY


class Disk:
    """A local DLI in a process of its own, and how much its files may grow."""

    def __init__(self, pid: int, call: Caller) -> None:
        self.pid, self.call = pid, call

    def fill(self) -> None:
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (1, UNLIMITED))

    def make_room(self) -> None:
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with process(tmp_path) as (started, control):
        call = Caller(control)  # type: ignore[arg-type]
        yield Disk(started.pid, call)
        call.session.close()
        if started.poll() is None:
            started.terminate()
        _, errors = started.communicate(timeout=30)
        assert "Traceback" not in errors, errors


def seen(call: Caller) -> list[Any]:
    paths = ("/v1.0/{p}/queues?queue_type=all", "/v1.0/{p}/streaming/jobs?show_detail=true", "/v2.0/{p}/resources")
    answers = [call("GET", path) for path in paths]
    assert all(answer.ok for answer in answers)
    return [answer.json() for answer in answers]


def test_reads_go_on_and_writes_leave_nothing_behind(disk: Disk) -> None:
    call = disk.call
    job_id = call.running()
    before = seen(call)
    disk.fill()
    writes = [
        call("POST", "/v1.0/{p}/queues", {"queue_name": "r", "queue_type": "general", "cu_count": 16}),
        call("PUT", f"/v1.0/{{p}}/streaming/flink-jobs/{job_id}", {"smn_topic": "t"}),
        call("POST", "/v1.0/{p}/streaming/flink-jobs", {"name": "other", "queue_name": "q"}),
        call("DELETE", f"/v1.0/{{p}}/streaming/jobs/{job_id}"),
        call.stop(job_id, savepoint=True),
    ]
    assert [answer.status_code for answer in writes] == [507] * 5
    assert {answer.json()["error_code"] for answer in writes} == {"LOCAL.0507"}
    assert all("nothing was changed" in answer.json()["error_msg"] for answer in writes)
    assert seen(call) == before
    disk.make_room()
    assert seen(call) == before
    assert call("POST", "/v1.0/{p}/queues", {"queue_name": "r", "queue_type": "general", "cu_count": 16}).ok


def test_time_goes_on_for_reads(disk: Disk) -> None:
    call = disk.call
    job_id = call.job()
    call.emulator.set_speed(1e6)
    assert call.run(job_id).ok
    disk.fill()
    for _ in range(1000):
        if call.status(job_id) == "job_running":
            break
    assert call.status(job_id) == "job_running"
    assert "Local DLI" in requests.get(call.emulator.url, headers={"Accept": "text/html"}, timeout=10).text
    disk.make_room()
    assert call.stop(job_id).ok


def test_objects_too(disk: Disk) -> None:
    call = disk.call
    call.emulator.put_object("code", "old", b"old")
    url = f"{call.emulator.objects_url}/code"
    disk.fill()
    refused = requests.put(f"{url}/new", data=b"x" * 100_000, timeout=10)
    assert (refused.status_code, "LOCAL.0507" in refused.text) == (507, True)
    assert requests.delete(f"{url}/old", timeout=10).status_code == 507
    assert requests.get(f"{url}/old", timeout=10).content == b"old"
    disk.make_room()
    assert requests.get(f"{url}/new", timeout=10).status_code == 404
    assert requests.put(f"{url}/new", data=b"x" * 100_000, timeout=10).ok


def test_control_calls_too_and_the_clock_stays(disk: Disk) -> None:
    control = disk.call.emulator
    now, quirks = control.now(), control.quirk()
    disk.fill()
    for change in (lambda: control.advance(100), lambda: control.quirk(create_201=True), control.reset):
        with pytest.raises(ValueError, match="nothing was changed"):
            change()
    assert control.now() == now
    disk.make_room()
    assert control.quirk() == quirks
