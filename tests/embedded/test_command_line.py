"""The command line of the embedded engine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulumi_dli.embedded.__main__ import main

from .engines import Embedded, toy


@pytest.fixture
def command(yard: Embedded, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    for key, value in yard.env.items():
        monkeypatch.setenv(key, value)
    return lambda *arguments: main([*arguments, "--cwd", str(yard.project)])


def test_the_lines_are_pleasant_to_read(yard: Embedded, command, capsys: pytest.CaptureFixture[str]) -> None:
    yard.plan(toy("a", size=1, token={"$secret": "canary"}), outputs={"made": {"$ref": "a.made"}})
    assert command("up", "--yes") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("embedded engine, for demos and tests: stack dev in ")
    assert " +  toy:Toy a                                creating ..." in lines
    assert any(line.startswith(" +  toy:Toy a                                created (") for line in lines)
    assert '    made: "made-a"' in lines
    assert any(line.startswith("Resources: 2 created   (succeeded, ") for line in lines)
    yard.plan(toy("a", size=2, token={"$secret": "canary2"}))
    assert command("preview") == 0
    out = capsys.readouterr().out
    assert " ~  toy:Toy a                                update [diff: ~size,~token]" in out
    assert "canary" not in out


def test_a_preview_as_json_has_the_shape_of_the_clis(
    yard: Embedded, command, capsys: pytest.CaptureFixture[str]
) -> None:
    yard.plan(toy("a", size=1, force=1, token={"$secret": "canary"}), toy("b"), toy("c"))
    assert command("up", "--yes") == 0
    capsys.readouterr()
    yard.plan(toy("a", size=2, force=2, token={"$secret": "canary"}), toy("b", say="x", list=[1]))
    assert command("preview", "--json") == 0
    text = capsys.readouterr().out
    told = json.loads(text)
    steps = {step["urn"].split("::")[-1]: step for step in told["steps"]}
    assert {name: step["op"] for name, step in steps.items()} == {
        "toy-dev": "same",
        "a": "replace",
        "b": "update",
        "c": "delete",
    }
    assert steps["a"]["replaceReasons"] == ["force"]
    assert steps["a"]["detailedDiff"]["size"] == {"kind": "update", "inputDiff": True}
    assert (steps["a"]["oldState"]["inputs"]["size"], steps["a"]["newState"]["inputs"]["size"]) == (1, 2)
    assert steps["a"]["oldState"]["id"] == "a-0"
    assert sorted(steps["b"]["diffReasons"]) == ["list", "say"]
    assert "newState" not in steps["c"]
    assert told["changeSummary"] == {"same": 1, "replace": 1, "update": 1, "delete": 1}
    assert "canary" not in text
    assert "[secret]" in text


def test_a_failed_preview_as_json_names_the_reason(yard: Embedded, command, capsys: pytest.CaptureFixture[str]) -> None:
    yard.plan(toy("b", size=-1))
    assert command("preview", "--json") == 1
    told = json.loads(capsys.readouterr().out)["diagnostics"]
    assert told[0]["severity"] == "error"
    assert "must not be negative" in told[0]["message"]
    assert told[0]["urn"].endswith("::b")


def test_config_and_outputs_are_set_and_read(yard: Embedded, command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("config", "set", "region", "east") == 0
    assert command("config", "set", "token", "canary", "--secret") == 0
    assert capsys.readouterr().out == ""
    yard.plan(toy("a"), outputs={"region": {"$ref": "a.region"}, "hidden": {"$secret": [1]}})
    command("up", "--yes")
    capsys.readouterr()
    assert command("output") == 0
    assert command("output", "hidden") == 0
    out = capsys.readouterr().out
    assert out == "hidden: [secret]\nregion: east\n[secret]\n"
    assert command("output", "hidden", "--show-secrets") == 0
    assert capsys.readouterr().out == "[1]\n"
    assert command("output", "nothing") == 1
    assert "does not have output property 'nothing'" in capsys.readouterr().err


def test_without_a_terminal_nothing_is_done_unasked(
    yard: Embedded, command, capsys: pytest.CaptureFixture[str]
) -> None:
    yard.plan(toy("a"))
    assert command("up") == 1
    assert "--yes must be passed in" in capsys.readouterr().err
    assert yard.objects() == set()
    assert command("up", "--yes") == 0
    assert command("refresh", "--preview-only", "--expect-no-changes") == 0
    assert command("destroy", "--preview-only") == 0
    assert yard.objects() == {"a-0"}
    assert command("destroy", "--yes") == 0
    assert yard.objects() == set()


@pytest.mark.parametrize(
    "words",
    [
        ("--secret", "token", "canary"),
        ("token", "canary", "--secret"),
        ("token", "--secret", "canary"),
        ("--secret", "token", "--", "-canary"),
    ],
)
def test_a_secret_is_set_in_any_order_of_the_words_and_never_shown(
    yard: Embedded, command, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    where = ("--cwd", str(yard.project))
    assert main(["config", *where, "set", *words]) == 0
    assert "canary" not in "".join(capsys.readouterr())
    stored = yard.stack().get_all_config()["toy:token"]
    assert stored.value.endswith("canary")
    assert stored.secret


@pytest.mark.parametrize(
    "words",
    [
        ("config", "set", "token", "canary", "canary-too"),
        ("config", "set", "token", "--secret=canary"),
        ("config", "set", "token", "-canary"),
        ("config", "get", "token", "canary"),
        ("output", "canary", "canary"),
        ("up", "canary"),
        ("up", "--json"),
        ("preview", "--diff"),
        ("canary",),
    ],
)
def test_words_that_do_not_fit_are_refused_without_being_shown(
    yard: Embedded, command, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        command(*words)
    said = "".join(capsys.readouterr())
    assert "do not fit" in said or "invalid choice" in said
    assert "canary" not in said


@pytest.mark.parametrize("operation", ["preview", "up", "refresh"])
def test_unexpected_changes_fail_the_gate_with_the_clis_status(
    yard: Embedded, command, capsys: pytest.CaptureFixture[str], operation: str
) -> None:
    ask = [] if operation == "preview" else ["--yes"]
    yard.plan(toy("a", size=1))
    command("up", "--yes")
    assert command(operation, *ask, "--expect-no-changes") == 0
    yard.plan(toy("a", size=2))
    yard.object_path("a-0").write_text(yard.object_path("a-0").read_text().replace('"size": 1.0', '"size": 7'))
    capsys.readouterr()
    assert command(operation, *ask, "--expect-no-changes") == 7
    name = "update" if operation == "up" else operation
    assert f"no changes were expected for {name} but changes were proposed" in capsys.readouterr().err


def test_an_empty_stack_is_destroyed_without_noise(yard: Embedded) -> None:
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-m", "pulumi_dli.embedded", "destroy", "--yes", "--cwd", str(yard.project)],
            env={**os.environ, **yard.env},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "Traceback" not in done.stdout + done.stderr
        assert done.stdout.splitlines()[-1].startswith("Resources: none   (succeeded")


def test_what_the_cli_has_selected_is_not_ignored(
    yard: Embedded, command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(yard.env["PULUMI_HOME"])
    (home / "workspaces").mkdir(parents=True)
    place = hashlib.sha1(str(yard.project / "Pulumi.yaml").encode()).hexdigest()
    file = home / "workspaces" / f"toy-{place}-workspace.json"
    file.write_text(json.dumps({"stack": "prod"}))
    assert command("preview") == 1
    assert "has selected the stack 'prod'" in capsys.readouterr().err
    assert command("preview", "--stack", "dev") == 0
    file.unlink()
    (home / "credentials.json").write_text(json.dumps({"current": "https://pulumi.example"}))
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    capsys.readouterr()
    yard.plan(toy("a"))
    assert command("up", "--yes") == 0
    assert "login to https://pulumi.example is not used" in capsys.readouterr().err
    assert (yard.project / ".pulumi-dli-embedded" / ".pulumi" / "stacks" / "toy" / "dev.json").exists()
    assert not (yard.project / ".pulumi").exists()
    assert command("output", "--backend", str(yard.backend)) == 0
    assert "is not used" not in capsys.readouterr().err
