"""What programs say about packages, and what jobs get of them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dli.packages import Package, package_input, package_reference
from pulumi_dli.specs.fields import check
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec
from pulumi_dli.specs.package_group import PackageGroupSpec
from pulumi_dli.specs.package_names import LONGEST_NAME, addressed, logical


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "app.jar"
    path.write_bytes(b"one")
    return path


DIGEST = hashlib.sha256(b"one").hexdigest()


def test_a_local_file_is_known_by_its_bytes(jar: Path) -> None:
    assert Package(str(jar)).as_input() == {
        "path": str(jar),
        "digest": DIGEST,
        "name": f"app-{DIGEST[:8]}.jar",
    }
    assert package_input(str(jar)) == Package(str(jar)).as_input()
    assert package_input({"path": str(jar), "kind": "file"}) == Package(str(jar), kind="file").as_input()


def test_a_name_of_the_programs_choice_is_content_addressed_as_well(jar: Path) -> None:
    assert Package(str(jar), name="shop.jar").as_input()["name"] == f"shop-{DIGEST[:8]}.jar"


def test_an_object_in_obs_is_passed_on_as_it_is() -> None:
    assert Package("obs://b/app.jar").as_input() == {"path": "obs://b/app.jar"}
    assert package_input({"path": "obs://b/app.jar", "digest": "v1"}) == {"path": "obs://b/app.jar", "digest": "v1"}


def test_a_missing_file_is_one_clean_message(tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"absent\.jar cannot be read: No such file"):
        Package(str(tmp_path / "absent.jar"))


def test_a_wrong_digest_is_noticed(jar: Path) -> None:
    with pytest.raises(pulumi.RunError, match="has the digest"):
        Package(str(jar), digest="0" * 64)


@pytest.mark.parametrize("wanted", ["app.jar", f"app-{DIGEST[:8]}.jar"])
def test_a_job_gets_path_and_digest_by_either_name(jar: Path, wanted: str) -> None:
    reference = package_reference("shop", [Package(str(jar)).as_input()], wanted)
    assert reference == {"path": f"shop/app-{DIGEST[:8]}.jar", "digest": DIGEST}


def test_a_package_without_a_digest_is_a_plain_text() -> None:
    assert package_reference("shop", ["obs://b/x/app.jar", {"path": "obs://b/lib.jar"}], "lib.jar") == "shop/lib.jar"


def test_an_object_with_a_digest_keeps_its_name() -> None:
    packages = [{"path": "obs://b/app.jar", "digest": "v1"}]
    assert package_reference("shop", packages, "app.jar") == {"path": "shop/app.jar", "digest": "v1"}


def test_an_unknown_name_lists_those_there_are(jar: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"group shop has no package other\.jar; it has app\.jar, lib\.jar"):
        package_reference("shop", [Package(str(jar)).as_input(), "obs://b/lib.jar"], "other.jar")


def test_both_resources_take_what_is_handed_to_them(jar: Path) -> None:
    given_packages = [Package(str(jar)).as_input(), "obs://bkt/lib.jar"]
    group, failures = check(PackageGroupSpec, {"group_name": "shop", "packages": given_packages, "bucket": "bkt"})
    assert failures == []
    entrypoint = package_reference("shop", group["packages"], "app.jar")
    job = {"name": "j", "queue_name": "q", "entrypoint": entrypoint, "main_class": "a.B"}
    checked, failures = check(FlinkJarJobSpec, job)
    assert failures == []
    assert checked["entrypoint"] == entrypoint


def test_what_may_never_end_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for endless in ("/dev/zero", str(pipe), str(tmp_path)):
        with pytest.raises(pulumi.RunError, match="not a regular file"):
            Package(endless)


def test_an_object_cannot_get_another_name_in_the_group() -> None:
    packages = [{"path": "obs://bkt/app.jar", "name": "other.jar"}]
    _, failures = check(PackageGroupSpec, {"group_name": "shop", "packages": packages})
    assert [failure.field for failure in failures] == ["packages"]
    assert "keeps its own name" in failures[0].reason


@given(st.from_regex(r"[a-z][a-z0-9_.\-]{0,140}\.(jar|py|tar)", fullmatch=True), st.binary())
def test_addressed_names_are_stable_short_enough_and_tell_the_logical_name(name: str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    stored = addressed(name, digest)
    assert addressed(stored, digest) == stored
    assert len(stored) <= LONGEST_NAME
    assert stored.endswith(name[name.rindex(".") :])
    if len(name) <= LONGEST_NAME - 9:
        assert logical(stored, digest) in (name, logical(name, digest))
