"""What a preview says of a package group that does not exist yet. Called by `package_group.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_dli.api.package_groups import PackageGroup
from pulumi_dli.errors import DliError
from pulumi_dli.lifecycle.contract import DiffRequest
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.packages.create import PackageKind
from pulumi_dli.lifecycle.packages.mapping import DesiredPackage, held, wanted
from pulumi_dli.lifecycle.preview_create import look, must_be_adoptable
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.package_group import PackageGroupSpec, PackageSpec

_NEEDS = ("packages", "group_name", "bucket", "prefix", "adopt")


def preview_create(call: OperationContext, request: DiffRequest) -> None:
    """See `contract.Lifecycle.preview_create`. A package that is there would be overwritten, so each one is judged."""
    if "packages" in request.unknown:
        return
    name = str(request.news.get("group_name"))

    def find(session: Session) -> PackageGroup | None:
        known = session.around.packages().group(name)
        return session.around.packages(young=True).group(name) if known else None

    sight = look(request, find, needs=_NEEDS)
    uploads = [PackageSpec.model_validate(one).package_name for one in request.news["packages"]]
    line = f"uploads {', '.join(uploads)}"
    if sight.session is None or sight.found is None:
        call.info(line + sight.ending)
        return
    declared = _wanted(request.news)
    there = [one.name for one in declared if one.name in held(sight.found)]
    kind = PackageKind(sight.session, sight.found, declared)
    for one in there:
        must_be_adoptable(call, sight.session, kind, kind.of(one), adopt=bool(request.news.get("adopt")))
    taken = f"takes over {', '.join(there)} of package group {name}: " if there else ""
    call.info(f"{taken}{line}{' again' if len(there) == len(declared) else ''}")


def _wanted(news: Mapping[str, object]) -> list[DesiredPackage]:
    try:
        return wanted(PackageGroupSpec.of(news))
    except DliError:
        return []  # a file that is not there yet: the create says so, if it is still missing then
