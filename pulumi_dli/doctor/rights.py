"""The calls that show what a gateway publishes and what one may do there, as one table; and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_dli.api.not_found import is_unsupported
from pulumi_dli.api.responses import Response
from pulumi_dli.doctor.case import Case, Read
from pulumi_dli.doctor.checks import Line, fails, ok, unknown, warning
from pulumi_dli.errors import AuthError, DliError


@dataclass(frozen=True)
class Family:
    """One family of the API (dli-api 0.3), and the call that lists it.

    Attributes:
        right: the action that listing needs (dli-api 2.4), "" for none.
        without: what does not work where it is not published, or may not be read.
        needed: whether no deployment works without it.
    """

    name: str
    read: Read
    right: str
    without: str
    needed: bool = False


_ONE = (("limit", "1"), ("offset", "0"))  # the lists of v3 ignore one without the other

QUEUES = Family(
    "queues", Read("v1.0", ("queues",), (("queue_type", "all"),)), "", "nothing can be deployed", needed=True
)
JOBS = Family(
    "Flink jobs", Read("v1.0", ("streaming", "jobs"), _ONE), "dli:jobs:listAll", "no job can be found", needed=True
)
PACKAGES = Family(
    "packages", Read("v2.0", ("resources",)), "dli:resource:listResource", "jobs need jars from obs:// paths"
)
FAMILIES = (
    QUEUES,
    JOBS,
    PACKAGES,
    Family("elastic resource pools", Read("v3", ("elastic-resource-pools",), _ONE), "", "queues lie outside of pools"),
    Family(
        "tags",
        Read("v3", ("dli_queue", "tags"), _ONE),
        "dli::listTags",
        "what a killed deployment has left is not known as its own",
    ),
    Family("quotas", Read("v3", ("quotas",)), "", "a quota that is too small shows in the deployment"),
    Family(
        "datasource connections",
        Read("v2.0", ("datasource", "enhanced-connections"), _ONE),
        "",
        "no connection to a VPC can be managed",
    ),
)

_WRITES: Mapping[str, str] = {  # dli-api 2.4
    "queues": "dli:queue:createQueue, dropQueue, scaleQueue, restart, updateQueue",
    "Flink jobs and their savepoints": "dli:jobs:create, update, start, stop, delete",
    "packages": "dli:resource:deleteResource, updateResource",
    "elastic resource pools": "dli:elasticresourcepool:create, update, drop, resourceManagement, scale",
    "datasource connections": "VPC Administrator, and the agency dli_management_agency with the right DLI Datasource "
    "Connections Agency Access",  # dli_01_0618; the API has no action for them (dli-api 2.4)
    "tags": "dli::tagResource",
}


def families(case: Case) -> Iterator[Line]:
    """Which families the gateway publishes."""
    for family in FAMILIES:
        outcome = case.outcome(family.read)
        if not isinstance(outcome, DliError) or isinstance(outcome, AuthError):
            yield ok(f"{family.name}: published")  # who is refused has been understood
        elif is_unsupported(outcome) and family.needed:
            yield fails(f"{family.name}: not published here: {family.without}", "check dli:endpoint and dli:region")
        elif is_unsupported(outcome):
            yield warning(f"{family.name}: not published here: {family.without}", "leave out what needs it")
        else:
            yield unknown(f"{family.name}: {outcome}", "run it again")


def v3_is_unpublished(case: Case) -> bool:
    """Whether the gateway offers nothing of v3."""
    outcomes = [case.outcome(family.read) for family in FAMILIES if family.read.version == "v3"]
    return all(isinstance(outcome, DliError) and is_unsupported(outcome) for outcome in outcomes)


def rights(case: Case) -> Iterator[Line]:
    """What one may read; what one may change no read tells."""
    for family in FAMILIES:
        outcome = case.outcome(family.read)
        if not (isinstance(outcome, DliError) and is_unsupported(outcome)):
            yield _line(f"list {family.name}", family.right, outcome, family.without, needed=family.needed)
    yield from _details(case)
    for name, actions in _WRITES.items():
        yield unknown(f"change {name}: only a deployment tells", f"it needs {actions}")


def _details(case: Case) -> Iterator[Line]:
    """One object of each kind, where the lists show one."""
    queue = _first(case.outcome(QUEUES.read), "queues").get("queue_name")
    job = _first(case.outcome(JOBS.read), "job_list", "jobs").get("job_id")
    packages = case.outcome(PACKAGES.read)
    group = _first(packages, "groups")
    in_group = (("group", str(group.get("group_name"))),) if group else ()
    names = group.get("resources")
    name = names[0] if isinstance(names, list) and names else _first(packages, "resources").get("resource_name")
    yield _detail(case, "queue", "", queue, Read("v1.0", ("queues", str(queue))))
    yield _detail(case, "Flink job", "dli:jobs:get", job, Read("v1.0", ("streaming", "jobs", str(job))))
    yield _detail(case, "package", "dli:resource:getResource", name, Read("v2.0", ("resources", str(name)), in_group))


def _detail(case: Case, kind: str, right: str, name: object, read: Read) -> Line:
    if not name:
        return unknown(f"read a {kind}: there is none to read", f"it needs {right}" if right else "")
    return _line(f"read a {kind}", right, case.outcome(read), "no change of it can be seen", needed=True)


def _first(outcome: Response | DliError, *keys: str) -> Mapping[str, Any]:
    """The first row of a list in an answer; empty when there is none."""
    value: Any = outcome.value if isinstance(outcome, Response) else None
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    row = value[0] if isinstance(value, list) and value else None
    return row if isinstance(row, Mapping) else {}


def _line(what: str, right: str, outcome: Response | DliError, without: str, *, needed: bool) -> Line:
    if isinstance(outcome, Response):
        return ok(f"{what}: allowed")
    if isinstance(outcome, AuthError):
        step = f"ask for {right or 'access to the project'}; a changed right takes 3 to 60 minutes"
        return (fails if needed else warning)(f"{what}: refused ({outcome.code or outcome.status}): {without}", step)
    return unknown(f"{what}: {outcome}", "run it again")
