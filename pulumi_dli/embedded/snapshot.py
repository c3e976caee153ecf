"""The checkpoint of a deployment while it runs: what is new, what is done with, what is under way.

Called by steps.py before and after each step. Every change is on disk before the caller goes on; those that wait at
the same time share one write (200 resources would cost 400 full writes otherwise).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable

from pulumi_dli.embedded.crypt import Crypter
from pulumi_dli.embedded.state import Base, State, Store, header, to_json


class Snapshot:
    """The merged state: resources of this run first, then those of the base that are not done with."""

    def __init__(self, store: Store, base: Base, crypter: Crypter, *, preview: bool) -> None:
        self.base = base
        self._store = store
        self._crypter = crypter
        self._preview = preview
        self._new: list[State] = []
        self._done: set[State] = set()
        self._under_way: dict[State, str] = {}
        self._texts: dict[State, str] = {}
        self._changed = threading.Condition()
        self._wanted = self._written = 0
        self._writing = False

    def begin(self, state: State, kind: str) -> None:
        """Record that `state` is being created, updated, deleted or read."""
        with self._changed:
            self._under_way[state] = kind
        self.commit()

    def end(self, under_way: State | None, *, new: Iterable[State] = (), done: Iterable[State | None] = ()) -> None:
        """Record the end of a step: `new` come into the state, `done` leave it."""
        with self._changed:
            if under_way is not None:
                self._under_way.pop(under_way, None)
                self._texts.pop(under_way, None)
            for state in new:
                self._new.append(state)
                self._texts.pop(state, None)
            self._done |= {state for state in done if state is not None}
        if under_way is not None:
            self.commit()

    def touch(self, state: State) -> None:
        """Note that a record changed in place."""
        with self._changed:
            self._texts.pop(state, None)

    def rebase(self, resources: list[State]) -> None:
        """Take the resources of a refresh as the base."""
        with self._changed:
            self.base.resources = resources
            self._texts.clear()
        self.commit()

    def commit(self) -> None:
        """Return when what holds now is on disk."""
        if self._preview:
            return
        with self._changed:
            self._wanted += 1
            mine = self._wanted
            while self._writing and self._written < mine:
                self._changed.wait()
            if self._written >= mine:
                return
            self._writing, upto, text = True, self._wanted, self.document()
        try:
            self._store.save(text)
        finally:
            with self._changed:
                self._writing, self._written = False, upto
                self._changed.notify_all()

    def document(self) -> str:
        """The deployment as JSON text."""
        merged = [state for state in [*self._new, *self.base.resources] if state not in self._done]
        resources = ",".join(map(self._text, merged))
        pending = [*self._under_way.items(), *(item for item in self.base.pending if item[1] == "creating")]
        operations = ",".join(f'{{"resource":{self._text(state)},"type":"{kind}"}}' for state, kind in pending)
        parts = {key: json.dumps(value) for key, value in {**self.base.rest, **header(self._crypter)}.items()}
        parts |= {"resources": f"[{resources}]"} if resources else {}
        parts |= {"pending_operations": f"[{operations}]"} if operations else {}
        return "{" + ",".join(f'"{key}":{value}' for key, value in parts.items()) + "}"

    def _text(self, state: State) -> str:
        if state not in self._texts:
            self._texts[state] = json.dumps(to_json(state, self._crypter), separators=(",", ":"))
        return self._texts[state]
