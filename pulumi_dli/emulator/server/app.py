"""The local DLI on a port: routes, authentication, scripted faults, headers, the journal. Loopback only.

Every request is handled whole on the event loop's thread: read, check, catch up with the clock, handle, commit, answer.
Only delays, latency and cut connections are asynchronous. An answer leaves after the commit.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pulumi_dli.emulator.console import page
from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.errors import GatewayRefusal, Refusal, unpublished
from pulumi_dli.emulator.core.faults import Fault
from pulumi_dli.emulator.core.journal import Entry, ids_in, without_secrets
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.core.service import Operation
from pulumi_dli.emulator.iam.records import Presented, versions
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.objects import calls as s3
from pulumi_dli.emulator.server import control
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
_LOOK_SECONDS = 0.01
DUPLICATES = {"queues.create": "DLI.0006", "pools.create": "DLI.0006"}


class _CutConnectionError(Exception):
    """The client is to get no answer at all."""


@dataclass
class Incoming:
    """A request whose body has been read."""

    operation: str
    request: Request
    body: bytes
    parsed: Any
    fault: Fault | None


Handle = Callable[[Incoming], Reply]


class App:
    """The ASGI application over one dli."""

    def __init__(self, dli: LocalDli, *, base_url: str) -> None:
        self._dli = dli
        self._base_url = base_url
        self.connections: dict[tuple[str, int], asyncio.Transport] = {}
        self.asgi = Starlette(routes=self._routes(), exception_handlers={404: self._unknown, 405: self._unknown})
        self.asgi.router.redirect_slashes = False

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
        content = await request.body()
        body = _json(content) if content else {}
        reply = control.handle(self._dli, request.method, request.path_params["path"], request.query_params, body)
        self._dli.store.commit()
        return _response(reply)

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
        self._dli.iam.user_of(_presented(incoming), project_id="")
        return self._dli.iam.projects(incoming.request.query_params.get("name", ""))

    async def _objects(self, request: Request) -> Response:
        params, query = request.path_params, dict(request.query_params)
        bucket, key = params.get("bucket", ""), params.get("key", "")

        def handle(incoming: Incoming) -> Reply:
            checkpoints = getattr(self._dli.runtime, "checkpoint_all", None)
            if checkpoints and bucket and not key:
                checkpoints()
            headers = {name.lower(): value for name, value in request.headers.items()}
            return s3.handle(s3.S3Call(self._dli, request.method, bucket, key, query, headers, incoming.body))

        return await self._endpoint(s3.operation_of(request.method, bucket, key, query), handle)(request)

    # DLI

    def _operation_endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        def handle(incoming: Incoming) -> Reply:
            return self._handle(operation, incoming)

        return self._endpoint(operation.name, handle)

    def _handle(self, operation: Operation, incoming: Incoming) -> Reply:
        dli, request, body = self._dli, incoming.request, incoming.body
        params = request.path_params
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if (kind and kind != "application/json") or (body and not kind):
            raise GatewayRefusal(415, "DLI.0001", f"Unsupported media type: {kind or 'none'}.")
        user = dli.iam.user_of(_presented(incoming), project_id=params["project_id"])
        if operation.feature and getattr(dli.quirks, operation.feature):
            raise unpublished(request.method, request.url.path)
        if operation.name == "packages.replace" and params["variant"] not in ("jars", "pyfiles", "files"):
            raise unpublished(request.method, request.url.path)
        if body and incoming.parsed is None:
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
            begun = time.perf_counter()
            body = await request.body()
            parsed = None if operation.startswith(("objects.", "buckets.")) else _json(body)
            entry = self._entry(operation, request, parsed)
            fault = self._dli.faults.for_call(operation, request.url.path, parsed)
            if fault is not None:
                entry.fault = str(fault.effect)
            wait = self._dli.settings.latency_ms / 1000 + (fault.seconds_before if fault else 0.0)
            if wait:
                await asyncio.sleep(wait)
            try:
                reply = self._answer(Incoming(operation, request, body, parsed, fault), handle)
                entry.status = reply.status
                await self._hold(fault)
            except _CutConnectionError:
                await self._cut(request)
                return Response()
            finally:
                entry.milliseconds = round((time.perf_counter() - begun) * 1000, 3)
            return _response(reply)

        return endpoint

    def _answer(self, incoming: Incoming, handle: Handle) -> Reply:
        fault = incoming.fault
        dli, request_id = self._dli, uuid.uuid4().hex
        try:
            if fault is not None:
                _play(incoming, fault)
            dli.part(Jobs).catch_up()
            reply = handle(incoming)
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body)
            if isinstance(refusal, GatewayRefusal):
                reply.body["request_id"] = request_id
            if fault is not None and fault.retry_after is not None:
                reply.headers = {"Retry-After": str(fault.retry_after)}
        dli.store.commit()
        if fault is not None and fault.effect == "drop_after":
            raise _CutConnectionError
        elsewhere = incoming.operation.startswith(OUTSIDE_OF_DLI)
        date = formatdate(usegmt=True) if elsewhere else dli.clock.http_date()
        fixed = {"Date": date, "X-Request-Id": request_id}
        reply.headers = {**fixed, **reply.headers}
        return reply

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
        transport = self.connections.get(request.scope["client"])
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


def _presented(incoming: Incoming) -> Presented:
    request = incoming.request
    raw_path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").split("?")[0]
    raw_query = request.scope["query_string"].decode("latin-1")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Presented(request.method, raw_path, raw_query, headers, incoming.body)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _response(reply: Reply) -> Response:
    content = reply.raw
    headers = dict(reply.headers)
    if content is None:
        content = b"" if reply.body is None else json.dumps(reply.body, ensure_ascii=False).encode()
    media_type = reply.media_type if content or reply.media_type != "application/json" else None
    return Response(content, status_code=reply.status, headers=headers, media_type=media_type)
