"""The quick start as a person plays it: preview, up, an upgrade, a version that fails, destroy without leftovers.

The local DLI is strict, as it is by default: what the documents forbid it refuses.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from pulumi_dli.emulator.testing import Emulator
from tests.engines import EMBEDDED_ONLY, SLOW_CLI_PARAM, Cli, Engine, calls, leftovers

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAM = EXAMPLES / "01-quickstart"
CREATED = {"streams": "create", "orders": "create", "app": "create", "counter": "create"}
UPGRADED = {"app": "update", "counter": "update"}


def jar(engine: Engine, content: bytes) -> str:
    """Make these bytes the program's jar; where they will be in OBS."""
    (engine.project / "app.jar").write_bytes(content)
    return f"obs://my-bucket/packages/app-{hashlib.sha256(content).hexdigest()[:8]}.jar"


def uploaded(dli: Emulator) -> list[str]:
    """The jars in the bucket."""
    listed = requests.get(f"{dli.objects_url}/my-bucket", params={"prefix": "packages/"}, timeout=10).text
    return [f"obs://my-bucket/{key}" for key in re.findall("<Key>(.*?)</Key>", listed)]


def the_job(dli: Emulator) -> dict[str, Any]:
    [job] = dli.jobs()
    return job


def started_from(dli: Emulator) -> list[str | None]:
    """What each start of the job has gone on from."""
    return [event["facts"]["savepoint_path"] for event in dli.timeline() if event["type"] == "run"]


def test_the_quick_start_runs_upgrades_rolls_back_and_goes_without_leftovers(engine: Engine, dli: Emulator) -> None:
    dli.put_object("my-bucket", "readme")
    engine.copy(PROGRAM, refresh=False)
    first = jar(engine, b"version 1")

    nothing_set = engine.preview()
    assert nothing_set.ok, nothing_set.text
    assert nothing_set.ops() == CREATED
    assert any("starts" in text for text in nothing_set.says("counter", "info"))
    assert "agency" not in nothing_set.text, "its queue is of the same program, and in a pool"
    assert [item.text for item in nothing_set.diagnostics if item.severity == "error"] == []
    assert calls(dli) == {}

    engine.connect(dli)
    made = engine.up()
    assert made.ok, made.text
    assert made.ops() == CREATED
    job = the_job(dli)
    sent = job["definition"]
    assert (job["name"], job["status"]) == ("counter", "job_running")
    assert [sent[name] for name in ("flink_version", "execution_agency_urn", "entrypoint")] == [
        "1.15",
        "my-agency",
        first,
    ]
    assert (sent["checkpoint_enabled"], sent["obs_bucket"]) == (True, "my-bucket")
    assert engine.outputs() == {"job_id": str(job["job_id"]), "status": "job_running", "jar": first}
    assert {name: record["id"] for name, record in engine.resources().items() if name in CREATED} == {
        "streams": "streams",
        "orders": "orders",
        "app": first,
        "counter": str(job["job_id"]),
    }

    before = calls(dli)
    second = engine.up()
    assert second.ok, second.text
    assert second.ops() == {}
    assert calls(dli) == before

    newer = jar(engine, b"version 2")
    planned = engine.preview()
    assert any("restart with savepoint (entrypoint)" in text for text in planned.says("counter", "info")), planned.text
    upgraded = engine.up()
    assert upgraded.ok, upgraded.text
    assert upgraded.ops() == UPGRADED
    [saved] = the_job(dli)["restored_from"]
    assert saved.startswith(f"obs://my-bucket/jobs/savepoint/{job['job_id']}/")

    broken = jar(engine, b"version 3")
    dli.behave("running_exception", after=20, match={"entrypoint": broken}, description="NullPointerException")
    failed = engine.up()
    assert not failed.ok
    assert "The previous version runs again from savepoint" in " ".join(failed.errors()), failed.text
    again = the_job(dli)
    assert (again["status"], again["definition"]["entrypoint"]) == ("job_running", newer)
    assert started_from(dli) == [None, saved, again["restored_from"][1], again["restored_from"][1]]
    assert again["definition"] == {**sent, "entrypoint": newer}
    bodies = [call["body"] for call in dli.requests(operation="jobs.update")]
    assert bodies == [{"entrypoint": newer}, {"entrypoint": broken}, {"entrypoint": newer}]

    jar(engine, b"version 2")
    back = engine.up()
    assert back.ok, back.text
    assert back.ops() == {"app": "update"}
    assert len(started_from(dli)) == 4, "the stream is left alone"

    gone = engine.destroy()
    assert gone.ok, gone.text
    assert gone.ops() == dict.fromkeys(CREATED, "delete")
    assert leftovers(dli) == []
    assert uploaded(dli) == []


@EMBEDDED_ONLY
def test_a_quick_start_that_is_destroyed_at_once_waits_for_the_age_of_its_pool(engine: Engine, dli: Emulator) -> None:
    dli.put_object("my-bucket", "readme")
    # Nothing but the pool's age takes long.
    dli.quirk(timings={"pool_creating": 1, "pool_age": 40_000, "first_submit": 1})
    engine.copy(PROGRAM, refresh=False)
    jar(engine, b"version 1")
    engine.connect(dli)
    assert engine.up().ok
    gone = engine.destroy()
    assert gone.ok, gone.text
    assert leftovers(dli) == []
    asked = dli.requests(operation="pools.delete")
    assert [call["status"] for call in asked[:-1]] == [400] * (len(asked) - 1)
    assert len(asked) > 1
    assert "DLI refuses the deletion" in gone.text + " ".join(gone.events)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["embedded", SLOW_CLI_PARAM])
def test_the_demo_plays_to_its_end(kind: str) -> None:
    if kind == "cli":
        Cli.needed()
    words = [sys.executable, str(EXAMPLES / "demo.py"), "--pace", "600"]
    env = {**os.environ, "ENGINE": "pulumi" if kind == "cli" else kind}
    played = subprocess.run(words, env=env, capture_output=True, text=True, timeout=850, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    seen = re.findall(r"^   at the service: (.*)$", played.stdout, re.MULTILINE)
    first, upgraded, rolled_back, end = (re.sub(r"[0-9a-f]{8}(?=\.jar)", "…", line) for line in seen)
    assert first == "counter is job_running, app-….jar, started without state"
    assert upgraded.startswith("counter is job_running, app-….jar, started from savepoint obs://my-bucket/")
    assert rolled_back.startswith("counter is job_running, app-….jar, started from savepoint obs://my-bucket/")
    assert seen[1].split(", ")[1] == seen[2].split(", ")[1] != seen[0].split(", ")[1], "back on version 2"
    assert end == "nothing is left"
