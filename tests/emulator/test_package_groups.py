"""Packages and their groups (dli-api 5)."""

from __future__ import annotations

import pytest

from tests.emulator.conftest import Caller

RESOURCES = "/v2.0/{p}/resources"


def test_an_upload_answers_201_with_the_whole_group(call: Caller) -> None:
    call.package("one.jar")
    answer = call.package("two.jar")
    body = answer.json()
    assert answer.status_code == 201
    assert "is_success" not in body
    assert (body["group_name"], body["status"], body["resources"]) == ("g", "READY", ["one.jar", "two.jar"])
    assert body["details"][0]["underlying_name"].endswith("_one.jar")


def test_an_asynchronous_upload_is_ready_ten_seconds_a_package_later(call: Caller) -> None:
    for name in ("a.jar", "b.jar"):
        call.emulator.put_object("jars", name)
    paths = [f"https://jars.obs.eu-de.otc.t-systems.com/{name}" for name in ("a.jar", "b.jar")]
    body = {"paths": paths, "kind": "jar", "group": "g", "is_async": "true"}
    assert call("POST", RESOURCES, body).json()["status"] == "UPLOADING"
    seen = []
    for _ in range(2):
        call.emulator.advance(10)
        seen.append([call("GET", f"{RESOURCES}/{n}?group=g").json()["status"] for n in ("a.jar", "b.jar")])
    assert seen == [["READY", "UPLOADING"], ["READY", "READY"]]


@pytest.mark.parametrize(
    "path",
    [
        "https://jars.obs.eu-de.otc.t-systems.com/dir/app.jar",
        "https://obs.eu-de.otc.t-systems.com/jars/dir/app.jar",
        "https://jars.obs.cn-north-4.myhuaweicloud.com/dir/app.jar",
        "obs://jars/dir/app.jar",
        "{own}/jars/dir/app.jar",
    ],
)
def test_every_form_of_an_object_url_is_understood(call: Caller, path: str) -> None:
    call.emulator.put_object("jars", "dir/app.jar")
    path = path.replace("{own}", call.emulator.objects_url)
    assert call("POST", RESOURCES, {"paths": [path], "kind": "jar", "group": "g"}).json()["resources"] == ["app.jar"]


def test_a_missing_object_is_refused_at_once_or_fails_later(call: Caller) -> None:
    body = {"paths": ["obs://jars/none.jar"], "kind": "jar", "group": "g"}
    refused = call("POST", RESOURCES, body)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "DLI.0011")
    assert call("POST", RESOURCES, {**body, "is_async": True}).status_code == 201
    call.emulator.advance(10)
    assert call("GET", f"{RESOURCES}/none.jar?group=g").json()["status"] == "FAILED"


def test_a_scripted_upload_fails(call: Caller) -> None:
    call.emulator.behave("upload_failed", match={"name": "app.jar"})
    assert call.package(is_async=True).json()["status"] == "UPLOADING"
    call.emulator.advance(10)
    assert call("GET", f"{RESOURCES}/app.jar?group=g").json()["status"] == "FAILED"


@pytest.mark.parametrize(
    "fields",
    [{"kind": "exe"}, {"paths": []}, {"paths": ["nonsense"]}, {"group": "a b"}, {"paths": ["obs://b/.hidden"]}],
)
def test_a_malformed_upload_is_refused(call: Caller, fields: dict[str, object]) -> None:
    answer = call("POST", RESOURCES, {"paths": ["obs://jars/a.jar"], "kind": "jar", "group": "g", **fields})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0001")


def test_a_package_is_overwritten_under_its_name_and_kept_apart_by_group(call: Caller) -> None:
    call.package(group="g")
    first = call("GET", f"{RESOURCES}/app.jar?group=g").json()
    call.emulator.advance(5)
    call.package(group="g")
    second = call("GET", f"{RESOURCES}/app.jar?group=g").json()
    assert first["create_time"] == second["create_time"]
    assert first["update_time"] < second["update_time"]
    assert call("GET", f"{RESOURCES}/app.jar?group=other").status_code == 404
    assert call("GET", f"{RESOURCES}/app.jar").status_code == 404


def test_an_ungrouped_package_answers_resource_names_and_stands_outside_of_groups(call: Caller) -> None:
    body = call.package("alone.jar", group="").json()
    assert body["resource_names"] == ["alone.jar"]
    assert "resources" not in body
    assert "group_name" not in body
    listed = call("GET", RESOURCES).json()
    assert [row["resource_name"] for row in listed["resources"]] == ["alone.jar"]
    assert (listed["groups"], listed["total"]) == ([], 1)


def test_a_group_ends_with_its_last_package(call: Caller) -> None:
    call.package()
    assert [group["group_name"] for group in call("GET", RESOURCES).json()["groups"]] == ["g"]
    answer = call("DELETE", f"{RESOURCES}/app.jar?group=g")
    assert (answer.status_code, answer.content) == (200, b"")
    assert call("DELETE", f"{RESOURCES}/app.jar?group=g").status_code == 404
    assert call("GET", RESOURCES).json()["groups"] == []


@pytest.mark.parametrize(("variant", "kind"), [("jars", "jar"), ("pyfiles", "pyFile"), ("files", "file")])
def test_the_variants_replace_the_whole_group(call: Caller, variant: str, kind: str) -> None:
    call.package("old.jar")
    call.emulator.put_object("jars", "new.x")
    answer = call("POST", f"{RESOURCES}/{variant}", {"paths": ["obs://jars/new.x"], "group": "g"})
    assert (answer.status_code, answer.json()["resources"], answer.json()["module_name"]) == (201, ["new.x"], "g")
    assert answer.json()["details"][0]["resource_type"] == kind


def test_the_list_filters_by_kind_and_tags(call: Caller) -> None:
    call.package("a.jar", "one", tags=[{"key": "k", "value": "v"}])
    call.package("b.txt", "two", kind="file")
    groups = {
        query: [group["group_name"] for group in call("GET", f"{RESOURCES}?{query}").json()["groups"]]
        for query in ("kind=file", "tags=k=v", "")
    }
    assert groups == {"kind=file": ["two"], "tags=k=v": ["one"], "": ["one", "two"]}


def test_the_owner_of_a_group_or_a_package_changes(call: Caller) -> None:
    call.package("a.jar")
    call.package("b.jar")
    owner = f"{RESOURCES}/owner"
    assert call("PUT", owner, {"new_owner": "someone", "group_name": "g"}).json() == {"is_success": True, "message": ""}
    assert call("PUT", owner, {"new_owner": "other", "group_name": "g", "resource_name": "b.jar"}).ok
    assert [call("GET", f"{RESOURCES}/{n}.jar?group=g").json()["owner"] for n in "ab"] == ["someone", "other"]
    call.emulator.quirk(known_users=["someone"])
    unknown = call("PUT", owner, {"new_owner": "nobody", "group_name": "g"})
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "DLI.0002")
