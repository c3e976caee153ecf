"""`python -m benchmarks --jobs 1 10 100 500`: what a deployment costs, by number of jobs.

Starts the local DLI with a fixed pace and latency, takes a stack through its life with N jobs, and beside it, phase by
phase, the same number of resources that do nothing (the engine's own time) and, where it is found, the peer. Prints a
table, and writes `results/latest.json` and `results/cost.svg`. One width makes all jobs one wave; `--default-width`
names the numbers of jobs that also run as wide as the engine is by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import budgets, machine, report
from benchmarks.peer import Peer, PeerStack, find_peer
from benchmarks.plot import write_plot
from benchmarks.scenarios import PHASES, EngineStack, FailedError, Phase
from benchmarks.service import Meter, fresh, local_dli
from pulumi_dli.emulator.testing import Control

RESULTS = Path(__file__).parent / "results"


@dataclass
class Row:
    """One phase with N jobs at one width."""

    jobs: int
    width: int
    phase: str
    calls: dict[str, int]
    budget: int
    polls_on_top: bool
    seconds: float
    floor_seconds: float
    engine_seconds: float
    megabytes: dict[str, float] = field(default_factory=dict)
    peer: dict[str, object] | None = None

    @property
    def total(self) -> int:
        return sum(self.calls.values())


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is asked for; 1 when a phase failed."""
    asked = _parser().parse_args(argv)
    if asked.engine == "pulumi" and not shutil.which("pulumi"):
        print("--engine pulumi: there is no pulumi on PATH", file=sys.stderr)
        return 2
    peer, why = find_peer()
    print(why, flush=True)
    rows: list[Row] = []
    widths = [(jobs, max(jobs + 2, _default_width())) for jobs in asked.jobs]
    widths += [(jobs, _default_width()) for jobs in asked.default_width if jobs in asked.jobs]
    with tempfile.TemporaryDirectory(prefix="pulumi-dli-bench-") as name:
        folder = Path(name)
        with local_dli(folder, pace=asked.pace, latency_ms=asked.latency_ms) as control:
            for jobs, width in widths:
                size = budgets.Size(jobs, width, asked.pace, asked.poll_seconds)
                try:
                    rows += _measure(control, folder / f"{jobs}-{width}", size, asked.engine, peer)
                except FailedError as error:
                    print(error, file=sys.stderr)
                    return 1
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": machine.describe(),
        "engine": asked.engine,
        "pace": asked.pace,
        "latency_ms": asked.latency_ms,
        "poll_seconds": asked.poll_seconds,
        "peer": why,
    }
    found = [asdict(row) for row in rows]
    print("\n" + report.table(about, found))
    print("\n" + report.verdict(about, found))
    asked.results.mkdir(parents=True, exist_ok=True)
    (asked.results / "latest.json").write_text(json.dumps({"about": about, "rows": found}, indent=1) + "\n")
    write_plot(asked.results / "cost.svg", about, found)
    if asked.docs:
        asked.docs.write_text(report.in_page(asked.docs.read_text(), about, found))
    print(f"\nwritten: {asked.results / 'latest.json'}, {asked.results / 'cost.svg'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What a deployment costs, by jobs.")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 10, 100, 500], metavar="N")
    parser.add_argument("--engine", choices=["embedded", "pulumi"], default="embedded")
    parser.add_argument("--pace", type=float, default=4.0, help="service seconds in a second (%(default)s)")
    parser.add_argument("--latency-ms", type=float, default=20.0, help="of every answer (%(default)s)")
    parser.add_argument("--poll-seconds", type=float, default=0.5, help="first interval of a wait (%(default)s)")
    parser.add_argument("--default-width", type=int, nargs="*", default=[10], metavar="N", help="also so (%(default)s)")
    parser.add_argument("--docs", type=Path, help="a page whose table is renewed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of what is written")
    return parser


def _default_width() -> int:
    return 4 * (os.cpu_count() or 1)


def _measure(control: Control, folder: Path, size: budgets.Size, engine: str, peer: Peer | None) -> list[Row]:
    """Take three stacks through the phases, in alternation: ours, one of no-op resources, and the peer's."""
    folder.mkdir()
    fresh(control)
    config = {
        "dli:endpoint": control.url,
        "dli:projectId": "bench",
        "dli:accessKey": "local",
        "dli:secretKey": "local-secret",
        "dli:pollSeconds": str(size.poll_seconds),
    }
    ours = EngineStack("jobs", engine, folder, config=config, jobs=size.jobs)
    noop = EngineStack("noop", engine, folder, config={}, jobs=size.jobs)
    theirs = peer.stack(folder, control.url, size.jobs) if peer else None
    rows = []
    for rounds in PHASES:
        rows.append(_measured(control, size, rounds, ours, noop, theirs))
        print(report.line(asdict(rows[-1])), flush=True)
    return rows


def _measured(
    control: Control,
    size: budgets.Size,
    rounds: Sequence[Phase],
    ours: EngineStack,
    noop: EngineStack,
    theirs: PeerStack | None,
) -> Row:
    """One phase: of the seconds the median of its rounds, of calls and memory the most."""
    meter = Meter(control)
    overheads, runs, calls, peer_runs, peer_calls = [], [], [], [], []
    for phase in rounds:
        overheads.append(noop.run(phase, size.width))
        runs.append(ours.run(phase, size.width))
        calls.append(meter.read())
        if theirs is not None:
            peer_runs.append(theirs.run(phase, size.width))
            peer_calls.append(meter.read())
    name, ran = rounds[0].name, machine.typical(runs)
    may, on_top = budgets.budget(name, size)
    row = Row(
        size.jobs,
        size.width,
        name,
        _most(calls),
        may,
        on_top,
        round(ran.seconds, 2),
        round(budgets.floor_seconds(name, size), 2),
        round(machine.typical(overheads).seconds, 2),
        {role: round(peak, 1) for role, peak in ran.megabytes.items()},
    )
    if peer_runs:
        peer = machine.typical(peer_runs)
        row.peer = {"calls": _most(peer_calls), "seconds": round(peer.seconds, 2), "megabytes": peer.megabytes}
    return row


def _most(rounds: Sequence[dict[str, int]]) -> dict[str, int]:
    return max(rounds, key=lambda calls: sum(calls.values()))


if __name__ == "__main__":
    sys.exit(main())
