"""What the SDK's dynamic host hides from a provider: context, clean errors, half-made results, messages, ^C, width.

`provider.py` is the only caller. The lifecycle knows none of this: it gets an `OperationContext`
and returns or raises values.

    sdk_internals.py  the only place that touches private parts of the SDK, of gRPC and of the standard library; every
                  touch answers "not there" instead of failing
    messages.py   lines on a resource: throttled, said once, masked
    secrecy.py    which inputs of the running call are secret
    process.py    what all calls of one host process share
    parent_exit.py       notices that the engine was killed
    calls.py      the context of the running call
    responses.py    everything that escapes from a provider method becomes one clean answer
    values.py     values that Pulumi can store, and numbers that are integers again

It decides nothing about resources, and no room below may import it.
"""

from pulumi_dli.host.calls import (
    cancelled_event,
    current_call,
    hint,
    hints,
    mask,
    old_inputs,
    prepare,
    run_on_pool,
    setting_keys,
)
from pulumi_dli.host.responses import Unhealthy, answering, redacted
from pulumi_dli.host.secrecy import newly_secret, secret_names
from pulumi_dli.host.values import UnstorableError, integers, is_unknown, sanitise

__all__ = [
    "Unhealthy",
    "UnstorableError",
    "answering",
    "cancelled_event",
    "current_call",
    "hint",
    "hints",
    "integers",
    "is_unknown",
    "mask",
    "newly_secret",
    "old_inputs",
    "prepare",
    "redacted",
    "run_on_pool",
    "sanitise",
    "secret_names",
    "setting_keys",
]
