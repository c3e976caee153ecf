"""boto3's client of OBS, one for each connection: made of our settings alone, and bounded as the client of DLI is.

Nothing is taken from AWS's environment or files: both speak of another cloud. boto3 waits for each byte anew, unpacks
whatever comes, and hears no cancel; so each of its exchanges is one of ours (`exchange.py`). `obs.py` uses it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import urllib3

from pulumi_dli.api.exchange import DEFAULT_LIMITS, TooLargeError, exchange, read_bounded, told_pools
from pulumi_dli.api.network import route_to
from pulumi_dli.connection import AccessKey, Connection, is_loopback
from pulumi_dli.errors import ConfigError, DliError, UnknownOutcomeError
from pulumi_dli.threads import WorkerPool

_NO_FILE = ""  # boto3 finds no configuration there
_SLOWEST = 32 * 1024  # bytes a second, below which an upload is given up
_threads = WorkerPool(16, "obs")


_clients: dict[Connection, Any] = {}  # making one takes a tenth of a second; they are safe to use from many threads
_lock = threading.Lock()


def client_of(connection: Connection, purpose: str) -> Any:
    """The client of a connection.

    Raises:
        ConfigError: there is no access key, no address of OBS, or no boto3.
    """
    credentials = connection.credentials
    if not isinstance(credentials, AccessKey):
        raise ConfigError(
            f"{purpose} needs an access key: OBS takes no token or password. Set dli:accessKey and dli:secretKey, or "
            "upload the file yourself and give its obs:// path."
        )
    if not connection.obs_endpoint:
        raise ConfigError(f"{purpose} needs the address of OBS: set dli:region or dli:obsEndpoint.")
    try:
        import boto3  # noqa: F401, PLC0415 -- an extra, and slow to import
        from botocore.config import Config  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"{purpose} needs boto3: pip install 'pulumi-dli[obs]', or upload the file yourself and give its obs:// "
            "path."
        ) from error
    with _lock:
        if connection not in _clients:
            _clients[connection] = _new_client(connection, credentials, _session_of_its_own(), Config)
        return _clients[connection]


def _new_client(connection: Connection, credentials: AccessKey, session: Any, config: Any) -> Any:
    endpoint = str(connection.obs_endpoint)
    route = route_to(endpoint, connection)
    client = session.client(
        "s3",
        endpoint_url=endpoint,
        region_name=connection.region or "local",
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.security_token,
        verify=route.verify,
        config=config(
            proxies=dict(route.proxies),
            connect_timeout=connection.connect_timeout_seconds,
            read_timeout=connection.read_timeout_seconds,
            signature_version="s3v4",
            s3={"addressing_style": "path" if is_loopback(endpoint) else "virtual"},
            # Checksum trailers are an AWS addition that OBS does not know.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "max_attempts": 4},
        ),
    )
    _bound(client, connection)
    events = client.meta.events
    events.register_first("needs-retry.s3", _stay)
    for operation in ("PutObject", "CompleteMultipartUpload"):
        events.register(f"after-call.s3.{operation}", _stored)
    return client


def _session_of_its_own() -> Any:
    """A session of boto3 that reads neither AWS's environment nor its files: both speak of another cloud."""
    import boto3  # noqa: PLC0415 -- an extra, and slow to import
    from botocore.configprovider import (  # noqa: PLC0415
        BOTOCORE_DEFAUT_SESSION_VARIABLES,
        ConfigValueStore,
        ConstantProvider,
    )
    from botocore.session import Session  # noqa: PLC0415

    defaults = {name: default for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    defaults |= {"config_file": _NO_FILE, "credentials_file": _NO_FILE, "ca_bundle": None, "profile": None}
    session = Session()
    store = ConfigValueStore({name: ConstantProvider(value) for name, value in defaults.items()})
    session.register_component("config_store", store)
    return boto3.session.Session(botocore_session=session)


def _stay(response: Any, **_: Any) -> None:
    """A bucket that lives elsewhere is an error here; boto3 would go there with the signature, again and again."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    if response is None:
        return
    parsed = response[1]
    status = int(parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if 300 <= status < 400 or parsed.get("Error", {}).get("Code") == "AuthorizationHeaderMalformed":
        raise ClientError(parsed, "redirect")


def _stored(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """What stores an object says its ETag; a proxy's friendly page does not."""
    status = int(parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status < 300 and not parsed.get("ETag"):
        raise DliError(f"the answer to {model.name} is not one of OBS: check dli:obsEndpoint and the proxy")


def _bound(client: Any, connection: Connection) -> None:
    """Have each exchange end at a deadline, at a cancel, and at a length."""
    from botocore import awsrequest  # noqa: PLC0415 -- an extra, and slow to import

    session = client._endpoint.http_session  # botocore has no public place for it
    session._pool_classes_by_scheme.update(told_pools(awsrequest.AWSHTTPConnection, awsrequest.AWSHTTPSConnection))
    send: Callable[[Any], Any] = session.send

    def bounded(request: Any) -> Any:
        what = f"{request.method} {request.url.partition('?')[0]}"
        seconds = connection.read_timeout_seconds + _length(request) / _SLOWEST
        writes = request.method not in ("GET", "HEAD")
        return exchange(
            lambda: _whole(send, request, what), threads=_threads, seconds=seconds, what=what, writes=writes
        )

    session.send = bounded


def _whole(send: Callable[[Any], Any], request: Any, what: str) -> Any:
    """The answer with its body, which botocore itself would read without a limit."""
    request.stream_output = True
    response = send(request)
    try:
        response._content = read_bounded(response.raw, "", DEFAULT_LIMITS.most_bytes)
    except TooLargeError as error:
        response.raw.close()
        raise DliError(f"{what}: {error}: check dli:obsEndpoint") from error
    except urllib3.exceptions.HTTPError as error:
        raise UnknownOutcomeError(f"{what}: the answer of OBS was cut off") from error
    response.raw.release_conn()
    return response


def _length(request: Any) -> int:
    told = request.headers.get("Content-Length")
    text = told.decode("ascii", "replace") if isinstance(told, bytes) else str(told or "")
    return int(text) if text.isdecimal() else 0
