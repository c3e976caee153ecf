"""A line of the report, a check that gives lines, and the run over a list of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pulumi_dli.doctor.case import Case
from pulumi_dli.errors import DliError


class Level(StrEnum):
    """How a line came out. `unknown`: nothing that may be read tells."""

    OK = "ok"
    WARNING = "warning"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Line:
    """One line of the report; `check` is the name of the check that gave it."""

    level: Level
    text: str
    next_step: str = ""
    check: str = ""


@dataclass(frozen=True)
class Check:
    """`find` gives its lines. It is not asked when one of the checks in `needs` failed, or was not asked itself."""

    name: str
    find: Callable[[Case], Iterable[Line]]
    needs: tuple[str, ...] = ()


def examine(case: Case, checks: Sequence[Check]) -> Iterator[Line]:
    """The lines of all checks, in their order."""
    stopped: set[str] = set()
    for check in checks:
        missing = next((name for name in check.needs if name in stopped), None)
        if missing:
            stopped.add(check.name)
            yield Line(Level.UNKNOWN, f"not asked: see {missing}", check=check.name)
            continue
        try:
            lines = list(check.find(case))
        except DliError as error:
            lines = [Line(Level.UNKNOWN, f"no answer that helps: {error}", "run it again")]
        for line in lines:
            if line.level is Level.FAILS:
                stopped.add(check.name)
            yield Line(line.level, line.text, line.next_step, check.name)


def ok(text: str) -> Line:
    return Line(Level.OK, text)


def warning(text: str, next_step: str) -> Line:
    return Line(Level.WARNING, text, next_step)


def fails(text: str, next_step: str) -> Line:
    return Line(Level.FAILS, text, next_step)


def unknown(text: str, next_step: str = "") -> Line:
    return Line(Level.UNKNOWN, text, next_step)
