"""The root cause in what Flink reports of a failure: one short line for DLI's `status_desc`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 500
_CAUSE = re.compile(r"^Caused by: (.*)$")  # at the margin only: an indented one belongs to a suppressed exception
_WRAPPED = re.compile(r"^(?:[\w.$]+(?:Exception|Error|Failure|Throwable): )+(?=[\w.$]+(?:Exception|Error|Throwable)\b)")


def root_cause(trace: str) -> str:
    """The innermost exception of a Java stack trace, as `class: message`, on one line."""
    cause = ""
    for line in trace.splitlines():
        text = line.strip()
        if not text or text.startswith(("at ", "... ", "<Exception on server side:", "End of exception")):
            continue
        found = _CAUSE.match(line)
        if found:
            cause = found.group(1)
        elif not cause:
            cause = text
    cause = _WRAPPED.sub("", cause).strip()
    return cause if len(cause) <= LONGEST else cause[: LONGEST - 1] + "…"


def refusal(errors: Sequence[str]) -> str:
    """The root cause in the `errors` of a refused REST call; the last one holds the trace."""
    meaningful = [error for error in errors if error and error != "Internal server error."]
    return root_cause(meaningful[-1]) if meaningful else "Flink gave no reason"
