"""The command `pulumi-dli`: `doctor` checks a project before its first deployment, `emulator` starts a local DLI,
`import` brings what exists into a stack, `summary` tells a pull request what a preview does to streams.

Owns arguments, exit statuses and one-line errors; loads nothing that the chosen command does not need.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pulumi_dli import __version__
from pulumi_dli.doctor.command import add_arguments as add_doctor_arguments
from pulumi_dli.doctor.command import doctor
from pulumi_dli.errors import DliError
from pulumi_dli.summary.command import add_arguments as add_summary_arguments
from pulumi_dli.summary.command import summarise

_EPILOG = """\
`pulumi-dli import` asks the service with the settings of the options, then of the stack that is selected in this folder
(or of --stack-config), then of the environment (OS_*, HW_*). It writes the import file and prints the program:

  pulumi-dli import --queue streams --job counter > __main__.py
  pulumi import --file import.json --generate-code=false --protect=false
  pulumi preview        # no changes

The program and the file show the arguments and runtime settings of jobs as the service tells them; some may be secret.
With --redact the program names secret settings of the stack in their place. Only you can read the file; delete it after
the import.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulumi-dli", description="Flink on Data Lake Insight, beside the Pulumi program."
    )
    parser.add_argument("--version", action="version", version=f"pulumi-dli {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{doctor,emulator,import,summary}")
    commands.add_parser("emulator", help="start a local DLI for demos and tests", add_help=False)
    wanted = commands.add_parser(
        "import",
        help="write the import file and the program for what exists",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    wanted.add_argument("--pool", action="extend", nargs="+", default=[], metavar="NAME", help="only these pools")
    wanted.add_argument("--queue", action="extend", nargs="+", default=[], metavar="NAME", help="only these queues")
    wanted.add_argument("--group", action="extend", nargs="+", default=[], metavar="NAME", help="only these groups")
    wanted.add_argument(
        "--connection", action="extend", nargs="+", default=[], metavar="NAME|ID", help="only these connections"
    )
    wanted.add_argument(
        "--job", action="extend", nargs="+", default=[], metavar="NAME|ID", help="only these Flink jobs"
    )
    wanted.add_argument("--out", type=Path, default=Path("import.json"), help="the import file (%(default)s)")
    wanted.add_argument("--redact", action="store_true", help="keep arguments and runtime settings out of the program")
    add_summary_arguments(commands)
    for asking in (wanted, add_doctor_arguments(commands)):
        _add_place(asking)
    return parser


def _add_place(parser: argparse.ArgumentParser) -> None:
    """The options of a command that asks the service: where its settings are, and those that win over them."""
    parser.add_argument(
        "--stack-config",
        type=Path,
        metavar="FILE",
        help="a stack's file, where there is no CLI: Pulumi.dev.yaml",
    )
    parser.add_argument("--region", help="such as eu-de")
    parser.add_argument("--project-id", help="the id of the project")
    parser.add_argument("--endpoint", help="address of the service, where it is not the region's own")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["emulator"]:
        return _emulate(words[1:])
    arguments = _parser().parse_args(words)
    try:
        if arguments.command == "summary":
            return summarise(arguments)
        if arguments.command == "doctor":
            return doctor(arguments)
        _import(arguments)
    except DliError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        return _complain("interrupted")
    return 0


def _emulate(words: Sequence[str]) -> int:
    try:
        from pulumi_dli.emulator.__main__ import run  # noqa: PLC0415  (its libraries are an extra)
    except ModuleNotFoundError as error:
        return _complain(f"the local DLI needs {error.name}: pip install 'pulumi-dli[emulator]'")
    return run(words)


def _import(arguments: argparse.Namespace) -> None:
    from pulumi_dli.api.client import client_for  # noqa: PLC0415  (see above)
    from pulumi_dli.config import resolve_connection  # noqa: PLC0415
    from pulumi_dli.importing import ImportSelection, config_keys, find, import_file, program, write_private  # noqa: PLC0415
    from pulumi_dli.lifecycle.session import Session  # noqa: PLC0415

    session = Session(client_for(resolve_connection(_settings(arguments), os.environ)))
    wanted = ImportSelection(arguments.queue, arguments.group, arguments.job, arguments.pool, arguments.connection)
    found = find(session, wanted, _tell)
    if not found:
        raise DliError(f"there is nothing to import in project {session.project_id}")
    write_private(arguments.out, import_file(found, redact=arguments.redact))
    sys.stdout.write(program(found, redact=arguments.redact))
    counted = f"{len(found)} resource{'s' if len(found) > 1 else ''}"
    _tell(f"{counted} in {arguments.out}: pulumi import --file {arguments.out} --generate-code=false --protect=false")
    keys = config_keys(found)
    if keys and arguments.redact:
        _tell(f"set these to the values in {arguments.out}: pulumi config set --secret <setting>: {', '.join(keys)}")
    elif keys:
        _tell("the program shows arguments or runtime settings of jobs; if any is secret, use --redact")


def _settings(arguments: argparse.Namespace) -> Callable[[str], Any]:
    """A look-up of settings by their full key: the options, then the stack's file or the stack that is selected."""
    from pulumi_dli.importing.settings import of_file, of_selected_stack  # noqa: PLC0415  (see above)

    given = {
        "dli:region": arguments.region,
        "dli:projectId": arguments.project_id,
        "dli:endpoint": arguments.endpoint,
    }
    named: Path | None = arguments.stack_config
    stack = of_file(named, _tell) if named else of_selected_stack(Path.cwd(), _tell)
    return lambda key: given.get(key) or stack.get(key)


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _complain(text: str) -> int:
    sys.stderr.write(f"pulumi-dli: error: {' '.join(text.split())}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
