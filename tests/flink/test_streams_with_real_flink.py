"""Stacks on real Flink: what `up` does to a stream is seen in what the stream itself counts.

The counter's file shows every count; a run that goes on from a savepoint begins with the number after the last one, a
run without state begins with 1. So the assertions are exact.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.engines import PROJECT_ID, Engine
from tests.flink.conftest import EXAMPLE
from tests.flink.streams import MEMORY_MIB, FlinkDli, History, Run, flink_dli

pytestmark = [pytest.mark.java, pytest.mark.slow, pytest.mark.timeout(900)]  # in real time, on any machine


def prepare(engine: Engine, dli: FlinkDli, jars: dict[str, Path], folder: Path) -> None:
    """The example as a project of its own, with its jars built and its stack pointed at the local DLI."""
    shutil.copytree(
        EXAMPLE, engine.project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build", "java", "Pulumi.*.yaml")
    )
    (engine.project / "build").mkdir()
    for jar in jars.values():
        shutil.copy(jar, engine.project / "build")
    engine.configure(
        {
            "dli:endpoint": dli.url,
            "dli:projectId": PROJECT_ID,
            "dli:accessKey": "local",
            "dli:secretKey": "secret-of-the-tests",
            "dli:pollSeconds": "0.2",
            "output": str(folder / "count.txt"),
            "history": str(folder / "history.txt"),
            "stabilizationSeconds": "2",
        }
    )


def test_a_stream_keeps_its_count_through_upgrades_kills_and_a_rollback(
    engine: Engine, counter_jars: dict[str, Path], tmp_path: Path
) -> None:
    history = History(tmp_path / "history.txt")
    with flink_dli(tmp_path / "dli") as dli:
        prepare(engine, dli, counter_jars, tmp_path)
        deployed = engine.up()
        assert deployed.ok, deployed.text
        history.until("v1", more=15)

        engine.configure({"version": "v2"})
        upgraded = engine.up()
        assert any("restart with savepoint" in line for line in upgraded.says("stateful-counter")), upgraded.text
        assert upgraded.ops() == {"counter": "update", "stateful-counter": "update"}
        history.until("v2", more=15)
        first, second = history.runs()
        assert (first.version, first.first) == ("v1", 1)
        assert second == Run("v2", first.last + 1, second.last), "no count is lost and none is made twice"

        dli.kill()
        counted = len(history.counts())
        last = history.counts()[-1][1]
        dli.start()
        history.until("v2", more=15)
        again = history.counts()[counted][1]
        assert second.first < again <= last + 1, "brought back from its newest checkpoint"
        assert last - again < 50, "which was made within the last seconds"
        assert engine.up().ops() == {}, "the stack finds its stream as it left it"

        engine.configure({"version": "v2-crash"})
        failed = engine.up()
        assert not failed.ok
        assert "version v2-crash is broken on purpose" in " ".join(failed.errors()), failed.text
        history.until("v2", more=5)
        good, crashed, back = history.runs()[-3:]
        assert (good.version, crashed.version, back.version) == ("v2", "v2-crash", "v2")
        assert crashed.first == back.first == good.last + 1, "both started from the same savepoint"
        assert dli.statuses() == {"stateful-counter": "job_running"}
        assert 0 < dli.peak_mib() < MEMORY_MIB

        if engine.kind == "cli":
            assert engine.destroy().ok
            return  # what follows differs by the provider alone, and the embedded engine is quicker

        engine.configure({"version": "v1", "upgradeMode": "last-state"})
        changed = engine.up()
        assert changed.ok, changed.text
        history.until("v1", more=5)
        good, again = history.runs()[-2:]
        assert (good.version, again.version) == ("v2", "v1")
        assert good.last - 50 < again.first <= good.last + 1, "from the newest checkpoint, without a savepoint"

        engine.configure({"version": "v2", "upgradeMode": "stateless"})
        assert engine.up().ok
        history.until("v2", more=5)
        assert (history.runs()[-1].version, history.runs()[-1].first) == ("v2", 1), "stateless starts from nothing"

        assert engine.destroy().ok
        assert dli.control.jobs() == []
    assert dli.java() == []
