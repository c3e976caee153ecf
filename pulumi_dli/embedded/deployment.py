"""What to do about each resource the program registers: same, create, update, replace.

Owns the planning of one `up` or `preview`. Called by monitor.py from many threads; one registration is planned at a
time, its steps are done outside of the lock. Refreshes and deletes are base_steps.py's.
"""

from __future__ import annotations

import copy
import re
import threading
from dataclasses import dataclass, field, replace
from typing import Any

from pulumi_dli.embedded.children import Host, ProviderError
from pulumi_dli.embedded.state import PROVIDER_TYPE, STACK_TYPE, State
from pulumi_dli.embedded.steps import UNPROTECT, Difference, Step, StepExecutor, StoppedError, diff_of
from pulumi_dli.embedded.values import UNKNOWN_TEXT, Props, Secret, compare, holds, keep_ignored, keep_seals, refuse


@dataclass
class Goal:
    """One resource as the program declares it; `aliases` are the protocol's: whole URNs, or what differed."""

    name: str
    state: State
    provider: str = ""
    delete_before_replace: bool | None = None
    aliases: list[Any] = field(default_factory=list)


class Deployment:
    """The registrations of one run of the program against the state before it."""

    def __init__(self, project: str, stack: str, executor: StepExecutor, config: Props) -> None:
        self.executor = executor
        self.seen: set[str] = set()
        self._urn_start = f"urn:pulumi:{stack}::{project}::"
        self._config = config
        self._planning = threading.Lock()
        self._olds = {state.urn: state for state in executor.snapshot.base.resources if not state.delete}
        self._news: dict[str, State] = {}
        self._default_provider: State | None = None
        self._stack: State | None = None
        self._stack_outputs: Props | None = None

    def register(self, goal: Goal) -> State:
        """Bring one resource to its goal and return its new state."""
        with self._planning:
            steps = self._planned(goal)
        for step in steps:
            self.executor.do(step)
        return next(step.new for step in steps if step.new is not None)

    def register_outputs(self, outputs: Props) -> None:
        """Take the stack's outputs, which are settled at the end."""
        self._stack_outputs = outputs

    def finish_outputs(self, *, failed: bool) -> Props:
        """Settle the stack's outputs; after a failure old ones that were not given again stay."""
        if self._stack is None or self._stack_outputs is None:
            return self._stack.outputs if self._stack else {}
        before = self._olds[self._stack.urn].outputs if self._stack.urn in self._olds else {}
        outputs = {**before, **self._stack_outputs} if failed else self._stack_outputs
        keep_seals(outputs, before)
        self._stack.outputs = outputs
        self.executor.snapshot.touch(self._stack)
        return outputs

    def _urn(self, type_: str, name: str) -> str:
        return f"{self._urn_start}{type_}::{name}"

    def _claim(self, goal: Goal) -> str:
        urn = self._urn(goal.state.type, goal.name)
        if urn in self.seen:
            raise self.executor.fail(urn, f"Duplicate resource URN '{urn}'; try giving it a unique name")
        self.seen.add(urn)
        return urn

    def _planned(self, goal: Goal) -> list[Step]:
        if self.executor.stopped:
            raise StoppedError(self.executor.stopped)
        urn = self._claim(goal)
        old = self._find_old(goal, urn)
        new = self._news[urn] = self._new_state(goal, urn, old)
        if new.type == STACK_TYPE:
            self._stack = new
        elif self._stack is not None:
            new.parent = self._stack.urn
        try:
            if new.custom and not new.is_provider:
                new.provider = self._provider_of(goal)
            return self._plan(goal, old, new)
        except ProviderError as error:
            raise self.executor.fail(urn, str(error)) from None

    def _find_old(self, goal: Goal, urn: str) -> State | None:
        if urn in self._olds:
            return self._olds[urn]
        for alias in goal.aliases:
            former = alias.urn or self._urn(alias.spec.type or goal.state.type, alias.spec.name or goal.name)
            if former in self._olds:
                if former in self.seen:
                    raise self.executor.fail(urn, f"Duplicate resource alias '{former}' applied to resource '{urn}'")
                self.seen.add(former)
                self._rename(former, urn)
                return self._olds[former]
        return None

    def _rename(self, former: str, urn: str) -> None:
        """Let the records of the base use the new name: after a failed run the old one would be nobody's."""
        for state in self.executor.snapshot.base.resources:
            state.dependencies = [urn if item == former else item for item in state.dependencies]
            state.property_dependencies = {
                key: [urn if item == former else item for item in urns]
                for key, urns in state.property_dependencies.items()
            }
            owner, _, id_ = state.provider.rpartition("::")
            state.provider = f"{urn}::{id_}" if owner == former else state.provider
            self.executor.snapshot.touch(state)

    @staticmethod
    def _new_state(goal: Goal, urn: str, old: State | None) -> State:
        history = ("created", "modified", "source_position", "stack_trace")
        return replace(goal.state, urn=urn, **{name: getattr(old, name) for name in history if old})

    def _provider_of(self, goal: Goal) -> str:
        if goal.provider:
            urn, _, id_ = goal.provider.rpartition("::")
            if urn in self._news:  # at preview the SDK may not know the id of a new provider
                return self._news[urn].reference
            return f"{urn}::{id_ or UNKNOWN_TEXT}"
        if self._default_provider is None:
            state = State("", PROVIDER_TYPE, custom=True, inputs=copy.deepcopy(self._config))
            wanted = Goal("default", state)
            urn = self._claim(wanted)
            old = self._olds.get(urn)
            provider = self._new_state(wanted, urn, old)
            self._default_provider = self._news[urn] = provider
            for step in self._plan(wanted, old, provider):
                self.executor.do(step)
        return self._default_provider.reference

    def _plan(self, goal: Goal, old: State | None, new: State) -> list[Step]:
        host = self.executor.host(new) if new.custom and not new.is_provider else None
        new.inputs = copy.deepcopy(goal.state.inputs)
        if old is not None:
            keep_ignored(new.ignore_changes, old.inputs, new.inputs)
        if host is not None:
            new.inputs = self._checked(host, new, old.inputs if old else {}, new.inputs)
        return [Step("create", None, new)] if old is None else self._plan_change(goal, old, new, host)

    def _checked(self, host: Host, new: State, olds: Props, news: Props) -> Props:
        inputs, failures = host.check(new, olds, news)
        for name, reason in failures:
            # A value is shown with its secrets masked: whatever stands beside them is the program's own text.
            value = news.get(re.split(r"[.\[]", name)[0])
            shown = "[secret]" if holds(value, Secret) else "<nil>" if value is None else value
            which = f": property {name} value {{{shown}}} has a problem" if name else " has a problem"
            text = f"{new.type} resource '{new.name}'{which}: {reason}"
            self.executor.recorder.diagnostic("error", new.urn, text)
        if failures:
            self.executor.stop("failed")
            raise StoppedError(f"resource {new.urn} is invalid")
        return inputs

    def _difference(self, goal: Goal, old: State, new: State, host: Host | None) -> Difference:
        if host is None:
            details = compare(old.outputs if new.is_provider else old.inputs, new.inputs)
            return Difference(bool(details), details)
        return diff_of(host, old, new.inputs, goal.state.ignore_changes)

    def _plan_change(self, goal: Goal, old: State, new: State, host: Host | None) -> list[Step]:
        found = self._difference(goal, old, new, host)
        if (found.changed and _replaces(found, new.replace_on_changes)) or old.pending_replacement:
            return self._plan_replacement(goal, old, new, host, found)
        if found.changed or old.init_errors:
            return [Step("update", old, new, found.details)]
        return [Step("same", old, new)]

    def _plan_replacement(self, goal: Goal, old: State, new: State, host: Host | None, found: Difference) -> list[Step]:
        if new.protect and old.protect:
            text = f"unable to replace resource {new.urn!r}\nas it is currently marked for protection. {UNPROTECT}"
            self.executor.recorder.diagnostic("error", new.urn, text)
            if not self.executor.preview:
                self.executor.stop("failed")
                raise StoppedError(text)
        if host is not None:
            new.inputs = self._checked(host, new, {}, goal.state.inputs)
        before = goal.delete_before_replace
        step = Step("create-replacement", old, new, found.details, found.replaces)
        marker = Step("replace", old, new, found.details, found.replaces)
        if not (found.delete_before_replace if before is None else before):
            step.keeps_old = True
            return [step, marker]
        resources = self.executor.snapshot.base.resources
        if any(old.urn in state.needs() for state in resources if state.urn not in self.seen and not state.delete):
            raise refuse(f"deleting {new.urn} before its replacement is there, where others depend on it")
        if old.pending_replacement:
            return [marker, step]
        self.executor.ensure_provider(old)
        return [Step("delete-replaced", old, pending_replacement=True), marker, step]


def _replaces(found: Difference, names: list[str]) -> bool:
    """Whether a change replaces, `replace_on_changes` considered."""
    return bool(found.replaces) or any(path[0] in names for path in found.details)
