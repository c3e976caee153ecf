"""The local DLI on a port: routes, authentication, scripted faults, headers, the journal. Loopback only.

Every request is handled whole on the event loop's thread: read, check, catch up with the clock, handle, commit, answer.
Only delays, latency and cut connections are asynchronous. An answer leaves after the commit.
"""

from __future__ import annotations

import asyncio
import errno
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from pulumi_dli.emulator.console import page
from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.errors import GatewayRefusal, Refusal, disk_full, unpublished
from pulumi_dli.emulator.core.faults import Fault
from pulumi_dli.emulator.core.journal import Entry, ids_in, without_secrets
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.core.service import Operation
from pulumi_dli.emulator.core.store import StorageError
from pulumi_dli.emulator.iam.records import Presented, versions
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.objects import calls as s3
from pulumi_dli.emulator.objects.upload import Incoming as UploadFile
from pulumi_dli.emulator.objects.upload import UploadError, check_size
from pulumi_dli.emulator.server import control, guard
from pulumi_dli.emulator.server.bodies import parse_json, read_body
from pulumi_dli.emulator.services import OPERATIONS

CONTROL = "/__dli/"
OUTSIDE_OF_DLI = ("iam.", "objects.", "buckets.")  # their clients and they live by the wall clock
ANY_METHOD = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]
STATUS_ERRORS = {
    408: ("DLI.0019", "The task timed out."),
    429: ("APIGW.0308", "The throttling threshold has been reached."),
    500: ("DLI.0999", "Server-side error."),
    502: ("APIGW.0201", "Bad gateway."),
    503: ("APIGW.0201", "The service is unavailable."),
    504: ("APIGW.0201", "The backend timed out."),
}
SAFE_HEADERS = {  # an answer shows what callers sent: no browser is to run it
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
READS = frozenset(operation.name for operation in OPERATIONS if operation.reads) | {"iam.tokens"}
_LOOK_SECONDS = 0.01
DUPLICATES = {"queues.create": "DLI.0006", "pools.create": "DLI.0006"}


class _CutConnectionError(Exception):
    """The client is to get no answer at all."""


class _NoJson:
    """The body of a request that is not valid JSON."""


NO_JSON = _NoJson()


@dataclass
class Incoming:
    """A request whose body has been read."""

    operation: str
    request: Request
    body: bytes = b""
    parsed: Any = None
    upload: UploadFile | None = None
    fault: Fault | None = None


Handle = Callable[[Incoming], Reply]


class App:
    """The ASGI application over one dli."""

    def __init__(self, dli: LocalDli, *, base_url: str) -> None:
        self._dli = dli
        self._base_url = base_url
        self.transports: dict[tuple[str, int], asyncio.Transport] = {}
        self._starlette = Starlette(routes=self._routes(), exception_handlers={404: self._unknown, 405: self._unknown})
        self._starlette.router.redirect_slashes = False

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What uvicorn calls: foreign requests end here."""
        reason = guard.refusal(scope["headers"])
        if reason:
            reply = Reply(403, {"error_code": "LOCAL.0403", "error_msg": reason})
            await _response(reply)(scope, receive, send)
        else:
            await self._starlette(scope, receive, send)

    def _routes(self) -> list[BaseRoute]:
        fixed: list[BaseRoute] = [
            Route(CONTROL + "{path:path}", self._control, methods=ANY_METHOD),
            Route("/", self._root, methods=["GET"]),
            Route("/v3", self._versions, methods=["GET"]),
            Route("/v3/", self._versions, methods=["GET"]),
            Route("/v3/auth/tokens", self._endpoint("iam.tokens", self._tokens), methods=["POST"]),
            Route("/v3/projects", self._endpoint("iam.projects", self._projects), methods=["GET"]),
            Route("/v3/auth/projects", self._endpoint("iam.projects", self._projects), methods=["GET"]),
            Route("/obs", self._objects, methods=ANY_METHOD),
            Route("/obs/", self._objects, methods=ANY_METHOD),
            Route("/obs/{bucket}", self._objects, methods=ANY_METHOD),
            Route("/obs/{bucket}/{key:path}", self._objects, methods=ANY_METHOD),
        ]
        return fixed + [Route(op.path, self._operation_endpoint(op), methods=[op.method]) for op in OPERATIONS]

    # outside of DLI

    async def _control(self, request: Request) -> Response:
        try:
            reply = self._controlled(request, await read_body(request))
        except ClientDisconnect:
            return Response()
        except Refusal as refusal:
            reply = Reply(refusal.status, {**refusal.body, "error": refusal.message})
        return _response(reply)

    def _controlled(self, request: Request, body: bytes) -> Reply:
        """No form and no plain text: a browser sends those for any page without asking first."""
        reads = request.method in ("GET", "HEAD")
        if not reads and media_type(request) != "application/json":
            raise Refusal(415, "DLI.0001", "Control calls take application/json only.")
        self._dli.iam.check_operator(_presented(request, body))
        return self._act(reads=reads, handle=lambda: self._control_reply(request, body))

    def _control_reply(self, request: Request, content: bytes) -> Reply:
        try:
            body = parse_json(content) if content else {}
        except ValueError as error:
            return Reply(400, {"error": f"the body is not valid JSON: {error}"})
        return control.handle(self._dli, request.method, request.path_params["path"], request.query_params, body)

    def _act(self, *, reads: bool, handle: Callable[[], Reply]) -> Reply:
        """Handle, and commit. With a full disk, reads are answered all the same and writes leave nothing behind."""
        try:
            reply = handle()
        except Refusal:
            self._commit(reads=True)  # what the clock brought, not what the call wanted
            raise
        except StorageError as error:
            raise self._undone(str(error)) from error
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            raise self._undone(error.strerror or "") from error
        self._commit(reads=reads)
        return reply

    def _commit(self, *, reads: bool) -> None:
        try:
            self._dli.store.commit()
        except StorageError as error:
            if not reads:
                raise self._undone(str(error)) from error

    def _undone(self, reason: str) -> Refusal:
        self._dli.restore()
        return disk_full(reason)

    async def _root(self, request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            self._dli.part(Jobs).catch_up()
            return Response(page.render(self._dli), media_type="text/html", headers=page.HEADERS)
        return _response(Reply(300, {"versions": {"values": [versions(self._base_url)]}}))

    async def _versions(self, _: Request) -> Response:
        return _response(Reply(200, {"version": versions(self._base_url)}))

    async def _unknown(self, request: Request, _: Exception) -> Response:
        def refuse(incoming: Incoming) -> Reply:
            raise unpublished(incoming.request.method, incoming.request.url.path)

        return await self._endpoint("unknown", refuse)(request)

    def _tokens(self, incoming: Incoming) -> Reply:
        return self._dli.iam.issue(incoming.parsed, base_url=self._base_url)

    def _projects(self, incoming: Incoming) -> Reply:
        self._dli.iam.user_of(_presented(incoming.request, incoming.body), project_id="")
        return self._dli.iam.projects(incoming.request.query_params.get("name", ""))

    async def _objects(self, request: Request) -> Response:
        params, query = request.path_params, dict(request.query_params)
        bucket, key = params.get("bucket", ""), params.get("key", "")

        headers = {name.lower(): value for name, value in request.headers.items()}
        plain = s3.S3Call(self._dli, request.method, bucket, key, query, headers)

        def handle(incoming: Incoming) -> Reply:
            checkpoints = getattr(self._dli.runtime, "checkpoint_all", None)
            if checkpoints and bucket and not key:
                checkpoints()
            return s3.handle(replace(plain, body=incoming.body, upload=incoming.upload))

        operation = s3.operation_of(request.method, bucket, key, query)
        response = await self._journaled(request, operation, handle, plain if request.method == "PUT" and key else None)
        response.headers.setdefault("Content-Disposition", "attachment")
        return response

    # DLI

    def _operation_endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        def handle(incoming: Incoming) -> Reply:
            return self._handle(operation, incoming)

        return self._endpoint(operation.name, handle)

    def _handle(self, operation: Operation, incoming: Incoming) -> Reply:
        dli, request, body = self._dli, incoming.request, incoming.body
        params = request.path_params
        kind = media_type(request)
        if (kind and kind != "application/json") or (body and not kind):
            raise GatewayRefusal(415, "DLI.0001", f"Unsupported media type: {kind or 'none'}.")
        user = dli.iam.user_of(_presented(incoming.request, incoming.body), project_id=params["project_id"])
        if operation.feature and getattr(dli.quirks, operation.feature):
            raise unpublished(request.method, request.url.path)
        if operation.name == "packages.replace" and params["variant"] not in ("jars", "pyfiles", "files"):
            raise unpublished(request.method, request.url.path)
        if incoming.parsed is NO_JSON or (body and incoming.parsed is None):
            raise Refusal(400, "DLI.0001", "The request body is not valid JSON.")
        fault = incoming.fault
        partial = fault if fault is not None and fault.effect == "partial_batch" else None
        call = Call(
            core=dli,
            operation=operation.name,
            project_id=params["project_id"],
            params=params,
            query=request.query_params,
            body=incoming.parsed,
            user=user,
            fault=partial,
        )
        return operation.handler(call)

    # every journaled request

    def _endpoint(self, operation: str, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await self._journaled(request, operation, handle)

        return endpoint

    async def _journaled(
        self, request: Request, operation: str, handle: Handle, upload_of: s3.S3Call | None = None
    ) -> Response:
        begun = time.perf_counter()
        incoming = Incoming(operation, request)
        try:
            refused = await self._receive(incoming, upload_of)
            return refused or await self._answered(incoming, handle, begun)
        except ClientDisconnect:
            return Response()
        finally:
            if incoming.upload is not None:
                incoming.upload.discard()

    async def _receive(self, incoming: Incoming, upload_of: s3.S3Call | None) -> Response | None:
        """Read the body, or say why not."""
        request = incoming.request
        try:
            if upload_of is not None:
                await self._receive_upload(incoming, upload_of)
            else:
                incoming.body = await read_body(request)
                if not incoming.operation.startswith(("objects.", "buckets.")):
                    incoming.parsed = _parsed(incoming.body)
        except (UploadError, s3.S3Error) as error:
            return _response(s3.refused(error, request.path_params["bucket"], request.path_params["key"]))
        except Refusal as refusal:
            return _response(Reply(refusal.status, refusal.body))
        return None

    async def _receive_upload(self, incoming: Incoming, call: s3.S3Call) -> None:
        s3.check_access(call)
        check_size(incoming.request.headers.get("content-length", ""))
        try:
            incoming.upload = self._dli.objects.incoming(framed=s3.is_framed(call.headers))
            async for chunk in incoming.request.stream():
                incoming.upload.feed(chunk)
        except OSError as error:
            full = disk_full(error.strerror or str(error))
            raise s3.S3Error(full.status, full.code, full.message) from error

    async def _answered(self, incoming: Incoming, handle: Handle, begun: float) -> Response:
        entry = self._entry(incoming.operation, incoming.request, incoming.parsed)
        fault = incoming.fault = self._dli.faults.for_call(
            incoming.operation, incoming.request.url.path, incoming.parsed
        )
        if fault is not None:
            entry.fault = str(fault.effect)
        wait = self._dli.settings.latency_ms / 1000 + (fault.seconds_before if fault else 0.0)
        if wait:
            await asyncio.sleep(wait)
        try:
            reply = self._answer(incoming, handle)
            entry.status = reply.status
            await self._hold(fault)
        except _CutConnectionError:
            await self._cut(incoming.request)
            return Response()
        finally:
            entry.milliseconds = round((time.perf_counter() - begun) * 1000, 3)
        return _response(reply)

    def _answer(self, incoming: Incoming, handle: Handle) -> Reply:
        fault = incoming.fault
        dli, request_id = self._dli, uuid.uuid4().hex
        reads = incoming.request.method in ("GET", "HEAD") or incoming.operation in READS
        try:
            if fault is not None:
                _play(incoming, fault)
            reply = self._act(reads=reads, handle=lambda: self._caught_up(incoming, handle))
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body)
            if isinstance(refusal, GatewayRefusal):
                reply.body["request_id"] = request_id
            if fault is not None and fault.retry_after is not None:
                reply.headers = {"Retry-After": str(fault.retry_after)}
        if fault is not None and fault.effect == "drop_after":
            raise _CutConnectionError
        elsewhere = incoming.operation.startswith(OUTSIDE_OF_DLI)
        date = formatdate(usegmt=True) if elsewhere else dli.clock.http_date()
        fixed = {"Date": date, "X-Request-Id": request_id}
        reply.headers = {**fixed, **reply.headers}
        return reply

    def _caught_up(self, incoming: Incoming, handle: Handle) -> Reply:
        self._dli.jobs.catch_up()
        return handle(incoming)

    def _entry(self, operation: str, request: Request, parsed: Any) -> Entry:
        params, query = dict(request.path_params), dict(request.query_params)
        entry = Entry(
            seq=0,
            time=time.time(),
            service_time=self._dli.clock.now(),
            method=request.method,
            path=request.url.path,
            query={key: value for key, value in query.items() if "ignature" not in key and "oken" not in key},
            operation=operation,
            project_id=params.get("project_id", ""),
            ids=ids_in(params, query, parsed),
            body=None if operation.startswith("iam.") else without_secrets(parsed),
        )
        self._dli.journal.add(entry)
        return entry

    async def _hold(self, fault: Fault | None) -> None:
        if fault is None or fault.effect != "held_answer":
            return
        until = time.monotonic() + fault.delay
        while time.monotonic() < until and fault in self._dli.faults.listed:
            await asyncio.sleep(_LOOK_SECONDS)

    async def _cut(self, request: Request) -> None:
        transport = self.transports.get(request.scope["client"])
        if transport is not None:
            transport.abort()
        while (await request.receive())["type"] != "http.disconnect":
            pass


def _play(incoming: Incoming, fault: Fault) -> None:
    """The faults that replace the effect; the others let the call go on."""
    if fault.effect == "drop_before":
        raise _CutConnectionError
    if fault.effect == "gateway_404":
        raise unpublished(incoming.request.method, incoming.request.url.path)
    if fault.effect == "duplicate_name":
        raise Refusal(400, DUPLICATES.get(incoming.operation, "DLI.11004"), fault.message or "The name already exists.")
    if isinstance(fault.effect, int):
        code, message = STATUS_ERRORS.get(fault.effect, ("DLI.0999", "Server-side error."))
        refusal = Refusal(fault.effect, fault.code or code, fault.message or message)
        refusal.shape = fault.body
        raise refusal


def _presented(request: Request, body: bytes) -> Presented:
    raw_path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").split("?")[0]
    raw_query = request.scope["query_string"].decode("latin-1")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Presented(request.method, raw_path, raw_query, headers, body)


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError:
        return NO_JSON


def media_type(request: Request) -> str:
    return str(request.headers.get("content-type", "")).split(";")[0].strip().lower()


def _response(reply: Reply) -> Response:
    content = reply.raw
    headers = {**SAFE_HEADERS, **reply.headers}
    if content is None:
        content = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()
    media_type = reply.media_type if content or reply.media_type != "application/json" else None
    return Response(content, status_code=reply.status, headers=headers, media_type=media_type)
