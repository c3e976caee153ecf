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

from pulumi_dli.embedded.events import digest
from pulumi_dli.embedded.operation import OperationError
from pulumi_dli.embedded.settings import read_project
from pulumi_dli.embedded.stack import Stack
from pulumi_dli.embedded.state import read_json
from pulumi_dli.embedded.values import EmbeddedError

COMMANDS: dict[str, tuple[str, set[str]]] = {
    "preview": ("", {"parallel", "refresh", "expect_no_changes", "json", "yes"}),
    "up": ("", {"parallel", "refresh", "expect_no_changes", "yes"}),
    "refresh": ("", {"parallel", "expect_no_changes", "preview_only", "yes"}),
    "destroy": ("", {"parallel", "refresh", "preview_only", "yes"}),
    "output": ("[NAME]", {"show_secrets"}),
    "config": ("set KEY [VALUE]", {"secret"}),
}
"""Each command: its words, and the options it takes beside --cwd, --stack and --backend."""
FLAGS = {
    "refresh": "read what there is first",
    "yes": "do not ask",
    "json": "print JSON instead of lines",
    "preview_only": "only show what would be done",
    "expect_no_changes": "fail when something changed",
    "secret": "encrypt the value",
    "show_secrets": "show secrets in clear",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:  # noqa: ARG002
        """Say how it is done; what was given may be a secret, so it is not shown."""
        lines = [
            " ".join([f"  {name}", words, *(f"[{_flag(option)}]" for option in sorted(options))])
            for name, (words, options) in COMMANDS.items()
        ]
        error = "error: these arguments do not fit (a value that begins with - comes after `--`)"
        told = "\n".join(["commands:", *lines, error])
        self.exit(2, self.format_usage() + told + "\n")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


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
    for name, what in FLAGS.items():
        short = [f"-{name[0]}"] if name in ("yes", "refresh") else []
        parser.add_argument(_flag(name), *short, action="store_true", default=None, help=what)
    arguments = parser.parse_intermixed_args(argv)
    given = {name for name in (*FLAGS, "parallel") if getattr(arguments, name) is not None}
    if given - COMMANDS[arguments.command][1] or not _fits(arguments.command, arguments.words):
        parser.error("these arguments do not fit")
    return arguments


def _fits(command: str, words: list[str]) -> bool:
    if command == "config":
        return words[:1] == ["set"] and len(words) in (2, 3)
    return len(words) <= (command == "output")


def _print_line(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is the command line's output


def _operate(stack: Stack, arguments: argparse.Namespace) -> None:
    options: dict[str, Any] = {
        name: getattr(arguments, name) for name in COMMANDS[arguments.command][1] - {"json", "yes"}
    }
    if not arguments.json:
        options["on_output"] = _print_line
    if arguments.command != "preview" and not arguments.preview_only and not arguments.yes:
        raise OperationError("error: --yes must be passed in: this engine never asks (look at a preview first)")
    try:
        result = getattr(stack, arguments.command)(**options)
    except OperationError as error:
        if arguments.json and error.result.steps + error.result.diagnostics:
            _print_line(json.dumps(digest(error.result), indent=4))
        raise
    if arguments.json:
        _print_line(json.dumps(digest(result), indent=4))


def _output(stack: Stack, arguments: argparse.Namespace) -> None:
    shown = stack.masked_outputs()
    if arguments.show_secrets:
        shown = {name: item.value for name, item in stack.outputs().items()}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in sorted(shown.items())}
    for name in arguments.words:
        if name not in texts:
            raise OperationError(f"error: current stack does not have output property '{name}'")
        _print_line(texts[name])
    if not arguments.words:
        for key, text in texts.items():
            _print_line(f"{key}: {text}")


def _set_config(stack: Stack, arguments: argparse.Namespace) -> None:
    _, key, *given = arguments.words
    text = given[0] if given else sys.stdin.read().rstrip("\n")
    stack.set_config(key, ConfigValue(text, secret=bool(arguments.secret)))


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
        {"output": _output, "config": _set_config}.get(arguments.command, _operate)(_open(arguments), arguments)
    except (EmbeddedError, CommandError) as error:
        print(getattr(error, "reason", f"error: {error}"), file=sys.stderr)  # noqa: T201
        return getattr(error, "code", 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
