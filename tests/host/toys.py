"""Providers that do what their input `do` says, for the tests of `pulumi_dli.host`. Imported in the host process.

`TOY_WITHOUT` in the host's environment names parts of the interpreter, the SDK or gRPC to take away before the first
call.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from pulumi_dli import host
from pulumi_dli.errors import ConfigError
from pulumi_dli.lifecycle.contract import Observation, ResourceInitFailed


def _take_away(name: str) -> None:
    owner, _, attribute = name.rpartition(".")
    if name == "sys._getframe":
        sys._getframe = lambda _depth=0: None  # type: ignore[assignment, return-value]  # logging copes with None alone
    elif owner == "sys":
        delattr(sys, attribute)
    else:
        vars(sys.modules[owner]).pop(attribute, None)
        sys.modules[name] = None  # type: ignore[assignment]  # importing it fails from now on


for _name in os.environ.get("TOY_WITHOUT", "").split():
    _take_away(_name)


class Shade(Enum):
    DARK = "dark"


class Stop(BaseException):
    """Not an Exception: the host itself would never answer."""


BARRIER = threading.Barrier(int(os.environ.get("TOY_BARRIER", "6")))


def _see(props: dict[str, Any]) -> dict[str, Any]:
    call = host.current_call()
    return {"urn": call.urn, "name": call.name, "timeout": call.timeout_seconds or "none", "hints": list(host.hints())}


def _say(props: dict[str, Any]) -> dict[str, Any]:
    call = host.current_call()
    for text in props["texts"]:
        call.info(text)
        call.warn(f"careful: {text}")
        call.status(text)
    return {"timeout": call.timeout_seconds}


def _fail(props: dict[str, Any]) -> dict[str, Any]:
    raise ConfigError(props.get("text", "dli:region is not set")) from ValueError("cause-of-it")


def _half(props: dict[str, Any]) -> dict[str, Any]:
    raise ResourceInitFailed(
        "42", {"name": "n", "status": "job_init", "size": 7, "__provider": "old"}, ("it is slow", "very")
    )


def _crash(props: dict[str, Any]) -> dict[str, Any]:
    raise KeyError(f"value-of-an-input {props.get('text')}")


def _exit(props: dict[str, Any]) -> dict[str, Any]:
    sys.exit(3)


def _interrupt(props: dict[str, Any]) -> dict[str, Any]:
    raise KeyboardInterrupt


def _stop(props: dict[str, Any]) -> dict[str, Any]:
    raise Stop


def _odd(props: dict[str, Any]) -> dict[str, Any]:
    return {
        "pair": (1, 2),
        "shade": Shade.DARK,
        "when": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        "names": {"b", "a"},
        "price": Decimal("0.1"),
        "big": 2**60,
        "nothing": None,
        "nested": {"nothing": None, 5: Shade.DARK},
    }


def _bytes(props: dict[str, Any]) -> dict[str, Any]:
    return {"good": 1, "raw": {"key": [b"\x00"]}}


def _meet(props: dict[str, Any]) -> dict[str, Any]:
    BARRIER.wait(30)
    return {}


def _wait(props: dict[str, Any]) -> dict[str, Any]:
    call = host.current_call()
    call.info("waiting")
    if not call.cancelled.wait(30):
        return {"ended": "by itself"}
    raise ResourceInitFailed(f"id-{call.name}", {"status": "job_init"}, ("cancelled while it was starting",))


def _unknown(props: dict[str, Any]) -> dict[str, Any]:
    return {"unknown": sorted(key for key, value in props.items() if host.is_unknown(value))}


def _numbers(props: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in props.items() if key != "__provider"}
    return {"raw": repr(plain["n"]), "whole": repr(host.integers(plain))}


DEEDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "bytes": _bytes,
    "crash": _crash,
    "exit": _exit,
    "fail": _fail,
    "half": _half,
    "ill-later": lambda _props: {"do": "ill"},
    "interrupt": _interrupt,
    "meet": _meet,
    "numbers": _numbers,
    "odd": _odd,
    "say": _say,
    "see": _see,
    "stop": _stop,
    "unknown": _unknown,
    "wait": _wait,
}


class Toy(ResourceProvider):
    serialize_as_secret_always = False

    @host.answering
    def configure(self, req: ConfigureRequest) -> None:
        host.mask([req.config.get("dli:secretKey")])
        if req.config.get("toy:broken"):
            raise ConfigError("dli:region is not set")
        host.prepare()

    @host.answering
    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        failures = [CheckFailure("do", "no such deed")] if news.get("do") not in DEEDS else []
        if news.get("do") == "unknown":
            news = {**news, **_unknown(news)}
        if news.get("do") in {"fail", "half"} and news.get("in") == "check":
            DEEDS[news["do"]](news)
        return CheckResult(news, failures)

    @host.answering
    def diff(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        if news["do"] == "unknown":
            return DiffResult(changes=None, replaces=_unknown(news)["unknown"])
        if news["do"] == "olds":
            inputs = host.old_inputs()
            return DiffResult(changes=inputs is None, replaces=sorted(inputs or {}))
        host.current_call().info(f"the plan is to {news['do']}")
        return DiffResult(changes=None)

    @host.answering
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("7", DEEDS[props["do"]](props))

    @host.answering
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        if props["do"] == "gone":
            return ReadResult("", {})
        if props["do"] == "ill":
            raise host.Unhealthy(Observation(id_, {"do": "ill", "cu": 16}, {"cu": 16}, ("it has stopped",)))
        return ReadResult(id_, DEEDS[props["do"]](props), {"cu": 16})

    @host.answering
    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(DEEDS[news["do"]](news))

    @host.answering
    def delete(self, _id: str, props: dict[str, Any]) -> None:
        DEEDS[props.get("do", "see")](props)


def _elsewhere(method: Callable[..., Any], *args: Any) -> Any:
    """Run the method where none of the host's frames is above it."""
    result: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(method(*args))
        except BaseException as error:  # noqa: BLE001
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


class Detached(Toy):
    """The same in a host built otherwise: neither the call nor the pool is to be found among the frames."""

    def configure(self, req: ConfigureRequest) -> None:
        _elsewhere(super().configure, req)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return _elsewhere(super().create, props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return _elsewhere(super().read, id_, props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return _elsewhere(super().update, id_, olds, news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return _elsewhere(super().diff, id_, olds, news)
