"""What a program may get wrong, and the words it gets for it: on the field it concerns, before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_dli.specs.fields import Spec, check
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec
from pulumi_dli.specs.package_group import PackageGroupSpec
from pulumi_dli.specs.queue import QueueSpec

QUEUE = {"queue_name": "q", "cu_count": 16}
GROUP = {"group_name": "g", "packages": ["obs://bkt/a.jar"]}
JOB = {"name": "j", "queue_name": "q", "entrypoint": "g/a.jar", "obs_bucket": "bkt"}

BAD: list[tuple[type[Spec], dict[str, Any], str, str]] = [
    (QueueSpec, {**QUEUE, "cu_count": 20}, "cu_count", "multiple of 16"),
    (QueueSpec, {**QUEUE, "cu_count": 0}, "cu_count", "multiple of 16"),
    (QueueSpec, {**QUEUE, "queue_name": "_q"}, "queue_name", "does not begin with _"),
    (QueueSpec, {**QUEUE, "queue_name": "123"}, "queue_name", "not all digits"),
    (QueueSpec, {**QUEUE, "queue_name": "default"}, "queue_name", "the service's own"),
    (QueueSpec, {**QUEUE, "queue_type": "flink"}, "queue_type", "one of general, sql"),
    (QueueSpec, {**QUEUE, "engine": "spark"}, "engine", "SQL queues"),
    (QueueSpec, {**QUEUE, "labels": ["multi_az=2"], "elastic_resource_pool_name": "p"}, "labels", "span zones"),
    (QueueSpec, {**QUEUE, "tags": {"_sys_a": "b"}}, "tags", "_sys_"),
    (QueueSpec, {**QUEUE, "tags": {f"k{n}": "" for n in range(20)}}, "tags", "at most 19"),
    (QueueSpec, {**QUEUE, "tags": {"pulumi_dli_owner": "me"}}, "tags", "the provider's own"),
    (QueueSpec, {"queue_name": "q"}, "cu_count", "is required"),
    (QueueSpec, {**QUEUE, "cu_cuont": 1}, "cu_cuont", "did you mean cu_count?"),
    (PackageGroupSpec, {**GROUP, "packages": []}, "packages", "at least 1 item"),
    (PackageGroupSpec, {**GROUP, "packages": ["obs://bkt/a.jar", "obs://ccc/a.jar"]}, "packages", "two packages"),
    (PackageGroupSpec, {**GROUP, "packages": ["build/a.jar"]}, "packages", "bucket"),
    (PackageGroupSpec, {**GROUP, "packages": ["ftp://b/a.jar"]}, "packages", "obs://bucket/key"),
    (PackageGroupSpec, {**GROUP, "packages": [{"path": "obs://bkt/a.jar", "kind": "war"}]}, "packages", "one of jar"),
    (PackageGroupSpec, {**GROUP, "group_name": "a b"}, "group_name", "1 to 64 letters"),
    (FlinkJarJobSpec, {**JOB, "name": "a b"}, "name", "1 to 57 letters"),
    (FlinkJarJobSpec, {"name": "j", "queue_name": "q", "main_class": "M"}, "entrypoint", "required to run"),
    (FlinkJarJobSpec, {"name": "j", "entrypoint": "g/a.jar"}, "queue_name", "DLI.13024"),
    (FlinkJarJobSpec, {**JOB, "entrypoint": "a/b/c.jar"}, "entrypoint", "group/package.jar"),
    (FlinkJarJobSpec, {**JOB, "entrypoint": "obs://bucket"}, "entrypoint", "obs://bucket/key"),
    (FlinkJarJobSpec, {**JOB, "cu_number": 2, "manager_cu_number": 2}, "manager_cu_number", "raise cu_number"),
    (FlinkJarJobSpec, {**JOB, "cu_number": 2, "parallel_number": 5}, "parallel_number", "more than 4 for each"),
    (FlinkJarJobSpec, {**JOB, "cu_number": 3, "tm_cus": 4}, "tm_cus", "does not fit"),
    (FlinkJarJobSpec, {**JOB, "parallel_number": 0}, "parallel_number", "from 1 to 2000"),
    (FlinkJarJobSpec, {**JOB, "resume_max_num": 0}, "resume_max_num", "-1 (no limit)"),
    (FlinkJarJobSpec, {**JOB, "checkpoint_interval": 1_000_000}, "checkpoint_interval", "from 1 to 999999"),
    (FlinkJarJobSpec, {**JOB, "obs_bucket": None, "log_enabled": True}, "log_enabled", "needs obs_bucket"),
    (FlinkJarJobSpec, {**JOB, "obs_bucket": None, "checkpoint_enabled": True}, "checkpoint_enabled", "obs_bucket"),
    (FlinkJarJobSpec, {**JOB, "feature": "custom"}, "feature", "needs an image"),
    (FlinkJarJobSpec, {**JOB, "resource_config_version": "v2", "cu_number": 4}, "resource_config_version", "cu_number"),
    (FlinkJarJobSpec, {**JOB, "upgrade_mode": "savepoints"}, "upgrade_mode", "one of savepoint, stateless, last-state"),
    (FlinkJarJobSpec, {**JOB, "runtime_config": "no equals"}, "runtime_config", "key=value"),
]


@pytest.mark.parametrize(("spec", "inputs", "field", "reason"), BAD, ids=[f"{f}: {r}" for _, _, f, r in BAD])
def test_a_bad_input_is_named_with_what_is_wrong(
    spec: type[Spec], inputs: dict[str, Any], field: str, reason: str
) -> None:
    _, failures = check(spec, inputs)
    assert [failure.field for failure in failures] == [field]
    assert reason in failures[0].reason


def test_all_that_is_wrong_is_said_at_once() -> None:
    _, failures = check(QueueSpec, {"queue_name": "1", "cu_count": 3, "queue_type": "x"})
    assert {failure.field for failure in failures} == {"queue_name", "cu_count", "queue_type"}


def test_a_value_that_is_not_known_yet_is_not_judged_and_passed_on() -> None:
    late = object()
    inputs, failures = check(FlinkJarJobSpec, {**JOB, "queue_name": late, "parallel_number": 500}, {"queue_name"})
    assert [failure.field for failure in failures] == ["parallel_number"]
    inputs, failures = check(
        FlinkJarJobSpec, {"name": "j", "queue_name": late, "entrypoint": late}, {"queue_name", "entrypoint"}
    )
    assert failures == []
    assert inputs["queue_name"] is late


@pytest.mark.parametrize(
    "given",
    [
        {"a": "1", "b": "x"},
        {"a": 1, "b": "x"},
        [{"key": "a", "value": "1"}, {"key": "b", "value": "x"}],
        '[{"key": "a", "value": "1"}, {"key": "b", "value": "x"}]',
        '{"a": 1, "b": "x"}',
        "a=1\nb=x\n",
    ],
)
def test_runtime_settings_have_one_form_however_they_are_written(given: Any) -> None:
    inputs, failures = check(FlinkJarJobSpec, {**JOB, "runtime_config": given})
    assert failures == []
    assert inputs["runtime_config"] == {"a": "1", "b": "x"}


def test_a_package_without_a_digest_stays_the_text_that_was_written() -> None:
    inputs, _ = check(FlinkJarJobSpec, {**JOB, "dependency_jars": ["g/b.jar", {"path": "g/c.jar", "digest": "12"}]})
    assert inputs["entrypoint"] == "g/a.jar"
    assert inputs["dependency_jars"] == ["g/b.jar", {"path": "g/c.jar", "digest": "12"}]
