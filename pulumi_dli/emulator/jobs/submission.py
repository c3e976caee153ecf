"""Whether an accepted run can come up, and with what: the reasons of `job_submit_fail` (dli-api 6.5; dli-api 14, 15).

The checks of a definition are in `rules.py`; here is what only the run meets: queue, CUs, packages, agency, SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_dli.emulator.core.core import Core
from pulumi_dli.emulator.core.errors import Refusal
from pulumi_dli.emulator.jobs import sql
from pulumi_dli.emulator.jobs.fields import JAR, cus_of
from pulumi_dli.emulator.jobs.versions import AGENCY, needs_agency, version_of
from pulumi_dli.emulator.objects.records import ObjectStore, locate
from pulumi_dli.emulator.packages.records import Packages
from pulumi_dli.emulator.pools.records import Pools
from pulumi_dli.emulator.queues.records import Queue

STATE_FIELDS = frozenset({"parallel_number", "sql_body", "entrypoint", "dependency_jars", "operator_config"})
"""After a change of these, restoring from a checkpoint is not supported, says the FAQ (dli_03_0136)."""


@dataclass(frozen=True)
class Submission:
    """One run that was accepted."""

    core: Core
    project_id: str
    job_type: str
    definition: Mapping[str, Any]
    queue: Queue
    used_cus: int  # of the other jobs on the queue
    resumes: str | None
    changed: frozenset[str]  # fields since the last run

    @property
    def references(self) -> list[str]:
        """The packages and objects that it names."""
        if self.job_type != JAR:
            return [self.definition["udf_jar_url"]] if self.definition.get("udf_jar_url") else []
        found = [self.definition["entrypoint"]] if self.definition.get("entrypoint") else []
        for name in ("dependency_jars", "dependency_files"):
            found += self.definition.get(name) or []
        return found


def problem_of(submission: Submission) -> str:
    """Why it cannot come up, or ""."""
    return next((problem for check in CHECKS if (problem := check(submission))), "")


def files_of(submission: Submission) -> dict[str, Path]:
    """The bytes of what it names; those of leniently missing ones are not there."""
    paths = ((reference, path_of(submission, reference)) for reference in submission.references)
    return {reference: path for reference, path in paths if path is not None}


def path_of(submission: Submission, reference: str) -> Path | None:
    core = submission.core
    if "://" not in reference:
        return core.part(Packages).path_of(submission.project_id, reference)
    found = core.part(ObjectStore).find(locate(reference))
    return core.part(ObjectStore).path_of(found.digest) if found else None


def effective(core: Core, definition: Mapping[str, Any]) -> dict[str, Any]:
    """What the runtime gets: from Flink 1.15 on there are no checkpoints without an agency (dli-api 15)."""
    if needs_agency(definition) and core.quirks.forbids("agency"):
        return {**definition, "checkpoint_enabled": False}
    return dict(definition)


def check_syntax(core: Core, definition: Mapping[str, Any]) -> None:
    """DLI.13005 at the run; Flink 1.15 has no such check, there the submission fails (dli-api 14.3)."""
    problem = _syntax(core, definition)
    if problem is not None and (version_of(definition) or ()) < AGENCY:
        where = {"message": {"start": [problem.line, problem.column], "text": problem.text}}
        raise Refusal(400, "DLI.13005", problem.text, error_json_opt=where)


def _syntax(core: Core, definition: Mapping[str, Any]) -> sql.SyntaxProblem | None:
    return sql.problem_of(definition.get("sql_body") or "") if core.quirks.forbids("sql_syntax") else None


def _queue(run: Submission) -> str:
    queue, version = run.queue, version_of(run.definition)
    if queue.queue_type != "general":
        return f"The queue {queue.name} is not for general use: Flink jobs cannot run on it."
    if run.job_type == JAR and queue.resource_mode != 1 and run.core.quirks.forbids("shared_queues"):
        return f"The queue {queue.name} is shared: jar jobs need a dedicated one."
    if queue.pool and version is not None and version < (1, 10):
        return "Flink 1.7 does not run in elastic resource pools."
    return ""


def _version(run: Submission) -> str:
    quirks, version = run.core.quirks, run.definition.get("flink_version")
    offered = quirks.flink_jar_versions if run.job_type == JAR else quirks.flink_sql_versions
    if not version or version in offered or not quirks.forbids("versions"):
        return ""
    return f"Flink {version} is not offered by the queue {run.queue.name}: {', '.join(offered)} are."


def _cus(run: Submission) -> str:
    needed, whole = cus_of(run.definition), run.core.part(Pools).cus_of(run.queue)
    free = max(0, whole - run.used_cus)
    if needed <= free or not run.core.quirks.forbids("cus"):
        return ""
    return f"Insufficient CUs: {needed} are needed, {free} of {whole} are free on {run.queue.name}."


def _agency(run: Submission) -> str:
    objects = [reference for reference in run.references if "://" in reference]
    if objects and needs_agency(run.definition) and run.core.quirks.forbids("agency"):
        text = "give execution_agency_urn the name of an agency that may read OBS"
        return f"Flink {run.definition['flink_version']} cannot read {objects[0]} without an agency: {text}."
    return ""


def _packages(run: Submission) -> str:
    if run.job_type == JAR and not run.definition.get("entrypoint"):
        return "The job has no entrypoint."
    if run.core.quirks.lenient_objects:
        return ""
    missing = [reference for reference in run.references if path_of(run, reference) is None]
    return f"The package or object {missing[0]} does not exist or is not ready." if missing else ""


def _sql(run: Submission) -> str:
    problem = None if run.job_type == JAR else _syntax(run.core, run.definition)
    return "" if problem is None else problem.text


def _checkpoint(run: Submission) -> str:
    changed: Iterable[str] = sorted(run.changed & STATE_FIELDS)
    refuses = run.core.quirks.checkpoint_after_change == "refused"
    if not (refuses and changed and run.resumes and "/chk-" in run.resumes):
        return ""
    return f"Restoring from a checkpoint is not supported after a change of {', '.join(changed)}."


CHECKS: tuple[Callable[[Submission], str], ...] = (_queue, _version, _cus, _agency, _packages, _sql, _checkpoint)
