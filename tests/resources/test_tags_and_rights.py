"""Who may do everything but read tags refreshes and destroys all the same; and queues are tagged by the list's id."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dli.specs.package_names import digest_of
from tests.stacks import Stack

TAGS = {"team": "a"}
RESOURCES: dict[str, dict[str, Any]] = {
    "Queue": {"queue_name": "streams", "cu_count": 64, "tags": TAGS},
    "ElasticResourcePool": {"elastic_resource_pool_name": "pool", "min_cu": 64, "max_cu": 128, "tags": TAGS},
    "PackageGroup": {"group_name": "apps", "packages": ["obs://jars/a.jar"], "tags": TAGS},
    "UploadedPackage": {"source": __file__, "bucket": "jars", "digest": digest_of(__file__), "name": "app.jar"},
    "FlinkJarJob": {"name": "j", "queue_name": "q1", "entrypoint": "obs://jars/a.jar", "state": "draft", "tags": TAGS},
}
UNREAD = "tags cannot be read"
WITHOUT_TAG_CALLS = ("UploadedPackage",)  # OBS keeps the owner with the object


def made(stack: Stack, *kinds: str, **changed: Any) -> Stack:
    """The same stack, with these resources in it, driven by the dynamic host from now on."""
    stack.queue()
    stack.emulator.put_object("jars", "a.jar", b"a")
    for kind in kinds:
        inputs = {**RESOURCES[kind], **changed}
        stack.up(kind, kind, **{name: value for name, value in inputs.items() if value is not None})
    hosted = Stack(stack.emulator, hosted=True, project_id=stack.project_id)
    hosted.entries = stack.entries
    return hosted


def unread(stack: Stack) -> list[str]:
    return [text for text in stack.warnings if UNREAD in text]


@pytest.mark.parametrize("status", [401, 403, 405])
@pytest.mark.parametrize("kind", RESOURCES)
def test_without_the_right_to_read_tags_a_resource_is_refreshed_and_destroyed(
    stack: Stack, kind: str, status: int
) -> None:
    hosted = made(stack, kind)
    hosted.emulator.fault("tags.*", status, times=0)
    entry = hosted.entries[kind]
    with hosted.phase() as phase:
        _, _, inputs = phase.read(entry)
        phase.delete(entry, None)
    assert inputs is not None
    assert inputs.get("tags") == RESOURCES[kind].get("tags")
    assert len(unread(hosted)) == (0 if kind in WITHOUT_TAG_CALLS else 1)
    assert all(str(status) in text and "dli::listTagsForResource" in text for text in unread(hosted))
    assert exists(hosted, kind) is False


def exists(stack: Stack, kind: str) -> bool:
    """Whether the resource is still there, for the service."""
    match kind:
        case "Queue":
            rows = stack.call("GET", "/v1.0/{p}/queues?queue_type=all")["queues"]
            return "streams" in [row["queue_name"] for row in rows]
        case "ElasticResourcePool":
            return bool(stack.call("GET", "/v3/{p}/elastic-resource-pools")["elastic_resource_pools"])
        case "PackageGroup":
            return bool(stack.call("GET", "/v2.0/{p}/resources")["groups"])
        case "UploadedPackage":
            return stack.emulator.requests(operation="objects.delete") == []
    return bool(stack.jobs())


@pytest.mark.parametrize("kind", [kind for kind in RESOURCES if kind not in WITHOUT_TAG_CALLS])
def test_a_destroy_needs_no_right_for_tags_where_none_were_declared(stack: Stack, kind: str) -> None:
    hosted = made(stack, kind, tags=None)
    hosted.emulator.fault("tags.*", 403, code="DLI.0003", times=0)
    hosted.destroy(kind)
    (warning,) = unread(hosted)
    assert "DLI.0003" in warning


def test_it_is_said_once_for_a_deployment(stack: Stack) -> None:
    hosted = made(stack, *RESOURCES)
    hosted.emulator.fault("tags.*", 403, times=0)
    with hosted.phase() as phase:
        for kind in reversed(RESOURCES):
            phase.delete(hosted.entries[kind], None)
    assert len(unread(hosted)) == 1


@pytest.mark.parametrize("kind", [kind for kind in RESOURCES if kind not in WITHOUT_TAG_CALLS])
def test_who_may_not_list_all_tags_but_those_of_one_object_sees_them(stack: Stack, kind: str) -> None:
    hosted = made(stack, kind)
    hosted.emulator.fault("tags.filter", 403, times=0)
    stack.up(kind, kind, **{**RESOURCES[kind], "tags": {"team": "b"}})
    stack.entries[kind].outs["tags"] = TAGS
    hosted.refresh(kind)
    assert (unread(hosted), hosted.entries[kind].inputs["tags"]) == ([], {"team": "b"})


def test_another_error_of_a_tag_call_still_ends_a_destroy(stack: Stack) -> None:
    hosted = made(stack, "Queue")
    hosted.emulator.fault("tags.*", 400, code="DLI.0999", times=0)
    with pytest.raises(Exception, match=r"DLI\.0999"):
        hosted.destroy("Queue")
    assert exists(hosted, "Queue")


@pytest.mark.parametrize("status", [401, 403, 405])
def test_a_name_that_is_taken_is_judged_without_tags(stack: Stack, status: int) -> None:
    hosted = made(stack)
    hosted.emulator.fault("tags.*", status, times=0)
    with pytest.raises(Exception, match=r"exists already .* and was not made by this resource"):
        hosted.up("Queue", "r", queue_name="q1", cu_count=16)
    assert len(unread(hosted)) == 1


@pytest.mark.parametrize("id_of", ["queue_id", "resource_id", "name"])
def test_a_queue_is_tagged_by_the_id_of_the_list_and_by_others_where_that_is_not_taken(
    stack: Stack, id_of: str
) -> None:
    stack.emulator.quirk(queue_tag_id=id_of)
    hosted = made(stack, "Queue")
    hosted.up("Queue", "Queue", **{**RESOURCES["Queue"], "tags": {"team": "b"}})
    rows = hosted.call("GET", "/v1.0/{p}/queues?queue_type=general")["queues"]
    row = next(row for row in rows if row["queue_name"] == "streams")
    ids = {"queue_id": str(row["queue_id"]), "resource_id": row["resource_id"], "name": "streams"}
    tags = hosted.call("GET", f"/v3/{{p}}/dli_queue/{ids[id_of]}/tags")["tags"]
    assert {"key": "team", "value": "b"} in tags
    written = [call for call in hosted.requests("tags.create") if call["status"] == 204]
    assert [call["path"].split("/")[-3] for call in written] == [ids[id_of]]
