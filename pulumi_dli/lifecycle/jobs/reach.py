"""Whether the service makes savepoints and checkpoints of a job at all (dli-api 15, row 4). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pulumi_dli.errors import UpgradeBlockedError
from pulumi_dli.specs import rules
from pulumi_dli.specs.declared import Declared

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob


def as_it_runs(job: FlinkJob | None, olds: Mapping[str, Any]) -> Declared:
    """The job as the service has it; by the state where that says nothing."""
    told = (
        {} if job is None else {name: getattr(job.config, name) for name in ("flink_version", "execution_agency_urn")}
    )
    return Declared({**olds, **{name: value for name, value in told.items() if value}})


def must_be_savable(what: str, job: FlinkJob, olds: Mapping[str, Any]) -> None:
    """Refuse a delete that begins with a savepoint which the service never makes; nothing was touched.

    Raises:
        UpgradeBlockedError: says the way out.
    """
    if not rules.out_of_reach(as_it_runs(job, olds)):
        return
    raise UpgradeBlockedError(
        f"{what} was not deleted and runs on: a delete begins with a last savepoint, and of Flink 1.15 and later the "
        "service makes none without execution_agency_urn. To delete it without its state, set "
        "savepoint_on_delete=False, run `pulumi up` (nothing is restarted), and delete again; to keep the state, give "
        "it an agency first"
    )
