"""`pulumi-dli`: what exists comes into a stack, and a preview of the printed program has nothing to change."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import pulumi_dli
from pulumi_dli.__main__ import main
from pulumi_dli.emulator.testing import Emulator
from tests.engines import PROJECT_ID, SLOW_CLI_ONLY, Engine, call, calls, leftovers

CANARY = "canary-Hh20"


def build_by_hand(dli: Emulator) -> dict[str, int]:
    """A queue, packages and jobs that no program made; the ids of the jobs by name."""
    body = {"queue_name": "Hand_Made", "queue_type": "general", "cu_count": 16, "resource_mode": 1}
    call(dli, "POST", "/v1.0/{p}/queues", {**body, "tags": [{"key": "team", "value": "a"}]})
    for name in ("lib.jar", "data.csv"):
        dli.put_object("jars", name)
    for kind, name in (("jar", "app.jar"), ("jar", "lib.jar"), ("file", "data.csv")):
        path = f"https://jars.obs.eu-de.otc.t-systems.com/{name}"
        call(dli, "POST", "/v2.0/{p}/resources", {"paths": [path], "kind": kind, "group": "apps"})
    dli.advance(60)
    full = {
        "name": "full",
        "desc": 'it\'s a "stream"',
        "queue_name": "Hand_Made",
        "entrypoint": "apps/app.jar",
        "dependency_jars": ["apps/lib.jar"],
        "dependency_files": ["apps/data.csv"],
        "main_class": "Main",
        "entrypoint_args": f"--password {CANARY}",
        "runtime_config": json.dumps([{"key": "a.b", "value": CANARY}]),
        "obs_bucket": "state",
        "checkpoint_enabled": True,
        "checkpoint_mode": 2,
        "parallel_number": 2,
        "tags": [{"key": "team", "value": "a"}],
    }
    draft = {"name": "draft", "queue_name": "Hand_Made", "entrypoint": "obs://jars/app.jar", "main_class": "Main"}
    bodies = [full, draft, {**draft, "name": "stopped"}]
    ids = {}
    for one in bodies:
        made = call(dli, "POST", "/v1.0/{p}/streaming/flink-jobs", one)
        ids[str(one["name"])] = int(made["job"]["job_id"])
    call(dli, "POST", "/v1.0/{p}/streaming/jobs/run", {"job_ids": [ids["full"], ids["stopped"]]})
    dli.advance(900)
    dli.act("job.stop", job=ids["stopped"])
    dli.advance(60)
    return ids


def run(dli: Emulator, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The command with credentials from the environment, as a person would have them."""
    for name in [name for name in os.environ if name.startswith(("OS_", "HW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OS_ACCESS_KEY", "local")
    monkeypatch.setenv("OS_SECRET_KEY", "local-secret")
    return main(["import", "--endpoint", dli.url, "--project-id", PROJECT_ID, *words])


@SLOW_CLI_ONLY
@pytest.mark.parametrize("redact", [False, True])
def test_what_is_imported_needs_no_change_and_goes_with_the_stack(
    engine: Engine,
    dli: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    redact: bool,
) -> None:
    ids = build_by_hand(dli)
    file = tmp_path / "import.json"
    assert run(dli, monkeypatch, "--out", str(file), *(["--redact"] if redact else [])) == 0
    program = capsys.readouterr().out
    assert (CANARY in program) is not redact

    engine.write("")
    (engine.project / "__main__.py").write_text(program, encoding="utf-8")
    engine.connect(dli)
    if redact:
        engine.configure({"job_full_entrypoint_args": f"--password {CANARY}"}, secret=True)
        engine.configure({"job_full_runtime_config": json.dumps({"a.b": CANARY})}, secret=True)
    engine.import_file(file)
    assert {name: record["id"] for name, record in engine.resources().items()} == {
        "hand_made": "hand_made",
        "shared": "shared",
        "apps": "apps",
        **{name: str(job_id) for name, job_id in ids.items()},
    }

    assert (CANARY in engine.stored()) is not redact

    before = calls(dli)
    planned = engine.preview()
    assert planned.ok, planned.text
    assert planned.ops() == {}
    assert calls(dli) == before
    gate = engine.refresh(preview_only=True, expect_no_changes=True)
    assert gate.ok, gate.text
    assert engine.up().ops() == {}
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []


def test_the_program_names_objects_by_their_resources(
    dli: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = build_by_hand(dli)
    file = tmp_path / "found.json"
    before = calls(dli)
    assert run(dli, monkeypatch, "--out", str(file)) == 0
    told = capsys.readouterr()
    compile(told.out, "__main__.py", "exec")
    assert 'queue_hand_made = dli.Queue(\n    "hand_made",'.replace('"', "'") in told.out
    assert "entrypoint=group_apps.package('app.jar')" in told.out
    assert "dependency_files=[group_apps.package('data.csv')]" in told.out
    assert "queue_name=queue_hand_made.queue_name" in told.out
    assert "state='draft'" in told.out
    assert "state='suspended'" in told.out
    assert "'default'" not in told.out
    assert "if any is secret, use --redact" in told.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    entries = {entry["name"]: entry for entry in json.loads(file.read_text())["resources"]}
    assert entries["full"]["id"] == str(ids["full"])
    assert entries["full"]["type"] == "pulumi-python:dynamic/dli:FlinkJarJob"
    assert entries["full"]["inputs"]["__provider"] == entries["full"]["outputs"]["__provider"]
    assert len(entries["full"]["inputs"]["__provider"]) < 100
    written = set(calls(dli)) - set(before)
    assert not {name for name in written if name.split(".")[1] not in ("get", "list", "filter", "list_type", "count")}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--queue", "HAND_MADE"], ["hand_made"]),
        (["--group", "apps", "--job", "draft", "full"], ["apps", "draft", "full"]),
        (["--job", "stopped"], ["stopped"]),
    ],
)
def test_names_choose_what_is_imported(
    dli: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    names: list[str],
) -> None:
    build_by_hand(dli)
    file = tmp_path / "found.json"
    assert run(dli, monkeypatch, "--out", str(file), *words) == 0
    assert sorted(entry["name"] for entry in json.loads(file.read_text())["resources"]) == names


def test_a_job_is_also_found_by_its_id(dli: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = build_by_hand(dli)
    file = tmp_path / "found.json"
    assert run(dli, monkeypatch, "--out", str(file), "--job", str(ids["draft"])) == 0
    assert [entry["id"] for entry in json.loads(file.read_text())["resources"]] == [str(ids["draft"])]


def test_a_redacted_program_asks_the_configuration_for_what_may_be_secret(
    dli: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_by_hand(dli)
    assert run(dli, monkeypatch, "--out", str(tmp_path / "found.json"), "--job", "full", "--redact") == 0
    told = capsys.readouterr()
    assert CANARY not in told.out + told.err
    assert "entrypoint_args=config.require_secret('job_full_entrypoint_args')" in told.out
    assert "runtime_config=config.require_secret_object('job_full_runtime_config')" in told.out
    assert "job_full_entrypoint_args, job_full_runtime_config" in told.err


def test_settings_come_from_the_stacks_own_file(
    dli: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_by_hand(dli)
    stack = tmp_path / "Pulumi.dev.yaml"
    stack.write_text(
        f"config:\n  dli:endpoint: {dli.url}\n  dli:projectId: {PROJECT_ID}\n  dli:token:\n    secure: v1:abc\n"
    )
    monkeypatch.setenv("OS_TOKEN", "somebody")
    words = ["import", "--stack-config", str(stack), "--out", str(tmp_path / "found.json")]
    assert main(words) == 0
    told = capsys.readouterr()
    assert "dli.PackageGroup(" in told.out
    assert "dli:token in" in told.err
    assert "cannot be decrypted here" in told.err


def fake_cli(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A project in `folder`, and a `pulumi` on PATH that knows one command."""
    (folder / "Pulumi.yaml").write_text("name: streams\nruntime: python\n")
    cli = folder / "bin" / "pulumi"
    cli.parent.mkdir()
    cli.write_text(f'#!/bin/sh\n[ "$*" = "config --json --show-secrets --non-interactive" ] || exit 9\n{script}\n')
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", str(cli.parent), prepend=os.pathsep)
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("OS_", "HW_"))]:
        monkeypatch.delenv(name)


def test_settings_come_from_the_selected_stack_with_its_secrets(
    dli: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_by_hand(dli)
    settings = {"endpoint": dli.url, "projectId": PROJECT_ID, "accessKey": "local", "secretKey": CANARY}
    config = {f"dli:{key}": {"value": value, "secret": value == CANARY} for key, value in settings.items()}
    config["streams:list"] = {"value": "[1]", "objectValue": [1], "secret": False}
    fake_cli(tmp_path, monkeypatch, f"echo '{json.dumps(config)}'")
    assert main(["import", "--queue", "Hand_Made"]) == 0
    told = capsys.readouterr()
    assert "dli.Queue(" in told.out
    assert CANARY not in told.out + told.err


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'error: no stack selected' >&2; exit 255", "are not used: pulumi config: error: no stack selected"),
        ("echo nonsense", "are not used: `pulumi config --json` gave no answer that can be read"),
    ],
)
def test_a_stack_whose_settings_cannot_be_had_is_told_and_the_environment_asked(
    dli: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    reason: str,
) -> None:
    build_by_hand(dli)
    fake_cli(tmp_path, monkeypatch, script)
    assert run(dli, monkeypatch, "--queue", "Hand_Made") == 0
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--queue", "nobody"], "there is no queue named nobody"),
        (["--group", "nobody", "--job", "x"], "there is no package group named nobody"),
        (["--job", "x", "nobody"], "there is no Flink job named nobody, x"),
        (["--out", "/nowhere/at/all.json"], "No such file or directory"),
        (["--stack-config", "/nowhere.yaml"], "/nowhere.yaml: No such file or directory"),
        (["--endpoint", "ftp://x"], "dli:endpoint is no address"),
    ],
)
def test_mistakes_are_one_clean_line(
    dli: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(dli, monkeypatch, *words) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("pulumi-dli: error: ")
    assert reason in told.err
    assert told.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_command_tells_its_version_and_starts_the_emulator(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "pulumi_dli"]
    told = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == f"pulumi-dli {pulumi_dli.__version__}\n"
    with pytest.raises(SystemExit) as ended:
        main(["emulator", "--help"])
    assert ended.value.code == 0
    assert "--pace" in capsys.readouterr().out
    assert main(["emulator", "--access-key", "only"]) == 2
    assert "belong together" in capsys.readouterr().err
