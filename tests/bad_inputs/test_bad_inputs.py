"""Every bad declaration is refused by the real dynamic host's check: on its property, in words, without any call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulumi_dli import provider
from pulumi_dli.emulator.testing import Emulator
from tests.bad_inputs.table import GOOD, ROWS, Row
from tests.dynamic_host import DynamicHost

PROVIDERS = {
    "DatasourceConnection": provider.DatasourceConnectionProvider,
    "Queue": provider.QueueProvider,
    "ElasticResourcePool": provider.ElasticResourcePoolProvider,
    "PackageGroup": provider.PackageGroupProvider,
    "UploadedPackage": provider.UploadedPackageProvider,
    "FlinkJarJob": provider.FlinkJarJobProvider,
    "FlinkSqlJob": provider.FlinkSqlJobProvider,
}


@pytest.fixture(scope="module")
def dli() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def host(dli: Emulator) -> Iterator[DynamicHost]:
    with DynamicHost(config=settings(dli)) as host:
        yield host


def settings(dli: Emulator) -> dict[str, str]:
    keys = {"dli:accessKey": "ak", "dli:secretKey": "secret-key-of-tests"}
    return {"dli:endpoint": dli.url, "dli:projectId": "p1", **keys}


def urn(resource: str) -> str:
    return f"urn:pulumi:dev::tests::pulumi-python:dynamic/dli:{resource}::it"


@pytest.mark.parametrize("row", ROWS, ids=[f"{r.resource}.{r.field}-{n}" for n, r in enumerate(ROWS)])
def test_a_bad_declaration_is_refused_on_its_property_without_a_call(
    row: Row, host: DynamicHost, dli: Emulator
) -> None:
    before = len(dli.requests())
    checked = host.check(PROVIDERS[row.resource], urn(row.resource), row.declaration)
    # Pulumi would print the value beside the property's name: it stands in the words instead.
    assert {name for name, _ in checked.failures} == {""}
    reasons = [reason for _, reason in checked.failures]
    assert {reason.partition(": ")[0] for reason in reasons} == {row.field}
    assert any(row.message in reason for reason in reasons), reasons
    assert all(len(reason) > 10 and "Traceback" not in reason for reason in reasons), reasons
    assert len(dli.requests()) == before


@pytest.mark.parametrize("resource", GOOD)
def test_the_declaration_that_the_rows_change_is_fine(resource: str, host: DynamicHost, dli: Emulator) -> None:
    before = len(dli.requests())
    assert host.check(PROVIDERS[resource], urn(resource), GOOD[resource]).failures == ()
    assert {request["method"] for request in dli.requests()[before:]} <= {"GET"}  # is there one of that name?


def test_there_are_300_rows_and_none_twice() -> None:
    seen = [(row.resource, repr(sorted(row.declaration.items(), key=str))) for row in ROWS]
    assert len(seen) >= 300
    assert sorted({one for one in seen if seen.count(one) > 1}) == []


GROUPED = {
    "name": "j",
    "queue_name": "q",
    "entrypoint": "g/a.jar",
    "flink_version": "1.15",
    "upgrade_mode": "stateless",
}


def test_where_the_clouds_differ_the_settings_decide_and_nobody_is_asked(host: DynamicHost) -> None:
    job = PROVIDERS["FlinkJarJob"]
    region = {"dli:region": "eu-de", "dli:projectId": "p1", "dli:accessKey": "ak", "dli:secretKey": "secret"}
    with DynamicHost(config=region) as on_otc:
        ((_, reason),) = on_otc.check(job, urn("FlinkJarJob"), GROUPED).failures
    assert reason.startswith("entrypoint: ")
    assert "obs:// paths only" in reason
    assert host.check(job, urn("FlinkJarJob"), {**GROUPED, "name": "grouped"}).failures == ()
    assert any("Open Telekom Cloud refuses" in line for line in host.logged(urn("FlinkJarJob"), "warning"))


def test_a_dangerous_combination_is_warned_of_when_it_is_declared(host: DynamicHost) -> None:
    name = urn("FlinkJarJob") + "2"
    given = {**GOOD["FlinkJarJob"], "name": "second", "flink_version": "1.15", "checkpoint_enabled": True}
    assert host.check(PROVIDERS["FlinkJarJob"], name, given).failures == ()
    (warning,) = host.logged(name, "warning")
    assert "every restart would lose the state" in warning
    assert "give execution_agency_urn" in warning


def test_what_nobody_knows_of_the_queue_is_said_to_be_unchecked(host: DynamicHost) -> None:
    name = urn("FlinkJarJob") + "3"
    given = {**GOOD["FlinkJarJob"], "name": "third", "queue_name": "other", "flink_version": "1.15"}
    given["execution_agency_urn"] = "mine"
    assert host.check(PROVIDERS["FlinkJarJob"], name, given).failures == ()
    assert [line for line in host.logged(name) if "not checked" in line]
