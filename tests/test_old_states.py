"""States that earlier versions wrote: read under today's names, without a change where nothing changed."""

from __future__ import annotations

import json
from pathlib import Path

from pulumi_dli.emulator.testing import Emulator

from .engines import Engine

STATE = Path(__file__).parent / "embedded" / "states" / "before_0.1.0.json"
"""A queue, a group, a package of which an older object is kept, a job with a savepoint, and one that an update left
down (`unfinished`, `resume_from`): written by the version that called them so, but for the endpoint."""

PROGRAM = """
    queue = dli.Queue("orders", queue_name="orders", cu_count=16)
    libs = dli.PackageGroup("libs", group_name="libs", packages=["obs://jars/lib.jar"])
    app = dli.UploadedPackage("app", source="app.jar", bucket="jars")
    dli.FlinkJarJob(
        "counter", name="counter", queue_name=queue.queue_name, entrypoint="libs/lib.jar", main_class="a.B",
        cu_number=2, parallel_number=2, checkpoint_enabled=True, obs_bucket="jars", resume_checkpoint=True,
        resume_max_num=3, opts=pulumi.ResourceOptions(depends_on=[libs]),
    )
    down = dli.FlinkJarJob(
        "down", name="down", queue_name=queue.queue_name, entrypoint="obs://jars/a.jar", main_class="a.B",
        cu_number=2, checkpoint_enabled=True, obs_bucket="jars",
    )
    pulumi.export("uploaded", app.uploaded)
    pulumi.export("pending", down.pending_restore_path)
"""


def with_old_state(engine: Engine, dli: Emulator) -> None:
    engine.write(PROGRAM)
    (engine.project / "app.jar").write_bytes(b"PK two")
    engine.connect(dli)
    engine.import_state(json.loads(STATE.read_text(encoding="utf-8").replace("ENDPOINT", dli.url)))


def test_a_state_of_before_previews_without_changes_but_for_what_was_left_half_done(engine, dli):
    with_old_state(engine, dli)
    seen = engine.preview()
    assert seen.ok, seen.text
    assert seen.ops() == {"down": "update"}
    assert any("savepoint" in line for line in seen.says("down"))
    assert dli.counts() == {"jobs.get": 1}  # the one that is down


def test_what_a_state_of_before_says_of_its_objects_is_read(engine, dli):
    """Only what the state calls our own is deleted: the object of today and the one it superseded."""
    with_old_state(engine, dli)
    for name in ("app-7849092a.jar", "app-d443fae8.jar"):
        dli.put_object("jars", f"packages/{name}", b"PK")
    gone = engine.destroy()
    assert gone.ok, gone.text
    deleted = {request["path"].rsplit("/", 1)[-1] for request in dli.requests(operation="objects.delete")}
    assert deleted == {"app-7849092a.jar", "app-d443fae8.jar"}
