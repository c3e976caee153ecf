"""What a job's fields mean to Flink: the body of the run call, and the files beside the jar.

Called by the worker before each submission. The translation is pure; `stage` copies files, for the packages behind
`request.files` may be renewed while the job runs, and a jar must not change under a JVM.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_dli.emulator.runtime.flink.objects import SCHEME, ObjectFolders

DEFAULT_BUCKET = "flink"  # where checkpoints go when the job names no bucket
UNLIMITED = 2**31 - 1
RESTART_DELAY = "1 s"
USER_DATA = "userData"  # the program finds its dependency files as resources userData/{name} (dli-api 6.1)
_LEAST_ONCE = {"2", "at_least_once"}


class SubmissionError(Exception):
    """The job's fields cannot be submitted; the message names the field, never its value."""


@dataclass(frozen=True)
class StagedFiles:
    """Copies of a job's files that no later upload touches."""

    jar: Path
    jar_name: str
    classpath: tuple[str, ...]  # URLs; a folder's ends with a slash


def stage(definition: Mapping[str, Any], files: Mapping[str, Path], *, folder: Path) -> StagedFiles:
    """Copy entrypoint, dependency jars and files below `folder`; raises SubmissionError for a missing one."""
    entrypoint = definition.get("entrypoint") or ""
    if not entrypoint:
        raise SubmissionError("the job has no entrypoint (SQL is not run by the real Flink of the local DLI)")
    shutil.rmtree(folder, ignore_errors=True)
    jar = _copy(entrypoint, files, to=folder / "entrypoint", what="entrypoint")
    classpath = []
    for number, written in enumerate(_texts(definition.get("dependency_jars"))):
        library = _copy(written, files, to=folder / "lib" / str(number), what="dependency_jars")
        classpath.append(library.as_uri())
    for written in _texts(definition.get("dependency_files")):
        _copy(written, files, to=folder / "files" / USER_DATA, what="dependency_files")
        if (files_url := (folder / "files").as_uri() + "/") not in classpath:
            classpath.append(files_url)
    name = jar.name if jar.name.endswith(".jar") else f"{jar.name}.jar"
    return StagedFiles(jar=jar, jar_name=name, classpath=tuple(classpath))


def run_body(
    definition: Mapping[str, Any],
    *,
    name: str,
    jid: str,
    classpath: Sequence[str],
    checkpoints: Path,
    restore: Path | None,
    objects: ObjectFolders,
) -> dict[str, Any]:
    """The body of Flink's run call; raises SubmissionError."""
    settings = {
        "pipeline.name": name,
        "execution.checkpointing.dir": checkpoints.as_uri(),
        **_checkpointing(definition),
        **_restarting(definition),
        **{key: _local(value, objects) for key, value in runtime_settings(definition).items()},
    }
    if classpath:
        given = settings.get("pipeline.classpaths")
        settings["pipeline.classpaths"] = ";".join([*classpath, given] if given else classpath)
    body: dict[str, Any] = {
        "jobId": jid,
        "parallelism": parallelism(definition),
        "programArgsList": arguments(definition),
        "allowNonRestoredState": False,
        "flinkConfiguration": settings,
    }
    if definition.get("main_class"):
        body["entryClass"] = definition["main_class"]
    if restore is not None:
        # NO_CLAIM: the first checkpoint stands on its own, so the snapshot may be deleted later.
        body |= {"savepointPath": restore.as_uri(), "restoreMode": "NO_CLAIM"}
    return body


def parallelism(definition: Mapping[str, Any]) -> int:
    """The job's parallelism: of `resource_config` when version v2 says that it counts."""
    resources = definition.get("resource_config")
    if definition.get("resource_config_version") == "v2" and isinstance(resources, Mapping):
        return max(1, int(resources.get("parallel_number") or 1))
    return max(1, int(definition.get("parallel_number") or 1))


