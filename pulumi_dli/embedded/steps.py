"""Steps, and the doing of them: the calls to the provider and what they leave in the state.

Called by deployment.py and base_steps.py, from many threads. Decides nothing: what to do stands in the step.
"""

from __future__ import annotations

import copy
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_dli.embedded.children import Host, Hosts, ProviderError
from pulumi_dli.embedded.snapshot import Snapshot
from pulumi_dli.embedded.state import State, now
from pulumi_dli.embedded.values import (
    UNKNOWN_TEXT,
    Path,
    Props,
    RefusedError,
    Unknown,
    compare,
    decode,
    holds,
    keep_ignored,
    keep_seals,
    mark_secrets,
    refuse,
)

if TYPE_CHECKING:
    from pulumi_dli.embedded.events import Recorder

UNPROTECT = "To unprotect the resource, remove the `protect` flag from the resource in your Pulumi program and run `up`"
SHUT_DOWN = "resource monitor shut down"


class StoppedError(Exception):
    """The operation failed or was cancelled: nothing new is begun."""


@dataclass
class Step:
    """One thing to do to one resource. `op` is a word of the CLI's own events."""

    op: str
    old: State | None = None
    new: State | None = None
    details: dict[Path, str] = field(default_factory=dict)
    replaces: list[str] = field(default_factory=list)
    keeps_old: bool = False
    pending_replacement: bool = False
    result_op: str = ""
    seconds: float = 0.0

    @property
    def state(self) -> State:
        return self.new or self.was

    @property
    def was(self) -> State:
        assert self.old
        return self.old

    @property
    def wanted(self) -> State:
        assert self.new
        return self.new

    @property
    def counted_as(self) -> str:
        """The word it has in the summary; empty for the parts of a replacement and for what users did not write."""
        hidden = self.op.endswith(("-replacement", "-replaced", "-replace")) or self.state.is_default_provider
        return "" if hidden else self.op


