"""Files that a runtime writes beside the objects (Flink's savepoints and checkpoints) are objects over HTTP as well."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from pulumi_dli.emulator.objects.records import Location, locate_folder
from pulumi_dli.emulator.testing import Emulator

CHECKPOINT = "jobs/checkpoint/1/abc/chk-7/_metadata"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(speed=0) as emulator:
        file = tmp_path / "state" / CHECKPOINT
        file.parent.mkdir(parents=True)
        file.write_bytes(b"state")
        emulator.service.objects.beside = tmp_path
        yield emulator


@pytest.fixture
def obs(emulator: Emulator) -> Any:
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="local")
    return session.client("s3", endpoint_url=emulator.objects_url)


def test_they_are_listed_read_and_deleted_like_objects(emulator: Emulator, obs: Any, tmp_path: Path) -> None:
    obs.put_object(Bucket="state", Key="jobs/note", Body=b"-")
    listed = obs.list_objects_v2(Bucket="state", Prefix="jobs/")["Contents"]
    assert [row["Key"] for row in listed] == [CHECKPOINT, "jobs/note"]
    assert obs.get_object(Bucket="state", Key=CHECKPOINT)["Body"].read() == b"state"
    obs.copy_object(Bucket="state", Key="kept", CopySource={"Bucket": "state", "Key": CHECKPOINT})
    obs.delete_object(Bucket="state", Key=CHECKPOINT)
    assert not (tmp_path / "state" / CHECKPOINT).exists()
    assert obs.get_object(Bucket="state", Key="kept")["Body"].read() == b"state"


@pytest.mark.parametrize("prefix", ["jobs/checkpoint/1/abc/chk-7/_meta", "jobs/checkpoint/1", "", "jobs/check"])
def test_any_prefix_finds_them(emulator: Emulator, obs: Any, prefix: str) -> None:
    assert [row["Key"] for row in obs.list_objects_v2(Bucket="state", Prefix=prefix)["Contents"]] == [CHECKPOINT]


@pytest.mark.parametrize("prefix", ["../", "jobs/../../", "/", "job/"])
def test_no_prefix_leads_out_of_the_bucket(emulator: Emulator, obs: Any, prefix: str) -> None:
    assert "Contents" not in obs.list_objects_v2(Bucket="state", Prefix=prefix)


def test_no_key_leads_out_of_the_bucket(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    for key in ("../secret", "a/../../secret", "jobs//x", "/etc/passwd"):
        assert emulator.service.objects.find(Location("state", key)) is None


def test_an_uploaded_savepoint_is_laid_out_for_the_runtime(emulator: Emulator, obs: Any, tmp_path: Path) -> None:
    for name in ("_metadata", "data-1"):
        obs.put_object(Bucket="state", Key=f"from-elsewhere/savepoint-1/{name}", Body=name.encode())
    emulator.service.objects.lay_out(locate_folder("obs://state/from-elsewhere/savepoint-1"))
    folder = tmp_path / "state" / "from-elsewhere" / "savepoint-1"
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"_metadata": "_metadata", "data-1": "data-1"}
    shutil.rmtree(folder)
