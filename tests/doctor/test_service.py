"""The service, IAM and OBS: each line in its outcomes, against the local DLI and against none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pulumi_dli.__main__ import main
from pulumi_dli.doctor.checks import Level
from pulumi_dli.doctor.service import clock_line
from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.testing import Emulator
from tests.doctor.conftest import PROJECT, SECRET, Doctor
from tests.engines import call, put_queue

V3 = ("elastic resource pools", "tags", "quotas")
POOL = {"elastic_resource_pool_name": "pool", "min_cu": 64, "max_cu": 64}


def put_pooled_queue(dli: Emulator, name: str = "pooled") -> None:
    call(dli, "POST", "/v3/{p}/elastic-resource-pools", POOL)
    dli.advance(180)
    body = {"queue_name": name, "queue_type": "general", "cu_count": 16, "elastic_resource_pool_name": "pool"}
    call(dli, "POST", "/v1.0/{p}/queues", {**body, "resource_mode": 1})


def put_job_and_package(dli: Emulator) -> None:
    dli.put_object("jars", "app.jar")
    path = "https://jars.obs.eu-de.otc.t-systems.com/app.jar"
    call(dli, "POST", "/v2.0/{p}/resources", {"paths": [path], "kind": "jar", "group": "apps"})
    call(dli, "POST", "/v1.0/{p}/streaming/flink-jobs", {"name": "job", "entrypoint": "apps/app.jar"})


# endpoint


def test_a_closed_port_fails_and_nothing_else_is_asked(run: Doctor) -> None:
    report = run("--endpoint", "http://127.0.0.1:9", "--project-id", PROJECT, "--bucket", "b")
    assert report.status == 1
    assert report.level("endpoint") == "fails"
    assert "check dli:endpoint" in report.step("endpoint")
    for check in ("credentials", "project", "api", "rights", "queues", "agency", "bucket use"):
        assert report.level(check, "not asked: see") == "unknown"
    assert report.level("bucket", "OBS cannot be reached") == "fails"


def test_a_local_dli_answers_without_tls_and_with_its_time(here: Doctor, dli: Emulator) -> None:
    report = here()
    assert [level for level, _ in report.of("endpoint")] == ["ok", "ok", "ok"]
    dli.advance(7200)
    assert here().level("endpoint", "120 minutes behind the service's") == "warning"


@pytest.fixture(params=["page", "object", "bare 404"])
def stranger(request: pytest.FixtureRequest) -> Iterator[str]:
    """A web server that is no DLI."""
    status, body = {"page": (200, b"<html>Log in</html>"), "object": (200, b'{"a": 1}'), "bare 404": (404, b"no")}[
        request.param
    ]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_is_no_dli_fails(run: Doctor, stranger: str) -> None:
    assert run("--endpoint", stranger, "--project-id", PROJECT).level("endpoint", "not as DLI does") == "fails"


def test_an_address_that_does_not_speak_tls_fails(run: Doctor, dli: Emulator) -> None:
    report = run("--endpoint", dli.url.replace("http://", "https://"), "--project-id", PROJECT)
    assert report.level("endpoint", "does not speak TLS") == "fails"


@pytest.mark.parametrize(
    ("setting", "level", "said"),
    [
        ("caBundle: {authority}", "ok", "certificate is trusted"),
        ("insecure: true", "warning", "certificate is not verified"),
        ("pollSeconds: 1", "fails", "certificate of 127.0.0.1"),
    ],
)
def test_a_certificate_is_trusted_unverified_or_refused(
    run: Doctor,
    tls_service: str,
    certificate: Path,
    folder: Path,
    setting: str,
    level: str,
    said: str,
) -> None:
    text = setting.format(authority=certificate / "ca.pem")
    (folder / "Pulumi.dev.yaml").write_text(f"config:\n  dli:{text}\n", encoding="utf-8")
    report = run("--endpoint", tls_service, "--project-id", PROJECT, "--stack-config", "Pulumi.dev.yaml")
    assert report.level("endpoint", said) == level


@pytest.mark.parametrize(
    ("skew", "signed", "local", "level"),
    [
        (0, True, False, Level.OK),
        (-59, True, False, Level.OK),
        (300, True, False, Level.WARNING),
        (901, True, False, Level.FAILS),
        (-901, True, False, Level.FAILS),
        (901, False, False, Level.WARNING),
        (901, True, True, Level.WARNING),
    ],
)
def test_a_clock_that_is_off_by_more_than_signatures_bear_fails(
    skew: float, signed: bool, local: bool, level: Level
) -> None:
    assert clock_line(skew, signed=signed, local=local).level is level


# credentials and project


@pytest.fixture(scope="module")
def strict() -> Iterator[Emulator]:
    keys = Credentials(
        access_key="local", secret_key=SECRET, project_id=PROJECT, user="me", password=SECRET, token="right"
    )
    with Emulator(speed=0, credentials=keys) as emulator:
        yield emulator


def test_the_right_key_is_good_for_its_project(run: Doctor, strict: Emulator) -> None:
    report = run("--endpoint", strict.url, "--project-id", PROJECT)
    assert report.level("credentials") == "ok"
    assert report.level("project", PROJECT) == "ok"


def test_a_wrong_key_fails(run: Doctor, strict: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_SECRET_KEY", "another")
    report = run("--endpoint", strict.url, "--project-id", PROJECT)
    assert report.status == 1
    assert report.level("endpoint", "answers") == "ok"
    assert report.level("credentials", "refused") == "fails"
    assert report.level("project") == "unknown"


@pytest.mark.parametrize(("token", "level"), [("right", "ok"), ("wrong", "fails")])
def test_a_token_is_taken_or_refused(
    run: Doctor, strict: Emulator, monkeypatch: pytest.MonkeyPatch, token: str, level: str
) -> None:
    monkeypatch.delenv("OS_ACCESS_KEY")
    monkeypatch.delenv("OS_SECRET_KEY")
    monkeypatch.setenv("OS_TOKEN", token)
    assert run("--endpoint", strict.url, "--project-id", PROJECT).level("credentials") == level


def test_another_project_fails(run: Doctor, strict: Emulator) -> None:
    report = run("--endpoint", strict.url, "--project-id", "0123456789abcdef")
    assert report.level("credentials") == "ok"
    assert report.level("project", "every call is refused in project 0123456789abcdef") == "fails"
    assert "dli:projectId" in report.step("project")


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("OS_ACCESS_KEY", "OS_SECRET_KEY"):
        monkeypatch.delenv(name)
    for name, value in {"USERNAME": "me", "PASSWORD": SECRET, "USER_DOMAIN_NAME": "local"}.items():
        monkeypatch.setenv(f"OS_{name}", value)


@pytest.mark.usefixtures("user")
def test_the_token_of_a_user_names_the_project(run: Doctor, strict: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_PROJECT_NAME", "eu-de")
    report = run("--endpoint", strict.url, "--region", "eu-de")
    assert report.level("credentials", "as a token of IAM") == "ok"
    assert report.level("project", f"{PROJECT}, which the token names") == "ok"


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("wrong", ["password", "address"])
def test_a_user_without_a_token_fails(
    run: Doctor, strict: Emulator, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    if wrong == "password":
        monkeypatch.setenv("OS_PASSWORD", "another")
    else:
        monkeypatch.setenv("OS_AUTH_URL", "http://127.0.0.1:9/v3")
    report = run("--endpoint", strict.url, "--project-id", PROJECT)
    assert report.level("endpoint", "answers") == "ok"
    assert report.level("credentials", "IAM") == "fails"


# what is published, and rights


def test_families_that_a_gateway_does_not_publish_are_told(here: Doctor, dli: Emulator) -> None:
    assert {level for level, _ in here().of("api")} == {"ok"}
    dli.quirk(v3_unpublished=True)
    report = here()
    assert [report.level("api", name) for name in V3] == ["warning"] * 3
    assert report.level("api", "queues: published") == "ok"
    assert report.of("rights", "list tags") == []
    dli.fault("jobs.list", "gateway_404", times=0)
    assert here().level("api", "Flink jobs: not published here") == "fails"


def test_a_family_that_does_not_answer_is_unknown(here: Doctor, dli: Emulator) -> None:
    dli.fault("quotas.get", 500, times=0)
    assert here().level("api", "quotas") == "unknown"


@pytest.mark.parametrize(
    ("operation", "line", "level", "action"),
    [
        ("jobs.list", "list Flink jobs", "fails", "dli:jobs:listAll"),
        ("jobs.get", "read a Flink job", "fails", "dli:jobs:get"),
        ("packages.list", "list packages", "warning", "dli:resource:listResource"),
        ("packages.get", "read a package", "fails", "dli:resource:getResource"),
        ("tags.list_type", "list tags", "warning", "dli::listTags"),
        ("queues.get", "read a queue", "fails", "access to the project"),
    ],
)
def test_a_missing_right_is_named(
    here: Doctor, dli: Emulator, operation: str, line: str, level: str, action: str
) -> None:
    put_job_and_package(dli)
    assert here().level("rights", line) == "ok"
    dli.fault(operation, 403, times=0)
    report = here()
    assert report.level("rights", line) == level
    assert action in report.step("rights", line)
    assert report.level("project", "good for") == "ok"


def test_what_no_read_tells_is_unknown(here: Doctor) -> None:
    report = here()
    assert report.level("rights", "read a Flink job: there is none") == "unknown"
    assert report.level("rights", "change Flink jobs") == "unknown"
    assert "dli:jobs:create" in report.step("rights", "change Flink jobs")


# queues and agency


def test_a_queue_outside_of_a_pool_is_a_warning_and_one_inside_is_fine(here: Doctor, dli: Emulator) -> None:
    assert here().level("queues", "no queue for general use") == "warning"
    put_queue(dli)
    put_pooled_queue(dli)
    report = here()
    assert report.of("queues", "no queue for") == []
    assert report.level("queues", "shared: general, 64 CUs, in no pool, Flink 1.10, 1.12, 1.15, 1.17") == "warning"
    assert report.level("queues", "pooled: general, 16 CUs, in the pool pool, Flink") == "ok"
    assert report.level("queues", "default: sql") == "ok"


def test_the_named_queue_is_looked_for(here: Doctor, dli: Emulator) -> None:
    put_queue(dli)
    assert [text.split(":")[0] for _, text in here("--queue", "SHARED").of("queues")] == ["shared"]
    report = here("--queue", "other")
    assert (report.status, report.level("queues", "no queue other")) == (1, "fails")


def test_an_agency_needs_a_queue_in_a_pool_and_a_name_of_its_own(here: Doctor, dli: Emulator) -> None:
    assert here().level("agency", "none was named") == "unknown"
    assert here("--agency", "mine").level("agency", "no job can name mine") == "warning"
    assert here("--agency", "dli_admin_agency").level("agency", "cannot name") == "fails"
    put_pooled_queue(dli)
    assert here("--agency", "mine").level("agency", "mine: no read tells") == "unknown"


# bucket


def test_a_bucket_is_there_or_not(here: Doctor, dli: Emulator) -> None:
    assert here().level("bucket", "none was named") == "unknown"
    assert here("--bucket", "state").level("bucket", "no bucket state") == "fails"
    dli.put_object("state", "x")
    report = here("--bucket", "state")
    assert report.level("bucket", "may list it") == "ok"
    assert report.level("bucket use", "no read tells") == "unknown"
    assert "obs.authorize" not in dli.counts()


def test_a_bucket_of_somebody_else_fails(run: Doctor, strict: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    strict.put_object("state", "x")
    monkeypatch.setenv("OS_ACCESS_KEY", "another")
    report = run("--endpoint", strict.url, "--project-id", PROJECT, "--bucket", "state")
    assert report.level("bucket", "state: ") == "fails"


@pytest.mark.usefixtures("user")
def test_without_an_access_key_a_bucket_cannot_be_looked_at(run: Doctor, strict: Emulator) -> None:
    report = run("--endpoint", strict.url, "--project-id", PROJECT, "--bucket", "state")
    assert report.level("bucket", "needs an access key") == "unknown"


def test_a_bucket_is_authorised_only_when_asked(here: Doctor, dli: Emulator) -> None:
    dli.put_object("state", "x")
    for _ in range(2):  # one that is authorised already is fine
        assert here("--bucket", "state", "--authorize").level("bucket use", "may use state") == "ok"
    dli.fault("obs.authorize", 403, times=0)
    assert here("--bucket", "state", "--authorize").level("bucket use", "may not use") == "fails"


def test_authorising_needs_a_bucket(here: Doctor) -> None:
    report = here("--authorize")
    assert (report.status, report.errors) == (1, "pulumi-dli: error: --authorize needs --bucket\n")


# the whole


def test_it_only_reads(here: Doctor, dli: Emulator) -> None:
    put_job_and_package(dli)
    before = len(dli.requests())
    here("--agency", "mine", "--bucket", "jars")
    assert {entry["method"] for entry in dli.requests()[before:]} == {"GET"}


def test_a_good_project_ends_with_0_and_is_readable(
    dli: Emulator, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_pooled_queue(dli)
    dli.put_object("state", "x")
    words = ["doctor", "--endpoint", dli.url, "--project-id", PROJECT, "--queue", "pooled", "--bucket", "state"]
    assert main(words) == 0
    out, errors = capsys.readouterr()
    assert errors == ""
    assert "\nqueues\n  ok       pooled: general" in out
    assert "0 fails" in out.splitlines()[-1]
    assert SECRET not in out


def test_a_service_that_throttles_ends_in_unknown(here: Doctor, dli: Emulator) -> None:
    dli.fault("packages.list", 429, retry_after=1, times=0)
    assert here().level("api", "packages") == "unknown"
