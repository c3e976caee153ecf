"""The statuses of a Flink job and what leads from one to the next, as data (dli-api 6.2).

`records.py` asks it whether a call is allowed and where an event leads; what is not in the table does not happen.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The whole set: 14 names; there are no numbers on the wire."""

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


class Trigger(StrEnum):
    """Calls, reports of the runtime, and acts at the console."""

    RUN = "run"
    DOWNLOAD = "download"
    UP = "up"
    SUBMIT_ERROR = "submit_error"
    STOP = "stop"
    STOP_WITH_SAVEPOINT = "stop_with_savepoint"
    SAVEPOINT = "savepoint"
    CANCEL = "cancel"  # the savepoint of a stop is made
    CANCELED = "canceled"
    CANCEL_ERROR = "cancel_error"
    PROGRAM_END = "program_end"
    EXCEPTION = "exception"
    RESTART = "restart"  # automatic
    GO_IDLE = "go_idle"
    ARREARS = "arrears"
    PAID = "paid"
    UPDATE = "update"  # of any field


S, H = Status, Trigger

AT_REST = (S.INIT, S.CANCEL_SUCCESS, S.FINISH, S.SUBMIT_FAIL, S.RUNNING_EXCEPTION)
BUSY = frozenset(
    {
        S.SUBMITTING,
        S.DOWNLOADING,
        S.RUNNING,
        S.IDLE,
        S.CANCELING,
        S.SAVEPOINTING,
        S.ARREARAGE_RECOVERING,
        S.CANCEL_FAIL,
    }
)
COMING_UP = (S.SUBMITTING, S.DOWNLOADING, S.ARREARAGE_RECOVERING)

TRANSITIONS: dict[tuple[Status, Trigger], Status] = {
    **{(status, H.RUN): S.SUBMITTING for status in AT_REST},
    **{(status, H.UPDATE): status for status in AT_REST},
    (S.SUBMITTING, H.DOWNLOAD): S.DOWNLOADING,
    **{(status, H.UP): S.RUNNING for status in COMING_UP},
    **{(status, H.SUBMIT_ERROR): S.SUBMIT_FAIL for status in COMING_UP},
    **{(status, H.STOP): S.CANCELING for status in (S.SUBMITTING, S.RUNNING, S.DOWNLOADING, S.IDLE, S.CANCEL_FAIL)},
    **{(status, H.STOP_WITH_SAVEPOINT): S.SAVEPOINTING for status in (S.RUNNING, S.IDLE)},
    **{(status, H.SAVEPOINT): S.SAVEPOINTING for status in (S.RUNNING, S.IDLE)},
    (S.SAVEPOINTING, H.CANCEL): S.CANCELING,
    (S.SAVEPOINTING, H.UP): S.RUNNING,
    (S.RUNNING, H.UP): S.RUNNING,  # a runtime that restarted the program by itself
    (S.CANCEL_FAIL, H.UP): S.RUNNING,
    (S.CANCELING, H.CANCELED): S.CANCEL_SUCCESS,
    (S.SAVEPOINTING, H.CANCELED): S.CANCEL_SUCCESS,
    (S.CANCELING, H.CANCEL_ERROR): S.CANCEL_FAIL,
    **{(status, H.PROGRAM_END): S.FINISH for status in (S.RUNNING, S.SAVEPOINTING, S.CANCELING, *COMING_UP)},
    **{(status, H.EXCEPTION): S.RUNNING_EXCEPTION for status in (S.RUNNING, S.SAVEPOINTING, S.CANCELING, S.SUBMITTING)},
    (S.RUNNING_EXCEPTION, H.RESTART): S.SUBMITTING,
    (S.RUNNING_EXCEPTION, H.UP): S.RUNNING,
    (S.RUNNING, H.RESTART): S.SUBMITTING,
    (S.RUNNING, H.GO_IDLE): S.IDLE,
    (S.IDLE, H.UP): S.RUNNING,
    (S.RUNNING, H.ARREARS): S.ARREARAGE_STOPPED,
    (S.ARREARAGE_STOPPED, H.PAID): S.ARREARAGE_RECOVERING,
}


def after(status: Status, trigger: Trigger) -> Status | None:
    """Where it leads; None: it cannot happen in this status."""
    return TRANSITIONS.get((status, trigger))
