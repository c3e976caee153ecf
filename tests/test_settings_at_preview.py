"""Settings that cannot work are said at preview, once; a wrong project traps neither refresh nor destroy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

import pulumi_dli as dli
from pulumi_dli.emulator.testing import Emulator
from pulumi_dli.provider import PackageGroupProvider, QueueProvider
from pulumi_dli.resources import settings
from tests.dynamic_host import DynamicHost, HostError, provider_string

QUEUE, GROUP = provider_string(QueueProvider), provider_string(PackageGroupProvider)
KEYS = {"dli:accessKey": "a", "dli:secretKey": "s"}
WHOLE = {**KEYS, "dli:region": "eu-de", "dli:projectId": "p"}


def urn(name: str) -> str:
    return f"urn:pulumi:dev::p::pulumi-python:dynamic/dli:Queue::{name}"


def preview(config: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Errors and warnings of a program with three resources of two kinds, none of which is there yet."""
    errors = []
    with DynamicHost(config=config) as host:
        for name in ("one", "two"):
            try:
                host.check(QUEUE, urn(name), {"queue_name": name, "cu_count": 16})
            except HostError as error:
                errors.append(str(error))
        try:
            host.check(GROUP, urn("three"), {"group_name": "g", "packages": ["obs://b/a.jar"]})
        except HostError as error:
            errors.append(str(error))
        return errors, [line.text for line in host.logs if line.severity == "warning"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"dli:region": "eu-dee"}, "dli:region"),
        ({"dli:secretKey": None}, "dli:secretKey"),
        ({"dli:projectId": "no id"}, "dli:projectId"),
        ({"dli:pollSeconds": 1e-300}, "dli:pollSeconds"),
        ({"dli:maxConcurrency": 999999}, "dli:maxConcurrency"),
        ({"dli:endpoint": "http://dli.example", "dli:insecure": True}, "dli:endpoint"),
    ],
)
def test_a_setting_that_cannot_work_is_an_error_of_the_preview_once(changed: dict[str, Any], named: str) -> None:
    given = {**WHOLE, **changed}
    errors, _ = preview({key: value for key, value in given.items() if value is not None})
    assert len(errors) == 1
    assert named in errors[0]


@pytest.mark.parametrize("missing", ["dli:region", "dli:projectId"])
def test_what_is_missing_where_something_is_to_be_created_is_a_warning_once(missing: str) -> None:
    errors, warnings = preview({key: value for key, value in WHOLE.items() if key != missing})
    assert errors == []
    assert [missing in warning for warning in warnings] == [True]


def test_without_credentials_or_with_all_settings_a_preview_complains_of_nothing() -> None:
    assert preview({"dli:region": "eu-de", "dli:projectId": "p"}) == ([], [])
    assert preview(WHOLE) == ([], [])


def test_after_an_up_with_a_wrong_project_refresh_and_destroy_find_what_was_made() -> None:
    inputs = {"queue_name": "q", "cu_count": 16}
    with Emulator(pace=2000) as emulator:
        right = {**KEYS, "dli:endpoint": emulator.url, "dli:projectId": "right", "dli:pollSeconds": 0.02}
        with DynamicHost(config=right) as host:
            made = host.create(QUEUE, urn("q"), host.check(QUEUE, urn("q"), inputs).inputs)
        with DynamicHost(config={**right, "dli:projectId": "wrong"}) as host:
            news = host.check(QUEUE, urn("q"), inputs, olds=inputs).inputs
            with pytest.raises(HostError, match=r"project right .*--run-program"):
                host.diff(QUEUE, urn("q"), made.id, made.outs, news)
        # The engine hands refresh and destroy the settings of that `up`, which the state keeps.
        with DynamicHost(config={**right, "dli:projectId": "wrong"}) as host:
            found = host.read(QUEUE, urn("q"), made.id, made.outs, inputs=inputs)
            assert (found.id, found.outs["project_id"]) == (made.id, "right")
            host.delete(QUEUE, urn("q"), made.id, made.outs)
            assert host.read(QUEUE, urn("q"), made.id, made.outs, inputs=inputs).id == ""
        assert emulator.counts()["queues.delete"] == 1


@pytest.mark.parametrize("secret", [True, False])
def test_a_secret_in_clear_text_is_warned_of_once_with_the_way_out(
    secret: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            return args.name, dict(args.inputs)

        def call(self, _args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
            return {}

    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_, **__: said.append(text))
    settings._warned.clear()
    pulumi.runtime.set_mocks(Mocks(), project=f"plain-{secret}", preview=True)
    pulumi.runtime.set_all_config({"dli:secretKey": "canary"}, ["dli:secretKey"] if secret else [])
    try:

        @pulumi.runtime.test
        def program() -> None:
            dli.Queue("one", cu_count=16)
            dli.Queue("two", cu_count=16)

        program()
    finally:
        pulumi.runtime.set_all_config({}, [])
        pulumi.runtime.settings.reset_options()
    assert len(said) == (0 if secret else 1)
    assert all("--secret dli:secretKey" in text and "canary" not in text for text in said)
