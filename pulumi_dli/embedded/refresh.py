"""Reading every resource of a state, before the program runs or as an operation of its own.

Called by operation.py. Does its steps through the StepExecutor, in parallel.
"""

from __future__ import annotations

from collections.abc import Collection

from pulumi_dli.embedded.state import State
from pulumi_dli.embedded.steps import Step, StepExecutor


def refresh(executor: StepExecutor) -> None:
    """Read every resource, and make what was found the base of all that follows."""
    base = executor.snapshot.base.resources
    for state in base:
        executor.ensure_provider(state)
    steps = [Step("refresh", state) for state in base]
    failed = executor.do_all(steps)
    # What was not read any more stays as it was.
    executor.snapshot.rebase(_repaired([step.new if step.result_op else step.old for step in steps]))
    if failed:
        raise failed


def _repaired(resources: Collection[State | None]) -> list[State]:
    """The resources that are left, without dependencies on those that are gone."""
    left: list[State] = []
    known = {""}
    for state in resources:
        if state is None:
            continue
        state.dependencies = [urn for urn in state.dependencies if urn in known]
        left_of = {key: [urn for urn in urns if urn in known] for key, urns in state.property_dependencies.items()}
        state.property_dependencies = {key: urns for key, urns in left_of.items() if urns}
        state.deleted_with = state.deleted_with if state.deleted_with in known else ""
        known.add(state.urn)
        left.append(state)
    return left
