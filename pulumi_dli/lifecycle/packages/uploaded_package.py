"""The life of an uploaded package: bytes to OBS under a name of their own, old ones kept as long as jobs need them.

`provider.py` calls it through `contract.Lifecycle`. It speaks to OBS only, except that nothing is deleted that a job of
the project names. Objects that somebody else put there under the same name are used and never deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from pulumi_dli.api.obs import ObsUploads
from pulumi_dli.errors import DliError, NotFoundError
from pulumi_dli.lifecycle.contract import CreateResult, DiffRequest, DiffResult, Observation, diff_result
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import HOLD, new_hold
from pulumi_dli.lifecycle.packages.cleanup import OBJECT, UploadedObject, release
from pulumi_dli.lifecycle.packages.create import attempt_of
from pulumi_dli.lifecycle.preview_create import look
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.fields import CheckFailure
from pulumi_dli.specs.package_names import file_name
from pulumi_dli.specs.uploaded_package import UploadedPackageSpec


class UploadedPackageLifecycle:
    """See `contract.Lifecycle`. The id is the path of the first upload; it stays when new bytes get a new path."""

    spec = UploadedPackageSpec

    def validate(
        self, _olds: Mapping[str, Any], _news: Mapping[str, Any], _unknown: Collection[str]
    ) -> list[CheckFailure]:
        return []

    def holdings(self, _id: str, outs: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(OBJECT, one.path) for one in _all_of(outs)]

    def names(self, _news: Mapping[str, Any], _unknown: Collection[str]) -> list[tuple[str, str, str]]:
        """Two resources may share an object: it has the name of its bytes."""
        return []

    def preview_create(self, call: OperationContext, request: DiffRequest) -> None:
        if not request.unknown:
            call.info(_upload_line(request))

    def preview_update(self, call: OperationContext, request: DiffRequest) -> DiffResult:
        if request.id and request.changes and not request.unknown:
            path = UploadedPackageSpec.of(request.news).path
            if path != request.olds.get("path"):
                call.info(f"{_upload_line(request)}; {_name(request.olds)} stays until the next change")
            elif any(change.field == "digest" for change in request.changes):
                call.info(f"uploads {request.news['source']} to {path} again")
        return diff_result(request.changes)

    def create(self, call: OperationContext, session: Session, spec: UploadedPackageSpec) -> CreateResult:
        outs = self._put(call, session, spec, {})
        # Of two entries that a forced replacement leaves, this one is the successor.
        return CreateResult(str(outs["path"]), {**outs, HOLD: new_hold()})

    def read(self, _call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> Observation | None:
        session.must_be_where(olds, f"uploaded package {id}")
        if "path" not in olds:
            raise DliError(
                f"{id} cannot be imported: declare it, and `pulumi up` skips the upload when the object is there"
            )
        size = _size(session, str(olds["path"]))
        if size is None:
            return None
        inputs = {name: olds[name] for name in UploadedPackageSpec.model_fields if olds.get(name) is not None}
        if size != olds.get("size"):
            inputs["digest"] = "0" * 64  # other bytes: the next `up` uploads ours again
        return Observation(id, {**olds, **inputs, **session.where()}, inputs)

    def update(
        self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any], spec: UploadedPackageSpec
    ) -> Mapping[str, Any]:
        session.must_be_where(olds, f"uploaded package {id}")
        return self._put(call, session, spec, olds)

    def delete(self, call: OperationContext, session: Session, id: str, olds: Mapping[str, Any]) -> None:
        session.must_be_where(olds, f"uploaded package {id}")
        if kept := release(call, session, olds, _all_of(olds)):
            paths = ", ".join(one.path for one in kept)
            call.warn(f"left in OBS, since jobs name it or it could not be deleted: {paths}")

    def _put(
        self, call: OperationContext, session: Session, spec: UploadedPackageSpec, olds: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Upload what is missing; put the former object aside; clear away what an earlier change put aside."""
        path, before = spec.path, {one.path: one for one in _superseded(olds)}
        if olds.get("path"):
            before[str(olds["path"])] = UploadedObject(str(olds["path"]), bool(olds.get("uploaded")))
        known = before.pop(path, None)
        owner = session.owner_of(call.urn)
        own = ObsUploads(session.client.connection).put(
            call,
            file=str(spec.source),
            digest=str(spec.digest),
            path=path,
            owner=owner,
            is_ours=attempt_of(owner, call.timeout_seconds),
        )
        session.wrote()
        session.claims.take(OBJECT, path, urn=call.urn)
        former = str(olds.get("path"))
        old = [one for one in before.values() if one.path != former]
        superseded = [*release(call, session, olds, old), *(one for one in before.values() if one.path == former)]
        return {
            **spec.inputs,
            "path": path,
            "uploaded": own or (known is not None and known.uploaded),
            "size": _size(session, path),
            "superseded": [asdict(one) for one in superseded],
            **session.where(),
            **({HOLD: olds[HOLD]} if HOLD in olds else {}),
        }


def _upload_line(request: DiffRequest) -> str:
    """Whether the bytes are there already: one look at the object, where OBS can be asked."""
    path = UploadedPackageSpec.of(request.news).path
    sight = look(request, lambda session: (_size(session, path),), needs=())
    if sight.session is not None:
        sight.session.claims.promise(OBJECT, path)
    (size,) = sight.found or (None,)
    if size is not None:
        return f"{path} is there already, nothing is uploaded"
    return f"uploads {request.news['source']} to {path}" + (", unless it is there" if sight.session is None else "")


def _name(olds: Mapping[str, Any]) -> str:
    return file_name(str(olds.get("path", "")))


def _all_of(olds: Mapping[str, Any]) -> list[UploadedObject]:
    now = [UploadedObject(str(olds["path"]), bool(olds.get("uploaded")))] if olds.get("path") else []
    return [*_superseded(olds), *now]


def _superseded(olds: Mapping[str, Any]) -> list[UploadedObject]:
    return [UploadedObject(str(one["path"]), bool(one["uploaded"])) for one in olds.get("superseded") or ()]


def _size(session: Session, path: str) -> int | None:
    """The object's size; None when it, or its bucket, is gone. A refusal is raised: it tells nothing."""
    bucket, _, key = path.removeprefix("obs://").partition("/")
    obs = ObsUploads(session.client.connection, purpose="Looking for an uploaded package")
    try:
        return next((int(row["Size"]) for row in obs.listed(bucket, key) if row["Key"] == key), None)
    except NotFoundError:
        return None