class StepExecutor:
    """Does steps, at most `parallel` at a time, until one fails or the operation is cancelled."""

    def __init__(self, snapshot: Snapshot, hosts: Hosts, recorder: Recorder, *, preview: bool, parallel: int) -> None:
        self.snapshot = snapshot
        self.hosts = hosts
        self.recorder = recorder
        self.preview = preview
        self.stopped = ""
        self.abandoned = False
        self.on_stop: Callable[[], None] = lambda: None
        self._parallel = parallel
        self._slots = threading.BoundedSemaphore(parallel)
        self._actions: dict[str, Callable[[Step], None]] = {
            "same": self._same,
            "create": self._create,
            "create-replacement": self._create,
            "replace": lambda step: None,  # noqa: ARG005 - it only stands for the two steps of a replacement
            "update": self._update,
            "delete": self._delete,
            "delete-replaced": self._delete,
            "remove-pending-replace": lambda step: snapshot.end(None, done=[step.old]),
            "refresh": self._refresh,
        }

    def stop(self, reason: str) -> None:
        """Begin nothing new; what is under way goes on to its end."""
        if not self.stopped:
            self.stopped = reason
            self.on_stop()

    def fail(self, urn: str, text: str) -> StoppedError:
        """Report an error on a resource and stop."""
        self.recorder.diagnostic("error", urn, text)
        self.stop("failed")
        return StoppedError(text)

    def do(self, step: Step) -> None:
        with self._slots:
            if self.stopped:
                raise StoppedError(self.stopped)
            begun = time.monotonic()
            self.recorder.step(step, "started")
            try:
                self._actions[step.op](step)
            except ProviderError as error:
                step.seconds = time.monotonic() - begun
                self.recorder.step(step, "failed")
                raise self.fail(step.state.urn, str(error)) from None
            step.seconds = time.monotonic() - begun
            self.recorder.step(step, "done")

    def do_all(self, steps: list[Step]) -> StoppedError | None:
        """Do steps that need not wait for each other; the first failure."""

        def one(step: Step) -> StoppedError | None:
            try:
                self.do(step)
            except StoppedError as error:
                return error
            return None

        with ThreadPoolExecutor(max_workers=max(1, min(self._parallel, len(steps)))) as pool:
            return next((error for error in pool.map(one, steps) if error is not None), None)

    def host(self, state: State) -> Host:
        host = self.hosts.find(state.provider)
        if host is None:
            raise ProviderError(f"the provider {state.provider!r} of {state.urn} is not configured")
        return host

    def ensure_provider(self, state: State) -> None:
        """Have the provider of an old resource running, with the configuration the state holds."""
        if not state.provider or self.hosts.find(state.provider):
            return
        for candidate in self.snapshot.base.resources:
            if candidate.is_provider and candidate.reference == state.provider:
                self.hosts.configure(state.provider, candidate.inputs)
                return

    def _same(self, step: Step) -> None:
        old, new = step.was, step.wanted
        new.id, new.outputs = old.id, old.outputs
        keep_seals(new.inputs, old.inputs)
        mark_secrets(new.outputs, new.inputs)
        if new.is_provider:
            self._configure(new)
        self.snapshot.end(None, new=[new], done=[old])

    def _create(self, step: Step) -> None:
        old, new = step.old, step.wanted
        made = self._apply(new, "creating", lambda: self._created(new))
        new.created = new.modified = now()
        if old is not None and step.keeps_old:
            old.delete = True
            self.snapshot.touch(old)
        self.snapshot.end(new, new=[new], done=[old] if old is not None and old.pending_replacement else [])
        if made is not None:
            raise made

    def _apply(self, new: State, kind: str, work: Callable[[], tuple[str, Props]]) -> ProviderError | None:
        """Make the call that gives `new` its id and outputs; the error of one that was half-made."""
        made: ProviderError | None = None
        self.snapshot.begin(new, kind)
        try:
            new.id, new.outputs = work()
        except ProviderError as error:
            if error.made is None:
                self._given_up(new)
                raise
            made = error
            new.id, new.outputs = error.made.id or new.id, decode(error.made.properties)
            new.init_errors = list(error.made.reasons)
        mark_secrets(new.outputs, new.inputs)
        return made

    def _created(self, new: State) -> tuple[str, Props]:
        if new.is_provider:
            new.id = UNKNOWN_TEXT if self.preview else str(uuid.uuid4())
            self._configure(new)
            return new.id, copy.deepcopy(new.inputs)
        if self.preview or not new.custom:
            return "", copy.deepcopy(new.inputs)
        id_, outputs = self.host(new).create(new)
        if not id_:
            raise ProviderError("provider did not return an ID from Create")
        return id_, outputs

    def _configure(self, provider: State) -> None:
        try:
            if holds(provider.inputs, Unknown):
                raise refuse("a preview with a provider whose configuration only the update will know")
            self.hosts.configure(provider.reference, provider.inputs)
        except RefusedError as error:
            raise ProviderError(str(error)) from None

    def _update(self, step: Step) -> None:
        old, new = step.was, step.wanted
        new.id = old.id
        made = self._apply(new, "updating", lambda: (old.id, self._updated(old, new)))
        if made is not None:
            new.id, new.inputs = old.id, old.inputs  # so that the next update sees the whole change again
        keep_seals(new.inputs, old.inputs)
        keep_seals(new.outputs, old.outputs)
        new.modified = now()
        self.snapshot.end(new, new=[new], done=[old])
        if made is not None:
            raise made

    def _updated(self, old: State, new: State) -> Props:
        if new.is_provider:
            self._configure(new)
            return copy.deepcopy(new.inputs)
        if not new.custom:
            return old.outputs
        return copy.deepcopy(new.inputs) if self.preview else self.host(new).update(old, new)

    def _delete(self, step: Step) -> None:
        old = step.was
        self.snapshot.begin(old, "deleting")
        try:
            if not self.preview and old.custom and not old.is_provider and not old.retain_on_delete:
                self.host(old).delete(old)
        except ProviderError:
            self._given_up(old)
            raise
        # Only now: the mark says that the object is gone and that its replacement is owed.
        old.pending_replacement = step.pending_replacement
        self.snapshot.end(old, done=[] if step.pending_replacement else [old])

    def _given_up(self, state: State) -> None:
        # What was cut off by a second ^C may have happened: it stays a pending operation.
        if not self.abandoned:
            self.snapshot.end(state)

    def _refresh(self, step: Step) -> None:
        """Read one resource of the base; `new` is what it is now, None when it is gone."""
        old = step.was
        step.new, step.result_op = old, "same"
        if not old.custom or old.is_provider or old.pending_replacement:
            return
        reasons: list[str] = []
        try:
            answer = self.host(old).read(old)
        except ProviderError as error:
            if error.made is None:
                raise
            answer, reasons = error.made, list(error.made.reasons)
            text = "\n* ".join(["Refreshed resource is in an unhealthy state:", *reasons])
            self.recorder.diagnostic("warning", old.urn, text)
        if not answer.id:
            step.new, step.result_op = None, "delete"
            return
        step.new = self._refreshed(old, answer, reasons)
        # What an `up` of the unchanged program would do now, seen from the other side.
        found = diff_of(self.host(old), step.new, old.inputs, old.ignore_changes)
        step.details = {path: _INVERTED[kind] for path, kind in found.details.items()}
        step.result_op = "update" if found.changed else "same"

    def _refreshed(self, old: State, answer: Any, reasons: list[str]) -> State:
        new = copy.copy(old)
        new.id, new.init_errors = answer.id, reasons
        if answer.HasField("inputs"):
            new.inputs = decode(answer.inputs)
            mark_secrets(new.inputs, old.inputs)
            keep_seals(new.inputs, old.inputs)
        new.outputs = decode(answer.properties)
        mark_secrets(new.outputs, old.outputs)
        mark_secrets(new.outputs, new.inputs)
        keep_seals(new.outputs, old.outputs)
        if compare(old.inputs, new.inputs) or compare(old.outputs, new.outputs):
            new.modified = now()
        return new


_INVERTED = {"add": "delete", "delete": "add", "update": "update"}


@dataclass
class Difference:
    """What a provider says about a change, read as the engine reads it."""

    changed: bool
    details: dict[Path, str] = field(default_factory=dict)
    replaces: list[str] = field(default_factory=list)
    delete_before_replace: bool = False


def diff_of(host: Host, old: State, news: Props, ignore: list[str]) -> Difference:
    """Ask a provider; where it leaves the answer open, compare the inputs."""
    response = host.diff(old, news, old.inputs, ignore)
    found = Difference(
        changed=response.changes == response.DIFF_SOME,
        replaces=list(response.replaces),
        delete_before_replace=response.deleteBeforeReplace,
    )
    if response.changes == response.DIFF_UNKNOWN:
        wanted = copy.deepcopy(news)
        keep_ignored(ignore, old.inputs, wanted)
        found.details = compare(old.inputs, wanted)
        found.changed = bool(found.details)
    return found
