"""The context of the running call, and what a provider's `configure` sets up once. Called by `provider.py`.

Each part degrades on its own when the SDK changes: no call found means default timeouts and messages on stderr; no
pool means four calls at a time; no server means that ^C waits for what is running.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pulumi_dli import patience
from pulumi_dli.host import parent_exit, sdk_internals
from pulumi_dli.host.messages import Severity, Throttle
from pulumi_dli.host.process import THIS_PROCESS
from pulumi_dli.host.responses import redacted
from pulumi_dli.lifecycle.networks import PROCESS_NETWORKS
from pulumi_dli.lifecycle.operation_context import OperationContext
from pulumi_dli.lifecycle.pool_sizes import PROCESS_POOLS

T = TypeVar("T")

# The engine decides how much runs at a time (`--parallel`, PULUMI_PARALLEL, else four for each core); the pool only
# must not be narrower. A thread is started when a call needs it, so a high limit costs nothing.
WIDTH = 256

LIMITED_CONCURRENCY = (
    "4 operations at a time: this version of Pulumi's SDK does not let the provider run more. Nothing is wrong; "
    "large deployments take longer."
)
NO_CANCEL = (
    "This version of Pulumi's SDK keeps ^C from the provider: cancelling waits until running operations have finished."
)
NO_CONTEXT = (
    "This version of Pulumi's SDK hides names and custom timeouts from the provider: default timeouts apply, errors "
    "show a traceback, and what was created without coming up is not kept in the state (the next `pulumi up` finds it)."
)


def prepare(width: int | None = None) -> None:
    """Widen the host, listen for ^C and for the engine's death; called from every provider's `configure`, as often as
    wanted.

    What the host does not allow is remembered in `hints()`.
    """
    process = THIS_PROCESS
    with process.lock:
        if not process.wide:  # once: later configurations may run on the threads of brief calls
            process.wide = sdk_internals.raise_concurrency(width or max(WIDTH, _engine_width()))
        if not process.wide:
            process.hint(LIMITED_CONCURRENCY)
        if not process.hooked_cancel:
            process.hooked_cancel = sdk_internals.hook_cancel(process.cancelled.set)
        if not process.hooked_cancel:
            process.hint(NO_CANCEL)
        if not process.light:
            process.light = sdk_internals.reduce_memory(process.short_calls.pool)
        if not process.watched:
            process.watched = True
            parent_exit.on_parent_exit(process.shut_down)
            gc.freeze()  # the SDK's modules stay: the collector need not look through them while ours load
        if sdk_internals.find_call() is None:
            process.hint(NO_CONTEXT)


def current_call() -> OperationContext:
    """The call that this thread is answering, as the lifecycle wants it; an anonymous one where the host hides it.

    From now on the client's own waits in this thread know the call's time and tell on its resource what they wait for.
    """
    host_call = sdk_internals.find_call()
    urn = _text(host_call, "urn")
    timeout = host_call.field("timeout") if host_call else None
    about = urn or object()
    throttle = Throttle()
    messages = THIS_PROCESS.messages

    def progress(text: str) -> None:
        messages.progress(redacted(text), urn=urn, throttle=throttle)

    mine = patience.current()
    if mine is not None:
        mine.tell = progress
        mine.ends_at = time.monotonic() + float(timeout) if timeout else None
    return OperationContext(
        urn=urn,
        name=_text(host_call, "name") or urn.rpartition("::")[2],
        timeout_seconds=float(timeout) if timeout else None,
        cancelled=THIS_PROCESS.cancelled,
        redact=redacted,
        status=progress,
        info=lambda text: messages.say(redacted(text), urn=urn, about=about, severity=Severity.INFO),
        warn=lambda text: messages.say(redacted(text), urn=urn, about=about, severity=Severity.WARNING),
        pools=PROCESS_POOLS,
        networks=PROCESS_NETWORKS,
    )


def old_inputs() -> Mapping[str, Any] | None:
    """The inputs of last time, which the running `diff`, `update` or `delete` is not given; None where the host hides
    them.

    They come as the SDK hands inputs to `check`: numbers as floats, unknowns as `pulumi.output.Unknown`, `__provider`
    among them.
    """
    host_call = sdk_internals.find_call()
    inputs: Any = host_call.field("old_inputs") if host_call else None
    if not getattr(inputs, "fields", None):
        return None
    try:
        from pulumi.runtime.rpc import deserialize_properties  # noqa: PLC0415  (not public: absence is answered)
    except ImportError:
        return None
    return dict(deserialize_properties(inputs, True))


def run_on_pool(work: Callable[[], T]) -> T:
    """Have brief work done on another thread than the one that goes on to wait (see `bridge.lighten`)."""
    return THIS_PROCESS.short_calls.do(work)


def cancelled_event() -> threading.Event:
    """Set when the engine asks to stop; at the normal end of a phase too, when nothing waits for it any more."""
    return THIS_PROCESS.cancelled


def hint(text: str) -> None:
    """Something about the whole stack: the first resource that says anything says this too, once."""
    THIS_PROCESS.hint(text)


def hints() -> tuple[str, ...]:
    """What this host does not allow, in the words of a stack author."""
    return THIS_PROCESS.hints


def setting_keys(config: object) -> tuple[str, ...]:
    """The full keys of a provider's configuration; () where the SDK does not show them."""
    return sdk_internals.setting_keys(config)


def mask(words: Iterable[str | None]) -> None:
    """Never show these words (secret keys, passwords, tokens) in a message or an error of this process."""
    THIS_PROCESS.mask.add(words)


def _engine_width() -> int:
    desired = os.environ.get("PULUMI_PARALLEL", "")
    return int(desired) if desired.isdecimal() else 0


def _text(host_call: sdk_internals.HostCall | None, field: str) -> str:
    text = host_call.field(field) if host_call else None
    return text if isinstance(text, str) else ""
