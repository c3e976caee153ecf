"""What needs no program: reading every resource of a state, and deleting what is no longer declared.

Called by operation.py before the program runs and after it has ended. What can be done side by side is.
"""

from __future__ import annotations

from collections.abc import Collection
from graphlib import TopologicalSorter

from pulumi_dli.embedded.state import State
from pulumi_dli.embedded.steps import UNPROTECT, Step, StepExecutor, StoppedError


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
        known.add(state.urn)
        left.append(state)
    return left


def delete_unseen(executor: StepExecutor, seen: Collection[str]) -> None:
    """Delete what the program (that has ended well) no longer asks for, and what replacements left behind.

    Nothing goes before what needs it. A failed delete stops the walk, but a protected resource only spares what it
    needs."""
    steps: list[Step] = []
    for state in executor.snapshot.base.resources:
        if state.delete:
            steps.append(Step("delete-replaced", state))
        elif state.urn not in seen:
            steps.append(Step("remove-pending-replace" if state.pending_replacement else "delete", state))
    for step in steps:
        executor.ensure_provider(step.state)
    _delete_in_waves(executor, steps)


def _delete_in_waves(executor: StepExecutor, steps: list[Step]) -> None:
    needs = _dependencies(executor.snapshot.base.resources)
    spared: set[State] = set()
    protected: list[str] = []
    for wave in _waves(steps, needs):
        todo = []
        for step in wave:
            if step.state not in spared and not (step.op == "delete" and step.state.protect):
                todo.append(step)
                continue
            if step.state not in spared:
                protected.append(f"resource {step.state.urn!r} cannot be deleted\nbecause it is protected. {UNPROTECT}")
                executor.recorder.step(step, "failed")
                executor.recorder.diagnostic("error", step.state.urn, protected[-1])
            spared |= needs[step.state]
        stopped = executor.do_all(todo)
        if stopped:
            raise stopped
    if protected:
        executor.stop("failed")
        raise StoppedError(protected[0])


def _dependencies(resources: list[State]) -> dict[State, set[State]]:
    """What each resource needs, of those that stand before it."""
    found: dict[State, set[State]] = {}
    by_urn: dict[str, list[State]] = {}
    for state in resources:
        found[state] = {other for urn in (*state.needs(), state.parent) for other in by_urn.get(urn, ())}
        by_urn.setdefault(state.urn, []).append(state)
    return found


def _waves(steps: list[Step], needs: dict[State, set[State]]) -> list[list[Step]]:
    """Steps that may be done side by side, those first that nothing else needs."""
    by_state = {step.state: step for step in steps}
    order = TopologicalSorter({state: needs[state] & by_state.keys() for state in by_state})
    order.prepare()
    waves: list[list[Step]] = []
    while order.is_active():
        ready = order.get_ready()
        waves.insert(0, [by_state[state] for state in ready])
        order.done(*ready)
    return waves
