"""What the class of SQL jobs does beside being declared: it reads the SQL out of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi

from pulumi_dli.resources.base import DliResource


class WithSql(DliResource):
    """A job whose text may stand in a file of the program."""

    def _completed(self, inputs: dict[str, Any]) -> dict[str, Any]:
        file = inputs["sql_file"]
        if file is None:
            return inputs
        if inputs["sql_body"] is not None:
            raise pulumi.RunError(
                f"{type(self).__name__}: sql_file: has no effect beside sql_body: give one of the two"
            )
        inputs["sql_body"] = file.apply(_text) if isinstance(file, pulumi.Output) else _text(file)
        return inputs


def _text(file: Any) -> str:
    """The text of a file, the same on every system and without a mark of its encoding.

    Raises:
        RunError: it cannot be read.
    """
    try:
        return Path(str(file)).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise pulumi.RunError(f"The SQL file {file} cannot be read: {reason}.") from None
