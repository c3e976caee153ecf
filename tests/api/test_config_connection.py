"""A connection from stack config and environment."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

import pulumi_dli.config as config_module
from pulumi_dli.config import resolve_connection, unknown_settings
from pulumi_dli.connection import AccessKey, Connection, Password, Token
from pulumi_dli.errors import ConfigError

KEYS = {"dli:accessKey": "ak", "dli:secretKey": "CANARY-SK"}
BASE = {**KEYS, "dli:region": "eu-de", "dli:projectId": "p1"}
OS_USER = {
    "OS_USERNAME": "u",
    "OS_PASSWORD": "CANARY-PW",
    "OS_USER_DOMAIN_NAME": "OTC000",
    "OS_AUTH_URL": "https://iam.example/v3",
}


def resolve(config=None, **environ) -> Connection:
    return resolve_connection((config or {}).get, environ)


@pytest.mark.parametrize(
    ("region", "endpoint", "iam", "obs"),
    [
        ("eu-de", "https://dli.eu-de.otc.t-systems.com", "https://iam.eu-de.otc.t-systems.com/v3",
         "https://obs.eu-de.otc.t-systems.com"),
        ("eu-nl", "https://dli.eu-nl.otc.t-systems.com", "https://iam.eu-nl.otc.t-systems.com/v3",
         "https://obs.eu-nl.otc.t-systems.com"),
        ("eu-ch2", "https://dli.eu-ch2.sc.otc.t-systems.com", "https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3",
         "https://obs.eu-ch2.sc.otc.t-systems.com"),
        ("cn-north-4", "https://dli.cn-north-4.myhuaweicloud.com", "https://iam.cn-north-4.myhuaweicloud.com/v3",
         "https://obs.cn-north-4.myhuaweicloud.com"),
        ("eu-west-101", "https://dli.eu-west-101.myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu/v3",
         "https://obs.eu-west-101.myhuaweicloud.eu"),
    ],
)  # fmt: skip
def test_addresses_follow_from_the_region(region, endpoint, iam, obs):
    connection = resolve({**BASE, "dli:region": region})
    assert (connection.endpoint, connection.iam_endpoint, connection.obs_endpoint) == (endpoint, iam, obs)


def test_stack_config_alone_is_enough():
    connection = resolve({**BASE, "dli:securityToken": "CANARY-ST"})
    assert connection == Connection(
        endpoint="https://dli.eu-de.otc.t-systems.com",
        credentials=AccessKey("ak", "CANARY-SK", "CANARY-ST"),
        project_id="p1",
        region="eu-de",
        iam_endpoint="https://iam.eu-de.otc.t-systems.com/v3",
        obs_endpoint="https://obs.eu-de.otc.t-systems.com",
    )
    assert "CANARY" not in repr(connection)
    assert hash(connection) == hash(dataclasses.replace(connection))


@pytest.mark.parametrize(
    ("environ", "credentials"),
    [
        ({"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s", "OS_SECURITY_TOKEN": "t"}, AccessKey("a", "s", "t")),
        ({"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}, AccessKey("a", "s")),
        ({"OS_TOKEN": "t"}, Token("t")),
        ({"OS_AUTH_TOKEN": "t"}, Token("t")),
        (OS_USER, Password("u", "CANARY-PW", "OTC000", "eu-de")),
        ({**OS_USER, "OS_PROJECT_NAME": "eu-de_x"}, Password("u", "CANARY-PW", "OTC000", "eu-de_x")),
        ({"HW_USER_NAME": "u", "HW_USER_PASSWORD": "p", "HW_DOMAIN_NAME": "d"}, Password("u", "p", "d", "eu-de")),
        ({"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s\n", "OS_USERNAME": "leftover"}, AccessKey("a", "s")),
        ({"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s", "HW_ACCESS_KEY": "b", "HW_SECRET_KEY": "t"}, AccessKey("a", "s")),
    ],
)
def test_credentials_are_taken_from_the_environment(environ, credentials):
    connection = resolve(OS_REGION_NAME="eu-de", OS_PROJECT_ID="p", **environ)
    assert connection.credentials == credentials


def test_the_huawei_names_alone_are_enough():
    connection = resolve(HW_REGION_NAME="cn-north-4", HW_PROJECT_ID="p", HW_ACCESS_KEY="a", HW_SECRET_KEY="s")
    assert (connection.region, connection.project_id) == ("cn-north-4", "p")


def test_stack_config_goes_before_the_environment():
    connection = resolve(
        BASE, OS_REGION_NAME="eu-nl", OS_PROJECT_ID="p2", OS_TOKEN="t", DLI_ENDPOINT="https://x.example"
    )
    assert (connection.region, connection.project_id, connection.endpoint) == ("eu-de", "p1", "https://x.example")
    assert isinstance(connection.credentials, AccessKey)


@pytest.mark.parametrize(
    ("config", "environ", "named"),
    [
        ({"dli:accessKey": "a"}, {"OS_SECRET_KEY": "CANARY", "HW_SECRET_KEY": "CANARY"}, "dli:secretKey"),
        ({"dli:secretKey": "CANARY"}, {"OS_ACCESS_KEY": "a"}, "dli:accessKey"),
        ({}, {"OS_ACCESS_KEY": "a", "HW_SECRET_KEY": "CANARY"}, "OS_SECRET_KEY"),
        ({"dli:userName": "u"}, {"OS_PASSWORD": "CANARY", "OS_USER_DOMAIN_NAME": "d"}, "dli:password"),
        ({}, {"OS_USERNAME": "u", "OS_PASSWORD": "CANARY"}, "OS_USER_DOMAIN_NAME"),
        ({"dli:accessKey": "a"}, {"OS_TOKEN": "CANARY"}, "dli:secretKey"),
    ],
)
def test_halves_of_a_credential_never_meet(config, environ, named):
    with pytest.raises(ConfigError, match="Half a credential") as raised:
        resolve({"dli:region": "eu-de", "dli:projectId": "p", **config}, **environ)
    assert named in str(raised.value)
    assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("dli:region", ["pulumi config set dli:region", "OS_REGION_NAME", "HW_REGION_NAME", "dli:endpoint"]),
        ("dli:projectId", ["pulumi config set dli:projectId", "OS_PROJECT_ID", "HW_PROJECT_ID"]),
        ("dli:secretKey", ["pulumi config set --secret dli:secretKey", "OS_SECRET_KEY", "HW_SECRET_KEY"]),
    ],
)
def test_a_missing_setting_is_named_with_every_place_it_can_be_put(missing, named):
    with pytest.raises(ConfigError) as raised:
        resolve({key: value for key, value in BASE.items() if key != missing})
    assert [place for place in named if place not in str(raised.value)] == []


def test_missing_credentials_name_all_ways():
    with pytest.raises(ConfigError) as raised:
        resolve({"dli:region": "eu-de", "dli:projectId": "p"})
    for way in ("--secret dli:secretKey", "OS_ACCESS_KEY", "HW_SECRET_KEY", "OS_PASSWORD", "OS_TOKEN", "OS_CLOUD"):
        assert way in str(raised.value)


def test_a_password_needs_no_project_id():
    connection = resolve({"dli:region": "eu-de"}, **OS_USER)
    assert connection.project_id is None
    assert connection.iam_endpoint == "https://iam.example/v3"


def test_the_region_is_read_from_the_projects_name_when_it_is_not_set():
    connection = resolve(**OS_USER, OS_PROJECT_NAME="eu-de_orders")
    assert (connection.region, connection.endpoint) == ("eu-de", "https://dli.eu-de.otc.t-systems.com")


def test_a_password_goes_only_to_the_iam_beside_it_or_to_the_regions_own():
    user = {"dli:userName": "u", "dli:password": "p", "dli:domainName": "d", "dli:region": "eu-de"}
    assert (
        resolve(user, OS_AUTH_URL="https://other.example/v3").iam_endpoint == "https://iam.eu-de.otc.t-systems.com/v3"
    )
    assert resolve({**user, "dli:authUrl": "https://mine.example"}).iam_endpoint == "https://mine.example/v3"


def test_a_local_service_needs_no_region_and_is_its_own_iam_and_storage():
    connection = resolve({**KEYS, "dli:projectId": "p", "dli:endpoint": "http://127.0.0.1:8080/"})
    assert connection.endpoint == "http://127.0.0.1:8080"
    assert (connection.iam_endpoint, connection.obs_endpoint) == (
        "http://127.0.0.1:8080/v3",
        "http://127.0.0.1:8080/obs",
    )
    assert connection.region is None
    assert connection.is_loopback


def test_a_remote_endpoint_with_a_password_and_no_region_needs_an_iam_address():
    user = {"dli:userName": "u", "dli:password": "p", "dli:domainName": "d", "dli:projectId": "p"}
    with pytest.raises(ConfigError, match="dli:authUrl"):
        resolve({**user, "dli:endpoint": "https://dli.example"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("region", "eu-de.evil.example/"), ("region", "EU"), ("projectId", "a/b"), ("projectId", "my project"),
        ("endpoint", "ftp://dli.example"), ("endpoint", "http://dli.example"), ("endpoint", "https://u:p@dli.example"),
        ("endpoint", "https://dli.example?x=1"), ("endpoint", "https://:0"), ("endpoint", "https://h:port"),
        ("caBundle", "/does/not/exist.pem"), ("insecure", "maybe"), ("connectTimeout", "0"), ("readTimeout", "soon"),
        ("pollSeconds", -1), ("pollSeconds", "nan"), ("maxConcurrency", "1.5"), ("maxConcurrency", 0),
        ("secretKey", "two\nlines"), ("region", ["eu-de"]),
    ],
)  # fmt: skip
def test_a_malformed_setting_is_named(key, value):
    with pytest.raises(ConfigError, match=f"dli:{key}"):
        resolve({**BASE, f"dli:{key}": value})


def test_numbers_and_flags_come_as_text_or_as_themselves(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("x")
    text = {"dli:insecure": "true", "dli:connectTimeout": "5", "dli:readTimeout": "60.5", "dli:pollSeconds": "0.1",
            "dli:maxConcurrency": "4", "dli:caBundle": str(bundle)}  # fmt: skip
    themselves = {"dli:insecure": True, "dli:connectTimeout": 5, "dli:readTimeout": 60.5, "dli:pollSeconds": 0.1,
                  "dli:maxConcurrency": 4.0, "dli:caBundle": str(bundle)}  # fmt: skip
    connection = resolve({**BASE, **text})
    assert connection == resolve({**BASE, **themselves})
    assert (connection.insecure, connection.connect_timeout_seconds, connection.max_concurrency) == (True, 5.0, 4)
    assert (connection.read_timeout_seconds, connection.poll_seconds) == (60.5, 0.1)
    assert connection.ca_bundle == str(bundle)


CLOUDS = """
clouds:
  otc:
    region_name: eu-de
    verify: false
    auth:
      auth_url: https://iam.eu-de.otc.t-systems.com/v3
      username: u
      user_domain_name: OTC000
      project_id: p9
  keys:
    region_name: eu-nl
    auth: {ak: a, sk: s, project_id: p8}
