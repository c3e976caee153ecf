"""What is known of the queue of a job, and what the documents refuse because of it.

The rules are in `specs/rules.py`; this feeds them. The program's own word on a queue goes first: it is what will be.
Beside it stands what the service says of the queue, in one list for all jobs, asked for only where a job starts or
restarts. `preview.py` asks for previews, `flink_job.py` before a stop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from pulumi_dli.api.queues import Queue
from pulumi_dli.errors import CancelledError, DliError, UpgradeBlockedError
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.session import Session
from pulumi_dli.specs import rules
from pulumi_dli.specs.declared import Declared, QueueFacts, cloud_of


def as_declared(call: OperationContext, inputs: Mapping[str, Any], endpoint: str = "") -> Declared:
    """The job with what the program says of its queue. Makes no call."""
    return Declared(inputs, call.pools.facts_of(inputs.get("queue_name")), cloud_of(endpoint))


def as_found(
    call: OperationContext, session: Session | None, inputs: Mapping[str, Any], unknown: Collection[str], endpoint: str
) -> Declared:
    """The job with all that is known of its queue. Without a session that is the program's word alone."""
    job = as_declared(call, inputs, endpoint)
    if session is None or not inputs.get("queue_name") or not rules.is_open(job, unknown):
        return job
    try:
        row = _row(session, str(inputs["queue_name"]))
        if row is None:
            return job
        job = replace(job, queue=job.queue.beside(facts_of(row, sql=job.is_sql)))
        pool = (row.elastic_resource_pool_name or "").lower()
        if pool and rules.is_open(job, unknown):
            job = replace(job, queue=job.queue.beside(QueueFacts(basic_pool=_is_basic(session, pool))))
    except CancelledError:
        raise
    except DliError:
        pass
    return job


def must_go_with_its_queue(job: Declared, unknown: Collection[str] = (), *, what: str) -> None:
    """Refuse what the documents refuse on this queue.

    Raises:
        UpgradeBlockedError: says each line; nothing was touched.
    """
    refused = rules.refused_by_queue(job, unknown)
    if refused:
        reasons = "; ".join(f"{finding.field}: {finding.message}" for finding in refused)
        raise UpgradeBlockedError(f"{what} cannot run on queue {job.queue_name}: {reasons}")


def facts_of(queue: Queue, *, sql: bool = False) -> QueueFacts:
    """What the list says of a queue. How many CUs one in a pool has, its scaling policies say."""
    in_pool = bool(queue.elastic_resource_pool_name)
    return QueueFacts(
        in_pool=in_pool,
        basic_pool=None if in_pool else False,
        cus=None if in_pool else (queue.cu_spec or queue.cu_count),
        versions=_sql_versions(queue) if sql else queue.support_flink_jar_versions,
    )


def _sql_versions(queue: Queue) -> tuple[str, ...]:
    """Of both types of SQL (dli-api 14.5)."""
    return (*queue.support_opensource_flink_versions, *queue.support_flink_sql_versions)


def _row(session: Session, name: str) -> Queue | None:
    return session.around.queue(name)


def _is_basic(session: Session, pool: str) -> bool | None:
    found = next((row for row in session.pools.get() if row.name == pool), None)
    return None if found is None else (found.label or {}).get("spec") == "basic"
