"""Starting the command: what cannot work is one sentence, secrets come from elsewhere too, files are private."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.testing import Control, Emulator
from tests.emulator.conftest import Caller
from tests.emulator.test_survival import process


def refused(*options: str, environment: Mapping[str, str] | None = None) -> str:
    """What the command says before it ends with status 2."""
    command = [sys.executable, "-m", "pulumi_dli.emulator", *options]
    given = {**os.environ, **(environment or {})}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=given, check=False)
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.startswith("pulumi-dli emulator: ")
    assert ended.stderr.count("\n") == 1, "one sentence"
    return ended.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--port", "99999", "0 to 65535"),
        ("--port", "-1", "0 to 65535"),
        ("--port", "9" * 5000, "0 to 65535"),
        ("--port", "http", "0 to 65535"),
        ("--pace", "-1", "speed"),
        ("--speed", "inf", "speed"),
        ("--speed", "nan", "speed"),
        ("--speed", "1e18", "speed"),
        ("--speed", "fast", "speed"),
        ("--latency-ms", "inf", "latency"),
        ("--latency-ms", "-5", "latency"),
        ("--runtime", "spark", "runtime"),
    ],
)
def test_an_option_that_cannot_work_is_one_sentence(tmp_path: Path, option: str, value: str, said: str) -> None:
    assert said in refused("--data", str(tmp_path / "d.sqlite"), option, value)
    assert not (tmp_path / "d.sqlite").exists()


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")
    database.close()


def damaged_database(kind: str, body: str) -> bytes:
    path = Path(f"/tmp/{os.getpid()}-damaged.sqlite")
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE records (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id))")
        database.execute("INSERT INTO records VALUES (?, 'clock', ?)", (kind, body))
    database.close()
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"this is no database " * 100, "none of the local DLI"),
        (b"\x00" * 5000, "none of the local DLI"),
        (damaged_database("jobs", "{"), "damaged"),
        (damaged_database("jobs", '{"no_such_field": 1}'), "damaged"),
        (damaged_database("setting", "[Infinity, Infinity, 60]"), "damaged"),
        (damaged_database("setting", '"x"'), "damaged"),
    ],
    ids=["text", "zeros", "no JSON", "another version", "a bricked clock", "no clock"],
)
def test_a_data_file_that_is_none_is_one_sentence_and_stays_as_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    data = tmp_path / "d.sqlite"
    data.write_bytes(content)
    assert said in refused("--port", "0", "--data", str(data))
    assert data.read_bytes()[100:] == content[100:] or said == "damaged"


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "places.sqlite"
    foreign_database(data)
    before = data.read_bytes()
    assert "another program" in refused("--port", "0", "--data", str(data))
    assert data.read_bytes() == before


def test_a_folder_or_a_device_as_data_or_a_file_as_its_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "e.sqlite.d").write_text("x")
    assert "directory" in refused("--port", "0", "--data", str(tmp_path)).lower()
    assert "no regular file" in refused("--port", "0", "--data", "/dev/null")
    assert "file" in refused("--port", "0", "--data", str(tmp_path / "file" / "d.sqlite"))
    assert "e.sqlite.d" in refused("--port", "0", "--data", str(tmp_path / "e.sqlite"))


def test_a_ready_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "ready.json"
    said = refused("--port", "0", "--data", str(tmp_path / "d.sqlite"), "--ready-file", str(missing))
    assert "ready.json" in said


# secrets


def accepted(url: str) -> list[int]:
    keys = [("AK", "SK"), ("AK", "no")]
    return [requests.get(f"{url}/__dli/health", auth=pair, timeout=10).status_code for pair in keys]


def test_secrets_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"access_key": "AK", "secret_key": "SK"}))
    with process(tmp_path, "--credentials-file", str(file)) as (_, control):
        assert accepted(control.url) == [200, 401]


def test_secrets_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLI_EMULATOR_ACCESS_KEY", "AK")
    monkeypatch.setenv("DLI_EMULATOR_SECRET_KEY", "SK")
    with process(tmp_path) as (_, control):
        assert accepted(control.url) == [200, 401]


def test_the_command_line_wins_over_the_file_and_the_file_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLI_EMULATOR_ACCESS_KEY", "from the environment")
    monkeypatch.setenv("DLI_EMULATOR_SECRET_KEY", "from the environment")
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"access_key": "AK", "secret_key": "from the file"}))
    with process(tmp_path, "--credentials-file", str(file), "--secret-key", "SK") as (_, control):
        assert accepted(control.url) == [200, 401]


@pytest.mark.parametrize("content", ["canary", '["canary"]', '{"secret_key": 5}', '{"canary_key": "x"}', "[" * 100_000])
def test_a_file_of_secrets_that_is_none_is_one_sentence_without_them(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    said = refused("--port", "0", "--data", str(tmp_path / "d.sqlite"), "--credentials-file", str(file))
    assert "keys.json" in said
    assert "canary" not in said.replace("canary_key", "")


def test_half_a_pair_or_no_file_is_one_sentence(tmp_path: Path) -> None:
    data = ("--port", "0", "--data", str(tmp_path / "d.sqlite"))
    assert "belong together" in refused(*data, environment={"DLI_EMULATOR_SECRET_KEY": "canary"})
    assert "none.json" in refused(*data, "--credentials-file", str(tmp_path / "none.json"))


# what it prints


def printed(folder: Path, lines: int, *options: str) -> tuple[str, list[str]]:
    """The address, and so many lines after the first one of what it prints."""
    with process(folder, *options) as (started, control):
        assert started.stdout is not None
        return control.url, [started.stdout.readline().rstrip("\n") for _ in range(lines)]


def pasted(lines: list[str]) -> list[list[str]]:
    """The words of each call of `pulumi` when a shell runs these lines."""
    stub = "pulumi() { printf '%s\\x1f' \"$@\"; echo; }"
    done = subprocess.run(["bash", "-ec", "\n".join([stub, *lines])], capture_output=True, text=True, check=True)
    return [line.split("\x1f")[:-1] for line in done.stdout.splitlines()]


def test_the_lines_that_point_a_stack_at_it_can_be_pasted_and_keep_the_secret_secret(tmp_path: Path) -> None:
    url, [*lines, objects] = printed(tmp_path, 6)
    assert pasted(lines) == [
        ["config", "set", "dli:endpoint", url],
        ["config", "set", "dli:region", "eu-de"],
        ["config", "set", "dli:projectId", "local"],
        ["config", "set", "dli:accessKey", "local"],
        ["config", "set", "--secret", "dli:secretKey", "local-secret"],
    ]
    assert objects.endswith(f"curl -X PUT {url}/obs/my-bucket")


def test_keys_that_it_demands_are_not_printed_and_the_way_in_is(tmp_path: Path) -> None:
    keys = ("--access-key", "canary-AK", "--secret-key", "canary-SK", "--project-id", "a 'project'")
    url, [*lines, credentials, objects] = printed(tmp_path, 5, *keys)
    assert pasted(lines) == [
        ["config", "set", "dli:endpoint", url],
        ["config", "set", "dli:region", "eu-de"],
        ["config", "set", "dli:projectId", "a 'project'"],
    ]
    assert "--secret" in credentials
    assert objects.endswith(f"curl -u ACCESS_KEY:SECRET_KEY -X PUT {url}/obs/my-bucket")
    assert "canary" not in "".join([*lines, credentials, objects])


# files


def test_the_files_of_a_local_dli_are_their_owners_only(tmp_path: Path) -> None:
    data = tmp_path / "dli.sqlite"
    data.touch(mode=0o644)
    (tmp_path / "dli.sqlite.d").mkdir(mode=0o755)
    with Emulator(data=data) as emulator:
        Caller(emulator).running(entrypoint_args="--password canary")
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert len(files) > 2, "the file, what SQLite writes ahead, objects"
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "dli.sqlite.d").stat().st_mode) == 0o700


def test_a_control_client_can_hold_the_keys(tmp_path: Path) -> None:
    with process(tmp_path, "--user", "u", "--password", "pw") as (_, bare):
        with pytest.raises(ValueError, match="X-Auth-Token"):
            bare.health()
        control = Control(bare.url, Credentials(user="u", password="pw"))
        assert control.health()["status"] == "ok"
        control.disconnect()
