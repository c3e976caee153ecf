"""What the documents forbid in the definition of a Flink job (dli-api 6.1; dli-api 14, 15, 2.4). It changes nothing.

One line of `RULES` a rule: the switch that turns it off, where it stands, and what is wrong in a definition. Rules
between versions, agencies and packages hold only when the job names its `flink_version`: the documents' own samples
name an agency and packages without one, and must pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from pulumi_dli.emulator.core.errors import Refusal, bad_parameter
from pulumi_dli.emulator.core.quirks import Quirks
from pulumi_dli.emulator.jobs.fields import JAR, OPEN_SQL, SHARED, cus_of
from pulumi_dli.emulator.jobs.versions import AGENCY, Version, version_of
from pulumi_dli.emulator.queues.records import Queue

_NAME = re.compile(r"[A-Za-z0-9_-]{1,57}")
_DEFAULT_AGENCIES = ("dli_admin_agency", "dli_management_agency", "dli_data_clean_agency")
_LONGEST = 512
_LEAST_MEMORY = 2048  # MB
_UNITS = {"G": 1024, "GB": 1024, "M": 1, "MB": 1, "": 1}


@dataclass(frozen=True)
class Asked:
    """A definition as it would be, and what it meets."""

    definition: Mapping[str, Any]
    job_type: str
    changed: Set[str]  # what this request says
    queue: Queue | None
    queue_cus: int

    @property
    def version(self) -> Version | None:
        return version_of(self.definition)

    def get(self, name: str) -> Any:
        return self.definition.get(name)


@dataclass(frozen=True)
class Rule:
    """`broken` says what is wrong, or "". No switch: both documents and all clients agree."""

    switch: str
    page: str
    broken: Callable[[Asked], str]


def check(asked: Asked, quirks: Quirks, *, authorised: bool) -> None:
    """DLI.0001 of the first rule that is broken; DLI.11016 and DLI.11032 for what lies outside."""
    for rule in RULES:
        problem = rule.broken(asked) if not rule.switch or quirks.forbids(rule.switch) else ""
        if problem:
            raise bad_parameter(f"Invalid parameter {problem}.")
    if asked.get("obs_bucket") and quirks.check_buckets and not authorised:
        raise Refusal(400, "DLI.11016", "The OBS bucket is not authorized.")
    topic = asked.get("smn_topic")
    if topic and quirks.check_topics and topic not in quirks.topics:
        raise Refusal(400, "DLI.11032", f"The SMN topic {topic} does not exist.")


def _name(asked: Asked) -> str:
    fits = _NAME.fullmatch(asked.get("name") or "")
    return "" if fits else "name: 1 to 57 letters, digits, - and _ are allowed"


def _cus(asked: Asked) -> str:
    if asked.get("resource_config_version") != "v1":
        return ""
    workers = asked.get("cu_number") - asked.get("manager_cu_number")
    if workers <= 0:
        return "manager_cu_number: it must be less than cu_number"
    if asked.get("parallel_number") > 4 * workers:
        return "parallel_number: at most 4 times (cu_number - manager_cu_number)"
    return ""


def _bucket(asked: Asked) -> str:
    needed = asked.get("log_enabled") or asked.get("checkpoint_enabled")
    return (
        "obs_bucket: it is needed with log_enabled or checkpoint_enabled"
        if needed and not asked.get("obs_bucket")
        else ""
    )


def _interval(asked: Asked) -> str:
    wrong = asked.get("checkpoint_enabled") and not asked.get("checkpoint_interval")
    return "checkpoint_interval: at least 1 second with checkpoint_enabled" if wrong else ""


def _retries(asked: Asked) -> str:
    return "resume_max_num: -1 or more than 0 is needed" if asked.get("resume_max_num") == 0 else ""


def _image(asked: Asked) -> str:
    wrong = asked.get("image") and asked.get("feature") != "custom"
    return "image: it is only for the feature custom" if wrong else ""


def _texts(asked: Asked) -> str:
    for name in ("flink_log_config", "operator_config", "static_estimator_config"):
        try:
            json.loads(asked.get(name) or "{}")
        except ValueError:
            return f"{name}: not JSON"
    return ""


def _limits(asked: Asked) -> str:
    if len(asked.get("desc") or "") > _LONGEST:
        return f"desc: at most {_LONGEST} characters"
    config = asked.get("resource_config") or {}
    for part in ("jobmanager_resource_spec", "taskmanager_resource_spec"):
        memory = (config.get(part) or {}).get("memory", "4G")
        if _megabytes(memory) < _LEAST_MEMORY:
            return f"resource_config.{part}.memory: at least 2 GB"
    return ""


def _megabytes(text: str) -> float:
    number = re.match(r"[0-9.]+", text)
    return float(number.group()) * _UNITS[text[number.end() :].strip()] if number else 0.0


def _queues_cus(asked: Asked) -> str:
    if asked.queue is None or not asked.changed & {"cu_number", "queue_name", "resource_config"}:
        return ""
    needed = cus_of(asked.definition)
    text = f"cu_number: {needed} CUs are more than the {asked.queue_cus} of the queue {asked.queue.name}"
    return text if needed > asked.queue_cus else ""


def _checkpoint_path(asked: Asked) -> str:
    wrong = asked.get("checkpoint_enabled") and asked.get("checkpoint_path")
    return "checkpoint_path: with checkpoint_enabled the path is the service's own" if wrong else ""


def _run_mode(asked: Asked) -> str:
    wrong = asked.job_type == OPEN_SQL and asked.get("run_mode") == SHARED
    return f"run_mode: {SHARED} is for flink_sql_job only, and both are defaults" if wrong else ""


def _agency(asked: Asked) -> str:
    agency = asked.get("execution_agency_urn")
    if asked.version is None or not agency:
        return ""
    if asked.version < AGENCY:
        return "execution_agency_urn: it is for Flink 1.15 or later"
    if agency in _DEFAULT_AGENCIES:
        return f"execution_agency_urn: {agency} is none of your own agencies"
    if asked.queue is not None and not asked.queue.pool:
        return f"execution_agency_urn: the queue {asked.queue.name} is in no elastic resource pool"
    return ""


def _packages(asked: Asked) -> str:
    if asked.version is None or asked.version < AGENCY:
        return ""
    for name in ("entrypoint", "udf_jar_url", "dependency_jars", "dependency_files"):
        given = asked.get(name) or []
        for reference in [given] if isinstance(given, str) else given:
            if "://" not in reference:
                return f"{name}: from Flink 1.15 on only obs:// paths are allowed"
    return ""


def _resource_version(asked: Asked) -> str:
    version, of = asked.version, asked.get("resource_config_version")
    if version is None:
        return ""
    if of == "v2" and version < AGENCY:
        return "resource_config_version: v2 is for Flink 1.15 or later"
    if of == "v1" and version > AGENCY:
        return "resource_config_version: v1 is for Flink 1.12 and 1.15"
    return ""


RULES = (
    Rule("", "dli_02_0229", _name),
    Rule("", "dli_02_0230", _cus),
    Rule("", "dli_02_0230", _bucket),
    Rule("", "dli_02_0230", _interval),
    Rule("", "dli_02_0230", _retries),
    Rule("", "dli_02_0234", _image),
    Rule("", "dli_02_0316", _texts),
    Rule("limits", "dli_02_0230", _limits),
    Rule("cus", "dli_02_0228", _queues_cus),
    Rule("checkpoint_path", "creating_a_flink_jar_job", _checkpoint_path),
    Rule("run_mode", "dli_02_0228", _run_mode),
    Rule("agency", "creating_a_custom_dli_agency", _agency),
    Rule("packages", "dli_02_0230", _packages),
    Rule("resource_version", "dli_02_0230", _resource_version),
)


def check_kind(job_type: str, *, jar: bool, quirks: Quirks) -> None:
    """A jar job takes no SQL, and an SQL job no jar."""
    if (job_type == JAR) is not jar and quirks.forbids("job_kind"):
        raise bad_parameter(f"Invalid parameter job_id: the job is a {job_type}.")
