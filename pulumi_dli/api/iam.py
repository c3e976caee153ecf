"""Who we are to the service: a signature per request, or a token of IAM (dli-api 2.1).

`transport.py` asks for an auth object per request, and for a renewal once when it is refused. Tokens come through
keystoneauth1, which is loaded only when a password has to be turned into one. All resources share one token.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from requests import PreparedRequest, Session
from requests.auth import AuthBase

from pulumi_dli import patience
from pulumi_dli.api.exchange import DEFAULT_LIMITS, BoundedAdapter, exchange
from pulumi_dli.api.network import fault, route_to
from pulumi_dli.api.retry import DEFAULT_POLICY, Idempotency, RetryPolicy, with_retries
from pulumi_dli.api.signing import AccessKeyAuth
from pulumi_dli.clock import Clock
from pulumi_dli.connection import AccessKey, Connection, Password
from pulumi_dli.errors import (
    ApiError,
    AuthError,
    ConfigError,
    DliError,
    ThrottledError,
    UnexpectedAnswerError,
    UnsentRequestError,
)
from pulumi_dli.threads import WorkerPool

if TYPE_CHECKING:
    from keystoneauth1.access import AccessInfo


_TOKENS = "/auth/tokens"
# What keystoneauth1 raises when the body of an answer is not what it takes for granted.
_STRANGE = (KeyError, ValueError, TypeError, AttributeError, IndexError, RecursionError)


class TokenAuth(AuthBase):
    """Sends a token along."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["X-Auth-Token"] = self.token
        return r


class Identity(Protocol):
    """What the transport needs to know about credentials."""

    def auth(self) -> AuthBase:
        """For the next request; may ask IAM for a token."""

    def project_id(self) -> str:
        """Of the configuration, or of the token."""

    def renew(self, refused: AuthBase) -> bool:
        """After a 401: whether it is worth trying again with another `auth()`."""

    def secrets(self) -> tuple[str, ...]:
        """Texts that must not appear in any message."""


class FixedIdentity:
    """An access key or a ready token: nothing to ask for, nothing to renew."""

    def __init__(self, connection: Connection) -> None:
        if connection.project_id is None:
            raise ConfigError("The setting dli:projectId is missing: it is needed with an access key or a ready token.")
        self._project_id = connection.project_id
        credentials = connection.credentials
        if isinstance(credentials, AccessKey):
            self._auth: AuthBase = AccessKeyAuth(credentials, self._project_id)
            self._secrets: tuple[str, ...] = (credentials.secret_key, credentials.security_token or "")
        elif isinstance(credentials, Password):
            raise TypeError("a password has to be turned into a token")
        else:
            self._auth = TokenAuth(credentials.token)
            self._secrets = (credentials.token,)

    def auth(self) -> AuthBase:
        return self._auth

    def project_id(self) -> str:
        return self._project_id

    def renew(self, refused: AuthBase) -> bool:  # noqa: ARG002 -- nothing to look at
        return False

    def secrets(self) -> tuple[str, ...]:
        return self._secrets


