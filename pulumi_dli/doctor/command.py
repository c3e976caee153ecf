"""`pulumi-dli doctor`: reads the arguments, examines, probes when asked, writes the report; exit status 0, or 1 when
something fails.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_dli.errors import ConfigError
from pulumi_dli.redaction import Redactor

if TYPE_CHECKING:
    from pulumi_dli.doctor.case import Case
    from pulumi_dli.doctor.checks import Line

_EPILOG = """\
  pulumi-dli doctor
  pulumi-dli doctor --queue streams --agency my_agency --bucket my-bucket
  pulumi-dli doctor --probe --yes --out dli-probe.json

It only reads. --authorize lets DLI use the bucket; --probe makes drafts of jobs, which cost nothing, and deletes them.
Exit status: 0; 1 when something fails.
"""


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command to the parser of `pulumi-dli`; gives its own parser, for options that it shares with others."""
    parser = commands.add_parser(
        "doctor",
        help="whether this project will work, before the first deployment",
        description="Check settings, service, rights, queues, agency and bucket, and say what to do next.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--queue", default="", metavar="NAME", help="the queue that the jobs will run on")
    parser.add_argument("--agency", default="", metavar="NAME", help="what the jobs name in execution_agency_urn")
    parser.add_argument("--bucket", default="", metavar="NAME", help="what the jobs name in obs_bucket")
    parser.add_argument("--authorize", action="store_true", help="let DLI use the bucket (obs-authorize)")
    parser.add_argument("--json", action="store_true", help="for another program")
    parser.add_argument("--probe", action="store_true", help="make and delete drafts to learn what no document says")
    parser.add_argument("--yes", action="store_true", help="probe without asking")
    parser.add_argument(
        "--out", type=Path, default=Path("dli-probe.json"), help="where the probe's raw answers go (%(default)s)"
    )
    return parser


def doctor(arguments: argparse.Namespace) -> int:
    """Examine, and write the report to standard output; the exit status.

    Raises:
        DliError: the arguments, or the file that they name, cannot work.
    """
    from pulumi_dli.doctor import service, settings  # noqa: PLC0415  (other commands load none of it)
    from pulumi_dli.doctor.case import Case  # noqa: PLC0415
    from pulumi_dli.doctor.checks import Level, Line, examine  # noqa: PLC0415
    from pulumi_dli.doctor.report import any_fails, as_json, as_text  # noqa: PLC0415
    from pulumi_dli.importing.settings import of_file, of_selected_stack  # noqa: PLC0415

    if arguments.authorize and not arguments.bucket:
        raise ConfigError("--authorize needs --bucket")
    options = {"region": arguments.region, "projectId": arguments.project_id, "endpoint": arguments.endpoint}
    told: list[str] = []
    named: Path | None = arguments.stack_config
    case = Case(
        given={f"dli:{name}": value for name, value in options.items() if value},
        stack=of_file(named, told.append) if named else of_selected_stack(Path.cwd(), told.append),
        told=told,
        in_clear=named is not None,
        queue=arguments.queue,
        agency=arguments.agency,
        bucket=arguments.bucket,
        authorize=arguments.authorize,
        environ=os.environ,
    )
    lines = list(examine(case, (*settings.CHECKS, *service.CHECKS)))
    if arguments.probe:
        reachable = any(line.check == "project" and line.level is Level.OK for line in lines)
        lines += _probed(case, arguments) if reachable else [Line(Level.UNKNOWN, "not asked: see above", "", "probe")]
    redact = Redactor(case.secrets())
    lines = [replace(line, text=redact(line.text)) for line in lines]
    sys.stdout.write((as_json(lines) if arguments.json else as_text(lines)) + "\n")
    return 1 if any_fails(lines) else 0


def _probed(case: Case, arguments: argparse.Namespace) -> Sequence[Line]:
    from pulumi_dli.doctor.probe import Probe, announcement, place_of  # noqa: PLC0415
    from pulumi_dli.doctor.recorder import Recorder, as_document  # noqa: PLC0415
    from pulumi_dli.doctor.rights import v3_is_unpublished  # noqa: PLC0415
    from pulumi_dli.importing.files import write_private  # noqa: PLC0415

    project_id, place = case.transport.project_id, place_of(case)
    names = {place.agency: "{agency}", place.bucket: "{bucket}", place.pooled_queue: "{pooled_queue}"}
    recorder = Recorder(case.connection, project_id, names | {place.free_queue: "{free_queue}"})
    probe = Probe(recorder, place)
    sys.stderr.write(announcement(place, project_id, probe.prefix) + "\n")
    if not arguments.yes and not _agreed():
        raise ConfigError("the probe was not agreed to, and nothing was made: --yes agrees")
    try:
        lines = list(probe.run())
    finally:
        recorder.close()
    facts = {"region": case.connection.region, "loopback": case.connection.is_loopback}
    known = {"v3_unpublished": v3_is_unpublished(case)}
    write_private(arguments.out, as_document(probe.document(facts=facts, quirks=known)))
    sys.stderr.write(f"the raw answers are in {arguments.out}, without secrets: look at it, then attach it\n")
    return lines


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
