"""The page at `/`: what it tells, what it never tells, that names do no harm; in a real browser where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.utils import quote

from pulumi_dli.emulator.console.timeline import rows_of
from pulumi_dli.emulator.core.timeline import Event, EventType
from pulumi_dli.emulator.testing import Emulator

PROJECT = "48cc2c48765f481480c7db940d6409d1"
HEADERS = {"X-Auth-Token": "any"}
HOSTILE = '<script>document.title="taken"</script><img src=x onerror=alert(1)>\'"&{{ 7*7 }}'
CHROMIUM = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)


class Page(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def call(emulator: Emulator, method: str, path: str, body: Any = None) -> Any:
    answer = requests.request(method, f"{emulator.url}/{path}", json=body, headers=HEADERS, timeout=30)
    return answer.json()


def stream(emulator: Emulator, name: str = "orders", **fields: Any) -> int:
    """A queue, a package and a job that runs."""
    queue = {"queue_name": "streams", "cu_count": 16, "queue_type": "general", "resource_mode": 1}
    call(emulator, "POST", f"v1.0/{PROJECT}/queues", queue)
    path = emulator.put_object("code", "app.jar", b"x")
    call(emulator, "POST", f"v2.0/{PROJECT}/resources", {"paths": [path], "kind": "jar", "group": "apps"})
    emulator.advance(600)
    body = {"name": name, "queue_name": "streams", "entrypoint": "apps/app.jar", "obs_bucket": "state", **fields}
    job = call(emulator, "POST", f"v1.0/{PROJECT}/streaming/flink-jobs", body)
    job_id = int(job["job"]["job_id"])
    run(emulator, job_id)
    return job_id


def run(emulator: Emulator, job_id: int, *, resume: bool = False) -> None:
    body = {"job_ids": [job_id], "resume_savepoint": resume}
    call(emulator, "POST", f"v1.0/{PROJECT}/streaming/jobs/run", body)
    emulator.advance(1000)
    call(emulator, "GET", f"v1.0/{PROJECT}/streaming/jobs")


def stop(emulator: Emulator, job_id: int) -> None:
    body = {"job_ids": [job_id], "trigger_savepoint": True}
    call(emulator, "POST", f"v1.0/{PROJECT}/streaming/jobs/stop", body)
    emulator.advance(1000)
    call(emulator, "GET", f"v1.0/{PROJECT}/streaming/jobs")


def console(emulator: Emulator) -> requests.Response:
    return requests.get(f"{emulator.url}/", headers={"Accept": "text/html"}, timeout=30)


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    _emulator.reset()
    return _emulator


@pytest.fixture(scope="module")
def _emulator():  # type: ignore[no-untyped-def]
    with Emulator(speed=0) as emulator:
        yield emulator


def test_an_empty_service_says_so(emulator: Emulator) -> None:
    text = Page(console(emulator).text).text
    assert "No job yet." in text
    assert "Nothing has happened." in text


def test_it_shows_queues_packages_jobs_requests_and_faults(emulator: Emulator) -> None:
    job_id = stream(emulator, cu_number=4)
    emulator.fault("jobs.get", 503)
    call(emulator, "GET", f"v1.0/{PROJECT}/streaming/jobs/{job_id}")
    text = Page(console(emulator).text).text
    assert f"orders {job_id} apps/app.jar running" in text
    assert "streams general 4 of 16 used" in text
    assert "apps/ app.jar jar ready" in text
    assert f"GET jobs.get {job_id} 503" in text
    assert "1 of 1 jobs running" in text


def test_the_timeline_names_upgrade_failure_and_rollback(emulator: Emulator) -> None:
    job_id = stream(emulator)
    stop(emulator, job_id)
    path = emulator.jobs()[0]["savepoint_path"]
    job = f"v1.0/{PROJECT}/streaming/flink-jobs/{job_id}"
    call(emulator, "PUT", job, {"entrypoint": "obs://code/app.jar"})
    run(emulator, job_id, resume=True)
    emulator.act("job.fail", job=job_id, description="broken on purpose")
    call(emulator, "PUT", job, {"entrypoint": "apps/app.jar"})
    body = {"job_id": job_id, "savepoint_path": path}
    call(emulator, "POST", f"v1.0/{PROJECT}/streaming/jobs/{job_id}/import-savepoint", body)
    run(emulator, job_id, resume=True)
    found = Page(console(emulator).text).text.partition("Timeline")[2]
    kinds = re.findall(r"\d\d:\d\d:\d\d (\w+) orders", found)
    shown = [kind for kind in kinds if kind in ("create", "run", "savepoint", "upgrade", "failure", "rollback")]
    assert shown == ["rollback", "savepoint", "failure", "upgrade", "savepoint", "run", "create"]


def test_a_run_after_a_failure_without_a_change_is_no_rollback() -> None:
    failed = {"before": "job_running", "after": "job_running_exception", "description": "x"}
    facts = [
        (EventType.RUN, {"savepoint_path": "s"}),
        (EventType.STATUS, failed),
        (EventType.RUN, {"savepoint_path": "s"}),
    ]
    events = [Event(seq, 0.0, "job", "1", "any text", kind, fact) for seq, (kind, fact) in enumerate(facts)]
    assert [row.kind for row in rows_of(events, {"1": "orders"}, most=9)] == ["run", "failure", "run"]


def test_a_killed_service_says_so_and_one_that_ended_does_too(tmp_path: Path) -> None:
    data = tmp_path / "dli.sqlite"
    with Emulator(speed=0, data=data) as emulator:
        stream(emulator)
    with Emulator(speed=0, data=data) as emulator:
        assert [event["text"] for event in emulator.timeline(subject="local DLI")] == ["started again"]
        emulator.service.store.commit()
        shutil.copy(data, tmp_path / "killed.sqlite")
        for more in data.parent.glob("dli.sqlite-*"):
            shutil.copy(more, tmp_path / more.name.replace("dli", "killed"))
    with Emulator(speed=0, data=tmp_path / "killed.sqlite") as emulator:
        assert "kill local DLI killed, and started again" in Page(console(emulator).text).text


def test_hostile_names_stay_text(emulator: Emulator) -> None:
    job_id = stream(emulator)
    emulator.act("job.edit", job=job_id, fields={"name": HOSTILE, "entrypoint": HOSTILE})
    emulator.act("job.fail", job=job_id, description=HOSTILE)
    emulator.service.record("queue", HOSTILE, EventType.NOTE, HOSTILE)
    emulator.fault("jobs.get", 500, match={"name": HOSTILE})
    call(emulator, "GET", f"v1.0/{PROJECT}/queues/{quote(HOSTILE, safe='')}")
    page = Page(console(emulator).text)
    assert not {"script", "img", "iframe", "form", "input"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count(" ".join(HOSTILE.split())) >= 6, "it is shown as it is, and no template of ours"


def test_only_links_to_this_machine_are_links(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    stream(emulator)
    for url, shown in (
        ("http://127.0.0.1:8081/#/job/running/1/overview", True),
        ("javascript:alert(1)", False),
        ("http://example.org/", False),
    ):
        monkeypatch.setattr(
            emulator.service.runtime, "web_url", lambda *_, url=url: url, raising=False
        )  # what a real Flink would say
        assert (url in Page(console(emulator).text).links) is shown


def test_no_secret_is_on_it(emulator: Emulator) -> None:
    fields = {
        "entrypoint_args": "--password hunter2",
        "runtime_config": '{"s3.secret-key": "hunter2"}',
        "tags": [{"key": "note", "value": "hunter2"}],
    }
    job_id = stream(emulator, **fields)
    call(emulator, "PUT", f"v1.0/{PROJECT}/streaming/flink-jobs/{job_id}", {"entrypoint_args": "--password hunter2"})
    requests.get(f"{emulator.url}/v3/projects?token=hunter2", headers={"X-Auth-Token": "hunter2"}, timeout=30)
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "u", "password": "hunter2"}}}}}
    call(emulator, "POST", "v3/auth/tokens", body)
    answer = console(emulator)
    assert "orders" in answer.text
    assert "hunter2" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_clients_still_get_the_list_of_versions_at_the_same_address(emulator: Emulator) -> None:
    answer = requests.get(f"{emulator.url}/", timeout=30)
    assert answer.status_code == 300
    assert answer.json()["versions"]


@pytest.fixture
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on PATH (Debian: chromium)")
    return found


@pytest.mark.browser
@pytest.mark.slow
def test_a_browser_shows_it_and_runs_nothing_of_it(emulator: Emulator, chromium: str, tmp_path: Path) -> None:
    job_id = stream(emulator)
    emulator.act("job.edit", job=job_id, fields={"name": "<script>document.title='taken'</script>orders"})
    picture = tmp_path / "console.png"

    def browse(*options: str) -> str:
        profile = tmp_path / f"profile-{len(list(tmp_path.iterdir()))}"
        command = [chromium, *CHROMIUM, f"--user-data-dir={profile}", "--window-size=1320,1000", *options]
        done = subprocess.run([*command, f"{emulator.url}/"], capture_output=True, text=True, timeout=90, check=True)
        return done.stdout

    document = browse("--dump-dom")
    assert "<title>Local DLI</title>" in document
    assert "orders</span>" in document
    assert "<script" not in document
    browse(f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000, "more than an empty page"
