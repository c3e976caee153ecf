"""A connection from stack config and environment."""

from __future__ import annotations

import dataclasses
import re
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
        ({"OS_TOKEN": "t"}, Token("t")),
        ({"OS_AUTH_TOKEN": "t"}, Token("t")),
        (OS_USER, Password("u", "CANARY-PW", "OTC000", "eu-de")),
        ({**OS_USER, "OS_PROJECT_NAME": "eu-de_x"}, Password("u", "CANARY-PW", "OTC000", "eu-de_x")),
        ({**OS_USER, "OS_TENANT_NAME": "eu-de_x"}, Password("u", "CANARY-PW", "OTC000", "eu-de_x")),
        (
            {"OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_USER_DOMAIN_ID": "d1"},
            Password("u", "p", None, "eu-de", domain_id="d1"),
        ),
        ({"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s\n", "OS_USERNAME": "leftover"}, AccessKey("a", "s")),
        ({"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s", "HW_ACCESS_KEY": "b", "HW_SECRET_KEY": "t"}, AccessKey("a", "s")),
    ],
)
@pytest.mark.parametrize("project", ["OS_PROJECT_ID", "OS_TENANT_ID"])
def test_credentials_are_taken_from_the_environment(environ, credentials, project):
    connection = resolve(OS_REGION_NAME="eu-de", **{project: "p"}, **environ)
    assert (connection.credentials, connection.project_id) == (credentials, "p")


