"""The lines as text for a person, or as JSON for a program. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from pulumi_dli.doctor.checks import Level, Line

_WIDTH = max(len(level) for level in Level)


def as_text(lines: Sequence[Line]) -> str:
    """A heading for each check, its lines below, and how many there are of each level."""
    written = []
    for name, of_check in groupby(lines, key=lambda line: line.check):
        written.append(name)
        for line in of_check:
            written.append(f"  {line.level:<{_WIDTH}}  {' '.join(line.text.split())}")
            if line.next_step and line.level is not Level.OK:
                written.append(f"  {'':<{_WIDTH}}    -> {line.next_step}")
    counted = Counter(line.level for line in lines)
    return "\n".join([*written, "", ", ".join(f"{counted[level]} {level}" for level in Level)])


def as_json(lines: Sequence[Line]) -> str:
    """The lines as objects, and whether anything fails."""
    rows = [
        {"check": line.check, "level": line.level, "text": " ".join(line.text.split()), "next_step": line.next_step}
        for line in lines
    ]
    return json.dumps({"fails": any_fails(lines), "lines": rows}, indent=2, ensure_ascii=False)


def any_fails(lines: Sequence[Line]) -> bool:
    return any(line.level is Level.FAILS for line in lines)
