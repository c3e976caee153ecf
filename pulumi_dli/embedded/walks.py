"""The walks over a whole state: reading everything (refresh), and deleting what is no longer wanted.

Called by stack.py before and after the program runs. Does its steps through the Doer, in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from pulumi_dli.embedded.state import State
from pulumi_dli.embedded.steps import PROTECTED, Doer, Step, StoppedError


def refresh(doer: Doer, parallel: int) -> None:
    """Read every resource, and make what was found the base of all that follows.

    Raises:
        StoppedError: a read failed, or the operation was cancelled.
    """
    base = doer.snapshot.base.resources
    for state in base:
        doer.ensure_provider(state)
    steps = [Step("refresh", state) for state in base]
    failed = _do_all(doer, steps, parallel)
    # What was not read any more stays as it was.
    doer.snapshot.rebase(_repaired([step.new if step.result_op else step.old for step in steps]))
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


def delete_unseen(doer: Doer, seen: Collection[str], deleted: Collection[State], parallel: int) -> None:
    """Delete what the program (that has ended well) no longer asks for, and what replacements left behind.

    Nothing goes before what needs it. A failed delete stops the walk, but a protected resource only spares what it
    needs.

    Raises:
        StoppedError: something was not deleted.
    """
    steps: list[Step] = []
    for state in doer.snapshot.base.resources:
        if state.delete:
            if state not in deleted:
                steps.append(Step("discard-replaced" if state.external else "delete-replaced", state))
        elif state.urn not in seen:
            word = "discard" if state.external else "delete"
            steps.append(Step("remove-pending-replace" if state.pending_replacement else word, state))
    for step in steps:
        doer.condemned.add(step.state.urn)
        doer.ensure_provider(step.state)
    _delete_in_waves(doer, steps, parallel)


def _delete_in_waves(doer: Doer, steps: list[Step], parallel: int) -> None:
    needed_by_states = _dependencies(doer.snapshot.base.resources)
    spared: set[State] = set()
    failed: StoppedError | None = None
    for wave in _waves(steps, needed_by_states):
        todo = []
        for step in wave:
            if step.state in spared:
                continue
            if step.op == "delete" and step.state.protect:
                spared |= _all_needs(step.state, needed_by_states)
            todo.append(step)
        failed = _do_protected(doer, [step for step in todo if step.state.protect and step.op == "delete"]) or failed
        rest = [step for step in todo if not (step.state.protect and step.op == "delete")]
        stopped = _do_all(doer, rest, parallel)
        if stopped:
            raise stopped
    if failed:
        doer.stop("failed")
        raise failed


def _do_protected(doer: Doer, steps: list[Step]) -> StoppedError | None:
    failed = None
    for step in steps:
        text = step.error = PROTECTED.format(step.state.urn)
        doer.report.step(step, "failed")
        doer.report.diagnostic("error", step.state.urn, text)
        failed = StoppedError(text)
    return failed


def _dependencies(resources: list[State]) -> dict[State, set[State]]:
    """What each resource needs, of those that stand before it."""
    children: dict[str, list[State]] = {}
    for state in resources:
        children.setdefault(state.parent, []).append(state)
    position = {state: index for index, state in enumerate(resources)}
    found: dict[State, set[State]] = {}
    by_urn: dict[str, list[State]] = {}
    for state in resources:
        needs = {other for urn in state.needs() for other in by_urn.get(urn, ())}
        # A component stands for all that is in it.
        for component in [other for other in needs if not other.custom]:
            needs |= {child for child in _below(component, children) if position[child] < position[state]}
        found[state] = needs | set(by_urn.get(state.parent, ()))
        by_urn.setdefault(state.urn, []).append(state)
    return found


def _below(component: State, children: dict[str, list[State]]) -> set[State]:
    found: set[State] = set()
    todo = [component.urn]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found:
                found.add(child)
                todo.append(child.urn)
    return found


def _all_needs(state: State, needs: dict[State, set[State]]) -> set[State]:
    found: set[State] = set()
    todo = [state]
    while todo:
        for other in needs.get(todo.pop(), ()):
            if other not in found:
                found.add(other)
                todo.append(other)
    return found


def _waves(steps: list[Step], needs: dict[State, set[State]]) -> list[list[Step]]:
    left = {step.state: step for step in steps}
    waves: list[list[Step]] = []
    while left:
        wave = [step for state, step in left.items() if not needs[state] & left.keys()] or list(left.values())
        waves.append(wave)
        for step in wave:
            del left[step.state]
    waves.reverse()
    return waves


def _do_all(doer: Doer, steps: list[Step], parallel: int) -> StoppedError | None:
    def one(step: Step) -> StoppedError | None:
        try:
            doer.do(step)
        except StoppedError as error:
            return error
        return None

    run: Callable[[Step], StoppedError | None] = one
    with ThreadPoolExecutor(max_workers=max(1, min(parallel, len(steps)))) as pool:
        return next((error for error in pool.map(run, steps) if error is not None), None)
