"""A package group changes: new versions join, old ones wait for their jobs, and only our own ever go."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from dli_world import PROJECT, Resource, World

from pulumi_dli.errors import ConfigError, DliError, OwnershipError
from pulumi_dli.lifecycle.contract import DiffResult, ResourceInitFailed
from pulumi_dli.lifecycle.packages.package_group import PackageGroupLifecycle
from pulumi_dli.packages import Package
from pulumi_dli.specs.values import OWNER_TAG


@pytest.fixture
def world(world: World) -> World:
    for name in ("app.jar", "lib.jar", "udf.py"):
        world.emulator.put_object("code", f"v1/{name}", name.encode())
        world.emulator.put_object("code", f"v2/{name}", b"newer " + name.encode())
    return world


@pytest.fixture
def group(world: World) -> Resource:
    return Resource(world, PackageGroupLifecycle())


def desired(*paths: str | dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"group_name": "shop", "packages": list(paths), **more}


APP, LIB, UDF = (f"obs://code/v1/{name}" for name in ("app.jar", "lib.jar", "udf.py"))


def uploads(world: World) -> list[list[str]]:
    return [row["body"]["paths"] for row in world.emulator.requests(operation="packages.upload")]


def in_group(world: World) -> list[str]:
    found = world.session.client.package_groups.list().group("shop")
    return sorted(found.resources) if found else []


def version(tmp_path: Path, content: bytes) -> dict[str, Any]:
    """A group of one local jar with these bytes."""
    (tmp_path / "app.jar").write_bytes(content)
    return desired(Package(str(tmp_path / "app.jar")).as_input(), bucket="code")


def name_of(content: bytes) -> str:
    return f"app-{hashlib.sha256(content).hexdigest()[:8]}.jar"


def test_an_added_package_is_the_only_one_uploaded(world: World, group: Resource) -> None:
    group.create(desired(APP))
    assert group.preview_update(desired(APP, LIB)) == DiffResult(None)
    assert world.said.notes == ["uploads lib.jar"]
    group.update(desired(APP, LIB))
    assert uploads(world) == [[APP], [LIB]]
    assert group.drift(desired(APP, LIB)) == []


def test_an_update_with_equal_inputs_is_one_look(world: World, group: Resource) -> None:
    group.create(desired(APP, LIB))
    since = len(world.emulator.requests())
    group.update(desired(APP, LIB))
    assert [row["operation"] for row in world.emulator.requests()[since:]] == ["packages.list"]
    assert group.preview_update(desired(APP, LIB)) == DiffResult(False)
    assert world.said.notes == []


def test_new_bytes_under_the_same_name_are_uploaded_again(world: World, group: Resource) -> None:
    group.create(desired({"path": APP, "digest": "one"}))
    assert group.preview_update(desired({"path": APP, "digest": "two"})) == DiffResult(None)
    assert world.said.notes == ["uploads app.jar"]
    group.update(desired({"path": APP, "digest": "two"}))
    assert uploads(world) == [[APP], [APP]]


def test_the_same_name_from_another_folder_is_uploaded_again(world: World, group: Resource) -> None:
    group.create(desired(APP))
    group.update(desired("obs://code/v2/app.jar"))
    assert uploads(world) == [[APP], ["obs://code/v2/app.jar"]]
    assert in_group(world) == ["app.jar"]


def test_a_new_version_never_takes_the_old_ones_bytes_away(world: World, group: Resource, tmp_path: Path) -> None:
    group.create(version(tmp_path, b"one"))
    two = version(tmp_path, b"two")
    assert group.preview_update(two) == DiffResult(None)
    assert world.said.notes == [f"uploads {name_of(b'two')}; {name_of(b'one')} is kept until the next change"]
    outs = group.update(two)
    assert in_group(world) == sorted([name_of(b"one"), name_of(b"two")])
    assert [row["name"] for row in outs["superseded"]] == [name_of(b"one")]
    assert [row["name"] for row in outs["uploaded"]] == [name_of(b"two")]
    assert world.count("packages.delete") == 0
    assert group.drift(two) == []


def test_superseded_versions_go_with_the_next_change_and_their_objects_with_them(
    world: World, group: Resource, tmp_path: Path
) -> None:
    for content in (b"one", b"two", b"three"):
        inputs = version(tmp_path, content)
        group.update(inputs) if group.id else group.create(inputs)
    assert in_group(world) == sorted([name_of(b"two"), name_of(b"three")])
    keys = [row.key for row in world.emulator.service.objects.listed("code", "packages/")]
    assert keys == sorted(f"packages/{name_of(content)}" for content in (b"two", b"three"))
    assert [row["name"] for row in group.outs["superseded"]] == [name_of(b"two")]


def test_a_superseded_version_stays_as_long_as_any_job_names_it(world: World, group: Resource, tmp_path: Path) -> None:
    group.create(version(tmp_path, b"one"))
    world.session.client.queues.create({"queue_name": "q", "cu_count": 16, "queue_type": "general"})
    jobs = world.session.client.flink_jobs
    job = jobs.create_jar({"name": "draft", "queue_name": "q", "entrypoint": f"shop/{name_of(b'one')}"})
    group.update(version(tmp_path, b"two"))
    group.update(version(tmp_path, b"three"))
    assert name_of(b"one") in in_group(world)
    jobs.delete(job)
    group.update(version(tmp_path, b"four"))
    assert in_group(world) == sorted([name_of(b"three"), name_of(b"four")])


def test_going_back_to_a_superseded_version_uploads_nothing(world: World, group: Resource, tmp_path: Path) -> None:
    group.create(version(tmp_path, b"one"))
    group.update(version(tmp_path, b"two"))
    back = version(tmp_path, b"one")
    outs = group.update(back)
    assert len(uploads(world)) == 2
    assert [row["name"] for row in outs["superseded"]] == [name_of(b"two")]
    assert group.drift(back) == []


def test_a_package_that_is_no_longer_declared_is_kept_first(world: World, group: Resource) -> None:
    group.create(desired(APP, LIB))
    outs = group.update(desired(APP))
    assert [row["name"] for row in outs["superseded"]] == ["lib.jar"]
    assert in_group(world) == ["app.jar", "lib.jar"]
    assert outs["unmanaged_packages"] == []
    group.update(desired(APP, UDF))
    assert in_group(world) == ["app.jar", "udf.py"]


def test_a_superseded_package_that_cannot_be_removed_only_warns(world: World, group: Resource) -> None:
    group.create(desired(APP, LIB))
    group.update(desired(APP))
    world.emulator.fault("packages.delete", 400, code="DLI.0007", message="busy")
    outs = group.update(desired(APP, UDF))
    assert "busy" in world.said.warnings[0]
    assert [row["name"] for row in outs["superseded"]] == ["lib.jar"]


def test_a_new_name_that_somebody_else_holds_fails_before_anything_is_written(world: World, group: Resource) -> None:
    group.create(desired(APP))
    world.session.client.package_groups.upload("shop", [LIB], "jar", False)
    before = len(uploads(world))
    with pytest.raises(OwnershipError, match=r"lib\.jar"):
        group.update(desired(APP, LIB, UDF))
    assert len(uploads(world)) == before


def test_a_failed_upload_of_an_update_names_the_package_and_keeps_the_rest(world: World, group: Resource) -> None:
    group.create(desired(APP))
    world.emulator.behave("upload_failed", match={"name": "lib.jar"}, times=1)
    with pytest.raises(ResourceInitFailed, match=r"lib\.jar of group shop came to rest in FAILED") as caught:
        group.update(desired(APP, LIB))
    group.outs = dict(caught.value.outs)
    assert [one["path"] for one in group.outs["packages"]] == [APP]
    assert group.refresh()
    assert group.unhealthy[0].startswith("package shop/lib.jar is FAILED")
    group.update(desired(APP, LIB))
    assert group.drift(desired(APP, LIB)) == []


def test_a_change_of_the_kind_is_uploaded_anew(world: World, group: Resource) -> None:
    group.create(desired(APP))
    group.update(desired({"path": APP, "kind": "file"}))
    assert [row["kind"] for row in group.outs["package_status"]] == ["file"]


def test_only_the_tags_that_differ_change_on_each_package(world: World, group: Resource) -> None:
    group.create(desired(APP, LIB, tags={"team": "orders", "stage": "dev"}))
    tags = world.session.client.tags
    tags.create("dli_package_resource", "shop#app.jar", {"by": "hand"})
    group.update(desired(APP, LIB, UDF, tags={"team": "orders", "stage": "prod"}))
    owner = {OWNER_TAG: group.outs["owner_tag"]}
    managed = {"team": "orders", "stage": "prod", **owner}
    assert tags.list("dli_package_resource", "shop#app.jar") == {**managed, "by": "hand"}
    assert tags.list("dli_package_resource", "shop#udf.py") == managed
    assert group.drift(desired(APP, LIB, UDF, tags={"team": "orders", "stage": "prod"})) == []
    tags.delete("dli_package_resource", "shop#lib.jar", {"stage": "prod"})
    assert group.drift(desired(APP, LIB, UDF, tags={"team": "orders", "stage": "prod"})) == ["tags"]


def test_without_tag_calls_a_change_of_tags_only_warns(world: World, group: Resource) -> None:
    group.create(desired(APP))
    world.emulator.quirk(v3_unpublished=True)
    group.update(desired(APP, tags={"team": "orders"}))
    assert "no tag calls" in world.said.warnings[0]
    group.update(desired(APP, LIB, tags={"team": "orders"}))
    assert world.said.warnings == []


def test_a_new_owner_is_set_and_given_to_packages_that_join_later(world: World, group: Resource) -> None:
    group.create(desired(APP, owner="first-user"))
    group.update(desired(APP, LIB, owner="second-user"))
    found = world.session.client.package_groups.get_package("lib.jar", "shop")
    assert found.owner == "second-user"
    assert group.drift(desired(APP, LIB, owner="second-user")) == []
    world.session.client.package_groups.set_owner("stranger", group="shop")
    assert group.drift(desired(APP, LIB, owner="second-user")) == ["owner"]


def test_a_renamed_group_is_a_new_group(world: World, group: Resource) -> None:
    group.create(desired(APP))
    assert group.preview_update({**desired(APP), "group_name": "other"}) == DiffResult(None, ("group_name",))


def test_unknown_packages_foresee_a_change_without_a_line(world: World, group: Resource) -> None:
    group.create(desired(APP))
    assert group.preview_update(desired(APP), unknown=("packages",)) == DiffResult(None)
    assert world.said.notes == []


def test_a_package_deleted_by_hand_is_drift_and_comes_back(world: World, group: Resource) -> None:
    group.create(desired(APP, LIB))
    world.emulator.act("package.delete", project_id=PROJECT, group="shop", name="lib.jar")
    assert group.drift(desired(APP, LIB)) == ["packages"]
    assert [one["path"] for one in group.outs["packages"]] == [APP]
    assert group.preview_update(desired(APP, LIB)) == DiffResult(None)
    assert world.said.notes == ["uploads lib.jar"]
    group.update(desired(APP, LIB))
    assert group.drift(desired(APP, LIB)) == []


@pytest.mark.parametrize("keep_empty", [False, True])
def test_a_group_whose_packages_are_all_gone_is_gone_or_empty(
    world: World, group: Resource, *, keep_empty: bool
) -> None:
    world.emulator.quirk(keep_empty_group=keep_empty)
    group.create(desired(APP))
    world.emulator.act("package.delete", project_id=PROJECT, group="shop", name="app.jar")
    assert group.refresh() is keep_empty
    if keep_empty:
        assert group.outs["packages"] == []
        group.update(desired(APP))
        assert group.drift(desired(APP)) == []


def test_a_list_that_cannot_be_read_is_not_gone(world: World, group: Resource) -> None:
    group.create(desired(APP))
    for effect in (403, "gateway_404"):
        world.emulator.fault("packages.list", effect)
        with pytest.raises(DliError):
            group.refresh()


def test_many_groups_are_refreshed_with_one_list_call(world: World) -> None:
    lifecycle, outs = PackageGroupLifecycle(), {}
    for number in range(4):
        one = Resource(world, lifecycle, f"g{number}")
        one.create({"group_name": f"g{number}", "packages": [APP]})
        outs[one.id] = one.outs
    session, before = world.new_process(), world.count("packages.list")
    for name, olds in outs.items():
        assert lifecycle.read(world.call(), session, name, olds) is not None
    assert world.count("packages.list") == before + 1


def test_delete_removes_our_packages_one_by_one_and_twice_is_fine(
    world: World, group: Resource, tmp_path: Path
) -> None:
    group.create(version(tmp_path, b"one"))
    group.update(version(tmp_path, b"two"))
    group.delete()
    assert in_group(world) == []
    assert not world.emulator.service.objects.listed("code", "packages/")
    group.delete()


def test_an_object_that_a_job_names_outlives_its_package(world: World, group: Resource, tmp_path: Path) -> None:
    group.create(version(tmp_path, b"one"))
    world.session.client.queues.create({"queue_name": "q", "cu_count": 16, "queue_type": "general"})
    path = f"obs://code/packages/{name_of(b'one')}"
    world.session.client.flink_jobs.create_jar({"name": "draft", "queue_name": "q", "entrypoint": path})
    group.delete()
    assert in_group(world) == []
    assert len(world.emulator.service.objects.listed("code", "packages/")) == 1


def test_an_object_that_was_there_before_is_not_ours_to_delete(world: World, group: Resource, tmp_path: Path) -> None:
    world.emulator.put_object("code", f"packages/{name_of(b'one')}", b"one")
    outs = group.create(version(tmp_path, b"one")).outs
    assert "object" not in outs["uploaded"][0]
    group.delete()
    assert len(world.emulator.service.objects.listed("code", "packages/")) == 1


def test_packages_that_another_resource_holds_now_are_only_forgotten(world: World, group: Resource) -> None:
    group.create(desired(APP))
    again = Resource(world, PackageGroupLifecycle())
    again.create(desired(APP))  # takes its own earlier attempt over, under a renewed tag
    group.delete()
    assert "left alone" in world.said.warnings[0]
    assert in_group(world) == ["app.jar"]
    again.delete()
    assert in_group(world) == []


def test_a_delete_spares_what_this_very_deployment_has_uploaded(world: World, group: Resource) -> None:
    group.create(desired(APP))
    lifecycle, session = PackageGroupLifecycle(), world.new_process()
    lifecycle.create(world.call(), session, lifecycle.spec.of(group.checked(desired(APP))))
    lifecycle.delete(world.call(), session, group.id, group.outs)
    assert "left alone" in world.said.warnings[0]
    assert in_group(world) == ["app.jar"]


def test_a_group_is_never_looked_for_in_another_project(world: World, group: Resource) -> None:
    group.create(desired(APP))
    session = world.new_process(project_id="0123456789abcdef")
    with pytest.raises(ConfigError, match="0123456789abcdef"):
        group.lifecycle.read(world.call(), session, group.id, group.outs)
    with pytest.raises(ConfigError):
        group.lifecycle.delete(world.call(), session, group.id, group.outs)


def test_a_group_found_by_its_name_alone_is_ours_from_then_on(world: World, group: Resource) -> None:
    Resource(world, PackageGroupLifecycle(), "lost").create(desired(APP, {"path": UDF, "kind": "file"}))
    group.id = "shop"
    assert group.refresh()
    packages = group.outs["packages"]
    assert packages == [
        {"path": "obs://unknown/app.jar"},
        {"path": "obs://unknown/udf.py", "kind": "file"},
    ]
    assert group.drift({"group_name": "shop", "packages": packages}) == []
    group.delete()
    assert in_group(world) == []
