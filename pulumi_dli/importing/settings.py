"""The settings of a stack for the command line: as the Pulumi CLI tells them, or from the stack's own file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi_dli.errors import ConfigError

Tell = Callable[[str], None]
_SECONDS = 60.0


def of_selected_stack(folder: Path, tell: Tell) -> Mapping[str, Any]:
    """Of the stack that is selected for the project in `folder`, decrypted; nothing without a project or a CLI."""
    cli = shutil.which("pulumi")
    if cli is None or not any((above / "Pulumi.yaml").is_file() for above in (folder, *folder.parents)):
        return {}
    command = [cli, "config", "--json", "--show-secrets", "--non-interactive"]
    try:
        told = subprocess.run(  # noqa: S603 - the person's own CLI
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
        return {key: entry.get("value") for key, entry in json.loads(told.stdout).items()}
    except subprocess.CalledProcessError as error:
        tell(f"the settings of the stack are not used: pulumi config: {' '.join(error.stderr.split())}")
    except (subprocess.TimeoutExpired, OSError, ValueError, AttributeError):
        tell("the settings of the stack are not used: `pulumi config --json` gave no answer that can be read")
    return {}


def of_file(path: Path, tell: Tell) -> Mapping[str, Any]:
    """The plain settings in a stack's file; encrypted ones have to come from the environment.

    Raises:
        ConfigError: it is no such file.
        OSError: it cannot be read.
    """
    import yaml  # noqa: PLC0415 - only who names a file needs it

    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        config = dict(described.get("config") or {})
    except (UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError, ValueError):
        raise ConfigError(f"{path} is no settings file of a stack") from None
    sealed = [key for key, value in config.items() if isinstance(value, dict) and key.startswith("dli:")]
    if sealed:
        tell(f"{', '.join(sealed)} in {path} cannot be decrypted here: set the environment variables instead")
    return {key: value for key, value in config.items() if not isinstance(value, dict)}
