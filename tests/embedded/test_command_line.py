"""The command line of the embedded engine."""

from __future__ import annotations

import json

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
    assert lines[0] == "embedded engine (no Pulumi CLI found): for demos and tests"
    assert " +  toy:Toy a                                creating ..." in lines
    assert any(line.startswith(" +  toy:Toy a                                created (") for line in lines)
    assert '    made: "made-a"' in lines
    assert any(line.startswith("Resources: 2 created   (succeeded, ") for line in lines)
    yard.plan(toy("a", size=2, token={"$secret": "canary2"}))
    assert command("preview", "--diff") == 0
    out = capsys.readouterr().out
    assert " ~  toy:Toy a                                update [diff: ~size,~token]" in out
    assert "        ~ size: 1 => 2" in out
    assert "canary" not in out


def test_json_tells_steps_diagnostics_and_counts(yard: Embedded, command, capsys: pytest.CaptureFixture[str]) -> None:
    yard.plan(toy("a", say="hello"))
    assert command("up", "--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["changeSummary"] == {"create": 2}
    assert ("a", "create") in {(step["name"], step["op"]) for step in told["steps"]}
    assert [item["message"] for item in told["diagnostics"]] == ["hello", "careful with a"]
    yard.plan(toy("b", size=-1))
    assert command("preview", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["result"] == "failed"
    assert "must not be negative" in told["diagnostics"][0]["message"]


def test_config_and_outputs_are_set_and_read(yard: Embedded, command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("config", "set", "region", "east") == 0
    assert command("config", "set", "token", "canary", "--secret") == 0
    assert command("config", "get", "region") == 0
    assert command("config") == 0
    assert capsys.readouterr().out.splitlines() == ["east", "toy:region: east", "toy:token: [secret]"]
    yard.plan(toy("a"), outputs={"region": {"$ref": "a.region"}, "hidden": {"$secret": [1]}})
    command("up", "--yes")
    capsys.readouterr()
    assert command("output") == 0
    assert command("output", "hidden") == 0
    assert command("output", "--json") == 0
    out = capsys.readouterr().out
    assert out.startswith("hidden: [secret]\nregion: east\n[1]\n{")
    assert command("output", "nothing") == 1
    assert "no output 'nothing'" in capsys.readouterr().err
    assert command("stack-export") == 0
    assert json.loads(capsys.readouterr().out)["version"] == 3


def test_without_a_terminal_nothing_is_done_unasked(
    yard: Embedded, command, capsys: pytest.CaptureFixture[str]
) -> None:
    yard.plan(toy("a"))
    assert command("up") == 1
    assert "give --yes" in capsys.readouterr().err
    assert yard.objects() == set()
    assert command("up", "--yes") == 0
    assert command("refresh", "--preview-only", "--expect-no-changes") == 0
    assert command("destroy", "--preview-only") == 0
    assert yard.objects() == {"a-0"}
    assert command("destroy", "--yes") == 0
    assert yard.objects() == set()
