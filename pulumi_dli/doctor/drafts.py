"""The questions that drafts of jobs answer: drafts cost nothing, and no document settles these.

One line of `DRAFTS` a question: what is asked, the job to create, and the switch of the local DLI that is on where the
service takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """What the drafts may name: empty where there is none."""

    pooled_queue: str = ""
    free_queue: str = ""
    agency: str = ""
    bucket: str = ""


@dataclass(frozen=True)
class Draft:
    """One question.

    Attributes:
        key: a short name of the question, part of the draft's name.
        asks: the question in words.
        body: the job without its name; None where the place lacks what it needs.
        sql: whether it is a SQL job.
        quirk: the switch of the local DLI that accepting it means.
        refused_fails: whether a refusal means that the project cannot work as the person said.
    """

    key: str
    asks: str
    body: Callable[[Place], Body | None]
    sql: bool = False
    quirk: str = ""
    refused_fails: bool = False


def _jar(version: str, **more: Any) -> Callable[[Place], Body | None]:
    return lambda _: {"entrypoint": "obs://pulumi-dli-probe/none.jar", "flink_version": version, **more}


def _sql(version: str, **more: Any) -> Callable[[Place], Body | None]:
    body = {"job_type": "flink_opensource_sql_job", "run_mode": "exclusive_cluster", "sql_body": SQL_TEXT}
    return lambda _: {**body, "flink_version": version, **more}


def _on_free_queue(place: Place) -> Body | None:
    more = {"queue_name": place.free_queue, "execution_agency_urn": place.agency or "pulumi_dli_probe"}
    return _jar("1.15", **more)(place) if place.free_queue else None


def _with_agency(place: Place) -> Body | None:
    more = {"queue_name": place.pooled_queue, "execution_agency_urn": place.agency}
    return _jar("1.15", **more)(place) if place.pooled_queue and place.agency else None


def _with_bucket(place: Place) -> Body | None:
    more = {"obs_bucket": place.bucket, "log_enabled": True}
    return _jar("1.12", **more)(place) if place.bucket else None


SQL_TEXT = (
    "create table a (x int) with ('connector' = 'datagen');"
    "create table b (x int) with ('connector' = 'print');"
    "insert into b select x from a;"
)
_SPEC = {"cpu": 1.0, "memory": "4G"}
_V2 = {"max_slot": 1, "parallel_number": 1, "jobmanager_resource_spec": _SPEC, "taskmanager_resource_spec": _SPEC}
_SIZES = {"resource_config_version": "v2", "resource_config": _V2}

DRAFTS = (
    Draft("plain", "Is a Flink 1.15 job without an agency taken?", _jar("1.15")),
    Draft("free", "May a job on a queue outside of pools name an agency?", _on_free_queue, quirk="lax_agency"),
    Draft(
        "default",
        "May a job name an agency of DLI's own?",
        _jar("1.15", execution_agency_urn="dli_admin_agency"),
        quirk="lax_agency",
    ),
    Draft(
        "package",
        "Does Flink 1.15 take a package of a group?",
        _jar("1.15", entrypoint="group/none.jar"),
        quirk="lax_packages",
    ),
    Draft(
        "v2",
        "Does Flink 1.12 take resource_config v2?",
        _jar("1.12", **_SIZES),
        quirk="lax_resource_version",
    ),
    Draft("sql112", "Is there Flink SQL 1.12?", _sql("1.12"), sql=True),
    Draft("sql115", "Is there Flink SQL 1.15?", _sql("1.15"), sql=True),
    Draft("sql117", "Is there Flink SQL 1.17?", _sql("1.17", **_SIZES), sql=True),
    Draft(
        "defaults",
        "Is a SQL job of name and text alone taken?",
        lambda _: {"sql_body": SQL_TEXT},
        sql=True,
        quirk="lax_run_mode",
    ),
    Draft("agency", "May a job on a queue in a pool name the agency?", _with_agency, refused_fails=True),
    Draft("bucket", "May a job use the bucket?", _with_bucket, refused_fails=True),
)
FIRST = DRAFTS[0].key
"""The draft that the follow-ups look at: details, change, second of its name, savepoint."""


def quirks_of(accepted: Mapping[str, bool]) -> dict[str, bool]:
    """The switches of the local DLI for what was learned: one is on when each question about it was answered by yes."""
    asked: dict[str, list[bool]] = {}
    for draft in DRAFTS:
        if draft.quirk and draft.key in accepted:
            asked.setdefault(draft.quirk, []).append(accepted[draft.key])
    return {quirk: all(answers) for quirk, answers in asked.items()}
