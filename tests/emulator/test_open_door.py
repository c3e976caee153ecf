"""The local DLI is no open door: browsers, strange bodies, half-open connections, other people's keys."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
from typing import Any

import pytest
import requests

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.testing import Control, Emulator
from tests.emulator.conftest import Caller

JSON = {"Content-Type": "application/json"}
PATHS = ["/", "/__dli/health", "/v3", "/obs", "/v1.0/p/queues", "/nonsense"]


def address_of(emulator: Control) -> tuple[str, int]:
    return "127.0.0.1", int(emulator.url.rsplit(":", 1)[1])


def raw(emulator: Control, request: bytes) -> bytes:
    """What comes back for these bytes, up to the end of the connection."""
    with socket.create_connection(address_of(emulator), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


# browsers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "foreign",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "dli.localhost.evil.example:80"},
        {"Host": "10.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_foreign_page_reaches_nothing(call: Caller, path: str, foreign: dict[str, str]) -> None:
    answer = requests.get(call.emulator.url + path, headers={"X-Auth-Token": "any", **foreign}, timeout=10)
    assert answer.status_code == 403
    assert answer.json()["error_code"] == "LOCAL.0403"
    assert call.emulator.requests() == []


def test_a_request_without_a_host_or_with_two_is_refused(emulator: Emulator) -> None:
    assert b" 403 " in raw(emulator, b"GET /__dli/health HTTP/1.0\r\n\r\n").split(b"\r\n")[0]
    two = b"GET /__dli/health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n"
    assert b" 200 " not in raw(emulator, two)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_loopback_by_any_of_its_names_and_its_own_page_are_let_in(emulator: Emulator, name: str) -> None:
    host = f"{name}:{address_of(emulator)[1]}"
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert requests.get(f"{emulator.url}/__dli/health", headers=own, timeout=10).status_code == 200
    typed = {"Sec-Fetch-Site": "none", "Accept": "text/html"}
    assert "Local DLI" in requests.get(emulator.url, headers=typed, timeout=10).text


# control calls


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "reset"), ("POST", "clock"), ("PUT", "quirks"), ("DELETE", "faults")]
)
def test_control_calls_that_change_something_take_json_only(call: Caller, method: str, path: str, kind: str) -> None:
    call.queue()
    answer = requests.request(method, f"{call.emulator.url}/__dli/{path}", headers={"Content-Type": kind}, timeout=10)
    assert answer.status_code == 415
    assert call("GET", "/v1.0/{p}/queues/q").ok, "nothing was reset"


KEYS = Credentials(access_key="AK", secret_key="SK", user="u", password="pw", token="tok")


@pytest.mark.parametrize("path", ["health", "requests", "timeline", "jobs", "faults", "quirks", "clock"])
def test_with_keys_control_calls_need_them(path: str) -> None:
    with Emulator(credentials=KEYS) as emulator:
        url = f"{emulator.url}/__dli/{path}"
        wrong: list[Any] = [{}, {"auth": ("AK", "no")}, {"auth": ("u", "SK")}, {"headers": {"X-Auth-Token": "no"}}]
        assert [requests.get(url, timeout=10, **given).status_code for given in wrong] == [401] * 4
        right: list[Any] = [{"auth": ("AK", "SK")}, {"auth": ("u", "pw")}, {"headers": {"X-Auth-Token": "tok"}}]
        assert [requests.get(url, timeout=10, **given).status_code for given in right] == [200] * 3
        assert requests.post(f"{emulator.url}/__dli/reset", headers=JSON, timeout=10).status_code == 401


def test_with_keys_objects_can_be_had_with_the_pair_itself() -> None:
    with Emulator(credentials=KEYS) as emulator:
        emulator.put_object("jars", "a", b"x")
        url = f"{emulator.objects_url}/jars/a"
        assert requests.get(url, auth=("AK", "SK"), timeout=10).content == b"x"
        assert requests.get(url, auth=("AK", "no"), timeout=10).status_code == 403
        assert requests.put(url, data=b"y", timeout=10).status_code == 403
        assert requests.get(url, auth=("AK", "SK"), timeout=10).content == b"x"


CLOCK = [
    '{"advance": 1e400}',
    '{"advance": Infinity}',
    '{"advance": NaN}',
    '{"advance": 1e300}',
    '{"advance": -1}',
    '{"advance": "9"}',
    '{"advance": true}',
    '{"speed": 1e400}',
    '{"speed": -1}',
    '{"pace": 1e18}',
    '{"speed": []}',
]
FAULTS = [
    '{"effect": 200}',
    '{"effect": 99999}',
    '{"effect": true}',
    '{"effect": "delay", "delay": 1e400}',
    '{"effect": "delay", "delay": 1e9}',
    '{"effect": 500, "times": -1}',
    '{"effect": 500, "match": {"path": 5}}',
    '{"effect": 500, "match": {"body": "x"}}',
    '{"effect": 429, "retry_after": -5}',
    '{"effect": "finish", "after": 1e300}',
]
QUIRKS = [
    '{"timings": {"submit": 1e400}}',
    '{"timings": {"submit": -5}}',
    '{"timings": {"submit": "x"}}',
    '{"timings": 5}',
    '{"quotas": {"QUEUE": "many"}}',
    '{"quotas": {"QUEUE": -1}}',
    '{"omit_total": "no"}',
]
ACTS = [
    '{"action": ["job.fail"]}',
    '{"action": "queue.scale", "queue": "q", "cu_count": 1e400}',
    '{"action": "queue.scale", "queue": "q", "cu_count": -16}',
    '{"action": "queue.scale", "queue": 5, "cu_count": 16}',
    '{"action": "queue.scale", "queue": "q"}',
    '{"action": "job.edit", "job": "j", "fields": {"cu_number": "x"}}',
    '{"action": "job.edit", "job": "j", "fields": {"no_such": 1}}',
    '{"action": "job.edit", "job": "j", "fields": []}',
    '{"action": "job.status", "job": "j", "status": "job_lost"}',
    '{"action": "job.fail", "job": "j", "extra": 1}',
    '{"action": "job.stop", "job": "j", "savepoint": "yes"}',
    '{"action": "job.fail", "job": "j", "description": 5}',
]
ANY = ["[]", "5", '"x"', "null", "{", "[" * 100_000, '{"a": "\\ud800"}', '{"advance": ' + "9" * 5000 + "}"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *(("POST", "clock", body) for body in (*CLOCK, *ANY)),
        *(("POST", "faults", body) for body in (*FAULTS, *ANY)),
        *(("PUT", "quirks", body) for body in (*QUIRKS, *ANY)),
        *(("POST", "act", body) for body in (*ACTS, *ANY)),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_wrong_control_value_is_one_sentence_and_changes_nothing(
    call: Caller, method: str, path: str, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    call.job("j")
    emulator = call.emulator
    before = (emulator.now(), emulator.quirk(), emulator.faults(), emulator.jobs())
    answer = requests.request(method, f"{emulator.url}/__dli/{path}", data=body, headers=JSON, timeout=10)
    assert answer.status_code == 400, answer.text
    assert "\n" not in answer.json()["error"]
    assert (emulator.now(), emulator.quirk(), emulator.faults(), emulator.jobs()) == before
    assert call("GET", "/v1.0/{p}/queues").ok
    no_traceback(caplog)


@pytest.mark.parametrize("query", ["requests?since=x", "requests?since=-1", "timeline?since=1e9", "timeline?since=²"])
def test_a_wrong_number_in_a_control_query_is_one_sentence(emulator: Emulator, query: str) -> None:
    answer = requests.get(f"{emulator.url}/__dli/{query}", timeout=10)
    assert answer.status_code == 400
    assert "whole number" in answer.json()["error"]


def test_the_clock_stops_at_the_end_of_its_time_and_everything_still_answers(call: Caller) -> None:
    call.running()
    for _ in range(3):
        call.emulator.advance(8e10)
    with pytest.raises(ValueError, match="beyond"):
        call.emulator.advance(8e10)
    call.emulator.set_speed(1e9)
    assert call.status(138) == "job_running"
    assert "Local DLI" in requests.get(call.emulator.url, headers={"Accept": "text/html"}, timeout=10).text


# bodies of calls

DEEP = "[" * 100_000
BODIES = [
    DEEP,
    '{"queue_name": ' + DEEP,
    '{"queue_name": "\\ud800", "cu_count": 16}',
    '{"cu_count": 1e400}',
    "{",
    "\x00",
]
BODIES += ['{"queue_name": "q", "cu_count": ' + "9" * 5000 + "}", '{"queue_name": "q", "cu_count": NaN}']


@pytest.mark.parametrize(
    "path",
    ["/v1.0/{p}/queues", "/v2.0/{p}/resources", "/v1.0/{p}/streaming/flink-jobs", "/v1.0/{p}/streaming/jobs/run"],
)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body[:20])
def test_deep_json_lone_surrogates_and_endless_numbers_are_400s(
    call: Caller, path: str, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = call("POST", path, data=body.encode())
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")
    no_traceback(caplog)


def test_a_surrogate_that_came_as_bytes_is_a_400_too(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    answer = call("POST", "/v1.0/{p}/queues", data=b'{"queue_name": "\xed\xa0\x80", "cu_count": 16}')
    assert answer.status_code == 400
    no_traceback(caplog)


TOKENS = [
    "[]",
    "5",
    DEEP,
    '{"auth": 5}',
    '{"auth": {"identity": []}}',
    '{"auth": {"identity": {"methods": 5}}}',
    '{"auth": {"identity": {"methods": ["password"], "password": []}}}',
    '{"auth": {"identity": {}, "scope": 5}}',
    '{"auth": {"identity": {"methods": ["password"], "password": {"user": "x"}}, "scope": {"project": 5}}}',
]


@pytest.mark.parametrize("body", TOKENS, ids=lambda body: body[:60])
def test_a_strange_request_for_a_token_is_iams_400(
    emulator: Emulator, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = requests.post(f"{emulator.url}/v3/auth/tokens", data=body, headers=JSON, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)
    no_traceback(caplog)


FILTERS = [[5], ["x"], [{"key": 5}], [{"key": []}], [{"key": "k", "values": 5}], [{"key": "k", "values": [[]]}], 5]


@pytest.mark.parametrize("tags", FILTERS, ids=str)
def test_a_strange_filter_of_tags_is_a_400(call: Caller, tags: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert call("POST", "/v3/{p}/dli_queue/resource-instances/filter", {"tags": tags}).status_code == 400
    no_traceback(caplog)


def test_a_body_without_end_is_not_read_to_it(call: Caller) -> None:
    pieces = (b" " * 1024 * 1024 for _ in range(64))
    with contextlib.suppress(requests.ConnectionError):  # it was answered and closed while we still sent
        assert call("POST", "/v1.0/{p}/queues", data=pieces).status_code == 413
    assert call("GET", "/v1.0/{p}/queues").ok


# objects


def test_objects_are_attachments_that_no_browser_runs(emulator: Emulator) -> None:
    emulator.put_object("code", "other")
    url = f"{emulator.objects_url}/code/page.html"
    page = b"<script>fetch('/__dli/reset', {method: 'POST'})</script>"
    requests.put(url, data=page, headers={"Content-Type": "text/html"}, timeout=10)
    for found in (requests.get(url, timeout=10), requests.get(f"{emulator.objects_url}/<script>", timeout=10)):
        assert found.headers["Content-Disposition"] == "attachment"
        assert "default-src 'none'" in found.headers["Content-Security-Policy"]
        assert "sandbox" in found.headers["Content-Security-Policy"]
        assert found.headers["X-Content-Type-Options"] == "nosniff"


STRANGE = [
    ("GET", "code?max-keys=x", b""),
    ("GET", "code?max-keys=" + "9" * 5000, b""),
    ("PUT", "code/a?uploadId=x&partNumber=1", b"x"),
    ("POST", "code?delete", b"<Delete><Object><Key>a&b;</Key></Object></Delete>"),
]


@pytest.mark.parametrize(("method", "path", "body"), STRANGE, ids=str)
def test_a_strange_request_for_objects_is_refused(
    emulator: Emulator, method: str, path: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.put_object("code", "a")
    answer = requests.request(method, f"{emulator.objects_url}/{path}", data=body, timeout=10)
    assert answer.status_code in (400, 404)
    assert "<Error>" in answer.text
    no_traceback(caplog)


def test_a_part_of_an_upload_needs_a_number(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    emulator.put_object("code", "a")
    started = requests.post(f"{emulator.objects_url}/code/b?uploads", timeout=10).text
    upload_id = started.partition("<UploadId>")[2].partition("<")[0]
    for number in ("", "&partNumber=x", "&partNumber=0", "&partNumber=10001"):
        url = f"{emulator.objects_url}/code/b?uploadId={upload_id}{number}"
        assert requests.put(url, data=b"x", timeout=10).status_code == 400
    no_traceback(caplog)


def test_an_upload_that_says_that_it_is_endless_is_refused_before_it_is_read(emulator: Emulator) -> None:
    emulator.put_object("code", "a")
    head = b"PUT /obs/code/b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999\r\n\r\nx"
    with socket.create_connection(address_of(emulator), timeout=20) as connection:
        connection.sendall(head)
        assert b" 413 " in connection.recv(65536).split(b"\r\n")[0]


# connections


def test_a_client_that_goes_away_in_an_upload_leaves_no_traceback_and_no_object(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.put_object("code", "a")
    for path in (b"/obs/code/b", b"/v1.0/p/queues", b"/__dli/reset"):
        head = b"PUT " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"
        assert raw(emulator, head + b"x" * 5000) == b""
    assert requests.get(f"{emulator.objects_url}/code/b", timeout=10).status_code == 404
    folder = emulator.service.directory
    assert list(folder.rglob("*.part")) == []
    no_traceback(caplog)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /__dli/health HT",
        b"PUT /obs/code/b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nx",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_half_open_connection_is_dropped(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with (
        Emulator(patience_seconds=0.2) as emulator,
        socket.create_connection(address_of(emulator), timeout=20) as connection,
    ):
        connection.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(65536) == b""
        assert emulator.health()["status"] == "ok"
    no_traceback(caplog)


def test_a_head_that_comes_byte_by_byte_does_not_hold_a_connection_for_ever() -> None:
    with (
        Emulator(patience_seconds=0.3) as emulator,
        socket.create_connection(address_of(emulator), timeout=0.05) as connection,
    ):
        dropped = False
        for byte in b"GET /" + b"x" * 300:
            try:
                connection.sendall(bytes([byte]))
                dropped = connection.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                dropped = True
            if dropped:
                break
        assert dropped


def test_a_slow_answer_is_not_a_half_open_connection(emulator: Emulator) -> None:
    with Emulator(patience_seconds=0.2, latency_ms=600) as slow:
        answer = requests.get(f"{slow.url}/v1.0/p/queues", headers={"X-Auth-Token": "t"}, timeout=10)
        assert answer.status_code == 200
        assert json.loads(answer.text)["queues"]
