"""The object endpoint, as boto3 sees it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from pulumi_dli.emulator.core.settings import Credentials
from pulumi_dli.emulator.testing import Emulator


@pytest.fixture
def s3(emulator: Emulator) -> Iterator[Any]:
    client = client_of(emulator.objects_url)
    client.create_bucket(Bucket="jars")
    yield client
    client.close()


def client_of(url: str, access: str = "AK") -> Any:
    logging.getLogger("botocore").setLevel(logging.WARNING)
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return boto3.client(
        "s3", endpoint_url=url, aws_access_key_id=access, aws_secret_access_key="SK", region_name="eu-de", config=config
    )


def test_an_object_comes_back_as_it_was_put(s3: Any) -> None:
    s3.put_object(
        Bucket="jars", Key="a dir/app+1.jar", Body=b"bytes", ContentType="application/java-archive", Metadata={"k": "v"}
    )
    head = s3.head_object(Bucket="jars", Key="a dir/app+1.jar")
    assert (head["ContentLength"], head["Metadata"], head["ContentType"]) == (5, {"k": "v"}, "application/java-archive")
    assert s3.get_object(Bucket="jars", Key="a dir/app+1.jar")["Body"].read() == b"bytes"
    assert s3.get_object(Bucket="jars", Key="a dir/app+1.jar", Range="bytes=1-2")["Body"].read() == b"yt"


def test_buckets_are_listed_looked_at_and_deleted_when_empty(s3: Any) -> None:
    s3.put_object(Bucket="jars", Key="a", Body=b"")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["jars"]
    s3.head_bucket(Bucket="jars")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        s3.delete_bucket(Bucket="jars")
    s3.delete_object(Bucket="jars", Key="a")
    s3.delete_bucket(Bucket="jars")
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket="jars")


def test_what_is_missing_is_a_404(s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="jars", Key="none")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put_object(Bucket="none", Key="a", Body=b"")


def test_large_files_go_up_in_parts(s3: Any) -> None:
    content = bytes(range(256)) * 4 * 1024 * 12  # 12 MiB in parts of 5
    s3.upload_fileobj(
        io.BytesIO(content),
        "jars",
        "big.jar",
        Config=TransferConfig(multipart_threshold=1, multipart_chunksize=5 * 2**20),
    )
    assert s3.get_object(Bucket="jars", Key="big.jar")["Body"].read() == content
    assert s3.head_object(Bucket="jars", Key="big.jar")["ETag"].endswith('-3"')


def test_a_multipart_upload_goes_on_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "d.sqlite"
    with Emulator(data=data) as emulator:
        s3 = client_of(emulator.objects_url)
        s3.create_bucket(Bucket="jars")
        upload = s3.create_multipart_upload(Bucket="jars", Key="x")["UploadId"]
        part = s3.upload_part(Bucket="jars", Key="x", UploadId=upload, PartNumber=1, Body=b"bytes")
        s3.close()
    with Emulator(data=data) as emulator:
        s3 = client_of(emulator.objects_url)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(Bucket="jars", Key="x", UploadId=upload, MultipartUpload=parts)
        assert s3.get_object(Bucket="jars", Key="x")["Body"].read() == b"bytes"
        s3.close()


def test_a_multipart_upload_can_be_given_up_and_refuses_parts_that_never_came(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="jars", Key="x")["UploadId"]
    etag = s3.upload_part(Bucket="jars", Key="x", UploadId=upload, PartNumber=1, Body=b"1")["ETag"]
    wrong = {"Parts": [{"PartNumber": 1, "ETag": etag}, {"PartNumber": 2, "ETag": etag}]}
    with pytest.raises(ClientError, match="InvalidPart"):
        s3.complete_multipart_upload(Bucket="jars", Key="x", UploadId=upload, MultipartUpload=wrong)
    assert s3.list_parts(Bucket="jars", Key="x", UploadId=upload)["Parts"][0]["PartNumber"] == 1
    s3.abort_multipart_upload(Bucket="jars", Key="x", UploadId=upload)
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.list_parts(Bucket="jars", Key="x", UploadId=upload)


def test_lists_go_by_prefix_folder_and_page(s3: Any) -> None:
    for key in ("a/1", "a/2", "a/b/3", "c"):
        s3.put_object(Bucket="jars", Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="jars", PaginationConfig={"PageSize": 1})
    assert [row["Key"] for page in pages for row in page["Contents"]] == ["a/1", "a/2", "a/b/3", "c"]
    listed = s3.list_objects_v2(Bucket="jars", Prefix="a/", Delimiter="/")
    assert [row["Key"] for row in listed["Contents"]] == ["a/1", "a/2"]
    assert [row["Prefix"] for row in listed["CommonPrefixes"]] == ["a/b/"]
    s3.delete_objects(Bucket="jars", Delete={"Objects": [{"Key": "a/1"}, {"Key": "c"}]})
    assert s3.list_objects_v2(Bucket="jars")["KeyCount"] == 2


def test_an_object_can_be_copied(s3: Any) -> None:
    s3.put_object(Bucket="jars", Key="a", Body=b"x")
    s3.copy_object(Bucket="jars", Key="b", CopySource={"Bucket": "jars", "Key": "a"})
    assert s3.get_object(Bucket="jars", Key="b")["Body"].read() == b"x"


def test_a_checksum_that_does_not_match_is_refused(s3: Any) -> None:
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket="jars", Key="a", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")


@pytest.mark.parametrize("piece", [1, 7, 10_000], ids=["byte by byte", "in pieces", "at once"])
def test_framed_bodies_lose_their_frames(emulator: Emulator, piece: int) -> None:
    body = b"3;chunk-signature=f\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n"
    emulator.put_object("jars", "other")
    pieces = (body[start : start + piece] for start in range(0, len(body), piece))
    url, headers = f"{emulator.objects_url}/jars/framed", {"Content-Encoding": "aws-chunked"}
    assert requests.put(url, data=pieces, headers=headers, timeout=10).status_code == 200
    assert requests.get(url, timeout=10).content == b"abcde"


@pytest.mark.parametrize(
    "body", [b"3\r\nabc\r\n", b"zz\r\nabc", b"-1\r\n", b"x" * 5000], ids=["cut", "words", "negative", "long"]
)
def test_a_body_with_broken_frames_is_refused_and_nothing_is_kept(emulator: Emulator, body: bytes) -> None:
    emulator.put_object("jars", "other")
    url, headers = f"{emulator.objects_url}/jars/framed", {"Content-Encoding": "aws-chunked"}
    assert requests.put(url, data=body, headers=headers, timeout=10).status_code == 400
    assert requests.get(url, timeout=10).status_code == 404


def test_with_credentials_the_access_key_must_be_known() -> None:
    with Emulator(credentials=Credentials(access_key="AK", secret_key="SK")) as emulator:
        known, other = client_of(emulator.objects_url), client_of(emulator.objects_url, "other")
        known.create_bucket(Bucket="jars")
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            other.list_objects_v2(Bucket="jars")
        known.close()
        other.close()