class PasswordIdentity:
    """An IAM user: one token for all threads, fetched when first needed, renewed before it expires or when refused."""

    def __init__(
        self, connection: Connection, password: Password, *, clock: Clock, policy: RetryPolicy = DEFAULT_POLICY
    ) -> None:
        if connection.iam_endpoint is None:
            raise ConfigError("The setting dli:authUrl is missing: a password is turned into a token there.")
        self._iam = connection.iam_endpoint
        self._connection = connection
        self._password = password
        self._clock = clock
        self._policy = policy
        self._lock = threading.Lock()
        self._never = threading.Event()
        self._threads = WorkerPool(1, "iam")
        self._access: AccessInfo | None = None

    def auth(self) -> AuthBase:
        return TokenAuth(str(self._current().auth_token))

    def project_id(self) -> str:
        if self._connection.project_id is not None:
            return self._connection.project_id
        project_id = self._current().project_id
        if not project_id:
            raise ConfigError("IAM's token names no project: set dli:projectId or dli:projectName.")
        return str(project_id)

    def renew(self, refused: AuthBase) -> bool:
        with self._lock:
            current = self._access
            if current is not None and isinstance(refused, TokenAuth) and current.auth_token == refused.token:
                self._access = None  # else another thread has renewed it already
        return True

    def secrets(self) -> tuple[str, ...]:
        access = self._access
        return (self._password.password, str(access.auth_token) if access is not None else "")

    def _current(self) -> AccessInfo:
        with patience.holding(self._lock, "a token of IAM"):
            if self._access is None or self._access.will_expire_soon():
                self._access = with_retries(
                    self._ask,
                    repeat=Idempotency.READ,
                    policy=self._policy,
                    now=self._clock.now,
                    pause=lambda _error, seconds: patience.pause(self._clock, seconds, closed=self._never),
                )
            return self._access

    def _ask(self) -> AccessInfo:
        seconds = self._connection.read_timeout_seconds
        what = f"a token of IAM ({self._iam})"
        return exchange(self._fetch, threads=self._threads, seconds=seconds, what=what, writes=False)

    def _fetch(self) -> AccessInfo:
        from keystoneauth1 import exceptions, session  # noqa: PLC0415 -- 100 ms that access keys never need
        from keystoneauth1.identity import v3  # noqa: PLC0415

        connection, password = self._connection, self._password
        plugin = v3.Password(
            auth_url=self._iam,
            username=password.user_name,
            password=password.password,
            user_domain_name=password.domain_name,
            user_domain_id=password.domain_id,
            project_id=connection.project_id,
            project_name=None if connection.project_id else password.project_name,
            project_domain_name=None if connection.project_id else password.domain_name,
            project_domain_id=None if connection.project_id else password.domain_id,
        )
        route = route_to(self._iam, connection)
        with Session() as http:
            http.trust_env = False  # else a netrc file's login for that host would go along
            http.proxies = dict(route.proxies)
            for scheme in ("https://", "http://"):
                http.mount(scheme, BoundedAdapter(DEFAULT_LIMITS.most_bytes))
            keystone = session.Session(
                session=http,
                verify=route.verify,
                timeout=connection.read_timeout_seconds,
                redirect=False,
            )
            try:
                return _checked(plugin.get_access(keystone))
            except exceptions.ClientException as error:
                # Not chained: its own text may quote the request.
                raise _translated(error, exceptions, self._iam) from None
            except _STRANGE as error:
                raise UnexpectedAnswerError(
                    f"the answer of IAM ({self._iam}) holds no token that can be used ({type(error).__name__})",
                    status=201,
                    method="POST",
                    path=_TOKENS,
                ) from None


def identity_of(connection: Connection, clock: Clock) -> Identity:
    """The identity for a connection's credentials."""
    if isinstance(connection.credentials, Password):
        return PasswordIdentity(connection, connection.credentials, clock=clock)
    return FixedIdentity(connection)


def _checked(access: AccessInfo) -> AccessInfo:
    """Raises one of `_STRANGE` unless the token can be sent and tells when it ends."""
    token = access.auth_token
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise ValueError("no token")
    access.will_expire_soon()
    if not isinstance(access.project_id, str | None):
        raise TypeError("no project id")
    return access


def _translated(error: Exception, exceptions: Any, iam: str) -> DliError:
    """An error of keystoneauth1 as one of ours."""
    known = fault(error, iam)
    if known is not None:
        kind_of_fault, text = known
        return kind_of_fault(f"a token of IAM: {text}")
    if isinstance(error, exceptions.connection.ConnectionError):
        return UnsentRequestError(f"IAM ({iam}) cannot be reached")
    status = int(getattr(error, "http_status", 0) or 0)
    kind: type[ApiError] = ApiError
    text = f"IAM ({iam}) gave no token"
    if status in (400, 401, 403, 404):
        kind = AuthError
        text += (
            ": check the user name, password, domain name and project "
            "(dli:userName, dli:password, dli:domainName, dli:projectName) and dli:authUrl"
        )
    elif status == 429:
        kind = ThrottledError
    return kind(text, status=status, method="POST", path=_TOKENS)
