"""Deleting what a program no longer declares, and what replacements left behind.

Called by operation.py after the program has ended, and by a destroy. Does its steps through the StepExecutor, in
parallel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from graphlib import TopologicalSorter

from pulumi_dli.embedded.state import State
from pulumi_dli.embedded.steps import PROTECTED, Step, StepExecutor, StoppedError


def delete_unseen(executor: StepExecutor, seen: Collection[str], deleted: Collection[State]) -> None:
    """Delete what the program (that has ended well) no longer asks for, and what replacements left behind.

    Nothing goes before what needs it. A failed delete stops the walk, but a protected resource only spares what it
    needs."""
    steps: list[Step] = []
    for state in executor.snapshot.base.resources:
        if state.delete:
            if state not in deleted:
                steps.append(Step("delete-replaced", state))
        elif state.urn not in seen:
            steps.append(Step("remove-pending-replace" if state.pending_replacement else "delete", state))
    for step in steps:
        executor.condemned.add(step.state.urn)
        executor.ensure_provider(step.state)
    _delete_in_waves(executor, steps)


def _delete_in_waves(executor: StepExecutor, steps: list[Step]) -> None:
    needs = _dependencies(executor.snapshot.base.resources)
    spared: set[State] = set()
    protected: list[str] = []
    for wave in _waves(steps, needs):
        todo = []
        for step in wave:
            if step.op == "delete" and step.state.protect and step.state not in spared:
                spared |= {step.state} | _reach(step.state, needs)
                step.error = PROTECTED.format(step.state.urn)
                executor.recorder.step(step, "failed")
                executor.recorder.diagnostic("error", step.state.urn, step.error)
                protected.append(step.error)
            elif step.state not in spared:
                todo.append(step)
        stopped = executor.do_all(todo)
        if stopped:
            raise stopped
    if protected:
        executor.stop("failed")
        raise StoppedError(protected[0])


def _dependencies(resources: list[State]) -> dict[State, set[State]]:
    """What each resource needs, of those that stand before it."""
    position = {state: index for index, state in enumerate(resources)}
    known: dict[str, list[State]] = {}
    for state in resources:
        known.setdefault(state.urn, []).append(state)
    children: dict[State, set[State]] = {}
    for state in resources:
        for parent in known.get(state.parent, ()):
            children.setdefault(parent, set()).add(state)
    found: dict[State, set[State]] = {}
    by_urn: dict[str, list[State]] = {}
    for state in resources:
        needs = {other for urn in state.needs() for other in by_urn.get(urn, ())}
        # A component stands for all that is in it.
        for component in [other for other in needs if not other.custom]:
            needs |= {child for child in _reach(component, children) if position[child] < position[state]}
        found[state] = needs | set(by_urn.get(state.parent, ()))
        by_urn.setdefault(state.urn, []).append(state)
    return found


def _reach(start: State, edges: Mapping[State, Iterable[State]]) -> set[State]:
    """All that is reached from `start` along `edges`."""
    found: set[State] = set()
    todo = [start]
    while todo:
        new = set(edges.get(todo.pop(), ())) - found
        found |= new
        todo += new
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
