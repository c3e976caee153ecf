"""Cost against number of jobs, as an SVG drawn by hand: calls on the left, seconds on the right, both axes logarithmic.

A plotting library would be the package's heaviest dependency, for two pictures of seven lines.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, MARGIN, LEGEND = 460, 340, 60, 190
COLOURS = ("#1b6ca8", "#7a7a7a", "#b0b0b0", "#2a9d55", "#c4552d", "#8e5bb5", "#c99a1a")

Row = Mapping[str, Any]


def write_plot(path: Path, about: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Draw the rows that were run at a width of at least the jobs."""
    wide = [row for row in rows if row["width"] >= row["jobs"]]
    phases = list(dict.fromkeys(row["phase"] for row in wide))
    calls = _panel(0, "HTTP calls", wide, phases, lambda row: sum(row["calls"].values()))
    seconds = _panel(WIDTH, "seconds (dashed: floor + engine)", wide, phases, lambda row: row["seconds"], _least)
    legend = [
        f'<line x1="{2 * WIDTH + 10}" x2="{2 * WIDTH + 34}" y1="{50 + 22 * i}" y2="{50 + 22 * i}" '
        f'stroke="{COLOURS[i % len(COLOURS)]}" stroke-width="2"/>'
        f'<text x="{2 * WIDTH + 40}" y="{54 + 22 * i}">{html.escape(phase)}</text>'
        for i, phase in enumerate(phases)
    ]
    kind = about["machine"]
    caption = (
        f"{about['date']}, {kind['cores']} cores, {kind['memory']}, {about['engine']} engine, "
        f"pace {about['pace']:g}, {about['latency_ms']:g} ms latency"
    )
    text = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH + LEGEND} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        *calls,
        *seconds,
        *legend,
        (
            f'<text x="{2 * WIDTH + LEGEND - 6}" y="{HEIGHT - 6}" text-anchor="end" fill="#666" font-size="10">'
            f"{html.escape(caption)}</text>"
        ),
        "</svg>",
    ]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def _least(row: Row) -> float:
    return float(row["floor_seconds"] + row["engine_seconds"])


def _panel(
    left: int,
    title: str,
    rows: Sequence[Row],
    phases: Sequence[str],
    value: Callable[[Row], float],
    floor: Callable[[Row], float] | None = None,
) -> list[str]:
    numbers = sorted({row["jobs"] for row in rows})
    highest = max([value(row) for row in rows] + [floor(row) for row in rows if floor] + [1.0])
    decades = max(math.ceil(math.log10(highest)), 1)
    inner_w, inner_h = WIDTH - MARGIN - 20, HEIGHT - 2 * MARGIN + 20
    span = math.log10(numbers[-1] / numbers[0]) or 1.0

    def x(jobs: int) -> float:
        return left + MARGIN + inner_w * math.log10(jobs / numbers[0]) / span

    def y(amount: float) -> float:  # below one: on the axis, nothing is drawn below it
        return 40 + inner_h * (1 - math.log10(max(amount, 1.0)) / decades)

    drawn = [f'<text x="{left + MARGIN}" y="24" font-weight="bold">{html.escape(title)}</text>']
    for decade in range(decades + 1):
        drawn.append(
            f'<line x1="{left + MARGIN}" x2="{left + MARGIN + inner_w}" y1="{y(10**decade):.1f}" '
            f'y2="{y(10**decade):.1f}" stroke="#ddd"/><text x="{left + MARGIN - 6}" y="{y(10**decade) + 4:.1f}" '
            f'text-anchor="end">{10**decade}</text>'
        )
    drawn += [f'<text x="{x(n):.1f}" y="{40 + inner_h + 18}" text-anchor="middle">{n}</text>' for n in numbers]
    drawn.append(f'<text x="{left + MARGIN + inner_w / 2}" y="{40 + inner_h + 36}" text-anchor="middle">jobs</text>')
    for index, phase in enumerate(phases):
        colour = COLOURS[index % len(COLOURS)]
        of_phase = sorted((row for row in rows if row["phase"] == phase), key=lambda row: row["jobs"])
        points = " ".join(f"{x(row['jobs']):.1f},{y(value(row)):.1f}" for row in of_phase)
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [
            f'<circle cx="{x(row["jobs"]):.1f}" cy="{y(value(row)):.1f}" r="3" fill="{colour}"/>' for row in of_phase
        ]
        if floor is not None:
            points = " ".join(f"{x(row['jobs']):.1f},{y(floor(row)):.1f}" for row in of_phase)
            drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-dasharray="4 4"/>')
    return drawn
