"""Lists that are kept by hand, held against the code: rooms, public names, parameters, docs, pickled providers."""

from __future__ import annotations

import ast
import base64
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import dill  # type: ignore[import-untyped]
import pytest

import pulumi_dli
from pulumi_dli import config
from pulumi_dli.provider import (
    DatasourceConnectionProvider,
    ElasticResourcePoolProvider,
    FlinkJarJobProvider,
    FlinkSqlJobProvider,
    PackageGroupProvider,
    QueueProvider,
    UploadedPackageProvider,
)
from pulumi_dli.resources.base import DliResource
from pulumi_dli.specs import generate
from pulumi_dli.specs.catalogue import catalogue
from pulumi_dli.specs.datasource_connection import DatasourceConnectionSpec
from pulumi_dli.specs.elastic_resource_pool import ElasticResourcePoolSpec
from pulumi_dli.specs.fields import Effect, Spec
from pulumi_dli.specs.flink_jar_job import FlinkJarJobSpec
from pulumi_dli.specs.flink_sql_job import FlinkSqlJobSpec
from pulumi_dli.specs.package_group import PackageGroupSpec
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.reference import reference
from pulumi_dli.specs.uploaded_package import UploadedPackageSpec

ROOT = Path(__file__).parent.parent
RESOURCES: list[tuple[type[DliResource], type[Spec]]] = [
    (pulumi_dli.DatasourceConnection, DatasourceConnectionSpec),
    (pulumi_dli.ElasticResourcePool, ElasticResourcePoolSpec),
    (pulumi_dli.Queue, QueueSpec),
    (pulumi_dli.PackageGroup, PackageGroupSpec),
    (pulumi_dli.UploadedPackage, UploadedPackageSpec),
    (pulumi_dli.FlinkJarJob, FlinkJarJobSpec),
    (pulumi_dli.FlinkSqlJob, FlinkSqlJobSpec),
]
NAMES = [resource.__name__ for resource, _ in RESOURCES]


@pytest.mark.parametrize(("resource", "spec"), RESOURCES, ids=NAMES)
def test_a_resource_takes_exactly_the_fields_of_its_spec(resource: type[DliResource], spec: type[Spec]) -> None:
    parameters = list(inspect.signature(resource.__init__).parameters)[2:]
    assert parameters[-1] == "opts"
    assert sorted(parameters[:-1]) == sorted(spec.model_fields)


@pytest.mark.parametrize(("resource", "spec"), RESOURCES, ids=NAMES)
def test_the_docstring_of_a_resource_says_what_each_field_is(resource: type[DliResource], spec: type[Spec]) -> None:
    told = " ".join((resource.__init__.__doc__ or "").split())
    missing = [name for name, field in spec.model_fields.items() if f"{name}: {field.description}" not in told]
    assert missing == []


@pytest.mark.parametrize(("resource", "spec"), RESOURCES, ids=NAMES)
def test_outputs_and_inputs_have_names_of_their_own(resource: type[DliResource], spec: type[Spec]) -> None:
    both = set(resource.computed_outputs) & set(spec.model_fields)
    assert both <= {"owner"}, "an output that is also an input would be refreshed as one"


@pytest.mark.parametrize("spec", [spec for _, spec in RESOURCES], ids=NAMES)
def test_every_field_says_what_its_change_does(spec: type[Spec]) -> None:
    unmarked = [
        name for name, field in spec.model_fields.items() if not any(isinstance(m, Effect) for m in field.metadata)
    ]
    assert unmarked == []


