"""What to do about each resource the program registers: same, create, update, replace.

Owns the planning of one `up` or `preview`. Called by monitor.py from many threads; one registration is planned at a
time, its steps are done outside of the lock. Deletes and refreshes are refresh.py's and delete.py's.
"""

from __future__ import annotations

import copy
import json
import threading
from dataclasses import replace

from pulumi_dli.embedded.goal import Alias, Goal, make_urn
from pulumi_dli.embedded.host import Host, ProviderError
from pulumi_dli.embedded.state import PROVIDER_TYPE, STACK_TYPE, State
from pulumi_dli.embedded.steps import Difference, Step, StepExecutor, StoppedError, diff_of
from pulumi_dli.embedded.values import (
    UNKNOWN,
    UNKNOWN_TEXT,
    Props,
    Secret,
    compare,
    covers,
    holds,
    keep_seals,
    parse_path,
    reset,
)


class Deployment:
    """The registrations of one run of the program against the state before it."""

    def __init__(self, project: str, stack: str, executor: StepExecutor, config: Props) -> None:
        self.project = project
        self.stack = stack
        self.executor = executor
        self.seen: set[str] = set()
        self.replaced_by_wave: set[State] = set()
        self._config = config
        self._planning = threading.Lock()
        self._olds = {state.urn: state for state in executor.snapshot.base.resources if not state.delete}
        self._news: dict[str, State] = {}
        self._aliases: dict[str, str] = {}
        self._replaced: set[str] = set()
        self._recreate: dict[str, threading.Event] = {}
        self._default_provider: State | None = None
        self._stack_outputs: Props | None = None

    # -- what the program calls ------------------------------------------------------------------------------------

    def register(self, goal: Goal) -> State:
        """Bring one resource to its goal and return its new state."""
        while True:
            with self._planning:
                deleting = self._being_deleted(goal)
                if deleting is None or deleting.is_set() or self.executor.stopped:
                    steps, deleted = self._planned(goal)
                    break
            deleting.wait()
        return self._do_all(steps, deleted)

    def register_outputs(self, urn: str, outputs: Props) -> None:
        """Take the outputs of a component; the stack's own are settled at the end."""
        if urn.split("::")[2] == STACK_TYPE:
            self._stack_outputs = outputs
            return
        with self._planning:
            state = self._news.get(urn)
        if state is None:
            raise StoppedError(f"cannot complete a resource '{urn}' whose registration isn't pending")
        keep_seals(outputs, state.outputs)
        state.outputs = outputs
        self.executor.snapshot.touch(state)
        self.executor.snapshot.commit()

    def finish_outputs(self, *, failed: bool) -> Props:
        """Settle the stack's outputs; after a failure old ones that were not given again stay."""
        state = next((state for state in self._news.values() if state.type == STACK_TYPE), None)
        if state is None or self._stack_outputs is None:
            return state.outputs if state else {}
        before = self._olds[state.urn].outputs if state.urn in self._olds else {}
        outputs = {**before, **self._stack_outputs} if failed else self._stack_outputs
        keep_seals(outputs, before)
        state.outputs = outputs
        self.executor.snapshot.touch(state)
        return outputs

    # -- planning, under the lock ------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self.executor.stopped:
            raise StoppedError(self.executor.stopped)

    def _do_all(self, steps: list[Step], deleted: threading.Event | None) -> State:
        try:
            for step in steps:
                self.executor.do(step)
        finally:
            if deleted is not None:
                deleted.set()
        return next(step.new for step in steps if step.new is not None)

    def _adopt_parent(self, goal: Goal) -> None:
        if not goal.state.parent and goal.state.type != STACK_TYPE:
            goal.state.parent = next((urn for urn, state in self._news.items() if state.type == STACK_TYPE), "")

    def _claim(self, goal: Goal) -> str:
        urn = goal.urn(self.stack, self.project)
        if urn in self.seen:
            raise self.executor.fail(urn, f"Duplicate resource URN '{urn}'; try giving it a unique name")
        self.seen.add(urn)
        return urn

    def _being_deleted(self, goal: Goal) -> threading.Event | None:
        urns = [goal.urn(self.stack, self.project), *self._old_urns(goal)]
        return next((self._recreate[urn] for urn in urns if urn in self._recreate), None)

    def _planned(self, goal: Goal) -> tuple[list[Step], threading.Event | None]:
        self._check_open()
        self._adopt_parent(goal)
        urn = self._claim(goal)
        old = self._find_old(goal, urn)
        new = self._new_state(goal, urn, old)
        self._news[urn] = new
        try:
            if goal.state.custom and not new.is_provider:
                new.provider = self._provider_of(goal)
            steps = self._plan(goal, old, new)
        except ProviderError as error:
            raise self.executor.fail(urn, str(error)) from None
        deletes = [step for step in steps if step.pending_replacement and step.old is not old]
        if not deletes:
            return steps, None
        deleted = threading.Event()
        self._recreate |= {step.state.urn: deleted for step in deletes}
        return steps, deleted

    def _old_urns(self, goal: Goal) -> list[str]:
        found = [self._alias_urn(goal, alias) for alias in goal.aliases]
        above = self._aliases.get(goal.state.parent)
        if above is not None:  # the parent came under an old name: so did its children
            for urn in [goal.urn(self.stack, self.project), *found]:
                type_, name = urn.split("::")[2].rpartition("$")[2], urn.split("::", 3)[3]
                old_parent, parent_name = above.split("::", 3)[3], goal.state.parent.split("::", 3)[3]
                name = old_parent + name.removeprefix(parent_name) if name.startswith(parent_name) else name
                found.append(make_urn(self.stack, self.project, above, type_, name))
        return found

    def _alias_urn(self, goal: Goal, alias: Alias) -> str:
        if alias.urn:
            return alias.urn
        parent = "" if alias.no_parent else self._aliases.get(alias.parent, alias.parent) or goal.state.parent
        stack, project = alias.stack or self.stack, alias.project or self.project
        return make_urn(stack, project, parent, alias.type or goal.state.type, alias.name or goal.name)

    def _find_old(self, goal: Goal, urn: str) -> State | None:
        if urn in self._olds:
            return self._olds[urn]
        for former in self._old_urns(goal):
            if former in self._olds:
                if former in self.seen:
                    raise self.executor.fail(urn, f"Duplicate resource alias '{former}' applied to resource '{urn}'")
                self._aliases[urn] = former
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
            state.parent = urn if state.parent == former else state.parent
            state.deleted_with = urn if state.deleted_with == former else state.deleted_with
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
        recreating = old is not None and old.urn in self._recreate
        host = self.executor.host(new) if self._is_served(new) else None
        new.inputs = copy.deepcopy(goal.state.inputs)
        if old is None or recreating:
            if host is not None:
                new.inputs = self._checked(host, new, {}, new.inputs)
        else:
            self._ignore_changes(goal, old, new)
            if host is not None:
                new.inputs = self._checked(host, new, old.inputs, new.inputs)
        if old is None:
            return [Step("create", None, new)]
        if recreating:
            self._recreate.pop(old.urn)
            self._replaced.add(new.urn)
            return [Step("replace", old, new), Step("create-replacement", old, new)]
        return self._plan_change(goal, old, new, host)

    def _ignore_changes(self, goal: Goal, old: State, new: State) -> None:
        failed = [path for path in goal.state.ignore_changes if not reset(parse_path(path), old.inputs, new.inputs)]
        if failed:
            text = f"cannot ignore changes in added or removed elements of the path: {json.dumps(', '.join(failed))}"
            self.executor.recorder.diagnostic("info", new.urn, text)

    def _is_served(self, new: State) -> bool:
        """Whether a process can be asked: not for components, providers, and providers that are not configured yet."""
        if not new.custom or new.is_provider:
            return False
        return not (self.executor.hosts.has(new.provider) and self.executor.hosts.find(new.provider) is None)

    def _checked(self, host: Host, new: State, olds: Props, news: Props) -> Props:
        inputs, failures = host.check(new, olds, news)
        for name, reason in failures:
            # A value is shown with its secrets masked: whatever stands beside them is the program's own text.
            value = news.get(str(parse_path(name)[0])) if name else None
            shown = "[secret]" if holds(value, Secret) else "<nil>" if value is None else value
            which = f": property {name} value {{{shown}}} has a problem" if name else " has a problem"
            text = f"{new.type} resource '{new.name}'{which}: {reason}"
            self.executor.recorder.diagnostic("error", new.urn, text)
        if failures:
            self.executor.stop("failed")
            raise StoppedError(f"resource {new.urn} is invalid")
        return inputs

    def _difference(self, goal: Goal, old: State, new: State, host: Host | None) -> Difference:
        if goal.state.deleted_with and goal.state.deleted_with in self._replaced:
            return Difference(changed=True, replaces=["deletedWith"])
        if bool(old.provider) is not bool(new.provider) and not new.is_provider:
            return Difference(changed=True, replaces=["provider"])
        if not new.custom or new.is_provider:
            details = compare(old.outputs if new.is_provider else old.inputs, new.inputs)
            return Difference(bool(details), details)
        return diff_of(host, old, new.inputs, goal.state.ignore_changes)

    def _plan_change(self, goal: Goal, old: State, new: State, host: Host | None) -> list[Step]:
        found = self._difference(goal, old, new, host)
        replaces = _with_replace_on_changes(found, goal.state.replace_on_changes, unhealthy=bool(old.init_errors))
        if (found.changed and replaces) or old.pending_replacement:
            return self._plan_replacement(goal, old, new, host, found)
        if found.changed or old.init_errors:
            return [Step("update", old, new, found.details)]
        return [Step("same", old, new)]

    def _plan_replacement(self, goal: Goal, old: State, new: State, host: Host | None, found: Difference) -> list[Step]:
        if new.protect and old.protect:
            text = (
                f"unable to replace resource {new.urn!r}\nas it is currently marked for protection. To unprotect the "
                "resource, remove the `protect` flag from the resource in your Pulumi program and run `up`"
            )
            self.executor.recorder.diagnostic("error", new.urn, text)
            if not self.executor.preview:
                self.executor.stop("failed")
                raise StoppedError(text)
        self._replaced.add(new.urn)
        if host is not None:
            new.inputs = self._checked(host, new, {}, goal.state.inputs)
        before = goal.delete_before_replace
        step = Step("create-replacement", old, new, found.details, found.replaces)
        marker = Step("replace", old, new, found.details, found.replaces)
        if not (found.delete_before_replace if before is None else before):
            step.keeps_old = True
            return [step, marker]
        self.executor.ensure_provider(old)
        deletes = [self._condemn(state, new.urn) for state in reversed(self._must_go_too(old))]
        if not old.pending_replacement:
            self.executor.condemned.add(old.urn)
            deletes.append(Step("delete-replaced", old, pending_replacement=True))
        return [*[item for item in deletes if item is not None], marker, step]

    def _condemn(self, state: State, cause: str) -> Step | None:
        if state in self.replaced_by_wave or state.pending_replacement:
            return None
        if state.protect:
            raise self.executor.fail(
                state.urn,
                f"unable to replace resource {state.urn!r} as part of replacing {cause!r} as it is currently marked "
                "for protection. To unprotect the resource, remove the `protect` flag from the resource in your "
                "Pulumi program and run `up`",
            )
        self.replaced_by_wave.add(state)
        self.executor.condemned.add(state.urn)
        return Step("delete-replaced", state, pending_replacement=True)

    def _must_go_too(self, root: State) -> list[State]:
        """The dependents of `root` that a change of it would replace: they are deleted before it is."""
        resources = self.executor.snapshot.base.resources
        if root not in resources:
            return []
        depending, replaced, found = {root.urn}, {root.urn}, []
        for state in resources[resources.index(root) + 1 :]:
            # What is registered already cannot depend on what is only now being planned.
            if state.urn in self.seen or state.delete or not depending.intersection(state.needs()):
                continue
            depending.add(state.urn)
            if self._is_replaced_with(state, replaced):
                replaced.add(state.urn)
                found.append(state)
        return found

    def _is_replaced_with(self, state: State, replaced: set[str]) -> bool:
        if not state.custom or state.is_provider:
            return False
        if state.provider.rpartition("::")[0] in replaced or state.deleted_with in replaced:
            return True
        inputs = {
            key: UNKNOWN if replaced.intersection(state.property_dependencies.get(key, ())) else value
            for key, value in state.inputs.items()
        }
        if not any(value is UNKNOWN for value in inputs.values()):
            return False
        self.executor.ensure_provider(state)
        found = diff_of(self.executor.host(state), state, inputs, state.ignore_changes)
        return _with_replace_on_changes(found, state.replace_on_changes, unhealthy=False) and found.changed


def _with_replace_on_changes(found: Difference, paths: list[str], *, unhealthy: bool) -> bool:
    """Whether a change replaces, `replace_on_changes` considered; `#initerror` makes a change of init errors."""
    wanted = [parse_path(path) for path in paths]
    if unhealthy and any(covers(path, ("#initerror",)) for path in wanted):
        found.changed = True
        return True
    return bool(found.replaces) or any(covers(path, changed) for path in wanted for changed in found.details)