def slots_wanted(definition: Mapping[str, Any]) -> int:
    """The slots that the job's queue must have at least: all of its tasks, all of one TaskManager's slots."""
    return max(parallelism(definition), int(definition.get("tm_slot_num") or 0))


def arguments(definition: Mapping[str, Any]) -> list[str]:
    """`entrypoint_args`, split as a shell would."""
    try:
        return shlex.split(definition.get("entrypoint_args") or "")
    except ValueError as error:
        raise SubmissionError(f"entrypoint_args cannot be split: {error}") from error


def runtime_settings(definition: Mapping[str, Any]) -> dict[str, str]:
    """`runtime_config` in each of its text forms: JSON pairs, a JSON object, or lines `key=value` (dli-api 6.1)."""
    raw = definition.get("runtime_config") or ""
    content: Any = raw
    if isinstance(raw, str):
        try:
            content = json.loads(raw)
        except ValueError:
            lines = [line.partition("=") for line in raw.splitlines() if "=" in line]
            content = {key.strip(): value.strip() for key, _, value in lines}
    if isinstance(content, list):
        content = {str(pair.get("key")): pair.get("value") for pair in content if isinstance(pair, Mapping)}
    if not isinstance(content, Mapping):
        raise SubmissionError("runtime_config is neither JSON nor lines of key=value")
    return {str(key): _text(value) for key, value in content.items()}


def checkpoint_folder(definition: Mapping[str, Any], *, job_id: int, objects: ObjectFolders) -> Path:
    """Where the job's checkpoints go: `checkpoint_path`, unless `checkpoint_enabled` leaves the choice to DLI."""
    chosen = definition.get("checkpoint_path")
    bucket = definition.get("obs_bucket") or DEFAULT_BUCKET
    path = f"{bucket}/jobs/checkpoint/{job_id}"
    if chosen and not definition.get("checkpoint_enabled"):
        path = str(chosen)
    try:
        return objects.folder(path)
    except ValueError as error:
        raise SubmissionError("checkpoint_path is not a path of a bucket") from error


def _checkpointing(definition: Mapping[str, Any]) -> dict[str, str]:
    if not definition.get("checkpoint_enabled"):
        return {}
    least = str(definition.get("checkpoint_mode") or "").lower() in _LEAST_ONCE
    return {
        "execution.checkpointing.interval": f"{int(definition.get('checkpoint_interval') or 10)} s",
        "execution.checkpointing.mode": "AT_LEAST_ONCE" if least else "EXACTLY_ONCE",
    }


def _restarting(definition: Mapping[str, Any]) -> dict[str, str]:
    """DLI restarts a job only when told to; Flink's own default would, as soon as checkpoints are made."""
    if not definition.get("restart_when_exception"):
        return {"restart-strategy.type": "none"}
    most = int(definition.get("resume_max_num") or -1)
    if most < 0:
        return {
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": str(UNLIMITED),
            "restart-strategy.fixed-delay.delay": RESTART_DELAY,
        }
    return {
        "restart-strategy.type": "failure-rate",
        "restart-strategy.failure-rate.max-failures-per-interval": str(most),
        "restart-strategy.failure-rate.failure-rate-interval": "1 h",
        "restart-strategy.failure-rate.delay": RESTART_DELAY,
    }


def _copy(written: str, files: Mapping[str, Path], *, to: Path, what: str) -> Path:
    source = files.get(written)
    if source is None or not source.is_file():
        raise SubmissionError(f"{what} {written} does not exist")
    to.mkdir(parents=True, exist_ok=True)
    name = written.rstrip("/").rpartition("/")[2] or source.name
    return Path(shutil.copyfile(source, to / name))


def _local(value: str, objects: ObjectFolders) -> str:
    """A setting that names a place in OBS gets a folder here instead: this Flink has no OBS."""
    if not value.startswith(SCHEME):
        return value
    try:
        return objects.folder(value).as_uri()
    except ValueError as error:
        raise SubmissionError("runtime_config names a path that is none of a bucket") from error


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value if value is not None else "")


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value or ()]