PICKLED = {
    DatasourceConnectionProvider: (
        "gASVOwAAAAAAAACME3B1bHVtaV9kbGkucHJvdmlkZXKUjBxEYXRhc291cmNlQ29ubmVjdGlvblByb3ZpZGVylJOUKYGULg=="
    ),
    ElasticResourcePoolProvider: (
        "gASVOgAAAAAAAACME3B1bHVtaV9kbGkucHJvdmlkZXKUjBtFbGFzdGljUmVzb3VyY2VQb29sUHJvdmlkZXKUk5QpgZQu"
    ),
    QueueProvider: "gASVLAAAAAAAAACME3B1bHVtaV9kbGkucHJvdmlkZXKUjA1RdWV1ZVByb3ZpZGVylJOUKYGULg==",
    PackageGroupProvider: "gASVMwAAAAAAAACME3B1bHVtaV9kbGkucHJvdmlkZXKUjBRQYWNrYWdlR3JvdXBQcm92aWRlcpSTlCmBlC4=",
    UploadedPackageProvider: "gASVNgAAAAAAAACME3B1bHVtaV9kbGkucHJvdmlkZXKUjBdVcGxvYWRlZFBhY2thZ2VQcm92aWRlcpSTlCmBlC4=",
    FlinkJarJobProvider: "gASVMgAAAAAAAACME3B1bHVtaV9kbGkucHJvdmlkZXKUjBNGbGlua0phckpvYlByb3ZpZGVylJOUKYGULg==",
    FlinkSqlJobProvider: "gASVMgAAAAAAAACME3B1bHVtaV9kbGkucHJvdmlkZXKUjBNGbGlua1NxbEpvYlByb3ZpZGVylJOUKYGULg==",
}


@pytest.mark.parametrize("provider", list(PICKLED))
def test_a_provider_pickles_to_its_name_and_nothing_else(provider: Any) -> None:
    """The string stands in every state: another one would show as a change of every resource, or not load at all."""
    text = base64.b64encode(dill.dumps(provider())).decode()
    assert text == PICKLED[provider]
    assert isinstance(dill.loads(base64.b64decode(text)), provider)


def test_importing_the_package_loads_no_heavy_library() -> None:
    program = (
        "import sys, pulumi, pulumi_dli; pulumi_dli.Queue, pulumi_dli.PackageGroup, pulumi_dli.FlinkJarJob, "
        "pulumi_dli.FlinkSqlJob, pulumi_dli.ElasticResourcePool, pulumi_dli.DatasourceConnection, "
        "pulumi_dli.UploadedPackage, pulumi_dli.Provider, pulumi_dli.get_queue\n"
        "heavy = {'requests', 'pydantic', 'keystoneauth1', 'deepdiff', 'boto3', 'starlette'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_public_names_are_there_and_listed_for_readers() -> None:
    readme = (ROOT / "README.md").read_text()
    functions = (ROOT / "docs" / "functions.md").read_text()
    for name in pulumi_dli.__all__:
        assert getattr(pulumi_dli, name) is not None
        page = functions if name.startswith("get_") else readme
        assert f"`{name}`" in page or f"{name}(" in page, f"{name} is in no page"


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in config.SETTINGS if f"`dli:{name}`" not in page] == []


def test_the_reference_has_every_field_with_its_effect() -> None:
    """docs/resources.md is written from the specs by `python -m pulumi_dli.specs.reference`."""
    assert (ROOT / "docs" / "resources.md").read_text() == reference()


def test_the_resource_classes_are_those_that_the_specs_generate() -> None:
    """Stale? `python -m pulumi_dli.specs.generate`"""
    wrong = [path.name for path, text in generate.files().items() if path.read_text() != text]
    assert wrong == []


def test_every_spec_that_declares_a_resource_is_a_public_name() -> None:
    assert {name for name, _ in catalogue().items()} == set(NAMES)
    assert {*NAMES, *(f"{name}Args" for name in NAMES)} <= set(pulumi_dli.__all__)


def test_every_module_says_what_it_is_for() -> None:
    silent = []
    for path in sorted((ROOT / "pulumi_dli").rglob("*.py")):
        if not ast.get_docstring(ast.parse(path.read_text())):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_the_map_of_the_rooms_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rooms = {path.name for path in (ROOT / "pulumi_dli").iterdir() if path.is_dir() and path.name != "__pycache__"}
    rooms |= {path.name for path in (ROOT / "pulumi_dli").glob("*.py") if path.name != "__init__.py"}
    assert [room for room in sorted(rooms) if not re.search(rf"\b{re.escape(room)}\b", text)] == []
