"""What is known to be wrong is said in the program: one clean error that names resource, property, file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings

import pulumi_dli as dli

JOB: dict[str, Any] = {"queue_name": "q", "entrypoint": "g/a.jar"}
SECRET = "S3CRETPW"


class Mocks(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return args.name, dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.fixture
def unit_test() -> Iterator[None]:
    mocks.set_mocks(Mocks(), preview=False)
    try:
        yield
    finally:
        settings.reset_options()


def _job(**inputs: Any) -> Callable[[], Any]:
    return lambda: dli.FlinkJarJob("x", **{**JOB, **inputs})


def _declared(**inputs: Any) -> Any:
    return _job(**inputs)()


def _queue(**inputs: Any) -> Callable[[], Any]:
    return lambda: dli.Queue("x", **{"cu_count": 16, **inputs})


def _sql(**inputs: Any) -> Callable[[], Any]:
    return lambda: dli.FlinkSqlJob("x", **{"queue_name": "q", **inputs})


WRONG: list[tuple[Callable[[], Any], str, str]] = [
    (_job(paralel_number=2), "paralel_number", "no such input; did you mean parallel_number?"),
    (_queue(cu_count=None), "cu_count", "is required"),
    (_sql(sql_bdy=SECRET), "sql_bdy", "no such input; did you mean sql_body?"),
    (_sql(sql_body=7.5), "sql_body", "must be a text"),
    (_sql(sql_body=SECRET, job_type="flink_jar_job"), "job_type", "must be one of"),
    (lambda: dli.Queue("x"), "cu_count", "is required"),  # type: ignore[call-arg]
    (lambda: dli.PackageGroup("x"), "packages", "is required"),  # type: ignore[call-arg]
    (lambda: dli.UploadedPackage("x", bucket="b-1"), "source", "is required"),  # type: ignore[call-arg]
    (_queue(cu_count="16"), "cu_count", "multiple of 16"),
    (_queue(queue_name="q\n"), "queue_name", "1 to 128 letters"),
    (_queue(queue_name="DEFAULT"), "queue_name", "the service's own"),
    (_queue(tags={"a": None}), "tags", "needs a text as value of a"),
    (_queue(tags={"a": True}), "tags", "needs a text as value of a"),
    (_queue(tags=[SECRET]), "tags", "must be a map of texts"),
    (_queue(labels="multi_az=2"), "labels", "must be a list"),
    (_queue(labels=["a=1", 1.5]), "labels", "item 2 must be a text"),
    (_job(checkpoint_enabled="yes"), "checkpoint_enabled", "must be True or False"),
    (_job(checkpoint_enabled=1), "checkpoint_enabled", "must be True or False"),
    (_job(parallel_number=True), "parallel_number", "whole number from 1 to 2000"),
    (_job(parallel_number=1.5), "parallel_number", "whole number from 1 to 2000"),
    (_job(parallel_number=float("nan")), "parallel_number", "whole number from 1 to 2000"),
    (_job(flink_version=1.15), "flink_version", "must be a text: put the number in quotes"),
    (_job(main_class=["M"]), "main_class", "must be a text"),
    (_job(state="failed"), "state", "must be one of running, suspended, draft"),
    (_job(checkpoint_mode="never"), "checkpoint_mode", "one of 1 (exactly_once), 2 (at_least_once)"),
    (_job(entrypoint=7), "entrypoint", "must be a package: group.package("),
    (_job(entrypoint={"digest": "1"}), "entrypoint", "needs path"),
    (_job(entrypoint={"pat": "g/a.jar"}), "entrypoint", "has no 'pat': it takes path, digest"),
    (_job(dependency_jars="g/b.jar"), "dependency_jars", "must be a list"),
    (_job(dependency_jars=["g/b.jar", None]), "dependency_jars", "item 2 must be a package"),
    (_job(resource_config={"max_slots": 1}), "resource_config", "has no 'max_slots': it takes max_slot"),
    (
        _job(resource_config={"jobmanager_resource_spec": {"cpu": float("inf")}}),
        "resource_config",
        "(jobmanager_resource_spec) (cpu) must be a number",
    ),
    (_job(entrypoint_args=["--sql", "SELECT a FROM t"]), "entrypoint_args", "item 2 holds blanks or quotes"),
    (_job(entrypoint_args=["--prefix", ""]), "entrypoint_args", "item 2 is empty"),
    (_job(entrypoint_args=["it's"]), "entrypoint_args", "item 1 holds blanks or quotes"),
    (_job(entrypoint_args=[None]), "entrypoint_args", "item 1 must be a text or a number"),
    (_job(entrypoint_args=[True]), "entrypoint_args", "item 1 must be a text or a number"),
    (_job(entrypoint_args=[["a"]]), "entrypoint_args", "item 1 must be a text or a number"),
    (_job(entrypoint_args={"a": "b"}), "entrypoint_args", "must be a text or a list of words"),
    (_job(runtime_config={"a": None}), "runtime_config", "needs a text, a number or a bool as value of a"),
    (_job(runtime_config={"a": [SECRET]}), "runtime_config", "needs a text, a number or a bool as value of a"),
    (_job(runtime_config={"a": float("nan")}), "runtime_config", "needs a text, a number or a bool as value of a"),
    (_job(runtime_config=[{"a": SECRET}]), "runtime_config", "a map, or a list of"),
    (
        lambda: dli.PackageGroup("x", packages=[]),
        "packages",
        "must have at least 1 item",
    ),
    (lambda: dli.PackageGroup("x", packages=[3]), "packages", "item 1 must be a package: Package("),  # type: ignore[list-item]
    (lambda: dli.UploadedPackage("x", source="a.jar", bucket="B"), "bucket", "3 to 63 lower-case letters"),
]


@pytest.mark.parametrize(("declare", "name", "reason"), WRONG, ids=[f"{n}: {r}" for _, n, r in WRONG])
def test_a_declaration_that_cannot_work_is_one_clean_error_with_its_place(
    declare: Callable[[], Any], name: str, reason: str
) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        declare()
    line = str(refused.value)
    assert f" 'x': {name}: " in line
    assert reason in line
    assert f"{__file__.rsplit('/', 1)[-1]}, line " in line
    assert SECRET not in line
    assert "\n" not in line


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(pulumi.RunError) as refused:
        dli.FlinkJarJob("x", parallel_number=0, state="up", repair="some")  # type: ignore[arg-type]
    assert [line.split(": ")[1] for line in str(refused.value).splitlines()] == ["parallel_number", "state", "repair"]


def test_only_the_name_of_a_resource_stands_without_a_keyword() -> None:
    with pytest.raises(pulumi.RunError, match="name the inputs"):
        dli.Queue("x", "q")  # type: ignore[misc,call-arg]


@pytest.mark.parametrize("kind", [dli.Queue, dli.UploadedPackage])
def test_the_option_import_is_refused_with_the_way_out(kind: Any) -> None:
    inputs = {"cu_count": 16} if kind is dli.Queue else {"source": "a.jar", "bucket": "b-1"}
    with pytest.raises(pulumi.RunError, match=r"'x': import_: .*`pulumi-dli import`") as refused:
        kind("x", **inputs, opts=pulumi.ResourceOptions(import_="streams"))
    assert ("adopt=True" in str(refused.value)) is (kind is dli.Queue)


def _run(declare: Callable[[], Any]) -> None:
    @pulumi.runtime.test
    def run() -> pulumi.Output[Any]:
        made = declare()
        return pulumi.Output.from_input(made.urn)

    run()


@pytest.mark.usefixtures("unit_test")
def test_a_unit_test_with_mocks_finds_what_the_rules_between_fields_forbid() -> None:
    for declare, name in [
        (_job(log_enabled=True), "log_enabled"),
        (_job(checkpoint_enabled=True), "checkpoint_enabled"),
        (_job(entrypoint=None), "entrypoint"),
        (_queue(engine="spark"), "engine"),
        (lambda: dli.PackageGroup("x", packages=["ftp://a/b.jar"]), "packages"),
    ]:
        with pytest.raises(pulumi.RunError, match=f"'x': {name}: .*test_declarations.py, line "):
            _run(declare)


@pytest.mark.usefixtures("unit_test")
def test_values_that_are_outputs_are_judged_when_they_are_known() -> None:
    def late(value: Any) -> Any:
        return pulumi.Output.from_input(value)

    _run(_job(parallel_number=3, tags={"a": "b"}))
    _run(lambda: _declared(parallel_number=late(1), tags={"a": late("b")}, entrypoint_args=["a", late("b c")]))
    with pytest.raises(pulumi.RunError, match="parallel_number"):
        _run(lambda: _declared(parallel_number=0, queue_name=late("q")))


@pytest.mark.usefixtures("unit_test")
def test_a_class_of_the_program_s_own_keeps_its_constructor() -> None:
    class Nightly(dli.FlinkJarJob):
        def __init__(self, hour: int) -> None:
            super().__init__(f"nightly-{hour}", queue_name="q", entrypoint="g/a.jar")

    _run(lambda: Nightly(3))


@pytest.mark.usefixtures("unit_test")
@pytest.mark.parametrize(
    "inputs",
    [
        {"entrypoint_args": ["--n", 3, 0.5], "runtime_config": {"a": 1, "b": True, "c": "x y"}},
        {"runtime_config": "a=1\nb=2", "flink_log_config": {"root": "INFO"}},
        {"checkpoint_mode": "exactly_once", "tags": {}, "restart_nonce": 3},
        {"resource_config_version": "v2", "resource_config": {"jobmanager_resource_spec": {"cpu": 1, "memory": "4G"}}},
    ],
)
def test_what_a_program_may_reasonably_write_is_taken(inputs: dict[str, Any]) -> None:
    _run(_job(**inputs))


@pytest.mark.usefixtures("unit_test")
def test_a_file_of_sql_is_read_by_the_program_or_refused_there(tmp_path: Path) -> None:
    file = tmp_path / "a.sql"
    file.write_text("insert into a select 1", encoding="utf-8")
    dli.FlinkSqlJob("x", queue_name="q", sql_file=str(file))  # without a text it would not be complete
    with pytest.raises(pulumi.RunError, match="give one of the two"):
        dli.FlinkSqlJob("x", queue_name="q", sql_file=str(file), sql_body="insert")
    with pytest.raises(pulumi.RunError, match=r"missing\.sql cannot be read: No such file"):
        dli.FlinkSqlJob("x", queue_name="q", sql_file=str(tmp_path / "missing.sql"))
