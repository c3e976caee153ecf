"""Elastic resource pools: their life, their CUs over the hours, the queues in them (dli-api 12)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from pulumi_dli.emulator.testing import Emulator
from tests.emulator.conftest import Caller

POOLS = "/v3/{p}/elastic-resource-pools"
QUEUES = "/v1.0/{p}/queues"
HOUR = 3600


@pytest.fixture
def fresh(call: Caller) -> Caller:
    """Just after a full hour, so that no other one comes by surprise."""
    _to_full_hour(call)
    call.emulator.advance(1)
    return call


def test_a_pool_is_created_in_minutes_and_known_by_its_lower_case_name(fresh: Caller) -> None:
    created = _create(fresh, "Pool1", 64, 96)
    assert (created.status_code, created.json()) == (
        200,
        {"is_success": True, "message": "", "elastic_resource_pool_name": "pool1"},
    )
    assert _pool(fresh)["status"] == "CREATING"
    assert _create(fresh, "POOL1", 64, 96).json()["error_code"] == "DLI.0006"
    fresh.emulator.advance(180)
    row = _pool(fresh)
    assert (row["status"], row["current_cu"], row["actual_cu"], row["queues"]) == ("AVAILABLE", 64, 0, [])
    assert "tags" not in row


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"elastic_resource_pool_name": "12"}, "elastic_resource_pool_name"),
        ({"elastic_resource_pool_name": "_p"}, "elastic_resource_pool_name"),
        ({"elastic_resource_pool_name": "pool\n"}, "elastic_resource_pool_name"),
        ({"cidr_in_vpc": "10.0.0.0"}, "cidr_in_vpc"),
        ({"cidr_in_vpc": "10.0.0.0/33"}, "cidr_in_vpc"),
        ({"description": "x" * 257}, "description"),
        ({"charging_mode": 2}, "charging_mode"),
        ({"min_cu": 48}, "min_cu"),
        ({"max_cu": 32016}, "max_cu"),
        ({"min_cu": 96, "max_cu": 64}, "min_cu"),
        ({"label": {"spec": "basic"}, "min_cu": 16, "max_cu": 80}, "max_cu"),
    ],
)
def test_what_a_pool_must_not_be(call: Caller, body: dict[str, Any], field: str) -> None:
    answer = call("POST", POOLS, {"elastic_resource_pool_name": "p", "min_cu": 64, "max_cu": 64, **body})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")
    assert field in answer.json()["error_msg"]


def test_sizes_by_edition_and_the_switches_for_them(call: Caller) -> None:
    assert _create(call, "basic", 16, 64, label={"spec": "basic"}).ok
    assert _create(call, "odd", 684, 684).ok  # the page's own sample
    call.emulator.quirk(strict_pool_steps=True, strict_pool_names=True)
    assert not _create(call, "odder", 684, 684).ok
    assert not _create(call, "1st", 64, 64).ok
    call.emulator.default_quirks()
    assert _create(call, "1st", 64, 64).ok
    call.emulator.quirk(lax_pool_sizes=True)
    assert _create(call, "tiny", 1, 1).ok


def test_changes_wait_until_the_pool_is_available(fresh: Caller) -> None:
    _create(fresh)
    assert _change(fresh, description="x").json()["error_code"] == "DLI.0007"
    fresh.emulator.quirk(lax_pool_status=True)
    assert _change(fresh, description="x").ok
    fresh.emulator.default_quirks()
    fresh.emulator.advance(180)
    assert _change(fresh, "POOL", description="", max_cu=128).ok
    row = _pool(fresh)
    assert (row["description"], row["min_cu"], row["max_cu"]) == ("", 64, 128)


def test_a_minimum_rises_only_as_far_as_the_pool_holds(fresh: Caller) -> None:
    _ready(fresh, 64, 256)
    refused = _change(fresh, min_cu=96)
    assert (refused.status_code, "64 CUs" in refused.json()["error_msg"]) == (400, True)
    _queue(fresh, "q", 64)
    assert _policies(fresh, "q", _entry(64, 128)).ok
    assert _pool(fresh)["status"] == "AVAILABLE"  # the capacity follows at the full hour
    _to_full_hour(fresh)
    assert _pool(fresh)["status"] == "SCALING"
    assert _change(fresh, min_cu=96).json()["error_code"] == "DLI.0007"
    fresh.emulator.advance(300)
    assert (_pool(fresh)["status"], _pool(fresh)["current_cu"], _pool(fresh)["actual_cu"]) == ("AVAILABLE", 128, 128)
    assert _change(fresh, min_cu=96).ok
    assert _change(fresh, max_cu=96).json()["error_code"] == "DLI.0001"  # a queue may have 128


def test_the_documented_arithmetic_of_a_pool(fresh: Caller) -> None:
    """Pool 64 to 112, queues 16 to 32 and 16 to 56: 88, rounded up to 96 (dli_01_0622)."""
    _ready(fresh, 64, 112)
    for name, most in (("a", 32), ("b", 56)):
        _queue(fresh, name, 16)
        assert _policies(fresh, name, _entry(16, most)).ok
    _to_full_hour(fresh)
    fresh.emulator.advance(300)
    assert _pool(fresh)["current_cu"] == 96
    records = fresh("GET", f"{POOLS}/pool/scale-records").json()
    assert records.keys() == {"count", "items"}
    newest = records["items"][0]
    assert (newest["origin_cu"], newest["target_cu"], newest["current_cu"], newest["status"]) == (64, 96, 96, "success")


def test_scale_records_are_filtered_and_paged(fresh: Caller) -> None:
    _ready(fresh, 64, 256)
    fresh.emulator.behave("pool_scale_failed", match={"name": "pool"}, description="no hardware", times=1)
    for cus in (128, 160):
        fresh.emulator.act("pool.scale", pool="pool", cu_count=cus)
        fresh.emulator.advance(300)
    records = f"{POOLS}/pool/scale-records"
    assert [row["status"] for row in fresh("GET", records).json()["items"]] == ["success", "fail"]
    failed = fresh("GET", records, params={"status": "fail"}).json()["items"]
    assert [(row["fail_reason"], row["current_cu"]) for row in failed] == [("no hardware", 64)]
    assert fresh("GET", records, params={"limit": "1", "offset": "1"}).json()["items"] == failed
    now = int(fresh.emulator.now() * 1000)
    for query in ({"start_time": now + 1}, {"end_time": now + 1}, {"start_time": 1}, {"limit": 101}, {"status": "x"}):
        assert fresh("GET", records, params=query).status_code == 400


def test_the_time_of_day_changes_the_pool(fresh: Caller) -> None:
    _ready(fresh, 64, 256)
    _queue(fresh, "q", 64)
    hour = int(fresh.emulator.now() // HOUR) % 24
    soon, later = (hour + 2) % 24, (hour + 3) % 24
    assert _policies(fresh, "q", _entry(64, 64), _entry(64, 128, start=soon, stop=later, priority=20)).ok
    seen = []
    for _ in range(3):
        _to_full_hour(fresh)
        fresh.emulator.advance(300)
        seen.append(_pool(fresh)["current_cu"])
    assert seen == [64, 128, 64]


def test_a_pool_falls_into_scaling_by_itself_and_comes_back(fresh: Caller) -> None:
    _ready(fresh)
    fresh.emulator.act("pool.scale", pool="pool", cu_count=128)
    assert _pool(fresh)["status"] == "SCALING"
    assert _delete(fresh).json()["error_code"] == "DLI.0007"
    fresh.emulator.advance(300)
    assert (_pool(fresh)["status"], _pool(fresh)["current_cu"]) == ("AVAILABLE", 128)
    _to_full_hour(fresh)
    fresh.emulator.advance(300)
    assert _pool(fresh)["current_cu"] == 64


def test_a_pool_is_deleted_when_it_is_old_enough_and_empty(fresh: Caller) -> None:
    _create(fresh)
    assert "CREATING" in _delete(fresh).json()["error_msg"]
    fresh.emulator.advance(180)
    assert "within 15 minutes" in _delete(fresh).json()["error_msg"]
    fresh.emulator.quirk(timings={"pool_age": 3600})
    fresh.emulator.advance(901)
    assert "within 60 minutes" in _delete(fresh).json()["error_msg"]
    fresh.emulator.default_quirks()
    _queue(fresh, "inside", 16)
    assert "queues: inside" in _delete(fresh).json()["error_msg"]
    assert fresh("DELETE", f"{QUEUES}/inside").ok
    assert _delete(fresh, "POOL").json() == {"is_success": True, "message": ""}
    again = _delete(fresh)
    assert (again.status_code, again.json()["error_code"]) == (400, "DLI.0002")


def test_the_switch_for_deletions_takes_a_young_pool_with_queues(fresh: Caller) -> None:
    _ready(fresh)
    _queue(fresh, "inside", 16)
    fresh.emulator.quirk(lax_pool_delete=True)
    assert _delete(fresh).ok
    assert fresh("GET", f"{QUEUES}/inside").json()["elastic_resource_pool_name"] == ""


def test_the_group_switch_forgives_everything(fresh: Caller) -> None:
    fresh.emulator.quirk(lenient=True)
    _create(fresh, "pool", 1, 2)
    _queue(fresh, "inside", 16)
    assert _delete(fresh).ok


@pytest.mark.parametrize("after", [0, 180])
def test_a_creation_may_fail(fresh: Caller, after: int) -> None:
    fresh.emulator.behave("pool_failed", match={"name": "pool"}, description="no hardware")
    _create(fresh)
    fresh.emulator.advance(after)
    expected = ("FAILED", "no hardware") if after else ("CREATING", "")
    assert (_pool(fresh)["status"], _pool(fresh)["fail_reason"]) == expected
    if after:
        assert _delete(fresh).ok


def test_a_person_fails_and_deletes_a_pool(fresh: Caller) -> None:
    _ready(fresh)
    fresh.emulator.act("pool.fail", pool="pool", description="by hand")
    assert (_pool(fresh)["status"], _pool(fresh)["fail_reason"]) == ("FAILED", "by hand")
    fresh.emulator.act("pool.delete", pool="pool")
    assert fresh("GET", POOLS).json()["elastic_resource_pools"] == []
    with pytest.raises(ValueError, match="no elastic resource pool"):
        fresh.emulator.act("pool.delete", pool="pool")


def test_the_list_is_filtered_and_paged(fresh: Caller) -> None:
    _ready(fresh, name="alpha", tags=[{"key": "a", "value": "1"}])
    for name in ("alphabet", "beta"):
        _create(fresh, name)

    def names(**query: Any) -> list[str]:
        return [row["elastic_resource_pool_name"] for row in fresh("GET", POOLS, params=query).json()[ROWS]]

    assert names() == ["alpha", "alphabet", "beta"]
    assert names(name="ALPHA") == ["alpha", "alphabet"]
    assert names(limit=1, offset=1) == ["alphabet"]
    assert names(offset=3) == []
    assert names(status="AVAILABLE") == ["alpha"]
    assert names(tags="a=1") == ["alpha"]
    assert names(tags="a=2") == []
    assert fresh("GET", POOLS, params={"limit": 1}).json()["count"] == 3
    assert fresh("GET", POOLS, params={"status": "nonsense"}).status_code == 400
    fresh.emulator.quirk(sparse_pools=True)
    assert {"current_cu", "queues", "update_time"} & fresh("GET", POOLS).json()[ROWS][0].keys() == set()


def test_tags_go_by_the_resource_id_and_nothing_else(fresh: Caller) -> None:
    _ready(fresh, tags=[{"key": "a", "value": "1"}])
    row = _pool(fresh)
    tags = "/v3/{p}/dli_elastic_resource_pool/%s/tags"
    assert fresh("GET", tags % row["resource_id"]).json() == {"count": 1, "tags": [{"key": "a", "value": "1"}]}
    added = fresh("POST", tags % row["resource_id"] + "/create", {"tags": [{"key": "b", "value": ""}]})
    assert (added.status_code, added.content) == (204, b"")
    gone = fresh("POST", tags % row["resource_id"] + "/delete", {"tags": [{"key": "a", "value": "1"}]})
    assert (gone.status_code, gone.content) == (204, b"")
    assert fresh("GET", tags % row["resource_id"]).json()["tags"] == [{"key": "b", "value": ""}]
    assert [fresh("GET", tags % wrong).status_code for wrong in ("pool", row["id"])] == [404, 404]


# queues of a pool


def test_a_queue_in_a_pool_starts_at_four_cus_and_fits_into_the_minimum(fresh: Caller) -> None:
    _ready(fresh)
    assert not _try_queue(fresh, "sql", 4, queue_type="sql").ok
    assert _try_queue(fresh, "sql", 8, queue_type="sql").ok
    for cus in (2, 6):
        assert not _try_queue(fresh, "small", cus).ok
    assert _try_queue(fresh, "small", 4).ok
    refused = _try_queue(fresh, "large", 56)
    assert "68 CUs" in refused.json()["error_msg"]
    assert _try_queue(fresh, "large", 52).ok
    assert fresh("GET", f"{QUEUES}/large").json()["elastic_resource_pool_name"] == "pool"
    assert sorted(_pool(fresh)["queues"]) == ["large", "small", "sql"]
    missing = _try_queue(fresh, "x", 16, elastic_resource_pool_name="none")
    assert (missing.status_code, missing.json()["error_code"]) == (400, "DLI.0002")
    fresh.emulator.quirk(lax_pool_sizes=True)
    assert _try_queue(fresh, "more", 64).ok


def test_four_queues_of_16_fill_a_pool_of_64(fresh: Caller) -> None:
    _ready(fresh)
    answers = [_try_queue(fresh, f"q{number}", 16).ok for number in range(5)]
    assert answers == [True] * 4 + [False]
    fresh("DELETE", f"{QUEUES}/q0")
    assert _try_queue(fresh, "q4", 16).ok


def test_a_pool_being_created_takes_no_queue(fresh: Caller) -> None:
    _create(fresh)
    assert _try_queue(fresh, "q", 16).json()["error_code"] == "DLI.0007"


def test_an_existing_queue_enters_a_pool_for_good(fresh: Caller) -> None:
    _ready(fresh)
    _ready(fresh, name="other")
    fresh.queue("shared", resource_mode=0)
    fresh.queue("young")
    fresh.queue("project", enterprise_project_id="another")
    assert _associate(fresh, "young").json()["error_code"] == "DLI.0012"
    fresh.emulator.advance(300)
    codes = {name: _associate(fresh, name).json().get("error_code") for name in ("shared", "project", "none")}
    assert codes == {"shared": "DLI.0007", "project": "DLI.0007", "none": "DLI.0002"}
    assert _associate(fresh, "young").json() == {"is_success": True, "message": ""}
    assert _associate(fresh, "young", pool="other").json()["error_code"] == "DLI.0007"
    assert fresh("GET", f"{QUEUES}/young").json()["elastic_resource_pool_name"] == "pool"
    fresh.emulator.quirk(lax_pool_queues=True)
    assert _associate(fresh, "shared").ok


def test_queues_of_a_pool_are_paged_and_found_by_a_part_of_their_name(fresh: Caller) -> None:
    _ready(fresh)
    for name in ("aa", "ab", "b"):
        _queue(fresh, name, 16)

    def listed(**query: Any) -> tuple[int, list[str]]:
        answer = fresh("GET", f"{POOLS}/pool/queues", params=query).json()
        return answer["count"], sorted(row["queue_name"] for row in answer["queues"])

    assert listed() == (3, ["aa", "ab", "b"])
    assert listed(queue_name="A") == (2, ["aa", "ab"])
    pages = [listed(limit=2, offset=offset)[1] for offset in (0, 2, 4)]
    assert (sorted(pages[0] + pages[1]), pages[2]) == (["aa", "ab", "b"], [])
    assert listed(offset=2)[1] == ["aa", "ab", "b"]  # no limit: no paging
    row = fresh("GET", f"{POOLS}/pool/queues", params={"queue_name": "aa"}).json()["queues"][0]
    assert row["queue_scaling_policies"] == [_entry(16, 16)]
    assert "cu_count" not in row


@pytest.mark.parametrize(
    "entries",
    [
        [{"start": 0, "stop": 9}],
        [{}, {}],
        [{}, {"start": 8, "stop": 12}, {"start": 11, "stop": 13}],
        [{}, {"start": 22, "stop": 3}, {"start": 2, "stop": 5}],
        [{"priority": 101}],
        [{"priority": 0}],
        [{"low": 6, "high": 16}],
        [{"low": 32, "high": 16}],
        [{"low": 16, "high": 272}],
        [{"low": 80, "high": 80}],
        [{}, {"low": 80, "high": 80, "start": 3, "stop": 4}],
    ],
)
def test_policies_that_are_refused(fresh: Caller, entries: list[dict[str, Any]]) -> None:
    _ready(fresh, 64, 256)
    _queue(fresh, "q", 16)
    body = [_entry(entry.pop("low", 16), entry.pop("high", 16), **entry) for entry in entries]
    answer = _policies(fresh, "q", *body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")


def test_policies_as_the_page_sends_them(fresh: Caller) -> None:
    """Texts, and one over midnight (dli_02_0332)."""
    _ready(fresh, 64, 752)
    _queue(fresh, "q", 64)
    sample = [
        {**_entry(64, 752), "min_cu": "64", "max_cu": "752"},
        {**_entry(64, 752, start=10, stop=22, priority=100), "min_cu": "64"},
        {**_entry(64, 752, start=22, stop=10, priority=50), "max_cu": "752"},
    ]
    assert _policies(fresh, "q", *sample).json() == {"is_success": True, "message": ""}
    shown = fresh("GET", f"{POOLS}/pool/queues").json()["queues"][0]["queue_scaling_policies"]
    assert [(entry["min_cu"], entry["max_cu"]) for entry in shown] == [(64, 752)] * 3


def test_policies_wait_until_the_queue_is_assigned(fresh: Caller) -> None:
    _ready(fresh)
    assert _try_queue(fresh, "q", 16).ok
    assert _policies(fresh, "q", _entry(16, 16)).json()["error_code"] == "DLI.0012"
    fresh.emulator.advance(300)
    assert _policies(fresh, "none", _entry(16, 16)).json()["error_code"] == "DLI.0002"
    assert _policies(fresh, "Q", _entry(16, 16)).ok
    fresh.emulator.quirk(lax_policies=True)
    assert _policies(fresh, "q", _entry(16, 16, start=1, stop=2)).ok


def test_a_pool_outlives_a_restart(tmp_path: Any) -> None:
    for expected in ("CREATING", "AVAILABLE"):
        with Emulator(data=tmp_path / "dli.sqlite") as emulator:
            call = Caller(emulator)
            if expected == "CREATING":
                _create(call)
            else:
                emulator.advance(180)
            assert _pool(call)["status"] == expected
            call.session.close()


ROWS = "elastic_resource_pools"


def _create(call: Caller, name: str = "pool", low: int = 64, high: int = 64, **more: Any) -> requests.Response:
    return call("POST", POOLS, {"elastic_resource_pool_name": name, "min_cu": low, "max_cu": high, **more})


def _ready(call: Caller, low: int = 64, high: int = 64, name: str = "pool", **more: Any) -> None:
    assert _create(call, name, low, high, **more).ok
    call.emulator.advance(180)


def _pool(call: Caller) -> dict[str, Any]:
    found: dict[str, Any] = call("GET", POOLS, params={"name": "pool"}).json()[ROWS][0]
    return found


def _change(call: Caller, name: str = "pool", **body: Any) -> requests.Response:
    return call("PUT", f"{POOLS}/{name}", body)


def _delete(call: Caller, name: str = "pool") -> requests.Response:
    return call("DELETE", f"{POOLS}/{name}")


def _try_queue(call: Caller, name: str, cus: int, **more: Any) -> requests.Response:
    body = {"queue_name": name, "cu_count": cus, "queue_type": "general", "resource_mode": 1}
    return call("POST", QUEUES, {**body, "elastic_resource_pool_name": "pool", **more})


def _queue(call: Caller, name: str, cus: int) -> None:
    """In the pool, and assigned."""
    answer = _try_queue(call, name, cus)
    assert answer.ok, answer.text
    call.emulator.advance(300)


def _associate(call: Caller, name: str, pool: str = "pool") -> requests.Response:
    return call("POST", f"{POOLS}/{pool}/queues", {"queue_name": name})


def _policies(call: Caller, queue: str, *entries: dict[str, Any]) -> requests.Response:
    return call("PUT", f"{POOLS}/pool/queues/{queue}", {"queue_scaling_policies": list(entries)})


def _entry(low: int, high: int, *, start: int = 0, stop: int = 24, priority: int = 1) -> dict[str, Any]:
    times = {"impact_start_time": f"{start:02}:00", "impact_stop_time": f"{stop:02}:00"}
    return {"priority": priority, **times, "min_cu": low, "max_cu": high}


def _to_full_hour(call: Caller) -> None:
    call.emulator.advance(HOUR - call.emulator.now() % HOUR + 0.001)
