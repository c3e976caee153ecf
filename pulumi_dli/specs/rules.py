"""What goes with what: Flink version, agency, pool, image, packages and sizes of a job (dli-api 15). Pure.

The table `COMBINATIONS` is the whole of it: a line for each documented combination, with its page, what this provider
does about it, and the words. The specs take the refusals that need no more than the program as rules between
its fields; `lifecycle/jobs` asks for the rest with what is known of the queue and of the cloud, and for the warnings.
What is not known is never judged: the line then counts as not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pulumi_dli.specs.declared import Declared, gigabytes
from pulumi_dli.specs.fields import Rule

DEFAULT_AGENCIES = ("dli_admin_agency", "dli_management_agency", "dli_data_clean_agency")


class Verdict(StrEnum):
    """What is done about a combination that is declared."""

    REFUSED = "refused"
    WARNED = "warned"
    ALLOWED = "allowed"


Fields = tuple[str, ...]


@dataclass(frozen=True)
class Combination:
    """One line of the table.

    Attributes:
        row: of dli-api 15 (`7`), or a section of docs/dli-api.md (`6.1`).
        verdict: what is done when it is declared.
        page: of the public reference.
        fields: the inputs that it is about; the first one is where it is reported. None of them may be unknown.
        holds: whether it is declared; None when something that it needs is not known.
        effect: what will not work, or (allowed) what holds.
        advice: what to give.
        cause: how the sentence begins; lines with one cause are said in one sentence.
    """

    row: str
    verdict: Verdict
    page: str
    fields: Fields
    holds: Callable[[Declared], bool | None]
    effect: str
    advice: str = ""
    cause: str = ""

    def message(self, job: Declared) -> str:
        """The line for a person."""
        return _sentence(self.cause, [self.effect], self.advice, [self.page], job)


_R, _W, _A = Verdict.REFUSED, Verdict.WARNED, Verdict.ALLOWED
_AGENCY_PAGE, _JAR, _JAR_GUIDE, _LIST = "dli_01_0616", "dli_02_0230", "dli_01_0457", "dli_02_0234"
_SQL, _SQL_GUIDE, _GRAPH = "dli_02_0228", "dli_01_0498", "dli_02_0316"
_CONSTRAINTS, _SCALING, _PRIORITY = "dli_07_0005", "dli_01_0534", "dli_01_0650"
_WITHOUT = "Flink {version} without execution_agency_urn"
_GIVE_AGENCY = "give execution_agency_urn, the name of a custom agency that may use the bucket"
_VERSION, _AGENCY = "flink_version", "execution_agency_urn"
_SAVING = ("upgrade_mode", "savepoint_on_delete", "savepoint_nonce", "initial_savepoint_path")
_UDF = "udf_jar_url"
_PACKAGES = ("entrypoint", "dependency_jars", "dependency_files")
_SIZES = ("cu_number", "manager_cu_number", "tm_cus", "tm_slot_num")
_SIZE_KEYS = r"kubernetes\.(jobmanager|taskmanager)\.cpu|(jobmanager|taskmanager)\.memory\.process\.size"
_CHECKPOINT_KEYS = r"execution\.checkpointing\..+|state\.(checkpoints|savepoints)\.dir"
_SCALE, _PRIO = "flink.dli.job.scale.enable", "flink.dli.job.priority"
_MINIMAL = "flink.dli.job.jar.minimize-submission.enabled"
_DEW = "flink.dli.job.agency.name"
_RUNTIME = "runtime_config"


def _wide(job: Declared, cpus: float) -> bool:
    return any((machine.get("cpu") or 0) > cpus for machine in job.machines) or any(
        (job.inputs.get(name) or 0) > cpus for name in ("manager_cu_number", "tm_cus")
    )


def _small(job: Declared) -> bool:
    return any(
        (machine.get("cpu") is not None and not machine["cpu"] >= 0.5)
        or (machine.get("memory") is not None and gigabytes(machine["memory"]) < 2)
        for machine in job.machines
    )


def _outside(job: Declared) -> bool | None:
    return None if job.queue.in_pool is None else not job.queue.in_pool


def _priority(job: Declared) -> bool:
    return not re.fullmatch(r"[1-9]|10", str(job.runtime.get(_PRIO, "5")))


# fmt: off
COMBINATIONS: tuple[Combination, ...] = (
    # Agency.
    Combination("1", _A, _AGENCY_PAGE, (_AGENCY, _VERSION), lambda j: j.new and bool(j.agency) and j.queue.in_pool,
                "works: a custom agency, on a queue in a pool"),
    Combination("2", _A, _AGENCY_PAGE, (_VERSION, _AGENCY, "checkpoint_enabled", "log_enabled", *_SAVING, *_PACKAGES),
                lambda j: j.powerless and not (j.checkpoint_enabled or j.log_enabled), "runs, without OBS and DWS"),
    Combination("4", _R, _AGENCY_PAGE, (_AGENCY, _VERSION, *_SAVING),
                lambda j: j.powerless and j.demands_state,
                "no savepoints and no checkpoints, which this program asks for", _GIVE_AGENCY, _WITHOUT),
    Combination("4", _W, _AGENCY_PAGE, (_AGENCY, _VERSION, *_SAVING),
                lambda j: j.powerless and not j.demands_state and j.upgrade_mode != "stateless",
                "no savepoints, so every restart would lose the state", _GIVE_AGENCY, _WITHOUT),
    Combination("4", _W, _AGENCY_PAGE, (_AGENCY, _VERSION, *_SAVING),
                lambda j: j.powerless and not j.demands_state and j.upgrade_mode != "stateless"
                and j.savepoint_on_delete is None,
                "a delete is refused, since its last savepoint cannot be made, until savepoint_on_delete=False",
                _GIVE_AGENCY, _WITHOUT),
    Combination("3", _W, _AGENCY_PAGE, (_AGENCY, _VERSION, "checkpoint_enabled"),
                lambda j: j.powerless and bool(j.checkpoint_enabled),
                "no checkpoints, checkpoint_enabled has no effect", _GIVE_AGENCY, _WITHOUT),
    Combination("5", _W, _AGENCY_PAGE, (_AGENCY, _VERSION, "log_enabled"),
                lambda j: j.powerless and bool(j.log_enabled),
                "no logs in the bucket, log_enabled has no effect", _GIVE_AGENCY, _WITHOUT),
    Combination("6", _W, _AGENCY_PAGE, (_AGENCY, _VERSION, *_PACKAGES),
                lambda j: j.powerless and any(path.startswith("obs://") for path in j.packages),
                "packages cannot be fetched from OBS, so the run fails", _GIVE_AGENCY, _WITHOUT),
    Combination("6", _W, _AGENCY_PAGE, (_AGENCY, _VERSION, _UDF), lambda j: j.powerless and j.udf.startswith("obs://"),
                "its functions cannot be fetched from OBS, so the run fails", _GIVE_AGENCY, _WITHOUT),
    Combination("7", _R, _AGENCY_PAGE, (_AGENCY, "queue_name"), lambda j: bool(j.agency) and _outside(j),
                "only jobs on queues in an elastic resource pool may name an agency",
                "take a queue in a pool, or leave execution_agency_urn out"),
    Combination("8", _W, _AGENCY_PAGE, (_AGENCY, _VERSION), lambda j: bool(j.agency) and j.old,
                "Flink {version} takes no agency: it is refused or ignored, the service's own is used",
                'leave it out, or give flink_version="1.15"'),
    Combination("9", _R, _AGENCY_PAGE, (_AGENCY,), lambda j: j.agency in DEFAULT_AGENCIES,
                "is one of the service's own agencies, which no job can name", "create a custom agency"),
    Combination("10", _A, "dli_01_0419", (_VERSION, _AGENCY), lambda j: j.old and not j.agency,
                "works, with the service's own agency"),
    # Image and version.
    Combination("13", _A, _LIST, (_VERSION, "feature"), lambda j: bool(j.version) and j.feature in (None, "basic"),
                "works"),
    Combination("14", _W, _LIST, (_VERSION, "feature"), lambda j: bool(j.version) and j.feature == "custom",
                'has no effect with feature="custom": the image decides', "leave it out"),
    Combination("15", _W, _LIST, ("image", "feature"), lambda j: bool(j.image) and j.feature != "custom",
                'has no effect without feature="custom"', 'give feature="custom", or leave it out'),
    Combination("16", _W, _CONSTRAINTS, ("feature",), lambda j: j.feature == "custom" and j.cloud != "huawei",
                "Open Telekom Cloud's pages disagree on own images: one allows them for Spark only (dli_01_0494)"),
    Combination("41", _R, _CONSTRAINTS, (_VERSION, "queue_name"),
                lambda j: j.queue.in_pool if j.version is not None and j.version < (1, 10) else False,
                "elastic resource pools run Flink 1.10 and later", "give a later flink_version"),
    Combination("43", _W, _CONSTRAINTS, (_VERSION,), lambda j: j.since(1, 16),
                "Flink {version} is not among the versions that Open Telekom Cloud's constraints list",
                "see support_flink_jar_versions of the queue"),
    # SQL.
    Combination("34", _R, _GRAPH, ("operator_config", _VERSION), lambda j: j.new and bool(j.operator_config),
                "the static stream graph is for Flink 1.10 and 1.12; this is {version}", "leave it out"),
    Combination("34", _R, _GRAPH, ("static_estimator_config", _VERSION),
                lambda j: j.new and bool(j.static_estimator_config),
                "the static stream graph is for Flink 1.10 and 1.12; this is {version}", "leave it out"),
    Combination("34", _W, _GRAPH, ("operator_config", _UDF), lambda j: bool(j.operator_config and j.udf),
                "a static stream graph cannot be made of SQL with functions of its own", "leave it out"),
    Combination("35", _W, _SQL_GUIDE, (_VERSION, "run_mode"), lambda j: j.is_sql and j.new,
                "SQL is not checked before it runs on Flink {version}: a wrong text shows as a failed submission"),
    Combination("42", _W, _CONSTRAINTS, (_VERSION, "run_mode"), lambda j: j.is_sql and j.version == (1, 15),
                "Open Telekom Cloud's constraints list Flink {version} for jar jobs only, its guide for SQL, too",
                "see support_opensource_flink_versions of the queue"),
    # Packages.
    Combination("17", _R, _JAR, (*_PACKAGES, _VERSION), lambda j: j.new and j.grouped and j.cloud == "otc",
                "Flink {version} takes packages as obs:// paths only; package groups are for older ones",
                "give obs:// paths (UploadedPackage uploads a local file)"),
    Combination("18", _R, _JAR, (*_PACKAGES, _VERSION), lambda j: j.since(1, 16) and j.grouped and j.cloud != "otc",
                "Flink {version} takes packages as obs:// paths only; package groups are for older ones",
                "give obs:// paths (UploadedPackage uploads a local file)"),
    Combination("18", _W, _JAR, (*_PACKAGES, _VERSION),
                lambda j: j.version == (1, 15) and j.grouped and j.cloud != "otc",
                "Flink {version} takes packages as obs:// paths only; package groups are for older ones (Huawei Cloud "
                "still reads them, Open Telekom Cloud refuses them)", "give obs:// paths"),
    Combination("17", _R, _SQL, (_UDF, _VERSION), lambda j: j.new and j.grouped_udf and j.cloud == "otc",
                "Flink {version} takes packages as obs:// paths only; package groups are for older ones",
                "give an obs:// path (UploadedPackage uploads a local file)"),
    Combination("18", _R, _SQL, (_UDF, _VERSION), lambda j: j.new and j.grouped_udf and j.cloud != "otc",
                "Flink {version} takes packages as obs:// paths only; package groups are for older ones",
                "give an obs:// path (UploadedPackage uploads a local file)"),
    Combination("19", _A, _JAR_GUIDE, (_VERSION, *_PACKAGES), lambda j: j.old and not j.grouped, "works"),
    # Sizes.
    Combination("20", _A, _JAR, (_VERSION, "resource_config_version"),
                lambda j: j.version in ((1, 12), (1, 15)) and j.resource_config_version == "v1", "works"),
    Combination("21", _R, _JAR, ("resource_config_version", _VERSION),
                lambda j: j.since(1, 16) and j.resource_config_version != "v2",
                "v1, the default, is for Flink 1.12 and 1.15; this is {version}",
                'give resource_config_version="v2" with resource_config'),
    Combination("22", _A, _JAR, (_VERSION, "resource_config_version"),
                lambda j: j.new and j.resource_config_version == "v2", "works, recommended"),
    Combination("23", _R, _JAR, ("resource_config_version", _VERSION),
                lambda j: j.old and j.resource_config_version == "v2",
                "v2 is for Flink 1.15 and later; this is {version}", "give cu_number and its like with v1"),
    Combination("24", _W, _JAR, ("resource_config", "resource_config_version"),
                lambda j: bool(j.resource_config) and j.resource_config_version != "v2",
                'has no effect without resource_config_version="v2"', "give it, or size the job by cu_number"),
    Combination("25", _R, _JAR, ("resource_config_version", *_SIZES),
                lambda j: j.resource_config_version == "v2" and bool(j.cu_sizes),
                "v2 takes resource_config instead of {sizes}, which would have no effect", "leave them out"),
    Combination("26", _W, _JAR_GUIDE, (_RUNTIME, *_SIZES, "resource_config"),
                lambda j: j.sets(_SIZE_KEYS) and bool(j.cu_sizes or j.resource_config),
                "its keys of CPU and memory win over the sizes that the job declares", "keep one of the two"),
    Combination("26", _W, _JAR_GUIDE, (_RUNTIME, _VERSION), lambda j: j.sets(_SIZE_KEYS) and j.old,
                "with keys of CPU and memory, Flink {version} may show wrong CUs", "size the job by cu_number"),
    Combination("27", _R, _JAR, ("resource_config",), _small,
                "a JobManager and a TaskManager have at least 0.5 CPU and 2 GB of memory each"),
    Combination("27", _W, _JAR_GUIDE, ("resource_config", "manager_cu_number", "tm_cus", "queue_name"),
                lambda j: j.queue.basic_pool if _wide(j, 2) else False,
                "a pool of the basic edition may fail to place more than 2 CPUs", "give 2 at most"),
    Combination("6.1", _R, "dli_02_0228", ("cu_number", "queue_name"),
                lambda j: bool(j.cu_number and j.queue.cus and j.cu_number > j.queue.cus),
                "the queue has {cus} CUs, and a job cannot have more", "lower it, or scale the queue"),
    Combination("4.3", _R, "dli_02_0016", (_VERSION, "queue_name"), lambda j: j.offered is False,
                "the queue offers Flink {versions}, not {version}", "give one of these"),
    # Checkpoints.
    Combination("28", _W, _JAR_GUIDE, ("checkpoint_enabled", _VERSION),
                lambda j: bool(j.checkpoint_enabled) and j.old and not j.is_sql,
                "is described for Flink 1.15 and later; with {version} the program's own code enables checkpoints",
                "see that checkpoints appear in the bucket"),
    Combination("29", _W, _JAR_GUIDE, ("checkpoint_enabled", _RUNTIME, _VERSION),
                lambda j: bool(j.checkpoint_enabled) and j.new and j.sets(_CHECKPOINT_KEYS) and not j.is_sql,
                "and settings of checkpoints in runtime_config: the code wins, and a restart may take a wrong path",
                "keep one of the two"),
    Combination("30", _R, _JAR_GUIDE, ("checkpoint_path", "checkpoint_enabled"),
                lambda j: bool(j.checkpoint_path and j.checkpoint_enabled),
                "cannot be chosen with checkpoint_enabled: the service writes to jobs/checkpoint of obs_bucket"),
    Combination("31", _R, _JAR_GUIDE, ("checkpoint_path", "resume_checkpoint", "checkpoint_enabled"),
                lambda j: bool(j.resume_checkpoint) and not (j.checkpoint_enabled or j.checkpoint_path or j.is_sql),
                "is needed by resume_checkpoint when checkpoint_enabled is off"),
    Combination("14.2", _W, _SQL_GUIDE, ("resume_checkpoint", "checkpoint_enabled", "run_mode"),
                lambda j: bool(j.resume_checkpoint) and not j.checkpoint_enabled and j.is_sql,
                "has no effect without checkpoint_enabled: there is no checkpoint to go on from"),
    Combination("32", _R, _JAR_GUIDE, ("log_enabled", "obs_bucket"), lambda j: bool(j.log_enabled) and not j.obs_bucket,
                "needs obs_bucket: logs are written there"),
    Combination("32", _R, _JAR_GUIDE, ("checkpoint_enabled", "obs_bucket"),
                lambda j: bool(j.checkpoint_enabled) and not j.obs_bucket,
                "needs obs_bucket: checkpoints are written there"),
    Combination("4.7", _W, _JAR, ("tags",),
                lambda j: any(len(key) > 36 or len(value) > 43 for key, value in (j.tags or {}).items()),
                "a key has more than 36 characters or a value more than 43: the page prints these limits beside those "
                "of 128 and 255, and Open Telekom Cloud may refuse them"),
    # Settings with a version of their own.
    Combination("36", _W, "dli_09_0211", (_RUNTIME, _VERSION, _AGENCY),
                lambda j: _DEW in j.runtime and (j.old or (j.new and j.runtime[_DEW] != j.agency)),
                f"{_DEW} works from Flink 1.15 on, and repeats execution_agency_urn",
                "give both the same name"),
    Combination("37", _W, _JAR_GUIDE, (_RUNTIME, _VERSION),
                lambda j: j.switched_on(_MINIMAL) and bool(j.version) and j.version != (1, 15),
                f"{_MINIMAL} is for Flink 1.15 only; this is {{version}}", "leave it out"),
    Combination("39", _W, _SCALING, (_RUNTIME, _VERSION),
                lambda j: j.switched_on(_SCALE) and bool(j.version) and j.version != (1, 12),
                f"{_SCALE} is for Flink 1.12 only; this is {{version}}", "leave it out"),
    Combination("39", _W, _SCALING, (_RUNTIME, "obs_bucket", "log_enabled", "checkpoint_enabled"),
                lambda j: j.switched_on(_SCALE) and not (j.obs_bucket and j.log_enabled and j.checkpoint_enabled),
                f"{_SCALE} needs obs_bucket, log_enabled and checkpoint_enabled", "give all three"),
    Combination("40", _R, _PRIORITY, (_RUNTIME,), _priority, f"{_PRIO} is a whole number from 1 to 10"),
    Combination("40", _W, _PRIORITY, (_RUNTIME, _VERSION, "queue_name"),
                lambda j: _PRIO in j.runtime and not j.switched_on(_SCALE),
                f"{_PRIO} has no effect without {_SCALE}=true"),
    Combination("40", _W, _PRIORITY, (_RUNTIME, _VERSION), lambda j: _PRIO in j.runtime and j.new,
                f"the pages disagree on {_PRIO} with Flink {{version}}: it rests on scaling, which is for 1.12 only"),
    Combination("40", _W, _PRIORITY, (_RUNTIME, "queue_name"),
                lambda j: j.queue.basic_pool if _PRIO in j.runtime else False,
                f"{_PRIO} has no effect in a pool of the basic edition"),
)
# fmt: on

BEYOND = {
    "11": "a new agency works after 15 to 30 minutes: a matter of time, not of the declaration",
    "12": "the scope of an agency's policy is set in IAM",
    "33": "where the service writes: dli-api 6.1, 6.6",
    "38": "datasource authentication is named within the SQL text",
    "44": "what is inside a jar",
}
"""Rows of dli-api 15 that no declaration of a job shows, and why."""


@dataclass(frozen=True)
class Finding:
    """A line of the table that holds for a job."""

    combination: Combination
    message: str

    @property
    def field(self) -> str:
        return self.combination.fields[0]


def findings(verdict: Verdict, job: Declared, unknown: Collection[str] = ()) -> list[Finding]:
    """The lines with this verdict that hold for the job. A line about an input that is not known yet is left out."""
    return [Finding(line, line.message(job)) for line in _judged(verdict, unknown) if line.holds(job)]


def warnings(job: Declared, unknown: Collection[str] = (), fields: Collection[str] | None = None) -> list[str]:
    """The sentences to warn with; what has one cause is one sentence.

    Args:
        fields: the inputs that change, when only what concerns them is to be said.
    """
    said: dict[tuple[str, str], list[Combination]] = {}
    for finding in findings(Verdict.WARNED, job, unknown):
        line = finding.combination
        if fields is None or not set(fields).isdisjoint(line.fields):
            said.setdefault((line.cause or f"{line.fields[0]}:{line.row}:{line.effect}", line.advice), []).append(line)
    return [
        _sentence(
            lines[0].cause or lines[0].fields[0],
            [line.effect for line in lines],
            lines[0].advice,
            sorted({line.page for line in lines}),
            job,
        )
        for lines in said.values()
    ]


def not_checked(job: Declared, unknown: Collection[str] = ()) -> list[Combination]:
    """The refusals that could not be judged, since nothing is known of the queue."""
    return [line for line in _judged(_R, unknown) if line.holds(job) is None]


def is_open(job: Declared, unknown: Collection[str] = ()) -> bool:
    """Whether more of the queue has to be known to judge the job."""
    lines = [*_judged(_R, unknown), *_judged(_W, unknown)]
    needs_size = job.cu_number is not None and job.queue.cus is None and job.queue.in_pool is not True
    needs_versions = job.version is not None and job.offered is None
    return needs_size or needs_versions or any(line.holds(job) is None for line in lines)


def refused_by_queue(job: Declared, unknown: Collection[str] = ()) -> list[Finding]:
    """The refusals that hold because of what is known of the queue, and that the program alone does not show."""
    return [
        Finding(line, line.message(job))
        for line in _judged(_R, unknown)
        if "queue_name" in line.fields and line.holds(job)
    ]


def _rule(line: Combination) -> Rule:
    def problem(spec: Any) -> str | None:
        job = Declared(spec.inputs)
        return line.message(job) if line.holds(job) else None

    return Rule(line.fields, problem)


def _of_jars(line: Combination) -> bool:
    return not {*_PACKAGES, "feature", "image", "checkpoint_path"}.isdisjoint(line.fields)


def _of_sql(line: Combination) -> bool:
    return not {_UDF, "run_mode", "operator_config", "static_estimator_config"}.isdisjoint(line.fields)


_REFUSED = [line for line in COMBINATIONS if line.verdict is _R]
COMMON_REFUSALS = tuple(_rule(line) for line in _REFUSED if not _of_jars(line) and not _of_sql(line))
"""The refusals as rules between the fields of all jobs: they judge by the program alone."""
SQL_REFUSALS = tuple(_rule(line) for line in _REFUSED if _of_sql(line))
"""Those that need the fields of an SQL job."""
JAR_REFUSALS = tuple(_rule(line) for line in _REFUSED if _of_jars(line))
"""Those that need the fields of a jar job."""


def out_of_reach(job: Declared) -> str:
    """Why the service makes no savepoint of this job, nor starts it from one (dli-api 15, row 4); "" when it does."""
    if not job.powerless:
        return ""
    return _sentence(
        _WITHOUT,
        ["the service makes no savepoint and no checkpoint of it, and starts from none"],
        'upgrade_mode="stateless" goes on without the state',
        [_AGENCY_PAGE],
        job,
    )


def _judged(verdict: Verdict, unknown: Collection[str]) -> Iterable[Combination]:
    return (line for line in COMBINATIONS if line.verdict is verdict and set(unknown).isdisjoint(line.fields))


def _sentence(cause: str, effects: list[str], advice: str, pages: list[str], job: Declared) -> str:
    said = "; ".join(effects)
    text = f"{cause}: {said}" if cause else said
    text = (f"{text}; {advice}" if advice else text).format(**job.words)
    return f"{text} ({', '.join(pages)})"
