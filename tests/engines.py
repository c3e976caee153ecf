"""Both engines behind one face, for tests of whole programs: an ordinary Pulumi project folder, driven as people do.

    def test_…(engine: Engine) -> None:             # runs once with the embedded engine, once with the Pulumi CLI
        engine.write("q = dli.Queue('q', cu_count=16)")
        engine.connect(dli)
        assert engine.up().ops() == {"q": "create"}

`CLI_WHEN_SLOW` and `EMBEDDED_ONLY` are for tests whose second run is not worth the time of `make test`. An operation
never raises: what happened is in its `Result`. The tests of the embedded engine itself (tests/embedded) compare the
two engines step by step with toys; here the subject is our provider.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from pulumi import automation
from pulumi.automation import CommandError, ConfigValue
from pulumi.automation import Deployment as Exported

from pulumi_dli.embedded.stack import Stack as EmbeddedStack
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.testing import Emulator

Json = dict[str, Any]
STACK = "dev"
PASSPHRASE = "whole programs"
PROJECT_ID = "48cc2c48765f481480c7db940d6409d1"
HEAD = "import pulumi\nimport pulumi_dli as dli\n\nconfig = pulumi.Config()\n"
PACE = 2000.0
"""Service seconds in a second: the eight minutes of a first job take a quarter of a second."""


def connection(dli: Emulator, project_id: str = PROJECT_ID) -> dict[str, str]:
    """The stack's settings for a local DLI."""
    return {
        "dli:endpoint": dli.url,
        "dli:projectId": project_id,
        "dli:accessKey": "local",
        "dli:secretKey": "secret-of-the-tests",
        "dli:pollSeconds": "0.02",
    }


def calls(dli: Emulator) -> dict[str, int]:
    """The calls that the stack made so far, by operation; what a test put into OBS does not count."""
    return {name: count for name, count in dli.counts().items() if not name.startswith(("buckets.", "objects."))}


def leftovers(dli: Emulator, project_id: str = PROJECT_ID) -> list[str]:
    """What the local DLI holds beside the queues that were there before."""
    queues = [queue.name for queue in dli.service.queues.of(project_id)]
    pools = [pool.name for pool in dli.service.part(Pools).of(project_id)]
    packages = [package.name for package in dli.service.packages.of(project_id)]
    jobs = [job["name"] for job in dli.jobs() if job["project_id"] == project_id]
    return [name for name in queues if name not in ("default", "shared")] + pools + packages + jobs


@dataclass(frozen=True)
class Step:
    """One step of the engine. `keys` are the top-level properties that differ."""

    op: str
    urn: str
    keys: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.urn.split("::")[-1]

    @property
    def type(self) -> str:
        return self.urn.split("::")[-2].split("$")[-1]


@dataclass(frozen=True)
class Diagnostic:
    """A message on a resource; on the stack itself when `urn` names it or is empty."""

    severity: str
    urn: str
    text: str


@dataclass
class Result:
    """What one operation did.

    Attributes:
        steps: what was planned (preview) or done, in order.
        drift: what reading found, where the operation refreshed.
        text: all that was printed.
    """

    ok: bool = True
    steps: list[Step] = field(default_factory=list)
    drift: list[Step] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    text: str = ""
    events: list[str] = field(default_factory=list)

    def ops(self) -> dict[str, str]:
        """Operation by resource, without those left alone and without the stack itself."""
        return _by_name(self.steps)

    def drifted(self) -> dict[str, str]:
        """What a refresh found, by resource, without those as they were."""
        return _by_name(self.drift)

    def keys(self, name: str) -> set[str]:
        """The properties in which a resource differs from the program."""
        return {key for step in self.steps if step.name == name for key in step.keys}

    def says(self, name: str, *severities: str) -> list[str]:
        """The messages on a resource, without its name."""
        return [
            found.text.removeprefix(f"{name}: ")
            for found in self.diagnostics
            if found.urn.split("::")[-1] == name and (not severities or found.severity in severities)
        ]

    def errors(self) -> list[str]:
        """The errors on resources; what the program's own end adds on the stack is noise."""
        return [
            found.text
            for found in self.diagnostics
            if found.severity == "error" and found.urn and "pulumi:pulumi:Stack" not in found.urn
        ]

    def program_errors(self) -> str:
        """What the program itself failed with."""
        return "\n".join(
            found.text for found in self.diagnostics if found.severity == "error" and found.text not in self.errors()
        )


