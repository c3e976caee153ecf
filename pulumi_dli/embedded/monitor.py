"""The two gRPC services a program and a provider talk to: the resource monitor and the engine's log.

Translates between the protocol and deployment.py; decides nothing. Answers SDK 3.216 to 3.272: without
GetDeploymentInfo the SDK asks SupportsFeature for each feature, which fits them all.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from pulumi_dli.embedded.children import CHANNEL
from pulumi_dli.embedded.deployment import Deployment, Goal
from pulumi_dli.embedded.state import STACK_TYPE, State
from pulumi_dli.embedded.steps import SHUT_DOWN, StepExecutor, StoppedError
from pulumi_dli.embedded.values import EmbeddedError, decode, encode, refuse

SEVERITIES = {0: "debug", 1: "info", 2: "warning", 3: "error"}
# `outputValues` would send dependencies inside of values; the requests name them apart as well. Transforms and hooks
# are said to be there and refused in the call: otherwise the SDK asks for an update of the Pulumi CLI.
ABSENT = {"outputValues", "stateMigrations"}
REFUSED_CALLS = {
    "ReadResource": "resources that are only read (`ResourceOptions(id=…)`)",
    "Invoke": "invokes (functions of providers)",
    "Call": "method calls on remote components",
    "RegisterPackage": "parameterized packages",
    "RegisterStackTransform": "stack transforms",
    "RegisterStackInvokeTransform": "invoke transforms",
    "RegisterResourceHook": "resource hooks",
    "RegisterErrorHook": "error hooks",
}


def _below(paths: Iterable[str]) -> bool:
    return not all(re.fullmatch(r"\w+", path) for path in paths)


REFUSALS: dict[str, Callable[[Any], bool]] = {
    "`import_`: read the object by `id`, or import it with the CLI": lambda request: bool(request.importId),
    "transforms": lambda request: bool(request.transforms),
    "resource hooks": lambda request: request.HasField("hooks") and bool(request.hooks.ListFields()),
    "`replace_with`": lambda request: bool(request.replace_with),
    "`replacement_trigger`": lambda request: request.HasField("replacement_trigger"),
    "`env_var_mappings` of providers": lambda request: bool(request.envVarMappings),
    "state migrations": lambda request: bool(request.state_migrations),
    "parameterized packages": lambda request: bool(request.packageRef),
    "`hide_diffs`": lambda request: bool(request.hideDiffs),
    "`version` and `plugin_download_url`": lambda request: bool(request.version or request.pluginDownloadURL),
    "`deleted_with`": lambda request: bool(request.deletedWith),
    "`custom_timeouts`": lambda request: bool(request.customTimeouts.ListFields()),
    "`additional_secret_outputs`": lambda request: bool(request.additionalSecretOutputs),
    "paths below a property in `ignore_changes`": lambda request: _below(request.ignoreChanges),
    "paths below a property in `replace_on_changes`": lambda request: _below(request.replaceOnChanges),
    "components": lambda request: request.type != STACK_TYPE and not request.custom,
    "`parent`": lambda request: request.parent and f"::{STACK_TYPE}::" not in request.parent,
    "aliases with another parent, stack or project": lambda request: any(
        getattr(alias.spec, name) for alias in request.aliases for name in ("parentUrn", "noParent", "stack", "project")
    ),
}
"""What a registration may not ask for; an older SDK's protocol lacks some of the fields."""


def read_goal(request: Any) -> Goal:
    """The goal of a RegisterResource request."""
    for what, asked in REFUSALS.items():
        try:
            if asked(request):
                raise refuse(what)
        except (AttributeError, ValueError):  # an SDK whose protocol does not know the field
            continue
    package = request.type.removeprefix("pulumi:providers:").split(":")[0]
    if request.custom and package != "pulumi-python":
        raise refuse(f"resources of the provider {package!r} ({request.type})")
    state = State(
        "",
        request.type,
        request.custom,
        inputs=decode(request.object),
        protect=request.protect,
        dependencies=sorted(request.dependencies),
        property_dependencies={key: sorted(value.urns) for key, value in request.propertyDependencies.items()},
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        retain_on_delete=request.retainOnDelete,
    )
    before = request.deleteBeforeReplace or (False if request.deleteBeforeReplaceDefined else None)
    return Goal(request.name, state, request.provider, before, list(request.aliases))


class Server:
    """A gRPC server on a free loopback port."""

    def __init__(self, add: Callable[[grpc.Server], None], threads: int) -> None:
        self._pool = futures.ThreadPoolExecutor(max_workers=threads)
        self._server = grpc.server(self._pool, options=CHANNEL)
        add(self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        """Stop at once; calls that are still served are cut off."""
        self._server.stop(0).wait()
        self._pool.shutdown(wait=False)  # the server does not: its threads would stay for the life of the process


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """What a program registers its resources with."""

    def __init__(self, deployment: Deployment, executor: StepExecutor) -> None:
        self._deployment = deployment
        self._executor = executor
        self._busy = 0
        self._idle = threading.Condition()

    def serve(self, parallel: int) -> Server:
        return Server(lambda server: resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self, server), parallel)

    def wait_idle(self) -> None:
        """Return when no call is under way: a host must not be stopped before."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0)

    def _guarded(self, context: grpc.ServicerContext, urn: str, call: Callable[[], Any]) -> Any:
        with self._idle:
            self._busy += 1
        try:
            return call()
        except StoppedError:
            # The program then ends with one line and without a traceback.
            context.abort(grpc.StatusCode.UNAVAILABLE, SHUT_DOWN)
        except EmbeddedError as error:
            self._executor.fail(urn, str(error))
            context.abort(grpc.StatusCode.UNAVAILABLE, SHUT_DOWN)
        except Exception as error:
            self._executor.fail(urn, f"the embedded engine failed: {type(error).__name__}: {error}")
            raise
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - gRPC's names
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "ask SupportsFeature")

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id not in ABSENT)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            state = self._deployment.register(read_goal(request))
            outputs = encode(state.outputs, secrets=True)
            return resource_pb2.RegisterResourceResponse(urn=state.urn, id=state.id, object=outputs)

        return self._guarded(context, f"{request.type}::{request.name}", call)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        def call() -> Any:
            self._deployment.register_outputs(decode(request.outputs))
            return empty_pb2.Empty()

        return self._guarded(context, request.urn, call)

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()  # there are no hooks that a waiting program could serve


def _refusal(what: str) -> Callable[[Monitor, Any, Any], Any]:
    def refused(self: Monitor, request: Any, context: Any) -> Any:  # noqa: ARG001
        def call() -> Any:
            raise refuse(what)

        return self._guarded(context, "", call)

    return refused


for _name, _what in REFUSED_CALLS.items():
    setattr(Monitor, _name, _refusal(_what))


class Engine(engine_pb2_grpc.EngineServicer):
    """The log of programs and providers."""

    def __init__(self, say: Callable[..., None]) -> None:
        self._say = say

    def serve(self) -> Server:
        return Server(lambda server: engine_pb2_grpc.add_EngineServicer_to_server(self, server), 16)

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self._say(SEVERITIES[request.severity], request.urn, request.message, ephemeral=request.ephemeral)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refuse("`require_pulumi_version`")))
