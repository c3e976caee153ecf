"""Every shape of an error (dli-api 3), and which class it becomes."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import threading

import pytest
from requests.exceptions import SSLError

from pulumi_dli.api.client import DliClient
from pulumi_dli.api.not_found import Subject, is_gone, is_unsupported
from pulumi_dli.api.responses import is_queue_assigning, read_error
from pulumi_dli.api.retry import RetryPolicy
from pulumi_dli.api.transport import failure
from pulumi_dli.connection import AccessKey, Token
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConfigError,
    ConflictError,
    DliError,
    NotFoundError,
    ThrottledError,
    UnexpectedAnswerError,
    UnknownOutcomeError,
    UnreadableOutcomeError,
    UnsentRequestError,
)


def dli(code, text="no"):
    return {"error_code": code, "error_msg": text}


CREATE_QUEUE = lambda c: c.queues.create({"queue_name": "q"})  # noqa: E731 -- rows of the table below
GET_QUEUE = lambda c: c.queues.get("q")  # noqa: E731
DELETE_QUEUE = lambda c: c.queues.delete("q")  # noqa: E731
SCALE = lambda c: c.queues.scale("q", "scale_in", 16)  # noqa: E731
GET_PACKAGE = lambda c: c.package_groups.get_package("p", "g")  # noqa: E731
CREATE_JOB = lambda c: c.flink_jobs.create_jar({"name": "j"})  # noqa: E731
GET_JOB = lambda c: c.flink_jobs.get(1)  # noqa: E731
RUN = lambda c: c.flink_jobs.run([1], False)  # noqa: E731
TAGS = lambda c: c.tags.list("dli_queue", "q")  # noqa: E731
SET_TAGS = lambda c: c.tags.create("dli_queue", "q", {"a": "b"})  # noqa: E731
LIST_QUEUES = lambda c: c.queues.list()  # noqa: E731
LIST_PACKAGES = lambda c: c.package_groups.list()  # noqa: E731
DELETE_JOBS = lambda c: c.flink_jobs.delete_many([1])  # noqa: E731

TABLE = [
    # gone (3.5)
    (GET_QUEUE, 400, dli("DLI.0002"), NotFoundError),
    (GET_QUEUE, 400, dli("DLI.0008", "There is no queue named q"), NotFoundError),
    (GET_QUEUE, 400, dli("DLI.0008", "metadata broken"), ApiError),
    (GET_QUEUE, 404, dli("DLI.0023"), NotFoundError),
    (GET_QUEUE, 404, dli("APIG.0101", "The API does not exist"), ApiError),
    (GET_QUEUE, 404, b"", ApiError),
    (SCALE, 400, dli("DLI.0008", "There is no queue named q"), NotFoundError),
    (GET_PACKAGE, 404, b"", NotFoundError),
    (GET_PACKAGE, 404, dli("DLI.0023"), NotFoundError),
    (GET_PACKAGE, 400, dli("DLI.0002"), NotFoundError),
    (GET_PACKAGE, 404, dli("APIGW.0101"), ApiError),
    (GET_PACKAGE, 404, b"<html>proxy</html>", ApiError),
    (GET_JOB, 400, dli("DLI.16001"), NotFoundError),
    (GET_JOB, 404, b"", ApiError),
    (lambda c: c.flink_jobs.delete(1), 400, dli("DLI.17001"), NotFoundError),
    (LIST_QUEUES, 400, dli("DLI.0002"), ApiError),
    (lambda c: c.package_groups.set_owner("x", "g"), 404, dli("DLI.0002", "No such user."), ApiError),
    (TAGS, 404, dli("APIG.0101"), ApiError),
    (TAGS, 404, dli("DLI.0023"), NotFoundError),
    (TAGS, 400, b"Bad resource type", ApiError),
    # duplicates and statuses
    (CREATE_QUEUE, 400, dli("DLI.0006", "taken"), ConflictError),
    (CREATE_QUEUE, 200, {"is_success": False, "message": "The queue q already exists"}, ConflictError),
    (CREATE_QUEUE, 400, dli("DLI.0002", "The pool does not exist"), ApiError),
    (CREATE_QUEUE, 400, dli("DLI.1028"), ApiError),
    (CREATE_JOB, 400, dli("DLI.11004"), ConflictError),
    (CREATE_JOB, 400, dli("DLI.99999", "Job name existed."), ConflictError),
    (CREATE_JOB, 400, dli("DLI.11032", "The SMN topic does not exist"), ApiError),
    (CREATE_JOB, 400, dli("DLI.99999", "bucket doesn't exist"), ApiError),
    (GET_QUEUE, 400, dli("DLI.0001", "already exists"), ApiError),
    (DELETE_QUEUE, 400, dli("DLI.0007", "jobs are running"), ConflictError),
    (SCALE, 400, dli("DLI.0999", "Status of queue q is assigning, which is not available"), ConflictError),
    (lambda c: c.flink_jobs.savepoint(1, "b/"), 400, dli("DLI.15002"), ConflictError),
    # credentials
    (LIST_QUEUES, 401, dli("APIG.0301"), AuthError),
    (LIST_QUEUES, 403, {"encoded_authorization_message": "abc"}, AuthError),
    (LIST_QUEUES, 400, dli("DLI.0015"), AuthError),
    (CREATE_QUEUE, 400, dli("DLI.0003"), AuthError),
    # outcome unknown, and clearly refused
    (CREATE_QUEUE, 408, dli("DLI.0019"), UnknownOutcomeError),
    (CREATE_QUEUE, 400, dli("DLI.0019"), UnknownOutcomeError),
    (CREATE_QUEUE, 502, b"<html>bad gateway</html>", UnknownOutcomeError),
    (RUN, 500, dli("DLI.10001"), UnknownOutcomeError),
    (RUN, 500, [dli("DLI.13007")], ApiError),
    (CREATE_QUEUE, 500, dli("DLI.0999"), UnknownOutcomeError),
    (CREATE_QUEUE, 500, dli("DLI.0001"), ApiError),
    (DELETE_QUEUE, 500, b"", UnknownOutcomeError),
    (SET_TAGS, 500, b"oops", UnknownOutcomeError),
    (LIST_QUEUES, 500, b"", ApiError),
    (LIST_QUEUES, 503, dli("APIG.0201"), ApiError),
    # answers that cannot be what they should: no fact
    (LIST_QUEUES, 200, b"<html>log in to the hotel</html>", UnexpectedAnswerError),
    (LIST_QUEUES, 200, {"queues": [{"cu_count": 16}]}, UnexpectedAnswerError),
    (LIST_QUEUES, 200, {"queues": {"q": 1}}, UnexpectedAnswerError),
    (LIST_QUEUES, 200, {}, UnexpectedAnswerError),
    (LIST_QUEUES, 200, b"[" * 100_000, UnexpectedAnswerError),
    (GET_QUEUE, 200, {"queueName": "other"}, UnexpectedAnswerError),
    (LIST_PACKAGES, 200, {}, UnexpectedAnswerError),
    (LIST_PACKAGES, 200, {"status": "ok"}, UnexpectedAnswerError),
    (LIST_PACKAGES, 200, dli("DLI.0999"), ApiError),
    (GET_PACKAGE, 200, {"status": "READY"}, UnexpectedAnswerError),
    (GET_JOB, 200, {"is_success": "true"}, UnexpectedAnswerError),
    (GET_JOB, 200, {"job_detail": {"status": "job_running", "job_id": 2}}, UnexpectedAnswerError),
    (GET_JOB, 200, {"job_detail": {"job_id": 1}}, UnexpectedAnswerError),
    (GET_JOB, 200, {"is_success": "FALSE", "message": "broken"}, ApiError),
    (TAGS, 200, {}, UnexpectedAnswerError),
    (DELETE_QUEUE, 200, b"<html>bye</html>", UnreadableOutcomeError),
    (DELETE_QUEUE, 200, {}, UnreadableOutcomeError),
    (DELETE_QUEUE, 200, b"", UnreadableOutcomeError),
    (SET_TAGS, 200, b"<html>", UnreadableOutcomeError),
    (CREATE_JOB, 200, {"is_success": True}, UnreadableOutcomeError),
    (CREATE_JOB, 200, {"job": {"job_id": 0}}, UnreadableOutcomeError),
    (CREATE_JOB, 200, {"job": {"job_id": -5}}, UnreadableOutcomeError),
    (CREATE_JOB, 200, b"fine", UnreadableOutcomeError),
    (DELETE_JOBS, 200, {"status": "ok"}, UnreadableOutcomeError),
    (DELETE_JOBS, 200, [{"status": "ok"}], UnreadableOutcomeError),
    (lambda c: c.package_groups.upload("g", ["u"], "jar", True), 201, [1], UnreadableOutcomeError),
    (SCALE, 200, {"result": False}, ApiError),
    (LIST_QUEUES, 302, b"", ApiError),
    (LIST_QUEUES, 418, b"", ApiError),
]


@pytest.fixture
def impatient(connection, clock):
    made = DliClient(connection, clock=clock, policy=RetryPolicy(attempts=1, throttled_deadline_seconds=0))
    yield made
    made.close()


@pytest.mark.parametrize(("call", "status", "body", "expected"), TABLE)
def test_an_error_answer_becomes_its_class(impatient, service, reply, call, status, body, expected):
    service.replies(reply(status, body, {"Location": "https://elsewhere.example/"} if status == 302 else {}))
    with pytest.raises(DliError) as raised:
        call(impatient)
    assert type(raised.value) is expected
    assert len(service.received) == 1


def test_an_error_tells_code_text_request_id_and_path(impatient, service, reply):
    service.replies(reply(400, dli("DLI.0001", "bad  cu\ncount"), {"X-Request-Id": "r-1"}))
    with pytest.raises(ApiError) as raised:
        CREATE_QUEUE(impatient)
    error = raised.value
    assert (error.status, error.code, error.message, error.request_id) == (400, "DLI.0001", "bad cu count", "r-1")
    path = "/v1.0/48cc2c48765f481480c7db940d6409d1/queues"
    assert str(error) == f"DLI.0001: bad cu count [POST {path} answered 400, request id r-1]"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"errorCode": "X.1", "errorMsg": "m"}, "X.1", "m"),
        ({"code": "X.2", "message": "m"}, "X.2", "m"),
        ({"error": {"code": 401, "message": "who?", "title": "Unauthorized"}}, "", "who?"),
        ({"encoded_authorization_message": "xyz"}, "", "denied by a policy"),
        ({"error_code": "DLI.10001", "error_json_opt": {"error": "None.get"}, "error_msg": "m"}, "DLI.10001",
         "m (None.get)"),
        ({"error_code": "APIG.1", "error_msg": "m", "request_id": "from-body"}, "APIG.1", "m"),
        (b"plain words", "", "plain words"),
        (b'"a json text"', "", "a json text"),
        (b"", "", "Bad Request (no text in the answer)"),
        (b"x" * 2000, "", "x" * 499 + "…"),
        ([{"error_code": "X.3", "error_msg": "m"}], "X.3", "m"),
    ],
)  # fmt: skip
def test_code_and_text_are_found_in_every_shape(impatient, service, reply, body, code, message):
    service.replies(reply(400, body))
    with pytest.raises(ApiError) as raised:
        LIST_QUEUES(impatient)
    assert (raised.value.code, raised.value.message) == (code, message)
    assert raised.value.request_id == ("from-body" if isinstance(body, dict) and "request_id" in body else "")


def test_a_missing_api_is_recognised_and_is_never_gone(impatient, service, reply):
    service.replies(reply(404, dli("APIGW.0101")), reply(404, dli("DLI.0023")))
    with pytest.raises(ApiError) as unpublished:
        TAGS(impatient)
    with pytest.raises(NotFoundError) as gone:
        TAGS(impatient)
    assert is_unsupported(unpublished.value)
    assert not is_unsupported(gone.value)
    assert not is_unsupported(ValueError())


@pytest.mark.parametrize("subject", [*Subject, None])
@pytest.mark.parametrize("code", ["APIG.0101", "APIGW.0101"])
def test_the_gateways_404_is_gone_for_nothing(subject, code):
    assert not is_gone(subject, status=404, code=code, message="The API does not exist")


@pytest.mark.parametrize("status", [200, 401, 403, 408, 429, 500, 502, 503])
@pytest.mark.parametrize("code", ["DLI.0002", "DLI.0008", "DLI.0023", "DLI.16001"])
def test_only_400_and_404_can_mean_gone(status, code):
    assert not any(is_gone(s, status=status, code=code, message="no queue named q") for s in [*Subject, None])


def test_a_queue_that_is_being_assigned_is_recognised(impatient, service, reply):
    service.replies(reply(400, dli("DLI.0007", "Status of queue q is assigning, which is not available")))
    with pytest.raises(ConflictError) as raised:
        SCALE(impatient)
    assert is_queue_assigning(raised.value)


def test_a_throttled_answer_tells_when_to_come_back(impatient, service, reply):
    date = "Tue, 02 Jan 2024 03:04:05 GMT"
    service.replies(
        reply(429, b"", {"Retry-After": "7"}),
        reply(429, b"", {"Retry-After": "Tue, 02 Jan 2024 03:04:15 GMT", "Date": date}),
        reply(429, b"", {"Retry-After": "soon"}),
    )
    for expected in (7.0, 10.0, None):
        with pytest.raises(ThrottledError) as raised:
            LIST_QUEUES(impatient)
        assert raised.value.retry_after_seconds == expected


@pytest.mark.parametrize(
    "credentials", [AccessKey("ak", "CANARY-ONE", "CANARY-TWO"), Token("CANARY-ONE-CANARY-TWO")], ids=["key", "token"]
)
def test_a_secret_that_the_service_echoes_is_hidden(connection, clock, service, reply, credentials):
    client = DliClient(dataclasses.replace(connection, credentials=credentials), clock=clock)
    echo = f"refused: {' '.join(v for v in service_secrets(credentials))}"
    service.replies(reply(401, dli("APIG.0301", echo)), reply(408, dli("DLI.0019", echo)))
    for _ in range(2):
        with pytest.raises(DliError) as raised:
            CREATE_QUEUE(client)
        assert "CANARY" not in str(raised.value) + repr(raised.value)
        assert "[secret]" in str(raised.value)
    client.close()


def service_secrets(credentials):
    return [v for k, v in dataclasses.asdict(credentials).items() if k != "access_key"]


def test_a_clock_that_is_off_is_named_when_another_machine_refuses_a_signature(
    connection, clock, service, reply, monkeypatch
):
    monkeypatch.setenv("no_proxy", "*")
    # 0.0.0.0 reaches the loopback as well, but is not named as this machine.
    remote = DliClient(
        dataclasses.replace(connection, endpoint=service.url.replace("127.0.0.1", "0.0.0.0")), clock=clock
    )
    service.replies(*[reply(401, dli("APIG.0301", "no"), {"Date": "Tue, 02 Jan 2024 03:04:05 GMT"})] * 2)
    service.replies(reply(401, dli("APIG.0301", "no")))
    with pytest.raises(AuthError, match=r"clock is .* minutes off"):
        LIST_QUEUES(remote)
    local = DliClient(connection, clock=clock)
    for client in (local, remote):  # an old time of a local service, then the right time of another machine
        with pytest.raises(AuthError) as raised:
            LIST_QUEUES(client)
        assert raised.value.message == "no"
        client.close()


def test_a_redirect_is_not_followed_and_takes_no_credentials_along(impatient, service, reply):
    service.replies(reply(307, b"", {"Location": f"{service.url}/elsewhere"}))
    with pytest.raises(ApiError, match="redirect"):
        LIST_QUEUES(impatient)
    assert len(service.received) == 1


def test_no_connection_is_a_request_that_never_left(connection, clock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = DliClient(
        dataclasses.replace(connection, endpoint=f"http://127.0.0.1:{port}"),
        clock=clock,
        policy=RetryPolicy(attempts=1),
    )
    with pytest.raises(UnsentRequestError):
        CREATE_QUEUE(client)
    client.close()


def test_a_dropped_connection_is_a_lost_answer(impatient, service, reply):
    service.replies(reply(drop=True))
    with pytest.raises(UnknownOutcomeError, match="may have taken effect"):
        CREATE_QUEUE(impatient)


def test_an_answer_cut_short_is_a_lost_answer(connection, clock):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            conversation, _ = listener.accept()
            with conversation:
                conversation.recv(65536)
                conversation.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        thread = threading.Thread(target=serve)
        thread.start()
        client = DliClient(
            dataclasses.replace(connection, endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}"), clock=clock
        )
        with pytest.raises(UnknownOutcomeError):
            CREATE_QUEUE(client)
        thread.join()
        client.close()


def test_a_silent_service_is_a_lost_answer(connection, clock):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = DliClient(dataclasses.replace(connection, endpoint=endpoint, read_timeout_seconds=0.05), clock=clock)
        with pytest.raises(UnknownOutcomeError):
            CREATE_QUEUE(client)
        client.close()


def test_an_untrusted_certificate_is_refused_at_once(service, connection, clock):
    client = DliClient(dataclasses.replace(connection, endpoint=service.url.replace("http:", "https:")), clock=clock)
    with pytest.raises(UnsentRequestError, match="does not speak TLS"):
        LIST_QUEUES(client)
    assert clock.waits == []
    client.close()


def test_a_ca_bundle_that_went_away_is_a_request_that_never_left(connection, clock, tmp_path):
    lost = dataclasses.replace(connection, endpoint="https://127.0.0.1:1", ca_bundle=str(tmp_path / "none.pem"))
    client = DliClient(lost, clock=clock)
    with pytest.raises(UnsentRequestError):
        LIST_QUEUES(client)
    client.close()


def test_a_token_that_no_header_can_carry_is_named_without_being_shown(connection, clock):
    client = DliClient(dataclasses.replace(connection, credentials=Token("CANARY\nX: y")), clock=clock)
    with pytest.raises(ConfigError) as raised:
        LIST_QUEUES(client)
    assert "CANARY" not in str(raised.value)
    assert raised.value.__cause__ is None
    client.close()


def test_certificate_errors_are_told_from_cut_connections():
    assert type(failure(SSLError(ssl.SSLEOFError(8, "EOF occurred")), "w", "https://h")) is UnknownOutcomeError
    refused = failure(SSLError(ssl.SSLCertVerificationError(1, "self-signed")), "w", "https://h")
    assert isinstance(refused, UnsentRequestError)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Encountered insert", "SQL parse failed (Encountered insert; at line 3, column 7)"),
        ("Encountered insert at line 3, column 7.", "SQL parse failed (Encountered insert at line 3, column 7.)"),
    ],
)
def test_a_syntax_error_of_sql_names_line_and_column_once(text: str, told: str) -> None:
    detail = {"message": {"start": [3, 7], "text": text}}
    answer = {"error_code": "DLI.13005", "error_json_opt": detail, "error_msg": "SQL parse failed"}
    assert read_error(answer, 400) == ("DLI.13005", told)
