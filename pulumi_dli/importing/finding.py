"""What exists in the project, as inputs and outputs of our resources.

The lifecycles' own `read` says both, so that a preview after the import has nothing to change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_dli.api.flink_models import FlinkJob
from pulumi_dli.api.not_found import is_unsupported
from pulumi_dli.errors import ApiError, DliError, NotFoundError
from pulumi_dli.lifecycle.connections.datasource_connection import DatasourceConnectionLifecycle
from pulumi_dli.lifecycle.contract import Observation
from pulumi_dli.lifecycle.jobs import mapping, outputs
from pulumi_dli.lifecycle.jobs.flink_job import FlinkJarJobLifecycle, FlinkJobLifecycle, FlinkSqlJobLifecycle
from pulumi_dli.lifecycle.jobs.kinds import JAR
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.ownership import visible
from pulumi_dli.lifecycle.packages.package_group import PackageGroupLifecycle
from pulumi_dli.lifecycle.pools.elastic_resource_pool import ElasticResourcePoolLifecycle
from pulumi_dli.lifecycle.queues.queue import QueueLifecycle
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs.datasource_connection import DatasourceConnectionSpec
from pulumi_dli.specs.elastic_resource_pool import ElasticResourcePoolSpec
from pulumi_dli.specs.fields import Spec, check
from pulumi_dli.specs.flink_job import FlinkJobSpec
from pulumi_dli.specs.package_group import PackageGroupSpec
from pulumi_dli.specs.queue import QueueSpec
from pulumi_dli.specs.values import OWNER_TAG

SERVICE_QUEUE = "default"
_JOBS: tuple[FlinkJobLifecycle, ...] = (FlinkJarJobLifecycle(), FlinkSqlJobLifecycle())
_ESSENTIAL = {"name", "queue_name", "entrypoint", "sql_body", "job_type", "run_mode"}


@dataclass(frozen=True)
class ImportSelection:
    """Names to import, by kind; with none at all, everything. A job or a connection may also be named by its id."""

    queues: Sequence[str] = ()
    groups: Sequence[str] = ()
    jobs: Sequence[str] = ()
    pools: Sequence[str] = ()
    connections: Sequence[str] = ()

    @property
    def everything(self) -> bool:
        return not (self.queues or self.groups or self.jobs or self.pools or self.connections)


@dataclass(frozen=True)
class Found:
    """One object that exists. `kind` is the name of the class that declares it."""

    kind: str
    id: str
    name: str
    inputs: Mapping[str, Any]
    outs: Mapping[str, Any] = field(repr=False)


Note = Callable[[str], None]


def find(session: Session, wanted: ImportSelection, note: Note) -> list[Found]:
    """Pools, then queues, then connections, then groups, then jobs: each after what it may refer to.

    Args:
        note: hears what was left out, and why.

    Raises:
        DliError: something that was asked for by name does not exist, or the service cannot be asked.
    """
    return [found for kind in (_pools, _queues, _connections, _groups, _jobs) for found in kind(session, wanted, note)]


def _pools(session: Session, wanted: ImportSelection, note: Note) -> Iterator[Found]:
    asked = {name.lower() for name in wanted.pools}
    if not (wanted.everything or asked):
        return
    try:
        there = {pool.name for pool in session.pools.get()}
    except ApiError as error:
        if not wanted.everything or not is_unsupported(error):
            raise
        return  # a region without pools
    _all_there("elastic resource pool", asked, there)
    for name in sorted(there if wanted.everything else asked):
        seen = ElasticResourcePoolLifecycle().read(OperationContext(), session, name, {})
        if seen is not None:
            yield from _checked("ElasticResourcePool", ElasticResourcePoolSpec, name, seen, note)


def _queues(session: Session, wanted: ImportSelection, note: Note) -> Iterator[Found]:
    asked = {name.lower() for name in wanted.queues}
    there = {queue.queue_name.lower() for queue in session.queues.get()}
    _all_there("queue", asked, there)
    for name in sorted(there if wanted.everything else asked):
        if name == SERVICE_QUEUE:
            continue
        seen = QueueLifecycle().read(OperationContext(), session, name, {})
        if seen is not None:
            yield from _checked("Queue", QueueSpec, name, seen, note)


def _connections(session: Session, wanted: ImportSelection, note: Note) -> Iterator[Found]:
    asked = set(wanted.connections)
    if not (wanted.everything or asked):
        return
    try:
        rows = session.connections.get()
    except ApiError as error:
        if not wanted.everything or not is_unsupported(error):
            raise
        return  # a region without connections
    names = Counter(row.name or "" for row in rows)
    _all_there("datasource connection", asked, {*names} | {row.id for row in rows})
    for row in sorted(rows, key=lambda row: (row.name or "", row.id)):
        name = row.name or row.id
        if not wanted.everything and not {name, row.id} & asked:
            continue
        if names[name] > 1 and row.id not in asked:
            note(
                f"DatasourceConnection {name} ({row.id}) is left out: there are {names[name]} of this name; name its id"
            )
            continue
        seen = DatasourceConnectionLifecycle().read(OperationContext(), session, row.id, {})
        if seen is not None:
            yield from _checked("DatasourceConnection", DatasourceConnectionSpec, name, seen, note)


def _groups(session: Session, wanted: ImportSelection, note: Note) -> Iterator[Found]:
    there = {group.group_name for group in session.packages.get().groups if group.group_name}
    _all_there("package group", set(wanted.groups), there)
    for name in sorted(there if wanted.everything else set(wanted.groups)):
        seen = PackageGroupLifecycle().read(OperationContext(), session, name, {})
        if seen is not None and seen.inputs.get("packages"):
            yield from _checked("PackageGroup", PackageGroupSpec, name, seen, note)


def _jobs(session: Session, wanted: ImportSelection, note: Note) -> Iterator[Found]:
    if not (wanted.everything or wanted.jobs):
        return
    rows = session.client.flink_jobs.list_all()
    names = {row.name or "" for row in rows}
    _all_there("Flink job", set(wanted.jobs), names | {str(row.job_id) for row in rows})
    for row in sorted(rows, key=lambda row: row.job_id):
        if not wanted.everything and not {row.name or "", str(row.job_id)} & set(wanted.jobs):
            continue
        lifecycle = next((one for one in _JOBS if (row.job_type or JAR.types[0]) in one.kind.types), None)
        if lifecycle is None:
            note(f"Flink job {row.name} ({row.job_id}) is left out: there is no resource for a {row.job_type}")
            continue
        try:
            job = session.jobs.read(row.job_id, need_detail=True).job
            seen = _job(session, job, lifecycle)
        except NotFoundError:
            continue  # deleted since the list was made
        spec = lifecycle.spec
        yield from _checked(spec.declaration.name, spec, job.name or str(job.job_id), seen, note)


def _job(session: Session, job: FlinkJob, lifecycle: FlinkJobLifecycle) -> Observation:
    """The job with the inputs that a program would have to give: what is as by default is not said."""
    told = outputs.everything(job, lifecycle.spec.sent())
    inputs = {name: value for name, value in told.items() if value != mapping.CLEARED.get(name, object())}
    if "job_type" in lifecycle.spec.model_fields:
        inputs["job_type"] = job.job_type
    state = outputs.observed_state(job)
    if state in ("suspended", "draft"):
        inputs["state"] = state
    tags = session.job_tags.of(str(job.job_id)) or {}
    if visible(tags):
        inputs["tags"] = visible(tags)
    inputs = _declarable(inputs, lifecycle.spec)
    notes = {"declared_state": inputs.get("state", ""), "owner_tag": tags.get(OWNER_TAG, ""), "savepoints": []}
    olds = {**inputs, **notes, "job_id": str(job.job_id)}
    seen = lifecycle.read(OperationContext(), session, str(job.job_id), olds)
    if seen is None:
        raise NotFoundError(f"there is no Flink job {job.job_id}", status=400)
    outs = {name: value for name, value in seen.outs.items() if name != "state"}
    return Observation(seen.id, {**outs, **inputs}, inputs)


def _declarable(inputs: Mapping[str, Any], spec: type[FlinkJobSpec]) -> dict[str, Any]:
    """The inputs without those that the service tells, but a program may not give: it then does not manage them.

    Among them are a default `resource_config` of every job, and the `checkpoint_path` that the service chose.
    """
    left = dict(inputs)
    if left.get("resource_config_version") != "v2":
        left.pop("resource_config", None)
    while True:
        normal, failures = check(spec, left)
        refused = {failure.field for failure in failures} & (set(left) - _ESSENTIAL)
        if not refused:
            return normal
        left = {name: value for name, value in left.items() if name not in refused}


def _checked(kind: str, spec: type[Spec], name: str, seen: Observation, note: Note) -> Iterator[Found]:
    """The object with its inputs in their normal form; nothing when no program could declare it."""
    inputs, failures = check(spec, seen.inputs)
    if failures:
        reasons = "; ".join(f"{failure.field}: {failure.reason}" for failure in failures)
        note(f"{kind} {name} is left out, because no program may declare it as it is: {reasons}")
        return
    yield Found(kind, seen.id, name, inputs, {**seen.outs, **inputs})


def _all_there(what: str, asked: set[str], there: set[str]) -> None:
    missing = sorted(asked - there)
    if missing:
        raise DliError(f"there is no {what} named {', '.join(missing)}")