@pytest.mark.parametrize(
    ("environ", "credentials"),
    [
        ({"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}, AccessKey("a", "s")),
        ({"HW_USER_NAME": "u", "HW_USER_PASSWORD": "p", "HW_DOMAIN_NAME": "d"}, Password("u", "p", "d", "cn-north-4")),
    ],
)
def test_the_huawei_names_alone_are_enough_whatever_other_tools_left_behind(environ, credentials):
    left = {"OS_REGION_NAME": "eu-de", "OS_PROJECT_ID": "other", "OS_CACERT": "/does/not/exist"}
    connection = resolve(HW_REGION_NAME="cn-north-4", HW_PROJECT_ID="p", **environ, **left)
    assert (connection.credentials, connection.region, connection.project_id) == (credentials, "cn-north-4", "p")


FOREIGN = {
    "OS_CLOUD": "there-is-none",
    "OS_CLIENT_CONFIG_FILE": "/does/not/exist",
    "OS_REGION_NAME": "eu-nl",
    "OS_PROJECT_ID": "p2",
    "OS_PROJECT_NAME": "eu-nl_x",
    "OS_TOKEN": "t",
    "OS_CACERT": "/does/not/exist",
    "OS_AUTH_URL": "https://evil.example/v3",
    "DLI_ENDPOINT": "https://x.example",
    "HW_CLOUD": "evil.example",
    "HW_ACCESS_KEY": "half",
}
USER = {"dli:userName": "u", "dli:password": "p", "dli:domainName": "d", "dli:region": "eu-de"}


@pytest.mark.parametrize(
    "stack",
    [
        BASE,
        USER,
        {**KEYS, "dli:projectId": "p1", "dli:endpoint": "https://dli.example"},
        {"dli:token": "t", "dli:projectId": "p1", "dli:region": "eu-de"},
    ],
)
def test_a_complete_stack_is_changed_by_nothing_in_the_shell(stack):
    assert resolve(stack, **FOREIGN) == resolve(stack)


def test_a_complete_stack_does_not_read_the_cloud_that_the_shell_names(clouds):
    assert resolve(BASE, OS_CLOUD="otc", **clouds) == resolve(BASE)


def test_only_the_credential_is_taken_where_the_stack_says_where(clouds):
    where = {"dli:region": "eu-de", "dli:projectId": "p1"}
    connection = resolve(where, OS_CLOUD="keys", **clouds)
    expected = resolve({**where, "dli:accessKey": "a", "dli:secretKey": "s"})
    assert connection == expected
    others = {"OS_CACERT": "/does/not/exist", "DLI_ENDPOINT": "https://x.example", "OS_REGION_NAME": "eu-nl"}
    assert resolve(where, OS_ACCESS_KEY="a", OS_SECRET_KEY="s", **others) == expected


def test_trust_belongs_to_the_place_and_is_taken_with_it(clouds):
    assert resolve(KEYS, OS_CLOUD="otc", **clouds).insecure is True
    assert resolve({**KEYS, "dli:insecure": "false"}, OS_CLOUD="otc", **clouds).insecure is False
    assert resolve({**KEYS, "dli:region": "eu-de"}, OS_CLOUD="otc", **clouds).insecure is False


def test_a_project_is_taken_with_its_region_only():
    keys = {**KEYS, "dli:region": "eu-de"}
    assert resolve(keys, OS_PROJECT_ID="p").project_id == "p"
    assert resolve(keys, OS_PROJECT_ID="p", OS_REGION_NAME="eu-de").project_id == "p"
    with pytest.raises(ConfigError, match=r"dli:projectId .*another region or endpoint"):
        resolve(keys, OS_PROJECT_ID="p", OS_REGION_NAME="eu-nl")
    local = {**KEYS, "dli:endpoint": "http://127.0.0.1:1"}
    with pytest.raises(ConfigError, match=r"dli:projectId .*another region or endpoint"):
        resolve(local, OS_PROJECT_ID="p", OS_REGION_NAME="eu-nl")


def test_two_families_of_tools_are_never_mixed():
    with pytest.raises(ConfigError, match="dli:region"):
        resolve(HW_ACCESS_KEY="a", HW_SECRET_KEY="s", OS_REGION_NAME="eu-de", OS_PROJECT_ID="p")


@pytest.mark.parametrize("region", ["eu-dee", "eu-west-0", "cn-nowhere-1"])
@pytest.mark.parametrize("source", ["stack", "OS", "HW"])
def test_an_unknown_region_is_never_turned_into_a_host(region, source):
    settings = {**BASE, "dli:region": region} if source == "stack" else {}
    environ = {f"{source}_REGION_NAME": region, f"{source}_PROJECT_ID": "p", f"{source}_ACCESS_KEY": "a",
               f"{source}_SECRET_KEY": "s"}  # fmt: skip
    with pytest.raises(ConfigError, match=f"dli:region '{region}'.*dli:endpoint"):
        resolve(settings, **environ)
    at = resolve({**BASE, "dli:region": region, "dli:endpoint": "https://dli.example"})
    assert (at.endpoint, at.iam_endpoint, at.obs_endpoint) == ("https://dli.example", None, None)


def test_a_mistyped_region_comes_with_the_one_that_was_meant():
    with pytest.raises(ConfigError, match=r"Did you mean eu-de\?"):
        resolve({**BASE, "dli:region": "eu-dee"})


def test_another_huawei_cloud_needs_its_address():
    given = {"HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "p", "HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}
    with pytest.raises(ConfigError, match=r"HW_CLOUD .*dli:endpoint"):
        resolve(**given, HW_CLOUD="prod-cloud-ocb.orange-business.com")
    assert resolve(**given, HW_CLOUD="myhuaweicloud.com").endpoint == "https://dli.cn-north-4.myhuaweicloud.com"
    there = {"dli:endpoint": "https://dli.orange.example", "dli:projectId": "p"}
    assert resolve(there, **given, HW_CLOUD="orange.example").endpoint == "https://dli.orange.example"


@pytest.mark.parametrize("suffix", ["", "/", "/v3", "/v3/", "/v2.0", "/v2.0/", "/v3.14"])
def test_any_version_at_the_end_of_iams_address_means_v3(suffix):
    assert resolve({**USER, "dli:authUrl": f"https://iam.example:31943{suffix}"}).iam_endpoint == (
        "https://iam.example:31943/v3"
    )


@pytest.mark.parametrize("key", ["endpoint", "authUrl", "obsEndpoint"])
def test_no_setting_allows_plain_http_to_another_machine(key):
    for flag in ("true", "false"):
        with pytest.raises(ConfigError, match=f"dli:{key} is a plain http"):
            resolve({**BASE, "dli:insecure": flag, f"dli:{key}": "http://dli.example"})


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
        ("pollSeconds", -1), ("pollSeconds", "nan"), ("pollSeconds", 1e-300), ("pollSeconds", "inf"),
        ("pollSeconds", True), ("maxConcurrency", "1.5"), ("maxConcurrency", 0), ("maxConcurrency", 999999),
        ("maxConcurrency", "-1e400"), ("readTimeout", 1e9), ("connectTimeout", float("nan")),
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


REGIONS = """
clouds:
  two:
    profile: otc
    auth: {username: u, user_domain_id: d1, password: CANARY-PW}
    regions:
      - {name: eu-de, values: {auth: {project_id: p_de}}}
      - {name: eu-nl, values: {auth: {project_id: p_nl}, verify: false}}
"""


def cloud(folder, text, name="clouds.yaml"):
    (folder / name).write_text(text)
    return {"OS_CLIENT_CONFIG_FILE": str(folder / name)}


@pytest.mark.parametrize(
    ("region", "project", "insecure"), [(None, "p_de", False), ("eu-de", "p_de", False), ("eu-nl", "p_nl", True)]
)
def test_a_region_of_a_cloud_has_values_of_its_own_and_a_profile_its_address(tmp_path, region, project, insecure):
    stack = {"dli:cloud": "two"} | ({"dli:region": region} if region else {})
    connection = resolve(stack, **cloud(tmp_path, REGIONS))
    assert connection.credentials == Password("u", "CANARY-PW", None, region or "eu-de", domain_id="d1")
    assert (connection.project_id, connection.insecure) == (project, insecure)
    assert connection.iam_endpoint == f"https://iam.{region or 'eu-de'}.otc.t-systems.com/v3"


def test_a_region_that_the_named_cloud_lacks_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"'two' .*no region 'eu-ch2' \(dli:region\)"):
        resolve({"dli:cloud": "two", "dli:region": "eu-ch2"}, **cloud(tmp_path, REGIONS))


@pytest.mark.parametrize(
    "description",
    [
        "{auth_type: v3applicationcredential, auth: {application_credential_id: i, application_credential_secret: C}}",
        "{auth: {application_credential_id: i, application_credential_secret: CANARY}}",
        "{auth_type: v3oidcpassword, auth: {username: u, password: CANARY, identity_provider: x}}",
        "{auth_type: v3totp, auth: {username: u, passcode: CANARY}}",
    ],
)
def test_a_kind_of_login_that_cannot_work_is_refused_by_its_name(tmp_path, description):
    kind = re.search(r"v3\w+", description)
    environ = cloud(tmp_path, f"clouds: {{c: {description}}}")
    with pytest.raises(ConfigError, match=kind.group() if kind else "v3applicationcredential") as raised:
        resolve({"dli:cloud": "c"}, **environ)
    assert "CANARY" not in str(raised.value)


def test_secure_yaml_is_found_beside_the_clouds_in_the_usual_places_and_where_the_environment_says(tmp_path):
    folder = tmp_path / "clouds"
    folder.mkdir()
    environ = {**cloud(folder, CLOUDS), "HOME": str(tmp_path / "home")}
    home = tmp_path / "home/.config/openstack"
    home.mkdir(parents=True)
    (home / "secure.yaml").write_text(SECURE.replace("CANARY", "home"))
    assert resolve(OS_CLOUD="otc", **environ).credentials.password == "home-PW"
    (folder / "secure.yaml").write_text(SECURE.replace("CANARY", "beside"))
    assert resolve(OS_CLOUD="otc", **environ).credentials.password == "beside-PW"
    (tmp_path / "mine.yaml").write_text(SECURE.replace("CANARY", "mine"))
    assert resolve(OS_CLOUD="otc", OS_CLIENT_SECURE_FILE=str(tmp_path / "mine.yaml"), **environ).credentials == (
        Password("u", "mine-PW", "OTC000", "eu-de")
    )


def test_a_profile_is_a_name_that_is_known(tmp_path):
    text = "clouds: {c: {profile: PROFILE, auth: {ak: a, sk: s}}}"
    with pytest.raises(ConfigError, match=r"profile 'nobodys' .*not known"):
        resolve({"dli:cloud": "c"}, **cloud(tmp_path, text.replace("PROFILE", "nobodys")))
    with pytest.raises(ConfigError, match=r"profile .*address"):
        resolve({"dli:cloud": "c"}, **cloud(tmp_path, text.replace("PROFILE", "'https://127.0.0.1:1'")))


def test_the_shells_variables_add_nothing_to_a_cloud(clouds):
    environ = {**clouds, "OS_USERNAME": "x", "OS_PROJECT_ID": "x", "OS_CACERT": "/does/not/exist"}
    assert resolve({"dli:cloud": "keys"}, **environ) == resolve({"dli:cloud": "keys"}, **clouds)


def test_without_openstacksdk_the_extra_is_named(clouds, monkeypatch):
    monkeypatch.setitem(sys.modules, "openstack.config", None)
    with pytest.raises(ConfigError, match=r"pulumi-dli\[clouds\]"):
        resolve(OS_CLOUD="keys", **clouds)


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
    heavy = "requests pydantic keystoneauth1 yaml openstack pulumi_dli.api"
    code = (
        "import sys, types; root = types.ModuleType('pulumi_dli'); root.__path__ = [sys.argv[1]]; "
        "sys.modules['pulumi_dli'] = root; import pulumi_dli.config; "
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    folder = Path(config_module.__file__).parent
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
