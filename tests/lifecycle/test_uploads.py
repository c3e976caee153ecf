"""Local files on their way to OBS, over a real S3 client: once, in parts when large, with errors one can act on."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from dli_world import World

from pulumi_dli.connection import Connection, Password, Token
from pulumi_dli.errors import AuthError, CancelledError, ConfigError, DliError, UnsentRequestError
from pulumi_dli.lifecycle.uploads import ObsUploads, object_url

OWNER = "owner-of-the-test"


@pytest.fixture
def world(world: World) -> World:
    world.emulator.put_object("code", "readme", b"-")
    return world


def put(world: World, file: Path, key: str = "packages/app.jar", *, owner: str = OWNER, bucket: str = "code") -> bool:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    path = f"obs://{bucket}/{key}"
    uploads = ObsUploads(world.connection)
    return uploads.put(world.call(), file=str(file), digest=digest, path=path, owner=owner)


def stored(world: World, key: str = "packages/app.jar") -> bytes | None:
    objects = world.emulator.service.objects
    row = next((row for row in objects.listed("code", key)), None)
    return objects.read(row) if row else None


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    path = tmp_path / "app.jar"
    path.write_bytes(b"bytes of a jar")
    return path


def test_a_file_arrives_as_it_is_and_says_how_far_it_got(world: World, jar: Path) -> None:
    assert put(world, jar) is True
    assert stored(world) == b"bytes of a jar"
    assert world.said.progress[-1] == "uploading app.jar, 100 %"


def test_an_object_that_is_there_is_not_sent_again_and_stays_its_owners(world: World, jar: Path) -> None:
    put(world, jar)
    before = world.count("objects.put")
    assert put(world, jar) is True
    assert put(world, jar, owner="somebody-else") is False
    assert put(world, jar, owner="") is False
    assert world.count("objects.put") == before


def test_an_object_of_another_size_is_a_torn_one_and_replaced(world: World, jar: Path) -> None:
    world.emulator.put_object("code", "packages/app.jar", b"torn")
    assert put(world, jar) is True
    assert stored(world) == b"bytes of a jar"


def test_a_large_file_travels_in_parts(world: World, tmp_path: Path) -> None:
    large = tmp_path / "large.jar"
    large.write_bytes(b"0123456789abcdef" * (70 * 1024 * 1024 // 16))
    assert put(world, large, "large.jar") is True
    found = stored(world, "large.jar")
    assert found is not None
    assert hashlib.sha256(found).digest() == hashlib.sha256(large.read_bytes()).digest()
    shown = [int(line.rpartition(", ")[2].split()[0]) for line in world.said.progress]
    assert shown == sorted(shown)
    assert len(set(shown)) > 3


def test_a_cancelled_upload_ends_and_leaves_nothing(world: World, jar: Path) -> None:
    call = world.call()
    call.cancelled.set()
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    with pytest.raises(CancelledError):
        ObsUploads(world.connection).put(
            call, file=str(jar), digest=digest, path="obs://code/packages/app.jar", owner=OWNER
        )
    assert stored(world) is None


def test_a_missing_bucket_is_named_with_the_input_that_says_it(world: World, jar: Path) -> None:
    with pytest.raises(DliError, match=r"obs://nowhere/.*no such bucket.*`bucket`"):
        put(world, jar, bucket="nowhere")


def test_a_missing_file_is_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(DliError, match=r"absent\.jar cannot be read"):
        ObsUploads(world.connection).put(
            world.call(), file=str(tmp_path / "absent.jar"), digest="0", path="obs://code/a.jar", owner=""
        )


def test_a_refused_access_key_is_an_error_of_credentials(world: World, jar: Path) -> None:
    world.emulator.fault("objects.*", 403, times=0)
    with pytest.raises(AuthError):
        put(world, jar)


def test_an_address_where_nobody_listens_says_which_setting_to_check(world: World, jar: Path) -> None:
    uploads = ObsUploads(replace(world.connection, obs_endpoint="http://127.0.0.1:1"))
    with pytest.raises(UnsentRequestError, match="dli:obsEndpoint"):
        uploads.put(world.call(), file=str(jar), digest="0", path="obs://code/a.jar", owner="")


@pytest.mark.parametrize("credentials", [Token("a-token"), Password("user", "secret", "domain")])
def test_without_an_access_key_the_ways_out_are_named_and_no_secret_is(
    world: World, jar: Path, credentials: Token | Password
) -> None:
    uploads = ObsUploads(replace(world.connection, credentials=credentials))
    with pytest.raises(ConfigError, match=r"dli:accessKey.*obs:// path") as caught:
        uploads.put(world.call(), file=str(jar), digest="0", path="obs://code/a.jar", owner="")
    assert "secret" not in str(caught.value).replace("secretKey", "")


def test_without_boto3_the_extra_is_named(world: World, jar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"pulumi-dli\[obs\]"):
        put(world, jar)


def test_without_an_address_of_obs_the_setting_is_named(world: World, jar: Path) -> None:
    uploads = ObsUploads(replace(world.connection, obs_endpoint=None))
    with pytest.raises(ConfigError, match="dli:obsEndpoint"):
        uploads.put(world.call(), file=str(jar), digest="0", path="obs://code/a.jar", owner="")


def test_deleting_an_object_twice_is_fine(world: World, jar: Path) -> None:
    put(world, jar)
    for _ in range(2):
        ObsUploads(world.connection).delete("obs://code/packages/app.jar")
    assert stored(world) is None


@pytest.mark.parametrize(
    ("endpoint", "path", "url"),
    [
        ("https://obs.eu-de.otc.t-systems.com", "obs://b/dir/a.jar", "https://b.obs.eu-de.otc.t-systems.com/dir/a.jar"),
        (
            "https://obs.eu-de.otc.t-systems.com",
            "obs://b/a c/d!.jar",
            "https://b.obs.eu-de.otc.t-systems.com/a%20c/d!.jar",
        ),
        ("https://obs.eu-de.otc.t-systems.com", "https://elsewhere/a.jar", "https://elsewhere/a.jar"),
        ("http://127.0.0.1:9000/obs", "obs://b/a.jar", "obs://b/a.jar"),
        (None, "obs://b/a.jar", "obs://b/a.jar"),
    ],
)
def test_dli_is_told_of_objects_by_the_url_it_documents(endpoint: str | None, path: str, url: str) -> None:
    connection = Connection(endpoint="https://dli.example.org", credentials=Token("t"), obs_endpoint=endpoint)
    assert object_url(connection, path) == url
