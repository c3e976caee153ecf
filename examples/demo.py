"""Plays the quick start against a local DLI: preview, up, an upgrade, a broken version that is rolled back, destroy.

Run it with `make demo`. It uses the Pulumi CLI when there is one on PATH, otherwise the embedded engine; ENGINE=pulumi
or ENGINE=embedded forces one, `--pace` makes the service's clock faster or slower. Everything that it makes is in one
temporary folder, and goes with it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulumi_dli.emulator.testing import Control

PROGRAM = Path(__file__).parent / "01-quickstart"
PACE = 60.0
BUCKET = "my-bucket"


def say(text: str) -> None:
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


@contextmanager
def local_dli(folder: Path, *options: str, pace: float = PACE) -> Iterator[str]:
    """A local DLI in a process of its own, with more options of its command line; its address."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "pulumi_dli.emulator", "--port", "0", "--pace", str(pace)]
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


def watch(dli: Control) -> None:
    """One line on the stream, or on what else there is, as the service sees it."""
    for job in dli.jobs():
        jar, since = job["definition"]["entrypoint"].rsplit("/", 1)[-1], job["restored_from"]
        state = f"from savepoint {since[-1]}" if since and since[-1] else "without state"
        print(f"   at the service: {job['name']} is {job['status']}, {jar}, started {state}")
    if not there(dli):
        print("   at the service: nothing is left")


def there(dli: Control) -> list[str]:
    """What was made and is not gone."""
    found: dict[str, None] = {}
    for event in dli.timeline():
        name = f"{event['kind']} {event['subject']}"
        if event["type"] == "created":
            found[name] = None
        elif event["type"] == "deleted":
            found.pop(name, None)
    return list(found)


def write_jar(demo: Demo, version: str) -> str:
    """Make this version the program's jar; the part of its digest that is in the name of the object."""
    content = f"{version} of a stream: a stand-in, since the local DLI simulates what jars do".encode()
    (demo.folder / "app.jar").write_bytes(content)
    return hashlib.sha256(content).hexdigest()[:8]


def deploy(demo: Demo, dli: Control) -> None:
    """The first act: from nothing to a running stream."""
    say(f"Preview with the {demo.name} engine: nothing is there yet")
    demo.run("preview")
    say("Up: a pool (3 minutes of the service's time), a queue in it, the jar, the job (a first one takes 8 minutes)")
    demo.run("up", "--yes")
    watch(dli)
    say("The outputs")
    demo.run(*(["stack", "output"] if demo.name == "pulumi" else ["output"]))
    say("Up again: nothing changed, so nothing happens to the stream")
    demo.run("up", "--yes")


def change(demo: Demo, dli: Control) -> None:
    """The second act: an upgrade, and one that fails."""
    say("New bytes in app.jar: what would happen to the running stream?")
    write_jar(demo, "version 2")
    demo.run("preview", *(["--diff"] if demo.name == "pulumi" else []))
    say("Up: stop with a savepoint, change, start from it, watch for a minute that it stays up")
    demo.run("up", "--yes")
    watch(dli)
    say("Version 3 is broken, it fails 20 seconds after its start: `up` fails, the stream does not")
    broken = write_jar(demo, "version 3")
    dli.behave("running_exception", after=20, match={"entrypoint": broken}, description="NullPointerException")
    demo.fails("up", "--yes")
    watch(dli)
    say("The program goes back to version 2, which runs: nothing happens to the stream")
    write_jar(demo, "version 2")
    demo.run("up", "--yes")


def shut_down(demo: Demo, dli: Control) -> None:
    """The last act: everything goes, the state stays in the bucket."""
    say(
        "Destroy: a last savepoint, then job, queue, jar and pool go (which the service keeps for its first 15 minutes)"
    )
    demo.run("destroy", "--yes")
    watch(dli)
    if left := there(dli):
        raise SystemExit(f"left behind: {', '.join(left)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="The quick start, played against a local DLI.")
    parser.add_argument("--pace", type=float, default=PACE, help="service seconds in a second (default: %(default)g)")
    pace = parser.parse_args().pace
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pulumi-dli-demo-") as name:
        folder = Path(name)
        with local_dli(folder, pace=pace) as url:
            say(f"A local DLI ({pace:g} service seconds pass in a second); watch it at {url}/")
            dli = Control(url)
            dli.put_object(BUCKET, "readme")
            demo = Demo(folder, url)
            write_jar(demo, "version 1")
            for act in (deploy, change, shut_down):
                act(demo, dli)
            dli.disconnect()
    say(f"Done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
