"""One attempt to bring an object to its spec: what all attempts have in common.

An update that has written something fails with what it reached, so that the next one goes on from there; one that has
written nothing fails as it is. Pools and connections say what there is to change (`pools/operations.py`,
`connections/operations.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.contract import ResourceInitFailed
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import TaggedObject, set_declared_tags
from pulumi_dli.specs.fields import Spec

SpecT = TypeVar("SpecT", bound=Spec)


class Update(Generic[SpecT]):
    """One attempt to bring one object to its spec; made for each call.

    Args:
        whose: the outputs that say whose it is.
        olds: the outputs so far; {} for one that this call has created or taken over.
        touched: whether something was written already, so that no failure may lose it.
    """

    def __init__(
        self,
        call: OperationContext,
        session: Session,
        spec: SpecT,
        *,
        whose: Mapping[str, str],
        olds: Mapping[str, Any] | None = None,
        touched: bool = False,
    ) -> None:
        self._call = call
        self._session = session
        self._spec = spec
        self._whose = whose
        self._olds = olds or {}
        self._touched = touched

    def bring_in_line(self, *, tags_before: Mapping[str, str]) -> dict[str, Any]:
        """Do what is missing; the outputs afterwards.

        Args:
            tags_before: those tags of the object that are the program's to change.

        Raises:
            ResourceInitFailed: something was written, and not all of it was reached.
            DliError: nothing was written.
        """
        tags, wanted = dict(tags_before), dict(self._spec.inputs.get("tags") or {})
        try:
            if tags != wanted:
                self._touched = True
                set_declared_tags(self._call, self._session, self._tagged, old=tags, new=wanted)
            tags = wanted
            self._change()
        except DliError as error:
            if not self._touched:
                raise
            reached = {**self._reached(), **({"tags": tags} if tags else {})}
            raise ResourceInitFailed(self._id, self._outs(reached), (self._said(error),)) from error
        return self._outs(self._spec.inputs)

    @property
    def _id(self) -> str:
        raise NotImplementedError

    @property
    def _tagged(self) -> TaggedObject:
        raise NotImplementedError

    def _change(self) -> None:
        """Do what is missing beside tags."""
        raise NotImplementedError

    def _reached(self) -> dict[str, Any]:
        """The inputs as they are, without tags: what was not reached shows as a difference to the next update."""
        raise NotImplementedError

    def _outs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _said(self, error: DliError) -> str:
        return str(error)
