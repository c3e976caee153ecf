"""Turns everything that escapes from a method of `provider.py` into one clean answer to the engine.

- A `DliError` becomes its own text, without a traceback.
- A `ResourceInitFailed` of create, update or read keeps id and outputs in the state, and its reasons become the error.
- Any other exception is a mistake of ours: one line that says where, and never the values it happened on.
- No text leaves with a secret in it (`secrecy.py`), be it an error or an output.
- Outputs that Pulumi could not store would lose what was just created: they are made plain here, whatever the method
  returned.

`BaseException` is caught too: the host would never answer the call, and the update would hang for ever. Here is the
one broad catch of the package.
"""

from __future__ import annotations

import contextlib
import functools
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import PurePath
from typing import Any, ParamSpec, TypeVar, cast

from google.protobuf.struct_pb2 import Struct
from pulumi.dynamic import ReadResult

from pulumi_dli.errors import DliError, causes
from pulumi_dli.host import sdk_internals
from pulumi_dli.host.messages import Severity
from pulumi_dli.host.process import THIS_PROCESS
from pulumi_dli.host.secrecy import Secrecy
from pulumi_dli.host.values import keep_storable, sanitise
from pulumi_dli.lifecycle.contract import Observation, ResourceInitFailed
from pulumi_dli.patience import Patience, waiting_as

P = ParamSpec("P")
R = TypeVar("R")

PROVIDER_KEY = "__provider"
DEBUG_VARIABLE = "PULUMI_DLI_DEBUG"
_secrecy: ContextVar[Secrecy] = ContextVar("secrecy", default=Secrecy())  # noqa: B039  (of no call: knows nothing)
_KEEPING = frozenset({"create", "update", "read"})  # the calls for which the engine stores a half-made result


class CallFailedError(Exception):
    """What the engine is told. Raised without cause or context: those may hold values, and the host prints them."""


class Unhealthy(ResourceInitFailed):
    """A read found the object, but not well: refresh stores what it is and warns with the reasons."""

    def __init__(self, observation: Observation) -> None:
        self.inputs = observation.inputs
        super().__init__(observation.id, observation.outs, observation.unhealthy)


def answering(method: Callable[P, R]) -> Callable[P, R]:
    """Wrap a provider method so that the engine always gets an answer, and people a readable one.

    Raises (in the wrapped method): CallFailedError, whose text is what the engine shows where it cannot be told better.
    """
    name = method.__name__

    @functools.wraps(method)
    def answer(*args: P.args, **kwargs: P.kwargs) -> R:
        failure: CallFailedError | ReadResult
        with THIS_PROCESS.working(), _keeping_secrets(args), waiting_as(Patience(THIS_PROCESS.cancelled)):
            try:
                return _storable(method(*args, **kwargs), name, args)
            except ResourceInitFailed as half:
                failure = _half_made(half, name, args)
            except CallFailedError as told:  # of a method that called another one
                failure = told
            except DliError as error:
                failure = _told(_debuggable(str(error) or type(error).__name__, error))
            except BaseException as error:  # noqa: BLE001  (see the module's text)
                failure = _told(_internal(error))
        if isinstance(failure, CallFailedError):
            raise failure
        return cast(R, failure)

    return answer


@contextlib.contextmanager
def _keeping_secrets(args: tuple[Any, ...]) -> Iterator[None]:
    derived = getattr(args[0], "derived_outputs", dict) if args else dict
    token = _secrecy.set(Secrecy(args, derived))
    try:
        yield
    finally:
        _secrecy.reset(token)


def redacted(text: str) -> str:
    """The text as it may leave: without credentials, and without what is secret in the running call."""
    return THIS_PROCESS.mask(_secrecy.get()(text))


def _storable(result: R, name: str, args: tuple[Any, ...]) -> R:
    """The method's result with plain outputs and inputs.

    Raises:
        ResourceInitFailed: an output has no plain form; the rest is kept, because the object exists.
    """
    secrecy = _secrecy.get()
    keep = secrecy.kept
    inputs = getattr(result, "inputs", None)
    if isinstance(inputs, Mapping):
        result.inputs = sanitise(keep(inputs))  # type: ignore[attr-defined]
    outs = getattr(result, "outs", None)
    if isinstance(outs, Mapping):
        gone = name == "read" and not getattr(result, "id", None)
        kept, problems = keep_storable(outs if gone else keep(outs))
        if problems and name in _KEEPING:
            known = getattr(result, "id", None) or next((arg for arg in args if isinstance(arg, str)), "")
            reasons = tuple(f"internal error in pulumi_dli: {problem} (please report it)" for problem in problems)
            raise ResourceInitFailed(known, kept, reasons)
        result.outs = secrecy.marked(kept)  # type: ignore[attr-defined]
    return result