"""
SECURE = "clouds: {otc: {auth: {password: CANARY-PW}}}"


@pytest.fixture
def clouds(tmp_path):
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    (tmp_path / "secure.yaml").write_text(SECURE)
    return {"OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")}


def test_a_cloud_of_clouds_yaml_is_taken_with_its_secure_part(clouds):
    connection = resolve(OS_CLOUD="otc", **clouds)
    assert connection.credentials == Password("u", "CANARY-PW", "OTC000", "eu-de")
    assert (connection.project_id, connection.region, connection.insecure) == ("p9", "eu-de", True)


def test_the_stacks_cloud_goes_before_the_environments_and_before_plain_variables(clouds):
    connection = resolve({"dli:cloud": "keys"}, OS_CLOUD="otc", OS_TOKEN="t", OS_REGION_NAME="eu-de", **clouds)
    assert connection.credentials == AccessKey("a", "s")
    assert (connection.region, connection.project_id) == ("eu-nl", "p8")


def test_clouds_yaml_is_looked_for_in_the_usual_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home/.config/openstack"
    home.mkdir(parents=True)
    (home / "clouds.yaml").write_text(CLOUDS)
    environ = {"OS_CLOUD": "keys", "HOME": str(tmp_path / "home")}
    assert resolve(**environ).project_id == "p8"
    (tmp_path / "clouds.yaml").write_text(CLOUDS.replace("p8", "p7"))
    assert resolve(**environ).project_id == "p7"


@pytest.mark.parametrize("text", ["clouds: [CANARY", "CANARY", "clouds: {otc: CANARY}", "- CANARY"])
def test_an_unreadable_clouds_yaml_is_named_without_quoting_it(tmp_path, text):
    (tmp_path / "clouds.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"clouds\.yaml") as raised:
        resolve(OS_CLOUD="otc", OS_CLIENT_CONFIG_FILE=str(tmp_path / "clouds.yaml"))
    assert "CANARY" not in str(raised.value)


def test_an_unknown_cloud_and_a_missing_file_are_told_apart(clouds, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "..")
    with pytest.raises(ConfigError, match=r"'none' .* is not in"):
        resolve(OS_CLOUD="none", **clouds)
    with pytest.raises(ConfigError, match="OS_CLIENT_CONFIG_FILE"):
        resolve(OS_CLOUD="otc", OS_CLIENT_CONFIG_FILE=str(tmp_path / "no.yaml"))
    with pytest.raises(ConfigError, match=r"no clouds\.yaml"):
        resolve(OS_CLOUD="otc", HOME=str(tmp_path / "nobody"))


def test_unknown_settings_come_with_the_nearest_known_name():
    keys = ["dli:regoin", "dli:secret_key", "dli:qqqq", "dli:region", "aws:region", "project:x"]
    assert unknown_settings(keys) == {"dli:regoin": "dli:region", "dli:secret_key": "dli:secretKey", "dli:qqqq": None}


def test_importing_the_settings_loads_nothing_heavy():
    heavy = "requests pydantic keystoneauth1 yaml pulumi_dli.api"
    code = (
        "import sys, types; root = types.ModuleType('pulumi_dli'); root.__path__ = [sys.argv[1]]; "
        "sys.modules['pulumi_dli'] = root; import pulumi_dli.config; "
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    folder = Path(config_module.__file__).parent
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
