"""Settings and tools: each line in its outcomes, without a service where none is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doctor.conftest import PROJECT, SECRET, Doctor

CLOSED = ("--endpoint", "http://127.0.0.1:9", "--project-id", PROJECT)


def test_each_setting_is_named_with_its_place_and_secrets_without_their_value(run: Doctor, folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config:\n  dli:projectId: abc\n  dli:pollSeconds: 2\n", encoding="utf-8")
    report = run("--endpoint", "http://127.0.0.1:9", "--stack-config", "Pulumi.dev.yaml")
    assert report.of("settings") == [
        ("ok", "projectId = abc, from the stack config"),
        ("ok", "accessKey from the environment (OS_*)"),
        ("ok", "secretKey from the environment (OS_*)"),
        ("ok", "endpoint = http://127.0.0.1:9, from an option"),
        ("ok", "pollSeconds = 2, from the stack config"),
    ]


def test_what_the_environment_says_in_vain_is_not_named(run: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A region beside the credential does not count where the endpoint is given."""
    monkeypatch.setenv("OS_REGION_NAME", "eu-nl")
    monkeypatch.setenv("HW_ACCESS_KEY", "another")
    assert run(*CLOSED).of("settings", "eu-nl") == []
    assert run(*CLOSED).of("settings", "HW_") == []


def test_a_setting_that_nobody_reads_is_a_warning_with_the_name_that_was_meant(run: Doctor, folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text("config:\n  dli:project_id: abc\n", encoding="utf-8")
    report = run(*CLOSED, "--stack-config", "Pulumi.dev.yaml")
    assert report.level("settings", "nobody reads dli:project_id") == "warning"
    assert report.step("settings", "nobody reads") == "did you mean dli:projectId?"


@pytest.mark.parametrize(("value", "warned"), [(SECRET, ["warning"]), ("{secure: v1:abc}", [])])
def test_a_secret_in_clear_in_the_stacks_file_is_a_warning(
    run: Doctor, folder: Path, value: str, warned: list[str]
) -> None:
    (folder / "Pulumi.dev.yaml").write_text(
        f"config:\n  dli:accessKey: local\n  dli:secretKey: {value}\n", encoding="utf-8"
    )
    report = run(*CLOSED, "--stack-config", "Pulumi.dev.yaml")
    assert [level for level, _ in report.of("settings", "clear text")] == warned


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OS_SECRET_KEY": ""}, "Half a credential"),
        ({"OS_SECRET_KEY": "", "OS_ACCESS_KEY": ""}, "There are no credentials for DLI"),
        ({"OS_CLOUD": "nowhere", "OS_ACCESS_KEY": ""}, "OS_CLIENT_CONFIG_FILE"),
    ],
)
def test_settings_that_make_no_connection_fail_and_nothing_is_asked(
    run: Doctor, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    report = run(*CLOSED)
    assert report.status == 1
    assert report.level("connection", said) == "fails"
    assert report.of("endpoint") == [("unknown", "not asked: see connection")]


def test_an_address_with_a_password_is_refused_and_not_shown(run: Doctor) -> None:
    report = run("--endpoint", f"https://me:{SECRET}@dli.example.com", "--project-id", PROJECT)
    assert report.level("connection", "must not hold a user name") == "fails"
    assert report.level("settings", "endpoint from an option") == "ok"


@pytest.mark.parametrize(
    ("answer", "level", "said"),
    [
        ("echo v3.260.0", "ok", "Pulumi CLI v3.260.0"),
        ("echo v3.100.0", "warning", "is older than 3.216"),
        ("echo hello", "unknown", "an answer without a version"),
        ("exit 3", "unknown", "gave no answer"),
    ],
)
def test_the_cli_is_asked_for_its_version(
    run: Doctor, cli: Callable[[str], None], answer: str, level: str, said: str
) -> None:
    cli(answer)
    assert run(*CLOSED).level("tools", said) == level


def test_without_a_cli_only_a_local_dli_can_be_deployed_to(run: Doctor) -> None:
    assert run(*CLOSED).level("tools", "no Pulumi CLI") == "warning"
    # A host that no resolver knows (RFC 2606): nothing leaves this machine.
    assert run("--endpoint", "https://dli.invalid", "--project-id", PROJECT).level("tools", "no Pulumi CLI") == "fails"


def test_the_sdk_and_python_are_named(run: Doctor) -> None:
    report = run(*CLOSED)
    assert report.level("tools", "Pulumi SDK 3.") == "ok"
    assert report.level("tools", "Python 3.") == "ok"
