"""Looks at objects in OBS, and notes of some bytes in it, without boto3's tables: those take 20 MB of the host.

`lifecycle/coalescing/` calls it before streams are stopped and where jobs are deleted. Requests travel by `requests`,
signed by botocore (of the extra `obs`). What moves files is in `obs.py`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import requests
from urllib3.util import Retry

from pulumi_dli.api.exchange import BoundedAdapter, exchange
from pulumi_dli.api.network import Route, fault, route_to
from pulumi_dli.api.paging import MOST_PAGES
from pulumi_dli.connection import AccessKey, Connection, is_loopback
from pulumi_dli.errors import ApiError, AuthError, ConfigError, NotFoundError, UnsentRequestError
from pulumi_dli.threads import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BYTES = 1024 * 1024
_LOOK_SECONDS = 20.0


class SmallObjects:
    """The object storage of one connection. Making one sends nothing. Thread-safe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = requests.Session()
        self._http.trust_env = False
        again = Retry(3, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504), allowed_methods=None)
        again.raise_on_status = False
        for scheme in ("https://", "http://"):
            adapter = BoundedAdapter(_MOST_BYTES, max_retries=again, pool_maxsize=connection.max_concurrency)
            self._http.mount(scheme, adapter)
        self._threads = WorkerPool(connection.max_concurrency, "notes")

    def close(self) -> None:
        """Close the pool."""
        self._http.close()
        self._threads.pool.shutdown(wait=False)

    def is_there(self, path: str) -> bool | None:
        """Whether there is such an object or bucket (`obs://bucket`); None where this user may not ask."""
        try:
            self._ask("HEAD", path)
        except NotFoundError:
            return False
        except AuthError:
            return None
        return True

    def read(self, path: str) -> bytes:
        """The content of an object."""
        return self._ask("GET", path)

    def write(self, path: str, content: bytes) -> None:
        """Store an object."""
        self._ask("PUT", path, body=content)

    def delete(self, path: str) -> None:
        """Delete an object; nothing to do when it is gone."""
        self._ask("DELETE", path)

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """The keys of all objects under a prefix.

        Raises:
            ApiError: the list does not end.
        """
        token = ""
        for _ in range(MOST_PAGES):
            query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
            page = _parsed(self._ask("GET", f"obs://{bucket}", query=query), bucket)
            yield from (key.text or "" for key in page.iterfind("{*}Contents/{*}Key"))
            token = page.findtext("{*}NextContinuationToken") or ""
            if not token:
                return
        raise ApiError(f"the list of obs://{bucket} does not end: {MOST_PAGES} pages were read", status=200, code="")

    @cached_property
    def _route(self) -> Route:
        return route_to(str(self._connection.obs_endpoint), self._connection)

    def _ask(self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes = b"") -> bytes:
        what = f"{_VERBS[method]} {path}"
        signed = self._signed(method, path, query or {}, body)
        seconds = (self._connection.connect_timeout_seconds, min(self._connection.read_timeout_seconds, _LOOK_SECONDS))

        def send() -> requests.Response:
            route = self._route
            return self._http.send(
                signed, timeout=seconds, allow_redirects=False, proxies=dict(route.proxies), verify=route.verify
            )

        try:
            answer = exchange(
                send, threads=self._threads, seconds=seconds[1], what=what, writes=method not in ("GET", "HEAD")
            )
        except (requests.RequestException, OSError) as error:
            kind, text = fault(error, str(self._connection.obs_endpoint)) or (
                UnsentRequestError,
                "OBS cannot be reached: check dli:obsEndpoint",
            )
            raise kind(f"{what}: {text}") from error
        if answer.status_code >= 300:
            raise _refusal(what, answer.status_code, answer.content)
        return answer.content

    def _signed(self, method: str, path: str, query: dict[str, str], body: bytes) -> requests.PreparedRequest:
        credentials = self._connection.credentials
        if not isinstance(credentials, AccessKey):
            raise ConfigError("OBS takes no token or password: set dli:accessKey and dli:secretKey")
        if not self._connection.obs_endpoint:
            raise ConfigError("the address of OBS is not known: set dli:region or dli:obsEndpoint")
        try:
            from botocore.auth import S3SigV4Auth  # noqa: PLC0415 -- an extra
            from botocore.awsrequest import AWSRequest  # noqa: PLC0415
            from botocore.credentials import Credentials  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError("OBS is asked by botocore: pip install 'pulumi-dli[obs]'") from error
        address = self._address(path)
        if query:
            address += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
        plain = AWSRequest(method=method, url=address, data=body or None)
        keys = Credentials(credentials.access_key, credentials.secret_key, credentials.security_token)
        S3SigV4Auth(keys, "s3", self._connection.region or "local").add_auth(plain)
        request = requests.Request(method, address, headers=dict(plain.headers.items()), data=body or None)
        return request.prepare()

    def _address(self, path: str) -> str:
        bucket, _, key = path.removeprefix("obs://").partition("/")
        endpoint = str(self._connection.obs_endpoint).rstrip("/")
        parts = urlsplit(endpoint)
        base = f"{endpoint}/{bucket}" if is_loopback(endpoint) else f"{parts.scheme}://{bucket}.{parts.netloc}"
        return f"{base}/{quote(key, safe='/~')}" if key else base


_VERBS = {"HEAD": "look for", "GET": "read", "PUT": "write", "DELETE": "delete"}


def _parsed(content: bytes, bucket: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(content)  # noqa: S314 -- of the service that holds the packages of every stream
    except ElementTree.ParseError as error:
        raise ApiError(f"the list of obs://{bucket} is not one of OBS", status=200, code="") from error


def _refusal(what: str, status: int, content: bytes) -> ApiError:
    try:
        told = ElementTree.fromstring(content) if content else None  # noqa: S314
    except ElementTree.ParseError:
        told = None
    code = (told.findtext("{*}Code") if told is not None else "") or ""
    said = (told.findtext("{*}Message") if told is not None else "") or code or f"HTTP {status}"
    kind = {401: AuthError, 403: AuthError, 404: NotFoundError}.get(status, ApiError)
    return kind(f"{what}: {said}", status=status, code=code)
