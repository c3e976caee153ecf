"""The statuses of Flink jobs (dli-api 6.2), and the sets of them that decisions and waits use."""

from __future__ import annotations

from enum import StrEnum


class JobStatus(StrEnum):
    """All documented statuses; the service may send others (they count as moving)."""

    INIT = "job_init"
    SUBMITTING = "job_submitting"
    SUBMIT_FAIL = "job_submit_fail"
    RUNNING = "job_running"
    RUNNING_EXCEPTION = "job_running_exception"
    DOWNLOADING = "job_downloading"
    IDLE = "job_idle"
    CANCELING = "job_canceling"
    CANCEL_SUCCESS = "job_cancel_success"
    CANCEL_FAIL = "job_cancel_fail"
    SAVEPOINTING = "job_savepointing"
    ARREARAGE_STOPPED = "job_arrearage_stopped"
    ARREARAGE_RECOVERING = "job_arrearage_recovering"
    FINISH = "job_finish"


UP = {JobStatus.RUNNING, JobStatus.IDLE, JobStatus.FINISH}
"""A start has worked."""

MOVING = {
    JobStatus.SUBMITTING,
    JobStatus.DOWNLOADING,
    JobStatus.SAVEPOINTING,
    JobStatus.CANCELING,
    JobStatus.ARREARAGE_RECOVERING,
}
"""On the way to another status by itself."""

ENDED = {
    JobStatus.SUBMIT_FAIL,
    JobStatus.RUNNING_EXCEPTION,
    JobStatus.CANCEL_SUCCESS,
    JobStatus.CANCEL_FAIL,
    JobStatus.ARREARAGE_STOPPED,
}
"""No longer up, other than by reaching its end."""

AT_REST = (ENDED - {JobStatus.CANCEL_FAIL}) | {JobStatus.FINISH, JobStatus.INIT}
"""Nothing runs, and nothing will by itself."""

STOPPABLE = {JobStatus.SUBMITTING, JobStatus.RUNNING, JobStatus.IDLE}
"""The stop call takes the job (dli-api 6.6)."""

HAVE_RUN = {JobStatus.RUNNING_EXCEPTION, JobStatus.ARREARAGE_STOPPED, JobStatus.ARREARAGE_RECOVERING}
"""Reached only by a job that has run."""

ON_QUEUE = {
    JobStatus.SUBMITTING,
    JobStatus.DOWNLOADING,
    JobStatus.RUNNING,
    JobStatus.IDLE,
    JobStatus.SAVEPOINTING,
    JobStatus.CANCELING,
}
"""Takes CUs of its queue."""
