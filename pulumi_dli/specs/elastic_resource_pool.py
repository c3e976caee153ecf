"""The fields of an elastic resource pool (dli-api 12.1, dli_02_0326)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from pulumi_dli.specs.fields import PLACE, PROVIDER_ONLY, Computed, Declaration, Effect, Rule, Spec
from pulumi_dli.specs.forms import Network
from pulumi_dli.specs.shapes import Text, Whole
from pulumi_dli.specs.values import Tags, TextMap, lowered, matching

STEP = 16  # a pool holds a multiple of it (dli-api 12.5)
BASIC = {"spec": "basic"}
DEFAULT_CIDR = "172.16.0.0/12"
_BOUNDS = {True: (16, 64), False: (64, 32_000)}  # basic edition, standard edition: for both numbers

NAME = matching(
    r"[A-Za-z][A-Za-z0-9_]{0,127}",
    # Open Telekom Cloud's API takes a digit in front, its console and the vendor's clients do not (dli-api 12.1).
    "must have 1 to 128 letters, digits or _, and begin with a letter",
)
CUS = Whole(least=16, most=32_000)


def is_basic(spec: Any) -> bool:
    """Whether the pool is of the basic edition."""
    return bool(spec.label) and spec.label.get("spec") == "basic"


def _minimum(spec: Any) -> str | None:
    if None not in (spec.min_cu, spec.max_cu) and spec.min_cu > spec.max_cu:
        return f"is {spec.min_cu} CUs, more than max_cu ({spec.max_cu})"
    return _outside(spec.min_cu, spec)


def _maximum(spec: Any) -> str | None:
    return _outside(spec.max_cu, spec)


def _outside(cus: int | None, spec: Any) -> str | None:
    low, high = _BOUNDS[is_basic(spec)]
    if cus is None or low <= cus <= high:
        return None
    return f"must be from {low} to {high} CUs in the {'basic' if is_basic(spec) else 'standard'} edition, not {cus}"


class ElasticResourcePoolSpec(Spec):
    """An elastic resource pool as the program wants it."""

    declaration: ClassVar[Declaration] = Declaration(
        name="ElasticResourcePool",
        article="an elastic resource pool",
        summary="""An elastic resource pool: compute that its queues share (page dli_02_0326).

Its creation takes minutes and is waited for. `min_cu`, `max_cu`, `description` and `tags` change in place; the
pool's capacity follows at the next full hour. Everything else needs a pool of another name, and new queues in it.
It is deleted when it holds no queue and is 15 minutes old; a younger one is waited for. It costs its `min_cu` as
long as it exists. The id is the stored (lower-case) name.""",
        named="elastic_resource_pool_name",
        id_from=("elastic_resource_pool_name",),
        computed=(
            Computed("resource_id", "str", "The service's id of the pool, under which it has tags."),
            Computed("owner", "str | None", "Who created it."),
            Computed("create_time", "int | None", "In milliseconds since the epoch."),
            Computed("available_time", "int | None", "When its creation was done, likewise; None if nobody waited."),
            *PLACE,
        ),
    )
    required: ClassVar[tuple[str, ...]] = ("elastic_resource_pool_name", "min_cu", "max_cu")
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(("min_cu", "max_cu", "label"), _minimum),
        Rule(("max_cu", "label"), _maximum),
    )

    elastic_resource_pool_name: Annotated[str | None, Effect.REPLACE, NAME, AfterValidator(lowered)] = Field(
        None, description="Name, in letters of any case; the service stores it in lower case."
    )
    min_cu: Annotated[int | None, Effect.IN_PLACE, CUS] = Field(
        None,
        description="Compute units that it always has, at least the sum of its queues' minima; a multiple of 16. "
        "It can be raised up to the CUs that the pool has at that time.",
    )
    max_cu: Annotated[int | None, Effect.IN_PLACE, CUS] = Field(
        None, description="Compute units that it may grow to, at least the maximum of each queue; a multiple of 16."
    )
    description: Annotated[str | None, Effect.IN_PLACE, Text(most=256)] = Field(None, description="Free text.")
    cidr_in_vpc: Annotated[str | None, Effect.REPLACE, Network()] = Field(
        None,
        description="Network of the pool, best a /16 to /19; it must not overlap that of any data source, and the "
        "default `172.16.0.0/12` covers most.",
    )
    charging_mode: Annotated[
        int | None, Effect.REPLACE, Whole(least=1, most=1, rule="must be 1 (pay per use); others are ordered by hand")
    ] = Field(None, description="1: pay per CU-hour.")
    enterprise_project_id: Annotated[str | None, Effect.REPLACE] = Field(
        None, description="Enterprise project, where Enterprise Management is on."
    )
    label: Annotated[TextMap | None, Effect.REPLACE] = Field(
        None, description='Edition: `{"spec": "basic"}` for the basic one (16 to 64 CUs), standard when omitted.'
    )
    ipv6_enable: Annotated[bool | None, Effect.REPLACE] = Field(
        None, description="Whether it has IPv6 addresses as well."
    )
    tags: Annotated[Tags | None, Effect.IN_PLACE, PROVIDER_ONLY] = Field(
        None, description="Tags: a map of key to value."
    )
    adopt: Annotated[bool | None, Effect.IGNORED, PROVIDER_ONLY] = Field(
        None, description="Take over an existing pool of this name instead of failing (default false)."
    )
