"""Secrets are taken out of texts in whatever form a service, a library or a shell writes them, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest

from pulumi_dli.redaction import MARK, Redactor

SECRET = "c4nary'<p&ss>/w\"ö+r d=9"
FORMS = {
    "plain": SECRET,
    "query": f"user=u&password={quote_plus(SECRET)}",
    "url": f"jdbc:x://u:{quote(SECRET, safe='')}@host/db",
    "lower-case url": quote(SECRET, safe="").replace("%C3%B6", "%c3%b6").replace("%2B", "%2b"),
    "json": json.dumps({"password": SECRET}),
    "json in json": json.dumps(json.dumps({"password": SECRET})),
    "json as it is": json.dumps({"password": SECRET}, ensure_ascii=False),
    "json of Go": json.dumps(SECRET).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    "json in capitals": json.dumps(SECRET).replace("\\u00f6", "\\u00F6"),
    "all escaped": "".join(f"\\u{ord(letter):04x}" for letter in SECRET),
    "html": html.escape(SECRET),
    "html of Go": html.escape(SECRET).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "xml text": escape(SECRET),
    "xml attribute": quoteattr(SECRET, {"'": "&apos;"}),
    "shell": f"flink run --password {shlex.quote(SECRET)}",
    "python": repr({"password": SECRET}),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 of a pair": base64.b64encode(f"user:{SECRET}".encode()).decode(),
    "base64 for urls": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "base64 over lines": "\n".join(base64.b64encode(SECRET.encode()).decode()[n : n + 10] for n in range(0, 40, 10)),
    "JAAS": f'PlainLoginModule required username="u" password="{SECRET}";'.replace(SECRET, json.dumps(SECRET)[1:-1]),
    "over lines": f"{SECRET[:9]}\n    {SECRET[9:]}",
    "with a blank for the break": f"{SECRET[:5]} {SECRET[5:]}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_hidden_in_every_form(form: str) -> None:
    told = Redactor([SECRET])(f"cannot log in: {form}, says the broker")
    assert MARK in told
    assert "cannot log in" in told
    assert "says the broker" in told
    rest = told.replace(MARK, "")
    assert not [piece for piece in ("c4nary", 'w"ö', "YzRuYXJ5", "c3M+") if piece in rest], told


@pytest.mark.parametrize(
    ("secret", "text", "told"),
    [
        ("1", "task 1 of 12 failed", "task [secret] of 12 failed"),
        ("16", "16 CUs of 1600", "[secret] CUs of 1600"),
        ("pw", "pw of the powder", "[secret] of the powder"),
        ("7654321.5", "limit 7654321.5 reached", "limit [secret] reached"),
        ("true", "is true", "is true"),
        ("user=u&password=S3CRETPW", "login with S3CRETPW failed", "login with [secret] failed"),
        ("jdbc:x://me:pa55@host/db", "no user me with pa55", "no user [secret] with [secret]"),
        ("--password S3CRET9", "the password S3CRET9", "the password [secret]"),
        ("orders-key", "topic orders keyed by key", "topic orders keyed by key"),
    ],
)
def test_exactly_the_secret_is_hidden(secret: str, text: str, told: str) -> None:
    assert Redactor([secret])(text) == told


CAUSES = [
    "Topic orders not present in metadata of broker-1:9092",
    "java.lang.OutOfMemoryError: Metaspace",
    'Connection to "db.example:5432" refused: password authentication failed for user "u"',
    "Could not find checkpoint obs://state/checkpoints/chk-17",
]


@pytest.mark.parametrize("cause", CAUSES)
def test_where_nothing_is_secret_nothing_is_hidden(cause: str) -> None:
    assert Redactor()(cause) == cause
    assert Redactor(["", None, "true", "unrelated-9Zq"])(cause) == cause


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert Redactor()("a\x1b[2Jb\u202ec\x00\ud800") == "a\\u001b[2Jb\\u202ec\\u0000\\ud800"


def test_ten_thousand_words_are_quick_to_look_through() -> None:
    redact = Redactor(f"secret number {n} of many" for n in range(40))
    assert MARK in redact("harmless words " * 10_000 + "secret number 7 of many")
