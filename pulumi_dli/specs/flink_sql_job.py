"""The fields that only a Flink SQL job has (dli-api 14, dli_02_0228). The others stand in `flink_job.py`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from pulumi_dli.specs.fields import PROVIDER_ONLY, Cleared, Declaration, Effect, Mark, Rule
from pulumi_dli.specs.flink_job import COMMON_RULES, COMPUTED, DERIVED, FlinkJobSpec, json_text
from pulumi_dli.specs.forms import SqlFile
from pulumi_dli.specs.rules import SQL_REFUSALS
from pulumi_dli.specs.shapes import JsonText, Text, Whole
from pulumi_dli.specs.values import Package, matching, one_of

LONGEST_SQL = 1024 * 1024
DIRTY = matching(
    r"[01]|2:(obs://)?[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/[^\s/]+)*/?",
    "must be 0 (ignore), 1 (fail) or 2:bucket/folder (save there), as a text",
)


def _text_to_run(spec: Any) -> str | None:
    if spec.state == "draft" or spec.sql_body or spec.template_id:
        return None
    if spec.sql_file:
        return "is what sql_file holds: the class reads it in the program"
    return 'is required to run the job: give sql_body, sql_file or template_id, or state="draft"'


def _one_text(spec: Any) -> str | None:
    if spec.template_id is None or not spec.sql_body:
        return None
    return "has no effect beside a text, which wins (dli_02_0228): give one of the two"


def _mode_for_type(spec: Any) -> str | None:
    if spec.run_mode != "shared_cluster":
        return None
    if spec.job_type != "flink_sql_job":
        return "shared_cluster is for flink_sql_job only (dli_02_0228): give exclusive_cluster"
    if spec.queue_name:
        return "a shared cluster binds no queue, so the run would be refused (DLI.13024): give exclusive_cluster"
    return None


class FlinkSqlJobSpec(FlinkJobSpec):
    """A Flink SQL job as the program wants it. What runs it is always said: the service's two defaults exclude each
    other.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="FlinkSqlJob",
        article="a Flink SQL job",
        summary="""A Flink SQL job: a stream that is written as SQL (page dli_02_0228).

It lives as a `FlinkJarJob` does: a change that it cannot take while it runs restarts it with a savepoint, and the
old version runs again when the new one does not come up. No savepoint is known to fit another SQL text, so a
change of it is refused before anything is stopped, until the program says what becomes of the state.
docs/upgrades.md has the tables of all cases. The id is the job's number.""",
        named="name",
        computed=COMPUTED,
        derived=DERIVED,
        base="with_sql:WithSql",
        timeouts="; `custom_timeouts` bound the waits (default 30 minutes each)",
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        *COMMON_RULES,
        Rule(("sql_body", "sql_file", "template_id", "state"), _text_to_run),
        Rule(("template_id", "sql_body"), _one_text),
        Rule(("run_mode", "job_type", "queue_name"), _mode_for_type),
        *SQL_REFUSALS,
    )

    sql_body: Annotated[
        str | None, Effect.RESTART, Mark.AT_TOP, Mark.RUNS_AGAIN, Mark.MAKES_THE_PLAN, Text(most=LONGEST_SQL)
    ] = Field(None, description="The SQL text: source, query and sink, at most 1,048,576 characters.")
    sql_file: Annotated[str | None, Effect.IGNORED, PROVIDER_ONLY, SqlFile()] = Field(
        None, description="A local file with the SQL text (UTF-8), which the program reads instead of `sql_body`."
    )
    template_id: Annotated[
        int | None, Effect.REPLACE, Mark.AT_CREATION, PROVIDER_ONLY, Whole(least=1, most=2**63 - 1)
    ] = Field(None, description="Number of the template that a create takes the text from; it is read no more later.")
    job_type: Annotated[
        str, Effect.REPLACE, Mark.AT_CREATION, PROVIDER_ONLY, one_of("flink_opensource_sql_job", "flink_sql_job")
    ] = Field(
        "flink_opensource_sql_job",
        description="`flink_opensource_sql_job` (default), or `flink_sql_job` for DLI's own older SQL.",
    )
    run_mode: Annotated[str, Effect.RESTART, Mark.AT_TOP, one_of("exclusive_cluster", "shared_cluster")] = Field(
        "exclusive_cluster",
        description="`exclusive_cluster` (default) runs on the job's queue; `shared_cluster` binds none.",
    )
    udf_jar_url: Annotated[Package | None, Effect.RESTART, Cleared(""), Mark.RUNS_AGAIN, Mark.NOT_FROM_CHECKPOINT] = (
        Field(
            None, description="Jar of the SQL's own functions: `uploaded.package`, `obs://bucket/udf.jar`, `g/udf.jar`."
        )
    )
    idle_state_retention: Annotated[int | None, Effect.RESTART, Cleared(3600), Whole(least=1, most=2**31 - 1)] = Field(
        None, description="Seconds for which the state of an idle key is kept (3600)."
    )
    dirty_data_strategy: Annotated[str | None, Effect.RESTART, Cleared("0"), DIRTY] = Field(
        None, description="Records that cannot be read: `0` ignore (default), `1` fail, `2:bucket/folder` save."
    )
    operator_config: Annotated[
        str | None,
        Effect.RESTART,
        Cleared(""),
        Mark.AFTER_CREATION,
        Mark.MAKES_THE_PLAN,
        JsonText(),
        BeforeValidator(json_text),
    ] = Field(
        None, description="Parallelism by operator of the static stream graph, as a map or JSON (Flink 1.10, 1.12)."
    )
    static_estimator_config: Annotated[
        str | None, Effect.RESTART, Cleared(""), Mark.AFTER_CREATION, JsonText(), BeforeValidator(json_text)
    ] = Field(
        None, description="Rates by operator, from which DLI estimates resources, as a map or JSON (Flink 1.10, 1.12)."
    )
    allow_sql_change: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None,
        description="Allow a start from a savepoint although `sql_body` or `operator_config` changed (default false).",
    )


__all__ = ["FlinkSqlJobSpec"]
