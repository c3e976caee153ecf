"""No error is its own cause, none is changed after it was made, and walking causes always ends."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_dli.errors import ApiError, DliError, ThrottledError, causes, reworded

ROOT = Path(__file__).parent.parent / "pulumi_dli"
SOURCES = sorted(ROOT.rglob("*.py"))
TEXTS = {"args", "message", "__cause__", "__context__"}
ALLOWED = {"errors.py", "api/obs.py"}  # the one place that does it; one step of boto3's, no walk


def giving_back(source: str) -> set[str]:
    """Functions that may return an error that they were given."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            errors = {arg.arg for arg in node.args.args if arg.annotation and "Error" in ast.unparse(arg.annotation)}
            returns = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
            if any(isinstance(value, ast.Name) and value.id in errors for value in returns):
                found.add(node.name)
    return found


def faults_of(source: str, suspects: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and node.exc is not None and node.cause is not None:
            raised, cause = node.exc, ast.dump(node.cause)
            given = raised.args if isinstance(raised, ast.Call) else []
            name = ast.unparse(raised.func).split(".")[-1] if isinstance(raised, ast.Call) else ""
            if ast.dump(raised) == cause or (name in suspects and cause in map(ast.dump, given)):
                yield f"line {node.lineno}: raises an error from itself"
        if isinstance(node, ast.Attribute) and node.attr in TEXTS:
            changed = isinstance(node.ctx, ast.Store) and ast.unparse(node.value) != "self"
            if changed or node.attr.startswith("__"):
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    "source",
    [
        "try: f()\nexcept E as error:\n    raise error from error",
        "def masked(error: DliError):\n    return error\nraise masked(error, 1) from error",
        "error.args = (1,)",
        "seat.error.message += 'x'",
        "seat.error.__cause__ = error",
        "while error: error = error.__cause__ or error.__context__",
    ],
)
def test_the_guard_sees_what_it_forbids(source):
    assert list(faults_of(source, giving_back(source)))


SUSPECTS = {name for path in SOURCES for name in giving_back(path.read_text())} - {"caused_by"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_changes_an_error_or_raises_it_from_itself(path):
    name = str(path.relative_to(ROOT))
    found = list(faults_of(path.read_text(), SUSPECTS))
    if name in ALLOWED or name.startswith(("embedded/", "emulator/")):  # these have errors of their own
        found = [fault for fault in found if "from itself" in fault]
    assert found == []


def test_a_ring_of_causes_is_walked_once():
    one, two = DliError("one"), DliError("two")
    one.__cause__, two.__cause__ = two, one
    assert list(causes(one)) == [one, two]
    one.__cause__ = one
    assert list(causes(one)) == [one]
    assert list(causes(None)) == []


def test_an_endless_chain_is_cut():
    first = error = DliError("0")
    for number in range(500):
        error.__context__ = DliError(str(number))
        error = error.__context__
    assert len(list(causes(first))) == 50


def test_a_reworded_error_is_another_one_and_the_first_stays_as_it_was():
    error = ThrottledError("a secret", status=429, code="X", method="GET", path="/p")
    error.retry_after_seconds = 3.0
    other = reworded(error, lambda text: text.replace("secret", "mark"))
    assert (str(error), str(other)) == (
        "X: a secret [GET /p answered 429]",
        "X: a mark [GET /p answered 429]",
    )
    assert isinstance(other, ApiError)
    assert (type(other), other.retry_after_seconds) == (ThrottledError, 3.0)
    assert other.__cause__ is None
