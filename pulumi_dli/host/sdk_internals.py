"""Every private touch of this package: frames of the SDK's dynamic host, its thread pool, its gRPC server.

Pulumi's dynamic providers get neither URN nor timeout, cannot report half-made resources, and run four calls at a
time. All of that is one frame away in the host (measured with SDK 3.200 to 3.272 on Python 3.11 to 3.13). Nothing
here is promised by anybody, so every function returns None or False when it does not find what it looks for; the
callers have a fallback for each, and the tests take every part away.
"""

from __future__ import annotations

import inspect
import re
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import FrameType
from typing import Any

import grpc

_SERVICE = "/pulumirpc.ResourceProvider/"
CANCEL = f"{_SERVICE}Cancel"
_BRIEF = [f"{_SERVICE}{name}" for name in ("Check", "Diff")]
_LASTING = [f"{_SERVICE}{name}" for name in ("Create", "Read", "Update", "Delete")]
_ADDRESS = re.compile(r"[\w.\-\[\]:]+:\d+")
_UNKNOWN_CODE = 2  # the code that the host aborts with; a status of another code is dropped by the engine's gRPC


@dataclass(frozen=True)
class HostCall:
    """The protobuf request and the gRPC context of the call that this thread is answering."""

    request: Any
    context: Any

    def field(self, name: str) -> Any:
        """A field of the request, None when the request has no such field."""
        return getattr(self.request, name, None)

    def attach(self, status: Any) -> bool:
        """Send `status` along with the coming failure; the engine prefers it to the failure's text."""
        try:
            self.context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        except Exception:  # noqa: BLE001  (a foreign object: whatever it raises means "not possible")
            return False
        return True


def status(text: str, detail: Any = None) -> Any:
    """A `google.rpc.Status` as the engine reads it, or None when the SDK no longer brings the message."""
    try:
        from pulumi.runtime.proto import status_pb2  # noqa: PLC0415  (only needed when something failed)
    except ImportError:
        return None
    message = status_pb2.Status(code=_UNKNOWN_CODE, message=text)
    if detail is not None:
        message.details.add().Pack(detail)
    return message


def find_call() -> HostCall | None:
    """The call that this thread is answering, None outside of a host (or in a host built otherwise)."""
    for frame in _frames_up(inspect.currentframe()):
        context = frame.f_locals.get("context")
        if hasattr(context, "set_trailing_metadata") and "request" in frame.f_locals:
            return HostCall(frame.f_locals["request"], context)
    return None


def engine_address() -> str | None:
    """Where the engine listens for messages: the host's first argument."""
    address = sys.argv[1] if len(sys.argv) > 1 else ""
    return address if _ADDRESS.fullmatch(address) else None


def raise_concurrency(width: int) -> bool:
    """Let the pool that runs this call run `width` calls at a time. False when the pool was not found.

    Calls that wait already would get no thread of their own before the next call arrives (the pool starts one thread a
    submit), and in a `destroy` none may arrive: so as many empty pieces of work are handed in as calls are waiting.
    """
    pool = _pool()
    if pool is None:
        return False
    try:
        pool._max_workers = max(pool._max_workers, width)
        if sys.version_info < (3, 12) and not isinstance(pool._idle_semaphore, _Idle):
            with pool._shutdown_lock:  # nothing is handed in meanwhile
                pool._idle_semaphore = _Idle(pool._threads, under_way=len(pool._threads) + pool._work_queue.qsize())
        for _ in range(pool._work_queue.qsize()):
            pool.submit(_nothing)
    except (AttributeError, RuntimeError):
        return False
    return True


class _Idle:
    """Tells a pool whether a piece of work that was just handed in will find a thread that is free.

    Before Python 3.12 a worker that goes straight on with the next piece of work counts as idle besides: after a burst
    of short calls (check, diff) the long ones that follow would wait for each other, though more threads are allowed.
    """

    def __init__(self, threads: Collection[object], *, under_way: int) -> None:
        """`under_way`: how much runs or waits now, rather too much than too little: that only starts a thread more."""
        self._threads = threads
        self._under_way = under_way
        self._lock = threading.Lock()

    def acquire(self, timeout: float | None = None) -> bool:  # noqa: ARG002  (the pool asks with 0)
        """Called once for each piece of work, after it was put into the queue; False starts a thread."""
        with self._lock:
            self._under_way += 1
            return self._under_way <= len(self._threads)

    def release(self) -> None:
        """Called once for each piece of work that is done."""
        with self._lock:
            self._under_way -= 1


