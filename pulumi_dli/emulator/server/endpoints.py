"""What every request to the service passes: the body, scripted faults, latency, headers, the journal.

Only delays, latency and cut connections are asynchronous. An answer leaves after the commit.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pulumi_dli.emulator.core.errors import GatewayRefusal, Refusal, disk_full, unpublished
from pulumi_dli.emulator.core.faults import Fault
from pulumi_dli.emulator.core.journal import Entry, ids_in, without_secrets
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.objects import calls as s3
from pulumi_dli.emulator.objects.upload import UploadError, check_size
from pulumi_dli.emulator.server.bodies import read_body
from pulumi_dli.emulator.server.commits import Commits
from pulumi_dli.emulator.server.requests import Handle, Incoming, parsed, response
from pulumi_dli.emulator.services import OPERATIONS

OUTSIDE_OF_DLI = ("iam.", "objects.", "buckets.")  # their clients and they live by the wall clock
STATUS_ERRORS = {
    408: ("DLI.0019", "The task timed out."),
    429: ("APIGW.0308", "The throttling threshold has been reached."),
    500: ("DLI.0999", "Server-side error."),
    502: ("APIGW.0201", "Bad gateway."),
    503: ("APIGW.0201", "The service is unavailable."),
    504: ("APIGW.0201", "The backend timed out."),
}
READS = frozenset(operation.name for operation in OPERATIONS if operation.reads) | {"iam.tokens"}
_LOOK_SECONDS = 0.01
DUPLICATES = {"queues.create": "DLI.0006", "pools.create": "DLI.0006"}


class _CutConnectionError(Exception):
    """The client is to get no answer at all."""


class Endpoints:
    """Makes handlers into endpoints of one local DLI."""

    def __init__(self, dli: LocalDli, commits: Commits) -> None:
        self._dli, self._commits = dli, commits
        self.transports: dict[tuple[str, int], asyncio.Transport] = {}

    def endpoint(self, operation: str, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self.journaled(request, operation, handle)

        return answer

    async def journaled(
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
                    incoming.parsed = parsed(incoming.body)
        except (UploadError, s3.S3Error) as error:
            return response(s3.refused(error, request.path_params["bucket"], request.path_params["key"]))
        except Refusal as refusal:
            return response(Reply(refusal.status, refusal.body))
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
        return response(reply)

    def _answer(self, incoming: Incoming, handle: Handle) -> Reply:
        fault = incoming.fault
        dli, request_id = self._dli, uuid.uuid4().hex
        reads = incoming.request.method in ("GET", "HEAD") or incoming.operation in READS
        try:
            if fault is not None:
                _play(incoming, fault)
            reply = self._commits.act(reads=reads, handle=lambda: self._caught_up(incoming, handle))
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
