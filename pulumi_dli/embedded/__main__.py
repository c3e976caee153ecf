"""`python -m pulumi_dli.embedded`: the embedded engine from the command line.

Owns arguments and exit statuses; everything else is stack.py's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from pulumi.automation import CommandError, ConfigValue

from pulumi_dli.embedded.run import OperationError
from pulumi_dli.embedded.stack import Stack

OPERATIONS = ("preview", "up", "refresh", "destroy")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pulumi_dli.embedded",
        description="A small deployment engine for Pulumi programs of dynamic resources: for demos and tests.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--cwd", default=".", help="the folder with Pulumi.yaml")
    common.add_argument("--stack", "-s", default="dev", help="the stack's name (made when there is none)")
    common.add_argument("--json", action="store_true", help="print JSON instead of lines")
    running = argparse.ArgumentParser(add_help=False)
    running.add_argument("--yes", "-y", action="store_true", help="do not ask")
    running.add_argument("--parallel", "-p", type=int, help="how many steps at a time (PULUMI_PARALLEL)")
    running.add_argument("--refresh", "-r", action="store_true", default=None, help="read what there is first")
    running.add_argument("--diff", action="store_true", help="show every property that changes")
    running.add_argument("--preview-only", action="store_true", help="only show what would be done")
    running.add_argument("--expect-no-changes", action="store_true", help="fail when something changed")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in OPERATIONS:
        commands.add_parser(name, parents=[common, running])
    output = commands.add_parser("output", parents=[common], help="the outputs, or one of them")
    output.add_argument("name", nargs="?")
    output.add_argument("--show-secrets", action="store_true")
    commands.add_parser("stack-export", parents=[common], help="the deployment, as JSON")
    config = commands.add_parser("config", parents=[common], help="list the configuration, get or set a value")
    config.add_argument("action", nargs="?", choices=["get", "set"])
    config.add_argument("key", nargs="?")
    config.add_argument("value", nargs="?")
    config.add_argument("--secret", action="store_true")
    config.add_argument("--show-secrets", action="store_true")
    return parser


def _print_line(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is the command line's output


def _print_json(value: Any) -> None:
    _print_line(json.dumps(value, indent=2, default=str))


def _operate(stack: Stack, arguments: argparse.Namespace) -> None:
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    options: dict[str, Any] = {"parallel": arguments.parallel, "diff": arguments.diff, "colour": colour}
    if not arguments.json:
        options["on_output"] = _print_line
    if arguments.command == "refresh":
        options |= {"expect_no_changes": arguments.expect_no_changes}
    else:
        options |= {"refresh": arguments.refresh}
    if arguments.preview_only and arguments.command in ("refresh", "destroy"):
        options |= {"preview_only": True}
    elif arguments.command != "preview" and not arguments.yes and not _confirmed(stack, arguments, options):
        return
    operation: Callable[..., Any] = getattr(stack, arguments.command)
    try:
        result = operation(**options)
    except OperationError as error:
        if arguments.json:
            _print_json({"result": "failed", **_told(error)})
        raise
    if arguments.json:
        changes = result.change_summary if arguments.command == "preview" else result.summary.resource_changes
        _print_json(
            {"result": "succeeded", "changeSummary": {op.value: n for op, n in changes.items()}, **_told(result)}
        )


def _told(result: Any) -> dict[str, Any]:
    diagnostics = [item._asdict() for item in result.diagnostics if not item.ephemeral]
    return {"steps": result.steps, "diagnostics": diagnostics}


def _confirmed(stack: Stack, arguments: argparse.Namespace, options: dict[str, Any]) -> bool:
    if not sys.stdin.isatty():
        raise OperationError("", "error: nobody can be asked here: give --yes")
    if arguments.command == "up":
        stack.preview(**options)
    else:
        getattr(stack, arguments.command)(**options, preview_only=True)
    return input(f"Do the {arguments.command} now? [y/N] ").strip().lower() in ("y", "yes")


def _output(stack: Stack, arguments: argparse.Namespace) -> None:
    values = stack.outputs()
    shown = {
        name: item.value if arguments.show_secrets or not item.secret else "[secret]" for name, item in values.items()
    }
    if arguments.name is None:
        if arguments.json:
            _print_json(shown)
            return
        for name in sorted(shown):
            _print_line(f"{name}: {_text(shown[name])}")
    elif arguments.name not in shown:
        raise OperationError("", f"error: the stack has no output '{arguments.name}'")
    elif arguments.json:
        _print_json(values[arguments.name].value)
    else:
        _print_line(_text(values[arguments.name].value))  # asked for by name: shown, as the CLI does


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _config(stack: Stack, arguments: argparse.Namespace) -> None:
    if arguments.action == "set":
        if arguments.key is None:
            raise OperationError("", "error: config set KEY [VALUE] (without VALUE it is read from standard input)")
        value = sys.stdin.read().rstrip("\n") if arguments.value is None else arguments.value
        stack.set_config(arguments.key, ConfigValue(value, secret=arguments.secret))
    elif arguments.action == "get":
        _print_line(stack.get_config(arguments.key or "").value)
    else:
        values = stack.get_all_config()
        shown = {
            key: item.value if arguments.show_secrets or not item.secret else "[secret]" for key, item in values.items()
        }
        if arguments.json:
            _print_json(shown)
        else:
            for key, text in shown.items():
                _print_line(f"{key}: {text}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    arguments = _parser().parse_args(argv)
    # gRPC tells on standard error, now and then, that a host which was asked to end has ended.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        stack = Stack.create_or_select(arguments.stack, arguments.cwd)
        if arguments.command in OPERATIONS:
            _operate(stack, arguments)
        elif arguments.command == "output":
            _output(stack, arguments)
        elif arguments.command == "stack-export":
            exported = stack.export_stack()
            _print_json({"version": exported.version, "deployment": exported.deployment})
        else:
            _config(stack, arguments)
    except CommandError as error:
        print(getattr(error, "reason", str(error)), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
