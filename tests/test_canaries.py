"""No secret leaves: every kind of credential and every secret input, looked for in all that an engine and the local DLI
keep or show, on both engines, also where things fail.

Each secret is a canary of its own. What the service must hold to do its work (a job's definition) may stand in the
local DLI's file; a credential may not. Its journal hides what is made to carry secrets; a description or a tag is none.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.testing import Emulator
from tests.dynamic_host import eventually
from tests.engines import CLI_PARAM, PACE, PROJECT_ID, Engine, MakeEngine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # part of `make test-full`

ENGINES = pytest.mark.parametrize("kind", ["embedded", CLI_PARAM])
KEY, TOKEN, PASSWORD, READY = "canary-key/+41", "canary-security-42", "canary pass&word=43", "canary-token-44"
CREDENTIALS = {
    "access key": ({"accessKey": "local"}, {"secretKey": KEY}, Credentials(access_key="local", secret_key=KEY)),
    "temporary access key": (
        {"accessKey": "local"},
        {"secretKey": KEY, "securityToken": TOKEN},
        Credentials(access_key="local", secret_key=KEY, security_token=TOKEN),
    ),
    "user": (
        {"userName": "u", "domainName": "d"},
        {"password": PASSWORD},
        Credentials(user="u", password=PASSWORD),
    ),
    "token": ({}, {"token": READY}, Credentials(token=READY)),
}
INPUTS = {
    name: f"canary-{name.replace('_', '-')}-9Zq"
    for name in ("args", "config", "log_config", "desc", "topic", "job_tag", "description", "queue_tag", "group_tag")
}
OF_THE_JOB = [*INPUTS][:6]
FAMILIES = {"jobs.*": OF_THE_JOB, "queues.*": ["description", "queue_tag"], "packages.*": ["group_tag"]}
"""Which secrets the service knows of each kind of object, and so may quote."""
CARRIERS = ("args", "config", "log_config")
"""Inputs that are made to carry secrets: no journal and no console shows them."""

PROGRAM = """
secret = config.require_secret_object("secrets")
version = config.get("version") or "1"
queue = dli.Queue("q", cu_count=16, description=secret["description"], tags={"k": secret["queue_tag"]})
group = dli.PackageGroup("g", packages=["obs://jars/app.jar"], tags={"k": secret["group_tag"]})
job = dli.FlinkJarJob(
    "j",
    queue_name=queue.queue_name,
    entrypoint=group.package("app.jar"),
    main_class="Main",
    obs_bucket="state",
    entrypoint_args=pulumi.Output.concat("--password ", secret["args"], " --version ", version),
    runtime_config={"db.password": secret["config"], "plain": version},
    flink_log_config={"loggers": secret["log_config"]},
    desc=secret["desc"],
    smn_topic=secret["topic"],
    tags={"k": secret["job_tag"]},
    rollback=True,
    stabilization_seconds=0,
)
pulumi.export("description", job.status_desc)
pulumi.export("settings", queue.properties)
pulumi.export("arguments", job.entrypoint_args)
"""
REFUSED = PROGRAM.replace('desc=secret["desc"]', 'desc=secret["desc"].apply(lambda text: text + chr(7))')


def forms(secret: str) -> set[str]:
    """As it is, and as services and libraries write it."""
    code = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], code.rstrip("=")}


def seen_in(text: str, secrets: dict[str, str]) -> dict[str, str]:
    """The canaries in a text, each with what stands around it."""
    found = {}
    for name, secret in secrets.items():
        for form in forms(secret):
            if (at := text.find(form)) >= 0:
                found[name] = text[max(at - 80, 0) : at + 80]
    return found


class Subscription:
    """Collects all that is shown, and looks for canaries in it."""

    def __init__(self, engine: Engine, dli: Emulator, data: Path, secrets: dict[str, str]) -> None:
        self.engine, self.dli, self.data, self.secrets = engine, dli, data, secrets
        self.told: dict[str, str] = {}

    def does(self, what: str, name: str = "", *, ok: bool | None = True) -> None:
        result = getattr(self.engine, what)()
        self.told[name or what] = result.text + "".join(result.events) + str(result.diagnostics)
        assert ok in (None, result.ok), result.text

    def runs(self, what: str, name: str, *flags: str, stopped: bool = False) -> None:
        """In a process of its own, as in a terminal; with a ^C when the local DLI has got some calls."""
        before = self.dli.counts()
        command = [*self.engine.command(what), *flags]
        env = {**os.environ, **self.engine.env}
        with subprocess.Popen(
            command, cwd=self.engine.project, env=env, text=True, stdout=-1, stderr=-2, start_new_session=True
        ) as process:
            if stopped:
                eventually(lambda: self.dli.counts() != before or process.poll() is not None, seconds=90, what="a call")
                process.send_signal(signal.SIGINT)
            self.told[name], _ = process.communicate(timeout=120)

    def finds_nothing(self) -> None:
        places = {**self.told, "state": self.engine.stored()}
        assert {name: seen for name, text in places.items() if (seen := seen_in(text, self.secrets))} == {}

    def finds_nothing_at_the_service(self, hidden: dict[str, str]) -> None:
        auth = self.dli._headers()
        page = requests.get(self.dli.url, headers=auth, timeout=30).text
        shown = {"journal": json.dumps(self.dli.requests()), "console": page, "timeline": str(self.dli.timeline())}
        assert {name: seen for name, text in shown.items() if (seen := seen_in(text, hidden))} == {}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "dli" / "dli.db"


def serving(data: Path, credentials: Credentials) -> Emulator:
    return Emulator(pace=PACE, data=data, credentials=credentials)


def on_disk(data: Path) -> str:
    files = [path for path in data.parent.rglob("*") if path.is_file()]
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    return "".join(path.read_bytes().decode("latin-1") for path in files)


@pytest.fixture
def made(data: Path, make_engine: MakeEngine, request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Emulator]]:
    kind, (plain, secret, credentials) = request.getfixturevalue("kind"), CREDENTIALS[request.getfixturevalue("who")]
    with serving(data, credentials) as dli:
        dli.put_object("jars", "app.jar", b"a jar")
        dli.put_object("state", "README", b"")
        engine = make_engine(kind)
        engine.write(PROGRAM)
        place = {"endpoint": dli.url, "projectId": PROJECT_ID, "pollSeconds": "0.02", **plain}
        if "userName" in plain:
            place["authUrl"] = f"{dli.url}/v3"
        engine.configure({f"dli:{name}": value for name, value in place.items()})
        engine.configure({f"dli:{name}": value for name, value in secret.items()}, secret=True)
        engine.configure({"secrets": json.dumps(INPUTS)}, secret=True)
        yield engine, dli


@ENGINES
@pytest.mark.parametrize("who", ["access key"])
def test_no_secret_leaves_in_the_life_of_a_stack(
    made: tuple[Engine, Emulator], data: Path, kind: str, who: str
) -> None:
    engine, dli = made
    watch = Subscription(engine, dli, data, {**INPUTS, "secret key": KEY})
    quoted = {name: " ".join([*(INPUTS[one] for one in own), *forms(KEY)]) for name, own in FAMILIES.items()}
    of_the_job = " ".join(INPUTS[one] for one in OF_THE_JOB)
    watch.does("preview")
    watch.does("up")
    assert INPUTS["config"] in dli.jobs()[0]["definition"]["runtime_config"]
    watch.finds_nothing_at_the_service({name: INPUTS[name] for name in CARRIERS} | {"secret key": KEY})

    dli.act("job.fail", job=dli.jobs()[0]["job_id"], description=f"cannot start with {of_the_job}")
    watch.does("refresh", "a failed job")
    watch.does("preview", "preview of its repair")
    watch.does("up", "its repair")

    engine.write(REFUSED)
    watch.does("preview", "a refused input", ok=False)
    engine.write(PROGRAM)

    dli.behave("submit_fail", description=f"no login with {of_the_job}", times=1)
    engine.configure({"version": "2"})
    watch.does("up", "an upgrade that fails", ok=None)
    dli.clear_faults()
    for operation, said in quoted.items():
        dli.fault(operation, 400, code="DLI.0001", message=f"refused: {said}", times=0)
    engine.configure({"version": "3"})
    watch.does("up", "a refused upgrade", ok=False)
    watch.does("refresh", "a refused refresh", ok=False)
    watch.runs("up", "debug", *(["--debug"] if kind == "cli" else []))
    dli.clear_faults()

    dli.set_speed(1)
    watch.runs("up", "^C", stopped=True)
    dli.set_speed(PACE)
    watch.does("up", "after a ^C", ok=None)
    watch.does("refresh", "the last refresh")
    watch.does("destroy")
    watch.finds_nothing()
    assert seen_in(on_disk(data), {"secret key": KEY}) == {}


@ENGINES
@pytest.mark.parametrize("who", CREDENTIALS)
def test_no_credential_leaves(made: tuple[Engine, Emulator], data: Path, kind: str, who: str) -> None:
    engine, dli = made
    secrets = CREDENTIALS[who][1]
    watch = Subscription(engine, dli, data, secrets)
    engine.write('q = dli.Queue("q", cu_count=16)\npulumi.export("id", q.id)')
    watch.does("preview")
    watch.does("up")
    echo = " ".join(form for secret in secrets.values() for form in forms(secret))
    for status in (400, 401, 403, 500):
        dli.fault("*", status, code="DLI.0001", message=f"not with {echo}", times=0)
        watch.does("refresh", f"a refresh that is answered with {status}", ok=False)
        dli.clear_faults()
    watch.does("destroy")
    watch.finds_nothing()
    watch.finds_nothing_at_the_service(secrets)
    assert seen_in(on_disk(data), secrets) == {}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_the_search_finds_what_it_looks_for(name: str) -> None:
    for secret in CREDENTIALS[name][1].values():
        for form in forms(secret):
            assert seen_in(f"before {form} after", {"it": secret})
