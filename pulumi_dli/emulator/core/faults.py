"""Scripted trouble: faults of single calls, and faults in what happens to jobs, packages and queues afterwards.

`POST /__dli/faults` adds one:

    {"operation": "jobs.run" | "jobs.*" | "*",       which calls (names as in the journal)
     "effect": 429 | 500 | 503 | 408 | 200 …         a status instead of the call, with its usual body
                                                     (`code`, `message`, `retry_after` and `body` change it)
             | "drop_before" | "drop_after"          cut the connection, before or after the effect
             | "gateway_404" | "duplicate_name"
             | "partial_batch"                       elements by `ids` or `positions` fail with `code` (DLI.10001)
             | "delay"                               nothing but a delay
             | "held_answer",                        the effect at once; the answer after `delay` real seconds, or as
                                                     soon as the fault is cleared: time to kill who waits for it
     "delay": real seconds before any effect,
     "match": {"path": "part of the path", "body": {fields that must be equal}},
     "nth": k                                        the k-th matching call from now on (default 1, the next)
     "times": n}                                     how many from there (default 1; 0 = all)

or, for what happens later, with `effect` one of BEHAVIOURS, by default for all until it is cleared:

    {"effect": "running_exception", "after": service seconds, "description": "…",
     "match": {"job_id": 1, "name": "…", "entrypoint": "…", "sql_body": "…"}
                                                  (each a text that must be contained; job_id equal)
     "times": n}

`GET` lists them with how often they fired; `DELETE` clears all, or one with `?id=`. A restart clears them.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pulumi_dli.emulator.core.messages import read
from pulumi_dli.emulator.core.quirks import MOST_SECONDS

MOST_DELAY = 3600.0  # real seconds

BEHAVIOURS = (
    "submit_fail",  # the run ends in job_submit_fail
    "slow_submit",  # `after` more seconds in job_submitting
    "running_exception",  # `after` seconds of running, then job_running_exception (restarts if the job says so)
    "finish",  # `after` seconds of running, then job_finish
    "cancel_fail",
    "savepoint_fail",
    "upload_failed",  # match: name, group
    "stuck_assigning",  # match: name of the queue; its compute never comes
    "pool_failed",  # match: name; the pool's creation ends in FAILED
    "pool_scale_failed",  # match: name; the pool keeps the CUs that it has
    "peering_failed",  # match: connection, name (of the pool or queue)
    "partial_scale_in",  # match: name; `reached` CUs, or half of the way
)
CALL_EFFECTS = ("drop_before", "drop_after", "gateway_404", "duplicate_name", "partial_batch", "delay", "held_answer")


class Fault(BaseModel):
    """One scripted fault and how far it is."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    operation: str = "*"
    effect: Annotated[int, Field(ge=200, le=599)] | str
    match: dict[str, Any] = Field(default_factory=dict)
    nth: int = Field(1, ge=1)
    times: int | None = Field(None, ge=0)
    delay: float = Field(0.0, ge=0, le=MOST_DELAY)
    # of statuses
    code: str | None = None
    message: str | None = None
    retry_after: int | None = Field(None, ge=0)
    body: Any = None
    # of batches
    ids: list[int] = Field(default_factory=list)
    positions: list[int] = Field(default_factory=list)
    # of behaviours
    after: float = Field(0.0, ge=0, le=MOST_SECONDS)
    description: str = ""
    reached: int | None = Field(None, ge=0, le=1_000_000)
    # bookkeeping
    id: int = 0
    seen: int = 0
    fired: int = 0

    @property
    def behaviour(self) -> bool:
        return self.effect in BEHAVIOURS

    @property
    def limit(self) -> int:
        """How often it fires; 0 without end."""
        return self.times if self.times is not None else (0 if self.behaviour else 1)

    @property
    def seconds_before(self) -> float:
        """How long the call waits before it has its effect."""
        return 0.0 if self.effect == "held_answer" else self.delay

    def due(self) -> bool:
        """Count a match; whether it fires this time."""
        self.seen += 1
        last = self.nth + self.limit - 1
        fires = self.seen >= self.nth and (self.limit == 0 or self.seen <= last)
        self.fired += fires
        return fires


class Faults:
    """The list of scripted faults."""

    def __init__(self) -> None:
        self.listed: list[Fault] = []
        self._next = 1

    def add(self, given: Mapping[str, Any]) -> Fault:
        """Raises `ValueError` on what is no fault."""
        fault = read(Fault, dict(given))
        if not isinstance(fault.effect, int) and fault.effect not in (*BEHAVIOURS, *CALL_EFFECTS):
            known = ", ".join((*CALL_EFFECTS, *BEHAVIOURS))
            raise ValueError(f"no such effect: {fault.effect!r}; known are HTTP statuses and {known}")
        if isinstance(fault.effect, int) and fault.effect < 400 and fault.body is None:
            raise ValueError("Invalid parameter body: an answer below 400 needs one.")
        path, body = fault.match.get("path", ""), fault.match.get("body", {})
        if not fault.behaviour and not (isinstance(path, str) and isinstance(body, dict)):
            raise ValueError("Invalid parameter match: a text in path and an object in body are needed.")
        fault.id, fault.seen, fault.fired = self._next, 0, 0
        self._next += 1
        self.listed.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        self.listed = [] if fault_id is None else [fault for fault in self.listed if fault.id != fault_id]

    def for_call(self, operation: str, path: str, body: Any) -> Fault | None:
        """The first fault that fires for this call."""
        fired = None
        for fault in self.listed:
            matches = fnmatchcase(operation, fault.operation) and _call_matches(fault, path, body)
            if fired is None and not fault.behaviour and matches and fault.due():
                fired = fault
        return fired

    def of(self, effect: str, **facts: Any) -> Fault | None:
        """The first behaviour fault of this kind that applies to something with these facts."""
        for fault in self.listed:
            if fault.effect == effect and _facts_match(fault.match, facts) and fault.due():
                return fault
        return None


def _call_matches(fault: Fault, path: str, body: Any) -> bool:
    if fault.match.get("path", "") not in path:
        return False
    wanted = fault.match.get("body", {})
    return not wanted or (isinstance(body, dict) and all(body.get(key) == value for key, value in wanted.items()))


def _facts_match(match: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    for key, value in match.items():
        fact = facts.get(key)
        if isinstance(value, str):
            if value not in str(fact or ""):
                return False
        elif fact != value:
            return False
    return True
