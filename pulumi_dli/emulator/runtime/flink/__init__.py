"""The runtime `flink` of the emulator: a real Apache Flink runs the jar that a job declares.

`create_runtime` is what `runtime.load_runtime("flink", …)` calls. Needs Java on the machine and the extra `flink`
(the package `apache-flink-libraries`, which carries Flink's own distribution). Nothing of it is loaded before that.

    runtime.py        the Runtime protocol: one worker a job, the records of a restart
    worker.py         one job on its cluster: submit, watch, savepoint, stop, restore
    recorder.py       what is known of one job, told to the emulator and kept on disk
    submission.py     DLI's fields → the body of Flink's run call; pure, and the staging of files
    clusters.py       one session cluster a dedicated queue, or one for all
    cluster.py        one cluster: its configuration, its processes, its end
    supervisor.py     a small process between emulator and Java, so that no Java outlives the emulator
    rest.py           Flink's REST interface, as far as it is needed
    causes.py         the root cause in a Java stack trace; pure
    objects.py        `obs://` paths of savepoints and checkpoints ↔ folders
    records.py        what is kept of each job on disk
    distribution.py   where Flink and Java are
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_dli.emulator.runtime.flink.runtime import FlinkRuntime
    from pulumi_dli.emulator.runtime.protocol import RuntimeContext


def create_runtime(context: RuntimeContext) -> FlinkRuntime:
    """A runtime in `context.directory`; raises FlinkSetupError when Java or Flink is missing."""
    from pulumi_dli.emulator.runtime.flink.runtime import FlinkRuntime  # noqa: PLC0415 - requests loads only when needed

    return FlinkRuntime(context)
