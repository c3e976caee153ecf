"""The recipes of examples/ci: their YAML is what GitHub and GitLab accept, and their scripts are run."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "examples" / "ci"
PREVIEWS = ROOT / "tests" / "summary" / "previews"
GITHUB, GITLAB = RECIPES / "github" / "dli.yml", RECIPES / "gitlab" / ".gitlab-ci.yml"


def run(script: str, *words: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A script of the recipes as a CI job runs it; `pulumi-dli` is this environment's."""
    return subprocess.run(
        [str(RECIPES / script), *map(str, words)],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def environment(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "STACK": "dev", **more}


def fake(tmp_path: Path, code: str) -> str:
    """A command in the place of `pulumi`, as one word."""
    path = tmp_path / "fake-pulumi"
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(("recipe", "schema"), [(GITHUB, "github-workflows"), (GITLAB, "gitlab-ci")])
def test_the_yaml_is_what_the_service_accepts(recipe: Path, schema: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(recipe)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("recipe", [GITHUB, GITLAB])
def test_every_script_that_a_recipe_names_is_there(recipe: Path) -> None:
    text = recipe.read_text()
    assert isinstance(yaml.safe_load(text), dict)
    named = {word for word in shlex.split(text, comments=True) if word.startswith("examples/ci/")}
    assert {Path(word).name for word in named} == {"preview.sh", "drift.sh", "deploy.sh", "post_comment.py"}
    for word in named:
        assert (ROOT / word).is_file()
        assert word.endswith(".py") or os.access(ROOT / word, os.X_OK)


def saved(tmp_path: Path, name: str, status: int) -> str:
    source = (PREVIEWS / f"{name}.json").read_text()
    return fake(tmp_path, f"import sys\nsys.stdout.write({source!r})\nsys.exit({status})\n")


@pytest.mark.parametrize(
    ("preview", "pulumi", "gate", "status"),
    [
        ("changes", 0, "state-dropped,blocked", 3),
        ("changes", 0, "replaced", 0),
        ("blocked", 1, "state-dropped,blocked", 1),
    ],
)
def test_a_preview_leaves_its_comment_and_answers_the_gate(
    tmp_path: Path, preview: str, pulumi: int, gate: str, status: int
) -> None:
    done = run("preview.sh", cwd=tmp_path, PULUMI=saved(tmp_path, preview, pulumi), DLI_FAIL_ON=gate)
    assert done.returncode == status, done.stderr
    comment = (tmp_path / "comment.md").read_text()
    assert comment.startswith("<!-- pulumi-dli:dev -->\n### DLI: ")


def test_a_preview_that_never_began_leaves_a_comment_too(tmp_path: Path) -> None:
    done = run("preview.sh", cwd=tmp_path, PULUMI=fake(tmp_path, "raise SystemExit(255)"))
    assert done.returncode == 255
    assert "failed before it began" in (tmp_path / "comment.md").read_text()


def test_a_drift_check_fails_where_somebody_changed_something(tmp_path: Path) -> None:
    done = run("drift.sh", cwd=tmp_path, PULUMI=saved(tmp_path, "drift", 0))
    assert done.returncode == 3
    assert "outside of Pulumi" in (tmp_path / "drift.md").read_text()


def test_a_drift_check_passes_where_nobody_did(tmp_path: Path) -> None:
    quiet = {"steps": [], "changeSummary": {}}
    done = run("drift.sh", cwd=tmp_path, PULUMI=fake(tmp_path, f"print({json.dumps(quiet)!r})"))
    assert done.returncode == 0, done.stderr


DEPLOYMENT = """
import os, signal, sys, time
from pathlib import Path
heard = []
for each in (signal.SIGINT, signal.SIGTERM):
    signal.signal(each, lambda number, frame: heard.append(signal.Signals(number).name))
Path("started").write_text(" ".join(sys.argv[1:]))
while not heard:
    time.sleep(0.01)
Path("cancelling").write_text("")
while not Path("finish").exists():
    time.sleep(0.01)
Path("heard").write_text(" ".join(heard))
sys.exit(1)
"""


def appears(path: Path) -> bool:
    for _ in range(1000):
        if path.exists():
            return True
        time.sleep(0.01)
    return False


def test_a_cancelled_deployment_gets_one_signal_and_the_time_to_finish(tmp_path: Path) -> None:
    env = environment({"PULUMI": fake(tmp_path, DEPLOYMENT)})
    with subprocess.Popen([str(RECIPES / "deploy.sh")], cwd=tmp_path, env=env, start_new_session=True) as job:
        assert appears(tmp_path / "started")
        assert "up --stack dev --yes" in (tmp_path / "started").read_text()
        os.killpg(job.pid, signal.SIGINT)  # a CI system signals the whole group of the step
        assert appears(tmp_path / "cancelling")
        os.killpg(job.pid, signal.SIGTERM)
        os.killpg(job.pid, signal.SIGINT)
        assert job.poll() is None
        (tmp_path / "finish").touch()
        assert job.wait(timeout=20) == 1
    assert (tmp_path / "heard").read_text() == "SIGINT"


def test_a_deployment_answers_with_the_status_of_pulumi(tmp_path: Path) -> None:
    assert run("deploy.sh", cwd=tmp_path, PULUMI=fake(tmp_path, "raise SystemExit(0)")).returncode == 0
    assert run("deploy.sh", cwd=tmp_path, PULUMI=fake(tmp_path, "raise SystemExit(255)")).returncode == 255


class Forge(ThreadingHTTPServer):
    """Comments as GitHub and GitLab keep them, as far as a recipe uses them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = [{"id": number, "body": "a review"} for number in range(1, 151)]
        self.heard: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Forge

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        self._answer(self.server.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        self.server.comments.append({"id": len(self.server.comments) + 1, **self._body()})
        self._answer({})

    def do_PATCH(self) -> None:
        self.server.comments[int(self.path.rpartition("/")[2]) - 1].update(self._body())
        self._answer({})

    do_PUT = do_PATCH  # noqa: N815  (the name is the base class's)

    def _body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, value: object) -> None:
        self.server.heard.append(f"{self.command} {urlsplit(self.path).path}")
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def forge() -> Iterator[Forge]:
    with Forge() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def hub(forge: Forge) -> dict[str, str]:
    return {
        "GITHUB_API_URL": forge.url,
        "GITHUB_REPOSITORY": "team/streams",
        "GITHUB_TOKEN": "t",
        "PULL_REQUEST": "7",
    }


def lab(forge: Forge) -> dict[str, str]:
    return {"CI_API_V4_URL": forge.url, "CI_PROJECT_ID": "3", "CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": "t"}


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        (hub, "PATCH /repos/team/streams/issues/comments/151"),
        (lab, "PUT /projects/3/merge_requests/7/notes/151"),
    ],
)
def test_the_comment_is_made_once_and_then_changed(tmp_path: Path, forge: Forge, settings: Any, changed: str) -> None:
    page = tmp_path / "comment.md"
    for text in ("first", "second"):
        page.write_text(f"<!-- pulumi-dli:dev -->\n{text}\n")
        done = subprocess.run(
            [sys.executable, str(RECIPES / "post_comment.py"), str(page)],
            env={**os.environ, **settings(forge)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    ours = [one["body"] for one in forge.comments if one["body"].startswith("<!-- pulumi-dli")]
    assert ours == ["<!-- pulumi-dli:dev -->\nsecond\n"]
    assert forge.heard[-1] == changed


def test_a_missing_setting_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "comment.md").write_text("x\n")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "CI_"))}
    done = subprocess.run(
        [sys.executable, str(RECIPES / "post_comment.py"), str(tmp_path / "comment.md")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "post_comment.py: GITHUB_REPOSITORY is not set\n"
