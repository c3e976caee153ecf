"""Local files that jobs take by their `obs://` path: uploaded once, kept while needed, in whole programs."""

from __future__ import annotations

import pytest

from pulumi_dli.emulator.testing import Emulator
from pulumi_dli.specs.fields import check
from pulumi_dli.specs.uploaded_package import UploadedPackageSpec
from tests.engines import CLI_WHEN_SLOW, EMBEDDED_ONLY, Engine

pytestmark = pytest.mark.slow  # part of `make test-full`

PROGRAM = """
import pulumi
import pulumi_dli as dli

app = dli.UploadedPackage("app", source="app.jar", bucket="code")
data = dli.UploadedPackage("data", source="data.txt", bucket="code", prefix="files")
queue = dli.Queue("q", cu_count=16)
common = {"queue_name": queue.queue_name, "main_class": "a.B", "obs_bucket": "code", "stabilization_seconds": 0}
dli.FlinkJarJob("with-data", entrypoint=app.package, dependency_files=[data.package], **common)
dli.FlinkJarJob("other", entrypoint="obs://jars/app.jar", **common)
pulumi.export("path", app.path)
"""


def write(engine: Engine, name: str, content: bytes) -> None:
    (engine.project / name).write_bytes(content)


def keys(dli: Emulator) -> list[str]:
    return sorted(row.key for row in dli.service.objects.listed("code") if not row.key.startswith("jobs/"))


def prepare(engine: Engine, dli: Emulator) -> None:
    dli.put_object("code", "readme", b"-")
    engine.write(PROGRAM)
    engine.connect(dli)
    write(engine, "app.jar", b"first")
    write(engine, "data.txt", b"data")


def entrypoints(dli: Emulator) -> dict[str, str]:
    return {job["name"]: job["definition"]["entrypoint"] for job in dli.jobs()}


@CLI_WHEN_SLOW
def test_new_bytes_are_a_new_object_and_restart_the_jobs_that_use_them(engine: Engine, dli: Emulator) -> None:
    prepare(engine, dli)
    done = engine.up()
    assert done.ok, done.text
    first = engine.outputs()["path"]
    assert entrypoints(dli)["with-data"] == first == "obs://code/packages/app-a7937b64.jar"
    assert engine.up().ops() == {}

    write(engine, "app.jar", b"second")
    preview = engine.preview()
    assert preview.ops() == {"app": "update", "with-data": "update"}
    assert any("restart" in line for line in preview.says("with-data"))
    assert engine.up().ops() == {"app": "update", "with-data": "update"}
    assert entrypoints(dli)["with-data"] == engine.outputs()["path"] != first
    assert len(keys(dli)) == 4, "readme, the data, and both versions: a rollback may need the first"

    write(engine, "app.jar", b"third")
    assert engine.up().ok
    assert first.removeprefix("obs://code/") not in keys(dli)

    assert engine.destroy().ok
    assert keys(dli) == ["readme"]


@EMBEDDED_ONLY
def test_what_others_have_put_there_is_used_and_never_deleted(engine: Engine, dli: Emulator) -> None:
    prepare(engine, dli)
    dli.put_object("code", "packages/app-a7937b64.jar", b"first")
    assert engine.up().ok
    [row] = dli.service.objects.listed("code", "packages/")
    assert row.metadata == {}
    assert engine.destroy().ok
    assert keys(dli) == ["packages/app-a7937b64.jar", "readme"]


@EMBEDDED_ONLY
def test_an_object_that_is_gone_or_overwritten_is_uploaded_again_without_a_restart(
    engine: Engine, dli: Emulator
) -> None:
    prepare(engine, dli)
    assert engine.up().ok
    dli.put_object("code", "packages/app-a7937b64.jar", b"something else")
    assert engine.up(refresh=True).ops() == {"app": "update"}
    dli._raw("DELETE", "/obs/code/packages/app-a7937b64.jar", b"")
    assert engine.up(refresh=True).ops() == {"app": "create"}
    [row] = dli.service.objects.listed("code", "packages/")
    assert dli.service.objects.read(row) == b"first"
    assert [job["restart_times"] for job in dli.jobs()] == [0, 0]
    assert dli.counts().get("jobs.stop", 0) == 0


@EMBEDDED_ONLY
def test_an_object_that_a_job_still_names_survives_the_package(engine: Engine, dli: Emulator) -> None:
    prepare(engine, dli)
    assert engine.up().ok
    path = engine.outputs()["path"]
    engine.write(
        "import pulumi_dli as dli\n"
        'dli.Queue("q", cu_count=16)\n'
        'dli.FlinkJarJob("other", entrypoint="obs://jars/app.jar", queue_name="q", main_class="a.B", '
        'obs_bucket="code", stabilization_seconds=0)\n'
    )
    dli.act("job.edit", job="other", fields={"entrypoint": path})
    result = engine.up(refresh=False)
    assert result.ok
    assert any("left in OBS" in line for line in result.says("app", "warning"))
    assert "packages/app-a7937b64.jar" in keys(dli)


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"source": "obs://b/app.jar"}, "source", "give its obs:// path to the job itself"),
        ({"source": " "}, "source", "must name a file"),
        ({"bucket": "No Bucket"}, "bucket", "must be the name of a bucket"),
        ({"name": ".hidden"}, "name", "no dot in front"),
        ({"digest": "12"}, "digest", "64 hexadecimal digits"),
        ({"bucket": None}, "bucket", "is required"),
    ],
)
def test_wrong_inputs_say_what_is_wrong(given: dict[str, str | None], field: str, says: str) -> None:
    _, failures = check(UploadedPackageSpec, {"source": "app.jar", "bucket": "code", "digest": "a" * 64, **given})
    assert [failure.field for failure in failures] == [field]
    assert says in failures[0].reason


@EMBEDDED_ONLY
def test_a_missing_file_and_a_missing_bucket_are_named(engine: Engine, dli: Emulator) -> None:
    engine.write("import pulumi_dli as dli\ndli.UploadedPackage('a', source='none.jar', bucket='code')\n")
    engine.connect(dli)
    assert "The package none.jar cannot be read" in engine.up().text
    engine.write("import pulumi_dli as dli\ndli.UploadedPackage('a', source=__file__, bucket='elsewhere')\n")
    failed = engine.up()
    assert not failed.ok
    assert "there is no such bucket" in " ".join(failed.errors())
