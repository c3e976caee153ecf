"""What must be there before a running stream is stopped for a new version: its packages, and a queue that takes it.

The preview and the update ask alike, and share their looks with all other jobs: one a kind, and one an object. What
nobody can be asked about is said once. Called by `preview.py`, `preview_create.py` and `flink_job.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dli.api.package_groups import PackageListing
from pulumi_dli.errors import CancelledError, DliError, UpgradeBlockedError
from pulumi_dli.lifecycle.jobs.mapping import PACKAGE_LISTS, PACKAGES, path_of
from pulumi_dli.lifecycle.jobs.plan import Plan
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session


def must_find_what_it_needs(
    call: OperationContext, session: Session, plan: Plan, inputs: Mapping[str, Any], *, what: str, in_preview: bool
) -> None:
    """Refuse a restart whose start must fail, while the old version runs.

    Args:
        inputs: the checked ones that are known.
        in_preview: what the program is about to make need not be there yet.

    Raises:
        UpgradeBlockedError: says all that is missing.
    """
    if plan.stop is None or plan.start is None:
        return
    missing = [
        *_queue(call, session, inputs, in_preview=in_preview),
        *_packages(call, session, inputs, in_preview=in_preview),
        *_bucket(call, session, inputs),
    ]
    if missing:
        raise UpgradeBlockedError(
            f"{what} was left as it is, since its new version could not start: {'; '.join(missing)}"
        )


def _queue(call: OperationContext, session: Session, inputs: Mapping[str, Any], *, in_preview: bool) -> list[str]:
    name = str(inputs.get("queue_name") or "")
    promised = session.claims.promised("queue", name.lower()) if in_preview else None
    if promised is not None:
        return _unfit(name, kind=promised.get("queue_type"), mode=promised.get("resource_mode"), inputs=inputs)
    if not name or "queues" in session.around.silent:
        return []
    try:
        wrong = _wrong_of_queue(session, inputs, young=False) and _wrong_of_queue(session, inputs, young=True)
    except CancelledError:
        raise
    except DliError as error:
        _say_unchecked(call, session, "queues", f"queue {name}", error)
        return []
    return wrong


def _wrong_of_queue(session: Session, inputs: Mapping[str, Any], *, young: bool) -> list[str]:
    name = str(inputs["queue_name"])
    queue = session.around.queue(name, young=young)
    if queue is None:
        return [f"there is no queue {name}"]
    return _unfit(name, kind=queue.queue_type, mode=queue.resource_mode, inputs=inputs)


def _unfit(name: str, *, kind: Any, mode: Any, inputs: Mapping[str, Any]) -> list[str]:
    """Why a job does not run on such a queue (dli_02_0230, dli_02_0194); what is not known is no reason."""
    if kind == "sql":
        return [f"queue {name} is for SQL: Flink jobs run on general queues"]
    if mode == 0 and inputs.get("entrypoint"):
        return [f"queue {name} is not dedicated (resource_mode 0): Flink jar jobs run on dedicated queues only"]
    return []


def _packages(call: OperationContext, session: Session, inputs: Mapping[str, Any], *, in_preview: bool) -> list[str]:
    fields = {name: [inputs.get(name)] for name in sorted(PACKAGES - PACKAGE_LISTS)}
    fields |= {name: inputs.get(name) or [] for name in sorted(PACKAGE_LISTS)}
    missing = []
    for field, references in fields.items():
        for path in [path_of(one) for one in references if one]:
            kind = "object" if "://" in path else "package"
            if in_preview and session.claims.promised(kind, path) is not None:
                continue
            if _is_missing(call, session, path):
                missing.append(f"there is no {kind} {path} ({field})")
    return missing


def _is_missing(call: OperationContext, session: Session, path: str) -> bool:
    kind = "objects" if "://" in path else "packages"
    if kind in session.around.silent:
        return False
    try:
        if kind == "packages":
            return not _listed(session.around.packages(), path) and not _listed(
                session.around.packages(young=True), path
            )
        there = session.around.is_object(path)
    except CancelledError:
        raise
    except DliError as error:
        _say_unchecked(call, session, kind, path, error)
        return False
    if there is None:
        _say_unchecked(call, session, "", path, "this user may not look at it")
    return there is False


def _bucket(call: OperationContext, session: Session, inputs: Mapping[str, Any]) -> list[str]:
    bucket = str(inputs.get("obs_bucket") or "")
    missing = bool(bucket) and _is_missing(call, session, f"obs://{bucket}")
    return [f"there is no bucket {bucket} (obs_bucket)"] if missing else []


def _listed(listing: PackageListing, path: str) -> bool:
    """As jobs name packages: `group/name`, or the name alone where there is no group."""
    group, _, name = path.rpartition("/")
    if not group:
        return any(package.resource_name == name for package in listing.packages)
    found = listing.group(group)
    ours = [] if found is None else [*found.resources, *(package.resource_name for package in found.details)]
    modules = [resource for module in listing.modules if module.module_name == group for resource in module.resources]
    return name in (*ours, *modules)


def _say_unchecked(call: OperationContext, session: Session, kind: str, what: str, why: DliError | str) -> None:
    """Say once for all jobs that it was not checked; after an error nobody asks for this kind again."""
    if session.around.falls_silent(kind or str(why)):
        call.info(f"not checked: {what} ({str(why).rstrip('.')})")
