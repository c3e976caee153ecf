"""A small reader of SQL: statements, where a text goes wrong, and the tables that inserts join. No parser of Flink's.

The service checks the syntax at the run (DLI.13005 with a position, dli-api 14.3). What is checked here: quotes,
comments and parentheses that end, statements that begin with a known word, and an insert among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WORDS = """
ADD ALTER ANALYZE BEGIN CALL CREATE DESC DESCRIBE DROP END EXECUTE EXPLAIN INSERT LOAD REPLACE RESET SELECT SET SHOW
UNLOAD USE VALUES WITH
"""
FIRST_WORDS = frozenset(_WORDS.split())
_CLOSING = {")": "(", "]": "["}
_INSERT = re.compile(r"\bINSERT\s+(?:INTO|OVERWRITE)\s+([`\w.]+)", re.IGNORECASE)
_TABLE = re.compile(r"\b(?:FROM|JOIN)\s+(?:TABLE\s*\(\s*\w+\s*\(\s*TABLE\s+)?([`\w.]+)", re.IGNORECASE)


@dataclass(frozen=True)
class SyntaxProblem:
    """What is wrong, at a line from 1 and a column from 0, as the service's sample counts."""

    line: int
    column: int
    text: str


@dataclass(frozen=True)
class Token:
    """A word, one character, or a quoted piece; `open` when the text ends within it."""

    at: int
    text: str
    open: bool = False


@dataclass(frozen=True)
class Insert:
    """One insert: where it writes, and what it reads."""

    sink: str
    sources: tuple[str, ...]
    text: str


def problem_of(sql: str) -> SyntaxProblem | None:
    """The first thing that cannot be SQL, if there is one."""
    nested: list[Token] = []
    first, inserts = True, False
    for token in _tokens(sql):
        if token.open:
            return _problem(sql, token.at, f"{token.text[:1] if token.text[0] in _QUOTES else '/*'} is not closed")
        if first and token.text != ";":
            if token.text.upper() not in FIRST_WORDS:
                return _problem(sql, token.at, f"Encountered {token.text[:20]!r}")
            first = False
        inserts = inserts or token.text.upper() == "INSERT"
        if token.text in "([":
            nested.append(token)
        elif token.text in _CLOSING:
            if not nested or nested.pop().text != _CLOSING[token.text]:
                return _problem(sql, token.at, f"Encountered {token.text[:20]!r}")
        elif token.text == ";":
            if nested:
                return _problem(sql, nested[-1].at, f"{nested[-1].text!r} is not closed")
            first = True
    if nested:
        return _problem(sql, nested[-1].at, f"{nested[-1].text!r} is not closed")
    return None if inserts else _problem(sql, len(sql), "there is no INSERT statement")


def inserts_of(sql: str) -> list[Insert]:
    """All inserts of a text without problems, with comments and line breaks taken out."""
    found = []
    for statement in _statements(sql):
        sink = _INSERT.search(statement)
        if sink is not None:
            sources = dict.fromkeys(match.replace("`", "") for match in _TABLE.findall(statement))
            found.append(Insert(sink.group(1).replace("`", ""), tuple(sources), statement))
    return found


def has_functions(sql: str) -> bool:
    """Whether it makes functions of its own, which a static graph cannot know (dli-api 14.4)."""
    words = [re.sub(r"\s+", " ", statement).upper() for statement in _statements(sql)]
    return any(re.match(r"CREATE (TEMPORARY )?(SYSTEM )?FUNCTION ", statement + " ") for statement in words)


_QUOTES = "'\"`"


def _tokens(sql: str) -> Iterator[Token]:
    at = 0
    while at < len(sql):
        start, char = at, sql[at]
        if char.isspace():
            at += 1
        elif sql.startswith("--", at):
            at = _end(sql, "\n", at)
        elif sql.startswith("/*", at):
            at = _end(sql, "*/", at + 2)
            if not sql.endswith("*/", start + 2, at):
                yield Token(start, "/*", open=True)
        elif char in _QUOTES:
            at = _end(sql, char, at + 1)
            yield Token(start, sql[start:at], open=at == start + 1 or sql[at - 1] != char)
        else:
            word = re.compile(r"\w+").match(sql, at)
            at = word.end() if word else at + 1
            yield Token(start, sql[start:at])


def _end(sql: str, mark: str, start: int) -> int:
    found = sql.find(mark, start)
    return len(sql) if found < 0 else found + len(mark)


def _statements(sql: str) -> Iterator[str]:
    pieces: list[str] = []
    for token in _tokens(sql):
        if token.text == ";":
            yield _joined(pieces)
            pieces = []
        else:
            pieces.append(token.text)
    if pieces:
        yield _joined(pieces)


def _joined(pieces: list[str]) -> str:
    return re.sub(r"\s*\.\s*", ".", " ".join(pieces))


def _problem(sql: str, at: int, text: str) -> SyntaxProblem:
    before = sql[:at]
    line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1)
    return SyntaxProblem(line, column, f"SQL parse failed. {text} at line {line}, column {column}")