def hook_cancel(on_cancel: Callable[[], None]) -> bool:
    """Call `on_cancel` whenever the engine sends Cancel, which the SDK's host ignores. False when there is no way in.

    The engine sends Cancel on the first ^C, and once more at every normal end of a phase, when no call is running any
    more. The handler gets a thread of its own: all others may be waiting for what it has to tell them.
    """
    tables = _tables()
    for table in tables:
        handler = table[CANCEL]

        def cancel(request: Any, context: Any, *, sdks: Any = handler.unary_unary) -> Any:
            on_cancel()
            return sdks(request, context)

        table[CANCEL] = _on_threads(ThreadPoolExecutor(1, "cancel"), cancel, like=handler)
    return bool(tables)


def reduce_memory(short_calls: ThreadPoolExecutor) -> bool:
    """Let hundreds of calls wait in little memory; for those that come from now on. False when there is no way in.

    A thread keeps what its deepest work once took, and a request that is unpacked is eight times its size. So brief
    calls run on threads of their own, instead of leaving their marks on those that wait for minutes, and the
    request of a lasting call stays packed.
    """
    tables = _tables()
    for table in tables:
        for path, handler in table.items():
            if not callable(getattr(handler, "unary_unary", None)):
                continue
            if path in _BRIEF:
                table[path] = _on_threads(short_calls, handler.unary_unary, like=handler)
            elif path in _LASTING:
                table[path] = _packed(handler)
    return bool(tables)


def _on_threads(threads: ThreadPoolExecutor, behaviour: Callable[[Any, Any], Any], *, like: Any) -> Any:
    def answer(request: Any, context: Any) -> Any:
        return behaviour(request, context)

    answer.experimental_thread_pool = threads  # type: ignore[attr-defined]  # known to gRPC
    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=like.request_deserializer, response_serializer=like.response_serializer
    )


def _packed(handler: Any) -> Any:
    def answer(packed: bytes, context: Any) -> Any:
        return handler.unary_unary(_Packed(packed, handler.request_deserializer), context)

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=bytes, response_serializer=handler.response_serializer
    )


class _Packed:
    """A request as it came over the wire, unpacked for each field that somebody asks for."""

    def __init__(self, packed: bytes, unpack: Callable[[bytes], Any]) -> None:
        self._packed = packed
        self._unpack = unpack

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unpack(self._packed), name)


def _tables() -> list[dict[str, Any]]:
    """The tables of gRPC that lead to the host's handlers: by registered method, and the older one by service.

    None is there when the server was not found, or has no Cancel.
    """
    state = getattr(_server(), "_state", None)
    found = [getattr(state, "registered_method_handlers", None)]
    found += [getattr(generic, "_method_handlers", None) for generic in getattr(state, "generic_handlers", None) or ()]
    return [
        table
        for table in found
        if isinstance(table, dict) and callable(getattr(table.get(CANCEL), "unary_unary", None))
    ]


def _server() -> Any:
    """The host's gRPC server: a local variable of its main function, which waits in the main thread."""
    current_frames: Callable[[], dict[int, FrameType]] = getattr(sys, "_current_frames", dict)
    for frame in _frames_up(current_frames().get(threading.main_thread().ident or 0)):
        server = frame.f_locals.get("server")
        if hasattr(server, "_state"):
            return server
    return None


def _pool() -> Any:
    """The pool whose worker runs this call: a weak reference among the worker's local variables."""
    for frame in _frames_up(inspect.currentframe()):
        reference = frame.f_locals.get("executor_reference")
        pool = reference() if callable(reference) else None
        if isinstance(pool, ThreadPoolExecutor) and hasattr(pool, "_max_workers"):
            return pool
    return None


def _frames_up(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _nothing() -> None:
    pass


def setting_keys(config: object) -> tuple[str, ...]:
    """The keys of the SDK's `Config`, which looks up single keys only."""
    known = getattr(config, "_props", None)
    return tuple(str(key) for key in known) if isinstance(known, dict) else ()
