"""`python -m pulumi_dli.embedded`: the embedded engine from the command line.

Owns arguments and exit statuses; everything else is stack.py's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pulumi.automation import CommandError, ConfigValue

from pulumi_dli.embedded.checkpoint import read_json
from pulumi_dli.embedded.events import digest
from pulumi_dli.embedded.run import OperationError
from pulumi_dli.embedded.settings import read_project
from pulumi_dli.embedded.stack import Stack
from pulumi_dli.embedded.values import EmbeddedError

COMMANDS: dict[str, tuple[str, set[str]]] = {
    "preview": ("", {"parallel", "refresh", "diff", "expect_no_changes", "json", "yes"}),
    "up": ("", {"parallel", "refresh", "diff", "expect_no_changes", "yes"}),
    "refresh": ("", {"parallel", "diff", "expect_no_changes", "preview_only", "yes"}),
    "destroy": ("", {"parallel", "refresh", "diff", "preview_only", "yes"}),
    "output": ("[NAME]", {"json", "show_secrets"}),
    "config": ("[get KEY | set KEY [VALUE]]", {"json", "secret", "show_secrets"}),
    "stack-export": ("", set()),
}
"""Each command: its words, and the options it takes beside --cwd, --stack and --backend."""
OPERATIONS = ("preview", "up", "refresh", "destroy")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say how it is done; what was given may be a secret, so it is not shown."""
        lines = [f"  {name} {words} {_flags(options)}" for name, (words, options) in COMMANDS.items()]
        shown = message if message.startswith("argument ") and "'" not in message else "these arguments do not fit"
        told = "\n".join(["commands:", *lines, f"error: {shown} (a value that begins with - comes after `--`)"])
        self.exit(2, self.format_usage() + told + "\n")


def _flags(options: set[str]) -> str:
    return " ".join(f"[--{name.replace('_', '-')}]" for name in sorted(options))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog="python -m pulumi_dli.embedded",
        description="A small deployment engine for programs that use a local DLI on this machine: demos and tests.",
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--cwd", default=".", help="the folder with Pulumi.yaml")
    parser.add_argument("--stack", "-s", help="the stack's name (dev; made when there is none)")
    parser.add_argument("--backend", help="where stacks are kept (a folder of the project, not the CLI's)")
    parser.add_argument("--parallel", "-p", type=int, help="how many steps at a time (PULUMI_PARALLEL)")
    parser.add_argument("--refresh", "-r", action="store_true", default=None, help="read what there is first")
    for name, what in (
        ("--yes", "do not ask"),
        ("--json", "print JSON instead of lines"),
        ("--diff", "show every property that changes"),
        ("--preview-only", "only show what would be done"),
        ("--expect-no-changes", "fail when something changed"),
        ("--secret", "encrypt the value"),
        ("--show-secrets", "show secrets in clear"),
    ):
        parser.add_argument(name, *(["-y"] if name == "--yes" else []), action="store_true", help=what)
    arguments = parser.parse_intermixed_args(argv)
    known = COMMANDS[arguments.command][1]
    others = {name for _, options in COMMANDS.values() for name in options if getattr(arguments, name)} - known
    if others or not _fits(arguments.command, arguments.words):
        parser.error("these arguments do not fit")
    return arguments


def _fits(command: str, words: list[str]) -> bool:
    if command == "config":
        return not words or (words[0] == "get" and len(words) == 2) or (words[0] == "set" and len(words) in (2, 3))
    return len(words) <= (command == "output")


def _print_line(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is the command line's output


def _print_json(value: Any) -> None:
    _print_line(json.dumps(value, indent=4, default=str))


def _operate(stack: Stack, arguments: argparse.Namespace) -> None:
    given = COMMANDS[arguments.command][1] & {"parallel", "refresh", "diff", "expect_no_changes", "preview_only"}
    options = {name: getattr(arguments, name) for name in given}
    if not arguments.json:
        options["on_output"] = _print_line
    if arguments.command != "preview" and not arguments.preview_only and not arguments.yes:
        raise OperationError("error: --yes must be passed in: this engine never asks (look at a preview first)")
    try:
        result = getattr(stack, arguments.command)(**options)
    except OperationError as error:
        if arguments.json and error.result.steps + error.result.diagnostics:
            _print_json(digest(error.result))
        raise
    if arguments.json:
        _print_json(digest(result))


def _output(stack: Stack, arguments: argparse.Namespace) -> None:
    shown = stack.masked_outputs()
    if arguments.show_secrets:
        shown = {name: item.value for name, item in stack.outputs().items()}
    name = next(iter(arguments.words), None)
    if name is not None and name not in shown:
        raise OperationError(f"error: current stack does not have output property '{name}'")
    if arguments.json:
        _print_json(shown if name is None else shown[name])
    elif name is not None:
        _print_line(_text(shown[name]))
    else:
        for key in sorted(shown):
            _print_line(f"{key}: {_text(shown[key])}")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _config(stack: Stack, arguments: argparse.Namespace) -> None:
    action, key, value = [*arguments.words, None, None, None][:3]
    if action == "set":
        text = sys.stdin.read().rstrip("\n") if value is None else value
        stack.set_config(key, ConfigValue(text, secret=arguments.secret))
    elif action == "get":
        _print_line(stack.get_config(key).value)
    else:
        values = stack.get_all_config()
        show = arguments.show_secrets
        shown = {key: item.value if show or not item.secret else "[secret]" for key, item in values.items()}
        if arguments.json:
            _print_json(shown)
        else:
            for name, text in shown.items():
                _print_line(f"{name}: {text}")


def _selected_by_cli(folder: Path) -> tuple[str, str]:
    """The stack that the Pulumi CLI has selected for this project, and where the CLI is logged in."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    project, file = read_project(folder).name, (folder / "Pulumi.yaml").resolve()
    digest_ = hashlib.sha1(str(file).encode(), usedforsecurity=False).hexdigest()
    workspace, credentials = home / "workspaces" / f"{project}-{digest_}-workspace.json", home / "credentials.json"
    login = str(read_json(credentials).get("current") or "") if credentials.exists() else ""
    settings = read_json(workspace) if workspace.exists() else {}
    return str((settings.get("stacks") or {}).get(login) or settings.get("stack") or ""), login


def _open(arguments: argparse.Namespace) -> Stack:
    selected, login = _selected_by_cli(Path(arguments.cwd))
    if selected and arguments.stack is None:
        raise EmbeddedError(f"the Pulumi CLI has selected the stack {selected!r} for this project: say which (--stack)")
    if login and not arguments.backend and not os.environ.get("PULUMI_BACKEND_URL"):
        text = f"note: the Pulumi CLI's login to {login} is not used; this engine keeps stacks of its own (--backend)"
        print(text, file=sys.stderr)  # noqa: T201
    return Stack.create_or_select(arguments.stack or "dev", arguments.cwd, backend_dir=arguments.backend)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    arguments = _parse(argv)
    # gRPC tells on standard error, now and then, that a host which was asked to end has ended.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    try:
        stack = _open(arguments)
        if arguments.command in OPERATIONS:
            _operate(stack, arguments)
        elif arguments.command == "output":
            _output(stack, arguments)
        elif arguments.command == "stack-export":
            exported = stack.export_stack()
            _print_json({"version": exported.version, "deployment": exported.deployment})
        else:
            _config(stack, arguments)
    except (EmbeddedError, CommandError) as error:
        print(getattr(error, "reason", f"error: {error}"), file=sys.stderr)  # noqa: T201
        return getattr(error, "code", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
