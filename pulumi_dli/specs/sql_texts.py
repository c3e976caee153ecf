"""What two texts of SQL have in common: whether the service has the text, and whether it means the same. Pure."""

from __future__ import annotations

import re

# A quoted piece, a comment, a word, a sign. `/*+ … */` is a hint, which the planner obeys.
_PIECES = re.compile(
    r"'(?:[^']|'')*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\w+|[^\w\s]", flags=re.DOTALL
)


def is_same_sql(one: str, other: str) -> bool:
    """Whether two texts are the same but for the ends of their lines and the blanks around them."""
    return "\n".join(one.splitlines()).strip() == "\n".join(other.splitlines()).strip()


def means_the_same(one: str, other: str) -> bool:
    """Whether two texts differ in blanks, comments and closing semicolons at most, so that their plans are the same."""
    return _statements(one) == _statements(other)


def _statements(sql: str) -> list[str]:
    pieces = [piece for piece in _PIECES.findall(sql) if not piece.startswith("--") and not _is_remark(piece)]
    while pieces and pieces[-1] == ";":
        pieces.pop()
    return pieces


def _is_remark(piece: str) -> bool:
    return piece.startswith("/*") and not piece.startswith("/*+")
