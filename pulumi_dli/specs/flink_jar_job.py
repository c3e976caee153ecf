"""The fields that only a Flink jar job has (dli-api 6.1, dli_02_0230). The others stand in `flink_job.py`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from pulumi_dli.specs.fields import PROVIDER_ONLY, Cleared, Declaration, Effect, Mark, Rule
from pulumi_dli.specs.flink_job import (
    COMMON_RULES,
    COMPUTED,
    DERIVED,
    OBSERVED_STATES,
    SAVED,
    SAVED_IN,
    FlinkJobSpec,
    ResourceAmount,
    ResourceConfig,
)
from pulumi_dli.specs.forms import NONCE, Folder
from pulumi_dli.specs.rules import JAR_REFUSALS
from pulumi_dli.specs.shapes import Arguments
from pulumi_dli.specs.values import Package, matching, one_of, whole

MAIN_CLASS = matching(r"(?!\d)[\w$]+(\.(?!\d)[\w$]+)*", "must be the name of a class, such as com.example.Stream")
IMAGE = matching(
    r"[a-z0-9][a-z0-9._\-]{0,63}(/[a-z0-9][a-z0-9._\-]{0,127})+:[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}",
    "must be an image organisation/name:version",
)


def _arguments(value: Any) -> Any:
    """The service takes one text; people think of a list of words."""
    return " ".join(str(whole(item)) for item in value) if isinstance(value, list | tuple) else value


def _jar_to_run(spec: Any) -> str | None:
    if spec.state == "draft" or spec.entrypoint:
        return None
    return 'is required to run the job: give the package of the program, or state="draft"'


def _image_given(spec: Any) -> str | None:
    return "custom needs an image (organisation/name:version)" if spec.feature == "custom" and not spec.image else None


class FlinkJarJobSpec(FlinkJobSpec):
    """A Flink jar job as the program wants it."""

    declaration: ClassVar[Declaration] = Declaration(
        name="FlinkJarJob",
        article="a Flink jar job",
        summary="""A Flink jar job: not a record, but a running stream with state (page dli_02_0230).

By default it runs, and a change that it cannot take while it runs restarts it with a savepoint: stop with a
savepoint, change, resume, and back to the old version when the new one does not come up. The preview says for
each job what will happen to it. docs/upgrades.md has the tables of all cases. The id is the job's number.""",
        named="name",
        computed=COMPUTED,
        derived={**DERIVED, **dict.fromkeys(SAVED, (*SAVED_IN, "checkpoint_path"))},
        timeouts="; `custom_timeouts` bound the waits (default 30 minutes each)",
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        *COMMON_RULES,
        Rule(("entrypoint", "state"), _jar_to_run),
        Rule(("feature", "image"), _image_given),
        *JAR_REFUSALS,
    )

    entrypoint: Annotated[
        Package | None, Effect.RESTART, Mark.ALWAYS_READ, Mark.RUNS_AGAIN, Mark.NOT_FROM_CHECKPOINT
    ] = Field(
        None, description="The program: `group.package(…)`, `group/app.jar`, `app.jar` or `obs://bucket/app.jar`."
    )
    main_class: Annotated[str | None, Effect.RESTART, Cleared(""), Mark.AT_TOP, Mark.RUNS_AGAIN, MAIN_CLASS] = Field(
        None, description="Main class, fully qualified; the jar's manifest says it when not given."
    )
    entrypoint_args: Annotated[
        str | None, Effect.RESTART, Cleared(""), Mark.AT_TOP, Mark.RUNS_AGAIN, Arguments(), BeforeValidator(_arguments)
    ] = Field(None, description="Arguments of the program, separated by blanks; a list of words is joined.")
    dependency_jars: Annotated[
        tuple[Package, ...] | None, Effect.RESTART, Cleared([]), Mark.RUNS_AGAIN, Mark.NOT_FROM_CHECKPOINT
    ] = Field(None, description="More jars of the program.")
    dependency_files: Annotated[tuple[Package, ...] | None, Effect.RESTART, Cleared([]), Mark.RUNS_AGAIN] = Field(
        None, description="Files that the program reads as `userData/<name>`."
    )
    source_hash: Annotated[str | None, Effect.RESTART, Mark.RUNS_AGAIN, PROVIDER_ONLY, NONCE] = Field(
        None, description="Any text that changes with the bytes behind plain package names: a change restarts the job."
    )
    feature: Annotated[str | None, Effect.RESTART, Cleared("basic"), one_of("basic", "custom")] = Field(
        None, description="`basic`, or `custom` for an own image."
    )
    image: Annotated[str | None, Effect.RESTART, Cleared(""), IMAGE] = Field(
        None, description="Own image `organisation/name:version`."
    )
    checkpoint_path: Annotated[str | None, Effect.IN_PLACE, Cleared(""), Folder()] = Field(
        None, description="Where the program itself writes checkpoints, when `checkpoint_enabled` is off."
    )


__all__ = ["OBSERVED_STATES", "FlinkJarJobSpec", "ResourceAmount", "ResourceConfig"]
