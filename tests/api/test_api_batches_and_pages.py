"""Batches answer per item; lists come in pages."""

from __future__ import annotations

import pytest

from pulumi_dli.errors import ApiError, AuthError, UnknownOutcomeError

OK = {"is_success": "true", "message": "delivered"}


def test_a_400_array_tells_each_jobs_own_result(client, service, reply):
    service.replies(
        reply(
            400,
            [
                {"error_code": "DLI.13007", "error_msg": "The job id does not exist"},
                OK,
                {"error_code": "DLI.13005", "error_json_opt": {"message": {"text": "at 1:0"}}, "error_msg": "bad"},
                {"is_success": "false", "message": "no"},
            ],
        )
    )
    results = client.flink_jobs.run([1, 2, 3, 4], True)
    assert [(result.ok, result.code, result.gone) for result in results] == [
        (False, "DLI.13007", True),
        (True, "", False),
        (False, "DLI.13005", False),
        (False, "", False),
    ]
    assert results[2].message == "bad (at 1:0)"
    assert len(service.received) == 1


def test_a_200_array_may_hold_failures_too(client, service, reply):
    service.replies(reply(200, [OK, {"is_success": False, "message": "not now"}]))
    assert [result.ok for result in client.flink_jobs.stop([1, 2], False)] == [True, False]


@pytest.mark.parametrize("body", [[OK], OK, [OK, OK, OK], [OK, "fine"], [OK, None], b"", b"<html>", {"jobs": []}])
@pytest.mark.parametrize("verb", ["run", "stop", "delete_many"])
def test_an_answer_that_does_not_fit_the_jobs_is_lost(client, service, reply, body, verb):
    service.replies(reply(200, body))
    flags = {"run": [True], "stop": [False], "delete_many": []}
    with pytest.raises(UnknownOutcomeError):
        getattr(client.flink_jobs, verb)([1, 2], *flags[verb])
    assert len(service.received) == 1


def test_an_error_for_the_whole_batch_is_raised(client, service, reply):
    service.replies(reply(401, {"error_code": "DLI.0013", "error_msg": "no"}), reply(400, {"error_code": "DLI.0001"}))
    with pytest.raises(AuthError):
        client.flink_jobs.run([1], False)
    with pytest.raises(ApiError, match=r"DLI\.0001"):
        client.flink_jobs.run([1], False)


def test_a_batch_has_at_most_fifty_jobs_and_an_empty_one_is_not_sent(client, service):
    with pytest.raises(ValueError, match="at most 50"):
        client.flink_jobs.delete_many(range(51))
    assert client.flink_jobs.run([], False) == []
    assert service.received == []


def pages(reply, rows, *, count=True, ignore_offset=False, cap=100):
    def handler(received):
        offset = 0 if ignore_offset else int(received.query["offset"])
        limit = min(int(received.query["limit"]), cap)
        listing = {"jobs": rows[offset : offset + limit], **({"total_count": len(rows)} if count else {})}
        return reply(200, {"is_success": "true", "job_list": listing})

    return handler


@pytest.mark.parametrize(
    ("options", "calls"),
    [({}, 3), ({"count": False}, 3), ({"cap": 50}, 5), ({"ignore_offset": True, "count": False}, 2)],
)
def test_all_jobs_are_listed_each_once(client, service, reply, options, calls):
    rows = [{"job_id": number, "name": f"job{number}"} for number in range(1, 250)]
    service.handler = pages(reply, rows, **options)
    jobs = client.flink_jobs.list_all()
    expected = 100 if options.get("ignore_offset") else 249
    assert [job.job_id for job in jobs] == list(range(1, expected + 1))
    assert len(service.received) == calls


def test_a_name_filter_is_exact_whatever_the_service_takes_it_for(client, service, reply):
    service.handler = pages(reply, [{"job_id": 1, "name": "orders"}, {"job_id": 2, "name": "orders-2"}])
    assert [job.job_id for job in client.flink_jobs.list_all(name="orders")] == [1]


def test_rows_that_shift_between_pages_are_not_counted_twice(client, service, reply):
    rows = [{"job_id": number} for number in range(1, 121)]
    first = {"jobs": rows[:100], "total_count": 120}
    second = {"jobs": rows[90:110] + rows[110:], "total_count": 130}
    service.replies(reply(200, {"job_list": first}), reply(200, {"job_list": second}))
    assert [job.job_id for job in client.flink_jobs.list_all()] == list(range(1, 121))


def test_resources_are_found_over_pages(client, service, reply):
    def handler(received):
        offset = int(received.query["offset"])
        rows = [{"resource_id": str(n), "tags": None} for n in range(offset, min(offset + 100, 150))]
        return reply(200, {"resources": rows, "total_count": 150})

    service.handler = handler
    assert len(client.tags.find_resources("dli_flink_job", {"a": "b"})) == 150
    assert len(service.received) == 2
