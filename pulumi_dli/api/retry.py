"""Which outcome of which call may be repeated, and after how long. Deciding is pure (dli-api 1.4, 3.6).

`transport.py` and `iam.py` send through `with_retries`, the one loop; it sleeps only through what it is given.

    outcome                                    READ   SAFE   ONCE
    request never left (UnsentRequestError)    yes    yes    yes
    429 (ThrottledError)                       yes    yes    yes     the service did not start on it
    no answer, 408, DLI.0019 (UnknownOutcomeError) yes    yes    no      it may have taken effect
    500, 502, 503, 504                         yes    yes    no      raised as UnknownOutcomeError unless READ
    5xx with another DLI code than a crash's   no     no     no      clearly refused
    TLS certificate refused                    no     no     no      repeating changes nothing
    anything else                              no     no     no      permanent

READ: changes nothing. SAFE: a second run ends where the first did (deletes, uploads of the same packages, tags).
ONCE: creates, updates, runs, stops, scalings; the caller reads before it repeats them. A batch is always ONCE.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from pulumi_dli.errors import ApiError, DliError, ThrottledError, UnknownOutcomeError, UnsentRequestError


class Idempotency(StrEnum):
    """How a call bears being repeated after an unknown outcome."""

    READ = "read"
    SAFE = "safe"
    ONCE = "once"


class UntrustedEndpointError(UnsentRequestError):
    """TLS was refused: the certificate is not trusted. Repeating will not help."""


@dataclass(frozen=True)
class RetryPolicy:
    """The limits: attempts and time, each with jitter between. 429 is bound by time alone."""

    attempts: int = 5
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 15.0
    deadline_seconds: float = 120.0
    throttled_deadline_seconds: float = 600.0


DEFAULT_POLICY = RetryPolicy()

T = TypeVar("T")


def is_passing(error: DliError) -> bool:
    """Whether the outcome may be another one at the next attempt."""
    if isinstance(error, UntrustedEndpointError):
        return False
    if isinstance(error, UnsentRequestError | UnknownOutcomeError | ThrottledError):
        return True
    return isinstance(error, ApiError) and error.status in (500, 502, 503, 504) and not is_clear_refusal(error)


def may_repeat(repeat: Idempotency, error: DliError) -> bool:
    """The table above."""
    if repeat is Idempotency.ONCE:
        unsent = isinstance(error, UnsentRequestError) and not isinstance(error, UntrustedEndpointError)
        return unsent or isinstance(error, ThrottledError)
    return is_passing(error)


def is_clear_refusal(error: ApiError) -> bool:
    """A 5xx whose code says that the service understood and declined, so that nothing happened.

    DLI.0999 and DLI.10001 are its words for a crash, DLI.0019 for giving up: after these the outcome is unknown.
    """
    crash = error.code in ("DLI.0999", "DLI.10001", "DLI.0019")
    return error.status in (501, 505) or (error.code.startswith("DLI.") and not crash)


def pause_seconds(
    error: DliError, *, attempt: int, elapsed_seconds: float, policy: RetryPolicy, chance: float | None = None
) -> float | None:
    """How long to wait before the next attempt, None when it is time to give up.

    Args:
        attempt: how many attempts were made, at least 1.
        elapsed_seconds: since the first attempt began.
        chance: a number in [0, 1) instead of dice, for tests.
    """
    dice = random.random() if chance is None else chance  # noqa: S311 -- spreads load, protects nothing
    if isinstance(error, ThrottledError):
        asked = error.retry_after_seconds
        wished = _backoff(2.0, attempt, 60.0) * (0.5 + dice / 2) if asked is None else max(asked, 0.5)
        pause = wished * (1 + dice / 10)
        return pause if elapsed_seconds + pause <= policy.throttled_deadline_seconds else None
    if attempt >= policy.attempts:
        return None
    pause = _backoff(policy.first_pause_seconds, attempt, policy.longest_pause_seconds) * (0.5 + dice / 2)
    return pause if elapsed_seconds + pause <= policy.deadline_seconds else None


def with_retries(
    attempt: Callable[[], T],
    *,
    repeat: Idempotency,
    policy: RetryPolicy,
    now: Callable[[], float],
    pause: Callable[[DliError, float], None],
) -> T:
    """The outcome of `attempt`, made again while the table and the limits allow it.

    Args:
        pause: waits the given seconds before the next attempt, after this error.
    """
    began, attempts = now(), 0
    while True:
        attempts += 1
        try:
            return attempt()
        except DliError as error:
            if not may_repeat(repeat, error):
                raise
            seconds = pause_seconds(error, attempt=attempts, elapsed_seconds=now() - began, policy=policy)
            if seconds is None:
                raise
            pause(error, seconds)


def _backoff(first_seconds: float, attempt: int, longest_seconds: float) -> float:
    return min(first_seconds * 2.0 ** min(attempt - 1, 30), longest_seconds)
