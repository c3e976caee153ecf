"""Plays the quick start against a local DLI: preview, up, outputs, nothing to do, an update, destroy.

Run it with `make demo`. It uses the Pulumi CLI when there is one on PATH, otherwise the embedded engine; ENGINE=pulumi
or ENGINE=embedded forces one. Everything it makes is in one temporary folder, and goes with it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(__file__).parent / "01-quickstart"
PACE = 60
OBJECTS = ["javaQueueStream.jar", "test.jar", "test1.jar", "test.csv", "test1.csv"]


def say(text: str) -> None:
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


@contextmanager
def local_dli(folder: Path, *options: str) -> Iterator[str]:
    """A local DLI in a process of its own, with more options of its command line; its address."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "pulumi_dli.emulator", "--port", "0", "--pace", str(PACE)]
    process = subprocess.Popen(
        [*command, "--data", str(folder / "dli.sqlite"), "--ready-file", str(ready), *options],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not ready.exists():
            if process.poll() is not None:
                raise SystemExit("the local DLI did not start")
            time.sleep(0.05)
        yield json.loads(ready.read_text())["url"]
    finally:
        process.terminate()
        process.wait(timeout=30)


def put_object(url: str, bucket: str, key: str) -> None:
    for path, body in ((bucket, b""), (f"{bucket}/{key}", f"the bytes of {key}".encode())):
        urllib.request.urlopen(urllib.request.Request(f"{url}/obs/{path}", data=body, method="PUT"), timeout=10).close()


def engine() -> tuple[str, list[str]]:
    """The name and the command of the engine to use."""
    desired = os.environ.get("ENGINE", "")
    cli = shutil.which("pulumi")
    if desired not in ("", "pulumi", "embedded"):
        raise SystemExit("ENGINE is pulumi or embedded")
    if desired == "pulumi" and not cli:
        raise SystemExit("ENGINE=pulumi, but there is no pulumi on PATH: https://www.pulumi.com/docs/install/")
    if cli and desired != "embedded":
        return "pulumi", [cli]
    return "embedded", [sys.executable, "-m", "pulumi_dli.embedded"]


class Demo:
    """One stack in a folder of its own, driven by the engine's commands."""

    def __init__(self, folder: Path, url: str, program: Path = PROGRAM) -> None:
        self.name, self.command = engine()
        self.folder = folder / "project"
        shutil.copytree(program, self.folder, ignore=shutil.ignore_patterns("build", "Pulumi.*.yaml"))
        state = folder / "state"
        state.mkdir()
        self.env = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "demo",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(folder / "home"),
        }
        if self.name == "pulumi":
            self.quiet("stack", "init", "dev")
        for key, value in {
            "dli:endpoint": url,
            "dli:projectId": "demo",
            "dli:accessKey": "local",
            "dli:pollSeconds": "0.5",
        }.items():
            self.quiet("config", "set", key, value)
        self.quiet("config", "set", "dli:secretKey", "local-secret", "--secret")

    def quiet(self, *words: str) -> None:
        done = subprocess.run(
            [*self.command, *words], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")

    def run(self, *words: str) -> None:
        if self._status(*words):
            raise SystemExit(f"{' '.join(words)} failed")

    def fails(self, *words: str) -> None:
        """Run what is bound to fail."""
        if not self._status(*words):
            raise SystemExit(f"{' '.join(words)} should have failed")

    def _status(self, *words: str) -> int:
        print(
            f"$ {self.name if self.name == 'pulumi' else 'python -m pulumi_dli.embedded'} {' '.join(words)}", flush=True
        )
        colour = ["--color", "never"] if self.name == "pulumi" and not sys.stdout.isatty() else []
        return subprocess.run([*self.command, *words, *colour], cwd=self.folder, env=self.env, check=False).returncode


def main() -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pulumi-dli-demo-") as name:
        folder = Path(name)
        with local_dli(folder) as url:
            say(f"A local DLI at {url} ({PACE} service seconds pass in a second)")
            for key in OBJECTS:
                put_object(url, "bucketname", key)
            demo = Demo(folder, url)
            say(f"Preview with the {demo.name} engine: nothing is there yet")
            demo.run("preview")
            say("Up: queue, packages, job. A first job takes 8 minutes of the service's time, about 8 seconds here")
            demo.run("up", "--yes")
            say("The outputs")
            demo.run(*(["stack", "output"] if demo.name == "pulumi" else ["output"]))
            say("Up again: nothing changed, so nothing happens to the stream")
            demo.run("up", "--yes")
            say("Twice the parallelism: what would happen to the running stream?")
            demo.quiet("config", "set", "parallelism", "2")
            demo.run("preview", *(["--diff"] if demo.name == "pulumi" else []))
            say("Up: stop with a savepoint, change, resume from it, watch that it stays up")
            demo.run("up", "--yes")
            say("Destroy: a last savepoint, then job, packages and queue go")
            demo.run("destroy", "--yes")
    say(f"Done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
