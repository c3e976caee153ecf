"""The real engine understands what the host tells it: clean errors, half-made results, messages, one ^C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.dynamic_host import eventually

pytestmark = [
    pytest.mark.cli,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]

PROGRAM = """
import json, os
import pulumi
from pulumi.dynamic import Resource
from tests.host.toys import Toy

class Thing(Resource, module="dli", name="Toy"):
    def __init__(self, name, props):
        options = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(update="7m"))
        super().__init__(Toy(), name, props, options)

for name, props in json.loads(os.environ["TOYS"]).items():
    Thing(name, props)
"""


@dataclass
class Stack:
    """A stack of toys on a file backend of its own."""

    folder: Path

    def up(self, toys: Mapping[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("up", "--yes", "--skip-preview", "--non-interactive", *arguments, toys=toys)

    def run(self, *command: str, toys: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *command], cwd=self.folder, env=self.env(toys), text=True, capture_output=True, check=False
        )

    def env(self, toys: Mapping[str, Any] | None = None) -> dict[str, str]:
        return {
            **os.environ,
            "TOYS": json.dumps(toys or {}),
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }

    def state(self) -> tuple[dict[str, dict[str, Any]], list[Any]]:
        """The toys in the state by name, and what is pending."""
        checkpoint = self.folder / "state/.pulumi/stacks/shop/dev.json"
        deployment = json.loads(checkpoint.read_text())["checkpoint"]["latest"]
        toys = {
            entry["urn"].rpartition("::")[2]: entry for entry in deployment["resources"] if "dli:Toy" in entry["urn"]
        }
        return toys, deployment.get("pending_operations") or []


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    # Not encrypted: the engine masks secret configuration itself, and here our own mask is to be seen.
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  dli:secretKey: canary-secret\n")
    (tmp_path / "state").mkdir()
    stack = Stack(tmp_path)
    assert stack.run("stack", "init", "dev").returncode == 0
    return stack


def _diagnostics(output: str, name: str) -> str:
    """What the CLI shows under one resource; the program's own interruption, under the stack, is not ours."""
    block = output.partition("\nDiagnostics:")[2].partition(f"dli:Toy ({name}):\n")[2]
    return block.partition("\n\n")[0]


def test_half_made_resources_are_kept_and_the_next_up_goes_on(stack: Stack) -> None:
    failed = stack.up({"slow": {"do": "half"}})
    assert failed.returncode != 0
    assert "* it is slow" in _diagnostics(failed.stdout, "slow")
    toys, pending = stack.state()
    assert (toys["slow"]["id"], toys["slow"]["initErrors"], pending) == ("42", ["it is slow", "very"], [])
    assert toys["slow"]["outputs"]["status"] == "job_init"

    mended = stack.up({"slow": {"do": "say", "texts": ["hello"]}})
    assert mended.returncode == 0, mended.stdout
    assert "the plan is to say" in _diagnostics(mended.stdout, "slow")
    assert "warning: careful: hello" in _diagnostics(mended.stdout, "slow")
    toys, _ = stack.state()
    assert toys["slow"]["id"] == "42"
    assert toys["slow"]["outputs"]["timeout"] == 420
    assert not toys["slow"].get("initErrors")


def test_an_error_is_shown_clean_and_masked(stack: Stack) -> None:
    bad = stack.up({"bad": {"do": "fail", "text": "line one\nline two canary-secret"}})
    assert _diagnostics(bad.stdout, "bad") == "    error: line one\n    line two [secret]"


def test_an_unhealthy_refresh_is_a_warning_and_is_remembered(stack: Stack) -> None:
    assert stack.up({"ill": {"do": "ill-later"}}).returncode == 0
    refreshed = stack.run("refresh", "--yes", "--skip-preview", "--non-interactive")
    assert refreshed.returncode == 0, refreshed.stdout
    assert "it has stopped" in _diagnostics(refreshed.stdout, "ill")
    toys, _ = stack.state()
    assert toys["ill"]["initErrors"] == ["it has stopped"]


def test_one_interrupt_ends_all_waits_and_keeps_every_id(stack: Stack) -> None:
    waiting = {f"w{n}": {"do": "wait"} for n in range(6)}
    log = stack.folder / "log"
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--parallel", "8"]
    with log.open("w") as output:
        # Only the CLI gets the signal, as on a terminal: its plugins have process groups of their own.
        cli = subprocess.Popen(
            command, cwd=stack.folder, env=stack.env(waiting), stdout=output, stderr=output, start_new_session=True
        )
        with cli:
            try:
                eventually(
                    lambda: all(f"{name} creating (0s) waiting" in log.read_text() for name in waiting) or cli.poll(),
                    seconds=60,
                    what="six creates waiting",
                )
                cli.send_signal(signal.SIGINT)
                assert cli.wait(25) != 0  # by themselves the waits would end after 30 seconds, with success
            finally:
                cli.kill()
    toys, pending = stack.state()
    assert {name: toy["id"] for name, toy in toys.items()} == {name: f"id-{name}" for name in waiting}
    assert all(toy["initErrors"] == ["cancelled while it was starting"] for toy in toys.values())
    assert pending == []
