"""A run as text: one line a phase while it goes, the table at the end. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import budgets

_TABLE, _END = "<!-- table -->", "<!-- end of table -->"
HEAD = (
    "jobs",
    "width",
    "phase",
    "calls",
    "polls",
    "budget",
    "kept",
    "wall s",
    "floor s",
    "engine s",
    "ratio",
    "host MB",
)


def cells(row: Mapping[str, Any], about: Mapping[str, Any]) -> list[str]:
    """The columns of `HEAD` for one phase; the ratio is wall time to floor plus the engine's own time."""
    size = _size(row, about)
    total = sum(row["calls"].values())
    polls = budgets.polls_of(row["phase"], row["calls"], size) if row["polls_on_top"] else 0
    missed = budgets.not_kept(row, size)
    least = row["floor_seconds"] + row["engine_seconds"]
    return [
        str(row["jobs"]),
        str(row["width"]),
        row["phase"],
        str(total),
        str(polls),
        f"{row['budget']}{' + polls' if row['polls_on_top'] else ''}",
        f"NO: {', '.join(missed)}" if missed else "yes",
        f"{row['seconds']:.1f}",
        f"{row['floor_seconds']:.1f}",
        f"{row['engine_seconds']:.1f}",
        f"{row['seconds'] / least:.2f}",
        f"{row['megabytes'].get('host', 0):.0f}",
    ]


def table(about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """All phases as a Markdown table, with the date and the class of the machine."""
    kind = about["machine"]
    lines = [
        (
            f"Measured on {about['date']}: {kind['cores']} cores, {kind['memory']}, {kind['system']}, Python "
            f"{kind['python']}; engine {about['engine']}; {about['pace']:g} service seconds in a second, "
            f"{about['latency_ms']:g} ms latency, polls from {about['poll_seconds']:g} s."
        ),
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + " --- |" * len(HEAD),
    ]
    lines += ["| " + " | ".join(cells(row, about)) + " |" for row in rows]
    for row in rows:
        if row.get("peer"):
            calls = sum(row["peer"]["calls"].values())
            ours = sum(row["calls"].values())
            lines.append(
                f"\npeer, {row['jobs']} jobs, {row['phase']}: {calls} calls ({_ratio(calls, ours)}), "
                f"{row['peer']['seconds']:.1f} s ({_ratio(row['peer']['seconds'], row['seconds'])})"
            )
    return "\n".join(lines)


def verdict(about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Whether every budget was kept, and which one was not."""
    missed = [
        f"{row['jobs']} jobs, {row['phase']}: {', '.join(budgets.not_kept(row, _size(row, about)))}"
        for row in rows
        if budgets.not_kept(row, _size(row, about))
    ]
    return "budgets not kept:\n  " + "\n  ".join(missed) if missed else "every budget was kept"


def in_page(page: str, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The page with the table between its two marks."""
    before, rest = page.split(_TABLE, 1)
    return f"{before}{_TABLE}\n{table(about, rows)}\n{_END}{rest.split(_END, 1)[1]}"


def line(row: Mapping[str, Any]) -> str:
    """One phase, as soon as it is measured."""
    kinds = ", ".join(f"{count} {name}" for name, count in row["calls"].items()) or "no calls"
    peaks = ", ".join(f"{role} {peak:.0f}" for role, peak in row["megabytes"].items())
    return (
        f"{row['jobs']} jobs, width {row['width']}, {row['phase']}: {row['seconds']:.1f} s (floor "
        f"{row['floor_seconds']:.1f} s, engine {row['engine_seconds']:.1f} s); {kinds}; MB: {peaks}"
    )


def _size(row: Mapping[str, Any], about: Mapping[str, Any]) -> budgets.Size:
    return budgets.Size(row["jobs"], row["width"], about["pace"], about["poll_seconds"])


def _ratio(theirs: float, ours: float) -> str:
    return f"{theirs / ours:.1f} times ours" if ours else "ours: none"
