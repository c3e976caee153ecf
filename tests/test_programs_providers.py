"""Who is asked, and as whom: explicit providers, functions, connections that changed, secrets."""

from __future__ import annotations

import json

import pytest

from pulumi_dli.emulator.testing import Emulator
from tests.engines import CLI_WHEN_SLOW, PROJECT_ID, Engine, connection, leftovers

pytestmark = pytest.mark.slow  # part of `make test-full`

OTHER_PROJECT = "00000000000000000000000000000002"
CANARY = "canary-Zx81"

TWO_PROJECTS = """
def of(project):
    return dli.Provider(
        project,
        endpoint=config.require("url"),
        project_id=project,
        access_key=f"key-of-{project}",
        secret_key=config.require_secret("secret"),
        poll_seconds=0.02,
    )


for project in ("one", "two"):
    provider = of(project)
    options = pulumi.ResourceOptions(provider=provider)
    queue = dli.Queue(f"q-{project}", queue_name="same", cu_count=16, opts=options)
    group = dli.PackageGroup(f"g-{project}", group_name="g", packages=["obs://jars/app.jar"], opts=options)
    job = dli.FlinkJarJob(
        f"j-{project}",
        name="same",
        queue_name=queue.queue_name,
        entrypoint=group.package("app.jar"),
        main_class="Main",
        obs_bucket="state",
        opts=options,
    )
    jobs = dli.get_flink_jobs_output(name=job.name, queue_name=queue.queue_name, provider=provider)
    pulumi.export(project, jobs.apply(lambda found: [item.job_id for item in found]))
    pulumi.export(f"{project}-job", job.job_id)
"""

FUNCTIONS = """
queue = dli.get_queue("SHARED")
pulumi.export("queue", [queue.queue_name, queue.cu_count, queue.queue_type])
pulumi.export("none", len(dli.get_flink_jobs(name="nobody")))
group = dli.PackageGroup("g", packages=["obs://jars/app.jar"])
found = dli.get_package_group_output(group.group_name.apply(lambda name: name))
pulumi.export("packages", found.apply(lambda g: [[p.name, p.kind, p.status, p.path] for p in g.packages]))
late = dli.get_queue_output(group.group_name.apply(lambda _: "shared"))
jobs = dli.get_flink_jobs_output(job_type=group.group_name.apply(lambda _: "flink_jar_job"))
pulumi.export("jobs", jobs.apply(len))
pulumi.export("groups", dli.get_package_groups_output().apply(lambda found: [g.group_name for g in found]))
pulumi.export("left", dli.get_quotas_output().apply(lambda quotas: quotas["QUEUE"].left))
pulumi.export("late", late.apply(lambda q: q.queue_name))
"""


@CLI_WHEN_SLOW
def test_two_providers_with_projects_and_credentials_of_their_own_live_in_one_stack(
    engine: Engine, dli: Emulator
) -> None:
    engine.write(TWO_PROJECTS)
    engine.configure({"url": dli.url})
    engine.configure({"secret": CANARY}, secret=True)
    made = engine.up()
    assert made.ok, made.text
    jobs = {job["project_id"]: str(job["job_id"]) for job in dli.jobs()}
    assert set(jobs) == {"one", "two"}
    outputs = engine.outputs()
    assert {name: outputs[f"{name}-job"] for name in jobs} == jobs
    assert {name: outputs[name] for name in jobs} == {name: [number] for name, number in jobs.items()}
    assert CANARY not in engine.stored()

    assert engine.preview(refresh=True).ops() == {}
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli, "one") + leftovers(dli, "two") == []


@CLI_WHEN_SLOW
def test_functions_look_up_what_the_program_does_not_manage(engine: Engine, dli: Emulator) -> None:
    engine.write(FUNCTIONS)
    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text
    assert engine.outputs() == {
        "queue": ["shared", 64, "general"],
        "none": 0,
        "packages": [["app.jar", "jar", "READY", "g/app.jar"]],
        "late": "shared",
        "jobs": 0,
        "groups": [],
        "left": 999,
    }


