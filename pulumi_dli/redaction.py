"""Keeps secret values out of every text that leaves: one function, one mark.

`Redactor` knows values: the credentials of the connection, and the inputs that are secret. It hides exactly these, in
the forms in which a service or a library quotes them, and the single words of a value that is made of several (a
connection string, JAAS, arguments). Where nothing is secret nothing is hidden. It lies under all rooms and imports
none.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[secret]"
_SHORT = 4  # what is shorter is hidden where it stands alone, not inside of other words
_TELLING = 8  # what is as long is recognised although blanks stand in it
_SEPARATORS = re.compile(r"""[\s&;,'"{}\[\]()<>|\\]+""")
_NAME = re.compile(r"-{0,2}[\w.\-]*[=:]")  # in front of a value: `--password=`, `user:`
_CREDENTIAL = re.compile(
    r"""(?:pass|pwd|secret|token|key|credential)\w*["']?\s*[=:]\s*["']?([^\s"'&;,]+)""", re.IGNORECASE
)
_USER = re.compile(r"(\w+):(?=[^/\s]*@)")
_TRUTHS = frozenset({"true", "false", "null", "none"})
_PLAIN_WORDS = _TRUTHS | {"http", "https", "required", "password", "username"}
# What moves the cursor, hides or turns text around on a terminal: C0, C1, bidi marks, zero-width, lone surrogates.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class Redactor:
    """Values that must not be shown, and the one way to take them out of a text. Safe to use from many threads."""

    def __init__(self, values: Iterable[str | None] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._long: re.Pattern[str] | None = None  # of those that are recognised with a blank in them
        self._lock = threading.Lock()
        self.add(values)

    def add(self, values: Iterable[str | None]) -> None:
        """Never show these again, in whatever encoding."""
        new = {form for value in values if value for form in _forms(value)}
        with self._lock:
            if new <= self._forms:
                return
            self._forms |= new
            long = {squeezed for form in self._forms if len(squeezed := "".join(form.split())) >= _TELLING}
            self._long = re.compile("|".join(map(re.escape, sorted(long, key=len, reverse=True)))) if long else None
            self._pattern = re.compile("|".join(map(_matcher, sorted(self._forms, key=len, reverse=True))))

    def __call__(self, text: str) -> str:
        """The text as it may be shown: `MARK` for each secret, and nothing in it that a terminal would obey."""
        pattern = self._pattern
        return visible(pattern.sub(MARK, _without_broken(text, self._long)) if pattern else text)


def _without_broken(text: str, long: re.Pattern[str] | None) -> str:
    """The text without secrets that a line break, or the blank in its place, stands in the middle of."""
    places = [at for at, letter in enumerate(text) if not letter.isspace()]
    if long is None or len(places) == len(text):
        return text
    found = long.finditer("".join(text[at] for at in places))
    spans = [(places[match.start()], places[match.end() - 1] + 1) for match in found]
    for start, end in reversed(spans):
        text = text[:start] + MARK + text[end:]
    return text


def visible(text: str) -> str:
    """The text with control characters, bidi marks and the like written out: `\\u202e`."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def texts_in(value: Any) -> Iterator[str]:
    """All texts and numbers of a value, at any depth; truth values are no secret worth a mark."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _forms(value: str) -> Iterator[str]:
    """The value, its words, and each of them as URLs, JSON and base64 write it."""
    whole = {value, value.strip()} - {""}
    for text in {word for word in whole if word.lower() not in _TRUTHS} | set(_words(value)):
        yield text
        if len(text) < _SHORT:
            continue
        for url in (quote(text), quote(text, safe=""), quote_plus(text)):
            yield url
            yield re.sub("%..", lambda found: found.group().lower(), url)
        once = json.dumps(text)[1:-1]
        yield from (once, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(once)[1:-1], repr(text)[1:-1])
        yield text.replace("/", "\\/")
        yield from _marked_up(text)
        yield from _base64(text)


def _marked_up(text: str) -> Iterator[str]:
    """As XML, HTML, a careful writer of JSON and a shell write it."""
    for quotes in product(("'", "&#x27;", "&#39;", "&apos;"), ('"', "&quot;", "&#34;")):
        lines = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        yield lines.replace("'", quotes[0]).replace('"', quotes[1])
    for unsafe in ("<>&'", "<>&"):
        once = json.dumps(text)[1:-1]
        for letter in unsafe:
            once = once.replace(letter, f"\\u{ord(letter):04x}")
        yield from (once, re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found.group()[2:].upper(), once))
    yield "".join(f"\\u{ord(letter):04x}" for letter in text)
    yield shlex.quote(text)[1:-1] if shlex.quote(text) != text else text
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)


def _base64(text: str) -> Iterator[str]:
    """Alone, and inside of a longer text (`user:password`), where it begins at any of three places of a group."""
    content = text.encode("utf-8", "surrogatepass")
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + content)
        # The groups that hold bytes of the neighbours are left out.
        first = 0 if shift == 0 else 4
        last = len(coded) - 4 if (shift + len(content)) % 3 else len(coded)
        inner = coded[first:last].decode()
        if len(inner) >= 2 * _SHORT:
            yield inner
            yield inner.translate(str.maketrans("+/", "-_"))
    whole = base64.b64encode(content).decode()
    yield from (whole, whole.rstrip("="), whole.translate(str.maketrans("+/", "-_")))


def _words(value: str) -> Iterator[str]:
    """Of `--db user=u&password=S3CRET jdbc://me:pw@host`: S3CRET, me, pw, host; names before values are no secret."""
    yield from _CREDENTIAL.findall(value)
    for word in filter(None, _SEPARATORS.split(value)):
        rest = word
        while (name := _NAME.match(rest)) and name.end() < len(rest):
            rest = rest[name.end() :].lstrip("/")
        for part in (rest, *re.split("[@/:?]", rest), *_USER.findall(word)):
            named = part.startswith("-") or part[-1:] in ("=", ":") or part.lower() in _PLAIN_WORDS
            if not named and len(part) >= (1 if "@" in rest else _SHORT):
                yield part


def _matcher(form: str) -> str:
    escaped = re.escape(form)
    return rf"(?<![\w]){escaped}(?![\w])" if len(form) < _SHORT else escaped