def _half_made(half: ResourceInitFailed, name: str, args: tuple[Any, ...]) -> CallFailedError | ReadResult:
    """Hand the half-made object to the engine; where the host does not allow it, say at least its id."""
    secrecy = _secrecy.get()
    keep = secrecy.kept
    outs, problems = keep_storable(keep(half.outs))
    outs = secrecy.marked(outs)
    reasons = [redacted(reason) for reason in (*half.reasons, *problems)] or ["it did not come up"]
    text = "; ".join(reasons)
    if name not in _KEEPING:
        return _told(text)
    inputs = keep_storable(keep(half.inputs))[0] if isinstance(half, Unhealthy) else None
    if _attach_half_made(half.id, outs, inputs, reasons, _provider_string(args)):
        return CallFailedError(text)
    if name == "read":
        # A plain failure would make every refresh fail for as long as the object is not well.
        THIS_PROCESS.messages.say(text, urn="", about=half.id, severity=Severity.WARNING)
        return ReadResult(half.id, outs, inputs)
    return CallFailedError(f"{text} (it exists, with the id {half.id}; the next `pulumi up` goes on from there)")


def _attach_half_made(
    id: str, outs: dict[str, Any], inputs: dict[str, Any] | None, reasons: list[str], provider: str | None
) -> bool:
    call = sdk_internals.find_call()
    if call is None:
        return False
    try:
        from pulumi.runtime.proto import provider_pb2  # noqa: PLC0415  (only needed when something failed)

        detail = provider_pb2.ErrorResourceInitFailed(id=id, properties=_struct(outs, provider), reasons=reasons)
        if inputs is not None:
            detail.inputs.CopyFrom(_struct(inputs, provider))
        status = sdk_internals.status("; ".join(reasons), detail)
    except (ImportError, AttributeError, TypeError, ValueError):
        return False
    return status is not None and call.attach(status)


def _struct(properties: dict[str, Any], provider: str | None) -> Struct:
    """Without the provider's own string among them, later calls cannot find the provider of the resource."""
    struct = Struct()
    struct.update({**properties, PROVIDER_KEY: provider} if provider else properties)
    return struct


def _provider_string(args: tuple[Any, ...]) -> str | None:
    bags = [arg for arg in args if isinstance(arg, Mapping) and isinstance(arg.get(PROVIDER_KEY), str)]
    return bags[-1][PROVIDER_KEY] if bags else None  # the last: in update(id, olds, news) the news count


def _told(text: str) -> CallFailedError:
    text = redacted(text)
    call = sdk_internals.find_call()
    status = sdk_internals.status(text) if call is not None else None
    if call is not None and status is not None:
        call.attach(status)
    return CallFailedError(text)


def _internal(error: BaseException) -> str:
    """One line without the error's own text, which may quote the values of inputs."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is `answer` above
    own = [frame for frame in frames if "pulumi_dli" in PurePath(frame.filename).parts] or frames
    where = f" at {'/'.join(PurePath(own[-1].filename).parts[-2:])}:{own[-1].lineno}" if own else ""
    text = (
        f"internal error in pulumi_dli: {type(error).__name__}{where} (please report it; {DEBUG_VARIABLE}=1 shows more)"
    )
    return _debuggable(text, error)


def _debuggable(text: str, error: BaseException) -> str:
    """The text, with the whole traceback where the person asked for it; else the code's way goes to `--debug`."""
    if os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}:
        return f"{text}\n{''.join(traceback.format_exception(error))}"
    call = sdk_internals.find_call()
    urn = call.field("urn") if call else None
    THIS_PROCESS.messages.debug("\n".join(_way(error)), urn=urn or "")
    return text


def _way(error: BaseException) -> Iterator[str]:
    """Classes and lines of code of the error and its causes, outermost first, without texts: those may quote values."""
    for cause in causes(error):
        yield type(cause).__name__
        yield from (
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(cause.__traceback__)
        )
