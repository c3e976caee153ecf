"""One request to the service: sign, send, decode, raise.

The sections (`queues.py` and its siblings) call `Transport.send`; they never see HTTP. "200 but is_success false",
empty bodies, plain text and the gateway's own errors end here (dli-api 1.2, 3.2). Redirects are never followed:
credentials would go along. Bodies and headers are never logged. `exchange.py` bounds each exchange in time and size.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from importlib import metadata
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
import urllib3
from requests.auth import AuthBase
from urllib3.exceptions import InsecureRequestWarning, MaxRetryError, NewConnectionError

from pulumi_dli import patience
from pulumi_dli.api.exchange import DEFAULT_LIMITS, BoundedAdapter, Limits, TooLargeError, UnpackError, exchange
from pulumi_dli.api.iam import identity_of
from pulumi_dli.api.limiter import RateLimiter
from pulumi_dli.api.network import Route, fault, route_to
from pulumi_dli.api.responses import Request, Response, clip, decode, epoch, refusal, retry_after
from pulumi_dli.api.retry import DEFAULT_POLICY, Idempotency, RetryPolicy, with_retries
from pulumi_dli.clock import Clock
from pulumi_dli.connection import AccessKey, Connection
from pulumi_dli.errors import (
    AuthError,
    CancelledError,
    ConfigError,
    DliError,
    ThrottledError,
    UnexpectedAnswerError,
    UnknownOutcomeError,
    UnreadableOutcomeError,
    UnsentRequestError,
    reworded,
)
from pulumi_dli.redaction import Redactor
from pulumi_dli.threads import WorkerPool

T = TypeVar("T")

_log = logging.getLogger(__name__)
_ADDRESS_ERRORS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationValueError,
)
_SKEW_SECONDS = 300.0  # gateways usually bear 15 minutes (dli-api 2.2)


class Transport:
    """Sends requests over one connection pool; safe to use from many threads. Makes no call before the first `send`."""

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock,
        policy: RetryPolicy = DEFAULT_POLICY,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.connection = connection
        self.calls = 0
        self.service_time: float | None = None
        self._clock = clock
        self._policy = policy
        self._limits = limits
        self._gate = RateLimiter(connection.max_concurrency, clock, place=connection.endpoint)
        self._identity = identity_of(connection, clock)
        self._redact = Redactor(self._identity.secrets())
        self._counting = threading.Lock()
        route = route_to(connection.endpoint, connection)
        self._session = _session(connection, limits, route)
        self._verify = route.verify
        self._threads = WorkerPool(connection.max_concurrency, "dli")

    @property
    def project_id(self) -> str:
        """Of the connection, or of the token (then the first look asks IAM)."""
        return self._identity.project_id()

    def send(self, request: Request) -> Response:
        """The service's answer.

        Raises:
            ApiError: the service refused; its subclasses say what a caller can do about it.
            UnsentRequestError: the request never left.
            UnknownOutcomeError: it may have taken effect.
            CancelledError: the call was cancelled; nothing was sent, or only asked.
        """
        auth = self._identity.auth()
        try:
            return self._repeated(request, auth)
        except AuthError as error:
            # Refused before anything was done: safe for every kind of call, once (dli-api 3.6).
            stale = error.status == 401 or error.code in ("DLI.0013", "DLI.0015")
            if not stale or not self._identity.renew(auth):
                raise
        return self._repeated(request, self._identity.auth())

    def read(self, request: Request, reader: Callable[[Response], T]) -> T:
        """What `reader` makes of the service's answer.

        Raises: as `send`, and what `reader` raises.
        """
        answer = self.send(request)
        try:
            return self._threads.do(lambda: reader(answer))
        except UnexpectedAnswerError as error:
            if error.method:
                raise
            raise answer.unreadable(error.message) from error
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            raise answer.unreadable(f"values that cannot be read ({type(error).__name__})") from error

    def close(self) -> None:
        """End waiting callers and the pooled connections."""
        self._gate.close()
        self._session.close()

    def _repeated(self, request: Request, auth: AuthBase) -> Response:
        path = self._path(request)
        body = b"" if request.body is None else json_bytes(request.body)

        def pause(error: DliError, seconds: float) -> None:
            mine = patience.current()
            left = mine.seconds_left if mine is not None else None
            if left is not None and left < seconds:
                raise error  # the call's own time ends before the next attempt
            # After a 429 the gate itself is shut: the next attempt waits there, together with everybody else.
            if not isinstance(error, ThrottledError):
                self._gate.pause(seconds)

        lost: list[UnknownOutcomeError] = []

        def attempt() -> Response:
            try:
                return self._once(request, path, body, auth)
            except UnknownOutcomeError as error:
                lost.append(error)
                raise

        try:
            return with_retries(attempt, repeat=request.repeat, policy=self._policy, now=self._clock.now, pause=pause)
        except CancelledError:
            if lost and request.repeat is not Idempotency.READ:
                raise lost[-1] from None  # only the repetition was not sent: the first request may have taken effect
            raise

    def _once(self, request: Request, path: str, body: bytes, auth: AuthBase) -> Response:
        with self._gate.slot() as round_number:
            self._must_go_on(request)
            response, answer = exchange(
                lambda: self._exchange(request, path, body, auth),
                threads=self._threads,
                seconds=self._limits.seconds or self.connection.read_timeout_seconds,
                what=request.what,
                writes=request.repeat is not Idempotency.READ,
            )
            error = refusal(answer)
            if isinstance(error, ThrottledError):
                self._gate.throttled(round_number, error.retry_after_seconds)
            elif answer.status < 500:
                self._gate.succeeded(round_number)
        if error is None:
            return answer
        raise self._told(error, response)

    def _must_go_on(self, request: Request) -> None:
        """After a cancel nothing more is changed; what is there may still be looked at, for the state's sake."""
        mine = patience.current()
        if mine is not None and mine.cancelled.is_set() and request.repeat is not Idempotency.READ:
            raise CancelledError(f"{request.what}: not sent, since the deployment was cancelled; run `pulumi up` again")

    def _exchange(self, request: Request, path: str, body: bytes, auth: AuthBase) -> tuple[requests.Response, Response]:
        connection = self.connection
        with self._counting:
            self.calls += 1
        began = self._clock.now()
        try:
            response = self._session.request(
                request.method,
                connection.endpoint + path + _query(request.query),
                data=body or None,
                headers={"Content-Type": "application/json", "X-Language": connection.language},
                auth=auth,
                timeout=(connection.connect_timeout_seconds, connection.read_timeout_seconds),
                allow_redirects=False,
                verify=self._verify,
            )
        except (TooLargeError, UnpackError) as error:
            raise _unreadable(request, path, error) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # Not chained when it may be about a header that cannot be sent: its text quotes the header.
            cause = None if isinstance(error, ValueError) else error
            raise failure(error, request.what, connection.endpoint) from cause
        _log.debug("%s %s: %d, %.3f s", request.method, path, response.status_code, self._clock.now() - began)
        return response, self._answer(request, path, response)

    def _answer(self, request: Request, path: str, response: requests.Response) -> Response:
        date = response.headers.get("Date")
        with contextlib.suppress(ValueError, TypeError):  # an answer without a readable date tells no time
            self.service_time = epoch(date or "")
        value = decode(response.content)
        from_body = value.get("request_id") if isinstance(value, Mapping) else None
        return Response(
            request=request,
            status=response.status_code,
            value=value,
            path=path,
            request_id=clip(response.headers.get("X-Request-Id") or str(from_body or ""), 64),
            first_words=self._first_words(response.content),
            retry_after_seconds=retry_after(response.headers.get("Retry-After"), date),
        )

    def _first_words(self, content: bytes) -> str:
        words = clip(content[:400].decode("utf-8", errors="replace"), 80)
        return repr(self._redact(words)) if words else ""

    def _told(self, error: DliError, response: requests.Response) -> DliError:
        """The error without any secret the service echoed, and with a hint where we can tell the cause."""
        self._redact.add(self._identity.secrets())
        signed = isinstance(self.connection.credentials, AccessKey) and not self.connection.is_loopback
        # A service on this machine may run on a faster clock.
        hint = _skew_hint(response.headers.get("Date")) if isinstance(error, AuthError) and signed else ""
        return reworded(error, lambda text: self._redact(text) + hint)

    def _path(self, request: Request) -> str:
        segments = (request.version, self.project_id, *request.segments)
        if any(segment in ("", ".", "..") for segment in segments):
            raise ValueError(f"{request.what}: an empty or dotted name would address something else")
        return "".join(f"/{quote(segment, safe='~')}" for segment in segments)


