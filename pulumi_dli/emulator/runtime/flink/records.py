"""What the runtime keeps of each job on disk, so that a killed emulator goes on where it was.

One JSON file a job, replaced as a whole. Called by the recorder; knows nothing of Flink.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_dli.emulator.runtime.protocol import RunState

_log = logging.getLogger(__name__)


@dataclass
class JobRecord:
    """A job's last start, and what became of it. Changed through its recorder only."""

    job_id: int
    project_id: str
    name: str
    queue: str
    queue_cu: int
    definition: dict[str, Any]
    files: dict[str, str]  # as `StartRequest.files`
    restore_path: str | None  # the `obs://…/` path that the start named
    jar: str = ""  # our own copy of the entrypoint, once it is made
    jar_name: str = ""
    classpath: list[str] = field(default_factory=list)
    jid: str = ""  # Flink's id of the newest submission
    earlier_jids: list[str] = field(default_factory=list)  # submissions before it, of this start
    checkpoints: str = ""  # folder below which Flink keeps this job's checkpoints, by jid
    state: RunState = RunState.SUBMITTING
    state_at: float = 0.0
    description: str = ""
    came_up: bool = False
    restart_times: int = 0
    restarts_before: int = 0  # those of earlier submissions of this start
    savepoint_path: str | None = None
    savepoint_at: float | None = None
    stopping: bool = False  # a stop was accepted …
    stopping_to: str | None = None  # … with a savepoint into this directory
    dropped: list[str] = field(default_factory=list)  # savepoints to delete when this run no longer needs them


class RecordFolder:
    """The records of all jobs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def load(self) -> list[JobRecord]:
        """All records, by job id; unreadable ones are left where they are, with a warning."""
        records = []
        names = {entry.name for entry in dataclasses.fields(JobRecord)}
        for file in self._root.glob("*.json"):
            try:
                content = json.loads(file.read_text())
                record = JobRecord(**{key: value for key, value in content.items() if key in names})
                record.state = RunState(record.state)
                records.append(record)
            except (OSError, ValueError, TypeError, AttributeError) as error:
                _log.warning("the record %s cannot be read (%s); its job is not restored", file.name, error)
        return sorted(records, key=lambda record: record.job_id)

    def save(self, record: JobRecord) -> None:
        """Replace the record at once: a kill leaves the old or the new one."""
        file = self._root / f"{record.job_id}.json"
        new = file.with_suffix(".new")
        new.write_text(json.dumps(dataclasses.asdict(record)))
        os.replace(new, file)  # noqa: PTH105 - the same, but says what it is for

    def remove(self, job_id: int) -> None:
        """Forget the job."""
        (self._root / f"{job_id}.json").unlink(missing_ok=True)
