"""Flink jobs: create and update (jar and SQL), run and stop in batches, delete, list, details, savepoints (dli-api 6).

A batch answers by position, and on HTTP 400 the elements that succeeded did happen: every item's own result is
returned. A batch is never repeated; whoever loses its answer reads every job again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pulumi_dli.api.decoding import is_true, read_int, read_record, read_records, read_text, tag_filter, without_absent
from pulumi_dli.api.flink_models import ExecutionGraph, FlinkJob, ItemResult, JobPage
from pulumi_dli.api.job_status import JobStatus
from pulumi_dli.api.not_found import Subject, is_said_missing
from pulumi_dli.api.responses import Request, Response, decode, read_error
from pulumi_dli.api.retry import Idempotency
from pulumi_dli.api.transport import Transport
from pulumi_dli.errors import ApiError, CancelledError, DliError, NotFoundError, UnexpectedAnswerError
from pulumi_dli.patience import leave_if_cancelled

__all__ = ["ExecutionGraph", "FlinkJob", "FlinkJobs", "ItemResult", "JobPage", "JobStatus"]

LONGEST_BATCH = 50
LONGEST_PAGE = 100
MOST_PAGES = 500  # of one list: a service that goes on after these repeats itself, or makes things up
_MOST_JOBS = 1_000_000
_VERSION = "v1.0"
_NO_GRAPH = "DLI.14001"

T = TypeVar("T")


class FlinkJobs:
    """The calls of `/streaming`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_jar(self, body: Mapping[str, Any]) -> int:
        """Create a jar job as a draft; gives its id. Not repeated after an unknown outcome.

        Raises:
            ConflictError: a job of that name exists.
            UnknownOutcomeError: it may have been created: list by name.
        """
        return self._create("flink-jobs", body)

    def create_sql(self, body: Mapping[str, Any]) -> int:
        """Create an SQL job as a draft; as `create_jar` (dli_02_0228)."""
        return self._create("sql-jobs", body)

    def _create(self, family: str, body: Mapping[str, Any]) -> int:
        what = f"create Flink job {body.get('name', '')}"
        answer = self._transport.send(
            Request(
                "POST",
                _VERSION,
                ("streaming", family),
                what,
                Idempotency.ONCE,
                body=body,
                creates=True,
                says=("job", "is_success"),
            )
        )
        job = answer.object().get("job")
        job_id = read_int(job.get("job_id")) if isinstance(job, Mapping) else None
        if job_id is None or job_id <= 0:
            raise answer.unreadable("no job id")
        return job_id

    def update_jar(self, job_id: int, body: Mapping[str, Any]) -> None:
        """Change what `body` names, leave the rest. Not repeated: an unchanged bucket is refused (dli-api 6.3).

        Raises:
            NotFoundError: the job is gone.
            ConflictError: its status forbids the change.
        """
        self._update("flink-jobs", job_id, body)

    def update_sql(self, job_id: int, body: Mapping[str, Any]) -> None:
        """Change what `body` names of an SQL job; as `update_jar` (dli_02_0229)."""
        self._update("sql-jobs", job_id, body)

    def _update(self, family: str, job_id: int, body: Mapping[str, Any]) -> None:
        segments = ("streaming", family, str(job_id))
        what = f"update Flink job {job_id}"
        says = ("is_success", "job")
        request = Request("PUT", _VERSION, segments, what, Idempotency.ONCE, body=body, subject=Subject.JOB, says=says)
        self._witnessed(job_id, lambda: self._transport.send(request))

    def run(self, job_ids: Sequence[int], resume_savepoint: bool) -> list[ItemResult]:
        """Ask to start jobs; each one's own result, in order. Accepted is not running: watch the status.

        Raises:
            UnknownOutcomeError: which jobs were accepted is not known: read each one.
        """
        return self._batch("run", job_ids, {"resume_savepoint": resume_savepoint})

    def stop(self, job_ids: Sequence[int], trigger_savepoint: bool) -> list[ItemResult]:
        """Ask to stop jobs; each one's own result, in order.

        Raises:
            UnknownOutcomeError: which jobs were accepted is not known: read each one.
        """
        return self._batch("stop", job_ids, {"trigger_savepoint": trigger_savepoint})

    def delete(self, job_id: int) -> None:
        """Delete a job in any status. Repeated when the answer is lost.

        Raises:
            NotFoundError: it is gone already.
        """
        request = self._of_job("DELETE", job_id, f"delete Flink job {job_id}", Idempotency.SAFE)
        self._witnessed(job_id, lambda: self._transport.send(request))

    def delete_many(self, job_ids: Sequence[int]) -> list[ItemResult]:
        """Delete jobs in any status; each one's own result, in order (`gone` tells those that were gone before).

        Raises:
            UnknownOutcomeError: which jobs were deleted is not known: read each one.
        """
        return self._batch("delete", job_ids, {})

    def list_page(
        self,
        offset: int,
        limit: int = LONGEST_PAGE,
        *,
        name: str | None = None,
        status: str | None = None,
        queue_name: str | None = None,
        job_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        show_detail: bool = False,
        order: str = "asc",
    ) -> JobPage:
        """One page of jobs by time of creation. `name` may match more than the exact name (dli-api 6.8)."""
        query = {
            "offset": str(offset),
            "limit": str(limit),
            "order": order,
            "show_detail": "true" if show_detail else None,
            "name": name,
            "status": status,
            "queue_name": queue_name,
            "job_type": job_type,
            "tags": tag_filter(tags),
        }
        pairs = tuple((key, value) for key, value in query.items() if value)
        request = Request(
            "GET", _VERSION, ("streaming", "jobs"), "list Flink jobs", Idempotency.READ, query=pairs, says=("job_list",)
        )

        def page(answer: Response) -> JobPage:
            listing = answer.object().get("job_list")
            if not isinstance(listing, Mapping) or not listing:
                raise answer.unreadable("no list of jobs")
            jobs = read_records(FlinkJob, listing.get("jobs"), "a Flink job")
            total = read_int(listing.get("total_count"))
            if total is not None and not 0 <= total <= _MOST_JOBS:
                raise answer.unreadable("a number of jobs that cannot be")
            if not jobs and "jobs" not in listing and total != 0:
                raise answer.unreadable("no list of jobs")
            if total is None:  # then a full page promises one more
                total = offset + len(jobs) + (len(jobs) >= limit)
            return JobPage(total_count=total, jobs=jobs)

        return self._transport.read(request, page)

    def list_all(
        self,
        *,
        name: str | None = None,
        status: str | None = None,
        queue_name: str | None = None,
        job_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        show_detail: bool = False,
    ) -> list[FlinkJob]:
        """All jobs that match, each once; `name` matches exactly. Oldest first, so that new ones only join at the end.

        A job that is deleted meanwhile moves the others up, and one of them may be missed: absence is no proof.
        """
        found: dict[int, FlinkJob] = {}
        offset = 0
        for _ in range(MOST_PAGES):
            page = self.list_page(
                offset,
                name=name,
                status=status,
                queue_name=queue_name,
                job_type=job_type,
                tags=tags,
                show_detail=show_detail,
            )
            known = len(found)
            found.update((job.job_id, job) for job in page.jobs)
            offset += len(page.jobs)
            # A service that ignores `offset` brings nothing new.
            if offset >= page.total_count or len(found) == known:
                return [job for job in found.values() if name is None or job.name == name]
            leave_if_cancelled("the rest of the list of jobs")
        raise UnexpectedAnswerError(f"the list of Flink jobs does not end after {MOST_PAGES} pages", status=200)

    def get(self, job_id: int) -> FlinkJob:
        """A job in full.

        Raises:
            NotFoundError: it is gone.
        """

        def job(answer: Response) -> FlinkJob:
            detail = answer.object().get("job_detail")
            if not isinstance(detail, Mapping):
                raise answer.unreadable("no job details")
            found = read_record(FlinkJob, {"job_id": job_id, **without_absent(detail)}, "a Flink job")
            if found.job_id != job_id or not found.status:
                raise answer.unreadable("a job without a status" if found.job_id == job_id else "another job")
            return found

        request = self._of_job("GET", job_id, f"read Flink job {job_id}", Idempotency.READ, says=("job_detail",))
        return self._witnessed(job_id, lambda: self._transport.read(request, job))

    def savepoint(self, job_id: int, path: str) -> None:
        """Ask for a savepoint of a running job, in a folder of OBS. Not in every region: see `is_unsupported`."""
        what, bare = f"savepoint of Flink job {job_id}", path.removeprefix("obs://")

        def send(form: str) -> None:
            body = {"action": "TRIGGER", "savepoint_path": form}
            request = self._of_job("POST", job_id, what, Idempotency.ONCE, call="savepoint", body=body)
            answer = self._transport.send(request)
            # Success is told twice: `message` is JSON text with an `is_success` of its own (dli-api 6.10).
            inner = decode((read_text(answer.object().get("message")) or "").encode())
            if isinstance(inner, Mapping) and not is_true(inner.get("is_success")):
                raise answer.error(ApiError, "", read_text(inner.get("message")) or f"{what} was refused")

        self._witnessed(job_id, lambda: _in_either_form(send, bare, f"obs://{bare}"))

    def import_savepoint(self, job_id: int, path: str) -> None:
        """Make `obs://bucket/folder/` the savepoint that the next resuming start uses. Not in every region."""
        what, bare = f"import a savepoint into Flink job {job_id}", path.removeprefix("obs://")

        def send(form: str) -> None:
            body = {"job_id": job_id, "savepoint_path": form}
            self._transport.send(
                self._of_job("POST", job_id, what, Idempotency.ONCE, call="import-savepoint", body=body)
            )

        self._witnessed(job_id, lambda: _in_either_form(send, f"obs://{bare}", bare))

    def execute_graph(self, job_id: int) -> ExecutionGraph | None:
        """Flink's own view of a running job; None when there is none."""
        what = f"read the graph of Flink job {job_id}"
        try:
            request = self._of_job("GET", job_id, what, Idempotency.READ, call="execute-graph", says=("execute_graph",))
            return self._transport.read(request, _graph)
        except ApiError as error:
            if error.code == _NO_GRAPH:
                return None
            raise

    def _witnessed(self, job_id: int, send: Callable[[], T]) -> T:
        """What the call answers; a job that it says to be missing is gone only if the list lacks it, too."""
        try:
            return send()
        except NotFoundError:
            raise
        except ApiError as error:
            if not is_said_missing(error.status, error.code) or not self._is_unlisted(job_id):
                raise
            raise NotFoundError(
                error.message,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
                method=error.method,
                path=error.path,
            ) from error

    def _is_unlisted(self, job_id: int) -> bool:
        """Whether the whole list was read, and this job is not in it."""
        seen: set[int] = set()
        try:
            for _ in range(MOST_PAGES):
                page, known = self.list_page(len(seen)), len(seen)
                seen.update(job.job_id for job in page.jobs)
                if job_id in seen:
                    return False
                if len(seen) >= page.total_count or len(seen) == known:
                    return len(seen) >= page.total_count
        except CancelledError:
            raise
        except DliError:
            pass  # no witness
        return False

    def _batch(self, verb: str, job_ids: Sequence[int], flags: Mapping[str, bool]) -> list[ItemResult]:
        if len(job_ids) > LONGEST_BATCH:
            raise ValueError(f"{verb}: {len(job_ids)} jobs in one batch, at most {LONGEST_BATCH} are allowed")
        if not job_ids:
            return []
        what = f"{verb} Flink jobs {', '.join(map(str, job_ids))}"
        answer = self._transport.send(
            Request(
                "POST",
                _VERSION,
                ("streaming", "jobs", verb),
                what,
                Idempotency.ONCE,
                body={"job_ids": [*job_ids], **flags},
                batch=True,
                says=("is_success", "error_code"),
            )
        )
        # An older service answered a stop with a bare object (dli-api 6.6).
        items = [answer.value] if isinstance(answer.value, Mapping) else answer.value
        if not isinstance(items, list) or len(items) != len(job_ids):
            raise answer.unreadable("not one result for each job")
        return [_item(item, answer) for item in items]

    @staticmethod
    def _of_job(
        method: str,
        job_id: int,
        what: str,
        repeat: Idempotency,
        *,
        call: str | None = None,
        body: Mapping[str, Any] | None = None,
        says: tuple[str, ...] = ("is_success",),
    ) -> Request:
        segments = ("streaming", "jobs", str(job_id), *((call,) if call else ()))
        return Request(method, _VERSION, segments, what, repeat, body=body, subject=Subject.JOB, says=says)


def _in_either_form(send: Callable[[str], None], first: str, other: str) -> None:
    """The pages of the years disagree on the form of a path: on a refusal of the first, the other one once.

    A refusal that speaks of the job, not of the path, is one already (dli-api 6.10).
    """
    try:
        send(first)
    except ApiError as error:
        if error.status != 400 or type(error) is not ApiError or is_said_missing(error.status, error.code):
            raise
        try:
            send(other)
        except ApiError as second:
            raise error from second


def _graph(answer: Response) -> ExecutionGraph | None:
    graph = answer.object().get("execute_graph")
    return read_record(ExecutionGraph, graph, "an execution graph") if graph else None


def _item(item: object, answer: Response) -> ItemResult:
    if not isinstance(item, Mapping):
        raise answer.unreadable("a result that cannot be read")
    code, message = read_error(item, answer.status)
    if code:
        return ItemResult(ok=False, code=code, message=message)
    if item.get("is_success") is None:
        raise answer.unreadable("a result that says neither success nor failure")
    return ItemResult(ok=is_true(item.get("is_success")), code="", message=read_text(item.get("message")) or "")
