"""The local DLI on a port: routes, authentication, scripted faults, headers, the journal. Loopback only.

Every request is handled whole on the event loop's thread: read, check, catch up with the clock, handle, commit, answer.
Only delays, latency and cut connections are asynchronous. An answer leaves after the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from pulumi_dli.emulator.console import page
from pulumi_dli.emulator.core.call import Call
from pulumi_dli.emulator.core.errors import GatewayRefusal, Refusal, unpublished
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.core.service import Operation
from pulumi_dli.emulator.iam.records import versions
from pulumi_dli.emulator.jobs.records import Jobs
from pulumi_dli.emulator.local_dli import LocalDli
from pulumi_dli.emulator.objects import calls as s3
from pulumi_dli.emulator.server import control, guard
from pulumi_dli.emulator.server.bodies import parse_json, read_body
from pulumi_dli.emulator.server.commits import Commits
from pulumi_dli.emulator.server.endpoints import Endpoints
from pulumi_dli.emulator.server.requests import NO_JSON, Incoming, media_type, presented, response
from pulumi_dli.emulator.services import OPERATIONS

CONTROL = "/__dli/"
ANY_METHOD = ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]


class App:
    """The ASGI application over one dli."""

    def __init__(self, dli: LocalDli, *, base_url: str) -> None:
        self._dli = dli
        self._base_url = base_url
        self._commits = Commits(dli)
        self._endpoints = Endpoints(dli, self._commits)
        self._starlette = Starlette(routes=self._routes(), exception_handlers={404: self._unknown, 405: self._unknown})
        self._starlette.router.redirect_slashes = False

    @property
    def transports(self) -> dict[tuple[str, int], asyncio.Transport]:
        """The open connections, for those that are to be cut."""
        return self._endpoints.transports

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What uvicorn calls: foreign requests end here."""
        reason = guard.refusal(scope["headers"])
        if reason:
            reply = Reply(403, {"error_code": "LOCAL.0403", "error_msg": reason})
            await response(reply)(scope, receive, send)
        else:
            await self._starlette(scope, receive, send)

    def _routes(self) -> list[BaseRoute]:
        fixed: list[BaseRoute] = [
            Route(CONTROL + "{path:path}", self._control, methods=ANY_METHOD),
            Route("/", self._root, methods=["GET"]),
            Route("/v3", self._versions, methods=["GET"]),
            Route("/v3/", self._versions, methods=["GET"]),
            Route("/v3/auth/tokens", self._endpoints.endpoint("iam.tokens", self._tokens), methods=["POST"]),
            Route("/v3/projects", self._endpoints.endpoint("iam.projects", self._projects), methods=["GET"]),
            Route("/v3/auth/projects", self._endpoints.endpoint("iam.projects", self._projects), methods=["GET"]),
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
        return response(reply)

    def _controlled(self, request: Request, body: bytes) -> Reply:
        """No form and no plain text: a browser sends those for any page without asking first."""
        reads = request.method in ("GET", "HEAD")
        if not reads and media_type(request) != "application/json":
            raise Refusal(415, "DLI.0001", "Control calls take application/json only.")
        self._dli.iam.check_operator(presented(request, body))
        return self._commits.act(reads=reads, handle=lambda: self._control_reply(request, body))

    def _control_reply(self, request: Request, content: bytes) -> Reply:
        try:
            body = parse_json(content) if content else {}
        except ValueError as error:
            return Reply(400, {"error": f"the body is not valid JSON: {error}"})
        return control.handle(self._dli, request.method, request.path_params["path"], request.query_params, body)

    async def _root(self, request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            self._dli.part(Jobs).catch_up()
            return Response(page.render(self._dli), media_type="text/html", headers=page.HEADERS)
        return response(Reply(300, {"versions": {"values": [versions(self._base_url)]}}))

    async def _versions(self, _: Request) -> Response:
        return response(Reply(200, {"version": versions(self._base_url)}))

    async def _unknown(self, request: Request, _: Exception) -> Response:
        def refuse(incoming: Incoming) -> Reply:
            raise unpublished(incoming.request.method, incoming.request.url.path)

        return await self._endpoints.endpoint("unknown", refuse)(request)

    def _tokens(self, incoming: Incoming) -> Reply:
        return self._dli.iam.issue(incoming.parsed, base_url=self._base_url)

    def _projects(self, incoming: Incoming) -> Reply:
        self._dli.iam.user_of(presented(incoming.request, incoming.body), project_id="")
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
        response = await self._endpoints.journaled(
            request, operation, handle, plain if request.method == "PUT" and key else None
        )
        response.headers.setdefault("Content-Disposition", "attachment")
        return response

    # DLI

    def _operation_endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        def handle(incoming: Incoming) -> Reply:
            return self._handle(operation, incoming)

        return self._endpoints.endpoint(operation.name, handle)

    def _handle(self, operation: Operation, incoming: Incoming) -> Reply:
        dli, request, body = self._dli, incoming.request, incoming.body
        params = request.path_params
        kind = media_type(request)
        if (kind and kind != "application/json") or (body and not kind):
            raise GatewayRefusal(415, "DLI.0001", f"Unsupported media type: {kind or 'none'}.")
        user = dli.iam.user_of(presented(incoming.request, incoming.body), project_id=params["project_id"])
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
