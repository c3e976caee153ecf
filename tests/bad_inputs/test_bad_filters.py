"""Bad arguments of functions: refused in words, by name, without any call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

import pulumi_dli as dli
from pulumi_dli.emulator.testing import Emulator
from tests.bad_inputs.table import CONTROL

BAD_TEXTS = [None, "", " ", 1, True, ["q"], {"a": "b"}, "q\n", " q", "größe", "x" * 300, *CONTROL]
BAD_TAGS = [1, "a=b", ["a"], {"": "x"}, {"a": 1}, {"a": None}, {1: "x"}, {"a,b": "x"}, {"a": "b,c"}, {"a=b": "x"},
            {"a": "b=c"}, {"a\x00": "x"}, {"a": "x\n"}, {"x" * 300: ""}]  # fmt: skip
FUNCTIONS = [name for name in dli.__all__ if name.startswith("get_") and not name.endswith("_output")]


def bad_arguments() -> Iterator[tuple[str, str, Any]]:
    """Every function with each of its arguments bad: found by inspection, so that none can be forgotten."""
    for function in FUNCTIONS:
        for name, parameter in inspect.signature(getattr(dli, function)).parameters.items():
            if name == "provider":
                continue
            optional = parameter.default is None
            empty_means_something = (function, name) == ("get_queues", "elastic_resource_pool_name")
            for value in BAD_TAGS if name == "tags" else BAD_TEXTS:
                if not (value is None and optional) and not (value == "" and empty_means_something):
                    yield function, name, value


FUNCTION_ROWS = [*bad_arguments()]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def asked(emulator: Emulator) -> Iterator[Emulator]:
    given = {"endpoint": emulator.url, "projectId": "p1", "accessKey": "ak", "secretKey": "secret-key-of-tests"}
    pulumi.runtime.set_all_config({f"dli:{key}": value for key, value in given.items()})
    yield emulator
    pulumi.runtime.set_all_config({})


def ask(function: str, form: str, name: str, value: Any) -> None:
    async def answer() -> None:
        await getattr(dli, f"{function}_output")(**{name: value}).future()

    if form == "now":
        getattr(dli, function)(**{name: value})
    else:
        loop = asyncio.new_event_loop()  # the one of the process stays for the tests that follow
        try:
            loop.run_until_complete(answer())
        finally:
            loop.close()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("form", ["now", "later"])
def test_a_bad_argument_of_a_function_is_named_without_a_call(asked: Emulator, function: str, form: str) -> None:
    rows = [(name, value) for one, name, value in FUNCTION_ROWS if one == function]
    rows = [row for row in rows if form == "now" or row[1] != {1: "x"}]  # an output refuses that itself
    before = len(asked.requests())
    for name, value in rows:
        with pytest.raises(pulumi.RunError, match=rf"^({name}|name) ") as refused:
            ask(function, form, name, value)
        assert str(refused.value).isprintable()
    assert len(asked.requests()) == before


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_good_argument_is_asked_for(asked: Emulator, function: str) -> None:
    before = len(asked.requests())
    required = [
        name
        for name, parameter in inspect.signature(getattr(dli, function)).parameters.items()
        if parameter.default is parameter.empty
    ]
    try:
        getattr(dli, function)(**dict.fromkeys(required, "q1"))
    except pulumi.RunError as error:
        refused = str(error)
        assert refused.startswith("there is no ")
    assert len(asked.requests()) > before


def test_the_table_is_long_enough() -> None:
    assert len(FUNCTION_ROWS) >= 200
