"""The error tree of pulumi_dli: one class for each thing a caller can do about it.

    DliError
      ConfigError            a setting is wrong: says which, and where to put it
        MissingSettingError  a setting is not there
      UnsentRequestError     the request never left this machine: always safe to repeat
      UnknownOutcomeError        the answer never came: the request may have taken effect
      ApiError               the service answered with an error
        NotFoundError        the object does not exist (decided in `pulumi_dli.api.not_found` alone)
        ConflictError        an object of that name exists already, or its status forbids the call
        ThrottledError       429: come back later
        AuthError            401 or 403: the credentials are wrong, expired or lack a permission
        UnexpectedAnswerError    a success whose body does not say so: nothing is known, nothing is concluded
          UnreadableOutcomeError    the same of a write, so a UnknownOutcomeError too: it may have taken effect
      WaitFailedError        the object came to rest in a failed status
      WaitTimeoutError       the object was still moving at the deadline
      CancelledError         the person (or the CI job) asked to stop while we were waiting
      UpgradeBlockedError    going on would lose the state of a job
      OwnershipError         the object of that name belongs to somebody else

It lies under all rooms and imports none. A foreign exception is never let through: it is the `__cause__` of one of
these. The text of an error is for the stack author: what failed, on which id, with which code, and what to do next. It
never holds a credential, a request body or the value of an input.

An error is never changed, and never raised from itself: who has to say more, or another text, raises a new one
(`reworded`, `caused_by`). Whoever asks for the causes of an error walks `causes`, which always ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

E = TypeVar("E", bound=BaseException)

MOST_CAUSES = 50
"""A longer chain is cut: some loop went on adding to it."""


class DliError(Exception):
    """Anything that went wrong and that a stack author should read as one clean message."""


class ConfigError(DliError):
    """A setting is missing, malformed, or contradicts the state of the resource."""


class MissingSettingError(ConfigError):
    """A setting is not there; a preview may go on without it. `setting` is its name, `credentials` for all of those."""

    def __init__(self, message: str, *, setting: str) -> None:
        self.setting = setting
        super().__init__(message)


class UnsentRequestError(DliError):
    """The request never left this machine (no connection, bad name, TLS refused): repeating it is always safe."""


class UnknownOutcomeError(DliError):
    """The request left, the answer did not come: it may have taken effect. Read before you repeat."""


class ApiError(DliError):
    """The service refused a request.

    Attributes:
        status: HTTP status; 200 when the body said `is_success: false`.
        code: DLI's code, such as `DLI.0002`, a gateway's (`APIG.0101`), or "" when the answer had none.
        message: the service's own text, clipped to 500 characters.
        request_id: `X-Request-Id` of the answer, or "".
        method, path: of the request; the path holds no credentials.
    """

    def __init__(
        self, message: str, *, status: int, code: str = "", request_id: str = "", method: str = "", path: str = ""
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.method = method
        self.path = path
        super().__init__(message)

    def __str__(self) -> str:
        code = f"{self.code}: " if self.code else ""
        request = f" [{self.method} {self.path} answered {self.status}" if self.method else f" [HTTP {self.status}"
        return f"{code}{self.message}{request}{', request id ' + self.request_id if self.request_id else ''}]"


class NotFoundError(ApiError):
    """The object does not exist."""


class ConflictError(ApiError):
    """An object of that name exists already, or the object's status forbids the call."""


class ThrottledError(ApiError):
    """The service asks to slow down. `retry_after_seconds` is its wish, None when it named none."""

    retry_after_seconds: float | None = None


class AuthError(ApiError):
    """The credentials were refused, or they lack a permission."""


class UnexpectedAnswerError(ApiError):
    """The service said "success", and its body does not hold what success means: no fact, whatever was asked."""


class UnreadableOutcomeError(UnexpectedAnswerError, UnknownOutcomeError):
    """Such an answer to a call that changes something: it may have taken effect. Read before you repeat."""


class WaitFailedError(DliError):
    """The object came to rest in a status that is a failure.

    Attributes: `id`, `status` (DLI's word), `description` (the service's own, may be "").
    """

    def __init__(self, message: str, *, id: str, status: str, description: str = "") -> None:
        self.id = id
        self.status = status
        self.description = description
        super().__init__(message)


class WaitTimeoutError(DliError):
    """The object was still moving at the deadline. Attributes: `id`, `status` (last seen), `waited_seconds`."""

    def __init__(self, message: str, *, id: str, status: str, waited_seconds: float) -> None:
        self.id = id
        self.status = status
        self.waited_seconds = waited_seconds
        super().__init__(message)


class CancelledError(DliError):
    """A wait ended because the deployment was cancelled (one ^C)."""


class UpgradeBlockedError(DliError):
    """Going on would lose the state of a job: says what is missing and which input decides."""


class OwnershipError(DliError):
    """An object of that name exists and is not ours: names its id and the ways out."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and so on: each once, at most `MOST_CAUSES`, even where they form a ring."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < MOST_CAUSES:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def reworded(error: E, words: Callable[[str], str] = str) -> E:
    """An equal error whose texts went through `words`; its cause is that of `error`, it has no traceback yet.

    For one error that is raised in several threads, and for one that has to say more than it does.
    """
    args = tuple(words(arg) if isinstance(arg, str) else arg for arg in error.args)
    copy: E = type(error).__new__(type(error), *args)  # not by __init__: subclasses have keyword arguments
    copy.__dict__.update(error.__dict__)
    if isinstance(copy, ApiError):
        copy.message = words(copy.message)
    copy.args = args
    copy.__cause__ = error.__cause__
    copy.__suppress_context__ = True
    return copy


def caused_by(error: E, cause: BaseException) -> E:
    """A new error with its cause, for one that is handed to another thread instead of being raised."""
    if error is cause:
        raise ValueError("an error is not its own cause")
    error.__cause__ = cause
    return error
