"""What is done to a package group: upload what is due, wait until all is READY, put aside what is no longer declared.

`package_group.py` calls it for create and update. Each step looks at what is there and acts on what is missing, so it
may be run again after any interruption; `uploaded` in the outputs of a failure tells the next run what is ours and how
far it got. Nothing is deleted that a job may still need: see `_clear_superseded`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pulumi_dli.api.obs import ObsUploads, object_url
from pulumi_dli.api.package_groups import PackageGroup, PackageListing
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    DliError,
    ThrottledError,
    UnknownOutcomeError,
    WaitFailedError,
)
from pulumi_dli.lifecycle.coalescing.waiting import UNHEARD, Deadline, Silence, StatusReport, WaitCondition, wait_for
from pulumi_dli.lifecycle.contract import ResourceInitFailed
from pulumi_dli.lifecycle.create import validate
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import HOLD, new_hold, renewed, whose_in
from pulumi_dli.lifecycle.packages.cleanup import OBJECT, PACKAGE, clear, objects_of, release
from pulumi_dli.lifecycle.packages.create import READY_SECONDS, PackageKind, attempt_of, tagged_package
from pulumi_dli.lifecycle.packages.mapping import (
    FAILED,
    READY,
    UPLOADING,
    DesiredPackage,
    Held,
    Record,
    held,
    is_due,
    is_reached,
    managed,
    observed_outs,
    records,
    wanted,
    worst_status,
)
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.lifecycle.tagging import set_declared_tags, tagged_where_possible
from pulumi_dli.specs.package_group import PackageGroupSpec
from pulumi_dli.specs.values import OWNER_TAG

MISSING_SECONDS = 60.0  # service time for which a package that was uploaded may not be listed yet


class PackageGroupUpdate:
    """One attempt to bring one group to its spec; made for each call."""

    def __init__(
        self, call: OperationContext, session: Session, spec: PackageGroupSpec, *, olds: Mapping[str, Any] | None = None
    ) -> None:
        self._call = call
        self._session = session
        self._spec = spec
        self._olds = olds or {}
        self._group = str(spec.group_name)
        self._owner = session.owner_of(call.urn)
        self._owner_tag = str(self._olds.get("owner_tag") or "") if self._olds else self._owner
        self._uploaded = records(self._olds.get("uploaded"))
        self._superseded = records(self._olds.get("superseded"))
        self._wanted = wanted(spec)
        self._there: dict[str, Held] = {}
        self._borrowed: dict[str, str] = {}  # objects of the same bytes that were there, by the package's name
        self._found: PackageGroup | None = None
        self._obs = ObsUploads(session.client.connection)
        self._whose: dict[str, str] = {key: text for key, text in whose_in(self._olds).items() if key == HOLD}
        self._touched = False
        self._tags: dict[str, str] = dict(managed(self._olds).get("tags") or {})

    def bring_in_line(self) -> dict[str, Any]:
        """Do what is missing; the outputs afterwards.

        Raises:
            ResourceInitFailed: something was written, and not all of it was reached.
            DliError: nothing was written.
        """
        self._look(not_older_than=self._session.clock.now())
        try:
            self._take_over()
            due = [package for package in self._wanted if self._is_due(package)]
            self._put_aside()
            self._upload_files(due)
            self._upload(due)
            due = self._await_all(due)
            self._hand_over(due)
            self._tag_kept(due)
            self._clear_superseded()
        except DliError as error:
            if not self._touched:
                raise
            raise ResourceInitFailed(self._group, self._outs(), (str(error),)) from error
        return self._outs()

    def _is_due(self, package: DesiredPackage) -> bool:
        return is_due(package, self._ours().get(package.name), self._there.get(package.name))

    def _ours(self) -> dict[str, Record]:
        return {**self._superseded, **self._uploaded}

    def _look(self, *, not_older_than: float) -> PackageListing:
        listing = self._session.packages.get(not_older_than=not_older_than)
        self._found = listing.group(self._group)
        self._there = held(self._found)
        return listing

    def _take_over(self) -> None:
        """Mark as ours what is in the group already, is declared, and may become ours; nothing else is changed before.

        Raises:
            OwnershipError: one of the packages is somebody else's.
        """
        names = [p.name for p in self._wanted if p.name in self._there and p.name not in self._ours()]
        if not names or self._found is None:
            return
        kind, adopt = PackageKind(self._session, self._found, self._wanted), bool(self._spec.adopt)
        adoptable = [validate(self._call, self._session, kind, kind.of(name), adopt=adopt) for name in names]
        mark = self._owner_tag
        if not self._olds:  # an earlier hold on the same packages must not fit any more
            self._whose[HOLD] = new_hold()
            recorded = {one.recorded for one in adoptable}
            mark = (recorded.pop() if len(recorded) == 1 else "") or renewed(self._owner, self._whose[HOLD])
        one_tag = [replace(one, recorded=mark if one.recorded == mark else "") for one in adoptable]
        marked = {one.mark(self._call, self._session, mark) for one in one_tag}
        if marked == {mark}:
            self._owner_tag = mark

    def _put_aside(self) -> None:
        """Packages that are no longer declared stay in the group: a job may name them until it has changed too."""
        names = {package.name for package in self._wanted}
        self._due_to_go = {name: record for name, record in self._superseded.items() if name not in names}
        back = {name: record for name, record in self._superseded.items() if name in names}
        gone = {name: record for name, record in self._uploaded.items() if name not in names}
        self._uploaded = {**back, **{name: record for name, record in self._uploaded.items() if name in names}}
        self._superseded = {**self._due_to_go, **gone}

    def _upload_files(self, due: list[DesiredPackage]) -> None:
        for package in due:
            if package.file is None or package.digest is None:
                continue
            put = self._obs.put(
                self._call,
                file=package.file,
                digest=package.digest,
                path=package.path,
                owner=self._owner,
                is_ours=attempt_of(self._owner, self._call.timeout_seconds),
            )
            self._session.claims.take(OBJECT, package.path, urn=self._call.urn)
            before = self._uploaded.get(package.name)
            record = before or Record(package.name, package.kind, package.path)
            if put:
                self._touched = True
                self._uploaded[package.name] = replace(record, object=package.path, borrowed=None)
            elif record.object != package.path:
                self._borrowed[package.name] = package.path

    def _upload(self, due: list[DesiredPackage]) -> None:
        """One call a kind: a call takes packages of one kind only (dli-api 5.2)."""
        for kind in dict.fromkeys(package.kind for package in due):
            self._upload_kind(kind, [package for package in due if package.kind == kind])

    def _upload_kind(self, kind: str, packages: list[DesiredPackage]) -> None:
        names = ", ".join(package.name for package in packages)
        self._call.status(f"uploading {names}")
        connection = self._session.client.connection
        paths = [object_url(connection, package.path) for package in packages]
        try:
            self._send(paths, kind)
        except UnknownOutcomeError:
            self._note(packages, known=False)
            raise
        except (AuthError, ThrottledError):
            raise
        except ApiError as error:
            hint = "; check that the objects exist and that DLI may read the bucket" if _of_object(error) else ""
            raise DliError(f"not uploaded to package group {self._group}: {names}: {error}{hint}") from error
        else:
            self._note(packages, known=True)
        finally:
            self._session.wrote()

    def _note(self, packages: list[DesiredPackage], *, known: bool) -> None:
        """Record what was sent as ours; what may or may not have arrived is uploaded again next time."""
        self._touched = True
        for package in packages:
            self._record(package, known=known)

    def _record(self, package: DesiredPackage, *, known: bool) -> None:
        self._session.claims.take(PACKAGE, f"{self._group}/{package.name}", urn=self._call.urn)
        before = self._uploaded.get(package.name)
        self._uploaded[package.name] = Record(
            package.name,
            package.kind,
            package.path if known else "",
            package.digest if known else "",
            object=before.object if before else None,
            borrowed=self._borrowed.get(package.name) or (before.borrowed if before else None),
        )

    def _send(self, paths: list[str], kind: str) -> None:
        groups, is_async = self._session.client.package_groups, self._spec.is_async is not False

        def upload(owner: str) -> None:
            tags = {**(self._spec.tags or {}), **({OWNER_TAG: owner} if owner else {})}
            groups.upload(self._group, paths, kind, is_async, tags=tags or None)
            self._session.tags_changed()
            self._owner_tag = owner

        tagged_where_possible(self._call, upload, self._owner_tag, declared=self._spec.tags)

    def _await_all(self, due: list[DesiredPackage]) -> list[DesiredPackage]:
        """Wait until all are READY; what is not in the group, or no longer, is uploaded once more. All that was due."""
        try:
            self._await_ready(due)
        except WaitFailedError as error:
            if error.status != UNHEARD:
                raise
            lost = [package for package in self._wanted if package.name in error.description.split(", ")]
            self._upload_files(lost)
            self._upload(lost)
            due = [*due, *(package for package in lost if package not in due)]
            self._await_ready(due)
        return due

    def _await_ready(self, due: list[DesiredPackage]) -> None:
        names = [package.name for package in self._wanted]
        if not due and worst_status(names, self._there)[0] == READY:
            return
        tick = self._session.client.connection.poll_seconds / 2

        silences = {name: Silence(self._session.service_now, seconds=MISSING_SECONDS) for name in names}

        def describe(_listing: PackageListing) -> StatusReport:
            for name in self._there.keys() & silences.keys():
                silences[name].broken()
            # All are counted: a look is one look for each of them.
            lost = [name for name in [n for n in names if n not in self._there] if silences[name].lasts()]
            if lost:
                return StatusReport(UNHEARD, description=", ".join(lost))
            status, whose = worst_status(names, self._there)
            words = f"{len(whose)} of {len(names)} packages {status.lower() or 'without a status'}: {', '.join(whose)}"
            return StatusReport(status or "UNKNOWN", description=", ".join(whose), words=words)

        goal = WaitCondition(
            "package group", target={READY}, failed={FAILED, UNHEARD}, moving={UPLOADING, "MISSING", "UNKNOWN"}
        )
        try:
            # Groups that wait at the same time share a list call a tick; `wrote` has ended what was read before.
            wait_for(
                lambda: self._look(not_older_than=self._session.clock.now() - tick),
                id=self._group,
                goal=goal,
                describe=describe,
                deadline=Deadline(self._call.timeout_seconds or READY_SECONDS, self._session.clock),
                backoff=self._session.backoff(),
                call=self._call,
                clock=self._session.clock,
            )
        except WaitFailedError as error:
            if error.status == UNHEARD:
                raise WaitFailedError(
                    f"package {error.description} is not in group {self._group}, although its upload was accepted: it "
                    "was deleted meanwhile, or DLI did not take it; `pulumi up` uploads it again",
                    id=self._group,
                    status=UNHEARD,
                    description=error.description,
                ) from error
            paths = [package.path for package in self._wanted if package.name in error.description.split(", ")]
            raise WaitFailedError(
                f"package {error.description} of group {self._group} came to rest in {error.status}: check that "
                f"{', '.join(paths)} exists and that DLI may read the bucket; `pulumi up` uploads it again",
                id=self._group,
                status=error.status,
                description=error.description,
            ) from error
        self._check_kinds()

    def _check_kinds(self) -> None:
        for package in self._wanted:
            kind = self._there[package.name].kind
            if kind is not None and kind != package.kind:
                raise DliError(
                    f"package {package.name} of group {self._group} is still of the kind {kind}, not {package.kind}: "
                    "the service keeps the kind of a name, so give the file another name"
                )

    def _hand_over(self, due: list[DesiredPackage]) -> None:
        """The owner of the group; new packages belong to whoever uploaded them (dli-api 5.6)."""
        owner = self._spec.owner
        if owner is None or not (due or self._found is None or self._found.owner != owner):
            return
        try:
            self._session.client.package_groups.set_owner(owner, group=self._group)
        except (AuthError, ThrottledError):
            raise
        except ApiError as error:
            raise DliError(f"package group {self._group} was not handed over to {owner}: {error}") from error
        finally:
            self._session.wrote()
        self._look(not_older_than=self._session.clock.now())

    def _tag_kept(self, due: list[DesiredPackage]) -> None:
        """Tags of packages that are not uploaded now: only those that differ are touched (dli-api 5.7)."""
        old, new = self._tags, dict(self._spec.tags or {})
        if not self._olds or old == new:
            self._tags = new
            return
        self._touched = True
        for package in self._wanted:  # one that was uploaded now has the new tags, and may still have old ones
            tagged = tagged_package(self._group, package.name)
            kept = {key: text for key, text in new.items() if package in due or old.get(key) == text}
            set_declared_tags(self._call, self._session, tagged, old={**old, **kept}, new=new)
        self._tags = new

    def _clear_superseded(self) -> None:
        """Remove what an earlier update put aside and no job names any more; what this one put aside stays."""
        going = [record for name, record in self._superseded.items() if name in self._due_to_go]
        for name in clear(self._call, self._session, self._group, going):
            self._touched = True
            self._there.pop(name, None)
            release(self._call, self._session, self._olds, objects_of([self._superseded.pop(name)]))

    def _outs(self) -> dict[str, Any]:
        reached = [
            dict(package.given)
            for package in self._wanted
            if is_reached(package, self._uploaded.get(package.name), self._there.get(package.name))
        ]
        inputs = {**self._spec.inputs, "packages": reached}
        if self._spec.tags is not None:
            inputs["tags"] = self._tags if self._olds else self._spec.tags
        return {
            **inputs,
            **observed_outs(self._found, self._there, [*self._uploaded, *self._superseded]),
            "uploaded": [record.out() for record in self._uploaded.values()],
            "superseded": [record.out() for record in self._superseded.values()],
            **self._session.where(),
            **self._whose,
            "owner_tag": self._owner_tag,
        }


def _of_object(error: ApiError) -> bool:
    return error.code == "DLI.0011" or "object" in error.message.lower()
