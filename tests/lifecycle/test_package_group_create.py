"""Package groups come to be: uploaded by kind, waited for by one list call a tick, and never over somebody else's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from dli_world import Resource, World

from pulumi_dli.connection import Token
from pulumi_dli.errors import ConfigError, DliError, OwnershipError
from pulumi_dli.lifecycle.contract import ResourceInitFailed
from pulumi_dli.lifecycle.packages.package_group import PackageGroupLifecycle
from pulumi_dli.packages import Package
from pulumi_dli.specs.values import OWNER_TAG


@pytest.fixture
def world(world: World) -> World:
    for name in ("app.jar", "lib.jar", "udf.py", "words.txt"):
        world.emulator.put_object("code", f"v1/{name}", name.encode())
    return world


@pytest.fixture
def group(world: World) -> Resource:
    return Resource(world, PackageGroupLifecycle())


INPUTS: dict[str, Any] = {"group_name": "shop", "packages": ["obs://code/v1/app.jar"]}
MIXED: dict[str, Any] = {
    "group_name": "shop",
    "packages": [f"obs://code/v1/{name}" for name in ("app.jar", "lib.jar", "udf.py", "words.txt")],
}


def uploads(world: World) -> list[dict[str, Any]]:
    return [row["body"] for row in world.emulator.requests(operation="packages.upload")]


def test_a_group_is_uploaded_in_one_call_a_kind_and_waited_for(world: World, group: Resource) -> None:
    outcome = group.create(MIXED)
    assert outcome.id == "shop"
    assert [(body["kind"], len(body["paths"]), body["group"], body["is_async"]) for body in uploads(world)] == [
        ("jar", 2, "shop", True),
        ("pyFile", 1, "shop", True),
        ("file", 1, "shop", True),
    ]
    status = {row["name"]: (row["kind"], row["status"]) for row in outcome.outs["package_status"]}
    assert status == {
        "app.jar": ("jar", "READY"),
        "lib.jar": ("jar", "READY"),
        "udf.py": ("pyFile", "READY"),
        "words.txt": ("file", "READY"),
    }
    assert world.time.waited > 0
    assert any("packages uploading" in line for line in world.said.progress)
    assert group.drift(MIXED) == []


def test_outputs_record_what_is_ours_and_where_it_came_from(world: World, group: Resource) -> None:
    outs = group.create({**INPUTS, "packages": [{"path": "obs://code/v1/app.jar", "digest": "one"}]}).outs
    assert outs["uploaded"] == [
        {"name": "app.jar", "kind": "jar", "path": "obs://code/v1/app.jar", "digest": "one"},
    ]
    assert outs["superseded"] == outs["unmanaged_packages"] == []
    assert outs["status"] == "READY"
    assert outs["group_owner"] == "local-user"
    assert outs["endpoint"] == world.emulator.url


def test_a_synchronous_upload_needs_no_waiting(world: World, group: Resource) -> None:
    group.create({**INPUTS, "is_async": False})
    assert world.time.waited == 0


@pytest.mark.parametrize("quirks", [{"status_lower_case": True}, {"omit_total": True}, {"v3_unpublished": True}])
def test_a_group_comes_up_and_stays_without_drift_on_every_quirk(
    world: World, group: Resource, quirks: dict[str, bool]
) -> None:
    world.emulator.quirk(**quirks)
    inputs = {**MIXED, "tags": {"team": "orders"}}
    group.create(inputs)
    assert group.drift(inputs) == []


def test_a_failed_package_is_named_and_the_group_keeps_its_id(world: World, group: Resource) -> None:
    world.emulator.behave("upload_failed", match={"name": "lib.jar"}, times=1)
    with pytest.raises(ResourceInitFailed) as caught:
        group.create(MIXED)
    assert caught.value.id == "shop"
    assert "package lib.jar of group shop came to rest in FAILED" in caught.value.reasons[0]
    assert "obs://code/v1/lib.jar" in caught.value.reasons[0]
    group.id, group.outs = caught.value.id, dict(caught.value.outs)
    group.update(MIXED)
    assert [len(body["paths"]) for body in uploads(world)] == [2, 1, 1, 1]
    assert group.drift(MIXED) == []


def test_an_object_that_does_not_exist_is_an_error_that_says_where_to_look(world: World, group: Resource) -> None:
    with pytest.raises(DliError, match=r"missing\.jar.*DLI may read the bucket"):
        group.create({**INPUTS, "is_async": False, "packages": ["obs://code/v1/missing.jar"]})


def test_a_timeout_says_what_is_still_uploading_and_keeps_the_id(world: World, group: Resource) -> None:
    world.emulator.quirk(timings={"upload": 5000})
    with pytest.raises(ResourceInitFailed) as caught:
        group.create(INPUTS, timeout_seconds=300.0)
    assert "UPLOADING" in caught.value.reasons[0]
    assert "app.jar" in caught.value.reasons[0]
    group.id, group.outs = caught.value.id, dict(caught.value.outs)
    world.time.pass_by(5000)
    group.update(INPUTS)
    assert len(uploads(world)) == 1


def test_packages_of_somebody_else_are_neither_overwritten_nor_adopted(world: World, group: Resource) -> None:
    world.session.client.package_groups.upload("shop", ["obs://code/v1/app.jar"], "jar", False)
    with pytest.raises(OwnershipError, match=r"shop holds app\.jar already.*adopt=True.*group_name"):
        group.create(INPUTS)
    assert len(uploads(world)) == 1


def test_other_packages_of_the_group_are_an_output_and_no_drift(world: World, group: Resource) -> None:
    world.session.client.package_groups.upload("shop", ["obs://code/v1/lib.jar"], "jar", False)
    outs = group.create(INPUTS).outs
    assert outs["unmanaged_packages"] == ["lib.jar"]
    assert group.drift(INPUTS) == []
    group.delete()
    left = world.session.client.package_groups.list().group("shop")
    assert left is not None
    assert left.resources == ("lib.jar",)


def test_adopt_uploads_over_what_is_there_and_owns_it(world: World, group: Resource) -> None:
    world.session.client.package_groups.upload("shop", ["obs://code/v1/app.jar"], "jar", False)
    outs = group.create({**INPUTS, "adopt": True}).outs
    assert len(uploads(world)) == 2
    assert world.session.client.tags.list("dli_package_resource", "shop#app.jar") == {OWNER_TAG: outs["owner_tag"]}
    group.delete()
    assert world.session.client.package_groups.list().group("shop") is None


@pytest.mark.parametrize("quirks", [{}, {"v3_unpublished": True}])
def test_an_interrupted_create_goes_on_with_its_own_packages(
    world: World, group: Resource, quirks: dict[str, bool]
) -> None:
    world.emulator.quirk(**quirks)
    group.create(MIXED)  # the state is lost
    again = Resource(world, PackageGroupLifecycle())
    again.create(MIXED)
    assert again.drift(MIXED) == []


def test_another_resource_does_not_take_over_packages_of_the_same_group(world: World, group: Resource) -> None:
    group.create(INPUTS)
    with pytest.raises(OwnershipError):
        Resource(world, PackageGroupLifecycle(), "other").create(INPUTS)
    Resource(world, PackageGroupLifecycle(), "other").create({**INPUTS, "packages": ["obs://code/v1/lib.jar"]})


@pytest.mark.parametrize("effect", ["drop_after", 500, 503])
def test_a_lost_answer_to_an_upload_is_repeated(world: World, group: Resource, effect: str | int) -> None:
    world.emulator.fault("packages.upload", effect)
    group.create(INPUTS)
    assert group.drift(INPUTS) == []


def test_an_upload_that_stays_lost_keeps_the_id_and_is_made_again(world: World, group: Resource) -> None:
    world.emulator.fault("packages.upload", "drop_after", times=20)
    with pytest.raises(ResourceInitFailed) as caught:
        group.create(INPUTS)
    world.emulator.clear_faults()
    group.id, group.outs = caught.value.id, dict(caught.value.outs)
    before = len(uploads(world))
    group.update(INPUTS)
    assert len(uploads(world)) == before + 1
    assert group.drift(INPUTS) == []


def test_refused_tags_do_not_stop_who_asked_for_none(world: World, group: Resource) -> None:
    world.emulator.quirk(tags_rejected=True)
    assert group.create(INPUTS).outs["owner_tag"] == ""
    with pytest.raises(DliError, match="tags are not supported"):
        Resource(world, PackageGroupLifecycle(), "b").create({**INPUTS, "group_name": "b", "tags": {"a": "b"}})


def test_the_group_is_handed_over_to_its_owner(world: World, group: Resource) -> None:
    inputs = {**INPUTS, "owner": "ci-robot"}
    assert group.create(inputs).outs["group_owner"] == "ci-robot"
    assert group.drift(inputs) == []


def test_an_owner_that_does_not_exist_is_named(world: World, group: Resource) -> None:
    world.emulator.quirk(known_users=["somebody"])
    with pytest.raises(ResourceInitFailed, match="ci-robot"):
        group.create({**INPUTS, "owner": "ci-robot"})


def jar(tmp_path: Path, content: bytes) -> tuple[str, str]:
    """A file and the first digits of its digest."""
    path = tmp_path / "app.jar"
    path.write_bytes(content)
    return str(path), hashlib.sha256(content).hexdigest()[:8]


def test_a_local_file_is_uploaded_under_a_name_that_holds_its_digest(
    world: World, group: Resource, tmp_path: Path
) -> None:
    path, digest = jar(tmp_path, b"one")
    inputs = {"group_name": "shop", "bucket": "code", "packages": [Package(path).as_input()]}
    outs = group.create(inputs).outs
    assert [row["name"] for row in outs["package_status"]] == [f"app-{digest}.jar"]
    assert uploads(world)[0]["paths"] == [f"obs://code/packages/app-{digest}.jar"]
    assert outs["uploaded"][0]["object"] == f"obs://code/packages/app-{digest}.jar"
    assert group.drift(inputs) == []


def test_a_local_file_without_a_digest_is_read_when_it_is_needed(world: World, group: Resource, tmp_path: Path) -> None:
    path, digest = jar(tmp_path, b"one")
    inputs = {"group_name": "shop", "bucket": "code", "prefix": "", "packages": [path]}
    group.create(inputs)
    assert uploads(world)[0]["paths"] == [f"obs://code/app-{digest}.jar"]
    assert group.drift(inputs) == []
    assert group.preview_update(inputs).changed is False
    _, newer = jar(tmp_path, b"two")
    assert group.preview_update(inputs).changed is True
    assert world.said.notes == [f"uploads app-{newer}.jar; app-{digest}.jar is kept until the next change"]


def test_a_file_that_changed_since_the_program_ran_is_not_uploaded(
    world: World, group: Resource, tmp_path: Path
) -> None:
    path, _ = jar(tmp_path, b"one")
    inputs = {"group_name": "shop", "bucket": "code", "packages": [Package(path).as_input()]}
    jar(tmp_path, b"other")
    with pytest.raises(DliError, match="changed while the program ran"):
        group.create(inputs)
    assert uploads(world) == []


def test_local_files_need_an_access_key(world: World, tmp_path: Path) -> None:
    path, _ = jar(tmp_path, b"one")
    lifecycle = PackageGroupLifecycle()
    resource = Resource(world, lifecycle)
    inputs = resource.checked({"group_name": "shop", "bucket": "code", "packages": [Package(path).as_input()]})
    session = world.new_process(credentials=Token("a-token"))
    with pytest.raises(ConfigError, match="needs an access key"):
        lifecycle.create(world.call(), session, lifecycle.spec.of(inputs))


def test_an_interrupted_upload_of_a_file_is_known_as_ours_and_goes_with_the_group(
    world: World, group: Resource, tmp_path: Path
) -> None:
    path, _ = jar(tmp_path, b"one")
    inputs = {"group_name": "shop", "bucket": "code", "packages": [Package(path).as_input()]}
    world.emulator.fault("packages.upload", 403, code="DLI.0003", message="denied")
    with pytest.raises(ResourceInitFailed, match="denied"):
        group.create(inputs)
    again = Resource(world, PackageGroupLifecycle())
    outs = again.create(inputs).outs
    assert outs["uploaded"][0]["object"]
    puts = [row["path"] for row in world.emulator.requests(operation="objects.put") if "packages/app-" in row["path"]]
    assert len(puts) == 1
    again.delete()
    assert not world.emulator.service.objects.listed("code", "packages/")
