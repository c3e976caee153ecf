"""Queues and pools (dli-api 4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.conftest import Caller

QUEUES = "/v1.0/{p}/queues"


def test_a_queue_is_stored_in_lower_case_and_found_in_any(call: Caller) -> None:
    assert call.queue("testQueue") == "testqueue"
    assert call("GET", f"{QUEUES}/TESTQUEUE").json()["queueName"] == "testqueue"
    again = call("POST", QUEUES, {"queue_name": "TestQueue", "cu_count": 16})
    assert (again.status_code, again.json()["error_code"]) == (400, "DLI.0006")


def test_the_list_shows_sql_queues_unless_asked_and_always_the_default_one(call: Caller) -> None:
    call.queue("general")
    names = {kind: _names(call, kind) for kind in ("", "general", "all")}
    assert names == {"": ["default"], "general": ["general"], "all": ["default", "general"]}


def test_the_list_pages_orders_and_filters_by_tags(call: Caller) -> None:
    call.queue("a", cu_count=64, tags=[{"key": "k", "value": "v"}])
    call.queue("b")
    page = call("GET", QUEUES, params={"queue_type": "all", "page-size": 2, "current-page": 2}).json()["queues"]
    assert [queue["queue_name"] for queue in page] == ["default"]
    by_cus = call("GET", QUEUES, params={"queue_type": "all", "order": "cu_desc"}).json()["queues"]
    assert by_cus[0]["queue_name"] == "a"
    assert [
        q["queue_name"] for q in call("GET", QUEUES, params={"queue_type": "all", "tags": "k=v"}).json()["queues"]
    ] == ["a"]


def test_details_have_mixed_case_keys_and_the_list_has_the_rest(call: Caller) -> None:
    call.queue(labels=["multi_az=2"])
    details = call("GET", f"{QUEUES}/q").json()
    assert (details["queueType"], details["cuCount"], details["cu_spec"], details["is_success"]) == (
        "general",
        16,
        16,
        True,
    )
    assert "labels" not in details
    row = call("GET", QUEUES, params={"queue_type": "general"}).json()["queues"][0]
    assert (row["labels"], row["platform"], row["is_restarting"]) == ("multi_az=2", "x86_64", False)
    assert row["resource_id"] == details["resource_id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"queue_name": "_x"},
        {"queue_name": "123"},
        {"queue_name": "a-b"},
        {"cu_count": 17},
        {"cu_count": 0},
        {"cu_count": "16"},
    ],
)
def test_a_malformed_queue_is_refused(call: Caller, fields: dict[str, Any]) -> None:
    answer = call("POST", QUEUES, {"queue_name": "x", "cu_count": 16, **fields})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")


def test_a_missing_queue_is_a_400_with_a_code_by_call(call: Caller) -> None:
    codes = [
        call("GET", f"{QUEUES}/none").json()["error_code"],
        call("DELETE", f"{QUEUES}/none").json()["error_code"],
        call("PUT", f"{QUEUES}/none/action", {"action": "restart"}).json()["error_code"],
    ]
    assert codes == ["DLI.0002", "DLI.0002", "DLI.0008"]


def test_a_queue_with_a_live_job_cannot_be_deleted_and_the_default_one_never(call: Caller) -> None:
    job_id = call.running()
    refused = call("DELETE", f"{QUEUES}/q")
    assert (refused.status_code, refused.json()["error_code"]) == (400, "DLI.0007")
    assert str(job_id) in refused.json()["error_msg"]
    call.stop(job_id)
    call.emulator.advance(20)
    assert call("DELETE", f"{QUEUES}/q").json() == {"is_success": True, "message": ""}
    assert call("DELETE", f"{QUEUES}/default").status_code == 400


def test_a_new_queue_is_assigning_for_five_minutes(call: Caller) -> None:
    call.queue(cu_count=64)
    scale = {"action": "scale_out", "cu_count": 16}
    assert "is assigning, which is not available" in call("PUT", f"{QUEUES}/q/action", scale).json()["error_msg"]
    call.emulator.advance(300)
    assert "must have run" in call("PUT", f"{QUEUES}/q/action", scale).json()["error_msg"]


def test_scaling_adds_the_amount_late_and_again_when_asked_again(call: Caller) -> None:
    _ready_queue(call, 64)
    for _ in range(2):
        answer = call("PUT", f"{QUEUES}/big/action", {"action": "scale_out", "cu_count": 16})
        assert answer.json() == {"queue_name": "big", "result": True}
    assert _cus(call) == (64, 96)
    call.emulator.advance(600)
    assert _cus(call) == (96, 96)
    assert call("PUT", f"{QUEUES}/big/action", {"action": "scale_in", "cu_count": 32}).ok
    call.emulator.advance(600)
    assert _cus(call) == (64, 64)
    assert (
        "64 CUs cannot be scaled in" in call("PUT", f"{QUEUES}/big/action", {"action": "scale_in", "cu_count": 16}).text
    )


def test_a_scale_in_may_end_half_way(call: Caller) -> None:
    _ready_queue(call, 128)
    call.emulator.behave("partial_scale_in", match={"name": "big"}, reached=112)
    call("PUT", f"{QUEUES}/big/action", {"action": "scale_in", "cu_count": 64})
    call.emulator.advance(600)
    assert _cus(call) == (112, 64)


def test_a_queue_of_16_cus_or_of_a_pool_cannot_be_scaled_nor_a_general_one_restarted(call: Caller) -> None:
    call.running()
    assert "16 CUs" in call("PUT", f"{QUEUES}/q/action", {"action": "scale_out", "cu_count": 16}).text
    assert call("PUT", f"{QUEUES}/q/action", {"action": "restart"}).json()["error_code"] == "DLI.0007"
    assert call("PUT", f"{QUEUES}/default/action", {"action": "restart"}).json()["message"] == "Restart success"


def test_a_stuck_queue_never_gets_its_compute(call: Caller) -> None:
    call.emulator.behave("stuck_assigning", match={"name": "q"})
    job_id = call.job()
    call.run(job_id)
    call.emulator.advance(7200)
    assert call.status(job_id) == "job_submitting"
    assert "assigning" in call("PUT", f"{QUEUES}/q/action", {"action": "scale_out", "cu_count": 16}).text


def test_a_shared_queue_loses_its_compute_after_an_idle_hour_and_a_dedicated_one_keeps_it(call: Caller) -> None:
    call.emulator.quirk(lax_shared_queues=True)  # no jar job runs on one, but the compute is the same
    for mode, name, expected in ((0, "shared", "job_submitting"), (1, "own", "job_running")):
        call.queue(name, resource_mode=mode)
        job_id = call.job(name, queue_name=name)
        call.run(job_id)
        call.emulator.advance(480)
        call.stop(job_id)
        call.emulator.advance(20 + 3601)
        call.status(job_id)
        call.run(job_id)
        call.emulator.advance(60)
        assert call.status(job_id) == expected


def test_tags_are_set_shown_filtered_and_deleted_by_the_lists_queue_id(call: Caller) -> None:
    call.emulator.quirk(queue_tag_id="queue_id")
    call.queue(tags=[{"key": "a", "value": "1"}])
    tags = f"/v3/{{p}}/dli_queue/{_row(call)['queue_id']}/tags"
    assert call("GET", tags).json() == {"tags": [{"key": "a", "value": "1"}], "count": 1}
    added = call("POST", f"{tags}/create", {"tags": [{"key": "b", "value": "2"}]})
    assert (added.status_code, added.content) == (204, b"")
    wanted = {"tags": [{"key": "b", "values": ["2"]}]}
    filtered = call("POST", "/v3/{p}/dli_queue/resource-instances/filter", wanted).json()
    assert (filtered["total_count"], filtered["resources"][0]["resource_id"]) == (1, str(_row(call)["queue_id"]))
    assert filtered["resources"][0]["resource_name"] == "q"
    call("POST", f"{tags}/delete", {"tags": [{"key": "a", "value": "other"}]})
    assert call("GET", tags).json()["count"] == 2
    page = call("GET", tags, params={"limit": 1, "offset": 1}).json()
    assert page == {"tags": [{"key": "b", "value": "2"}], "count": 2}
    for _ in range(2):  # again is no error
        assert call("POST", f"{tags}/delete", {"tags": [{"key": "a", "value": "1"}]}).status_code == 204
    assert call("POST", "/v3/{p}/dli_queue/resource-instances/count", {}).json() == {"total_count": 1}
    assert call("GET", "/v3/{p}/dli_queue/tags").json() == {"tags": [{"key": "b", "values": ["2"]}]}
    assert call("GET", "/v3/{p}/dli_queue/none/tags").status_code == 404


@pytest.mark.parametrize("kind", ["queue_id", "resource_id", "name"])
def test_the_id_that_tags_go_by_is_a_switch(call: Caller, kind: str) -> None:
    call.queue()
    row = {**_row(call), "name": "q"}
    found = {name: call("GET", f"/v3/{{p}}/dli_queue/{row[name]}/tags").ok for name in KINDS}
    assert found == {name: name == "queue_id" for name in KINDS}
    call.emulator.quirk(queue_tag_id=kind)
    found = {name: call("GET", f"/v3/{{p}}/dli_queue/{row[name]}/tags").ok for name in KINDS}
    assert found == {name: name == kind for name in KINDS}
    call.emulator.quirk(lenient=True)
    assert all(call("GET", f"/v3/{{p}}/dli_queue/{row[name]}/tags").ok for name in KINDS)


KINDS = ("queue_id", "resource_id", "name")


def _row(call: Caller) -> dict[str, Any]:
    rows = call("GET", QUEUES, params={"queue_type": "general"}).json()["queues"]
    return next(row for row in rows if row["queue_name"] == "q")


def test_tags_of_packages_and_jobs_go_by_group_and_name_and_by_id(call: Caller) -> None:
    job_id = call.job(tags=[{"key": "a", "value": "1"}])
    call.package("tagged.jar", "g", tags=[{"key": "p", "value": "x"}])
    assert call("GET", f"/v3/{{p}}/dli_flink_job/{job_id}/tags").json()["count"] == 1
    assert call("GET", "/v3/{p}/dli_package_resource/g%23tagged.jar/tags").json()["tags"] == [
        {"key": "p", "value": "x"}
    ]


def test_quotas_are_shown_and_kept(call: Caller) -> None:
    call.emulator.quirk(quotas={"QUEUE": 1, "CU": 1000})
    call.queue()
    rows = {row["type"]: row for row in call("GET", "/v3/{p}/quotas").json()["quotas"]["resources"]}
    assert (rows["QUEUE"]["used"], rows["QUEUE"]["quota"]) == (1, 1)
    assert call("POST", QUEUES, {"queue_name": "more", "cu_count": 16}).json()["error_code"] == "DLI.1028"


def _names(call: Caller, kind: str) -> list[str]:
    params = {"queue_type": kind} if kind else {}
    return [queue["queue_name"] for queue in call("GET", QUEUES, params=params).json()["queues"]]


def _ready_queue(call: Caller, cus: int) -> None:
    call.queue("big", cu_count=cus)
    call.package()
    call.queue()
    call.running(queue_name="big")


def _cus(call: Caller) -> tuple[int, int]:
    details = call("GET", f"{QUEUES}/big").json()
    return details["cuCount"], details["cu_spec"]
