"""What users test their programs with: mocks for functions, our pytest fixtures, the pages' own examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.automation import CommandError, ConfigValue
from pulumi.runtime import mocks, settings

import pulumi_dli
from pulumi_dli.emulator.testing import Emulator
from tests.engines import EMBEDDED_ONLY, Engine, connection

PAGE = Path(__file__).parent.parent / "docs" / "testing.md"
BLOCK = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)


class Mocks(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.answer: Any = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", args.inputs

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.asked.append((args.token, args.args))
        return self.answer


@pytest.fixture
def mocked() -> Iterator[Mocks]:
    made = Mocks()
    mocks.set_mocks(made, preview=False)
    try:
        yield made
    finally:
        settings.reset_options()


def known(output: pulumi.Output[Any]) -> Any:
    found: list[Any] = []

    @pulumi.runtime.test
    def wait() -> pulumi.Output[Any]:
        return output.apply(found.append)

    wait()
    return found[0]


def test_each_function_asks_the_mocks_and_nobody_else(mocked: Mocks) -> None:
    mocked.answer = {"cu_count": 64, "support_flink_jar_versions": ["1.15"]}
    queue = pulumi_dli.get_queue("q")
    assert (queue.queue_name, queue.cu_count, queue.support_flink_jar_versions) == ("q", 64, ("1.15",))
    mocked.answer = ({"min_cu": 64}, None)
    pool = pulumi_dli.get_elastic_resource_pool("p")
    assert (pool.elastic_resource_pool_name, pool.min_cu, pool.queues) == ("p", 64, ())
    mocked.answer = {"packages": [{"name": "a.jar", "kind": "jar"}]}
    assert [package.path for package in pulumi_dli.get_package_group("g").packages] == ["g/a.jar"]
    mocked.answer = {"jobs": [{"job_id": "1", "name": "j", "status": "job_running"}]}
    assert [job.name for job in pulumi_dli.get_flink_jobs(name="j")] == ["j"]
    assert [token for token, _ in mocked.asked] == [
        f"dli:index:{name}" for name in ("getQueue", "getElasticResourcePool", "getPackageGroup", "getFlinkJobs")
    ]
    assert mocked.asked[-1][1] == {
        **dict.fromkeys(("status", "queue_name", "job_type", "tags")),
        "name": "j",
    }


def test_the_output_forms_wait_and_ask_the_mocks(mocked: Mocks) -> None:
    mocked.answer = {"cu_count": 16}
    assert known(pulumi_dli.get_queue_output(pulumi.Output.from_input("late"))).queue_name == "late"
    assert mocked.asked == [("dli:index:getQueue", {"queue_name": "late"})]


def test_a_mock_that_says_what_no_result_has_is_told(mocked: Mocks) -> None:
    mocked.answer = {"cus": 16}
    with pytest.raises(pulumi.RunError, match="QueueInfo has no field cus: it has queue_name"):
        pulumi_dli.get_queue("q")
    mocked.answer = ({}, [("queue_name", "there is none")])
    with pytest.raises(pulumi.RunError, match="getQueue: there is none"):
        pulumi_dli.get_queue("q")


def test_the_examples_of_the_page_pass(tmp_path: Path) -> None:
    blocks = dict(BLOCK.findall(PAGE.read_text()))
    assert set(blocks) == {"streams.py", "test_unit.py", "test_integration.py", "test_automation.py"}
    for name, text in blocks.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "conftest.py").write_text("")
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_plugin(), "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PAGE.parent.parent)},
        text=True,
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert re.search(r"3 passed|2 passed, 1 skipped", told.stdout), told.stdout


def _plugin() -> list[str]:
    """An installation finds the fixtures by its entry point; one of before there was one, by name."""
    from importlib.metadata import entry_points  # noqa: PLC0415

    known = {found.value for found in entry_points(group="pytest11")}
    return [] if "pulumi_dli.emulator.pytest_plugin" in known else ["-p", "pulumi_dli.emulator.pytest_plugin"]


def test_the_fixtures_are_an_entry_point_of_the_package() -> None:
    import tomllib  # noqa: PLC0415

    project = tomllib.loads((PAGE.parent.parent / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"pulumi_dli": "pulumi_dli.emulator.pytest_plugin"}


def test_the_plugin_imports_neither_pulumi_nor_the_local_dli() -> None:
    code = "import sys, pulumi_dli.emulator.pytest_plugin; print({'pulumi', 'starlette', 'uvicorn'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True).stdout == "set()\n"


@EMBEDDED_ONLY
def test_two_stacks_of_one_project_do_not_collide_silently(engine: Engine, dli: Emulator) -> None:
    engine.write("dli.Queue('orders', cu_count=16)")
    engine.connect(dli)
    assert engine.up().ok
    stack = type(engine.stack()).create_or_select("second", engine.project, env=engine.env)
    for key, value in connection(dli).items():
        stack.set_config(key, ConfigValue(value))
    for act in (stack.preview, stack.up):
        with pytest.raises(CommandError, match="is there already and not ours: a queue named orders exists already"):
            act()