def _by_name(steps: Sequence[Step]) -> dict[str, str]:
    quiet = ("same", "read-discard")
    return {
        step.name: step.op
        for step in steps
        if step.op not in quiet and step.type != "pulumi:pulumi:Stack" and not _is_default_provider(step.urn)
    }


def _is_default_provider(urn: str) -> bool:
    return "pulumi:providers:" in urn and urn.endswith("::default")


class Engine:
    """A project folder with a backend of its own, and an engine that runs it."""

    kind = ""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.project = root / "project"
        self.backend = root / "backend"
        self.backend.mkdir(parents=True)
        self.project.mkdir()
        self.env = {
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
        }

    def write(self, program: str, *, refresh: bool = False) -> None:
        """Make this the program of the project. `pulumi`, `dli` and `config` are there already."""
        options = "options: {refresh: always}\n" if refresh else ""
        (self.project / "Pulumi.yaml").write_text(f"name: streams\nruntime: python\n{options}", encoding="utf-8")
        (self.project / "__main__.py").write_text(HEAD + textwrap.dedent(program), encoding="utf-8")

    def copy(self, folder: Path, *, refresh: bool = True) -> None:
        """Make a copy of this folder the project; without its `refresh: always` when not `refresh`."""
        ignored = shutil.ignore_patterns("__pycache__", "Pulumi.*.yaml")
        shutil.copytree(folder, self.project, dirs_exist_ok=True, ignore=ignored)
        file = self.project / "Pulumi.yaml"
        described = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not refresh:
            described.pop("options", None)
            file.write_text(yaml.safe_dump(described), encoding="utf-8")

    def configure(self, values: Mapping[str, str], *, secret: bool = False) -> None:
        """Set configuration of the stack."""
        raise NotImplementedError

    def connect(self, dli: Emulator, *, project_id: str = PROJECT_ID) -> None:
        """Point the stack at a local DLI."""
        self.configure(connection(dli, project_id))

    def preview(self, *, refresh: bool | None = None, parallel: int | None = None) -> Result:
        return self._run("preview", refresh=refresh, parallel=parallel)

    def up(self, *, refresh: bool | None = None, parallel: int | None = None) -> Result:
        return self._run("up", refresh=refresh, parallel=parallel)

    def refresh(self, *, preview_only: bool = False, expect_no_changes: bool = False) -> Result:
        return self._run("refresh", preview_only=preview_only, expect_no_changes=expect_no_changes)

    def destroy(self) -> Result:
        return self._run("destroy")

    def _run(self, what: str, **options: Any) -> Result:
        raise NotImplementedError

    def stack(self) -> Any:
        raise NotImplementedError

    def outputs(self) -> Json:
        """The stack's outputs, secrets in clear."""
        return {key: item.value for key, item in self.stack().outputs().items()}

    def stored(self) -> str:
        """All that the backend keeps of the stack: the state, its backups, the history."""
        files = (path for path in (self.backend / ".pulumi").rglob("*") if path.is_file())
        return "".join(path.read_text(encoding="utf-8") for path in files)

    def export(self) -> Json:
        """The deployment; the CLI shows secrets in it."""
        deployment: Json = self.stack().export_stack().deployment
        return deployment

    def import_state(self, deployment: Json) -> None:
        self.stack().import_stack(Exported(version=3, deployment=deployment))

    def resources(self) -> dict[str, Json]:
        """The records in the state by name; those of our own types only."""
        found = self.export().get("resources") or []
        return {record["urn"].split("::")[-1]: record for record in found if "dli:" in record["type"]}

    def import_file(self, file: Path) -> None:
        """Have the CLI take over what the file of `pulumi-dli import` names; it must succeed."""
        done = subprocess.run(
            ["pulumi", "import", "--file", str(file), "--yes", "--generate-code=false", "--protect=false", "-s", STACK],
            cwd=self.project,
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, what: str) -> subprocess.Popen[str]:
        """The operation in a process of its own, to be signalled as a terminal would."""
        env = {**os.environ, **self.env}
        return subprocess.Popen(
            self.command(what),
            cwd=self.project,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def command(self, what: str) -> list[str]:
        raise NotImplementedError

    def taken_over_by(self, other: type[Engine]) -> Engine:
        """Another engine on the same project and backend."""
        engine = other.__new__(other)
        engine.__dict__.update(self.__dict__)
        return engine


class Embedded(Engine):
    """The engine of this package."""

    kind = "embedded"

    def stack(self) -> EmbeddedStack:
        return EmbeddedStack.create_or_select(STACK, self.project, env=self.env)

    def configure(self, values: Mapping[str, str], *, secret: bool = False) -> None:
        stack = self.stack()
        for key, value in values.items():
            stack.set_config(key, ConfigValue(value, secret=secret))

    def _run(self, what: str, **options: Any) -> Result:
        events: list[Json] = []
        told = Result()
        try:
            told.text = getattr(self.stack(), what)(on_event=events.append, **options).stdout
        except CommandError as error:
            told.ok, told.text = False, str(error)
        for event in events:
            if event["kind"] == "step" and event["status"] == "done":
                keys = frozenset(path.split(".")[0].split("[")[0] for path in event["diff"])
                if event["op"] == "refresh":
                    told.drift.append(Step(str(event["result_op"]), event["urn"], keys))
                else:
                    told.steps.append(Step(str(event["op"]), event["urn"], keys))
            elif event["kind"] == "diagnostic" and not event["ephemeral"]:
                told.diagnostics.append(Diagnostic(event["severity"], event["urn"], event["message"]))
        told.events = [json.dumps(event, default=str) for event in events]
        return told

    def command(self, what: str) -> list[str]:
        return [sys.executable, "-m", "pulumi_dli.embedded", what, "--yes"]


class Cli(Engine):
    """The Pulumi CLI, through the Automation API."""

    kind = "cli"

    @staticmethod
    def needed() -> None:
        """Skip the test, visibly, where there is no CLI."""
        if shutil.which("pulumi") is None:
            pytest.skip("the Pulumi CLI is not on PATH")

    def stack(self) -> automation.Stack:
        return automation.create_or_select_stack(
            STACK, work_dir=str(self.project), opts=automation.LocalWorkspaceOptions(env_vars=self.env)
        )

    def configure(self, values: Mapping[str, str], *, secret: bool = False) -> None:
        self.stack().set_all_config({key: ConfigValue(value, secret=secret) for key, value in values.items()})

    def _run(self, what: str, **options: Any) -> Result:
        events: list[automation.EngineEvent] = []
        told = Result()
        given = {key: value for key, value in options.items() if value not in (None, False)}
        if what not in ("preview", "destroy"):
            given["suppress_progress"] = True
        try:
            told.text = getattr(self.stack(), what)(on_event=events.append, color="never", **given).stdout
        except CommandError as error:
            told.ok, told.text = False, str(error)
        for event in events:
            self._take(told, event, reading=what == "refresh")
        told.events = [json.dumps(event, default=_fields) for event in events]
        return told

    def _take(self, told: Result, event: automation.EngineEvent, *, reading: bool) -> None:
        item = event.diagnostic_event
        if item and not item.ephemeral and item.severity != "debug":
            told.diagnostics.append(Diagnostic(item.severity.split("#")[0], item.urn or "", item.message.strip()))
        elif event.resource_pre_event and event.resource_pre_event.metadata.op != "refresh":
            told.steps.append(_step(event.resource_pre_event.metadata))
        elif event.res_outputs_event:
            found = event.res_outputs_event.metadata
            if found.op == "refresh":
                told.drift.append(_found(found))
            elif reading:
                told.drift.append(_step(found))
        elif event.res_op_failed_event:
            failed = event.res_op_failed_event.metadata
            told.steps = [step for step in told.steps if (step.urn, step.op) != (failed.urn, failed.op.value)]

    def command(self, what: str) -> list[str]:
        skip = [] if what == "preview" else ["--yes", "--skip-preview"]
        return ["pulumi", what, "--stack", STACK, "--non-interactive", *skip]


def _step(metadata: Any) -> Step:
    keys = {*(metadata.diffs or ()), *(metadata.detailed_diff or ())}
    return Step(str(metadata.op.value), metadata.urn, frozenset(key.split(".")[0].split("[")[0] for key in keys))


def _found(metadata: Any) -> Step:
    """What a refresh before another operation has found: the CLI tells it by the two sides only."""
    step = _step(metadata)
    op = "delete" if metadata.new is None else "update" if step.keys else "same"
    return Step(op, step.urn, step.keys)


def _fields(value: Any) -> Any:
    return getattr(value, "__dict__", None) or str(value)


ENGINES: Mapping[str, type[Engine]] = {"embedded": Embedded, "cli": Cli}
CLI_PARAM = pytest.param("cli", marks=pytest.mark.cli)
SLOW_CLI_PARAM = pytest.param("cli", marks=[pytest.mark.cli, pytest.mark.slow])

CLI_WHEN_SLOW = pytest.mark.parametrize("engine", ["embedded", SLOW_CLI_PARAM], indirect=True)
EMBEDDED_ONLY = pytest.mark.parametrize("engine", ["embedded"], indirect=True)
CLI_ONLY = pytest.mark.parametrize("engine", [CLI_PARAM], indirect=True)
SLOW_CLI_ONLY = pytest.mark.parametrize("engine", [SLOW_CLI_PARAM], indirect=True)


@pytest.fixture(scope="session")
def _dli_of_the_process() -> Iterator[Emulator]:
    with Emulator(pace=PACE) as emulator:
        yield emulator


def put_queue(dli: Emulator, name: str = "shared", project_id: str = PROJECT_ID) -> None:
    """A queue that somebody else has made: jobs of a test need not make one."""
    body = {"queue_name": name, "queue_type": "general", "cu_count": 64, "resource_mode": 1}
    call(dli, "POST", "/v1.0/{p}/queues", body, project_id)


def call(dli: Emulator, method: str, path: str, body: Any = None, project_id: str = PROJECT_ID) -> Any:
    """One call of the service by somebody else; `{p}` in the path is the project."""
    address = dli.url + path.replace("{p}", project_id)
    answer = requests.request(method, address, json=body, headers={"X-Auth-Token": "somebody"}, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


@pytest.fixture
def dli(_dli_of_the_process: Emulator) -> Emulator:
    """A local DLI as on its first day, in a hurry, with a queue (`shared`) and a jar for jobs to run."""
    _dli_of_the_process.reset()
    _dli_of_the_process.set_pace(PACE)
    _dli_of_the_process.put_object("jars", "app.jar", b"a jar")
    _dli_of_the_process.put_object("state", "README", b"savepoints go here")
    put_queue(_dli_of_the_process)
    _dli_of_the_process.service.journal.counts.clear()
    _dli_of_the_process.service.journal.entries.clear()
    return _dli_of_the_process


MakeEngine = Callable[[str], Engine]


@pytest.fixture
def make_engine(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeEngine:
    """Makes an engine of a kind on an empty project."""
    home = tmp_path_factory.getbasetemp() / "pulumi-home"

    def make(kind: str) -> Engine:
        if kind == "cli":
            Cli.needed()
        return ENGINES[kind](tmp_path / kind, home)

    return make


@pytest.fixture(params=["embedded", SLOW_CLI_PARAM])
def engine(request: pytest.FixtureRequest, make_engine: MakeEngine) -> Engine:
    """Each of the two engines."""
    return make_engine(request.param)
