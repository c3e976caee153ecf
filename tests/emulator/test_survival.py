"""The command, and what is left after a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pulumi_dli.emulator.__main__ import DEFAULT_PORT, DEFAULT_SPEED, parser, run, speed_of
from pulumi_dli.emulator.core.settings import Credentials, Settings
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.server.listening import describe
from pulumi_dli.emulator.testing import Control, Emulator, start_in_thread
from tests.emulator.conftest import Caller


@contextmanager
def process(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Control]]:
    command = [
        sys.executable,
        "-m",
        "pulumi_dli.emulator",
        "--port",
        "0",
        "--speed",
        "0",
        "--data",
        str(folder / "d.sqlite"),
    ]
    started = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line.startswith("Local DLI at http://127.0.0.1:"), started.communicate()
        control = Control(line.split()[3].rstrip(","))
        yield started, control
        control.disconnect()
    finally:
        if started.poll() is None:
            started.kill()
        started.communicate()


def test_killed_in_the_middle_of_everything_it_goes_on_where_it_was(tmp_path: Path) -> None:
    with process(tmp_path) as (killed, control):
        call = Caller(control)  # type: ignore[arg-type]
        running, stopping, draft = call.running("running"), call.job("stopping"), call.job("draft")
        call.run(stopping)
        control.advance(30)
        call.stop(stopping, savepoint=True)
        control.advance(5)
        control.quirk(create_201=True)
        before = control.now()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        call.session.close()
    with process(tmp_path) as (_, control):
        call = Caller(control)  # type: ignore[arg-type]
        assert control.now() == before
        assert [call.status(job_id) for job_id in (running, stopping, draft)] == [
            "job_running",
            "job_savepointing",
            "job_init",
        ]
        control.advance(35)
        assert call.status(stopping) == "job_cancel_success"
        assert call.run(stopping, resume=True).ok
        control.advance(30)
        assert call.status(stopping) == "job_running"
        assert call.job("more") > draft
        assert control.quirk()["create_201"] is True
        assert call("GET", "/obs/jars/app.jar").content == b"app.jar"
        call.session.close()


def test_the_ready_file_says_where_it_listens_and_a_signal_ends_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    with process(tmp_path, "--ready-file", str(ready), "--project-id", "p1", "--token", "t") as (started, control):
        assert json.loads(ready.read_text(encoding="utf-8")) == {"url": control.url, "pid": started.pid}
        with_keys = Control(control.url, Credentials(token="t"))
        assert with_keys.health()["pid"] == started.pid
        with_keys.disconnect()
        started.terminate()
        assert started.wait(10) == 0


def test_the_announced_settings_suffice_and_repeat_no_secret() -> None:
    anything = describe("http://127.0.0.1:1", Credentials())
    assert set(anything) == {"dli:endpoint", "dli:region", "dli:projectId", "dli:accessKey", "dli:secretKey"}
    strict = describe("http://127.0.0.1:1", Credentials(access_key="AK", secret_key="canary", project_id="p1"))
    assert strict["dli:projectId"] == "p1"
    assert not {"AK", "canary"} & set(strict.values())


def test_it_listens_on_the_loopback_only(emulator: Emulator) -> None:
    port = int(emulator.url.rsplit(":", 1)[1])
    assert emulator.url.startswith("http://127.0.0.1:")
    others = {address for *_, (address, *_) in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with socket.socket() as tried:
            tried.settimeout(2)
            assert tried.connect_ex((str(address), port)) != 0 or str(address).startswith("127.")


def test_a_port_in_use_is_one_clear_sentence(
    emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = emulator.url.rsplit(":", 1)[1]
    assert run(["--port", port, "--data", str(tmp_path / "d.sqlite")]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_half_a_key_pair_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--access-key", "AK"]) == 2
    assert "belong together" in capsys.readouterr().err


def test_two_emulators_cannot_share_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "d.sqlite"
    service = LocalDli(Settings(data=data))
    try:
        assert run(["--port", "0", "--data", str(data)]) == 2
    finally:
        service.close()
    assert "is another emulator using it?" in capsys.readouterr().err


def test_the_defaults_are_a_fixed_port_and_a_quick_speed() -> None:
    given = parser().parse_args([])
    assert (given.port, speed_of(given), given.runtime) == (DEFAULT_PORT, DEFAULT_SPEED, "simulated")


def test_a_real_runtime_keeps_real_time_unless_told_otherwise() -> None:
    assert speed_of(parser().parse_args(["--runtime", "flink"])) == 1
    assert speed_of(parser().parse_args(["--runtime", "flink", "--pace", "0"])) == 0, "its former name"


def test_an_emulator_in_a_thread_keeps_its_file_too(tmp_path: Path) -> None:
    data = tmp_path / "d.sqlite"
    with Emulator(data=data) as emulator:
        call = Caller(emulator)
        call.queue("kept")
        call.session.close()
    emulator = start_in_thread(data=data)
    call = Caller(emulator)
    assert call("GET", "/v1.0/{p}/queues/kept").ok
    call.session.close()
    emulator.stop()


def test_many_jobs_are_listed_quickly(call: Caller) -> None:
    for number in range(300):
        call("POST", "/v1.0/{p}/streaming/flink-jobs", {"name": f"job{number}"})
    call("GET", "/v1.0/{p}/streaming/jobs", params={"limit": 100})
    assert call.emulator.requests(operation="jobs.list")[-1]["milliseconds"] < 100
    assert os.getpid() == call.emulator.health()["pid"]