@CLI_WHEN_SLOW
def test_a_function_that_finds_nothing_says_so_in_one_line(engine: Engine, dli: Emulator) -> None:
    engine.write('dli.get_package_group("nowhere")')
    engine.connect(dli)
    told = engine.preview()
    assert not told.ok
    assert "there is no package group named nowhere" in told.text
    assert "Traceback" not in told.program_errors()


@CLI_WHEN_SLOW
def test_a_connection_to_another_place_is_an_error_and_never_gone(engine: Engine, dli: Emulator) -> None:
    program = 'q = dli.Queue("q", cu_count=64)\ng = dli.PackageGroup("g", packages=["obs://jars/{jar}.jar"])'
    engine.write(program.format(jar="app"))
    engine.connect(dli)
    assert engine.up().ok
    ids = {name: record["id"] for name, record in engine.resources().items()}
    elsewhere = {"dli:endpoint": dli.url.replace("127.0.0.1", "localhost")}
    engine.configure({**connection(dli), **elsewhere})

    engine.write(program.format(jar="other"))
    for told in (engine.up(), engine.refresh(), engine.destroy()):
        assert not told.ok
        assert told.errors()
        for error in told.errors():
            assert all(place in error for place in (PROJECT_ID, dli.url, *elsewhere.values())), error
    assert {name: record["id"] for name, record in engine.resources().items()} == ids
    assert leftovers(dli) == ["q", "app.jar"]


@CLI_WHEN_SLOW
def test_an_up_with_a_wrong_project_traps_neither_refresh_nor_destroy(engine: Engine, dli: Emulator) -> None:
    engine.write('dli.Queue("q", cu_count=16)\ndli.PackageGroup("g", packages=["obs://jars/app.jar"])')
    engine.connect(dli)
    assert engine.up().ok
    ids = {name: record["id"] for name, record in engine.resources().items()}
    engine.connect(dli, project_id=OTHER_PROJECT)
    refused = engine.up()
    assert not refused.ok
    assert any(f"project {PROJECT_ID}" in error and "--run-program" in error for error in refused.errors())
    assert {name: record["id"] for name, record in engine.resources().items()} == ids

    # The state holds the wrong settings now; what it holds of each resource says where that is.
    read = engine.refresh()
    assert read.ok, read.text
    assert read.drifted() == {}
    assert {name: record["id"] for name, record in engine.resources().items()} == ids
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) + leftovers(dli, OTHER_PROJECT) == []


@CLI_WHEN_SLOW
def test_secrets_of_a_program_appear_nowhere_in_clear(engine: Engine, dli: Emulator) -> None:
    engine.write(
        """
        job = dli.FlinkJarJob(
            "j",
            queue_name="shared",
            entrypoint="obs://jars/app.jar",
            main_class="Main",
            obs_bucket="state",
            entrypoint_args=pulumi.Output.concat("--password ", config.require_secret("secret")),
            runtime_config={"s3.secret-key": config.require_secret("secret"), "plain": config.get("plain")},
        )
        pulumi.export("status", job.status)
        pulumi.export("description", job.status_desc)
        """
    )
    engine.connect(dli)
    engine.configure({"plain": "one"})
    engine.configure({"secret": CANARY}, secret=True)
    told = [engine.preview(), engine.up()]
    (job,) = dli.jobs()
    assert job["definition"]["entrypoint_args"] == f"--password {CANARY}"

    dli.act("job.fail", job=job["job_id"], description=f"cannot log in with {CANARY} at all")
    engine.configure({"plain": "two"})
    told += [engine.refresh(), engine.preview(), engine.up()]
    assert all(result.ok for result in told[:3]), [result.text for result in told]
    for result in told:
        assert CANARY not in result.text
        assert CANARY not in "".join(result.events)
    assert CANARY not in engine.stored()
    assert CANARY not in json.dumps(dli.requests())
    assert "cannot log in with [secret] at all" in "".join(told[2].text)
