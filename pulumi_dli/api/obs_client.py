"""boto3's client of OBS, one for each connection: made of our settings alone, and bounded as the client of DLI is.

Nothing is taken from AWS's environment or files: both speak of another cloud. boto3 waits for each byte anew, unpacks
whatever comes, and hears no cancel; so each of its exchanges is one of ours (`exchange.py`). `obs.py` uses it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import urllib3

from pulumi_dli.api.exchange import DEFAULT_LIMITS, TooLargeError, exchange, read_bounded, told_pools
from pulumi_dli.api.network import Route, route_to
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
        import botocore  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            f"{purpose} needs boto3: pip install 'pulumi-dli[obs]', or upload the file yourself and give its obs:// "
            "path."
        ) from error
    with _lock:
        if connection not in _clients:
            try:
                _clients[connection] = _new_client(connection, credentials, _session_of_its_own(), Config)
            except (ImportError, AttributeError) as error:  # it uses parts of botocore that nobody promises to keep
                raise ConfigError(
                    f"{purpose} does not work with the botocore that is installed ({botocore.__version__}: {error}): "
                    "install an earlier one, or upload the file yourself and give its obs:// path."
                ) from error
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
    events = client.meta.events
    events.register_first("before-send.s3", _bounded(connection, route))
    events.register_first("needs-retry.s3", _stay)
    for operation in ("PutObject", "CompleteMultipartUpload"):
        events.register(f"after-call.s3.{operation}", _stored)
    return client


def _session_of_its_own() -> Any:
    """A session of boto3 that reads neither AWS's environment nor its files: both speak of another cloud."""
    import boto3  # noqa: PLC0415 -- an extra, and slow to import
    from botocore.configprovider import ConfigValueStore, ConstantProvider  # noqa: PLC0415
    from botocore.loaders import Loader  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    defaults = {name: default for name, (_, _, default, _) in Session.SESSION_VARIABLES.items()}
    defaults |= {"config_file": _NO_FILE, "credentials_file": _NO_FILE, "ca_bundle": None, "profile": None}
    session = Session()
    store = ConfigValueStore({name: ConstantProvider(value) for name, value in defaults.items()})
    session.register_component("config_store", store)
    of_botocore = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    session.register_component("data_loader", of_botocore)  # none of AWS_DATA_PATH and ~/.aws/models
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


def _bounded(connection: Connection, route: Route) -> Callable[..., Any]:
    """What sends a request in boto3's place: each exchange ends at a deadline, at a cancel, and at a length.

    boto3 takes the answer of who hears of a request before it is sent, so nothing of its own is changed.
    """
    from botocore import awsrequest  # noqa: PLC0415 -- an extra, and slow to import
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415

    session = URLLib3Session(
        verify=route.verify,
        proxies=dict(route.proxies),
        timeout=(connection.connect_timeout_seconds, connection.read_timeout_seconds),
    )
    pools = getattr(session, "_pool_classes_by_scheme", None)
    if isinstance(pools, dict):  # else a call is left in time as ever, and its thread at the read timeout only
        pools.update(told_pools(awsrequest.AWSHTTPConnection, awsrequest.AWSHTTPSConnection))

    def send(request: Any, **_: Any) -> Any:
        what = f"{request.method} {request.url.partition('?')[0]}"
        return exchange(
            lambda: _whole(session.send, request, what),
            threads=_threads,
            seconds=connection.read_timeout_seconds + _length(request) / _SLOWEST,
            what=what,
            writes=request.method not in ("GET", "HEAD"),
        )

    return send


class _Read:
    """A body that was read already, as botocore takes one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def _whole(send: Callable[[Any], Any], request: Any, what: str) -> Any:
    """The answer with its body, which botocore itself would read without a limit."""
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 -- an extra, and slow to import

    request.stream_output = True
    response = send(request)
    try:
        body = read_bounded(response.raw, "", DEFAULT_LIMITS.most_bytes)
    except TooLargeError as error:
        response.raw.close()
        raise DliError(f"{what}: {error}: check dli:obsEndpoint") from error
    except urllib3.exceptions.HTTPError as error:
        raise UnknownOutcomeError(f"{what}: the answer of OBS was cut off") from error
    response.raw.release_conn()
    return AWSResponse(response.url, response.status_code, response.headers, _Read(body))


def _length(request: Any) -> int:
    told = request.headers.get("Content-Length")
    text = told.decode("ascii", "replace") if isinstance(told, bytes) else str(told or "")
    return int(text) if text.isdecimal() else 0
