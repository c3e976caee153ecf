"""`python -m tests.chaos -n 1000` runs schedules and prints figures.

`--seed 17` repeats one, and with `--shrink` makes it small.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.chaos.running import emulator, run, shrunk
from tests.chaos.schedules import drawn


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("-n", type=int, default=100, help="how many schedules")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this one alone, with all that happens in it")
    parser.add_argument("--shrink", action="store_true", help="look for a smaller schedule with the same violation")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no schedule after that time")
    asked = parser.parse_args()
    with emulator() as dli:
        if asked.seed is not None:
            schedule = drawn(asked.seed)
            report = run(schedule, dli)
            if asked.shrink and report.violations:
                schedule = shrunk(schedule, dli)
                report = run(schedule, dli)
            print(schedule, *report.violations, dict(report.figures), sep="\n")
            return bool(report.violations)
        began, figures, broken = time.monotonic(), Counter[str](), 0
        for seed in range(asked.first, asked.first + asked.n):
            if time.monotonic() - began > asked.minutes * 60:
                break
            report = run(drawn(seed), dli)
            figures.update(report.figures)
            figures["schedules"] += 1
            broken += bool(report.violations)
            for violation in report.violations:
                print(f"seed {seed}: {violation}", flush=True)
    said = ", ".join(f"{count} {what}" for what, count in sorted(figures.items()))
    print(f"{said}; {broken} with a violation; {time.monotonic() - began:.0f} s")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
