"""What README.md and docs/local-dli.md tell to paste is pasted, by a shell, and works as it is written.

Only what a machine of tests has not is given from outside: `pulumi new` takes a copy of the template (the real one is
fetched) and asks nothing, pip takes libraries from those that are installed, the port is a free one.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.testing import Control, Emulator
from tests.engines import Cli, Engine, leftovers
from tests.test_citations import anchors

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
LOCAL_DLI = ROOT / "docs" / "local-dli.md"
TEMPLATE = {  # Pulumi's own template "python"
    "Pulumi.yaml": "name: ${PROJECT}\ndescription: ${DESCRIPTION}\nruntime:\n  name: python\n"
    "template:\n  description: A minimal Python Pulumi program\n",
    "__main__.py": '"""A Python Pulumi program"""\n\nimport pulumi\n',
    "requirements.txt": "pulumi>=3.0.0,<4.0.0\n",
}


def blocks(page: Path, section: str, language: str) -> list[str]:
    """The code blocks of one section of a page."""
    text = page.read_text(encoding="utf-8")
    start = re.search(rf"^#+ {re.escape(section)}$", text, re.MULTILINE)
    assert start is not None, f"{page.name} has no section {section}"
    body = re.split(r"^## ", text[start.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(rf"^```{language}\n(.*?)^```", body, re.MULTILINE | re.DOTALL)


PROGRAM, *_ = blocks(README, "Quick start", "python")
INSTALL, DEPLOY = blocks(README, "Quick start", "sh")
START, *_ = blocks(LOCAL_DLI, "Start", "sh")


# the program, as it stands in the README


def test_the_readmes_program_runs_on_the_strict_local_dli(engine: Engine, dli: Emulator) -> None:
    dli.put_object("my-bucket", "readme")
    engine.write("")
    (engine.project / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (engine.project / "app.jar").write_bytes(b"any bytes")
    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text
    [job] = dli.jobs()
    assert (job["name"], job["status"], job["definition"]["flink_version"]) == ("counter", "job_running", "1.15")
    warned = [item.text for item in made.diagnostics if item.severity == "warning"]
    assert [text for text in warned if "clear text" not in text] == [], "the secret of the tests apart"
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []


# its commands, pasted


class Terminal:
    """A shell in a folder of its own, in which `pulumi` is one of the engines."""

    def __init__(self, root: Path, kind: str) -> None:
        self.root = root
        self.project = root / "streams"
        self.checkout = root / "checkout"
        (root / "backend").mkdir()
        self._copy_checkout()
        self._offer_libraries(root / "libraries")
        self._write_template(root / "template")
        tool = root / "bin" / "pulumi"
        tool.parent.mkdir()
        tool.write_text(_pulumi(kind, root), encoding="utf-8")
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("OS_", "HW_", "PULUMI_", "PIP_"))
        }
        self.env = {
            **kept,
            "PATH": f"{tool.parent}:{Path(sys.executable).parent}:{kept['PATH']}",
            "PYTHONPATH": str(root / "libraries"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's own way to say that it is off
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PULUMI_BACKEND_URL": f"file://{root / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "pasted",
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def _copy_checkout(self) -> None:
        """What a clone has of the package; a build leaves files behind."""
        shutil.copytree(ROOT / "pulumi_dli", self.checkout / "pulumi_dli", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(ROOT / name, self.checkout)

    def _offer_libraries(self, folder: Path) -> None:
        """The installed packages but ours, so that pip need not fetch them."""
        folder.mkdir()
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if not entry.name.startswith(("pulumi_dli", "__editable__")) and entry.suffix != ".pth":
                (folder / entry.name).symlink_to(entry)
        wheel = folder / "wheel-99.dist-info"  # `pulumi install` asks for it, setuptools has its own since long
        wheel.mkdir()
        (wheel / "METADATA").write_text("Metadata-Version: 2.1\nName: wheel\nVersion: 99\n", encoding="utf-8")

    def _write_template(self, folder: Path) -> None:
        folder.mkdir()
        for name, text in TEMPLATE.items():
            (folder / name).write_text(text, encoding="utf-8")

    def paste(self, commands: str, folder: Path) -> str:
        """Run these lines as one script that ends at the first failure; what was printed."""
        script = f"set -e\n{commands}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=folder, env=self.env, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _pulumi(kind: str, root: Path) -> str:
    """The command `pulumi`; of the embedded engine, with what else the README asks of the CLI."""
    if kind == "cli":
        real = shutil.which("pulumi")
        return f"""#!/usr/bin/env bash
if [ "$*" = "new python" ]; then
  exec {real} new {root}/template --offline --yes --force --name streams --stack dev
elif [ "$1" = up ] || [ "$1" = destroy ]; then
  exec {real} "$@" --yes --skip-preview
fi
exec {real} "$@"
"""
    return f"""#!/usr/bin/env bash
