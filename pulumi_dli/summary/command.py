"""`pulumi-dli summary`: reads a preview from standard input or a file, writes the report, answers a gate by its exit
status: 0, 1 for a broken input, 3 when `--fail-on` found something.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pulumi_dli.errors import DliError
from pulumi_dli.summary.previews import UnreadablePreviewError, read_preview
from pulumi_dli.summary.report import as_json, as_markdown, as_text, report_on
from pulumi_dli.summary.verdicts import Verdict

GATE_CLOSED = 3

_EPILOG = """\
  pulumi preview --json | pulumi-dli summary > comment.md
  pulumi preview --json | pulumi-dli summary --text --fail-on state-dropped,deleted,blocked
  pulumi refresh --preview-only --json | pulumi-dli summary --drift --fail-on drifted

Exit status: 0; 1 when the input is no preview; 3 when something of --fail-on was found.
"""


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `pulumi-dli`."""
    parser = commands.add_parser(
        "summary",
        help="what a preview does to running streams, for a pull request",
        description="Summarise `pulumi preview --json`: dangerous changes first. Shows names of fields, never values.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", nargs="?", type=Path, help="the preview's output (standard input)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", dest="form", action="store_const", const="markdown", help="for a comment (default)")
    form.add_argument("--text", dest="form", action="store_const", const="text", help="for a terminal")
    form.add_argument("--json", dest="form", action="store_const", const="json", help="for another program")
    parser.add_argument("--drift", action="store_true", help="the input is `pulumi refresh --preview-only --json`")
    parser.add_argument(
        "--fail-on",
        type=_verdicts,
        default=(),
        metavar="WORD[,WORD...]",
        help=f"exit with {GATE_CLOSED} when there is any of: {', '.join(verdict for verdict in Verdict)}",
    )


def _verdicts(words: str) -> tuple[Verdict, ...]:
    try:
        return tuple(Verdict(word.strip()) for word in words.split(",") if word.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{error}; the words are {', '.join(verdict for verdict in Verdict)}"
        ) from None


def summarise(arguments: argparse.Namespace) -> int:
    """Write the report to standard output; the exit status.

    Raises:
        DliError: the input is not the output of a preview.
    """
    text = arguments.file.read_text(encoding="utf-8") if arguments.file else sys.stdin.read()
    try:
        report = report_on(read_preview(text), drift=arguments.drift)
    except UnreadablePreviewError as error:
        raise DliError(str(error)) from error
    write = {"text": as_text, "json": as_json}.get(arguments.form, as_markdown)
    sys.stdout.write(write(report).rstrip("\n") + "\n")
    found = report.hits(arguments.fail_on)
    if found:
        names = ", ".join(f"{item.name} ({item.verdict})" for item in found[:10])
        sys.stderr.write(f"pulumi-dli: --fail-on: {names}{' …' if len(found) > 10 else ''}\n")
    return GATE_CLOSED if found else 0
