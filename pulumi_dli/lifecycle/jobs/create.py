"""How a job comes into being, as `lifecycle/create.py` asks it: as a draft. Called by `flink_job.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pulumi_dli.errors import ConflictError, DliError, OwnershipError
from pulumi_dli.lifecycle.create import Created, Existing, create_or_adopt
from pulumi_dli.lifecycle.jobs import mapping
from pulumi_dli.lifecycle.jobs.kinds import JobKind
from pulumi_dli.lifecycle.jobs.operations import START_SECONDS
from pulumi_dli.lifecycle.ownership import wire_tags
from pulumi_dli.lifecycle.session import JOB_TAGS, Session
from pulumi_dli.lifecycle.tagging import TaggedObject

if TYPE_CHECKING:
    from pulumi_dli.api.flink_models import FlinkJob
    from pulumi_dli.lifecycle.operation_context import OperationContext
    from pulumi_dli.specs.flink_job import FlinkJobSpec

KIND = "job"


def create_job(
    call: OperationContext, session: Session, kind: JobKind, spec: FlinkJobSpec, inputs: Mapping[str, Any]
) -> Created[FlinkJob]:
    """Create the draft, or take over the job of its name.

    Raises:
        OwnershipError: a job of that name is somebody else's.
        DliError: nothing was made.
    """
    creation = JobCreation(session, kind, spec, inputs)
    return create_or_adopt(call, session, creation, adopt=bool(spec.adopt), tags=spec.tags)


def tagged_job(id: str) -> TaggedObject:
    """The job as the tag calls know it."""
    return TaggedObject(JOB_TAGS, (id,), f"Flink job {id}")


class JobCreation:
    """See `lifecycle.create.Creation`."""

    kind = KIND
    create_seconds = START_SECONDS

    def __init__(self, session: Session, kind: JobKind, spec: FlinkJobSpec, inputs: Mapping[str, Any]) -> None:
        self._kind = kind
        self._jobs = session.client.flink_jobs
        self._spec = spec
        self._inputs = inputs
        self._name = str(spec.name)

    def post(self, owner: str) -> str:
        body = mapping.create_body(self._inputs)
        if tags := wire_tags(self._spec.tags, owner):
            body["tags"] = tags
        return str(self._kind.create(self._jobs, body))

    def find(self) -> FlinkJob | None:
        """The service's own filter may be a fuzzy one (docs/dli-api.md 6.8)."""
        return next((job for job in self._jobs.list_all(name=self._name) if job.name == self._name), None)

    def unseen(self) -> DliError:
        return ConflictError(
            f"a Flink job named {self._name} exists, but this user cannot see it: choose another name", status=400
        )

    def existing(self, found: FlinkJob) -> Existing:
        return Existing(
            id=str(found.job_id),
            said=f"a Flink job named {self._name} exists already (id {found.job_id}, status {found.status})",
            tagged=tagged_job(str(found.job_id)),
            created=found.create_time,
        )

    def differences(self, found: FlinkJob) -> list[str]:
        if not self._is_of_kind(found):
            return ["job_type"]
        return mapping.unlike(self._inputs, found if found.detailed else self._jobs.get(found.job_id))

    def is_listed_with(self, found: FlinkJob, tags: Mapping[str, str]) -> bool:
        return any(job.job_id == found.job_id for job in self._jobs.list_all(name=self._name, tags=dict(tags)))

    def must_fit(self, found: FlinkJob) -> None:
        """Everything of a job can be changed but its kind (dli-api 14.6).

        Raises:
            OwnershipError: it is of another kind.
        """
        if not self._is_of_kind(found):
            raise OwnershipError(
                f"Flink job {found.name} ({found.job_id}) is a {found.job_type}, and no job can change its job_type: "
                "choose another name"
            )

    def _is_of_kind(self, found: FlinkJob) -> bool:
        wanted = self._inputs.get("job_type")
        return found.job_type in ((wanted,) if wanted else self._kind.types) or not found.job_type
