"""What a program gives: outputs of other resources wherever an input may stand, and inputs that cannot be right."""

from __future__ import annotations

import json

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.engines import CLI_ONLY, CLI_WHEN_SLOW, EMBEDDED_ONLY, Engine, calls

pytestmark = pytest.mark.slow  # part of `make test-full`

FLOWING = """
queue = dli.Queue("q", cu_count=16)
group = dli.PackageGroup("g", packages=["obs://jars/app.jar", "obs://jars/lib.jar"])
first = dli.FlinkJarJob(
    "first",
    queue_name=queue.queue_name,
    entrypoint=group.package("app.jar"),
    dependency_jars=[group.package("lib.jar"), pulumi.Output.concat("obs://jars/", queue.owner, ".jar")],
    main_class="Main",
    entrypoint_args=["--queue", queue.resource_id],
    runtime_config={"queue.id": queue.resource_id},
    tags={"queue": queue.id},
)
second = dli.FlinkJarJob(
    "second",
    queue_name=first.queue_name,
    entrypoint="obs://jars/app.jar",
    main_class="Main",
    entrypoint_args=pulumi.Output.concat("--after ", first.job_id),
    desc=first.status,
)
pulumi.export("both", [first.id, {"second": second.job_id}])
"""

WRONG: dict[str, tuple[str, dict[str, str]]] = {
    "queue": (
        'dli.Queue("x", queue_name="_q", cu_count=18, resource_mode=2, platform="arm", tags={" a": "b"})',
        {
            "queue_name": "1 to 128 letters",
            "cu_count": "multiple of 16",
            "resource_mode": "from 0 to 1",
            "platform": "x86_64, aarch64",
            "tags": "do not begin or end with a blank",
        },
    ),
    "engine of a queue": ('dli.Queue("x", cu_count=16, engine="spark")', {"engine": "SQL queues"}),
    "group": (
        'dli.PackageGroup("x", group_name="a b", packages=["obs://jars/a.jar"], owner="1")',
        {"group_name": "1 to 64 letters", "owner": "5 to 32"},
    ),
    "packages of a group": ('dli.PackageGroup("x", packages=["obs://jars"])', {"packages": "obs://bucket/key"}),
    "fields of a job": (
        (
            'dli.FlinkJarJob("x", queue_name="q", entrypoint="ftp://x/y.jar", parallel_number=0, checkpoint_mode=3, '
            'state="failed", upgrade_mode="blue-green", repair="some", resume_max_num=0, stabilization_seconds=-1)'
        ),
        {
            "entrypoint": "group/package.jar, package.jar or obs://bucket/key",
            "parallel_number": "from 1 to 2000",
            "checkpoint_mode": "1 (exactly_once), 2 (at_least_once)",
            "upgrade_mode": "savepoint, stateless, last-state",
            "repair": "failed, all, none",
            "resume_max_num": "-1 (no limit)",
            "state": "one of running, suspended, draft",
            "stabilization_seconds": "from 0 to 3600",
        },
    ),
    "arithmetic of a job": (
        (
            'dli.FlinkJarJob("x", queue_name="q", entrypoint="g/app.jar", main_class="M", cu_number=2, '
            "manager_cu_number=2, tm_cus=4)"
        ),
        {"manager_cu_number": "leave none for TaskManagers"},
    ),
    "the parallelism of a job": (
        'dli.FlinkJarJob("x", queue_name="q", entrypoint="g/app.jar", main_class="M", parallel_number=5)',
        {"parallel_number": "more than 4"},
    ),
}


@CLI_WHEN_SLOW
def test_outputs_flow_between_resources_and_are_unknown_at_preview(engine: Engine, dli: Emulator) -> None:
    for name in ("lib.jar", "nobody.jar"):
        dli.put_object("jars", name)
    engine.write(FLOWING)
    engine.connect(dli)
    planned = engine.preview()
    assert planned.ok, planned.text
    assert planned.ops() == dict.fromkeys(("q", "g", "first", "second"), "create")
    dli.quirk(lenient_objects=True)
    made = engine.up()
    assert made.ok, made.text
    first, second = dli.jobs()
    queue = engine.resources()["q"]["outputs"]
    assert first["definition"]["queue_name"] == "q"
    assert first["definition"]["entrypoint"] == "g/app.jar"
    assert first["definition"]["dependency_jars"] == ["g/lib.jar", f"obs://jars/{queue['owner']}.jar"]
    assert first["definition"]["entrypoint_args"] == f"--queue {queue['resource_id']}"
    assert json.loads(first["definition"]["runtime_config"]) == [{"key": "queue.id", "value": queue["resource_id"]}]
    assert second["definition"]["entrypoint_args"] == f"--after {first['job_id']}"
    assert second["definition"]["desc"] == "job_running"
    assert engine.outputs()["both"] == [str(first["job_id"]), {"second": str(second["job_id"])}]
    assert engine.preview().ops() == {}


@EMBEDDED_ONLY
def test_an_input_that_is_not_given_is_an_output_without_a_value(engine: Engine, dli: Emulator) -> None:
    engine.write("""
        q = dli.Queue("q", cu_count=16)
        pulumi.export("given", q.cu_count)
        pulumi.export("absent", q.tags.apply(lambda tags: tags is None))
        pulumi.export("unheard of", hasattr(q, "colour"))
    """)
    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text
    assert engine.outputs() == {"given": 16, "absent": True, "unheard of": False}