def _session(connection: Connection, limits: Limits, route: Route) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # of the environment it takes what the route does, and no netrc file
    session.proxies = dict(route.proxies)
    session.headers["User-Agent"] = f"pulumi-dli/{_version()}"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = BoundedAdapter(
        limits.most_bytes, pool_connections=2, pool_maxsize=connection.max_concurrency, max_retries=0
    )
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    if connection.insecure:
        urllib3.disable_warnings(InsecureRequestWarning)  # asked for by dli:insecure
    return session


def json_bytes(body: Mapping[str, Any]) -> bytes:
    """A body as it is signed and sent: serialised once, without blanks."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def failure(error: Exception, what: str, endpoint: str) -> DliError:
    """What a failed exchange means: did the request leave this machine?"""
    known = fault(error, endpoint)
    if known is not None:
        kind, meaning = known
        return kind(f"{what}: {meaning}")
    kind = UnknownOutcomeError
    meaning = "the answer never came; the request may have taken effect"
    reason = error.args[0].reason if error.args and isinstance(error.args[0], MaxRetryError) else None
    if isinstance(error, requests.exceptions.ConnectTimeout):
        kind, meaning = UnsentRequestError, "no connection in time"
    elif isinstance(error, _ADDRESS_ERRORS):
        kind, meaning = ConfigError, "the address is not usable, see dli:endpoint"
    elif isinstance(error, ValueError):
        kind, meaning = ConfigError, "a credential holds characters that no header can carry"
    elif isinstance(reason, NewConnectionError):
        kind, meaning = UnsentRequestError, "no connection"
    elif not isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError):
        kind, meaning = UnsentRequestError, f"the connection cannot be set up ({type(error).__name__})"
    return kind(f"{what}: {meaning} ({urlsplit(endpoint).netloc})")


def _unreadable(request: Request, path: str, error: Exception) -> DliError:
    kind = UnexpectedAnswerError if request.repeat is Idempotency.READ else UnreadableOutcomeError
    return kind(f"{request.what}: {error}", status=200, method=request.method, path=path)


def _query(pairs: tuple[tuple[str, str], ...]) -> str:
    """Encoded as the signature wants it: a blank is `%20`, never `+` (dli-api 2.2)."""
    encoded = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(pairs))
    return f"?{encoded}" if encoded else ""


def _skew_hint(date: str | None) -> str:
    try:
        skew = epoch(date or "") - time.time()  # the time of day, which a signature carries
    except (ValueError, TypeError):
        return ""
    if abs(skew) < _SKEW_SECONDS:
        return ""
    return f" (this machine's clock is {abs(skew) / 60:.0f} minutes off the service's: signatures carry the time)"


def _version() -> str:
    try:
        return metadata.version("pulumi-dli")
    except metadata.PackageNotFoundError:
        return "0"