set -e
case "$*" in
  "new python")
    cp {root}/template/* .
    printf 'name: streams\\nruntime: python\\n' > Pulumi.yaml
    {sys.executable} -m venv venv ;;
  install) venv/bin/python -m pip install -r requirements.txt ;;
  up* | destroy*) exec venv/bin/python -m pulumi_dli.embedded "$@" --yes ;;
  *) exec venv/bin/python -m pulumi_dli.embedded "$@" ;;
esac
"""


@contextmanager
def emulator_of(pid_file: Path) -> Iterator[None]:
    """The local DLI that a pasted line has started goes, whatever happens."""
    try:
        yield
    finally:
        if pid_file.exists():
            subprocess.run(["kill", pid_file.read_text().strip()], check=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["embedded", pytest.param("cli", marks=pytest.mark.cli)])
def test_the_quick_start_works_as_it_is_written(kind: str, tmp_path: Path) -> None:
    if kind == "cli":
        Cli.needed()
    terminal = Terminal(tmp_path, kind)
    terminal.paste(INSTALL, terminal.checkout)
    (terminal.project / "__main__.py").write_text(PROGRAM, encoding="utf-8")

    port, pid = free_port(), tmp_path / "pid"
    lines = START.replace("8343", str(port))
    background = f"pulumi-dli emulator --port {port} &"
    assert background in lines
    started = (
        f"pulumi-dli emulator --port {port} >banner.txt 2>&1 </dev/null & echo $! > {pid}\n"
        f"until curl -sf http://127.0.0.1:{port}/__dli/health >/dev/null; do sleep 0.1; done"
    )
    with emulator_of(pid):
        told = terminal.paste(lines.replace(background, started), terminal.project)
        control = Control(f"http://127.0.0.1:{port}")
        [job] = control.jobs()
        assert (job["name"], job["status"]) == ("counter", "job_running"), told
        secret = (terminal.project / "Pulumi.dev.yaml").read_text(encoding="utf-8")
        assert "dli:secretKey:\n    secure:" in secret
        assert re.findall(r"^ +(pulumi config .*)$", (terminal.project / "banner.txt").read_text(), re.MULTILINE) == [
            line for line in lines.splitlines() if line.startswith("pulumi config")
        ]
        terminal.paste("pulumi destroy", terminal.project)
        assert control.jobs() == []
        control.disconnect()


def test_the_lines_for_the_cloud_set_what_a_connection_needs_and_the_secret_as_one() -> None:
    commands = [line for line in DEPLOY.splitlines() if line.startswith("pulumi config set")]
    given = {re.search(r"dli:(\w+)", line)[1]: "--secret" in line for line in commands}  # type: ignore[index]
    assert given == {"region": False, "projectId": False, "accessKey": False, "secretKey": True}


@pytest.mark.parametrize("lines", [INSTALL, DEPLOY, START], ids=["install", "deploy", "start"])
def test_what_is_to_be_pasted_has_no_comments(lines: str) -> None:
    """The shell of macOS takes them for arguments when they are typed in."""
    assert "#" not in lines


# objects when keys are demanded


@pytest.mark.parametrize("demanded", [False, True])
def test_objects_come_and_go_by_the_lines_of_the_page(demanded: bool, tmp_path: Path) -> None:
    keys = Credentials(access_key="AK", secret_key="SK") if demanded else Credentials()
    open_lines, with_keys = blocks(LOCAL_DLI, "Objects", "sh")
    (tmp_path / "app.jar").write_bytes(b"a jar")
    env = {**os.environ, "ACCESS_KEY": "AK", "SECRET_KEY": "SK"}
    with Emulator(credentials=keys) as dli:
        lines = (with_keys if demanded else open_lines).replace("http://127.0.0.1:8343", dli.url)
        lines = lines.replace("curl ", "curl -sSf ")
        subprocess.run(["bash", "-ec", lines], cwd=tmp_path, env=env, check=True, timeout=60)
        auth = ("AK", "SK") if demanded else None
        address = f"{dli.objects_url}/my-bucket/app.jar"
        assert requests.get(address, auth=auth, timeout=10).content == b"a jar"
        assert requests.get(address, timeout=10).status_code == (403 if demanded else 200)


def test_the_pages_lines_for_boto3_reach_objects_when_keys_are_demanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [program] = blocks(LOCAL_DLI, "Objects", "python")
    (tmp_path / "app.jar").write_bytes(b"a jar")
    monkeypatch.chdir(tmp_path)
    with Emulator(credentials=Credentials(access_key="AK", secret_key="SK")) as dli:
        requests.put(f"{dli.objects_url}/my-bucket", auth=("AK", "SK"), timeout=10).raise_for_status()
        names: dict[str, Any] = {"access_key": "AK", "secret_key": "SK"}
        exec("import boto3\n" + program.replace("http://127.0.0.1:8343", dli.url), names)
        found = requests.get(f"{dli.objects_url}/my-bucket/app.jar", auth=("AK", "SK"), timeout=10)
        assert found.content == b"a jar"


# the table of what one needs


def test_the_table_of_prerequisites_has_each_right_of_the_reference() -> None:
    """Those of docs/dli-api.md 2.4, and no other."""
    table = re.split(r"^## ", README.read_text(encoding="utf-8").split("## Before you begin")[1], flags=re.MULTILINE)[0]
    reference = (ROOT / "docs" / "dli-api.md").read_text(encoding="utf-8")
    rights = reference.split("### 2.4 ")[1].split("### ")[0]

    def actions(text: str) -> set[str]:
        found = set()
        for row in text.splitlines():
            resource = ""
            for word in re.findall(r"`([\w:]+)`", row):
                if match := re.fullmatch(r"(dli:\w*:)(\w+)", word):
                    resource = match[1]
                    found.add(word)
                elif resource:
                    found.add(resource + word)
        return found

    assert actions(table) == actions(rights)
    assert "before-you-begin" in anchors(README.read_text(encoding="utf-8"))