@CLI_WHEN_SLOW
@pytest.mark.parametrize("case", WRONG)
def test_wrong_inputs_are_named_before_anything_is_touched(engine: Engine, dli: Emulator, case: str) -> None:
    program, reasons = WRONG[case]
    engine.write(program)
    engine.connect(dli)
    told = engine.up()
    assert not told.ok
    for name, reason in reasons.items():
        about = [line for line in f"{told.program_errors()}\n{told.text}".splitlines() if f" {name}: " in line]
        assert any(reason in text for text in about), (name, told.text)
    assert all("Traceback" not in text for text in told.errors())
    assert "x" not in engine.resources()
    assert calls(dli) == {}


@CLI_WHEN_SLOW
def test_mistakes_in_the_program_itself_are_one_clean_line(engine: Engine, dli: Emulator) -> None:
    engine.write('g = dli.PackageGroup("g", packages=["obs://jars/app.jar"])\npulumi.export("x", g.package("b.jar"))')
    told = engine.preview()
    assert not told.ok
    assert "The package group g has no package b.jar; it has app.jar." in told.program_errors() + told.text
    assert calls(dli) == {}


@pytest.mark.slow
@CLI_WHEN_SLOW
def test_a_stack_of_1500_resources_constructs_and_previews(engine: Engine, dli: Emulator) -> None:
    engine.write('for n in range(1500):\n    dli.Queue(f"q{n}", cu_count=16)')
    told = engine.preview()
    assert told.ok, told.text[-2000:]
    assert len(told.ops()) == 1500
    assert calls(dli) == {}


SECRETS = {
    "cu_count": 'dli.Queue("x", cu_count=pulumi.Output.secret(7654321))',
    "tags": 'dli.Queue("x", cu_count=16, tags=pulumi.Output.secret({"a": ["7654321"]}))',
    "runtime_config": 'dli.FlinkJarJob("x", queue_name="q", runtime_config=pulumi.Output.secret("7654321"))',
    "entrypoint_args": 'dli.FlinkJarJob("x", queue_name="q", entrypoint_args=pulumi.Output.secret(["7654321 "]))',
}


@CLI_WHEN_SLOW
@pytest.mark.parametrize("field", SECRETS)
def test_a_refused_input_that_may_be_secret_is_named_and_never_printed(
    engine: Engine, dli: Emulator, field: str
) -> None:
    engine.write(SECRETS[field])
    engine.connect(dli)
    told = engine.preview()
    assert not told.ok
    assert any(f"resource 'x' has a problem: {field}: " in text for text in told.errors()), told.text
    assert "7654321" not in told.text


@CLI_ONLY
def test_what_a_stack_transform_adds_shows_in_the_outputs_of_the_program(engine: Engine, dli: Emulator) -> None:
    engine.write("""
        def add(args):
            return pulumi.ResourceTransformResult({**args.props, "tags": {"team": "streams"}}, args.opts)

        pulumi.runtime.register_resource_transform(add)
        q = dli.Queue("q", cu_count=16)
        pulumi.export("tags", q.tags)
        pulumi.export("description", q.description)
    """)
    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text
    assert engine.outputs()["tags"] == {"team": "streams"}
    assert engine.outputs().get("description") is None


HIDING = """
    def hide(args):
        if args.type_ == "pulumi-python:dynamic/dli:Queue":
            props = {**args.props, "description": pulumi.Output.secret(args.props["description"])}
            return pulumi.ResourceTransformResult(props, args.opts)

    pulumi.runtime.register_resource_transform(hide)
    q = dli.Queue("q", cu_count=16, description="canary" + "7Qx")
    pulumi.export("description", q.description)
"""
HIDING_AT_ONCE = """
    def hide(args):
        args.props["description"] = pulumi.Output.secret(args.props["description"])
        return pulumi.ResourceTransformationResult(args.props, args.opts)

    pulumi.runtime.register_stack_transformation(hide)
    q = dli.Queue("q", cu_count=16, description="canary" + "7Qx")
    pulumi.export("description", q.description)
"""


def _nothing_shows(engine: Engine, dli: Emulator, program: str) -> None:
    engine.write(program)
    engine.connect(dli)
    told = [engine.up(), engine.refresh(), engine.preview()]
    assert all(result.ok for result in told), [result.text for result in told]
    assert "canary7Qx" not in engine.stored()
    for result in told:
        assert "canary7Qx" not in result.text + "".join(result.events)
    assert engine.outputs()["description"] == "canary7Qx"


@CLI_ONLY
def test_a_transform_that_makes_a_value_secret_keeps_it_secret(engine: Engine, dli: Emulator) -> None:
    _nothing_shows(engine, dli, HIDING)


@CLI_WHEN_SLOW
def test_a_transformation_that_makes_a_value_secret_keeps_it_secret(engine: Engine, dli: Emulator) -> None:
    _nothing_shows(engine, dli, HIDING_AT_ONCE)
