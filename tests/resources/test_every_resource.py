"""The promises of `lifecycle/contract.py`, for every resource alike, through the SDK's own dynamic host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pulumi_dli import provider as providers
from pulumi_dli.provider import DliProvider
from pulumi_dli.specs.package_names import addressed, digest_of
from tests.stacks import SQL, Failed, Stack


@dataclass(frozen=True)
class Kind:
    """One resource: inputs that work, a change in place, how it vanishes, and what creates and deletes it."""

    name: str
    inputs: dict[str, Any]
    change: dict[str, Any]
    vanish: Callable[[Stack], None]
    create: str
    delete: tuple[str, ...]


def _no_job(stack: Stack) -> None:
    for job in stack.jobs():
        stack.call("DELETE", f"/v1.0/{{p}}/streaming/jobs/{job['job_id']}")


def _no_connection(stack: Stack) -> None:
    path = "/v2.0/{p}/datasource/enhanced-connections"
    for row in stack.call("GET", f"{path}?status=ACTIVE")["connections"]:
        stack.call("DELETE", f"{path}/{row['id']}")


KINDS = [
    Kind(
        "Queue",
        {"queue_name": "Streams", "cu_count": 64, "tags": {"team": "a"}},
        {"tags": {"team": "b"}},
        lambda stack: stack.call("DELETE", "/v1.0/{p}/queues/streams"),
        "queues.create",
        ("queues.delete",),
    ),
    Kind(
        "ElasticResourcePool",
        {"elastic_resource_pool_name": "Pool", "min_cu": 64, "max_cu": 128, "tags": {"team": "a"}},
        {"max_cu": 256, "description": "shared", "tags": {"team": "b"}},
        lambda stack: stack.emulator.act("pool.delete", pool="pool", project_id=stack.project_id) and None,
        "pools.create",
        ("pools.delete",),
    ),
    Kind(
        "DatasourceConnection",
        {
            "name": "kafka",
            "dest_vpc_id": "vpc-1",
            "dest_network_id": "net-1",
            "queues": ["Q1"],
            "hosts": [{"name": "broker-2", "ip": "192.168.0.12"}, {"name": "broker-1", "ip": "192.168.0.11"}],
            "routes": [{"name": "r1", "cidr": "10.1.0.0/16"}],
            "tags": {"team": "a"},
        },
        {"hosts": [{"name": "broker-1", "ip": "192.168.0.11"}], "routes": [], "queues": [], "tags": {"team": "b"}},
        _no_connection,
        "connections.create",
        ("connections.delete",),
    ),
    Kind(
        "PackageGroup",
        {"group_name": "apps", "packages": ["obs://jars/a.jar"]},
        {"packages": ["obs://jars/a.jar", "obs://jars/b.jar"]},
        lambda stack: stack.call("DELETE", "/v2.0/{p}/resources/a.jar?group=apps"),
        "packages.upload",
        ("packages.delete",),
    ),
    Kind(
        "UploadedPackage",
        {"source": __file__, "bucket": "jars", "digest": digest_of(__file__), "name": "app.jar"},
        {"prefix": "elsewhere"},
        lambda stack: stack.call("DELETE", f"/obs/jars/packages/{addressed('app.jar', digest_of(__file__))}"),
        "objects.put",
        ("objects.delete",),
    ),
    Kind(
        "FlinkJarJob",
        {"name": "j", "queue_name": "q1", "entrypoint": "obs://jars/a.jar", "obs_bucket": "state", "tags": {"a": "b"}},
        {"smn_topic": "topic"},
        _no_job,
        "jobs.create",
        ("jobs.delete", "jobs.delete_many", "jobs.batch_delete"),
    ),
    Kind(
        "FlinkSqlJob",
        {
            "name": "j",
            "queue_name": "q1",
            "sql_body": SQL,
            "operator_config": {"operator_list": []},
            "obs_bucket": "state",
            "tags": {"a": "b"},
        },
        {"smn_topic": "topic"},
        _no_job,
        "sql_jobs.create",
        ("jobs.delete", "jobs.delete_many", "jobs.batch_delete"),
    ),
]


@pytest.fixture(
    params=[pytest.param(kind, marks=[pytest.mark.slow] if kind.name == "UploadedPackage" else []) for kind in KINDS],
    ids=[kind.name for kind in KINDS],
)
def kind(request: pytest.FixtureRequest, hosted: Stack) -> Kind:
    hosted.queue()
    for jar in ("a.jar", "b.jar"):
        hosted.emulator.put_object("jars", jar, jar.encode())
    found: Kind = request.param
    return found


def _up(stack: Stack, kind: Kind, **changed: Any) -> Any:
    return stack.up(kind.name, "r", **{**kind.inputs, **changed})


def test_every_provider_is_walked_here() -> None:
    named = {name.removesuffix("Provider") for name in vars(providers) if name.endswith("Provider")} - {
        "Dli",
        "Resource",
    }
    assert {kind.name for kind in KINDS} == named & {provider.__name__.removesuffix("Provider") for provider in _all()}


def _calls(stack: Stack) -> list[dict[str, Any]]:
    """Those of the project, and those to OBS, which know no project."""
    return [
        call
        for call in stack.emulator.requests()
        if call["project_id"] == stack.project_id or call["path"].startswith("/obs/")
    ]


def _all() -> list[type[DliProvider]]:
    return [provider for provider in DliProvider.__subclasses__() if provider.__module__ == providers.__name__]


def test_what_was_just_created_has_no_changes_and_previewing_it_makes_no_call(kind: Kind, hosted: Stack) -> None:
    _up(hosted, kind)
    calls = len(hosted.requests())
    shown = hosted.preview(kind.name, "r", **kind.inputs)
    assert (shown.action, shown.differing) == ("same", ())
    assert len(hosted.requests()) == calls


def test_a_refresh_of_what_nobody_touched_shows_nothing(kind: Kind, hosted: Stack) -> None:
    _up(hosted, kind)
    assert hosted.refresh("r") is False
    assert hosted.lines == []
    assert hosted.preview(kind.name, "r", **kind.inputs).action == "same"


def test_a_change_in_place_keeps_the_id_and_leaves_nothing_to_do(kind: Kind, hosted: Stack) -> None:
    before = _up(hosted, kind).id
    changed = _up(hosted, kind, **kind.change)
    assert changed.id == before
    assert hosted.refresh("r") is False
    assert hosted.preview(kind.name, "r", **{**kind.inputs, **kind.change}).action == "same"


def test_deleting_twice_is_no_error(kind: Kind, hosted: Stack) -> None:
    entry = _up(hosted, kind)
    hosted.destroy("r")
    hosted.entries["r"] = entry
    hosted.destroy("r")
    assert set(hosted.operations(*kind.delete)) <= set(kind.delete)


def test_what_vanished_is_gone_at_the_next_refresh_and_created_by_the_next_up(kind: Kind, hosted: Stack) -> None:
    _up(hosted, kind)
    kind.vanish(hosted)
    assert hosted.refresh("r") is True
    if "r" not in hosted.entries:
        _up(hosted, kind)
        assert len([call for call in _calls(hosted) if call["operation"] == kind.create]) >= 2


def test_reading_changes_nothing(kind: Kind, hosted: Stack) -> None:
    _up(hosted, kind)
    calls = len(_calls(hosted))
    hosted.refresh("r")
    made = _calls(hosted)[calls:]
    assert made
    harmless = ("GET", "HEAD")
    assert [c["operation"] for c in made if c["method"] not in harmless and c["operation"] != "tags.filter"] == []


def test_another_project_or_endpoint_is_never_gone(kind: Kind, hosted: Stack) -> None:
    _up(hosted, kind)
    hosted.config["dli:projectId"] = "elsewhere"
    with pytest.raises(Failed) as failure:
        _up(hosted, kind, **kind.change)
    assert "elsewhere" in str(failure.value)
    assert hosted.project_id in str(failure.value)
    hosted.refresh("r")
    assert "r" in hosted.entries, "a refresh looks where it was made"
    hosted.config["dli:endpoint"] = "http://127.0.0.1:1"
    for command in (lambda: hosted.refresh("r"), lambda: hosted.destroy("r"), lambda: _up(hosted, kind, **kind.change)):
        with pytest.raises(Failed, match=r"127\.0\.0\.1:1.*--run-program"):
            command()
    assert "r" in hosted.entries


def test_missing_credentials_stop_an_update_with_the_setting_to_give(kind: Kind, hosted: Stack) -> None:
    del hosted.config["dli:accessKey"], hosted.config["dli:secretKey"]
    calls = len(hosted.requests())
    shown = hosted.preview(kind.name, "r", **kind.inputs)
    assert shown.action == "create"
    with pytest.raises(Failed) as failure:
        _up(hosted, kind)
    assert "secretKey" in str(failure.value)
    assert len(hosted.requests()) == calls


def test_refused_credentials_on_a_refresh_say_that_old_ones_may_have_been_used(kind: Kind, hosted: Stack) -> None:
    _up(hosted, kind)
    hosted.emulator.fault("*", 401, times=50)
    with pytest.raises(Failed) as failure:
        hosted.refresh("r")
    assert "--run-program" in str(failure.value)


def test_credentials_reach_neither_state_nor_messages(kind: Kind, hosted: Stack) -> None:
    entry = _up(hosted, kind)
    told = f"{entry.inputs} {entry.outs} {hosted.lines}"
    assert hosted.config["dli:secretKey"] not in told
