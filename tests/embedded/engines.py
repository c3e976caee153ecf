"""Both engines behind one face for the tests: a folder with the toy program, a plan to write, operations to run."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError, ConfigValue

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.events import digest
from pulumi_dli.embedded.operation import output_values
from pulumi_dli.embedded.stack import Stack
from pulumi_dli.embedded.state import State, Store, to_json

PROGRAM = Path(__file__).parent / "programs" / "toy"
PASSPHRASE = "toys"
Json = dict[str, Any]


def toy(name: str, opts: Json | None = None, kind: str = "Toy", **props: Any) -> Json:
    """One entry of a plan."""
    return {"name": name, "kind": kind, "props": props, "opts": opts or {}}


class ClearCrypter(Crypter):
    """Shows secrets instead of sealing them, to compare states."""

    def __init__(self) -> None:
        super().__init__("", None)

    def seal(self, text: str) -> str:
        return f"clear:{text}"


@dataclass
class Outcome:
    """What one operation did, in a form that both engines can be compared by."""

    failed: bool
    steps: set[tuple[str, str]] = field(default_factory=set)
    changes: dict[str, int] = field(default_factory=dict)
    messages: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""

    def errors(self) -> list[str]:
        return [text for severity, _, text in self.messages if severity == "error"]

    def ops(self, *kinds: str) -> dict[str, str]:
        """Name to operation, for what was not left alone."""
        return {name: op for op, name in self.steps if op in kinds or (not kinds and op != "same")}


class Yard:
    """A copy of the toy program with a home for its objects and its own backend."""

    def __init__(self, root: Path, name: str, shared: Yard | None = None) -> None:
        self.home = shared.home if shared else root / name
        self.project = self.home / "project"
        self.backend = self.home / "backend"
        if shared is None:
            self.backend.mkdir(parents=True)
            shutil.copytree(PROGRAM, self.project, ignore=shutil.ignore_patterns("__pycache__"))
            self.plan()
        self.env = {
            "TOY_HOME": str(self.home),
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DEBUG_COMMANDS": "1",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_HOME": str(root / "pulumi-home"),
        }

    def plan(self, *resources: Json, **more: Any) -> None:
        (self.home / "plan.json").write_text(json.dumps({"resources": list(resources), **more}))

    def calls(self, *, forget: bool = True) -> list[Json]:
        """The provider calls since the last time."""
        path = self.home / "calls.jsonl"
        if not path.exists():
            return []
        found = [json.loads(line) for line in path.read_text().splitlines()]
        if forget:
            path.unlink()
        return found

    def objects(self) -> set[str]:
        return {path.stem for path in (self.home / "objects").glob("*.json")}

    def object_path(self, id_: str) -> Path:
        return self.home / "objects" / f"{id_}.json"

    def store(self) -> Store:
        return Store(self.backend, "toy", "dev")

    def deployment(self) -> Json:
        return self.store().load()

    def resources(self) -> list[State]:
        deployment = self.deployment()
        crypter = Crypter(PASSPHRASE, deployment["secrets_providers"]["state"]["salt"])
        return self.store().base(crypter).resources

    def state(self) -> list[Json]:
        """The state in a form that does not depend on time, place and chance."""
        ids = {state.id: f"<{state.name}>" for state in self.resources() if state.is_provider}
        clear = ClearCrypter()
        found = []
        for state in self.resources():
            record = to_json(_unsealed(state), clear)
            for key in ("created", "modified", "sourcePosition", "stackTrace"):
                record.pop(key, None)
            text = json.dumps(record, sort_keys=True).replace(str(self.home), "<home>")
            for id_, name in ids.items():
                text = text.replace(id_, name)
            found.append(json.loads(text))
        return sorted(found, key=lambda record: (record["urn"], record.get("delete", False), record.get("id", "")))


def _unsealed(state: State) -> State:
    def strip(value: Any) -> Any:
        if hasattr(value, "sealed"):
            value.sealed = None
            strip(value.value)
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            strip(part)
        return value

    found = copy.deepcopy(state)
    strip(found.inputs)
    strip(found.outputs)
    return found


class Embedded(Yard):
    """The engine of this package."""

    kind = "embedded"

    def stack(self) -> Stack:
        return Stack.create_or_select("dev", self.project, env=self.env)

    def set_config(self, key: str, value: str, *, secret: bool = False) -> None:
        self.stack().set_config(key, ConfigValue(value, secret=secret))

    def preview_json(self) -> str:
        return json.dumps(digest(self.stack().preview()))

    def run(self, what: str, **options: Any) -> Outcome:
        events: list[Json] = []
        counts: dict[str, int] = {}
        failed = False
        try:
            result = getattr(self.stack(), what)(on_event=events.append, **options)
            counts = result.changes
            text = result.stdout
        except CommandError as error:
            failed, text = True, str(error)
            summaries = [event["changes"] for event in events if event["kind"] == "summary"]
            counts = summaries[0] if summaries else {}
        steps = {
            (event["result_op"] if what == "refresh" else event["op"], event["name"])
            for event in events
            if event["kind"] == "step" and event["status"] == "done" and not event["internal"]
        }
        messages = [
            (event["severity"], event["urn"].split("::")[-1], event["message"])
            for event in events
            if event["kind"] == "diagnostic" and not event["ephemeral"]
        ]
        return Outcome(failed, steps, counts, messages, text)

    def outputs(self) -> Json:
        return {key: (item.value, item.secret) for key, item in self.stack().outputs().items()}


class Cli(Yard):
    """The Pulumi CLI."""

    kind = "cli"

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **self.env, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        command = ["pulumi", "--non-interactive", *arguments]
        done = subprocess.run(
            command, cwd=self.project, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def select(self) -> None:
        if not self.store().path.exists():
            self.pulumi("stack", "init", "dev")

    def set_config(self, key: str, value: str, *, secret: bool = False) -> None:
        self.select()
        self.pulumi("config", "set", "-s", "dev", *(["--secret"] if secret else []), key, value)

    def preview_json(self) -> str:
        return self.pulumi("preview", "-s", "dev", "--json").stdout

    def run(
        self, what: str, *, refresh: bool = False, preview_only: bool = False, expect_no_changes: bool = False
    ) -> Outcome:
        self.select()
        log = self.home / "events.jsonl"
        log.unlink(missing_ok=True)
        flags = ["-s", "dev", "--event-log", str(log)]
        if what != "preview":
            flags += ["--preview-only"] if preview_only else ["--yes", "--skip-preview"]
        flags += ["--refresh"] if refresh else []
        flags += ["--expect-no-changes"] if expect_no_changes else []
        done = self.pulumi(what, *flags, check=False)
        # A component's end is told only when it registers outputs, a refresh's result only at its end.
        told = "resOutputsEvent" if what == "refresh" else "resourcePreEvent"
        return self._outcome([json.loads(line) for line in log.read_text().splitlines()], told, done)

    def _outcome(self, events: list[Json], told: str, done: subprocess.CompletedProcess[str]) -> Outcome:
        found = Outcome(done.returncode != 0, text=done.stdout + done.stderr)
        for event in events:
            if "resOpFailedEvent" in event:
                metadata = event["resOpFailedEvent"]["metadata"]
                found.steps.discard((metadata["op"], metadata["urn"].split("::")[-1]))
            elif told in event:
                metadata = event[told]["metadata"]
                name = metadata["urn"].split("::")[-1]
                if not (metadata["type"].startswith("pulumi:providers:") and name == "default"):
                    found.steps.add((str(metadata["op"]), name))
            elif "summaryEvent" in event:
                found.changes = event["summaryEvent"]["resourceChanges"] or {}
            elif "diagnosticEvent" in event and not event["diagnosticEvent"].get("ephemeral"):
                item = event["diagnosticEvent"]
                name = item.get("urn", "").split("::")[-1]
                found.messages.append((item["severity"].split("#")[0], name, item["message"]))
        return found

    def outputs(self) -> Json:
        resources = [state for state in self.resources() if state.type == "pulumi:pulumi:Stack"]
        if not resources:
            return {}
        return {key: (item.value, item.secret) for key, item in output_values(resources[0].outputs).items()}
